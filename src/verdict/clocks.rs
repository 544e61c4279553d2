//! How far the clocks of two inputs are apart, by what both saw of the same client and address.
//!
//! A client connects at once to the address that it was told. So where the log of a firewall and that of
//! a resolver speak of the same clients and addresses again and again, all by the same distance, that
//! distance is the one between their clocks: a clock that runs ahead, a zone or a year that one log does
//! not state. It is taken only where many pairs agree and nothing else comes near (a peak), never guessed
//! from one.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::Settled;
use crate::observe::{Address, Duration, Frame, Timestamp};

/// By how much clocks may differ without breaking a join: they are kept to seconds at best, and logs are
/// written to whole seconds.
pub(crate) const SLACK: Duration = Duration::from_seconds(5);

/// The pairs of a peak lie within this: whole seconds, and the time from an answer to a connection.
const WIDTH: i64 = 3_000_000_000;
/// Fewer pairs than this may agree by chance.
const LEAST_PAIRS: usize = 3;
/// Times of one client and address, of each input, that are compared.
const MAX_TIMES: usize = 8;
/// Pairs that are looked at between two inputs.
const MAX_PAIRS: usize = 100_000;

/// The distance between the clocks of two inputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockOffset {
    /// The input whose attempts are compared.
    pub unit: u32,
    /// The input whose answers they are compared with.
    pub told_by: u32,
    /// What must be added to the times of `unit` to have those of `told_by`, in the same frame.
    pub offset: Duration,
    /// How many pairs of client and address agree.
    pub agreeing: usize,
    /// How many pairs both inputs speak of.
    pub pairs: usize,
}

/// The distances between the clocks of all inputs that have one.
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    offsets: BTreeMap<(u32, u32), ClockOffset>,
}

/// When one input speaks of a client and an address.
type Times = BTreeMap<(Address, Address), BTreeSet<Timestamp>>;

impl Clocks {
    /// Compares the attempts that show no name with the answers of every other input.
    pub(super) fn of(evidence: &Settled) -> Self {
        let mut tried: BTreeMap<u32, Times> = BTreeMap::new();
        for (key, tally) in evidence.attempts().iter().filter(|(key, _)| key.name.is_none()) {
            note(&mut tried, key.unit, (key.client, key.server.address), tally.first);
        }
        let mut told: BTreeMap<u32, Times> = BTreeMap::new();
        for (key, span) in evidence.resolutions() {
            note(&mut told, key.unit, (key.client, key.address), span.from);
        }
        let mut offsets = BTreeMap::new();
        for (unit, tried) in &tried {
            for (told_by, told) in told.iter().filter(|(told_by, _)| *told_by != unit) {
                if let Some(offset) = offset(*unit, *told_by, tried, told) {
                    offsets.insert((*unit, *told_by), offset);
                }
            }
        }
        Self { offsets }
    }

    /// The distances that are known, by input.
    pub fn iter(&self) -> impl Iterator<Item = &ClockOffset> {
        self.offsets.values()
    }

    /// A time of one input, to be compared with those of another.
    pub(super) fn translate(&self, unit: u32, told_by: u32, time: Timestamp) -> Translated {
        let known = self.offsets.get(&(unit, told_by));
        Translated { time, offset: known.map(|known| known.offset) }
    }
}

/// A time of one input, and what must be added to have the other's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Translated {
    time: Timestamp,
    offset: Option<Duration>,
}

impl Translated {
    /// How long after a time of the other input this is; negative when it is before. `None` where a zone
    /// or year is missing and no distance is known.
    pub(super) fn after(self, other: Timestamp) -> Option<Duration> {
        let Some(offset) = self.offset else {
            let is_same = self.time.frame() == other.frame();
            return is_same.then(|| self.time.since(other));
        };
        let distance = distance(self.time, other)?;
        Some(Duration::from_nanos(distance.saturating_add(offset.nanos())))
    }
}

fn note(of: &mut BTreeMap<u32, Times>, unit: u32, key: (Address, Address), time: Timestamp) {
    if time.frame() == Frame::Unknown || key.0 == Address::default() {
        return;
    }
    let times = of.entry(unit).or_default().entry(key).or_default();
    times.insert(time);
    if times.len() > MAX_TIMES {
        times.pop_last();
    }
}

/// The distance between two inputs, if there is one clear peak that is not that of clocks which agree.
fn offset(unit: u32, told_by: u32, tried: &Times, told: &Times) -> Option<ClockOffset> {
    let mut distances: Vec<(i64, usize)> = Vec::new();
    let mut pairs = 0;
    for (key, times) in tried {
        let Some(answers) = told.get(key) else { continue };
        pairs += 1;
        for (tried, told) in times.iter().flat_map(|t| answers.iter().map(move |a| (*t, *a))) {
            distances.extend(distance(tried, told).map(|distance| (distance, pairs)));
        }
        if distances.len() > MAX_PAIRS {
            break;
        }
    }
    distances.sort_unstable();
    let (at, agreeing) = peak(&distances, None)?;
    let rival = peak(&distances, Some(at)).map_or(0, |(_, rival)| rival);
    let is_clear = agreeing >= LEAST_PAIRS && agreeing * 10 >= pairs * 6 && rival * 2 <= agreeing;
    // Clocks that agree have the attempts soon after the answers.
    let is_needed =
        !(-SLACK.nanos()..60_000_000_000).contains(&at) || !distances_are_of_one_frame(tried, told);
    let offset = Duration::from_nanos(-at);
    (is_clear && is_needed).then_some(ClockOffset { unit, told_by, offset, agreeing, pairs })
}

