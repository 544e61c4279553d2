//! DTLS: the name that a client asks for and what the other side says to it (RFC 6347, RFC 9147).
//!
//! Versions 1.0, 1.2 and 1.3 begin alike: records in the clear, handshake messages cut into
//! fragments, and a hello that is sent again with a cookie or because it was lost.

use super::quic::CryptoStream;
use super::tls::{self, HelloScan, Progress};

/// Type, version, epoch, sequence number and length before every record in the clear.
const RECORD_HEADER: usize = 13;
/// Type, length, number, and place and length of the fragment (RFC 6347 section 4.2.2).
const MESSAGE_HEADER: usize = 12;
/// The longest fragment of a record, as in TLS (RFC 6347 section 4.1.1).
const MAX_RECORD: usize = (1 << 14) + 2048;
/// Records of one datagram that are looked at.
const MAX_RECORDS: usize = 32;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
/// A record with a connection identifier (RFC 9146 section 3).
const WITH_CONNECTION_ID: u8 = 25;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;

/// Versions 1.0 and 1.2 as they stand in records; 1.3 writes 1.2 there (RFC 9147 section 4).
const VERSIONS: [[u8; 2]; 2] = [[0xfe, 0xff], [0xfe, 0xfd]];
/// What OpenSSL wrote before version 1.0 was settled; some VPNs still do.
const VERSION_BEFORE_1_0: [u8; 2] = [1, 0];

/// What one datagram adds to a handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Said {
    /// A fragment of a ClientHello.
    pub hello: bool,
    /// A HelloVerifyRequest or a HelloRetryRequest: the client is to say hello once more.
    pub asks_again: bool,
    /// A ServerHello.
    pub served: bool,
    /// A fatal alert in the clear, by its description.
    pub fatal_alert: Option<u8>,
    /// A record that is encrypted, other than application data.
    pub encrypted: bool,
}

/// The ClientHello of one conversation, put together from its fragments.
#[derive(Debug, Default)]
pub struct HelloAssembly {
    /// Number and length of the message that is being put together.
    message: Option<(u16, usize)>,
    fragments: CryptoStream,
}

impl HelloAssembly {
    /// Reads a datagram. `read` gets the hello, as far as it is there, each time that it grew.
    pub fn datagram(&mut self, datagram: &[u8], mut read: impl FnMut(&HelloScan<'_>)) -> Said {
        let mut said = Said::default();
        for record in Records::new(datagram) {
            match record {
                Record::Encrypted { data } => said.encrypted |= !data,
                Record::Clear { kind: ALERT, fragment: &[2, description] } => {
                    said.fatal_alert.get_or_insert(description);
                }
                Record::Clear { kind: HANDSHAKE, fragment } => {
                    for message in Fragments(fragment) {
                        self.message(&message, &mut said, &mut read);
                    }
                }
                Record::Clear { .. } => {}
            }
        }
        said
    }

    /// Forgets the hello and frees the memory.
    pub fn release(&mut self) {
        *self = Self::default();
    }

    fn message(
        &mut self,
        fragment: &Fragment<'_>,
        said: &mut Said,
        read: &mut impl FnMut(&HelloScan<'_>),
    ) {
        let &Fragment { kind, total, number, offset, bytes } = fragment;
        match kind {
            CLIENT_HELLO => said.hello = true,
            SERVER_HELLO => {
                let random = bytes.get(2..34).filter(|_| offset == 0);
                match random == Some(&tls::HELLO_RETRY_REQUEST[..]) {
                    true => said.asks_again = true,
                    false => said.served = true,
                }
                return;
            }
            HELLO_VERIFY_REQUEST => {
                said.asks_again = true;
                return;
            }
            _ => return,
        }
        if offset == 0 && bytes.len() == total {
            read(&tls::scan_datagram_client_hello(bytes, total));
            return;
        }
        if self.message != Some((number, total)) {
            self.release();
            self.message = Some((number, total));
        }
        if self.fragments.insert(offset as u64, bytes) {
            read(&tls::scan_datagram_client_hello(self.fragments.prefix(), total));
        }
    }
}

/// Whether a datagram begins with a record of a DTLS handshake: a message, an alert or a change of
/// ciphers. Application data is not told.
#[inline]
#[must_use]
pub fn looks_like_dtls(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(CHANGE_CIPHER_SPEC..=HANDSHAKE)) && begins_handshake(datagram)
}

/// Whether a datagram opens a conversation: its first record holds a part of a ClientHello.
#[inline]
#[must_use]
pub fn opens_dtls(datagram: &[u8]) -> bool {
    datagram.first() == Some(&HANDSHAKE) && begins_with_hello(datagram)
}

fn begins_with_hello(datagram: &[u8]) -> bool {
    matches!(
        Records::new(datagram).next(),
        Some(Record::Clear { kind: HANDSHAKE, fragment: &[CLIENT_HELLO, ..] })
    )
}

/// Whether it comes from the side that was asked: its first record holds a part of an answer.
#[must_use]
pub fn answers_dtls(datagram: &[u8]) -> bool {
    matches!(
        Records::new(datagram).next(),
        Some(Record::Clear {
            kind: HANDSHAKE,
            fragment: &[SERVER_HELLO | HELLO_VERIFY_REQUEST, ..]
        })
    )
}

fn begins_handshake(datagram: &[u8]) -> bool {
    let &[_, major, minor, ..] = datagram else { return false };
    match Records::new(datagram).next() {
        Some(Record::Clear { kind: HANDSHAKE, fragment }) => Fragments(fragment).next().is_some(),
        Some(Record::Clear { kind: ALERT, fragment }) => {
            VERSIONS.contains(&[major, minor]) && matches!(fragment, [1 | 2, _])
        }
        Some(Record::Clear { kind: CHANGE_CIPHER_SPEC, fragment }) => {
            VERSIONS.contains(&[major, minor]) && fragment == [1]
        }
        Some(Record::Encrypted { .. }) => VERSIONS.contains(&[major, minor]),
        _ => false,
    }
}

/// A record of a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Record<'a> {
    Clear {
        kind: u8,
        fragment: &'a [u8],
    },
    /// Data says whether it is application data for sure.
    Encrypted {
        data: bool,
    },
}

