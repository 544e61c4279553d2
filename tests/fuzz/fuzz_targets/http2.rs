//! Any bytes as what either side says in HTTP/2.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::capture::dissect::http2::fuzz_http2(
    bytes
));
