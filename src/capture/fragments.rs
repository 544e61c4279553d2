//! IP fragments (RFC 791 section 3.2, RFC 8200 section 4.5): put together in the order of the
//! capture, across its blocks.
//!
//! Blocks are decoded in parallel, so [`Batch::decode`] only notes the fragments that it meets;
//! [`Reassembler::join`] takes them block by block before the shards take their tasks. What it
//! decides depends on the sequence of blocks alone, never on the number of threads.
//!
//! - Of two versions of a byte the first wins, also where RFC 5722 would discard the packet: an
//!   observer must not lose what the receiver may have accepted.
//! - A whole packet counts where its last fragment was captured.
//! - A packet of which parts are missing, or were cut by the snaplen, counts with its beginning,
//!   where its first fragment was captured. For a TCP segment, which others may wait for, that is
//!   decided at the end of a block that brought none of its fragments among the last
//!   [`NEAR_THE_END`] packets; if the rest comes later still, the stream goes on with it. For a
//!   datagram it is decided when [`REST_TIME`] has passed; what comes later is too late, so that
//!   no datagram is looked at twice.
//! - Full tables give up the packet whose earliest fragment came first.

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::context::FlowClock;
use super::decode::{Batch, Subject, Task, concerns_names};
use super::flow_key::{FlowKey, TCP, UDP};
use super::packet::{Decoded, Fragment, Segment, Transport, decode_reassembled};
use crate::observe::{Address, AnomalyKind, Duration, Locator, Timestamp};

#[cfg(test)]
mod tests;

/// Packets that are put together at the same time.
const MAX_PACKETS: usize = 4_096;
/// Bytes that they hold together.
const MAX_BYTES: usize = 16 << 20;
/// The longest payload of an IP packet.
const MAX_PAYLOAD: usize = 65_535;
/// How long fragments of one packet may be apart. Linux waits as long for those of IPv4, whose
/// identifications come again soon (RFC 4963).
const PATIENCE: Duration = Duration::from_seconds(30);
/// How long the beginning of a datagram waits for its rest before it is looked at alone: longer than
/// any path delays a fragment, shorter than clients wait for answers.
const REST_TIME: Duration = Duration::from_seconds(1);
/// A packet of which a fragment is among so many at the end of a block may go on in the next.
const NEAR_THE_END: usize = 64;
/// How many packets that were put together are remembered, and for how long, so that a fragment
/// that was captured twice does not begin another. Identifications do not come again so soon.
const MAX_RECENT: usize = 64;
const RECENT: Duration = Duration::from_millis(100);
/// How often what was put together may turn out to be a fragment in a tunnel.
const MAX_NESTED: usize = 8;

/// A segment or datagram that was put together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joined {
    pub(super) segment: Segment,
    /// Where the payload starts in the batch's buffer of such payloads.
    pub(super) payload_start: u32,
    pub(super) locator: Locator,
}

/// What the fragments of one packet have in common. The protocol is part of it for IPv4 alone:
/// in IPv6 that of the first fragment counts (RFC 8200 section 4.5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    source: Address,
    destination: Address,
    identification: u32,
    protocol: u8,
}

/// Where a fragment was captured.
#[derive(Clone, Copy, Debug)]
struct Place {
    time: Timestamp,
    /// By the clock that waits are measured with, which no step of the packets' own clock moves.
    lived: Timestamp,
    locator: Locator,
    /// Number of its block, and the index of its packet there.
    block: u64,
    index: usize,
    /// Start of its record in that block.
    record_start: u32,
}

/// A packet of which not all is there.
#[derive(Debug)]
struct Partial {
    serial: u64,
    /// The payload as far as it reaches; bytes that are not there are zero.
    bytes: Vec<u8>,
    /// Ranges of `bytes` that are there: sorted, apart from each other.
    there: Vec<(usize, usize)>,
    /// The length of the payload, once the last fragment is known.
    total: Option<usize>,
    /// The furthest end of a fragment on the wire.
    reach: usize,
    /// The fragment of offset 0, and where it was.
    head: Option<(Fragment, Place)>,
    first: Place,
    last: Place,
    /// Once the beginning was handed on: how many bytes of a TCP payload that were.
    handed_on: Option<u32>,
}

