//! Arguments that several commands share.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use jiff::tz::TimeZone;

use super::catalog::CatalogFilter;
use crate::Options;
use crate::catalog::{Catalog, CatalogError, Profile};
use crate::logs::read::LogOptions;
use crate::logs::stamp::TimeRules;
use crate::logs::{registry, value};
use crate::render::escape;
use crate::service_tags::ServiceTags;
use crate::trust::TrustStore;

/// The largest file of roots, in bytes; all public roots together are a quarter of a megabyte.
const MAX_ROOTS: u64 = 4 << 20;

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
        Ok(crate::Requirement { catalog, profile, service_tags: None, trust: TrustStore::public() })
    }
}

/// Where the addresses of the catalog's service tags are.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Tags {
    /// Judge what must be let in, by the addresses in this file: the JSON that Microsoft publishes
    /// as "Azure IP Ranges and Service Tags"
    #[arg(long, value_name = "FILE")]
    pub(super) service_tags: Option<PathBuf>,
}

impl Tags {
    /// Loads the file, where one is given.
    ///
    /// # Errors
    ///
    /// The file cannot be used; the message says which and why.
    pub(super) fn load(&self) -> Result<Option<ServiceTags>, String> {
        let Some(path) = &self.service_tags else { return Ok(None) };
        ServiceTags::load(path).map(Some).map_err(|error| {
            format!("--service-tags {}: {error}", escape::terminal(&path.to_string_lossy()))
        })
    }
}

/// Whose certificates are taken for those of the services.
#[derive(Args, Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Trust {
    /// Trust the certificates of this PEM file as roots, beside the public ones (repeatable)
    #[arg(long = "trust-root", value_name = "FILE")]
    pub(super) roots: Vec<PathBuf>,
}

impl Trust {
    /// Loads the roots.
    ///
    /// # Errors
    ///
    /// A file cannot be used; the message says which and why.
    pub(super) fn load(&self) -> Result<TrustStore, String> {
        let mut store = TrustStore::public();
        for path in &self.roots {
            let complaint = |why: &dyn std::fmt::Display| {
                format!("--trust-root {}: {why}", escape::terminal(&path.to_string_lossy()))
            };
            let size = std::fs::metadata(path).map_err(|error| complaint(&error))?.len();
            if size > MAX_ROOTS {
                return Err(complaint(&format!("is larger than {MAX_ROOTS} bytes")));
            }
            let text = std::fs::read(path).map_err(|error| complaint(&error))?;
            store.add_pem(&text).map_err(|error| complaint(&error))?;
        }
        Ok(store)
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
    /// The format of every log, instead of finding it; `egress-audit formats` lists them
    #[arg(long, value_name = "FORMAT", value_parser = known_format, display_order = 801)]
    pub input_format: Option<String>,
    /// The zone of log times that state none: a name such as Europe/Berlin, or UTC, or +02:00
    #[arg(long = "log-tz", value_name = "ZONE", value_parser = zone, display_order = 802)]
    pub log_zone: Option<TimeZone>,
    /// The year of log times that state none
    #[arg(long, value_name = "YEAR", display_order = 803,
          value_parser = clap::value_parser!(i16).range(1970..=2105))]
    pub year: Option<i16>,
}

/// Reads the word of a log format.
fn known_format(word: &str) -> Result<String, String> {
    match registry::find(word) {
        Some(_) => Ok(word.to_owned()),
        None => Err("no such format; `egress-audit formats` lists them".to_owned()),
    }
}

/// Reads a zone: a name of the time zone database, or a distance from UTC.
fn zone(text: &str) -> Result<TimeZone, String> {
    if let Some(seconds) = value::offset_seconds(text.as_bytes()) {
        let offset = jiff::tz::Offset::from_seconds(seconds);
        return offset.map(TimeZone::fixed).map_err(|error| error.to_string());
    }
    TimeZone::get(text).map_err(|_| {
        "no such zone; give a name of the time zone database such as Europe/Berlin, UTC, or a \
         distance such as +02:00"
            .to_owned()
    })
}

impl Sources {
    /// The options of the engine.
    #[must_use]
    pub fn options(&self) -> Options {
        let times = TimeRules { zone: self.log_zone.clone(), year: self.year };
        let only = self.input_format.as_deref().and_then(registry::find);
        Options { threads: self.threads, logs: LogOptions { times, only }, stop: None }
    }
}
