//! `egress-audit explain`: the whole story of one endpoint or name, in time order.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use super::arguments::{Tags, Trust};
use super::exit::Exit;
use super::listing::{Listing, Shown};
use super::output::Format;
use super::{Console, Manner};
use crate::render::{TerminalOptions, explain, json};
use crate::report::{ExplainReport, InputReport};

/// Arguments of `explain`.
#[derive(Args, Clone, Debug)]
pub struct ExplainCommand {
    /// A required endpoint by its id or pattern, a service tag, or a server name
    #[arg(value_name = "ENDPOINT|NAME")]
    target: String,
    #[command(flatten)]
    listing: Listing<ExplainFormat>,
    #[command(flatten)]
    tags: Tags,
    #[command(flatten)]
    trust: Trust,
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

impl Shown<ExplainFormat> for ExplainReport {
    fn inputs(&self) -> &[InputReport] {
        &self.inputs
    }

    fn render(
        &self,
        format: ExplainFormat,
        options: TerminalOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match format {
            ExplainFormat::Terminal => explain::render(self, options, out),
            ExplainFormat::Json => json::render_explain(self, out),
        }
    }

    fn nothing(&self) -> Option<&'static str> {
        self.events.is_empty().then_some("nothing in the inputs concerns it")
    }
}

/// Runs the command.
pub(super) fn run(command: &ExplainCommand, manner: &Manner, console: &mut Console<'_>) -> Exit {
    let service_tags = match command.tags.load() {
        Ok(tags) => tags,
        Err(error) => return console.trouble(&error),
    };
    let trust = match command.trust.load() {
        Ok(trust) => trust,
        Err(error) => return console.trouble(&error),
    };
    command.listing.run(manner, console, |sites, requirement, options, progress| {
        let requirement = crate::Requirement { service_tags, trust, ..requirement.clone() };
        crate::explain_sites(sites, &command.target, &requirement, options, progress)
    })
}
