//! When a record was logged, as far as the line says.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::observe::Timestamp;

/// A time as a line states it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stamp {
    /// None.
    #[default]
    None,
    /// An instant.
    Instant(Timestamp),
    /// A date and time without a zone.
    NoZone(DateTime),
    /// A date and time without a year and a zone; the year of the value means nothing.
    NoYear(DateTime),
}

/// What the user says about times that are not instants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeRules {
    /// The zone of times that state none.
    pub zone: Option<TimeZone>,
    /// The year of times that state none.
    pub year: Option<i16>,
}

impl Stamp {
    /// The better of two: an instant before a time without zone before one without year before
    /// none; of equals `self`. A time without a year takes that of the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Instant(_), _) => self,
            (_, Self::Instant(_)) | (Self::None, _) => other,
            (Self::NoYear(_), Self::NoZone(_)) => other,
            _ => self,
        }
    }

    /// A time without a year gets the year that puts it nearest to `reception`, when a later
    /// station on the way stamped the line.
    #[must_use]
    pub fn near(self, reception: Self) -> Self {
        let Self::NoYear(civil) = self else { return self };
        let year = match reception {
            Self::Instant(time) => year_of(time),
            Self::NoZone(received) => Some(received.year()),
            Self::NoYear(_) | Self::None => None,
        };
        let Some(year) = year else { return self };
        let received = match reception {
            Self::Instant(time) => civil_of(time),
            Self::NoZone(received) => Some(received),
            Self::NoYear(_) | Self::None => None,
        };
        let Some(received) = received else { return self };
        let distance =
            |candidate: &DateTime| candidate.duration_since(received).as_secs().unsigned_abs();
        (year.saturating_sub(1)..=year.saturating_add(1))
            .filter_map(|year| civil.with().year(year).build().ok())
            .min_by_key(distance)
            .map_or(self, Self::NoZone)
    }

    /// The instant that is meant, when the rules tell it.
    ///
    /// A civil time that the zone's clocks skipped or showed twice is read as the zone's rules
    /// before the change give it ("compatible" in jiff's words).
    #[must_use]
    pub fn instant(self, rules: &TimeRules) -> Option<Timestamp> {
        let civil = match self {
            Self::None => return None,
            Self::Instant(time) => return Some(time),
            Self::NoZone(civil) => civil,
            Self::NoYear(civil) => civil.with().year(rules.year?).build().ok()?,
        };
        let zoned = rules.zone.as_ref()?.to_ambiguous_zoned(civil).compatible().ok()?;
        Some(Timestamp::from_nanos_saturating(zoned.timestamp().as_nanosecond()))
    }

    /// The instant of a civil time whose distance from UTC is stated.
    #[must_use]
    pub fn with_offset(civil: DateTime, seconds_east: i32) -> Self {
        let instant = jiff::tz::Offset::from_seconds(seconds_east)
            .and_then(|offset| offset.to_timestamp(civil));
        match instant {
            Ok(instant) => Self::Instant(Timestamp::from_nanos_saturating(instant.as_nanosecond())),
            Err(_) => Self::NoZone(civil),
        }
    }

    /// The same, if the format's times without a zone are in UTC.
    #[must_use]
    pub fn in_utc(self) -> Self {
        match self {
            Self::NoZone(civil) => Self::with_offset(civil, 0),
            other => other,
        }
    }

    /// The time as the line states it, where it is not an instant: `2025-11-26T04:15:00`, or
    /// `--11-26T04:15:00` without a year.
    #[must_use]
    pub fn local(self) -> Option<String> {
        match self {
            Self::None | Self::Instant(_) => None,
            Self::NoZone(civil) => Some(civil.to_string()),
            Self::NoYear(civil) => {
                Some(format!("-{}", civil.to_string().get(4..).unwrap_or_default()))
            }
        }
    }

    /// Why it is no instant; `None` for an instant.
    #[must_use]
    pub const fn why_not(self) -> Option<&'static str> {
        match self {
            Self::Instant(_) => None,
            Self::None => Some("none"),
            Self::NoZone(_) => Some("no zone"),
            Self::NoYear(_) => Some("no year"),
        }
    }
}

fn civil_of(time: Timestamp) -> Option<DateTime> {
    let instant = jiff::Timestamp::from_nanosecond(i128::from(time.nanos())).ok()?;
    Some(TimeZone::UTC.to_datetime(instant))
}

fn year_of(time: Timestamp) -> Option<i16> {
    civil_of(time).map(DateTime::year)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn civil(text: &str) -> DateTime {
        text.parse().unwrap()
    }

    #[test]
    fn rules_turn_civil_times_into_instants() {
        let stamp = Stamp::NoYear(civil("1972-11-26T04:15:00"));
        assert_eq!(stamp.local().as_deref(), Some("--11-26T04:15:00"));
        assert_eq!(stamp.instant(&TimeRules::default()), None);
        let rules = TimeRules { zone: Some(TimeZone::UTC), year: Some(2025) };
        let time = stamp.instant(&rules).unwrap();
        assert_eq!(time.to_rfc3339(0), "2025-11-26T04:15:00Z");
    }

    #[test]
    fn a_december_line_that_was_received_in_january_is_last_years() {
        let stamp = Stamp::NoYear(civil("1972-12-31T23:59:58"));
        let received = Stamp::NoZone(civil("2026-01-01T00:00:03"));
        assert_eq!(stamp.near(received), Stamp::NoZone(civil("2025-12-31T23:59:58")));
    }

    #[test]
    fn the_29th_of_february_finds_its_year() {
        let stamp = Stamp::NoYear(civil("1972-02-29T10:00:00"));
        let received = Stamp::NoZone(civil("2025-03-01T00:00:00"));
        assert_eq!(stamp.near(received), Stamp::NoZone(civil("2024-02-29T10:00:00")));
    }
}
