//! The sequential end of the log path: bytes to blocks that end where a unit ends.

use std::io::{self, Read};

use super::container;
use super::directives::Directives;
use super::framing::{Framing, MAX_UNIT, Unit, Walker, quoted_units};

/// The most bytes of a block: as many as the longest unit, so that any unit fits.
const BLOCK: usize = MAX_UNIT;
/// Bytes that are read for a block. Where no unit ends in them, the next block has as many more:
/// small blocks stay in the caches of the cores and are spread among them evenly.
const READ: usize = BLOCK / 2;
/// Bytes of the first read: a small log needs no more.
const FIRST_READ: usize = 64 << 10;

/// Whole units of a log.
#[derive(Default)]
pub(super) struct Block {
    /// The bytes, of which the first `length` count.
    buffer: Vec<u8>,
    length: usize,
    /// Units in a block that is not simply lines.
    pub(super) units: Option<Vec<Unit>>,
    /// The number of the first line, from 1.
    pub(super) line: u64,
    /// Where the first byte lies in the decompressed input.
    pub(super) offset: u64,
    /// The directives in force at the first byte.
    pub(super) directives: Directives,
    /// Whether a line of the block may change them.
    pub(super) has_directives: bool,
    /// Places of units that are too long; of each only the beginning is in the block.
    pub(super) too_long: Vec<(u64, u64)>,
}

impl Block {
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// Where the unit lies that holds the byte at this place.
    fn unit_at(&self, at: usize) -> Option<(usize, usize)> {
        if let Some(units) = &self.units {
            let behind = units.partition_point(|unit| unit.start <= at);
            let unit = units.get(behind.checked_sub(1)?).filter(|unit| at < unit.end)?;
            return Some((unit.start, unit.end));
        }
        let bytes = self.bytes();
        let start = memchr::memrchr(b'\n', bytes.get(..at)?).map_or(0, |end| end + 1);
        let end = memchr::memchr(b'\n', bytes.get(at..)?).map_or(bytes.len(), |end| at + end);
        Some((start, end))
    }
}

/// Reads a log block by block.
pub(super) struct Blocks {
    source: Box<dyn Read + Send>,
    framing: Framing,
    walker: Walker,
    /// Bytes that were read and belong to the next block.
    carry: Vec<u8>,
    /// Line ends before the carried bytes, from 1 as lines are numbered.
    line: u64,
    /// Where the carried bytes lie.
    offset: u64,
    directives: Directives,
    at_end: bool,
    /// Bytes up to the next line end belong to a line that is too long.
    skips: bool,
    error: Option<io::Error>,
    /// Whether a block is handed on as soon as there may be a whole unit in it.
    is_live: bool,
}

impl Blocks {
    pub(super) fn new(source: Box<dyn Read + Send>, framing: Framing) -> Self {
        Self {
            source,
            framing,
            walker: Walker::default(),
            carry: Vec::new(),
            line: 1,
            offset: 0,
            directives: Directives::default(),
            at_end: false,
            skips: false,
            error: None,
            is_live: false,
        }
    }

    /// Blocks that are handed on as soon as there may be a whole unit in them, so that a line
    /// of a slow pipe does not wait for the next.
    pub(super) fn live(source: Box<dyn Read + Send>, framing: Framing) -> Self {
        Self { is_live: true, ..Self::new(source, framing) }
    }

    /// Bytes that were handed on.
    pub(super) const fn bytes(&self) -> u64 {
        self.offset
    }

    /// Why the input could not be read further, once all that is whole was.
    pub(super) const fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Fills a block with the next units; false when none is left.
    pub(super) fn fill(&mut self, block: &mut Block) -> bool {
        block.units = None;
        block.too_long.clear();
        block.line = self.line;
        block.offset = self.offset;
        block.directives.clone_from(&self.directives);
        block.has_directives = false;
        let read = self.read(block);
        if read == 0 {
            return false;
        }
        let used = match self.framing {
            Framing::Lines => self.lines(block, read),
            Framing::Documents => self.documents(block, read),
            Framing::Quoted => self.split(block, read, quoted_units),
            Framing::Container => self.split(block, read, container::units),
        };
        self.carry.clear();
        self.carry.extend_from_slice(block.buffer.get(used..read).unwrap_or_default());
        self.offset += used as u64;
        self.note_directives(block);
        true
    }

