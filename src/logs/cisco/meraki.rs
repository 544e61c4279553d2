//! Cisco Meraki: flows, URLs and security events.
//!
//! ```text
//! <134>1 1764130500.250000000 MX84 flows deny src=10.1.2.3 dst=203.0.113.9 mac=02:00:00:00:00:01 protocol=tcp sport=50123 dport=443
//! ```
//!
//! `allow` and `deny` stand before the pairs or begin the pattern behind them; a pattern that
//! begins with 1 counts as blocked, with 0 as passed. `urls` tell what was asked for and no
//! verdict. `content_filtering_block` is the content filter. Ports may be glued to IPv6 addresses.
//!
//! What it witnesses: No bytes are stated: what passes is `allow`, and `urls` alone have no verdict.
//! Control bits are not logged.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Between, PairStyle, Pairs, Scratch};
use super::super::record::{Action, Kind, Party, Record};
use super::super::stamp::Stamp;
use super::super::value;
use super::message::Words;
use crate::observe::{Cause, Timestamp};

/// The format.
pub(in crate::logs) struct CiscoMeraki;

const STYLE: PairStyle = PairStyle { assign: b'=', between: Between::Blank, quote: b'\'' };

impl Format for CiscoMeraki {
    fn about(&self) -> &'static About {
        &About {
            id: "cisco-meraki",
            product: "Cisco Meraki",
            reference: "Syslog Event Types and Log Samples",
            recognised_by: "epoch with decimals, device, flows (or urls, ip_flow_start, events, …)",
            literals: &[
                " flows ",
                " urls ",
                " ip_flow_start ",
                " ip_flow_end ",
                "firewall ",
                " security_event ",
                " ids-alerts ",
                " events ",
                " airmarshal_events ",
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
        let Some((time, class, rest)) = start(text) else { return Reading::NotMine };
        let pairs = scratch.pairs(rest, &STYLE);
        let record = match class {
            b"flows" | b"firewall" | b"vpn_firewall" | b"cellular_firewall" | b"l7_firewall"
            | b"ip_flow_start" | b"ip_flow_end" => Some(flow(rest, &pairs)),
            b"urls" => Some(url(rest, &pairs)),
            b"events" => event(rest, &pairs),
            b"security_event" | b"ids-alerts" => Some(security(rest, &pairs)),
            _ => None,
        };
        let is_attempt =
            |record: &Record<'_>| record.server != Party::default() || !record.names.is_empty();
        let Some(mut record) = record.filter(is_attempt) else { return Reading::NoRecord };
        record.stamp = line.stamp(Stamp::Instant(time), b"");
        emit(&record);
        Reading::Records
    }
}

/// The time, the class and what follows: a word that is an epoch with decimals, of which a relay
/// may have cut some of the nine, the device's name, and one of the classes.
fn start(text: &[u8]) -> Option<(Timestamp, &[u8], &[u8])> {
    const CLASSES: &[&str] = &[
        "flows",
        "urls",
        "ip_flow_start",
        "ip_flow_end",
        "firewall",
        "vpn_firewall",
        "cellular_firewall",
        "l7_firewall",
        "security_event",
        "ids-alerts",
        "events",
        "airmarshal_events",
    ];
    let mut words = Words::of(text);
    // A header has a few words.
    for _ in 0..10 {
        let word = words.next()?;
        let Some(point) = memchr::memchr(b'.', word) else { continue };
        if !matches!(word.len() - point, 2..=10) || !matches!(point, 9 | 10) {
            continue;
        }
        let Some(time) = value::epoch(word) else { continue };
        words.next()?;
        let class = words.next()?;
        return value::is_one_of(class, CLASSES).then_some((time, class, words.rest));
    }
    None
}

fn party(rest: &[u8], pairs: &Pairs<'_, '_>, address: &str, port: &str) -> Party {
    let text = pairs.get(address).or_else(|| behind_no_break_space(rest, address));
    let ascii = text.and_then(|raw| raw.split(|byte| !byte.is_ascii()).next());
    let (found, glued) = match ascii.and_then(value::socket) {
        Some((address, port)) => (Some(address), port),
        None => (None, None),
    };
    Party { address: found, port: pairs.get(port).and_then(value::port).or(glued) }
}

/// The value of a key that a no-break space separates from the pair before it, as it does in
/// texts that passed through a web page.
fn behind_no_break_space<'l>(rest: &'l [u8], key: &str) -> Option<&'l [u8]> {
    let separator = "\u{a0}".as_bytes();
    memchr::memmem::find_iter(rest, separator).find_map(|at| {
        let pair = rest.get(at + separator.len()..)?;
        let value = pair.strip_prefix(key.as_bytes())?.strip_prefix(b"=")?;
        value.split(|byte| *byte == b' ').next()
    })
}

fn common<'l>(kind: Kind, rest: &[u8], pairs: &Pairs<'_, 'l>) -> Record<'l> {
    let mut record = Record::new(kind);
    record.client = party(rest, pairs, "src", "sport");
    record.server = party(rest, pairs, "dst", "dport");
    record.protocol = pairs.get("protocol").and_then(value::protocol);
    record
}

