//! What shippers put around a line: JSON objects, and the prefixes of container runtimes.

use std::borrow::Cow;

use super::grammar::{Json, Scratch};
use super::stamp::Stamp;
use super::value;

/// Keys under which shippers put the line that they carry, in the order of preference.
const PAYLOAD_KEYS: &[&str] =
    &["message", "MESSAGE", "log", "_raw", "SyslogMessage", "textPayload", "raw_log", "raw", "msg"];
/// Keys under which shippers put the time of reception.
const TIME_KEYS: &[&str] =
    &["@timestamp", "__REALTIME_TIMESTAMP", "time", "timestamp", "TimeGenerated"];
/// Keys of arrays of records.
pub(super) const ARRAY_KEYS: &[&str] = &["records", "Records", "logEvents"];

/// What is in a text.
pub(super) enum Wrapped<'a> {
    /// A line with a prefix taken off.
    Text { text: &'a [u8], received: Stamp },
    /// A JSON value.
    Json(Json<'a>),
    /// The text is no wrapper.
    Not,
}

/// A line within a JSON object.
pub(super) struct Payload<'a> {
    pub(super) text: Cow<'a, [u8]>,
    pub(super) received: Stamp,
}

/// Takes one wrapper off.
pub(super) fn unwrap<'a>(text: &'a [u8], scratch: &'a mut Scratch) -> Wrapped<'a> {
    let start = text.trim_ascii_start();
    if matches!(start.first(), Some(b'{' | b'['))
        && let Some(json) = scratch.json(start)
        && (json.is_object() || json.is_array())
    {
        return Wrapped::Json(json);
    }
    match container_line(text) {
        Some((text, received)) => Wrapped::Text { text, received },
        None => Wrapped::Not,
    }
}

/// The objects of a JSON value that are records or wrappers of their own: the elements of an
/// array or of a `records` array, else the value itself.
pub(super) fn elements(json: Json<'_>) -> impl Iterator<Item = Json<'_>> {
    let array = if json.is_array() {
        Some(json)
    } else {
        ARRAY_KEYS.iter().find_map(|key| json.get(key).filter(|value| value.is_array()))
    };
    let own = array.is_none().then_some(json);
    array.into_iter().flat_map(Json::elements).chain(own)
}

/// The lines that an object may carry.
pub(super) fn payloads(json: Json<'_>) -> impl Iterator<Item = Payload<'_>> {
    let received = received(json);
    let event = json.path(&["event", "original"]);
    PAYLOAD_KEYS
        .iter()
        .filter_map(move |key| json.get(key))
        .chain(event)
        .filter_map(payload_text)
        .map(move |text| Payload { text, received })
}

/// The text of a payload; journald writes bytes that are no text as an array of numbers.
fn payload_text(payload: Json<'_>) -> Option<Cow<'_, [u8]>> {
    if payload.is_array() {
        let bytes: Option<Vec<u8>> =
            payload.elements().map(|byte| u8::try_from(byte.unsigned()?).ok()).collect();
        return bytes.map(Cow::Owned);
    }
    let text = payload.text()?.as_bytes();
    Some(Cow::Borrowed(text.strip_suffix(b"\n").unwrap_or(text)))
}

fn received(json: Json<'_>) -> Stamp {
    TIME_KEYS
        .iter()
        .filter_map(|key| json.get(key)?.scalar())
        .map(|raw| match value::epoch(&raw) {
            Some(time) => Stamp::Instant(time),
            None => value::iso_8601(&raw).unwrap_or_default(),
        })
        .fold(Stamp::None, Stamp::or)
}

/// A line as the Container Runtime Interface of Kubernetes writes it: time, stream, `F` or `P`,
/// payload.
fn container_line(text: &[u8]) -> Option<(&[u8], Stamp)> {
    let mut words = text.splitn(4, |byte| *byte == b' ');
    let (time, stream, tag) = (words.next()?, words.next()?, words.next()?);
    let is_container = matches!(stream, b"stdout" | b"stderr") && matches!(tag, b"F" | b"P");
    is_container.then_some(())?;
    Some((words.next()?, value::iso_8601(time)?))
}
