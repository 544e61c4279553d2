//! One QUIC conversation: what its datagrams say about the name and the outcome.

use super::google::PUBLIC_FLAG_RESET;
use super::{
    CryptoStream, Frame, Frames, InitialKeys, LongHeader, Opened, PacketKind, Protection, Side,
    chlo_server_name, google_version, packets,
};
use crate::capture::dissect::tls::{Progress, scan_client_hello_message};

/// How many Initial packets of a client are opened at most. A hello takes two or three, plus
/// what is sent again while nobody answers.
const MAX_OPENED: u8 = 64;
/// The longest connection id that keys are derived from (RFC 9000 section 17.2).
const MAX_CONNECTION_ID: usize = 20;

/// The state of one QUIC conversation: what is needed to read its hello and to tell how the
/// server took it. Holds neither keys nor buffers once both are known.
#[derive(Debug, Default)]
pub struct QuicFlow {
    client_keys: Option<Box<InitialKeys>>,
    crypto: CryptoStream,
    version: Option<u32>,
    original_id: ConnectionId,
    /// Whether a packet was opened with keys made from that id.
    is_id_right: bool,
    hello: Hello,
    opened: u8,
    is_answered: bool,
    is_closed: bool,
    encrypted_client_hello: bool,
}

/// Buffers that one reader lends to all its conversations.
#[derive(Debug, Default)]
pub struct QuicScratch {
    packet: Vec<u8>,
    name: Vec<u8>,
}

/// What a datagram adds to what is known. Each is told once, except that a client may be sent
/// back more than once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QuicEvent<'s> {
    /// Nothing new.
    None,
    /// The client's hello names its server. The bytes are as sent.
    ServerName(&'s [u8]),
    /// The client's hello is there and names no server.
    NoServerName,
    /// The client speaks a version whose hello cannot be read.
    UnknownVersion(u32),
    /// The server takes part in the handshake. That it merely acknowledges is not enough.
    Answered,
    /// The server asks the client to come again with a token.
    Retry,
    /// The server does not speak the client's version.
    VersionNegotiation,
    /// One side ended the connection during the handshake, as far as it is in the clear.
    Closed {
        /// The error code (RFC 9000 section 20.1; 0x0100 plus a TLS alert); 0 for a reset of
        /// Google QUIC, which has none in the clear.
        code: u64,
        /// Whether the client did.
        by_client: bool,
    },
}

/// What is known of the hello.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Hello {
    #[default]
    Waiting,
    /// Its name was told; whether it offers to encrypt another is not known yet.
    Named,
    Done,
}

#[derive(Clone, Copy, Debug, Default)]
struct ConnectionId {
    length: u8,
    bytes: [u8; MAX_CONNECTION_ID],
    is_known: bool,
}

