//! Every name seen, by what showed it.

use hashbrown::HashMap;

use super::NameTable;
use crate::observe::{
    Address, Attempt, ChainId, NameId, NameSource, Offer, Resolution, Sighting, Sink, Sum, TextId,
    Timestamp,
};

/// Names that are kept in each part; what a capture of ordinary traffic holds is far below.
const MAX_NAMES: usize = 250_000;

/// How often each name was seen, from when to when. A commutative monoid, like
/// [`Evidence`](super::Evidence).
pub struct Sightings {
    names: NameTable,
    rows: HashMap<(NameSource, NameId), Seen, foldhash::fast::RandomState>,
}

/// How often, from when to when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// How often.
    pub count: u64,
    /// First.
    pub first: Timestamp,
    /// Last.
    pub last: Timestamp,
}

impl Default for Sightings {
    fn default() -> Self {
        Self { names: NameTable::new(MAX_NAMES), rows: HashMap::default() }
    }
}

impl Sightings {
    /// Every pair of source and name, sorted.
    #[must_use]
    pub fn rows(&self) -> Vec<(NameSource, &str, Seen)> {
        let mut rows: Vec<_> = self
            .rows
            .iter()
            .map(|((source, name), seen)| (*source, self.names.text(*name), *seen))
            .collect();
        rows.sort_unstable_by_key(|(source, name, _)| (*source, *name));
        rows
    }

    /// How often a name came that was not kept.
    #[must_use]
    pub const fn overflowed(&self) -> u64 {
        self.names.overflowed()
    }

    fn add(&mut self, key: (NameSource, NameId), seen: Seen) {
        self.rows
            .entry(key)
            .and_modify(|kept| {
                kept.count += seen.count;
                kept.first = kept.first.min(seen.first);
                kept.last = kept.last.max(seen.last);
            })
            .or_insert(seen);
    }
}

impl Sum for Sightings {
    fn merge(&mut self, other: Self) {
        let ids = self.names.absorb(&other.names);
        for ((source, name), seen) in other.rows {
            if let Some(&name) = ids.get(name.0 as usize) {
                self.add((source, name), seen);
            }
        }
    }
}

impl Sink for Sightings {
    const WANTS_SIGHTINGS: bool = true;

    fn intern(&mut self, name: &str) -> NameId {
        self.names.intern(name, |_| false)
    }

    fn is_text(&self, id: NameId, name: &str) -> bool {
        self.names.text(id) == name
    }

    fn keeps(&self, _: NameId) -> bool {
        false
    }

    fn keeps_unnamed(&mut self, _: Address) -> bool {
        false
    }

    fn text(&mut self, _: &str) -> Option<TextId> {
        None
    }

    fn wants_certificates(&self, _: Option<NameId>) -> bool {
        true
    }

    fn chain(&mut self, _: &[u8]) -> Option<ChainId> {
        None
    }

    fn attempt(&mut self, _: &Attempt) {}

    fn resolution(&mut self, _: &Resolution) {}

    fn sighting(&mut self, sighting: &Sighting) {
        if self.names.is_kept(sighting.name) {
            let seen = Seen { count: 1, first: sighting.time, last: sighting.time };
            self.add((sighting.source, sighting.name), seen);
        }
    }

    fn heard(&mut self, _: u32, _: Address) {}

    fn http3_offered(&mut self, _: NameId, _: Offer) {}
}
