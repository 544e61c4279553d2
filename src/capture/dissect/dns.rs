//! DNS messages: questions, answers and how they ended (RFC 1035 section 4).
//!
//! One [`Message`] is kept by each reader and filled again for every packet: names go into one
//! arena and records into two vectors, so that a message costs no allocation once they have
//! grown. A message that ends early gives everything that was whole before its end, because
//! captures cut packets; a message that contradicts itself gives an error and keeps what was
//! read before the contradiction.

mod framing;
mod name;
mod service;

use std::fmt;

use crate::observe::Address;

pub use framing::{TcpFrame, looks_like_dns, next_tcp_message};
use name::{NameReader, Span, skip_name};

/// Record type A (RFC 1035 section 3.2.2).
pub const TYPE_A: u16 = 1;
/// Record type CNAME (RFC 1035 section 3.2.2).
pub const TYPE_CNAME: u16 = 5;
/// Record type AAAA (RFC 3596 section 2.1).
pub const TYPE_AAAA: u16 = 28;
/// Pseudo record type OPT of EDNS (RFC 6891 section 6.1).
pub const TYPE_OPT: u16 = 41;
/// Record type SVCB (RFC 9460 section 14.1).
pub const TYPE_SVCB: u16 = 64;
/// Record type HTTPS (RFC 9460 section 14.2).
pub const TYPE_HTTPS: u16 = 65;

/// Opcode of an ordinary query (RFC 1035 section 4.1.1).
pub const OPCODE_QUERY: u8 = 0;
/// Opcode of a dynamic update (RFC 2136 section 1.3).
pub const OPCODE_UPDATE: u8 = 5;

/// Length of the header (RFC 1035 section 4.1.1).
const HEADER_LENGTH: usize = 12;
/// Bytes of a question after its name: type and class.
const QUESTION_TAIL: usize = 4;
/// Bytes of a record after its name and before its data: type, class, time to live, length.
const RECORD_TAIL: usize = 10;
/// EDNS option that carries an extended error (RFC 8914 section 2).
const OPTION_EXTENDED_ERROR: u16 = 15;
/// Class IN; multicast DNS borrows the top bit of the class (RFC 6762 section 10.2).
const CLASS_INTERNET: u16 = 1;
/// Addresses that are taken from the hints of one message.
const MAX_HINTS: usize = 64;
/// Text that one message may give rise to. Compression lets 64 kB of records stand for several
/// megabytes of names; no honest answer comes near this.
const MAX_ARENA: usize = 256 * 1024;

/// A DNS message, and the room in which the next one is read.
#[derive(Debug, Default)]
pub struct Message {
    names: NameReader,
    questions: Vec<Question>,
    answers: Vec<Record>,
    id: u16,
    flags: u16,
    extended_rcode: u8,
    extended_error: Option<u16>,
    service_binding: bool,
    offers_http3: bool,
    hints: Vec<Address>,
    complete: bool,
    /// Records of the answer section by the header, read or not.
    stated_answers: u16,
}

/// What is wrong with a message, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{what} at byte {offset} of the DNS message")]
pub struct DnsError {
    /// The rule that is broken.
    pub what: DnsErrorKind,
    /// Offset in the message, in bytes.
    pub offset: usize,
}

/// The ways in which a message can contradict the format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DnsErrorKind {
    /// Fewer than the twelve bytes of a header (RFC 1035 section 4.1.1).
    HeaderTooShort,
    /// A label that is neither text nor a pointer (RFC 1035 section 4.1.4, RFC 6891 section 5).
    UnknownLabelType,
    /// A compression pointer that does not lead to earlier bytes (RFC 1035 section 4.1.4).
    PointerNotBackwards,
    /// A name that goes through more pointers than a name can have labels.
    TooManyPointers,
    /// A name of more than 255 octets (RFC 1035 section 3.1).
    NameTooLong,
    /// Record data that does not end where its length says.
    RecordDataLength,
}

/// One record of the answer section.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer<'m> {
    /// The normalised owner name; empty where [`normalize`](crate::observe::normalize) finds
    /// no server name.
    pub owner: &'m str,
    /// The record type.
    pub record_type: u16,
    /// How long the record holds, in seconds.
    pub time_to_live: u32,
    /// What the record says.
    pub data: AnswerData<'m>,
}

