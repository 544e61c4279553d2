//! One log, from bytes to observations: blocks are read in order, parsed in parallel, and what
//! must be read in order is read behind them.

use std::collections::BTreeMap;
use std::io::Read;

use rayon::prelude::*;

use super::blocks::{Block, Blocks};
use super::detect::Detection;
use super::directives::Directives;
use super::format::{Memory, Reading};
use super::observe::{self, Observer};
use super::reader::{Fate, LineReader};
use super::record::Record;
use super::stamp::TimeRules;
use crate::capture::Workers;
use crate::observe::{Anomalies, AnomalyKind, Frame, Locator, Sink, Timestamp};

/// Blocks that are parsed together, each into a sink of its own. Which sink a block goes to
/// depends on its number alone, so the limits of the sinks do not depend on threads.
const LANES: usize = 8;

/// How to read logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// What to make of times that are no instants.
    pub times: TimeRules,
    /// The number of the only format that lines are shown to, instead of finding it.
    pub only: Option<usize>,
}

/// Lines of a log by what became of them. `read` is the sum of the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LineCounts {
    /// All that are not blank.
    pub read: u64,
    /// Lines with records.
    pub with_records: u64,
    /// Lines that are understood and hold no attempt.
    pub without_record: u64,
    /// Lines of a known format that cannot be read.
    pub damaged: u64,
    /// Lines that are too long to be read.
    pub too_long: u64,
    /// Lines of no known format.
    pub unknown: u64,
}

/// What was read of one log.
#[derive(Debug, Default)]
pub struct LogFacts {
    /// Its index in the report's list.
    pub input: u32,
    /// Its lines.
    pub lines: LineCounts,
    /// Lines of each format, by its number in the registry.
    pub formats: BTreeMap<usize, u64>,
    /// Records.
    pub records: u64,
    /// Records whose time is no instant, by what it is.
    pub without_instant: BTreeMap<Frame, u64>,
    /// Times of the earliest and the latest record that states an instant.
    pub span: Option<(Timestamp, Timestamp)>,
    /// Lines that were not understood, with places.
    pub anomalies: Anomalies,
    /// Decompressed bytes.
    pub bytes: u64,
    /// Why it could not be read further.
    pub error: Option<String>,
}

/// What a log leaves.
pub struct LogResult<S> {
    /// Sinks to be added up.
    pub sinks: Vec<S>,
    /// What was read.
    pub facts: LogFacts,
}

/// Reads a log. `advance` is called after every block.
pub fn read_log<S: Sink>(
    input: u32,
    source: Box<dyn Read + Send>,
    detection: &Detection,
    options: &LogOptions,
    workers: Workers,
    new_sink: impl Fn() -> S,
    advance: &(dyn Fn() + Sync),
) -> LogResult<S> {
    let reader = || line_reader(detection, options);
    let mut lanes: Vec<Lane<'_, S>> =
        (0..LANES).map(|_| Lane::new(input, options, reader(), new_sink().for_logs())).collect();
    let mut ordered = Lane::new(input, options, reader(), new_sink().for_logs());
    let mut memory = Memory::default();
    let mut blocks = Blocks::new(source, detection.framing);
    let mut filling: Vec<Block> = Vec::new();
    let mut working: Vec<Block> = Vec::new();
    filling.resize_with(LANES, Block::default);
    working.resize_with(LANES, Block::default);
    let mut used = fill(&mut blocks, &mut working, advance);
    while used > 0 {
        let mut next = 0;
        let current = working.get(..used).unwrap_or_default();
        match workers {
            Workers::Caller => {
                lanes.iter_mut().zip(current).for_each(|(lane, block)| lane.parse(block));
            }
            Workers::Pool => {
                rayon::join(
                    || next = fill(&mut blocks, &mut filling, advance),
                    || {
                        lanes
                            .par_iter_mut()
                            .zip(current)
                            .for_each(|(lane, block)| lane.parse(block));
                    },
                );
            }
        }
        for (lane, block) in lanes.iter_mut().zip(current) {
            ordered.read_in_order(block, &mut lane.deferred, &mut memory);
        }
        if workers == Workers::Caller {
            next = fill(&mut blocks, &mut filling, advance);
        }
        std::mem::swap(&mut filling, &mut working);
        used = next;
    }
    let mut facts = LogFacts { input, bytes: blocks.bytes(), ..LogFacts::default() };
    facts.error = blocks.take_error().map(|error| format!("cannot be read further: {error}"));
    let mut sinks = Vec::with_capacity(LANES + 1);
    for lane in lanes.into_iter().chain([ordered]) {
        facts.merge(lane.facts);
        sinks.push(lane.sink);
    }
    LogResult { sinks, facts }
}

