//! HPACK: the fields of header blocks (RFC 7541).

use std::collections::VecDeque;
use std::sync::Arc;

use super::huffman;
use super::static_table::ENTRIES;

/// What an entry of the dynamic table costs beside its text (RFC 7541 section 4.1).
const ENTRY_COST: usize = 32;
/// The size of the dynamic table until the two sides agree on another (RFC 9113 section 6.5.2).
const DEFAULT_SIZE: usize = 4_096;
/// The largest dynamic table that is followed: what browsers allow their servers.
const MAX_SIZE: usize = 64 * 1024;
/// Text that one block may give rise to. References let a few bytes stand for many; no honest
/// block comes near this.
const MAX_TEXT: usize = 256 * 1024;

/// Why a block could not be read to its end. Blocks after it have lost their meaning, because
/// each changes the table that the next refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Broken {
    /// The block ends inside a field.
    Cut,
    /// The block breaks the format, or passes a limit.
    Invalid,
}

/// Text of the dynamic table.
type Text = Arc<[u8]>;

/// The dynamic table of one direction of a connection.
#[derive(Debug)]
pub(super) struct Decoder {
    /// The newest first.
    entries: VecDeque<(Text, Text)>,
    size: usize,
    limit: usize,
    /// Room for a string that is Huffman coded: a name, and a value.
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            size: 0,
            limit: DEFAULT_SIZE,
            name: Vec::new(),
            value: Vec::new(),
        }
    }
}

impl Decoder {
    /// Calls `field` with the name and the value of each field of a block, in order.
    pub(super) fn decode(
        &mut self,
        block: &[u8],
        mut field: impl FnMut(&[u8], &[u8]),
    ) -> Result<(), Broken> {
        let mut rest = block;
        let mut text = 0_usize;
        while let Some(&first) = rest.first() {
            match first {
                0x80.. => {
                    let index = integer(&mut rest, 7)?;
                    let (name, value) = self.entry(index)?;
                    text = text.saturating_add(name.len()).saturating_add(value.len());
                    field(name, value);
                }
                0x20..=0x3f => {
                    let limit = integer(&mut rest, 5)?;
                    if limit > MAX_SIZE {
                        return Err(Broken::Invalid);
                    }
                    self.limit = limit;
                    self.evict(0);
                }
                _ => {
                    let is_indexed = first & 0x40 != 0;
                    let index = integer(&mut rest, if is_indexed { 6 } else { 4 })?;
                    text = text
                        .saturating_add(self.literal(&mut rest, index, is_indexed, &mut field)?);
                }
            }
            if text > MAX_TEXT {
                return Err(Broken::Invalid);
            }
        }
        Ok(())
    }

    /// Reads a field that is spelled out, its name by an index or spelled out as well; returns how
    /// much text it is.
    fn literal(
        &mut self,
        rest: &mut &[u8],
        index: usize,
        is_indexed: bool,
        field: &mut impl FnMut(&[u8], &[u8]),
    ) -> Result<usize, Broken> {
        let (mut own_name, mut own_value) =
            (std::mem::take(&mut self.name), std::mem::take(&mut self.value));
        let name = if index == 0 { string(rest, &mut own_name)? } else { self.entry(index)?.0 };
        let value = string(rest, &mut own_value)?;
        field(name, value);
        let length = name.len().saturating_add(value.len());
        if is_indexed {
            let cost = length.saturating_add(ENTRY_COST);
            let entry = (cost <= self.limit).then(|| {
                let name = match self.dynamic(index) {
                    Some((name, _)) => Arc::clone(name),
                    None => name.into(),
                };
                (name, value.into())
            });
            self.evict(cost);
            if let Some(entry) = entry {
                self.entries.push_front(entry);
                self.size += cost;
            }
        }
        (self.name, self.value) = (own_name, own_value);
        Ok(length)
    }

    /// The entry of an index (RFC 7541 section 2.3.3).
    fn entry(&self, index: usize) -> Result<(&[u8], &[u8]), Broken> {
        if let Some((name, value)) = index.checked_sub(1).and_then(|at| ENTRIES.get(at)) {
            return Ok((name, value));
        }
        self.dynamic(index).map(|(name, value)| (&**name, &**value)).ok_or(Broken::Invalid)
    }

    fn dynamic(&self, index: usize) -> Option<&(Text, Text)> {
        self.entries.get(index.checked_sub(ENTRIES.len() + 1)?)
    }

    /// Makes room for an entry of this cost; one that is larger than the table empties it (RFC 7541
    /// section 4.4).
    fn evict(&mut self, cost: usize) {
        while self.size.saturating_add(cost) > self.limit {
            let Some((name, value)) = self.entries.pop_back() else { return };
            self.size = self.size.saturating_sub(name.len() + value.len() + ENTRY_COST);
        }
    }
}

