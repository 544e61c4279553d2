//! Suricata's one-line alerts, `fast.log`; Snort writes the same with another date.
//!
//! ```text
//! 11/26/2025-04:15:00.000000  [Drop] [**] [1:1000001:1] deny tls to www.example.com [**] [Classification: Policy Violation] [Priority: 1] {TCP} 10.1.2.3:50123 -> 203.0.113.9:443
//! ```
//!
//! `[Drop]` stands before what an inline sensor dropped, `[wDrop]` before what it would have
//! dropped; without either a rule only reported. The addresses are the packet's. Snort's alerts
//! decide nothing and run in either direction, so only its drops are records; its date has no
//! year, or one of two digits in an order that it does not say.
//!
//! What it witnesses: Alerts state no bytes: what is not dropped has no verdict.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::Scratch;
use super::record::{Action, Decider, Kind, Party, Record};
use super::stamp::Stamp;
use super::value;

/// The format.
pub(super) struct SuricataFast;

/// What stands around the rule.
const MARK: &[u8] = b"[**]";

impl Format for SuricataFast {
    fn about(&self) -> &'static About {
        &About {
            id: "suricata-fast",
            product: "Suricata fast.log",
            reference: "fast.log (Suricata User Guide)",
            recognised_by: "date, `[**] [gid:sid:rev] message [**]`, `{PROTO} a:p -> b:p`",
            literals: &["[**] ["],
        }
    }

    fn read_text(&self, text: &[u8], line: &Line<'_>, _: &mut Scratch, emit: Emit<'_>) -> Reading {
        let Some(parts) = Parts::of(text) else { return Reading::NotMine };
        let Some(ends) = ends(parts.rest) else { return Reading::Damaged };
        let (protocol, client, server) = ends;
        let date = date(parts.before);
        let is_drop = memchr::memmem::find(parts.before, b"[Drop]").is_some()
            || memchr::memmem::find(parts.before, b"[drop]").is_some();
        let Some((stamp, is_suricata)) = date else { return Reading::NotMine };
        if !is_suricata && !is_drop {
            return Reading::NoRecord;
        }
        let mut record = Record::new(Kind::Traffic);
        record.stamp = line.stamp(stamp, b"");
        record.client = client;
        record.server = server;
        record.protocol = value::protocol(protocol);
        record.action = if is_drop { Action::Deny } else { Action::Allow };
        record.decider = Decider {
            rule: Some(Cow::Borrowed(parts.message)),
            category: bracketed(parts.rest, b"[Classification: ").map(Cow::Borrowed),
            ..Decider::default()
        };
        emit(&record);
        Reading::Records
    }
}

/// The parts of an alert around its two marks.
struct Parts<'t> {
    before: &'t [u8],
    message: &'t [u8],
    rest: &'t [u8],
}

impl<'t> Parts<'t> {
    fn of(text: &'t [u8]) -> Option<Self> {
        let at = memchr::memmem::find(text, MARK)?;
        let inner = text.get(at + MARK.len()..)?;
        let length = memchr::memmem::find(inner, MARK)?;
        let rule = inner.get(..length)?.trim_ascii().strip_prefix(b"[")?;
        let close = memchr::memchr(b']', rule)?;
        let ids = rule.get(..close)?;
        let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        let is_rule = ids.split(|byte| *byte == b':').count() == 3
            && ids.split(|byte| *byte == b':').all(is_number);
        is_rule.then_some(Self {
            before: text.get(..at)?,
            message: rule.get(close + 1..)?.trim_ascii(),
            rest: inner.get(length + MARK.len()..)?,
        })
    }
}

