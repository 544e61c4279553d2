//! A count with its time span and its least few samples.

use smallvec::{SmallVec, smallvec};

use crate::observe::{Attempt, Fact, Locator, Timestamp};

/// How often something happened, from when to when, and where to look.
///
/// Merging is associative and commutative: a sum, a minimum, a maximum, and the least few
/// samples under a total order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tally {
    /// How many attempts.
    pub count: u64,
    /// Start of the earliest.
    pub first: Timestamp,
    /// Start of the latest.
    pub last: Timestamp,
    /// The least few, sorted. Most tallies are of one attempt, so one needs no allocation.
    pub samples: SmallVec<[Sample; 1]>,
}

/// One attempt, for a person to look up.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Sample {
    /// When it began.
    pub time: Timestamp,
    /// Where it shows.
    pub locator: Locator,
    /// The client's port, 0 where the input does not say.
    pub client_port: u16,
    /// The figures behind the outcome.
    pub fact: Fact,
}

impl Tally {
    /// The tally of one attempt.
    #[must_use]
    pub fn of(attempt: &Attempt) -> Self {
        Self {
            count: 1,
            first: attempt.start,
            last: attempt.start,
            samples: smallvec![Sample {
                time: attempt.start,
                locator: attempt.locator,
                client_port: attempt.client.port,
                fact: attempt.fact,
            }],
        }
    }

    /// Adds another tally and keeps the `limit` least samples.
    pub fn merge(&mut self, other: Self, limit: usize) {
        self.count += other.count;
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        for sample in other.samples {
            let at = self.samples.partition_point(|kept| *kept <= sample);
            if at < limit {
                self.samples.insert(at, sample);
                self.samples.truncate(limit);
            }
        }
    }
}
