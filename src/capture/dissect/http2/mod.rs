//! HTTP/2 in cleartext: the authority that a request asks for and the status of its response
//! (RFC 9113).
//!
//! A [`Reader`] follows one direction of a connection, because header blocks refer to the blocks
//! before them. It keeps the table that they refer to, and a block that spans frames; everything
//! else it passes over.

mod hpack;
mod huffman;
mod static_table;
#[cfg(test)]
mod tests;

use hpack::Decoder;

/// What a client says first (RFC 9113 section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The longest header block that is read, and the longest frame with a part of one.
pub const MAX_BLOCK: usize = 32 * 1024;

/// The length of a frame's header (RFC 9113 section 4.1).
const FRAME_HEADER: usize = 9;

/// Frame types (RFC 9113 section 6).
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;

/// Frame flags (RFC 9113 section 6.2).
const END_HEADERS: u8 = 0x04;
const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;

/// The payload of a RST_STREAM frame is an error code (RFC 9113 section 6.4).
const RST_STREAM_LENGTH: usize = 4;
/// A stream dependency and a weight (RFC 9113 section 6.2).
const PRIORITY_LENGTH: usize = 5;
/// The stream that a promise is about (RFC 9113 section 6.6).
const PROMISED_LENGTH: usize = 4;

/// Whether a client begins with the preface; `None` when there are too few bytes to tell.
#[must_use]
pub fn looks_like_preface(prefix: &[u8]) -> Option<bool> {
    if prefix.len() >= PREFACE.len() {
        return Some(prefix.starts_with(PREFACE));
    }
    if PREFACE.starts_with(prefix) { None } else { Some(false) }
}

/// One thing that a side says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// The fields of a request or of a response, or trailers.
    Head(Head<'a>),
    /// The stream is ended early.
    Reset {
        /// The stream's number.
        stream: u32,
    },
}

/// What header fields say (RFC 9113 section 8.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head<'a> {
    /// The stream's number.
    pub stream: u32,
    /// The request is a CONNECT: its authority is the end of the tunnel.
    pub is_connect: bool,
    /// The whole block was read. Otherwise every field that is missing may have stood in the rest.
    pub complete: bool,
    /// `:authority`, or where that is missing `host`, as sent; empty when there is neither.
    pub authority: &'a [u8],
    /// `:status`; a head without is a request or trailers.
    pub status: Option<u16>,
    /// `location`, empty when there is none.
    pub location: &'a [u8],
    /// `alt-svc` (RFC 7838), empty when there is none.
    pub alt_svc: &'a [u8],
}

/// How far the bytes were read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// So many bytes were used and are not needed again.
    pub used: usize,
    /// Where the bytes behind those are the beginning of a frame: how many bytes, from the first
    /// unused one on, another call needs to get further. 0 when all were used.
    pub at_least: usize,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub struct Reader {
    decoder: Decoder,
    fields: Fields,
    /// A block whose end is in later frames.
    block: Vec<u8>,
    /// The stream of that block.
    open: Option<Opened>,
    /// How many more bytes are of no interest.
    skip: usize,
    /// The place in the frames, or the meaning of header blocks, is lost.
    is_lost: bool,
}

/// What began a block that goes on.
#[derive(Clone, Copy, Debug)]
struct Opened {
    stream: u32,
    is_promise: bool,
}

/// The fields that matter.
#[derive(Debug, Default)]
struct Fields {
    is_connect: bool,
    authority: Vec<u8>,
    host: Vec<u8>,
    status: Option<u16>,
    location: Vec<u8>,
    alt_svc: Vec<u8>,
}

/// A frame's header.
#[derive(Clone, Copy)]
struct Frame {
    length: usize,
    kind: u8,
    flags: u8,
    stream: u32,
}

impl Reader {
    /// Reads what a client says from its preface on.
    #[must_use]
    pub fn client() -> Self {
        Self { skip: PREFACE.len(), ..Self::default() }
    }

    /// Reads what a server says.
    #[must_use]
    pub fn server() -> Self {
        Self::default()
    }

    /// Reads the whole frames at the front of the bytes.
    pub fn read(&mut self, bytes: &[u8], mut event: impl FnMut(Event<'_>)) -> Progress {
        let mut used = 0_usize;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            if self.is_lost || rest.is_empty() {
                return Progress { used: bytes.len(), at_least: 0 };
            }
            if self.skip > 0 {
                let passed = self.skip.min(rest.len());
                self.skip -= passed;
                used += passed;
                continue;
            }
            let Some((frame, behind)) = Frame::split(rest) else {
                return Progress { used, at_least: FRAME_HEADER };
            };
            used += FRAME_HEADER;
            let wanted = match frame.kind {
                HEADERS | PUSH_PROMISE | CONTINUATION if frame.length > MAX_BLOCK => {
                    self.is_lost = true;
                    continue;
                }
                HEADERS | PUSH_PROMISE | CONTINUATION => frame.length,
                RST_STREAM if frame.length == RST_STREAM_LENGTH => {
                    event(Event::Reset { stream: frame.stream });
                    0
                }
                _ => 0,
            };
            if wanted == 0 {
                self.skip = frame.length;
                continue;
            }
            let Some(payload) = behind.get(..wanted) else {
                used -= FRAME_HEADER;
                return Progress { used, at_least: FRAME_HEADER + wanted };
            };
            used += wanted;
            if self.part_of_block(frame, payload, &mut event).is_none() {
                self.is_lost = true;
            }
        }
    }

