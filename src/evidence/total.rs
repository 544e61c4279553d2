//! The sum of everything observed.

use std::hash::Hash;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::{NameTable, Tally};
use crate::catalog::{Matcher, Matches};
use crate::observe::{
    Address, Attempt, Channel, NameId, NameSource, Outcome, Resolution, Sighting, Sink,
    SocketAddress, Sum, Timestamp,
};

/// Length of the time buckets that keep attempts of one kind apart, in nanoseconds: fine
/// enough to tell what was retried at once, coarse enough to add up.
pub(crate) const BUCKET: i64 = 60 * 1_000_000_000;

/// What an attempt is counted under.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AttemptKey {
    /// The minute in which the attempt began.
    pub bucket: i64,
    /// The name and what showed it, or `None` when a resolution must tell.
    pub name: Option<(NameId, NameSource)>,
    /// Who tried.
    pub client: Address,
    /// Whom the packets went to.
    pub server: SocketAddress,
    /// The port of the service asked for.
    pub target_port: u16,
    /// By what means.
    pub channel: Channel,
    /// How it ended.
    pub outcome: Outcome,
    /// First input of the sequence in which it was seen.
    pub unit: u32,
}

/// What a resolution is counted under.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ResolutionKey {
    /// Where the name was said to live.
    pub address: Address,
    /// Who asked.
    pub client: Address,
    /// What was asked for.
    pub name: NameId,
    /// The hour of the answer, so that a name asked again much later leaves the hours between
    /// to others.
    pub bucket: i64,
}

/// From the first answer to the end of the last one's time to live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The first answer.
    pub from: Timestamp,
    /// When the last answer runs out.
    pub until: Timestamp,
}

/// How much is kept. The defaults suit a machine with a few hundred megabytes to spare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Samples kept with each tally.
    pub samples: usize,
    /// Names kept that do not concern the catalog, in each part.
    pub names: usize,
    /// Distinct attempts kept in the sum.
    pub attempts: usize,
    /// Distinct resolutions kept in the sum.
    pub resolutions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { samples: 3, names: 50_000, attempts: 1_000_000, resolutions: 2_000_000 }
    }
}

/// The mergeable sum of attempts and resolutions: a commutative monoid.
///
/// An empty one is the identity of [`merge`](Evidence::merge), which may be applied in any
/// grouping and any order. When a limit is passed, the greatest keys are given up, which keeps
/// the law: a key that is among the least of the whole is among the least of every part.
#[derive(Clone)]
pub struct Evidence {
    matcher: Arc<Matcher>,
    matches: Matches,
    limits: Limits,
    names: NameTable,
    attempts: HashMap<AttemptKey, Tally, foldhash::fast::RandomState>,
    resolutions: HashMap<ResolutionKey, Span, foldhash::fast::RandomState>,
    heard: HashSet<(u32, Address), foldhash::fast::RandomState>,
}

impl Evidence {
    /// No evidence yet, about the endpoints that `matcher` knows.
    #[must_use]
    pub fn new(matcher: Arc<Matcher>, limits: Limits) -> Self {
        Self {
            matcher,
            matches: Matches::default(),
            limits,
            names: NameTable::new(limits.names),
            attempts: HashMap::default(),
            resolutions: HashMap::default(),
            heard: HashSet::default(),
        }
    }

    /// The names that the keys speak of.
    #[must_use]
    pub const fn names(&self) -> &NameTable {
        &self.names
    }

    /// Whether packets to this client are in the unit.
    #[must_use]
    pub fn was_heard(&self, unit: u32, client: Address) -> bool {
        self.heard.contains(&(unit, client))
    }

    /// Every attempt, sorted; names by their text, because ids depend on the order of arrival.
    #[must_use]
    pub fn attempts(&self) -> Vec<(AttemptKey, &Tally)> {
        let mut all: Vec<_> = self.attempts.iter().map(|(key, tally)| (*key, tally)).collect();
        all.sort_unstable_by(|(a, _), (b, _)| self.order(a).cmp(&self.order(b)));
        all
    }

    /// Every resolution, sorted by address, client, name and hour.
    #[must_use]
    pub fn resolutions(&self) -> Vec<(ResolutionKey, Span)> {
        let mut all: Vec<_> = self.resolutions.iter().map(|(key, span)| (*key, *span)).collect();
        let order =
            |key: &ResolutionKey| (key.address, key.client, self.names.text(key.name), key.bucket);
        all.sort_unstable_by(|(a, _), (b, _)| order(a).cmp(&order(b)));
        all
    }