/// What a record of the answer section says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AnswerData<'m> {
    /// The address of an A or AAAA record.
    Address(Address),
    /// The normalised target of a CNAME record.
    Alias(&'m str),
    /// SVCB or HTTPS: another name under which the service is found (RFC 9460 section 2.4).
    Target(&'m str),
    /// Data of another type, class or length.
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Question {
    name: Span,
    kind: u16,
    class: u16,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    owner: Span,
    kind: u16,
    time_to_live: u32,
    data: RecordData,
}

#[derive(Clone, Copy, Debug)]
enum RecordData {
    Address(Address),
    Alias(Span),
    Target(Span),
    Other,
}

/// Why reading stopped before the end of the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stop {
    /// The bytes end here.
    Cut,
    /// The bytes contradict the format.
    Malformed(DnsError),
}

impl Message {
    /// An empty message.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one message, without the length prefix of DNS over TCP.
    ///
    /// A message that ends early is no error: see [`is_complete`](Self::is_complete).
    ///
    /// # Errors
    ///
    /// [`DnsError`] when the bytes contradict the format. What was read before that place stays
    /// readable.
    pub fn parse(&mut self, bytes: &[u8]) -> Result<(), DnsError> {
        self.clear();
        let Some(header) = Header::read(bytes) else {
            return Err(DnsErrorKind::HeaderTooShort.at(bytes.len()));
        };
        self.id = header.id;
        self.flags = header.flags;
        self.stated_answers = header.answers;
        match self.read_sections(bytes, &header) {
            Ok(()) => {
                self.complete = !self.truncated();
                Ok(())
            }
            Err(Stop::Cut) => Ok(()),
            Err(Stop::Malformed(error)) => Err(error),
        }
    }

    /// The identifier that the asker chose.
    #[must_use]
    pub const fn id(&self) -> u16 {
        self.id
    }

    /// Whether this is a response.
    #[must_use]
    pub const fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// What is asked for. Only [`OPCODE_QUERY`] tries to resolve a name; a NOTIFY, for one, has
    /// a question too, but asks nobody for it (RFC 1996 section 3.7).
    #[must_use]
    pub const fn opcode(&self) -> u8 {
        // Four bits, so nothing is lost.
        ((self.flags >> 11) & 0xf) as u8
    }

    /// The response code: twelve bits where an OPT record extends it (RFC 6891 section 6.1.3).
    #[must_use]
    pub fn rcode(&self) -> u16 {
        (u16::from(self.extended_rcode) << 4) | (self.flags & 0xf)
    }

    /// Whether the sender cut the message to fit its transport (TC, RFC 1035 section 4.1.1).
    #[must_use]
    pub const fn truncated(&self) -> bool {
        self.flags & 0x0200 != 0
    }

    /// The first extended error code (RFC 8914).
    #[must_use]
    pub const fn extended_error(&self) -> Option<u16> {
        self.extended_error
    }

    /// The questions: normalised name, type and class. The name is empty where
    /// [`normalize`](crate::observe::normalize) finds no server name, as for the root.
    ///
    /// An UPDATE has none: its first section names a zone (RFC 2136 section 2.3).
    /// The class is as sent: multicast DNS sets its top bit to ask for a unicast answer.
    pub fn questions(&self) -> impl Iterator<Item = (&str, u16, u16)> {
        self.questions.iter().map(|q| (self.names.text(q.name), q.kind, q.class))
    }

    /// The records of the answer section, in the order of the message; none for an opcode
    /// other than [`OPCODE_QUERY`].
    pub fn answers(&self) -> impl Iterator<Item = Answer<'_>> {
        self.answers.iter().map(|record| Answer {
            owner: self.names.text(record.owner),
            record_type: record.kind,
            time_to_live: record.time_to_live,
            data: match record.data {
                RecordData::Address(address) => AnswerData::Address(address),
                RecordData::Alias(target) => AnswerData::Alias(self.names.text(target)),
                RecordData::Target(target) => AnswerData::Target(self.names.text(target)),
                RecordData::Other => AnswerData::Other,
            },
        })
    }

    /// Whether the answer section holds an SVCB or HTTPS record (RFC 9460).
    #[must_use]
    pub const fn has_service_binding(&self) -> bool {
        self.service_binding
    }

    /// Whether such a record in the answer section says that HTTP/3 is served.
    #[must_use]
    pub const fn offers_http3(&self) -> bool {
        self.offers_http3
    }

    /// The addresses that such records in the answer section hint at (RFC 9460 section 7.3), at most
    /// sixty-four.
    #[must_use]
    pub fn hints(&self) -> &[Address] {
        &self.hints
    }

    /// Whether every section that the header announces was there. False for a message cut by
    /// the capture or, with TC set, by its sender.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether the header states answers that the capture cut off.
    #[must_use]
    pub fn has_cut_answers(&self) -> bool {
        !self.complete && usize::from(self.stated_answers) > self.answers.len()
    }

    fn clear(&mut self) {
        self.names.clear();
        self.questions.clear();
        self.answers.clear();
        self.id = 0;
        self.flags = 0;
        self.extended_rcode = 0;
        self.extended_error = None;
        self.service_binding = false;
        self.offers_http3 = false;
        self.hints.clear();
        self.complete = false;
        self.stated_answers = 0;
    }

    fn read_sections(&mut self, bytes: &[u8], header: &Header) -> Result<(), Stop> {
        let mut at = HEADER_LENGTH;
        for _ in 0..header.questions {
            at = match self.opcode() {
                OPCODE_UPDATE => {
                    let at = skip_name(bytes, at)?;
                    tail::<QUESTION_TAIL>(bytes, at)?;
                    at + QUESTION_TAIL
                }
                _ => self.read_question(bytes, at)?,
            };
        }
        for _ in 0..header.answers {
            at = match self.opcode() {
                OPCODE_QUERY => self.read_answer(bytes, at)?,
                _ => RawRecord::read(bytes, at)?.end,
            };
        }
        for _ in 0..header.others {
            let record = RawRecord::read(bytes, at)?;
            if record.kind == TYPE_OPT {
                self.read_options(&record);
            }
            at = record.end;
        }
        Ok(())
    }

    fn read_question(&mut self, bytes: &[u8], at: usize) -> Result<usize, Stop> {
        let (name, at) = self.read_name(bytes, at)?;
        let &[k0, k1, c0, c1] = tail::<QUESTION_TAIL>(bytes, at)?;
        let (kind, class) = (u16::from_be_bytes([k0, k1]), u16::from_be_bytes([c0, c1]));
        self.questions.push(Question { name, kind, class });
        Ok(at + QUESTION_TAIL)
    }

    fn read_answer(&mut self, bytes: &[u8], at: usize) -> Result<usize, Stop> {
        let (owner, after_name) = self.read_name(bytes, at)?;
        let record = RawRecord::read_after_name(bytes, after_name)?;
        let is_internet = record.class & 0x7fff == CLASS_INTERNET;
        let data = match (record.kind, record.data) {
            (TYPE_A, &[a, b, c, d]) if is_internet => {
                RecordData::Address(Address::from_v4([a, b, c, d]))
            }
            (TYPE_AAAA, data) if is_internet => match data.first_chunk::<16>() {
                Some(octets) if data.len() == 16 => RecordData::Address(Address::from_v6(*octets)),
                _ => RecordData::Other,
            },
            (TYPE_CNAME, _) if is_internet => {
                let (target, end) = self.read_name(bytes, record.start)?;
                if end != record.end {
                    return Err(DnsErrorKind::RecordDataLength.stop(record.start));
                }
                RecordData::Alias(target)
            }
            (TYPE_SVCB | TYPE_HTTPS, _) => {
                self.service_binding = true;
                self.offers_http3 |= service::offers_http3(record.data);
                let room = MAX_HINTS.saturating_sub(self.hints.len());
                self.hints.extend(service::hints(record.data).take(room));
                match service::target_at(record.data) {
                    Some(at) => RecordData::Target(self.read_name(bytes, record.start + at)?.0),
                    None => RecordData::Other,
                }
            }
            _ => RecordData::Other,
        };
        let time_to_live = record.time_to_live;
        self.answers.push(Record { owner, kind: record.kind, time_to_live, data });
        Ok(record.end)
    }

    fn read_name(&mut self, bytes: &[u8], at: usize) -> Result<(Span, usize), Stop> {
        if self.names.len() > MAX_ARENA {
            return Err(Stop::Cut);
        }
        self.names.read(bytes, at)
    }

    /// Reads the extended response code and the options of an OPT record (RFC 6891 section 6.1).
    fn read_options(&mut self, record: &RawRecord<'_>) {
        let [high, ..] = record.time_to_live.to_be_bytes();
        self.extended_rcode = high;
        let mut rest = record.data;
        while let Some((&[c0, c1, l0, l1], after)) = rest.split_first_chunk::<4>() {
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            let Some((value, after)) = after.split_at_checked(length) else { return };
            if u16::from_be_bytes([c0, c1]) == OPTION_EXTENDED_ERROR
                && self.extended_error.is_none()
                && let Some(&[e0, e1]) = value.first_chunk::<2>()
            {
                self.extended_error = Some(u16::from_be_bytes([e0, e1]));
            }
            rest = after;
        }
    }
}

