//! All inputs, in parallel, into one sink and one account of what was read.
//!
//! Small sequences run beside each other, each on one thread; large ones run one after the
//! other, each on all threads. Neither changes a byte of the result.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::inputs::{Account, Found};
use super::lines::PlainLogs;
use super::{Options, Progress};
use crate::capture::{SequenceResult, Workers, read_sequence};
use crate::input::{self, InputError, InputPath, Opened, Stop};
use crate::logs::detect::Detection;
use crate::logs::read::{LogResult, read_log};
use crate::observe::{Sink, Sum};
use crate::report::{CoverageReport, InputReport};

/// Sequences of at least so many bytes are worth all threads at once.
const LARGE: u64 = 8 << 20;

/// Everything that was read.
pub(super) struct Read<S> {
    /// The sum of all sinks.
    pub(super) sink: S,
    /// One entry for each input, sorted by path.
    pub(super) inputs: Vec<InputReport>,
    pub(super) coverage: CoverageReport,
    pub(super) clock: Clock,
    /// Where the lines of logs can be read again.
    pub(super) plain_logs: PlainLogs,
}

/// How precisely each input states time.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// Decimal digits of a second, by input.
    pub(super) digits: BTreeMap<u32, u8>,
    /// Inputs that are logs.
    pub(super) logs: BTreeSet<u32>,
}

impl Clock {
    /// The digits of one input.
    pub(super) fn of(&self, input: u32) -> u8 {
        self.digits.get(&input).copied().unwrap_or(9)
    }

    /// Whether an input is a capture, so that Wireshark can show what lies in it.
    pub(super) fn is_capture(&self, input: u32) -> bool {
        !self.logs.contains(&input)
    }

    /// The digits of the most precise input, for times that several have a part in.
    pub(super) fn finest(&self) -> u8 {
        self.digits.values().copied().max().unwrap_or(0)
    }
}

/// One input on its way.
struct Planned {
    path: InputPath,
    size: u64,
    /// What is known of it by opening it, once it was.
    found: Mutex<Option<Found>>,
}

/// Reads all inputs that the arguments stand for, with the threads of the pool that this runs in.
pub(super) fn read_all<S: Sink + Sum>(
    arguments: &[String],
    options: &Options,
    new_sink: impl Fn() -> S + Sync,
    progress: &dyn Progress,
) -> Read<S> {
    let (planned, errors) = plan(arguments, progress);
    let paths: Vec<InputPath> = planned.iter().map(|input| input.path.clone()).collect();
    let (large, small): (Vec<_>, Vec<_>) =
        input::group(&paths).into_iter().partition(|sequence| is_large(sequence, &planned));
    let run = |sequence: &Vec<usize>, workers| {
        let mut logs = Vec::new();
        let result = read_one(sequence, &planned, workers, options, &mut logs, &new_sink, progress);
        let SequenceResult { mut sinks, captures, flows, anomalies } = result;
        let mut account = Account::new(captures, flows, anomalies);
        for log in logs {
            sinks.extend(log.sinks);
            account.add_log(log.facts);
        }
        (sum(sinks, workers, &new_sink), account)
    };
    let (mut sink, mut account) =
        small.par_iter().map(|sequence| run(sequence, Workers::Caller)).reduce(
            || (new_sink(), Account::default()),
            |(mut sink, mut account), (other, facts)| {
                sink.merge(other);
                account.merge(facts);
                (sink, account)
            },
        );
    for sequence in &large {
        let (other, facts) = run(sequence, Workers::Pool);
        sink.merge(other);
        account.merge(facts);
    }
    let mut plain_logs = PlainLogs::default();
    let found = (0_u32..).zip(planned).map(|(index, input)| {
        let found = input.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let (Some(path), Some(framing)) =
            (input.path.path(), found.as_ref().and_then(|found| found.plain_log))
        {
            plain_logs.add(index, path.to_owned(), framing);
        }
        (input.path, input.size, found)
    });
    let (inputs, coverage, clock) = account.report(found.collect(), errors);
    Read { sink, inputs, coverage, clock, plain_logs }
}

/// Finds the inputs; their order is that of the report.
fn plan(arguments: &[String], progress: &dyn Progress) -> (Vec<Planned>, Vec<InputError>) {
    let expanded = input::expand(arguments);
    let planned = expanded
        .inputs
        .into_iter()
        .map(|path| {
            let size = path
                .path()
                .and_then(|path| std::fs::metadata(path).ok())
                .map_or(0, |metadata| metadata.len());
            progress.total(size);
            Planned { path, size, found: Mutex::new(None) }
        })
        .collect();
    (planned, expanded.errors)
}

