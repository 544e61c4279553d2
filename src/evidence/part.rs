//! Evidence as one shard collects it: written front to back, folded only when it grows.
//!
//! Most entries of a capture are seen once, so looking each up in a map would cost a cache
//! miss for nothing. They are appended; when a list has doubled, equal keys are folded into
//! one entry.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::hash::Hash;

use hashbrown::HashMap;

use super::detail::Attempts;
use super::least::{Least, Rules};
use super::unnamed::Unnamed;
use super::{AttemptKey, ChainTable, Limits, NameTable, ResolutionKey, Span, Tally};
use crate::observe::{Address, ChainId, Duration, NameId, Offer, TextId};

/// How long after an alias has run out a client may still ask for its target.
const ALIAS_SLACK: Duration = Duration::from_seconds(30);

/// Entries that are appended before the first look for equal keys.
const FIRST_FOLD: usize = 32_768;

/// What one shard has seen.
#[derive(Clone, Default)]
pub(super) struct Part {
    pub(super) names: NameTable,
    /// Who decided, in the words of logs.
    pub(super) texts: NameTable,
    pub(super) chains: ChainTable,
    pub(super) attempts: Attempts,
    /// Attempts of captures that show no name.
    pub(super) unnamed: Unnamed,
    /// The same of logs.
    pub(super) unnamed_of_logs: Unnamed,
    pub(super) resolutions: Least<ResolutionKey, Span, Address>,
    /// Clients that packets were sent to, by unit.
    pub(super) heard: Log<(u32, Address), ()>,
    /// Who was told to ask for the second name instead of the third.
    pub(super) aliases: Log<(Address, NameId, NameId), Span>,
    /// From which addresses a hardware address sends, by unit.
    pub(super) hosts: Log<(u32, u64, Address), ()>,
    /// By how much clocks were set back, by unit.
    pub(super) set_back: Log<u32, Duration>,
    /// Names that capture files state for addresses.
    pub(super) file_names: Log<(Address, NameId), ()>,
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
        self.append(key, value);
    }

    /// Appends an entry, and leaves the folding to the caller.
    #[inline]
    pub(super) fn append(&mut self, key: K, value: V) {
        self.entries.push((key, value));
    }

    /// Gives every entry another key.
    pub(super) fn map_keys(&mut self, map: impl Fn(K) -> K) {
        for (key, _) in &mut self.entries {
            *key = map(*key);
        }
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

    /// Keeps the `limit` least entries by `order`, and returns the least of the others with all of
    /// them. Keys occur once.
    pub(super) fn keep_least(
        &mut self,
        limit: usize,
        order: impl Fn(&K, &K) -> Ordering,
    ) -> (Option<K>, Vec<(K, V)>) {
        if self.entries.len() <= limit {
            return (None, Vec::new());
        }
        let (_, (first, _), _) =
            self.entries.select_nth_unstable_by(limit, |(one, _), (other, _)| order(one, other));
        (Some(*first), self.entries.split_off(limit))
    }

    /// Folds when there are so many entries at the latest.
    pub(super) fn fold_before(&mut self, length: usize) {
        self.fold_at = self.fold_at.min(length).max(FIRST_FOLD);
    }
}

impl Part {
    pub(super) fn new(limits: &Limits) -> Self {
        let table = || NameTable::new(limits.names);
        Self { names: table(), texts: table(), ..Self::default() }
    }

    /// Counts attempts at a name.
    #[inline]
    pub(super) fn push_attempt(&mut self, key: AttemptKey, tally: Tally, limits: &Limits) {
        self.attempts.push(key, tally, limits.scale());
    }

    /// Counts answers that told where a name lives.
    #[inline]
    pub(super) fn push_resolution(&mut self, key: ResolutionKey, span: Span, limits: &Limits) {
        let Self { names, resolutions, .. } = self;
        resolutions.push(key, span, &ResolutionRules { names, limits });
    }

    /// Makes every key occur once, and keeps within the limits.
    pub(super) fn prune(&mut self, limits: &Limits) {
        self.unnamed.prune(limits.room());
        self.unnamed_of_logs.prune(limits.room_of_logs());
        let Self { names, attempts, resolutions, .. } = self;
        attempts.fold(limits.scale());
        resolutions.prune(&ResolutionRules { names, limits });
    }

