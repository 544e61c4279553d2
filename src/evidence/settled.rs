//! Evidence in its final form, after the last merge: what verdicts are computed from.

use std::collections::BTreeSet;

use hashbrown::HashSet;

use super::part::Part;
use super::{AttemptKey, Limits, NameTable, Pruned, ResolutionKey, Span, Tally};
use crate::observe::{Address, Cause, Channel, NameId, Outcome};

/// What verdicts can depend on: the attempts at names that concern the catalog, those that a
/// resolution may give such a name, and the resolutions that decide it.
///
/// The ids of names follow the order of their texts, so sorted by key means sorted by text.
#[derive(Clone)]
pub struct Settled {
    names: NameTable,
    attempts: Vec<(AttemptKey, Tally)>,
    resolutions: Vec<(ResolutionKey, Span)>,
    heard: Vec<HashSet<(u32, Address), foldhash::fast::RandomState>>,
    pruned: Pruned,
}

/// The addresses and names that matter, found before anything is copied.
#[derive(Default)]
struct Relevant<'p> {
    /// Addresses that a name of the catalog was said to live at and that a nameless attempt
    /// went to.
    addresses: HashSet<Address, foldhash::fast::RandomState>,
    /// Names that a name of the catalog may be with a search suffix appended.
    prefixes: BTreeSet<&'p str>,
}

impl Settled {
    pub(super) fn of(parts: Vec<&Part>, limits: &Limits, pruned: Pruned) -> Self {
        let relevant = Relevant::of(&parts);
        let mut texts: BTreeSet<&str> = BTreeSet::new();
        for part in &parts {
            let named = part.attempts.iter().filter_map(|(key, _)| key.name);
            texts.extend(named.map(|(id, _)| part.names.text(id)));
            let resolved = part.resolutions.iter().filter(|(key, _)| relevant.keeps(part, key));
            texts.extend(resolved.map(|(key, _)| part.names.text(key.name)));
        }
        let mut names = NameTable::new(usize::MAX);
        for text in &texts {
            let concerns = parts
                .iter()
                .any(|part| part.names.find(text).is_some_and(|id| part.names.concerns(id)));
            names.intern(text, |_| concerns);
        }
        let mut attempts = Vec::new();
        let mut resolutions = Vec::new();
        for part in &parts {
            let id = |id: NameId| names.find(part.names.text(id)).unwrap_or(id);
            for (key, tally) in part.attempts.iter() {
                if key.name.is_some() || relevant.addresses.contains(&key.server.address) {
                    let name = key.name.map(|(name, source)| (id(name), source));
                    attempts.push((AttemptKey { name, ..*key }, tally.clone()));
                }
            }
            for (key, span) in part.resolutions.iter().filter(|(key, _)| relevant.keeps(part, key))
            {
                resolutions.push((ResolutionKey { name: id(key.name), ..*key }, *span));
            }
        }
        let attempts =
            fold_sorted(attempts, |kept: &mut Tally, new| kept.merge(new, limits.samples));
        let resolutions = fold_sorted(resolutions, Span::widen);
        let heard = parts.iter().map(|part| part.heard.clone()).collect();
        Self { names, attempts, resolutions, heard, pruned }
    }

    /// The names that the keys speak of, numbered in the order of their texts.
    #[must_use]
    pub const fn names(&self) -> &NameTable {
        &self.names
    }

    /// The attempts, sorted by key.
    #[must_use]
    pub fn attempts(&self) -> &[(AttemptKey, Tally)] {
        &self.attempts
    }

    /// The resolutions, sorted by address, client, name and hour.
    #[must_use]
    pub fn resolutions(&self) -> &[(ResolutionKey, Span)] {
        &self.resolutions
    }

    /// Whether packets to this client are in the unit.
    #[must_use]
    pub fn was_heard(&self, unit: u32, client: Address) -> bool {
        self.heard.iter().any(|heard| heard.contains(&(unit, client)))
    }

    /// What the limits made the sum give up.
    #[must_use]
    pub const fn pruned(&self) -> Pruned {
        self.pruned
    }
}

impl<'p> Relevant<'p> {
    fn of(parts: &[&'p Part]) -> Self {
        let mut tried: HashSet<Address, foldhash::fast::RandomState> = HashSet::default();
        let mut relevant = Self::default();
        for part in parts {
            for (key, _) in part.attempts.iter() {
                match key.name {
                    None => {
                        tried.insert(key.server.address);
                    }
                    Some((name, _)) if is_no_such_name(key) => {
                        relevant.prefixes.extend(prefixes(part.names.text(name)));
                    }
                    Some(_) => {}
                }
            }
        }
        for part in parts {
            for (key, _) in part.resolutions.iter() {
                if part.names.concerns(key.name) && tried.contains(&key.address) {
                    relevant.addresses.insert(key.address);
                }
            }
        }
        relevant
    }

    fn keeps(&self, part: &Part, key: &ResolutionKey) -> bool {
        self.addresses.contains(&key.address)
            || (!self.prefixes.is_empty() && self.prefixes.contains(part.names.text(key.name)))
    }
}

/// Whether attempts of this key ended with the answer that there is no such name.
pub(crate) fn is_no_such_name(key: &AttemptKey) -> bool {
    key.outcome == Outcome::Blocked(Cause::DnsNxdomain) && matches!(key.channel, Channel::Dns(_))
}

/// The names that a name can be with a search suffix appended. A name of one label is not
/// asked for without a suffix, so the least has two.
pub(crate) fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('.').skip(1).filter_map(|(at, _)| name.get(..at))
}

/// Sorts entries by key and makes every key occur once.
fn fold_sorted<K: Ord, V>(mut entries: Vec<(K, V)>, add: impl Fn(&mut V, V)) -> Vec<(K, V)> {
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut folded: Vec<(K, V)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match folded.last_mut() {
            Some((last, kept)) if *last == key => add(kept, value),
            _ => folded.push((key, value)),
        }
    }
    folded
}