/// The fragments of a sequence of captures.
#[derive(Debug, Default)]
pub(super) struct Reassembler {
    partial: HashMap<Key, Partial, foldhash::fast::RandomState>,
    /// In the order of arrival; entries of finished packets stay until they reach the front.
    queue: VecDeque<(Key, u64)>,
    /// Packets whose beginning is there and was not handed on.
    undecided: Vec<(Key, u64)>,
    /// The packets that were put together last, and when.
    recent: VecDeque<(Key, Timestamp)>,
    clock: FlowClock,
    /// Bytes that all packets hold.
    held: usize,
    serial: u64,
    block: u64,
    evicted: u64,
}

impl Reassembler {
    /// How many packets were given up because there were too many at the same time.
    pub(super) const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Takes the fragments of the next block and adds what they make to its tasks.
    pub(super) fn join(&mut self, batch: &mut Batch) {
        self.block += 1;
        if batch.fragments.is_empty() && self.undecided.is_empty() {
            return;
        }
        let fragments = std::mem::take(&mut batch.fragments);
        let block = std::mem::take(&mut batch.block);
        for &(index, ref fragment) in &fragments {
            let Some(record) = block.packets.get(index) else { continue };
            let start = fragment.payload_start as usize;
            let end = start.saturating_add(fragment.payload_captured as usize);
            let bytes = block.bytes(record).get(start..end).unwrap_or_default();
            self.clock.tick(record.time);
            let place = Place {
                time: record.time,
                lived: self.clock.now(),
                locator: block.locator(record, batch.input),
                block: self.block,
                index,
                record_start: record.record_start,
            };
            self.take(*fragment, bytes, place, batch);
        }
        self.decide(block.packets.len(), batch);
        batch.block = block;
        batch.fragments = fragments;
        if !batch.joined.is_empty() {
            for list in &mut batch.tasks {
                // Nearly sorted already, which the sort makes use of.
                list.sort_by_key(|task| task.number);
            }
        }
    }

    /// The captures are over: hands on every beginning that is left.
    pub(super) fn finish(&mut self, batch: &mut Batch) {
        self.block += 1;
        while let Some((key, serial)) = self.queue.pop_front() {
            self.give_up(&key, serial, batch);
        }
    }

    /// Takes a fragment, and what a whole packet inside it is a fragment of, and so on.
    fn take(&mut self, fragment: Fragment, bytes: &[u8], place: Place, batch: &mut Batch) {
        let mut whole = self.add(fragment, bytes, place, batch);
        for _ in 0..MAX_NESTED {
            let Some(packet) = whole.take() else { return };
            let Some((head, _)) = packet.head else { return };
            match decode_reassembled(&head, &packet.bytes, packet.bytes.len()) {
                Ok(Decoded::Fragment(inner)) => {
                    let start = inner.payload_start as usize;
                    let end = start.saturating_add(inner.payload_captured as usize);
                    let bytes = packet.bytes.get(start..end).unwrap_or_default();
                    whole = self.add(inner, bytes, place, batch);
                }
                Ok(decoded) => match packet.handed_on {
                    Some(_) if !is_tcp(&decoded) => {}
                    known => {
                        let known = known.unwrap_or(0);
                        hand_on(&decoded, &packet.bytes, known, place, self.block, batch);
                    }
                },
                // The packets that carried it are counted as fragments.
                Err(_) => batch.facts.anomalies.add(AnomalyKind::Fragment, place.locator),
            }
        }
    }

