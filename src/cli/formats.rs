//! `egress-audit formats`: every input format that is read, and how it is recognised.

use std::io;

use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::{Console, Manner};
use crate::render::formats;

/// Arguments of `formats`.
#[derive(Args, Clone, Debug)]
pub struct FormatsCommand {
    /// Tell which format a file is taken for, and why, line by line; repeatable
    #[arg(long, value_name = "FILE")]
    explain_detection: Vec<String>,
    /// Format on standard output
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: FormatsFormat,
}

/// Formats of the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum FormatsFormat {
    /// For people
    Terminal,
    /// An array of objects
    Json,
}

/// Runs the command. A file that is nothing that is read makes the exit code 2.
pub(super) fn run(command: &FormatsCommand, manner: &Manner, console: &mut Console<'_>) -> Exit {
    let options = console.terminal_options(manner);
    let mut exit = Exit::Success;
    let mut write = || -> io::Result<()> {
        let out = &mut *console.out;
        if command.explain_detection.is_empty() {
            let rows = crate::formats();
            return match command.format {
                FormatsFormat::Terminal => formats::render_list(&rows, options, out),
                FormatsFormat::Json => {
                    serde_json::to_writer_pretty(&mut *out, &rows)?;
                    out.write_all(b"\n")
                }
            };
        }
        for path in &command.explain_detection {
            let report = crate::explain_detection(path);
            if !report.is_read {
                exit = Exit::Trouble;
            }
            match command.format {
                FormatsFormat::Terminal => formats::render_detection(&report, options, out)?,
                FormatsFormat::Json => {
                    serde_json::to_writer(&mut *out, &report)?;
                    out.write_all(b"\n")?;
                }
            }
        }
        Ok(())
    };
    match write() {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            console.trouble(&format!("standard output is not written: {error}"))
        }
        _ => exit,
    }
}
