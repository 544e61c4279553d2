//! Barracuda CloudGen Firewall: the firewall activity log.
//!
//! ```text
//! 2025 11 26 04:15:00 +00:00 fw Security Block: FWD|TCP|p1|10.1.2.3|50123|00:16:3e:11:22:33|203.0.113.9|443|https|p2|BLOCKALL|4002||||0|1|0|0|0|0||||||
//! ```
//!
//! The word before the columns is the verdict: `Allow` and `LocalAllow` let pass, `Block`,
//! `LocalBlock`, `Deny`, `Drop` and `Terminate` do not, `Remove`, `Detect`, `Scan` and `Fail` tell
//! of sessions that ended or were looked at.
//!
//! What it witnesses: `receivedBytes` with `receivedPackets` are of whole packets. Without status; a
//! target by the application filter is denied as a connection. A denial whose `info` says that the
//! packet belongs to no session is no attempt.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Columns, PairStyle, Scratch};
use super::record::{Action, Decider, Kind, Party, Record};
use super::stamp::Stamp;
use super::{cef_event, value};

/// The columns, by the names that they have where the log writes `key=value`.
const COLUMNS: [&str; 26] = [
    "type",
    "proto",
    "srcIF",
    "srcIP",
    "srcPort",
    "srcMAC",
    "dstIP",
    "dstPort",
    "dstService",
    "dstIF",
    "rule",
    "info",
    "srcNAT",
    "dstNAT",
    "duration",
    "count",
    "receivedBytes",
    "sentBytes",
    "receivedPackets",
    "sentPackets",
    "user",
    "protocol",
    "application",
    "target",
    "content",
    "urlcat",
];

/// The format.
pub(super) struct BarracudaCloudgen;

impl Format for BarracudaCloudgen {
    fn about(&self) -> &'static About {
        &About {
            id: "barracuda-cloudgen",
            product: "Barracuda CloudGen Firewall",
            reference: "Available Log Files and Structure (Barracuda Campus)",
            recognised_by: "Allow:, Block: or the like before columns with bars between them",
            literals: &[
                "Allow: ",
                "Block: ",
                "Remove: ",
                "Deny: ",
                "Drop: ",
                "Terminate: ",
                "Detect: ",
                "Scan: ",
                "Fail: ",
                "Reset: ",
            ],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let Some(front) = Front::find(text) else { return Reading::NotMine };
        let mut record = if front.columns.starts_with(b"type=") {
            let pairs = scratch.pairs(front.columns, &PairStyle::separated(b'|'));
            record(|name| pairs.first(&[name]))
        } else {
            let columns = scratch.columns(front.columns, b'|');
            record(|name| column(&columns, name))
        };
        if record.server.address.is_none() {
            return Reading::Damaged;
        }
        record.action = front.action;
        record.stamp = line.stamp(own_time(front.header), front.header);
        emit(&record);
        Reading::Records
    }
}

/// `header action: columns`.
struct Front<'l> {
    header: &'l [u8],
    action: Action,
    columns: &'l [u8],
}

impl<'l> Front<'l> {
    fn find(text: &'l [u8]) -> Option<Self> {
        let bar = memchr::memchr(b'|', text)?;
        let colon = memchr::memmem::rfind(text.get(..bar)?, b": ")?;
        let front = text.get(..colon)?;
        let start = memchr::memrchr(b' ', front).map_or(0, |blank| blank + 1);
        let (header, word) = front.split_at(start);
        let action = match word.strip_prefix(b"Local").unwrap_or(word) {
            b"Allow" => Action::Allow,
            b"Block" | b"Deny" | b"Drop" | b"Terminate" => Action::Deny,
            b"Reset" => Action::Reset,
            b"Remove" | b"Detect" | b"Scan" | b"Fail" => Action::Other,
            _ => return None,
        };
        let columns = text.get(colon + 2..)?;
        let bars = memchr::memchr_iter(b'|', columns).count();
        (bars >= 7).then_some(Self { header, action, columns })
    }
}

fn column<'l>(columns: &Columns<'_, 'l>, name: &str) -> Option<&'l [u8]> {
    columns.stated(COLUMNS.iter().position(|column| *column == name)?)
}

fn record<'l>(get: impl Fn(&str) -> Option<&'l [u8]>) -> Record<'l> {
    let mut record = Record::new(Kind::Traffic);
    record.client = Party::parse(get("srcIP"), get("srcPort"));
    record.server = Party::parse(get("dstIP"), get("dstPort"));
    record.protocol = get("proto").and_then(value::protocol);
    if record.protocol.is_some_and(|protocol| matches!(protocol.0, 1 | 58)) {
        record.client.port = None;
        record.server.port = None;
    }
    record.bytes_back = get("receivedBytes").and_then(value::number);
    record.packets_back = get("receivedPackets").and_then(value::number);
    if let Some(target) = get("target").filter(|target| cef_event::is_qualified(target)) {
        record.add_url(target);
    }
    record.decider = Decider {
        rule: get("rule").map(Cow::Borrowed),
        policy: None,
        category: get("urlcat").or_else(|| get("application")).map(Cow::Borrowed),
        reason: get("info").map(Cow::Borrowed),
    };
    record
}

/// `2025 11 26 04:15:00 +00:00` at the start of the header.
fn own_time(header: &[u8]) -> Stamp {
    let read = || {
        let mut words = header.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let mut number = || value::number::<u32>(words.next()?);
        let (year, month, day) = (number()?, number()?, number()?);
        let (time, _) = value::clock(words.next()?)?;
        let civil = value::civil(year, month, day, time)?;
        Some(match words.next().and_then(value::offset_seconds) {
            Some(offset) => Stamp::with_offset(civil, offset),
            None => Stamp::NoZone(civil),
        })
    };
    read().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn columns_and_pairs_say_the_same() {
        let expected = "barracuda-cloudgen deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - \
                        2025-11-26T04:15:00Z by BLOCKALL; 4002";
        let front = "2025 11 26 05:15:00 +01:00 fw Security";
        let columns = format!(
            "{front} Block: FWD|TCP|p1|10.1.2.3|50123|00:16:3e:11:22:33|203.0.113.9|443|https|p2|\
             BLOCKALL|4002|||0|1|0|0|0|0||||||"
        );
        let pairs = format!(
            "{front} Block: type=FWD|proto=TCP|srcIF=p1|srcIP=10.1.2.3|srcPort=50123|srcMAC=|\
             dstIP=203.0.113.9|dstPort=443|dstService=https|dstIF=|rule=BLOCKALL|info=4002"
        );
        assert_eq!(read(&[&columns, &pairs]), [expected; 2]);
    }

    #[test]
    fn other_columns_are_none() {
        let short = "Info     fw update|fw|PGRP-AUTH-x||||||1|2|3|4|192.0.2.1|||x";
        assert_eq!(read(&[short, "Allow: a|b|c"]), ["unknown"; 2]);
    }
}
