//! CoreDNS, plugin `log` in its common format.
//!
//! ```text
//! [INFO] 10.1.2.3:50123 - 4711 "A IN www.example.com. udp 50 false 1232" NOERROR qr,rd,ra 104 0.012s
//! ```
//!
//! The response code is what the client was told; nothing says who decided it.
//!
//! CoreDNS documentation, plugin "log".
//!
//! What it witnesses: A resolver's log: what it says of a question is of the question alone, and no
//! connection is told of. Only the response code decides.

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::Scratch;
use super::record::{Kind, Party, Record};
use super::stamp::Stamp;
use super::value;

/// The format.
pub(super) struct CoreDns;

impl Format for CoreDns {
    fn about(&self) -> &'static About {
        &About {
            id: "coredns",
            product: "CoreDNS",
            reference: "CoreDNS: plugin log",
            recognised_by: "client:port - id \"TYPE CLASS name. proto size do bufsize\" CODE",
            literals: &[" - "],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        // Within the question the class is the second word, and the line has no other quotes
        // before it.
        let Some(quote) = memchr::memchr(b'"', text) else { return Reading::NotMine };
        let (before, question) = text.split_at(quote);
        let Some(before) = before.strip_suffix(b" ") else { return Reading::NotMine };
        let mut back = before.rsplitn(4, |byte| *byte == b' ');
        let (id, dash, client) = (back.next(), back.next(), back.next());
        let is_id = id.is_some_and(|id| !id.is_empty() && id.iter().all(u8::is_ascii_digit));
        let client = client.filter(|client| memchr::memchr(b':', client).is_some());
        let (Some(client), Some(b"-"), true) = (client.and_then(client_of), dash, is_id) else {
            return Reading::NotMine;
        };
        let header = back.next().unwrap_or_default();
        let Some(end) = memchr::memmem::find(question, b"\" ") else { return Reading::Damaged };
        let code = question.get(end + 2..).and_then(|rest| rest.split(|byte| *byte == b' ').next());
        let words = scratch.words(question.get(1..end).unwrap_or_default());
        let asked = (words.get(0).and_then(value::dns_type), words.get(2), words.get(3));
        let (Some(query_type), Some(name), Some(transport)) = asked else {
            return Reading::NotMine;
        };
        let protocol = value::protocol(transport);
        if words.get(1) != Some(b"IN") && words.get(1) != Some(b"CH") || protocol.is_none() {
            return Reading::NotMine;
        }
        let mut record = Record::new(Kind::Dns);
        record.stamp = line.stamp(Stamp::None, header);
        record.client = client;
        record.protocol = protocol;
        if let Some(code) = code.and_then(value::dns_code) {
            record.set_response(code);
        }
        record.dns_mut().query_type = Some(query_type);
        if !record.add_name(name) {
            return Reading::NoRecord;
        }
        emit(&record);
        Reading::Records
    }
}

fn client_of(raw: &[u8]) -> Option<Party> {
    let (address, port) = value::socket(raw)?;
    Some(Party { address: Some(address), port })
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = r#"[INFO] 10.1.2.3:50123 - 4711 "A IN www.example.com. udp 50 false 1232" NOERROR qr,rd,ra 104 0.012s
2025-11-26T04:15:00.000Z [INFO] [2001:db8::5]:50124 - 4712 "AAAA IN a.example.com. tcp 50 false 65535" REFUSED qr,rd 104 0.012s
[INFO] 10.1.2.3:50125 - 4713 "PTR IN 81.2.69.195. udp 48 false 1232" NXDOMAIN qr 111 0.09s
[INFO] 10.1.2.3:50126 - 4714 "A IN cut.exam
[INFO] plugin/reload: Running configuration SHA512 = "x" - 1 "y"
"#;

    #[test]
    fn the_code_is_the_answer() {
        let expected = [
            "1 allow dns udp 10.1.2.3#50123 - www.example.com -",
            "2 deny dns tcp 2001:db8::5#50124 - a.example.com 2025-11-26T04:15:00Z dns_refused",
        ];
        assert_eq!(records_of("coredns", LOG), expected);
    }
}
