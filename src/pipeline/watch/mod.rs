//! `watch`: what is new in logs, told while they are written.
//!
//! Each input is read in order by a thread of its own, or one after the other when none is
//! followed. All of them share the [`findings::Findings`], so the time that counts is that of
//! arrival. Nothing here grows with the length of the inputs.

mod findings;
mod recent;

use std::io;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use self::findings::Findings;
use super::inputs::{note_ending, sentence_of};
use super::{Error, Options, Requirement, log_inputs};
use crate::catalog::Matcher;
use crate::input::{self, Compression, Detected, Follow, InputPath, Opened, Progression, Stop};
use crate::logs::detect::Detection;
use crate::logs::observe::Observer;
use crate::logs::read::{LogFacts, each_record};
use crate::observe::Locator;
use crate::report::{Finding, InputKind, InputReport};

/// Files that are followed at the same time, each by a thread.
const MAX_FOLLOWED: usize = 256;
/// Findings that wait for being told.
const PENDING: usize = 1_024;

/// What a watch leaves.
#[derive(Debug)]
pub struct Watched {
    /// What was read.
    pub inputs: Vec<InputReport>,
    /// Findings that were told.
    pub findings: u64,
    /// Endpoints that they concern.
    pub endpoints: usize,
    /// Names and findings that were forgotten for want of room; such a finding may be told again.
    pub forgotten: u64,
}

