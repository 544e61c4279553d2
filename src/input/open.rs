//! From a path to a reader of decompressed bytes.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::follow::{Follow, FollowReader, Progression};
use super::stop::{Pumped, Stop, Stoppable};
use super::{Compression, InputError, InputPath};

/// Bytes that are read ahead to find out what the input is.
pub const HEAD_SIZE: usize = 64 << 10;

/// Compression within compression is undone this often.
const MAX_LAYERS: usize = 2;
/// Decompressed data up to this size may have any ratio.
const UNSUSPICIOUS: u64 = 1 << 30;
/// Beyond that, data that grows by more than this factor is taken for a bomb. zstd and bzip2
/// exceed it on nothing but repetitions; captures compress by less than 100.
const MAX_RATIO: u64 = 10_000;

/// An input that is ready to be read.
pub struct Opened {
    /// The decompressed bytes, from the first. A read error means that the compressed data is
    /// damaged or the file cannot be read further; it is given after all that is whole.
    pub reader: Box<dyn Read + Send>,
    /// Bytes of the file as it is stored, if it is a file.
    pub size: Option<u64>,
    /// Bytes of the file, as it is stored, that have been read so far.
    pub consumed: Arc<AtomicU64>,
    /// The outermost compression.
    pub compression: Option<Compression>,
    /// The first [`HEAD_SIZE`] decompressed bytes, or all if there are fewer. Of an input that was
    /// opened [live](open_live), at least the first line.
    pub head: Vec<u8>,
    /// Whether and where it was ended on request.
    pub ending: Ending,
}

/// How the reading of an input came to its end.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    was_stopped: Arc<AtomicBool>,
    consumed: Arc<AtomicU64>,
    size: Option<u64>,
}

impl Ending {
    /// The bytes of the input, as it is stored, that were read when it was ended on request
    /// before its own end; `None` when it was read to its end.
    #[must_use]
    pub fn stopped_at(&self) -> Option<u64> {
        let consumed = self.consumed.load(Ordering::Relaxed);
        let was_stopped = self.was_stopped.load(Ordering::Relaxed);
        (was_stopped && self.size != Some(consumed)).then_some(consumed)
    }
}

/// How much of an input is read ahead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ahead {
    /// As much as the head holds, so that what is found does not depend on how bytes arrive.
    Head,
    /// What is there, and at least a line.
    Line,
}

/// Opens an input and undoes its compression.
///
/// # Errors
///
/// If it cannot be opened, or the first byte cannot be had.
pub fn open(path: &InputPath) -> Result<Opened, InputError> {
    open_stoppable(path, None)
}

/// The same for an input that ends when `stop` is asked.
///
/// # Errors
///
/// If it cannot be opened, or the first byte cannot be had.
pub fn open_stoppable(path: &InputPath, stop: Option<&Stop>) -> Result<Opened, InputError> {
    let opened = source_of(path, stop, None).and_then(|source| source.open(Ahead::Head));
    opened.map_err(|error| cannot_be_read(path, &error))
}

/// The same for an input that is used while it comes: it is ready with its first line. With
/// `follow`, a file is read beyond its end; see [`FollowReader`].
///
/// # Errors
///
/// If it cannot be opened, or the first byte cannot be had.
pub fn open_live(
    path: &InputPath,
    stop: &Stop,
    follow: Option<(Follow, &Progression)>,
) -> Result<Opened, InputError> {
    let opened = source_of(path, Some(stop), follow).and_then(|source| source.open(Ahead::Line));
    opened.map_err(|error| cannot_be_read(path, &error))
}

/// Undoes the compression of `source`, of which `size` bytes are stored if that is known.
///
/// # Errors
///
/// If the first byte cannot be had.
pub fn open_reader(reader: Box<dyn Read + Send>, size: Option<u64>) -> io::Result<Opened> {
    Source { reader, size, was_stopped: Arc::default() }.open(Ahead::Head)
}

fn cannot_be_read(path: &InputPath, error: &io::Error) -> InputError {
    let sentence = format!("cannot be read: {error}");
    InputError { path: path.clone(), sentence, advice: None }
}

/// The bytes of an input as they are stored.
struct Source {
    reader: Box<dyn Read + Send>,
    size: Option<u64>,
    was_stopped: Arc<AtomicBool>,
}

