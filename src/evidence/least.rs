//! Entries of a part of which the least are kept, as many as a limit allows.
//!
//! A key that is among the least of the whole is among the least of every part that holds it. So
//! a part can give up the others as soon as it has enough, and the sum of parts is the same in any
//! grouping.

use std::cmp::Ordering;
use std::hash::Hash;

use super::part::Log;

/// What entries are ordered by, how they add up, and how many are kept.
pub(super) trait Rules<K, V, R> {
    /// How many distinct keys are kept.
    fn limit(&self) -> usize;
    /// What keys are ordered by first.
    fn rank(&self, key: &K) -> R;
    /// The total order of keys, which begins with the rank.
    fn order(&self, one: &K, other: &K) -> Ordering;
    /// Puts two values of one key together.
    fn add(&self, kept: &mut V, new: V);
    /// How many observations a value stands for.
    fn count(&self, value: &V) -> u64;
}

/// The least entries so far, by the rank `R` of their keys first.
#[derive(Clone)]
pub(super) struct Least<K, V, R> {
    log: Log<K, V>,
    /// There are enough keys of this rank and below.
    bound: Option<R>,
    /// Observations that were given up.
    given_up: u64,
}

impl<K, V, R> Default for Least<K, V, R> {
    fn default() -> Self {
        Self { log: Log::default(), bound: None, given_up: 0 }
    }
}

impl<K: Copy + Eq + Hash, V, R: Copy + Ord> Least<K, V, R> {
    /// Adds an entry.
    #[inline]
    pub(super) fn push(&mut self, key: K, value: V, rules: &impl Rules<K, V, R>) {
        if self.bound.is_some_and(|bound| bound < rules.rank(&key)) {
            self.given_up += rules.count(&value);
            return;
        }
        if self.log.len() >= self.log.folds_at() {
            self.prune(rules);
        }
        self.log.append(key, value);
    }

    /// Takes in those of another part; `translate` gives keys the ids of this part.
    pub(super) fn absorb(
        &mut self,
        other: Self,
        translate: impl Fn(K) -> K,
        rules: &impl Rules<K, V, R>,
    ) {
        self.given_up += other.given_up;
        for (key, value) in other.log.into_entries() {
            self.push(translate(key), value, rules);
        }
    }

    /// Makes every key occur once, and keeps within the limit.
    pub(super) fn prune(&mut self, rules: &impl Rules<K, V, R>) {
        self.log.fold(|kept, new| rules.add(kept, new));
        let limit = rules.limit();
        let (first, given_up) = self.log.keep_least(limit, |one, other| rules.order(one, other));
        self.bound = first.map(|key| rules.rank(&key)).or(self.bound);
        self.given_up += given_up.iter().map(|(_, value)| rules.count(value)).sum::<u64>();
        // Many more than the limit are not worth the room until the next look.
        self.log.fold_before(limit.saturating_add(limit / 4));
    }

    /// Keeps the entries that `is_kept` says.
    pub(super) fn retain(&mut self, is_kept: impl FnMut(&K, &V) -> bool) {
        self.log.retain(is_kept);
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, (K, V)> {
        self.log.iter()
    }

    /// Entries, of which several may have the same key.
    pub(super) const fn len(&self) -> usize {
        self.log.len()
    }

    pub(super) const fn given_up(&self) -> u64 {
        self.given_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps three, by tens first.
    struct Three;

    impl Rules<u32, u64, u32> for Three {
        fn limit(&self) -> usize {
            3
        }

        fn rank(&self, key: &u32) -> u32 {
            key / 10
        }

        fn order(&self, one: &u32, other: &u32) -> Ordering {
            one.cmp(other)
        }

        fn add(&self, kept: &mut u64, new: u64) {
            *kept += new;
        }

        fn count(&self, value: &u64) -> u64 {
            *value
        }
    }

    fn of(keys: impl IntoIterator<Item = u32>) -> Least<u32, u64, u32> {
        let mut least = Least::default();
        keys.into_iter().for_each(|key| least.push(key, 1, &Three));
        least
    }

    fn seen(mut least: Least<u32, u64, u32>) -> (Vec<(u32, u64)>, u64) {
        least.prune(&Three);
        let mut kept: Vec<(u32, u64)> = least.iter().copied().collect();
        kept.sort_unstable();
        (kept, least.given_up())
    }

    #[test]
    fn the_least_are_kept_with_all_that_was_seen_of_them() {
        let keys = [50, 12, 31, 12, 11, 50, 13, 11, 70];
        let expected = (vec![(11, 2), (12, 2), (13, 1)], 4);
        assert_eq!(seen(of(keys)), expected);
        let (one, other) = keys.split_at(4);
        for early in [false, true] {
            let (mut one, mut other) = (of(one.iter().copied()), of(other.iter().copied()));
            if early {
                one.prune(&Three);
                other.prune(&Three);
            }
            one.absorb(other, |key| key, &Three);
            assert_eq!(seen(one), expected);
        }
    }

    #[test]
    fn many_distinct_keys_take_little_room() {
        let least = of((0..1_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761)));
        assert!(least.log.len() <= 40_000, "{}", least.log.len());
        let (kept, given_up) = seen(least);
        assert_eq!(kept.len(), 3);
        assert_eq!(given_up, 999_997);
    }
}
