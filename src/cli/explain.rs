//! `egress-audit explain`: the whole story of one endpoint or name, in time order.

use clap::{Args, ValueEnum};

use super::arguments::{Requirement, Sources};
use super::exit::Exit;
use super::output::{Format, Outputs};
use super::{Console, Manner};
use crate::render::{explain, json};

/// Arguments of `explain`.
#[derive(Args, Clone, Debug)]
pub struct ExplainCommand {
    /// A required endpoint by its id or pattern, or a server name
    #[arg(value_name = "ENDPOINT|NAME")]
    target: String,
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    requirement: Requirement,
    #[command(flatten)]
    outputs: Outputs<ExplainFormat>,
}

/// Formats of the story.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ExplainFormat {
    /// For people
    Terminal,
    /// The whole story; the JSON Schema of the report describes it
    Json,
}

impl Format for ExplainFormat {
    const DEFAULT: Self = Self::Terminal;
    const EXTENSIONS: &'static [(&'static str, Self)] =
        &[("json", Self::Json), ("txt", Self::Terminal)];
}

/// Runs the command.
pub(super) fn run(command: &ExplainCommand, manner: &Manner, console: &mut Console<'_>) -> Exit {
    let ExplainCommand { target, sources, requirement, outputs } = command;
    if let Err(error) = outputs.check(&sources.inputs) {
        return console.trouble(&error);
    }
    let requirement = match requirement.load() {
        Ok(requirement) => requirement,
        Err(error) => return console.trouble(&error.to_string()),
    };
    let report = console.with_progress(manner, |progress| {
        crate::explain(&sources.inputs, target, &requirement, &sources.options(), progress)
    });
    let report = match report {
        Ok(report) => report,
        Err(error) => return console.trouble(&error.to_string()),
    };
    let delivered = outputs.deliver(console, manner, |format, options, out| match format {
        ExplainFormat::Terminal => explain::render(&report, options, out),
        ExplainFormat::Json => json::render_explain(&report, out),
    });
    console.complain_of_inputs(&report.inputs);
    if let Err(errors) = delivered {
        return console.all_trouble(&errors);
    }
    let exit = Exit::of_inputs(&report.inputs, !report.events.is_empty());
    if exit == Exit::NothingJudged {
        console.remark(manner, "nothing in the inputs concerns it");
    }
    exit
}
