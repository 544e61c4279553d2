//! Proxies that log in the W3C's extended format: ProxySG and Edge SWG (Blue Coat, Symantec,
//! Broadcom), Microsoft ISA Server and Forefront TMG.
//!
//! ```text
//! #Fields: date time c-ip sc-status s-action cs-method cs-uri-scheme cs-host cs-uri-port sc-filter-result cs-categories
//! 2025-11-26 04:15:00 10.1.2.3 403 TCP_DENIED CONNECT tcp www.example.com 443 DENIED "Web Mail"
//! ```
//!
//! `sc-filter-result` is the verdict: `DENIED` blocks, `OBSERVED` and `PROXIED` let pass;
//! `x-exception-id` says why. `DENIED` with `tcp_error` and its like is a page that tells of a
//! failure on the way, which is its cause. Dates and times are in UTC by the W3C's draft.
//!
//! W3C working draft WD-logfile-960323; Broadcom "ProxySG Log Fields and Substitutions".

mod elff;
mod fields;
mod main_format;

pub(super) use elff::Elff;
pub(super) use main_format::ProxySg;