fn source_of(
    path: &InputPath,
    stop: Option<&Stop>,
    follow: Option<(Follow, &Progression)>,
) -> io::Result<Source> {
    let was_stopped = Arc::new(AtomicBool::new(false));
    let pump = |source: Box<dyn Read + Send>| -> io::Result<Box<dyn Read + Send>> {
        let Some(stop) = stop else { return Ok(source) };
        Ok(Box::new(Pumped::start(source, stop.clone(), Arc::clone(&was_stopped))?))
    };
    let (reader, size): (Box<dyn Read + Send>, _) = match path {
        InputPath::Stdin => (pump(Box::new(io::stdin()))?, None),
        InputPath::File(path) => {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            let size = Some(metadata.len());
            match (stop, follow) {
                _ if !metadata.is_file() => {
                    if let Some((_, progression)) = follow {
                        progression.catch_up();
                    }
                    (pump(Box::new(file))?, None)
                }
                (None, _) => (Box::new(file), size),
                (Some(stop), None) => {
                    let (stop, was_stopped) = (stop.clone(), Arc::clone(&was_stopped));
                    (Box::new(Stoppable { source: file, stop, was_stopped }), size)
                }
                (Some(stop), Some((follow, progression))) => {
                    let (path, stop) = (path.clone(), stop.clone());
                    let progression = progression.clone();
                    (Box::new(FollowReader::new(file, path, follow, stop, progression)), None)
                }
            }
        }
    };
    Ok(Source { reader, size, was_stopped })
}

