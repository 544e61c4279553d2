//! Sophos Firewall (SFOS): `key=value` lines, values partly in quotes.
//!
//! ```text
//! device="SFW" date=2025-11-26 time=04:15:00 timezone="+00" device_name="XGS" log_id=050901616001 log_type="Content Filtering" log_component="HTTP" log_subtype="Denied" status="" fw_rule_id=6 category="Gambling" url="https://www.example.com/" src_ip=10.1.2.3 dst_ip=203.0.113.9 protocol="TCP" src_port=50123 dst_port=443 domain=www.example.com
//! ```
//!
//! `status`, or else `log_subtype`, says what was done: allowed, clean, detected, decrypted and
//! warned traffic passed; denied, dropped, blocked and infected did not; rejected was answered.
//!
//! What it witnesses: `recv_bytes` with `recv_pkts` count whole packets. `Invalid Traffic` is of no
//! connection whatever its action.

use std::borrow::Cow;

use crate::logs::format::{About, Emit, Format, Line, Reading};
use crate::logs::grammar::{PairStyle, Pairs, Scratch};
use crate::logs::record::{Action, Decider, Kind, Party, Record};
use crate::logs::stamp::Stamp;
use crate::logs::value;
use crate::observe::Cause;

/// The format.
pub(in crate::logs) struct SophosXg;

impl Format for SophosXg {
    fn about(&self) -> &'static About {
        &About {
            id: "sophos-xg",
            product: "Sophos Firewall (SFOS, XG)",
            reference: "Sophos Firewall: Syslog files guide",
            recognised_by: "key=value pairs with log_type= or device=\"SFW\", log_component= and \
                            log_subtype=",
            literals: &["log_component="],
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
        // A relay may pass on some of the pairs only.
        let is_named = pairs.has("log_type") || pairs.get("device") == Some(b"SFW");
        if !(is_named && pairs.has("log_component")) {
            return Reading::NotMine;
        }
        if !pairs.has("log_subtype") {
            return Reading::Damaged;
        }
        let Some(record) = record(&pairs, text, line) else { return Reading::NoRecord };
        emit(&record);
        Reading::Records
    }
}

fn record<'l>(pairs: &Pairs<'_, 'l>, text: &[u8], line: &Line<'_>) -> Option<Record<'l>> {
    let mut record = Record::new(Kind::Traffic);
    record.client = Party::parse(
        pairs.first(&["src_ip", "sourceip"]),
        pairs.first(&["src_port", "sourceport"]),
    );
    record.server = Party::parse(
        pairs.first(&["dst_ip", "destinationip"]),
        pairs.first(&["dst_port", "destinationport"]),
    );
    record.protocol = pairs.first(&["protocol"]).and_then(value::protocol);
    let start = memchr::memmem::find(text, b"=").unwrap_or(0);
    record.stamp = line.stamp(stamp(pairs), text.get(..start).unwrap_or_default());
    let kind = pairs.get("log_type").unwrap_or_default();
    let component = pairs.get("log_component").unwrap_or_default();
    let is_tls =
        value::is_one_of(kind, &["SSL", "SSL/TLS"]) || value::is_one_of(component, &["SSL"]);
    let is_web = !is_tls
        && (value::is_one_of(kind, &["Content Filtering", "Web", "WAF"])
            || kind.is_empty() && value::is_one_of(component, &["HTTP", "HTTPS"]));
    if let Some(name) = pairs.first(&["sni", "server_name"]) {
        record.kind = Kind::Tls;
        record.add_name(name);
    }
    if let Some(url) = pairs.first(&["url"]) {
        record.kind = if is_tls { Kind::Tls } else { Kind::Http };
        record.add_url(url);
    }
    // Elsewhere a domain is the user's.
    if (is_web || is_tls)
        && let Some(name) = pairs.first(&["domain"])
    {
        record.kind = if is_tls { Kind::Tls } else { Kind::Http };
        record.add_name(name);
    }
    if record.server.address.is_none() && record.names.is_empty() {
        return None;
    }
    record.action = action(pairs);
    record.packets_back =
        pairs.first(&["recv_pkts", "packets_received", "received_pkts"]).and_then(value::number);
    record.bytes_back =
        pairs.first(&["recv_bytes", "bytes_received", "received_bytes"]).and_then(value::number);
    if record.action == Action::Deny {
        record.cause = match record.kind {
            Kind::Tls => Some(Cause::TlsPolicy),
            Kind::Http => Some(Cause::UrlFiltered),
            _ => None,
        };
    }
    if value::is_one_of(component, &["Invalid Traffic"]) {
        record.is_out_of_state = true;
    }
    record.decider = Decider {
        rule: pairs
            .first(&["fw_rule_name", "rule_name", "fw_rule_id", "rule_id"])
            .map(Cow::Borrowed),
        policy: pairs.first(&["policy_name", "av_policy_name", "profile_name"]).map(Cow::Borrowed),
        category: pairs.first(&["category", "threatname", "virus"]).map(Cow::Borrowed),
        reason: pairs.first(&["reason", "message"]).map(Cow::Borrowed),
    };
    Some(record)
}

