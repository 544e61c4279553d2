//! Times in the spellings that logs use.

use jiff::civil::{Date, DateTime, Time};

use super::number;
use crate::logs::stamp::Stamp;
use crate::observe::Timestamp;

/// The year that stands for "none" in [`Stamp::NoYear`]: a leap year, so that the 29th of
/// February is a date.
pub const ANY_YEAR: i16 = 1972;

/// Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by the number of
/// digits before the fraction (9-10, 12-13, 15-16, 18-19). `None` for anything else.
#[must_use]
pub fn epoch(raw: &[u8]) -> Option<Timestamp> {
    let raw = raw.trim_ascii();
    let end = raw.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(raw.len());
    let (whole, rest) = raw.split_at(end);
    let scale: u32 = match whole.len() {
        9 | 10 => 9,
        12 | 13 => 6,
        15 | 16 => 3,
        18 | 19 => 0,
        _ => return None,
    };
    let mut nanos = number::<i64>(whole)?.checked_mul(10_i64.pow(scale))?;
    match rest {
        [] => {}
        [b'.' | b',', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
            let mut unit = 10_i64.pow(scale);
            for digit in digits.iter().take(9) {
                unit /= 10;
                nanos = nanos.checked_add(i64::from(digit - b'0').checked_mul(unit)?)?;
            }
        }
        _ => return None,
    }
    Some(Timestamp::from_nanos(nanos))
}

/// ISO 8601 and RFC 3339 with `T` or a blank between date and time, a dot or comma before the
/// fraction, and a zone as `Z`, `+02:00`, `+0200`, `+02`, `UTC` or `GMT`, with or without a blank
/// before it. Without a zone the stamp has none. The value must end there.
#[must_use]
pub fn iso_8601(raw: &[u8]) -> Option<Stamp> {
    let (civil, zone) =
        date_and_time(raw.trim_ascii(), b'-').or_else(|| date_and_time(raw.trim_ascii(), b'/'))?;
    match zone.trim_ascii() {
        b"" => Some(Stamp::NoZone(civil)),
        zone => Some(Stamp::with_offset(civil, offset_seconds(zone)?)),
    }
}

/// `YYYY-MM-DD` (with `separator` for `-`), `T` or a blank, and a clock time. Also returns what
/// stands behind it.
#[must_use]
pub fn date_and_time(raw: &[u8], separator: u8) -> Option<(DateTime, &[u8])> {
    let (year, rest) = digits(raw, 4, 4)?;
    let rest = rest.strip_prefix(&[separator])?;
    let (month, rest) = digits(rest, 1, 2)?;
    let rest = rest.strip_prefix(&[separator])?;
    let (day, rest) = digits(rest, 1, 2)?;
    let [b'T' | b't' | b' ' | b'_' | b'-' | b':', rest @ ..] = rest else { return None };
    let (time, rest) = clock(rest.trim_ascii_start())?;
    Some((civil(year, month, day, time)?, rest))
}

/// A date (`YYYY-MM-DD` or `YYYY/MM/DD`) and a clock time that stand in columns of their own.
#[must_use]
pub fn date_beside_clock(date: &[u8], time: &[u8]) -> Option<DateTime> {
    let (year, rest) = digits(date.trim_ascii(), 4, 4)?;
    let [separator @ (b'-' | b'/'), rest @ ..] = rest else { return None };
    let (month, rest) = digits(rest, 1, 2)?;
    let (day, rest) = digits(rest.strip_prefix(&[*separator])?, 1, 2)?;
    let (time, after) = clock(time.trim_ascii())?;
    (rest.is_empty() && after.is_empty()).then(|| civil(year, month, day, time))?
}

/// A date from its numbers and a clock time; `None` when there is no such day.
#[must_use]
pub fn civil(year: u32, month: u32, day: u32, time: Time) -> Option<DateTime> {
    let date =
        Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    Some(DateTime::from_parts(date.ok()?, time))
}