    /// Brings the sum back within its limits and tells what was given up.
    pub fn prune(&mut self) -> Pruned {
        let mut pruned = Pruned { names: self.names.overflowed(), ..Pruned::default() };
        if self.attempts.len() > self.limits.attempts {
            let surplus: Vec<AttemptKey> =
                self.attempts().iter().skip(self.limits.attempts).map(|(key, _)| *key).collect();
            for key in surplus {
                if let Some(tally) = self.attempts.remove(&key) {
                    pruned.attempts += tally.count;
                }
            }
        }
        if self.resolutions.len() > self.limits.resolutions {
            let surplus: Vec<ResolutionKey> = self
                .resolutions()
                .iter()
                .skip(self.limits.resolutions)
                .map(|(key, _)| *key)
                .collect();
            pruned.resolutions += surplus.len() as u64;
            for key in surplus {
                self.resolutions.remove(&key);
            }
        }
        pruned
    }

    fn order<'a>(&'a self, key: &AttemptKey) -> impl Ord + use<'a> {
        let name = key.name.map(|(id, source)| (self.names.text(id), source));
        (
            key.bucket,
            name,
            key.client,
            key.server,
            key.target_port,
            key.channel,
            key.outcome,
            key.unit,
        )
    }
}

/// What the limits made the sum give up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pruned {
    /// Attempts.
    pub attempts: u64,
    /// Resolutions.
    pub resolutions: u64,
    /// Times that a name came which was not kept.
    pub names: u64,
}

impl Sum for Evidence {
    fn merge(&mut self, mut other: Self) {
        if self.attempts.len() + self.resolutions.len()
            < other.attempts.len() + other.resolutions.len()
        {
            std::mem::swap(self, &mut other);
        }
        let ids = self.names.absorb(&other.names);
        let translate = |id: NameId| ids.get(id.0 as usize).copied().unwrap_or(id);
        for (mut key, tally) in other.attempts {
            key.name = key.name.map(|(id, source)| (translate(id), source));
            count(&mut self.attempts, key, tally, self.limits.samples);
        }
        for (mut key, span) in other.resolutions {
            key.name = translate(key.name);
            widen(&mut self.resolutions, key, span);
        }
        self.heard.extend(other.heard);
    }
}

impl Sink for Evidence {
    const WANTS_SIGHTINGS: bool = false;

    #[inline]
    fn intern(&mut self, name: &str) -> NameId {
        let Self { names, matcher, matches, .. } = self;
        names.intern(name, |name| {
            matcher.matches(name, matches);
            !matches.endpoints().is_empty() || !matches.near_misses().is_empty()
        })
    }

    #[inline]
    fn attempt(&mut self, attempt: &Attempt) {
        if attempt.name.is_some_and(|(id, _)| !self.names.concerns(id)) {
            return;
        }
        let key = AttemptKey {
            bucket: attempt.start.nanos().div_euclid(BUCKET),
            name: attempt.name,
            client: attempt.client.address,
            server: attempt.server,
            target_port: attempt.target_port,
            channel: attempt.channel,
            outcome: attempt.outcome,
            unit: attempt.unit,
        };
        count(&mut self.attempts, key, Tally::of(attempt), self.limits.samples);
    }

    #[inline]
    fn resolution(&mut self, resolution: &Resolution) {
        if !self.names.is_kept(resolution.name) {
            return;
        }
        let key = ResolutionKey {
            address: resolution.address,
            client: resolution.client,
            name: resolution.name,
            bucket: resolution.time.nanos().div_euclid(60 * BUCKET),
        };
        let until = resolution.time + resolution.time_to_live;
        widen(&mut self.resolutions, key, Span { from: resolution.time, until });
    }

    #[inline]
    fn sighting(&mut self, _: &Sighting) {}

    #[inline]
    fn heard(&mut self, unit: u32, client: Address) {
        self.heard.insert((unit, client));
    }
}

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

fn count<K: Eq + Hash>(map: &mut Map<K, Tally>, key: K, tally: Tally, samples: usize) {
    match map.entry(key) {
        hashbrown::hash_map::Entry::Occupied(mut kept) => kept.get_mut().merge(tally, samples),
        hashbrown::hash_map::Entry::Vacant(place) => {
            place.insert(tally);
        }
    }
}

fn widen(map: &mut Map<ResolutionKey, Span>, key: ResolutionKey, span: Span) {
    map.entry(key)
        .and_modify(|kept| {
            kept.from = kept.from.min(span.from);
            kept.until = kept.until.max(span.until);
        })
        .or_insert(span);
}
