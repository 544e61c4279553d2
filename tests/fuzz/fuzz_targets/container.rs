//! Any bytes as a capture file, read to its end.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::capture::container::fuzz_container(bytes));
