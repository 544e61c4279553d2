//! Instants and spans of input time, in nanoseconds. No wall clock is read anywhere below `cli`.
//!
//! Logs often state a time without its zone, or without its year. Such a time orders what one
//! device logged, and says nothing beside an instant. So that it costs no more than an instant,
//! it is held in the same number, moved to centuries in which nothing was captured; its
//! [`Frame`] tells it apart.

use std::ops::{Add, Sub};

/// Nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// Covers the years 1677 to 2262; readers saturate what a file claims beyond that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Timestamp(i64);

/// A span between two instants, in nanoseconds; negative when the second lies before the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Duration(i64);

/// What a time can be compared with: times of the same frame.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Frame {
    /// No time is known.
    Unknown,
    /// A civil time without a year and a zone.
    NoYear,
    /// A civil time without a zone.
    NoZone,
    /// An instant.
    Instant,
}

const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Some 286 years: civil times without a zone lie that much earlier, so that 1970 to 2105
/// becomes 1683 to 1819.
const NO_ZONE_SHIFT: i64 = 9_030_000_000 * NANOS_PER_SECOND;
/// The first second behind the civil times without a zone: 1820-01-01T00:00:00Z.
const FIRST_INSTANT: i64 = -4_733_596_800 * NANOS_PER_SECOND;
/// The first second behind the civil times without a year: 1682-01-01T00:00:00Z.
const FIRST_NO_ZONE: i64 = -9_088_329_600 * NANOS_PER_SECOND;
/// From a civil time of 1972 to its place in 1680, which is a leap year too.
const NO_YEAR_SHIFT: i64 = 9_214_560_000 * NANOS_PER_SECOND;

impl Timestamp {
    /// The earliest instant that can be held.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest instant that can be held.
    pub const MAX: Self = Self(i64::MAX);
    /// The time of what states none.
    pub const UNKNOWN: Self = Self(i64::MIN);

    /// The instant `nanos` nanoseconds after the epoch.
    #[inline]
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The instant `nanos` nanoseconds after the epoch, saturating at the ends of the range.
    #[inline]
    #[must_use]
    pub fn from_nanos_saturating(nanos: i128) -> Self {
        Self(i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX }))
    }

    /// A civil time without a zone, given as the instant at which clocks of UTC show it; years
    /// before 1970 and after 2105 are no times of a log and are held as unknown.
    #[must_use]
    pub fn without_zone(as_utc: Self) -> Self {
        match as_utc.0.checked_sub(NO_ZONE_SHIFT) {
            Some(shifted) if as_utc.0 >= 0 && shifted < FIRST_INSTANT => Self(shifted),
            _ => Self::UNKNOWN,
        }
    }

    /// A civil time without a year and a zone, given as the instant in 1972 at which clocks of
    /// UTC show it.
    #[must_use]
    pub fn without_year(as_utc_in_1972: Self) -> Self {
        Self(as_utc_in_1972.0.saturating_sub(NO_YEAR_SHIFT))
    }

    /// What the time can be compared with.
    #[inline]
    #[must_use]
    pub const fn frame(self) -> Frame {
        match self.0 {
            i64::MIN => Frame::Unknown,
            nanos if nanos >= FIRST_INSTANT => Frame::Instant,
            nanos if nanos >= FIRST_NO_ZONE => Frame::NoZone,
            _ => Frame::NoYear,
        }
    }

    /// [`to_rfc3339`](Self::to_rfc3339) of an instant; `None` for a time that is none.
    #[must_use]
    pub fn instant_text(self, digits: u8) -> Option<String> {
        (self.frame() == Frame::Instant).then(|| self.to_rfc3339(digits))
    }

    /// A civil time as the log states it, to the second, and what it lacks; `None` for an
    /// instant and where no time is known.
    #[must_use]
    pub fn civil_text(self) -> Option<String> {
        let (shift, from, lack) = match self.frame() {
            Frame::Instant | Frame::Unknown => return None,
            Frame::NoZone => (NO_ZONE_SHIFT, 0, "no zone"),
            Frame::NoYear => (NO_YEAR_SHIFT, 5, "no year"),
        };
        let text = Self(self.0.saturating_add(shift)).to_rfc3339(0);
        let text = text.get(from..text.len().saturating_sub(1))?.replace('T', " ");
        Some(format!("{text} ({lack})"))
    }

    /// What a clock on the wall shows, as nanoseconds since the epoch if it were one of UTC, and whether the
    /// year is known: without it the year is 1972. `None` where no time is known.
    #[must_use]
    pub const fn wall_clock(self) -> Option<(i64, bool)> {
        match self.frame() {
            Frame::Unknown => None,
            Frame::Instant => Some((self.0, true)),
            Frame::NoZone => Some((self.0.saturating_add(NO_ZONE_SHIFT), true)),
            Frame::NoYear => Some((self.0.saturating_add(NO_YEAR_SHIFT), false)),
        }
    }

    /// Nanoseconds since the epoch.
    #[inline]
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The span from `earlier` to here.
    #[inline]
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }

    /// RFC 3339 in UTC with `digits` (0 to 9) fractional digits; further digits are cut, not rounded.
    #[must_use]
    pub fn to_rfc3339(self, digits: u8) -> String {
        use std::fmt::Write as _;
        let seconds = self.0.div_euclid(NANOS_PER_SECOND);
        let fraction = self.0.rem_euclid(NANOS_PER_SECOND);
        // The whole i64 range lies within jiff's, so the fallback is never taken.
        let civil = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let mut text = civil.to_string();
        let digits = digits.min(9);
        if digits > 0 {
            text.truncate(text.len().saturating_sub(1));
            let shown = fraction / 10_i64.pow(9 - u32::from(digits));
            let _ = write!(text, ".{shown:0width$}Z", width = usize::from(digits));
        }
        text
    }
}

