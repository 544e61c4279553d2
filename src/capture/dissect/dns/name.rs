//! Domain names on the wire (RFC 1035 sections 3.1 and 4.1.4).

use crate::observe::normalize;

use super::{DnsErrorKind, HEADER_LENGTH, Stop};

/// The longest name without its root label, in octets: 255 with it (RFC 1035 section 3.1).
const MAX_LABEL_OCTETS: usize = 254;
/// A name has at most so many labels.
const MAX_LABELS: usize = MAX_LABEL_OCTETS / 2;
/// A useful pointer adds at least one label.
const MAX_POINTERS: usize = MAX_LABELS;
/// How many starts of names are remembered. Nearly every pointer leads to one of the first.
const MAX_STARTS: usize = 8;

/// Where a name stands in the arena.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

/// Reads names of one message into an arena of normalised text.
#[derive(Debug)]
pub(super) struct NameReader {
    arena: String,
    /// Names already read, by the offset of their first label, because most pointers lead to
    /// the question's name or to the target of the alias before.
    starts: Vec<(usize, Span)>,
    /// The labels of the name at hand, each followed by a dot.
    labels: [u8; MAX_LABEL_OCTETS],
    /// Where each of these labels ends.
    ends: [u8; MAX_LABELS],
    raw: Vec<u8>,
    normal: String,
}

impl Default for NameReader {
    fn default() -> Self {
        Self {
            arena: String::new(),
            starts: Vec::with_capacity(MAX_STARTS),
            labels: [0; MAX_LABEL_OCTETS],
            ends: [0; MAX_LABELS],
            raw: Vec::new(),
            normal: String::new(),
        }
    }
}

impl NameReader {
    pub(super) fn clear(&mut self) {
        self.arena.clear();
        self.starts.clear();
    }

    /// Bytes of text so far.
    pub(super) fn len(&self) -> usize {
        self.arena.len()
    }