/// `hh:mm:ss` with a fraction of up to nine digits behind a dot or comma, or `hh:mm`; also
/// returns what stands behind it.
#[must_use]
pub fn clock(raw: &[u8]) -> Option<(Time, &[u8])> {
    let (hour, rest) = digits(raw, 1, 2)?;
    let rest = rest.strip_prefix(b":")?;
    let (minute, rest) = digits(rest, 2, 2)?;
    let (second, rest) = match rest.strip_prefix(b":") {
        Some(after) => digits(after, 2, 2)?,
        None => (0, rest),
    };
    let (nanos, rest) = match rest {
        [b'.' | b',', after @ ..] if after.first().is_some_and(u8::is_ascii_digit) => {
            fraction(after)
        }
        _ => (0, rest),
    };
    let narrow = |value: u32| i8::try_from(value).ok();
    // A leap second is the last second of its minute.
    let time = Time::new(narrow(hour)?, narrow(minute)?, narrow(second.min(59))?, nanos);
    (second <= 60).then_some((time.ok()?, rest))
}

/// The time at the end of a syslog header: of the last one that can be read, the stamp.
///
/// Knows RFC 3164 (`Nov 26 04:15:00`, the day padded with a blank or a zero), with a year before
/// or after the time, fractions, a zone name behind it (`UTC` and `GMT` only are a zone), and the
/// times of RFC 5424.
#[must_use]
pub fn syslog_time(header: &[u8]) -> Stamp {
    let mut best = Stamp::None;
    let mut rest = header;
    while !rest.is_empty() {
        let start = rest.iter().position(|byte| byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
        rest = rest.get(start..).unwrap_or_default();
        let found = match rest.first() {
            Some(byte) if byte.is_ascii_digit() => iso_prefix(rest),
            Some(_) => bsd_prefix(rest),
            None => break,
        };
        if let Some((stamp, after)) = found {
            best = best.or(stamp);
            rest = after;
        } else {
            let end = rest
                .iter()
                .position(|byte| {
                    !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'.' | b':')
                })
                .unwrap_or(rest.len());
            rest = rest.get(end..).unwrap_or_default();
        }
    }
    best
}

/// The time of NCSA's Common Log Format at the start: `26/Nov/2025:04:15:00 +0100`, the zone
/// perhaps absent (Apache HTTP Server "Log Files"); also `26-Nov-2025 04:15:00`, as BIND writes
/// it, and with blanks. Also returns what stands behind it.
#[must_use]
pub fn common_log_time(raw: &[u8]) -> Option<(Stamp, &[u8])> {
    let (day, rest) = digits(raw, 1, 2)?;
    let [separator @ (b'/' | b'-' | b' '), rest @ ..] = rest else { return None };
    let month = month(rest)?;
    let (year, rest) = digits(rest.get(3..)?.strip_prefix(&[*separator])?, 4, 4)?;
    let [b':' | b' ', rest @ ..] = rest else { return None };
    let (time, rest) = clock(rest)?;
    let civil = civil(year, month, day, time)?;
    let zone = rest.strip_prefix(b" ").and_then(|after| after.split_at_checked(5));
    match zone.and_then(|(zone, after)| Some((offset_seconds(zone)?, after))) {
        Some((offset, after)) => Some((Stamp::with_offset(civil, offset), after)),
        None => Some((Stamp::NoZone(civil), rest)),
    }
}

/// The time in a field of an event (CEF's `rt`, LEEF's `devTime`): an epoch, ISO 8601, or
/// `[Www ]Mmm dd [yyyy] hh:mm:ss[.fff][ zone]`, where a zone that is only a name is none. `None`
/// for anything else, and for a time without a year with something behind it.
#[must_use]
pub fn event_time(raw: &[u8]) -> Option<Stamp> {
    let raw = raw.trim_ascii();
    if let Some(time) = epoch(raw) {
        return Some(Stamp::Instant(time));
    }
    if let Some(stamp) = iso_8601(raw) {
        return Some(stamp);
    }
    let (stamp, rest) = bsd_prefix(raw).or_else(|| bsd_prefix(raw.get(4..)?))?;
    match (stamp, rest.trim_ascii()) {
        (Stamp::NoZone(civil), zone) => Some(match offset_seconds(zone) {
            Some(offset) => Stamp::with_offset(civil, offset),
            None => stamp,
        }),
        (Stamp::NoYear(_), rest) if !rest.is_empty() => None,
        _ => Some(stamp),
    }
}

