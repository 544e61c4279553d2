//! Segments that come before their turn.
//!
//! Queues of network cards, and taps with a port for each direction, let a capture show an answer
//! before the words it answers, by microseconds. Its acknowledgement tells: it is beyond what the
//! other side is known to have said. And where a capture begins within a connection, the first
//! segment it shows may lie behind one that comes later. Such segments wait, so that the dialogue
//! is read in the order in which it was held.

use super::{Half, Packet};
use crate::capture::context::Moment;
use crate::capture::flow_key::Way;
use crate::observe::{Duration, Timestamp};

/// How many answers wait at most, and how many bytes they hold.
const MAX_ANSWERS: usize = 16;
const MAX_ANSWER_BYTES: usize = 32 * 1024;
/// How many segments wait at most for the beginning of their stream, and how many bytes they hold:
/// no more than the rest of a hello, for every connection that was there before the capture may
/// hold that much.
const MAX_INSIDE: usize = 8;
const MAX_INSIDE_BYTES: usize = 2 * 1024;
/// How long they wait for what the capture may have lost. Reordering stays far below.
const PATIENCE: Duration = Duration::from_seconds(1);
/// An acknowledgement further ahead than any window (RFC 7323 section 2.3) is of another stream.
const MAX_AHEAD: u32 = 1 << 30;

/// The segments of a connection that wait, of both sides, in the order of the capture.
#[derive(Debug, Default)]
pub(super) struct Early(
    #[expect(clippy::box_collection, reason = "nearly always absent; keeps every flow small")]
    Option<Box<Vec<EarlySegment>>>,
);

/// A segment that waits.
#[derive(Debug)]
pub(super) struct EarlySegment {
    pub(super) way: Way,
    pub(super) sequence: u32,
    pub(super) bytes: Vec<u8>,
    pub(super) length: u32,
    pub(super) moment: Moment,
    awaits: Awaits,
}

/// When a segment is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It comes in its turn.
    Now,
    /// It is kept until it does.
    Waits,
    /// It would have to wait and there is no room: what waits is read before it.
    NoRoom,
}

/// What a segment waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaits {
    /// The words of the other side up to this sequence number.
    Peer(u32),
    /// The beginning of its own stream.
    Beginning,
}

impl Early {
    /// Whether none waits.
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Keeps the segment if it answers what `peer` is not known to have said.
    #[inline]
    pub(super) fn take_answer(&mut self, packet: &Packet<'_>, sequence: u32, peer: &Half) -> Turn {
        let number = packet.tcp.acknowledgement;
        if !packet.tcp.flags.ack() || !is_ahead(number, peer) {
            return Turn::Now;
        }
        self.keep(packet, sequence, Awaits::Peer(number), MAX_ANSWERS, MAX_ANSWER_BYTES)
    }

    /// Keeps a segment that may lie within its stream.
    #[cold]
    pub(super) fn take_inside(&mut self, packet: &Packet<'_>, sequence: u32) -> Turn {
        self.keep(packet, sequence, Awaits::Beginning, MAX_INSIDE, MAX_INSIDE_BYTES)
    }

    #[cold]
    fn keep(
        &mut self,
        packet: &Packet<'_>,
        sequence: u32,
        awaits: Awaits,
        most: usize,
        most_bytes: usize,
    ) -> Turn {
        let (count, held) = self.0.as_deref().map_or((0, 0), |waiting| {
            (waiting.len(), waiting.iter().map(|segment| segment.bytes.len()).sum())
        });
        if count >= most || held + packet.payload.len() > most_bytes {
            return Turn::NoRoom;
        }
        self.0.get_or_insert_default().push(EarlySegment {
            way: packet.way,
            sequence,
            bytes: packet.payload.to_vec(),
            length: packet.segment.payload_length,
            moment: packet.moment,
            awaits,
        });
        Turn::Waits
    }

    /// A segment whose wait is over at `now`; `half` gives the side that sends a way.
    pub(super) fn due<'f>(
        &mut self,
        now: Timestamp,
        half: impl Fn(Way) -> &'f Half,
    ) -> Option<EarlySegment> {
        let waiting = self.0.as_ref()?;
        if waiting.first().is_some_and(|first| now.since(first.moment.time) > PATIENCE) {
            return self.pop();
        }
        let at = waiting.iter().position(|segment| match segment.awaits {
            Awaits::Peer(number) => !is_ahead(number, half(segment.way.reverse())),
            Awaits::Beginning => half(segment.way).stream.next().is_some(),
        })?;
        self.remove(at)
    }

    /// The segment that comes first, whatever it waits for.
    pub(super) fn pop(&mut self) -> Option<EarlySegment> {
        let waiting = self.0.as_ref()?;
        let first = waiting.first()?;
        let at = if first.awaits == Awaits::Beginning {
            let of_stream = waiting.iter().enumerate().filter(|(_, segment)| {
                segment.way == first.way && segment.awaits == Awaits::Beginning
            });
            // Relative to the first, so that numbers that wrap around keep their order.
            let (at, _) = of_stream
                .min_by_key(|(_, segment)| segment.sequence.wrapping_sub(first.sequence) as i32)?;
            at
        } else {
            0
        };
        self.remove(at)
    }

    /// Forgets all.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    fn remove(&mut self, at: usize) -> Option<EarlySegment> {
        let waiting = self.0.as_mut()?;
        let segment = (at < waiting.len()).then(|| waiting.remove(at));
        if waiting.is_empty() {
            self.0 = None;
        }
        segment
    }
}

/// Whether the number acknowledges more than `peer` is known to have sent. The FIN counts one.
#[inline]
fn is_ahead(acknowledgement: u32, peer: &Half) -> bool {
    peer.stream.next().is_some_and(|next| {
        let ahead = acknowledgement.wrapping_sub(next);
        ahead > u32::from(peer.has_closed()) && ahead < MAX_AHEAD
    })
}
