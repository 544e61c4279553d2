//! `key=value` text in its dialects.

use std::borrow::Cow;

use super::key_order::{Follower, KeyOrder};
use super::scan;
use crate::logs::value;

/// How pairs are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PairStyle {
    /// Between key and value: mostly `=`.
    pub assign: u8,
    /// Between pairs.
    pub between: Between,
    /// The quote around values, mostly `"`; 0 for none.
    pub quote: u8,
}

/// What ends a value that is not quoted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Between {
    /// The next blank.
    Blank,
    /// The next blank that a key and `=` follow, so values may hold blanks.
    NextKey,
    /// This byte; blanks around keys are not part of them.
    Byte(u8),
    /// This text, such as the `#011` that some relays write for a tab.
    Text(&'static [u8]),
}

impl PairStyle {
    /// `key=value key="value with blanks"`.
    pub const BLANK: Self = Self { assign: b'=', between: Between::Blank, quote: b'"' };
    /// `key=value with blanks key=value`.
    pub const NEXT_KEY: Self = Self { assign: b'=', between: Between::NextKey, quote: b'"' };

    /// `key=value` with this byte between pairs.
    #[must_use]
    pub const fn separated(byte: u8) -> Self {
        Self { assign: b'=', between: Between::Byte(byte), quote: b'"' }
    }
}

/// The pairs of one line. A key that comes twice has the value that comes first; an empty value
/// is none.
#[derive(Clone, Copy)]
pub struct Pairs<'s, 'l> {
    text: &'l [u8],
    entries: &'s [Entry],
}

/// What is used again for every line.
pub(super) struct PairTable {
    entries: Vec<Entry>,
    order: KeyOrder,
}

impl Default for PairTable {
    fn default() -> Self {
        Self { entries: Vec::new(), order: KeyOrder::new(b"=") }
    }
}

/// Where a key and its value begin and end.
#[derive(Clone, Copy)]
struct Pair {
    key: (usize, usize),
    value: (usize, usize),
}

/// Places of a key and its value in the text, and the first bytes of the key.
#[derive(Clone, Copy)]
struct Entry {
    prefix: u64,
    key: (u32, u32),
    value: (u32, u32),
}

/// Hands on the pairs of a line with blanks between them as they are read, for those who look at each
/// once.
#[inline]
pub(super) fn each_of_blanks<'l>(
    text: &'l [u8],
    table: &mut PairTable,
    mut take: impl FnMut(&'l [u8], &'l [u8]),
) {
    let mut follower = table.order.follow();
    let mut at = 0;
    while let Some(Pair { key, value }) =
        next_of_blanks(text, &mut at, &PairStyle::BLANK, &mut follower)
    {
        let slice = |(start, end): (usize, usize)| text.get(start..end).unwrap_or_default();
        take(slice(key), slice(value));
    }
}

impl<'s, 'l> Pairs<'s, 'l> {
    pub(super) fn parse(text: &'l [u8], style: &PairStyle, table: &'s mut PairTable) -> Self {
        let PairTable { entries, order } = table;
        entries.clear();
        // Places are four bytes; a longer line is no line of a log.
        let text = text.get(..text.len().min(u32::MAX as usize)).unwrap_or_default();
        let mut at = 0;
        match style.between {
            Between::Blank if style.assign == b'=' => {
                let mut follower = order.follow();
                while let Some(pair) = next_of_blanks(text, &mut at, style, &mut follower) {
                    entries.push(Entry::of(text, pair));
                }
            }
            _ => {
                while let Some(pair) = next(text, &mut at, style) {
                    entries.push(Entry::of(text, pair));
                }
            }
        }
        Self { text, entries }
    }

