//! The capture file: records out of pcap and pcapng, a block of about a megabyte at a time.
//!
//! One thread walks the records of a file, so the walk must be cheap: bytes are read straight
//! into the buffer of a reused [`Block`], headers are decoded in place, and only the incomplete
//! record at the end of a block is copied, to the start of the next one.
//!
//! This folder is the only place that knows pcap-parser. Its functions read the pcap file header
//! and the pcapng options. The headers of records and blocks, some 20 bytes each, are read here:
//! pcap-parser lacks the modified pcap variant in big-endian order, the swapped lengths of old
//! versions and the pcapng Packet Block, refuses a whole block for a wrong trailing length, and
//! allocates for the options of every packet. For plain records it is neither faster nor slower.

mod clock;
mod legacy;
mod names;
mod options;
mod pcapng;
mod summary;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use thiserror::Error;

use crate::observe::{Anomalies, AnomalyKind, Duration, Locator, Timestamp};
use legacy::Legacy;
use pcapng::Pcapng;
pub use summary::{
    ClockSteps, ContainerSummary, Cut, Endian, Format, InterfaceSummary, TimeResolution,
};

/// Bytes that one block holds when no record is larger. Measured on the whole program with files
/// in the page cache: half and twice as much take a few hundredths longer, and from four times
/// as much on the blocks of a window no longer fit the cache that the workers share.
pub const BLOCK_SIZE: usize = 512 << 10;

/// The largest record, with its header, that is believed; Wireshark's limit for pcapng blocks.
pub const MAX_RECORD_SIZE: usize = 16 << 20;

/// Enough for the file header of either format.
const FIRST_READ: usize = 4096;

/// A record older than its predecessor by more than this is worth a remark.
const BACKWARDS_TOLERANCE: Duration = Duration::from_seconds(1);

/// One reused unit of work: about 512 KiB of whole records.
#[derive(Debug, Default)]
pub struct Block {
    /// The bytes. Longer than what was read: only what [`Self::packets`] point to has a meaning.
    pub data: Vec<u8>,
    /// The packets, in the order of the file.
    pub packets: Vec<PacketRecord>,
    /// Offset of `data[0]` in the decompressed stream.
    pub offset: u64,
    /// How much of `data` was read.
    filled: usize,
}

impl Block {
    /// A block without bytes; its buffers grow on first use and are then kept.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The captured bytes of `packet`, which must be one of this block's.
    #[inline]
    #[must_use]
    pub fn bytes(&self, packet: &PacketRecord) -> &[u8] {
        let start = packet.start as usize;
        self.data.get(start..start.saturating_add(packet.captured as usize)).unwrap_or_default()
    }

    /// Where `packet`, which must be one of this block's, was found in input `input`.
    #[inline]
    #[must_use]
    pub fn locator(&self, packet: &PacketRecord, input: u32) -> Locator {
        let offset = self.offset.saturating_add(u64::from(packet.record_start));
        Locator { input, record: packet.number, offset }
    }
}

/// Where a packet lies in its [`Block`], and what its record header says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacketRecord {
    /// When the packet was captured.
    pub time: Timestamp,
    /// Number of the record as Wireshark counts, from 1.
    pub number: u64,
    /// Offset in the block of the record header.
    pub record_start: u32,
    /// Offset in the block of the packet's first byte.
    pub start: u32,
    /// Bytes that were captured.
    pub captured: u32,
    /// Bytes that the packet had on the wire. Less than `captured` in some files.
    pub original: u32,
    /// The LINKTYPE number, without the bits on the frame check sequence.
    pub link_type: u16,
}

/// Why a stream cannot be read as a capture.
#[derive(Debug, Error)]
pub enum ContainerError {
    /// There is not one byte.
    #[error("the file is empty")]
    Empty,
    /// The stream starts like a capture but ends inside the file header.
    #[error("the file ends inside its header, after {bytes} bytes")]
    HeaderCut {
        /// How many bytes there are.
        bytes: usize,
    },
    /// The stream does not start like a capture.
    #[error("the file is neither pcap nor pcapng")]
    NotACapture,
    /// The system refused to read further. What was read before has been handed on.
    #[error("reading stopped at byte {offset}: {source}")]
    Read {
        /// Offset in the decompressed stream.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
}

/// The header format of the records.
#[derive(Debug)]
enum Walker {
    Legacy(Legacy),
    Pcapng(Box<Pcapng>),
}

/// Why a walk over a buffer stopped.
enum Stop {
    /// The next record needs this many bytes, counted from its start, before more can be said.
    Incomplete { needed: usize, what: &'static str },
    /// No record can be read from here on.
    Damaged(String),
}

/// What a walker adds to while it walks: the part of the reader's state both formats share.
#[derive(Debug, Default)]
struct Progress {
    /// Number of the last record.
    number: u64,
    /// Packets handed on.
    packets: u64,
    /// Time of the last packet that has one.
    last_time: Option<Timestamp>,
    /// The latest time so far.
    latest: Option<Timestamp>,
    steps: ClockSteps,
    /// Offset in the stream of the buffer that is being walked.
    base: u64,
    input: u32,
    anomalies: Anomalies,
    notes: Vec<String>,
}

impl Progress {
    /// Counts an anomaly of the record that starts at `at` in the buffer.
    #[cold]
    fn anomaly(&mut self, kind: AnomalyKind, at: usize) {
        let offset = self.base.saturating_add(at as u64);
        // A block before the first packet has no number of its own; the first is the nearest.
        let record = self.number.max(1);
        self.anomalies.add(kind, Locator { input: self.input, record, offset });
    }