/// The number of a month by the first three letters of its English name, from 1.
#[must_use]
pub fn month(raw: &[u8]) -> Option<u32> {
    const MONTHS: [&[u8; 3]; 12] = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov",
        b"dec",
    ];
    let start = raw.get(..3)?;
    let at = MONTHS.iter().position(|month| start.eq_ignore_ascii_case(*month))?;
    u32::try_from(at).ok().map(|at| at + 1)
}

/// Seconds east of UTC: `Z`, `UTC`, `GMT`, `+02:00`, `+0200`, `-5`; `None` for other names, which
/// are ambiguous.
#[must_use]
pub fn offset_seconds(raw: &[u8]) -> Option<i32> {
    let raw = raw.trim_ascii();
    let (sign, rest) = match raw {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => {
            let is_utc = super::is_one_of(raw, &["Z", "UTC", "GMT"]);
            return is_utc.then_some(0);
        }
    };
    let (hours, minutes) = match rest {
        [_] | [_, _] => (rest, &b"0"[..]),
        [_, _, b':', _, _] => (rest.get(..2)?, rest.get(3..)?),
        [_, _, _, _] => (rest.get(..2)?, rest.get(2..)?),
        _ => return None,
    };
    let (hours, minutes) = (number::<i32>(hours)?, number::<i32>(minutes)?);
    ((0..=15).contains(&hours) && (0..60).contains(&minutes))
        .then_some(sign * (hours * 3600 + minutes * 60))
}

/// `a/b/yyyy hh:mm:ss` (also with dots or dashes), with `AM` or `PM` or without: with them the
/// month is first; without, `day_first` decides where both readings are dates.
#[must_use]
pub fn us_or_eu_date(raw: &[u8], day_first: Option<bool>) -> Option<Stamp> {
    let raw = raw.trim_ascii();
    let (first, rest) = digits(raw, 1, 2)?;
    let [separator @ (b'/' | b'.' | b'-'), rest @ ..] = rest else { return None };
    let (second, rest) = digits(rest, 1, 2)?;
    let rest = rest.strip_prefix(&[*separator])?;
    let (year, rest) = digits(rest, 2, 4)?;
    let year = if year < 100 { year + 2000 } else { year };
    let (time, rest) = clock(rest.trim_ascii_start())?;
    let half = rest.trim_ascii();
    let is_pm = super::is_one_of(half, &["PM", "P.M."]);
    let is_am = super::is_one_of(half, &["AM", "A.M."]);
    let time = match (i32::from(time.hour()), is_pm, is_am) {
        (hour @ 1..=11, true, _) => time.with().hour(i8::try_from(hour + 12).ok()?).build().ok()?,
        (12, _, true) => time.with().hour(0).build().ok()?,
        _ => time,
    };
    let month_first = civil(year, first, second, time);
    let day_is_first = civil(year, second, first, time);
    let civil = match (month_first, day_is_first) {
        (found, _) if is_pm || is_am => found?,
        (Some(found), None) | (None, Some(found)) => found,
        (Some(month_first), Some(day_is_first)) if month_first == day_is_first => month_first,
        (Some(month_first), Some(day_is_first)) => match day_first? {
            true => day_is_first,
            false => month_first,
        },
        (None, None) => return None,
    };
    Some(Stamp::NoZone(civil))
}

/// An ISO time at the start of a header, and what follows.
fn iso_prefix(raw: &[u8]) -> Option<(Stamp, &[u8])> {
    let (civil, rest) = date_and_time(raw, b'-').or_else(|| date_and_time(raw, b'/'))?;
    let end = rest.iter().position(|byte| !matches!(byte, b'+' | b'-' | b':' | b'Z' | b'0'..=b'9'));
    let (zone, after) = rest.split_at(end.unwrap_or(rest.len()));
    match offset_seconds(zone) {
        Some(offset) => Some((Stamp::with_offset(civil, offset), after)),
        None => Some(match word_zone(rest) {
            Some((offset, after)) => (Stamp::with_offset(civil, offset), after),
            None => (Stamp::NoZone(civil), rest),
        }),
    }
}

