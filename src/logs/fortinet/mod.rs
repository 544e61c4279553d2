//! Fortinet: FortiGate's `key=value` lines, the same separated by commas and as CEF events, and
//! FortiProxy's.
//!
//! The keys and their meaning are those of [`fields`]; each form only splits them its own way.

mod fields;
mod fortigate;
mod fortigate_cef;
mod fortigate_csv;
mod fortiproxy;

pub(super) use fortigate::Fortigate;
pub(super) use fortigate_cef::FortigateCef;
pub(super) use fortigate_csv::FortigateCsv;
pub(super) use fortiproxy::Fortiproxy;
