//! Columns with a separator between them, or with blanks.

use std::borrow::Cow;

use super::scan;
use crate::logs::value;

/// The columns of one line.
#[derive(Clone, Copy)]
pub struct Columns<'s, 'l> {
    text: &'l [u8],
    entries: &'s [Entry],
}

/// The place of one column, without its quotes.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    start: u32,
    end: u32,
}

impl<'s, 'l> Columns<'s, 'l> {
    /// Columns as RFC 4180 writes them: a column that begins with `"` ends at the next `"` that
    /// is not doubled; `\"`, which some relays write, does not end it either.
    pub(super) fn parse(text: &'l [u8], separator: u8, entries: &'s mut Vec<Entry>) -> Self {
        entries.clear();
        let text = text.get(..text.len().min(u32::MAX as usize)).unwrap_or_default();
        let mut at = 0;
        loop {
            if !matches!(text.get(at), Some(b'"' | b' ')) {
                match plain(text, at, separator, entries) {
                    Some(next) => at = next,
                    None => break,
                }
            }
            let rest = text.get(at..).unwrap_or_default();
            let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
            if rest.get(blanks) == Some(&b'"') {
                let end = quote_end(text, at + blanks + 1);
                entries.push(Entry::of(at + blanks + 1, end));
                let behind = text.get(end..).unwrap_or_default();
                match memchr::memchr(separator, behind) {
                    Some(next) => at = end + next + 1,
                    None => break,
                }
            } else {
                let length = memchr::memchr(separator, rest);
                entries.push(Entry::of(at, at + length.unwrap_or(rest.len())));
                match length {
                    Some(length) => at += length + 1,
                    None => break,
                }
            }
        }
        Self { text, entries }
    }

    /// Columns with a separator that no column holds; quotes mean nothing.
    pub(super) fn split(text: &'l [u8], separator: u8, entries: &'s mut Vec<Entry>) -> Self {
        entries.clear();
        let text = text.get(..text.len().min(u32::MAX as usize)).unwrap_or_default();
        let mut start = 0;
        for end in memchr::memchr_iter(separator, text).chain([text.len()]) {
            entries.push(Entry::of(start, end));
            start = end + 1;
        }
        Self { text, entries }
    }

    /// Words with runs of blanks between them; what stands in double quotes or in brackets at
    /// the start of a word is one word, without them.
    pub(super) fn words(text: &'l [u8], entries: &'s mut Vec<Entry>) -> Self {
        entries.clear();
        let text = text.get(..text.len().min(u32::MAX as usize)).unwrap_or_default();
        let mut at = 0;
        loop {
            let rest = text.get(at..).unwrap_or_default();
            at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let Some(first) = text.get(at) else { break };
            let end = match first {
                b'"' => {
                    let end = quote_end(text, at + 1);
                    entries.push(Entry::of(at + 1, end));
                    end + 1
                }
                b'[' if let Some(length) =
                    memchr::memchr(b']', text.get(at..).unwrap_or_default()) =>
                {
                    entries.push(Entry::of(at + 1, at + length));
                    at + length + 1
                }
                _ => {
                    let rest = text.get(at..).unwrap_or_default();
                    let length = rest.iter().position(u8::is_ascii_whitespace);
                    let end = at + length.unwrap_or(rest.len());
                    entries.push(Entry::of(at, end));
                    end
                }
            };
            at = end;
        }
        Self { text, entries }
    }

