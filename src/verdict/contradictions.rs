//! Where logs and captures contradict each other about the same client and name.
//!
//! A device that lets a connection pass and a reset on the wire, or a denial and an answer, cannot
//! both be the whole story: something else on the way decides, or a clock is wrong. Compared are
//! instants only; a civil time stands for no place in a capture.

use std::collections::{BTreeMap, BTreeSet};

use super::path::Path;
use super::{Subject, Tried, Verdicts};
use crate::evidence::{Sample, Settled};
use crate::observe::{Address, Channel, Duration, Frame, NameId, Outcome, Timestamp};
use crate::report::ContradictionKind;

/// How far the clocks of a device and of a capture may be apart.
const SKEW: Duration = Duration::from_seconds(5);
/// The client must be in the capture so shortly before and after a denial.
const AROUND: Duration = Duration::from_seconds(300);
/// A connection that began so long before a denial may be the one that was denied.
const BEGUN_BEFORE: Duration = Duration::from_seconds(3600);
/// Contradictions that are kept.
const MAX_KEPT: usize = 1_000;

/// A log record and what a capture has to say against it.
#[derive(Clone, Debug)]
pub struct Contradiction {
    /// How they contradict each other.
    pub kind: ContradictionKind,
    /// The attempts that the log speaks of, by index, and the record to look at.
    pub log: (usize, Sample),
    /// The first input of the sequence of captures.
    pub unit: u32,
    /// What the capture shows: attempts by index, and the packet to look at.
    pub capture: Option<(usize, Sample)>,
    /// How many log records are contradicted.
    pub count: u64,
    /// Time of the first of them.
    pub first: Timestamp,
    /// Time of the last of them.
    pub last: Timestamp,
}

/// The contradictions about attempts that count for an endpoint, and how many more there are.
/// `logs` are the inputs that are logs; all others are captures.
#[must_use]
pub fn contradictions(
    evidence: &Settled,
    verdicts: &Verdicts<'_>,
    logs: &BTreeSet<u32>,
) -> (Vec<Contradiction>, u64) {
    if logs.is_empty() {
        return (Vec::new(), 0);
    }
    let captured = Captured::of(evidence, verdicts, logs);
    if captured.clients.is_empty() {
        return (Vec::new(), 0);
    }
    let counts: BTreeSet<usize> = verdicts
        .endpoints
        .iter()
        .filter(|judged| matches!(judged.endpoint, Subject::Endpoint(_)))
        .flat_map(|judged| judged.names.iter().flat_map(|name| name.tried.iter().copied()))
        .collect();
    let mut found = Found::default();
    let mut start = 0;
    let same = |a: &Tried<'_>, b: &Tried<'_>| a.name == b.name && a.key.client == b.key.client;
    for group in verdicts.tried.chunk_by(same) {
        let indexed = || (start..).zip(group);
        let captures: Vec<(usize, &Tried<'_>)> =
            indexed().filter(|(_, tried)| !logs.contains(&tried.key.unit)).collect();
        let is_about = |(at, tried): &(usize, &Tried<'_>)| {
            logs.contains(&tried.key.unit)
                && tried.tally.first.frame() == Frame::Instant
                && counts.contains(at)
        };
        for (at, logged) in indexed().filter(is_about) {
            let pairs = pairs(logged, &captures);
            if pairs.is_empty()
                && captured.misses(logged)
                && let Some(unit) = captured.around(logged)
            {
                let kind = ContradictionKind::DeniedButNotCaptured;
                let sample = logged.tally.samples.first().copied();
                found.add(kind, (at, logged), sample, unit, None);
            }
            for Pair { kind, record, capture, unit } in pairs {
                found.add(kind, (at, logged), Some(record), unit, Some(capture));
            }
        }
        start += group.len();
    }
    found.into_least()
}

/// A log record and a packet of the same attempt that contradict each other.
struct Pair {
    kind: ContradictionKind,
    record: Sample,
    capture: (usize, Sample),
    unit: u32,
}

/// For each kind and capture the two samples that are closest in time.
fn pairs(logged: &Tried<'_>, captures: &[(usize, &Tried<'_>)]) -> Vec<Pair> {
    let mut nearest: BTreeMap<(ContradictionKind, u32), (Duration, Pair)> = BTreeMap::new();
    for &(at, captured) in captures {
        let Some(kind) = kind(logged.outcome, captured.outcome) else { continue };
        if !is_same_way(logged, captured) {
            continue;
        }
        for record in &logged.tally.samples {
            for packet in &captured.tally.samples {
                let apart = distance(record.time, packet.time);
                let is_same = record.client_port == packet.client_port
                    || record.client_port == 0
                    || packet.client_port == 0;
                let unit = captured.key.unit;
                let is_nearer =
                    nearest.get(&(kind, unit)).is_none_or(|(nearest, _)| apart < *nearest);
                if is_same && apart <= SKEW && is_nearer {
                    let pair = Pair { kind, record: *record, capture: (at, *packet), unit };
                    nearest.insert((kind, unit), (apart, pair));
                }
            }
        }
    }
    nearest.into_values().map(|(_, pair)| pair).collect()
}

fn kind(logged: Outcome, captured: Outcome) -> Option<ContradictionKind> {
    match (logged, captured) {
        (Outcome::Allowed | Outcome::Answered, Outcome::Blocked(_)) => {
            Some(ContradictionKind::AllowedButBlocked)
        }
        (Outcome::Blocked(_), Outcome::Answered) => Some(ContradictionKind::DeniedButAnswered),
        _ => None,
    }
}

