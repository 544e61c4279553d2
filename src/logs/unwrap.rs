//! What shippers put around a line: JSON objects, the prefixes of container runtimes, and the
//! octet counts of syslog over TCP.

use std::borrow::Cow;
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;

use super::container::{self, Part};
use super::framing;
use super::grammar::{Json, Scratch};
use super::stamp::Stamp;
use super::{table, value};

/// Keys under which shippers put the line that they carry, in the order of preference.
const PAYLOAD_KEYS: &[&str] = &[
    "message",
    "MESSAGE",
    "log",
    "_raw",
    "SyslogMessage",
    "textPayload",
    "raw_log",
    "raw",
    "msg",
    // Splunk's HTTP Event Collector, Wazuh's archives, GELF and OpenTelemetry.
    "event",
    "full_log",
    "short_message",
    "full_message",
    "body",
];
/// The same where the line stands deeper.
const PAYLOAD_PATHS: &[[&str; 2]] =
    &[["event", "original"], ["properties", "msg"], ["body", "stringValue"]];
/// The key of payloads in Base64: Kinesis, Pub/Sub and subscriptions of CloudWatch Logs.
const ENCODED_KEY: &str = "data";
/// Keys of objects that are records or wrappers of their own.
const NESTED_KEYS: &[&str] = &["event", "message", "_source", "result", "kinesis", "awslogs"];
/// Keys under which shippers put the time of reception.
const TIME_KEYS: &[&str] = &[
    "@timestamp",
    "__REALTIME_TIMESTAMP",
    "time",
    "timestamp",
    "TimeGenerated",
    "publishTime",
    "approximateArrivalTimestamp",
];
/// Keys of arrays of records.
pub(super) const ARRAY_KEYS: &[&str] = &["records", "Records", "logEvents"];
/// Bytes that one compressed payload may become. A line has at most a sixteenth of them, and
/// logs compress to about a tenth.
const MAX_DECODED: u64 = 16 << 20;

/// What is in a text.
pub(super) enum Wrapped<'a> {
    /// A line with a prefix taken off.
    Text { text: &'a [u8], received: Stamp },
    /// Lines that were written in parts, each whole.
    Parts(Vec<(Vec<u8>, Stamp)>),
    /// A JSON value.
    Json(Json<'a>),
    /// The text is no wrapper.
    Not,
}

/// What an object carries.
pub(super) struct Payload<'a> {
    text: Cow<'a, [u8]>,
    /// Where the units are in a text that was encoded; a text that was not is one line.
    units: Vec<framing::Unit>,
    is_encoded: bool,
    pub(super) received: Stamp,
}

impl Payload<'_> {
    /// Its lines or JSON documents.
    pub(super) fn units(&self) -> impl Iterator<Item = &[u8]> {
        let whole = (!self.is_encoded).then_some(&*self.text);
        let units = self.units.iter().filter_map(|unit| self.text.get(unit.start..unit.end));
        whole.into_iter().chain(units)
    }
}

/// Takes one wrapper off.
pub(super) fn unwrap<'a>(text: &'a [u8], scratch: &'a mut Scratch) -> Wrapped<'a> {
    let start = text.trim_ascii_start();
    if matches!(start.first(), Some(b'{' | b'['))
        && let Some(json) = scratch.json(start)
        && (json.is_object() || json.is_array())
    {
        if let Some(rows) = table::rows_of(json) {
            return Wrapped::Parts(rows.into_iter().map(|row| (row, Stamp::None)).collect());
        }
        return Wrapped::Json(json);
    }
    if let Some(parts) = container::joined(text) {
        return Wrapped::Parts(parts);
    }
    match Part::of_interface(text) {
        Some(Part { text, received, .. }) => Wrapped::Text { text, received },
        None => Wrapped::Not,
    }
}

