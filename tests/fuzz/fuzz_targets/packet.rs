//! Any bytes as a packet of any link type.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::capture::packet::fuzz_packet(bytes));
