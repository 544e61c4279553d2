//! The input formats, and why a file is taken for one of them.

use super::log_inputs;
use crate::input::{self, Detected, InputPath};
use crate::logs::detect::{self, Detection};
use crate::logs::registry::FORMATS;
use crate::report::{DetectionReport, FormatRow, LineFinding};

/// Lines of a file that are explained one by one.
const LINES_EXPLAINED: usize = 5;

const CAPTURES: [FormatRow; 2] = [
    FormatRow {
        id: "pcap",
        kind: "capture",
        product: "captures of tcpdump and others",
        recognised_by: "magic number a1b2c3d4, a1b23c4d or a1b2cd34 in either byte order",
        reference: "PCAP Capture File Format (draft-ietf-opsawg-pcap)",
    },
    FormatRow {
        id: "pcapng",
        kind: "capture",
        product: "captures of Wireshark and dumpcap",
        recognised_by: "a section header block with its byte-order magic",
        reference: "PCAP Next Generation Capture File Format (draft-ietf-opsawg-pcapng)",
    },
];

/// Every input format that is read: captures, then logs by their word.
#[must_use]
pub fn formats() -> Vec<FormatRow> {
    let mut logs: Vec<FormatRow> = FORMATS
        .iter()
        .map(|format| format.about())
        .map(|about| FormatRow {
            id: about.id,
            kind: "log",
            product: about.product,
            recognised_by: about.recognised_by,
            reference: about.reference,
        })
        .collect();
    logs.sort_by_key(|row| row.id);
    CAPTURES.into_iter().chain(logs).collect()
}

/// Tells what a file is taken for, and why; of a log the first lines one by one.
#[must_use]
pub fn explain_detection(path: &str) -> DetectionReport {
    let mut report = DetectionReport {
        path: path.to_owned(),
        is_read: false,
        findings: Vec::new(),
        lines: Vec::new(),
    };
    let opened = match input::open(&InputPath::File(path.into())) {
        Ok(opened) => opened,
        Err(error) => {
            report.findings.push(error.sentence);
            return report;
        }
    };
    if let Some(compression) = opened.compression {
        report.findings.push(format!("compressed with {}", compression.as_str()));
    }
    let finding = match input::detect(&opened.head) {
        Detected::Capture(_) => {
            report.is_read = true;
            "a capture, by its magic number".to_owned()
        }
        Detected::Empty => {
            report.is_read = true;
            "it is empty".to_owned()
        }
        Detected::KnownOther { what, advice } => format!("this is {what}; {advice}"),
        Detected::Unknown { first_bytes } => {
            format!("no text and no known format; it begins with {first_bytes}")
        }
        Detected::Text { .. } => {
            explain_log(&log_inputs::decoded(opened).head, &mut report);
            return report;
        }
    };
    report.findings.push(finding);
    report
}

fn explain_log(head: &[u8], report: &mut DetectionReport) {
    let detection = Detection::of(head);
    report.is_read = detection.is_log();
    let findings = &mut report.findings;
    findings.push(format!("a text whose units are {}", detection.units()));
    if detection.has_directives {
        findings.push("lines that name the columns stand before the others".to_owned());
    }
    let total: usize = detection.formats.values().sum::<usize>() + detection.unknown;
    for (format, count) in &detection.formats {
        let Some(about) = FORMATS.get(*format).map(|format| format.about()) else { continue };
        findings.push(format!(
            "{count} of the first {total} are {} ({}): {}",
            about.id, about.product, about.recognised_by
        ));
    }
    if detection.unknown > 0 {
        findings.push(format!("{} of the first {total} are of no known format", detection.unknown));
    }
    for (line, text) in detect::first_units(head, LINES_EXPLAINED) {
        let formats = detect::claimants(text);
        let nearest = if formats.is_empty() { detect::nearest(text) } else { Vec::new() };
        report.lines.push(LineFinding { line, formats, nearest });
    }
}
