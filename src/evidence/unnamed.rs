//! Attempts that show no name: of each part, as many as a limit allows.
//!
//! A log of a day may hold tens of millions of them, nearly all of addresses that no name will
//! ever be joined with. When there are too many, all those of the greatest server addresses are
//! given up, so that what is kept of an address is complete. Which addresses these are depends
//! on the sum alone: a bound that a part finds is at or above that of any sum it becomes part
//! of.

use super::part::Log;
use super::{AttemptKey, Tally};
use crate::observe::Address;

/// How much is kept.
#[derive(Clone, Copy)]
pub(super) struct Room {
    /// Distinct attempts.
    pub(super) limit: usize,
    /// Samples of each.
    pub(super) samples: usize,
    /// Whether nothing is worth keeping when not all can be.
    pub(super) is_all_or_none: bool,
}

/// The attempts of a part, and the bound of what is kept.
#[derive(Clone, Default)]
pub(super) struct Unnamed {
    log: Log<AttemptKey, Tally>,
    /// Attempts at this server address and greater ones are not kept.
    bound: Option<Address>,
    /// Attempts that were given up.
    given_up: u64,
}

impl Unnamed {
    /// Adds attempts.
    pub(super) fn push(&mut self, key: AttemptKey, tally: Tally, room: Room) {
        if self.is_beyond(&key) {
            self.given_up += tally.count;
            return;
        }
        if self.log.len() >= self.log.folds_at() {
            self.prune(room);
        }
        self.log.append(key, tally);
    }

    /// Whether an attempt at this server would be kept; one that would not is counted.
    pub(super) fn has_room_for(&mut self, server: Address) -> bool {
        let has_room = self.bound.is_none_or(|bound| server < bound);
        self.given_up += u64::from(!has_room);
        has_room
    }

    /// Takes in those of another part; `translate` gives keys the ids of this part.
    pub(super) fn absorb(
        &mut self,
        other: Self,
        translate: impl Fn(AttemptKey) -> AttemptKey,
        room: Room,
    ) {
        self.given_up += other.given_up;
        self.lower(other.bound);
        for (key, tally) in other.log.into_entries() {
            self.push(translate(key), tally, room);
        }
    }

    /// Makes every key occur once, and keeps within the limit.
    pub(super) fn prune(&mut self, Room { limit, samples, is_all_or_none }: Room) {
        self.log.fold(|kept, new| kept.merge(new, samples));
        // Many more than the limit are not worth the room until the next look.
        self.log.fold_before(limit.saturating_add(limit / 4));
        if self.log.len() <= limit {
            return;
        }
        if is_all_or_none {
            self.lower(Some(Address::default()));
            return;
        }
        let mut servers: Vec<Address> =
            self.log.iter().map(|(key, _)| key.server.address).collect();
        let (_, bound, _) = servers.select_nth_unstable(limit);
        self.lower(Some(*bound));
    }

    /// Lowers the bound, if `bound` is lower, and gives up what lies at or above it.
    fn lower(&mut self, bound: Option<Address>) {
        let Some(bound) = bound else { return };
        if self.bound.is_some_and(|own| own <= bound) {
            return;
        }
        self.bound = Some(bound);
        let given_up = &mut self.given_up;
        self.log.retain(|key, tally| {
            let is_kept = key.server.address < bound;
            *given_up += if is_kept { 0 } else { tally.count };
            is_kept
        });
    }

    /// Whether the sum of these parts passes the limit, or one of them already has.
    pub(super) fn is_over<'p>(parts: impl Iterator<Item = &'p Self>, limit: usize) -> bool {
        let (mut sum, mut has_bound) = (0, false);
        for part in parts {
            sum += part.log.len();
            has_bound |= part.bound.is_some();
        }
        has_bound || sum > limit
    }

    pub(super) const fn given_up(&self) -> u64 {
        self.given_up
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, (AttemptKey, Tally)> {
        self.log.iter()
    }

    fn is_beyond(&self, key: &AttemptKey) -> bool {
        self.bound.is_some_and(|bound| bound <= key.server.address)
    }
}
