//! AdGuard Home's query log: one JSON object for each question.
//!
//! ```text
//! {"T":"2025-11-26T04:15:00.000000+00:00","QH":"www.example.com","QT":"A","QC":"IN","CP":"","IP":"10.1.2.3","Answer":"…","Result":{"IsFiltered":true,"Reason":3,"Rules":[{"FilterListID":1,"Text":"||example.com^"}]},"Upstream":"10.1.0.53:53","Elapsed":1000}
//! ```
//!
//! `IsFiltered` with a reason says that a list, a service or the parental filter answered in the
//! name's place; safe search (reason 7) sends to another name of the same service. `Answer` is
//! the DNS message that the client got, and tells the rest. In damaged files members have wrong
//! types; what is left of them counts.
//!
//! What it witnesses: A resolver's log: what it says of a question is of the question alone, and no
//! connection is told of. NOERROR with addresses answers it, unless they lead nowhere.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Json, Scratch};
use super::record::{Action, Kind, Party, Record};
use super::value;
use crate::capture::dissect::dns::{AnswerData, Message};
use crate::observe::Cause;

/// The format.
pub(super) struct AdguardQuerylog;

/// The reason of an answer that safe search gave.
const SAFE_SEARCH: u64 = 7;

impl Format for AdguardQuerylog {
    fn about(&self) -> &'static About {
        &About {
            id: "adguard-querylog",
            product: "AdGuard Home",
            reference: "AdGuard Home: query log",
            recognised_by: "JSON objects with T, QH, QT and Result",
            literals: &[],
        }
    }

    fn read_json(
        &self,
        json: Json<'_>,
        line: &Line<'_>,
        _: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let (Some(name), Some(query_type)) = (json.get("QH"), json.get("QT")) else {
            return Reading::NotMine;
        };
        let Some(result) = json.get("Result").filter(|_| json.get("T").is_some()) else {
            return Reading::NotMine;
        };
        let Some(name) = name.text() else { return Reading::Damaged };
        let mut record = Record::new(Kind::Dns);
        record.add_name(name.as_bytes());
        let stamp = json.get("T").and_then(Json::stamp);
        record.stamp = line.stamp(stamp.unwrap_or_default(), b"");
        record.client = Party::of(json.get("IP").and_then(Json::address));
        let query_type = query_type.text().and_then(|name| value::dns_type(name.as_bytes()));
        record.dns_mut().query_type = query_type;
        if let Some(answer) = json.get("Answer").and_then(Json::text) {
            add_answer(&mut record, answer);
        }
        let is_filtered = result.get("IsFiltered").and_then(Json::boolean) == Some(true);
        if is_filtered && result.get("Reason").and_then(Json::unsigned) == Some(SAFE_SEARCH) {
            record.action = Action::Other;
            record.cause = None;
        } else if is_filtered {
            record.action = Action::Deny;
            record.cause = Some(Cause::DnsFiltered);
            // The addresses are the filter's.
            record.dns_mut().answers.clear();
        }
        let rules = result.get("Rules").and_then(|rules| rules.elements().next());
        record.decider.rule = rules
            .and_then(|rule| rule.first(&["Text"]))
            .or_else(|| result.get("Rule").and_then(Json::text).map(|rule| rule.as_bytes().into()));
        record.decider.category = result.first(&["ServiceName"]);
        emit(&record);
        Reading::Records
    }
}

/// What the message says that the client got.
fn add_answer(record: &mut Record<'_>, answer: &str) {
    let Ok(bytes) = STANDARD.decode(answer) else { return };
    let mut message = Message::new();
    if message.parse(&bytes).is_err() || bytes.len() < 12 {
        return;
    }
    record.set_response(message.rcode());
    let dns = record.dns_mut();
    for answer in message.answers() {
        if let AnswerData::Address(address) = answer.data {
            dns.answers.push(address.to_ip());
            let ttl = answer.time_to_live;
            dns.time_to_live = Some(dns.time_to_live.map_or(ttl, |least| least.min(ttl)));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn the_filter_and_the_answer_decide() {
        // Answers: 203.0.113.9, and NXDOMAIN.
        let lines = r#"{"T":"2025-11-26T05:15:00.000000+01:00","QH":"www.example.com","QT":"A","IP":"10.1.2.3","Answer":"AAGBgAABAAEAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQABwAwAAQABAAAAPAAEywBxCQ==","Result":{}}
{"T":"2025-11-26T04:15:01Z","QH":"ads.example.com","QT":"A","IP":"10.1.2.3","Result":{"IsFiltered":true,"Reason":3,"Rules":[{"Text":"||ads.example.com^"}]}}
{"T":"2025-11-26T04:15:02Z","QH":"api.example.com","QT":"A","IP":17,"Answer":"AAGBgwABAAAAAAAAA2FwaQdleGFtcGxlA2NvbQAAAQAB","Result":{}}
{"T":"2025-11-26T04:15:03Z","QH":"search.example.com","QT":"A","IP":"10.1.2.3","Result":{"IsFiltered":true,"Reason":7}}
{"T":"2025-11-26T04:15:04Z","QH":6,"QT":"A","IP":"10.1.2.3","Result":{"IsFiltered":true,"Reason":3}}"#;
        assert_eq!(
            records(lines),
            [
                "1 adguard-querylog allow dns - 10.1.2.3 - www.example.com 2025-11-26T04:15:00Z = 203.0.113.9",
                "2 adguard-querylog deny dns - 10.1.2.3 - ads.example.com 2025-11-26T04:15:01Z dns_filtered",
                "3 adguard-querylog other dns - - - api.example.com 2025-11-26T04:15:02Z dns_nxdomain",
                "4 adguard-querylog other dns - 10.1.2.3 - search.example.com 2025-11-26T04:15:03Z",
            ]
        );
    }
}
