//! SonicWall SonicOS: Enhanced Syslog, and the same events as CEF.
//!
//! ```text
//! <134>id=firewall sn=0017C5000000 time="2025-11-26 04:15:00 UTC" fw=198.51.100.1 pri=5 c=4 m=14 msg="Web site access denied" n=7 src=10.1.2.3:50123:X0:pc1 dst=203.0.113.9:443:X1 proto=tcp/https dstname=www.example.com arg=/ code=20 Category="Online Games"
//! ```
//!
//! `fw_action` says what was done: `forward` lets pass, `drop` denies, `NA` and `mgmt` say
//! nothing. Then the message counts: 97 (Web site hit), 98 and 537 (connection opened, closed)
//! tell of passed traffic, 14, 36 to 38 and 173 of blocked, and so does every message that says
//! dropped, denied or blocked.
//!
//! What it witnesses: `rcvd` with `rpkt` count whole packets. A drop whose note has flags without a
//! bare SYN, or whose message speaks of a closing connection or a violated handshake, is of no
//! connection.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Cef, PairStyle, Pairs, Scratch};
use super::record::{Action, Decider, Kind, Party, Record};
use super::stamp::Stamp;
use super::{cef_event, netfilter, value};
use crate::observe::Cause;

/// The format.
pub(super) struct Sonicwall;

impl Format for Sonicwall {
    fn about(&self) -> &'static About {
        &About {
            id: "sonicwall",
            product: "SonicWall SonicOS",
            reference: "SonicOS Log Events Reference Guide",
            recognised_by: "key=value pairs with id=, sn= and fw=, or CEF events of SonicWall",
            literals: &["sn=", "|SonicWall|"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        if let Some(event) = scratch.cef(text).filter(|event| event.vendor == b"SonicWall") {
            let record = of_cef(&event, line);
            if record.server == Party::default() && record.names.is_empty() {
                return Reading::Damaged;
            }
            emit(&record);
            return Reading::Records;
        }
        let pairs = scratch.pairs(text, &PairStyle::BLANK);
        let has_firewall = pairs.has("fw") || memchr::memmem::find(text, b"=fw=").is_some();
        if !(pairs.has("id") && pairs.has("sn") && has_firewall) {
            return Reading::NotMine;
        }
        let Some(record) = of_pairs(&pairs, text, line) else { return Reading::NoRecord };
        emit(&record);
        Reading::Records
    }
}

fn of_pairs<'l>(pairs: &Pairs<'_, 'l>, text: &'l [u8], line: &Line<'_>) -> Option<Record<'l>> {
    let mut record = Record::new(Kind::Traffic);
    record.server = party(pairs.get("dst"), pairs.first(&["dstV6"]))?;
    record.client = party(pairs.get("src"), pairs.first(&["srcV6"])).unwrap_or_default();
    let (protocol, port) = transport(pairs.get("proto").unwrap_or_default());
    record.protocol = protocol.and_then(value::protocol);
    record.server.port = record.server.port.or(port);
    let start = memchr::memmem::find(text, b"id=").unwrap_or(0);
    let header = text.get(..start).unwrap_or_default();
    // The firewall's clock is an instant only with a zone, and what a relay adds tells nothing
    // of it.
    record.stamp = match pairs.get("time").and_then(value::iso_8601) {
        Some(time) => time,
        None => line.stamp(Stamp::None, header),
    };
    let name = pairs.first(&["dstname"]).filter(|name| cef_event::is_qualified(name));
    let url = pairs.first(&["arg"]).filter(|arg| !arg.starts_with(b"/"));
    if let Some(name) = name {
        record.kind = Kind::Http;
        record.add_name(name);
    } else if let Some(url) = url.filter(|url| cef_event::is_qualified(host(url))) {
        record.kind = Kind::Http;
        record.add_url(url);
    }
    record.action = action(
        pairs.get("fw_action").unwrap_or_default(),
        pairs.get("m").unwrap_or_default(),
        pairs.get("msg").unwrap_or_default(),
    );
    let bits = pairs.get("note").and_then(|note| note.strip_prefix(b"TCP Flag(s):"));
    record.note_control_bits(bits.and_then(value::ControlBits::parse));
    record.bytes_back = pairs.get("rcvd").and_then(value::number);
    record.packets_back = pairs.get("rpkt").and_then(value::number);
    record.decider = Decider {
        rule: pairs.first(&["rule"]).map(Cow::Borrowed),
        policy: pairs.first(&["policy"]).map(Cow::Borrowed),
        category: pairs.first(&["Category", "website-category", "appcat"]).map(Cow::Borrowed),
        reason: reason(record.action, pairs.first(&["msg"])),
    };
    record.cause = cause(&record);
    Some(record)
}

fn of_cef<'l>(event: &Cef<'_, 'l>, line: &Line<'_>) -> Record<'l> {
    let mut record = cef_event::of_cef(event, line);
    let raw = event.first(&["proto"]).unwrap_or_default();
    let (protocol, port) = transport(raw);
    record.protocol = record.protocol.or_else(|| protocol.and_then(value::protocol));
    record.server.port = record.server.port.or(port);
    let quoted = |key: &str| {
        let value = event.first(&[key])?;
        match value {
            [b'"', inner @ .., b'"'] => value::stated(inner),
            _ => Some(value),
        }
    };
    record.action = action(quoted("fw_action").unwrap_or_default(), event.class, event.name);
    record.bytes_back = event.first(&["in"]).and_then(value::number);
    record.decider = Decider {
        rule: quoted("cs1").map(Cow::Borrowed),
        policy: quoted("cs6").map(Cow::Borrowed),
        category: quoted("reason").map(Cow::Borrowed),
        reason: reason(record.action, quoted("msg").or_else(|| value::stated(event.name))),
    };
    record.cause = cause(&record);
    record
}

