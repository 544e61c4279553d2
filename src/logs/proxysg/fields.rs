//! What the fields of the extended format say, wherever their names stand.

use std::borrow::Cow;

use super::super::record::{Action, Kind, Party, Record};
use super::super::stamp::Stamp;
use super::super::value;
use crate::observe::Cause;

/// Exceptions that tell of a failure on the way to the server.
const FAILURES: &[&str] = &[
    "tcp_error",
    "dns_unresolved_hostname",
    "dns_server_failure",
    "gateway_error",
    "gateway_timeout",
    "ssl_failed",
    "ssl_server_error",
    "transparent_dns_resolution_failure",
];
/// Codes with which ISA Server and TMG deny.
const ISA_DENIALS: &[&str] = &["12202", "12204", "12209", "12213"];

/// Builds a record from fields by their names; `None` when no host and no address is stated.
pub(super) fn record<'l>(field: impl Fn(&str) -> Option<Cow<'l, [u8]>>) -> Option<Record<'l>> {
    let stated = |name: &str| field(name).filter(|raw| !value::is_placeholder(raw));
    let first = |names: &[&str]| names.iter().find_map(|name| stated(name));
    let address = |name: &str| stated(name).and_then(|raw| value::address(&raw));
    let port = |name: &str| stated(name).and_then(|raw| value::port(&raw));
    let mut record = Record::new(Kind::Http);
    record.proxied = true;
    record.client = Party { address: address("c-ip"), port: port("c-port") };
    let is_own = stated("s-hierarchy").is_some_and(|way| *way == *b"NONE");
    let supplier = if is_own { None } else { address("s-supplier-name") };
    record.server.address = address("r-ip")
        .or_else(|| address("s-supplier-ip"))
        .or_else(|| address("r-supplier-ip"))
        .or(supplier);
    record.server.port = port("cs-uri-port").or_else(|| port("r-port"));
    let scheme = stated("cs-uri-scheme");
    if let Some(host) = first(&["cs-host", "cs_host", "r-host"]) {
        record.server.address = value::address(&host).or(record.server.address);
        record.add_name(host);
    }
    for name in ["cs-uri", "c-url", "cs-url", "c-uri"] {
        if let Some(url) = stated(name).filter(|url| !url.starts_with(b"/")) {
            record.add_url(url);
        }
    }
    for name in ["x-cs-ssl-host", "cs-ssl-sni", "x-cs-ssl-sni"] {
        if let Some(host) = stated(name) {
            record.add_name(host);
        }
    }
    record.server.port = record.server.port.or(match scheme.as_deref() {
        Some(b"http") => Some(80),
        Some(b"https" | b"ssl") => Some(443),
        _ => None,
    });
    if record.names.is_empty() && record.server.address.is_none() {
        return None;
    }
    record.stamp = stamp(&stated);
    let status = stated("sc-status").and_then(|raw| value::number(&raw)).unwrap_or_default();
    let exception = first(&["x-exception-id"]);
    (record.action, record.cause) = verdict(&stated, status, exception.as_deref());
    let method = first(&["cs-method", "c-method"]);
    record.note_status(status, method.as_deref() == Some(b"CONNECT"));
    if record.action == Action::Allow {
        record.set_payload_back(stated("sc-bytes").and_then(|raw| value::number(&raw)));
    }
    record.decider.reason = exception;
    record.decider.category = first(&["cs-categories", "sc-filter-category", "cs-category"]);
    record.decider.rule = first(&["rule", "x-policy-rule"]);
    Some(record)
}

fn verdict<'l>(
    stated: &impl Fn(&str) -> Option<Cow<'l, [u8]>>,
    status: u16,
    exception: Option<&[u8]>,
) -> (Action, Option<Cause>) {
    let result = stated("sc-filter-result");
    let done = stated("s-action").unwrap_or_default();
    let is_denied = match result.as_deref() {
        Some(result) => result.eq_ignore_ascii_case(b"DENIED"),
        None => {
            let isa = [stated("action"), stated("sc-status")];
            memchr::memmem::find(&done, b"DENIED").is_some()
                || isa.iter().flatten().any(|word| {
                    value::is_one_of(word, ISA_DENIALS) || value::is_one_of(word, &["Denied"])
                })
        }
    };
    let is_failure = exception.is_some_and(|exception| value::is_one_of(exception, FAILURES));
    let is_denied_action = memchr::memmem::find(&done, b"DENIED").is_some();
    match (is_denied, status) {
        (_, 407) => (Action::Deny, Some(Cause::ProxyAuthRequired)),
        (true, _) if exception == Some(b"authentication_failed") => {
            (Action::Deny, Some(Cause::ProxyAuthRequired))
        }
        (true, _) if is_failure && !is_denied_action => (Action::Deny, Some(Cause::ProxyFailed)),
        (true, _) if exception == Some(b"content_filter_denied") => {
            (Action::Deny, Some(Cause::UrlFiltered))
        }
        (true, _) => (Action::Deny, Some(Cause::ProxyDenied)),
        (false, 502..=504) if result.is_none() => (Action::Other, Some(Cause::ProxyFailed)),
        (false, _) => (Action::Allow, None),
    }
}

/// `date` and `time` in UTC, or one of the fields that hold both.
fn stamp<'l>(stated: &impl Fn(&str) -> Option<Cow<'l, [u8]>>) -> Stamp {
    if let Some((date, time)) = stated("date").zip(stated("time")) {
        let mut both = date.to_vec();
        both.push(b' ');
        both.extend_from_slice(&time);
        if let Some(Stamp::NoZone(civil)) = value::iso_8601(&both) {
            return Stamp::with_offset(civil, 0);
        }
    }
    let seconds = stated("x-timestamp").or_else(|| stated("timestamp"));
    if let Some(time) = seconds.and_then(|raw| value::epoch(&raw)) {
        return Stamp::Instant(time);
    }
    for (name, is_utc) in [("gmttime", true), ("localtime", false)] {
        let Some(raw) = stated(name) else { continue };
        let raw = raw.strip_prefix(b"[").unwrap_or(&raw);
        match value::common_log_time(raw) {
            Some((Stamp::NoZone(civil), _)) if is_utc => return Stamp::with_offset(civil, 0),
            Some((stamp, _)) => return stamp,
            None => {}
        }
    }
    Stamp::None
}
