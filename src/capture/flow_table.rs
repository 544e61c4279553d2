//! A bounded table of flows with deadlines in packet time.

use hashbrown::HashMap;

use super::flow_key::FlowKey;
use crate::observe::{Duration, Timestamp};

/// Index of a flow in its table; valid until the flow is removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slot(u32);

/// Flows by key, each with the instant after which it is over.
///
/// Nothing here scans the table: every packet looks at one more slot ([`Self::sweep`]), and a
/// full table gives up the flow with the nearest deadline among a few neighbours. Both depend
/// on the sequence of calls alone, so equal packets give equal results.
pub(crate) struct FlowTable<F> {
    index: HashMap<FlowKey, u32, foldhash::fast::RandomState>,
    flows: Vec<Option<(FlowKey, F)>>,
    /// Beside the flows, so that a sweep reads a dense array.
    clocks: Vec<Clock>,
    free: Vec<u32>,
    hand: usize,
    limit: usize,
    evicted: u64,
}

/// When the flow in a slot is over. Most packets of a capture belong to flows that have nothing
/// more to say, and need this of them and nothing else.
#[derive(Clone, Copy)]
struct Clock {
    /// In nanoseconds; `i64::MAX` when the slot is free.
    deadline: i64,
    /// By how many nanoseconds a packet puts off the deadline of a flow that has nothing more to
    /// say; 0 for the others.
    quiet: i64,
}

impl Clock {
    /// That of a slot without a flow.
    const FREE: Self = Self { deadline: i64::MAX, quiet: 0 };

    #[inline]
    fn put_off(&mut self, until: i64) {
        // The maximum marks free slots.
        self.deadline = until.min(i64::MAX - 1);
    }
}

/// Among how many neighbours a full table looks for the flow to give up.
const EVICTION_CANDIDATES: usize = 16;

