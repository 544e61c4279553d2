//! Any bytes as the lines behind titles of columns.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::logs::fuzz_log_directives(bytes));
