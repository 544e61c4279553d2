//! TLS: the name that a client asks for and what the responder says first.
//!
//! Every function is pure and looks at the contiguous prefix of one direction of a TCP stream, or
//! at a bare handshake message. A function that needs more bytes says how long the prefix must be
//! before another call makes sense; the name is reported as soon as its last byte is there, so a
//! hello that never becomes whole still names its server. That takes a walker of our own: a parser
//! of whole messages refuses what is cut, spread over records or malformed further on.

mod hello;

pub use hello::{HelloScan, scan_client_hello_message};

/// The longest handshake message that is read, header included, in bytes. Post-quantum hellos
/// take about 2 KiB; what claims to be longer than this is malformed.
pub const MAX_HANDSHAKE: usize = 64 * 1024;

/// How far a scan got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// The message goes on behind the bytes at hand.
    NeedMore {
        /// The length in bytes, counted from the start of the slice scanned, that the next slice
        /// must have before another call can get further. Always more than this one had.
        at_least: usize,
    },
    /// The whole message was read.
    Complete,
    /// The message contradicts itself. What was read until there is reported all the same.
    Malformed,
    /// Something else than the message looked for.
    NotTls,
}
