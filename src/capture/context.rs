//! What every flow of a shard shares while one packet is handled.

use super::coverage::FlowCounts;
use super::dissect::quic::QuicScratch;
use super::dns_transactions::Transactions;
use crate::observe::{
    Anomalies, AnomalyKind, Duration, Locator, NameId, NameSource, Sighting, Sink, Timestamp,
    normalize,
};

/// One packet, as far as flows are concerned with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Moment {
    /// When it was captured.
    pub(crate) time: Timestamp,
    /// Where it lies.
    pub(crate) locator: Locator,
}

/// The clock by which flows time out: that of the packets, but it never runs backwards, and a pause that
/// is longer than any wait counts as no more than that. So neither a clock that is set nor a second clock
/// in the same file ends a conversation that goes on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FlowClock {
    latest: Option<Timestamp>,
    now: Timestamp,
}

impl FlowClock {
    /// The longest pause that counts: a little more than any flow waits for an answer.
    const LONGEST: Duration = Duration::from_seconds(150);

    /// Takes the time of the next packet.
    #[inline]
    pub(crate) fn tick(&mut self, time: Timestamp) {
        match self.latest {
            Some(latest) if time > latest => {
                self.now = self.now + time.since(latest).min(Self::LONGEST);
                self.latest = Some(time);
            }
            Some(_) => {}
            None => (self.latest, self.now) = (Some(time), time),
        }
    }

    /// The time that has passed, counted from the first packet's own time.
    #[inline]
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }
}

/// The sink and the buffers of a shard.
pub(crate) struct Context<S> {
    pub(crate) sink: S,
    /// First input of the sequence that is being read.
    pub(crate) unit: u32,
    pub(crate) counts: FlowCounts,
    pub(crate) anomalies: Anomalies,
    /// For a TLS hello that spans several records.
    pub(crate) hello: Vec<u8>,
    pub(crate) dns: Transactions,
    pub(crate) quic: QuicScratch,
    pub(crate) clock: FlowClock,
    /// From which times on the clock stepped forward, and by how much; known at the end.
    pub(crate) steps: Vec<(Timestamp, Duration)>,
    name: String,
}

impl<S: Sink> Context<S> {
    pub(crate) fn new(sink: S, unit: u32, dns: Transactions) -> Self {
        Self {
            sink,
            unit,
            counts: FlowCounts::default(),
            anomalies: Anomalies::default(),
            hello: Vec::new(),
            dns,
            quic: QuicScratch::new(),
            clock: FlowClock::default(),
            steps: Vec::new(),
            name: String::new(),
        }
    }

    /// The id of a name as it came over the wire, and a note that it was seen; `None` when the
    /// bytes are no server name.
    #[inline]
    pub(crate) fn name(
        &mut self,
        raw: &[u8],
        source: NameSource,
        time: Timestamp,
    ) -> Option<NameId> {
        if !normalize(raw, &mut self.name) {
            return None;
        }
        let name = self.sink.intern(&self.name);
        if S::WANTS_SIGHTINGS {
            self.sink.sighting(&Sighting { name, source, time });
        }
        Some(name)
    }

    /// Until when something was seen of what went on at `last`, when the last packet came at `until`: time
    /// over which the clock stepped in between is none in which an answer could have come.
    pub(crate) fn lived(&self, last: Timestamp, until: Timestamp) -> Timestamp {
        if until == Timestamp::MAX {
            return until;
        }
        let stepped = self.steps.iter().filter(|(from, _)| *from >= last);
        stepped.fold(until, |until, (_, by)| until - *by).max(last)
    }

    /// Counts a record that was not understood.
    pub(crate) fn anomaly(&mut self, kind: AnomalyKind, moment: Moment) {
        self.anomalies.add(kind, moment.locator);
    }
}
