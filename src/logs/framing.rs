//! Where one unit of a log ends and the next begins.
//!
//! Mostly a unit is a line, and then a block can be cut at any line end. JSON documents that span
//! lines and quoted columns that hold line ends are found by walking the bytes in order.

use super::container;
use super::unwrap::ARRAY_KEYS;

/// The longest unit that is read, in bytes; what is longer is counted and passed over.
pub(crate) const MAX_UNIT: usize = 1 << 20;
/// Lines that one unit with quoted line ends may span; beyond that, a quote is missing.
const MAX_QUOTED_LINES: usize = 32;

/// What the units of a file are. The head of the file tells, once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Framing {
    /// Lines.
    #[default]
    Lines,
    /// JSON documents, or the elements of an array of records in them.
    Documents,
    /// Lines whose quoted columns may hold line ends.
    Quoted,
    /// Lines of a container's runtime, which writes long ones in parts.
    Container,
}

/// One unit: where it lies in a block, and how many lines after the block's first it begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Unit {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) line: u64,
}

impl Framing {
    /// What the units are of a file that begins with `head`.
    pub(crate) fn of(head: &[u8]) -> Self {
        let start = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        let mut lines = start.split(|byte| *byte == b'\n').map(super::trim_line);
        // The first line may be the rest of a cut one.
        if lines.by_ref().take(2).any(container::is_line) {
            return Self::Container;
        }
        match start.first() {
            Some(b'{' | b'[') => {
                let mut walker = Walker::default();
                let first_line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
                let mut units = Vec::new();
                walker.walk(first_line, &mut units);
                if walker.is_between_documents() { Self::Lines } else { Self::Documents }
            }
            Some(b'"') => Self::Quoted,
            _ => Self::Lines,
        }
    }
}

/// Finds the JSON documents in a stream of blocks.
///
/// Of an array, and of an array under one of the keys that hold records, every element is a unit
/// of its own, so that a file that is one document of any size is read in pieces. Text between
/// documents is a unit for each line.
#[derive(Clone, Default, Debug)]
pub(crate) struct Walker {
    /// Open brackets around the place, those of arrays whose elements are units left out.
    depth: usize,
    /// For each enclosing container whose inside is units, whether it is an array.
    outer: Vec<Outer>,
    in_string: bool,
    is_escaped: bool,
    /// Line ends before the place.
    line: u64,
    /// Where the current unit began.
    start: Option<(usize, u64)>,
    /// Bytes of the current key, while at the first level of a document.
    key: Vec<u8>,
    is_record_key: bool,
    /// Bytes walked.
    at: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Outer {
    /// An array whose elements are units.
    Array,
    /// A document around such an array.
    Document,
}

impl Walker {
    /// Walks further bytes; `units` gets those that end in them. Places count from the first byte
    /// since the last [`restart`](Self::restart).
    pub(crate) fn walk(&mut self, bytes: &[u8], units: &mut Vec<Unit>) {
        for &byte in bytes {
            let at = self.at;
            self.at += 1;
            if byte == b'\n' {
                self.line += 1;
            }
            if self.in_string {
                self.string(byte);
            } else {
                self.outside(byte, at, units);
            }
        }
    }

    /// Whether no document and no array is open.
    pub(crate) fn is_between_documents(&self) -> bool {
        self.depth == 0 && self.outer.is_empty() && !self.in_string
    }

    /// Bytes walked since the last [`restart`](Self::restart).
    pub(crate) const fn walked(&self) -> usize {
        self.at
    }

    /// Where the current unit began, or the place itself: bytes before it are done with.
    pub(crate) fn pending(&self) -> usize {
        self.start.map_or(self.at, |(start, _)| start)
    }

    /// Line ends before the current unit, or before the place.
    pub(crate) fn pending_line(&self) -> u64 {
        self.start.map_or(self.line, |(_, line)| line)
    }

    /// Lets places count from `from` on, a place at or before the current unit's start.
    pub(crate) fn restart(&mut self, from: usize) {
        self.at = self.at.saturating_sub(from);
        if let Some((start, _)) = &mut self.start {
            *start = start.saturating_sub(from);
        }
    }

    /// Gives the current unit up: it is too long.
    pub(crate) fn give_up(&mut self) {
        *self = Self { line: self.line, at: self.at, ..Self::default() };
    }