/// Reads logs as they come and hands on every finding at once.
///
/// With `follow`, files are read beyond their end until `options.stop` is asked; with
/// `only_new`, what they hold already tells what DNS answered and gives no finding. Without
/// `follow`, the inputs are read one after the other.
///
/// # Errors
///
/// The catalog cannot be used. An error of `on_finding` ends the watch and is the inner result.
pub fn watch(
    arguments: &[String],
    requirement: &Requirement,
    options: &Options,
    follow: Option<Follow>,
    only_new: bool,
    on_finding: &mut dyn FnMut(&Finding) -> io::Result<()>,
) -> Result<io::Result<Watched>, Error> {
    let Requirement { catalog, profile, .. } = requirement;
    let matcher = Matcher::new(catalog, &catalog.select(profile))?;
    let expanded = input::expand(arguments);
    let (sender, receiver) = mpsc::sync_channel(PENDING);
    let stop = options.stop.clone().unwrap_or_default();
    let findings = Mutex::new(Findings::new(catalog, matcher));
    let watcher = Watcher { findings: &findings, options, stop: &stop, follow, only_new };
    let (result, mut inputs) = thread::scope(|scope| {
        let mut running = Vec::new();
        let mut inputs = Vec::new();
        if follow.is_some() {
            for (at, path) in expanded.inputs.iter().enumerate() {
                let mut report = InputReport::new(path.to_string());
                if at >= MAX_FOLLOWED {
                    let sentence = format!("more than {MAX_FOLLOWED} inputs are not followed");
                    report.error = Some(sentence);
                    inputs.push(report);
                    continue;
                }
                let sender = sender.clone();
                running.push(scope.spawn(move || vec![watcher.read(path, report, &sender)]));
            }
        } else {
            let (sender, paths) = (sender.clone(), &expanded.inputs);
            running.push(scope.spawn(move || {
                let reports = paths.iter().map(|path| {
                    let mut report = InputReport::new(path.to_string());
                    if watcher.stop.is_asked() {
                        report.error = Some("was not read".to_owned());
                        return report;
                    }
                    watcher.read(path, report, &sender)
                });
                reports.collect()
            }));
        }
        drop(sender);
        let mut result = Ok(());
        for finding in receiver {
            if result.is_ok() {
                result = on_finding(&finding);
                if result.is_err() {
                    stop.ask();
                }
            }
        }
        for thread in running {
            match thread.join() {
                Ok(reports) => inputs.extend::<Vec<InputReport>>(reports),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        (result, inputs)
    });
    inputs.extend(expanded.errors.iter().map(InputReport::of_error));
    inputs.sort_by(|one, other| one.path.cmp(&other.path));
    let findings = findings.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (count, endpoints, forgotten) = findings.counts();
    Ok(result.map(|()| Watched { inputs, findings: count, endpoints, forgotten }))
}

/// What the readers share.
#[derive(Clone, Copy)]
struct Watcher<'w, 'c> {
    findings: &'w Mutex<Findings<'c>>,
    options: &'w Options,
    stop: &'w Stop,
    follow: Option<Follow>,
    only_new: bool,
}

/// What was read of one input, over all files that bore its name.
#[derive(Default)]
struct Sum {
    facts: LogFacts,
    compression: Option<Compression>,
    /// The beginning of the first file, to say what it is if no format knows a line of it.
    head: Vec<u8>,
    first_line: String,
}

impl Watcher<'_, '_> {
    /// Reads one input to its end, and what takes its place.
    fn read(
        self,
        path: &InputPath,
        mut report: InputReport,
        sender: &SyncSender<Finding>,
    ) -> InputReport {
        let progression = Progression::default();
        let mut sum = Sum::default();
        let mut files = 0_u64;
        loop {
            let follow = self.follow.map(|follow| (follow, &progression));
            match input::open_live(path, self.stop, follow) {
                Ok(opened) => {
                    files += 1;
                    if let Err(error) =
                        self.read_file(path, opened, &progression, &mut report, &mut sum, sender)
                    {
                        report.error = Some(error);
                        break;
                    }
                }
                // Between two files of one name there may be none for a moment.
                Err(_) if files > 0 && !self.stop.is_asked() => {
                    if let Some(follow) = self.follow {
                        (follow.pause)();
                    }
                    continue;
                }
                Err(error) => {
                    if files == 0 {
                        report.error = Some(sentence_of(&error));
                    }
                    break;
                }
            }
            if !progression.is_replaced() || self.stop.is_asked() {
                break;
            }
        }
        if report.kind == InputKind::Log {
            let error = report.error.take();
            log_inputs::describe(&mut report, &sum.facts, sum.compression);
            if sum.facts.lines.read > 0 && sum.facts.formats.is_empty() {
                report.error = Some(log_inputs::unknown(&sum.head, &sum.first_line));
            }
            report.error = error.or(report.error);
        }
        if files > 1 {
            report.notes.push(format!("was replaced {} times", files - 1));
        }
        report
    }

    /// Reads one file to its end. An error means that it is nothing to be watched.
    fn read_file(
        self,
        path: &InputPath,
        opened: Opened,
        progression: &Progression,
        report: &mut InputReport,
        sum: &mut Sum,
        sender: &SyncSender<Finding>,
    ) -> Result<(), String> {
        let first_line = match input::detect(&opened.head) {
            Detected::Text { first_line } => first_line,
            Detected::Empty => {
                note_ending(report, path, &opened.ending);
                return Ok(());
            }
            Detected::Capture(_) => {
                report.kind = InputKind::Capture;
                return Err(
                    "this is a capture; `watch` reads logs, `audit` judges captures".to_owned()
                );
            }
            Detected::KnownOther { what, advice } => {
                return Err(format!("this is {what}; {advice}"));
            }
            Detected::Unknown { first_bytes } => {
                return Err(format!("unknown format; it begins with {first_bytes}"));
            }
        };
        report.kind = InputKind::Log;
        let opened = log_inputs::decoded(opened);
        let detection = Detection::of(&opened.head);
        if sum.head.is_empty() {
            sum.compression = opened.compression;
            sum.head = opened.head;
            sum.first_line = first_line;
        }
        let name: Arc<str> = Arc::from(path.to_string());
        let skips_past = self.only_new && self.follow.is_some() && *path != InputPath::Stdin;
        let mut observer = Observer::new(&self.options.logs.times, 0);
        let mut facts = each_record(
            0,
            opened.reader,
            &detection,
            &self.options.logs,
            &mut |line, format, record| {
                let mut findings = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
                findings.turn_to(&name, line, skips_past && !progression.has_caught_up());
                let locator = Locator { input: 0, record: line, offset: 0 };
                observer.observe(format, record, locator, &mut *findings);
                // Within the lock, so that findings are told in the order in which they came.
                findings.take_new().all(|finding| sender.send(finding).is_ok())
            },
        );
        sum.facts.bytes += facts.bytes;
        sum.facts.error = sum.facts.error.take().or(facts.error.take());
        sum.facts.merge(facts);
        note_ending(report, path, &opened.ending);
        Ok(())
    }
}