fn action(pairs: &Pairs<'_, '_>) -> Action {
    ["status", "log_subtype"]
        .iter()
        .filter_map(|key| pairs.get(key))
        .map(word)
        .find(|action| *action != Action::Other)
        .unwrap_or_default()
}

fn word(raw: &[u8]) -> Action {
    const PASSED: &[&str] = &[
        "allow",
        "allowed",
        "allow session",
        "clean",
        "detect",
        "detected",
        "decrypt",
        "decrypted",
        "do not decrypt",
        "warned",
    ];
    const BLOCKED: &[&str] = &[
        "deny",
        "denied",
        "deny session",
        "drop",
        "dropped",
        "block",
        "blocked",
        "virus",
        "infected",
    ];
    if value::is_one_of(raw, PASSED) {
        Action::Allow
    } else if value::is_one_of(raw, BLOCKED) {
        Action::Deny
    } else if value::is_one_of(raw, &["reject", "rejected"]) {
        Action::Reset
    } else {
        Action::Other
    }
}

/// `timestamp`, or `date` and `time` with `timezone`: a number or `GMT` makes them an instant;
/// other abbreviations mean several zones.
fn stamp(pairs: &Pairs<'_, '_>) -> Stamp {
    if let Some(stamp) = pairs.first(&["timestamp"]).and_then(value::iso_8601) {
        return stamp;
    }
    let (Some(date), Some(time)) = (pairs.get("date"), pairs.get("time")) else {
        return Stamp::None;
    };
    let text = [date, b" ", time].concat();
    match (value::iso_8601(&text), pairs.get("timezone").and_then(value::offset_seconds)) {
        (Some(Stamp::NoZone(civil)), Some(offset)) => Stamp::with_offset(civil, offset),
        (stamp, _) => stamp.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    fn of(rest: &str) -> String {
        let front = r#"<134>device="SFW" date=2025-11-26 time=05:15:00 timezone="+01" device_name="XG" log_id=05"#;
        read(&[&format!("{front} {rest}")]).remove(0)
    }

    #[test]
    fn a_part_of_the_pairs_is_enough() {
        let line = r#"<30>device="SFW" log_component="HTTP" log_subtype="Allowed" status="" src_ip=10.1.2.3 domain=www.example.com application="""#;
        assert_eq!(read(&[line]), ["sophos-xg allow http - 10.1.2.3 - www.example.com -"]);
    }

    #[test]
    fn the_type_gives_the_kind() {
        assert_eq!(
            of(
                r#"log_type="Content Filtering" log_component="HTTP" log_subtype="Denied" status="" fw_rule_id=6 category="Gambling" url="https://www.example.com/" src_ip=10.1.2.3 dst_ip=203.0.113.9 protocol="TCP" src_port=50123 dst_port=443 domain=www.example.com"#
            ),
            "sophos-xg deny http tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z url_filtered by 6; Gambling"
        );
        assert_eq!(
            of(
                r#"log_type="SSL" log_component="SSL" log_subtype="Do not decrypt" src_ip="10.1.2.3" dst_ip="203.0.113.9" dst_port=443 sni="www.example.com""#
            ),
            "sophos-xg allow tls - 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z"
        );
        assert_eq!(
            of(
                r#"log_type="Firewall" log_component="Firewall Rule" log_subtype="Denied" status="Deny" src_country= src_ip=10.1.2.3 dst_ip=203.0.113.9 protocol="UDP" dst_port=443 ether_type=IPv4 (0x0800) "#
            ),
            "sophos-xg deny traffic udp 10.1.2.3 203.0.113.9#443 - 2025-11-26T04:15:00Z"
        );
        assert_eq!(
            of(
                r#"log_type="Event" log_component="VPN" log_subtype="Successful" src_ip=10.1.2.3 domain=corp.example"#
            ),
            "sophos-xg no record"
        );
    }
}
