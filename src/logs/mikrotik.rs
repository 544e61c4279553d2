//! MikroTik RouterOS: lines of firewall rules with `log=yes`.
//!
//! ```text
//! 2025-11-26T04:15:00+00:00 gw firewall,info drop-out forward: in:bridge out:ether1, connection-state:new src-mac 00:16:3e:11:22:33, proto TCP (SYN), 10.1.2.3:50123->203.0.113.9:443, len 60
//! ```
//!
//! The line does not say what the rule did, so the verdict is whatever word its author chose as
//! `log-prefix`; without one there is none.
//!
//! What it witnesses: No bytes are stated. TCP's flags stand in parentheses; anything but a bare SYN,
//! and whatever has the state `invalid`, is of no connection.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::Scratch;
use super::netfilter;
use super::record::{Kind, Party, Record};
use super::stamp::Stamp;
use super::value;

/// The format.
pub(super) struct Mikrotik;

impl Format for Mikrotik {
    fn about(&self) -> &'static About {
        &About {
            id: "mikrotik",
            product: "MikroTik RouterOS",
            reference: "RouterOS: Log",
            recognised_by: "chain: in:IF out:IF, … proto P …, a:p->b:p",
            literals: &[": in:"],
        }
    }

    fn read_text(&self, text: &[u8], line: &Line<'_>, _: &mut Scratch, emit: Emit<'_>) -> Reading {
        let Some(front) = Front::find(text) else { return Reading::NotMine };
        let Some(mut record) = packet(front.packet) else { return Reading::Damaged };
        record.stamp = line.stamp(own_time(front.before), front.before);
        record.action = netfilter::verdict(front.prefix);
        record.note_control_bits(control_bits(front.packet));
        let is_invalid = memchr::memmem::find(front.packet, b"connection-state:invalid").is_some();
        if is_invalid || netfilter::is_invalid(front.prefix) {
            record.is_out_of_state = true;
        }
        record.decider.rule = value::stated(front.prefix).map(Cow::Borrowed);
        record.decider.policy = Some(Cow::Borrowed(front.chain));
        emit(&record);
        Reading::Records
    }
}

/// `header [topics] [prefix] chain: in:IF out:IF, packet`.
struct Front<'l> {
    before: &'l [u8],
    prefix: &'l [u8],
    chain: &'l [u8],
    packet: &'l [u8],
}

impl<'l> Front<'l> {
    fn find(text: &'l [u8]) -> Option<Self> {
        let at = memchr::memmem::find(text, b": in:")?;
        let packet = text.get(at + 2..)?;
        let comma = memchr::memchr(b',', packet)?;
        memchr::memmem::find(packet.get(..comma)?, b" out:")?;
        let front = text.get(..at)?;
        let (before, chain) = match memchr::memrchr(b' ', front) {
            Some(blank) => (front.get(..blank)?, front.get(blank + 1..)?),
            None => (&b""[..], front),
        };
        let is_chain =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let is_mine = !chain.is_empty() && chain.iter().all(is_chain);
        is_mine.then_some(Self { before, prefix: prefix(before), chain, packet })
    }
}