    /// Adds a fragment; returns the packet if it is whole now.
    fn add(
        &mut self,
        fragment: Fragment,
        bytes: &[u8],
        place: Place,
        batch: &mut Batch,
    ) -> Option<Partial> {
        let offset = usize::from(fragment.offset);
        let end = offset.saturating_add(fragment.payload_length as usize);
        if end > MAX_PAYLOAD {
            batch.facts.anomalies.add(AnomalyKind::Fragment, place.locator);
            return None;
        }
        self.expire(place.lived, batch);
        let key = Key {
            source: fragment.source,
            destination: fragment.destination,
            identification: fragment.identification,
            protocol: if fragment.source.is_v4() { fragment.protocol } else { 0 },
        };
        let stale = self.partial.get(&key).filter(|packet| are_apart(packet.first, place));
        if let Some(serial) = stale.map(|packet| packet.serial) {
            self.give_up(&key, serial, batch);
        }
        let packet = match self.partial.entry(key) {
            hashbrown::hash_map::Entry::Occupied(kept) => kept.into_mut(),
            hashbrown::hash_map::Entry::Vacant(free) => {
                let is_again = |&(known, at): &(Key, Timestamp)| {
                    known == key && place.lived.since(at) <= RECENT
                };
                if self.recent.iter().any(is_again) {
                    return None;
                }
                self.serial += 1;
                self.queue.push_back((key, self.serial));
                free.insert(Partial::new(self.serial, place))
            }
        };
        let serial = packet.serial;
        packet.last = place;
        packet.reach = packet.reach.max(end);
        if !fragment.more {
            packet.total.get_or_insert(end);
        }
        if offset == 0 && packet.head.is_none() {
            packet.head = Some((fragment, place));
            self.undecided.push((key, serial));
        }
        let before = packet.bytes.len();
        packet.fill(offset, bytes);
        self.held += packet.bytes.len() - before;
        if let Some(total) = packet.whole() {
            let mut packet = self.remove(&key, serial)?;
            packet.bytes.truncate(total);
            if self.recent.len() >= MAX_RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back((key, place.lived));
            return Some(packet);
        }
        self.shrink(batch);
        None
    }

    /// Hands on the beginnings of packets that are not expected to go on, at the end of a block
    /// of so many packets.
    fn decide(&mut self, packets: usize, batch: &mut Batch) {
        let now = batch.facts.span.map_or(Timestamp::MIN, |(_, last)| last);
        let mut undecided = std::mem::take(&mut self.undecided);
        undecided.retain(|(key, serial)| {
            let found = self.partial.get_mut(key).filter(|found| found.serial == *serial);
            let Some(packet) = found else { return false };
            let is_segment = packet.head.is_some_and(|(head, _)| head.protocol == TCP);
            let waits = match is_segment {
                false => now.since(packet.last.time) <= REST_TIME,
                true => {
                    packet.last.block == self.block
                        && packet.last.index.saturating_add(NEAR_THE_END) >= packets
                }
            };
            if !waits {
                packet.hand_on_beginning(self.block, batch);
            }
            waits
        });
        self.undecided = undecided;
    }

    /// Gives up packets that have waited for too long.
    fn expire(&mut self, now: Timestamp, batch: &mut Batch) {
        while let Some(&(key, serial)) = self.queue.front() {
            let kept = self.partial.get(&key).filter(|packet| packet.serial == serial);
            if kept.is_some_and(|packet| now.since(packet.first.lived) <= PATIENCE) {
                break;
            }
            self.queue.pop_front();
            self.give_up(&key, serial, batch);
        }
        if self.queue.len() > 2 * MAX_PACKETS {
            let partial = &self.partial;
            self.queue.retain(|(key, serial)| {
                partial.get(key).is_some_and(|packet| packet.serial == *serial)
            });
        }
    }

    /// Gives up the oldest packets until the rest is within the limits.
    fn shrink(&mut self, batch: &mut Batch) {
        while self.partial.len() > MAX_PACKETS || self.held > MAX_BYTES {
            let Some((key, serial)) = self.queue.pop_front() else { return };
            if self.give_up(&key, serial, batch) {
                self.evicted += 1;
            }
        }
    }

    /// Gives up a packet, but not its beginning; false when it is gone already.
    fn give_up(&mut self, key: &Key, serial: u64, batch: &mut Batch) -> bool {
        let Some(mut packet) = self.remove(key, serial) else { return false };
        batch.facts.anomalies.add(AnomalyKind::Fragment, packet.first.locator);
        packet.hand_on_beginning(self.block, batch);
        true
    }