    /// Gives names the addresses that their clients were told of the aliases that the names lead to, in
    /// place of the aliases. A chain has few links; resolvers follow no more of them (RFC 1034 section
    /// 3.6.2 warns of longer ones).
    pub(super) fn follow_aliases(&mut self, limits: &Limits) {
        const MAX_LINKS: usize = 8;
        if self.aliases.len() == 0 {
            return;
        }
        self.aliases.fold(Span::widen);
        let mut by_target: BTreeMap<(Address, NameId), Vec<(NameId, Span)>> = BTreeMap::new();
        for ((client, target, name), span) in self.aliases.iter() {
            by_target.entry((*client, *target)).or_default().push((*name, *span));
        }
        // What the client was told soon after the alias is of the name.
        let is_next = |alias: &Span, told: &Span| {
            told.from <= alias.until + ALIAS_SLACK && alias.from <= told.until
        };
        for _ in 0..MAX_LINKS {
            let mut found = Vec::new();
            self.resolutions.retain(|key, told| {
                let names = by_target.get(&(key.client, key.name)).into_iter().flatten();
                let before = found.len();
                let names = names.filter(|(_, alias)| is_next(alias, told));
                found.extend(names.map(|(name, _)| (ResolutionKey { name: *name, ..*key }, *told)));
                found.len() == before
            });
            if found.is_empty() {
                return;
            }
            for (key, span) in found {
                self.push_resolution(key, span, limits);
            }
        }
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
        let translated = |key: AttemptKey| AttemptKey {
            name: key.name.map(|(id, source)| (translate(id), source)),
            decider: key.decider.and_then(translate_text),
            chain: key.chain.and_then(translate_chain),
            ..key
        };
        self.attempts.absorb(other.attempts, translated, limits.scale());
        self.unnamed.absorb(other.unnamed, translated, limits.room());
        self.unnamed_of_logs.absorb(other.unnamed_of_logs, translated, limits.room_of_logs());
        let translated = |key: ResolutionKey| ResolutionKey { name: translate(key.name), ..key };
        let rules = ResolutionRules { names: &self.names, limits };
        self.resolutions.absorb(other.resolutions, translated, &rules);
        for (key, ()) in other.heard.entries {
            self.heard.push(key, (), |(), ()| {});
        }
        for ((client, target, name), span) in other.aliases.entries {
            self.aliases.push((client, translate(target), translate(name)), span, Span::widen);
        }
        for (key, ()) in other.hosts.entries {
            self.hosts.push(key, (), |(), ()| {});
        }
        for (unit, by) in other.set_back.entries {
            self.set_back.push(unit, by, |kept, new| *kept = new.max(*kept));
        }
        for ((address, name), ()) in other.file_names.entries {
            self.file_names.push((address, translate(name)), (), |(), ()| {});
        }
        for ((name, offer), ()) in other.offers.entries {
            self.offers.push((translate(name), offer), (), |(), ()| {});
        }
    }
}

/// Resolutions of the least addresses are kept, then those that come first by client and name.
struct ResolutionRules<'p> {
    names: &'p NameTable,
    limits: &'p Limits,
}

impl Rules<ResolutionKey, Span, Address> for ResolutionRules<'_> {
    fn limit(&self) -> usize {
        self.limits.resolutions
    }

    #[inline]
    fn rank(&self, key: &ResolutionKey) -> Address {
        key.address
    }

    fn order(&self, one: &ResolutionKey, other: &ResolutionKey) -> Ordering {
        let place = |key: &ResolutionKey| (key.address, key.client);
        place(one)
            .cmp(&place(other))
            .then_with(|| self.names.text(one.name).cmp(self.names.text(other.name)))
            .then_with(|| (one.bucket, one.unit).cmp(&(other.bucket, other.unit)))
    }

    fn add(&self, kept: &mut Span, new: Span) {
        kept.widen(new);
    }

    fn count(&self, span: &Span) -> u64 {
        span.count
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
}
