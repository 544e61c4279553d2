//! What the formats that send CEF and LEEF events share: the standard keys, and words for what a
//! device did.

use super::format::Line;
use super::grammar::{Cef, Leef};
use super::record::{Action, Kind, Party, Record};
use super::stamp::Stamp;
use super::value;

/// The record that the standard keys of a CEF event state: parties, transport, the host of
/// `request` (which makes it HTTP), the verdict of `act` and the time of `rt`, `start` or `end`
/// (ArcSight "CEF Implementation Standard", producer dictionary).
pub(super) fn of_cef<'l>(event: &Cef<'_, 'l>, line: &Line<'_>) -> Record<'l> {
    let mut record = Record::new(Kind::Traffic);
    // Incapsula's `start` is that of a visit, which has many requests ("Imperva: Cloud WAF log
    // file structure").
    let stamp = event.first(match event.vendor {
        b"Incapsula" => &["rt", "end"],
        _ => &["rt", "deviceReceiptTime", "start", "startTime", "end", "endTime"],
    });
    record.stamp = line.stamp(stamp.and_then(value::event_time).unwrap_or_default(), event.before);
    record.client = Party::parse(
        event.first(&["src", "sourceAddress", "c6a2"]),
        event.first(&["spt", "sourcePort"]),
    );
    record.server = Party::parse(
        event.first(&["dst", "destinationAddress", "c6a3"]),
        event.first(&["dpt", "destinationPort"]),
    );
    record.protocol = event.first(&["proto", "transportProtocol", "app"]).and_then(value::protocol);
    if let Some(url) = event.first(&["request", "requestUrl"])
        && is_url(url)
    {
        record.kind = Kind::Http;
        record.add_url(url);
    }
    record.action = event.first(&["act", "deviceAction"]).map(verdict).unwrap_or_default();
    without_ports_of_icmp(&mut record);
    record
}

/// The record that the predefined attributes of a LEEF event state (IBM QRadar "LEEF event
/// components").
pub(super) fn of_leef<'l>(event: &Leef<'_, 'l>, line: &Line<'_>) -> Record<'l> {
    let mut record = Record::new(Kind::Traffic);
    let attributes = &event.attributes;
    let own = attributes.first(&["devTime"]).and_then(value::event_time).unwrap_or_default();
    // The device's time wants a year that a relay's header need not be of.
    record.stamp = match own {
        Stamp::NoYear(_) => own,
        own => line.stamp(own, event.before),
    };
    record.client = Party::parse(attributes.first(&["src"]), attributes.first(&["srcPort"]));
    record.server = Party::parse(attributes.first(&["dst"]), attributes.first(&["dstPort"]));
    record.protocol = attributes.first(&["proto"]).and_then(value::protocol);
    if let Some(url) = attributes.first(&["url", "request"])
        && is_url(url)
    {
        record.kind = Kind::Http;
        record.add_url(url);
    }
    record.action = attributes.first(&["action", "disp", "act"]).map(verdict).unwrap_or_default();
    without_ports_of_icmp(&mut record);
    record
}

/// What the first word of a device's own phrase says: `blocked`, `Drop packet`; `not blocked` says
/// nothing.
pub(super) fn verdict(raw: &[u8]) -> Action {
    const PASSED: &[&str] = &[
        "accept",
        "accepted",
        "alert",
        "alerted",
        "allow",
        "allowed",
        "allows",
        "bypass",
        "bypassed",
        "detect",
        "detected",
        "forward",
        "forwarded",
        "log",
        "logged",
        "monitor",
        "monitored",
        "pass",
        "passed",
        "passthrough",
        "permit",
        "permitted",
        "trust",
    ];
    const BLOCKED: &[&str] = &[
        "block",
        "blocked",
        "blocks",
        "denied",
        "deny",
        "discard",
        "discarded",
        "drop",
        "dropped",
        "prevent",
        "prevented",
        "refuse",
        "refused",
        "terminate",
        "terminated",
    ];
    const RESET: &[&str] = &["reject", "rejected", "reset"];
    let word = raw.trim_ascii().split(|byte| !byte.is_ascii_alphabetic()).next();
    let word = word.unwrap_or_default();
    if value::is_one_of(word, BLOCKED) {
        Action::Deny
    } else if value::is_one_of(word, RESET) {
        Action::Reset
    } else if value::is_one_of(word, PASSED) {
        Action::Allow
    } else {
        Action::Other
    }
}

/// Whether a host column holds a name of more than one label; an object's or a machine's name is
/// none that a client asked for.
pub(super) fn is_qualified(name: &[u8]) -> bool {
    let name = name.strip_suffix(b".").unwrap_or(name);
    memchr::memchr(b'.', name).is_some()
}

/// Whether a request has a host: not a bare path, a file of Windows or a query.
fn is_url(raw: &[u8]) -> bool {
    let starts = raw.first().is_some_and(u8::is_ascii_alphanumeric) || raw.starts_with(b"[");
    let is_path = matches!(raw, [_, b':', b'\\' | b'/', ..]);
    starts
        && !is_path
        && value::Url::parse(raw).is_some_and(|url| {
            url.scheme.is_some() || memchr::memchr2(b'.', b':', url.host).is_some()
        })
}

fn without_ports_of_icmp(record: &mut Record<'_>) {
    if record.protocol.is_some_and(|protocol| matches!(protocol.0, 1 | 58)) {
        record.client.port = None;
        record.server.port = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_gives_the_verdict() {
        assert_eq!(verdict(br"blocked a \="), Action::Deny);
        assert_eq!(verdict(b"Reset-both"), Action::Reset);
        assert_eq!(verdict(b"ALLOWED"), Action::Allow);
        assert_eq!(verdict(b"not blocked"), Action::Other);
        assert_eq!(verdict(b"detectOnly"), Action::Other);
    }

    #[test]
    fn paths_are_no_urls() {
        for raw in ["http://a/", "www.example.com/x", "a.example:443"] {
            assert!(is_url(raw.as_bytes()), "{raw}");
        }
        for raw in [r"C:\Users\a.exe", "/bf/login.php", "?q=1", "file"] {
            assert!(!is_url(raw.as_bytes()), "{raw}");
        }
    }
}