    fn remove(&mut self, key: &Key, serial: u64) -> Option<Partial> {
        self.partial.get(key).filter(|packet| packet.serial == serial)?;
        let packet = self.partial.remove(key)?;
        self.held -= packet.bytes.len();
        Some(packet)
    }
}

impl Partial {
    const fn new(serial: u64, place: Place) -> Self {
        Self {
            serial,
            bytes: Vec::new(),
            there: Vec::new(),
            total: None,
            reach: 0,
            head: None,
            first: place,
            last: place,
            handed_on: None,
        }
    }

    /// Copies what is not there yet.
    fn fill(&mut self, offset: usize, bytes: &[u8]) {
        let limit = self.total.unwrap_or(MAX_PAYLOAD);
        let end = offset.saturating_add(bytes.len()).min(limit);
        if end <= offset {
            return;
        }
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        // Ranges that overlap or touch the new one become one with it.
        let from = self.there.partition_point(|&(_, stop)| stop < offset);
        let to = self.there.partition_point(|&(start, _)| start <= end);
        let (mut union_start, mut union_end) = (offset, end);
        let mut at = offset;
        for &(start, stop) in self.there.get(from..to).unwrap_or_default() {
            copy(&mut self.bytes, bytes, offset, at..start.min(end));
            at = at.max(stop);
            union_start = union_start.min(start);
            union_end = union_end.max(stop);
        }
        copy(&mut self.bytes, bytes, offset, at..end);
        self.there.splice(from..to.max(from), [(union_start, union_end)]);
    }

    /// How much of the beginning is there.
    fn beginning(&self) -> usize {
        match self.there.first() {
            Some(&(0, end)) => end,
            _ => 0,
        }
    }

    /// The length of the payload, if all of it is there.
    fn whole(&self) -> Option<usize> {
        self.total.filter(|&total| self.head.is_some() && total > 0 && self.beginning() >= total)
    }

    /// Hands on what is there of the beginning, once.
    fn hand_on_beginning(&mut self, block: u64, batch: &mut Batch) {
        let Some((head, place)) = self.head else { return };
        if self.handed_on.is_some() {
            return;
        }
        self.handed_on = Some(0);
        let beginning = self.bytes.get(..self.beginning()).unwrap_or_default();
        let wire = self.total.unwrap_or(self.reach).max(beginning.len());
        let Ok(decoded) = decode_reassembled(&head, beginning, wire) else { return };
        hand_on(&decoded, beginning, 0, place, block, batch);
        if is_tcp(&decoded)
            && let Decoded::Segment(segment) = decoded
        {
            self.handed_on = Some(segment.payload_captured);
        }
    }
}

/// Whether this is a segment of a stream, which can go on.
const fn is_tcp(decoded: &Decoded) -> bool {
    matches!(decoded, Decoded::Segment(Segment { transport: Transport::Tcp { .. }, .. }))
}

/// Whether fragments of these places cannot be of one packet.
fn are_apart(one: Place, other: Place) -> bool {
    let (earlier, later) = (one.lived.min(other.lived), one.lived.max(other.lived));
    later.since(earlier) > PATIENCE
}

/// Copies a range, counted in the packet's payload, out of a fragment at `offset`.
fn copy(to: &mut [u8], fragment: &[u8], offset: usize, range: std::ops::Range<usize>) {
    if range.start >= range.end {
        return;
    }
    let from = range.start.saturating_sub(offset)..range.end.saturating_sub(offset);
    if let (Some(to), Some(from)) = (to.get_mut(range), fragment.get(from)) {
        to.copy_from_slice(from);
    }
}