impl DnsErrorKind {
    const fn at(self, offset: usize) -> DnsError {
        DnsError { what: self, offset }
    }

    const fn stop(self, offset: usize) -> Stop {
        Stop::Malformed(self.at(offset))
    }
}

impl fmt::Display for DnsErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeaderTooShort => "the header ends early",
            Self::UnknownLabelType => "label of an unknown type",
            Self::PointerNotBackwards => "compression pointer that does not lead backwards",
            Self::TooManyPointers => "too many compression pointers",
            Self::NameTooLong => "name longer than 255 octets",
            Self::RecordDataLength => "record data that contradicts its length",
        })
    }
}

/// The header's fields; authority and additional records are only counted together.
struct Header {
    id: u16,
    flags: u16,
    questions: u16,
    answers: u16,
    others: u32,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let &[i0, i1, f0, f1, q0, q1, a0, a1, n0, n1, x0, x1] = bytes.first_chunk()?;
        let authority = u32::from(u16::from_be_bytes([n0, n1]));
        let additional = u32::from(u16::from_be_bytes([x0, x1]));
        Some(Self {
            id: u16::from_be_bytes([i0, i1]),
            flags: u16::from_be_bytes([f0, f1]),
            questions: u16::from_be_bytes([q0, q1]),
            answers: u16::from_be_bytes([a0, a1]),
            others: authority.saturating_add(additional),
        })
    }
}

