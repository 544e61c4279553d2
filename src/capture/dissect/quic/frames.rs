//! The frames that Initial packets may hold (RFC 9000 sections 12.4 and 19).

use super::{take_prefixed, take_varint};

/// A frame, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame<'p> {
    /// PADDING (a run of it is one) or PING.
    Filler,
    /// ACK.
    Ack,
    /// CRYPTO: a piece of the handshake.
    Crypto {
        /// Offset of the piece in the handshake, in bytes.
        offset: u64,
        /// The piece.
        data: &'p [u8],
    },
    /// CONNECTION_CLOSE.
    Close {
        /// The error code: of the transport (RFC 9000 section 20.1, 0x0100 to 0x01ff being TLS
        /// alerts), or of the application.
        code: u64,
    },
}

/// The frames of a payload, up to the first that does not belong into an Initial packet or is
/// not whole.
#[derive(Clone, Debug)]
pub struct Frames<'p> {
    rest: &'p [u8],
    is_cut: bool,
}

impl<'p> Frames<'p> {
    /// Walks the payload of an opened packet.
    #[must_use]
    pub const fn new(payload: &'p [u8]) -> Self {
        Self { rest: payload, is_cut: false }
    }

    /// Walks what is there of a payload that the capture cut: the piece of the handshake that
    /// it cut through is given as far as it goes.
    #[must_use]
    pub const fn new_cut(payload: &'p [u8]) -> Self {
        Self { rest: payload, is_cut: true }
    }

    fn read(&mut self) -> Option<Frame<'p>> {
        let bytes = &mut self.rest;
        let frame = match take_varint(bytes)? {
            0x00 => {
                *bytes = bytes.get(zeros(bytes)..)?;
                Frame::Filler
            }
            0x01 => Frame::Filler,
            kind @ (0x02 | 0x03) => {
                // Largest acknowledged, delay; then a count, the first range, and that many
                // pairs of gap and range; with type 3 three counts of congestion marks.
                take_varint(bytes)?;
                take_varint(bytes)?;
                let ranges = take_varint(bytes)?;
                let numbers = ranges.saturating_mul(2).saturating_add(1);
                let marks = if kind == 0x03 { 3 } else { 0 };
                // Each number takes a byte at least, so the end of the payload ends the loop.
                for _ in 0..numbers.saturating_add(marks) {
                    take_varint(bytes)?;
                }
                Frame::Ack
            }
            // 8 is what Google's versions number it; here it would be a stream of the
            // application, which an Initial packet cannot hold.
            0x06 | 0x08 => {
                let offset = take_varint(bytes)?;
                let behind_offset = *bytes;
                let data = match take_prefixed(bytes) {
                    None if self.is_cut => {
                        *bytes = behind_offset;
                        take_varint(bytes)?;
                        std::mem::take(bytes)
                    }
                    data => data?,
                };
                Frame::Crypto { offset, data }
            }
            kind @ (0x1c | 0x1d) => {
                let code = take_varint(bytes)?;
                if kind == 0x1c {
                    take_varint(bytes)?;
                }
                // The reason; that it is cut does not change the code.
                let _ = take_prefixed(bytes);
                Frame::Close { code }
            }
            _ => return None,
        };
        Some(frame)
    }
}

impl<'p> Iterator for Frames<'p> {
    type Item = Frame<'p>;

    fn next(&mut self) -> Option<Self::Item> {
        let frame = self.read();
        if frame.is_none() {
            self.rest = &[];
        }
        frame
    }
}

/// How many zeros `bytes` begins with. Padding is most of a packet, so it is passed over in
/// strides.
fn zeros(bytes: &[u8]) -> usize {
    const STRIDE: usize = 32;
    let (strides, _) = bytes.as_chunks::<STRIDE>();
    let whole = strides.iter().take_while(|stride| **stride == [0; STRIDE]).count() * STRIDE;
    let rest = bytes.get(whole..).unwrap_or_default();
    whole + rest.iter().take_while(|byte| **byte == 0).count()
}
