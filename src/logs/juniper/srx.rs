//! Juniper SRX: sessions, web filter, screens and threat prevention, structured and as text.
//!
//! ```text
//! <14>1 2025-11-26T04:15:00.123Z srx1 RT_FLOW - RT_FLOW_SESSION_DENY [junos@2636.1.1.1.2.129 source-address="10.1.2.3" source-port="50123" destination-address="203.0.113.9" destination-port="443" protocol-id="6" policy-name="deny-out"]
//! ```
//!
//! `SESSION_CREATE` and `SESSION_CLOSE` are sessions that passed, `SESSION_DENY` one that did not;
//! the web filter's events say `PERMITTED` or `BLOCKED`; the others have an `action`. ICMP has its
//! type and identifier where ports stand. The unstructured texts are read in [`super::srx_text`].
//!
//! What it witnesses: `bytes-from-server` with `packets-from-server` count whole packets. Sessions
//! denied by `TCP no SYN` and kin are of no connection; a web filter's block wins over the session that
//! carried it.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{PairStyle, Pairs, Scratch};
use super::super::record::{Action, Kind, Party, Record};
use super::super::stamp::Stamp;
use super::super::value;
use super::srx_text;
use crate::observe::Cause;

/// The format.
pub(in crate::logs) struct JuniperSrx;