    /// Remarks on a time that runs backwards, and remembers it.
    #[inline]
    fn clock(&mut self, time: Timestamp, at: usize) {
        if let Some(last) = self.last_time
            && last.since(time) > BACKWARDS_TOLERANCE
        {
            self.anomaly(AnomalyKind::TimeBackwards, at);
        }
        if let (Some(last), Some(latest)) = (self.last_time, self.latest)
            && self.steps.note(last, latest, time)
        {
            self.anomaly(AnomalyKind::TimeJump, at);
        }
        self.last_time = Some(time);
        self.latest = self.latest.max(Some(time));
    }
}

/// Reads the packets of one capture, block by block.
///
/// Several captures of one rotated sequence are read by one reader each, one after the other.
pub struct CaptureReader {
    source: Box<dyn Read + Send>,
    walker: Walker,
    progress: Progress,
    /// What was read and not yet walked, to start the next block with.
    pending: Vec<u8>,
    /// Offset in the stream of the first byte of `pending`.
    position: u64,
    /// The source has no more bytes, or can give none.
    exhausted: bool,
    /// What the source failed with, until it has been told.
    failure: Option<io::Error>,
    /// Nothing more comes out of this reader.
    ended: bool,
    cut: Option<Cut>,
}

impl CaptureReader {
    /// Reads the file header.
    ///
    /// # Errors
    ///
    /// If `source` cannot be read, is empty, or is not a capture.
    pub fn open(source: Box<dyn Read + Send>) -> Result<Self, ContainerError> {
        let mut reader = Self {
            source,
            walker: Walker::Pcapng(Box::default()),
            progress: Progress::default(),
            pending: vec![0; FIRST_READ],
            position: 0,
            exhausted: false,
            failure: None,
            ended: false,
            cut: None,
        };
        let mut head = std::mem::take(&mut reader.pending);
        let mut filled = 0;
        reader.fill(&mut head, &mut filled);
        head.truncate(filled);
        match reader.recognise(&head) {
            Ok(()) => {}
            Err(ContainerError::NotACapture | ContainerError::Empty)
                if reader.failure.is_some() =>
            {
                let source = reader.failure.take().unwrap_or_else(|| io::ErrorKind::Other.into());
                return Err(ContainerError::Read { offset: filled as u64, source });
            }
            Err(error) => return Err(error),
        }
        reader.pending = head;
        Ok(reader)
    }

    /// Sets the index of the input that anomalies are attributed to; 0 if never called.
    #[must_use]
    pub fn with_input(mut self, input: u32) -> Self {
        self.progress.input = input;
        self
    }

    /// Fills `block` with the next whole records and says whether there were any.
    ///
    /// A cut or damaged file gives all that is whole; [`Self::finish`] tells where it broke.
    ///
    /// # Errors
    ///
    /// If the system refuses to read, after all that was read has been handed on. Compressed
    /// data that is damaged is no such error: the capture counts as cut there.
    pub fn next_block(&mut self, block: &mut Block) -> Result<bool, ContainerError> {
        block.packets.clear();
        block.filled = 0;
        let mut needed = 0;
        while !self.ended && block.packets.is_empty() {
            needed = self.walk(block, needed);
        }
        if !block.packets.is_empty() {
            return Ok(true);
        }
        match self.failure.take() {
            Some(source) if source.raw_os_error().is_some() => {
                Err(ContainerError::Read { offset: self.position, source })
            }
            _ => Ok(false),
        }
    }

