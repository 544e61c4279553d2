//! Who sent a packet in the responder's name: what its header tells beside the responder's others.

use super::Duration;

/// What IP headers start their hop limits with, by custom (RFC 1700 recommends 64; Windows uses
/// 128, routers and Solaris 255).
const INITIAL_HOPS: [u8; 3] = [64, 128, 255];
/// By how much the hop limits of one sender's packets may differ: paths change, and branch.
const SAME_PATH: u8 = 1;
/// By how much an IPv4 identification may run ahead between two packets of one sender, which
/// counts its other packets as well.
const SAME_COUNTER: u16 = 256;
/// A round trip below this is too short to tell near from far.
const LEAST_ROUND_TRIP: u32 = 2_000;

/// Header fields of a packet that ended an attempt, and those to compare them with.
///
/// Fields are 0 where they are not known, and the identification is for IPv6.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Origin {
    /// TTL or hop limit of the packet as captured.
    pub hops: u8,
    /// TTL or hop limit of the responder's packet before it.
    pub usual_hops: u8,
    /// TTL or hop limit of the client's packets as captured.
    pub client_hops: u8,
    /// IPv4 identification of the packet.
    pub identification: u16,
    /// IPv4 identification of the responder's packet before it.
    pub usual_identification: u16,
    /// From the client's SYN to its answer, in microseconds.
    pub round_trip: u32,
}

/// Who sent a packet, as far as its header tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sender {
    /// Probably something between the client and the responder.
    Middlebox {
        /// How many hops it is away from the client, where its hop limit tells.
        hops: Option<u8>,
    },
    /// The responder itself: the server, or a proxy that accepts connections for it.
    Responder,
    /// The figures are missing, or alike, or contradict each other.
    Unknown,
}

impl Origin {
    /// Who sent the packet, which came so long after the one that provoked it.
    #[must_use]
    pub fn sender(&self, after: Option<Duration>) -> Sender {
        if self.usual_hops == 0 {
            return Sender::Unknown;
        }
        let is_same_counter = self.continues();
        if self.hops.abs_diff(self.usual_hops) <= SAME_PATH {
            return match (is_same_counter, self.is_sooner(after)) {
                (true, false) => Sender::Responder,
                (false, true) => Sender::Middlebox { hops: None },
                _ => Sender::Unknown,
            };
        }
        let (near, far) = (travelled(self.hops), travelled(self.usual_hops));
        match (is_same_counter, near.cmp(&far)) {
            // One machine may start different packets with different limits.
            (true, _) | (_, std::cmp::Ordering::Equal) => Sender::Unknown,
            (false, std::cmp::Ordering::Less) => Sender::Middlebox { hops: self.distance() },
            // Nothing on the way is farther than its end: the limit itself is made up.
            (false, std::cmp::Ordering::Greater) => Sender::Middlebox { hops: None },
        }
    }

    /// How many hops from the client the sender is, when the packet's limit is honest.
    #[must_use]
    pub fn distance(&self) -> Option<u8> {
        let known = self.hops != 0 && self.client_hops != 0;
        known.then(|| travelled(self.hops).saturating_add(travelled(self.client_hops)))
    }

    /// The figures, and who sent the packet, as the end of a clause.
    #[must_use]
    pub fn words(&self, after: Option<Duration>) -> String {
        let mut text = format!("hop limit {}", self.hops);
        if self.usual_hops == 0 {
            if let Some(hops) = self.distance() {
                text.push_str(&format!(", {} from the client", count_hops(hops)));
            }
            text.push_str(", no other packet of the responder to compare with");
            return text;
        }
        text.push_str(&format!(", the responder's other packets {}", self.usual_hops));
        if self.has_counters() {
            let (own, usual) = (self.identification, self.usual_identification);
            text.push_str(&format!(", IP identification {own} after {usual}"));
        }
        if self.is_sooner(after) {
            let round_trip = Duration::from_micros(i64::from(self.round_trip));
            text.push_str(&format!(", sooner than the round trip of {}", round_trip.humanize()));
        }
        match self.sender(after) {
            Sender::Middlebox { hops } => {
                text.push_str(": probably a middlebox");
                if let Some(hops) = hops {
                    text.push_str(&format!(", {} from the client", count_hops(hops)));
                }
            }
            // A proxy that accepts connections for the server sends everything by itself.
            Sender::Responder => {
                text.push_str(": the server itself, or a proxy that took the connection for it");
            }
            Sender::Unknown => text.push_str(": cannot tell who sent it"),
        }
        text
    }

    /// Whether both packets have an identification. Many senders leave it 0 where nothing may be
    /// fragmented (RFC 6864 section 4.1).
    const fn has_counters(&self) -> bool {
        self.identification != 0 && self.usual_identification != 0
    }