/// What stands between the topics (`firewall,info`) and the chain; without topics the word before
/// the chain, unless it is the host of the syslog header.
fn prefix(before: &[u8]) -> &[u8] {
    if let Some(at) = memchr::memmem::find(before, b"firewall,") {
        let behind = before.get(at..).unwrap_or_default();
        let end = memchr::memchr(b' ', behind).unwrap_or(behind.len());
        return behind.get(end..).unwrap_or_default().trim_ascii();
    }
    let mut words = before.rsplit(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let (last, previous) = (words.next().unwrap_or_default(), words.next());
    let is_host =
        previous.is_none_or(|word| value::clock(word).is_some() || value::iso_8601(word).is_some());
    if is_host { b"" } else { last }
}

fn packet(text: &[u8]) -> Option<Record<'_>> {
    let arrow = memchr::memmem::find(text, b"->")?;
    let before = text.get(..arrow)?;
    let client = before.rsplit(|byte| matches!(byte, b' ' | b',')).next()?;
    let after = text.get(arrow + 2..)?;
    // The length of the packet is last, so a line that ends in the address is cut.
    let server = after.get(..memchr::memchr(b',', after)?)?;
    let mut record = Record::new(Kind::Traffic);
    record.client = party(client);
    record.server = party(server);
    let details = before.get(..before.len() - client.len())?.trim_ascii_end();
    let transport = match memchr::memmem::rfind(details, b" proto ") {
        Some(at) => details.get(at + 7..)?,
        // Bridge filters write the transport alone before the addresses.
        None => details.strip_suffix(b",")?.rsplit(|byte| *byte == b',').next()?,
    };
    let transport = transport.trim_ascii().split(|byte| matches!(byte, b' ' | b',')).next()?;
    record.protocol = value::protocol(transport);
    Some(record)
}

/// The control bits: `proto TCP (ACK,FIN), …`.
fn control_bits(packet: &[u8]) -> Option<value::ControlBits> {
    let at = memchr::memmem::find(packet, b" TCP (")?;
    let flags = packet.get(at + 6..)?;
    value::ControlBits::parse(flags.get(..memchr::memchr(b')', flags)?)?)
}

fn party(raw: &[u8]) -> Party {
    value::socket(raw).map(Party::from).unwrap_or_default()
}

/// The time of RouterOS's own files: `nov/26 04:15:00` or `nov/26/2025 04:15:00`.
fn own_time(before: &[u8]) -> Stamp {
    let read = || {
        let month = value::month(before)?;
        let rest = before.get(3..)?.strip_prefix(b"/")?;
        let (date, clock) = rest.split_at_checked(memchr::memchr(b' ', rest)?)?;
        let (time, _) = value::clock(clock.trim_ascii_start())?;
        let mut parts = date.split(|byte| *byte == b'/');
        let day = value::number(parts.next()?)?;
        match parts.next() {
            Some(year) => value::civil(value::number(year)?, month, day, time).map(Stamp::NoZone),
            None => value::civil(1972, month, day, time).map(Stamp::NoYear),
        }
    };
    read().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn the_prefix_gives_the_verdict() {
        let rest = "forward: in:bridge out:ether1, connection-state:new src-mac \
                    00:16:3e:11:22:33, proto TCP (SYN), 10.1.2.3:50123->203.0.113.9:443, len 60";
        let of = |front: &str| read(&[&format!("{front}{rest}")]).remove(0);
        assert_eq!(
            of("2025-11-26T04:15:00+00:00 gw firewall,info drop-out "),
            "mikrotik deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z \
             by drop-out; forward"
        );
        let other = of("<134>Nov 26 04:15:00 drop-gw ");
        assert!(other.starts_with("mikrotik other traffic "), "{other}");
        assert!(of("Nov 26 04:15:00 gw reject-out ").starts_with("mikrotik reset "));
        assert!(of("nov/26/2025 04:15:00 firewall,info accepted ").contains(" 2025-11-26T04:15"));
    }

    #[test]
    fn addresses_before_translation_count() {
        let line = "firewall,info srcnat: in:(unknown 0) out:ether1, proto ICMP (type 8, code 0), \
                    10.1.2.3->203.0.113.9, NAT (10.1.2.3->198.51.100.1)->203.0.113.9, len 84";
        assert_eq!(
            read(&[line]),
            ["mikrotik other traffic icmp 10.1.2.3 203.0.113.9 - - by srcnat"]
        );
        let cut = "firewall,info forward: in:a out:b, proto TCP (SYN), 10.1.2.3:5->203.0.11";
        assert_eq!(read(&[cut]), ["mikrotik damaged"]);
    }
}