/// The records of a datagram, as far as their lengths can be followed.
struct Records<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Records<'a> {
    const fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram, left: MAX_RECORDS }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        self.left = self.left.checked_sub(1)?;
        let rest = std::mem::take(&mut self.rest);
        let &[kind, major, minor, epoch_high, epoch_low, _, _, _, _, _, _, high, low, ..] = rest
        else {
            return is_unified(rest).then_some(Record::Encrypted { data: false });
        };
        if is_unified(rest) || kind == WITH_CONNECTION_ID {
            // How long the connection identifier in it is was agreed elsewhere.
            return Some(Record::Encrypted { data: false });
        }
        let version = [major, minor];
        let length = usize::from(u16::from_be_bytes([high, low]));
        let is_known = VERSIONS.contains(&version) || version == VERSION_BEFORE_1_0;
        if !matches!(kind, CHANGE_CIPHER_SPEC..=APPLICATION_DATA)
            || !is_known
            || length == 0
            || length > MAX_RECORD
        {
            return None;
        }
        let behind = rest.get(RECORD_HEADER..).unwrap_or_default();
        let (fragment, behind) = behind.split_at_checked(length).unwrap_or((behind, &[]));
        self.rest = behind;
        Some(match (epoch_high, epoch_low) {
            (0, 0) => Record::Clear { kind, fragment },
            _ => Record::Encrypted { data: kind == APPLICATION_DATA },
        })
    }
}

/// Whether a record has the header that DTLS 1.3 gives to what is encrypted (RFC 9147 section 4).
fn is_unified(record: &[u8]) -> bool {
    record.first().is_some_and(|first| first & 0b1110_0000 == 0b0010_0000)
}

/// A fragment of a handshake message.
struct Fragment<'a> {
    kind: u8,
    /// The length of the whole message.
    total: usize,
    number: u16,
    offset: usize,
    /// What is there of it.
    bytes: &'a [u8],
}

/// The fragments of a record.
struct Fragments<'a>(&'a [u8]);

impl<'a> Iterator for Fragments<'a> {
    type Item = Fragment<'a>;

    fn next(&mut self) -> Option<Fragment<'a>> {
        let rest = std::mem::take(&mut self.0);
        let (header, behind) = rest.split_first_chunk::<MESSAGE_HEADER>()?;
        let &[kind, t2, t1, t0, n1, n0, o2, o1, o0, l2, l1, l0] = header;
        let number = u16::from_be_bytes([n1, n0]);
        let [total, offset, length] =
            [[t2, t1, t0], [o2, o1, o0], [l2, l1, l0]].map(|[high, middle, low]| {
                usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low)
            });
        if offset.saturating_add(length) > total || total > tls::MAX_HANDSHAKE || kind > 24 {
            return None;
        }
        let (bytes, behind) = behind.split_at_checked(length).unwrap_or((behind, &[]));
        self.0 = behind;
        Some(Fragment { kind, total, number, offset, bytes })
    }
}

/// Reads the bytes as datagrams of one side: two bytes of length before each.
///
/// # Panics
///
/// When a promise of this module is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_dtls(bytes: &[u8]) {
    let mut assembly = HelloAssembly::default();
    let mut rest = bytes;
    while let Some((&[high, low], after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low])).min(after.len());
        let (datagram, after) = after.split_at(length);
        let mut read = false;
        let said = assembly.datagram(datagram, |scan| {
            read = true;
            if scan.status == Progress::Complete {
                assert!(scan.length > 0);
            }
        });
        assert!(said.hello || !read, "only a hello is read");
        if opens_dtls(datagram) {
            assert!(!answers_dtls(datagram));
        }
        let _ = looks_like_dtls(datagram);
        rest = after;
    }
    assert!(assembly.fragments.prefix().len() <= CryptoStream::CAPACITY);
}

#[cfg(test)]
mod tests;
