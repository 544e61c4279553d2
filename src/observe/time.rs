//! Instants and spans of input time, in nanoseconds. No wall clock is read anywhere below `cli`.

use std::ops::{Add, Sub};

/// Nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// Covers the years 1677 to 2262; readers saturate what a file claims beyond that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Timestamp(i64);

/// A span between two instants, in nanoseconds; negative when the second lies before the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Duration(i64);

const NANOS_PER_SECOND: i64 = 1_000_000_000;

impl Timestamp {
    /// The earliest instant that can be held.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest instant that can be held.
    pub const MAX: Self = Self(i64::MAX);

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

    /// A span of whole milliseconds.
    #[inline]
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
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
    fn spans_are_written_in_the_unit_that_fits() {
        assert_eq!(Duration::from_millis(7_049).humanize(), "7.0 s");
        assert_eq!(Duration::from_millis(3).humanize(), "3.0 ms");
        assert_eq!(Duration(850_000).humanize(), "850 µs");
        assert_eq!(Duration(-2_500_000).humanize(), "-2.5 ms");
    }
}
