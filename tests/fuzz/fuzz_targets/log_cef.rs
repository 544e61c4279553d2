//! Any bytes as an event in the Common Event Format.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::logs::fuzz_log_cef(bytes));
