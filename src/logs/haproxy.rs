//! HAProxy's HTTP and TCP logs.
//!
//! ```text
//! 10.1.2.3:50123 [26/Nov/2025:04:15:00.250] fe-out~ be-out/server1 0/0/3/173/176 200 739 - - ---- 1/1/0/0/0 0/0 {www.example.com} "CONNECT www.example.com:443 HTTP/1.1"
//! ```
//!
//! The destination has a name only in an absolute target, a CONNECT, or a captured header; other
//! lines are a web site's and no records. `P` as the first letter of the termination state means
//! that the proxy ended the session, mostly by a rule.
//!
//! HAProxy Configuration Manual, chapter 8, "Logging". The times are local.
//!
//! What it witnesses: Bytes read from the server are payload with the head. The status is the client's:
//! of a refused CONNECT the proxy's, of a relayed 403 or 451 the origin's; termination flags (`PR`,
//! `SC`) tell the proxy's own.

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::Scratch;
use super::record::{Action, Kind, Party, Protocol, Record};
use super::stamp::Stamp;
use super::value;
use crate::observe::Cause;

/// The format.
pub(super) struct Haproxy;

impl Format for Haproxy {
    fn about(&self) -> &'static About {
        &About {
            id: "haproxy",
            product: "HAProxy",
            reference: "HAProxy Configuration Manual: Logging",
            recognised_by: "client:port [time] frontend backend/server n/n/n; Connect from a:p to b:p (",
            literals: &["] ", "Connect from "],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        if let Some(record) = connect(text, line) {
            emit(&record);
            return Reading::Records;
        }
        let words = scratch.words(text);
        let time = (1..words.len().min(16)).find_map(|at| {
            let (stamp, rest) = value::common_log_time(words.get(at)?)?;
            rest.is_empty().then_some((at, stamp))
        });
        let Some((at, stamp)) = time else { return Reading::NotMine };
        let client = words.get(at - 1).and_then(value::socket);
        let Some((address, Some(port))) = client else { return Reading::NotMine };
        let slashed =
            |at: usize| words.get(at).is_some_and(|word| memchr::memchr(b'/', word).is_some());
        if words.get(at + 1).is_some_and(|word| word.ends_with(b":")) {
            // A handshake that failed: `frontend/1: SSL handshake failure`.
            return Reading::NoRecord;
        }
        if words.len() <= at + 3 || value::has_open_quote(text) {
            return Reading::Damaged;
        }
        if !slashed(at + 2) || !words.get(at + 3).is_some_and(is_timers) {
            return Reading::NotMine;
        }
        let mut record = Record::new(Kind::Http);
        record.stamp = line.stamp(stamp, b"");
        record.client = Party { address: Some(address), port: Some(port) };
        let last = words.len().saturating_sub(1);
        let request =
            (at + 9..=last).rev().filter_map(|at| words.get(at)).find(|word| is_request(word));
        let Some(request) = request else { return Reading::NoRecord };
        if let Some(target) = proxied_target(request) {
            record.proxied = true;
            record.add_url(target);
        }
        // Of a request to a proxy the header counts too, if it was captured.
        if let Some(host) = captured_host(text) {
            record.add_name(host);
        }
        if record.names.is_empty() && record.server.address.is_none() {
            return Reading::NoRecord;
        }
        let status = words.get(at + 4).and_then(value::number).unwrap_or_default();
        let state = words.get(at + 8).unwrap_or_default();
        (record.action, record.cause) = verdict(state, status);
        record.note_status(status, request.starts_with(b"CONNECT "));
        if record.action == Action::Allow {
            record.set_payload_back(words.get(at + 5).and_then(value::number));
        }
        emit(&record);
        Reading::Records
    }
}

/// `0/0/3/173/176`, -1 for what did not happen, `+` in front of what goes on.
fn is_timers(word: &[u8]) -> bool {
    memchr::memchr_iter(b'/', word).count() >= 2
        && word.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'/' | b'-' | b'+'))
}

fn is_request(word: &[u8]) -> bool {
    let method = word.split(|byte| *byte == b' ').next().unwrap_or_default();
    method.len() >= 3
        && method.len() < word.len()
        && method.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'-')
}

/// The target of a request that is meant for a proxy.
fn proxied_target(request: &[u8]) -> Option<&[u8]> {
    let (method, rest) = request.split_at(memchr::memchr(b' ', request)?);
    let target = rest.get(1..)?.split(|byte| *byte == b' ').next()?;
    let is_absolute = memchr::memmem::find(target, b"://").is_some_and(|at| at < 8);
    (method == b"CONNECT" || (is_absolute && !target.starts_with(b"/"))).then_some(target)
}

