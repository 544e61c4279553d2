//! Sophos UTM (SG, formerly Astaro): packet filter, intrusion prevention and web proxy.
//!
//! ```text
//! 2025:11:26-04:15:00 utm httpproxy[811]: id="0060" severity="info" sys="SecureWeb" sub="http" name="web request blocked, forbidden category detected" action="block" method="CONNECT" srcip="10.1.2.3" dstip="203.0.113.9" statuscode="403" url="https://www.example.com/" reason="category" categoryname="Gambling"
//! ```
//!
//! `action` says what was done; where it names no verdict (`DNS request`) neither does the line.
//!
//! What it witnesses: `size` of the web filter is payload; the packet filter logs packets without
//! bytes. A relayed status decides where the filter passed.

use std::borrow::Cow;

use crate::logs::cef_event;
use crate::logs::format::{About, Emit, Format, Line, Reading};
use crate::logs::grammar::{PairStyle, Pairs, Scratch};
use crate::logs::record::{Action, Decider, Kind, Party, Record};
use crate::logs::stamp::Stamp;
use crate::logs::value;
use crate::observe::Cause;

/// The format.
pub(in crate::logs) struct SophosUtm;

impl Format for SophosUtm {
    fn about(&self) -> &'static About {
        &About {
            id: "sophos-utm",
            product: "Sophos UTM (SG)",
            reference: "Logfile guide: Sophos UTM 9",
            recognised_by: "id=\"0000\" severity=\"…\" sys=\"…\" sub=\"…\"",
            literals: &["\" severity=\""],
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
        let is_id = |id: &[u8]| id.len() == 4 && id.iter().all(u8::is_ascii_digit);
        let is_mine = pairs.get("id").is_some_and(is_id) && pairs.has("sys");
        let Some(part) = pairs.get("sub").filter(|_| is_mine) else { return Reading::NotMine };
        // Other parts tell of logins and mails.
        let is_web = value::is_one_of(part, &["http"]);
        if !is_web && !value::is_one_of(part, &["packetfilter", "ips"]) {
            return Reading::NoRecord;
        }
        let Some(record) = record(&pairs, text, line, is_web) else { return Reading::Damaged };
        emit(&record);
        Reading::Records
    }
}

fn record<'l>(
    pairs: &Pairs<'_, 'l>,
    text: &[u8],
    line: &Line<'_>,
    is_web: bool,
) -> Option<Record<'l>> {
    let mut record = Record::new(if is_web { Kind::Http } else { Kind::Traffic });
    record.client = Party::parse(pairs.first(&["srcip"]), pairs.first(&["srcport"]));
    record.server = Party::parse(pairs.first(&["dstip"]), pairs.first(&["dstport"]));
    record.protocol = pairs.first(&["proto"]).and_then(value::protocol);
    if is_web && let Some(url) = pairs.first(&["url"]) {
        record.add_url(url);
    }
    if record.server.address.is_none() && record.names.is_empty() {
        return None;
    }
    let start = memchr::memmem::find(text, b"id=\"").unwrap_or(0);
    let header = text.get(..start).unwrap_or_default();
    record.stamp = line.stamp(own_time(header), header);
    record.action = cef_event::verdict(pairs.get("action").unwrap_or_default());
    let is_filtered = record.action == Action::Deny && is_web;
    record.cause = is_filtered.then_some(Cause::UrlFiltered);
    if is_web && pairs.get("statuscode") == Some(b"407") {
        record.action = Action::Deny;
        record.cause = Some(Cause::ProxyAuthRequired);
    }
    if is_web {
        record.set_payload_back(pairs.get("size").and_then(value::number));
        let status = pairs.get("statuscode").and_then(value::number).unwrap_or_default();
        record.note_status(status, pairs.get("method") == Some(b"CONNECT"));
    }
    record.decider = Decider {
        rule: pairs.first(&["fwrule", "filteraction"]).map(Cow::Borrowed),
        policy: pairs.first(&["profile"]).map(Cow::Borrowed),
        category: pairs.first(&["categoryname", "category"]).map(Cow::Borrowed),
        reason: pairs.first(&["reason", "error"]).map(Cow::Borrowed),
    };
    Some(record)
}

/// `2025:11:26-04:15:00`, the local time of the UTM.
fn own_time(header: &[u8]) -> Stamp {
    header
        .split(|byte| matches!(byte, b' ' | b'>'))
        .find_map(|word| value::date_and_time(word, b':'))
        .map_or(Stamp::None, |(civil, _)| Stamp::NoZone(civil))
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn the_part_gives_the_kind() {
        let of = |rest: &str| {
            read(&[&format!("<30>2025:11:26-04:15:00 utm proc[811]: {rest}")]).remove(0)
        };
        assert_eq!(
            of(
                r#"id="2001" severity="info" sys="SecureNet" sub="packetfilter" name="Packet dropped" action="drop" fwrule="60002" srcip="10.1.2.3" dstip="203.0.113.9" proto="6" srcport="50123" dstport="443""#
            ),
            "sophos-utm deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00 by 60002"
        );
        assert_eq!(
            of(
                r#"id="0001" severity="info" sys="SecureWeb" sub="http" name="http access" action="pass" method="GET" srcip="10.1.2.3" dstip="203.0.113.9" statuscode="200" size="4711" url="http://www.example.com/a" referer="http://other.example/""#
            ),
            "sophos-utm allow http - 10.1.2.3 203.0.113.9#80 www.example.com 2025-11-26T04:15:00"
        );
        assert_eq!(
            of(
                r#"id="3005" severity="warn" sys="System" sub="auth" name="Authentication failed" srcip="10.1.2.3""#
            ),
            "sophos-utm no record"
        );
    }
}
