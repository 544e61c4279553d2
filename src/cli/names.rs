//! `egress-audit names`: every name seen, whether the catalog knows it or not.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use super::arguments::Sources;
use super::exit::Exit;
use super::listing::{Listing, Shown};
use super::output::Format;
use super::{Console, Manner};
use crate::render::{TerminalOptions, names};
use crate::report::{InputReport, NamesReport};

/// Arguments of `names`.
#[derive(Args, Clone, Debug)]
pub struct NamesCommand {
    #[command(flatten)]
    listing: Listing<NamesFormat>,
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

impl Shown<NamesFormat> for NamesReport {
    fn inputs(&self) -> &[InputReport] {
        &self.inputs
    }

    fn render(
        &self,
        format: NamesFormat,
        options: TerminalOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match format {
            NamesFormat::Terminal => names::render_terminal(self, options, out),
            NamesFormat::Csv => names::render_csv(self, out),
            NamesFormat::Jsonl => names::render_jsonl(self, out),
        }
    }

    fn remark(&self) -> Option<String> {
        names::given_up(self)
    }

    fn nothing(&self) -> Option<&'static str> {
        self.rows.is_empty().then_some("the inputs show no name")
    }
}

/// Runs the command.
pub(super) fn run(command: &NamesCommand, manner: &Manner, console: &mut Console<'_>) -> Exit {
    command.listing.run(manner, console, |sites, requirement, options, progress| {
        crate::names(&Sources::inputs_of(sites), requirement, options, progress)
    })
}
