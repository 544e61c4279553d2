//! Keys of Initial packets and what they open (RFC 9001 sections 5.2 to 5.4, RFC 9369
//! section 3.3).

use std::fmt;
use std::sync::LazyLock;

use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey, quic::HeaderProtectionKey};
use ring::hkdf::{self, HKDF_SHA256, Prk, Salt};

use super::{LongHeader, PacketKind, Protection};

/// Length of the ciphertext sample that header protection takes (RFC 9001 section 5.4.2).
const SAMPLE: usize = 16;
/// The sample is taken as if the packet number had four bytes.
const SAMPLE_OFFSET: usize = 4;
/// The reserved bits of the first byte (RFC 9000 section 17.2).
const RESERVED_BITS: u8 = 0x0c;

/// The keys of one side's Initial packets.
pub struct InitialKeys {
    packet: LessSafeKey,
    header: HeaderProtectionKey,
    iv: [u8; aead::NONCE_LEN],
}

/// Who sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// Who opens the connection.
    Client,
    /// Who answers.
    Server,
}

/// An Initial packet without its protection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opened<'b> {
    /// The packet number as sent; longer ones than the packet shows do not occur this early.
    pub number: u32,
    /// The frames.
    pub payload: &'b [u8],
}

impl InitialKeys {
    /// Derives the keys of one side from the destination id of the client's first Initial
    /// packet, or of its first one after a Retry.
    #[must_use]
    pub fn derive(protection: Protection, destination_id: &[u8], side: Side) -> Option<Self> {
        let secret = SALTS.of(protection).extract(destination_id);
        let label: &[u8] = match side {
            Side::Client => b"\0\x20\x0ftls13 client in\0",
            Side::Server => b"\0\x20\x0ftls13 server in\0",
        };
        let mut side_secret = [0; 32];
        fill(&secret, label, &mut side_secret)?;
        let secret = Prk::new_less_safe(HKDF_SHA256, &side_secret);
        let labels = match protection {
            Protection::Version2 => &VERSION2_LABELS,
            _ => &LABELS,
        };
        let key = [labels.key];
        let packet = UnboundKey::from(secret.expand(&key, &aead::AES_128_GCM).ok()?);
        let protection = [labels.header];
        let header = secret.expand(&protection, &aead::quic::AES_128).ok()?;
        let mut iv = [0; aead::NONCE_LEN];
        fill(&secret, labels.iv, &mut iv)?;
        Some(Self { packet: LessSafeKey::new(packet), header: header.into(), iv })
    }

    /// Takes the protection off an Initial packet of `datagram`, in `buffer`, which is
    /// overwritten. `None` when the packet is cut, is of another kind or was not protected
    /// with these keys.
    #[must_use]
    pub fn open<'b>(
        &self,
        datagram: &[u8],
        header: &LongHeader<'_>,
        buffer: &'b mut Vec<u8>,
    ) -> Option<Opened<'b>> {
        if header.is_cut {
            return None;
        }
        let (number, head, payload) = self.unmask(datagram, header, buffer)?;
        let payload =
            self.packet.open_in_place(self.nonce(number), Aad::from(&*head), payload).ok()?;
        Some(Opened { number, payload })
    }

    /// The same for a packet that the capture cut: what is there of it is decrypted, but cannot
    /// be authenticated, because the tag stands at the end. Under wrong keys the payload is
    /// noise, so the caller has to see for itself that it makes sense.
    #[must_use]
    pub fn open_cut<'b>(
        &self,
        datagram: &[u8],
        header: &LongHeader<'_>,
        buffer: &'b mut Vec<u8>,
    ) -> Option<Opened<'b>> {
        if !header.is_cut {
            return None;
        }
        let (number, head, payload) = self.unmask(datagram, header, buffer)?;
        // Zero in every packet, once it is unmasked (RFC 9000 section 17.2).
        if head.first()? & RESERVED_BITS != 0 {
            return None;
        }
        // The cipher is a counter mode: to encrypt again is to decrypt (RFC 5116 section 5.1).
        let nonce = self.nonce(number);
        let _tag = self.packet.seal_in_place_separate_tag(nonce, Aad::empty(), payload).ok()?;
        Some(Opened { number, payload })
    }

    /// Copies the packet to `buffer` and takes off header protection (RFC 9001 section 5.4.1);
    /// answers the packet number, the header and what follows it.
    fn unmask<'b>(
        &self,
        datagram: &[u8],
        header: &LongHeader<'_>,
        buffer: &'b mut Vec<u8>,
    ) -> Option<(u32, &'b mut [u8], &'b mut [u8])> {
        if header.kind != PacketKind::Initial {
            return None;
        }
        let packet = datagram.get(header.packet.clone())?;
        let number_at = header.number_at.checked_sub(header.packet.start)?;
        let sample_at = number_at.checked_add(SAMPLE_OFFSET)?;
        let sample = packet.get(sample_at..sample_at.checked_add(SAMPLE)?)?;
        let [mask, number_mask @ ..] = self.header.new_mask(sample).ok()?;
        buffer.clear();
        buffer.extend_from_slice(packet);
        let first = buffer.first_mut()?;
        *first ^= mask & 0x0f;
        let number_length = usize::from(*first & 0b11) + 1;
        let (head, payload) = buffer.split_at_mut_checked(number_at + number_length)?;
        let mut number = 0_u32;
        for (byte, mask) in head.get_mut(number_at..)?.iter_mut().zip(number_mask) {
            *byte ^= mask;
            number = (number << 8) | u32::from(*byte);
        }
        Some((number, head, payload))
    }

    /// The nonce of a packet (RFC 9001 section 5.3).
    fn nonce(&self, number: u32) -> Nonce {
        let mut nonce = self.iv;
        for (byte, part) in nonce.iter_mut().rev().zip(number.to_be_bytes().iter().rev()) {
            *byte ^= part;
        }
        Nonce::assume_unique_for_key(nonce)
    }

    /// Puts protection on a packet: the inverse of [`open`](Self::open), to make test packets.
    /// `head` ends with a packet number of four bytes.
    #[cfg(test)]
    pub(super) fn seal(&self, head: &[u8], payload: &[u8]) -> Vec<u8> {
        let number_at = head.len() - 4;
        let nonce = self.nonce(u32::from_be_bytes(head[number_at..].try_into().unwrap()));
        let mut body = payload.to_vec();
        self.packet.seal_in_place_append_tag(nonce, Aad::from(head), &mut body).unwrap();
        let mut packet = [head, &body].concat();
        let sample = &packet[number_at + SAMPLE_OFFSET..][..SAMPLE];
        let mask = self.header.new_mask(sample).unwrap();
        packet[0] ^= mask[0] & 0x0f;
        for (byte, mask) in packet[number_at..].iter_mut().zip(&mask[1..]) {
            *byte ^= mask;
        }
        packet
    }
}

