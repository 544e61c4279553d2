//! Any bytes as either side of a TLS handshake.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::capture::dissect::tls::fuzz_tls(bytes));
