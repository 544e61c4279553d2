//! Cisco Umbrella: the DNS, proxy, IP and cloud firewall logs of its exports, as quoted CSV.
//!
//! ```text
//! "2025-11-26 04:15:00","PC-17","PC-17,Site A","10.1.2.3","198.51.100.7","Blocked","1 (A)","NOERROR","www.example.com.","News","AD Users","AD Users","News"
//! "2025-11-26 04:15:01","PC-17","10.1.2.3","198.51.100.7","203.0.113.9","","BLOCKED","https://www.example.com/","","ua","403"
//! "2025-11-26 04:15:02","PC-17","10.1.2.3","50123","203.0.113.9","443","Malware","Roaming Computers"
//! ```
//!
//! The number of columns depends on the export's version, so the verdict's place tells the log:
//! `Allowed`, `Blocked`, `Proxied` of DNS, `ALLOWED`, `BLOCKED`, `WARNED` of the proxy, `ALLOW`,
//! `BLOCK` of the firewall; a line of the IP log is a block in itself. Times are UTC.
//!
//! What it witnesses: The proxy's `Response Body Size` is payload; a relayed 403 or 451 of an allowed
//! request, and any failure of CONNECT, is a denial by its sender. DNS logs tell of questions; the
//! cloud firewall counts no bytes.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Columns, Scratch};
use super::record::{Action, Kind, Party, Record};
use super::stamp::Stamp;
use super::value;
use crate::observe::Cause;

/// The format.
pub(super) struct CiscoUmbrella;

impl Format for CiscoUmbrella {
    fn about(&self) -> &'static About {
        &About {
            id: "cisco-umbrella",
            product: "Cisco Umbrella",
            reference: "Log Formats and Versioning (Cisco Umbrella)",
            recognised_by: "quoted CSV that begins with date and time, and has Allowed or Blocked \
                            at column 5, ALLOWED or BLOCKED at 6 or 7, OUTBOUND at 4, or two \
                            addresses with ports at 2 to 5",
            literals: &["\",\""],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        if !text.trim_ascii_start().starts_with(b"\"") {
            return Reading::NotMine;
        }
        let columns = scratch.columns(text, b',');
        if is_title_row(&columns) {
            return Reading::NoRecord;
        }
        let Some(stamp @ Stamp::NoZone(_)) = columns.get(0).and_then(value::iso_8601) else {
            return Reading::NotMine;
        };
        let read = [dns, proxy, firewall, address].into_iter().find_map(|read| read(&columns));
        match read {
            Some(Some(mut record)) => {
                record.stamp = line.stamp(stamp.in_utc(), b"");
                emit(&record);
                Reading::Records
            }
            Some(None) => Reading::Damaged,
            None => Reading::NotMine,
        }
    }
}

fn is_title_row(columns: &Columns<'_, '_>) -> bool {
    let is = |index, title: &[u8]| columns.get(index) == Some(title);
    (is(0, b"Timestamp") || is(0, b"Date"))
        && (is(1, b"Most Granular Identity") || is(1, b"Policy Identity") || is(1, b"Identity"))
}

/// `None` for a line of another log; `Some(None)` for one that lacks what it must have.
type Read<'l> = Option<Option<Record<'l>>>;

/// 3 internal and 4 external address, 5 verdict, 6 type, 7 response code, 8 name, 9 categories,
/// 12 those that blocked.
fn dns<'l>(columns: &Columns<'_, 'l>) -> Read<'l> {
    let action = match columns.get(5)? {
        b"Allowed" | b"Proxied" => Action::Allow,
        b"Blocked" => Action::Deny,
        _ => return None,
    };
    let mut record = Record::new(Kind::Dns);
    record.client = client(columns, 3);
    let Some(name) = columns.get(8) else { return Some(None) };
    if !record.add_name(name) {
        return Some(None);
    }
    let dns = record.dns_mut();
    dns.query_type = columns.get(6).and_then(value::dns_type);
    dns.response_code = columns.get(7).and_then(value::dns_code);
    record.action = action;
    record.cause = (action == Action::Deny).then_some(Cause::DnsFiltered);
    let category = columns.stated(12).filter(|_| action == Action::Deny);
    record.decider.category = category.or_else(|| columns.stated(9)).map(Cow::Borrowed);
    Some(Some(record))
}

