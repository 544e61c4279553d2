//! A map that forgets what was not used for long.

use std::hash::Hash;

use hashbrown::HashMap;

/// Keeps at most `limit` entries, and at least the half of them that were used last.
///
/// Entries lie in two generations. What is used moves to the young one; when that holds half the
/// limit, it becomes the old one and what was old is forgotten.
pub(super) struct Recent<K, V> {
    young: HashMap<K, V, foldhash::fast::RandomState>,
    old: HashMap<K, V, foldhash::fast::RandomState>,
    limit: usize,
    forgotten: u64,
}

impl<K: Hash + Eq, V: Default> Recent<K, V> {
    pub(super) fn new(limit: usize) -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), limit, forgotten: 0 }
    }

    /// The value of a key, a fresh one if there was none.
    pub(super) fn entry(&mut self, key: K) -> &mut V {
        let known = self.old.remove(&key);
        if self.young.len() >= self.limit / 2 && !self.young.contains_key(&key) {
            self.forgotten += self.old.len() as u64;
            self.old = std::mem::take(&mut self.young);
        }
        self.young.entry(key).or_insert_with(|| known.unwrap_or_default())
    }

    /// The value of a key that is there. It does not count as used.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    /// Entries that were forgotten so far.
    pub(super) const fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_limit_holds() {
        let mut recent: Recent<u32, u32> = Recent::new(100);
        for key in 0..1_000 {
            *recent.entry(7) += 1;
            recent.entry(key);
            assert!(recent.young.len() + recent.old.len() <= 100);
        }
        assert_eq!(recent.get(&7), Some(&1_000));
        assert!(recent.get(&999).is_some() && recent.get(&950).is_some());
        assert!(recent.get(&100).is_none());
        assert!(recent.forgotten() > 0);
    }
}
