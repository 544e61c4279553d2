//! Zeek's logs of connections and of what they speak, as tab-separated text and as JSON.
//!
//! ```text
//! #fields ts uid id.orig_h id.orig_p id.resp_h id.resp_p version cipher server_name
//! 1764130500.000000 CHhAvVGS1DHFjwGM9 10.1.2.3 50123 203.0.113.9 443 TLSv13 TLS_AES_128_GCM_SHA256 www.example.com
//! {"ts":1764130500.0,"uid":"C1","id.orig_h":"10.1.2.3","id.orig_p":50123,"id.resp_h":"203.0.113.9","id.resp_p":443,"proto":"tcp","conn_state":"S0"}
//! ```
//!
//! Tabs stand between the columns. Zeek only watches, so no line is a verdict; a connection that
//! its server refused (`REJ`) is a reset, and one that it left unanswered (`S0`) is said to be
//! so. Of the many logs those are read that tell of attempts: `conn`, `dns`, `ssl`, `http` and
//! `quic`.

mod json;
mod tsv;

use std::borrow::Cow;

pub(super) use json::ZeekJson;
pub(super) use tsv::ZeekTsv;

use super::record::{Action, Kind, Party, Protocol, Record};
use super::stamp::Stamp;
use super::value;
use crate::observe::Cause;

/// Which log a line is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Log {
    Connections,
    Dns,
    Tls,
    Http,
    Quic,
}

impl Log {
    /// The log by its path, the word with which Zeek names it.
    fn of_path(path: &str) -> Option<Self> {
        match path {
            "conn" => Some(Self::Connections),
            "dns" => Some(Self::Dns),
            "ssl" => Some(Self::Tls),
            "http" => Some(Self::Http),
            "quic" => Some(Self::Quic),
            _ => None,
        }
    }

    /// The log by the fields that only it has.
    fn of_fields(has: impl Fn(&str) -> bool) -> Option<Self> {
        if has("conn_state") {
            Some(Self::Connections)
        } else if has("trans_id") && (has("query") || has("rcode") || has("qtype") || has("AA")) {
            Some(Self::Dns)
        } else if has("trans_depth") && (has("method") || has("host")) {
            Some(Self::Http)
        } else if has("client_initial_dcid") {
            Some(Self::Quic)
        } else if has("established") && (has("cipher") || has("version") || has("resumed")) {
            Some(Self::Tls)
        } else {
            None
        }
    }
}

/// The fields of one line by their names.
trait Fields<'l> {
    /// A value that is set.
    fn get(&self, name: &str) -> Option<Cow<'l, [u8]>>;

    /// Hands on the elements of a vector.
    fn each(&self, name: &str, take: &mut dyn FnMut(&[u8]));
}

/// Whether a line tells of an attempt; an HTTP answer without a request does not.
fn is_attempt<'l>(log: Log, fields: &impl Fields<'l>) -> bool {
    log != Log::Http || fields.get("method").is_some() || fields.get("host").is_some()
}

/// The record of a line whose ends are addresses.
fn record<'l>(log: Log, fields: &impl Fields<'l>) -> Option<Record<'l>> {
    let mut record = Record::new(match log {
        Log::Connections => Kind::Traffic,
        Log::Dns => Kind::Dns,
        Log::Http => Kind::Http,
        Log::Tls | Log::Quic => Kind::Tls,
    });
    let party = |address: &str, port: &str| {
        Party::parse(fields.get(address).as_deref(), fields.get(port).as_deref())
    };
    record.client = party("id.orig_h", "id.orig_p");
    record.server = party("id.resp_h", "id.resp_p");
    record.client.address.and(record.server.address)?;
    record.protocol = fields.get("proto").and_then(|raw| value::protocol(&raw));
    record.stamp = fields.get("ts").and_then(|raw| stamp(&raw)).unwrap_or_default();
    match log {
        Log::Connections => add_connection(&mut record, fields),
        Log::Dns => add_dns(&mut record, fields),
        Log::Http => add_http(&mut record, fields),
        Log::Tls => add_name(&mut record, fields, "server_name"),
        Log::Quic => {
            record.protocol = Some(Protocol::UDP);
            add_name(&mut record, fields, "server_name");
        }
    }
    Some(record)
}

fn stamp(raw: &[u8]) -> Option<Stamp> {
    value::epoch(raw).map(Stamp::Instant).or_else(|| Some(value::iso_8601(raw)?.in_utc()))
}

fn add_name<'l>(record: &mut Record<'l>, fields: &impl Fields<'l>, field: &str) {
    if let Some(name) = fields.get(field) {
        record.add_name(name);
    }
}

fn add_connection<'l>(record: &mut Record<'l>, fields: &impl Fields<'l>) {
    // Ports of ICMP are type and code.
    if matches!(record.protocol, Some(Protocol(1 | 58))) {
        (record.client.port, record.server.port) = (None, None);
    }
    record.set_payload_back(fields.get("resp_bytes").and_then(|raw| value::number(&raw)));
    let is_tcp = record.protocol == Some(Protocol::TCP);
    match fields.get("conn_state").as_deref() {
        Some(b"REJ") => {
            record.action = Action::Reset;
            record.cause = is_tcp.then_some(Cause::TcpRefused);
        }
        Some(b"S0") => record.cause = is_tcp.then_some(Cause::TcpNoAnswer),
        _ => {}
    }
}

fn add_dns<'l>(record: &mut Record<'l>, fields: &impl Fields<'l>) {
    add_name(record, fields, "query");
    let query_type = fields.get("qtype_name").or_else(|| fields.get("qtype"));
    record.dns_mut().query_type = query_type.and_then(|raw| value::dns_type(&raw));
    let code = fields.get("rcode").or_else(|| fields.get("rcode_name"));
    if let Some(code) = code.and_then(|raw| value::dns_code(&raw)) {
        record.set_response(code);
    }
    let dns = record.dns_mut();
    fields.each("answers", &mut |answer| dns.answers.extend(value::address(answer)));
    fields.each("TTLs", &mut |ttl| {
        let whole = ttl.split(|byte| *byte == b'.').next().and_then(value::number::<u32>);
        if let Some(ttl) = whole {
            dns.time_to_live = Some(dns.time_to_live.map_or(ttl, |least| least.min(ttl)));
        }
    });
}

fn add_http<'l>(record: &mut Record<'l>, fields: &impl Fields<'l>) {
    add_name(record, fields, "host");
    let is_connect = fields.get("method").as_deref() == Some(b"CONNECT");
    // A request to a proxy names its target as a whole (RFC 9112 section 3.2).
    let is_absolute =
        |uri: &[u8]| !uri.starts_with(b"/") && memchr::memmem::find(uri, b"://").is_some();
    if let Some(uri) = fields.get("uri").filter(|uri| is_connect || is_absolute(uri)) {
        record.add_proxied_target(uri);
    }
    record.set_payload_back(fields.get("response_body_len").and_then(|raw| value::number(&raw)));
    let status = fields.get("status_code").and_then(|raw| value::number(&raw)).unwrap_or_default();
    record.note_status(status, is_connect);
}
