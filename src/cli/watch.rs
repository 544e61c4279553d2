//! `egress-audit watch`: what is new in logs, told while they are written.

use std::io;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::arguments::{Requirement, Sources};
use super::exit::Exit;
use super::{Console, Manner};
use crate::Watched;
use crate::input::Follow;
use crate::render::watch;

/// Time between two looks at a file that is followed.
const PAUSE: Duration = Duration::from_millis(200);

/// Arguments of `watch`.
#[derive(Args, Clone, Debug)]
pub struct WatchCommand {
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    requirement: Requirement,
    /// Wait for more at the end of files, and go on with the file that takes their place
    #[arg(long, short = 'F')]
    follow: bool,
    /// Tell nothing of the lines that are there already; they still tell what DNS answered
    #[arg(long, requires = "follow")]
    from_end: bool,
    /// Format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: WatchFormat,
}

/// Formats of findings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum WatchFormat {
    /// One line per finding, for people
    Terminal,
    /// One object per line and finding
    #[value(alias = "jsonl")]
    Json,
}

/// Runs the command. Every finding is written out at once.
pub(super) fn run(command: &WatchCommand, manner: &Manner, console: &mut Console<'_>) -> Exit {
    let WatchCommand { sources, requirement, follow, from_end, format } = command;
    if !sources.site.is_empty() || sources.sites.is_some() {
        let advice =
            "`watch` tells names by what it reads together: give it the inputs of one site";
        return console.trouble(advice);
    }
    let requirement = match requirement.load() {
        Ok(requirement) => requirement,
        Err(error) => return console.trouble(&error.to_string()),
    };
    let options = match console.stoppable(sources.options()) {
        Ok(options) => options,
        Err(error) => return console.trouble(&error),
    };
    let follow = follow.then_some(Follow { pause: || std::thread::sleep(PAUSE) });
    let out = &mut *console.out;
    let mut on_finding = |finding: &crate::report::Finding| {
        match format {
            WatchFormat::Terminal => watch::render_terminal(finding, out)?,
            WatchFormat::Json => watch::render_jsonl(finding, out)?,
        }
        out.flush()
    };
    let watched =
        crate::watch(&sources.inputs, &requirement, &options, follow, *from_end, &mut on_finding);
    match watched {
        Ok(Ok(watched)) => finish(&watched, manner, console),
        Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Success,
        Ok(Err(error)) => console.trouble(&format!("standard output is not written: {error}")),
        Err(error) => console.trouble(&error.to_string()),
    }
}

/// Says what was read, in one line and one more for each thing that is wrong.
fn finish(watched: &Watched, manner: &Manner, console: &mut Console<'_>) -> Exit {
    let Watched { inputs, findings, endpoints, forgotten } = watched;
    console.complain_of_inputs(inputs);
    if manner.verbose {
        for input in inputs {
            for note in &input.notes {
                console.remark(manner, &format!("{}: {note}", input.path));
            }
        }
    }
    if *forgotten > 0 {
        let sentence = "names or findings were forgotten for want of room and may be told again";
        console.remark(manner, &format!("{forgotten} {sentence}"));
    }
    let sum = |of: fn(&crate::report::InputReport) -> u64| inputs.iter().map(of).sum::<u64>();
    let (lines, understood) = (sum(|input| input.records), sum(|input| input.decoded));
    let count = |number: u64, word: &str| match number {
        1 => format!("1 {word}"),
        _ => format!("{number} {word}s"),
    };
    let endpoints = u64::try_from(*endpoints).unwrap_or(u64::MAX);
    let summary = format!(
        "{} at {}; {} read, {understood} understood",
        count(*findings, "finding"),
        count(endpoints, "endpoint"),
        count(lines, "line"),
    );
    console.remark(manner, &summary);
    match Exit::of_inputs(inputs, understood > 0) {
        Exit::Success if *findings > 0 => Exit::Findings,
        exit => exit,
    }
}
