//! Any bytes as an event in the Log Event Extended Format.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::logs::fuzz_log_leef(bytes));
