//! Segments, datagrams and ICMP errors made of the bytes, through the whole capture path.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::capture::fuzz_stream(bytes));
