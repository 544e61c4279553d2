//! The Log Event Extended Format (IBM QRadar "LEEF event components").

use super::cef::cut_header;
use super::pairs::{Between, PairStyle, PairTable, Pairs};

/// One event: the header and the attributes.
#[derive(Clone, Copy)]
pub struct Leef<'s, 'l> {
    /// What stands before `LEEF:`, mostly a syslog header.
    pub before: &'l [u8],
    /// The device's vendor.
    pub vendor: &'l [u8],
    /// The device's product.
    pub product: &'l [u8],
    /// The product's version.
    pub version: &'l [u8],
    /// The event's identifier.
    pub event: &'l [u8],
    /// The attributes.
    pub attributes: Pairs<'s, 'l>,
}

/// Whether a text that is no event begins one that was cut in its header: `LEEF:2.0|`, a vendor
/// and a product, not in the middle of a word.
pub(in crate::logs) fn is_cut(text: &[u8]) -> bool {
    cut_header(text, b"LEEF:").is_some_and(|rest| {
        let mut fields = rest.split(|byte| *byte == b'|');
        let is_version = fields.next().is_some_and(|version| matches!(version, b"1.0" | b"2.0"));
        is_version && fields.next().is_some() && (1..=3).contains(&fields.count())
    })
}

impl<'s, 'l> Leef<'s, 'l> {
    /// Reads an event wherever it begins in the line: at `LEEF:1` or `LEEF:2`, or at `1.0|` at the
    /// start where a relay took `LEEF:` for its own.
    ///
    /// Version 1 separates attributes with tabs, version 2 with what its sixth field says (a
    /// character, or its code as `x09` or `0x09`; empty means tab). Relays turn tabs into `#011`,
    /// `\t` or bars, and all of these are understood where no tab is left.
    pub(super) fn parse(text: &'l [u8], table: &'s mut PairTable) -> Option<Self> {
        let (before, body) = match memchr::memmem::find(text, b"LEEF:") {
            Some(at) => (text.get(..at)?, text.get(at + 5..)?),
            None => (&b""[..], text.trim_ascii_start()),
        };
        let mut fields = body.splitn(6, |byte| *byte == b'|');
        let (number, vendor, product) = (fields.next()?, fields.next()?, fields.next()?);
        let (version, event, rest) = (fields.next()?, fields.next()?, fields.next()?);
        let is_second = number.starts_with(b"2");
        if !is_second && !number.starts_with(b"1") {
            return None;
        }
        let (separator, rest) = match memchr::memchr(b'|', rest) {
            Some(at) if is_second => match separator(rest.get(..at)?) {
                Some(separator) => (separator, rest.get(at + 1..)?),
                None => (b'\t', rest),
            },
            _ => (b'\t', rest),
        };
        let attributes = match memchr::memchr(separator, rest) {
            Some(_) => Pairs::parse(rest, &PairStyle::separated(separator), table),
            None => fallback(rest, table),
        };
        Some(Self { before, vendor, product, version, event, attributes })
    }
}

/// Attributes whose separator a relay replaced.
fn fallback<'s, 'l>(rest: &'l [u8], table: &'s mut PairTable) -> Pairs<'s, 'l> {
    let style = if memchr::memchr(b'|', rest).is_some() {
        PairStyle::separated(b'|')
    } else if memchr::memmem::find(rest, b"#011").is_some() {
        PairStyle { assign: b'=', between: Between::Text(b"#011"), quote: 0 }
    } else if memchr::memmem::find(rest, br"\t").is_some() {
        PairStyle { assign: b'=', between: Between::Text(br"\t"), quote: 0 }
    } else {
        PairStyle { assign: b'=', between: Between::NextKey, quote: 0 }
    };
    Pairs::parse(rest, &style, table)
}

/// The separator that the sixth field of version 2 names; `None` when it is an attribute.
fn separator(field: &[u8]) -> Option<u8> {
    match field {
        [] => Some(b'\t'),
        [byte] => Some(*byte),
        _ => {
            let text = std::str::from_utf8(field).ok()?;
            let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix('x'))?;
            u8::from_str_radix(digits, 16).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(text: &str, key: &str) -> Option<String> {
        let mut table = PairTable::default();
        let event = Leef::parse(text.as_bytes(), &mut table)?;
        event.attributes.get(key).map(|value| String::from_utf8(value.to_vec()).unwrap())
    }

    #[test]
    fn separators_are_what_the_version_says() {
        let dst = Some("192.0.2.1".to_owned());
        assert_eq!(attribute("h LEEF:1.0|A|B|1|deny|src=a b\tdst=192.0.2.1\tx=1", "dst"), dst);
        assert_eq!(attribute("LEEF:2.0|A|B|1|deny|^|src=a^dst=192.0.2.1^x=1", "dst"), dst);
        assert_eq!(attribute("LEEF:2.0|A|B|1|deny|x09|src=a\tdst=192.0.2.1", "dst"), dst);
        assert_eq!(attribute("LEEF:1.0|A|B|1|deny|src=a|dst=192.0.2.1", "dst"), dst);
        assert_eq!(attribute("LEEF:1.0|A|B|1|deny|src=a#b#011dst=192.0.2.1#011x=1", "dst"), dst);
        assert_eq!(attribute(r"LEEF:1.0|A|B|1|deny|src=a\b\tdst=192.0.2.1\tx=1", "dst"), dst);
        assert_eq!(attribute("LEEF:3.0|A|B|1|deny|dst=192.0.2.1", "dst"), None);
    }
}
