//! The analytical log, as NXLog and Winlogbeat forward its events.
//!
//! ```text
//! {"SourceName":"Microsoft-Windows-DNSServer","EventID":257,"EventTime":"2025-11-26T04:15:00.250000+00:00","TCP":"0","Destination":"10.1.2.3","InterfaceIP":"192.0.2.53","QNAME":"www.example.com.","QTYPE":"1","RCODE":"0","Port":"50123","PolicyName":"NULL","PacketData":"0x573F8180…"}
//! ```
//!
//! 256 is a question of a client, 257 and 258 the answer or failure it gets, 260 to 262 and 265 to
//! 268 what passes between this server and others, 279 and 280 lookups of its own. A policy that
//! acted on a question denies it when the answer is a refusal or none. The packet itself holds
//! the addresses of the answer.
//!
//! Microsoft Learn, "DNS Logging and Diagnostics", "Analytic events".
//!
//! What it witnesses: A resolver's log: what it says of a question is of the question alone, and no
//! connection is told of. Only the response code and the policies decide.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Json, Scratch};
use super::super::record::{Action, Kind, Party, Protocol, Record};
use super::super::value;
use crate::capture::dissect::dns::{AnswerData, Message};
use crate::observe::Cause;

/// The format.
pub(in crate::logs) struct WindowsDnsEtw;

/// Octets of a packet that are read.
const MAX_PACKET: usize = 4096;

impl Format for WindowsDnsEtw {
    fn about(&self) -> &'static About {
        &About {
            id: "windows-dns-etw",
            product: "Windows DNS Server, analytical events",
            reference: "Microsoft Learn: DNS Logging and Diagnostics",
            recognised_by: "JSON objects with EventID and QNAME of Microsoft-Windows-DNSServer",
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
        let Some((event, data)) = event(json) else { return Reading::NotMine };
        let Some(mut record) = record(event, data) else { return Reading::NoRecord };
        let stamp = json.first(&["EventTime", "TimeCreated", "@timestamp", "TimeGenerated"]);
        let stamp = stamp.and_then(|raw| value::iso_8601(&raw)).unwrap_or_default();
        record.stamp = line.stamp(stamp, b"");
        if record.names.is_empty() {
            return Reading::NoRecord;
        }
        emit(&record);
        Reading::Records
    }
}

/// The event's number and the object that holds its data.
fn event<'s>(json: Json<'s>) -> Option<(u64, Json<'s>)> {
    const SOURCE: &[u8] = b"Microsoft-Windows-DNSServer";
    let of = |object: Json<'s>, source: &str, number: &str| {
        let source = object.get(source).and_then(Json::text)?;
        source.as_bytes().starts_with(SOURCE).then(|| object.get(number)?.unsigned())?
    };
    if let Some(number) = of(json, "SourceName", "EventID") {
        return Some((number, json));
    }
    let windows = json.get("winlog")?;
    Some((of(windows, "provider_name", "event_id")?, windows.get("event_data")?))
}

fn record<'s>(event: u64, data: Json<'s>) -> Option<Record<'s>> {
    let mut record = Record::new(Kind::Dns);
    let address = |key: &str| data.get(key).and_then(Json::address);
    match event {
        256 => record.client = Party { address: address("Source"), port: port(data) },
        257..=259 => record.client = Party { address: address("Destination"), port: port(data) },
        260 | 262 => record.server = Party::of(address("Destination")),
        261 => record.server = Party::of(address("Source")),
        279 | 280 => {}
        _ => return None,
    }
    let is_tcp = data.get("TCP").and_then(Json::unsigned)? != 0;
    record.protocol = Some(if is_tcp { Protocol::TCP } else { Protocol::UDP });
    let code = data.get("RCODE").and_then(Json::unsigned).and_then(|code| u16::try_from(code).ok());
    if let (257..=259, Some(code)) = (event, code) {
        record.set_response(code);
    }
    if event == 257 && code == Some(0) {
        add_answers(&mut record, data.first(&["PacketData"]).unwrap_or_default().as_ref());
    }
    let policy = data.first(&["PolicyName"]).filter(|policy| **policy != *b"NULL");
    if let Some(policy) = policy {
        let has_answers = record.dns.as_ref().is_some_and(|dns| !dns.answers.is_empty());
        if matches!(event, 257..=259) && !has_answers {
            (record.action, record.cause) = (Action::Deny, Some(Cause::DnsFiltered));
        }
        record.decider.policy = Some(policy);
    }
    record.decider.reason = data.first(&["Reason"]);
    record.dns_mut().query_type =
        data.get("QTYPE").and_then(Json::unsigned).and_then(|kind| u16::try_from(kind).ok());
    record.add_name(Cow::Borrowed(data.get("QNAME").and_then(Json::text)?.as_bytes()));
    Some(record)
}

