//! Values as logs write them: hosts, URLs, addresses, ports, protocols, numbers and times.
//!
//! Each function takes the bytes of one value and gives `None` for what is not one: a
//! placeholder, an object's name in an address's place, a masked or impossible address.

mod address;
mod dns;
mod host;
mod time;

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

pub use address::{address, address_and_port, leading_v4, port, socket};
pub use dns::{dns_code, dns_type};
pub use host::{Url, host};
pub use time::{
    ANY_YEAR, civil, clock, common_log_time, date_and_time, date_beside_clock, epoch, event_time,
    iso_8601, month, offset_seconds, syslog_time, us_or_eu_date,
};

use super::record::Protocol;

/// Names of IP protocols as logs write them, with their numbers (IANA "Assigned Internet
/// Protocol Numbers"). Of several names of one number the first is the one that is written.
pub(super) const PROTOCOL_NAMES: &[(u8, &str)] = &[
    (1, "icmp"),
    (2, "igmp"),
    (4, "ipip"),
    (4, "ipencap"),
    (6, "tcp"),
    (8, "egp"),
    (9, "igp"),
    (17, "udp"),
    (27, "rdp"),
    (33, "dccp"),
    (41, "ipv6"),
    (43, "ipv6-route"),
    (44, "ipv6-frag"),
    (46, "rsvp"),
    (47, "gre"),
    (50, "esp"),
    (51, "ah"),
    (58, "icmpv6"),
    (58, "icmp6"),
    (58, "ipv6-icmp"),
    (58, "icmp-v6"),
    (59, "ipv6-nonxt"),
    (60, "ipv6-opts"),
    (88, "eigrp"),
    (89, "ospf"),
    (94, "ipip"),
    (103, "pim"),
    (112, "vrrp"),
    (115, "l2tp"),
    (132, "sctp"),
    (136, "udplite"),
];

/// Whether a text ends within double quotes, as one does that was cut.
#[must_use]
pub fn has_open_quote(text: &[u8]) -> bool {
    memchr::memchr_iter(b'"', text).count() % 2 == 1
}

/// A transport by number or name, in any case, also as `tcp/443`, `6(tcp)` and `TCP: 6`; the
/// name of an application is none.
#[must_use]
pub fn protocol(raw: &[u8]) -> Option<Protocol> {
    let raw = raw.trim_ascii();
    let word = raw.split(|byte| matches!(byte, b'/' | b'(' | b':' | b' ')).next()?;
    if word.is_empty() {
        return None;
    }
    if word.iter().all(u8::is_ascii_digit) {
        return number::<u8>(word).map(Protocol);
    }
    PROTOCOL_NAMES
        .iter()
        .find(|(_, name)| name.as_bytes().eq_ignore_ascii_case(word))
        .map(|(number, _)| Protocol(*number))
}

/// A decimal number that is the whole value.
#[must_use]
pub fn number<N: TryFrom<i128>>(raw: &[u8]) -> Option<N> {
    let raw = raw.trim_ascii();
    let (is_negative, digits) = match raw.split_first()? {
        (b'-', digits) => (true, digits),
        (b'+', digits) => (false, digits),
        _ => (false, raw),
    };
    let mut magnitude = 0_u64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude.checked_mul(10)?.checked_add(digit.into())?;
    }
    if digits.is_empty() {
        return None;
    }
    let magnitude = i128::from(magnitude);
    N::try_from(if is_negative { -magnitude } else { magnitude }).ok()
}

/// Control bits of a TCP segment (RFC 9293 section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ControlBits {
    syn: bool,
    /// ACK, FIN or RST.
    other: bool,
    /// FIN or RST.
    ends: bool,
    psh: bool,
}

impl ControlBits {
    /// Takes one word of flags: a name such as `SYN`, or letters such as `SEC`, `S.` or `PA`. Returns
    /// whether it is one.
    pub fn add(&mut self, word: &[u8]) -> bool {
        match word {
            b"SYN" | b"syn" => self.syn = true,
            b"ACK" | b"ack" => self.other = true,
            b"FIN" | b"RST" | b"fin" | b"rst" => (self.other, self.ends) = (true, true),
            b"PSH" | b"psh" => self.psh = true,
            b"URG" | b"ECE" | b"CWR" | b"NS" | b"urg" | b"ece" | b"cwr" => {}
            letters if !letters.is_empty() && letters.iter().all(|b| b"SFRPAUECW.".contains(b)) => {
                self.syn |= letters.contains(&b'S');
                self.other |= letters.iter().any(|byte| b"AFR.".contains(byte));
                self.ends |= letters.iter().any(|byte| b"FR".contains(byte));
                self.psh |= letters.contains(&b'P');
            }
            _ => return false,
        }
        true
    }

    /// The bits of all segments of a flow together, as the octet of flags has them: a flow with a SYN began
    /// with it, however it ended.
    #[must_use]
    pub const fn of_flow(bits: u8) -> Self {
        let (fin, syn, rst, psh, ack) = (1, 2, 4, 8, 16);
        let begins = bits & syn != 0;
        let ends = bits & (fin | rst) != 0 && !begins;
        Self { syn: begins, other: ends || bits & ack != 0, ends, psh: bits & psh != 0 }
    }

    /// The bits that these flags name, with whatever separators; none where there are none.
    #[must_use]
    pub fn parse(flags: &[u8]) -> Option<Self> {
        let mut bits = Self::default();
        let mut is_any = false;
        let is_flag = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'.';
        for word in flags.split(|byte| !is_flag(byte)).filter(|word| !word.is_empty()) {
            is_any |= bits.add(word);
        }
        is_any.then_some(bits)
    }

