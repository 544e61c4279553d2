//! Infoblox NIOS: answers in one line with the question, and response policies as CEF.
//!
//! ```text
//! 26-Nov-2025 04:15:00.250 client 10.1.2.3#50123: UDP: query: www.example.com IN A response: NOERROR +A www.example.com. 60 IN A 203.0.113.9;
//! CEF:0|Infoblox|NIOS|9.0.3|RPZ-QNAME|NXDOMAIN|7|app=DNS dst=192.0.2.53 src=10.1.2.3 spt=50124 view=_default qtype=A msg="rpz QNAME NXDOMAIN rewrite a.example.com [A] via a.example.com.block" CAT=RPZ
//! ```
//!
//! Its other lines are BIND's own.
//!
//! Infoblox NIOS Administrator Guide, "Capturing DNS Queries and Responses"; "Viewing RPZ events
//! in the syslog".
//!
//! What it witnesses: A resolver's log: what it says of a question is of the question alone, and no
//! connection is told of. A response policy that acted wins over the code.

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Scratch, cef};
use super::super::record::{Kind, Party, Protocol, Record};
use super::super::stamp::Stamp;
use super::super::value;
use super::message::{ClientLine, add_answers, add_policy, add_question, asked};

/// The format.
pub(in crate::logs) struct Infoblox;

impl Format for Infoblox {
    fn about(&self) -> &'static About {
        &About {
            id: "infoblox",
            product: "Infoblox NIOS",
            reference: "Infoblox NIOS: Capturing DNS Queries and Responses",
            recognised_by: "client address#port: UDP: query: name IN A response: CODE; CEF|Infoblox",
            literals: &[" UDP: query: ", " TCP: query: ", "|Infoblox|NIOS"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        if memchr::memmem::find(text, b"|Infoblox|NIOS").is_some() {
            return match policy(text, line, scratch) {
                Some(Some(record)) => {
                    emit(&record);
                    Reading::Records
                }
                Some(None) => Reading::NoRecord,
                None if cef::is_cut(text) => Reading::Damaged,
                None => Reading::NotMine,
            };
        }
        let Some(client) = ClientLine::parse(text) else { return Reading::NotMine };
        let mut record = client.record(line);
        let Some((protocol, said)) = question(client.said) else { return Reading::NotMine };
        record.protocol = Some(protocol);
        if add_response(&mut record, said).is_none() {
            return Reading::Damaged;
        }
        if record.names.is_empty() {
            return Reading::NoRecord;
        }
        emit(&record);
        Reading::Records
    }
}

/// The transport and what follows in `UDP: query: name CLASS TYPE response: CODE flags records`,
/// which BIND itself does not write.
fn question(said: &[u8]) -> Option<(Protocol, &[u8])> {
    let (transport, rest) = said.split_at(memchr::memchr(b':', said)?);
    Some((value::protocol(transport)?, rest.strip_prefix(b": query: ")?))
}

/// `name CLASS TYPE response: CODE flags records`.
fn add_response<'l>(record: &mut Record<'l>, said: &'l [u8]) -> Option<()> {
    let asked = asked(said)?;
    let response = asked.rest.strip_prefix(b"response: ")?;
    let code = response.split(|byte| *byte == b' ').next()?;
    let code_number = value::dns_code(code)?;
    add_question(record, &asked);
    record.set_response(code_number);
    add_answers(record, response.get(code.len()..).unwrap_or_default());
    Some(())
}

/// A response policy that acted, as CEF; `Some(None)` for other events.
fn policy<'l>(
    text: &'l [u8],
    line: &Line<'_>,
    scratch: &mut Scratch,
) -> Option<Option<Record<'l>>> {
    let cef = scratch.cef(text)?;
    if cef.vendor != b"Infoblox" {
        return None;
    }
    let mut record = Record::new(Kind::Dns);
    record.stamp = line.stamp(Stamp::None, cef.before);
    record.client = Party::parse(cef.extension.get("src"), cef.extension.get("spt"));
    record.server = Party::parse(cef.extension.get("dst"), cef.extension.get("dpt"));
    let said = cef.extension.get("msg").unwrap_or_default();
    let said = said.strip_prefix(b"\"").unwrap_or(said);
    if add_policy(&mut record, said).is_none() || record.names.is_empty() {
        return Some(None);
    }
    if let Some(kind) = cef.extension.get("qtype") {
        record.dns_mut().query_type = value::dns_type(kind);
    }
    Some(Some(record))
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = r#"26-Nov-2025 04:15:00.000 client 10.1.2.3#50123: UDP: query: www.example.com IN A response: NOERROR +A www.example.com. 60 IN CNAME a.example.net.; a.example.net. 30 IN A 203.0.113.9;
<30>Nov 26 04:15:01 ns1 named[812]: client 10.1.2.3#50124 TCP: query: b.example.com IN A response: REFUSED -
<30>Nov 26 04:15:02 ns1 named[812]: CEF:0|Infoblox|NIOS|9.0.3|RPZ-QNAME|NXDOMAIN|7|app=DNS dst=192.0.2.53 src=10.1.2.3 spt=50125 view=_default qtype=AAAA msg="rpz QNAME NXDOMAIN rewrite c.example.com [AAAA] via c.example.com.block" CAT=RPZ
"#;

    #[test]
    fn responses_and_policies() {
        let expected = [
            "1 allow dns udp 10.1.2.3#50123 - www.example.com 2025-11-26T04:15:00 = 203.0.113.9",
            "2 deny dns tcp 10.1.2.3#50124 - b.example.com --11-26T04:15:01 dns_refused",
            "3 deny dns - 10.1.2.3#50125 192.0.2.53 c.example.com --11-26T04:15:02 dns_filtered",
        ];
        assert_eq!(records_of("infoblox", LOG), expected);
    }
}
