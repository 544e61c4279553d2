//! DNS messages in their transports: the length prefix of TCP, and what a message looks like
//! on a port that is not DNS's own.

use std::ops::Range;

use super::{
    HEADER_LENGTH, Header, OPCODE_QUERY, QUESTION_TAIL, RECORD_TAIL, TYPE_OPT, skip_name, tail,
};

/// Length of the prefix of a message over TCP (RFC 1035 section 4.2.2).
const PREFIX_LENGTH: usize = 2;
/// The shortest record: root name, fixed fields, no data.
const MIN_RECORD: usize = 1 + RECORD_TAIL;

/// What stands at the front of the bytes of a DNS stream over TCP.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TcpFrame {
    /// The message is not whole yet.
    NeedMore {
        /// How many bytes from the front must be there before asking again makes sense.
        at_least: usize,
    },
    /// A whole message.
    Message {
        /// Where the message lies, without its prefix.
        range: Range<usize>,
        /// How many bytes to take off the front to come to the next message.
        consumed: usize,
    },
}

/// Finds the first message of a DNS stream over TCP: each is preceded by its length in two
/// bytes, many may share a segment, and one may span many (RFC 7766 section 8).
#[must_use]
pub fn next_tcp_message(prefix: &[u8]) -> TcpFrame {
    let Some(&[high, low]) = prefix.first_chunk() else {
        return TcpFrame::NeedMore { at_least: PREFIX_LENGTH };
    };
    let end = PREFIX_LENGTH + usize::from(u16::from_be_bytes([high, low]));
    if prefix.len() < end {
        return TcpFrame::NeedMore { at_least: end };
    }
    TcpFrame::Message { range: PREFIX_LENGTH..end, consumed: end }
}

/// Whether bytes on a port that is not DNS's own read like one whole ordinary DNS message.
///
/// Stricter than [`Message::parse`](super::Message::parse): one question with a host-like name
/// and a known class, counts that fit the length, no bits that a query or response does not
/// have (RFC 1035 section 4.1.1, RFC 4035 section 3.2).
#[must_use]
pub fn looks_like_dns(bytes: &[u8]) -> bool {
    let Some(header) = Header::read(bytes) else { return false };
    let is_response = header.flags & 0x8000 != 0;
    let opcode = (header.flags >> 11) & 0xf;
    let has_reserved_bit = header.flags & 0x0040 != 0;
    if opcode != u16::from(OPCODE_QUERY) || has_reserved_bit || header.questions != 1 {
        return false;
    }
    // A query carries no answers, no error, no "authoritative"; OPT, TSIG and SIG(0) at most.
    let is_plain_query = header.answers == 0 && header.others <= 2 && header.flags & 0x040f == 0;
    if !is_response && !is_plain_query {
        return false;
    }
    let Some(end) = question_end(bytes) else { return false };
    let records = usize::from(header.answers).saturating_add(header.others as usize);
    if records.saturating_mul(MIN_RECORD) > bytes.len().saturating_sub(end) {
        return false;
    }
    records != 0 || bytes.len() == end
}

/// Whether the name is one of NetBIOS, whose messages have the form of DNS: its first label
/// holds half a byte in each of 32 letters (RFC 1001 section 14.1).
fn is_netbios(name: &[u8]) -> bool {
    match name.split_first() {
        Some((32, label)) => label.iter().take(32).all(|byte| matches!(byte, b'A'..=b'P')),
        _ => false,
    }
}

/// Offset behind the first question, when its name is text and its type and class are ones
/// that are asked for.
fn question_end(bytes: &[u8]) -> Option<usize> {
    let end = skip_name(bytes, HEADER_LENGTH).ok()?;
    let name = bytes.get(HEADER_LENGTH..end)?;
    if is_netbios(name) {
        return None;
    }
    let mut rest = name;
    while let Some((&length, after)) = rest.split_first() {
        // A pointer in the first name has nothing to lead to.
        let (label, after) = after.split_at_checked(usize::from(length))?;
        if !label.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        rest = after;
    }
    let &[k0, k1, c0, c1] = tail::<QUESTION_TAIL>(bytes, end).ok()?;
    let (kind, class) = (u16::from_be_bytes([k0, k1]), u16::from_be_bytes([c0, c1]));
    // IN, CH, HS, NONE, ANY (RFC 6895 section 3.2).
    let is_class = matches!(class, 1 | 3 | 4 | 254 | 255);
    (kind != 0 && kind != TYPE_OPT && is_class).then_some(end + QUESTION_TAIL)
}
