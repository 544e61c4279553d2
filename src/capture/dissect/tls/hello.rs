//! The walker over a ClientHello message (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2).

use super::{MAX_HANDSHAKE, Progress};

/// Handshake type of a ClientHello (RFC 8446 section 4).
pub(super) const CLIENT_HELLO: u8 = 1;

/// The handshake type and the three bytes of length before every handshake message.
pub(super) const HANDSHAKE_HEADER: usize = 4;

/// Extension `server_name` (RFC 6066 section 3).
const SERVER_NAME: u16 = 0;
/// The only name type that there is, `host_name` (RFC 6066 section 3).
const HOST_NAME: u8 = 0;
/// Extension `application_layer_protocol_negotiation` (RFC 7301 section 3.1).
const ALPN: u16 = 16;
/// Extension `supported_versions` (RFC 8446 section 4.2.1).
const SUPPORTED_VERSIONS: u16 = 43;
/// TLS 1.3 as it stands in `supported_versions` (RFC 8446 section 4.2.1).
const TLS13: [u8; 2] = [3, 4];
/// Extension `encrypted_client_hello` (RFC 9849 section 5).
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
/// Its predecessor `encrypted_server_name`, of which only drafts exist.
const ENCRYPTED_SERVER_NAME: u16 = 0xffce;

/// What a ClientHello, whole or not, says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HelloScan<'a> {
    /// How far the hello was read.
    pub status: Progress,
    /// The first `host_name` of the `server_name` extension as sent: not validated, not folded,
    /// a trailing dot left on (RFC 6066 section 3). Present as soon as its last byte is.
    pub server_name: Option<&'a [u8]>,
    /// The first protocol that the client offers, such as `h2` (RFC 7301 section 3.1).
    pub alpn: Option<&'a [u8]>,
    /// The client offers TLS 1.3 (RFC 8446 section 4.2.1).
    pub offers_tls13: bool,
    /// The client sends an `encrypted_client_hello` extension, so `server_name` may be the name of
    /// a front. Clients send dummies of it too, which cannot be told from real ones (RFC 9849
    /// section 6.2).
    pub encrypted_client_hello: bool,
    /// How many bytes of the slice the hello occupies, once its end is there; 0 before.
    pub length: usize,
}

impl HelloScan<'_> {
    /// A scan that found nothing but how far it got.
    pub(super) const fn bare(status: Progress) -> Self {
        Self {
            status,
            server_name: None,
            alpn: None,
            offers_tls13: false,
            encrypted_client_hello: false,
            length: 0,
        }
    }
}

/// Reads a ClientHello without the record layer around it, as QUIC carries it in CRYPTO frames
/// (RFC 9001 section 4.1.3): the handshake type, three bytes of length and the body. `handshake`
/// is the contiguous beginning of that stream, of any length; what follows the message is not
/// looked at. `at_least` and `length` count bytes of `handshake`.
#[must_use]
pub fn scan_client_hello_message(handshake: &[u8]) -> HelloScan<'_> {
    match handshake.first() {
        Some(&CLIENT_HELLO) => {}
        Some(_) => return HelloScan::bare(Progress::NotTls),
        None => return HelloScan::bare(Progress::NeedMore { at_least: HANDSHAKE_HEADER }),
    }
    let Some(total) = message_length(handshake) else {
        return HelloScan::bare(Progress::NeedMore { at_least: HANDSHAKE_HEADER });
    };
    scan_body(handshake, HANDSHAKE_HEADER, total, Carrier::Stream)
}

/// Reads the body of a ClientHello of DTLS, which has a cookie more (RFC 6347 section 4.2.1). `body`
/// is the contiguous beginning of it, and `total` the length that the message claims. `at_least` and
/// `length` count bytes of `body`.
#[must_use]
pub fn scan_datagram_client_hello(body: &[u8], total: usize) -> HelloScan<'_> {
    scan_body(body, 0, total, Carrier::Datagrams)
}

/// What carries a hello.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carrier {
    Stream,
    Datagrams,
}

/// Reads a hello of the length `total` whose body begins at `start`.
fn scan_body(hello: &[u8], start: usize, total: usize, carrier: Carrier) -> HelloScan<'_> {
    let limit = total.min(MAX_HANDSHAKE);
    let there = hello.get(..limit).unwrap_or(hello);
    let mut scan = HelloScan::bare(Progress::Complete);
    let mut flawed = total > MAX_HANDSHAKE;
    let body = Cursor { bytes: there, position: start, limit };
    let walked = walk(body, carrier, &mut scan, &mut flawed);
    let is_whole = there.len() == limit;
    if is_whole {
        scan.length = limit;
    }
    scan.status = match walked {
        Err(Stop::Malformed) => Progress::Malformed,
        _ if total > MAX_HANDSHAKE => Progress::Malformed,
        // A flaw inside one extension does not hide the name in a later one.
        _ if !is_whole => Progress::NeedMore { at_least: limit },
        _ if flawed => Progress::Malformed,
        _ => Progress::Complete,
    };
    scan
}

/// The length of the handshake message that begins here, header included, if it is there to be
/// read.
pub(super) fn message_length(handshake: &[u8]) -> Option<usize> {
    let &[_, high, middle, low, ..] = handshake else { return None };
    let body = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
    Some(body + HANDSHAKE_HEADER)
}