impl Source {
    /// Undoes the compression.
    fn open(self, ahead: Ahead) -> io::Result<Opened> {
        let Self { reader: source, size, was_stopped } = self;
        let consumed = Arc::new(AtomicU64::new(0));
        let ending = Ending { was_stopped, consumed: Arc::clone(&consumed), size };
        let mut reader =
            Box::new(Counted { source, count: Arc::clone(&consumed) }) as Box<dyn Read + Send>;
        let mut compression = None;
        for layer in 0..=MAX_LAYERS {
            let (head, rest) = read_ahead(reader, ahead)?;
            let inner = Compression::recognise(&head).filter(|_| layer < MAX_LAYERS);
            let source = Box::new(rest);
            let Some(inner) = inner else {
                return Ok(Opened { reader: source, size, consumed, compression, head, ending });
            };
            compression = compression.or(Some(inner));
            let decoder = inner.decoder(source)?;
            reader = Box::new(Guarded { decoder, given: 0, consumed: Arc::clone(&consumed) });
        }
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// Reads the head of `source` and gives it with a reader that starts with it again.
fn read_ahead(mut source: Box<dyn Read + Send>, ahead: Ahead) -> io::Result<(Vec<u8>, Prefixed)> {
    let mut head = vec![0; HEAD_SIZE];
    let mut filled = 0_usize;
    let mut failure = None;
    while let Some(free) = head.get_mut(filled..).filter(|free| !free.is_empty()) {
        match source.read(free) {
            Ok(0) => break,
            Ok(count) => {
                let new = free.get(..count).unwrap_or_default();
                let has_line = memchr::memchr(b'\n', new).is_some();
                filled = filled.saturating_add(count);
                let known = head.get(..filled).unwrap_or_default();
                // Compressed bytes have no lines; the next layer looks for them.
                if ahead == Ahead::Line && (has_line || Compression::recognise(known).is_some()) {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if filled == 0 => return Err(error),
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
    }
    head.truncate(filled);
    Ok((head.clone(), Prefixed { head, given: 0, failure, source }))
}

/// A reader that was read ahead.
struct Prefixed {
    head: Vec<u8>,
    given: usize,
    /// What came after the head instead of more bytes.
    failure: Option<io::Error>,
    source: Box<dyn Read + Send>,
}

impl Read for Prefixed {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given < self.head.len() {
            let mut rest = self.head.get(self.given..).unwrap_or_default();
            let count = rest.read(buffer)?;
            self.given = self.given.saturating_add(count);
            return Ok(count);
        }
        match self.failure.take() {
            Some(error) => Err(error),
            None => self.source.read(buffer),
        }
    }
}

/// Counts the bytes that are read.
struct Counted {
    source: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// Stops a decoder that makes far too much out of too little.
struct Guarded {
    decoder: Box<dyn Read + Send>,
    given: u64,
    consumed: Arc<AtomicU64>,
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let consumed = self.consumed.load(Ordering::Relaxed);
        if self.given > UNSUSPICIOUS && self.given / MAX_RATIO > consumed {
            let what = format!("{consumed} compressed bytes grew to {} so far", self.given);
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let count = self.decoder.read(buffer)?;
        self.given = self.given.saturating_add(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    pub(super) fn compress(kind: Compression, bytes: &[u8]) -> Vec<u8> {
        match kind {
            Compression::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Zstd => zstd::encode_all(bytes, 1).unwrap(),
            Compression::Lz4 => {
                let blocks = lz4_flex::frame::BlockSize::Max64KB;
                let info = lz4_flex::frame::FrameInfo::new().block_size(blocks);
                let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(info, Vec::new());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Xz => {
                let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Compression::Bzip2 => {
                let mut encoder =
                    bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    /// Bytes that do not compress to nothing.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let step = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        (0..length).map(step).collect()
    }

    fn opened(bytes: Vec<u8>) -> Opened {
        open_reader(Box::new(Cursor::new(bytes)), None).unwrap()
    }

    fn read(mut opened: Opened) -> (Vec<u8>, io::Result<usize>) {
        let mut bytes = Vec::new();
        let result = opened.reader.read_to_end(&mut bytes);
        (bytes, result)
    }

    #[test]
    fn plain_bytes_come_back_with_their_head() {
        let bytes = noise(HEAD_SIZE + 10);
        let opened = opened(bytes.clone());
        assert_eq!(opened.head, bytes[..HEAD_SIZE]);
        assert_eq!(opened.compression, None);
        assert_eq!(read(opened).0, bytes);
    }

    #[test]
    fn every_compression_is_undone_over_all_members() {
        let bytes = noise(300_000);
        for kind in Compression::ALL {
            let (start, end) = bytes.split_at(100_000);
            let members =
                [compress(kind, start), compress(kind, &[]), compress(kind, end)].concat();
            let opened = opened(members);
            assert_eq!(opened.compression, Some(kind));
            let (read, result) = read(opened);
            result.unwrap();
            assert!(read == bytes, "{kind:?}: {} bytes", read.len());
        }
    }

    #[test]
    fn two_layers_are_undone_and_a_third_is_left() {
        let bytes = noise(1_000);
        let one = compress(Compression::Gzip, &bytes);
        let two = compress(Compression::Xz, &one);
        let three = compress(Compression::Zstd, &two);
        assert_eq!(read(opened(two)).0, bytes);
        assert_eq!(read(opened(three)).0, one);
    }

    #[test]
    fn cut_compressed_data_gives_what_is_whole_and_then_an_error() {
        let bytes = noise(3_000_000);
        for kind in Compression::ALL {
            let mut compressed = compress(kind, &bytes);
            compressed.truncate(compressed.len() - 10_000);
            let (read, result) = read(opened(compressed));
            assert!(result.is_err(), "{kind:?}");
            assert!(read.len() > 1_000_000, "{kind:?}: {}", read.len());
            assert!(bytes.starts_with(&read), "{kind:?}");
        }
    }

    #[test]
    fn an_empty_input_has_an_empty_head() {
        assert!(opened(Vec::new()).head.is_empty());
        for kind in Compression::ALL {
            assert!(opened(compress(kind, &[])).head.is_empty(), "{kind:?}");
        }
    }

    #[test]
    fn a_bomb_is_stopped() {
        let guarded = Guarded {
            decoder: Box::new(io::repeat(0)),
            given: UNSUSPICIOUS,
            consumed: Arc::new(AtomicU64::new(1)),
        };
        let mut bytes = Vec::new();
        let error = guarded.take(10 << 20).read_to_end(&mut bytes).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    /// Gives one piece at each read, and panics when asked for more.
    struct Pieces(Vec<Vec<u8>>);

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(!self.0.is_empty(), "would wait for bytes that nobody needs");
            self.0.remove(0).as_slice().read(buffer)
        }
    }

    #[test]
    fn a_live_input_is_ready_with_its_first_line() {
        let live = |pieces: &[&[u8]]| {
            let pieces = pieces.iter().map(|piece| piece.to_vec()).collect();
            let reader = Box::new(Pieces(pieces));
            let source = Source { reader, size: None, was_stopped: Arc::default() };
            source.open(Ahead::Line).unwrap()
        };
        assert_eq!(live(&[b"one ", b"line\nand"]).head, b"one line\nand");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        packed.write_all(b"a line\n").unwrap();
        packed.flush().unwrap();
        let opened = live(&[&packed.finish().unwrap()]);
        assert_eq!(
            (opened.head.as_slice(), opened.compression),
            (&b"a line\n"[..], Some(Compression::Gzip))
        );
    }

    #[test]
    fn what_was_ended_on_request_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, noise(HEAD_SIZE + 100)).unwrap();
        let path = InputPath::File(path);
        for (asks, at) in [(false, None), (true, Some(HEAD_SIZE as u64))] {
            let stop = Stop::default();
            let mut opened = open_stoppable(&path, Some(&stop)).unwrap();
            if asks {
                stop.ask();
            }
            let mut bytes = Vec::new();
            opened.reader.read_to_end(&mut bytes).unwrap();
            assert_eq!(opened.ending.stopped_at(), at);
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = open(&InputPath::File("no/such/file".into())).err().unwrap();
        assert!(error.to_string().starts_with("no/such/file: "));
    }
}
