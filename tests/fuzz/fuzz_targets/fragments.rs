//! Any bytes as the fragments of IP packets.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::capture::fuzz_fragments(bytes));
