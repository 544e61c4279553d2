//! Any bytes as datagrams of a DTLS handshake.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::capture::dissect::dtls::fuzz_dtls(bytes));