/// The least distance of the window in which the most pairs agree, and how many do; windows near `beside`
/// are left out.
fn peak(distances: &[(i64, usize)], beside: Option<i64>) -> Option<(i64, usize)> {
    let mut best: Option<(i64, usize)> = None;
    for (start, (least, _)) in distances.iter().enumerate() {
        if beside.is_some_and(|beside| least.abs_diff(beside) <= 2 * WIDTH as u64) {
            continue;
        }
        let window = distances.get(start..).unwrap_or_default();
        let within = window.iter().take_while(|(distance, _)| *distance <= least + WIDTH);
        // Windows hold few pairs but for that of the peak itself, where all are counted once.
        let count = within.map(|(_, pair)| *pair).collect::<BTreeSet<usize>>().len();
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((*least, count));
        }
        if count * 2 > distances.len() {
            break;
        }
    }
    best
}

fn distances_are_of_one_frame(tried: &Times, told: &Times) -> bool {
    let frame = |times: &Times| {
        times.values().next().and_then(|times| times.first()).map(|time| time.frame())
    };
    frame(tried) == frame(told)
}

/// How long the first time is after the second, as clocks on the wall would have it: a civil time is taken
/// for one of UTC, and one without a year for one of the year that brings it nearest.
fn distance(one: Timestamp, other: Timestamp) -> Option<i64> {
    if one.frame() == other.frame() {
        return Some(one.since(other).nanos());
    }
    match (one.wall_clock(), other.wall_clock()) {
        (Some((one, true)), Some((other, true))) => Some(one.saturating_sub(other)),
        (Some((one, false)), Some((other, true))) => {
            let placed =
                [-1, 0, 1].into_iter().filter_map(|years| one_in_year_of(one, other, years));
            placed.map(|placed| placed.saturating_sub(other)).min_by_key(|d| d.unsigned_abs())
        }
        (Some((_, true)), Some((_, false))) => distance(other, one).map(|distance| -distance),
        _ => None,
    }
}

/// A civil time of 1972 in the year of another time, or some years beside it.
fn one_in_year_of(time: i64, other: i64, years: i16) -> Option<i64> {
    let civil = |nanos: i64| {
        let instant = jiff::Timestamp::from_nanosecond(nanos.into()).ok()?;
        Some(jiff::tz::TimeZone::UTC.to_datetime(instant))
    };
    let year = civil(other)?.year().checked_add(years)?;
    let placed = civil(time)?.with().year(year).build().ok()?;
    let instant = placed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    i64::try_from(instant.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;
    const NOON: i64 = 1_740_830_400 * SECOND;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    fn times(list: &[(u8, Timestamp)]) -> Times {
        let mut times = Times::new();
        for (host, time) in list {
            let key = (Address::from_v4([10, 0, 0, 1]), Address::from_v4([203, 0, 113, *host]));
            times.entry(key).or_default().insert(*time);
        }
        times
    }

    fn answers(count: u8) -> Vec<(u8, Timestamp)> {
        (0..count).map(|n| (n, at(NOON + i64::from(n) * 97 * SECOND))).collect()
    }

    fn found(tried: &[(u8, Timestamp)], told: &[(u8, Timestamp)]) -> Option<i64> {
        offset(0, 1, &times(tried), &times(told)).map(|found| found.offset.nanos() / SECOND)
    }

    #[test]
    fn many_pairs_of_the_same_distance_tell_the_offset() {
        let told = answers(5);
        let late = |by: i64| -> Vec<(u8, Timestamp)> {
            told.iter().map(|(n, t)| (*n, *t + Duration::from_seconds(by))).collect()
        };
        assert_eq!(found(&late(-20), &told), Some(20));
        assert_eq!(found(&late(7_200), &told), Some(-7_200));
        assert_eq!(found(&late(1), &told), None, "clocks that agree need no offset");
        assert_eq!(found(&late(-20)[..2], &told), None, "two pairs may be chance");
    }

    #[test]
    fn distances_without_a_peak_tell_nothing() {
        let told = answers(6);
        let scattered: Vec<(u8, Timestamp)> = told
            .iter()
            .map(|(n, t)| (*n, *t + Duration::from_seconds(-600 - 137 * i64::from(*n))))
            .collect();
        assert_eq!(found(&scattered, &told), None);
        let halves: Vec<(u8, Timestamp)> = told
            .iter()
            .map(|(n, t)| (*n, *t + Duration::from_seconds(if n % 2 == 0 { -600 } else { -1_200 })))
            .collect();
        assert_eq!(found(&halves, &told), None);
    }

    #[test]
    fn a_missing_year_or_zone_is_found_the_same_way() {
        let told = answers(4);
        let zoneless: Vec<(u8, Timestamp)> = told
            .iter()
            .map(|(n, t)| (*n, Timestamp::without_zone(*t + Duration::from_seconds(7_201))))
            .collect();
        assert_eq!(found(&zoneless, &told), Some(-7_201));
        let in_1972 =
            |time: Timestamp| at(one_in_year_of(time.nanos(), 63_072_000 * SECOND, 0).unwrap());
        let yearless: Vec<(u8, Timestamp)> = told
            .iter()
            .map(|(n, t)| (*n, Timestamp::without_year(in_1972(*t + Duration::from_seconds(1)))))
            .collect();
        assert_eq!(found(&yearless, &told), Some(-1));
    }
}
