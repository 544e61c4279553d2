//! PowerDNS Recursor with `quiet=no`: structured lines, and the text of releases before 4.9.
//!
//! ```text
//! Nov 26 04:15:00 msg="Answer" subsystem="syncres" ts="1764130500.250" proto="udp" qname="www.example.com" qtype="A" rcode="0" remote="10.1.2.3:50123"
//! Nov 26 04:15:01 ns1 pdns_recursor[812]: 3 [1/1] question for 'www.example.com|A' from 10.1.2.3
//! ```
//!
//! A question has no verdict; an answer has its response code.
//!
//! PowerDNS Recursor documentation, "Structured Logging"; setting `quiet`.
//!
//! What it witnesses: A resolver's log: what it says of a question is of the question alone, and no
//! connection is told of. Only the response code decides, and policies of the recursor.

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{PairStyle, Scratch};
use super::record::{Kind, Party, Record};
use super::stamp::Stamp;
use super::value;

/// The format.
pub(super) struct PowerDns;

impl Format for PowerDns {
    fn about(&self) -> &'static About {
        &About {
            id: "powerdns",
            product: "PowerDNS Recursor",
            reference: "PowerDNS Recursor: Structured Logging",
            recognised_by: "msg=\"Question|Answer\" subsystem=\"syncres\" qname=; question for 'name|A' from",
            literals: &["subsystem=\"syncres\"", "question for '", "answer to "],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let record = if memchr::memmem::find(text, b"subsystem=\"syncres\"").is_some() {
            match structured(text, line, scratch) {
                Ok(record) => record,
                Err(reading) => return reading,
            }
        } else {
            match old(text, line) {
                Some(record) => record,
                None if is_old(text) => return Reading::Damaged,
                None => return Reading::NotMine,
            }
        };
        if record.names.is_empty() {
            return Reading::NoRecord;
        }
        emit(&record);
        Reading::Records
    }
}

/// The record of a question or an answer, or what else the line is.
fn structured<'l>(
    text: &'l [u8],
    line: &Line<'_>,
    scratch: &mut Scratch,
) -> Result<Record<'l>, Reading> {
    let pairs = scratch.pairs(text, &PairStyle::BLANK);
    let is_answer = match pairs.get("msg") {
        Some(b"Question") => false,
        Some(b"Answer") => true,
        _ => return Err(Reading::NoRecord),
    };
    let name = pairs.get("qname").filter(|_| pairs.has("qtype") && !value::has_open_quote(text));
    let Some(name) = name else { return Err(Reading::Damaged) };
    let mut record = Record::new(Kind::Dns);
    let header = memchr::memmem::find(text, b"msg=").and_then(|at| text.get(..at));
    let own = pairs.get("ts").and_then(value::epoch).map_or(Stamp::None, Stamp::Instant);
    record.stamp = line.stamp(own, header.unwrap_or_default());
    record.protocol = pairs.get("proto").and_then(value::protocol);
    let client = pairs.get("remote").and_then(value::socket);
    record.client = client.map(Party::from).unwrap_or_default();
    if is_answer && let Some(code) = pairs.get("rcode").and_then(value::dns_code) {
        record.set_response(code);
    }
    record.dns_mut().query_type = pairs.get("qtype").and_then(value::dns_type);
    record.add_name(name);
    Ok(record)
}

/// Whether a line that cannot be read is one of the text form, with its counters of threads
/// before the question: `3 [1/1] question for '`.
fn is_old(text: &[u8]) -> bool {
    [&b"] question for '"[..], b"] answer to question '", b"] answer to non-rd question '"]
        .iter()
        .any(|start| memchr::memmem::find(text, start).is_some())
}

/// `question for 'name|TYPE' from client`; `answer to [non-rd ]question 'name|TYPE': … rcode=3`.
fn old<'l>(text: &'l [u8], line: &Line<'_>) -> Option<Record<'l>> {
    let (header, rest, is_answer) = match memchr::memmem::find(text, b"question for '") {
        Some(at) => (text.get(..at)?, text.get(at + b"question for '".len()..)?, false),
        None => {
            let at = memchr::memmem::find(text, b"answer to ")?;
            let open = at + memchr::memmem::find(text.get(at..)?, b"question '")?;
            (text.get(..at)?, text.get(open + b"question '".len()..)?, true)
        }
    };
    let (question, rest) = rest.split_at(memchr::memchr(b'\'', rest)?);
    let (name, kind) = question.split_at(memchr::memrchr(b'|', question)?);
    let mut record = Record::new(Kind::Dns);
    record.stamp = line.stamp(Stamp::None, header);
    record.dns_mut().query_type = Some(value::dns_type(kind.get(1..)?)?);
    if is_answer {
        let at = memchr::memmem::find(rest, b"rcode=")?;
        let code = rest.get(at + 6..)?.split(|byte| !byte.is_ascii_digit()).next()?;
        let query_type = record.dns_mut().query_type;
        record.set_response(value::dns_code(code)?);
        record.dns_mut().query_type = query_type;
    } else {
        let client = rest.strip_prefix(b"' from ")?.split(|byte| *byte == b' ').next()?;
        record.client = value::socket(client)?.into();
    }
    record.add_name(name);
    Some(record)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = r#"Nov 26 04:15:00 msg="Question" subsystem="syncres" level="0" ts="1764130500.250" proto="udp" qname="www.example.com" qtype="A" remote="10.1.2.3:50123"
Nov 26 04:15:00 msg="Answer" subsystem="syncres" level="0" ts="1764130500.350" proto="udp" qname="www.example.com" qtype="A" rcode="5" remote="10.1.2.3:50123"
Nov 26 04:15:01 ns1 pdns_recursor[812]: 3 [1/1] question for 'a.example.com|AAAA' from 2001:db8::5
Nov 26 04:15:01 ns1 pdns_recursor[812]: 3 [1/1] answer to question 'a.example.com|AAAA': 0 answers, 1 additional, took 2 packets, 9 netw ms, rcode=3
Nov 26 04:15:02 msg="Starting" subsystem="syncres" ts="1764130502.000"
"#;

    #[test]
    fn questions_and_answers() {
        let expected = [
            "1 other dns udp 10.1.2.3#50123 - www.example.com 2025-11-26T04:15:00Z",
            "2 deny dns udp 10.1.2.3#50123 - www.example.com 2025-11-26T04:15:00Z dns_refused",
            "3 other dns - 2001:db8::5 - a.example.com --11-26T04:15:01",
            "4 other dns - - - a.example.com --11-26T04:15:01 dns_nxdomain",
        ];
        assert_eq!(records_of("powerdns", LOG), expected);
    }
}