/// Reads a log line by line, in order, and hands on every record with the number of its line
/// and of its format, until `on_record` says that it wants no more. A record is handed on as
/// soon as its line is there.
pub fn each_record(
    input: u32,
    source: Box<dyn Read + Send>,
    detection: &Detection,
    options: &LogOptions,
    on_record: &mut dyn FnMut(u64, usize, &Record<'_>) -> bool,
) -> LogFacts {
    let mut reader = line_reader(detection, options);
    let mut memory = Memory::default();
    let mut blocks = Blocks::live(source, detection.framing);
    let mut block = Block::default();
    let mut facts = LogFacts { input, ..LogFacts::default() };
    let mut goes_on = true;
    while goes_on && blocks.fill(&mut block) {
        facts.note_too_long(&block);
        let mut directives = block.directives.clone();
        for place in places(&block) {
            let text = text_of(&block, place);
            if text.is_empty() {
                continue;
            }
            facts.lines.read += 1;
            if block.has_directives && directives.take(text) {
                facts.lines.without_record += 1;
                continue;
            }
            let mut emit = |format: usize, record: &Record<'_>| {
                facts.record(observe::timestamp(record.stamp, &options.times));
                goes_on = goes_on && on_record(place.line, format, record);
            };
            let mut fate = reader.read(text, Some(&directives), &mut emit);
            if let Fate::Known { reading: Reading::InOrder, .. } = fate {
                fate = reader.read_in_order(text, Some(&directives), &mut memory, &mut emit);
            }
            facts.fate(fate, block.locator(input, place));
        }
    }
    facts.bytes = blocks.bytes();
    facts.error = blocks.take_error().map(|error| format!("cannot be read further: {error}"));
    facts
}

/// The reader that the options and the head of the log ask for.
fn line_reader(detection: &Detection, options: &LogOptions) -> LineReader {
    let reader = match options.only {
        Some(format) => LineReader::only(format),
        None => LineReader::new(detection.by_count()),
    };
    reader.with(detection.hints).with_table(detection.table.clone())
}

/// Fills blocks in order and returns how many.
fn fill(blocks: &mut Blocks, into: &mut [Block], advance: &(dyn Fn() + Sync)) -> usize {
    let mut used = 0;
    for block in into {
        if !blocks.fill(block) {
            break;
        }
        advance();
        used += 1;
    }
    used
}

/// One of the sinks with all that is needed to fill it.
struct Lane<'o, S> {
    reader: LineReader,
    observer: Observer<'o>,
    sink: S,
    facts: LogFacts,
    /// Lines of the current block that must be read in order.
    deferred: Vec<Place>,
}

/// Where a line lies in its block.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    end: usize,
    line: u64,
}

impl<'o, S: Sink> Lane<'o, S> {
    fn new(input: u32, options: &'o LogOptions, reader: LineReader, sink: S) -> Self {
        Self {
            reader,
            observer: Observer::new(&options.times, input),
            sink,
            facts: LogFacts { input, ..LogFacts::default() },
            deferred: Vec::new(),
        }
    }

    /// Reads all units of a block but those that must be read in order.
    fn parse(&mut self, block: &Block) {
        self.facts.note_too_long(block);
        let mut directives = block.directives.clone();
        for place in places(block) {
            self.unit(block, place, &mut directives);
        }
    }

    fn unit(&mut self, block: &Block, place: Place, directives: &mut Directives) {
        let text = text_of(block, place);
        if text.is_empty() {
            return;
        }
        self.facts.lines.read += 1;
        if block.has_directives && directives.take(text) {
            self.facts.lines.without_record += 1;
            return;
        }
        let locator = block.locator(self.facts.input, place);
        let Self { reader, observer, sink, facts, .. } = self;
        let fate = reader.read(text, Some(directives), &mut |format, record| {
            let time = observer.observe(format, record, locator, sink);
            facts.record(time);
        });
        if let Fate::Known { reading: Reading::InOrder, .. } = fate {
            self.deferred.push(place);
            return;
        }
        self.facts.fate(fate, locator);
    }

