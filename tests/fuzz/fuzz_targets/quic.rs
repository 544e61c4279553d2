//! Any bytes as the datagrams of a QUIC connection.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::capture::dissect::quic::fuzz_quic(bytes));
