//! One capture, or the rotated captures of one sequence, from bytes to observations.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::container::{CaptureReader, ContainerError, ContainerSummary};
use super::coverage::{FlowCounts, PacketCounts};
use super::decode::{Batch, BatchFacts};
use super::flow_key::SHARDS;
use super::fragments::Reassembler;
use super::heard::Heard;
use super::shard::{Shard, ShardResult};
use crate::observe::{Anomalies, Duration, Sink, Timestamp};

/// Blocks that are decoded together: enough to keep the workers busy between two meetings, few
/// enough to stay in the cache.
const BLOCKS_PER_WINDOW: usize = 4;

/// Opens the input of an index: its decompressed bytes, or `None` when it cannot be read, which
/// the opener has noted.
pub type Open<'a> = &'a (dyn Fn(u32) -> Option<Box<dyn std::io::Read + Send>> + Sync);

/// Who does the work. The result is the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Workers {
    /// The calling thread alone; many sequences run beside each other.
    Caller,
    /// The threads of the current pool.
    Pool,
}

/// What was read of one file.
#[derive(Debug)]
pub struct CaptureFacts {
    /// The file's index in the report's list of inputs.
    pub input: u32,
    /// What its container says; absent when it could not be opened.
    pub container: Option<ContainerSummary>,
    /// Why it could not be read, or not further.
    pub error: Option<ContainerError>,
    /// Its packets by what became of them.
    pub packets: PacketCounts,
    /// Its packets by link type.
    pub link_types: BTreeMap<u16, u64>,
    /// Times of the earliest and the latest packet.
    pub span: Option<(Timestamp, Timestamp)>,
}

/// What a sequence leaves.
pub struct SequenceResult<S> {
    /// One sink for each part of the flow table.
    pub sinks: Vec<S>,
    /// One entry for each file, in the order of the sequence.
    pub captures: Vec<CaptureFacts>,
    /// Conversations by kind.
    pub flows: FlowCounts,
    /// Records that were not understood.
    pub anomalies: Anomalies,
}

impl<S> Default for SequenceResult<S> {
    /// What a sequence without captures leaves.
    fn default() -> Self {
        Self {
            sinks: Vec::new(),
            captures: Vec::new(),
            flows: FlowCounts::default(),
            anomalies: Anomalies::default(),
        }
    }
}

/// Reads the files of a sequence one after the other; flows go on from one to the next.
///
/// `inputs` are indices of the report's list. `new_sink` makes one sink for each part of the
/// flow table. `advance` is called after every block.
pub fn read_sequence<S: Sink>(
    inputs: &[u32],
    workers: Workers,
    new_sink: impl Fn() -> S,
    open: Open<'_>,
    advance: &(dyn Fn() + Sync),
) -> SequenceResult<S> {
    // Alone, a thread takes block by block, which stay in the cache of its core.
    let workers = if rayon::current_num_threads() == 1 { Workers::Caller } else { workers };
    let unit = inputs.first().copied().unwrap_or_default();
    let mut shards: Vec<Shard<S>> = (0..SHARDS).map(|_| Shard::new(new_sink(), unit)).collect();
    let mut reader = Reader { left: inputs.iter(), open, current: None, done: Vec::new(), advance };
    let mut facts = BatchFactsByInput::default();
    let mut fragments = Reassembler::default();
    let length = match workers {
        Workers::Caller => 1,
        Workers::Pool => BLOCKS_PER_WINDOW,
    };
    let mut filling = Window::new(length);
    let mut working = Window::new(length);
    reader.fill(&mut working);
    while !working.is_empty() {
        match workers {
            Workers::Caller => {
                working.run(workers, &mut fragments, &mut shards);
                facts.collect(&mut working);
                reader.fill(&mut working);
            }
            Workers::Pool => {
                rayon::join(
                    || reader.fill(&mut filling),
                    || {
                        working.run(workers, &mut fragments, &mut shards);
                        facts.collect(&mut working);
                    },
                );
                std::mem::swap(&mut filling, &mut working);
            }
        }
    }
    let mut last = Batch::default();
    fragments.finish(&mut last);
    for (index, shard) in shards.iter_mut().enumerate() {
        shard.take(&last, index);
    }
    let until = facts.latest().unwrap_or_default();
    let steps: Vec<(Timestamp, Duration)> = reader
        .done
        .iter()
        .filter_map(|capture| capture.container.as_ref())
        .flat_map(|container| container.steps.forward.iter().copied())
        .collect();
    let finish = |shard: Shard<S>| shard.finish(until, &steps);
    let results: Vec<ShardResult<S>> = match workers {
        Workers::Caller => shards.into_iter().map(finish).collect(),
        Workers::Pool => shards.into_par_iter().map(finish).collect(),
    };
    let mut result = SequenceResult::default();
    for shard in results {
        result.flows.merge(&shard.counts);
        result.anomalies.merge(shard.anomalies);
        result.sinks.push(shard.sink);
    }
    result.anomalies.merge(last.facts.anomalies);
    result.flows.fragments_evicted += fragments.evicted();
    if let Some(sink) = result.sinks.first_mut() {
        let mut heard = working.into_heard();
        heard.merge(filling.into_heard());
        heard.into_addresses().for_each(|address| sink.heard(unit, address));
    }
    for mut capture in reader.done {
        let facts = facts.take(capture.input);
        capture.packets = facts.packets;
        capture.span = facts.span;
        capture.link_types = facts.link_types;
        result.anomalies.merge(facts.anomalies);
        if let Some(container) = &mut capture.container {
            result.anomalies.merge(std::mem::take(&mut container.anomalies));
            if let Some(sink) = result.sinks.first_mut() {
                if container.steps.back > Duration::default() {
                    sink.set_back(unit, container.steps.back);
                }
                for (address, name) in std::mem::take(&mut container.names) {
                    let name = sink.intern(&name);
                    sink.file_name(address, name);
                }
            }
        }
        result.captures.push(capture);
    }
    result
}