/// The objects of a JSON value that are records or wrappers of their own: the elements of an
/// array or of a `records` array, else the value itself.
pub(super) fn elements(json: Json<'_>) -> impl Iterator<Item = Json<'_>> {
    let array = if json.is_array() {
        Some(json)
    } else {
        let records = json.arrays().find(|(key, _)| ARRAY_KEYS.contains(key));
        records.map(|(_, array)| array).or_else(|| answer(json))
    };
    let own = array.is_none().then_some(json);
    array.into_iter().flat_map(Json::elements).chain(own)
}

/// The array of an interface's answer: an object with few members, of which one is a list of objects.
fn answer(json: Json<'_>) -> Option<Json<'_>> {
    const KEYS: &[&str] = &[
        "queries",
        "data",
        "Results",
        "results",
        "value",
        "rows",
        "events",
        "items",
        "messages",
        "result",
        "logs",
        "entries",
        "documents",
    ];
    /// An answer says little beside its list.
    const MAX_MEMBERS: usize = 12;
    let is_list =
        |array: &Json<'_>| array.is_array() && array.elements().next().is_some_and(Json::is_object);
    if let Some(hits) = json.path(&["hits", "hits"]).filter(is_list) {
        return Some(hits);
    }
    let is_answer = || {
        json.entries().take(MAX_MEMBERS + 1).count() <= MAX_MEMBERS
            && TIME_KEYS.iter().all(|key| json.get(key).is_none())
    };
    let list = json.arrays().find(|(key, array)| KEYS.contains(key) && is_list(array));
    list.map(|(_, array)| array).filter(|_| is_answer())
}

/// An object, and those in it that may be records or wrappers of their own.
pub(super) fn nested(json: Json<'_>) -> impl Iterator<Item = Json<'_>> {
    let nested = NESTED_KEYS.iter().filter_map(move |key| json.get(key));
    std::iter::once(json).chain(nested.filter(|inner| inner.is_object()))
}

/// What an object may carry.
pub(super) fn payloads(json: Json<'_>) -> impl Iterator<Item = Payload<'_>> {
    let received = received(json);
    let plain = PAYLOAD_KEYS
        .iter()
        .filter_map(move |key| json.get(key))
        .chain(PAYLOAD_PATHS.iter().filter_map(move |path| json.path(path)))
        .filter_map(payload_text)
        .map(move |text| Payload { text, units: Vec::new(), is_encoded: false, received });
    let encoded = json.get(ENCODED_KEY).and_then(Json::text).and_then(decoded);
    plain.chain(encoded.map(move |bytes| {
        let units = framing::units_of(&bytes);
        Payload { text: Cow::Owned(bytes), units, is_encoded: true, received }
    }))
}

/// A text out of Base64 (RFC 4648 section 4) and, where it is compressed, out of gzip.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(text.trim_ascii()).ok()?;
    if !bytes.starts_with(b"\x1f\x8b") {
        let is_text = bytes.first().is_some_and(|byte| !byte.is_ascii_control());
        return is_text.then_some(bytes);
    }
    let mut text = Vec::new();
    // A stream that is cut gives what came before the cut.
    let _ = MultiGzDecoder::new(bytes.as_slice()).take(MAX_DECODED).read_to_end(&mut text);
    (!text.is_empty()).then_some(text)
}

/// The first message of a line in which each has its length before it (RFC 6587 section 3.4.1),
/// and the messages behind it. A count that does not fit is taken off and means nothing.
pub(super) fn frame(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, rest) = counted(text)?;
    let parts = rest.split_at_checked(count);
    let whole = |(message, behind): (&'_ [u8], &'_ [u8])| {
        let behind = behind.trim_ascii_start();
        behind.is_empty() || counted(behind).is_some() && !message.is_empty()
    };
    match parts.filter(|parts| whole(*parts)) {
        Some((message, behind)) => Some((message, behind.trim_ascii_start())),
        None => Some((rest, &[])),
    }
}

/// An octet count and the message that begins behind it with its priority.
fn counted(text: &[u8]) -> Option<(usize, &[u8])> {
    let digits = text.iter().take(7).take_while(|byte| byte.is_ascii_digit()).count();
    let rest = text.get(digits..)?.strip_prefix(b" ")?;
    let priority = rest.strip_prefix(b"<")?;
    let length = priority.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let is_priority = (1..=3).contains(&length) && priority.get(length) == Some(&b'>');
    (is_priority && (1..=6).contains(&digits)).then_some(())?;
    Some((value::number(text.get(..digits)?)?, rest))
}

/// The text of a payload; journald writes bytes that are no text as an array of numbers.
fn payload_text(payload: Json<'_>) -> Option<Cow<'_, [u8]>> {
    if payload.is_array() {
        let bytes: Option<Vec<u8>> =
            payload.elements().map(|byte| u8::try_from(byte.unsigned()?).ok()).collect();
        return bytes.map(Cow::Owned);
    }
    let text = payload.text()?.as_bytes();
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    Some(Cow::Borrowed(text.strip_suffix(b"\r").unwrap_or(text)))
}

/// When a station on the way received what an object carries.
pub(super) fn received(json: Json<'_>) -> Stamp {
    TIME_KEYS
        .iter()
        .filter_map(|key| json.get(key)?.scalar())
        .map(|raw| match value::epoch(&raw) {
            Some(time) => Stamp::Instant(time),
            None => value::iso_8601(&raw).unwrap_or_default(),
        })
        .fold(Stamp::None, Stamp::or)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::logs::test_support::records;

    const LINE: &str = "HTTPS request from 10.1.2.3:50123 to www.example.com:443. Action: Deny. ";
    const RECORD: &str = "azure-firewall deny tls - 10.1.2.3#50123 -#443 www.example.com";

    #[test]
    fn shippers_put_lines_under_many_keys() {
        let time = "2025-11-26T04:15:00Z";
        let bytes: Vec<_> = LINE.bytes().map(|byte| byte.to_string()).collect();
        for wrapped in [
            format!(r#"{{"@timestamp":"{time}","message":"{LINE}"}}"#),
            format!(r#"{{"@timestamp":"{time}","event":{{"original":"{LINE}"}}}}"#),
            format!(r#"{{"log":"{LINE}\n","stream":"stdout","time":"{time}"}}"#),
            format!(r#"{{"__REALTIME_TIMESTAMP":"1764130500000000","MESSAGE":"{LINE}"}}"#),
            format!(
                r#"{{"__REALTIME_TIMESTAMP":"1764130500000000","MESSAGE":[{}]}}"#,
                bytes.join(",")
            ),
            format!(r#"{{"time":1764130500,"event":"{LINE}"}}"#),
            format!(r#"{{"result":{{"_raw":"{LINE}","time":"{time}"}}}}"#),
            format!(r#"{{"TimeGenerated":"{time}","SyslogMessage":"{LINE}"}}"#),
            format!(r#"{{"timestamp":"{time}","textPayload":"{LINE}"}}"#),
            format!(r#"{{"time":"{time}","properties":{{"msg":"{LINE}"}}}}"#),
            format!("{time} stdout F {LINE}"),
            format!(r#"{time} stderr F {{"message":"{{\"message\":\"{LINE}\"}}"}}"#),
        ] {
            assert_eq!(records(&wrapped), [format!("1 {RECORD} {time}")], "{wrapped}");
        }
    }

    #[test]
    fn payloads_may_be_encoded_and_compressed() {
        let plain = STANDARD.encode(format!("{LINE}\nsomething else\n{LINE}\n"));
        let document = format!(
            r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"id":"1","timestamp":1764130500000,"message":"{LINE}"}}]}}"#
        );
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(document.as_bytes()).unwrap();
        let packed = STANDARD.encode(gzip.finish().unwrap());
        for (wrapped, count) in [
            (format!(r#"{{"message":{{"data":"{plain}"}},"subscription":"s"}}"#), 2),
            (format!(r#"{{"Records":[{{"kinesis":{{"data":"{packed}"}}}}]}}"#), 1),
            (format!(r#"{{"awslogs":{{"data":"{packed}"}}}}"#), 1),
            (r#"{"data":"AAAA"}"#.to_owned(), 0),
        ] {
            let found = records(&wrapped);
            assert_eq!(found.len(), count, "{wrapped}");
            assert!(found.iter().all(|record| record.contains(RECORD)), "{found:?}");
        }
    }

    #[test]
    fn a_payload_that_unpacks_without_end_is_cut() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..40 {
            gzip.write_all(&vec![b' '; 1 << 20]).unwrap();
        }
        let text = decoded(&STANDARD.encode(gzip.finish().unwrap())).unwrap();
        assert_eq!(text.len() as u64, MAX_DECODED);
    }

    #[test]
    fn octet_counts_are_taken_off() {
        let message = format!("<134>1 2025-11-26T04:15:00Z fw app - - - {LINE}");
        let count = message.len();
        let text = format!("{count} {message}{count} {message}");
        let (first, behind) = frame(text.as_bytes()).unwrap();
        assert_eq!(first, message.as_bytes());
        assert_eq!(frame(behind), Some((message.as_bytes(), &b""[..])));
        let wrong = format!("7 {message}");
        assert_eq!(frame(wrong.as_bytes()), Some((message.as_bytes(), &b""[..])));
        assert_eq!(frame(b"2025 <134>"), Some((&b"<134>"[..], &b""[..])));
        for text in ["<134>1 x", "12 x", "1234567 <134>x", "12 <1345>x", ""] {
            assert_eq!(frame(text.as_bytes()), None, "{text}");
        }
    }
}
