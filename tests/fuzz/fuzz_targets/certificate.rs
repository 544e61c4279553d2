//! Any bytes as a certificate, as a list of them and as what a server sends.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::trust::fuzz_certificate(bytes));
