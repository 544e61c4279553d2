//! The fields of Check Point's logs and what they mean.
//!
//! `Accept`, `Allow`, `Bypass`, `Inspect`, `Detect`, `Monitor`, `Encrypt` and `Decrypt` pass;
//! `Drop`, `Block`, `Prevent` and `Quarantine` block; `Reject` answers with a reset; `Ask`,
//! `Inform` and `Redirect` are pages that ask the user. `service` is the destination port and
//! `origin` the gateway.

use std::borrow::Cow;

use super::super::record::{Action, Kind, Party, Protocol, Record};
use super::super::stamp::Stamp;
use super::super::value;
use crate::observe::Cause;

/// The value of a key that states something, wherever the form keeps it.
pub(super) type Get<'g, 'a> = &'g dyn Fn(&[&str]) -> Option<Cow<'a, [u8]>>;

/// The record of one log, with its own time; `None` for one that tells of no attempt.
pub(super) fn record<'a>(get: Get<'_, 'a>) -> Option<Record<'a>> {
    let action = get(&["action", "act"])?;
    let port = |keys: &[&str]| get(keys).and_then(|raw| value::port(&raw));
    let party = |keys: &[&str], ports: &[&str]| Party {
        address: get(keys).and_then(|raw| value::address(&raw)),
        port: port(ports),
    };
    let mut record = Record::new(Kind::Traffic);
    record.client = party(&["src"], &["s_port", "spt"]);
    record.server = party(&["dst"], &["service", "dpt"]);
    record.protocol = get(&["proto", "ip_proto"]).and_then(|raw| value::protocol(&raw));
    if record.protocol.is_some_and(|protocol| protocol == Protocol::ICMP) {
        record.server.port = None;
    }
    add_names(get, &mut record);
    if record.server.address.is_none() && record.names.is_empty() {
        return None;
    }
    record.action = word(&action);
    record.bytes_back = get(&["received_bytes", "in"]).and_then(|raw| value::number(&raw));
    record.packets_back = get(&["server_outbound_packets"]).and_then(|raw| value::number(&raw));
    record.decider.rule = get(&["rule_name", "https_inspection_rule_name", "rule"]);
    record.decider.policy = get(&["layer_name", "policy_name"]);
    record.decider.category =
        get(&["matched_category", "appi_name", "protection_name", "app_category", "attack"]);
    if matches!(record.action, Action::Deny | Action::Reset) {
        record.decider.reason = get(&["reason", "message_info", "tcp_packet_out_of_state", "msg"]);
        record.cause = cause(&record, get);
    }
    if get(&["tcp_packet_out_of_state"]).is_some()
        || get(&["message_info"]).is_some_and(|text| text.starts_with(b"TCP packet out of state"))
    {
        record.is_out_of_state = true;
    }
    record.stamp = get(&["time", "rt"]).map(|raw| stamp(&raw)).unwrap_or_default();
    Some(record)
}

/// The destination's names. `resource` is a list of URLs, or a word that is none.
fn add_names<'a>(get: Get<'_, 'a>, record: &mut Record<'a>) {
    let product = get(&["product"]).unwrap_or_default();
    if memchr::memmem::find(&product, b"HTTPS Inspection").is_some() {
        record.kind = Kind::Tls;
    }
    if let Some(resource) = get(&["resource", "request"]) {
        let is_separator = |byte: &u8| matches!(byte, b',' | b' ' | b';');
        for url in resource.split(is_separator).filter(|url| is_url(url)) {
            record.kind = Kind::Http;
            match &resource {
                Cow::Borrowed(whole) => {
                    // The same part of the text that outlives the value.
                    let part = whole.split(is_separator).find(|part| part == &url);
                    record.add_url(part.unwrap_or_default());
                }
                Cow::Owned(_) => {
                    record.add_url(url.to_vec());
                }
            }
        }
    }
    let server_name = ["tls_server_host_name", "sni"];
    if let Some(name) = server_name.iter().find_map(|key| get(&[key]))
        && record.add_name(name)
        && record.kind == Kind::Traffic
    {
        record.kind = Kind::Tls;
    }
    if let Some(name) = get(&["dst_domain_name", "dhost"]) {
        record.add_name(name);
    }
    if let Some(name) = get(&["dns_query"])
        && record.add_name(name)
    {
        record.kind = Kind::Dns;
    }
}

/// A resource may be a word that is no URL.
fn is_url(resource: &[u8]) -> bool {
    memchr::memmem::find(resource, b"://").is_some() || memchr::memchr(b'.', resource).is_some()
}

fn cause(record: &Record<'_>, get: Get<'_, '_>) -> Option<Cause> {
    let product = get(&["product"]).unwrap_or_default();
    let is_of = |name: &str| memchr::memmem::find(&product, name.as_bytes()).is_some();
    if record.kind == Kind::Dns {
        Some(Cause::DnsFiltered)
    } else if is_of("HTTPS Inspection") {
        Some(Cause::TlsPolicy)
    } else if is_of("URL Filtering") || is_of("Application Control") {
        Some(Cause::UrlFiltered)
    } else {
        None
    }
}

/// What a word of `action` means; the TLS inspection puts `HTTPS ` before it.
fn word(action: &[u8]) -> Action {
    const PASSED: &[&str] = &[
        "accept",
        "allow",
        "bypass",
        "inspect",
        "detect",
        "monitor",
        "monitored",
        "encrypt",
        "decrypt",
        "forward",
    ];
    const BLOCKED: &[&str] = &["drop", "block", "prevent", "quarantine"];
    let action = action.strip_prefix(b"HTTPS ").unwrap_or(action);
    if value::is_one_of(action, PASSED) {
        Action::Allow
    } else if value::is_one_of(action, BLOCKED) {
        Action::Deny
    } else if action.eq_ignore_ascii_case(b"reject") {
        Action::Reset
    } else {
        Action::Other
    }
}

/// Seconds since 1970, perhaps with text behind them, or ISO 8601.
fn stamp(raw: &[u8]) -> Stamp {
    let digits = raw.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(raw.len());
    let epoch = raw.get(..digits).and_then(value::epoch).map(Stamp::Instant);
    epoch.or_else(|| value::event_time(raw)).unwrap_or_default()
}
