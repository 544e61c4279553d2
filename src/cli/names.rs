//! `egress-audit names`: every name seen, whether the catalog knows it or not.

use clap::{Args, ValueEnum};

use super::arguments::{Requirement, Sources};
use super::exit::Exit;
use super::output::{Format, Outputs};
use super::{Console, Manner};
use crate::render::names;

/// Arguments of `names`.
#[derive(Args, Clone, Debug)]
pub struct NamesCommand {
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    requirement: Requirement,
    #[command(flatten)]
    outputs: Outputs<NamesFormat>,
}

/// Formats of the names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum NamesFormat {
    /// For people
    Terminal,
    /// One row per source and name
    Csv,
    /// One object per line, source and name
    Jsonl,
}

impl Format for NamesFormat {
    const DEFAULT: Self = Self::Terminal;
    const EXTENSIONS: &'static [(&'static str, Self)] =
        &[("csv", Self::Csv), ("jsonl", Self::Jsonl), ("txt", Self::Terminal)];
}

/// Runs the command.
pub(super) fn run(command: &NamesCommand, manner: &Manner, console: &mut Console<'_>) -> Exit {
    let NamesCommand { sources, requirement, outputs } = command;
    if let Err(error) = outputs.check(&sources.inputs) {
        return console.trouble(&error);
    }
    let requirement = match requirement.load() {
        Ok(requirement) => requirement,
        Err(error) => return console.trouble(&error.to_string()),
    };
    let report = console.with_progress(manner, |progress| {
        crate::names(&sources.inputs, &requirement, &sources.options(), progress)
    });
    let report = match report {
        Ok(report) => report,
        Err(error) => return console.trouble(&error.to_string()),
    };
    let delivered = outputs.deliver(console, manner, |format, options, out| match format {
        NamesFormat::Terminal => names::render_terminal(&report, options, out),
        NamesFormat::Csv => names::render_csv(&report, out),
        NamesFormat::Jsonl => names::render_jsonl(&report, out),
    });
    console.complain_of_inputs(&report.inputs);
    if let Err(errors) = delivered {
        return console.all_trouble(&errors);
    }
    let exit = Exit::of_inputs(&report.inputs, !report.rows.is_empty());
    if exit == Exit::NothingJudged {
        console.remark(manner, "the inputs show no name");
    }
    exit
}
