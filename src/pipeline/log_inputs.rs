//! What was read of logs, for the report.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use crate::input::{Compression, Opened};
use crate::logs::detect;
use crate::logs::encoding::Utf16Reader;
use crate::logs::read::{LineCounts, LogFacts};
use crate::logs::registry::FORMATS;
use crate::observe::{Anomalies, AnomalyKind, Frame};
use crate::render::escape;
use crate::report::{CoverageReport, InputKind, InputReport, KindCount, LineCoverage};

/// Decimal digits of a second that times of logs are shown with.
pub(super) const DIGITS: u8 = 3;
/// Formats of one input that are named.
const FORMATS_NAMED: usize = 4;

/// The opened input as UTF-8: Windows writes logs in UTF-16.
pub(super) fn decoded(opened: Opened) -> Opened {
    if !Utf16Reader::is_utf16(&opened.head) {
        return opened;
    }
    let mut head = Vec::new();
    // Reading from memory does not fail, and a unit that the head cuts is left out.
    let _ = Utf16Reader::new(Box::new(Cursor::new(opened.head))).read_to_end(&mut head);
    Opened { reader: Box::new(Utf16Reader::new(opened.reader)), head, ..opened }
}

/// Why a text is not read.
pub(super) fn unknown(head: &[u8], first_line: &str) -> String {
    let line = head.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty());
    let nearest = detect::nearest(line.unwrap_or_default());
    let advice = if nearest.is_empty() {
        "`egress-audit formats` lists what is read, --input-format says what it is".to_owned()
    } else {
        format!(
            "nearest are {}; --input-format says what it is, --explain-detection why it is none",
            nearest.join(", ")
        )
    };
    format!(
        "unknown format; it is text that begins with \"{}\"; {advice}",
        escape::terminal(first_line)
    )
}

/// Puts what was read of a log into the report of its input.
pub(super) fn describe(report: &mut InputReport, log: &LogFacts, compression: Option<Compression>) {
    let LineCounts { read, .. } = log.lines;
    report.kind = InputKind::Log;
    report.records = read;
    report.decoded = log.lines.understood();
    report.first = log.span.and_then(|(first, _)| first.instant_text(DIGITS));
    report.last = log.span.and_then(|(_, last)| last.instant_text(DIGITS));
    report.error.clone_from(&log.error);
    if report.bytes == 0 {
        report.bytes = log.bytes;
    }
    let suffix = compression.map_or("", Compression::suffix);
    report.format = Some(format!("{}{suffix}", formats(log)));
    if log.formats.len() > 1 {
        let counts = by_count(log);
        let counts: Vec<String> =
            counts.iter().map(|(id, count)| format!("{count} {id}")).collect();
        report.notes.push(format!("lines by format: {}", counts.join(", ")));
    }
    if log.lines.unknown > 0 {
        report.notes.push(format!("{} of {read} lines are of no known format", log.lines.unknown));
    }
    for (frame, count) in &log.without_instant {
        let (lack, advice) = match frame {
            Frame::NoYear => ("year and no zone", "give --year and --log-tz"),
            Frame::NoZone => ("zone", "give --log-tz"),
            Frame::Unknown | Frame::Instant => ("time", "they are joined with nothing"),
        };
        report.notes.push(format!("{count} of {} records state no {lack}: {advice}", log.records));
    }
}

/// Adds the logs to the coverage.
pub(super) fn cover(coverage: &mut CoverageReport, logs: &[LogFacts], anomalies: &Anomalies) {
    let mut lines = LineCounts::default();
    let mut records = 0;
    for log in logs {
        lines.merge(&log.lines);
        records += log.records;
    }
    let mut not_understood: BTreeMap<AnomalyKind, u64> = BTreeMap::new();
    for (kind, anomaly) in anomalies.iter().filter(|(kind, _)| kind.hides_a_line()) {
        *not_understood.entry(kind).or_default() += anomaly.count;
    }
    coverage.lines = LineCoverage {
        read: lines.read,
        with_records: lines.with_records,
        without_record: lines.without_record,
        not_understood: not_understood
            .into_iter()
            .map(|(kind, count)| KindCount { kind: kind.as_str(), count })
            .collect(),
        records,
    };
}

/// The formats of a log, the most frequent first: `fortigate`, or `fortigate+squid`.
fn formats(log: &LogFacts) -> String {
    let all = by_count(log);
    let mut named: Vec<&str> = all.iter().take(FORMATS_NAMED).map(|(id, _)| *id).collect();
    if all.len() > FORMATS_NAMED {
        named.push("…");
    }
    if named.is_empty() { "log".to_owned() } else { named.join("+") }
}

fn by_count(log: &LogFacts) -> Vec<(&'static str, u64)> {
    let mut all: Vec<(&'static str, u64)> = log
        .formats
        .iter()
        .filter_map(|(format, count)| Some((FORMATS.get(*format)?.about().id, *count)))
        .collect();
    all.sort_by_key(|(id, count)| (std::cmp::Reverse(*count), *id));
    all
}
