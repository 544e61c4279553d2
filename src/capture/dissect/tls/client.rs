//! The first flight of a client: is it TLS, and which server does it name.

use super::hello::{CLIENT_HELLO, HelloScan, scan_client_hello_message};
use super::record::{ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE, HEADER, HeaderAt, gather, header};
use super::{Progress, alert};

/// How many alerts and cipher changes before the hello are passed over.
const MAX_LEADING_RECORDS: usize = 4;

/// Whether what a client sends begins as TLS: a handshake record with a ClientHello in it, or a
/// ClientHello of SSL 2.0 (RFC 5246 appendix E.2). `None` when there are too few bytes to tell:
/// never with eleven, unless other records stand before the hello.
#[must_use]
pub fn looks_like_tls(prefix: &[u8]) -> Option<bool> {
    if prefix.first().is_some_and(|first| first & 0x80 != 0) {
        return match old_hello(prefix) {
            OldHello::Absent => Some(false),
            OldHello::Partial => None,
            OldHello::Present { .. } => Some(true),
        };
    }
    let Ok(start) = skip_leading_records(prefix) else { return None };
    let rest = prefix.get(start..)?;
    match header(rest) {
        HeaderAt::Whole { kind: HANDSHAKE, length } if length > 0 => {
            rest.get(HEADER).map(|kind| *kind == CLIENT_HELLO)
        }
        HeaderAt::Partial if rest.first().is_none_or(|kind| *kind == HANDSHAKE) => None,
        _ => Some(false),
    }
}

/// Reads the ClientHello that begins the bytes of a client, out of the records around it.
///
/// `scratch` is used only when the hello spans several records: it is cleared first and never
/// holds more than [`MAX_HANDSHAKE`](super::MAX_HANDSHAKE) bytes. Alerts and cipher
/// changes before the hello are passed over. A ClientHello of SSL 2.0 is complete and nameless.
///
/// The name may be there although the status is [`Progress::NeedMore`] or
/// [`Progress::Malformed`]. A caller that waits for `at_least` bytes makes a number of calls that
/// grows with the logarithm of the hello's size at most; when no more bytes will come, a last call
/// with all of them gets what they hold.
#[must_use]
pub fn scan_client_hello<'a>(prefix: &'a [u8], scratch: &'a mut Vec<u8>) -> HelloScan<'a> {
    if prefix.first().is_some_and(|first| first & 0x80 != 0) {
        return scan_old_hello(prefix);
    }
    let start = match skip_leading_records(prefix) {
        Ok(start) => start,
        Err(at_least) => return HelloScan::bare(Progress::NeedMore { at_least }),
    };
    let gathered = gather(prefix, start, CLIENT_HELLO, scratch);
    let scan = match gathered.message {
        [] => HelloScan::bare(Progress::Complete),
        message => scan_client_hello_message(message),
    };
    let status = match (gathered.progress, scan.status) {
        (Progress::NotTls, _) => Progress::NotTls,
        (Progress::Malformed, _) | (_, Progress::Malformed) => Progress::Malformed,
        (progress, _) => progress,
    };
    HelloScan { status, length: gathered.length, ..scan }
}

/// Where the first record begins that is neither an alert nor a cipher change in the clear; or the
/// length needed to tell.
fn skip_leading_records(prefix: &[u8]) -> Result<usize, usize> {
    let mut start = 0_usize;
    for _ in 0..MAX_LEADING_RECORDS {
        let rest = prefix.get(start..).unwrap_or_default();
        let length = match header(rest) {
            HeaderAt::Whole { kind: ALERT, length: alert::LENGTH } => alert::LENGTH,
            HeaderAt::Whole { kind: CHANGE_CIPHER_SPEC, length: 1 } => 1,
            HeaderAt::Partial if matches!(rest.first(), Some(&(ALERT | CHANGE_CIPHER_SPEC))) => {
                return Err(start + HEADER);
            }
            _ => break,
        };
        start += HEADER + length;
        if start >= prefix.len() {
            return Err(start + HEADER + 1);
        }
    }
    Ok(start)
}

/// A ClientHello in the record format of SSL 2.0.
enum OldHello {
    Absent,
    Partial,
    Present { length: usize },
}

/// The two bytes of record length and the fixed part of the hello.
const OLD_HEADER: usize = 11;

/// Recognises a ClientHello of SSL 2.0, or one of a later version in its format (RFC 5246 appendix
/// E.2): a length with the high bit set, message type 1, the version, and three lengths that add
/// up to the first.
fn old_hello(prefix: &[u8]) -> OldHello {
    let byte = |at: usize| prefix.get(at).copied();
    let pair = |at: usize| Some(usize::from(u16::from_be_bytes([byte(at)?, byte(at + 1)?])));
    let is_message = byte(2).is_none_or(|kind| kind == CLIENT_HELLO);
    let is_version = match (byte(3), byte(4)) {
        (Some(0), minor) => minor.is_none_or(|minor| minor == 2),
        (Some(3), minor) => minor.is_none_or(|minor| minor <= 4),
        (major, _) => major.is_none(),
    };
    if !is_message || !is_version {
        return OldHello::Absent;
    }
    let lengths = (|| Some((pair(0)? & 0x7fff, pair(5)?, pair(7)?, pair(9)?)))();
    let Some((record, cipher_specs, session_id, challenge)) = lengths else {
        return OldHello::Partial;
    };
    let is_sane = cipher_specs > 0
        && cipher_specs % 3 == 0
        && matches!(session_id, 0 | 16 | 32)
        && (16..=32).contains(&challenge)
        && record + 2 == OLD_HEADER + cipher_specs + session_id + challenge;
    match is_sane {
        true => OldHello::Present { length: record + 2 },
        false => OldHello::Absent,
    }
}

fn scan_old_hello(prefix: &[u8]) -> HelloScan<'_> {
    match old_hello(prefix) {
        OldHello::Absent => HelloScan::bare(Progress::NotTls),
        OldHello::Partial => HelloScan::bare(Progress::NeedMore { at_least: OLD_HEADER }),
        OldHello::Present { length } if prefix.len() < length => {
            HelloScan::bare(Progress::NeedMore { at_least: length })
        }
        OldHello::Present { length } => HelloScan { length, ..HelloScan::bare(Progress::Complete) },
    }
}
