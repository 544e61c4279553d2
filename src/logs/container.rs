//! What the runtimes of containers write around a line, and lines that they wrote in parts.
//!
//! ```text
//! 2025-11-26T04:15:00.250000000Z stdout P the beginning of a long line
//! 2025-11-26T04:15:00.260000000Z stdout F  and its end
//! {"log":"a line\n","stream":"stdout","time":"2025-11-26T04:15:00.25Z"}
//! ```
//!
//! Kubernetes marks a part with `P` and the last with `F` (Kubernetes, "Container Runtime
//! Interface: log format"); Docker's parts are those whose text does not end in a line end
//! (Docker, "JSON File logging driver"). The parts of one stream may stand between lines of the
//! other.

use super::framing::Unit;
use super::grammar::Scratch;
use super::stamp::Stamp;
use super::{trim_line, unwrap, value};

/// Lines that one unit may span. Runtimes cut lines at 16 KiB, so these are as long as the
/// longest unit.
const MAX_PARTS: u64 = 64;

/// One line without what the runtime wrote around its text.
pub(super) struct Part<'a> {
    is_error: bool,
    /// Whether the next line of its stream goes on.
    is_partial: bool,
    pub(super) text: &'a [u8],
    pub(super) received: Stamp,
}

impl<'a> Part<'a> {
    /// Reads a line as the Container Runtime Interface writes it: time, stream, `F` or `P`, text.
    pub(super) fn of_interface(line: &'a [u8]) -> Option<Self> {
        let mut words = line.splitn(4, |byte| *byte == b' ');
        let time = words.next().filter(|time| time.first().is_some_and(u8::is_ascii_digit))?;
        let is_error = is_error(words.next()?)?;
        let is_partial = match words.next()? {
            b"F" => false,
            b"P" => true,
            _ => return None,
        };
        let text = words.next()?;
        Some(Self { is_error, is_partial, text, received: value::iso_8601(time)? })
    }
}

/// Whether a stream is that of errors, by its name.
fn is_error(stream: &[u8]) -> Option<bool> {
    match stream {
        b"stdout" => Some(false),
        b"stderr" => Some(true),
        _ => None,
    }
}

/// Whether a line goes to the errors, and whether it is a part that goes on; `None` when no
/// runtime wrote it.
fn stream(line: &[u8]) -> Option<(bool, bool)> {
    if let Some(text) = line.strip_prefix(br#"{"log":""#) {
        const STREAM: &[u8] = br#"","stream":""#;
        let end = memchr::memmem::find(text, STREAM)?;
        let (text, rest) = text.split_at(end);
        let rest = rest.get(STREAM.len()..)?;
        let is_error = is_error(rest.get(..memchr::memchr(b'"', rest)?)?)?;
        // `\n` is a line end, `\\n` a backslash and a letter.
        let is_whole = text.strip_suffix(b"n").is_some_and(|text| {
            text.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
        });
        return Some((is_error, !is_whole));
    }
    Part::of_interface(line).map(|part| (part.is_error, part.is_partial))
}

/// Whether a runtime wrote a line.
pub(super) fn is_line(line: &[u8]) -> bool {
    stream(line).is_some()
}

/// The units of a block of such lines: a line, or the lines from a part on until no stream has an
/// open one. Returns where the first unit begins that the block does not end; with `is_last` all
/// are ended.
pub(super) fn units(bytes: &[u8], is_last: bool, units: &mut Vec<Unit>) -> usize {
    let (mut start, mut at, mut line, mut count) = (0, 0, 0, 0);
    let mut open = (false, false);
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let end = match memchr::memchr(b'\n', rest) {
            Some(length) => at + length,
            None if is_last => bytes.len(),
            None => return start,
        };
        count += 1;
        match stream(trim_line(bytes.get(at..end).unwrap_or_default())) {
            Some((true, is_partial)) => open.1 = is_partial,
            Some((false, is_partial)) => open.0 = is_partial,
            None => open = (false, false),
        }
        at = end + 1;
        if open == (false, false) || count == MAX_PARTS || is_last && at >= bytes.len() {
            units.push(Unit { start, end, line });
            start = at;
            line += count;
            count = 0;
            open = (false, false);
        }
    }
    start.min(bytes.len())
}