    pub(super) fn text(&self, span: Span) -> &str {
        self.arena.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// Reads the name at `at`; answers its normal form and the offset behind it.
    ///
    /// Every pointer must lead to before the labels that it ends, so the walk cannot loop.
    pub(super) fn read(&mut self, bytes: &[u8], at: usize) -> Result<(Span, usize), Stop> {
        let mut cursor = at;
        let mut run_start = at;
        let mut end = None;
        let mut filled = 0_usize;
        let mut label_count = 0_usize;
        let mut pointers = 0_usize;
        loop {
            let &length = bytes.get(cursor).ok_or(Stop::Cut)?;
            match length {
                0 => {
                    end.get_or_insert(cursor + 1);
                    break;
                }
                1..=63 => {
                    let length = usize::from(length);
                    let label = bytes.get(cursor + 1..cursor + 1 + length).ok_or(Stop::Cut)?;
                    let room = self.labels.get_mut(filled..filled + length + 1);
                    let Some((dot, text)) = room.and_then(<[u8]>::split_last_mut) else {
                        return Err(DnsErrorKind::NameTooLong.stop(at));
                    };
                    text.copy_from_slice(label);
                    *dot = b'.';
                    filled += length;
                    if let (Some(slot), Ok(end)) =
                        (self.ends.get_mut(label_count), u8::try_from(filled))
                    {
                        *slot = end;
                    }
                    filled += 1;
                    label_count += 1;
                    cursor += length + 1;
                }
                0xc0.. => {
                    let target = pointer(bytes, cursor, length)?;
                    end.get_or_insert(cursor + 2);
                    if target >= run_start || target < HEADER_LENGTH {
                        return Err(DnsErrorKind::PointerNotBackwards.stop(cursor));
                    }
                    pointers += 1;
                    if pointers > MAX_POINTERS {
                        return Err(DnsErrorKind::TooManyPointers.stop(cursor));
                    }
                    if filled == 0
                        && let Some((_, span)) = self.starts.iter().find(|(at, _)| *at == target)
                    {
                        return Ok((*span, end.unwrap_or(cursor + 2)));
                    }
                    cursor = target;
                    run_start = target;
                }
                _ => return Err(DnsErrorKind::UnknownLabelType.stop(cursor)),
            }
        }
        let span = self.keep(filled, label_count);
        if self.starts.len() < MAX_STARTS {
            self.starts.push((at, span));
        }
        Ok((span, end.unwrap_or(cursor)))
    }

    /// Writes the normal form of the labels at hand to the arena.
    fn keep(&mut self, filled: usize, label_count: usize) -> Span {
        let start = self.arena.len();
        let Some(text) = filled.checked_sub(1).and_then(|length| self.labels.get_mut(..length))
        else {
            return Span::default();
        };
        let numeric = text.first().is_some_and(u8::is_ascii_digit)
            && text.last().is_some_and(u8::is_ascii_digit);
        // One pass without branches, which the compiler turns into vector code.
        let mut dots = 1_u8;
        let mut seen = 0_u8;
        let mut special = false;
        for byte in text.iter_mut() {
            dots = dots.wrapping_add(u8::from(*byte == b'.'));
            special |= matches!(*byte, b'\\' | b':' | b'[');
            seen |= *byte;
            byte.make_ascii_lowercase();
        }
        let plain = seen < 0x80 && !special && !numeric && usize::from(dots) == label_count;
        match std::str::from_utf8(text) {
            Ok(text) if plain => self.arena.push_str(text),
            _ => self.keep_unusual(filled, label_count),
        }
        // The arena is bounded far below 4 GiB by its owner.
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { start: offset(start), end: offset(self.arena.len()) }
    }

    /// The same for labels with bytes that are not those of host names. A dot or backslash
    /// inside a label is escaped with a backslash (RFC 1035 section 5.1), so that it cannot
    /// pass for a boundary between labels.
    #[cold]
    fn keep_unusual(&mut self, filled: usize, label_count: usize) {
        self.raw.clear();
        let mut start = 0;
        for &end in self.ends.iter().take(label_count) {
            let end = usize::from(end).min(filled);
            if start > 0 {
                self.raw.push(b'.');
            }
            for &byte in self.labels.get(start..end).unwrap_or_default() {
                if matches!(byte, b'.' | b'\\') {
                    self.raw.push(b'\\');
                }
                self.raw.push(byte);
            }
            start = end + 1;
        }
        // A dot at the very end would pass for the root, however it is escaped; as a number it cannot.
        if self.raw.ends_with(b"\\.") {
            self.raw.pop();
            self.raw.extend_from_slice(b"046");
        }
        if normalize(&self.raw, &mut self.normal) {
            self.arena.push_str(&self.normal);
        }
    }
}

/// Offset behind the name at `at`, which is not followed through pointers.
pub(super) fn skip_name(bytes: &[u8], at: usize) -> Result<usize, Stop> {
    let mut cursor = at;
    loop {
        let &length = bytes.get(cursor).ok_or(Stop::Cut)?;
        match length {
            0 => return Ok(cursor + 1),
            1..=63 => cursor += usize::from(length) + 1,
            0xc0.. => {
                let target = pointer(bytes, cursor, length)?;
                if target >= at || target < HEADER_LENGTH {
                    return Err(DnsErrorKind::PointerNotBackwards.stop(cursor));
                }
                return Ok(cursor + 2);
            }
            _ => return Err(DnsErrorKind::UnknownLabelType.stop(cursor)),
        }
        if cursor - at > MAX_LABEL_OCTETS {
            return Err(DnsErrorKind::NameTooLong.stop(at));
        }
    }
}

/// The offset that the pointer at `cursor` leads to.
#[inline]
fn pointer(bytes: &[u8], cursor: usize, high: u8) -> Result<usize, Stop> {
    let &low = bytes.get(cursor + 1).ok_or(Stop::Cut)?;
    Ok(usize::from(u16::from_be_bytes([high & 0x3f, low])))
}
