//! The unstructured texts of Junos' security services.

use std::borrow::Cow;

use super::super::record::{Action, Kind, Party, Protocol, Record};
use super::super::value;
use super::srx;
use crate::observe::Cause;

/// The names of the services, with which a message begins.
const SERVICES: &[&[u8]] =
    &[b"RT_FLOW", b"RT_UTM", b"RT_IDS", b"RT_IDP", b"RT_AAMW", b"RT_SECINTEL", b"RT_SCREEN"];

/// What stands before the service's name, and the message from there on.
pub(super) fn message(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memmem::find_iter(text, b"RT_").find(|at| {
        let is_start = text
            .get(..*at)
            .is_some_and(|before| matches!(before.last(), None | Some(b' ' | b'>' | b':')));
        let rest = text.get(*at..).unwrap_or_default();
        is_start && SERVICES.iter().any(|service| rest.starts_with(service))
    })?;
    Some(text.split_at(at))
}

/// The record of a message; `None` when it tells of no attempt, or is cut.
pub(super) fn record(message: &[u8]) -> Option<Record<'_>> {
    let find = |text: &[u8]| {
        let at = memchr::memmem::find(message, text)?;
        message.get(at + text.len()..)
    };
    if let Some(rest) = find(b"session ") {
        return session(rest);
    }
    if let Some(rest) = find(b"WebFilter: ") {
        return web_filter(rest);
    }
    screen(message)
}

/// `created A/p->B/p …`, `closed why: A/p->B/p …` or `denied A/p->B/p …`.
fn session(text: &[u8]) -> Option<Record<'_>> {
    let mut words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let verb = words.next()?;
    let mut record = Record::new(Kind::Traffic);
    record.action = match verb {
        b"created" | b"closed" => Action::Allow,
        b"denied" => Action::Deny,
        _ => return None,
    };
    let flow = words.find(|word| memchr::memmem::find(word, b"->").is_some())?;
    let arrow = memchr::memmem::find(flow, b"->")?;
    record.client = party(flow.get(..arrow)?);
    record.server = party(flow.get(arrow + 2..)?);
    let mut service = words.next()?;
    if service.starts_with(b"0x") {
        service = words.next()?;
    }
    if verb == b"denied" {
        record.protocol = words.next().and_then(value::protocol);
        record.decider.rule = words.next().map(Cow::Borrowed);
    } else {
        // Rules of address translation stand between the translated flow and the number.
        record.protocol = words.find_map(|word| {
            let is_number = word.len() < 4 && word.iter().all(u8::is_ascii_digit);
            is_number.then(|| value::protocol(word)).flatten()
        });
        record.decider.rule = record.protocol.and_then(|_| words.next()).map(Cow::Borrowed);
        let mut counts = words.filter_map(bytes);
        record.bytes_back = counts.nth(1);
    }
    record.protocol = record.protocol.or_else(|| value::protocol(service));
    if record.protocol.is_some_and(|protocol| protocol == Protocol::ICMP || protocol.0 == 58) {
        record.server.port = None;
    }
    if verb == b"closed" {
        let end = memchr::memchr(b':', text).filter(|end| *end < 40);
        let reason = end.and_then(|end| text.get(7..end)).map(<[u8]>::trim_ascii);
        record.decider.reason = reason.filter(|reason| !reason.is_empty()).map(Cow::Borrowed);
    }
    record.server.address?;
    Some(record)
}

/// The bytes of `packets(bytes)`.
fn bytes(word: &[u8]) -> Option<u64> {
    let open = memchr::memchr(b'(', word)?;
    let (packets, bytes) = word.split_at(open);
    value::number::<u64>(packets)?;
    value::number(bytes.strip_prefix(b"(")?.strip_suffix(b")")?)
}

/// `ACTION="URL Blocked" A(p)->B(p) CATEGORY="…" REASON="…" PROFILE="…" URL=… OBJ=…`.
fn web_filter(text: &[u8]) -> Option<Record<'_>> {
    let mut record = Record::new(Kind::Http);
    let arrow = memchr::memmem::find(text, b"->")?;
    let (before, behind) = text.split_at(arrow);
    record.client = party(before.rsplit(|byte| *byte == b' ').next()?);
    record.server = party(behind.get(2..)?.split(|byte| *byte == b' ').next()?);
    let value_of = |key: &str| {
        let at = memchr::memmem::find(text, key.as_bytes())?;
        let rest = text.get(at + key.len()..)?;
        match rest.strip_prefix(b"\"") {
            Some(quoted) => quoted.get(..memchr::memchr(b'"', quoted)?),
            None => rest.split(|byte| *byte == b' ').next(),
        }
    };
    let stated = |key| value_of(key).and_then(value::stated).map(Cow::Borrowed);
    record.action = match value_of("ACTION=")? {
        b"URL Blocked" => Action::Deny,
        b"URL Permitted" => Action::Allow,
        _ => Action::Other,
    };
    record.cause = (record.action == Action::Deny).then_some(Cause::UrlFiltered);
    if let Some(url) = value_of(" URL=") {
        record.add_url(url);
    }
    record.decider.policy = stated("PROFILE=");
    record.decider.category = stated("CATEGORY=");
    record.decider.reason = stated("REASON=");
    Some(record)
}

/// `RT_IDS: attack! source: A[:p], destination: B[:p], protocol-id: n, …, action: word`.
fn screen(text: &[u8]) -> Option<Record<'_>> {
    let value_of = |key: &str| {
        let at = memchr::memmem::find(text, key.as_bytes())?;
        let rest = text.get(at + key.len()..)?;
        rest.get(..memchr::memchr(b',', rest).unwrap_or(rest.len())).map(<[u8]>::trim_ascii)
    };
    let party = |key| value_of(key).and_then(value::socket).map(Party::from);
    let mut record = Record::new(Kind::Traffic);
    record.client = party("source: ").unwrap_or_default();
    record.server = party("destination: ")?;
    record.protocol = value_of("protocol-id: ").and_then(value::protocol);
    record.action = value_of("action: ").map_or(Action::Other, srx::word);
    Some(record)
}

/// `A/p` or `A(p)`.
fn party(raw: &[u8]) -> Party {
    let found = match raw.strip_suffix(b")") {
        Some(raw) => value::address_and_port(raw, b'('),
        None => value::address_and_port(raw, b'/'),
    };
    found.map(Party::from).unwrap_or_default()
}
