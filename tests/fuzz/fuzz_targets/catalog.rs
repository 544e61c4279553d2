//! Any bytes as a user's catalog, and names matched against it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::catalog::fuzz_catalog(bytes));
