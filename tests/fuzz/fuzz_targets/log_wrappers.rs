//! Any bytes as a line with wrappers around it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::logs::fuzz_log_wrappers(bytes));
