//! Records that were not understood: counted by kind, with a few places to look at.

use std::collections::BTreeMap;

use super::Locator;

/// How many places are kept for each kind.
const SAMPLES: usize = 5;

/// What is wrong with a record. Closed, so that every output uses the same words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum AnomalyKind {
    /// A packet of a link type that is not in the registry.
    UnknownLinkType,
    /// A packet that ends inside its link-layer headers.
    LinkHeaderCut,
    /// A packet whose link-layer headers contradict themselves.
    LinkHeaderInvalid,
    /// A packet that ends inside its IP headers.
    IpHeaderCut,
    /// A packet whose IP headers contradict themselves.
    IpHeaderInvalid,
    /// A packet that ends inside its TCP, UDP or ICMP header.
    TransportHeaderCut,
    /// A packet whose TCP, UDP or ICMP header contradicts itself.
    TransportHeaderInvalid,
    /// Tunnels nested more deeply than is followed.
    NestedTooDeep,
    /// A fragmented packet of which parts are missing.
    Fragment,
    /// A DNS message that cannot be read.
    DnsMalformed,
    /// A TLS handshake that cannot be read.
    TlsMalformed,
    /// An HTTP head that cannot be read.
    HttpMalformed,
    /// A block of the capture file that cannot be read.
    BlockMalformed,
    /// A record that names an interface that the file does not describe.
    InterfaceUnknown,
    /// A record without a timestamp.
    TimeMissing,
    /// A record that is older than the one before it by more than a second.
    TimeBackwards,
    /// The time runs ahead by more than ten minutes from one packet to the next: the clock was set, or
    /// nothing was captured.
    TimeJump,
    /// A line of no known log format.
    LineUnknown,
    /// A line of a known log format that cannot be read.
    LineDamaged,
    /// A line that is longer than any line of a log.
    LineTooLong,
}

impl AnomalyKind {
    /// The word used in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownLinkType => "unknown_link_type",
            Self::LinkHeaderCut => "link_header_cut",
            Self::LinkHeaderInvalid => "link_header_invalid",
            Self::IpHeaderCut => "ip_header_cut",
            Self::IpHeaderInvalid => "ip_header_invalid",
            Self::TransportHeaderCut => "transport_header_cut",
            Self::TransportHeaderInvalid => "transport_header_invalid",
            Self::NestedTooDeep => "nested_too_deep",
            Self::Fragment => "fragment",
            Self::DnsMalformed => "dns_malformed",
            Self::TlsMalformed => "tls_malformed",
            Self::HttpMalformed => "http_malformed",
            Self::BlockMalformed => "block_malformed",
            Self::InterfaceUnknown => "interface_unknown",
            Self::TimeMissing => "time_missing",
            Self::TimeBackwards => "time_backwards",
            Self::TimeJump => "time_jump",
            Self::LineUnknown => "line_unknown",
            Self::LineDamaged => "line_damaged",
            Self::LineTooLong => "line_too_long",
        }
    }
}

impl AnomalyKind {
    /// Whether a line with this anomaly is lost to the analysis.
    #[must_use]
    pub const fn hides_a_line(self) -> bool {
        matches!(self, Self::LineUnknown | Self::LineDamaged | Self::LineTooLong)
    }

    /// Whether a packet with this anomaly is lost to the analysis; the others are remarks on
    /// packets that are counted elsewhere.
    #[must_use]
    pub const fn hides_a_packet(self) -> bool {
        matches!(
            self,
            Self::UnknownLinkType
                | Self::LinkHeaderCut
                | Self::LinkHeaderInvalid
                | Self::IpHeaderCut
                | Self::IpHeaderInvalid
                | Self::TransportHeaderCut
                | Self::TransportHeaderInvalid
                | Self::NestedTooDeep
        )
    }
}

/// One kind of anomaly in one input: how often, and the first places.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Anomaly {
    /// How many records.
    pub count: u64,
    /// The least few places, sorted.
    pub samples: Vec<Locator>,
}

/// The anomalies of any number of inputs. Merging is associative and commutative.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Anomalies(BTreeMap<(u32, AnomalyKind), Anomaly>);

impl Anomalies {
    /// Counts one record.
    pub fn add(&mut self, kind: AnomalyKind, place: Locator) {
        let anomaly = self.0.entry((place.input, kind)).or_default();
        anomaly.count += 1;
        keep_least(&mut anomaly.samples, place);
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: Self) {
        for (key, theirs) in other.0 {
            let ours = self.0.entry(key).or_default();
            ours.count += theirs.count;
            for place in theirs.samples {
                keep_least(&mut ours.samples, place);
            }
        }
    }

    /// Every kind that occurred, by input and then in the order of the vocabulary.
    pub fn iter(&self) -> impl Iterator<Item = (AnomalyKind, &Anomaly)> {
        self.0.iter().map(|((_, kind), anomaly)| (*kind, anomaly))
    }

    /// Every kind that occurred in one input, in the order of the vocabulary.
    pub fn of_input(&self, input: u32) -> impl Iterator<Item = (AnomalyKind, &Anomaly)> {
        self.0
            .iter()
            .filter(move |((of, _), _)| *of == input)
            .map(|((_, kind), anomaly)| (*kind, anomaly))
    }

    /// Whether nothing was wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Inserts `place` into the sorted `samples` and keeps the least [`SAMPLES`].
fn keep_least(samples: &mut Vec<Locator>, place: Locator) {
    let at = samples.partition_point(|kept| *kept < place);
    if at < SAMPLES {
        samples.insert(at, place);
        samples.truncate(SAMPLES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_places_are_kept_in_any_order() {
        let place = |record| Locator { input: 0, record, offset: 0 };
        let mut up = Anomalies::default();
        let mut down = Anomalies::default();
        for record in 1..=20 {
            up.add(AnomalyKind::DnsMalformed, place(record));
            down.add(AnomalyKind::DnsMalformed, place(21 - record));
        }
        assert_eq!(up, down);
        let (_, anomaly) = up.iter().next().unwrap();
        assert_eq!(anomaly.count, 20);
        assert_eq!(anomaly.samples.first().unwrap().record, 1);
        assert_eq!(anomaly.samples.len(), SAMPLES);
    }
}