/// The fixed fields and the data of a resource record (RFC 1035 section 4.1.3).
struct RawRecord<'b> {
    kind: u16,
    class: u16,
    time_to_live: u32,
    data: &'b [u8],
    /// Offset of the data in the message.
    start: usize,
    /// Offset of the next record in the message.
    end: usize,
}

impl<'b> RawRecord<'b> {
    fn read(bytes: &'b [u8], at: usize) -> Result<Self, Stop> {
        Self::read_after_name(bytes, skip_name(bytes, at)?)
    }

    fn read_after_name(bytes: &'b [u8], at: usize) -> Result<Self, Stop> {
        let &[k0, k1, c0, c1, t0, t1, t2, t3, l0, l1] = tail::<RECORD_TAIL>(bytes, at)?;
        let start = at + RECORD_TAIL;
        let end = start + usize::from(u16::from_be_bytes([l0, l1]));
        let data = bytes.get(start..end).ok_or(Stop::Cut)?;
        Ok(Self {
            kind: u16::from_be_bytes([k0, k1]),
            class: u16::from_be_bytes([c0, c1]),
            time_to_live: u32::from_be_bytes([t0, t1, t2, t3]),
            data,
            start,
            end,
        })
    }
}

/// The `N` bytes at `at`.
#[inline]
fn tail<const N: usize>(bytes: &[u8], at: usize) -> Result<&[u8; N], Stop> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or(Stop::Cut)
}

/// Entry point of the fuzzer: reads the bytes in every way this module knows.
#[doc(hidden)]
pub fn fuzz_dns(bytes: &[u8]) {
    let mut message = Message::new();
    let outcome = message.parse(bytes);
    for (name, ..) in message.questions() {
        assert!(name.len() <= crate::observe::MAX_NAME_LENGTH);
    }
    for answer in message.answers() {
        assert!(answer.owner.len() <= crate::observe::MAX_NAME_LENGTH);
    }
    if message.is_complete() {
        assert!(outcome.is_ok());
    }
    let _ = looks_like_dns(bytes);
    let mut rest = bytes;
    while let TcpFrame::Message { range, consumed } = next_tcp_message(rest) {
        let _ = message.parse(rest.get(range).unwrap_or_default());
        rest = rest.get(consumed..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests;
