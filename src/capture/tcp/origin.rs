//! What the headers of a side's packets tell of who sent them.

use super::TcpFlow;
use crate::capture::context::Moment;
use crate::capture::packet::Segment;
use crate::observe::{Duration, Origin, Sender};

/// The fields by which packets of one sender are alike.
#[derive(Debug, Default, Clone, Copy)]
struct Mark {
    /// TTL or hop limit, 0 where there was no packet.
    hops: u8,
    /// The IPv4 identification.
    identification: u16,
}

/// The marks of a side's packets that matter.
#[derive(Debug, Default)]
pub(super) struct Trail {
    last: Mark,
    /// Of the last packet without payload.
    last_bare: Mark,
    /// Of the packet to compare the last with: the one before it, or for a packet with payload the
    /// last without, because what is injected may come in several.
    before: Mark,
}

impl Trail {
    /// Takes the side's next packet.
    #[inline]
    pub(super) const fn step(&mut self, segment: &Segment) {
        let mark = Mark { hops: segment.hops, identification: segment.identification };
        if segment.payload_length == 0 {
            self.before = self.last;
            self.last_bare = mark;
        } else {
            self.before = self.last_bare;
        }
        self.last = mark;
    }
}

/// Until so many round trips after its start a connection has no timers that could end it.
const FRESH_ROUND_TRIPS: i64 = 20;

impl TcpFlow {
    /// What tells who sent the responder's last packet.
    pub(super) const fn origin(&self) -> Origin {
        let Trail { last, before, .. } = &self.responder.trail;
        Origin {
            hops: last.hops,
            usual_hops: before.hops,
            client_hops: self.originator.trail.last.hops,
            identification: last.identification,
            usual_identification: before.identification,
            round_trip: self.round_trip,
        }
    }

    /// The same of the originator's last packet.
    pub(super) const fn origin_of_originator(&self) -> Origin {
        let Trail { last, before, .. } = &self.originator.trail;
        Origin {
            hops: last.hops,
            usual_hops: before.hops,
            client_hops: 0,
            identification: last.identification,
            usual_identification: before.identification,
            round_trip: 0,
        }
    }

    /// Whether the originator's last packet is not its own, by the hop limits of those before it.
    pub(super) fn is_forged(&self) -> bool {
        let origin = self.origin_of_originator();
        matches!(origin.sender(None), Sender::Middlebox { .. })
    }

    /// Whether the hop limit of the originator's requests is one that runs out on the way, as tools set it
    /// that trace the way: systems begin with 64 or more (RFC 1700), and no way is half as long.
    pub(super) const fn is_trace(&self) -> bool {
        const LONGEST_WAY: u8 = 32;
        matches!(self.originator.trail.last.hops, 1..LONGEST_WAY)
    }

    /// The same for something that came upon what was sent then. What ends a connection long after
    /// its start may have been on its way before, so its timing tells nothing.
    pub(super) fn origin_after(&self, origin: Origin, sent: Moment) -> Origin {
        let fresh = Duration::from_micros(i64::from(origin.round_trip) * FRESH_ROUND_TRIPS);
        if sent.time.since(self.start.time) <= fresh {
            origin
        } else {
            Origin { round_trip: 0, ..origin }
        }
    }
}
