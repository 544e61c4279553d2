//! Segments that answer what is not there yet.
//!
//! Queues of network cards and taps with a port for each direction let a capture show an answer
//! before the words it answers, by microseconds. Its acknowledgement tells: it is beyond what the
//! other side is known to have said. Such a segment waits, so that the dialogue is read in the
//! order in which it was held.

use super::{Half, Packet};
use crate::capture::context::Moment;
use crate::capture::flow_key::Way;
use crate::observe::{Duration, Timestamp};

/// How many segments wait at most.
const MAX_SEGMENTS: usize = 16;
/// How many bytes they hold at most.
const MAX_BYTES: usize = 32 * 1024;
/// How long they wait for words that the capture may have lost. Reordering stays far below.
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
    acknowledgement: u32,
}

impl Early {
    /// Whether none waits.
    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Keeps the segment if it answers what `peer` is not known to have said; true when it does.
    #[inline]
    pub(super) fn take(&mut self, packet: &Packet<'_>, sequence: u32, peer: &Half) -> bool {
        packet.tcp.flags.ack()
            && is_ahead(packet.tcp.acknowledgement, peer)
            && self.keep(packet, sequence)
    }

    #[cold]
    fn keep(&mut self, packet: &Packet<'_>, sequence: u32) -> bool {
        let waiting = self.0.get_or_insert_default();
        let held: usize = waiting.iter().map(|segment| segment.bytes.len()).sum();
        let fits = waiting.len() < MAX_SEGMENTS && held + packet.payload.len() <= MAX_BYTES;
        if fits {
            waiting.push(EarlySegment {
                way: packet.way,
                sequence,
                bytes: packet.payload.to_vec(),
                length: packet.segment.payload_length,
                moment: packet.moment,
                acknowledgement: packet.tcp.acknowledgement,
            });
        } else if waiting.is_empty() {
            self.0 = None;
        }
        fits
    }

    /// The first segment whose wait is over at `now`; `peer` gives the other side of a way.
    pub(super) fn due<'f>(
        &mut self,
        now: Timestamp,
        peer: impl Fn(Way) -> &'f Half,
    ) -> Option<EarlySegment> {
        let waiting = self.0.as_mut()?;
        let is_over = waiting.first().is_some_and(|first| now.since(first.moment.time) > PATIENCE)
            || waiting.len() >= MAX_SEGMENTS;
        let at = waiting.iter().position(|segment| {
            is_over || !is_ahead(segment.acknowledgement, peer(segment.way))
        })?;
        self.remove(at)
    }

    /// The first segment, whatever it waits for.
    pub(super) fn pop(&mut self) -> Option<EarlySegment> {
        self.remove(0)
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