/// `address:port:interface[:name]`, and the address by IPv6, which stands in a field of its own and leaves
/// its place in the first empty.
fn party(raw: Option<&[u8]>, version_6: Option<&[u8]>) -> Option<Party> {
    let version_6 = version_6.and_then(value::address);
    let Some(raw) = raw else { return version_6.map(|address| Party::of(Some(address))) };
    let mut parts = raw.splitn(3, |byte| *byte == b':');
    let (address, port) = (parts.next().unwrap_or_default(), parts.next());
    let port = port.and_then(value::port);
    let address = value::address(address).or_else(|| version_6.filter(|_| address.is_empty()));
    Some(match address {
        Some(address) => Party { address: Some(address), port },
        // Older releases write an address by IPv6 without a port here.
        None => value::socket(raw).map(Party::from).unwrap_or_default(),
    })
}

/// `tcp/https` or `udp/5060`; only a number is a port.
fn transport(raw: &[u8]) -> (Option<&[u8]>, Option<u16>) {
    let mut parts = raw.splitn(2, |byte| *byte == b'/');
    (parts.next(), parts.next().and_then(value::port))
}

/// The host of what may be one, or the head of a path.
fn host(raw: &[u8]) -> &[u8] {
    value::Url::parse(raw).map(|url| url.host).unwrap_or_default()
}

fn action(own: &[u8], number: &[u8], message: &[u8]) -> Action {
    if value::is_one_of(own, &["forward", "allow"]) {
        return Action::Allow;
    }
    if value::is_one_of(own, &["drop", "block", "deny"]) {
        return Action::Deny;
    }
    if value::is_one_of(own, &["reset"]) {
        return Action::Reset;
    }
    match number {
        b"97" | b"98" | b"537" => return Action::Allow,
        b"14" | b"36" | b"37" | b"38" | b"173" => return Action::Deny,
        _ => {}
    }
    match netfilter::verdict(message) {
        verdict @ (Action::Deny | Action::Reset) => verdict,
        _ => Action::Other,
    }
}

fn reason(action: Action, message: Option<&[u8]>) -> Option<Cow<'_, [u8]>> {
    message.filter(|_| action == Action::Deny).map(Cow::Borrowed)
}

fn cause(record: &Record<'_>) -> Option<Cause> {
    let is_filtered = record.action == Action::Deny && record.kind == Kind::Http;
    is_filtered.then_some(Cause::UrlFiltered)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn the_message_gives_the_verdict_where_the_action_does_not() {
        let of = |rest: &str| {
            let front = r#"<134>id=firewall sn=0017C5 time="2025-11-26 04:15:00 UTC" fw=198.51.100.1 pri=5 c=4"#;
            read(&[&format!("{front} {rest}")]).remove(0)
        };
        assert_eq!(
            of(
                r#"m=14 msg="Web site access denied" src=10.1.2.3:50123:X0:pc1.corp.example dst=203.0.113.9:443:X1:front.example.net proto=tcp/https dstname=www.example.com arg=/ code=20 Category="Online Games""#
            ),
            "sonicwall deny http tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z url_filtered by Online Games; Web site access denied"
        );
        assert_eq!(
            of(
                r#"m=98 msg="Connection Opened" src=10.1.2.3:50123:X0 dst=203.0.113.9::X1 proto=tcp/8443 fw_action="NA""#
            ),
            "sonicwall allow traffic tcp 10.1.2.3#50123 203.0.113.9#8443 - 2025-11-26T04:15:00Z"
        );
        let other = of(
            r#"m=1154 msg="Application Control Detection Alert" src=10.1.2.3 dst=203.0.113.9 proto=tcp/https fw_action="NA""#,
        );
        assert!(other.starts_with("sonicwall other traffic tcp 10.1.2.3 203.0.113.9 - "));
        assert_eq!(of(r#"m=30 msg="Administrator login" usr=admin"#), "sonicwall no record");
    }

    #[test]
    fn events_say_the_same_as_lines() {
        let line = r#"CEF:0|SonicWall|NSa 4500|7.0.1|97|Syslog Website Accessed|4|src=10.1.2.3 spt=50123 dst=203.0.113.9 dpt=443 proto=tcp/https in=4567 request=www.example.com/a reason=22 Category-"Games" cs6="Policy: Web" fw_action="drop" dpi=1"#;
        assert_eq!(
            read(&[line]),
            [
                r#"sonicwall deny http tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com - url_filtered by Policy: Web; 22 Category-"Games"; Syslog Website Accessed"#
            ]
        );
    }

    #[test]
    fn addresses_by_ipv6_stand_in_fields_of_their_own() {
        let read = |line: &str| crate::logs::test_support::read(&[line]).remove(0);
        let front = r#"id=firewall sn=0017C5 time="2025-11-26 04:15:00 UTC" fw=198.51.100.1 m=36 msg="TCP connection dropped" n=1"#;
        assert_eq!(
            read(&format!(
                "{front} srcV6=2001:db8::2 src=:50123:X0 dstV6=2001:db8:9::5 dst=:443:X1"
            )),
            "sonicwall deny traffic - 2001:db8::2#50123 2001:db8:9::5#443 - 2025-11-26T04:15:00Z by TCP connection dropped"
        );
        let own = read(&format!(
            "{front} srcV6=2001:db8::2 src=10.1.2.3:50123:X0 dst=203.0.113.9:443:X1"
        ));
        assert!(own.contains(" 10.1.2.3#50123 203.0.113.9#443 "), "{own}");
    }
}
