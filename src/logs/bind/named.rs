//! `named` itself.
//!
//! What it witnesses: A resolver's log: what it says of a question is of the question alone, and no
//! connection is told of. Refusals and response policies deny; a question alone has no verdict.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::Scratch;
use super::super::record::{Action, Record};
use super::super::value;
use super::message::{
    ClientLine, add_answers, add_policy, add_question, asked, is_header, slashed, upstream_failure,
};
use crate::observe::Cause;

/// The format.
pub(in crate::logs) struct Bind;

impl Format for Bind {
    fn about(&self) -> &'static About {
        &About {
            id: "bind",
            product: "BIND 9",
            reference: "BIND 9 Administrator Reference Manual: Logging",
            recognised_by: "client @0x… address#port (name): query:, query … denied, rpz …",
            literals: &["client ", "resolving '", "named[", "named: "],
        }
    }

    fn read_text(&self, text: &[u8], line: &Line<'_>, _: &mut Scratch, emit: Emit<'_>) -> Reading {
        let record = match ClientLine::parse(text) {
            Some(client) => {
                let mut record = client.record(line);
                match say(&mut record, client.said) {
                    Some(()) => Some(record),
                    None if is_cut(client.said) => return Reading::Damaged,
                    None => return Reading::NoRecord,
                }
            }
            None => upstream_failure(text, line),
        };
        match record {
            Some(record) if record.names.is_empty() => Reading::NoRecord,
            Some(record) => {
                emit(&record);
                Reading::Records
            }
            None if is_named(text) => Reading::NoRecord,
            None => Reading::NotMine,
        }
    }
}

/// Reads what is said of a client's question; `None` for everything else.
fn say<'l>(record: &mut Record<'l>, said: &'l [u8]) -> Option<()> {
    if let Some(question) = said.strip_prefix(b"query: ") {
        add_question(record, &asked(question)?);
        return Some(());
    }
    if let Some(answer) = said.strip_prefix(b"answer: ") {
        return add_answer(record, answer);
    }
    if let Some(failure) = said.strip_prefix(b"query failed (") {
        return add_failure(record, failure);
    }
    if let Some(refused) =
        said.strip_prefix(b"query (cache) '").or_else(|| said.strip_prefix(b"query '"))
    {
        let (question, rest) = refused.split_at(memchr::memchr(b'\'', refused)?);
        if !rest.starts_with(b"' denied") {
            return None;
        }
        let (name, query_type) = slashed(question)?;
        record.add_name(name);
        record.dns_mut().query_type = query_type;
        record.set_response(5);
        let reason = rest.get(8..).unwrap_or_default().trim_ascii();
        if !reason.is_empty() {
            record.decider.reason = Some(Cow::Borrowed(reason));
        }
        return Some(());
    }
    add_policy(record, said)
}

/// `name CLASS TYPE flags (server) -> CODE records`.
pub(super) fn add_answer<'l>(record: &mut Record<'l>, answer: &'l [u8]) -> Option<()> {
    let asked = asked(answer)?;
    add_question(record, &asked);
    let at = memchr::memmem::find(asked.rest, b"-> ")?;
    let rest = asked.rest.get(at + 3..)?;
    let code = rest.split(|byte| *byte == b' ').next()?;
    record.set_response(value::dns_code(code)?);
    add_answers(record, rest.get(code.len()..).unwrap_or_default());
    Some(())
}

/// `REASON) for name/CLASS/TYPE at query.c:8678`.
fn add_failure<'l>(record: &mut Record<'l>, failure: &'l [u8]) -> Option<()> {
    let (reason, rest) = failure.split_at(memchr::memchr(b')', failure)?);
    let question = rest.strip_prefix(b") for ")?;
    let (name, query_type) = slashed(question.split(|byte| *byte == b' ').next()?)?;
    record.add_name(name);
    match value::dns_code(reason) {
        Some(code) => record.set_response(code),
        None => (record.action, record.cause) = (Action::Other, Some(Cause::DnsServfail)),
    }
    record.dns_mut().query_type = query_type;
    record.decider.reason = Some(Cow::Borrowed(reason));
    Some(())
}

/// Whether a question was cut within what every question has.
fn is_cut(said: &[u8]) -> bool {
    let question = said.strip_prefix(b"query: ").or_else(|| said.strip_prefix(b"answer: "));
    question.is_some_and(|question| question.split(|byte| *byte == b' ').count() < 3)
}

/// Whether `named` says in the header that it wrote the line.
fn is_named(text: &[u8]) -> bool {
    let at =
        memchr::memmem::find(text, b"named[").or_else(|| memchr::memmem::find(text, b"named: "));
    at.is_some_and(|at| {
        let header = text.get(..at).unwrap_or_default();
        is_header(header) && header.last().is_none_or(|byte| matches!(byte, b' ' | b'>' | b'/'))
    })
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = "\
26-Nov-2025 04:15:00.250 queries: info: client @0x7f0c 10.1.2.3#50123 (www.example.com): view my view: query: www.example.com IN A +E(0)TK (192.0.2.53)
26-Nov-2025 04:15:01.000 security: info: client 10.1.2.3#50124 (a.example.com): query (cache) 'a.example.com/A/IN' denied (allow-query-cache did not match)
Nov 26 04:15:02 ns1 named[812]: client @0x7f0c 2001:db8::5#50125 (b.example.com): rpz QNAME NXDOMAIN rewrite b.example.com/AAAA/IN via b.example.com.block.rpz
26-Nov-2025 04:15:03.000 client @0x7f0c 10.1.2.3#50126 (c.example.com): disabled rpz QNAME NODATA rewrite c.example.com/A/IN via c.example.com.test.rpz
26-Nov-2025 04:15:04.000 client @0x7f0c 10.1.2.3#50127 (d.example.com): rpz QNAME PASSTHRU rewrite d.example.com/A/IN via d.example.com.wl
26-Nov-2025 04:15:05.000 query-errors: info: client @0x7f0c 10.1.2.3#50128 (e.example.com): query failed (SERVFAIL) for e.example.com/IN/A at query.c:7841
26-Nov-2025 04:15:06.000 client @0x7f0c 10.1.2.3#50129 (f.example.com): zone transfer 'example.com/AXFR/IN' denied
26-Nov-2025 04:15:07.000 lame-servers: info: timed out resolving 'g.example.com/A/IN': 192.0.2.54#53
26-Nov-2025 04:15:08.000 queries: info: client @0x7f0c 10.1.2.3#50130 (h.example.com): query: h.exam
26-Nov-2025 04:15:09.000 app: \"client 10.1.2.3#1: query: quoted.example.com IN A\"
";

    #[test]
    fn questions_denials_and_policies() {
        let expected = [
            "1 other dns tcp 10.1.2.3#50123 192.0.2.53 www.example.com 2025-11-26T04:15:00.25",
            "2 deny dns - 10.1.2.3#50124 - a.example.com 2025-11-26T04:15:01 dns_refused",
            "3 deny dns - 2001:db8::5#50125 - b.example.com --11-26T04:15:02 dns_filtered",
            "4 allow dns - 10.1.2.3#50126 - c.example.com 2025-11-26T04:15:03",
            "5 allow dns - 10.1.2.3#50127 - d.example.com 2025-11-26T04:15:04",
            "6 other dns - 10.1.2.3#50128 - e.example.com 2025-11-26T04:15:05 dns_servfail",
            "8 other dns - - 192.0.2.54#53 g.example.com 2025-11-26T04:15:07",
        ];
        assert_eq!(records_of("bind", LOG), expected);
    }
}
