//! The Huffman code of HPACK (RFC 7541 section 5.2 and appendix B).
//!
//! The code is canonical: codes of one length are consecutive in the order of their symbols, and
//! longer ones follow shorter ones. So the lengths alone say what every code is.

/// The length of each symbol's code in bits; the last is that of the end of the string.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, // 0
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, // 16
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, // 32
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, // 48
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, // 64
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, // 80
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, // 96
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, // 112
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, // 128
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, // 144
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, // 160
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, // 176
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, // 192
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, // 208
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, // 224
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, // 240
    30,
];

/// The symbol that ends a string, which no string may hold.
const END: u16 = 256;
/// The longest code.
const LONGEST: usize = 30;
/// The longest padding behind the last code, in bits.
const MOST_PADDING: usize = 7;

/// The codes of one length.
#[derive(Clone, Copy)]
struct Codes {
    /// The least of them.
    first: u32,
    count: u32,
    /// Where their symbols begin in [`SYMBOLS`].
    start: u32,
}

/// The symbols, those with shorter codes first.
const SYMBOLS: [u16; 257] = symbols();
/// The codes by their length.
const CODES: [Codes; LONGEST + 1] = codes();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn symbols() -> [u16; 257] {
    let mut symbols = [0; 257];
    let (mut place, mut length) = (0, 0);
    while length <= LONGEST {
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                symbols[place] = symbol as u16;
                place += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    symbols
}

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn codes() -> [Codes; LONGEST + 1] {
    let mut codes = [Codes { first: 0, count: 0, start: 0 }; LONGEST + 1];
    let mut symbol = 0;
    while symbol < LENGTHS.len() {
        codes[LENGTHS[symbol] as usize].count += 1;
        symbol += 1;
    }
    let mut length = 1;
    while length <= LONGEST {
        let shorter = codes[length - 1];
        codes[length].first = (shorter.first + shorter.count) << 1;
        codes[length].start = shorter.start + shorter.count;
        length += 1;
    }
    codes
}

/// Appends the text of a coded string to `out`; `None` when it is not coded by the rules.
pub(super) fn decode(coded: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (mut code, mut length) = (0_u32, 0_usize);
    for byte in coded {
        for shift in (0..8).rev() {
            code = code << 1 | u32::from(byte >> shift & 1);
            length += 1;
            let codes = CODES.get(length)?;
            let Some(place) = code.checked_sub(codes.first).filter(|at| *at < codes.count) else {
                continue;
            };
            let symbol = *SYMBOLS.get((codes.start + place) as usize)?;
            if symbol == END {
                return None;
            }
            out.push(u8::try_from(symbol).ok()?);
            (code, length) = (0, 0);
        }
    }
    // The rest is the beginning of the code of the end: ones.
    let is_padding = length <= MOST_PADDING && code == (1 << length) - 1;
    is_padding.then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_complete() {
        let share = |length: &u8| 1_u64 << (LONGEST - usize::from(*length));
        assert_eq!(LENGTHS.iter().map(share).sum::<u64>(), 1 << LONGEST);
        // The last code of the greatest length is that of the end (RFC 7541 appendix B).
        let last = CODES[LONGEST];
        assert_eq!(last.first + last.count - 1, 0x3fff_ffff);
        assert_eq!(SYMBOLS[256], END);
    }

    #[test]
    fn strings_of_the_rfc_are_decoded() {
        // RFC 7541 appendices C.4 and C.6.
        let cases: [(&[u8], &[u8]); 4] = [
            (
                &[0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff],
                b"www.example.com",
            ),
            (&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf], b"no-cache"),
            (&[0x64, 0x02], b"302"),
            (
                &[
                    0xd0, 0x7a, 0xbe, 0x94, 0x10, 0x54, 0xd4, 0x44, 0xa8, 0x20, 0x05, 0x95, 0x04,
                    0x0b, 0x81, 0x66, 0xe0, 0x82, 0xa6, 0x2d, 0x1b, 0xff,
                ],
                b"Mon, 21 Oct 2013 20:13:21 GMT",
            ),
        ];
        for (coded, text) in cases {
            let mut out = Vec::new();
            decode(coded, &mut out).unwrap();
            assert_eq!(out, text);
        }
    }

    #[test]
    fn padding_is_short_and_of_ones() {
        let mut out = Vec::new();
        // An `a` is 00011.
        assert_eq!(decode(&[0x1f], &mut out), Some(()));
        assert_eq!(decode(&[0x1f, 0xff], &mut out), None);
        assert_eq!(decode(&[0x18], &mut out), None);
        assert_eq!(decode(&[0xff; 4], &mut out), None);
        assert_eq!(decode(&[], &mut out), Some(()));
    }
}
