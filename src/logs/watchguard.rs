//! WatchGuard Firebox (Fireware): syslog text, and the same events as LEEF.
//!
//! ```text
//! <142>Nov 26 04:15:00 fb 80CC00000000 (2025-11-26T04:15:00) firewall: msg_id="3000-0148" Deny 1-Trusted 0-External 52 tcp 20 127 10.1.2.3 203.0.113.9 50123 443 offset 8 S 1 win 64240 geo_dst="IRL" (Unhandled Internal Packet-00)
//! ```
//!
//! The first word is the verdict: `Allow` and the proxies' `ProxyAllow`, `ProxyInspect`,
//! `ProxyStrip` and `ProxyAvScan` let pass, `Deny`, `ProxyDeny`, `ProxyDrop` and `ProxyBlock` do
//! not. What stands in the last parentheses is the policy.
//!
//! What it witnesses: `rcvd_bytes` count what came back. Flags behind `offset` tell a denied segment of
//! no connection. A proxy's allow relays whatever status.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{PairStyle, Pairs, Scratch};
use super::record::{Action, Decider, Kind, Party, Protocol, Record};
use super::stamp::Stamp;
use super::{cef_event, value};
use crate::observe::Cause;

/// The format.
pub(super) struct Watchguard;

impl Format for Watchguard {
    fn about(&self) -> &'static About {
        &About {
            id: "watchguard",
            product: "WatchGuard Firebox",
            reference: "Fireware Log Catalog",
            recognised_by: "msg_id=\"XXXX-XXXX\", or LEEF events of WatchGuard",
            literals: &["msg_id=\"", "|WatchGuard|"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        if let Some(event) = scratch.leef(text).filter(|event| event.vendor == b"WatchGuard") {
            let attributes = &event.attributes;
            if !(attributes.has("disp") && attributes.has("dst")) {
                return Reading::NoRecord;
            }
            let mut record = cef_event::of_leef(&event, line);
            record.action = action(attributes.get("disp").unwrap_or_default());
            add_details(&mut record, attributes);
            record.decider.policy = attributes.first(&["policy"]).map(Cow::Borrowed);
            emit(&record);
            return Reading::Records;
        }
        let Some((header, message)) = message(text) else { return Reading::NotMine };
        let Some(first) = message.split(u8::is_ascii_whitespace).next() else {
            return Reading::NoRecord;
        };
        let action = action(first);
        if action == Action::Other {
            return Reading::NoRecord;
        }
        let Some(mut record) = packet(message) else { return Reading::Damaged };
        record.action = action;
        record.note_control_bits(control_bits(message));
        record.stamp = line.stamp(Stamp::None, header);
        add_details(&mut record, &scratch.pairs(message, &PairStyle::BLANK));
        record.decider.policy = policy(message).map(Cow::Borrowed);
        emit(&record);
        Reading::Records
    }
}

/// Splits at `msg_id="XXXX-XXXX"`.
fn message(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memmem::find(text, b"msg_id=\"")?;
    let rest = text.get(at + 8..)?;
    let (id, rest) = rest.split_at_checked(9)?;
    let is_digit = |byte: &u8| byte.is_ascii_hexdigit();
    let (before, after) = (id.get(..4)?, id.get(5..)?);
    let is_id = before.iter().all(is_digit) && after.iter().all(is_digit);
    let rest = rest.strip_prefix(b"\"")?;
    (is_id && id.get(4) == Some(&b'-')).then_some((text.get(..at)?, rest.trim_ascii_start()))
}

fn action(word: &[u8]) -> Action {
    const PASSED: &[&str] =
        &["Allow", "ProxyAllow", "ProxyInspect", "ProxyStrip", "ProxyAvScan", "ProxyReplace"];
    const BLOCKED: &[&str] = &["Deny", "ProxyDeny", "ProxyDrop", "ProxyBlock", "Drop", "Block"];
    let word = word.strip_suffix(b":").unwrap_or(word);
    if value::is_one_of(word, PASSED) {
        Action::Allow
    } else if value::is_one_of(word, BLOCKED) {
        Action::Deny
    } else {
        Action::Other
    }
}

/// `interfaces [length] transport [header length, TTL] client server [port port]`: interfaces'
/// names may hold blanks, so the two addresses beside each other are what is sure.
fn packet(message: &[u8]) -> Option<Record<'_>> {
    let mut words = message
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .take_while(|word| memchr::memchr(b'=', word).is_none());
    let mut record = Record::new(Kind::Traffic);
    let mut previous = None;
    loop {
        let word = words.next()?;
        let address = value::address(word);
        if let (Some(client), Some(server)) = (previous, address) {
            record.client = Party::of(Some(client));
            record.server = Party::of(Some(server));
            break;
        }
        // The transport is a name; lengths stand on both sides of it.
        if address.is_none() && word.first().is_some_and(u8::is_ascii_alphabetic) {
            record.protocol = value::protocol(word).or(record.protocol);
        }
        previous = address;
    }
    if matches!(record.protocol, Some(Protocol::TCP | Protocol::UDP | Protocol(132))) {
        record.client.port = words.next().and_then(value::port);
        record.server.port = words.next().and_then(value::port);
    }
    Some(record)
}

