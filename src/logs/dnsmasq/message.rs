//! One line of dnsmasq, taken apart.

use std::net::IpAddr;

use super::super::record::Party;
use super::super::value;

/// A line: who wrote it, about which question, and what it says.
pub(super) struct Entry<'l> {
    /// What stands before the program's name.
    pub(super) header: &'l [u8],
    /// The host, if the header names one, to tell several daemons in one file apart.
    pub(super) host: &'l [u8],
    /// The process.
    pub(super) process: &'l [u8],
    /// The question's serial number, with `--log-queries=extra`.
    pub(super) serial: Option<u64>,
    /// The client of the question, likewise.
    pub(super) client: Party,
    pub(super) said: Said<'l>,
}

/// What a line says.
#[derive(Clone, Copy)]
pub(super) enum Said<'l> {
    /// Nothing about a name that a client asked for.
    Nothing,
    /// The line was cut.
    Cut,
    Query {
        name: &'l [u8],
        query_type: Option<u16>,
        client: Option<IpAddr>,
    },
    Forwarded {
        name: &'l [u8],
        server: Party,
    },
    Answer {
        source: &'l [u8],
        name: &'l [u8],
        answer: Answer,
    },
}

/// Types of questions for addresses (RFC 1035 section 3.2.2, RFC 3596 section 2.1).
pub(super) const A: u16 = 1;
pub(super) const AAAA: u16 = 28;

/// What a name is.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    Address(IpAddr),
    /// Another name, which the next line is about.
    Alias,
    /// Records of another type.
    Other,
    /// Without records of the type asked for, which the line may state.
    NoData(Option<u16>),
    Code {
        code: u16,
        is_not_ready: bool,
    },
    /// A name behind an alias that Pi-hole blocks.
    BlockedAlias,
}

impl Answer {
    /// Whether it answers the question, and not only says something of a name on the way.
    pub(super) const fn is_of_the_asked_name(self) -> bool {
        !matches!(self, Self::Other | Self::BlockedAlias)
    }
}

/// Sources of answers that are one word.
const WORDS: &[&[u8]] = &[b"reply", b"cached", b"cached-stale", b"config", b"Rate-limiting"];
/// Sources of answers that are several.
const PHRASES: &[&[u8]] = &[
    b"gravity blocked",
    b"exactly denied",
    b"exactly blacklisted",
    b"regex denied",
    b"regex blacklisted",
    b"antigravity denied",
    b"special domain",
    b"Mozilla canary domain",
    b"Apple iCloud Private Relay domain",
    b"Pi-hole hostname",
];
/// Beginnings of sources that end in words of their own.
const BEGINNINGS: &[&[u8]] = &[b"blocked upstream with ", b"to be refused ("];

impl<'l> Entry<'l> {
    pub(super) fn parse(text: &'l [u8]) -> Option<Self> {
        const PROGRAM: &[u8] = b"dnsmasq";
        let at = memchr::memmem::find(text, PROGRAM)?;
        let (header, rest) = text.split_at(at);
        let rest = rest.get(PROGRAM.len()..)?;
        if !is_header(header) {
            return None;
        }
        let (process, message) = program_end(rest)?;
        let host = header.trim_ascii_end();
        let host = host.get(memchr::memrchr(b' ', host).map_or(0, |at| at + 1)..)?;
        let host = if memchr::memchr(b':', host).is_some() { &b""[..] } else { host };
        let (serial, client, message) = extra(message);
        Some(Self { header, host, process, serial, client, said: said(message) })
    }
}

/// Whether what stands in front may be a header of syslog: nothing that ends a sentence, so that
/// the name of the program in another's message does not count.
fn is_header(header: &[u8]) -> bool {
    let ends = header.last().is_none_or(|byte| matches!(byte, b' ' | b'>' | b'\t' | b'/' | b'|'));
    ends && header.len() < 160
        && memchr::memmem::find(header, b"]: ").is_none()
        && memchr::memchr(b'"', header).is_none()
}

/// The process and the message behind `dnsmasq[812]: `, `dnsmasq: ` or RFC 5424's
/// `dnsmasq 812 - - `.
fn program_end(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    if let Some(message) = rest.strip_prefix(b": ") {
        return Some((b"", message));
    }
    if let Some(rest) = rest.strip_prefix(b"[") {
        let end = memchr::memchr(b']', rest)?;
        let process = rest.get(..end)?;
        let message = rest.get(end + 1..)?.strip_prefix(b":")?.trim_ascii_start();
        let is_process = process.iter().all(u8::is_ascii_digit);
        return is_process.then_some((process, message));
    }
    let mut words = rest.strip_prefix(b" ")?.splitn(4, |byte| *byte == b' ');
    let (process, _, data, message) = (words.next()?, words.next()?, words.next()?, words.next()?);
    (data == b"-").then_some((process, message))
}

