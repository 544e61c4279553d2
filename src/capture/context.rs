//! What every flow of a shard shares while one packet is handled.

use super::coverage::FlowCounts;
use super::dissect::quic::QuicScratch;
use super::dns_transactions::Transactions;
use crate::observe::{
    Anomalies, AnomalyKind, Locator, NameId, NameSource, Sighting, Sink, Timestamp, normalize,
};

/// One packet, as far as flows are concerned with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Moment {
    /// When it was captured.
    pub(crate) time: Timestamp,
    /// Where it lies.
    pub(crate) locator: Locator,
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

    /// Counts a record that was not understood.
    pub(crate) fn anomaly(&mut self, kind: AnomalyKind, moment: Moment) {
        self.anomalies.add(kind, moment.locator);
    }
}