/// `Mmm d [yyyy] hh:mm:ss[.fff] [yyyy] [zone]` at the start of a header, and what follows.
fn bsd_prefix(raw: &[u8]) -> Option<(Stamp, &[u8])> {
    let month = month(raw)?;
    let rest = raw.get(3..)?.strip_prefix(b" ")?.trim_ascii_start();
    let (day, rest) = digits(rest, 1, 2)?;
    let rest = rest.strip_prefix(b" ")?.trim_ascii_start();
    let (mut year, rest) = match year_word(rest) {
        Some((year, rest)) => (Some(year), rest),
        None => (None, rest),
    };
    let (time, mut rest) = clock(rest)?;
    if let (None, Some((found, after))) = (year, rest.strip_prefix(b" ").and_then(year_word)) {
        (year, rest) = (Some(found), after);
    }
    let Some(year) = year else {
        let civil = civil(u32::from(ANY_YEAR.unsigned_abs()), month, day, time)?;
        return Some((Stamp::NoYear(civil), rest));
    };
    let civil = civil(year, month, day, time)?;
    Some(match word_zone(rest) {
        Some((offset, after)) => (Stamp::with_offset(civil, offset), after),
        None => (Stamp::NoZone(civil), rest),
    })
}

/// A year of four digits that a blank or a colon ends.
fn year_word(raw: &[u8]) -> Option<(u32, &[u8])> {
    let (year, rest) = digits(raw, 4, 4)?;
    let ends = !matches!(rest.first(), Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':'));
    let ends = ends || matches!(rest, [b':'] | [b':', b' ', ..]);
    ((1970..=2200).contains(&year) && ends).then(|| (year, rest.trim_ascii_start()))
}

/// ` UTC` or ` GMT` or `Z` as the next word.
fn word_zone(raw: &[u8]) -> Option<(i32, &[u8])> {
    let raw = raw.trim_ascii_start();
    let end = raw.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(raw.len());
    let (word, after) = raw.split_at(end);
    (word.len() == 3).then_some(())?;
    Some((offset_seconds(word)?, after))
}

/// A number of `least` to `most` digits at the start, and what follows; a further digit ends it
/// too, so that `20251126` can be read in parts.
fn digits(raw: &[u8], least: usize, most: usize) -> Option<(u32, &[u8])> {
    let end = raw.iter().take(most).position(|byte| !byte.is_ascii_digit());
    let end = end.unwrap_or(most.min(raw.len()));
    let (number, rest) = raw.split_at_checked(end)?;
    if end < least {
        return None;
    }
    let value = number.iter().fold(0_u32, |value, digit| value * 10 + u32::from(digit - b'0'));
    Some((value, rest))
}

