//! Any bytes as a log whose units are looked for, whole and in pieces.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::logs::fuzz_log_framing(bytes));
