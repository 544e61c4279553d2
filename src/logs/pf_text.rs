//! pf's packets as tcpdump(8) prints them from `pflog0`.
//!
//! ```text
//! Nov 26 04:15:00.123456 rule 42/0(match): block in on em0: 10.1.2.3.50123 > 203.0.113.9.443: S 1:1(0) win 64240
//! ```
//!
//! `pass` and `block` are verdicts; what else a rule may be (`match`, `nat`, `rdr`) decides
//! nothing.
//!
//! What it witnesses: As of the comma-separated lines: flags stand in brackets, and a blocked segment
//! other than a bare SYN is of no connection.

use std::borrow::Cow;
use std::net::IpAddr;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::Scratch;
use super::record::{Action, Kind, Party, Protocol, Record};
use super::stamp::Stamp;
use super::value;

/// The format.
pub(super) struct PfText;

impl Format for PfText {
    fn about(&self) -> &'static About {
        &About {
            id: "pf-text",
            product: "pf, packets printed by tcpdump",
            reference: "OpenBSD pflogd(8), tcpdump(8)",
            recognised_by: "rule N(match): block in on IF: a.b.c.d.port > a.b.c.d.port:",
            literals: &[" in on ", " out on "],
        }
    }

    fn read_text(&self, text: &[u8], line: &Line<'_>, _: &mut Scratch, emit: Emit<'_>) -> Reading {
        let Some(front) = Front::find(text) else { return Reading::NotMine };
        let Some((mut record, bits)) = packet(front.packet) else { return Reading::Damaged };
        record.stamp = line.stamp(Stamp::None, front.header);
        record.action = front.action;
        record.note_control_bits(bits);
        record.decider.rule = Some(Cow::Borrowed(front.rule));
        emit(&record);
        Reading::Records
    }
}

/// `rule N(reason)[:] action in|out on IF: packet`.
struct Front<'l> {
    header: &'l [u8],
    rule: &'l [u8],
    action: Action,
    packet: &'l [u8],
}

impl<'l> Front<'l> {
    fn find(text: &'l [u8]) -> Option<Self> {
        let at =
            if text.starts_with(b"rule ") { 0 } else { memchr::memmem::find(text, b" rule ")? + 1 };
        let (header, rest) = text.split_at(at);
        let rest = rest.get(5..)?;
        let open = memchr::memchr(b'(', rest.get(..rest.len().min(80))?)?;
        let rule = rest.get(..open)?.trim_ascii();
        let close = memchr::memchr(b')', rest)?;
        let is_rule = !rule.is_empty() && !rule.contains(&b' ');
        let rest = rest.get(close + 1..)?;
        let mut rest = rest.strip_prefix(b":").unwrap_or(rest).trim_ascii_start();
        if rest.first() == Some(&b'[') {
            rest = rest.get(memchr::memchr(b']', rest)? + 1..)?.trim_ascii_start();
        }
        let mut words = rest.splitn(5, |byte| *byte == b' ');
        let action = match words.next()? {
            b"pass" => Action::Allow,
            b"block" => Action::Deny,
            b"match" | b"nat" | b"rdr" | b"binat" | b"scrub" => Action::Other,
            _ => return None,
        };
        let (direction, on) = (words.next()?, words.next()?);
        let is_mine = is_rule && matches!(direction, b"in" | b"out") && on == b"on";
        words.next()?.strip_suffix(b":")?;
        let packet = words.next().unwrap_or_default();
        is_mine.then_some(Self { header, rule, action, packet })
    }
}