/// Reads the body into `scan`. Contradictions that leave the rest readable are noted in `flawed`.
fn walk<'a>(
    mut body: Cursor<'a>,
    carrier: Carrier,
    scan: &mut HelloScan<'a>,
    flawed: &mut bool,
) -> Result<(), Stop> {
    const VERSION_AND_RANDOM: usize = 2 + 32;
    body.skip(VERSION_AND_RANDOM)?;
    let session_id = body.u8()?;
    body.skip(session_id.into())?;
    if carrier == Carrier::Datagrams {
        let cookie = body.u8()?;
        body.skip(cookie.into())?;
    }
    let cipher_suites = body.u16()?;
    body.skip(cipher_suites.into())?;
    let compression_methods = body.u8()?;
    body.skip(compression_methods.into())?;
    if body.is_at_limit() {
        return Ok(());
    }
    let mut extensions = body.vector16(flawed)?;
    *flawed |= !body.is_at_limit();
    while !extensions.is_at_limit() {
        let &[kind_high, kind_low, high, low] = extensions.take(4)? else { return Err(Stop::Cut) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let content = extensions.part(length, flawed);
        let kind = u16::from_be_bytes([kind_high, kind_low]);
        if !matches!(
            kind,
            SERVER_NAME
                | ALPN
                | SUPPORTED_VERSIONS
                | ENCRYPTED_CLIENT_HELLO
                | ENCRYPTED_SERVER_NAME
        ) {
            continue;
        }
        match read_extension(kind, content, scan, flawed) {
            Err(Stop::Malformed) => *flawed = true,
            Err(Stop::Cut) => return Err(Stop::Cut),
            Ok(()) => {}
        }
    }
    Ok(())
}

fn read_extension<'a>(
    kind: u16,
    mut content: Cursor<'a>,
    scan: &mut HelloScan<'a>,
    flawed: &mut bool,
) -> Result<(), Stop> {
    match kind {
        SERVER_NAME if scan.server_name.is_none() => {
            let mut names = content.vector16(flawed)?;
            while !names.is_at_limit() {
                let name_type = names.u8()?;
                let length = names.u16()?;
                if name_type != HOST_NAME {
                    // Every name type begins with a length of two bytes, known or not.
                    names.skip(length.into())?;
                    continue;
                }
                let name = names.take(length.into())?;
                if name.is_empty() {
                    return Err(Stop::Malformed);
                }
                scan.server_name = Some(name);
                break;
            }
        }
        ALPN if scan.alpn.is_none() => {
            let mut protocols = content.vector16(flawed)?;
            let length = protocols.u8()?;
            let protocol = protocols.take(length.into())?;
            if protocol.is_empty() {
                return Err(Stop::Malformed);
            }
            scan.alpn = Some(protocol);
        }
        SUPPORTED_VERSIONS => {
            let length = content.u8()?;
            let versions = content.take(length.into())?;
            scan.offers_tls13 |= versions.chunks_exact(2).any(|version| version == TLS13);
        }
        ENCRYPTED_CLIENT_HELLO | ENCRYPTED_SERVER_NAME => scan.encrypted_client_hello = true,
        _ => {}
    }
    Ok(())
}

/// Why reading ends early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// The bytes at hand end.
    Cut,
    /// A length leads beyond what contains it.
    Malformed,
}

/// A place in a message of which only the beginning may be there. `limit` is where the part being
/// read ends by its own account, which may lie behind the last byte of `bytes`.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) position: usize,
    pub(super) limit: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn is_at_limit(&self) -> bool {
        self.position >= self.limit
    }

    /// Moves on. The bytes passed over need not be there.
    #[inline]
    pub(super) fn skip(&mut self, count: usize) -> Result<(), Stop> {
        if count > self.limit.saturating_sub(self.position) {
            return Err(Stop::Malformed);
        }
        self.position += count;
        Ok(())
    }

    #[inline]
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Stop> {
        let start = self.position;
        self.skip(count)?;
        self.bytes.get(start..self.position).ok_or(Stop::Cut)
    }

    #[inline]
    pub(super) fn u8(&mut self) -> Result<u8, Stop> {
        match self.take(1)? {
            &[byte] => Ok(byte),
            _ => Err(Stop::Cut),
        }
    }

    #[inline]
    pub(super) fn u16(&mut self) -> Result<u16, Stop> {
        match self.take(2)? {
            &[high, low] => Ok(u16::from_be_bytes([high, low])),
            _ => Err(Stop::Cut),
        }
    }

    /// Reads a length of two bytes and returns the part that it covers.
    #[inline]
    pub(super) fn vector16(&mut self, flawed: &mut bool) -> Result<Self, Stop> {
        let length = self.u16()?;
        Ok(self.part(length.into(), flawed))
    }

    /// The next `length` bytes as a part of their own, moving behind it. A part that would lead
    /// beyond the limit ends there and is a flaw.
    #[inline]
    fn part(&mut self, length: usize, flawed: &mut bool) -> Self {
        let room = self.limit.saturating_sub(self.position);
        *flawed |= length > room;
        let part = Self { limit: self.position + length.min(room), ..*self };
        self.position = part.limit;
        part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_without_extensions_is_complete_and_nameless() {
        let mut hello = vec![1, 0, 0, 41, 3, 3];
        hello.extend([7; 32]);
        hello.extend([0, 0, 2, 0x13, 1, 1, 0]);
        let scan = scan_client_hello_message(&hello);
        assert_eq!(scan.status, Progress::Complete);
        assert_eq!((scan.server_name, scan.length), (None, 45));
    }
}