/// The verdict at 6 or 7; before it internal and external address, the server's and a content
/// type, behind it the URL.
fn proxy<'l>(columns: &Columns<'_, 'l>) -> Read<'l> {
    let is_verdict = |index: &usize| {
        columns.get(*index).is_some_and(|word| matches!(word, b"ALLOWED" | b"BLOCKED" | b"WARNED"))
    };
    let verdict = [6, 7].into_iter().find(is_verdict)?;
    let mut record = Record::new(Kind::Http);
    record.client = client(columns, verdict - 4);
    record.server = Party::parse(columns.get(verdict - 2), None);
    if let Some(url) = columns.text(verdict + 1) {
        record.add_url(url);
    }
    record.action = match columns.get(verdict)? {
        b"ALLOWED" => Action::Allow,
        b"BLOCKED" => Action::Deny,
        _ => Action::Other,
    };
    record.cause = (record.action == Action::Deny).then_some(Cause::UrlFiltered);
    record.set_payload_back(columns.get(verdict + 6).and_then(value::number));
    // The log does not say which requests were CONNECT; to those that were not, this applies.
    record.note_status(columns.get(verdict + 4).and_then(value::number).unwrap_or_default(), false);
    record.decider.category = columns.stated(verdict + 9).map(Cow::Borrowed);
    Some(Some(record))
}

/// 4 direction, 5 protocol, 7 and 8 source, 9 and 10 destination, the verdict behind them.
fn firewall<'l>(columns: &Columns<'_, 'l>) -> Read<'l> {
    if !matches!(columns.get(4)?, b"OUTBOUND" | b"INBOUND" | b"outbound" | b"inbound") {
        return None;
    }
    let is_verdict = |index: &usize| {
        columns.get(*index).is_some_and(|word| value::is_one_of(word, &["ALLOW", "BLOCK"]))
    };
    let Some(verdict) = (11..15).find(is_verdict) else { return Some(None) };
    let mut record = Record::new(Kind::Traffic);
    record.client = Party::parse(columns.get(7), columns.get(8));
    record.server = Party::parse(columns.get(9), columns.get(10));
    if record.client.address.is_none() || record.server.address.is_none() {
        return Some(None);
    }
    record.protocol = columns.get(5).and_then(value::protocol);
    let is_block = columns.get(verdict)?.eq_ignore_ascii_case(b"BLOCK");
    record.action = if is_block { Action::Deny } else { Action::Allow };
    record.decider.rule = columns.stated(verdict - 1).map(Cow::Borrowed);
    Some(Some(record))
}

/// 2 and 3 source, 4 and 5 destination, 6 category.
fn address<'l>(columns: &Columns<'_, 'l>) -> Read<'l> {
    if columns.len() < 7 {
        return None;
    }
    let client = Party::parse(columns.get(2), columns.get(3));
    let server = Party::parse(columns.get(4), columns.get(5));
    client.address.and(client.port).and(server.address)?;
    let mut record = Record::new(Kind::Traffic);
    record.client = client;
    record.server = server;
    record.action = Action::Deny;
    record.decider.category = columns.stated(6).map(Cow::Borrowed);
    Some(Some(record))
}

/// The internal address, else the external one in the next column.
fn client(columns: &Columns<'_, '_>, internal: usize) -> Party {
    let address = |index| columns.get(index).and_then(value::address);
    Party::of(address(internal).or_else(|| address(internal + 1)))
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn the_verdicts_place_tells_the_log() {
        let lines = r#""2025-11-26 04:15:00","PC-17","PC-17,Site
A","","198.51.100.7","Blocked","1 (A)","NOERROR","www.example.com.","News","AD Users","AD Users","News"
 "2025-11-26 04:15:01","PC-17","10.1.2.3","198.51.100.7","203.0.113.9","","BLOCKED","https://www.example.com/a?b=""c""","https://other.example/","ua","403"
"2025-11-26 04:15:02","PC-17","10.1.2.3","50123","203.0.113.9","443","","Roaming Computers"
"2025-11-26 04:15:03","[1]","PC-17","AD Users","OUTBOUND","6","60","10.1.2.3","50124","203.0.113.9","8443","fra1.edc","42","ALLOW"
"2025-11-26 04:15:04","PC-17","PC-17","10.1.2.3","198.51.100.7","Allowed","1 (A)","NOERROR","Site A","News""#;
        assert_eq!(
            records(lines),
            [
                "1 cisco-umbrella deny dns - 198.51.100.7 - www.example.com 2025-11-26T04:15:00Z dns_filtered",
                "3 cisco-umbrella deny http - 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:01Z url_filtered",
                "4 cisco-umbrella deny traffic - 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:02Z",
                "5 cisco-umbrella allow traffic tcp 10.1.2.3#50124 203.0.113.9#8443 - 2025-11-26T04:15:03Z",
            ]
        );
    }
}
