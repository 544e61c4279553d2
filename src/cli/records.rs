//! `egress-audit records`: what the lines of logs state, one object for each record.

use std::io::{self, BufWriter, Write};

use clap::{Args, ValueEnum};

use super::arguments::Sources;
use super::exit::Exit;
use super::{Console, Manner};

/// Arguments of `records`.
#[derive(Args, Clone, Debug)]
pub struct RecordsCommand {
    #[command(flatten)]
    sources: Sources,
    /// Format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    format: RecordsFormat,
}

/// Formats of the records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum RecordsFormat {
    /// One object per line and record
    Jsonl,
}

/// Runs the command. Records are written while they are read, so a log may be of any length.
pub(super) fn run(command: &RecordsCommand, manner: &Manner, console: &mut Console<'_>) -> Exit {
    let RecordsCommand { sources, format: RecordsFormat::Jsonl } = command;
    let inputs = match sources.sites() {
        Ok(sites) => Sources::inputs_of(&sites),
        Err(error) => return console.trouble(&error),
    };
    let mut written = 0_u64;
    let mut out = BufWriter::new(&mut *console.out);
    let result = crate::records(&inputs, &sources.options(), &mut |row| {
        written += 1;
        serde_json::to_writer(&mut out, row)?;
        out.write_all(b"\n")
    });
    let result = result.and_then(|inputs| out.flush().map(|()| inputs));
    drop(out);
    let inputs = match result {
        Ok(inputs) => inputs,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Exit::Success,
        Err(error) => return console.trouble(&format!("standard output is not written: {error}")),
    };
    console.complain_of_inputs(&inputs);
    for input in &inputs {
        for note in &input.notes {
            console.remark(manner, &format!("{}: {note}", input.path));
        }
    }
    let exit = Exit::of_inputs(&inputs, written > 0);
    if exit == Exit::NothingJudged {
        console.remark(manner, "the inputs hold no record of a log");
    }
    exit
}