/// `{PROTO} a:p -> b:p` at the end; IPv6 has no brackets, the port stands behind the last colon.
fn ends(rest: &[u8]) -> Option<(&[u8], Party, Party)> {
    let open = memchr::memchr(b'{', rest)?;
    let inner = rest.get(open + 1..)?;
    let close = memchr::memchr(b'}', inner)?;
    let protocol = inner.get(..close)?;
    let mut words = inner.get(close + 1..)?.split(u8::is_ascii_whitespace);
    let mut word = || words.find(|word| !word.is_empty());
    let (source, arrow, destination) = (word()?, word()?, word()?);
    let has_ports = matches!(protocol, b"TCP" | b"UDP" | b"SCTP");
    (arrow == b"->").then_some(())?;
    Some((protocol, party(source, has_ports)?, party(destination, has_ports)?))
}

fn party(raw: &[u8], has_port: bool) -> Option<Party> {
    if has_port
        && let Some(at) = memchr::memrchr(b':', raw)
        && let (Some(address), port) = (value::address(raw.get(..at)?), raw.get(at + 1..)?)
    {
        return Some(Party { address: Some(address), port: value::port(port) });
    }
    let (address, port) = value::socket(raw)?;
    Some(Party { address: Some(address), port: port.filter(|_| has_port) })
}

/// The date at the end of what stands before the alert, and whether it is Suricata's, which has
/// a year of four digits.
fn date(before: &[u8]) -> Option<(Stamp, bool)> {
    let mut words = before.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let word = words.rfind(|word| !word.starts_with(b"["))?;
    let at = memchr::memchr(b'-', word)?;
    let (time, rest) = value::clock(word.get(at + 1..)?)?;
    rest.is_empty().then_some(())?;
    let mut parts = word.get(..at)?.split(|byte| *byte == b'/').map(value::number::<u32>);
    let (first, second, third) = (parts.next()??, parts.next()??, parts.next());
    match third {
        Some(Some(year @ 1970..)) => {
            Some((Stamp::NoZone(value::civil(year, first, second, time)?), true))
        }
        Some(_) => Some((Stamp::None, false)),
        // Any leap year: the value's year means nothing.
        None => Some((Stamp::NoYear(value::civil(1972, first, second, time)?), false)),
    }
}

/// The text behind an opening, up to the bracket that closes it.
fn bracketed<'t>(text: &'t [u8], opening: &[u8]) -> Option<&'t [u8]> {
    let rest = text.get(memchr::memmem::find(text, opening)? + opening.len()..)?;
    rest.get(..memchr::memchr(b']', rest)?)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn drops_are_told_from_reports() {
        let lines = "11/26/2025-04:15:00.000000  [Drop] [**] [1:1000001:1] deny tls [**] [Classification: Policy Violation] [Priority: 1] {TCP} 10.1.2.3:50123 -> 203.0.113.9:443\n\
            11/26/2025-04:15:01.000000  [**] [1:1000002:1] GET http://x.example/ [**] [Priority: 3] {UDP} 2001:db8:0:0:0:0:0:7:50124 -> 2001:db8:0:0:0:0:0:53:53\n\
            11/26/2025-04:15:02.000000  [**] [1:408:8] Echo Reply [**] [Priority: 3] {ICMP} 2001:db8:0:0:0:0:0:7 -> 2001:db8:0:0:0:0:0:53\n\
            11/26-04:15:03.000000 [**] [1:408:8] \"x\" [**] {TCP} 203.0.113.9:80 -> 10.1.2.3:50123\n\
            11/26-04:15:04.000000 [drop] [**] [1:408:8] \"x\" [**] {TCP} 10.1.2.3:50123 -> 203.0.113.9:80\n\
            11/26/2025-04:15:05.000000  [**] [1:408:8] x [**] [Priority: 3] {TCP} 10.1.2.3:50";
        assert_eq!(
            records(lines),
            [
                "1 suricata-fast deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00",
                "2 suricata-fast allow traffic udp 2001:db8::7#50124 2001:db8::53#53 - 2025-11-26T04:15:01",
                "3 suricata-fast allow traffic icmp 2001:db8::7 2001:db8::53 - 2025-11-26T04:15:02",
                "5 suricata-fast deny traffic tcp 10.1.2.3#50123 203.0.113.9#80 - --11-26T04:15:04",
            ]
        );
    }
}
