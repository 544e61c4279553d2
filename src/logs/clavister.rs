//! Clavister cOS Core (NetWall): events with their parameters, in brackets since release 13.
//!
//! ```text
//! id=6000051 event=ruleset_drop_packet action=drop [message=Packet dropped by rule-set. Dropping recvzone="lan" ][rules rule=Default_Rule ][ippacket ipproto=TCP srcip=10.1.2.3 destip=203.0.113.9 ][tcp srcport=50123 destport=443 ]
//! ```
//!
//! `action` says what was done to a packet (`drop`, `reject`, `allow`); without it, the event of
//! an opened connection means that it was let through. `close`, what changes a packet, and the checks
//! of its consistency (`log`, `allow_processing`) are no verdicts.
//!
//! What it witnesses: `termsent` counts whole packets. Control bits stand in events of checks alone,
//! which are no verdicts; the reason of a drop tells a packet of no connection.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{PairStyle, Pairs, Scratch};
use super::record::{Action, Decider, Kind, Party, Record};
use super::stamp::Stamp;
use super::{cef_event, value};
use crate::observe::Cause;

/// The format.
pub(super) struct Clavister;

impl Format for Clavister {
    fn about(&self) -> &'static About {
        &About {
            id: "clavister",
            product: "Clavister cOS Core",
            reference: "cOS Core Log Reference Guide",
            recognised_by: "id=digits and event=word, with [message=…] or prio=",
            literals: &[" event="],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let pairs = scratch.pairs(text, &PairStyle::BLANK);
        let is_id = |id: &[u8]| id.len() >= 5 && id.iter().all(u8::is_ascii_digit);
        let is_mine =
            pairs.get("id").is_some_and(is_id) && (pairs.has("message") || pairs.has("prio"));
        let Some(event) = pairs.get("event").filter(|_| is_mine) else { return Reading::NotMine };
        if has_open_group(text) {
            return Reading::Damaged;
        }
        let Some(record) = record(&pairs, event, text, line) else { return Reading::NoRecord };
        emit(&record);
        Reading::Records
    }
}

/// Whether the line ends within a group of parameters: it was cut.
fn has_open_group(text: &[u8]) -> bool {
    let count = |byte| memchr::memchr_iter(byte, text).count();
    memchr::memmem::find(text, b" [message=").is_some() && count(b'[') > count(b']')
}

fn record<'l>(
    pairs: &Pairs<'_, 'l>,
    event: &[u8],
    text: &[u8],
    line: &Line<'_>,
) -> Option<Record<'l>> {
    let mut record = Record::new(Kind::Traffic);
    record.client = Party::parse(
        pairs.first(&["connsrcip", "srcip"]),
        pairs.first(&["connsrcport", "srcport"]),
    );
    record.server = Party::parse(
        pairs.first(&["conndestip", "destip"]),
        pairs.first(&["conndestport", "destport"]),
    );
    record.server.address?;
    // An Ethernet frame has an `ipproto` of its own before the packet's.
    let protocols = pairs.iter().filter(|(key, _)| matches!(*key, b"connipproto" | b"ipproto"));
    record.protocol = protocols.filter_map(|(_, value)| value::protocol(value)).next();
    let start = memchr::memmem::find(text, b"id=").unwrap_or(0);
    record.stamp = line.stamp(Stamp::None, text.get(..start).unwrap_or_default());
    if let Some(url) = pairs.first(&["url"]) {
        record.kind = Kind::Http;
        record.add_url(url);
    }
    record.action = match pairs.first(&["action"]) {
        // Of a packet that is not as it should be: checks follow that may still drop it.
        Some(b"log" | b"allow_processing") => Action::Other,
        Some(action) => cef_event::verdict(action),
        None if event.starts_with(b"conn_open") || event.ends_with(b"_session_open") => {
            Action::Allow
        }
        None => Action::Other,
    };
    let is_filtered = record.action == Action::Deny && record.kind == Kind::Http;
    record.cause = is_filtered.then_some(Cause::UrlFiltered);
    record.bytes_back = bytes(text);
    record.decider = Decider {
        rule: pairs.first(&["rule"]).map(Cow::Borrowed),
        policy: pairs.first(&["algname"]).map(Cow::Borrowed),
        category: pairs.first(&["categories", "application"]).map(Cow::Borrowed),
        reason: pairs.first(&["reason"]).map(Cow::Borrowed),
    };
    Some(record)
}

/// What the server sent: `termsent=75.0   ` or `termsent=2.86 K `.
fn bytes(text: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(text, b"termsent=")?;
    let mut words = text.get(at + 9..)?.split(|byte| *byte == b' ');
    let number: f64 = std::str::from_utf8(words.next()?.trim_ascii()).ok()?.parse().ok()?;
    let scale = match words.next() {
        Some(b"K") => 1024.0,
        Some(b"M") => 1024.0 * 1024.0,
        Some(b"G") => 1024.0 * 1024.0 * 1024.0,
        _ => 1.0,
    };
    let bytes = number * scale;
    (0.0..1e15).contains(&bytes).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn packets_and_connections_are_records() {
        assert_eq!(
            read(&[
                r#"Nov 26 04:15:00 fw id=6000051 event=ruleset_drop_packet action=drop [message=Packet dropped by rule-set. Dropping recvzone="lan" ][rules rule=Default_Rule ][ethernet ipproto=Ip4 ][ippacket ipproto=TCP srcip=10.1.2.3 destip=203.0.113.9 ][tcp srcport=50123 destport=443 ]"#,
                "[2025-11-26 04:15:00] CONN: prio=1 id=00600001 rev=1 event=conn_open rule=out connipproto=UDP connsrcip=10.1.2.3 connsrcport=5000 conndestip=203.0.113.53 conndestport=53",
                r#"id=200125 event=request_url action=block [message=HTTPALG: Requesting URL. categories="games" url="www.example.com/a" ][conn [conn connsrcip=10.1.2.3 conndestip=203.0.113.9 newconndestip=10.9.9.9 connipproto=TCP connsrcport=5 conndestport=80 termsent=2.00 K ]]"#,
                "id=8200005 event=ipreputation_server_connect action=none [message=Connected to 192.0.2.1. server=192.0.2.1 ]",
                "id=7 event=login user=a",
            ]),
            [
                "clavister deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - --11-26T04:15:00 by Default_Rule",
                "clavister allow traffic udp 10.1.2.3#5000 203.0.113.53#53 - 2025-11-26T04:15:00 by out",
                "clavister deny http tcp 10.1.2.3#5 203.0.113.9#80 www.example.com - url_filtered by games",
                "clavister no record",
                "unknown",
            ]
        );
    }

    #[test]
    fn units_of_bytes_are_read() {
        assert_eq!(super::bytes(b"origsent=334   termsent=52.0   connrecvif=x"), Some(52));
        assert_eq!(super::bytes(b"termsent=2.50 K conn"), Some(2560));
    }

    #[test]
    fn checks_of_consistency_are_no_verdict() {
        let read = |line: &str| crate::logs::test_support::read(&[line]).remove(0);
        for (action, verdict) in
            [("log", "other"), ("allow_processing", "other"), ("allow", "allow"), ("drop", "deny")]
        {
            let line = format!(
                "prio=2 id=03300009 rev=1 event=x action={action} rule=r srcip=10.1.2.3 destip=203.0.113.9 ipproto=TCP srcport=50123 destport=443"
            );
            assert!(read(&line).starts_with(&format!("clavister {verdict} ")), "{}", read(&line));
        }
    }
}
