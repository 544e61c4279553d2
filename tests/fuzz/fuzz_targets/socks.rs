//! Any bytes as SOCKS requests and replies.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::capture::dissect::socks::fuzz_socks(
    bytes
));
