//! What the commands have in common that judge nothing: they read, show, and end.

use std::io::{self, Write};

use clap::Args;

use super::arguments::{Requirement, Sources};
use super::exit::Exit;
use super::output::{Format, Outputs};
use super::{Console, Manner};
use crate::render::TerminalOptions;
use crate::report::InputReport;
use crate::{Error, Options, Progress, Site};

/// Arguments of a command that judges nothing.
#[derive(Args, Clone, Debug)]
pub(super) struct Listing<F: Format> {
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    requirement: Requirement,
    #[command(flatten)]
    outputs: Outputs<F>,
}

/// What such a command shows.
pub(super) trait Shown<F> {
    /// What was read.
    fn inputs(&self) -> &[InputReport];

    /// Writes it in one of the formats.
    ///
    /// # Errors
    /// Those of `out`.
    fn render(&self, format: F, options: TerminalOptions, out: &mut dyn Write) -> io::Result<()>;

    /// What the formats for machines have no place for.
    fn remark(&self) -> Option<String> {
        None
    }

    /// Why there is nothing to show; none when there is something.
    fn nothing(&self) -> Option<&'static str>;
}

impl<F: Format> Listing<F> {
    /// Reads with `read`, writes the result everywhere it is asked for, says what is wrong with it
    /// and finds the exit code.
    pub(super) fn run<R: Shown<F>>(
        &self,
        manner: &Manner,
        console: &mut Console<'_>,
        read: impl FnOnce(&[Site], &crate::Requirement, &Options, &dyn Progress) -> Result<R, Error>,
    ) -> Exit {
        let Self { sources, requirement, outputs } = self;
        let sites = match sources.sites() {
            Ok(sites) => sites,
            Err(error) => return console.trouble(&error),
        };
        if let Err(error) = outputs.check(&Sources::inputs_of(&sites)) {
            return console.trouble(&error);
        }
        let requirement = match requirement.load() {
            Ok(requirement) => requirement,
            Err(error) => return console.trouble(&error.to_string()),
        };
        let shown = console.with_progress(manner, |progress| {
            read(&sites, &requirement, &sources.options(), progress)
        });
        let shown = match shown {
            Ok(shown) => shown,
            Err(error) => return console.trouble(&error.to_string()),
        };
        let delivered = outputs
            .deliver(console, manner, |format, options, out| shown.render(format, options, out));
        console.complain_of_inputs(shown.inputs());
        if let Err(errors) = delivered {
            return console.all_trouble(&errors);
        }
        if let Some(remark) = shown.remark() {
            console.remark(manner, &remark);
        }
        let exit = Exit::of_inputs(shown.inputs(), shown.nothing().is_none());
        if let (Exit::NothingJudged, Some(reason)) = (exit, shown.nothing()) {
            console.remark(manner, reason);
        }
        exit
    }
}