/// An integer whose first byte has `bits` bits of it (RFC 7541 section 5.1).
fn integer(rest: &mut &[u8], bits: u32) -> Result<usize, Broken> {
    let (&first, mut behind) = rest.split_first().ok_or(Broken::Cut)?;
    let most = (1_usize << bits) - 1;
    let mut number = usize::from(first) & most;
    if number == most {
        // Four more bytes are beyond every limit here.
        for shift in [0, 7, 14, 21, 28] {
            let (&byte, next) = behind.split_first().ok_or(Broken::Cut)?;
            behind = next;
            if shift == 28 {
                return Err(Broken::Invalid);
            }
            number = number.saturating_add(usize::from(byte & 0x7f) << shift);
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    *rest = behind;
    Ok(number)
}

/// A string (RFC 7541 section 5.2); `room` holds it where it is Huffman coded.
fn string<'r: 'o, 'o>(rest: &mut &'r [u8], room: &'o mut Vec<u8>) -> Result<&'o [u8], Broken> {
    let is_coded = rest.first().ok_or(Broken::Cut)? & 0x80 != 0;
    let length = integer(rest, 7)?;
    let (text, behind) = rest.split_at_checked(length).ok_or(Broken::Cut)?;
    *rest = behind;
    if !is_coded {
        return Ok(text);
    }
    room.clear();
    huffman::decode(text, room).ok_or(Broken::Invalid)?;
    Ok(room)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<String>, Broken> {
        let mut found = Vec::new();
        decoder
            .decode(block, |name, value| {
                found.push(format!(
                    "{}={}",
                    String::from_utf8_lossy(name),
                    String::from_utf8_lossy(value)
                ));
            })
            .map(|()| found)
    }

    #[test]
    fn requests_of_the_rfc_are_read() {
        // RFC 7541 appendix C.4: three requests on one connection.
        let mut decoder = Decoder::default();
        let first = [
            0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab,
            0x90, 0xf4, 0xff,
        ];
        let opening = [":method=GET", ":scheme=http", ":path=/", ":authority=www.example.com"];
        assert_eq!(fields(&mut decoder, &first).unwrap(), opening);
        let second = [0x82, 0x86, 0x84, 0xbe, 0x58, 0x86, 0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf];
        let found = fields(&mut decoder, &second).unwrap();
        assert_eq!(found[3..], [":authority=www.example.com", "cache-control=no-cache"]);
        let third = [
            0x82, 0x87, 0x85, 0xbf, 0x40, 0x88, 0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xa9, 0x7d, 0x7f,
            0x89, 0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xb8, 0xe8, 0xb4, 0xbf,
        ];
        let found = fields(&mut decoder, &third).unwrap();
        assert_eq!(found[3..], [":authority=www.example.com", "custom-key=custom-value"]);
        assert_eq!(decoder.size, 164);
    }

    #[test]
    fn responses_of_the_rfc_evict_what_is_old() {
        // RFC 7541 appendix C.5: a table of 256 bytes.
        let mut decoder = Decoder { limit: 256, ..Decoder::default() };
        let literal = |first: u8, text: &[u8]| [&[first, text.len() as u8], text].concat();
        let first = [
            literal(0x48, b"302"),
            literal(0x58, b"private"),
            literal(0x61, b"Mon, 21 Oct 2013 20:13:21 GMT"),
            literal(0x6e, b"https://www.example.com"),
        ]
        .concat();
        assert_eq!(fields(&mut decoder, &first).unwrap()[0], ":status=302");
        assert_eq!((decoder.size, decoder.entries.len()), (222, 4));
        let second = [&literal(0x48, b"307")[..], &[0xc1, 0xc0, 0xbf]].concat();
        let found = fields(&mut decoder, &second).unwrap();
        assert_eq!(found[0], ":status=307");
        assert_eq!(found[3], "location=https://www.example.com");
        assert_eq!((decoder.size, decoder.entries.len()), (222, 4));
    }

    #[test]
    fn a_cut_block_gives_what_is_whole() {
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        let block = [0x82, 0x41, 3, b'a', b'.', b'b', 0x40, 9, b'x'];
        let end = decoder.decode(&block, |name, value| found.push([name, b"=", value].concat()));
        assert_eq!(end, Err(Broken::Cut));
        assert_eq!(found, [b":method=GET".to_vec(), b":authority=a.b".to_vec()]);
    }

    #[test]
    fn what_passes_a_limit_is_refused() {
        let refused: [&[u8]; 5] = [
            // Index 0, an index beyond the table, a table of 4 GiB, an integer without end.
            &[0x80],
            &[0xbe],
            &[0x3f, 0xe1, 0xff, 0xff, 0x0f],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            // A coded string with the code of the end.
            &[0x00, 0x84, 0xff, 0xff, 0xff, 0xff],
        ];
        for block in refused {
            assert_eq!(fields(&mut Decoder::default(), block), Err(Broken::Invalid), "{block:?}");
        }
        // A field of 4 kB that is referred to again and again.
        let long = vec![b'x'; 3_900];
        let mut block = [&[0x40, 1, b'a', 0x7f, 0xbd, 0x1d], &long[..]].concat();
        assert_eq!(fields(&mut Decoder::default(), &block).unwrap().len(), 1);
        block.extend([0xbe; 100]);
        assert_eq!(fields(&mut Decoder::default(), &block), Err(Broken::Invalid));
    }

    #[test]
    fn a_field_larger_than_the_table_empties_it() {
        let mut decoder = Decoder { limit: 60, ..Decoder::default() };
        fields(&mut decoder, &[0x40, 1, b'a', 1, b'b']).unwrap();
        assert_eq!(decoder.entries.len(), 1);
        let long = [&[0x40, 1, b'c', 40][..], &[b'd'; 40]].concat();
        fields(&mut decoder, &long).unwrap();
        assert_eq!((decoder.entries.len(), decoder.size), (0, 0));
    }
}