impl QuicScratch {
    /// Empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl QuicFlow {
    /// A conversation of which nothing was seen.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the payload of a datagram from the client.
    pub fn client_datagram<'s>(
        &mut self,
        datagram: &[u8],
        scratch: &'s mut QuicScratch,
    ) -> QuicEvent<'s> {
        if self.is_settled() {
            return QuicEvent::None;
        }
        let mut found = Found::Nothing;
        match google_version(datagram) {
            Some(version) if Protection::of_version(version).is_none() => {
                found = self.clear_google_hello(version, datagram, &mut scratch.name);
            }
            _ => {
                for header in packets(datagram) {
                    found = match header.kind {
                        PacketKind::Initial => {
                            found.or(self.client_initial(datagram, &header, scratch))
                        }
                        PacketKind::Unknown => found.or(self.unknown_version(header.version)),
                        _ => found,
                    };
                }
            }
        }
        self.release_if_settled();
        match found {
            Found::Nothing => QuicEvent::None,
            Found::Name => QuicEvent::ServerName(&scratch.name),
            Found::NoName => QuicEvent::NoServerName,
            Found::UnknownVersion(version) => QuicEvent::UnknownVersion(version),
            Found::Closed(code) => QuicEvent::Closed { code, by_client: true },
        }
    }

    /// Takes the payload of a datagram from the server. The event borrows nothing.
    pub fn server_datagram(
        &mut self,
        datagram: &[u8],
        scratch: &mut QuicScratch,
    ) -> QuicEvent<'static> {
        if self.is_answered || self.is_closed {
            return QuicEvent::None;
        }
        let event = match datagram.first() {
            None => QuicEvent::None,
            Some(first) if first & 0x80 == 0 => self.short_answer(*first),
            Some(_) => self.long_answer(datagram, scratch),
        };
        match event {
            QuicEvent::Answered => self.is_answered = true,
            QuicEvent::Closed { .. } => self.is_closed = true,
            // RFC 9001 section 5.2: after a Retry, the id that it gave makes the keys. The client
            // says its whole hello again after either.
            QuicEvent::Retry | QuicEvent::VersionNegotiation => {
                self.client_keys = None;
                self.is_id_right = false;
                self.crypto.release();
            }
            _ => {}
        }
        self.release_if_settled();
        event
    }

    /// The version that the client speaks, or spoke last.
    #[must_use]
    pub const fn version(&self) -> Option<u32> {
        self.version
    }

    /// Whether the version is one whose packets say by their headers how far the handshake has come: those
    /// of the IETF, and not Google's own.
    #[must_use]
    pub fn shows_progress(&self) -> bool {
        use Protection::{Draft22, Draft23, Draft29, Version1, Version2};
        let protection = self.version.and_then(Protection::of_version);
        matches!(protection, Some(Draft22 | Draft23 | Draft29 | Version1 | Version2))
    }

    /// Whether the server took part in the handshake.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        self.is_answered
    }

    /// Whether the hello offers to encrypt another (RFC 9849), so that its name may be that of
    /// a front. Known for sure only once the hello is there to its end.
    #[must_use]
    pub const fn encrypted_client_hello(&self) -> bool {
        self.encrypted_client_hello
    }

    /// Whether no further datagram can add anything.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.is_closed || self.is_answered && self.hello == Hello::Done
    }

    fn release_if_settled(&mut self) {
        if self.is_settled() {
            self.client_keys = None;
            self.crypto.release();
        }
    }

    fn client_initial(
        &mut self,
        datagram: &[u8],
        header: &LongHeader<'_>,
        scratch: &mut QuicScratch,
    ) -> Found {
        let Some(protection) = Protection::of_version(header.version) else {
            return Found::Nothing;
        };
        if !self.original_id.is_known {
            self.original_id = ConnectionId::new(header.destination_id);
            self.version = Some(header.version);
        }
        if self.opened >= MAX_OPENED {
            return Found::Nothing;
        }
        self.opened += 1;
        if header.is_cut {
            return self.cut_initial(protection, datagram, header, scratch);
        }
        let QuicScratch { packet, name } = scratch;
        if let Some(keys) = &self.client_keys
            && let Some(opened) = keys.open(datagram, header, packet)
        {
            return self.client_frames(protection, &opened, name);
        }
        // The first packet, or one after a Retry or Version Negotiation that may not have been
        // captured: its own id makes the keys. After a change of version without one, the
        // original id still does (RFC 9369 section 4.1).
        let original = self.original_id;
        let ids = [header.destination_id, original.as_slice()];
        let count = if original.as_slice() == header.destination_id { 1 } else { 2 };
        for id in ids.into_iter().take(count) {
            let Some(keys) = InitialKeys::derive(protection, id, Side::Client) else { continue };
            let Some(opened) = keys.open(datagram, header, packet) else { continue };
            self.client_keys = None;
            self.original_id = ConnectionId::new(id);
            self.is_id_right = true;
            self.version = Some(header.version);
            self.crypto.release();
            let found = self.client_frames(protection, &opened, name);
            // Most hellos are whole by now, and nothing more is to be opened.
            if self.hello != Hello::Done {
                self.client_keys = Some(Box::new(keys));
            }
            return found;
        }
        Found::Nothing
    }

    /// Takes from a packet that the capture cut what makes sense as the beginning of a hello.
    fn cut_initial(
        &mut self,
        protection: Protection,
        datagram: &[u8],
        header: &LongHeader<'_>,
        scratch: &mut QuicScratch,
    ) -> Found {
        if self.hello != Hello::Waiting {
            return Found::Nothing;
        }
        let id = header.destination_id;
        let Some(keys) = InitialKeys::derive(protection, id, Side::Client) else {
            return Found::Nothing;
        };
        let QuicScratch { packet, name } = scratch;
        let Some(opened) = keys.open_cut(datagram, header, packet) else { return Found::Nothing };
        if protection.is_google_crypto() {
            return self.google_hello(opened.payload, name);
        }
        let mut crypto = self.crypto.clone();
        for frame in Frames::new_cut(opened.payload) {
            if let Frame::Crypto { offset, data } = frame {
                crypto.insert(offset, data);
            }
        }
        // The handshake type, and a length below 64 kB: noise does not look like that.
        if !crypto.prefix().starts_with(&[1, 0]) {
            return Found::Nothing;
        }
        self.crypto = crypto;
        self.scan_crypto(name)
    }

    fn client_frames(
        &mut self,
        protection: Protection,
        opened: &Opened<'_>,
        name: &mut Vec<u8>,
    ) -> Found {
        if protection.is_google_crypto() {
            return self.google_hello(opened.payload, name);
        }
        let mut found = Found::Nothing;
        let mut has_grown = false;
        for frame in Frames::new(opened.payload) {
            match frame {
                // Most hellos lie whole in one frame, and need not be copied together.
                Frame::Crypto { offset: 0, data }
                    if self.hello == Hello::Waiting && is_whole_message(data) =>
                {
                    found = self.scan_hello(data, name).or(found);
                    has_grown = self.hello != Hello::Done && self.crypto.insert(0, data);
                }
                Frame::Crypto { offset, data } if self.hello != Hello::Done => {
                    has_grown |= self.crypto.insert(offset, data);
                }
                Frame::Close { code } => {
                    self.is_closed = true;
                    found = Found::Closed(code);
                }
                _ => {}
            }
        }
        if has_grown { self.scan_crypto(name).or(found) } else { found }
    }

    /// Looks for the name in what the CRYPTO frames have given.
    fn scan_crypto(&mut self, name: &mut Vec<u8>) -> Found {
        let crypto = std::mem::take(&mut self.crypto);
        let found = self.scan_hello(crypto.prefix(), name);
        if self.hello != Hello::Done {
            self.crypto = crypto;
        }
        found
    }

    fn scan_hello(&mut self, message: &[u8], name: &mut Vec<u8>) -> Found {
        let scan = scan_client_hello_message(message);
        self.encrypted_client_hello |= scan.encrypted_client_hello;
        let mut found = Found::Nothing;
        if self.hello == Hello::Waiting
            && let Some(server_name) = scan.server_name
        {
            name.clear();
            name.extend_from_slice(server_name);
            self.hello = Hello::Named;
            found = Found::Name;
        }
        if !matches!(scan.status, Progress::NeedMore { .. }) {
            if self.hello == Hello::Waiting {
                found = Found::NoName;
            }
            self.hello = Hello::Done;
            self.crypto.release();
        }
        found
    }

    fn clear_google_hello(&mut self, version: u32, datagram: &[u8], name: &mut Vec<u8>) -> Found {
        let is_new = self.version.replace(version) != Some(version);
        match self.google_hello(datagram, name) {
            // The hello of a version without name tag, or a later packet of the client.
            Found::Nothing if is_new && self.hello == Hello::Waiting => {
                Found::UnknownVersion(version)
            }
            found => found,
        }
    }

    fn google_hello(&mut self, bytes: &[u8], name: &mut Vec<u8>) -> Found {
        if self.hello == Hello::Done {
            return Found::Nothing;
        }
        let Some(server_name) = chlo_server_name(bytes) else { return Found::Nothing };
        name.clear();
        name.extend_from_slice(server_name);
        self.hello = Hello::Done;
        Found::Name
    }

    fn unknown_version(&mut self, version: u32) -> Found {
        if self.version.replace(version) == Some(version) {
            return Found::Nothing;
        }
        Found::UnknownVersion(version)
    }

    /// A datagram without long header: one of Google's older versions, or the server is already
    /// past the handshake.
    fn short_answer(&self, first: u8) -> QuicEvent<'static> {
        let is_clear_google = self
            .version
            .is_some_and(|version| is_google(version) && Protection::of_version(version).is_none());
        if is_clear_google && first & PUBLIC_FLAG_RESET != 0 {
            return QuicEvent::Closed { code: 0, by_client: false };
        }
        if is_clear_google && first & 0x40 == 0 && first & 0x01 != 0 {
            return QuicEvent::VersionNegotiation;
        }
        if is_clear_google || first & 0x40 != 0 { QuicEvent::Answered } else { QuicEvent::None }
    }

    fn long_answer(&self, datagram: &[u8], scratch: &mut QuicScratch) -> QuicEvent<'static> {
        if google_version(datagram).is_some_and(|v| Protection::of_version(v).is_none()) {
            return QuicEvent::Answered;
        }
        let mut event = QuicEvent::None;
        for header in packets(datagram) {
            let said = match header.kind {
                PacketKind::VersionNegotiation => QuicEvent::VersionNegotiation,
                PacketKind::Retry => QuicEvent::Retry,
                PacketKind::Initial => self.server_initial(datagram, &header, scratch),
                PacketKind::Handshake => QuicEvent::Answered,
                PacketKind::Unknown if self.version == Some(header.version) => QuicEvent::Answered,
                PacketKind::Unknown | PacketKind::ZeroRtt => QuicEvent::None,
            };
            if event == QuicEvent::None || matches!(said, QuicEvent::Closed { .. }) {
                event = said;
            }
        }
        event
    }

    fn server_initial(
        &self,
        datagram: &[u8],
        header: &LongHeader<'_>,
        scratch: &mut QuicScratch,
    ) -> QuicEvent<'static> {
        let Some(protection) = Protection::of_version(header.version) else {
            return QuicEvent::None;
        };
        let keys = InitialKeys::derive(protection, self.original_id.as_slice(), Side::Server);
        let opened =
            keys.as_ref().and_then(|keys| keys.open(datagram, header, &mut scratch.packet));
        let Some(opened) = opened else {
            // What cannot be opened is an answer, unless the keys are known to be right, for
            // then somebody else made it.
            let keys_are_right = self.is_id_right && !header.is_cut;
            return if keys_are_right { QuicEvent::None } else { QuicEvent::Answered };
        };
        if protection.has_google_frames() {
            return QuicEvent::Answered;
        }
        let mut event = QuicEvent::None;
        for frame in Frames::new(opened.payload) {
            match frame {
                Frame::Close { code } => return QuicEvent::Closed { code, by_client: false },
                Frame::Crypto { .. } => event = QuicEvent::Answered,
                Frame::Filler | Frame::Ack => {}
            }
        }
        event
    }
}

/// Whether a handshake message of TLS lies here to its end (RFC 8446 section 4).
fn is_whole_message(bytes: &[u8]) -> bool {
    bytes.split_first_chunk().is_some_and(|(&[_, a, b, c], body)| {
        u32::from_be_bytes([0, a, b, c]) as usize <= body.len()
    })
}

/// What a datagram of the client says, before its name is lent out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Found {
    Nothing,
    Name,
    NoName,
    UnknownVersion(u32),
    Closed(u64),
}

impl Found {
    fn or(self, other: Self) -> Self {
        if self == Self::Nothing { other } else { self }
    }
}

impl ConnectionId {
    fn new(id: &[u8]) -> Self {
        let mut bytes = [0; MAX_CONNECTION_ID];
        let mut length = 0;
        for (slot, byte) in bytes.iter_mut().zip(id) {
            *slot = *byte;
            length += 1;
        }
        Self { length, bytes, is_known: true }
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// Whether a version is one of Google's own: `Q` and three digits.
fn is_google(version: u32) -> bool {
    let [letter, digits @ ..] = version.to_be_bytes();
    letter == b'Q' && digits.iter().all(u8::is_ascii_digit)
}
