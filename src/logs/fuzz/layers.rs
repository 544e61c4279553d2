//! What lies between the bytes of a file and the text of a record: units, and what shippers put
//! around lines.

use crate::logs::framing::{self, Unit, Walker};
use crate::logs::grammar::{Json, Scratch};
use crate::logs::unwrap::{self, Wrapped};
use crate::logs::value;

/// Wrappers within wrappers that are looked into.
const MAX_DEPTH: usize = 3;

/// Finds the units in the bytes behind the first, whole and in pieces of the length that the
/// first says.
///
/// # Panics
///
/// When the pieces make a difference; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_log_framing(bytes: &[u8]) {
    let Some((first, text)) = bytes.split_first() else { return };
    let step = usize::from(*first) + 1;
    let whole = documents(text, text.len().max(1));
    assert_eq!(whole, documents(text, step), "pieces of {step} bytes make no difference");
    check_units(text, &whole);
    let mut quoted = Vec::new();
    let end = framing::quoted_units(text, true, &mut quoted);
    assert_eq!(end, text.len(), "the end of the input ends every unit");
    check_units(text, &quoted);
    assert_eq!(quoted, quoted_in_parts(text, step), "a cut at {step} makes no difference");
    check_units(text, &framing::units_of(text));
}

/// The documents of a text that comes in pieces, places counted as a reader of blocks does: from
/// the first byte that it still has.
fn documents(text: &[u8], step: usize) -> Vec<Unit> {
    let (mut walker, mut units) = (Walker::default(), Vec::new());
    let mut start = 0;
    for piece in text.chunks(step) {
        let mut found = Vec::new();
        walker.walk(piece, &mut found);
        units.extend(found.iter().map(|unit| moved(*unit, start, 0)));
        let done = walker.pending();
        assert!(done <= walker.walked());
        walker.restart(done);
        start += done;
    }
    let mut found = Vec::new();
    walker.finish(&mut found);
    units.extend(found.iter().map(|unit| moved(*unit, start, 0)));
    units
}

/// The quoted units of a text whose first bytes come alone.
fn quoted_in_parts(text: &[u8], cut: usize) -> Vec<Unit> {
    let mut units = Vec::new();
    let first = text.get(..cut).unwrap_or(text);
    let done = framing::quoted_units(first, first.len() == text.len(), &mut units).min(text.len());
    let (before, rest) = text.split_at_checked(done).unwrap_or_default();
    let lines = memchr::memchr_iter(b'\n', before).count() as u64;
    let mut behind = Vec::new();
    framing::quoted_units(rest, true, &mut behind);
    units.extend(behind.iter().map(|unit| moved(*unit, done, lines)));
    units
}

fn moved(unit: Unit, by: usize, lines: u64) -> Unit {
    Unit { start: unit.start + by, end: unit.end + by, line: unit.line + lines }
}

/// Units lie one behind the other, each on the line that its number says.
fn check_units(text: &[u8], units: &[Unit]) {
    let mut from = 0;
    for unit in units {
        assert!(from <= unit.start && unit.start <= unit.end && unit.end <= text.len());
        from = unit.end;
        let before = text.get(..unit.start).unwrap_or_default();
        assert_eq!(unit.line, memchr::memchr_iter(b'\n', before).count() as u64);
    }
}

/// Takes wrappers off the bytes, wrapper within wrapper, and reads them as the header of a
/// syslog line.
///
/// # Panics
///
/// When a promise of the wrappers is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_log_wrappers(bytes: &[u8]) {
    let _ = (value::syslog_time(bytes), value::iso_8601(bytes), value::epoch(bytes));
    let _ = (value::common_log_time(bytes), value::event_time(bytes));
    let _ = (value::us_or_eu_date(bytes, None), value::offset_seconds(bytes));
    let _ = (value::host(bytes), value::Url::parse(bytes), value::socket(bytes));
    take_off(bytes, MAX_DEPTH);
}

fn take_off(text: &[u8], depth: usize) {
    let mut rest = text;
    while let Some((message, behind)) = unwrap::frame(rest) {
        assert!(message.len() + behind.len() < rest.len(), "a count is taken off");
        message_in(message, depth);
        rest = behind;
    }
    message_in(rest, depth);
}

fn message_in(text: &[u8], depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match unwrap::unwrap(text, &mut Scratch::default()) {
        Wrapped::Text { text: inner, .. } => {
            assert!(inner.len() < text.len(), "a prefix is taken off");
            take_off(inner, depth);
        }
        Wrapped::Parts(parts) => {
            let length: usize = parts.iter().map(|(inner, _)| inner.len()).sum();
            assert!(length < text.len(), "prefixes are taken off");
            parts.iter().for_each(|(inner, _)| take_off(inner, depth));
        }
        Wrapped::Json(json) => unwrap::elements(json).for_each(|element| object(element, depth)),
        Wrapped::Not => {}
    }
}

fn object(json: Json<'_>, depth: usize) {
    let _ = unwrap::received(json);
    for inner in unwrap::nested(json) {
        for payload in unwrap::payloads(inner) {
            payload.units().for_each(|unit| take_off(unit, depth));
        }
    }
}
