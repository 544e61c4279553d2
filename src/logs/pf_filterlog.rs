//! pf's filterlog, as pfSense and OPNsense write it.
//!
//! ```text
//! <134>1 2025-11-26T04:15:00+00:00 fw filterlog 72237 - - 7,,,1000000103,igb1,match,block,in,4,0x0,,64,4711,0,DF,6,tcp,60,10.1.2.3,203.0.113.9,50123,443,0,S,1,,64240,,mss
//! ```
//!
//! `pass`, `block` and `reject` are verdicts; `match`, `nat`, `rdr` and `binat` rules decide
//! nothing.
//!
//! What it witnesses: A packet is logged, so what passes is `allow`. Of TCP the flags are stated: a
//! blocked segment other than a bare SYN (`FA`, `R`, `A`) is of no connection.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::Scratch;
use super::record::{Action, Kind, Party, Protocol, Record};
use super::stamp::Stamp;
use super::value;

/// The format.
pub(super) struct PfFilterlog;

impl Format for PfFilterlog {
    fn about(&self) -> &'static About {
        &About {
            id: "pf-filterlog",
            product: "pfSense, OPNsense filterlog",
            reference: "Raw Filter Log Format (pfSense documentation)",
            recognised_by: "columns rule,…,action,in|out,4|6,… behind any header",
            literals: &[",in,4,", ",out,4,", ",in,6,", ",out,6,"],
        }
    }

    fn read_text(&self, text: &[u8], line: &Line<'_>, _: &mut Scratch, emit: Emit<'_>) -> Reading {
        let Some(front) = Front::find(text) else { return Reading::NotMine };
        let packet = packet(front.version, front.rest).filter(|_| !is_garbled(front.header));
        let Some(mut record) = packet else { return Reading::Damaged };
        record.stamp = line.stamp(Stamp::None, front.header);
        record.action = front.action;
        record.note_control_bits(control_bits(front.version, front.rest));
        let tracker = value::stated(front.tracker).filter(|tracker| *tracker != b"0");
        record.decider.rule = tracker.or_else(|| value::stated(front.rule)).map(Cow::Borrowed);
        record.decider.policy = value::stated(front.anchor).map(Cow::Borrowed);
        emit(&record);
        Reading::Records
    }
}

/// The columns before the packet's own, and what stands on both sides of them.
struct Front<'l> {
    header: &'l [u8],
    rule: &'l [u8],
    anchor: &'l [u8],
    tracker: &'l [u8],
    action: Action,
    version: u8,
    rest: &'l [u8],
}

impl<'l> Front<'l> {
    fn find(text: &'l [u8]) -> Option<Self> {
        let (at, version, rest) = memchr::memchr_iter(b',', text).find_map(|at| {
            let rest = text.get(at + 1..)?;
            let rest = rest.strip_prefix(b"in,").or_else(|| rest.strip_prefix(b"out,"))?;
            let [version @ (b'4' | b'6'), b',', rest @ ..] = rest else { return None };
            Some((at, *version, rest))
        })?;
        let mut columns = text.get(..at)?.rsplitn(7, |byte| *byte == b',');
        let action = match columns.next()? {
            b"pass" => Action::Allow,
            b"block" => Action::Deny,
            b"reject" => Action::Reset,
            b"match" | b"nat" | b"rdr" | b"binat" | b"nonat" | b"nordr" | b"scrub" => Action::Other,
            _ => return None,
        };
        let (_reason, _interface) = (columns.next()?, columns.next()?);
        let (tracker, anchor) = (columns.next()?, columns.next()?);
        let (_sub_rule, front) = (columns.next()?, columns.next()?);
        let digits = front.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (header, rule) = front.split_at(front.len() - digits);
        // A number of its own: the rule's.
        let is_word = header.last().is_none_or(|byte| !byte.is_ascii_alphanumeric());
        (digits > 0 && is_word).then_some(Self {
            header,
            rule,
            anchor,
            tracker,
            action,
            version,
            rest,
        })
    }
}

/// Whether an RFC 5424 header states a time that does not exist.
fn is_garbled(header: &[u8]) -> bool {
    let Some(rest) = memchr::memmem::find(header, b">1 ").and_then(|at| header.get(at + 3..))
    else {
        return false;
    };
    let time = rest.split(|byte| *byte == b' ').next().unwrap_or_default();
    time.first().is_some_and(u8::is_ascii_digit) && value::iso_8601(time).is_none()
}