/// The packet, with or without details in parentheses before it.
fn packet(text: &[u8]) -> Option<(Record<'_>, Option<value::ControlBits>)> {
    let arrow = memchr::memmem::find(text, b" > ")?;
    let before = text.get(..arrow)?.trim_ascii_end();
    let client = before.rsplit(u8::is_ascii_whitespace).next()?;
    let after = text.get(arrow + 3..)?;
    // The colon that ends the server is the last before a blank, for IPv6 has more of them.
    let end = memchr::memmem::find(after, b": ").or_else(|| after.len().checked_sub(1))?;
    let (server, rest) = (after.get(..end)?, after.get(end..)?);
    let rest = rest.strip_prefix(b":")?.trim_ascii_start();
    let mut record = Record::new(Kind::Traffic);
    (record.client, record.server) = (party(client)?, party(server)?);
    record.protocol = protocol(rest);
    let flags = rest.strip_prefix(b"Flags [").unwrap_or(rest);
    let flags = flags.split(|byte| matches!(byte, b' ' | b']' | b',')).next().unwrap_or_default();
    let bits = value::ControlBits::parse(flags).filter(|_| record.protocol == Some(Protocol::TCP));
    if let Some(name) = question(rest) {
        record.kind = Kind::Dns;
        record.add_name(name);
    }
    Some((record, bits))
}

/// `a.b.c.d.port`, `v6.port`, or an address alone.
fn party(raw: &[u8]) -> Option<Party> {
    let alone = |address: IpAddr| Some(Party::of(Some(address)));
    let Some(dot) = memchr::memrchr(b'.', raw) else { return alone(value::address(raw)?) };
    if let Some(address) = value::address(raw)
        && raw.iter().filter(|byte| **byte == b'.').count() == 3
    {
        return alone(address);
    }
    let (address, port) = raw.split_at(dot);
    let address = value::address(address)?;
    Some(Party { address: Some(address), port: port.get(1..).and_then(value::port) })
}

/// The transport, by how tcpdump begins: TCP's flags, or a name.
fn protocol(rest: &[u8]) -> Option<Protocol> {
    let word = rest.split(|byte| matches!(byte, b' ' | b':' | b',')).next()?;
    let is_flags = !word.is_empty() && word.iter().all(|byte| b"SFPRWEU.".contains(byte));
    if is_flags || word == b"Flags" {
        return Some(Protocol::TCP);
    }
    value::protocol(word.strip_prefix(b"[").unwrap_or(word))
}

/// The name of a DNS question: `4711+ A? www.example.com. (33)`.
fn question(rest: &[u8]) -> Option<&[u8]> {
    let at = memchr::memmem::find(rest, b"? ")?;
    let kind = rest.get(..at)?.rsplit(|byte| *byte == b' ').next()?;
    let is_kind = !kind.is_empty() && kind.iter().all(u8::is_ascii_uppercase);
    let name = rest.get(at + 2..)?.split(|byte| *byte == b' ').next()?;
    (is_kind && name.ends_with(b".")).then_some(name)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn the_port_stands_behind_the_last_dot() {
        let front = "Nov 26 04:15:00.123456 rule 42/0(match): ";
        let of = |packet: &str| read(&[&format!("{front}{packet}")]).remove(0);
        assert_eq!(
            of("block in on em0: 10.1.2.3.50123 > 203.0.113.9.443: S 1:1(0) win 64240"),
            "pf-text deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - --11-26T04:15:00.123456 by 42/0"
        );
        assert_eq!(
            of("pass out on em1: 2001:db8::3.5000 > 2001:db8::53.53: 4711+ A? www.example.com. (33)"),
            "pf-text allow dns - 2001:db8::3#5000 2001:db8::53#53 www.example.com. --11-26T04:15:00.123456 by 42/0"
                .replace(".com.", ".com")
        );
        assert_eq!(
            of("block in on em0: 10.1.2.3 > 203.0.113.9: icmp: echo request"),
            "pf-text deny traffic icmp 10.1.2.3 203.0.113.9 - --11-26T04:15:00.123456 by 42/0"
        );
    }

    #[test]
    fn other_texts_about_rules_are_none() {
        let cut = "rule 42/0(match): block in on em0: 10.1.2.3.50123 > 203.0.";
        let other = "the rule 7 (new) says: block in on Monday: x > y: z";
        assert_eq!(read(&[cut, other]), ["pf-text damaged", "unknown"]);
    }
}
