//! Bytes of one side that wait for the rest of their message.

/// The most bytes of one direction that are held while a message is incomplete.
pub(super) const MAX_HELD: usize = 64 * 1024;

/// Bytes of an incomplete message.
#[derive(Debug, Default)]
pub(super) struct Held {
    bytes: Vec<u8>,
    /// How many bytes must be there before it is worth looking again.
    needed: usize,
}

/// What became of a prefix.
pub(super) enum Read {
    /// All of it was used.
    Used,
    /// It must grow to this length first; the bytes before `from` are used.
    NeedMore { from: usize, at_least: usize },
}

impl Read {
    /// The same of a prefix that stood behind `length` other bytes.
    pub(super) fn behind(self, length: usize) -> Self {
        match self {
            Self::Used => Self::Used,
            Self::NeedMore { from, at_least } => {
                Self::NeedMore { from: length.saturating_add(from), at_least }
            }
        }
    }
}

impl Held {
    /// What waits.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The bytes to look at: what was held and what has come, or `None` while they are too few.
pub(super) fn gather<'a>(held: &'a mut Option<Box<Held>>, bytes: &'a [u8]) -> Option<&'a [u8]> {
    match held {
        None => Some(bytes),
        Some(held) => {
            let room = MAX_HELD.saturating_sub(held.bytes.len());
            held.bytes.extend_from_slice(bytes.get(..bytes.len().min(room)).unwrap_or_default());
            let enough = held.bytes.len() >= held.needed || held.bytes.len() >= MAX_HELD;
            enough.then_some(held.bytes.as_slice())
        }
    }
}

/// What is held from now on.
pub(super) fn keep(held: Option<Box<Held>>, bytes: &[u8], read: Read) -> Option<Box<Held>> {
    let Read::NeedMore { from, at_least } = read else { return None };
    match held {
        Some(held) if held.bytes.len() >= MAX_HELD => None,
        Some(mut held) => {
            held.bytes.drain(..from.min(held.bytes.len()));
            held.needed = at_least;
            Some(held)
        }
        None => {
            let rest = bytes.get(from..).unwrap_or_default();
            Some(Box::new(Held { bytes: rest.to_vec(), needed: at_least }))
        }
    }
}
