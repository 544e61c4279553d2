//! QUIC: the name in the Initial packets and what the server says first.
//!
//! Initial packets are encrypted with keys that follow from a connection id in the clear
//! (RFC 9001 section 5.2), so whoever sees them can read the ClientHello. The pieces are pure
//! functions over datagrams; [`QuicFlow`] puts them together for one conversation.

mod crypto_stream;
mod flow;
mod frames;
mod google;
mod header;
mod keys;

pub use crypto_stream::CryptoStream;
pub use flow::{QuicEvent, QuicFlow, QuicScratch};
pub use frames::{Frame, Frames};
pub use google::{chlo_server_name, google_version};
pub use header::{
    Contents, LongHeader, PacketKind, Packets, contents, looks_like_quic, looks_like_unknown_quic,
    packets, parse_long_header,
};
pub use keys::{InitialKeys, Opened, Side};

/// The groups of versions whose Initial packets are protected alike.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Protection {
    /// Drafts 21 and 22, and the first of Meta's versions.
    Draft22,
    /// Drafts 23 to 28, and Meta's versions derived from draft 27.
    Draft23,
    /// Drafts 29 to 32.
    Draft29,
    /// Version 1 (RFC 9001 section 5.2), and drafts 33 and 34, which share its salt.
    Version1,
    /// Version 2 (RFC 9369 section 3.3).
    Version2,
    /// Google's Q050, which carries its own handshake instead of TLS.
    GoogleQ050,
    /// Google's T050: TLS, but frames numbered as Google's.
    GoogleT050,
    /// Google's T051, of the same kind.
    GoogleT051,
}

impl Protection {
    /// How Initial packets of a version are protected; `None` for a version that is not known,
    /// and for the reserved ones, which no one speaks (RFC 9000 section 15).
    #[must_use]
    pub const fn of_version(version: u32) -> Option<Self> {
        Some(match version {
            0x0000_0001 | 0xff00_0021 | 0xff00_0022 => Self::Version1,
            0x6b33_43cf => Self::Version2,
            0xff00_001d..=0xff00_0020 => Self::Draft29,
            0xff00_0017..=0xff00_001c | 0xface_b002 | 0xface_b00e => Self::Draft23,
            0xff00_0015 | 0xff00_0016 | 0xface_b001 => Self::Draft22,
            0x5130_3530 => Self::GoogleQ050,
            0x5430_3530 => Self::GoogleT050,
            0x5430_3531 => Self::GoogleT051,
            _ => return None,
        })
    }

    /// Whether the handshake in the Initial packets is Google's own and not TLS.
    #[must_use]
    pub const fn is_google_crypto(self) -> bool {
        matches!(self, Self::GoogleQ050)
    }

    /// Whether frames have Google's numbers, of which only that of CRYPTO is known here.
    #[must_use]
    pub const fn has_google_frames(self) -> bool {
        matches!(self, Self::GoogleQ050 | Self::GoogleT050 | Self::GoogleT051)
    }
}

/// Reads a variable-length integer (RFC 9000 section 16) off the front of `bytes`.
fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let (&first, _) = bytes.split_first()?;
    let length = 1_usize << (first >> 6);
    let (value, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    let whole = value.iter().fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    // The two top bits of the first byte are the length.
    Some(whole & (u64::MAX >> (66 - 8 * length)))
}

/// Takes `length` bytes off the front of `bytes`.
fn take<'b>(bytes: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (value, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(value)
}

/// Takes as many bytes as a variable-length integer in front of them says.
fn take_prefixed<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(take_varint(bytes)?).ok()?;
    take(bytes, length)
}

/// Entry point of the fuzzer: the first byte of each piece says whose datagram it is and the
/// two after that how long it is.
#[doc(hidden)]
pub fn fuzz_quic(bytes: &[u8]) {
    let mut flow = QuicFlow::new();
    let mut scratch = QuicScratch::new();
    let mut rest = bytes;
    while let Some((&[side, high, low], after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([high, low])).min(after.len());
        let (datagram, after) = after.split_at(length);
        let _ = match side & 1 {
            0 => flow.client_datagram(datagram, &mut scratch),
            _ => flow.server_datagram(datagram, &mut scratch),
        };
        rest = after;
    }
    // What decryption would yield, without having to find a valid tag.
    let mut stream = CryptoStream::new();
    for frame in Frames::new(bytes) {
        if let Frame::Crypto { offset, data } = frame {
            stream.insert(offset, data);
        }
    }
    assert!(stream.prefix().len() <= CryptoStream::CAPACITY);
    let _ = super::tls::scan_client_hello_message(stream.prefix());
    let _ = (chlo_server_name(bytes), google_version(bytes));
    assert!(!(looks_like_unknown_quic(bytes) && parse_long_header(bytes).is_none()));
    let _ = looks_like_quic(bytes);
    let mut end = 0;
    for header in packets(bytes) {
        assert!(header.packet.start == end && header.packet.end > end);
        end = header.packet.end;
    }
    assert!(end <= bytes.len());
}

#[cfg(test)]
mod tests;
