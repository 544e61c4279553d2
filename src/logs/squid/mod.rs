//! Proxies that write Squid's result codes: Squid itself, Cisco's Secure Web Appliance and Olfeo.
//!
//! `TCP_DENIED` is the proxy's own denial, with 407 a demand for credentials; a status of 502 to
//! 504 is the proxy's failure to reach the server, and no verdict of anybody.

mod cisco_wsa;
mod common;
mod native;
mod olfeo_saas;

pub(super) use cisco_wsa::CiscoWsa;
pub(super) use common::SquidCommon;
pub(super) use native::Squid;
pub(super) use olfeo_saas::OlfeoSaas;

use std::net::IpAddr;

use super::format::Line;
use super::grammar::Columns;
use super::record::{Action, Kind, Party, Record};
use super::stamp::Stamp;
use super::value;
use crate::observe::Cause;

/// The result code stands within this many words; before it only a header, the time, the elapsed
/// time and the client do.
const MAX_BEFORE_RESULT: usize = 24;
/// The method stands within this many words behind the result code, with numbers between.
const MAX_BEFORE_METHOD: usize = 14;
/// The proxy's own answer to a CONNECT, which it counts among the bytes to the client.
const CONNECTION_ESTABLISHED: u64 = b"HTTP/1.1 200 Connection established\r\n\r\n".len() as u64;

/// A line of the native access log, column by column.
struct AccessLine<'l> {
    time: Stamp,
    client: Option<IpAddr>,
    /// `TCP_TUNNEL/200` as a whole, and its parts.
    result: &'l [u8],
    code: &'l [u8],
    status: u16,
    bytes: Option<u64>,
    method: &'l [u8],
    target: &'l [u8],
    /// How the proxy reached the server, and the peer.
    hierarchy: Option<(&'l [u8], &'l [u8])>,
    /// The number of the word behind the target.
    behind_target: usize,
}

/// What the words of a line are.
enum Access<'l> {
    /// No access line.
    Not,
    /// An access line that ends before its target.
    Cut,
    /// An access line.
    Line(AccessLine<'l>),
}

impl<'l> AccessLine<'l> {
    /// Finds the columns of `epoch elapsed client CODE/status bytes METHOD target user
    /// HIERARCHY/peer`, wherever a `logformat` has put further ones between them, and whatever
    /// header stands in front.
    fn parse(text: &'l [u8], words: &Columns<'_, 'l>, line: &Line<'_>) -> Access<'l> {
        let result = (1..MAX_BEFORE_RESULT.min(words.len()))
            .find_map(|at| Some((at, result_code(words.get(at)?)?)));
        let Some((result_at, (code, status))) = result else { return Access::Not };
        let time_at = (0..result_at).rev().find(|at| words.get(*at).is_some_and(is_epoch));
        let (time, first) = match time_at {
            Some(at) if words.get(at + 1).is_some_and(is_digits) => {
                (words.get(at).and_then(value::epoch).map_or(Stamp::None, Stamp::Instant), at + 2)
            }
            Some(_) => return Access::Not,
            None => {
                let end = words.place(result_at).map_or(0, |place| place.0);
                (header_time(text.get(..end).unwrap_or_default()), 0)
            }
        };
        let client = (first..result_at).rev().find_map(|at| value::address(words.get(at)?));
        // Without a time of its own, only an address right before the result code tells.
        let is_line = match time_at {
            Some(_) => first < result_at,
            None => {
                time != Stamp::None && words.get(result_at - 1).and_then(value::address).is_some()
            }
        };
        if !is_line {
            return Access::Not;
        }
        let method_at = (result_at + 1..result_at + MAX_BEFORE_METHOD)
            .find(|at| words.get(*at).is_some_and(is_method));
        let Some(method_at) = method_at else { return Access::Cut };
        let (Some(method), Some(target)) = (words.get(method_at), words.get(method_at + 1)) else {
            return Access::Cut;
        };
        let hierarchy = (method_at + 2..words.len()).find_map(|at| hierarchy(words.get(at)?));
        Access::Line(Self {
            time: line.stamp(time, b""),
            client,
            result: words.get(result_at).unwrap_or_default(),
            code,
            status,
            bytes: words.get(result_at + 1).and_then(value::number),
            method,
            target,
            hierarchy,
            behind_target: method_at + 2,
        })
    }

    /// The record that the line is; `None` when nobody tried to reach anything: a request that
    /// could not be read, the cache's own pages, a question of another cache.
    fn record(&self) -> Option<Record<'l>> {
        if self.code.starts_with(b"UDP_") || is_internal(self.target) {
            return None;
        }
        let mut record = Record::new(Kind::Http);
        record.stamp = self.time;
        record.client = Party::of(self.client);
        record.proxied = true;
        record.add_url(self.target);
        if record.names.is_empty() && record.server.address.is_none() {
            return None;
        }
        let is_direct = |way: &[u8]| way.ends_with(b"DIRECT") || way.ends_with(b"ORIGINAL_DST");
        if let Some((_, peer)) = self.hierarchy.filter(|(way, _)| is_direct(way)) {
            record.server.address = value::address(peer).or(record.server.address);
        }
        (record.action, record.cause) = verdict(self.code, self.status);
        record.note_status(self.status, self.method == b"CONNECT");
        // What the proxy itself or its cache answers is nothing that came from the server.
        let is_own = self.hierarchy.is_some_and(|(way, _)| way.ends_with(b"NONE"));
        if record.action == Action::Allow && !is_own {
            let own = if self.method == b"CONNECT" { CONNECTION_ESTABLISHED } else { 0 };
            record.set_payload_back(self.bytes.map(|bytes| bytes.saturating_sub(own)));
        }
        Some(record)
    }
}

