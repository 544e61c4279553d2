//! Large segments that are lost where small ones get through: a path whose packets must be smaller
//! than the client knows (RFC 2923 section 2.1).

/// Payload from which on a segment is large: what every path must carry less headers (RFC 8200
/// section 5 has 1280 bytes for IPv6).
const LARGE: u16 = 1_200;
/// How often a segment is sent again before its loss is no accident.
const OFTEN: u8 = 2;

/// How the originator's segments fare until the outcome is known.
#[derive(Debug, Default)]
pub(super) struct Large {
    /// The largest segment sent, and the largest that may have been acknowledged, in payload
    /// bytes.
    sent: u16,
    passed: u16,
    /// The segment that the responder waits for and that came again: where it begins, its payload
    /// bytes, and how often it came again.
    sequence: u32,
    length: u16,
    again: u8,
    /// Whether the responder acknowledged the same twice: something else arrived.
    has_repeated: bool,
    /// The largest packet that passes by an ICMP error; 0 where the error does not say.
    pub(super) limit: Option<u16>,
}

impl Large {
    /// Takes a segment of the originator; `is_awaited` when the responder has acknowledged
    /// everything before it and nothing of it.
    #[inline]
    pub(super) fn note_segment(&mut self, sequence: u32, length: u32, is_awaited: bool) {
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        self.sent = self.sent.max(length);
        if !is_awaited {
            return;
        }
        if self.sequence == sequence && self.length > 0 {
            self.again = self.again.saturating_add(1);
            self.length = self.length.max(length);
        } else {
            (self.sequence, self.length, self.again) = (sequence, length, 0);
        }
    }

    /// Takes an acknowledgement of the responder: whether it is of more than the one before, and
    /// whether it is one with SYN.
    #[inline]
    pub(super) const fn note_acknowledgement(&mut self, is_more: bool, is_opening: bool) {
        if is_more {
            self.passed = self.sent;
            self.has_repeated = false;
        } else if !is_opening {
            self.has_repeated = true;
        }
    }

    /// The segment that was lost again and again for its size, and how often it was sent again.
    pub(super) fn lost(&self) -> Option<(u16, u8)> {
        let gets_through = self.passed > 0 || self.has_repeated;
        let is_lost = self.length >= LARGE
            && self.length > self.passed
            && self.again >= OFTEN
            && gets_through;
        is_lost.then_some((self.length, self.again))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A segment of this size that is sent so often, after one of 200 bytes that was acknowledged.
    fn sent(length: u32, times: u8) -> Large {
        let mut large = Large::default();
        large.note_segment(1, 200, true);
        large.note_acknowledgement(true, false);
        for _ in 0..times {
            large.note_segment(201, length, true);
        }
        large
    }

    #[test]
    fn a_large_segment_that_is_never_acknowledged_is_lost_for_its_size() {
        assert_eq!(sent(1_460, 3).lost(), Some((1_460, 2)));
        assert_eq!(sent(1_460, 2).lost(), None);
        assert_eq!(sent(1_100, 9).lost(), None);
    }

    #[test]
    fn one_that_gets_through_is_not() {
        let mut large = sent(1_460, 3);
        large.note_acknowledgement(true, false);
        assert_eq!(large.lost(), None);
        // Nor is the next of that size, for one has passed.
        for _ in 0..5 {
            large.note_segment(1_661, 1_460, true);
        }
        assert_eq!(large.lost(), None);
    }

    #[test]
    fn silence_alone_tells_nothing_of_size() {
        let mut large = Large::default();
        for _ in 0..5 {
            large.note_segment(1, 1_460, true);
        }
        assert_eq!(large.lost(), None);
        large.note_acknowledgement(false, true);
        assert_eq!(large.lost(), None);
        // The responder says again what it waits for: what came behind the segment has arrived.
        large.note_acknowledgement(false, false);
        assert_eq!(large.lost(), Some((1_460, 4)));
    }
}
