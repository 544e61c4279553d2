//! The calls from the command line into the library, all in one place.

use std::num::NonZeroUsize;

use super::arguments::Requirement;
use crate::report::{ExplainReport, NamesReport, Report};

/// How to run, beyond what to read and what to require.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Worker threads; as many as the machine has cores when not given.
    pub threads: Option<NonZeroUsize>,
}

/// Is told how far the reading has come. Calls come from any thread and should return at once.
pub trait Progress: Sync {
    /// So many more bytes are to be read; called for each input whose size is known.
    fn total(&self, bytes: u64);

    /// So many more bytes were read.
    fn advance(&self, bytes: u64);
}

/// Why a run cannot go on. What is wrong with one input stands in the report instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The part of the program that the command needs is not part of this build.
    #[error("this build of egress-audit has no engine for `{0}`")]
    NotBuilt(&'static str),
}

/// Judges every required endpoint by the inputs.
///
/// # Errors
/// When the catalog cannot be loaded or no input is there at all.
pub fn audit(
    _inputs: &[String],
    _requirement: &Requirement,
    _options: &Options,
    _progress: &dyn Progress,
) -> Result<Report, Error> {
    Err(Error::NotBuilt("audit"))
}

/// Lists every name that the inputs show.
///
/// # Errors
/// As [`audit`].
pub fn names(
    _inputs: &[String],
    _requirement: &Requirement,
    _options: &Options,
    _progress: &dyn Progress,
) -> Result<NamesReport, Error> {
    Err(Error::NotBuilt("names"))
}

/// Tells everything about one endpoint or name.
///
/// # Errors
/// As [`audit`].
pub fn explain(
    _inputs: &[String],
    _target: &str,
    _requirement: &Requirement,
    _options: &Options,
    _progress: &dyn Progress,
) -> Result<ExplainReport, Error> {
    Err(Error::NotBuilt("explain"))
}