/// What a result code and the status sent to the client say.
fn verdict(code: &[u8], status: u16) -> (Action, Option<Cause>) {
    let is_denied = memchr::memmem::find(code, b"DENIED").is_some();
    match status {
        407 => (Action::Deny, Some(Cause::ProxyAuthRequired)),
        _ if is_denied => (Action::Deny, Some(Cause::ProxyDenied)),
        502..=504 => (Action::Other, Some(Cause::ProxyFailed)),
        0 | 500.. => (Action::Other, None),
        _ if code == b"TCP_REDIRECT" => (Action::Other, None),
        _ => (Action::Allow, None),
    }
}

/// `TCP_TUNNEL/200` in its two parts.
fn result_code(raw: &[u8]) -> Option<(&[u8], u16)> {
    let at = memchr::memchr(b'/', raw)?;
    let (code, status) = raw.split_at(at);
    let status = status.get(1..)?;
    let is_status = status.len() == 3 && is_digits(status);
    (is_code(code) && is_status).then_some((code, value::number(status)?))
}

/// Whether it is a result code: `TCP_…`, `UDP_…`, `NONE` or `NONE_…`.
fn is_code(raw: &[u8]) -> bool {
    let is_known = raw.starts_with(b"TCP_")
        || raw.starts_with(b"UDP_")
        || raw == b"NONE"
        || raw.starts_with(b"NONE_");
    is_known && raw.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
}

/// `HIER_DIRECT/203.0.113.9` in its two parts.
fn hierarchy(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    const WAYS: &[&[u8]] = &[
        b"DIRECT",
        b"NONE",
        b"PARENT",
        b"ORIGINAL_DST",
        b"PINNED",
        b"HIT",
        b"MISS",
        b"ROUNDROBIN",
        b"CARP",
        b"SIBLING",
    ];
    let at = memchr::memchr(b'/', raw)?;
    let (way, peer) = raw.split_at(at);
    let is_way = way.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
        && WAYS.iter().any(|known| way.ends_with(known));
    is_way.then_some((way, peer.get(1..)?))
}

/// Whether it is a request method, which Squid replaces by `NONE` when it could not read one.
fn is_method(raw: &[u8]) -> bool {
    raw.len() >= 3
        && raw.iter().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_'))
}

/// Targets that stand for no server: `error:invalid-request`, `cache_object://localhost/info`.
fn is_internal(target: &[u8]) -> bool {
    [&b"error:"[..], b"cache_object:", b"NONE:", b"internal:"]
        .iter()
        .any(|scheme| target.starts_with(scheme))
}

/// Seconds since 1970 with milliseconds, which no other column looks like.
fn is_epoch(raw: &[u8]) -> bool {
    let digits = memchr::memchr(b'.', raw).unwrap_or(raw.len());
    matches!(digits, 9 | 10) && value::epoch(raw).is_some()
}

fn is_digits(raw: &[u8]) -> bool {
    !raw.is_empty() && raw.iter().all(u8::is_ascii_digit)
}

/// The time of a line whose `logformat` has none since 1970.
fn header_time(header: &[u8]) -> Stamp {
    let own = header
        .iter()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii_digit())
        .find_map(|(at, _)| value::common_log_time(header.get(at..)?));
    match own {
        Some((stamp, _)) => stamp,
        None => value::syslog_time(header),
    }
}
