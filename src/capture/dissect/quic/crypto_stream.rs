//! The handshake's bytes out of CRYPTO frames (RFC 9000 section 19.6).

/// Merges CRYPTO frames by offset. Clients scatter a hello over frames and packets in any order
/// on purpose, and send what was not acknowledged again.
///
/// Holds no more than it was given: a frame far out does not make it allocate the gap.
#[derive(Clone, Debug, Default)]
pub struct CryptoStream {
    prefix: Vec<u8>,
    waiting: Vec<Piece>,
    waiting_bytes: Vec<u8>,
}

/// A piece behind a gap.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Where it belongs in the stream.
    offset: usize,
    /// Where it stands in the bytes that wait.
    start: usize,
    length: usize,
}

impl CryptoStream {
    /// The offset at which the stream ends, whatever is sent, in bytes; also how many bytes
    /// wait behind gaps at most.
    pub const CAPACITY: usize = 64 * 1024;
    /// How many pieces wait behind gaps at most. Packets of 1,200 bytes hold fewer than 400.
    const MAX_WAITING: usize = 512;

    /// An empty stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece and answers whether the prefix grew. Where pieces contradict each other,
    /// what joined the prefix first stays. Pieces beyond the capacity are dropped.
    pub fn insert(&mut self, offset: u64, data: &[u8]) -> bool {
        let Ok(offset) = usize::try_from(offset) else { return false };
        if data.is_empty() || offset >= Self::CAPACITY {
            return false;
        }
        let data = data.get(..Self::CAPACITY - offset).unwrap_or(data);
        let before = self.prefix.len();
        if offset > before {
            self.keep_waiting(offset, data);
            return false;
        }
        self.prefix.extend_from_slice(data.get(before - offset..).unwrap_or_default());
        self.join_waiting();
        self.prefix.len() > before
    }

    /// The bytes from the start of the stream to its first gap.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Forgets everything and frees the memory.
    pub fn release(&mut self) {
        *self = Self::default();
    }

    fn keep_waiting(&mut self, offset: usize, data: &[u8]) {
        let end = offset + data.len();
        let is_there =
            self.waiting.iter().any(|had| had.offset <= offset && had.offset + had.length >= end);
        let has_room = self.waiting.len() < Self::MAX_WAITING
            && self.waiting_bytes.len() + data.len() <= Self::CAPACITY;
        if !is_there && has_room {
            let start = self.waiting_bytes.len();
            self.waiting_bytes.extend_from_slice(data);
            self.waiting.push(Piece { offset, start, length: data.len() });
        }
    }

    /// Moves to the prefix what its growth has reached.
    fn join_waiting(&mut self) {
        let Self { prefix, waiting, waiting_bytes } = self;
        while let Some(at) = waiting.iter().position(|piece| piece.offset <= prefix.len()) {
            let piece = waiting.swap_remove(at);
            let known = prefix.len() - piece.offset;
            if known < piece.length {
                let range = piece.start + known..piece.start + piece.length;
                prefix.extend_from_slice(waiting_bytes.get(range).unwrap_or_default());
            }
        }
        if waiting.is_empty() {
            waiting_bytes.clear();
        }
    }
}