    /// The value of a key as it stands, without its quotes.
    #[inline]
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'l [u8]> {
        let prefix = prefix(key.as_bytes());
        self.entries
            .iter()
            .find(|entry| entry.prefix == prefix && self.slice(entry.key) == key.as_bytes())
            .map(|entry| self.slice(entry.value))
            .filter(|value| !value.is_empty())
    }

    /// The value of the first of these keys that is stated: neither empty nor a placeholder.
    #[must_use]
    pub fn first(&self, keys: &[&str]) -> Option<&'l [u8]> {
        keys.iter().find_map(|key| self.get(key).and_then(value::stated))
    }

    /// The value of a key with backslash escapes undone.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<Cow<'l, [u8]>> {
        self.get(key).map(value::unescape)
    }

    /// Whether the key is there, with or without a value.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| self.slice(entry.key) == key.as_bytes())
    }

    /// Every pair in the order of the text.
    pub fn iter(&self) -> impl Iterator<Item = (&'l [u8], &'l [u8])> + '_ {
        self.entries.iter().map(|entry| (self.slice(entry.key), self.slice(entry.value)))
    }

    /// How many pairs there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    #[inline]
    fn slice(&self, (start, end): (u32, u32)) -> &'l [u8] {
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }
}

impl Entry {
    #[inline]
    fn of(text: &[u8], Pair { key, value }: Pair) -> Self {
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let length = key.1 - key.0;
        // Nearly always there is more text than eight bytes behind a key's beginning.
        let prefix = match text.get(key.0..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(chunk) if length >= 8 => u64::from_le_bytes(*chunk),
            Some(chunk) => u64::from_le_bytes(*chunk) & ((1 << (8 * length)) - 1),
            None => prefix(text.get(key.0..key.1).unwrap_or_default()),
        };
        Self {
            prefix,
            key: (narrow(key.0), narrow(key.1)),
            value: (narrow(value.0), narrow(value.1)),
        }
    }
}

/// The first eight bytes of a key, so that most comparisons are of one number.
#[inline]
fn prefix(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(key) {
        *to = *from;
    }
    u64::from_le_bytes(bytes)
}

/// What a byte means in a key of pairs with blanks between them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InKey {
    /// It is part of a key.
    Part,
    /// It may stand before a key, and is part of one otherwise.
    Around,
    /// It ends a word that is no key.
    End,
}

/// What each byte means, in a table: keys are short, and a look costs less than a search.
const IN_KEY: [InKey; 256] = {
    let mut table = [InKey::Part; 256];
    let mut rest: &mut [InKey] = &mut table;
    let mut byte = 0_u8;
    while let Some((entry, behind)) = rest.split_first_mut() {
        if ends_word(byte) {
            *entry = InKey::End;
        } else if is_around_key(byte) {
            *entry = InKey::Around;
        }
        byte = byte.wrapping_add(1);
        rest = behind;
    }
    table
};

/// [`next`] for pairs with blanks between them, which most lines of firewalls are made of.
#[inline]
fn next_of_blanks(
    text: &[u8],
    at: &mut usize,
    style: &PairStyle,
    follower: &mut Follower<'_>,
) -> Option<Pair> {
    let start = *at + usize::from(text.get(*at) == Some(&b' '));
    let key = match follower.expected(text, start) {
        Some(length) => (start, start + length),
        None => {
            let key = key_of_blanks(text, *at, style.assign)?;
            follower.note(text, key.0, key.1 - key.0);
            key
        }
    };
    let start = key.1 + 1;
    let (value, end) = match text.get(start) {
        Some(byte) if *byte == style.quote && style.quote != 0 => quoted(text, start, style.quote),
        Some(b' ' | b'\t') => value_at(text, start, style),
        _ => {
            let end = scan::find_either(text, start, b' ', b'\t').unwrap_or(text.len());
            let comma = usize::from(text.get(start..end).is_some_and(|text| text.ends_with(b",")));
            ((start, end - comma), end)
        }
    };
    *at = end;
    Some(Pair { key, value })
}

/// Where the next key stands. Keys are short, so their bytes are looked at one by one.
fn key_of_blanks(text: &[u8], at: usize, assign: u8) -> Option<(usize, usize)> {
    let mut start = at;
    let mut place = at;
    loop {
        let byte = *text.get(place)?;
        if byte == assign {
            if place > start {
                return Some((start, place));
            }
            start = place + 1;
        } else {
            match IN_KEY.get(usize::from(byte)) {
                Some(InKey::End) => start = place + 1,
                Some(InKey::Around) if place == start => start = place + 1,
                _ => {}
            }
        }
        place += 1;
    }
}