    /// Bytes behind these are missing: reads what is there of a header block. Nothing that comes
    /// later can be read.
    pub fn read_last(&mut self, bytes: &[u8], mut event: impl FnMut(Event<'_>)) {
        if !self.is_lost
            && self.skip == 0
            && let Some((frame, payload)) = Frame::split(bytes)
            && matches!(frame.kind, HEADERS | CONTINUATION)
            && frame.length > payload.len()
        {
            let frame = Frame { flags: frame.flags | END_HEADERS, ..frame };
            let _ = self.part_of_block(frame, payload, &mut event);
        }
        self.is_lost = true;
    }

    /// Takes a part of a header block; `None` when the frames break the rules, or a block passes
    /// the limit.
    fn part_of_block(
        &mut self,
        frame: Frame,
        payload: &[u8],
        event: &mut impl FnMut(Event<'_>),
    ) -> Option<()> {
        let (opened, fragment) = match (frame.kind, self.open.take()) {
            (CONTINUATION, Some(opened)) if opened.stream == frame.stream => (opened, payload),
            (HEADERS | PUSH_PROMISE, None) if frame.stream != 0 => {
                let is_promise = frame.kind == PUSH_PROMISE;
                (Opened { stream: frame.stream, is_promise }, frame.fragment(payload)?)
            }
            _ => return None,
        };
        let is_last = frame.flags & END_HEADERS != 0;
        if is_last && self.block.is_empty() {
            return self.whole_block(opened, fragment, event);
        }
        if self.block.len() + fragment.len() > MAX_BLOCK {
            return None;
        }
        self.block.extend_from_slice(fragment);
        if !is_last {
            self.open = Some(opened);
            return Some(());
        }
        let block = std::mem::take(&mut self.block);
        self.whole_block(opened, &block, event)
    }

    fn whole_block(
        &mut self,
        opened: Opened,
        block: &[u8],
        event: &mut impl FnMut(Event<'_>),
    ) -> Option<()> {
        let Self { decoder, fields, .. } = self;
        fields.clear();
        let complete = decoder.decode(block, |name, value| fields.take(name, value)).is_ok();
        if !opened.is_promise {
            event(Event::Head(fields.head(opened.stream, complete)));
        }
        complete.then_some(())
    }
}

impl Frame {
    /// A frame's header and what lies behind it.
    fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&[a, b, c, kind, flags, s, t, u, v], behind) = bytes.split_first_chunk()?;
        let length = u32::from_be_bytes([0, a, b, c]);
        let stream = u32::from_be_bytes([s, t, u, v]) & 0x7fff_ffff;
        Some((Self { length: length as usize, kind, flags, stream }, behind))
    }

    /// The part of a header block in a payload, without padding and what may stand before it. The
    /// payload may be cut.
    fn fragment(self, payload: &[u8]) -> Option<&[u8]> {
        let mut end = self.length;
        let mut start = 0;
        if self.flags & PADDED != 0 {
            start += 1;
            end = end.checked_sub(usize::from(*payload.first()?))?;
        }
        start += match self.kind {
            PUSH_PROMISE => PROMISED_LENGTH,
            _ if self.flags & PRIORITY != 0 => PRIORITY_LENGTH,
            _ => 0,
        };
        payload.get(start..end.min(payload.len()))
    }
}

impl Fields {
    fn clear(&mut self) {
        self.is_connect = false;
        self.status = None;
        for text in [&mut self.authority, &mut self.host, &mut self.location, &mut self.alt_svc] {
            text.clear();
        }
    }

    /// Keeps a field if it is one that matters; of several with one name the first.
    fn take(&mut self, name: &[u8], value: &[u8]) {
        let place = match name {
            b":authority" => &mut self.authority,
            b"host" => &mut self.host,
            b"location" => &mut self.location,
            b"alt-svc" => &mut self.alt_svc,
            b":method" => {
                self.is_connect = value == b"CONNECT";
                return;
            }
            b":status" => {
                let text = std::str::from_utf8(value).ok().filter(|text| text.len() == 3);
                self.status = self.status.or_else(|| text?.parse().ok());
                return;
            }
            _ => return,
        };
        if place.is_empty() {
            place.extend_from_slice(value);
        }
    }

    fn head(&self, stream: u32, complete: bool) -> Head<'_> {
        Head {
            stream,
            is_connect: self.is_connect,
            complete,
            authority: if self.authority.is_empty() { &self.host } else { &self.authority },
            status: self.status,
            location: &self.location,
            alt_svc: &self.alt_svc,
        }
    }
}

/// Reads the bytes as either side's, whole and in pieces whose length the first byte says, and
/// checks that both give the same.
///
/// # Panics
///
/// When a promise of this module is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_http2(bytes: &[u8]) {
    let Some((&size, bytes)) = bytes.split_first() else { return };
    let _ = looks_like_preface(bytes);
    for begin in [Reader::client, Reader::server] {
        let (mut whole, mut pieces) = (Vec::new(), Vec::new());
        let mut reader = begin();
        let end = reader.read(bytes, |event| whole.push(format!("{event:?}")));
        assert!(end.used <= bytes.len());
        let rest = bytes.get(end.used..).unwrap_or_default();
        assert!(rest.is_empty() == (end.at_least == 0) && rest.len() <= end.at_least);
        reader.read_last(rest, |event| whole.push(format!("{event:?}")));
        let mut reader = begin();
        let mut held = Vec::new();
        for piece in bytes.chunks(usize::from(size).max(1)) {
            held.extend_from_slice(piece);
            let Progress { used, .. } =
                reader.read(&held, |event| pieces.push(format!("{event:?}")));
            held.drain(..used);
        }
        reader.read_last(&held, |event| pieces.push(format!("{event:?}")));
        assert_eq!(whole, pieces);
    }
}