    /// Whether the packets count on from one another, as those of one sender may.
    const fn continues(&self) -> bool {
        let ahead = self.identification.wrapping_sub(self.usual_identification);
        self.has_counters() && ahead != 0 && ahead <= SAME_COUNTER
    }

    /// Whether the packet came before the responder can have known what provoked it.
    fn is_sooner(&self, after: Option<Duration>) -> bool {
        let half = Duration::from_micros(i64::from(self.round_trip / 2));
        self.round_trip >= LEAST_ROUND_TRIP && after.is_some_and(|after| after < half)
    }
}

/// `1 hop`, `2 hops`.
#[must_use]
pub fn count_hops(hops: u8) -> String {
    if hops == 1 { "1 hop".to_owned() } else { format!("{hops} hops") }
}

/// Over how many routers a packet has come, by the least limit that it can have started with.
fn travelled(hops: u8) -> u8 {
    INITIAL_HOPS.into_iter().find_map(|initial| initial.checked_sub(hops)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Option<Duration> = Some(Duration::from_seconds(1));

    /// A packet of a responder that is twelve hops away from a client at the point of capture.
    fn origin(hops: u8, identification: u16) -> Origin {
        Origin {
            hops,
            usual_hops: 52,
            client_hops: 128,
            identification,
            usual_identification: 1_000,
            round_trip: 24_000,
        }
    }

    #[test]
    fn another_hop_limit_is_that_of_a_middlebox() {
        assert_eq!(origin(62, 0).sender(AFTER), Sender::Middlebox { hops: Some(2) });
        assert_eq!(origin(253, 7).sender(AFTER), Sender::Middlebox { hops: Some(2) });
        // The capture was made three hops from the client.
        let farther = Origin { client_hops: 125, ..origin(62, 0) };
        assert_eq!(farther.sender(AFTER), Sender::Middlebox { hops: Some(5) });
        let one_way = Origin { client_hops: 0, ..origin(62, 0) };
        assert_eq!(one_way.sender(AFTER), Sender::Middlebox { hops: None });
        // Farther away than the responder: the limit is made up.
        assert_eq!(origin(40, 0).sender(AFTER), Sender::Middlebox { hops: None });
    }

    #[test]
    fn the_same_path_and_counter_are_those_of_the_responder() {
        assert_eq!(origin(52, 1_001).sender(AFTER), Sender::Responder);
        assert_eq!(origin(51, 1_200).sender(AFTER), Sender::Responder);
        let turned = Origin { usual_identification: 65_535, ..origin(52, 3) };
        assert_eq!(turned.sender(AFTER), Sender::Responder);
    }

    #[test]
    fn figures_that_are_missing_alike_or_contradictory_tell_nothing() {
        let alone = Origin { usual_hops: 0, ..origin(62, 7) };
        assert_eq!(alone.sender(AFTER), Sender::Unknown);
        // The same path, and counters that say nothing.
        for identification in [0, 999, 1_000, 5_000] {
            assert_eq!(origin(52, identification).sender(AFTER), Sender::Unknown);
        }
        // Another limit and the same counter; the same distance from another limit.
        assert_eq!(origin(62, 1_001).sender(AFTER), Sender::Unknown);
        assert_eq!(origin(116, 0).sender(AFTER), Sender::Unknown);
    }

    #[test]
    fn what_comes_too_soon_is_no_responder() {
        let soon = Some(Duration::from_micros(4_000));
        assert_eq!(origin(52, 0).sender(soon), Sender::Middlebox { hops: None });
        // The counter contradicts it; a short round trip tells nothing.
        assert_eq!(origin(52, 1_001).sender(soon), Sender::Unknown);
        let near = Origin { round_trip: 500, ..origin(52, 0) };
        assert_eq!(near.sender(Some(Duration::from_micros(1))), Sender::Unknown);
    }

    #[test]
    fn words_give_the_figures_and_the_conclusion() {
        assert_eq!(
            origin(62, 0).words(AFTER),
            "hop limit 62, the responder's other packets 52: probably a middlebox, 2 hops from the \
             client"
        );
        assert_eq!(
            origin(52, 1_001).words(AFTER),
            "hop limit 52, the responder's other packets 52, IP identification 1001 after 1000: \
             the server itself, or a proxy that took the connection for it"
        );
        let soon = Some(Duration::from_micros(4_000));
        assert_eq!(
            origin(63, 0).words(soon),
            "hop limit 63, the responder's other packets 52, sooner than the round trip of 24.0 \
             ms: probably a middlebox, 1 hop from the client"
        );
    }
}