impl Duration {
    /// The span of nothing.
    pub const ZERO: Self = Self(0);

    /// A span of whole seconds.
    #[inline]
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// A span of nanoseconds.
    #[inline]
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A span of whole milliseconds.
    #[inline]
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A span of whole microseconds.
    #[inline]
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// The span in nanoseconds.
    #[inline]
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The span as people say it: `850 µs`, `3.2 ms`, `7.0 s`.
    #[must_use]
    pub fn humanize(self) -> String {
        let nanos = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        match nanos {
            0..1_000_000 => format!("{sign}{} µs", nanos / 1_000),
            1_000_000..1_000_000_000 => tenths(sign, nanos, 1_000_000, "ms"),
            _ => tenths(sign, nanos, 1_000_000_000, "s"),
        }
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    #[inline]
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    #[inline]
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

fn tenths(sign: &str, nanos: u64, unit: u64, suffix: &str) -> String {
    let tenths = nanos / (unit / 10);
    format!("{sign}{}.{} {suffix}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fraction_shows_the_precision_asked_for() {
        let time = Timestamp::from_nanos(1_700_000_000_123_456_789);
        assert_eq!(time.to_rfc3339(0), "2023-11-14T22:13:20Z");
        assert_eq!(time.to_rfc3339(6), "2023-11-14T22:13:20.123456Z");
        assert_eq!(time.to_rfc3339(9), "2023-11-14T22:13:20.123456789Z");
    }

    #[test]
    fn times_before_the_epoch_and_at_the_ends_are_written_too() {
        assert_eq!(Timestamp::from_nanos(-1).to_rfc3339(3), "1969-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::MAX.to_rfc3339(0), "2262-04-11T23:47:16Z");
        assert_eq!(Timestamp::MIN.to_rfc3339(0), "1677-09-21T00:12:43Z");
    }

    #[test]
    fn civil_times_are_no_instants_and_keep_their_order() {
        let utc = |text: &str| {
            let time: jiff::Timestamp = text.parse().unwrap();
            Timestamp::from_nanos_saturating(time.as_nanosecond())
        };
        for text in ["1970-01-01T00:00:00Z", "2025-11-26T04:15:00Z", "2105-12-31T23:59:59Z"] {
            let civil = Timestamp::without_zone(utc(text));
            assert_eq!((civil.frame(), civil.instant_text(0)), (Frame::NoZone, None), "{text}");
            let expected = format!("{} (no zone)", text.get(..19).unwrap().replace('T', " "));
            assert_eq!(civil.civil_text(), Some(expected));
        }
        for text in ["1972-01-01T00:00:00Z", "1972-02-29T04:15:00Z", "1972-12-31T23:59:59Z"] {
            let civil = Timestamp::without_year(utc(text));
            assert_eq!(civil.frame(), Frame::NoYear, "{text}");
            let expected = format!("{} (no year)", text.get(5..19).unwrap().replace('T', " "));
            assert_eq!(civil.civil_text(), Some(expected));
        }
        assert_eq!(Timestamp::UNKNOWN.frame(), Frame::Unknown);
        assert_eq!(Timestamp::from_nanos(0).frame(), Frame::Instant);
        assert_eq!(Timestamp::without_zone(utc("2150-01-01T00:00:00Z")), Timestamp::UNKNOWN);
    }

    #[test]
    fn spans_are_written_in_the_unit_that_fits() {
        assert_eq!(Duration::from_millis(7_049).humanize(), "7.0 s");
        assert_eq!(Duration::from_millis(3).humanize(), "3.0 ms");
        assert_eq!(Duration(850_000).humanize(), "850 µs");
        assert_eq!(Duration(-2_500_000).humanize(), "-2.5 ms");
    }
}