impl Format for JuniperSrx {
    fn about(&self) -> &'static About {
        &About {
            id: "juniper-srx",
            product: "Juniper SRX",
            reference: "Junos OS System Log Explorer: RT_FLOW_SESSION_DENY and others",
            recognised_by: "RT_FLOW, RT_UTM, RT_IDS, … or [junos@",
            literals: &[
                "RT_FLOW",
                "RT_UTM",
                "RT_IDS",
                "RT_IDP",
                "RT_AAMW",
                "RT_SECINTEL",
                "RT_SCREEN",
                "APPTRACK_",
                "[junos@",
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
        if let Some(at) = memchr::memmem::find(text, b"[junos@") {
            let (before, body) = text.split_at(at);
            let end = memchr::memrchr(b']', body).unwrap_or(body.len());
            let pairs = scratch.pairs(body.get(..end).unwrap_or_default(), &PairStyle::BLANK);
            let event = before.trim_ascii_end();
            let event = event.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
            let Some(mut record) = structured(event, &pairs) else { return Reading::NoRecord };
            record.stamp = line.stamp(Stamp::None, before);
            emit(&record);
            return Reading::Records;
        }
        let Some((before, message)) = srx_text::message(text) else { return Reading::NotMine };
        if let Some((event, body)) = unnamed(message) {
            let pairs = scratch.pairs(body, &PairStyle::BLANK);
            let Some(mut record) = structured(event, &pairs) else { return Reading::NoRecord };
            record.stamp = line.stamp(Stamp::None, before);
            emit(&record);
            return Reading::Records;
        }
        let Some(mut record) = srx_text::record(message) else { return Reading::NoRecord };
        record.stamp = line.stamp(Stamp::None, before);
        emit(&record);
        Reading::Records
    }
}

/// The event and the fields of a structured message whose element lost its name, as relays leave it:
/// `RT_SCREEN - RT_SCREEN_TCP [attack-name="…" source-address="…"]`.
fn unnamed(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memmem::find(message, b"source-address=\"")?;
    let open = memchr::memrchr(b'[', message.get(..at)?)?;
    let (before, body) = message.split_at(open);
    let body = body.get(1..)?;
    let end = memchr::memrchr(b']', body).unwrap_or(body.len());
    let event = before.trim_ascii_end().rsplit(|byte| *byte == b' ').next()?;
    Some((event, body.get(..end)?))
}

/// The record of a structured event; `None` without a destination.
fn structured<'l>(event: &[u8], pairs: &Pairs<'_, 'l>) -> Option<Record<'l>> {
    let has = |word: &str| memchr::memmem::find(event, word.as_bytes()).is_some();
    let mut record = Record::new(Kind::Traffic);
    record.client = Party::parse(pairs.get("source-address"), pairs.get("source-port"));
    record.server = Party::parse(pairs.get("destination-address"), pairs.get("destination-port"));
    record.protocol = pairs.first(&["protocol-id", "protocol-name"]).and_then(value::protocol);
    if record.protocol.is_some_and(|protocol| matches!(protocol.0, 1 | 58)) {
        record.server.port = None;
    }
    record.bytes_back = pairs.get("bytes-from-server").and_then(value::number);
    record.packets_back = pairs.get("packets-from-server").and_then(value::number);
    let is_web_filter = has("WEBFILTER");
    // The sandbox's events name files and endpoints by words without a dot.
    let has_dot = |name: &&[u8]| memchr::memchr(b'.', name).is_some();
    let host_keys = ["hostname", "host-name", "dns-name"];
    if let Some(url) = pairs.first(&["url", "urlcategory-url"]).filter(has_dot) {
        record.kind = Kind::Http;
        record.add_url(url);
    } else if is_web_filter {
        record.kind = Kind::Http;
    } else if let Some(name) = pairs.first(&["http-host"]) {
        // What a client asked for by HTTP, which may be a host of one label.
        record.kind = Kind::Http;
        record.add_name(name);
    } else if let Some(name) = pairs.first(&host_keys).filter(has_dot) {
        record.add_name(name);
    }
    if record.server == Party::default() && record.names.is_empty() {
        return None;
    }
    record.action = if has("SESSION_DENY") || has("URL_BLOCKED") {
        Action::Deny
    } else if has("SESSION_C") || has("APPTRACK") || has("URL_PERMITTED") {
        Action::Allow
    } else {
        pairs.first(&["action", "sub-action"]).map_or(Action::Other, word)
    };
    record.decider.rule = pairs.first(&["policy-name", "rule-name"]).map(Cow::Borrowed);
    record.decider.policy = pairs.first(&["profile", "profile-name"]).map(Cow::Borrowed);
    record.decider.category =
        pairs.first(&["category", "attack-name", "feed-name"]).map(Cow::Borrowed);
    record.decider.reason = pairs.first(&["reason"]).map(Cow::Borrowed);
    if is_web_filter && record.action == Action::Deny {
        record.cause = Some(Cause::UrlFiltered);
    }
    Some(record)
}

/// What a word of an action means.
pub(super) fn word(action: &[u8]) -> Action {
    const PASSED: &[&str] = &["permit", "permitted", "accept", "allow", "detect", "log"];
    const BLOCKED: &[&str] = &["drop", "drop packet", "drop session", "block", "blocked", "deny"];
    if value::is_one_of(action, PASSED) {
        Action::Allow
    } else if value::is_one_of(action, BLOCKED) {
        Action::Deny
    } else if action.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"close")) {
        Action::Reset
    } else {
        Action::Other
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn structured_events_are_told_by_their_name() {
        let pairs = "source-address=\"10.1.2.3\" source-port=\"50123\" destination-address=\"203.0.113.9\" destination-port=\"443\"";
        let head = "<14>1 2025-11-26T04:15:00.123Z srx1";
        let lines = format!(
            "{head} RT_FLOW - RT_FLOW_SESSION_DENY [junos@2636.1.1.1.2.129 {pairs} protocol-id=\"6\" policy-name=\"p\"]\n\
             {head} RT_FLOW - RT_FLOW_SESSION_CLOSE_LS [junos@2636.1.1.1.2.129 reason=\"TCP RST\" {pairs} protocol-id=\"6\" bytes-from-server=\"7\"]\n\
             {head} RT_UTM - WEBFILTER_URL_BLOCKED [junos@2636.1.1.1.2.86 {pairs} category=\"News\" url=\"www.example.com\" obj=\"/a\"]\n\
             {head} RT_IDP - IDP_ATTACK_LOG_EVENT [junos@2636.1.1.1.2.135 {pairs} protocol-name=\"TCP\" action=\"CLOSE\"]\n\
             {head} mgd 1 UI_DBASE_LOGOUT_EVENT [junos@2636.1.1.1.2.18 username=\"a\"]\n"
        );
        assert_eq!(
            records(&lines),
            [
                "1 juniper-srx deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
                "2 juniper-srx allow traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
                "3 juniper-srx deny http - 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z url_filtered",
                "4 juniper-srx reset traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
            ]
        );
    }

    #[test]
    fn texts_are_told_by_their_words() {
        let flow = "10.1.2.3/50123->203.0.113.9/443";
        let lines = format!(
            "Nov 26 04:15:00 srx1 RT_FLOW: RT_FLOW_SESSION_DENY: session denied {flow} 0x0 junos-https 6(0) deny-out trust untrust\n\
             RT_FLOW: RT_FLOW_SESSION_CREATE: session created {flow} junos-https 192.0.2.1/5->203.0.113.9/443 source rule a b None 6 out trust untrust 7\n\
             RT_FLOW: session closed TCP FIN: {flow} 0x0 junos-https {flow} 0x0 N/A N/A N/A N/A 6 out trust untrust 7 5(344) 4(523) 3 UNKNOWN\n\
             RT_FLOW: session denied {flow} 0x0 icmp 1(8) deny-out trust untrust\n\
             RT_UTM: WEBFILTER_URL_BLOCKED: WebFilter: ACTION=\"URL Blocked\" 10.1.2.3(50123)->203.0.113.9(443) CATEGORY=\"News\" REASON=\"a\" PROFILE=\"p\" URL=www.example.com OBJ=/ username N/A\n\
             RT_IDS: IP spoofing! source: 10.1.2.3, destination: 203.0.113.9, protocol-id: 17, zone name: trust, interface name: reth4.0, action: drop\n\
             RT_FLOW: RT_FLOW_SESSION_DENY: session den\n"
        );
        let party = "10.1.2.3#50123 203.0.113.9#443";
        let traffic = format!("traffic tcp {party} - -");
        assert_eq!(
            records(&lines),
            [
                format!("1 juniper-srx deny traffic tcp {party} - --11-26T04:15:00"),
                format!("2 juniper-srx allow {traffic}"),
                format!("3 juniper-srx allow {traffic}"),
                "4 juniper-srx deny traffic icmp 10.1.2.3#50123 203.0.113.9 - -".to_owned(),
                format!("5 juniper-srx deny http - {party} www.example.com - url_filtered"),
                "6 juniper-srx deny traffic udp 10.1.2.3 203.0.113.9 - -".to_owned(),
            ]
        );
    }

    #[test]
    fn elements_may_have_lost_their_name() {
        let read = |line: &str| crate::logs::test_support::read(&[line]).remove(0);
        let line = r#"<14>1 2025-11-26T04:15:00Z srx1 RT_SCREEN - RT_SCREEN_TCP [attack-name="TCP sweep!" source-address="10.1.2.3" source-port="50123" destination-address="203.0.113.9" destination-port="443" action="drop"]"#;
        let record = "deny traffic - 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z";
        assert_eq!(read(line), format!("juniper-srx {record} by TCP sweep!"));
        let line = r#"<14>1 2025-11-26T04:15:00Z srx1 RT_SECINTEL - SECINTEL_ACTION_LOG [junos@2636.1.1.1.2.129 category="secintel" action="BLOCK" http-host="intranet" source-address="10.1.2.3" destination-address="203.0.113.9"]"#;
        assert!(read(line).starts_with("juniper-srx deny http - 10.1.2.3 203.0.113.9 intranet "));
    }
}