    /// A column by its number from 0, as it stands, without quotes and blanks around it; `None`
    /// when the line has fewer columns or it is empty.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'l [u8]> {
        let column = self.entries.get(index)?;
        let value = self.text.get(column.start as usize..column.end as usize)?.trim_ascii();
        (!value.is_empty()).then_some(value)
    }

    /// A column that says something: neither empty nor a placeholder.
    #[must_use]
    pub fn stated(&self, index: usize) -> Option<&'l [u8]> {
        self.get(index).and_then(value::stated)
    }

    /// A column with doubled quotes undone.
    #[must_use]
    pub fn text(&self, index: usize) -> Option<Cow<'l, [u8]>> {
        self.get(index).map(value::undouble)
    }

    /// Where a column begins and ends in the text, without quotes; to slice several at once.
    #[must_use]
    pub fn place(&self, index: usize) -> Option<(usize, usize)> {
        self.entries.get(index).map(|column| (column.start as usize, column.end as usize))
    }

    /// Every column in order, empty ones too.
    pub fn iter(&self) -> impl Iterator<Item = &'l [u8]> + '_ {
        self.entries.iter().map(|column| {
            self.text
                .get(column.start as usize..column.end as usize)
                .unwrap_or_default()
                .trim_ascii()
        })
    }

    /// How many columns there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Entry {
    fn of(start: usize, end: usize) -> Self {
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { start: narrow(start), end: narrow(end) }
    }
}

/// Takes the columns from `start` on up to the first that begins with a quote or a blank, and
/// returns where that one begins; `None` when there is none.
#[inline]
fn plain(text: &[u8], start: usize, separator: u8, entries: &mut Vec<Entry>) -> Option<usize> {
    let mut column = start;
    let mut end = |at: usize| {
        entries.push(Entry::of(column, at));
        column = at + 1;
        matches!(text.get(column), Some(b'"' | b' ')).then_some(column)
    };
    let mut at = start;
    let mut rest = text.get(start..).unwrap_or_default();
    while let Some((chunk, behind)) = rest.split_first_chunk::<8>() {
        let mut found = scan::equal_bytes(u64::from_le_bytes(*chunk), separator);
        while found != 0 {
            if let Some(next) = end(at + scan::place_of(found)) {
                return Some(next);
            }
            found &= found - 1;
        }
        at += 8;
        rest = behind;
    }
    for byte in rest {
        if *byte == separator
            && let Some(next) = end(at)
        {
            return Some(next);
        }
        at += 1;
    }
    entries.push(Entry::of(column, text.len()));
    None
}

/// The place of the quote that ends what begins at `start`; the end of the text when there is
/// none.
fn quote_end(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(found) = memchr::memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        let place = at + found;
        let is_escaped = match text.get(place) {
            Some(b'\\') => matches!(text.get(place + 1), Some(b'"' | b'\\')),
            _ => text.get(place + 1) == Some(&b'"'),
        };
        if text.get(place) == Some(&b'"') && !is_escaped {
            return place;
        }
        at = place + 1 + usize::from(is_escaped);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &str) -> Vec<String> {
        let mut entries = Vec::new();
        let columns = Columns::parse(text.as_bytes(), b',', &mut entries);
        columns.iter().map(|column| String::from_utf8(column.to_vec()).unwrap()).collect()
    }

    #[test]
    fn quoted_columns_hold_separators_and_quotes() {
        assert_eq!(columns(r#"a,"b,c",,"d ""e"" f",g"#), ["a", "b,c", "", r#"d ""e"" f"#, "g"]);
        assert_eq!(columns(r#"a, "b" ,c\"#), ["a", "b", r"c\"]);
        assert_eq!(columns(r#""a \" b",c"#), [r#"a \" b"#, "c"]);
        assert_eq!(columns(r#"a,"cut off"#), ["a", "cut off"]);
        assert_eq!(columns(""), [""]);
    }

    #[test]
    fn words_may_be_quoted_or_bracketed() {
        let mut entries = Vec::new();
        let text = br#"1 - [26/Nov/2025:04:15:00 +0000] "GET / HTTP/1.1"  200 "" x"y"#;
        let words: Vec<_> = Columns::words(text, &mut entries).iter().map(<[u8]>::to_vec).collect();
        let expected: [&[u8]; 7] =
            [b"1", b"-", b"26/Nov/2025:04:15:00 +0000", b"GET / HTTP/1.1", b"200", b"", b"x\"y"];
        assert_eq!(words, expected);
    }
}
