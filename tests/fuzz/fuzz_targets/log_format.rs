//! Any bytes as one line for one format.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::logs::fuzz_log_format(bytes));
