//! The first words of a responder: a ServerHello, an alert, or something that is not TLS.

use tls_parser::{TlsMessageHandshake, parse_tls_handshake_msg_server_hello};

use super::alert::{self, CLOSE_NOTIFY, FATAL};
use super::hello::{Cursor, HANDSHAKE_HEADER, Stop};
use super::record::{ALERT, HANDSHAKE, HEADER, HeaderAt, gather, header};
use super::{MAX_HANDSHAKE, Progress};

/// Handshake type of a ServerHello (RFC 8446 section 4).
pub(super) const SERVER_HELLO: u8 = 2;
/// Extension `supported_versions` (RFC 8446 section 4.2.1).
const SUPPORTED_VERSIONS: u16 = 43;
/// TLS 1.3 (RFC 8446 section 4.2.1).
const TLS13: u16 = 0x0304;
/// The major byte of the versions of TLS 1.3 drafts.
const DRAFT_MAJOR: u8 = 0x7f;

/// The random of every HelloRetryRequest (RFC 8446 section 4.1.3): SHA-256 of "HelloRetryRequest".
pub const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// How many warnings before the ServerHello are passed over.
const MAX_WARNINGS: usize = 4;

/// What a responder says first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServerScan {
    /// The bytes at hand do not tell.
    NeedMore {
        /// The length of the prefix, in bytes, at which another call can get further.
        at_least: usize,
    },
    /// A ServerHello.
    ServerHello {
        /// It asks for another ClientHello (RFC 8446 section 4.1.4).
        hello_retry_request: bool,
        /// It chooses TLS 1.3.
        tls13: bool,
        /// How many bytes of the prefix lie before the end of the ServerHello. Further handshake
        /// messages may follow in the same record.
        length: usize,
    },
    /// An alert in the clear instead of a ServerHello.
    Alert {
        /// 1 is a warning, 2 fatal.
        level: u8,
        /// The description as registered by IANA, such as 40 for `handshake_failure`.
        description: u8,
    },
    /// Something else, such as an HTTP error.
    NotTls,
    /// TLS that contradicts itself or that cannot stand at the beginning.
    Malformed,
}

/// Whether what a responder sends begins as TLS: with a handshake record or an alert. `None` when
/// there are fewer than five bytes and all of them fit.
#[must_use]
pub fn looks_like_tls_answer(prefix: &[u8]) -> Option<bool> {
    match header(prefix) {
        HeaderAt::Whole { kind, length } => Some(matches!(kind, HANDSHAKE | ALERT) && length > 0),
        HeaderAt::Partial => match prefix.first() {
            None | Some(&(HANDSHAKE | ALERT)) => None,
            Some(_) => Some(false),
        },
        HeaderAt::Invalid => Some(false),
    }
}

/// Whether a record with a ServerHello at its front begins here, or with the Certificate that follows
/// it in a record of its own (RFC 5246 section 7.4.2).
#[must_use]
pub fn begins_server_flight(bytes: &[u8]) -> bool {
    const CERTIFICATE: u8 = 11;
    matches!(header(bytes), HeaderAt::Whole { kind: HANDSHAKE, .. })
        && matches!(bytes.get(HEADER), Some(&(SERVER_HELLO | CERTIFICATE)))
}

/// Reads what a responder says first.
///
/// Servers may warn before their ServerHello, for instance of a name that they do not know
/// (RFC 6066 section 3): a warning is passed over when bytes follow it, and is the answer when
/// nothing does. `scratch` is used as by [`scan_client_hello`](super::scan_client_hello).
#[must_use]
pub fn scan_server(prefix: &[u8], scratch: &mut Vec<u8>) -> ServerScan {
    let mut start = 0_usize;
    let mut warning = None;
    for _ in 0..=MAX_WARNINGS {
        let rest = prefix.get(start..).unwrap_or_default();
        if let (Some(answer), true) = (warning, rest.is_empty()) {
            return answer;
        }
        match header(rest) {
            HeaderAt::Whole { kind: HANDSHAKE, .. } => return handshake(prefix, start, scratch),
            HeaderAt::Whole { kind: ALERT, length: alert::LENGTH } => {}
            HeaderAt::Partial => return ServerScan::NeedMore { at_least: start + HEADER },
            HeaderAt::Invalid if warning.is_none() => return ServerScan::NotTls,
            HeaderAt::Whole { .. } | HeaderAt::Invalid => return ServerScan::Malformed,
        }
        let end = start + HEADER + alert::LENGTH;
        let Some(&[level, description]) = prefix.get(start + HEADER..end) else {
            return ServerScan::NeedMore { at_least: end };
        };
        let answer = ServerScan::Alert { level, description };
        if level == FATAL || description == CLOSE_NOTIFY {
            return answer;
        }
        if !alert::is_level(level) {
            return ServerScan::Malformed;
        }
        warning = Some(answer);
        start = end;
    }
    ServerScan::Malformed
}

fn handshake(prefix: &[u8], start: usize, scratch: &mut Vec<u8>) -> ServerScan {
    let gathered = gather(prefix, start, SERVER_HELLO, scratch);
    match gathered.progress {
        Progress::NeedMore { at_least } => ServerScan::NeedMore { at_least },
        Progress::Complete => server_hello(gathered.message, gathered.length),
        Progress::Malformed | Progress::NotTls => ServerScan::Malformed,
    }
}

fn server_hello(message: &[u8], length: usize) -> ServerScan {
    let body = message.get(HANDSHAKE_HEADER..).unwrap_or_default();
    let answer =
        |hello_retry_request, tls13| ServerScan::ServerHello { hello_retry_request, tls13, length };
    match parse_tls_handshake_msg_server_hello(body) {
        Ok((_, TlsMessageHandshake::ServerHello(hello))) => answer(
            hello.random == HELLO_RETRY_REQUEST,
            hello.ext.is_some_and(|extensions| chooses_tls13(extensions).unwrap_or(false)),
        ),
        // Drafts until 21 wrote their version here and had another layout, which does not matter.
        _ if body.first() == Some(&DRAFT_MAJOR) => answer(false, true),
        _ => ServerScan::Malformed,
    }
}

/// Whether `supported_versions` among the extensions is there and says TLS 1.3 or a draft of it.
fn chooses_tls13(extensions: &[u8]) -> Result<bool, Stop> {
    let limit = extensions.len().min(MAX_HANDSHAKE);
    let mut cursor = Cursor { bytes: extensions, position: 0, limit };
    while !cursor.is_at_limit() {
        let kind = cursor.u16()?;
        let mut content = cursor.vector16(&mut false)?;
        if kind == SUPPORTED_VERSIONS {
            let version = content.u16()?;
            return Ok(version == TLS13 || version.to_be_bytes().first() == Some(&DRAFT_MAJOR));
        }
    }
    Ok(false)
}
