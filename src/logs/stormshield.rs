//! Stormshield Network Security: `key=value` lines of all its logs.
//!
//! ```text
//! id=firewall time="2025-11-26 05:15:00" fw="SN1" tz=+0100 startime="2025-11-26 05:15:00" pri=5 ruleid=11 rulename="web" ipproto=tcp proto=http src=10.1.2.3 srcport=50123 dst=203.0.113.9 dstport=80 dstname=www.example.com action=pass op=GET arg="/a" logtype="plugin"
//! ```
//!
//! `action` is `pass` or `block`; the connection log has none. `tz` makes `startime` an instant.
//!
//! What it witnesses: `rcvd` counts what the server sent, in whole packets. `pass` beside a block of
//! the proxy's is the block; the reason (`msg`) tells a packet of no connection.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{PairStyle, Pairs, Scratch};
use super::record::{Action, Decider, Kind, Party, Record};
use super::stamp::Stamp;
use super::{cef_event, value};
use crate::observe::Cause;

/// The format.
pub(super) struct Stormshield;

impl Format for Stormshield {
    fn about(&self) -> &'static About {
        &About {
            id: "stormshield",
            product: "Stormshield Network Security",
            reference: "Stormshield: Description of Audit logs",
            recognised_by: "key=value pairs with time=, fw=, tz= and startime=",
            literals: &["startime="],
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
        if !["time", "fw", "tz", "startime"].iter().all(|key| pairs.has(key)) {
            return Reading::NotMine;
        }
        let Some(record) = record(&pairs, line) else {
            // Where a client has a port, it has a server too.
            let is_cut = pairs.has("srcport") && !pairs.has("dst");
            return if is_cut { Reading::Damaged } else { Reading::NoRecord };
        };
        emit(&record);
        Reading::Records
    }
}

fn record<'l>(pairs: &Pairs<'_, 'l>, line: &Line<'_>) -> Option<Record<'l>> {
    let mut record = Record::new(Kind::Traffic);
    record.client = Party::parse(pairs.first(&["src"]), pairs.first(&["srcport"]));
    // What the client addressed, where it was translated.
    record.server =
        Party::parse(pairs.first(&["origdst", "dst"]), pairs.first(&["origdstport", "dstport"]));
    record.server.address?;
    record.protocol = pairs.first(&["ipproto"]).and_then(value::protocol);
    record.stamp = line.stamp(stamp(pairs), b"");
    let name = pairs.first(&["dstname"]).filter(|name| is_host(name));
    if let Some(name) = name {
        record.add_name(name);
    }
    let log = pairs.get("logtype").unwrap_or_default();
    if value::is_one_of(log, &["ssl"]) {
        record.kind = Kind::Tls;
    } else if pairs.has("op") && (name.is_some() || value::is_one_of(log, &["web", "plugin"])) {
        record.kind = Kind::Http;
    }
    record.action = pairs.first(&["action"]).map(cef_event::verdict).unwrap_or_default();
    if record.action == Action::Deny {
        record.cause = match record.kind {
            Kind::Http => Some(Cause::UrlFiltered),
            Kind::Tls => Some(Cause::TlsPolicy),
            _ => None,
        };
    }
    record.bytes_back = pairs.get("rcvd").and_then(value::number);
    record.decider = Decider {
        rule: pairs.first(&["rulename", "ruleid"]).map(Cow::Borrowed),
        policy: pairs.first(&["slotlevel"]).map(Cow::Borrowed),
        category: pairs.first(&["cat_site", "class"]).map(Cow::Borrowed),
        reason: pairs.first(&["msg"]).map(Cow::Borrowed),
    };
    Some(record)
}

/// A host's name rather than that of an object, such as `host_192.0.2.1`.
fn is_host(name: &[u8]) -> bool {
    let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    cef_event::is_qualified(name) && last.iter().any(u8::is_ascii_alphabetic)
}

fn stamp(pairs: &Pairs<'_, '_>) -> Stamp {
    let time = pairs.first(&["startime", "time"]).and_then(value::iso_8601).unwrap_or_default();
    match (time, pairs.get("tz").and_then(value::offset_seconds)) {
        (Stamp::NoZone(civil), Some(offset)) => Stamp::with_offset(civil, offset),
        _ => time,
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn objects_are_no_hosts() {
        let of = |rest: &str| {
            let front = r#"id=firewall time="2025-11-26 05:15:02" fw="SN1" tz=+0100 startime="2025-11-26 05:15:00""#;
            read(&[&format!("{front} {rest}")]).remove(0)
        };
        assert_eq!(
            of(
                r#"rulename="web" ipproto=tcp src=10.1.2.3 srcport=50123 dst=192.0.2.9 dstport=80 dstname=www.example.com origdst=203.0.113.9 origdstport=80 action=block op=GET arg="/" logtype="web""#
            ),
            "stormshield deny http tcp 10.1.2.3#50123 203.0.113.9#80 www.example.com 2025-11-26T04:15:00Z url_filtered by web"
        );
        assert_eq!(
            of(
                r#"ruleid=48 ipproto=udp src=10.1.2.3 dst=203.0.113.9 dstport=443 dstname=host_203.0.113.9 logtype="filter""#
            ),
            "stormshield other traffic udp 10.1.2.3 203.0.113.9#443 - 2025-11-26T04:15:00Z by 48"
        );
        assert_eq!(of(r#"user="a" src=10.1.2.3 logtype="auth""#), "stormshield no record");
        assert_eq!(
            of("ruleid=48 ipproto=udp src=10.1.2.3 srcport=50123 ds"),
            "stormshield damaged"
        );
    }
}