impl fmt::Debug for InitialKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InitialKeys").finish_non_exhaustive()
    }
}

/// HKDF labels in the form of RFC 8446 section 7.1: length of the output in two bytes, length
/// of the label, label, length of an empty context.
struct Labels {
    key: &'static [u8],
    iv: &'static [u8],
    header: &'static [u8],
}

const LABELS: Labels = Labels {
    key: b"\0\x10\x0etls13 quic key\0",
    iv: b"\0\x0c\x0dtls13 quic iv\0",
    header: b"\0\x10\x0dtls13 quic hp\0",
};

const VERSION2_LABELS: Labels = Labels {
    key: b"\0\x10\x10tls13 quicv2 key\0",
    iv: b"\0\x0c\x0ftls13 quicv2 iv\0",
    header: b"\0\x10\x0ftls13 quicv2 hp\0",
};

/// The salts, made ready once: each saves two hash blocks for every connection.
struct Salts {
    draft22: Salt,
    draft23: Salt,
    draft29: Salt,
    version1: Salt,
    version2: Salt,
    q050: Salt,
    t050: Salt,
    t051: Salt,
}

static SALTS: LazyLock<Salts> = LazyLock::new(|| {
    let salt = |bytes: [u8; 20]| Salt::new(HKDF_SHA256, &bytes);
    Salts {
        draft22: salt([
            0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51,
            0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a,
        ]),
        draft23: salt([
            0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4,
            0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02,
        ]),
        draft29: salt([
            0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61,
            0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99,
        ]),
        version1: salt([
            0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8,
            0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a,
        ]),
        version2: salt([
            0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26,
            0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9,
        ]),
        q050: salt([
            0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3,
            0xa7, 0xf0, 0xd3, 0xb5, 0x6b, 0x45,
        ]),
        t050: salt([
            0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2,
            0x36, 0x7c, 0x60, 0x48, 0x83, 0x10,
        ]),
        t051: salt([
            0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f,
            0xc8, 0xcc, 0xda, 0x6e, 0x03, 0x3d,
        ]),
    }
});

impl Salts {
    const fn of(&self, protection: Protection) -> &Salt {
        match protection {
            Protection::Draft22 => &self.draft22,
            Protection::Draft23 => &self.draft23,
            Protection::Draft29 => &self.draft29,
            Protection::Version1 => &self.version1,
            Protection::Version2 => &self.version2,
            Protection::GoogleQ050 => &self.q050,
            Protection::GoogleT050 => &self.t050,
            Protection::GoogleT051 => &self.t051,
        }
    }
}

/// A number of output bytes.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand into `out`.
fn fill(secret: &Prk, label: &[u8], out: &mut [u8]) -> Option<()> {
    secret.expand(&[label], Length(out.len())).ok()?.fill(out).ok()
}
