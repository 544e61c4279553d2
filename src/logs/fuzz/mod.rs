//! The fuzzer's ways into the reading of logs. Each panics where a promise of this module is
//! broken, which is what a fuzzer looks for.

mod grammars;
mod layers;

use std::io::{Cursor, Read};

pub use grammars::{fuzz_log_cef, fuzz_log_columns, fuzz_log_json, fuzz_log_leef, fuzz_log_pairs};
pub use layers::{fuzz_log_framing, fuzz_log_wrappers};

use super::detect::Detection;
use super::encoding::Utf16Reader;
use super::format::Reading;
use super::read::{LogFacts, LogOptions, each_record, read_log};
use super::reader::{Fate, LineReader};
use super::registry::FORMATS;
use crate::capture::Workers;
use crate::capture::fuzz::matcher;
use crate::evidence::{Evidence, Limits};
use crate::observe::Sum;

/// What may stand before the bytes of [`fuzz_log_directives`]: lines that name columns.
const TITLES: [&str; 8] = [
    "#Fields: date time time-taken c-ip cs-username s-action sc-status cs-method cs-host cs-uri-port sc-bytes cs-bytes\n",
    "#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path\n",
    "#Fields: x-cs-timestamp\tcs-host\tcs-dst-ip\ts-action\n",
    "#separator \\x09\n#path\tdns\n#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tquery\tqtype\trcode\tanswers\n",
    "#separator \\x20\n#path ssl\n#fields ts id.orig_h id.resp_h id.resp_p server_name established\n",
    "#fields\tts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\tresp_bytes\n",
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n",
    "start,action,dstaddr,dstport,srcaddr,protocol\n",
];

/// Reads the bytes as a log, through detection and the whole path, in both ways that lines are
/// read, which must come to the same.
///
/// # Panics
///
/// When a promise of the log path is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_log(bytes: &[u8]) {
    let mut decoded = Vec::new();
    let log = if Utf16Reader::is_utf16(bytes) {
        let mut source = Utf16Reader::new(Box::new(Cursor::new(bytes.to_vec())));
        let read = source.read_to_end(&mut decoded);
        assert!(read.is_ok(), "{read:?}");
        assert!(std::str::from_utf8(&decoded).is_ok(), "what is decoded is UTF-8");
        decoded
    } else {
        bytes.to_vec()
    };
    check(&log);
}

/// Reads the bytes behind the first as the lines behind titles of columns; the first picks them.
///
/// # Panics
///
/// When a promise of the log path is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_log_directives(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let titles = TITLES.get(usize::from(*first) % TITLES.len()).copied().unwrap_or_default();
    check(&[titles.as_bytes(), rest].concat());
}

/// Shows the bytes behind the first as one line to the format that the first picks.
///
/// # Panics
///
/// When a promise of a format is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_log_format(bytes: &[u8]) {
    let Some((first, line)) = bytes.split_first() else { return };
    let number = usize::from(*first) % FORMATS.len();
    let mut emitted = 0_u64;
    let fate = LineReader::only(number).read(line, None, &mut |format, _| {
        assert_eq!(format, number, "no other format is asked");
        emitted += 1;
    });
    match fate {
        Fate::Unknown => assert_eq!(emitted, 0, "a format confirms before it emits"),
        Fate::Known { format, reading } => {
            assert_eq!(format, number, "no other format answers");
            match reading {
                Reading::NotMine => unreachable!("a format that knows nothing of a line"),
                Reading::Records => assert!(emitted > 0, "records are emitted"),
                Reading::NoRecord => assert_eq!(emitted, 0, "no record is emitted"),
                // Other parts of the same line may have given some.
                Reading::Damaged | Reading::InOrder => {}
            }
        }
    }
}

/// Reads a log in both ways and compares what they say of it.
fn check(log: &[u8]) {
    let detection = Detection::of(log);
    let options = LogOptions::default();
    let source = || Box::new(Cursor::new(log.to_vec()));
    let new_sink = || Evidence::new(matcher(), Limits::default());
    let whole = read_log(7, source(), &detection, &options, Workers::Caller, new_sink, &|| {});
    let mut emitted = 0_u64;
    let in_order = each_record(7, source(), &detection, &options, &mut |line, format, _| {
        assert!(line > 0 && FORMATS.get(format).is_some());
        emitted += 1;
        true
    });
    for facts in [&whole.facts, &in_order] {
        reconcile(facts, log);
    }
    assert_eq!(emitted, in_order.records, "every record is counted");
    assert_eq!(whole.facts.records, in_order.records, "the same records in any order");
    assert_eq!(whole.facts.lines, in_order.lines, "the same lines in any order");
    assert_eq!(whole.facts.formats, in_order.formats, "the same formats in any order");
    assert_eq!(whole.facts.span, in_order.span, "the same times in any order");
    assert_eq!(whole.facts.without_instant, in_order.without_instant);
    assert_eq!(whole.facts.anomalies, in_order.anomalies, "the same anomalies in any order");
    let sum = whole.sinks.into_iter().reduce(|mut sum, sink| {
        sum.merge(sink);
        sum
    });
    let Some(sum) = sum.map(Evidence::settle) else { unreachable!("a log has sinks") };
    for (_, tally) in sum.attempts() {
        assert!(tally.first <= tally.last && tally.count > 0);
        assert!(!tally.samples.is_empty() && tally.samples.is_sorted());
    }
}

/// What a log's facts promise.
fn reconcile(facts: &LogFacts, log: &[u8]) {
    let lines = &facts.lines;
    let parts = lines.understood() + lines.damaged + lines.too_long + lines.unknown;
    assert_eq!(lines.read, parts, "every line is counted once: {lines:?}");
    assert!(facts.formats.values().sum::<u64>() <= lines.understood() + lines.damaged);
    assert_eq!(facts.bytes, log.len() as u64, "no byte is lost");
    assert!(facts.error.is_none(), "{:?}", facts.error);
    assert!(facts.span.is_none_or(|(first, last)| first <= last));
    let without_instant: u64 = facts.without_instant.values().sum();
    assert!(without_instant <= facts.records);
    assert_eq!(facts.span.is_some(), without_instant < facts.records);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_title_row_is_one() {
        for titles in TITLES {
            let detection = Detection::of(titles.as_bytes());
            assert!(detection.has_directives, "{titles}");
            assert_eq!(detection.unknown, 0, "{titles}");
        }
    }
}
