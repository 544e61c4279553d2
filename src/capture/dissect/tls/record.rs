//! The record layer (RFC 8446 section 5.1): headers, and handshake messages out of them.

use super::hello::message_length;
use super::{MAX_HANDSHAKE, Progress};

pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;
pub(super) const HEARTBEAT: u8 = 24;

/// Type, version and length before every record.
pub(super) const HEADER: usize = 5;

/// The longest fragment of a record: 2^14 bytes, and 2048 more when it is encrypted in TLS 1.2
/// (RFC 5246 section 6.2.3).
const MAX_FRAGMENT: usize = (1 << 14) + 2048;

/// What a record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordKind {
    /// A `change_cipher_spec` record, which carries no data; TLS 1.3 sends it for the sake of
    /// middleboxes only (RFC 8446 appendix D.4).
    ChangeCipherSpec,
    /// An alert, in the clear or encrypted by TLS 1.2 or older.
    Alert,
    /// Handshake messages, in the clear or encrypted by TLS 1.2 or older.
    Handshake,
    /// Application data, or anything that TLS 1.3 encrypts.
    ApplicationData,
    /// A heartbeat (RFC 6520).
    Heartbeat,
}

/// The kind of the record that begins here, if a record header does.
#[must_use]
pub fn record_kind(segment: &[u8]) -> Option<RecordKind> {
    match header(segment) {
        HeaderAt::Whole { kind: CHANGE_CIPHER_SPEC, .. } => Some(RecordKind::ChangeCipherSpec),
        HeaderAt::Whole { kind: ALERT, .. } => Some(RecordKind::Alert),
        HeaderAt::Whole { kind: HANDSHAKE, .. } => Some(RecordKind::Handshake),
        HeaderAt::Whole { kind: APPLICATION_DATA, .. } => Some(RecordKind::ApplicationData),
        HeaderAt::Whole { kind: HEARTBEAT, .. } => Some(RecordKind::Heartbeat),
        _ => None,
    }
}

/// The length in bytes of the record that begins here, its header included, if a record header
/// does.
#[must_use]
pub fn record_length(segment: &[u8]) -> Option<u16> {
    match header(segment) {
        HeaderAt::Whole { length, .. } => u16::try_from(length.saturating_add(HEADER)).ok(),
        _ => None,
    }
}

/// Whether bytes of an established TLS stream hold anything but alerts and `change_cipher_spec`:
/// handshake messages or application data, or the middle of a record that began before.
///
/// TLS 1.3 encrypts its alerts as application data, so such an alert counts as data here.
#[must_use]
pub fn holds_data_beyond_alerts(segment: &[u8]) -> bool {
    let mut rest = segment;
    while let Some(&first) = rest.first() {
        let skipped = match header(rest) {
            HeaderAt::Whole { kind: ALERT | CHANGE_CIPHER_SPEC, length } => length,
            HeaderAt::Whole { length: 0, .. } => 0,
            HeaderAt::Partial => return !matches!(first, ALERT | CHANGE_CIPHER_SPEC),
            HeaderAt::Whole { .. } | HeaderAt::Invalid => return true,
        };
        rest = rest.get(HEADER + skipped..).unwrap_or_default();
    }
    false
}

/// What stands where a record should begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HeaderAt {
    Whole {
        kind: u8,
        length: usize,
    },
    /// What is there of it is plausible.
    Partial,
    Invalid,
}

#[inline]
pub(super) fn header(bytes: &[u8]) -> HeaderAt {
    if let &[kind, major, minor, high, low, ..] = bytes {
        let length = usize::from(u16::from_be_bytes([high, low]));
        if is_plausible(kind, major, minor) && length <= MAX_FRAGMENT {
            return HeaderAt::Whole { kind, length };
        }
        return HeaderAt::Invalid;
    }
    let byte = |at: usize, otherwise: u8| bytes.get(at).copied().unwrap_or(otherwise);
    match is_plausible(byte(0, HANDSHAKE), byte(1, 3), byte(2, 1)) {
        true => HeaderAt::Partial,
        false => HeaderAt::Invalid,
    }
}

/// Records of every version since SSL 3.0 say major version 3.
const fn is_plausible(kind: u8, major: u8, minor: u8) -> bool {
    matches!(kind, CHANGE_CIPHER_SPEC..=HEARTBEAT) && major == 3 && minor <= 4
}

/// A handshake message, or the beginning of one, out of its records.
pub(super) struct Gathered<'a> {
    /// The bytes at hand, the handshake header included and nothing behind the message.
    pub(super) message: &'a [u8],
    /// Whether the message is whole, as far as records can tell.
    pub(super) progress: Progress,
    /// How many bytes of the prefix the message occupies once it is whole; 0 before.
    pub(super) length: usize,
}