/// The next pair from `at` on; words without an assignment are passed over.
fn next(text: &[u8], at: &mut usize, style: &PairStyle) -> Option<Pair> {
    loop {
        let rest = text.get(*at..)?;
        let equals = *at + memchr::memchr(style.assign, rest)?;
        let before = text.get(*at..equals)?;
        // The key is what stands before the sign, back to what ends the pair before, or to the
        // priority of a syslog header (`<134>id=…`).
        let is_end = |byte: &u8| match style.between {
            Between::Byte(separator) => *byte == separator,
            Between::Text(_) => false,
            Between::Blank | Between::NextKey => ends_word(*byte),
        };
        let start = match style.between {
            Between::Text(separator) => {
                memchr::memmem::rfind(before, separator).map_or(0, |at| at + separator.len())
            }
            _ => before.iter().rposition(is_end).map_or(0, |end| end + 1),
        };
        let key = before.get(start..)?;
        let skipped = key.iter().take_while(|byte| is_around_key(**byte)).count();
        let key = key.get(skipped..)?.trim_ascii();
        let key_start = *at + start + skipped;
        let value_start = equals + 1;
        if key.is_empty() {
            *at = value_start;
            continue;
        }
        let (value, end) = value_at(text, value_start, style);
        *at = end;
        return Some(Pair { key: (key_start, key_start + key.len()), value });
    }
}

/// What stands before a key where pairs have blanks between them.
const fn ends_word(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b',' | b'>')
}

/// What may stand between a separator and a key.
const fn is_around_key(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'"' | b'[' | b'(' | b'{')
}

/// The places of the value that begins at `start`, and where to go on.
fn value_at(text: &[u8], start: usize, style: &PairStyle) -> ((usize, usize), usize) {
    let rest = text.get(start..).unwrap_or_default();
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    // A blank behind the sign is an empty value, unless a quoted value follows it.
    let is_quote = |byte: Option<&u8>| style.quote != 0 && byte == Some(&style.quote);
    if is_quote(rest.get(blanks)) {
        return quoted(text, start + blanks, style.quote);
    }
    let length = match style.between {
        Between::Blank => memchr::memchr2(b' ', b'\t', rest).unwrap_or(rest.len()),
        Between::Byte(separator) => memchr::memchr(separator, rest).unwrap_or(rest.len()),
        Between::Text(separator) => memchr::memmem::find(rest, separator).unwrap_or(rest.len()),
        Between::NextKey => {
            let end = before_next_key(rest, style.assign);
            let length = rest.get(..end).unwrap_or_default().trim_ascii_end().len();
            let blanks = rest.iter().take(length).take_while(|byte| **byte == b' ').count();
            return ((start + blanks, start + length), start + end);
        }
    };
    let value = rest.get(..length).unwrap_or_default();
    let comma = usize::from(style.between == Between::Blank && value.ends_with(b","));
    ((start, start + length - comma), start + length)
}

/// A quoted value at `open`: `\"` does not end it; a doubled quote at its very start (`""value""`,
/// as a relay writes it) encloses it like a single one, elsewhere it stands for one.
fn quoted(text: &[u8], open: usize, quote: u8) -> ((usize, usize), usize) {
    let body = text.get(open + 1..).unwrap_or_default();
    if let Some(rest) = body.strip_prefix(&[quote])
        && rest
            .first()
            .is_some_and(|byte| !matches!(byte, b' ' | b',' | b';' | b'|' | b']' | b'\t'))
        && let Some(end) = memchr::memmem::find(rest, &[quote, quote])
    {
        return ((open + 2, open + 2 + end), open + 2 + end + 2);
    }
    let mut from = 0;
    while let Some(at) = scan::find_either(body, from, quote, b'\\') {
        let is_escape = body.get(at) == Some(&b'\\');
        let is_doubled = body.get(at + 1) == Some(&quote) && at > 0;
        if is_escape || is_doubled {
            from = at + 2;
        } else {
            return ((open + 1, open + 1 + at), open + 1 + at + 1);
        }
    }
    ((open + 1, text.len()), text.len())
}