fn port(data: Json<'_>) -> Option<u16> {
    data.get("Port").and_then(Json::port)
}

/// Adds the addresses in a packet that is written as `0x` and hexadecimal digits.
fn add_answers(record: &mut Record<'_>, raw: &[u8]) {
    let Some(digits) = raw.strip_prefix(b"0x") else { return };
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let mut packet = Vec::with_capacity((digits.len() / 2).min(MAX_PACKET));
    for pair in digits.chunks_exact(2).take(MAX_PACKET) {
        let [high, low] = pair else { return };
        let (Some(high), Some(low)) = (digit(high), digit(low)) else { return };
        packet.push(high << 4 | low);
    }
    let mut message = Message::new();
    // What stands before the first error is as good as the whole.
    let _ = message.parse(&packet);
    for answer in message.answers() {
        if let AnswerData::Address(address) = answer.data {
            record.add_answer(address.to_ip(), Some(answer.time_to_live));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = r#"{"SourceName":"Microsoft-Windows-DNSServer","EventID":256,"EventTime":"2025-11-26T04:15:00.250000+00:00","TCP":"0","Source":"10.1.2.3","InterfaceIP":"192.0.2.53","QNAME":"www.example.com.","QTYPE":"1","Port":"50123"}
{"SourceName":"Microsoft-Windows-DNSServer","EventID":257,"EventTime":"2025-11-26T05:15:01+01:00","TCP":"0","Destination":"10.1.2.3","QNAME":"a.example.com.","QTYPE":"1","RCODE":"0","Port":"50123","PolicyName":"NULL","PacketData":"0x573F818000010001000000000161076578616D706C6503636F6D0000010001C00C000100010000003C0004CB007109"}
{"SourceName":"Microsoft-Windows-DNSServer","EventID":257,"EventTime":"2025-11-26T04:15:02Z","TCP":"1","Destination":"10.1.2.3","QNAME":"b.example.com.","QTYPE":"1","RCODE":"5","PolicyName":"BlockList","PacketData":"0x"}
{"SourceName":"Microsoft-Windows-DNSServer","EventID":261,"EventTime":"2025-11-26T04:15:03Z","TCP":"0","Source":"192.0.2.54","QNAME":"c.example.com.","QTYPE":"28"}
{"SourceName":"Microsoft-Windows-DNSServer","EventID":515,"EventTime":"2025-11-26T04:15:04Z","NAME":"ns2.example.com"}
{"winlog":{"provider_name":"Microsoft-Windows-DNSServer","event_id":258,"event_data":{"TCP":"0","Destination":"10.1.2.4","QNAME":"d.example.com.","QTYPE":"1","RCODE":"2","PolicyName":"NULL"}},"@timestamp":"2025-11-26T04:15:05Z"}
"#;

    #[test]
    fn events_speak_of_clients_or_servers() {
        let expected = [
            "1 other dns udp 10.1.2.3#50123 - www.example.com 2025-11-26T04:15:00Z",
            "2 allow dns udp 10.1.2.3#50123 - a.example.com 2025-11-26T04:15:01Z = 203.0.113.9",
            "3 deny dns tcp 10.1.2.3 - b.example.com 2025-11-26T04:15:02Z dns_filtered",
            "4 other dns udp - 192.0.2.54 c.example.com 2025-11-26T04:15:03Z",
            "6 other dns udp 10.1.2.4 - d.example.com 2025-11-26T04:15:05Z dns_servfail",
        ];
        let found: Vec<String> = records_of("windows-dns-etw", LOG)
            .iter()
            .map(|line| line.replace(":50123", ""))
            .collect();
        assert_eq!(found, expected);
    }
}