    /// Puts the carried bytes and further ones into the block's buffer and returns how many.
    fn read(&mut self, block: &mut Block) -> usize {
        let mut read = self.carry.len();
        block.buffer.resize(block.buffer.len().max(FIRST_READ).max(read), 0);
        if let Some(start) = block.buffer.get_mut(..read) {
            start.copy_from_slice(&self.carry);
        }
        let until = BLOCK.min(read + READ);
        while !self.at_end && read < until {
            if read == block.buffer.len() {
                block.buffer.resize(until.min(2 * read), 0);
            }
            let end = until.min(block.buffer.len());
            let free = block.buffer.get_mut(read..end).unwrap_or_default();
            match self.source.read(free) {
                Ok(0) => self.at_end = true,
                Ok(count) => {
                    let new = free.get(..count).unwrap_or_default();
                    read += count;
                    if self.is_live && memchr::memchr(b'\n', new).is_some() {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.error = Some(error);
                    self.at_end = true;
                }
            }
        }
        read
    }

    /// Ends the block behind its last line end and returns how many bytes are done with.
    fn lines(&mut self, block: &mut Block, read: usize) -> usize {
        let bytes = block.buffer.get(..read).unwrap_or_default();
        block.length = 0;
        if self.skips {
            // What is left of a line that is too long is no line of its own.
            let end = memchr::memchr(b'\n', bytes);
            self.skips = end.is_none() && !self.at_end;
            self.line += u64::from(end.is_some());
            return end.map_or(read, |end| end + 1);
        }
        let end = match memchr::memrchr(b'\n', bytes) {
            _ if self.at_end => read,
            Some(end) => end + 1,
            None if read < BLOCK => return 0,
            None => {
                block.too_long.push((self.line, self.offset));
                self.skips = true;
                read
            }
        };
        if !self.skips {
            block.length = end;
        }
        let whole = bytes.get(..end).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', whole).count() as u64;
        end
    }

    fn documents(&mut self, block: &mut Block, read: usize) -> usize {
        let mut units = Vec::new();
        let walked = self.walker.walked();
        self.walker.walk(block.buffer.get(walked..read).unwrap_or_default(), &mut units);
        let used = if self.at_end {
            self.walker.finish(&mut units);
            read
        } else if self.walker.pending() == 0 && read == BLOCK {
            block.too_long.push((self.walker.pending_line() + 1, self.offset));
            self.walker.give_up();
            read
        } else {
            self.walker.pending()
        };
        self.walker.restart(used);
        // The walker counts lines from the first of the input.
        block.line = 1;
        block.units = Some(units);
        block.length = read;
        used
    }

    /// Ends the block where the last unit ends that `split` finds.
    fn split(
        &mut self,
        block: &mut Block,
        read: usize,
        split: fn(&[u8], bool, &mut Vec<Unit>) -> usize,
    ) -> usize {
        let mut units = Vec::new();
        let bytes = block.buffer.get(..read).unwrap_or_default();
        let mut used = split(bytes, self.at_end, &mut units).min(read);
        if used == 0 && read == BLOCK {
            block.too_long.push((self.line, self.offset));
            used = read;
        }
        let done = bytes.get(..used).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', done).count() as u64;
        block.units = Some(units);
        block.length = used;
        used
    }

    /// Takes in the directives of a block, so that the next begins with them. Only a whole unit is
    /// one: what stands within a document directs nothing.
    fn note_directives(&mut self, block: &mut Block) {
        let bytes = block.bytes();
        let mut hits: Vec<usize> = Directives::places(bytes).collect();
        hits.sort_unstable();
        let (mut from, mut has_directives) = (0, false);
        for at in hits {
            if at < from {
                continue;
            }
            let Some((start, end)) = block.unit_at(at) else { continue };
            let unit = super::trim_line(bytes.get(start..end).unwrap_or_default());
            has_directives |= self.directives.take(unit);
            from = end;
        }
        block.has_directives = has_directives;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn what_lies_within_a_document_directs_nothing() {
        for log in ["{\"a\":\"\n#fields\tts\tuid\n1\tC0\n", "{\"a\":\"\n#fields\tts\"}b"] {
            nothing_is_directed(log);
        }
    }

    fn nothing_is_directed(log: &str) {
        let mut blocks = Blocks::live(Box::new(Cursor::new(log.to_owned())), Framing::Documents);
        let mut block = Block::default();
        let mut found = 0;
        while blocks.fill(&mut block) {
            let units = block.units.as_deref().unwrap_or_default().len();
            if units > 0 {
                assert_eq!(block.directives, Directives::default());
            }
            found += units;
        }
        assert_eq!(found, log.matches('}').count() + 1, "{log}");
    }
}