/// A fraction of a second in nanoseconds, and what follows; digits beyond the ninth are cut.
fn fraction(raw: &[u8]) -> (i32, &[u8]) {
    let end = raw.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(raw.len());
    let (digits, rest) = raw.split_at(end);
    let mut nanos = 0;
    let mut unit = 1_000_000_000;
    for digit in digits.iter().take(9) {
        unit /= 10;
        nanos += i32::from(digit - b'0') * unit;
    }
    (nanos, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(stamp: Stamp) -> String {
        match stamp {
            Stamp::Instant(time) => time.to_rfc3339(3),
            other => other.local().unwrap_or_default(),
        }
    }

    #[test]
    fn epochs_are_told_apart_by_their_digits() {
        for raw in [
            "1763870400",
            "1763870400.000",
            "1763870400000",
            "1763870400000000",
            "1763870400000000000",
        ] {
            let time = epoch(raw.as_bytes()).unwrap();
            assert_eq!(time.to_rfc3339(0), "2025-11-23T04:00:00Z", "{raw}");
        }
        assert_eq!(epoch(b"1763870400.5").unwrap().to_rfc3339(1), "2025-11-23T04:00:00.5Z");
        assert_eq!(epoch(b"12345"), None);
    }

    #[test]
    fn iso_times_state_their_zone_or_not() {
        let read = |raw: &str| instant(iso_8601(raw.as_bytes()).unwrap());
        assert_eq!(read("2025-11-26T04:15:00.250Z"), "2025-11-26T04:15:00.250Z");
        assert_eq!(read("2025-11-26 06:15:00,250 +0200"), "2025-11-26T04:15:00.250Z");
        assert_eq!(read("2025/11/26 04:15:00 UTC"), "2025-11-26T04:15:00.000Z");
        assert_eq!(read("2025-11-26 04:15:00"), "2025-11-26T04:15:00");
        assert_eq!(iso_8601(b"2025-99-99T99:99:99"), None);
        assert_eq!(iso_8601(b"2025-11-26T04:15:00 BST"), None);
    }

    #[test]
    fn syslog_headers_give_their_best_time() {
        let read = |raw: &str| instant(syslog_time(raw.as_bytes()));
        assert_eq!(read("<134>Nov  6 04:15:00 fw1 "), "--11-06T04:15:00");
        assert_eq!(read("<166>Oct 10 2018 12:34:56 fw-1 : "), "2018-10-10T12:34:56");
        assert_eq!(read("Fri Oct 2 14:20:00 2026 host "), "2026-10-02T14:20:00");
        assert_eq!(
            read("<14>1 2025-11-26T04:15:00.5+01:00 host app - - "),
            "2025-11-26T03:15:00.500Z"
        );
        assert_eq!(read("4423: *Aug 23 2025 01:02:03.456 UTC: "), "2025-08-23T01:02:03.456Z");
        assert_eq!(read("Nov 6 04:15:00 relay Nov 6 2025 04:14:59 fw "), "2025-11-06T04:14:59");
        assert_eq!(read("no time in here"), "");
    }

    #[test]
    fn common_log_times_state_their_zone_or_not() {
        let read = |raw: &str| common_log_time(raw.as_bytes()).map(|(stamp, _)| instant(stamp));
        let expected = Some("2025-11-26T03:15:00.000Z".to_owned());
        assert_eq!(read("26/Nov/2025:04:15:00 +0100] \"GET /"), expected);
        assert_eq!(read("26/Nov/2025:04:15:00.5 x").as_deref(), Some("2025-11-26T04:15:00.5"));
        assert_eq!(read("26-Nov-2025 04:15:00.25 x").as_deref(), Some("2025-11-26T04:15:00.25"));
        assert_eq!(read("26/Now/2025:04:15:00"), None);
    }

    #[test]
    fn dates_may_stand_beside_their_clock() {
        let read = |date: &str, time: &str| {
            date_beside_clock(date.as_bytes(), time.as_bytes()).map(|civil| civil.to_string())
        };
        assert_eq!(read("2025-11-26", "04:15:00").as_deref(), Some("2025-11-26T04:15:00"));
        assert_eq!(read("2025/11/26", "04:15:00").as_deref(), Some("2025-11-26T04:15:00"));
        assert_eq!(read("2025-11-26", "04: 15:00"), None);
        assert_eq!(read("2025-11", "04:15:00"), None);
    }

    #[test]
    fn times_of_events_are_read_in_every_spelling() {
        let read = |raw: &str| event_time(raw.as_bytes()).map(instant);
        let expected = Some("2025-11-26T04:15:00.000Z".to_owned());
        for raw in [
            "1764130500000",
            "2025-11-26T05:15:00+01:00",
            "Nov 26 2025 05:15:00 +0100",
            "Nov 26 2025 04:15:00.000 UTC",
        ] {
            assert_eq!(read(raw), expected, "{raw}");
        }
        assert_eq!(read("Wed Nov 26 04:15:00 2025").as_deref(), Some("2025-11-26T04:15:00"));
        assert_eq!(read("Nov 26 2025 04:15:00 CEST").as_deref(), Some("2025-11-26T04:15:00"));
        assert_eq!(read("Nov 26 04:15:00").as_deref(), Some("--11-26T04:15:00"));
        assert_eq!(read("Nov 26 04:15:00 EST"), None);
        assert_eq!(read("yesterday"), None);
    }

    #[test]
    fn dates_without_an_order_need_a_hint() {
        let read = |raw: &str, hint| us_or_eu_date(raw.as_bytes(), hint).map(instant);
        assert_eq!(read("5/21/2015 1:51:18 PM", None).as_deref(), Some("2015-05-21T13:51:18"));
        assert_eq!(read("20.01.2026 23:00:18", None).as_deref(), Some("2026-01-20T23:00:18"));
        assert_eq!(read("03/04/2021 10:00:00", None), None);
        assert_eq!(read("03/04/2021 10:00:00", Some(true)).as_deref(), Some("2021-04-03T10:00:00"));
    }
}
