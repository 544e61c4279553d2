//! The debug log, `dns.log`.
//!
//! ```text
//! 11/26/2025 4:15:00 AM 0D48 PACKET  000000000181D1C0 UDP Rcv 10.1.2.3        0c6b   Q [0001   D   NOERROR] A      (3)www(7)example(3)com(0)
//! 11/26/2025 4:15:00 AM 0D48 PACKET  000000000181D1C0 UDP Snd 10.1.2.3        0c6b R Q [8381   DR NXDOMAIN] A      (3)www(7)example(3)com(0)
//! ```
//!
//! Names are labels with their lengths. The date is in the server's locale; whether the day or
//! the month comes first is decided once for a file, from a number above 12 or from the day that
//! goes up by one. If the head of the file tells, all of its dates are read so; else a date that
//! can be read both ways is none until one tells.
//!
//! Microsoft Learn, "DNS Logging and Diagnostics".
//!
//! What it witnesses: A resolver's log: what it says of a question is of the question alone, and no
//! connection is told of. Only the response code decides.

use std::borrow::Cow;

use jiff::civil::DateTime;

use super::super::format::{About, Emit, Format, Hints, Line, Memory, Reading};
use super::super::grammar::{Columns, Scratch};
use super::super::record::{Kind, Party, Record};
use super::super::stamp::Stamp;
use super::super::value;

/// The format.
pub(in crate::logs) struct WindowsDnsDebug;

const ID: &str = "windows-dns-debug";
const PACKET: &[u8] = b" PACKET ";
/// Other contexts of lines that begin with a date, a time and a thread.
const CONTEXTS: &[&[u8]] = &[b" EVENT ", b" Note: ", b" DSPOLL ", b" INIT ", b" ZONEXFR "];
/// Lines of the legend at the head of a file.
const LEGEND: &[&[u8]] =
    &[b"DNS Server log file creation at ", b"Log file wrap at ", b"Message logging key "];

impl Format for WindowsDnsDebug {
    fn about(&self) -> &'static About {
        &About {
            id: ID,
            product: "Windows DNS Server, debug log",
            reference: "Microsoft Learn: DNS Logging and Diagnostics",
            recognised_by: "date time thread PACKET buffer UDP|TCP Rcv|Snd … (3)www(7)example(3)com(0)",
            literals: &[
                " PACKET ",
                " EVENT ",
                " Note: ",
                " DSPOLL ",
                " INIT ",
                " ZONEXFR ",
                "DNS Server log file creation at ",
                "Log file wrap at ",
                "Message logging key ",
            ],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let order = line.hints.is_day_first;
        let needs_order = || {
            let is_packet = memchr::memmem::find(text, PACKET).is_some();
            let dated = if is_packet { Some(text) } else { created(text) };
            matches!(dated.and_then(date), Some(Date::Ambiguous(_)))
        };
        if order.is_none() && needs_order() {
            return Reading::InOrder;
        }
        read(text, line, scratch, order, emit)
    }

    fn hints(&self, memory: &mut Memory, hints: &mut Hints) {
        let order = memory.of::<Order>(ID).and_then(|order| order.is_day_first);
        hints.is_day_first = hints.is_day_first.or(order);
    }

    fn read_in_order(
        &self,
        text: &[u8],
        line: &Line<'_>,
        memory: &mut Memory,
        emit: Emit<'_>,
    ) -> Reading {
        let order = memory.of::<Order>(ID).and_then(|order| {
            if let Some(Date::Ambiguous(numbers)) = date(created(text).unwrap_or(text)) {
                order.learn(numbers);
            }
            order.is_day_first
        });
        read(text, line, &mut Scratch::default(), order, emit)
    }
}

/// What is known of the order of day and month.
#[derive(Default)]
struct Order {
    is_day_first: Option<bool>,
    last: Option<(u32, u32)>,
}

impl Order {
    fn learn(&mut self, (first, second): (u32, u32)) {
        let goes_up = |before: u32, after: u32| after == before + 1;
        self.is_day_first = match (first, second, self.last) {
            (13.., ..=12, _) => Some(true),
            (..=12, 13.., _) => Some(false),
            (_, _, Some(last)) if last.1 == second && goes_up(last.0, first) => {
                self.is_day_first.or(Some(true))
            }
            (_, _, Some(last)) if last.0 == first && goes_up(last.1, second) => {
                self.is_day_first.or(Some(false))
            }
            _ => self.is_day_first,
        };
        self.last = Some((first, second));
    }
}

/// The date in a line that tells when the file was begun.
fn created(text: &[u8]) -> Option<&[u8]> {
    LEGEND.iter().find_map(|legend| text.strip_prefix(*legend))
}

/// A date at the start of a line.
enum Date {
    Clear(DateTime),
    /// Two numbers, a year and a time, without a word that tells their order.
    Ambiguous((u32, u32)),
}

