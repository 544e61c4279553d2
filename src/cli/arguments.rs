//! Arguments that several commands share.

use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};

use super::catalog::CatalogFilter;
use crate::Options;
use crate::catalog::{Catalog, CatalogError, Profile};

/// How the program speaks; valid for every command.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Manner {
    /// When to use colours; NO_COLOR is respected
    #[arg(long, global = true, display_order = 900, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Show no progress bar and no remarks, only errors
    #[arg(long, short, global = true, display_order = 901)]
    pub quiet: bool,
    /// Show all evidence and every input
    #[arg(long, short, global = true, display_order = 902)]
    pub verbose: bool,
}

/// When to use colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb
    #[default]
    Auto,
    /// Also into pipes
    Always,
    /// Not at all
    Never,
}

/// What is required.
#[derive(Args, Clone, Debug, Default)]
pub struct Requirement {
    /// Catalog of required endpoints: one that is built in, or a file
    #[arg(long, value_name = "NAME[@EDITION]|FILE")]
    pub catalog: Option<String>,
    /// The clouds and scenarios that apply [default: cloud public, every scenario]
    #[command(flatten)]
    pub profile: CatalogFilter,
}

impl Requirement {
    /// Loads the catalog.
    ///
    /// # Errors
    ///
    /// The catalog cannot be used; the message says why.
    pub fn load(&self) -> Result<crate::Requirement, CatalogError> {
        let catalog = Catalog::resolve(self.catalog.as_deref().unwrap_or(Catalog::DEFAULT))?;
        let mut profile = Profile::default();
        if !self.profile.clouds.is_empty() {
            profile.clouds = self.profile.clouds.iter().copied().collect();
        }
        if !self.profile.scenarios.is_empty() {
            profile.scenarios = self.profile.scenarios.iter().copied().collect();
        }
        Ok(crate::Requirement { catalog, profile })
    }
}

/// What to read, and with how many hands.
#[derive(Args, Clone, PartialEq, Eq, Debug)]
pub struct Sources {
    /// Files, directories or globs, `-` for standard input; the content decides the format
    #[arg(value_name = "INPUT", required = true)]
    pub inputs: Vec<String>,
    /// Worker threads [default: as many as the machine has cores]
    #[arg(long, value_name = "N", display_order = 800)]
    pub threads: Option<NonZeroUsize>,
}

impl Sources {
    /// The options of the engine.
    #[must_use]
    pub const fn options(&self) -> Options {
        Options { threads: self.threads }
    }
}