/// The sequential end of the pipeline: one file after the other, block by block.
struct Reader<'a> {
    left: std::slice::Iter<'a, u32>,
    open: Open<'a>,
    current: Option<(u32, CaptureReader)>,
    done: Vec<CaptureFacts>,
    advance: &'a (dyn Fn() + Sync),
}

impl Reader<'_> {
    fn fill(&mut self, window: &mut Window) {
        window.used = 0;
        for batch in &mut window.batches {
            if !self.fill_batch(batch) {
                return;
            }
            window.used += 1;
        }
    }

    fn fill_batch(&mut self, batch: &mut Batch) -> bool {
        loop {
            let Some((input, reader)) = &mut self.current else {
                if self.open_next() {
                    continue;
                }
                return false;
            };
            let input = *input;
            match reader.next_block(&mut batch.block) {
                Ok(true) => {
                    batch.input = input;
                    (self.advance)();
                    return true;
                }
                Ok(false) => self.close(None),
                Err(error) => self.close(Some(error)),
            }
        }
    }

    /// Opens the next file that can be opened; false when none is left.
    fn open_next(&mut self) -> bool {
        let Some(&input) = self.left.next() else { return false };
        let Some(source) = (self.open)(input) else { return true };
        match CaptureReader::open(source) {
            Ok(reader) => self.current = Some((input, reader.with_input(input))),
            Err(error) => self.done.push(CaptureFacts {
                input,
                container: None,
                error: Some(error),
                packets: PacketCounts::default(),
                link_types: BTreeMap::new(),
                span: None,
            }),
        }
        true
    }

    fn close(&mut self, error: Option<ContainerError>) {
        if let Some((input, reader)) = self.current.take() {
            self.done.push(CaptureFacts {
                input,
                container: Some(reader.finish()),
                error,
                packets: PacketCounts::default(),
                link_types: BTreeMap::new(),
                span: None,
            });
        }
    }
}

/// Blocks that go through the pipeline together.
struct Window {
    batches: Vec<Batch>,
    used: usize,
}

impl Window {
    fn new(length: usize) -> Self {
        Self { batches: (0..length).map(|_| Batch::default()).collect(), used: 0 }
    }

    const fn is_empty(&self) -> bool {
        self.used == 0
    }

    fn batches(&mut self) -> &mut [Batch] {
        self.batches.get_mut(..self.used).unwrap_or_default()
    }

    /// Where the packets of all blocks so far went that no flow is concerned with.
    fn into_heard(self) -> Heard {
        let mut sum = Heard::default();
        self.batches.into_iter().for_each(|batch| sum.merge(batch.heard));
        sum
    }

    /// Decodes the blocks, then lets the shards take what is theirs.
    fn run<S: Sink>(
        &mut self,
        workers: Workers,
        fragments: &mut Reassembler,
        shards: &mut [Shard<S>],
    ) {
        match workers {
            Workers::Caller => {
                self.batches().iter_mut().for_each(Batch::decode);
                self.batches().iter_mut().for_each(|batch| fragments.join(batch));
                let batches = &*self.batches();
                for (index, shard) in shards.iter_mut().enumerate() {
                    batches.iter().for_each(|batch| shard.take(batch, index));
                }
            }
            Workers::Pool => {
                self.batches().par_iter_mut().for_each(Batch::decode);
                self.batches().iter_mut().for_each(|batch| fragments.join(batch));
                let batches = &*self.batches();
                shards.par_iter_mut().enumerate().for_each(|(index, shard)| {
                    batches.iter().for_each(|batch| shard.take(batch, index));
                });
            }
        }
    }
}

/// What the blocks of each file said.
#[derive(Default)]
struct BatchFactsByInput(Vec<(u32, BatchFacts)>);

impl BatchFactsByInput {
    fn collect(&mut self, window: &mut Window) {
        for batch in window.batches() {
            let facts = std::mem::take(&mut batch.facts);
            // Files come one after the other, so the entry is the last one or a new one.
            match self.0.last_mut() {
                Some((input, sum)) if *input == batch.input => sum.merge(facts),
                _ => self.0.push((batch.input, facts)),
            }
        }
    }

    fn latest(&self) -> Option<Timestamp> {
        self.0.iter().filter_map(|(_, facts)| facts.span).map(|(_, last)| last).max()
    }

    fn take(&mut self, input: u32) -> BatchFacts {
        match self.0.iter_mut().find(|(of, _)| *of == input) {
            Some((_, facts)) => std::mem::take(facts),
            None => BatchFacts::default(),
        }
    }
}