/// Takes `[UDP ]serial client/port ` off.
fn extra(message: &[u8]) -> (Option<u64>, Party, &[u8]) {
    let inner =
        message.strip_prefix(b"UDP ").or_else(|| message.strip_prefix(b"TCP ")).unwrap_or(message);
    let serial = word(inner).and_then(|(word, rest)| Some((value::number::<u64>(word)?, rest)));
    let Some((serial, rest)) = serial else { return (None, Party::default(), message) };
    let client = word(rest).and_then(|(word, rest)| {
        memchr::memchr(b'/', word)?;
        Some((value::address_and_port(word, b'/')?.into(), rest))
    });
    match client {
        Some((client, rest)) => (Some(serial), client, rest),
        None => (Some(serial), Party::default(), rest),
    }
}

fn said(message: &[u8]) -> Said<'_> {
    if let Some(rest) = message.strip_prefix(b"query[").or_else(|| message.strip_prefix(b"auth[")) {
        return query(rest).unwrap_or(Said::Cut);
    }
    if let Some(rest) = message.strip_prefix(b"forwarded ") {
        return forwarded(rest).unwrap_or(Said::Cut);
    }
    answer(message).unwrap_or(Said::Nothing)
}

/// `A] name from client`.
fn query(rest: &[u8]) -> Option<Said<'_>> {
    let (kind, rest) = rest.split_at(memchr::memchr(b']', rest)?);
    let rest = rest.strip_prefix(b"] ")?;
    let end = memchr::memmem::rfind(rest, b" from ")?;
    let (client, _) = word(rest.get(end + 6..)?)?;
    Some(Said::Query {
        name: rest.get(..end)?,
        query_type: value::dns_type(kind),
        client: value::address(client),
    })
}

/// `name to server`, the server perhaps with `#port`.
fn forwarded(rest: &[u8]) -> Option<Said<'_>> {
    let end = memchr::memmem::rfind(rest, b" to ")?;
    let (server, _) = word(rest.get(end + 4..)?)?;
    let server = value::address_and_port(server, b'#')?.into();
    Some(Said::Forwarded { name: rest.get(..end)?, server })
}

/// `source name is answer`.
fn answer(message: &[u8]) -> Option<Said<'_>> {
    let end = if message.starts_with(b"to be refused (") {
        memchr::memmem::rfind(message, b" is ")?
    } else {
        memchr::memmem::find(message, b" is ")?
    };
    let (left, right) = (message.get(..end)?, message.get(end + 4..)?);
    let blank = memchr::memrchr(b' ', left)?;
    let (source, name) = (left.get(..blank)?, left.get(blank + 1..)?);
    let is_source = WORDS.contains(&source)
        || PHRASES.contains(&source)
        || BEGINNINGS.iter().any(|start| source.starts_with(start))
        || source.starts_with(b"/");
    // An address in the name's place is the answer to a question for a name by its address.
    if !is_source || name.ends_with(b"unprintable>") || value::address(name).is_some() {
        return None;
    }
    let (value, rest) = word(right)?;
    let answer = match value {
        b"<CNAME>" => Answer::Alias,
        b"blocked" => Answer::BlockedAlias,
        b"NODATA" => Answer::NoData(None),
        b"NODATA-IPv4" => Answer::NoData(Some(A)),
        b"NODATA-IPv6" => Answer::NoData(Some(AAAA)),
        _ if value.starts_with(b"<") => Answer::Other,
        _ => match (value::address(value), named_code(value)) {
            (Some(address), _) => Answer::Address(address),
            (None, Some(code)) => {
                let is_not_ready = memchr::memmem::find(rest, b"not ready").is_some();
                Answer::Code { code, is_not_ready }
            }
            (None, None) => return None,
        },
    };
    Some(Said::Answer { source, name, answer })
}

/// A response code by its name; a number in its place is text of another record.
fn named_code(value: &[u8]) -> Option<u16> {
    value.first()?.is_ascii_uppercase().then_some(())?;
    value::dns_code(value)
}

/// The first word and what follows.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let end = memchr::memchr(b' ', text).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (!word.is_empty()).then(|| (word, rest.get(1..).unwrap_or_default()))
}