fn read(
    text: &[u8],
    line: &Line<'_>,
    scratch: &mut Scratch,
    is_day_first: Option<bool>,
    emit: Emit<'_>,
) -> Reading {
    if LEGEND.iter().any(|legend| text.starts_with(legend)) {
        return Reading::NoRecord;
    }
    let Some(found) = date(text) else { return Reading::NotMine };
    let Some(at) = memchr::memmem::find(text, PACKET) else {
        let is_known = CONTEXTS.iter().any(|context| memchr::memmem::find(text, context).is_some());
        return if is_known { Reading::NoRecord } else { Reading::NotMine };
    };
    let (header, packet) = text.split_at(at);
    let thread = header.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    if thread.is_empty() || !thread.iter().all(u8::is_ascii_hexdigit) {
        return Reading::NotMine;
    }
    let words = scratch.words(packet.get(PACKET.len()..).unwrap_or_default());
    let mut record = match question(&words) {
        Ok(record) => record,
        Err(reading) => return reading,
    };
    let stamp = match found {
        Date::Clear(civil) => Stamp::NoZone(civil),
        Date::Ambiguous(_) => {
            value::us_or_eu_date(header_time(header), is_day_first).unwrap_or_default()
        }
    };
    record.stamp = line.stamp(stamp, b"");
    emit(&record);
    Reading::Records
}

/// Reads `buffer UDP|TCP Rcv|Snd remote xid [R] opcode [flags] type name`, or says what else the
/// line is: cut, no packet, or one that asks for no name, such as an update.
fn question<'l>(words: &Columns<'_, 'l>) -> Result<Record<'l>, Reading> {
    let protocol = words.get(1).and_then(value::protocol);
    let is_received = match words.get(2) {
        Some(b"Rcv") => true,
        Some(b"Snd") => false,
        None => return Err(Reading::Damaged),
        _ => return Err(Reading::NotMine),
    };
    let (Some(protocol), Some(remote)) = (protocol, words.get(3).and_then(value::address)) else {
        return Err(Reading::NotMine);
    };
    let is_response = words.get(5) == Some(b"R");
    let at = if is_response { 6 } else { 5 };
    let (Some(opcode), Some(flags)) = (words.get(at), words.get(at + 1)) else {
        return Err(Reading::Damaged);
    };
    if opcode != b"Q" {
        return Err(Reading::NoRecord);
    }
    let (Some(kind), Some(labels)) = (words.get(at + 2), words.get(at + 3)) else {
        return Err(Reading::Damaged);
    };
    let Some(name) = name(labels) else { return Err(Reading::Damaged) };
    let mut record = Record::new(Kind::Dns);
    record.protocol = Some(protocol);
    if is_received == is_response {
        record.server = Party::of(Some(remote));
    } else {
        record.client = Party::of(Some(remote));
    }
    let code = flags.rsplit(|byte| *byte == b' ').next().and_then(value::dns_code);
    if let Some(code) = code.filter(|_| is_response) {
        record.set_response(code);
    }
    record.dns_mut().query_type = value::dns_type(kind);
    if record.add_name(Cow::Owned(name)) { Ok(record) } else { Err(Reading::NoRecord) }
}

/// `(3)www(7)example(3)com(0)` as `www.example.com`; `None` when it is cut.
fn name(labels: &[u8]) -> Option<Vec<u8>> {
    if labels.first() != Some(&b'(') {
        // Collectors rewrite the labels with dots between them, before and behind.
        let name = labels.strip_prefix(b".").unwrap_or(labels);
        let name = name.strip_suffix(b".").unwrap_or(name);
        return memchr::memchr(b'.', name).map(|_| name.to_vec());
    }
    let mut name = Vec::with_capacity(labels.len());
    let mut rest = labels;
    loop {
        let (length, after) = rest.strip_prefix(b"(")?.split_at(memchr::memchr(b')', rest)? - 1);
        let length: usize = value::number(length)?;
        let after = after.strip_prefix(b")")?;
        if length == 0 {
            return Some(name);
        }
        if !name.is_empty() {
            name.push(b'.');
        }
        // A label may hold a parenthesis, so its length comes first; a log whose names were
        // replaced by others keeps the old lengths.
        let length = match after.get(length) {
            Some(b'(') => length,
            _ => memchr::memchr(b'(', after)?,
        };
        name.extend_from_slice(after.get(..length)?);
        rest = after.get(length..)?;
    }
}

/// The date and time without the thread behind them.
fn header_time(header: &[u8]) -> &[u8] {
    let end = memchr::memrchr(b' ', header).unwrap_or(header.len());
    header.get(..end).unwrap_or_default().trim_ascii()
}

