//! Fortinet FortiGate: `key=value` lines of FortiOS.
//!
//! ```text
//! date=2025-11-26 time=04:15:00 devname="fw1" devid="FG100" eventtime=1764130500000000000 tz="+0000" logid="0000000013" type="traffic" subtype="forward" srcip=10.1.2.3 srcport=50123 dstip=203.0.113.9 dstport=443 proto=6 action="deny" policyid=7 policyname="default-deny"
//! ```
//!
//! `action` says what was done with the session; on traffic lines `utmaction` overrules it,
//! because a session that a security profile blocked is logged as closed. `ip-conn` (no answer)
//! and `dns` (a failed look-up of the firewall itself) are no verdicts.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{PairStyle, Pairs, Scratch};
use super::record::{Action, Decider, Kind, Party, Record};
use super::stamp::Stamp;
use super::value;
use crate::observe::Cause;

/// The format.
pub(super) struct Fortigate;

impl Format for Fortigate {
    fn about(&self) -> &'static About {
        &About {
            id: "fortigate",
            product: "Fortinet FortiGate",
            reference: "FortiOS Log Message Reference",
            recognised_by: "key=value pairs with logid= (or log_id=), type= and subtype=",
            literals: &["logid=", "log_id=", "devid=F", "devid=\"F", "subtype="],
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
        if !is_mine(&pairs) {
            return Reading::NotMine;
        }
        let Some(kind) = pairs.get("type") else { return Reading::Damaged };
        // Old releases name the kind of security event in `type`.
        if value::is_one_of(kind, &["event"]) {
            return Reading::NoRecord;
        }
        let Some(record) = record(&pairs, line) else { return Reading::Damaged };
        emit(record);
        Reading::Records
    }
}

fn is_mine(pairs: &Pairs<'_, '_>) -> bool {
    let has_id = pairs.has("logid") || pairs.has("log_id");
    let device = pairs.first(&["devid", "device_id"]);
    let has_kind = pairs.has("type") && pairs.has("subtype");
    has_kind && (has_id || device.is_some_and(|device| device.starts_with(b"F")))
}

fn record<'l>(pairs: &Pairs<'_, 'l>, line: &Line<'_>) -> Option<Record<'l>> {
    let subtype = pairs.get("subtype").unwrap_or_default();
    let is_traffic = pairs.get("type").is_some_and(|kind| value::is_one_of(kind, &["traffic"]));
    let mut record = Record::new(match subtype {
        b"dns" => Kind::Dns,
        b"webfilter" | b"virus" | b"app-ctrl" | b"waf" => Kind::Http,
        b"ssl" => Kind::Tls,
        _ => Kind::Traffic,
    });
    record.stamp = line.stamp(stamp(pairs), b"");
    record.client =
        Party::parse(pairs.first(&["srcip", "src"]), pairs.first(&["srcport", "src_port"]));
    record.server =
        Party::parse(pairs.first(&["dstip", "dst"]), pairs.first(&["dstport", "dst_port"]));
    record.protocol = pairs.get("proto").and_then(value::protocol);
    record.bytes_back = pairs.get("rcvdbyte").and_then(value::number);
    record.action = action(pairs, is_traffic)?;
    if record.kind == Kind::Dns {
        if let Some(name) = pairs.get("qname") {
            record.add_name(name);
        }
    } else if let Some(name) = pairs.first(&["hostname", "sni", "dstname"]) {
        record.add_name(name);
    } else if let Some(url) = pairs.get("url") {
        record.add_url(url);
    }
    record.decider = Decider {
        rule: pairs.first(&["policyname", "policyid"]).map(Cow::Borrowed),
        policy: pairs.first(&["profile"]).map(Cow::Borrowed),
        category: pairs.first(&["catdesc", "appcat"]).map(Cow::Borrowed),
        reason: None,
    };
    if matches!(record.action, Action::Deny) {
        record.cause = match subtype {
            b"webfilter" => Some(Cause::UrlFiltered),
            b"dns" => Some(Cause::DnsFiltered),
            b"ssl" => Some(Cause::TlsPolicy),
            _ => None,
        };
    }
    Some(record)
}

fn action(pairs: &Pairs<'_, '_>, is_traffic: bool) -> Option<Action> {
    let own = word(pairs.first(&["action", "status"]).unwrap_or_default());
    let overruled = pairs.get("utmaction").filter(|_| is_traffic).map(word);
    Some(match overruled {
        Some(action @ (Action::Deny | Action::Reset)) => action,
        _ => own,
    })
}

fn word(action: &[u8]) -> Action {
    const PASSED: &[&str] = &[
        "accept",
        "close",
        "timeout",
        "client-rst",
        "server-rst",
        "start",
        "pass",
        "passthrough",
        "exempt",
        "bypass",
        "detected",
        "monitored",
        "log-only",
        "allow",
        "allowed",
    ];
    const BLOCKED: &[&str] = &[
        "deny",
        "denied",
        "block",
        "blocked",
        "dropped",
        "drop_session",
        "clear_session",
        "redirect",
        "redirected",
    ];
    if value::is_one_of(action, PASSED) {
        Action::Allow
    } else if value::is_one_of(action, BLOCKED) {
        Action::Deny
    } else if action.starts_with(b"reset") {
        Action::Reset
    } else {
        Action::Other
    }
}

/// `eventtime` is an instant (seconds or nanoseconds, by release); `date` and `time` are one
/// where `tz` stands beside them. Values before 2000 are placeholders.
fn stamp(pairs: &Pairs<'_, '_>) -> Stamp {
    const YEAR_2000: i64 = 946_684_800_000_000_000;
    if let Some(time) = pairs.get("eventtime").and_then(value::epoch)
        && time.nanos() >= YEAR_2000
    {
        return Stamp::Instant(time);
    }
    let (Some(date), Some(time)) = (pairs.get("date"), pairs.get("time")) else {
        return Stamp::None;
    };
    let text = [date, b" ", time].concat();
    match (value::iso_8601(&text), pairs.get("tz").and_then(value::offset_seconds)) {
        (Some(Stamp::NoZone(civil)), Some(offset)) => Stamp::with_offset(civil, offset),
        (stamp, _) => stamp.unwrap_or_default(),
    }
}