/// The control bits of a TCP segment: two columns behind the ports, which stand where the version says.
fn control_bits(version: u8, rest: &[u8]) -> Option<value::ControlBits> {
    let ports = if version == b'4' { 11 } else { 8 };
    let mut columns = rest.split(|byte| *byte == b',').skip(ports);
    let (_source, _destination, _length) = (columns.next()?, columns.next()?, columns.next()?);
    value::ControlBits::parse(columns.next()?)
}

/// The packet's columns, those behind the IP version; `None` when the line ends before they do.
fn packet(version: u8, rest: &[u8]) -> Option<Record<'_>> {
    let mut columns = rest.split(|byte| *byte == b',');
    // In version 6 the protocol's name and number have changed places.
    let (is_fragment, number, name) = if version == b'4' {
        let offset = columns.nth(4)?;
        let number = columns.nth(1)?;
        (offset != b"0", number, columns.next()?)
    } else {
        let name = columns.nth(3)?;
        (false, columns.next()?, name)
    };
    let (client, server) = (columns.nth(1)?, columns.next()?);
    // An address at the end of the line may be cut.
    let next = columns.next()?;
    let mut record = Record::new(Kind::Traffic);
    record.client = Party::of(value::address(client));
    record.server = Party::of(value::address(server));
    record.protocol = value::protocol(number).or_else(|| value::protocol(name));
    let has_ports = matches!(record.protocol, Some(Protocol::TCP | Protocol::UDP | Protocol(132)));
    // Later fragments hold no ports.
    if has_ports && !is_fragment {
        record.client.port = value::port(next);
        record.server.port = value::port(columns.next()?);
        // Behind the ports stands the length of the data, so a line that ends here is cut.
        columns.next()?;
    }
    Some(record)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn ports_stand_behind_the_addresses_of_tcp_and_udp_only() {
        let header = "Nov 26 04:15:00 fw filterlog[811]: ";
        let of = |columns: &str| read(&[&format!("{header}{columns}")]).remove(0);
        assert_eq!(
            of(
                "7,,,1000000103,igb1,match,block,in,4,0x0,,64,1,0,DF,6,tcp,60,10.1.2.3,203.0.113.9,50123,443,0,S,1,,64240,,mss"
            ),
            "pf-filterlog deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - --11-26T04:15:00 by 1000000103"
        );
        assert_eq!(
            of(
                "9,,an,02f4,igb1,match,pass,out,6,0x00,0x1,64,UDP,17,60,2001:db8::3,2001:db8::9,5000,53,60"
            ),
            "pf-filterlog allow traffic udp 2001:db8::3#5000 2001:db8::9#53 - --11-26T04:15:00 by 02f4; an"
        );
        assert_eq!(
            of(
                "7,,,0,igb1,match,reject,in,4,0x0,,64,1,0,none,1,icmp,84,10.1.2.3,203.0.113.9,request,540,559"
            ),
            "pf-filterlog reset traffic icmp 10.1.2.3 203.0.113.9 - --11-26T04:15:00 by 7"
        );
    }

    #[test]
    fn cut_lines_are_damaged_and_lists_are_none() {
        let line =
            "7,,,1,igb1,match,block,in,4,0x0,,64,1,0,DF,6,tcp,60,10.1.2.3,203.0.113.9,50123,44";
        assert_eq!(read(&[line]), ["pf-filterlog damaged"]);
        let no_such_day = format!("<134>1 2025-11-31T04:15:00Z fw filterlog 1 - - {line},0,S,1");
        assert_eq!(read(&[&no_such_day]), ["pf-filterlog damaged"]);
        let fragment =
            "7,,,1,igb1,fragment,block,in,4,0x0,,64,1,57344,none,17,udp,60,10.1.2.3,203.0.113.9,";
        assert_eq!(
            read(&[fragment]),
            ["pf-filterlog deny traffic udp 10.1.2.3 203.0.113.9 - - by 1"]
        );
        assert_eq!(read(&["a,b,c,d,e,f,block,in,4,x", "1,2,3,in,4,5,6"]), ["unknown"; 2]);
    }
}
