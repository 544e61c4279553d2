//! How finely attempts are kept apart: as finely as a limit allows, and their counts always exactly.
//!
//! When there are more distinct attempts than the limit, all are kept apart by less: first by the hour
//! instead of the minute, in the end by neither time, server nor client. Nothing is given up but detail,
//! so no limit turns an endpoint that was tried into one that was never seen.
//!
//! Which level the sum ends at depends on what was observed alone, not on how it was grouped: at any
//! level a part has at most as many distinct keys as the whole, so no part needs a coarser level than
//! the whole does, and a key that was made coarser in two steps is the same as in one.

use super::part::Log;
use super::{AttemptKey, Tally};
use crate::observe::Address;

/// What tells two attempts at a name apart, from the finest level to the coarsest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Detail {
    /// The minute in which they began, and all else that a key holds.
    #[default]
    Minutes,
    /// The hour in place of the minute.
    Hours,
    /// The day in place of the hour, and of public servers the address family alone.
    Days,
    /// No time.
    Clients,
    /// Neither time nor client.
    Names,
}

impl Detail {
    /// The next coarser level; none for the coarsest.
    const fn coarser(self) -> Option<Self> {
        match self {
            Self::Minutes => Some(Self::Hours),
            Self::Hours => Some(Self::Days),
            Self::Days => Some(Self::Clients),
            Self::Clients => Some(Self::Names),
            Self::Names => None,
        }
    }

    /// The key that attempts of this key are counted under at this level, whatever finer level the
    /// key is of.
    #[inline]
    fn of(self, key: AttemptKey) -> AttemptKey {
        const MINUTES_OF_HOUR: i64 = 60;
        const MINUTES_OF_DAY: i64 = 24 * MINUTES_OF_HOUR;
        let bucket = match self {
            Self::Minutes => return key,
            // The first minute of the span, so that the key of a coarser level is the same from here.
            Self::Hours => key.bucket - key.bucket.rem_euclid(MINUTES_OF_HOUR),
            Self::Days => key.bucket - key.bucket.rem_euclid(MINUTES_OF_DAY),
            Self::Clients | Self::Names => 0,
        };
        let mut server = key.server;
        // Who answers at a filter's own server is judged by that address.
        let is_told_apart = server.address.is_private() || server.address.is_block_server();
        if self >= Self::Days && !is_told_apart {
            server.address = server.address.unspecified();
        }
        AttemptKey { bucket, server, client: self.client(key.client), ..key }
    }

    /// The client that attempts of this one are counted under.
    pub(super) fn client(self, client: Address) -> Address {
        if self == Self::Names { Address::default() } else { client }
    }
}

/// The attempts at names of a part.
#[derive(Clone, Default)]
pub(super) struct Attempts {
    log: Log<AttemptKey, Tally>,
    detail: Detail,
}

/// How much is kept.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    /// Distinct attempts from which on they are kept apart by less.
    pub(super) limit: usize,
    /// Samples of each.
    pub(super) samples: usize,
}

impl Attempts {
    /// Counts attempts.
    #[inline]
    pub(super) fn push(&mut self, key: AttemptKey, tally: Tally, scale: Scale) {
        if self.log.len() >= self.log.folds_at() {
            self.fold(scale);
        }
        self.log.append(self.detail.of(key), tally);
    }

    /// Takes in those of another part; `translate` gives keys the ids of this part.
    pub(super) fn absorb(
        &mut self,
        other: Self,
        translate: impl Fn(AttemptKey) -> AttemptKey,
        scale: Scale,
    ) {
        self.lower_to(other.detail, scale);
        for (key, tally) in other.log.into_entries() {
            self.push(translate(key), tally, scale);
        }
    }

    /// Makes every key occur once, and keeps attempts apart by as much as the limit allows.
    pub(super) fn fold(&mut self, scale: Scale) {
        self.log.fold(|kept, new| kept.merge(new, scale.samples));
        while self.log.len() > scale.limit
            && let Some(coarser) = self.detail.coarser()
        {
            self.lower_to(coarser, scale);
        }
        if self.detail != Detail::Names {
            // Many more than the limit are not worth the room until the next look.
            self.log.fold_before(scale.limit.saturating_add(scale.limit / 4));
        }
    }

    /// Keeps attempts apart by no more than this level does.
    pub(super) fn lower_to(&mut self, detail: Detail, scale: Scale) {
        if self.detail < detail {
            self.detail = detail;
            self.log.map_keys(|key| detail.of(key));
            self.log.fold(|kept, new| kept.merge(new, scale.samples));
        }
    }

    /// What tells attempts apart.
    pub(super) const fn detail(&self) -> Detail {
        self.detail
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, (AttemptKey, Tally)> {
        self.log.iter()
    }

    /// Entries, of which several may have the same key.
    pub(super) const fn len(&self) -> usize {
        self.log.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Channel, NameId, NameSource, Outcome, SocketAddress, Timestamp};

    const SCALE: Scale = Scale { limit: 40, samples: 1 };

    fn key(number: u32) -> AttemptKey {
        let [a, b, c, d] = number.to_be_bytes();
        AttemptKey {
            bucket: i64::from(number) * 7,
            name: Some((NameId(number % 3), NameSource::LogName)),
            client: Address::from_v4([10, b, c, d]),
            server: SocketAddress::new(Address::from_v4([20, a, c, d]), 443),
            target_port: 443,
            channel: Channel::Tls,
            outcome: Outcome::Allowed,
            decider: None,
            unit: 0,
            chain: None,
        }
    }

    fn tally() -> Tally {
        let time = Timestamp::from_nanos(0);
        Tally { count: 1, first: time, last: time, samples: smallvec::SmallVec::new() }
    }

    fn of(numbers: impl IntoIterator<Item = u32>) -> Attempts {
        let mut attempts = Attempts::default();
        numbers.into_iter().for_each(|number| attempts.push(key(number), tally(), SCALE));
        attempts
    }

    fn seen(mut attempts: Attempts) -> (Detail, Vec<(AttemptKey, u64)>) {
        attempts.fold(SCALE);
        let mut kept: Vec<_> = attempts.iter().map(|(key, tally)| (*key, tally.count)).collect();
        kept.sort_unstable();
        (attempts.detail(), kept)
    }

    #[test]
    fn a_key_made_coarser_by_steps_is_the_same_as_at_once() {
        for number in [0, 1, 59, 60, 1_439, 1_440, 70_000, u32::MAX] {
            let (mut stepwise, mut level) = (key(number), Detail::Minutes);
            while let Some(coarser) = level.coarser() {
                stepwise = coarser.of(stepwise);
                assert_eq!(stepwise, coarser.of(key(number)));
                level = coarser;
            }
        }
    }

    #[test]
    fn levels_follow_the_number_of_distinct_attempts_and_counts_stay() {
        let mut last = Detail::Minutes;
        for number in [10, 41, 500, 5_000, 200_000] {
            let (detail, kept) = seen(of(0..number));
            assert!(detail >= last, "{detail:?} of {number}");
            last = detail;
            assert_eq!(kept.iter().map(|(_, count)| count).sum::<u64>(), u64::from(number));
            assert!(kept.len() <= SCALE.limit);
        }
        assert_eq!(last, Detail::Names);
    }

    #[test]
    fn the_level_does_not_depend_on_the_grouping() {
        let whole = seen(of(0..300));
        for cut in [1, 30, 41, 150, 299] {
            let (mut one, other) = (of(0..cut), of((cut..300).rev()));
            one.absorb(other, |key| key, SCALE);
            assert_eq!(seen(one), whole);
        }
    }
}
