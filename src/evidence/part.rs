//! Evidence as one shard collects it: written front to back, folded only when it grows.
//!
//! Most entries of a capture are seen once, so looking each up in a map would cost a cache
//! miss for nothing. They are appended; when a list has doubled, equal keys are folded into
//! one entry.

use std::hash::Hash;

use hashbrown::HashMap;

use super::unnamed::Unnamed;
use super::{AttemptKey, ChainTable, Limits, NameTable, ResolutionKey, Span, Tally};
use crate::observe::{Address, ChainId, NameId, Offer, TextId};

/// Entries that are appended before the first look for equal keys.
const FIRST_FOLD: usize = 32_768;

/// What one shard has seen.
#[derive(Clone, Default)]
pub(super) struct Part {
    pub(super) names: NameTable,
    /// Who decided, in the words of logs.
    pub(super) texts: NameTable,
    pub(super) chains: ChainTable,
    pub(super) attempts: Log<AttemptKey, Tally>,
    /// Attempts of captures that show no name.
    pub(super) unnamed: Unnamed,
    /// The same of logs.
    pub(super) unnamed_of_logs: Unnamed,
    pub(super) resolutions: Log<ResolutionKey, Span>,
    /// Clients that packets were sent to, by unit.
    pub(super) heard: Log<(u32, Address), ()>,
    /// Names that are said to be served by HTTP/3.
    pub(super) offers: Log<(NameId, Offer), ()>,
}

/// Entries in the order of arrival; a key may occur more than once.
#[derive(Clone)]
pub(super) struct Log<K, V> {
    entries: Vec<(K, V)>,
    fold_at: usize,
}

impl<K, V> Default for Log<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), fold_at: FIRST_FOLD }
    }
}

impl<K: Copy + Eq + Hash, V> Log<K, V> {
    /// Appends an entry; `add` puts two values of one key together.
    #[inline]
    pub(super) fn push(&mut self, key: K, value: V, add: impl Fn(&mut V, V)) {
        if self.entries.len() >= self.fold_at {
            self.fold(add);
        }
        self.entries.push((key, value));
    }

    /// Makes every key occur once.
    pub(super) fn fold(&mut self, add: impl Fn(&mut V, V)) {
        let mut places: HashMap<K, usize, foldhash::fast::RandomState> =
            HashMap::with_capacity_and_hasher(
                self.entries.len(),
                foldhash::fast::RandomState::default(),
            );
        let mut folded: Vec<(K, V)> = Vec::with_capacity(self.entries.len());
        for (key, value) in std::mem::take(&mut self.entries) {
            let place = *places.entry(key).or_insert(folded.len());
            match folded.get_mut(place) {
                Some((_, kept)) => add(kept, value),
                None => folded.push((key, value)),
            }
        }
        self.fold_at = FIRST_FOLD.max(folded.len().saturating_mul(2));
        self.entries = folded;
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, (K, V)> {
        self.entries.iter()
    }

    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether equal keys were folded since the last entry was appended and for how many entries
    /// that will do: the length at which the next push folds.
    pub(super) const fn folds_at(&self) -> usize {
        self.fold_at
    }

    /// Keeps the entries that `is_kept` says, in order, and hands the others to `drop`.
    pub(super) fn retain(&mut self, mut is_kept: impl FnMut(&K, &V) -> bool) {
        self.entries.retain(|(key, value)| is_kept(key, value));
        self.fold_at = FIRST_FOLD.max(self.entries.len().saturating_mul(2));
    }

    /// The entries, taken out.
    pub(super) fn into_entries(self) -> Vec<(K, V)> {
        self.entries
    }

    /// Keeps the `limit` least entries by `order` and returns the others. Keys occur once.
    pub(super) fn keep_least<O: Ord>(
        &mut self,
        limit: usize,
        order: impl Fn(&K) -> O,
    ) -> Vec<(K, V)> {
        if self.entries.len() <= limit {
            return Vec::new();
        }
        self.entries.sort_unstable_by_key(|(key, _)| order(key));
        self.entries.split_off(limit)
    }
}

impl Part {
    pub(super) fn new(limits: &Limits) -> Self {
        let table = || NameTable::new(limits.names);
        Self { names: table(), texts: table(), ..Self::default() }
    }

    /// All attempts that show no name.
    pub(super) fn unnamed(&self) -> impl Iterator<Item = &(AttemptKey, Tally)> {
        self.unnamed.iter().chain(self.unnamed_of_logs.iter())
    }

    /// Takes in what another part has seen.
    pub(super) fn absorb(&mut self, other: Self, limits: &Limits) {
        let ids = self.names.absorb(&other.names);
        let texts = self.texts.absorb(&other.texts);
        let translate_text = |id: TextId| texts.get(id.0 as usize).map(|id| TextId(id.0));
        let chains = self.chains.absorb(&other.chains);
        let translate_chain = |id: ChainId| chains.get(id.0 as usize).copied().flatten();
        let translate = |id: NameId| ids.get(id.0 as usize).copied().unwrap_or(id);
        for (mut key, tally) in other.attempts.entries {
            key.name = key.name.map(|(id, source)| (translate(id), source));
            key.decider = key.decider.and_then(translate_text);
            key.chain = key.chain.and_then(translate_chain);
            self.attempts.push(key, tally, |kept, new| kept.merge(new, limits.samples));
        }
        let translated = |key: AttemptKey| AttemptKey {
            decider: key.decider.and_then(translate_text),
            chain: key.chain.and_then(translate_chain),
            ..key
        };
        self.unnamed.absorb(other.unnamed, translated, limits.unnamed, limits.samples);
        let limit = limits.unnamed_of_logs;
        self.unnamed_of_logs.absorb(other.unnamed_of_logs, translated, limit, limits.samples);
        for (mut key, span) in other.resolutions.entries {
            key.name = translate(key.name);
            self.resolutions.push(key, span, Span::widen);
        }
        for (key, ()) in other.heard.entries {
            self.heard.push(key, (), |(), ()| {});
        }
        for ((name, offer), ()) in other.offers.entries {
            self.offers.push((translate(name), offer), (), |(), ()| {});
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_are_folded_when_the_log_has_grown() {
        let mut log: Log<u32, u64> = Log::default();
        for round in 0..1_000_000_u32 {
            log.push(round % 10, 1, |kept, new| *kept += new);
        }
        assert!(log.len() <= FIRST_FOLD);
        log.fold(|kept, new| *kept += new);
        assert_eq!(log.len(), 10);
        assert!(log.iter().all(|(_, count)| *count == 100_000));
    }

    #[test]
    fn the_least_keys_are_kept() {
        let mut log: Log<u32, ()> = Log::default();
        for key in [5, 1, 4, 2, 3] {
            log.push(key, (), |_, ()| {});
        }
        let given_up = log.keep_least(3, |key| *key);
        assert_eq!(log.iter().map(|(key, ())| *key).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(given_up.len(), 2);
    }
}
