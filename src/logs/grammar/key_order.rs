//! The order in which keys come: a device writes the pairs of a kind of message in the same order
//! every time, so which key comes next can be checked instead of searched for.

/// How many keys are known at most; a device has some hundreds.
const MAX_KEYS: usize = 512;
/// Places of a key in the index, a power of two.
const PLACES: usize = 1_024;
/// The longest key that is known, with its sign.
const LONGEST: usize = size_of::<u128>();

/// Which key followed which lately. It only says where to look: what is read does not depend on it.
pub(super) struct KeyOrder {
    /// The first stands for the beginning of a line, and for every key that is not known. Empty
    /// until there is one to be known.
    keys: Vec<Known>,
    /// Numbers of keys by what their texts scatter to; of those that meet the latest.
    places: Vec<u16>,
    /// What stands behind a key.
    sign: &'static [u8],
}

/// A key that has come before.
#[derive(Clone, Copy)]
struct Known {
    /// The key and the sign behind it, as the low bytes of a number.
    text: u128,
    /// The bytes of that number that count.
    mask: u128,
    length: usize,
    /// The key that followed it last.
    next: u16,
}

impl Known {
    /// One that no text is equal to.
    const NONE: Self = Self { text: 1, mask: 0, length: 0, next: 0 };
}

/// Reads the keys of one line.
pub(super) struct Follower<'o> {
    order: &'o mut KeyOrder,
    /// The key that came last.
    last: u16,
    /// The key that is likely to come.
    next: u16,
}

impl KeyOrder {
    /// An order of keys that this stands behind.
    pub(super) const fn new(sign: &'static [u8]) -> Self {
        Self { keys: Vec::new(), places: Vec::new(), sign }
    }

    /// Begins a line.
    #[inline]
    pub(super) fn follow(&mut self) -> Follower<'_> {
        let next = self.keys.first().map_or(0, |known| known.next);
        Follower { order: self, last: 0, next }
    }

    /// The number of a key with its sign, which is a new one if it has none.
    fn number(&mut self, text: u128, mask: u128, length: usize) -> u16 {
        if self.keys.is_empty() || self.keys.len() > MAX_KEYS {
            // Lines without an order of their own, or of other devices: what is known is of no use.
            self.keys.clear();
            self.keys.push(Known::NONE);
            self.places.clear();
            self.places.resize(PLACES, 0);
        }
        let scattered = (text as u64 ^ (text >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let Some(place) = self.places.get_mut((scattered >> 54) as usize % PLACES) else {
            return 0;
        };
        let known = self.keys.get(usize::from(*place));
        if known.is_some_and(|known| (known.text, known.mask) == (text, mask)) {
            return *place;
        }
        let number = u16::try_from(self.keys.len()).unwrap_or(0);
        *place = number;
        self.keys.push(Known { text, mask, length, next: 0 });
        number
    }
}

impl Follower<'_> {
    /// The length of the key that begins at `start`, if it is the expected one with its sign.
    #[inline]
    pub(super) fn expected(&mut self, text: &[u8], start: usize) -> Option<usize> {
        let known = self.order.keys.get(usize::from(self.next))?;
        let bytes = text.get(start..)?.first_chunk::<LONGEST>()?;
        if u128::from_le_bytes(*bytes) & known.mask != known.text {
            return None;
        }
        self.last = self.next;
        self.next = known.next;
        Some(known.length)
    }

    /// Notes a key of this length that was searched for.
    pub(super) fn note(&mut self, text: &[u8], start: usize, length: usize) {
        let sign = self.order.sign;
        let whole = length + sign.len();
        let bytes = text.get(start..).and_then(|rest| rest.first_chunk::<LONGEST>());
        let number = match bytes {
            Some(bytes) if bytes.get(length..whole) == Some(sign) => {
                let mask = u128::MAX >> (128 - 8 * whole);
                self.order.number(u128::from_le_bytes(*bytes) & mask, mask, length)
            }
            _ => 0,
        };
        self.go_on(number);
    }

    /// Notes a key that cannot be known.
    pub(super) fn note_other(&mut self) {
        self.go_on(0);
    }

    fn go_on(&mut self, number: u16) {
        if let Some(known) = self.order.keys.get_mut(usize::from(self.last)) {
            known.next = number;
        }
        self.last = number;
        self.next = self.order.keys.get(usize::from(number)).map_or(0, |known| known.next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lengths that are found without a search in a line of keys of one byte or more.
    fn found(order: &mut KeyOrder, line: &str) -> Vec<usize> {
        let padded = format!("{line} {:LONGEST$}", "");
        let text = padded.as_bytes();
        let mut follower = order.follow();
        let mut found = Vec::new();
        let mut start = 0;
        for pair in line.split(' ') {
            let end = start + pair.find('=').unwrap();
            match follower.expected(text, start) {
                Some(length) => {
                    assert_eq!(start + length, end);
                    found.push(length);
                }
                None => follower.note(text, start, end - start),
            }
            start += pair.len() + 1;
        }
        found
    }

    #[test]
    fn keys_that_come_in_the_same_order_are_expected() {
        let mut order = KeyOrder::new(b"=");
        assert_eq!(found(&mut order, "date=1 source=2 port=3"), [0; 0]);
        assert_eq!(found(&mut order, "date=4 source=5 port=6"), [4, 6, 4]);
        // A key that begins as the expected one is another, and what follows it is learnt.
        assert_eq!(found(&mut order, "date=4 sourceport=5 port=6"), [4]);
        assert_eq!(found(&mut order, "date=4 sourceport=5 port=6"), [4, 10, 4]);
    }

    #[test]
    fn more_keys_than_have_room_begin_anew() {
        let mut order = KeyOrder::new(b"=");
        let many: Vec<String> = (0..2 * MAX_KEYS).map(|key| format!("k{key}=1")).collect();
        found(&mut order, &many.join(" "));
        assert!(order.keys.len() <= MAX_KEYS + 1);
        assert_eq!(found(&mut order, "a=1 b=2"), [0; 0]);
        assert_eq!(found(&mut order, "a=1 b=2"), [1, 1]);
    }

    #[test]
    fn keys_without_their_sign_are_not_learnt() {
        let mut order = KeyOrder::new(b"\":");
        let text = br#"{"key" : 1, "other": 2}            "#;
        for _ in 0..2 {
            let mut follower = order.follow();
            assert_eq!(follower.expected(text, 2), None);
            follower.note(text, 2, 3);
        }
        let mut follower = order.follow();
        follower.note(text, 13, 5);
        assert_eq!(order.follow().expected(text, 13), Some(5));
    }

    #[test]
    fn long_keys_are_not_learnt() {
        let mut order = KeyOrder::new(b"=");
        let line = "abcdefghijklmnop=1 abcdefghijklmno=2";
        assert_eq!(found(&mut order, line), [0; 0]);
        assert_eq!(found(&mut order, line), [0; 0]);
    }
}
