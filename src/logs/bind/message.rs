//! What `named` says about one question.

use std::borrow::Cow;

use super::super::format::Line;
use super::super::record::{Action, Kind, Party, Protocol, Record};
use super::super::stamp::Stamp;
use super::super::value;
use crate::observe::Cause;

/// A line of `named` about a client: what stands before it, the client, and what is said.
pub(super) struct ClientLine<'l> {
    pub(super) header: &'l [u8],
    pub(super) client: Party,
    pub(super) said: &'l [u8],
}

impl<'l> ClientLine<'l> {
    /// Finds `client [@0x…] address#port [(name)]: [view name: ]…` in a line.
    pub(super) fn parse(text: &'l [u8]) -> Option<Self> {
        Self::behind(text, b"client ")
    }

    /// The same behind another word than `client`.
    pub(super) fn behind(text: &'l [u8], word: &[u8]) -> Option<Self> {
        memchr::memmem::find_iter(text, word).find_map(|at| Self::at(text, at, word.len()))
    }

    fn at(text: &'l [u8], at: usize, length: usize) -> Option<Self> {
        let (header, rest) = text.split_at(at);
        let is_start = header.last().is_none_or(|byte| matches!(byte, b' ' | b':' | b'>' | b'\t'));
        if !is_start || !is_header(header) {
            return None;
        }
        let mut rest = rest.get(length..)?;
        if rest.starts_with(b"@0x") {
            rest = rest.get(memchr::memchr(b' ', rest)? + 1..)?;
        }
        let end = rest.iter().position(|byte| matches!(byte, b' ' | b'('))?;
        let (party, rest) = rest.split_at(end);
        let party = party.strip_suffix(b":").unwrap_or(party);
        let client = value::address_and_port(party, b'#')?.into();
        memchr::memchr(b'#', party)?;
        let rest = rest.trim_ascii_start();
        let rest = match rest.strip_prefix(b"(") {
            Some(after) => after.get(memchr::memmem::find(after, b"): ")? + 3..)?,
            None => rest,
        };
        // A view's name may hold blanks; what is said of a question begins with one of a few
        // words behind its colon.
        let said = match rest.strip_prefix(b"view ") {
            Some(after) => after.get(memchr::memmem::find(after, b": ")? + 2..)?,
            None => rest,
        };
        Some(Self { header, client, said })
    }

    /// An empty record of this client.
    pub(super) fn record(&self, line: &Line<'_>) -> Record<'l> {
        let mut record = Record::new(Kind::Dns);
        record.stamp = stamp(self.header, line);
        record.client = self.client;
        record
    }
}

/// The time of BIND's own in the header, else the header's.
pub(super) fn stamp(header: &[u8], line: &Line<'_>) -> Stamp {
    let own = header
        .iter()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii_digit())
        .find_map(|(at, _)| value::common_log_time(header.get(at..)?));
    line.stamp(own.map_or(Stamp::None, |(stamp, _)| stamp), header)
}

/// Whether it may stand before a message: short, and without anything that a message quotes.
pub(super) fn is_header(header: &[u8]) -> bool {
    header.len() <= 200
        && !header.iter().any(|byte| matches!(byte, b'"' | b'\'' | b'=' | b'{' | b'|'))
}

/// `name CLASS TYPE` and what follows.
pub(super) struct Asked<'l> {
    pub(super) name: &'l [u8],
    pub(super) query_type: u16,
    pub(super) rest: &'l [u8],
}

/// Reads `name CLASS TYPE …`; `None` for what is no question of a client, such as a zone transfer.
pub(super) fn asked(raw: &[u8]) -> Option<Asked<'_>> {
    let mut words = raw.splitn(4, |byte| *byte == b' ');
    let (name, class, kind) = (words.next()?, words.next()?, words.next()?);
    let query_type = value::dns_type(kind)?;
    (is_class(class) && !is_transfer(query_type)).then(|| Asked {
        name,
        query_type,
        rest: words.next().unwrap_or_default(),
    })
}

/// Reads `name/TYPE/CLASS` or `name/CLASS/TYPE`, the type and class perhaps absent.
pub(super) fn slashed(raw: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let mut parts = raw.rsplitn(3, |byte| *byte == b'/');
    let (last, middle, name) = (parts.next()?, parts.next(), parts.next());
    let Some((middle, name)) = middle.zip(name) else { return Some((raw, None)) };
    let kind = if is_class(last) { middle } else { last };
    let query_type = value::dns_type(kind)?;
    (!is_transfer(query_type)).then_some((name, Some(query_type)))
}

fn is_class(raw: &[u8]) -> bool {
    matches!(raw, b"IN" | b"CH" | b"HS" | b"ANY" | b"NONE") || raw.starts_with(b"CLASS")
}

