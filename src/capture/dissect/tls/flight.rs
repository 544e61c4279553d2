//! The server's certificates, out of the handshake messages that stand before them.

use super::MAX_HANDSHAKE;
use super::record::{ALERT, HANDSHAKE, HEADER, HeaderAt, header};
use super::server::SERVER_HELLO;

/// Handshake types (RFC 5246 section 7.4, RFC 4680 section 2).
const HELLO_REQUEST: u8 = 0;
const CERTIFICATE: u8 = 11;
const SUPPLEMENTAL_DATA: u8 = 23;

/// What has come of the certificates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Certificates {
    /// Their end is not there yet.
    Awaited,
    /// All of them: [`CertificateReader::list`].
    Whole,
    /// None come: the session is resumed, or the server shows no certificate.
    Absent,
}

/// Reads what a server sends in TLS 1.2 or older, from its first byte to the end of its Certificate
/// message (RFC 5246 section 7.4.2). Later versions encrypt that message.
///
/// The bytes are read once, in pieces of any size; what is kept is the message and no more than
/// [`MAX_HANDSHAKE`](super::MAX_HANDSHAKE) bytes.
#[derive(Debug, Default)]
pub struct CertificateReader {
    /// The beginning of a record header of which more is needed.
    header: Vec<u8>,
    /// How many bytes of the current record are to come, and whether they are handshake messages.
    record: usize,
    is_handshake: bool,
    messages: MessageReader,
}

impl CertificateReader {
    /// Takes the next bytes. Not to be called again once the certificates are whole or absent.
    pub fn read(&mut self, mut bytes: &[u8]) -> Certificates {
        while !bytes.is_empty() {
            if self.record == 0 {
                let missing = HEADER.saturating_sub(self.header.len());
                let (start, rest) = bytes.split_at(missing.min(bytes.len()));
                self.header.extend_from_slice(start);
                bytes = rest;
                match header(&self.header) {
                    HeaderAt::Partial => continue,
                    HeaderAt::Whole { kind: kind @ (HANDSHAKE | ALERT), length } => {
                        self.is_handshake = kind == HANDSHAKE;
                        self.record = length;
                        self.header.clear();
                    }
                    _ => return Certificates::Absent,
                }
            }
            let (fragment, rest) = bytes.split_at(self.record.min(bytes.len()));
            self.record -= fragment.len();
            bytes = rest;
            if self.is_handshake {
                match self.messages.read(fragment) {
                    Certificates::Awaited => {}
                    done => return done,
                }
            }
        }
        Certificates::Awaited
    }

    /// What there is of the certificate list, from its length on; see [`certificates`].
    #[must_use]
    pub fn list(&self) -> &[u8] {
        self.messages.list()
    }
}

/// The same for handshake messages without records around them.
#[derive(Debug, Default)]
struct MessageReader {
    /// Header and body of the current message; of one that is passed over only the header.
    message: Vec<u8>,
    /// How many bytes of it are to come, once its header is there.
    missing: Option<usize>,
}

impl MessageReader {
    fn read(&mut self, mut bytes: &[u8]) -> Certificates {
        loop {
            let Some(missing) = self.missing else {
                let wanted = super::hello::HANDSHAKE_HEADER.saturating_sub(self.message.len());
                let (start, rest) = bytes.split_at(wanted.min(bytes.len()));
                self.message.extend_from_slice(start);
                bytes = rest;
                let Some(total) = super::hello::message_length(&self.message) else {
                    return Certificates::Awaited;
                };
                match self.message.first() {
                    Some(&CERTIFICATE) if total <= MAX_HANDSHAKE => {}
                    Some(&(HELLO_REQUEST | SERVER_HELLO | SUPPLEMENTAL_DATA)) => {}
                    _ => return Certificates::Absent,
                }
                self.missing = Some(total.saturating_sub(self.message.len()));
                continue;
            };
            let (body, rest) = bytes.split_at(missing.min(bytes.len()));
            bytes = rest;
            let is_wanted = self.message.first() == Some(&CERTIFICATE);
            if is_wanted {
                self.message.extend_from_slice(body);
            }
            if body.len() < missing {
                self.missing = Some(missing - body.len());
                return Certificates::Awaited;
            }
            if is_wanted {
                return Certificates::Whole;
            }
            self.message.clear();
            self.missing = None;
        }
    }