    /// Reads the lines of a block that another lane has put off; it has counted them as read.
    fn read_in_order(&mut self, block: &Block, places: &mut Vec<Place>, memory: &mut Memory) {
        for place in places.drain(..) {
            let locator = block.locator(self.facts.input, place);
            let Self { reader, observer, sink, facts, .. } = self;
            let mut emit = |format: usize, record: &Record<'_>| {
                let time = observer.observe(format, record, locator, sink);
                facts.record(time);
            };
            let text = text_of(block, place);
            let directives = Some(&block.directives);
            let fate = reader.read_in_order(text, directives, memory, &mut emit);
            self.facts.fate(fate, locator);
        }
    }
}

/// The units of a block.
fn places(block: &Block) -> impl Iterator<Item = Place> {
    let units = block.units.as_ref().map(|units| {
        units.iter().map(|unit| Place {
            start: unit.start,
            end: unit.end,
            line: block.line + unit.line,
        })
    });
    let lines = block.units.is_none().then(|| {
        let bytes = block.bytes();
        let ends = memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]);
        ends.scan((0, block.line), |next, end| {
            let (start, line) = *next;
            *next = (end + 1, line + 1);
            Some(Place { start, end, line })
        })
    });
    units.into_iter().flatten().chain(lines.into_iter().flatten())
}

impl Block {
    fn locator(&self, input: u32, place: Place) -> Locator {
        Locator { input, record: place.line, offset: self.offset + place.start as u64 }
    }
}

/// The text of a unit, without line end.
fn text_of(block: &Block, place: Place) -> &[u8] {
    super::trim_line(block.bytes().get(place.start..place.end).unwrap_or_default())
}

impl LogFacts {
    fn note_too_long(&mut self, block: &Block) {
        for &(record, offset) in &block.too_long {
            self.lines.read += 1;
            self.lines.too_long += 1;
            let place = Locator { input: self.input, record, offset };
            self.anomalies.add(AnomalyKind::LineTooLong, place);
        }
    }

    fn record(&mut self, time: Timestamp) {
        self.records += 1;
        if time.frame() == Frame::Instant {
            let (first, last) = self.span.get_or_insert((time, time));
            *first = time.min(*first);
            *last = time.max(*last);
        } else {
            *self.without_instant.entry(time.frame()).or_default() += 1;
        }
    }

    fn fate(&mut self, fate: Fate, place: Locator) {
        let lines = &mut self.lines;
        match fate {
            Fate::Unknown => {
                lines.unknown += 1;
                self.anomalies.add(AnomalyKind::LineUnknown, place);
            }
            Fate::Known { format, reading } => {
                *self.formats.entry(format).or_default() += 1;
                match reading {
                    Reading::Records => lines.with_records += 1,
                    Reading::NoRecord | Reading::InOrder => lines.without_record += 1,
                    Reading::Damaged | Reading::NotMine => {
                        lines.damaged += 1;
                        self.anomalies.add(AnomalyKind::LineDamaged, place);
                    }
                }
            }
        }
    }

    /// Adds the counts of `other`; bytes and errors are not added.
    pub(crate) fn merge(&mut self, other: Self) {
        self.lines.merge(&other.lines);
        for (format, count) in other.formats {
            *self.formats.entry(format).or_default() += count;
        }
        for (frame, count) in other.without_instant {
            *self.without_instant.entry(frame).or_default() += count;
        }
        self.records += other.records;
        self.span = match (self.span, other.span) {
            (Some((first, last)), Some((other_first, other_last))) => {
                Some((first.min(other_first), last.max(other_last)))
            }
            (one, other) => one.or(other),
        };
        self.anomalies.merge(other.anomalies);
    }
}

impl LineCounts {
    /// Lines that were understood.
    #[must_use]
    pub const fn understood(&self) -> u64 {
        self.with_records + self.without_record
    }

    /// Adds the counts of `other`.
    pub const fn merge(&mut self, other: &Self) {
        self.read += other.read;
        self.with_records += other.with_records;
        self.without_record += other.without_record;
        self.damaged += other.damaged;
        self.too_long += other.too_long;
        self.unknown += other.unknown;
    }
}