/// IXFR and AXFR.
const fn is_transfer(query_type: u16) -> bool {
    matches!(query_type, 251 | 252)
}

/// Puts a question into a record: its name, type, transport and the server that it came to, as
/// the flags `+E(0)TK` and `(192.0.2.53)` behind it say.
pub(super) fn add_question<'l>(record: &mut Record<'l>, asked: &Asked<'l>) {
    record.add_name(asked.name);
    record.dns_mut().query_type = Some(asked.query_type);
    let end = memchr::memmem::find(asked.rest, b"->").unwrap_or(asked.rest.len());
    let rest = asked.rest.get(..end).unwrap_or_default();
    let server = rest
        .split(|byte| *byte == b' ')
        .find_map(|word| value::address(word.strip_prefix(b"(")?.strip_suffix(b")")?));
    record.server = Party::of(server);
    let flags = rest.split(|byte| *byte == b' ').next().unwrap_or_default();
    if let [b'+' | b'-', flags @ ..] = flags {
        let is_tcp = memchr::memchr(b'T', flags).is_some();
        record.protocol = Some(if is_tcp { Protocol::TCP } else { Protocol::UDP });
    }
}

/// Adds the addresses among resource records, as `ttl [CLASS] TYPE data` with or without an
/// owner in front and `;` behind.
pub(super) fn add_answers(record: &mut Record<'_>, records: &[u8]) {
    let mut before = (&b""[..], &b""[..]);
    let mut words =
        records.split(|byte| matches!(byte, b' ' | b';')).filter(|word| !word.is_empty());
    let mut word = words.next();
    while let Some(kind) = word {
        let next = words.next();
        if matches!(kind, b"A" | b"AAAA")
            && let Some(address) = next.and_then(value::address)
        {
            let ttl = if is_class(before.1) { before.0 } else { before.1 };
            if !address.is_unspecified() {
                record.add_answer(address, value::number(ttl));
            }
        }
        before = (before.1, kind);
        word = next;
    }
}

/// Reads `[disabled ]rpz TRIGGER POLICY rewrite name[/TYPE/CLASS] via zone` into a record.
pub(super) fn add_policy<'l>(record: &mut Record<'l>, said: &'l [u8]) -> Option<()> {
    let (said, is_disabled) = match said.strip_prefix(b"disabled ") {
        Some(said) => (said, true),
        None => (said, false),
    };
    let rest = said.strip_prefix(b"rpz ")?;
    let at = memchr::memmem::find(rest, b"rewrite ")?;
    let (decided, rest) = rest.split_at(at);
    let rest = rest.get(b"rewrite ".len()..)?;
    let mut words = rest.split(|byte| *byte == b' ');
    let (name, query_type) = slashed(words.next()?)?;
    record.add_name(name);
    record.dns_mut().query_type = query_type;
    let via = memchr::memmem::find(rest, b" via ").and_then(|at| rest.get(at + 5..));
    let zone = via.and_then(|via| via.split(|byte| *byte == b' ').next());
    record.decider.category = zone.map(Cow::Borrowed);
    let mut decided = decided.splitn(2, |byte| *byte == b' ');
    let trigger = decided.next()?;
    let policy = decided.next().unwrap_or_default().trim_ascii();
    record.decider.reason = Some(Cow::Borrowed(trigger));
    (record.action, record.cause) = match policy {
        // The policy could not be applied.
        b"" => (Action::Other, None),
        b"PASSTHRU" => (Action::Allow, None),
        _ if is_disabled => (Action::Allow, None),
        _ => (Action::Deny, Some(Cause::DnsFiltered)),
    };
    if !policy.is_empty() {
        record.decider.rule = Some(Cow::Borrowed(policy));
    }
    Some(())
}

/// `REASON resolving 'name/TYPE/CLASS': address#port`: a server further up gave no good answer.
pub(super) fn upstream_failure<'l>(text: &'l [u8], line: &Line<'_>) -> Option<Record<'l>> {
    const SIGNATURE: &[u8] = b" resolving '";
    let at = memchr::memmem::find(text, SIGNATURE)?;
    let (header, rest) = text.split_at(at);
    if !is_header(header) {
        return None;
    }
    let rest = rest.get(SIGNATURE.len()..)?;
    let (question, rest) = rest.split_at(memchr::memchr(b'\'', rest)?);
    let server = rest.strip_prefix(b"': ")?;
    let server = server.split(|byte| *byte == b' ').next()?;
    let server = value::address_and_port(server, b'#')?;
    let (name, query_type) = slashed(question)?;
    let mut record = Record::new(Kind::Dns);
    record.stamp = stamp(header, line);
    record.server = server.into();
    record.add_name(name);
    record.dns_mut().query_type = Some(query_type?);
    Some(record)
}
