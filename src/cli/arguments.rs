//! Arguments that several commands share.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use jiff::tz::TimeZone;

use super::catalog::CatalogFilter;
use crate::catalog::import::ImportError;
use crate::catalog::{Catalog, Profile};
use crate::logs::read::LogOptions;
use crate::logs::stamp::TimeRules;
use crate::logs::{registry, value};
use crate::render::escape;
use crate::service_tags::ServiceTags;
use crate::trust::TrustStore;
use crate::{Options, Site};

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
    /// Catalog of required endpoints: one that is built in (EDITION may be `latest`), or a file: a
    /// catalog's own, or a list that `catalog import` reads (repeatable)
    #[arg(long, value_name = "NAME[@EDITION]|FILE")]
    pub catalog: Vec<String>,
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
    pub fn load(&self) -> Result<crate::Requirement, ImportError> {
        let catalogs = self
            .catalog
            .iter()
            .map(|spec| Catalog::resolve(spec))
            .collect::<Result<Vec<_>, _>>()?;
        let catalog = match Catalog::union(&catalogs) {
            Some(catalog) => catalog,
            None => Catalog::resolve(Catalog::DEFAULT)?,
        };
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
    #[arg(value_name = "INPUT", required_unless_present_any = ["site", "sites"],
          conflicts_with_all = ["site", "sites"])]
    pub inputs: Vec<String>,
    /// A site and what to read of it; the same private address is another host at another site
    /// (repeatable)
    #[arg(long, value_name = "NAME=PATH", value_parser = named_path, display_order = 700)]
    pub site: Vec<(String, String)>,
    /// A folder in which each entry is a site with its name
    #[arg(long, value_name = "DIR", display_order = 701)]
    pub sites: Option<PathBuf>,
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

/// Reads `NAME=PATH`.
fn named_path(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.trim().is_empty() && !path.is_empty() => {
            Ok((name.trim().to_owned(), path.to_owned()))
        }
        _ => Err("a site is given as NAME=PATH".to_owned()),
    }
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
    /// The sites and what to read of each; inputs that are not told apart are one site.
    ///
    /// # Errors
    ///
    /// A folder of sites cannot be read or has none, or a path belongs to two sites; the message says which.
    pub fn sites(&self) -> Result<Vec<Site>, String> {
        let mut named = self.site.clone();
        if let Some(folder) = &self.sites {
            let found = entries(folder).map_err(|error| {
                format!("--sites {}: {error}", escape::terminal(&folder.to_string_lossy()))
            })?;
            named.extend(found);
        }
        if named.is_empty() {
            return Ok(vec![Site { name: None, inputs: self.inputs.clone() }]);
        }
        let mut sites: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, path) in named {
            let inputs = sites.entry(name).or_default();
            if !inputs.contains(&path) {
                inputs.push(path);
            }
        }
        if let Some((path, first, second)) = shared(&sites) {
            let [path, first, second] = [path, first, second].map(escape::terminal);
            return Err(format!(
                "{path} belongs to two sites, {first} and {second}: give each site what is its own"
            ));
        }
        let site = |(name, inputs)| Site { name: Some(name), inputs };
        Ok(sites.into_iter().map(site).collect())
    }

    /// What is to be read of all sites.
    #[must_use]
    pub fn inputs_of(sites: &[Site]) -> Vec<String> {
        sites.iter().flat_map(|site| site.inputs.iter().cloned()).collect()
    }

    /// The options of the engine.
    #[must_use]
    pub fn options(&self) -> Options {
        let times = TimeRules { zone: self.log_zone.clone(), year: self.year };
        let only = self.input_format.as_deref().and_then(registry::find);
        Options { threads: self.threads, logs: LogOptions { times, only }, stop: None }
    }
}

/// The entries of a folder of sites by name; hidden ones are none.
fn entries(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let mut sites = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            sites.push((name, entry.path().to_string_lossy().into_owned()));
        }
    }
    if sites.is_empty() {
        return Err("the folder is empty; each of its entries would be a site".to_owned());
    }
    Ok(sites)
}

/// A path that two sites share, or of which one has the other within it.
fn shared(sites: &BTreeMap<String, Vec<String>>) -> Option<(&str, &str, &str)> {
    let mut paths: Vec<(PathBuf, &str, &str)> = Vec::new();
    for (site, inputs) in sites {
        for input in inputs {
            let path = std::fs::canonicalize(input).unwrap_or_else(|_| PathBuf::from(input));
            let meets = |(known, other, _): &&(PathBuf, &str, &str)| {
                *other != site && (known.starts_with(&path) || path.starts_with(known))
            };
            if let Some((_, other, _)) = paths.iter().find(meets) {
                return Some((input, other, site));
            }
            paths.push((path, site, input));
        }
    }
    None
}