fn date(text: &[u8]) -> Option<Date> {
    if !text.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let end = memchr::memchr(b' ', text)?;
    let (day, rest) = text.split_at(end);
    let rest = rest.trim_ascii_start();
    if let Some((civil, _)) =
        value::date_and_time(text, b'-').or_else(|| value::date_and_time(text, b'/'))
    {
        return Some(Date::Clear(civil));
    }
    let (clock, after) = value::clock(rest)?;
    if day.len() == 8 && day.iter().all(u8::is_ascii_digit) {
        let part = |from: usize, to: usize| value::number(day.get(from..to)?);
        return value::civil(part(0, 4)?, part(4, 6)?, part(6, 8)?, clock).map(Date::Clear);
    }
    let used = text.len() - after.len();
    let half = after.get(..3).filter(|half| value::is_one_of(half, &[" AM", " PM"]));
    let whole = text.get(..used + half.map_or(0, <[u8]>::len))?;
    let separator = *day.iter().find(|byte| !byte.is_ascii_digit())?;
    // Only `/` stands between either order; with dots or dashes the day is first.
    let hint = (separator != b'/').then_some(true);
    match value::us_or_eu_date(whole, hint) {
        Some(Stamp::NoZone(civil)) if half.is_some() || separator != b'/' => {
            Some(Date::Clear(civil))
        }
        _ => {
            let mut parts = day.split(|byte| *byte == separator);
            let first = value::number(parts.next()?)?;
            let second = value::number(parts.next()?)?;
            Some(Date::Ambiguous((first, second)))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    fn of(lines: &[&str]) -> Vec<String> {
        records_of("windows-dns-debug", &lines.join("\r\n"))
    }

    #[test]
    fn the_direction_tells_clients_from_servers() {
        let found = of(&[
            "DNS Server log file creation at 11/26/2025 4:15:00 AM",
            "11/26/2025 4:15:00 AM 0D48 PACKET  000000000181D1C0 UDP Rcv 10.1.2.3        0c6b   Q [0001   D   NOERROR] A      (3)www(7)example(3)com(0)",
            "11/26/2025 4:15:00 PM 0D48 PACKET  000000000509A200 UDP Snd 192.0.2.53      b94d   Q [0001   D   NOERROR] A      (3)www(7)example(3)com(0)",
            "11/26/2025 4:15:01 PM 0D48 PACKET  000000000509A200 TCP Rcv 192.0.2.53      b94d R Q [8081   DR  NOERROR] A      (3)www(7)example(3)com(0)",
            "11/26/2025 4:15:01 PM 0D48 PACKET  000000000181D1C0 UDP Snd 10.1.2.3        0c6b R Q [8385 A DR NXDOMAIN] A      (3)www(7)example(3)com(0)",
            "11/26/2025 4:15:02 PM 0D48 PACKET  000000000181D1C0 UDP Rcv 10.1.2.3        0c6b   U [0028       NOERROR] SOA    (7)example(3)com(0)",
            "11/26/2025 4:15:02 PM 0518 EVENT   The DNS server has started.",
            "11/26/2025 4:15:03 PM 0D48 PACKET  000000000181D1C0 UDP Rcv 10.1.2.3        0c6b   Q [0001   D   NOERROR] A      (3)www(7)exa",
        ]);
        let expected = [
            "2 other dns udp 10.1.2.3 - www.example.com 2025-11-26T04:15:00",
            "3 other dns udp - 192.0.2.53 www.example.com 2025-11-26T16:15:00",
            "4 allow dns tcp - 192.0.2.53 www.example.com 2025-11-26T16:15:01",
            "5 other dns udp 10.1.2.3 - www.example.com 2025-11-26T16:15:01 dns_nxdomain",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_order_of_a_date_is_learned_once() {
        let rest = "0E1C PACKET  0000017DEDFE28D0 UDP Rcv 10.1.2.3 966f   Q [0001   D   NOERROR] A      (3)www(7)example(3)com(0)";
        let lines = [
            "03/04/2025 04:15:00",
            "04/04/2025 04:15:00",
            "05/04/2025 04:15:00",
            "26.11.2025 04:15:00",
            "20251126 04:15:00",
            "2025/11/26 4:15:00",
        ];
        let log: Vec<String> = lines.iter().map(|date| format!("{date} {rest}")).collect();
        let log: Vec<&str> = log.iter().map(String::as_str).collect();
        let found = of(&log);
        let times: Vec<&str> = found.iter().map(|line| line.split(' ').nth(7).unwrap()).collect();
        let clear = "2025-11-26T04:15:00";
        let day = |day| format!("2025-04-0{day}T04:15:00");
        let (third, fourth, fifth) = (day(3), day(4), day(5));
        // The head tells, so the lines before the one that tells have their time too.
        assert_eq!(times, [&third, &fourth, &fifth, clear, clear, clear]);
        let record = |line: u32, time: &str| {
            [format!("{line} other dns udp 10.1.2.3 - www.example.com {time}")]
        };
        let begun = "DNS Server log file creation at 25/03/2025 04:15:00";
        assert_eq!(of(&[begun, log[0]]), record(2, &third));
        // Nothing tells.
        assert_eq!(of(&log[..1]), record(1, "-"));
    }

    #[test]
    fn names_may_be_written_with_dots() {
        let read = |line: &str| crate::logs::test_support::read(&[line]).remove(0);
        for name in ["www.example.com", ".www.example.com."] {
            let line = format!(
                "11/26/2025 4:15:00 AM 0D48 PACKET  000000000181D1C0 UDP Rcv 10.1.2.3        0c6b   Q [0001   D   NOERROR] A      {name}"
            );
            assert!(read(&line).contains(" 10.1.2.3 - www.example.com "), "{}", read(&line));
        }
    }
}
