//! Google QUIC, as far as names go: the client's hello is a table of tags, of which `SNI` is
//! one ("QUIC Crypto" by Langley and Chang, section "Handshake message format").

use memchr::memmem;

/// Version flag of the public header of Q043 and before ("QUIC Wire Layout", section "Public
/// packet header").
const PUBLIC_FLAG_VERSION: u8 = 0x01;
/// Public header flag: this is a reset.
pub(super) const PUBLIC_FLAG_RESET: u8 = 0x02;
/// Public header flag: a connection id of eight bytes follows.
const PUBLIC_FLAG_CONNECTION_ID: u8 = 0x08;
/// Length of an entry in the table: tag and end offset of its value.
const ENTRY: usize = 8;
/// Hellos have about 30 tags; the format allows 128.
const MAX_ENTRIES: usize = 128;

/// The Google version that the first datagrams of a client state in the clear: with the public
/// header of Q043 and before, or with the long header of Q044 to Q050.
#[must_use]
pub fn google_version(datagram: &[u8]) -> Option<u32> {
    let &first = datagram.first()?;
    let at = if first & 0x80 != 0 {
        1
    } else if first & PUBLIC_FLAG_VERSION != 0 && first & PUBLIC_FLAG_CONNECTION_ID != 0 {
        9
    } else {
        return None;
    };
    let &version = datagram.get(at..)?.first_chunk::<4>()?;
    let [letter, digits @ ..] = version;
    let is_google = letter == b'Q' && digits.iter().all(u8::is_ascii_digit);
    is_google.then_some(u32::from_be_bytes(version))
}

/// The server name in a Google hello, wherever it begins in `bytes`: a datagram in the clear
/// (Q043 to Q046) or an opened Initial packet (Q050).
#[must_use]
pub fn chlo_server_name(bytes: &[u8]) -> Option<&[u8]> {
    let hello = bytes.get(memmem::find(bytes, b"CHLO")?..)?;
    let (&[_, _, _, _, n0, n1, _, _], rest) = hello.split_first_chunk::<8>()?;
    let entries = usize::from(u16::from_le_bytes([n0, n1]));
    if entries > MAX_ENTRIES {
        return None;
    }
    let (table, values) = rest.split_at_checked(entries * ENTRY)?;
    let mut start = 0_usize;
    for entry in table.chunks_exact(ENTRY) {
        let (tag, end) = entry.split_first_chunk::<4>()?;
        let end = usize::try_from(u32::from_le_bytes(*end.first_chunk()?)).ok()?;
        if tag == b"SNI\0" {
            return values.get(start..end).filter(|name| !name.is_empty());
        }
        start = end;
    }
    None
}
