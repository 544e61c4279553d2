//! Where a head ends and which lines it has.

use super::MAX_HEAD;
use super::authority::{number, split_at_byte};

/// How many fields are taken from a parser with fixed room before the lines are read one by one.
pub(super) const MAX_FIELDS: usize = 64;

/// How many bytes of empty lines before a head are passed over.
pub(super) const MAX_EMPTY: usize = 16;

/// Where the first line begins that is not empty.
pub(super) fn skip_empty_lines(prefix: &[u8]) -> usize {
    prefix.iter().take(MAX_EMPTY).take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
}

/// What a prefix holds of a head.
pub(super) enum HeadAt<'a> {
    /// More bytes are needed to tell.
    NeedMore { at_least: usize },
    /// The whole head, which ends at `length` bytes of the prefix.
    Whole { head: &'a [u8], length: usize },
    /// The beginning of a head that is too long or whose rest will never come.
    Cut { head: &'a [u8] },
}

/// Finds the end of the head: an empty line, with or without carriage returns (RFC 9112 section
/// 2.2). `at_least` is what an earlier call asked for, so that no byte is searched twice; 0 at
/// first. `shortest` is the length of the shortest head there is.
pub(super) fn find(prefix: &[u8], at_least: usize, shortest: usize, last: bool) -> HeadAt<'_> {
    let room = prefix.get(..MAX_HEAD).unwrap_or(prefix);
    let start = skip_empty_lines(room);
    if start == MAX_EMPTY && matches!(room.get(start), Some(b'\r' | b'\n')) {
        return HeadAt::Cut { head: &[] };
    }
    // The head ends with at most three bytes, at or behind `at_least`.
    let from = at_least.saturating_sub(3).max(start).min(room.len());
    for line_end in memchr::memchr_iter(b'\n', room.get(from..).unwrap_or_default()) {
        let behind = from + line_end + 1;
        let length = match room.get(behind..) {
            Some([b'\n', ..]) => behind + 1,
            Some([b'\r', b'\n', ..]) => behind + 2,
            _ => continue,
        };
        let head = room.get(start..length).unwrap_or_default();
        return HeadAt::Whole { head, length };
    }
    let head = room.get(start..).unwrap_or_default();
    if last || prefix.len() >= MAX_HEAD {
        return HeadAt::Cut { head };
    }
    let is_between_lines = head.ends_with(b"\n") || head.ends_with(b"\n\r");
    let missing = if is_between_lines { 1 } else { 2 };
    let wanted = (room.len() + missing).max(start + shortest).max(at_least);
    // At this length the answer comes in any case.
    HeadAt::NeedMore { at_least: wanted.min(MAX_HEAD) }
}

/// The lines of a head that have their line feed, without line ends, up to the empty one.
pub(super) fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = head;
    std::iter::from_fn(move || {
        let (line, behind) = split_at_byte(rest, b'\n')?;
        rest = behind;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        (!line.is_empty()).then_some(line)
    })
}

/// The fields among the lines behind the first. Folded lines (RFC 9112 section 5.2) and lines
/// without a colon are left out, spaces before the colon are forgiven.
pub(super) fn fields(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    lines(head).skip(1).filter_map(|line| {
        let (name, value) = split_at_byte(line, b':')?;
        let is_folded = name.first().is_none_or(u8::is_ascii_whitespace);
        (!is_folded).then(|| (name.trim_ascii_end(), value.trim_ascii()))
    })
}

/// How the body behind a head is framed (RFC 9112 section 6).
#[derive(Clone, Copy, Default)]
pub(super) struct Framing {
    pub(super) content_length: Option<u64>,
    pub(super) chunked: bool,
    is_contradictory: bool,
}

impl Framing {
    /// Takes a field into account, if it is one of framing.
    pub(super) fn field(&mut self, name: &[u8], value: &[u8]) {
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = number(value);
            let is_other = self.content_length.is_some_and(|known| Some(known) != length);
            self.is_contradictory |= length.is_none() || is_other;
            self.content_length = if self.is_contradictory { None } else { length };
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            // Only the last coding frames the body.
            let last = value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
            self.chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
        }
    }
}
