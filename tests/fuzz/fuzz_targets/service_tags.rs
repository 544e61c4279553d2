//! Any bytes as a service-tag file, and its addresses looked up.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| egress_audit::service_tags::fuzz_service_tags(bytes));
