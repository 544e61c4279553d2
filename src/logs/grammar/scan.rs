//! Searches in short pieces of text, eight bytes at a time.
//!
//! Keys, values and columns are mostly shorter than a vector register, so starting a vector search for
//! each costs more than the search.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The high bit of every byte of `word` that equals `byte`, and no other.
#[inline]
pub(super) const fn equal_bytes(word: u64, byte: u8) -> u64 {
    let differing = word ^ (ONES * byte as u64);
    // The sum carries into the high bit of a byte unless its seven low bits are zero, and never
    // out of it.
    !((differing & !HIGH).wrapping_add(!HIGH) | differing) & HIGH
}

/// The place of the first byte from `start` on that is one of two.
#[inline]
pub(super) fn find_either(text: &[u8], start: usize, one: u8, other: u8) -> Option<usize> {
    let mut rest = text.get(start..)?;
    let mut at = start;
    while let Some((chunk, behind)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let found = equal_bytes(word, one) | equal_bytes(word, other);
        if found != 0 {
            return Some(at + place_of(found));
        }
        at += 8;
        rest = behind;
    }
    let found = rest.iter().position(|byte| *byte == one || *byte == other)?;
    Some(at + found)
}

/// The index of the byte whose high bit is the lowest that is set.
#[inline]
pub(super) const fn place_of(bits: u64) -> usize {
    (bits.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_are_found_where_they_are(text: Vec<u8>, start in 0..40_usize, one: u8, other: u8) {
            let expected = text
                .iter()
                .skip(start)
                .position(|byte| *byte == one || *byte == other)
                .map(|at| start + at);
            prop_assert_eq!(find_either(&text, start, one, other), expected);
        }

        #[test]
        fn equal_bytes_are_marked_and_no_others(bytes: [u8; 8], byte: u8, at in 0..8_usize) {
            let mut bytes = bytes;
            bytes[at] = byte;
            let mut expected = [0; 8];
            for (mark, other) in expected.iter_mut().zip(bytes) {
                *mark = if other == byte { 0x80 } else { 0 };
            }
            let found = equal_bytes(u64::from_le_bytes(bytes), byte);
            prop_assert_eq!(found, u64::from_le_bytes(expected));
            prop_assert_eq!(place_of(found), bytes.iter().position(|one| *one == byte).unwrap());
        }
    }
}
