//! One direction of a TCP stream: segments in any order become bytes in order.

/// How many bytes that lie beyond a hole are kept for one direction.
const MAX_PENDING_BYTES: usize = 64 * 1024;
/// How many segments beyond a hole are kept for one direction.
const MAX_PENDING_SEGMENTS: usize = 64;
/// A segment further ahead than any window (RFC 7323 section 2.3 allows 1 GiB) is not of this
/// stream.
const MAX_AHEAD: u32 = 1 << 30;

/// What comes out of a stream, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Chunk<'a> {
    /// The next bytes.
    Data(&'a [u8]),
    /// So many bytes were on the wire and are not in the capture.
    Gap(u32),
}

/// One direction of a TCP stream.
#[derive(Debug, Default)]
pub(crate) struct HalfStream {
    /// Sequence number of the next byte, once known.
    next: Option<u32>,
    /// Segments beyond a hole, sorted by sequence number relative to `next`.
    #[expect(clippy::box_collection, reason = "nearly always absent; keeps every flow small")]
    pending: Option<Box<Vec<Segment>>>,
}

#[derive(Debug)]
struct Segment {
    sequence: u32,
    bytes: Vec<u8>,
    /// Bytes on the wire; more than captured when the snaplen cut the packet.
    length: u32,
}

impl HalfStream {
    /// The sequence number of the first byte, known from a SYN.
    #[inline]
    pub(crate) fn begin(&mut self, next: u32) {
        if self.next.is_none() {
            self.next = Some(next);
        }
    }

    /// The sequence number of the next byte.
    #[inline]
    pub(crate) const fn next(&self) -> Option<u32> {
        self.next
    }