/// Adds a packet that was put together to the tasks of the batch; `known` bytes of a TCP payload
/// were handed on before.
fn hand_on(
    decoded: &Decoded,
    bytes: &[u8],
    known: u32,
    place: Place,
    block: u64,
    batch: &mut Batch,
) {
    // What was captured in an earlier block comes before everything in this one.
    let number = if place.block == block { place.locator.record } else { 0 };
    let (shard, subject) = match decoded {
        Decoded::Segment(segment) => {
            let mut segment = *segment;
            let start = segment.payload_start as usize;
            let end = start.saturating_add(segment.payload_captured as usize);
            let mut payload = bytes.get(start..end).unwrap_or_default();
            let protocol = if let Transport::Tcp { sequence, .. } = &mut segment.transport {
                let known = known.min(segment.payload_captured);
                *sequence = sequence.wrapping_add(known);
                segment.payload_captured -= known;
                segment.payload_length = segment.payload_length.saturating_sub(known);
                payload = payload.get(known as usize..).unwrap_or_default();
                TCP
            } else if concerns_names(&segment, payload) {
                UDP
            } else {
                return;
            };
            let Ok(payload_start) = u32::try_from(batch.joined_bytes.len()) else { return };
            let Ok(index) = u32::try_from(batch.joined.len()) else { return };
            batch.joined_bytes.extend_from_slice(payload);
            batch.joined.push(Joined { segment, payload_start, locator: place.locator });
            let (key, _) = FlowKey::new(protocol, segment.source, segment.destination);
            (key.shard(), Subject::Joined(index))
        }
        // Its place is told by the block.
        Decoded::IcmpError(error) if place.block == block => {
            let Ok(index) = u32::try_from(batch.icmp_errors.len()) else { return };
            batch.icmp_errors.push(*error);
            let (key, _) =
                FlowKey::new(error.quoted_protocol, error.quoted_source, error.quoted_destination);
            (key.shard(), Subject::IcmpError(index))
        }
        _ => return,
    };
    if let Some(list) = batch.tasks.get_mut(shard) {
        let Place { time, record_start, .. } = place;
        list.push(Task { time, number, record_start, subject });
    }
}

/// Reads fragments of three packets out of the bytes and checks what holds for all of them.
///
/// # Panics
///
/// When a promise of this module is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_fragments(mut bytes: &[u8]) {
    let mut reassembler = Reassembler::default();
    let mut batch = Batch::default();
    let mut record = 0;
    while let Some((&[which, offset, length, seconds], rest)) = bytes.split_first_chunk() {
        let taken = rest.len().min(usize::from(length));
        let (payload, rest) = rest.split_at(taken);
        bytes = rest;
        record += 1;
        let captured = u32::try_from(payload.len()).unwrap_or_default();
        let fragment = Fragment {
            source: Address::from_v4([10, 0, 0, 1]),
            destination: Address::from_v4([192, 0, 2, 2]),
            protocol: if which & 4 == 0 { TCP } else { 47 },
            hops: 64,
            identification: u32::from(which % 3),
            offset: u16::from(offset) * 8,
            more: which & 8 == 0,
            payload_start: 0,
            payload_captured: captured,
            payload_length: captured.saturating_add(u32::from(which >> 6)),
            first: None,
        };
        let time = Timestamp::default() + Duration::from_seconds(i64::from(seconds));
        reassembler.clock.tick(time);
        let place = Place {
            time,
            lived: reassembler.clock.now(),
            locator: Locator { input: 0, record, offset: 0 },
            block: reassembler.block,
            index: usize::from(which),
            record_start: 0,
        };
        reassembler.take(fragment, payload, place, &mut batch);
        let held: usize = reassembler.partial.values().map(|packet| packet.bytes.len()).sum();
        assert_eq!(held, reassembler.held);
        for packet in reassembler.partial.values() {
            let apart = packet.there.windows(2).all(|pair| match pair {
                [(_, stop), (start, _)] => stop < start,
                _ => true,
            });
            assert!(apart && packet.there.iter().all(|(start, stop)| start < stop));
            assert!(packet.there.last().is_none_or(|&(_, stop)| stop <= packet.bytes.len()));
        }
        if seconds & 1 == 1 {
            reassembler.decide(usize::from(length), &mut batch);
            reassembler.block += 1;
        }
    }
    reassembler.finish(&mut batch);
    assert!(reassembler.held == 0 && reassembler.partial.is_empty());
    for joined in &batch.joined {
        let start = joined.payload_start as usize;
        let end = start.saturating_add(joined.segment.payload_captured as usize);
        assert!(end <= batch.joined_bytes.len());
    }
}