/// Whether a sequence is worth all threads. The size of the standard input is not known, and
/// compressed data is larger than it looks.
fn is_large(sequence: &[usize], planned: &[Planned]) -> bool {
    let weight = |input: &Planned| match input.path {
        InputPath::Stdin => LARGE,
        InputPath::File(_) => input.size,
    };
    sequence.iter().filter_map(|&index| planned.get(index)).map(weight).sum::<u64>() >= LARGE
}

/// Reads the files of a sequence: its captures as one, its logs one by one.
fn read_one<S: Sink>(
    sequence: &[usize],
    planned: &[Planned],
    workers: Workers,
    options: &Options,
    logs: &mut Vec<LogResult<S>>,
    new_sink: impl Fn() -> S,
    progress: &dyn Progress,
) -> SequenceResult<S> {
    let inputs: Vec<u32> = sequence.iter().filter_map(|&at| u32::try_from(at).ok()).collect();
    let meter = Mutex::new(Meter::default());
    let advance = || lock(&meter).tell(progress);
    let open = |input: u32| -> Option<Source> {
        let planned = planned.get(input as usize)?;
        if options.stop.as_ref().is_some_and(Stop::is_asked) {
            return None;
        }
        let (mut found, opened) = Found::by_opening(&planned.path, options);
        if let Some(Opened { consumed, .. }) = &opened {
            lock(&meter).turn_to(Arc::clone(consumed), progress);
        }
        let detection = found.detection.take();
        *lock(&planned.found) = Some(found);
        let reader = opened?.reader;
        Some(match detection {
            Some(detection) => Source::Log(detection, reader),
            None => Source::Capture(reader),
        })
    };
    let mut read = |input, detection: &Detection, reader| {
        let log = read_log(input, reader, detection, &options.logs, workers, &new_sink, &advance);
        logs.push(log);
    };
    // Most sequences are one file, and a log needs no flow table.
    let mut first = None;
    if let [input] = *inputs.as_slice() {
        match open(input) {
            Some(Source::Capture(reader)) => first = Some(reader),
            Some(Source::Log(detection, reader)) => read(input, &detection, reader),
            None => {}
        }
        if first.is_none() {
            advance();
            return SequenceResult::default();
        }
    }
    let first = Mutex::new(first);
    let found_logs = Mutex::new(Vec::new());
    let open_capture = |input: u32| {
        if let Some(reader) = lock(&first).take() {
            return Some(reader);
        }
        match open(input)? {
            Source::Capture(reader) => Some(reader),
            Source::Log(detection, reader) => {
                lock(&found_logs).push((input, detection, reader));
                None
            }
        }
    };
    let result = read_sequence(&inputs, workers, &new_sink, &open_capture, &advance);
    for (input, detection, reader) in
        found_logs.into_inner().unwrap_or_else(PoisonError::into_inner)
    {
        read(input, &detection, reader);
    }
    advance();
    result
}

/// What an input turned out to be.
enum Source {
    Capture(Box<dyn std::io::Read + Send>),
    Log(Detection, Box<dyn std::io::Read + Send>),
}

/// How much of the current file was read, and how much of that was told.
#[derive(Default)]
struct Meter {
    consumed: Arc<AtomicU64>,
    told: u64,
}

impl Meter {
    fn turn_to(&mut self, consumed: Arc<AtomicU64>, progress: &dyn Progress) {
        self.tell(progress);
        *self = Self { consumed, told: 0 };
    }

    fn tell(&mut self, progress: &dyn Progress) {
        let consumed = self.consumed.load(Ordering::Relaxed);
        progress.advance(consumed.saturating_sub(self.told));
        self.told = consumed;
    }
}

/// Adds up the sinks of a sequence.
fn sum<S: Sum>(sinks: Vec<S>, workers: Workers, new_sink: impl Fn() -> S + Sync) -> S {
    let add = |mut sum: S, other| {
        sum.merge(other);
        sum
    };
    match workers {
        Workers::Caller => sinks.into_iter().reduce(add).unwrap_or_else(new_sink),
        Workers::Pool => sinks.into_par_iter().reduce(&new_sink, add),
    }
}

/// What a thread that panicked left behind is still a count or a path.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