/// Whether two attempts of a client at a name can be the same one.
fn is_same_way(logged: &Tried<'_>, captured: &Tried<'_>) -> bool {
    let (log, capture) = (&logged.key, &captured.key);
    if let (Channel::Dns(asked), Channel::Dns(seen)) = (log.channel, capture.channel) {
        return asked == seen && asked != 0;
    }
    let is_proxy = |tried: &Tried<'_>| Path::of(tried) == Path::Proxy;
    log.channel.transport() == capture.channel.transport()
        && log.target_port == capture.target_port
        && is_proxy(logged) == is_proxy(captured)
        && (is_proxy(logged)
            || log.server.address == capture.server.address
            || log.server.address == Address::default())
}

fn distance(a: Timestamp, b: Timestamp) -> Duration {
    a.since(b).max(b.since(a))
}

/// When captures have which client trying what.
#[derive(Default)]
struct Captured {
    /// By client and unit, the starts of all attempts, sorted.
    clients: BTreeMap<Address, BTreeMap<u32, Vec<Timestamp>>>,
    /// By client and server, the starts of connections.
    servers: BTreeMap<(Address, Address), Vec<Timestamp>>,
    /// Addresses that a required name was said to live at. Connections there are kept though they
    /// show no name, others are not.
    known: BTreeSet<Address>,
    /// By client and name, the starts of connections.
    names: BTreeMap<(Address, NameId), Vec<Timestamp>>,
}

impl Captured {
    fn of(evidence: &Settled, verdicts: &Verdicts<'_>, logs: &BTreeSet<u32>) -> Self {
        let mut captured = Self::default();
        for (key, tally) in evidence.attempts().iter().filter(|(key, _)| !logs.contains(&key.unit))
        {
            let times = captured.clients.entry(key.client).or_default();
            times.entry(key.unit).or_default().extend([tally.first, tally.last]);
            if !matches!(key.channel, Channel::Dns(_)) {
                let starts = captured.servers.entry((key.client, key.server.address)).or_default();
                starts.extend([tally.first, tally.last]);
            }
        }
        for tried in verdicts.tried.iter().filter(|tried| !logs.contains(&tried.key.unit)) {
            if !matches!(tried.key.channel, Channel::Dns(_)) {
                let starts = captured.names.entry((tried.key.client, tried.name)).or_default();
                starts.extend([tried.tally.first, tried.tally.last]);
            }
        }
        captured.known = evidence.resolutions().iter().map(|(key, _)| key.address).collect();
        let lists = captured.clients.values_mut().flat_map(BTreeMap::values_mut);
        lists.for_each(|list| list.sort_unstable());
        captured.servers.values_mut().for_each(|list| list.sort_unstable());
        captured.names.values_mut().for_each(|list| list.sort_unstable());
        captured
    }

    /// Whether no capture has a connection that a log says was blocked. Only a direct one to a
    /// known address can be missed, for one that shows no name is found by its address.
    fn misses(&self, logged: &Tried<'_>) -> bool {
        let key = &logged.key;
        let is_blocked = matches!(logged.outcome, Outcome::Blocked(_));
        let is_direct = !matches!(Path::of(logged), Path::Dns | Path::Proxy);
        if !is_blocked || !is_direct || !self.known.contains(&key.server.address) {
            return false;
        }
        let (from, to) = (logged.tally.first - BEGUN_BEFORE, logged.tally.last + SKEW);
        let has = |list: Option<&Vec<Timestamp>>| {
            list.is_some_and(|list| {
                list.get(list.partition_point(|time| *time < from)).is_some_and(|time| *time <= to)
            })
        };
        !has(self.servers.get(&(key.client, key.server.address)))
            && !has(self.names.get(&(key.client, logged.name)))
    }

    /// The first capture that has the client shortly before and shortly after.
    fn around(&self, logged: &Tried<'_>) -> Option<u32> {
        let (first, last) = (logged.tally.first, logged.tally.last);
        self.clients.get(&logged.key.client)?.iter().find_map(|(unit, times)| {
            let before = times.partition_point(|time| *time <= first).checked_sub(1)?;
            let before = first.since(*times.get(before)?);
            let after = times.get(times.partition_point(|time| *time < last))?.since(last);
            (before <= AROUND && after <= AROUND).then_some(*unit)
        })
    }
}

/// What is told once: the same contradiction of the same client, between the same inputs.
type Key = (ContradictionKind, NameId, Address, u32, u32);

#[derive(Default)]
struct Found(BTreeMap<Key, Contradiction>);

impl Found {
    fn add(
        &mut self,
        kind: ContradictionKind,
        (at, logged): (usize, &Tried<'_>),
        record: Option<Sample>,
        unit: u32,
        capture: Option<(usize, Sample)>,
    ) {
        let Some(record) = record else { return };
        let key = (kind, logged.name, logged.key.client, logged.key.unit, unit);
        let tally = logged.tally;
        let new = Contradiction {
            kind,
            log: (at, record),
            unit,
            capture,
            count: tally.count,
            first: tally.first,
            last: tally.last,
        };
        match self.0.get_mut(&key) {
            None => {
                self.0.insert(key, new);
            }
            Some(kept) => {
                let (count, first, last) = (kept.count, kept.first, kept.last);
                if record < kept.log.1 {
                    *kept = new;
                }
                kept.count = count + tally.count;
                kept.first = first.min(tally.first);
                kept.last = last.max(tally.last);
            }
        }
    }

    /// The least, and how many were left out.
    fn into_least(self) -> (Vec<Contradiction>, u64) {
        let omitted = self.0.len().saturating_sub(MAX_KEPT) as u64;
        (self.0.into_values().take(MAX_KEPT).collect(), omitted)
    }
}
