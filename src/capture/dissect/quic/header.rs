//! Long packet headers (RFC 9000 section 17.2, RFC 9369 section 3.2), as far as they are in the
//! clear.

use std::ops::Range;

use super::{Protection, google_version, take, take_prefixed, take_varint};

/// Header form: long.
const LONG_FORM: u8 = 0x80;
/// The bit that every packet but Version Negotiation sets (RFC 9000 section 17.2).
const FIXED_BIT: u8 = 0x40;
/// The longest connection id of every version known so far (RFC 9000 section 17.2).
const MAX_CONNECTION_ID: usize = 20;
/// The first id that a client chooses has at least so many bytes (RFC 9000 section 7.2).
const MIN_FIRST_ID: usize = 8;
/// The first datagram of a client has at least so many bytes (RFC 9000 section 14.1).
const MIN_FIRST_DATAGRAM: usize = 1200;
/// First byte, version, two lengths of connection ids.
const MIN_LONG_HEADER: usize = 7;
/// The integrity tag at the end of a Retry (RFC 9001 section 5.8).
const RETRY_TAG: usize = 16;

/// The clear part of a packet with a long header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LongHeader<'d> {
    /// The version; 0 for Version Negotiation.
    pub version: u32,
    /// What kind of packet it is.
    pub kind: PacketKind,
    /// The destination connection id.
    pub destination_id: &'d [u8],
    /// The source connection id.
    pub source_id: &'d [u8],
    /// The token of an Initial or Retry packet, else empty.
    pub token: &'d [u8],
    /// Where the packet lies in the datagram. Others may follow.
    pub packet: Range<usize>,
    /// Where the packet number begins, as an offset in the datagram. For kinds without one, the
    /// end of what was read.
    pub number_at: usize,
    /// Whether the packet claims to be longer than the datagram, as when the capture cut it.
    pub is_cut: bool,
}

/// The kinds of packets with a long header.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PacketKind {
    /// Carries the hellos.
    Initial,
    /// Carries data before the handshake is done.
    ZeroRtt,
    /// Carries the rest of the handshake.
    Handshake,
    /// Asks the client to come again with a token.
    Retry,
    /// Tells the client which versions the server speaks.
    VersionNegotiation,
    /// A packet of a version that is not known; only what RFC 8999 fixes was read.
    Unknown,
}

/// Reads the long header at the front of a datagram; `None` when there is none.
#[must_use]
pub fn parse_long_header(datagram: &[u8]) -> Option<LongHeader<'_>> {
    parse_at(datagram, 0)
}

/// The packets with long headers at the front of a datagram (RFC 9000 section 12.2). Ends at
/// the first packet with a short header, at padding and at the end.
#[must_use]
pub const fn packets(datagram: &[u8]) -> Packets<'_> {
    Packets { datagram, at: 0 }
}

/// Whether a datagram begins like what a QUIC client sends first, so that a conversation on any
/// port can be recognised by it: an Initial packet of a version that is known, a packet that
/// forces version negotiation, or the clear header of one of Google's versions.
///
/// Other versions that are not known look like chance; a caller that expects QUIC on a port
/// asks [`looks_like_unknown_quic`] as well.
#[must_use]
pub fn looks_like_quic(datagram: &[u8]) -> bool {
    let Some(header) = parse_long_header(datagram) else {
        return google_version(datagram).is_some();
    };
    let is_reserved = header.version & 0x0f0f_0f0f == 0x0a0a_0a0a;
    match header.kind {
        PacketKind::Initial => header.destination_id.len() >= MIN_FIRST_ID,
        PacketKind::Unknown if is_reserved => {
            header.destination_id.len() >= MIN_FIRST_ID && datagram.len() >= MIN_FIRST_DATAGRAM
        }
        _ => google_version(datagram).is_some_and(|_| header.kind == PacketKind::Unknown),
    }
}

/// Whether a datagram has the form that every version's first one has (RFC 8999 section 5.1), the
/// length (RFC 9000 section 14.1) and an id as long as a client chooses it, in a version that is not
/// known.
#[must_use]
pub fn looks_like_unknown_quic(datagram: &[u8]) -> bool {
    datagram.len() >= MIN_FIRST_DATAGRAM
        && parse_long_header(datagram).is_some_and(|header| {
            let ids = [header.destination_id.len(), header.source_id.len()];
            header.kind == PacketKind::Unknown
                && ids.iter().all(|length| *length <= MAX_CONNECTION_ID)
                && header.destination_id.len() >= MIN_FIRST_ID
        })
}