    /// The unit that the end of the input ends.
    pub(crate) fn finish(&mut self, units: &mut Vec<Unit>) {
        if let Some((start, line)) = self.start.take() {
            units.push(Unit { start, end: self.at, line });
        }
    }

    fn string(&mut self, byte: u8) {
        let is_escaped = std::mem::take(&mut self.is_escaped);
        match byte {
            _ if is_escaped => {}
            b'\\' => self.is_escaped = true,
            b'"' => self.in_string = false,
            byte if self.depth == 1 && self.key.len() < 16 => self.key.push(byte),
            _ => {}
        }
    }

    fn outside(&mut self, byte: u8, at: usize, units: &mut Vec<Unit>) {
        let is_in_text = self.depth == 0 && self.start.is_some();
        match byte {
            b'\n' if is_in_text => self.end_line(at, units),
            _ if is_in_text => {}
            b'"' if self.depth > 0 => {
                self.in_string = true;
                if self.depth == 1 {
                    self.key.clear();
                }
            }
            b':' if self.depth == 1 => {
                let key = self.key.as_slice();
                self.is_record_key = ARRAY_KEYS.iter().any(|known| known.as_bytes() == key);
            }
            b'[' if self.depth == 0 && self.outer.is_empty() => self.outer.push(Outer::Array),
            b'[' if self.depth == 1 && self.is_record_key && self.outer.len() < 2 => {
                // The elements are units; what stands around them is not.
                self.outer.extend([Outer::Document, Outer::Array]);
                self.depth = 0;
                self.start = None;
                self.is_record_key = false;
            }
            b'{' | b'[' => {
                if self.depth == 0 {
                    self.start = Some((at, self.line));
                }
                self.depth += 1;
                self.is_record_key = false;
            }
            b'}' | b']' => self.close(byte, at, units),
            b',' if self.depth <= 1 => self.is_record_key = false,
            byte if byte.is_ascii_whitespace() || self.depth > 0 => {}
            // Text between documents; within an array, a bare value is none of ours.
            _ if self.outer.is_empty() => {
                self.start = Some((at, self.line));
            }
            _ => {}
        }
    }

    fn close(&mut self, byte: u8, at: usize, units: &mut Vec<Unit>) {
        if self.depth == 0 {
            match (self.outer.last(), byte) {
                (Some(Outer::Array), b']') => {
                    self.outer.pop();
                    if self.outer.last() == Some(&Outer::Document) {
                        self.outer.pop();
                        self.depth = 1;
                    }
                }
                _ => self.outer.clear(),
            }
            return;
        }
        self.depth -= 1;
        if self.depth == 0
            && let Some((start, line)) = self.start.take()
        {
            units.push(Unit { start, end: at + 1, line });
        }
    }