/// A host among the captured request headers, `{www.example.com|Mozilla…}`.
fn captured_host(text: &[u8]) -> Option<&[u8]> {
    let open = memchr::memmem::find(text, b" {")? + 2;
    let captured = text.get(open..)?;
    let captured = captured.get(..memchr::memchr(b'}', captured)?)?;
    captured.split(|byte| *byte == b'|').find(|value| {
        let is_host =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
        let host = value::host(value).unwrap_or_default();
        let top = host.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        value.iter().all(is_host)
            && memchr::memchr(b'.', host).is_some()
            && top.len() >= 2
            && top.iter().all(|byte| byte.is_ascii_alphabetic())
    })
}

fn verdict(state: &[u8], status: u16) -> (Action, Option<Cause>) {
    match (state, status) {
        ([b'P', ..], 407) | (_, 407) => (Action::Deny, Some(Cause::ProxyAuthRequired)),
        ([b'P', ..], _) => (Action::Deny, Some(Cause::ProxyDenied)),
        (_, 502..=504) => (Action::Other, Some(Cause::ProxyFailed)),
        ([first, ..], _) if *first != b'-' => (Action::Other, None),
        (_, 0 | 500..) => (Action::Other, None),
        _ => (Action::Allow, None),
    }
}

/// `Connect from 10.1.2.3:50123 to 203.0.113.9:443 (frontend/TCP)`, which is logged without
/// `option tcplog` and `option httplog`.
fn connect<'l>(text: &'l [u8], line: &Line<'_>) -> Option<Record<'l>> {
    let at = memchr::memmem::find(text, b"Connect from ")?;
    let (header, rest) = text.split_at(at);
    let rest = rest.get(b"Connect from ".len()..)?;
    let (client, rest) = rest.split_at(memchr::memmem::find(rest, b" to ")?);
    let rest = rest.get(4..)?;
    let (server, rest) = rest.split_at(memchr::memchr(b' ', rest)?);
    rest.strip_prefix(b" (")?;
    let party = |raw: &[u8]| {
        let (address, port) = value::socket(raw)?;
        Some(Party { address: Some(address), port: Some(port?) })
    };
    let mut record = Record::new(Kind::Traffic);
    record.client = party(client)?;
    record.server = party(server)?;
    record.protocol = Some(Protocol::TCP);
    record.action = Action::Allow;
    record.stamp = line.stamp(Stamp::None, header);
    Some(record)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = r#"10.1.2.3:50123 [26/Nov/2025:04:15:00.250] fe~ be/s1 0/0/3/173/176 200 739 - - ---- 1/1/0/0/0 0/0 "CONNECT www.example.com:443 HTTP/1.1"
Nov 26 04:15:01 lb haproxy[7]: 10.1.2.3:50124 [26/Nov/2025:04:15:01.000] fe~ fe/<NOSRV> -1/-1/-1/-1/0 403 188 - - PR-- 1/1/0/0/0 0/0 {a.example.com|curl/8.5} "GET /x HTTP/1.1"
10.1.2.3:50125 [26/Nov/2025:04:15:02.000] fe~ be/s1 0/0/-1/-1/3 503 216 - - SC-- 1/1/0/0/0 0/0 "GET http://b.example.com:8080/ HTTP/1.1"
10.1.2.3:50126 [26/Nov/2025:04:15:03.000] fe~ be/s1 0/0/0/5/5 200 7500 - - --VN 4/4/0/0/0 0/0 {Mozilla/5.0 (X11)} "GET /css?u=http://x.example.com/ HTTP/1.1"
10.1.2.3:50127 [26/Nov/2025:04:15:04.000] fe/1: SSL handshake failure
Connect from 10.1.2.3:50128 to 203.0.113.9:443 (fe/TCP)
"#;

    #[test]
    fn only_lines_with_a_destination_are_records() {
        let expected = [
            "1 allow http - 10.1.2.3#50123 -#443 www.example.com 2025-11-26T04:15:00.25",
            "2 deny http - 10.1.2.3#50124 - a.example.com 2025-11-26T04:15:01 proxy_denied",
            "3 other http - 10.1.2.3#50125 -#8080 b.example.com 2025-11-26T04:15:02 proxy_failed",
            "6 allow traffic tcp 10.1.2.3#50128 203.0.113.9#443 - -",
        ];
        assert_eq!(records_of("haproxy", LOG), expected);
    }
}
