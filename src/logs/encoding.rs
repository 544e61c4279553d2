//! Logs in UTF-16, as UTF-8.

use std::io::{self, Read};

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// Turns UTF-16 with a byte order mark into UTF-8 while it is read; units that are no character
/// become U+FFFD. The mark is left out.
pub struct Utf16Reader {
    source: Box<dyn Read + Send>,
    /// Bytes that were read and not decoded: half a unit, or half a pair.
    pending: Vec<u8>,
    decoded: Vec<u8>,
    given: usize,
    is_big_endian: Option<bool>,
}

impl Utf16Reader {
    /// A reader of what `source` holds behind its byte order mark.
    #[must_use]
    pub fn new(source: Box<dyn Read + Send>) -> Self {
        Self { source, pending: Vec::new(), decoded: Vec::new(), given: 0, is_big_endian: None }
    }

    /// Whether the bytes begin with a byte order mark of UTF-16.
    #[must_use]
    pub fn is_utf16(head: &[u8]) -> bool {
        matches!(head, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
    }

    /// Reads and decodes more; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let start = self.pending.len();
        self.pending.resize(start + CHUNK, 0);
        let read = match self.source.read(self.pending.get_mut(start..).unwrap_or_default()) {
            Ok(read) => read,
            Err(error) => {
                self.pending.truncate(start);
                return Err(error);
            }
        };
        self.pending.truncate(start + read);
        let is_end = read == 0;
        let mut bytes = self.pending.as_slice();
        if self.is_big_endian.is_none() && bytes.len() >= 2 {
            self.is_big_endian = Some(bytes.starts_with(&[0xfe, 0xff]));
            bytes = bytes.get(2..).unwrap_or_default();
        }
        let is_big_endian = self.is_big_endian.unwrap_or_default();
        let unit = |pair: &[u8; 2]| match is_big_endian {
            true => u16::from_be_bytes(*pair),
            false => u16::from_le_bytes(*pair),
        };
        let (pairs, rest) = bytes.as_chunks::<2>();
        // The first half of a pair waits for the second, unless nothing comes any more.
        let is_half = |pair: &[u8; 2]| (0xd800..0xdc00).contains(&unit(pair)) && !is_end;
        let waits = usize::from(pairs.last().is_some_and(is_half));
        let ready = pairs.len() - waits;
        self.decoded.clear();
        self.given = 0;
        let mut buffer = [0; 4];
        let units = pairs.iter().take(ready).map(unit);
        for character in char::decode_utf16(units) {
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.decoded.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        }
        let left = rest.len() + 2 * waits;
        let from = self.pending.len() - left;
        self.pending.drain(..from);
        Ok(!is_end)
    }
}

impl Read for Utf16Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given >= self.decoded.len() {
            if !self.fill()? && self.decoded.is_empty() {
                return Ok(0);
            }
        }
        let mut rest = self.decoded.get(self.given..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Gives one byte at a time.
    struct Slowly(Cursor<Vec<u8>>);

    impl Read for Slowly {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer.get_mut(..1).unwrap_or_default())
        }
    }

    #[test]
    fn both_byte_orders_are_decoded_for_any_reads() {
        let text = "a\u{e9}\u{1f600}\r\nb";
        for is_big_endian in [false, true] {
            let bytes: Vec<u8> = std::iter::once(0xfeff)
                .chain(text.encode_utf16())
                .flat_map(|unit| match is_big_endian {
                    true => unit.to_be_bytes(),
                    false => unit.to_le_bytes(),
                })
                .collect();
            assert!(Utf16Reader::is_utf16(&bytes));
            let slow = Utf16Reader::new(Box::new(Slowly(Cursor::new(bytes.clone()))));
            let fast = Utf16Reader::new(Box::new(Cursor::new(bytes)));
            for mut reader in [slow, fast] {
                let mut decoded = String::new();
                reader.read_to_string(&mut decoded).unwrap();
                assert_eq!(decoded, text);
            }
        }
    }

    #[test]
    fn half_a_pair_at_the_end_is_replaced() {
        let bytes = vec![0xff, 0xfe, b'a', 0, 0x3d, 0xd8, 0x41];
        let mut decoded = String::new();
        Utf16Reader::new(Box::new(Cursor::new(bytes))).read_to_string(&mut decoded).unwrap();
        assert_eq!(decoded, "a\u{fffd}");
    }
}