    /// A line end outside of documents ends a line of text.
    fn end_line(&mut self, at: usize, units: &mut Vec<Unit>) {
        if let Some((start, line)) = self.start.take() {
            units.push(Unit { start, end: at, line });
        }
    }
}

/// The units of a text in memory.
pub(crate) fn units_of(bytes: &[u8]) -> Vec<Unit> {
    let mut units = Vec::new();
    match Framing::of(bytes) {
        Framing::Lines => {
            let mut start = 0;
            for (line, text) in (0..).zip(bytes.split(|byte| *byte == b'\n')) {
                units.push(Unit { start, end: start + text.len(), line });
                start += text.len() + 1;
            }
        }
        Framing::Documents => {
            let mut walker = Walker::default();
            walker.walk(bytes, &mut units);
            walker.finish(&mut units);
        }
        Framing::Quoted => {
            quoted_units(bytes, true, &mut units);
        }
        Framing::Container => {
            container::units(bytes, true, &mut units);
        }
    }
    units
}

/// The lines of a block whose quoted columns may hold line ends. Returns where the first unit
/// begins that the block does not end; with `is_last` all are ended.
pub(crate) fn quoted_units(bytes: &[u8], is_last: bool, units: &mut Vec<Unit>) -> usize {
    let (mut start, mut line) = (0, 0);
    while start < bytes.len() {
        match quoted_end(bytes.get(start..).unwrap_or_default(), is_last) {
            Some((length, lines)) => {
                units.push(Unit { start, end: start + length, line });
                start += length + 1;
                line += lines;
            }
            None => return start,
        }
    }
    bytes.len()
}

/// The length of the unit at the start without its line end, and its line ends; `None` when more
/// bytes must tell.
fn quoted_end(bytes: &[u8], is_last: bool) -> Option<(usize, u64)> {
    let mut quotes = 0_usize;
    let mut from = 0;
    let mut first = None;
    for lines in 1..=MAX_QUOTED_LINES {
        let rest = bytes.get(from..).unwrap_or_default();
        let end = match memchr::memchr(b'\n', rest) {
            Some(length) => from + length,
            None if is_last => bytes.len(),
            None if bytes.len() >= MAX_UNIT => break,
            None => return None,
        };
        quotes += memchr::memchr_iter(b'"', bytes.get(from..end).unwrap_or_default()).count();
        first = first.or(Some(end));
        if quotes.is_multiple_of(2) {
            return Some((end, lines as u64));
        }
        if end >= bytes.len() {
            break;
        }
        from = end + 1;
    }
    // A quote is missing, so the first line stands alone.
    first.map(|end| (end, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(text: &str, step: usize) -> Vec<(String, u64)> {
        let mut walker = Walker::default();
        let mut units = Vec::new();
        for chunk in text.as_bytes().chunks(step) {
            walker.walk(chunk, &mut units);
        }
        walker.finish(&mut units);
        let text_of = |unit: &Unit| text.get(unit.start..unit.end).unwrap().to_owned();
        units.iter().map(|unit| (text_of(unit), unit.line)).collect()
    }

    #[test]
    fn documents_are_found_for_any_chunks() {
        let text = "{\n \"a\": \"}\\\"{\"\n}\n{\"b\":[1,{}]}{\"c\":2}\nplain { text\n[\n{\"d\":1},\n {\"e\":2}]\n{\"records\": [{\"f\":1},{\"g\":[2]}], \"x\": 1}\n{\"h\":";
        let whole = documents(text, text.len());
        let expected = [
            ("{\n \"a\": \"}\\\"{\"\n}", 0),
            ("{\"b\":[1,{}]}", 3),
            ("{\"c\":2}", 3),
            ("plain { text", 4),
            ("{\"d\":1}", 6),
            ("{\"e\":2}", 7),
            ("{\"f\":1}", 8),
            ("{\"g\":[2]}", 8),
            ("{\"h\":", 9),
        ];
        let expected: Vec<_> =
            expected.iter().map(|(text, line)| ((*text).to_owned(), *line)).collect();
        assert_eq!(whole, expected);
        for step in [1, 2, 3, 7] {
            assert_eq!(documents(text, step), expected, "{step}");
        }
    }

    #[test]
    fn the_head_tells_what_the_units_are() {
        assert_eq!(Framing::of(b"{\"a\":1}\n{\"a\":2}\n"), Framing::Lines);
        assert_eq!(Framing::of(b"[{\"a\":1}]\n"), Framing::Lines);
        assert_eq!(Framing::of(b"{\n\"a\":1}\n"), Framing::Documents);
        assert_eq!(Framing::of(b"[\n{\"a\":1}"), Framing::Documents);
        assert_eq!(Framing::of(b"{\"records\":[{\"a\":1},"), Framing::Documents);
        assert_eq!(Framing::of(b"\"2025-11-26\",\"x\"\n"), Framing::Quoted);
        assert_eq!(Framing::of(b"<134>Nov 26 04:15:00 fw: x\n"), Framing::Lines);
    }

    #[test]
    fn quoted_line_ends_do_not_end_a_unit() {
        let text = b"\"a\",\"b\nc\"\n\"d\"\n\"open\nx,y\n";
        let mut units = Vec::new();
        assert_eq!(quoted_units(text, true, &mut units), text.len());
        let lines: Vec<_> =
            units.iter().map(|unit| (&text[unit.start..unit.end], unit.line)).collect();
        let expected: [(&[u8], u64); 4] =
            [(b"\"a\",\"b\nc\"", 0), (b"\"d\"", 2), (b"\"open", 3), (b"x,y", 4)];
        assert_eq!(lines, expected);
        let mut units = Vec::new();
        assert_eq!(quoted_units(b"\"a\"\n\"b", false, &mut units), 4);
    }
}