/// Which kinds of packets a datagram brings, by what is in the clear.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Contents {
    /// Packets that only exchange hellos, or ask for others: Initial, Retry, Version Negotiation.
    pub hellos: bool,
    /// Handshake packets.
    pub handshake: bool,
    /// A packet with a short header, which needs keys that the handshake gives (RFC 9000 section 17.3).
    pub data: bool,
}

/// What a datagram of a version that is known brings (RFC 9000 section 12.2).
#[must_use]
pub fn contents(datagram: &[u8]) -> Contents {
    /// A connection id may be empty; packet number, a byte and the tag are there (RFC 9001 section 5.4.2).
    const SHORTEST: usize = 21;
    let mut contents = Contents::default();
    let mut end = 0;
    for header in packets(datagram) {
        match header.kind {
            PacketKind::Handshake => contents.handshake = true,
            PacketKind::ZeroRtt | PacketKind::Unknown => {}
            _ => contents.hellos = true,
        }
        end = header.packet.end;
    }
    let rest = datagram.get(end..).unwrap_or_default();
    let is_short = rest.first().is_some_and(|first| first & (LONG_FORM | FIXED_BIT) == FIXED_BIT);
    contents.data = is_short && rest.len() >= SHORTEST;
    contents
}

/// Iterator of [`packets`].
#[derive(Clone, Debug)]
pub struct Packets<'d> {
    datagram: &'d [u8],
    at: usize,
}

impl<'d> Iterator for Packets<'d> {
    type Item = LongHeader<'d>;

    fn next(&mut self) -> Option<Self::Item> {
        let header = parse_at(self.datagram, self.at)?;
        self.at = header.packet.end;
        Some(header)
    }
}

fn parse_at(datagram: &[u8], at: usize) -> Option<LongHeader<'_>> {
    let mut rest = datagram.get(at..)?;
    if rest.len() < MIN_LONG_HEADER {
        return None;
    }
    let &[first, v0, v1, v2, v3] = rest.first_chunk()?;
    if first & LONG_FORM == 0 {
        return None;
    }
    take(&mut rest, 5)?;
    let version = u32::from_be_bytes([v0, v1, v2, v3]);
    let destination_id = take_id(&mut rest)?;
    let source_id = take_id(&mut rest)?;
    let mut header = LongHeader {
        version,
        kind: kind(version, first),
        destination_id,
        source_id,
        token: &[],
        packet: at..datagram.len(),
        number_at: datagram.len(),
        is_cut: false,
    };
    if header.kind != PacketKind::VersionNegotiation && first & FIXED_BIT == 0 {
        return None;
    }
    let is_known = !matches!(header.kind, PacketKind::Unknown | PacketKind::VersionNegotiation);
    if is_known && destination_id.len().max(source_id.len()) > MAX_CONNECTION_ID {
        return None;
    }
    match header.kind {
        PacketKind::Initial | PacketKind::ZeroRtt | PacketKind::Handshake => {
            if header.kind == PacketKind::Initial {
                header.token = take_prefixed(&mut rest)?;
            }
            let length = usize::try_from(take_varint(&mut rest)?).ok()?;
            header.number_at = datagram.len() - rest.len();
            let end = header.number_at.saturating_add(length);
            header.is_cut = end > datagram.len();
            header.packet.end = end.min(datagram.len());
        }
        PacketKind::Retry => {
            header.token = rest.get(..rest.len().checked_sub(RETRY_TAG)?)?;
        }
        // The list of versions is a whole number of them, and at least one.
        PacketKind::VersionNegotiation if rest.len() < 4 => return None,
        PacketKind::VersionNegotiation | PacketKind::Unknown => {}
    }
    Some(header)
}

fn take_id<'d>(rest: &mut &'d [u8]) -> Option<&'d [u8]> {
    let &length = take(rest, 1)?.first()?;
    take(rest, usize::from(length))
}

/// The kind by version and first byte: version 2 numbers the kinds differently (RFC 9369
/// section 3.2).
const fn kind(version: u32, first: u8) -> PacketKind {
    if version == 0 {
        return PacketKind::VersionNegotiation;
    }
    let bits = (first >> 4) & 0b11;
    let number = match Protection::of_version(version) {
        None => return PacketKind::Unknown,
        Some(Protection::Version2) => bits.wrapping_sub(1) & 0b11,
        Some(_) => bits,
    };
    match number {
        0 => PacketKind::Initial,
        1 => PacketKind::ZeroRtt,
        2 => PacketKind::Handshake,
        _ => PacketKind::Retry,
    }
}