/// The lines of a unit that begins with a part, whole, each with the time of its first part.
pub(super) fn joined(unit: &[u8]) -> Option<Vec<(Vec<u8>, Stamp)>> {
    if !stream(unit).is_some_and(|(_, is_partial)| is_partial) {
        return None;
    }
    memchr::memchr(b'\n', unit)?;
    let mut scratch = Scratch::default();
    let mut whole: Vec<(Vec<u8>, Stamp)> = Vec::new();
    let mut open = [None, None];
    for line in unit.split(|byte| *byte == b'\n').map(trim_line) {
        let Some((is_error, is_partial)) = stream(line) else {
            whole.push((line.to_vec(), Stamp::None));
            continue;
        };
        let (text, received) = match Part::of_interface(line) {
            Some(part) => (part.text.to_vec(), part.received),
            None => docker(line, &mut scratch).unwrap_or_default(),
        };
        let Some(place) = open.get_mut(usize::from(is_error)) else { continue };
        match place.and_then(|at: usize| whole.get_mut(at)) {
            Some((before, _)) => before.extend_from_slice(&text),
            None => {
                *place = Some(whole.len());
                whole.push((text, received));
            }
        }
        if !is_partial {
            *place = None;
        }
    }
    Some(whole)
}

/// The text and the time of a line of Docker's.
fn docker(line: &[u8], scratch: &mut Scratch) -> Option<(Vec<u8>, Stamp)> {
    let json = scratch.json(line)?;
    let text = json.get("log")?.text()?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    Some((text.as_bytes().to_vec(), unwrap::received(json)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::detect::Detection;
    use crate::logs::read::{LogOptions, each_record};
    use crate::logs::test_support::records;

    const RECORD: &str = "azure-firewall deny tls - 10.1.2.3#50123 -#443";

    /// Writes a line from its second, stream, tag and text.
    type Runtime<'a> = &'a dyn Fn(u32, &str, &str, &str) -> String;

    fn request(host: &str) -> String {
        format!("HTTPS request from 10.1.2.3:50123 to {host}:443. Action: Deny. ")
    }

    #[test]
    fn parts_are_joined_by_stream() {
        let (one, two) = (request("www.example.com"), request("a.example.com"));
        let time = |second: u32| format!("2025-11-26T04:15:0{second}Z");
        let interface = |second, stream: &str, tag: &str, text: &str| {
            format!("{} {stream} {tag} {text}\n", time(second))
        };
        let docker = |second, stream: &str, tag: &str, text: &str| {
            let end = if tag == "P" { "" } else { r"\n" };
            let time = time(second);
            format!("{{\"log\":\"{text}{end}\",\"stream\":\"{stream}\",\"time\":\"{time}\"}}\n")
        };
        let runtimes: [Runtime<'_>; 2] = [&interface, &docker];
        for part in runtimes {
            let (begin, rest) = one.split_at(20);
            let (middle, end) = rest.split_at(30);
            let (first, second) = two.split_at(40);
            let log = [
                part(0, "stdout", "F", "something"),
                part(1, "stdout", "P", begin),
                part(2, "stderr", "P", first),
                part(3, "stdout", "P", middle),
                part(4, "stdout", "F", end),
                part(5, "stderr", "F", second),
                part(6, "stdout", "F", &one),
            ]
            .concat();
            let expected = [
                format!("2 {RECORD} www.example.com {}", time(1)),
                format!("2 {RECORD} a.example.com {}", time(2)),
                format!("7 {RECORD} www.example.com {}", time(6)),
            ];
            assert_eq!(records(&log), expected, "{log}");
            assert_eq!(records(&log.replace('\n', "\r\n").replace("\\\r\n", "\\n")), expected);
        }
    }

    #[test]
    fn parts_are_joined_across_blocks() {
        let text = request("www.example.com");
        let (one, two) = text.split_at(30);
        let head = "2025-11-26T04:15:00Z stdout";
        let log = format!("{head} P {one}\n{head} F {two}\n").repeat(20_000).into_bytes();
        let detection = Detection::of(&log[..4096]);
        let mut count = 0;
        let source = Box::new(std::io::Cursor::new(log));
        let facts =
            each_record(0, source, &detection, &LogOptions::default(), &mut |line, _, record| {
                assert_eq!(&*record.names[0], b"www.example.com", "line {line}");
                count += 1;
                line == 2 * count - 1
            });
        assert_eq!((count, facts.lines.unknown), (20_000, 0));
    }

    #[test]
    fn a_block_ends_before_an_open_part() {
        let log = b"2025-11-26T04:15:00Z stdout F a\n2025-11-26T04:15:00Z stdout P b\n\
                    2025-11-26T04:15:00Z stdout P c\n";
        let mut found = Vec::new();
        assert_eq!(units(log, false, &mut found), 32);
        assert_eq!(found, [Unit { start: 0, end: 31, line: 0 }]);
        found.clear();
        assert_eq!(units(log, true, &mut found), log.len());
        assert_eq!(found[1], Unit { start: 32, end: 95, line: 1 });
        let endless = b"2025-11-26T04:15:00Z stdout P b\n".repeat(100);
        found.clear();
        assert_eq!(units(&endless, false, &mut found), 64 * 32);
    }
}