    /// What there is to tell about the file, once [`Self::next_block`] has come to its end.
    #[must_use]
    pub fn finish(self) -> ContainerSummary {
        let base = ContainerSummary {
            names: Vec::new(),
            steps: self.progress.steps,
            format: Format::Pcapng,
            endian: Endian::Little,
            version: (0, 0),
            sections: 0,
            interfaces: Vec::new(),
            time_digits: 0,
            bytes: self.position,
            packets: self.progress.packets,
            records: self.progress.number,
            blocks: Default::default(),
            anomalies: self.progress.anomalies,
            notes: self.progress.notes,
            cut: self.cut,
        };
        match self.walker {
            Walker::Legacy(legacy) => legacy.summary(base),
            Walker::Pcapng(pcapng) => pcapng.summary(base),
        }
    }

    /// Chooses the walker by the first bytes and puts the cursor after the pcap file header.
    fn recognise(&mut self, head: &[u8]) -> Result<(), ContainerError> {
        if head.is_empty() {
            return Err(ContainerError::Empty);
        }
        if pcapng::recognises(head) {
            return Ok(());
        }
        let legacy = Legacy::open(head, &mut self.progress)?;
        self.walker = Walker::Legacy(legacy);
        Ok(())
    }

    /// Reads and walks once; tells how many bytes the next record needs if it is not whole.
    fn walk(&mut self, block: &mut Block, needed: usize) -> usize {
        // A buffer that once held a large record is not kept at that size.
        let carried = self.pending.len();
        let target = needed.max(carried).clamp(BLOCK_SIZE, MAX_RECORD_SIZE + BLOCK_SIZE);
        if block.data.len() > target {
            block.data.truncate(target);
            block.data.shrink_to(target);
        } else {
            block.data.resize(target, 0);
        }
        if let Some(start) = block.data.get_mut(..carried) {
            start.copy_from_slice(&self.pending);
        }
        self.pending.clear();
        block.offset = self.position;
        block.filled = carried;
        self.fill(&mut block.data, &mut block.filled);

        let bytes = block.data.get(..block.filled).unwrap_or_default();
        self.progress.base = block.offset;
        let (walked, stop) = match &mut self.walker {
            Walker::Legacy(legacy) => legacy.walk(bytes, &mut block.packets, &mut self.progress),
            Walker::Pcapng(pcapng) => pcapng.walk(bytes, &mut block.packets, &mut self.progress),
        };
        self.position = self.position.saturating_add(walked as u64);
        let rest = bytes.get(walked..).unwrap_or_default();
        match stop {
            Stop::Damaged(what) => {
                self.end(what);
                0
            }
            Stop::Incomplete { .. } if self.exhausted && rest.is_empty() => {
                self.ended = true;
                if let Some(failure) = &self.failure {
                    let why = format!("the data cannot be read further: {failure}");
                    self.end(why);
                }
                0
            }
            Stop::Incomplete { needed, what } if self.exhausted => {
                let have = rest.len();
                let mut why = format!("{what} needs {needed} bytes, but only {have} follow");
                if let Some(failure) = &self.failure {
                    why = format!("{why} ({failure})");
                }
                self.end(why);
                0
            }
            Stop::Incomplete { needed, .. } => {
                self.pending.extend_from_slice(rest);
                needed
            }
        }
    }

    /// Ends the file at the record that starts at the current position.
    fn end(&mut self, sentence: String) {
        self.ended = true;
        let record = self.progress.number.saturating_add(1);
        self.cut = Some(Cut { offset: self.position, record, sentence });
    }

    /// Reads until `buffer` is full or the source has no more.
    fn fill(&mut self, buffer: &mut [u8], filled: &mut usize) {
        while !self.exhausted {
            let Some(free) = buffer.get_mut(*filled..).filter(|free| !free.is_empty()) else {
                return;
            };
            let room = free.len();
            match self.source.read(free) {
                Ok(0) => self.exhausted = true,
                Ok(count) => *filled = filled.saturating_add(count.min(room)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error);
                    self.exhausted = true;
                }
            }
        }
    }
}

/// Reads the bytes as a capture to the end and throws the packets away. For fuzzing.
#[doc(hidden)]
pub fn fuzz_container(bytes: &[u8]) {
    let Ok(mut reader) = CaptureReader::open(Box::new(io::Cursor::new(bytes.to_vec()))) else {
        return;
    };
    let mut block = Block::new();
    let mut seen = 0_u64;
    while matches!(reader.next_block(&mut block), Ok(true)) {
        for packet in &block.packets {
            assert!(packet.number > seen, "numbers rise");
            seen = packet.number;
            assert_eq!(block.bytes(packet).len(), packet.captured as usize, "packets are whole");
        }
    }
    let summary = reader.finish();
    assert!(summary.bytes <= bytes.len() as u64, "no byte is counted twice");
}
