//! Times as exports write them.

use crate::logs::stamp::Stamp;
use crate::logs::value;

/// A time: what other logs write, and what people's programs make of it, such as `Mar 1, 2025 @ 10:00:01.000`,
/// `3/1/2025, 10:00:01.123 AM` or `Saturday, March 1, 2025 10:00:01 AM GMT`.
pub(super) fn stamp(raw: &[u8], day_first: Option<bool>) -> Option<Stamp> {
    let raw = raw.trim_ascii();
    if let Some(time) = value::epoch(raw) {
        return Some(Stamp::Instant(time));
    }
    let slashed = || {
        let (civil, rest) = value::date_and_time(raw, b'/')?;
        rest.trim_ascii().is_empty().then_some(Stamp::NoZone(civil))
    };
    let direct = || value::iso_8601(raw).or_else(slashed).or_else(|| value::event_time(raw));
    direct().or_else(|| spoken(raw, day_first))
}

/// A time with words and commas for people.
fn spoken(raw: &[u8], day_first: Option<bool>) -> Option<Stamp> {
    /// No time has more.
    const MAX_LENGTH: usize = 64;
    let text = std::str::from_utf8(raw.get(..raw.len().min(MAX_LENGTH))?).ok()?;
    let words = text.split([' ', ',', '@', '\u{202f}']).filter(|word| !word.is_empty());
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    let first = words.first()?;
    if first.ends_with("day") || first.ends_with("day.") {
        words.remove(0);
    }
    let zone = words.last().and_then(|word| value::offset_seconds(word.as_bytes()));
    if zone.is_some() && words.len() > 2 {
        words.pop();
    }
    // `March` becomes `Mar`; `1 March` becomes `Mar 1`.
    let is_month = |word: &String| {
        word.bytes().all(|byte| byte.is_ascii_alphabetic())
            && value::month(word.as_bytes()).is_some()
    };
    if let Some(at) = words.iter().take(2).position(is_month) {
        words.get_mut(at)?.truncate(3);
        if at == 1 {
            words.swap(0, 1);
        }
    }
    let stamp = match half_of_day(&mut words) {
        // Of these only the date and the time are left.
        Some(half) if words.first().is_some_and(|word| word.contains('/')) => {
            let text = format!("{} {half}", words.join(" "));
            value::us_or_eu_date(text.as_bytes(), day_first)?
        }
        Some(half) => shifted(value::event_time(words.join(" ").as_bytes())?, half)?,
        None => {
            let text = words.join(" ");
            value::event_time(text.as_bytes())
                .or_else(|| value::us_or_eu_date(text.as_bytes(), day_first))?
        }
    };
    Some(match (stamp, zone) {
        (Stamp::NoZone(civil), Some(zone)) => Stamp::with_offset(civil, zone),
        (stamp, _) => stamp,
    })
}

/// Takes `AM` or `PM` off the end.
fn half_of_day(words: &mut Vec<String>) -> Option<&'static str> {
    let last = words.last()?;
    let half = ["AM", "PM"].into_iter().find(|half| last.eq_ignore_ascii_case(half))?;
    words.pop();
    Some(half)
}

/// The same time in its half of the day.
fn shifted(stamp: Stamp, half: &str) -> Option<Stamp> {
    let Stamp::NoZone(civil) = stamp else { return Some(stamp) };
    let hour = match (civil.hour(), half) {
        (12, "AM") => 0,
        (hour @ 1..=11, "PM") => hour + 12,
        (hour, _) => hour,
    };
    Some(Stamp::NoZone(civil.with().hour(hour).build().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &str) -> Option<String> {
        match stamp(raw.as_bytes(), None)? {
            Stamp::Instant(time) => Some(time.to_rfc3339(0)),
            other => other.local(),
        }
    }

    #[test]
    fn times_for_people_are_read() {
        for (raw, expected) in [
            ("2025-03-01T10:00:01.000+0000", "2025-03-01T10:00:01Z"),
            ("1740823201.853", "2025-03-01T10:00:01Z"),
            ("2025/03/01 10:00:01", "2025-03-01T10:00:01"),
            ("Mar 1, 2025 @ 10:00:01.000", "2025-03-01T10:00:01"),
            ("3/1/2025, 10:00:01 PM", "2025-03-01T22:00:01"),
            ("3/1/2025, 12:00:01 AM", "2025-03-01T00:00:01"),
            ("Saturday, March 1, 2025 10:00:01 AM GMT", "2025-03-01T10:00:01Z"),
            ("Saturday, March 1, 2025 12:30:01 PM GMT", "2025-03-01T12:30:01Z"),
            ("1 March 2025 10:00:01", "2025-03-01T10:00:01"),
        ] {
            assert_eq!(text(raw).as_deref(), Some(expected), "{raw}");
        }
        for raw in ["", "10:00:01", "yesterday", "Monday", "3/1/2025", "AM", "a@b,c"] {
            assert_eq!(text(raw), None, "{raw}");
        }
    }
}