impl<F> FlowTable<F> {
    /// An empty table for at most `limit` flows.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            index: HashMap::default(),
            flows: Vec::new(),
            clocks: Vec::new(),
            free: Vec::new(),
            hand: 0,
            limit: limit.max(1),
            evicted: 0,
        }
    }

    /// The slot of a flow.
    #[inline]
    pub(crate) fn find(&self, key: &FlowKey) -> Option<Slot> {
        self.index.get(key).map(|&slot| Slot(slot))
    }

    /// The flow in a slot.
    #[inline]
    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut F> {
        self.flows.get_mut(slot.0 as usize)?.as_mut().map(|(_, flow)| flow)
    }

    /// Whether the flow's deadline lies before `now`.
    #[inline]
    pub(crate) fn is_over(&self, slot: Slot, now: Timestamp) -> bool {
        self.clocks.get(slot.0 as usize).is_some_and(|clock| clock.deadline < now.nanos())
    }

    /// Sets the instant after which the flow is over.
    #[inline]
    pub(crate) fn set_deadline(&mut self, slot: Slot, deadline: Timestamp) {
        if let Some(clock) = self.clocks.get_mut(slot.0 as usize) {
            clock.put_off(deadline.nanos());
        }
    }

    /// Marks the flow as one that has nothing more to say and is put off by this with every
    /// packet.
    #[inline]
    pub(crate) fn set_quiet(&mut self, slot: Slot, patience: Duration) {
        if let Some(clock) = self.clocks.get_mut(slot.0 as usize) {
            clock.quiet = patience.nanos();
        }
    }

    /// Puts off the deadline of a quiet flow, and says whether it is one.
    #[inline]
    pub(crate) fn put_off_if_quiet(&mut self, slot: Slot, now: Timestamp) -> bool {
        match self.clocks.get_mut(slot.0 as usize) {
            Some(clock) if clock.quiet > 0 => {
                clock.put_off(now.nanos().saturating_add(clock.quiet));
                true
            }
            _ => false,
        }
    }

    /// Adds the flow that `make` makes; the caller has made sure that the key is not in the table. A
    /// flow that had to be given up for it comes back.
    pub(crate) fn insert(
        &mut self,
        key: FlowKey,
        deadline: Timestamp,
        make: impl FnOnce() -> F,
    ) -> (Slot, Option<(FlowKey, F)>) {
        let evicted = if self.index.len() >= self.limit { self.evict() } else { None };
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.flows.push(None);
                self.clocks.push(Clock::FREE);
                u32::try_from(self.flows.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.index.insert(key, slot);
        self.set_deadline(Slot(slot), deadline);
        // Flows are large: one that is made here is copied once.
        if let Some(place) = self.flows.get_mut(slot as usize) {
            *place = Some((key, make()));
        }
        (Slot(slot), evicted)
    }

    /// The flow in a slot, with its key.
    pub(crate) fn entry_mut(&mut self, slot: Slot) -> Option<(FlowKey, &mut F)> {
        self.flows.get_mut(slot.0 as usize)?.as_mut().map(|(key, flow)| (*key, flow))
    }

    /// Drops a flow where it lies; flows are large, and most have nothing left to say.
    pub(crate) fn discard(&mut self, slot: Slot) {
        if let Some(place) = self.flows.get_mut(slot.0 as usize)
            && let Some((key, _)) = place
        {
            self.index.remove(key);
            *place = None;
            self.release(slot);
        }
    }

    /// Takes a flow out.
    pub(crate) fn remove(&mut self, slot: Slot) -> Option<(FlowKey, F)> {
        let (key, flow) = self.flows.get_mut(slot.0 as usize)?.take()?;
        self.index.remove(&key);
        self.release(slot);
        Some((key, flow))
    }

    fn release(&mut self, slot: Slot) {
        if let Some(clock) = self.clocks.get_mut(slot.0 as usize) {
            *clock = Clock::FREE;
        }
        self.free.push(slot.0);
    }

    /// Looks at the next slot and says whether its flow's deadline has passed; the caller takes
    /// such a flow out.
    #[inline]
    pub(crate) fn sweep(&mut self, now: Timestamp) -> Option<Slot> {
        let hand = if self.hand < self.clocks.len() { self.hand } else { 0 };
        self.hand = hand + 1;
        if self.clocks.get(hand)?.deadline >= now.nanos() {
            return None;
        }
        Some(Slot(u32::try_from(hand).ok()?))
    }

    /// Hands out every flow where it lies, in the order of their slots, and drops them all.
    pub(crate) fn end(&mut self, mut each: impl FnMut(&FlowKey, &mut F)) {
        for (key, flow) in self.flows.iter_mut().flatten() {
            each(key, flow);
        }
        self.index.clear();
        self.clocks.clear();
        self.free.clear();
        self.flows.clear();
    }

    /// How many flows were given up because the table was full.
    pub(crate) const fn evicted(&self) -> u64 {
        self.evicted
    }

    fn evict(&mut self) -> Option<(FlowKey, F)> {
        let length = self.clocks.len();
        let victim = (0..EVICTION_CANDIDATES)
            .map(|step| (self.hand + step) % length.max(1))
            .min_by_key(|&slot| self.clocks.get(slot).map_or(i64::MAX, |clock| clock.deadline))?;
        self.hand = (self.hand + EVICTION_CANDIDATES) % length.max(1);
        self.evicted += 1;
        self.remove(Slot(u32::try_from(victim).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::flow_key::UDP;
    use crate::observe::{Address, Duration, SocketAddress};

    fn key(port: u16) -> FlowKey {
        let client = SocketAddress::new(Address::from_v4([10, 0, 0, 1]), port);
        let server = SocketAddress::new(Address::from_v4([203, 0, 113, 1]), 443);
        FlowKey::new(UDP, client, server).0
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(0) + Duration::from_seconds(seconds)
    }

    #[test]
    fn flows_are_found_until_they_are_removed() {
        let mut table = FlowTable::new(10);
        let (slot, _) = table.insert(key(1), at(5), || "one");
        assert_eq!(table.find(&key(1)), Some(slot));
        assert_eq!(table.remove(slot), Some((key(1), "one")));
        assert_eq!(table.find(&key(1)), None);
        let (again, _) = table.insert(key(2), at(5), || "two");
        assert_eq!(again, slot, "slots are used again");
    }

    #[test]
    fn a_sweep_takes_what_is_over_and_nothing_else() {
        let mut table = FlowTable::new(10);
        table.insert(key(1), at(5), || 1);
        table.insert(key(2), at(50), || 2);
        let mut swept = Vec::new();
        for _ in 0..4 {
            swept.extend(table.sweep(at(10)).and_then(|slot| table.remove(slot)));
        }
        assert_eq!(swept, [(key(1), 1)]);
        let mut left = Vec::new();
        table.end(|key, flow| left.push((*key, *flow)));
        assert_eq!(left, [(key(2), 2)]);
        assert_eq!(table.find(&key(2)), None);
    }

    #[test]
    fn a_quiet_flow_is_put_off_until_its_slot_is_used_again() {
        let mut table = FlowTable::new(10);
        let (slot, _) = table.insert(key(1), at(5), || 1);
        assert!(!table.put_off_if_quiet(slot, at(1)));
        table.set_quiet(slot, Duration::from_seconds(60));
        assert!(table.put_off_if_quiet(slot, at(2)));
        assert!(!table.is_over(slot, at(61)) && table.is_over(slot, at(63)));
        table.discard(slot);
        let (again, _) = table.insert(key(2), at(5), || 2);
        assert_eq!(again, slot);
        assert!(!table.put_off_if_quiet(again, at(3)));
    }

    #[test]
    fn a_full_table_gives_up_the_flow_that_ends_first() {
        let mut table = FlowTable::new(3);
        table.insert(key(1), at(30), || 1);
        table.insert(key(2), at(10), || 2);
        table.insert(key(3), at(20), || 3);
        let (_, evicted) = table.insert(key(4), at(40), || 4);
        assert_eq!(evicted, Some((key(2), 2)));
        assert_eq!(table.evicted(), 1);
    }
}