/// Where the last blank before the next `key=` stands; the end when there is none.
fn before_next_key(rest: &[u8], assign: u8) -> usize {
    let is_key =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']');
    for equals in memchr::memchr_iter(assign, rest) {
        if equals > 0 && rest.get(equals - 1) == Some(&b'\\') {
            continue;
        }
        let before = rest.get(..equals).unwrap_or_default();
        let key = before.iter().rev().take_while(|byte| is_key(**byte)).count();
        let start = equals - key;
        if key > 0 && start > 0 && rest.get(start - 1).is_some_and(u8::is_ascii_whitespace) {
            return start - 1;
        }
        if key > 0 && start == 0 {
            // An empty value whose next key follows at once.
            return 0;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read<'l>(line: &'l str, table: &mut PairTable) -> Vec<(&'l [u8], &'l [u8])> {
        Pairs::parse(line.as_bytes(), &PairStyle::BLANK, table).iter().collect()
    }

    proptest! {
        /// Which keys are expected makes no difference.
        #[test]
        fn what_was_read_before_changes_nothing(
            lines in prop::collection::vec("([ab]{1,9}[=, \"\\\\<>\t]{1,3}[a1=]{0,3} ?){0,9} {0,20}", 1..8),
        ) {
            let mut table = PairTable::default();
            for line in lines.iter().chain(&lines) {
                let expected = read(line, &mut PairTable::default());
                prop_assert_eq!(read(line, &mut table), &*expected);
                let mut each = Vec::new();
                each_of_blanks(line.as_bytes(), &mut table, |key, value| each.push((key, value)));
                prop_assert_eq!(each, expected);
            }
        }
    }

    fn pairs(text: &str, style: PairStyle) -> Vec<(String, String)> {
        let mut table = PairTable::default();
        let text_of = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Pairs::parse(text.as_bytes(), &style, &mut table)
            .iter()
            .map(|(key, value)| (text_of(key), text_of(value)))
            .collect()
    }

    fn owned(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn blanks_end_bare_values_and_quotes_hold_them() {
        let text = r#"<13>Nov 6 host date=2025-11-06 msg="a \"b\" c=d" empty= url="x?y=1" n=3"#;
        let expected = [
            ("date", "2025-11-06"),
            ("msg", r#"a \"b\" c=d"#),
            ("empty", ""),
            ("url", "x?y=1"),
            ("n", "3"),
        ];
        assert_eq!(pairs(text, PairStyle::BLANK), owned(&expected));
    }

    #[test]
    fn quotes_that_a_relay_doubled_are_quotes() {
        let text = r#"type=""traffic"" action=""deny"" empty="" n="1""#;
        let expected = [("type", "traffic"), ("action", "deny"), ("empty", ""), ("n", "1")];
        assert_eq!(pairs(text, PairStyle::BLANK), owned(&expected));
    }

    #[test]
    fn values_run_to_the_next_key() {
        let text = r"act=blocked request=http://a/?b\=c msg=some words here dst=192.0.2.1";
        let expected = [
            ("act", "blocked"),
            ("request", r"http://a/?b\=c"),
            ("msg", "some words here"),
            ("dst", "192.0.2.1"),
        ];
        assert_eq!(pairs(text, PairStyle::NEXT_KEY), owned(&expected));
    }

    #[test]
    fn other_separators_end_values() {
        let expected = [("a", "1"), ("b", "two words"), ("c", "")];
        assert_eq!(pairs("a=1|b=two words|c=", PairStyle::separated(b'|')), owned(&expected));
        let style = PairStyle { assign: b':', between: Between::Byte(b';'), quote: b'"' };
        let expected = [("action", "Drop"), ("src", "192.0.2.1")];
        assert_eq!(pairs(r#"action:"Drop"; src:"192.0.2.1"; "#, style), owned(&expected));
    }

    #[test]
    fn the_first_of_equal_keys_counts() {
        let mut table = PairTable::default();
        let pairs = Pairs::parse(b"a=1 a=2 b=-", &PairStyle::BLANK, &mut table);
        assert_eq!(pairs.get("a"), Some(&b"1"[..]));
        assert_eq!(pairs.first(&["b", "a"]), Some(&b"1"[..]));
    }
}
