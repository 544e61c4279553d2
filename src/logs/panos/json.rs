//! PAN-OS as JSON objects, as Strata Logging Service (Cortex Data Lake) forwards them.
//!
//! ```text
//! {"TimeReceived":"2025-11-26T04:15:01.000000Z","LogType":"TRAFFIC","Subtype":"end","TimeGenerated":"2025-11-26T04:15:00.000000Z","SourceAddress":"10.1.2.3","DestinationAddress":"203.0.113.9","Rule":"default-deny","SourcePort":50123,"DestinationPort":443,"Protocol":"tcp","Action":"deny"}
//! ```
//!
//! Times are in UTC. A `DNS` log is an answer that DNS Security saw. What the words mean is told
//! in [`super::event`].
//!
//! What it witnesses: Bytes, packets and reasons of the session's end as in the CSV lines.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Json, Scratch};
use super::super::record::{Party, Record};
use super::super::stamp::Stamp;
use super::super::value;
use super::event::{Event, LogType};

/// The format.
pub(in crate::logs) struct PanosJson;

impl Format for PanosJson {
    fn about(&self) -> &'static About {
        &About {
            id: "panos-json",
            product: "Palo Alto Networks PAN-OS, Strata Logging Service",
            reference: "Schema Reference: Strata Logging Service",
            recognised_by: "JSON objects with LogType and a time",
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
        let Some(word) = json.get("LogType").and_then(Json::text) else { return Reading::NotMine };
        let times = ["TimeGenerated", "TimeGeneratedHighResolution", "EventTime", "LogTime"];
        if !times.iter().any(|key| json.get(key).is_some()) {
            return Reading::NotMine;
        }
        let log_type = match LogType::parse(word.to_ascii_uppercase().as_bytes()) {
            Some(LogType::Other) | None => return Reading::NoRecord,
            Some(log_type) => log_type,
        };
        let Some(mut record) = event(json).into_record(log_type) else { return Reading::Damaged };
        if log_type == LogType::Dns {
            add_answer(json, &mut record);
        }
        record.stamp = line.stamp(stamp(json), b"");
        emit(&record);
        Reading::Records
    }
}

fn event(json: Json<'_>) -> Event<'_> {
    let stated = |keys: &[&str]| json.first(keys);
    let party = |addresses: &[&str], port: &str| Party {
        address: stated(addresses).and_then(|raw| value::address(&raw)),
        port: json.get(port).and_then(Json::port),
    };
    Event {
        subtype: stated(&["Subtype", "SubType"]).unwrap_or_default(),
        client: party(&["SourceAddress", "SourceIP"], "SourcePort"),
        server: party(&["DestinationAddress", "DNSResolverIP", "DestinationIP"], "DestinationPort"),
        protocol: stated(&["Protocol"]).and_then(|raw| value::protocol(&raw)),
        action: stated(&["Action"]).unwrap_or_default(),
        application: stated(&["Application"]).unwrap_or_default(),
        rule: stated(&["Rule", "RuleMatched"]),
        url: stated(&["URL", "DNSQuery", "RecordName", "URLDomain"]),
        threat: stated(&["ThreatID", "ThreatName", "DNSCategory"]),
        category: stated(&["URLCategory", "DNSCategory"]),
        end_reason: stated(&["SessionEndReason"]),
        policy: stated(&["PolicyName"]),
        server_name: stated(&["ServerNameIndication"]),
        error: stated(&["ErrorMessage"]),
        bytes_back: json.get("BytesReceived").and_then(Json::unsigned),
        packets_back: json.get("PacketsReceived").and_then(Json::unsigned),
    }
}

/// The answer that DNS Security saw, as a list or as text with commas.
fn add_answer(json: Json<'_>, record: &mut Record<'_>) {
    let dns = record.dns_mut();
    let types = json.first(&["RecordType", "DNSRecordType"]).unwrap_or_default();
    dns.query_type = types.rsplit(|byte| *byte == b',').next().and_then(value::dns_type);
    let Some(response) = json.get("DNSResponse") else { return };
    dns.answers.extend(response.elements().filter_map(Json::address));
    let text: Cow<'_, [u8]> = response.scalar().unwrap_or_default();
    dns.answers.extend(text.split(|byte| *byte == b',').filter_map(value::address));
}

fn stamp(json: Json<'_>) -> Stamp {
    let keys = ["TimeGeneratedHighResolution", "TimeGenerated", "EventTime", "LogTime"];
    let stamp = keys.iter().find_map(|key| json.get(key)?.stamp());
    stamp.unwrap_or_default().in_utc()
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn logs_of_every_type_are_read() {
        let common = r#""TimeGenerated":"2025-11-26T04:15:00.000000Z","SourceAddress":"10.1.2.3""#;
        let lines = format!(
            "{{\"LogType\":\"THREAT\",\"Subtype\":\"url\",{common},\"DestinationAddress\":\"203.0.113.9\",\
             \"DestinationPort\":443,\"Protocol\":\"tcp\",\"Action\":\"block-url\",\"URL\":\"www.example.com/\"}}\n\
             {{\"LogType\":\"DNS\",{common},\"DNSResolverIP\":\"192.0.2.53\",\"DNSQuery\":\"login.example.com\",\
             \"Action\":\"Allow\",\"RecordType\":\"cname,a\",\"DNSResponse\":[\"203.0.113.9\"]}}\n\
             {{\"LogType\":\"SYSTEM\",{common},\"EventDescription\":\"www.example.com\"}}\n"
        );
        assert_eq!(
            records(&lines),
            [
                "1 panos-json deny http tcp 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z url_filtered",
                "2 panos-json allow dns - 10.1.2.3 192.0.2.53 login.example.com 2025-11-26T04:15:00Z = 203.0.113.9",
            ]
        );
    }
}