/// The flags of `offset 8 S 1023491290 win 64240`.
fn control_bits(message: &[u8]) -> Option<value::ControlBits> {
    let at = memchr::memmem::find(message, b" offset ")?;
    let mut words = message.get(at + 8..)?.split(|byte| *byte == b' ');
    words.next().and_then(value::number::<u8>)?;
    value::ControlBits::parse(words.next()?)
}

/// What the proxies say behind the addresses.
fn add_details<'l>(record: &mut Record<'l>, pairs: &Pairs<'_, 'l>) {
    if let Some(name) = pairs.first(&["question", "query_name"]) {
        record.kind = Kind::Dns;
        record.add_name(name);
    } else if let Some(name) = pairs.first(&["sni"]) {
        record.kind = Kind::Tls;
        record.add_name(name);
    } else if let Some(name) = pairs.first(&["dstname"]) {
        let is_request = pairs.has("op") || pairs.has("arg");
        record.kind = if is_request { Kind::Http } else { record.kind };
        record.add_name(name);
    }
    record.bytes_back = pairs.first(&["rcvd_bytes"]).and_then(value::number);
    if record.action == Action::Deny {
        record.cause = match record.kind {
            Kind::Dns => Some(Cause::DnsFiltered),
            Kind::Http => Some(Cause::UrlFiltered),
            Kind::Tls => Some(Cause::TlsPolicy),
            Kind::Traffic => None,
        };
    }
    record.decider = Decider {
        rule: pairs.first(&["rule_name"]).map(Cow::Borrowed),
        policy: None,
        category: pairs.first(&["cats", "app_name", "app"]).map(Cow::Borrowed),
        reason: pairs.first(&["reason", "msg"]).map(Cow::Borrowed),
    };
}

/// The text in the last parentheses.
fn policy(message: &[u8]) -> Option<&[u8]> {
    let inner = message.trim_ascii_end().strip_suffix(b")")?;
    inner.get(memchr::memrchr(b'(', inner)? + 1..).and_then(value::stated)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    fn of(rest: &str) -> String {
        read(&[&format!("<142>Nov 26 04:15:00 fb (2025-11-26T04:15:00) firewall: {rest}")])
            .remove(0)
    }

    #[test]
    fn addresses_beside_each_other_are_client_and_server() {
        assert_eq!(
            of(
                r#"msg_id="3000-0148" Deny 1 Trusted 0-External 52 tcp 20 127 10.1.2.3 203.0.113.9 50123 443 offset 8 S 1 win 64240 geo_dst="IRL"  (Unhandled Internal Packet-00)"#
            ),
            "watchguard deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00 by Unhandled Internal Packet-00"
        );
        assert_eq!(
            of(r#"msg_id="3000-0148" Allow a b 84 icmp 20 63 10.1.2.3 203.0.113.9 8 0 (Ping-00)"#),
            "watchguard allow traffic icmp 10.1.2.3 203.0.113.9 - 2025-11-26T04:15:00 by Ping-00"
        );
        assert_eq!(of(r#"msg_id="3000-0148" Deny a b 52 tcp 20 127 10.1.2"#), "watchguard damaged");
        assert_eq!(
            of(r#"msg_id="0101-0001" Management user x modified a"#),
            "watchguard no record"
        );
    }

    #[test]
    fn proxies_state_names() {
        assert_eq!(
            of(
                r#"msg_id="1AFF-0021" Deny 1-Trusted 0-External tcp 10.1.2.3 203.0.113.9 50123 80 msg="ProxyDeny: HTTP Request categories" proxy_act="HTTP-Client.1" cats="Games" op="GET" dstname="www.example.com" arg="/" (HTTP-proxy-00)"#
            ),
            "watchguard deny http tcp 10.1.2.3#50123 203.0.113.9#80 www.example.com 2025-11-26T04:15:00 url_filtered by HTTP-proxy-00; Games; ProxyDeny: HTTP Request categories"
        );
        let event = "LEEF:1.0|WatchGuard|XTM|12.8|1DFF000F|policy=DNS-00#011disp=Deny#011src=10.1.2.3#011dst=203.0.113.53#011dstPort=53#011proto=udp#011question=www.example.com";
        assert_eq!(
            read(&[event]),
            [
                "watchguard deny dns udp 10.1.2.3 203.0.113.53#53 www.example.com - dns_filtered by DNS-00"
            ]
        );
    }
}
