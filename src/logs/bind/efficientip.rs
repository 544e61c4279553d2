//! EfficientIP SOLIDserver: BIND's lines with answers, and matches of DNS Guardian's lists.
//!
//! ```text
//! client 10.1.2.3#50123 (www.example.com): answer: www.example.com IN A (192.0.2.53) -> NOERROR 108 CNAME a.example.net. 20 A 203.0.113.9
//! List Matched 10.1.2.3#50124: query: a.example.com IN A (192.0.2.53) {DTP} [phishing]
//! ```
//!
//! A match of a list says nothing about what became of the question.
//!
//! EfficientIP SOLIDserver Administrator Guide, "Querylog and answerlog"; "DNS Guardian".
//!
//! What it witnesses: A resolver's log: what it says of a question is of the question alone, and no
//! connection is told of. Only the response code decides.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::Scratch;
use super::message::{ClientLine, add_question, asked};
use super::named::add_answer;

/// The format.
pub(in crate::logs) struct EfficientIp;

impl Format for EfficientIp {
    fn about(&self) -> &'static About {
        &About {
            id: "efficientip",
            product: "EfficientIP SOLIDserver",
            reference: "EfficientIP SOLIDserver: DNS Guardian",
            recognised_by: "client address#port (name): answer: … -> CODE; List Matched address#port",
            literals: &["answer: ", "List Matched "],
        }
    }

    fn read_text(&self, text: &[u8], line: &Line<'_>, _: &mut Scratch, emit: Emit<'_>) -> Reading {
        if let Some(matched) = ClientLine::behind(text, b"List Matched ") {
            let Some(asked) = matched.said.strip_prefix(b"query: ").and_then(asked) else {
                return Reading::Damaged;
            };
            let mut record = matched.record(line);
            add_question(&mut record, &asked);
            let list = memchr::memchr(b'{', asked.rest).and_then(|at| asked.rest.get(at..));
            record.decider.category = list.map(Cow::Borrowed);
            emit(&record);
            return Reading::Records;
        }
        let Some(client) = ClientLine::parse(text) else { return Reading::NotMine };
        let Some(answer) = client.said.strip_prefix(b"answer: ") else { return Reading::NotMine };
        let mut record = client.record(line);
        if add_answer(&mut record, answer).is_none() {
            return Reading::Damaged;
        }
        if record.names.is_empty() {
            return Reading::NoRecord;
        }
        emit(&record);
        Reading::Records
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = "\
client 10.1.2.3#50123 (www.example.com): answer: www.example.com IN A (192.0.2.53) -> NOERROR 108 CNAME a.example.net. 20 A 203.0.113.9 30 A 203.0.113.10
List Matched 10.1.2.3#50124: query: a.example.com IN A (192.0.2.53) {DTP} [phishing]
client 10.1.2.3#50125 (b.example.com): answer: b.example.com IN A + (192.0.2.53) -> NXDOMAIN
client 10.1.2.3#50126 (c.example.com): answer: c.exam
";

    #[test]
    fn answers_and_matches() {
        let expected = [
            "1 allow dns - 10.1.2.3#50123 192.0.2.53 www.example.com - = 203.0.113.9 = 203.0.113.10",
            "2 other dns - 10.1.2.3#50124 192.0.2.53 a.example.com -",
            "3 other dns udp 10.1.2.3#50125 192.0.2.53 b.example.com - dns_nxdomain",
        ];
        assert_eq!(records_of("efficientip", LOG), expected);
    }
}
