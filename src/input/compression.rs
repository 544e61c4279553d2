//! Compressed inputs: known by their first bytes, undone as they are read.

use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream};
use lz4_flex::frame::FrameDecoder;

/// Compressed bytes that are read at once.
const INPUT_BUFFER: usize = 256 << 10;
/// zstd frames with a larger window are refused: 2^27 bytes, what `zstd -d` takes by default.
const ZSTD_WINDOW_LOG: u32 = 27;
/// xz streams that need more memory than this are refused; `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;

/// How an input was compressed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// LZ4 frames.
    Lz4,
    /// The .xz format, not the older .lzma.
    Xz,
    /// bzip2.
    Bzip2,
}

impl Compression {
    /// Every compression that is undone.
    pub const ALL: [Self; 5] = [Self::Gzip, Self::Zstd, Self::Lz4, Self::Xz, Self::Bzip2];

    /// The word used in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
        }
    }

    /// The usual end of a file name.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
            Self::Lz4 => ".lz4",
            Self::Xz => ".xz",
            Self::Bzip2 => ".bz2",
        }
    }

    /// `name` without a suffix of compression.
    #[must_use]
    pub fn strip_suffix(name: &str) -> &str {
        Self::ALL.iter().find_map(|kind| name.strip_suffix(kind.suffix())).unwrap_or(name)
    }

    /// The compression that data with these first bytes has.
    #[must_use]
    pub fn recognise(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 0x08, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // Frames, and the legacy frames that `lz4 -l` writes.
            [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => Some(Self::Lz4),
            // Skippable frames are common to zstd and LZ4; pzstd starts its files with one.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0x00, ..] => Some(Self::Xz),
            // A block or, in a file without content, the end of the stream.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => {
                Some(Self::Bzip2)
            }
            _ => None,
        }
    }

    /// Undoes the compression of `source`, over all its concatenated members.
    pub(super) fn decoder(self, source: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
        let source = BufReader::with_capacity(INPUT_BUFFER, source);
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(source)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
            Self::Lz4 => Box::new(Lz4Frames { decoder: Some(FrameDecoder::new(source)) }),
            Self::Xz => {
                let stream = Stream::new_stream_decoder(XZ_MEMORY, CONCATENATED)?;
                Box::new(XzDecoder::new_stream(source, stream))
            }
            Self::Bzip2 => Box::new(MultiBzDecoder::new(source)),
        })
    }
}

/// Concatenated LZ4 frames, each with a decoder of its own: lz4_flex keeps the buffers of the
/// first frame, which may be too large or small for the blocks of the next.
struct Lz4Frames<R: BufRead> {
    /// Always there; an `Option` only so that it can be replaced.
    decoder: Option<FrameDecoder<R>>,
}

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() || decoder.get_mut().fill_buf()?.is_empty() {
                return Ok(count);
            }
            self.decoder = self.decoder.take().map(|spent| FrameDecoder::new(spent.into_inner()));
        }
        Ok(0)
    }
}
