//! What the tests of formats share.

use std::fmt::Write as _;

use super::record::{Party, Record};
use super::registry::FORMATS;
use super::stamp::Stamp;

/// The records of some lines, each as one line of text: number of the line, format, action,
/// kind, protocol, client and server, names, time and cause, `-` for what is not stated.
pub(super) fn records(lines: &str) -> Vec<String> {
    let mut found = Vec::new();
    super::read_bytes(lines.as_bytes(), &mut |line, format, record| {
        found.push(format!("{line} {} {}", FORMATS[format].about().id, text(&record)));
    });
    found
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