    fn list(&self) -> &[u8] {
        match self.message.first() {
            Some(&CERTIFICATE) => {
                self.message.get(super::hello::HANDSHAKE_HEADER..).unwrap_or_default()
            }
            _ => &[],
        }
    }
}

/// The certificates of a list, the server's own first, as far as they are whole. `list` is the body
/// of a Certificate message (RFC 5246 section 7.4.2): its length, then each certificate behind its
/// own.
pub fn certificates(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = match list {
        &[high, middle, low, ref rest @ ..] => {
            rest.get(..length(high, middle, low)).unwrap_or(rest)
        }
        _ => &[],
    };
    std::iter::from_fn(move || {
        let &[high, middle, low, ref behind @ ..] = rest else { return None };
        let (certificate, behind) = behind.split_at_checked(length(high, middle, low))?;
        rest = behind;
        Some(certificate)
    })
}

const fn length(high: u8, middle: u8, low: u8) -> usize {
    (high as usize) << 16 | (middle as usize) << 8 | low as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[1..], content].concat()
    }

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind][..], &vector(body)].concat()
    }

    fn record(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[kind, 3, 3][..], &length, content].concat()
    }

    fn list() -> Vec<u8> {
        vector(&[vector(&[1; 300]), vector(&[2; 200])].concat())
    }

    fn read(reader: &mut CertificateReader, pieces: &[&[u8]]) -> Certificates {
        let mut got = Certificates::Awaited;
        for piece in pieces {
            assert_eq!(got, Certificates::Awaited);
            got = reader.read(piece);
        }
        got
    }

    #[test]
    fn certificates_are_found_however_records_and_segments_cut_the_messages() {
        let hello = message(2, &[7; 70]);
        let flight = [hello, message(11, &list()), message(14, &[])].concat();
        for size in [1, 3, 50, 80, 400, 10_000] {
            let warning = record(21, &[1, 112]);
            let records = flight.chunks(size).flat_map(|piece| record(22, piece));
            let bytes: Vec<u8> = warning.into_iter().chain(records).collect();
            for segment in [1, 2, 7, 600, 100_000] {
                let mut reader = CertificateReader::default();
                let mut pieces = bytes.chunks(segment);
                let got = pieces.find_map(|piece| {
                    Some(reader.read(piece)).filter(|got| *got != Certificates::Awaited)
                });
                assert_eq!(got, Some(Certificates::Whole), "{size} {segment}");
                assert_eq!(reader.list(), list());
                let certificates: Vec<_> = certificates(reader.list()).collect();
                assert_eq!(certificates, [&[1; 300][..], &[2; 200]]);
            }
        }
    }

    #[test]
    fn a_resumed_session_and_an_anonymous_server_show_none() {
        let hello = record(22, &message(2, &[7; 70]));
        for next in [record(20, &[1]), record(22, &message(12, &[9; 9])), record(23, &[0; 30])] {
            let mut reader = CertificateReader::default();
            assert_eq!(read(&mut reader, &[&hello, &next]), Certificates::Absent);
            assert!(reader.list().is_empty());
        }
    }

    #[test]
    fn a_list_that_is_too_long_is_not_gathered() {
        let mut reader = CertificateReader::default();
        let bytes = record(22, &[11, 1, 0, 0, 0, 0, 0]);
        assert_eq!(reader.read(&bytes), Certificates::Absent);
    }

    #[test]
    fn of_a_cut_list_the_whole_certificates_are_there() {
        let mut reader = CertificateReader::default();
        let bytes = record(22, &message(11, &list()));
        assert_eq!(reader.read(&bytes[..400]), Certificates::Awaited);
        assert_eq!(certificates(reader.list()).collect::<Vec<_>>(), [&[1; 300][..]]);
        assert_eq!(certificates(&[0, 0]).count(), 0);
        assert_eq!(certificates(&[0, 0, 5, 0, 0, 9, 1]).count(), 0);
    }
}
