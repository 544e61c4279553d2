//! What the tests of formats share.

use std::fmt::Write as _;

use super::detect::Detection;
use super::directives::Directives;
use super::format::{Memory, Reading};
use super::reader::{Fate, LineReader};
use super::record::{Party, Record};
use super::registry::FORMATS;
use super::stamp::Stamp;

/// The records of some lines, each as one line of text: number of the line, format, action,
/// kind, protocol, client and server, names, time, answers and cause, `-` for what is not stated:
/// `1 bind allow dns udp 10.1.2.3#50123 192.0.2.53 www.example.com 2025-11-26T04:15:00Z =
/// 203.0.113.9`.
pub(super) fn records(lines: &str) -> Vec<String> {
    let mut found = Vec::new();
    super::read_bytes(lines.as_bytes(), &mut |line, format, record| {
        found.push(format!("{line} {} {}", FORMATS[format].about().id, text(record)));
    });
    found
}

/// The same of a log that is of one format, without its word.
pub(super) fn records_of(id: &str, log: &str) -> Vec<String> {
    let mut lines = Vec::new();
    super::read_bytes(log.as_bytes(), &mut |line, format, record| {
        assert_eq!(FORMATS[format].about().id, id, "line {line}");
        lines.push(format!("{line} {}", text(record)));
    });
    lines
}

/// What became of each of some lines: its records as [`records`] writes them, without the number
/// of the line and with who decided after ` by `; or `unknown`, or the format's word with
/// `no record` or `damaged`.
pub(super) fn read(lines: &[&str]) -> Vec<String> {
    let hints = Detection::of(lines.join("\n").as_bytes()).hints;
    let mut reader = LineReader::default().with(hints);
    let mut memory = Memory::default();
    let mut directives = Directives::default();
    let id = |format: usize| FORMATS[format].about().id;
    let mut all = Vec::new();
    for line in lines {
        let line = line.as_bytes();
        directives.take(line);
        let known = Some(&directives);
        let mut emit = |format: usize, record: &Record<'_>| {
            all.push(format!("{} {}{}", id(format), text(record), decider(record)));
        };
        let mut fate = reader.read(line, known, &mut emit);
        if let Fate::Known { reading: Reading::InOrder, .. } = fate {
            fate = reader.read_in_order(line, known, &mut memory, &mut emit);
        }
        match fate {
            Fate::Unknown => all.push("unknown".to_owned()),
            Fate::Known { format, reading: Reading::NoRecord } => {
                all.push(format!("{} no record", id(format)));
            }
            Fate::Known { format, reading: Reading::Damaged } => {
                all.push(format!("{} damaged", id(format)));
            }
            Fate::Known { .. } => {}
        }
    }
    all
}

fn decider(record: &Record<'_>) -> String {
    let decider = &record.decider;
    let words = [&decider.rule, &decider.policy, &decider.category, &decider.reason];
    let words: Vec<_> =
        words.into_iter().flatten().map(|word| String::from_utf8_lossy(word)).collect();
    if words.is_empty() { String::new() } else { format!(" by {}", words.join("; ")) }
}

fn text(record: &Record<'_>) -> String {
    let mut text = format!("{} {} ", record.action.as_str(), record.kind.as_str());
    let protocol = record.protocol.map_or_else(|| "-".into(), |protocol| protocol.text());
    let (client, server) = (party(record.client), party(record.server));
    let names: Vec<_> = record.names.iter().map(|name| String::from_utf8_lossy(name)).collect();
    let names = if names.is_empty() { "-".to_owned() } else { names.join(",") };
    let time = match record.stamp {
        Stamp::Instant(time) => time.to_rfc3339(0),
        other => other.local().unwrap_or_else(|| "-".to_owned()),
    };
    let _ = write!(text, "{protocol} {client} {server} {names} {time}");
    for answer in record.dns.iter().flat_map(|dns| &dns.answers) {
        let _ = write!(text, " = {answer}");
    }
    if let Some(cause) = record.cause {
        let _ = write!(text, " {}", cause.as_str());
    }
    text
}

fn party(party: Party) -> String {
    let address = party.address.map_or_else(|| "-".to_owned(), |address| address.to_string());
    match party.port {
        Some(port) => format!("{address}#{port}"),
        None => address,
    }
}