    /// Takes a segment; calls `deliver` with whatever is in order now.
    ///
    /// Bytes that were delivered before are not delivered again: of two versions of the same
    /// byte the first wins.
    #[inline]
    pub(crate) fn push(
        &mut self,
        sequence: u32,
        bytes: &[u8],
        length: u32,
        mut deliver: impl FnMut(Chunk<'_>),
    ) {
        let next = *self.next.get_or_insert(sequence);
        let ahead = sequence.wrapping_sub(next);
        if ahead == 0 && self.pending.is_none() {
            self.next = Some(next.wrapping_add(length));
            emit(bytes, length, &mut deliver);
        } else {
            self.push_slow(sequence, bytes, length, &mut deliver);
        }
    }

    /// Delivers what lies behind holes, with the holes as gaps, and forgets nothing else.
    pub(crate) fn flush(&mut self, mut deliver: impl FnMut(Chunk<'_>)) {
        while let Some(pending) = &self.pending {
            let (Some(next), Some(first)) = (self.next, pending.first()) else {
                self.pending = None;
                return;
            };
            deliver(Chunk::Gap(first.sequence.wrapping_sub(next)));
            self.next = Some(first.sequence);
            self.drain(&mut deliver);
        }
    }

    /// Whether segments wait behind a hole.
    #[inline]
    pub(crate) const fn has_hole(&self) -> bool {
        self.pending.is_some()
    }

    /// Whether the first segment beyond a hole begins with this number.
    pub(crate) fn waits_for(&self, sequence: u32) -> bool {
        let first = self.pending.as_ref().and_then(|pending| pending.first());
        first.is_some_and(|segment| segment.sequence == sequence)
    }

    /// Gives up what waits behind holes.
    pub(crate) fn forget(&mut self) {
        self.pending = None;
    }

    fn push_slow(
        &mut self,
        sequence: u32,
        bytes: &[u8],
        length: u32,
        deliver: &mut impl FnMut(Chunk<'_>),
    ) {
        let next = self.next.unwrap_or(sequence);
        let ahead = sequence.wrapping_sub(next);
        if ahead >= 1 << 31 {
            // It begins in what was delivered; its tail may be new.
            let old = next.wrapping_sub(sequence);
            if old < length {
                let tail = bytes.get(old as usize..).unwrap_or_default();
                self.next = Some(next.wrapping_add(length - old));
                emit(tail, length - old, deliver);
                self.drain(deliver);
            }
        } else if ahead == 0 {
            self.next = Some(next.wrapping_add(length));
            emit(bytes, length, deliver);
            self.drain(deliver);
        } else if ahead < MAX_AHEAD {
            self.keep(next, sequence, bytes, length);
            if self.is_overfull() {
                self.flush(deliver);
            }
        }
    }

    fn keep(&mut self, next: u32, sequence: u32, bytes: &[u8], length: u32) {
        let pending = self.pending.get_or_insert_default();
        let ahead = sequence.wrapping_sub(next);
        // Longer first, so that a retransmission with more bytes is not lost, and of those as long
        // the one of which more was captured; of equal ones the first that came.
        let order = |ahead: u32, length: u32, captured: usize| {
            (ahead, u32::MAX - length, usize::MAX - captured)
        };
        let new = order(ahead, length, bytes.len());
        let at = pending.partition_point(|kept| {
            order(kept.sequence.wrapping_sub(next), kept.length, kept.bytes.len()) <= new
        });
        let kept = bytes.get(..bytes.len().min(MAX_PENDING_BYTES)).unwrap_or_default();
        pending.insert(at, Segment { sequence, bytes: kept.to_vec(), length });
    }

    fn is_overfull(&self) -> bool {
        self.pending.as_ref().is_some_and(|pending| {
            pending.len() > MAX_PENDING_SEGMENTS
                || pending.iter().map(|segment| segment.bytes.len()).sum::<usize>()
                    > MAX_PENDING_BYTES
        })
    }

    /// Delivers pending segments that the hole no longer holds back.
    fn drain(&mut self, deliver: &mut impl FnMut(Chunk<'_>)) {
        let Some(mut pending) = self.pending.take() else { return };
        let Some(mut next) = self.next else { return };
        let mut used = 0;
        for segment in pending.iter() {
            let ahead = segment.sequence.wrapping_sub(next);
            if ahead != 0 && ahead < 1 << 31 {
                break;
            }
            used += 1;
            let old = next.wrapping_sub(segment.sequence);
            if old < segment.length {
                let tail = segment.bytes.get(old as usize..).unwrap_or_default();
                next = next.wrapping_add(segment.length - old);
                emit(tail, segment.length - old, deliver);
            }
        }
        self.next = Some(next);
        pending.drain(..used);
        self.pending = (!pending.is_empty()).then_some(pending);
    }
}

/// Delivers captured bytes and, when the wire carried more, the gap after them.
#[inline]
fn emit(bytes: &[u8], length: u32, deliver: &mut impl FnMut(Chunk<'_>)) {
    let captured = bytes.get(..bytes.len().min(length as usize)).unwrap_or_default();
    if !captured.is_empty() {
        deliver(Chunk::Data(captured));
    }
    let missing = (length as usize).saturating_sub(captured.len());
    if missing > 0 {
        deliver(Chunk::Gap(u32::try_from(missing).unwrap_or(u32::MAX)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn collect(out: &mut Vec<u8>, gaps: &mut Vec<(usize, u32)>) -> impl FnMut(Chunk<'_>) {
        |chunk| match chunk {
            Chunk::Data(bytes) => out.extend_from_slice(bytes),
            Chunk::Gap(length) => gaps.push((out.len(), length)),
        }
    }

    #[test]
    fn a_hole_is_passed_over_when_the_stream_ends() {
        let mut stream = HalfStream::default();
        let (mut out, mut gaps) = (Vec::new(), Vec::new());
        stream.begin(100);
        stream.push(100, b"abc", 3, collect(&mut out, &mut gaps));
        stream.push(106, b"ghi", 3, collect(&mut out, &mut gaps));
        assert_eq!(out, b"abc");
        assert!(stream.has_hole());
        stream.flush(collect(&mut out, &mut gaps));
        assert_eq!((out.as_slice(), gaps.as_slice()), (&b"abcghi"[..], &[(3, 3)][..]));
    }

    #[test]
    fn a_cut_packet_leaves_a_gap_of_the_bytes_that_were_cut() {
        let mut stream = HalfStream::default();
        let (mut out, mut gaps) = (Vec::new(), Vec::new());
        stream.push(u32::MAX - 1, b"abcd", 10, collect(&mut out, &mut gaps));
        stream.push(8, b"rest", 4, collect(&mut out, &mut gaps));
        assert_eq!((out.as_slice(), gaps.as_slice()), (&b"abcdrest"[..], &[(4, 6)][..]));
    }

    #[test]
    fn of_two_copies_behind_a_hole_the_whole_one_is_read() {
        for cut_first in [true, false] {
            let mut stream = HalfStream::default();
            let (mut out, mut gaps) = (Vec::new(), Vec::new());
            stream.begin(0);
            for cut in [cut_first, !cut_first] {
                let bytes = if cut { &b"d"[..] } else { b"def" };
                stream.push(3, bytes, 3, collect(&mut out, &mut gaps));
            }
            stream.push(0, b"abc", 3, collect(&mut out, &mut gaps));
            assert_eq!((out.as_slice(), gaps.as_slice()), (&b"abcdef"[..], &[][..]));
        }
    }

    #[test]
    fn what_waits_behind_a_hole_is_bounded() {
        let mut stream = HalfStream::default();
        let mut delivered = 0;
        stream.begin(0);
        for index in 1..=10_000_u32 {
            stream.push(index * 2_000, &[7; 1_000], 1_000, |chunk| {
                if let Chunk::Data(bytes) = chunk {
                    delivered += bytes.len();
                }
            });
            let kept = stream.pending.as_ref().map_or(0, |pending| pending.len());
            assert!(kept <= MAX_PENDING_SEGMENTS);
        }
        assert!(delivered > 9_000_000);
    }

    proptest! {
        /// Segments of one text, cut anywhere, repeated, overlapping and in any order, give the
        /// text when nothing is missing.
        #[test]
        fn any_order_of_overlapping_segments_gives_the_stream(
            first in any::<u32>(),
            cuts in prop::collection::vec((0_usize..600, 1_usize..80), 0..40),
            seed in any::<u64>(),
        ) {
            let text: Vec<u8> = (0..640_u32).map(|index| (index * 7 % 251) as u8).collect();
            let mut segments: Vec<(usize, usize)> = (0..640).step_by(40).map(|at| (at, 40)).collect();
            segments.extend(cuts.into_iter().map(|(at, length)| (at, length.min(640 - at))));
            let mut state = seed;
            for index in (1..segments.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                segments.swap(index, (state >> 33) as usize % (index + 1));
            }
            let mut stream = HalfStream::default();
            stream.begin(first);
            let mut out = Vec::new();
            for (at, length) in segments {
                let sequence = first.wrapping_add(at as u32);
                stream.push(sequence, &text[at..at + length], length as u32, |chunk| match chunk {
                    Chunk::Data(bytes) => out.extend_from_slice(bytes),
                    Chunk::Gap(_) => panic!("nothing is missing"),
                });
            }
            prop_assert_eq!(out, text);
        }
    }
}