    /// Whether this is a request for a connection: a SYN and none of ACK, FIN and RST (RFC 9293 section
    /// 3.5), with or without the bits of congestion notification (RFC 3168 section 6.1.1).
    #[must_use]
    pub const fn is_request(self) -> bool {
        self.syn && !self.other
    }

    /// Whether this is a segment with data of a connection that goes on: PSH, and neither SYN, FIN nor RST.
    #[must_use]
    pub const fn is_data(self) -> bool {
        self.psh && !self.syn && !self.ends
    }
}

/// Whether the reason that a device gives for a denial says that the packet belonged to no connection that
/// it knew: in the words of the vendors, whose messages differ by little.
#[must_use]
pub fn speaks_of_no_connection(reason: &[u8]) -> bool {
    /// Fortinet ("no session matched"), Barracuda ("belongs to no active session"), Check Point and Sophos
    /// ("out of state", "could not associate packet to any connection"), Palo Alto Networks ("non-SYN
    /// TCP"), Juniper and WatchGuard ("first packet not SYN", "TCP SYN checking failed"), SonicWall
    /// ("closing connection", "handshake violation"), Cisco ("no matching connection", "(no connection)").
    const PHRASES: &[&str] = &[
        "no session match",
        "no active session",
        "no matching session",
        "no matching connection",
        "(no connection)",
        "to any connection",
        "session not found",
        "connection not found",
        "unknown session",
        "unknown connection",
        "out of state",
        "out-of-state",
        "state violation",
        "invalid state",
        "closing connection",
        "closed connection",
        "handshake violation",
        "syn checking failed",
        "syn check failed",
        "syn-check",
        "non-syn",
        "not syn",
        "isn't syn",
        "not a syn",
        "no syn",
        "without syn",
    ];
    static AUTOMATON: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        // A few short phrases are far from the automaton's limits.
        AhoCorasick::builder().ascii_case_insensitive(true).build(PHRASES).ok()
    });
    AUTOMATON.as_ref().is_some_and(|automaton| automaton.is_match(reason))
}

/// Whether a value says that there is none.
#[must_use]
pub fn is_placeholder(raw: &[u8]) -> bool {
    match raw.trim_ascii() {
        b"" | b"-" | b"--" | b"*" | b"?" => true,
        word => ["n/a", "na", "none", "null", "(null)", "unknown", "undefined", "any", "(empty)"]
            .iter()
            .any(|placeholder| word.eq_ignore_ascii_case(placeholder.as_bytes())),
    }
}

/// The value, unless it says that there is none.
#[must_use]
pub fn stated(raw: &[u8]) -> Option<&[u8]> {
    let raw = raw.trim_ascii();
    (!is_placeholder(raw)).then_some(raw)
}

/// Whether `word` is one of `words`, in any case.
#[must_use]
pub fn is_one_of(word: &[u8], words: &[&str]) -> bool {
    words.iter().any(|candidate| word.eq_ignore_ascii_case(candidate.as_bytes()))
}

/// A value with its backslash escapes undone (`\"`, `\\`, `\=`, `\]`, `\|`, `\n`, `\t`); borrowed
/// where it has none.
#[must_use]
pub fn unescape(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut text = Vec::with_capacity(raw.len());
    let mut bytes = raw.iter().copied();
    while let Some(byte) = bytes.next() {
        match (byte, byte == b'\\') {
            (_, true) => match bytes.next() {
                Some(b'n') => text.push(b'\n'),
                Some(b'r') => text.push(b'\r'),
                Some(b't') => text.push(b'\t'),
                Some(other) => text.push(other),
                None => text.push(b'\\'),
            },
            (other, false) => text.push(other),
        }
    }
    Cow::Owned(text)
}

/// A value in which doubled quotes stand for one (RFC 4180); borrowed where there are none.
#[must_use]
pub fn undouble(raw: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memmem::find(raw, b"\"\"").is_none() {
        return Cow::Borrowed(raw);
    }
    let mut text = Vec::with_capacity(raw.len());
    let mut after_quote = false;
    for &byte in raw {
        if byte == b'"' && after_quote {
            after_quote = false;
            continue;
        }
        after_quote = byte == b'"';
        text.push(byte);
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_values_that_fit() {
        assert_eq!(number(b" 443 "), Some(443_u16));
        assert_eq!((number(b"+5"), number(b"-5")), (Some(5_u8), Some(-5_i8)));
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for raw in ["", " ", "+", "-", "1x", "0x1", "1.0", "1 2", "18446744073709551616"] {
            assert_eq!(number::<u64>(raw.as_bytes()), None, "{raw}");
        }
        assert_eq!((number::<u16>(b"65536"), number::<u16>(b"-1")), (None, None));
    }

    #[test]
    fn protocols_are_read_in_every_spelling() {
        for raw in ["6", "tcp", "TCP", "tcp/443", "6(tcp)", "TCP: 6"] {
            assert_eq!(protocol(raw.as_bytes()), Some(Protocol::TCP), "{raw}");
        }
        assert_eq!(protocol(b"HTTPS"), None);
        assert_eq!(protocol(b"ICMPv6").map(|protocol| protocol.0), Some(58));
        assert_eq!(Protocol(58).text(), "icmpv6");
        assert_eq!(Protocol(162).text(), "162");
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(&*unescape(br#"a\"b\\c\=d"#), br#"a"b\c=d"#);
        assert_eq!(&*undouble(br#"say ""hi"" now"#), br#"say "hi" now"#);
    }
}
