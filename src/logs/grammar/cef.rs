//! The Common Event Format (ArcSight "CEF Implementation Standard").

use std::borrow::Cow;

use super::pairs::{PairStyle, PairTable, Pairs};
use crate::logs::value;

/// One event: seven header fields and the extension.
#[derive(Clone, Copy)]
pub struct Cef<'s, 'l> {
    /// What stands before `CEF:`, mostly a syslog header.
    pub before: &'l [u8],
    /// The device's vendor, escapes not undone (in it `\|` and `\\` are).
    pub vendor: &'l [u8],
    /// The device's product.
    pub product: &'l [u8],
    /// The product's version.
    pub version: &'l [u8],
    /// The event class, also called signature.
    pub class: &'l [u8],
    /// The event's name.
    pub name: &'l [u8],
    /// The severity.
    pub severity: &'l [u8],
    /// The extension: values hold blanks and end before the next key.
    pub extension: Pairs<'s, 'l>,
}

impl<'s, 'l> Cef<'s, 'l> {
    /// Reads an event wherever it begins in the line: at `CEF:` and a digit, or at the version
    /// where a relay took `CEF:` for its own (`0|Vendor|…` at the start). `None` without six
    /// further bars.
    pub(super) fn parse(text: &'l [u8], table: &'s mut PairTable) -> Option<Self> {
        let (before, body) = match memchr::memmem::find(text, b"CEF:") {
            Some(at) => (text.get(..at)?, text.get(at + 4..)?.trim_ascii_start()),
            None => (&b""[..], text.trim_ascii_start()),
        };
        let digits = body.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
        if digits == 0 || body.get(digits) != Some(&b'|') {
            return None;
        }
        let mut rest = body.get(digits + 1..)?;
        let mut fields: [&[u8]; 6] = [&[]; 6];
        for field in &mut fields {
            let end = header_end(rest)?;
            *field = rest.get(..end)?;
            rest = rest.get(end + 1..)?;
        }
        let [vendor, product, version, class, name, severity] = fields;
        let extension = Pairs::parse(rest, &PairStyle { quote: 0, ..PairStyle::NEXT_KEY }, table);
        Some(Self { before, vendor, product, version, class, name, severity, extension })
    }

    /// A value of the extension that says something; of several keys the first that does.
    #[must_use]
    pub fn first(&self, keys: &[&str]) -> Option<&'l [u8]> {
        self.extension.first(keys)
    }

    /// A value with its escapes undone.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<Cow<'l, [u8]>> {
        self.extension.first(&[key]).map(value::unescape)
    }

    /// The value of the custom field (`cs1` … `cs6`, `cn1` …, `flexString1` …) with this label.
    #[must_use]
    pub fn labelled(&self, label: &str) -> Option<&'l [u8]> {
        self.extension
            .iter()
            .filter_map(|(key, value)| Some((key.strip_suffix(b"Label")?, value)))
            .find(|(_, value)| value.eq_ignore_ascii_case(label.as_bytes()))
            .and_then(|(key, _)| self.extension.first(&[std::str::from_utf8(key).ok()?]))
    }
}

/// Whether a text that is no event begins one that was cut in its header: `CEF:0|`, a vendor and a
/// product, not in the middle of a word.
pub(in crate::logs) fn is_cut(text: &[u8]) -> bool {
    cut_header(text, b"CEF:").is_some_and(|rest| {
        let mut fields = rest.split(|byte| *byte == b'|');
        let is_version = fields.next().is_some_and(|version| matches!(version, b"0" | b"1"));
        is_version && fields.next().is_some() && (2..=5).contains(&fields.count())
    })
}

/// What follows the name of an envelope that begins a word of the line.
pub(super) fn cut_header<'l>(text: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let at = memchr::memmem::find(text, name)?;
    let is_start = at == 0 || text.get(at - 1).is_some_and(|byte| matches!(byte, b' ' | b'>'));
    is_start.then(|| text.get(at + name.len()..))?
}

/// The place of the next bar that is not escaped.
fn header_end(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'|', b'\\', text.get(from..)?)?;
        if text.get(at) == Some(&b'|') {
            return Some(at);
        }
        from = at + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_before_the_next_key() {
        let text = br"<13>Nov 6 host CEF:0|Acme\|Co|Wall|1.0|100|conn denied|5|src=192.0.2.1 msg=a b\=c d cs1=r 1 cs1Label=Rule dst=198.51.100.1";
        let mut table = PairTable::default();
        let event = Cef::parse(text, &mut table).unwrap();
        assert_eq!((event.vendor, event.name), (&br"Acme\|Co"[..], &b"conn denied"[..]));
        assert_eq!(event.extension.get("msg"), Some(&br"a b\=c d"[..]));
        assert_eq!(event.labelled("rule"), Some(&b"r 1"[..]));
        assert_eq!(event.first(&["dhost", "dst"]), Some(&b"198.51.100.1"[..]));
    }

    #[test]
    fn without_its_bars_it_is_no_event() {
        let mut table = PairTable::default();
        assert!(Cef::parse(b"GET /?x=CEF:0|a|b HTTP/1.1", &mut table).is_none());
        assert!(Cef::parse(b"0|Acme|Wall|1|2|3|4|src=192.0.2.1", &mut table).is_some());
    }
}
