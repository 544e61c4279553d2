//! Any bytes as a log, through the whole path.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::logs::fuzz_log(bytes));
