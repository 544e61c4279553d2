//! Any bytes as a DNS message and as DNS over TCP.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::capture::dissect::dns::fuzz_dns(bytes));
