//! PAN-OS as events in the Log Event Extended Format.
//!
//! ```text
//! LEEF:1.0|Palo Alto Networks|PAN-OS Syslog Integration|11.1|deny|cat=TRAFFIC|Type=TRAFFIC|Subtype=drop|devTime=Nov 26 2025 04:15:00 GMT|src=10.1.2.3|dst=203.0.113.9|RuleName=default-deny|srcPort=50123|dstPort=443|proto=tcp|action=deny
//! ```
//!
//! What the words mean is told in [`super::event`].
//!
//! What it witnesses: Bytes, packets and reasons of the session's end as in the CSV lines.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Leef, Scratch};
use super::super::record::Party;
use super::super::value;
use super::event::{Event, LogType};

/// The format.
pub(in crate::logs) struct PanosLeef;

impl Format for PanosLeef {
    fn about(&self) -> &'static About {
        &About {
            id: "panos-leef",
            product: "Palo Alto Networks PAN-OS, Log Event Extended Format",
            reference: "Log Event Extended Format Configuration Guide: PAN-OS",
            recognised_by: "LEEF events with the vendor Palo Alto Networks",
            literals: &["|Palo Alto Networks|"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let Some(leef) = scratch.leef(text) else { return Reading::NotMine };
        if !leef.vendor.eq_ignore_ascii_case(b"Palo Alto Networks") {
            return Reading::NotMine;
        }
        let word = leef.attributes.first(&["Type", "cat"]).unwrap_or_default();
        let log_type = match LogType::parse(word) {
            Some(LogType::Other) | None => return Reading::NoRecord,
            Some(log_type) => log_type,
        };
        let Some(mut record) = event(&leef).into_record(log_type) else { return Reading::Damaged };
        let stamp = leef.attributes.first(&["devTime"]).and_then(value::event_time);
        record.stamp = line.stamp(stamp.unwrap_or_default(), leef.before);
        emit(&record);
        Reading::Records
    }
}

fn event<'l>(leef: &Leef<'_, 'l>) -> Event<'l> {
    let first = |keys: &[&str]| leef.attributes.first(keys);
    let stated = |keys: &[&str]| first(keys).map(Cow::Borrowed);
    Event {
        subtype: stated(&["Subtype"]).unwrap_or_default(),
        client: Party::parse(first(&["src"]), first(&["srcPort"])),
        server: Party::parse(first(&["dst"]), first(&["dstPort"])),
        protocol: first(&["proto"]).and_then(value::protocol),
        action: stated(&["action"]).unwrap_or_default(),
        application: stated(&["Application"]).unwrap_or_default(),
        rule: stated(&["RuleName"]),
        url: stated(&["URL", "Miscellaneous"]),
        threat: stated(&["ThreatID"]),
        category: stated(&["URLCategory"]),
        end_reason: stated(&["SessionEndReason"]),
        policy: stated(&["PolicyName"]),
        server_name: stated(&["SNI", "ServerNameIndication"]),
        error: stated(&["Error", "ErrorMessage"]),
        bytes_back: first(&["dstBytes"]).and_then(value::number),
        packets_back: first(&["dstPackets"]).and_then(value::number),
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn bars_separate_attributes() {
        let head = "LEEF:1.0|Palo Alto Networks|PAN-OS Syslog Integration|11.1|x|";
        let rest = "devTime=Nov 26 2025 04:15:00 GMT|src=10.1.2.3|dst=203.0.113.9|srcPort=50123|dstPort=443|proto=tcp";
        let lines = format!(
            "{head}cat=TRAFFIC|Type=TRAFFIC|Subtype=drop|{rest}|action=deny\n\
             {head}cat=THREAT|Type=THREAT|Subtype=url|{rest}|action=alert|Miscellaneous=\"www.example.com/\"\n\
             {head}cat=SYSTEM|Type=SYSTEM|{rest}|action=deny\n"
        );
        assert_eq!(
            records(&lines),
            [
                "1 panos-leef deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
                "2 panos-leef allow http tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z",
            ]
        );
    }
}