fn flow<'l>(rest: &'l [u8], pairs: &Pairs<'_, 'l>) -> Record<'l> {
    let mut record = common(Kind::Traffic, rest, pairs);
    let word = Words::of(rest).next().unwrap_or_default();
    let pattern = memchr::memmem::find(rest, b"pattern:");
    let pattern = pattern.and_then(|at| rest.get(at + 8..)).map(<[u8]>::trim_ascii);
    let decision = pairs.first(&["decision", "action"]);
    let verdict = decision.or_else(|| Words::of(pattern?).next()).unwrap_or(word);
    record.action = match verdict {
        b"allow" | b"allowed" | b"0" => Action::Allow,
        b"deny" | b"denied" | b"blocked" | b"1" => Action::Deny,
        _ => Action::Other,
    };
    record.decider.rule = pattern.filter(|pattern| !pattern.is_empty()).map(Cow::Borrowed);
    record
}

/// `request: METHOD URL`; the method is UNKNOWN where the URL is that of a TLS connection.
fn url<'l>(rest: &'l [u8], pairs: &Pairs<'_, 'l>) -> Record<'l> {
    let mut record = common(Kind::Http, rest, pairs);
    let request = memchr::memmem::rfind(rest, b"request:");
    let url = request.and_then(|at| Words::of(rest.get(at + 8..)?).nth(1));
    add_url(&mut record, url);
    record
}

/// `content_filtering_block url='…' category0='…' server='A:p'`.
fn event<'l>(rest: &'l [u8], pairs: &Pairs<'_, 'l>) -> Option<Record<'l>> {
    let name = Words::of(rest).next()?;
    let name = name.strip_prefix(b"type=").unwrap_or(name);
    if name != b"content_filtering_block" {
        return None;
    }
    let mut record = Record::new(Kind::Http);
    record.action = Action::Deny;
    record.cause = Some(Cause::UrlFiltered);
    record.server = party(rest, pairs, "server", "");
    record.client = party(rest, pairs, "client_ip", "");
    record.decider.category = pairs.first(&["category0", "category"]).map(Cow::Borrowed);
    add_url(&mut record, pairs.get("url"));
    Some(record)
}

/// An alert of the intrusion detection or of the file scanner.
fn security<'l>(rest: &[u8], pairs: &Pairs<'_, 'l>) -> Record<'l> {
    let mut record = common(Kind::Traffic, rest, pairs);
    if let Some(url) = pairs.get("url") {
        record.kind = Kind::Http;
        add_url(&mut record, Some(url));
    }
    record.action = match pairs.first(&["decision", "action"]) {
        Some(b"allowed" | b"allow") => Action::Allow,
        Some(b"blocked" | b"block") => Action::Deny,
        _ => Action::Other,
    };
    record.decider.category = pairs.first(&["signature", "disposition"]).map(Cow::Borrowed);
    record
}

/// Adds the host of a URL, which the device may have cut to dots.
fn add_url<'l>(record: &mut Record<'l>, url: Option<&'l [u8]>) {
    let has_host = |url: &&[u8]| {
        value::Url::parse(url).is_some_and(|url| url.host.iter().any(|byte| *byte != b'.'))
    };
    if let Some(url) = url.filter(has_host) {
        record.add_url(url);
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn verdicts_stand_before_the_pairs_or_in_the_pattern() {
        let head = "<134>1 1764130500.250000000 MX84";
        let pairs = "src=10.1.2.3 dst=203.0.113.9 protocol=tcp sport=50123 dport=443";
        let lines = format!(
            "{head} flows deny {pairs}\n{head} firewall {pairs} pattern: 0 all\n\
             {head} flows {pairs} pattern: deny all\n{head} ip_flow_end {pairs}\n"
        );
        let party = "traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00.25Z";
        let expected = [
            "1 cisco-meraki deny",
            "2 cisco-meraki allow",
            "3 cisco-meraki deny",
            "4 cisco-meraki other",
        ];
        assert_eq!(
            records(&lines),
            expected.map(|start| format!("{start} {}", party.replace(".25Z", "Z")))
        );
    }

    #[test]
    fn decimals_of_the_epoch_may_be_cut() {
        let line = "<134>1 1764130500.123 MX84 urls src=10.1.2.3:50123 dst=203.0.113.9:443 mac=02:00:00:00:00:01 agent='a' request: GET https://www.example.com/";
        assert_eq!(
            records(line),
            [
                "1 cisco-meraki other http - 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z"
            ]
        );
    }

    #[test]
    fn urls_and_filtered_urls_name_their_host() {
        let head = "Nov 26 04:15:01 192.0.2.1 1 1764130500.250000000 MX84";
        let lines = format!(
            "{head} urls src=10.1.2.3:50123 dst=203.0.113.9:443 mac=02:00:00:00:00:01 agent='a request: b' request: UNKNOWN https://www.example.com/...\n\
             {head} events content_filtering_block url='https://www.example.com/...' category0='News' server='203.0.113.9:443'\n\
             {head} events dhcp lease of ip 10.1.2.3\n\
             {head} urls src=fe80:110:8897:efab:9202:b3ff:fe1e:8329:64194 dst=2001:db8:0:1:2:3:4:5:80 request: GET https://...\n"
        );
        assert_eq!(
            records(&lines),
            [
                "1 cisco-meraki other http - 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z",
                "2 cisco-meraki deny http - - 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z url_filtered",
                "4 cisco-meraki other http - fe80:110:8897:efab:9202:b3ff:fe1e:8329#64194 2001:db8:0:1:2:3:4:5#80 - 2025-11-26T04:15:00Z",
            ]
        );
    }
}