/// Gathers the handshake message of the given type whose first record begins at `start`. A message
/// inside one record is a slice of `prefix`; one that spans records is put together in `scratch`.
///
/// `at_least` is the least length that can complete the message. What is missing shrinks by a
/// sixth or more between two calls that keep to it, whatever the size of the records, so the number
/// of calls grows with the logarithm of the message.
pub(super) fn gather<'a>(
    prefix: &'a [u8],
    start: usize,
    handshake_type: u8,
    scratch: &'a mut Vec<u8>,
) -> Gathered<'a> {
    let nothing = |progress| Gathered { message: &[], progress, length: 0 };
    let Some(rest) = prefix.get(start..) else {
        return nothing(Progress::NeedMore { at_least: start + HEADER });
    };
    let length = match header(rest) {
        HeaderAt::Whole { kind: HANDSHAKE, length } if length > 0 => length,
        HeaderAt::Partial if rest.first().is_none_or(|kind| *kind == HANDSHAKE) => {
            return nothing(Progress::NeedMore { at_least: start + HEADER + 1 });
        }
        _ => return nothing(Progress::NotTls),
    };
    let fragment_start = start + HEADER;
    let behind = prefix.get(fragment_start..).unwrap_or_default();
    let fragment = behind.get(..length).unwrap_or(behind);
    if fragment.first().is_some_and(|kind| *kind != handshake_type) {
        return nothing(Progress::NotTls);
    }
    let total = message_length(fragment);
    if total.is_some_and(|total| total > MAX_HANDSHAKE) {
        return Gathered { message: fragment, progress: Progress::Malformed, length: 0 };
    }
    if let Some(total) = total
        && let Some(message) = fragment.get(..total)
    {
        let length = fragment_start + total;
        return Gathered { message, progress: Progress::Complete, length };
    }
    if fragment.len() < length {
        let at_least = needed(fragment_start, length, missing(0, total));
        return Gathered {
            message: fragment,
            progress: Progress::NeedMore { at_least },
            length: 0,
        };
    }
    gather_records(prefix, start, scratch)
}

/// The same for a message that is known to go on behind its first record.
fn gather_records<'a>(prefix: &'a [u8], start: usize, scratch: &'a mut Vec<u8>) -> Gathered<'a> {
    scratch.clear();
    let mut position = start;
    let mut total = None;
    let (progress, length) = loop {
        let rest = prefix.get(position..).unwrap_or_default();
        let length = match header(rest) {
            // Records of other types inside a message and empty ones are forbidden (RFC 8446
            // section 5.1).
            HeaderAt::Whole { kind: HANDSHAKE, length } if length > 0 => length,
            HeaderAt::Partial if rest.first().is_none_or(|kind| *kind == HANDSHAKE) => {
                let at_least = position + HEADER + missing(scratch.len(), total);
                break (Progress::NeedMore { at_least }, 0);
            }
            _ => break (Progress::Malformed, 0),
        };
        let behind = rest.get(HEADER..).unwrap_or_default();
        let fragment = behind.get(..length).unwrap_or(behind);
        let gathered_before = scratch.len();
        let wanted = missing(gathered_before, total).min(fragment.len());
        let wanted = if total.is_none() { fragment.len() } else { wanted };
        scratch.extend_from_slice(fragment.get(..wanted).unwrap_or(fragment));
        if total.is_none() {
            total = message_length(scratch);
            if let Some(total) = total {
                if total > MAX_HANDSHAKE {
                    break (Progress::Malformed, 0);
                }
                scratch.truncate(total);
            }
        }
        let fragment_start = position + HEADER;
        if total == Some(scratch.len()) {
            let last_part = scratch.len() - gathered_before;
            break (Progress::Complete, fragment_start + last_part);
        }
        if fragment.len() < length {
            let at_least = needed(fragment_start, length, missing(gathered_before, total));
            break (Progress::NeedMore { at_least }, 0);
        }
        position = fragment_start + length;
    };
    Gathered { message: scratch, progress, length }
}

/// How many bytes a message lacks of which `gathered` are there. While its length is unknown, as
/// many as will tell it.
fn missing(gathered: usize, total: Option<usize>) -> usize {
    match total {
        Some(total) => total.saturating_sub(gathered),
        None => super::hello::HANDSHAKE_HEADER.saturating_sub(gathered).max(1),
    }
}

/// The least length of the prefix at which `missing` bytes can be there, counted from the start of
/// a fragment of `length` bytes: what does not fit into it takes another header.
fn needed(fragment_start: usize, length: usize, missing: usize) -> usize {
    let more_header = if missing > length { HEADER } else { 0 };
    fragment_start + missing + more_header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_and_cipher_changes_are_no_data() {
        let alert = [21, 3, 3, 0, 2, 2, 40];
        let change = [20, 3, 3, 0, 1, 1];
        assert!(!holds_data_beyond_alerts(&[]));
        assert!(!holds_data_beyond_alerts(&alert));
        assert!(!holds_data_beyond_alerts(&alert[..3]));
        assert!(!holds_data_beyond_alerts(&[&change[..], &alert].concat()));
        // An alert that TLS 1.2 has encrypted, cut.
        assert!(!holds_data_beyond_alerts(&[21, 3, 3, 0, 26, 9, 9, 9]));
        // An empty record of application data (a countermeasure of TLS 1.0 servers).
        assert!(!holds_data_beyond_alerts(&[23, 3, 1, 0, 0]));
    }

    #[test]
    fn handshake_messages_application_data_and_middles_of_records_are_data() {
        assert!(holds_data_beyond_alerts(&[22, 3, 3, 0, 90, 11]));
        assert!(holds_data_beyond_alerts(&[20, 3, 3, 0, 1, 1, 23, 3, 3, 4, 0, 9]));
        assert!(holds_data_beyond_alerts(&[23, 3]));
        assert!(holds_data_beyond_alerts(b"\x0b\x00\x07\x21 a certificate"));
    }

    #[test]
    fn kinds_are_told_by_whole_headers() {
        assert_eq!(record_kind(&[22, 3, 1, 2, 0]), Some(RecordKind::Handshake));
        assert_eq!(record_kind(&[23, 3, 3, 0, 0]), Some(RecordKind::ApplicationData));
        assert_eq!(record_kind(&[21, 3, 3, 0, 2, 1]), Some(RecordKind::Alert));
        assert_eq!(record_kind(&[22, 3, 1, 2]), None);
        assert_eq!(record_kind(b"HTTP/1.1 400"), None);
        assert_eq!(record_kind(&[22, 3, 1, 0x48, 1]), None, "longer than any record");
    }
}
