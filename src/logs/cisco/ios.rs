//! Cisco IOS, IOS XE and NX-OS: hits of access lists.
//!
//! ```text
//! Nov 26 04:15:01 r1 1234: Nov 26 04:15:00.123: %SEC-6-IPACCESSLOGP: list outside-in denied tcp 10.1.2.3(50123) -> 203.0.113.9(443), 1 packet
//! ```
//!
//! The last letters tell the form: `P` has ports, `DP` an ICMP type and code, `NP` and `RP`
//! neither. `S`, a standard list, states no destination and `RL` counts only, so they tell of no
//! attempt. `permitted` passes and `denied` blocks; the list decides.
//!
//! What it witnesses: Access lists count packets, not bytes, and tell no control bits: what is
//! permitted is `allow`, what is denied is denied.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::Scratch;
use super::super::record::{Action, Kind, Party, Record};
use super::super::stamp::Stamp;
use super::super::value;
use super::message::{Message, Words};

/// The format.
pub(in crate::logs) struct CiscoIos;

impl Format for CiscoIos {
    fn about(&self) -> &'static About {
        &About {
            id: "cisco-ios",
            product: "Cisco IOS, IOS XE and NX-OS access lists",
            reference: "Understanding Access Control List Logging",
            recognised_by: "%SEC-6-IPACCESSLOG…, %FMANFP-6-IPACCESSLOG… or %ACLLOG-…",
            literals: &["-IPACCESSLOG", "-ACCESSLOG", "%ACLLOG-"],
        }
    }

    fn read_text(&self, text: &[u8], line: &Line<'_>, _: &mut Scratch, emit: Emit<'_>) -> Reading {
        const FACILITIES: &[&[u8]] = &[b"SEC", b"FMANFP", b"IPV6_ACL", b"ACLLOG"];
        let Some(message) = Message::find(text, FACILITIES) else { return Reading::NotMine };
        let record = match message.facility {
            b"ACLLOG" => flow(message.text),
            _ if memchr::memmem::find(message.name, b"ACCESSLOG").is_none() => {
                return Reading::NotMine;
            }
            _ => hit(message.text),
        };
        let Some(mut record) = record else { return Reading::NoRecord };
        record.stamp = line.stamp(own_time(message.header), message.header);
        emit(&record);
        Reading::Records
    }
}

/// The device's time, the last in the header.
fn own_time(header: &[u8]) -> Stamp {
    let starts = memchr::memrchr_iter(b' ', header).map(|at| at + 1).chain([0]);
    starts
        .filter_map(|start| {
            let rest = header.get(start..)?;
            let rest = rest.trim_ascii_start();
            let rest = rest.strip_prefix(b"*").or(rest.strip_prefix(b".")).unwrap_or(rest);
            value::month(rest)?;
            Some(value::syslog_time(rest))
        })
        .find(|stamp| *stamp != Stamp::None)
        .unwrap_or_default()
}

/// `list NAME denied tcp A(p) (if mac) -> B(p), 1 packet`.
fn hit(text: &[u8]) -> Option<Record<'_>> {
    let mut words = Words::of(text);
    let list = words.after(&[b"list"])?;
    let mut record = Record::new(Kind::Traffic);
    record.action = match words.next()? {
        b"denied" => Action::Deny,
        b"permitted" => Action::Allow,
        _ => return None,
    };
    record.protocol = value::protocol(words.next()?);
    let client = words.next()?;
    let server = words.after(&[b"->"])?;
    record.client = party(client);
    record.server = party(server.strip_suffix(b",").unwrap_or(server));
    record.decider.rule = Some(Cow::Borrowed(list));
    Some(record)
}

/// `A(p)` or `A`.
fn party(raw: &[u8]) -> Party {
    let open = memchr::memchr(b'(', raw).unwrap_or(raw.len());
    let (address, port) = raw.split_at(open);
    let port = port.strip_prefix(b"(").map(|port| port.strip_suffix(b")").unwrap_or(port));
    Party::parse(Some(address), port)
}

/// NX-OS: `Src IP: A, Dst IP: B, Src Port: p, Dst Port: p, …, Protocol: "TCP"(6), …, ACL Name: n,
/// ACE Action: Deny, …`.
fn flow(text: &[u8]) -> Option<Record<'_>> {
    let value_of = |key: &str| {
        text.split(|byte| *byte == b',').find_map(|pair| {
            let value = pair.trim_ascii().strip_prefix(key.as_bytes())?;
            Some(value.strip_prefix(b":")?.trim_ascii())
        })
    };
    let mut record = Record::new(Kind::Traffic);
    record.client = Party::parse(value_of("Src IP"), value_of("Src Port"));
    record.server = Party::parse(value_of("Dst IP"), value_of("Dst Port"));
    record.server.address?;
    let protocol = value_of("Protocol").unwrap_or_default();
    record.protocol = protocol.split(|byte| *byte == b'"').find_map(value::protocol);
    record.action = match value_of("ACE Action") {
        Some(b"Permit") => Action::Allow,
        Some(b"Deny") => Action::Deny,
        _ => Action::Other,
    };
    record.decider.rule = value_of("ACL Name").map(Cow::Borrowed);
    Some(record)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn hits_come_with_ports_and_without() {
        let lines = "\
            Nov 26 04:15:09 r1 12: *Nov 26 2025 04:15:00.123 UTC: %SEC-6-IPACCESSLOGP: list in denied tcp 10.1.2.3(50123) (Gi0/1 0200.0000.0001) -> 203.0.113.9(443), 1 packet\n\
            %SEC-6-IPACCESSLOGDP: list in permitted icmp 10.1.2.3 -> 203.0.113.9 (8/0), 1 packet\n\
            %FMANFP-6-IPACCESSLOGP: R0/0: fman_fp_image: list in denied udp 10.1.2.3(5) -> 203.0.113.9(53), 1 packet\n\
            %ACLLOG-6-ACLLOG_FLOW_INTERVAL: Src IP: 10.1.2.3, Dst IP: 203.0.113.9, Src Port: 5, Dst Port: 443, Src Intf: Ethernet1/1, Protocol: \"TCP\"(6), ACL Name: in, ACE Action: Deny, Hit-count: 3\n\
            %SEC-6-IPACCESSLOGS: list 1 denied 10.1.2.3 1 packet\n\
            %SEC-6-IPACCESSLOGRL: access-list logging rate-limited or missed 5 packets\n";
        assert_eq!(
            records(lines),
            [
                "1 cisco-ios deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
                "2 cisco-ios allow traffic icmp 10.1.2.3 203.0.113.9 - -",
                "3 cisco-ios deny traffic udp 10.1.2.3#5 203.0.113.9#53 - -",
                "4 cisco-ios deny traffic tcp 10.1.2.3#5 203.0.113.9#443 - -",
            ]
        );
    }
}
