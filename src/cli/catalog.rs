//! `egress-audit catalog`: which endpoints are required, and is a list of one's own good?

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use serde::Serialize;

use super::catalog_export::ExportCommand;
use crate::catalog::import::{self, ImportError};
use crate::catalog::{
    Catalog, CatalogDiff, CatalogError, CatalogView, Cloud, Clouds, EditionView, Profile,
    Provenance, Scenario, Scenarios, Word,
};
use crate::render::catalog_diff;

/// The width of a table where there is no terminal to ask.
const WIDTH_WITHOUT_TERMINAL: u16 = 120;
/// The least width at which endpoints are shown as a table: their ids need up to half of it.
const WIDTH_OF_TABLE: u16 = 110;
/// The least and the greatest width of a table: below, it would be unreadable, above, its columns
/// would stand too far apart.
const WIDTHS: std::ops::RangeInclusive<u16> = 60..=160;

/// Show and check lists of required endpoints
#[derive(Subcommand, Clone, Debug)]
pub enum CatalogCommand {
    /// List the built-in catalogs
    List {
        /// How to write it
        #[arg(long, value_enum, default_value_t)]
        format: CatalogFormat,
    },
    /// Show the endpoints of a catalog: all of them, or those of some clouds and scenarios
    Show {
        /// A built-in catalog by its name and edition, or a file
        #[arg(value_name = "NAME[@EDITION]|FILE", default_value = Catalog::DEFAULT)]
        catalog: String,
        /// What to show
        #[command(flatten)]
        filter: CatalogFilter,
        /// How to write it
        #[arg(long, value_enum, default_value_t)]
        format: CatalogFormat,
    },
    /// Make a catalog of a list that somebody publishes: a page in Markdown, Microsoft 365's JSON, CSV, or
    /// one name a line
    Import {
        /// The file; its content tells what it is
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Tell what changed from one catalog to another
    Diff {
        /// The first
        #[arg(value_name = "A")]
        from: String,
        /// The second
        #[arg(value_name = "B")]
        to: String,
        /// How to write it
        #[arg(long, value_enum, default_value_t)]
        format: CatalogFormat,
    },
    /// Write what a device needs to let the endpoints pass, in its own syntax
    Export(ExportCommand),
    /// Check whether a file is a good catalog
    Check {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Which part of a catalog to show; everything where nothing is asked for.
#[derive(Args, Clone, Default, Debug)]
pub struct CatalogFilter {
    /// Only endpoints of these clouds
    #[arg(long = "cloud", value_name = "CLOUD", value_delimiter = ',', value_parser = words::<Cloud>())]
    pub clouds: Vec<Cloud>,
    /// Only endpoints of these scenarios
    #[arg(long = "scenario", value_name = "SCENARIO", value_delimiter = ',', value_parser = words::<Scenario>())]
    pub scenarios: Vec<Scenario>,
}

/// How a catalog is written.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum CatalogFormat {
    /// A table for people
    #[default]
    Terminal,
    /// JSON for programs
    Json,
}

/// Why a command did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CatalogCommandError {
    /// There is no such catalog, or it is not good: usage, exit code 2.
    #[error(transparent)]
    Catalog(#[from] ImportError),
    /// A built-in catalog is not good.
    #[error(transparent)]
    BuiltIn(#[from] CatalogError),
    /// A report cannot be used; the message says which and why.
    #[error("{0}")]
    Report(String),
    /// The output could not be written. A broken pipe is no error of ours.
    #[error("cannot write the output: {0}")]
    Write(#[from] io::Error),
}

/// `catalog list --format json`
#[derive(Serialize)]
struct ListDocument {
    schema: &'static str,
    catalogs: Vec<EditionView>,
}

/// `catalog diff --format json`
#[derive(Serialize)]
struct DiffDocument {
    schema: &'static str,
    #[serde(flatten)]
    diff: CatalogDiff,
}

/// `catalog show --format json`
#[derive(Serialize)]
struct ShowDocument<'c> {
    schema: &'static str,
    #[serde(flatten)]
    catalog: CatalogView<'c>,
}

/// Does what `command` says and writes the result to `out`.
///
/// # Errors
///
/// The catalog is not good, or `out` cannot be written to.
pub fn run(command: &CatalogCommand, out: &mut dyn Write) -> Result<(), CatalogCommandError> {
    match command {
        CatalogCommand::List { format } => list(*format, out),
        CatalogCommand::Show { catalog, filter, format } => {
            let catalog = Catalog::resolve(catalog)?;
            let view = catalog.view(&catalog.select(&filter.profile()));
            match format {
                CatalogFormat::Terminal => show(&view, &catalog, out),
                CatalogFormat::Json => {
                    json(&ShowDocument { schema: "egress-audit/catalog/1", catalog: view }, out)
                }
            }
        }
        CatalogCommand::Check { file } => {
            check(&Catalog::from_path(file).map_err(ImportError::from)?, out)
        }
        CatalogCommand::Import { file } => import_file(file, out),
        CatalogCommand::Diff { from, to, format } => {
            let diff = CatalogDiff::of(&Catalog::resolve(from)?, &Catalog::resolve(to)?);
            match format {
                CatalogFormat::Terminal => Ok(catalog_diff::render(&diff, out)?),
                CatalogFormat::Json => {
                    json(&DiffDocument { schema: "egress-audit/catalog-diff/1", diff }, out)
                }
            }
        }
        CatalogCommand::Export(command) => command.run(out),
    }
}

impl CatalogFilter {
    /// The profile that was asked for; every cloud and scenario where none was.
    #[must_use]
    pub fn profile(&self) -> Profile {
        let mut profile = Profile::everything();
        if !self.clouds.is_empty() {
            profile.clouds = self.clouds.iter().copied().collect::<Clouds>();
        }
        if !self.scenarios.is_empty() {
            profile.scenarios = self.scenarios.iter().copied().collect::<Scenarios>();
        }
        profile
    }
}

/// Reads a word of a vocabulary from the command line, with its words in help and complaints.
pub(super) fn words<W>() -> impl TypedValueParser<Value = W>
where
    W: Word + std::str::FromStr + Send + Sync,
    W::Err: std::error::Error + Send + Sync + 'static,
{
    PossibleValuesParser::new(W::ALL.iter().map(|word| word.as_str()))
        .try_map(|text| text.parse::<W>())
}

fn list(format: CatalogFormat, out: &mut dyn Write) -> Result<(), CatalogCommandError> {
    let catalogs = Catalog::builtins().map(|b| b.view()).collect::<Result<Vec<_>, _>>()?;
    if format == CatalogFormat::Json {
        return json(&ListDocument { schema: "egress-audit/catalogs/1", catalogs }, out);
    }
    let mut table = table(["CATALOG", "ENDPOINTS", "BY DEFAULT", "SERVICE"], width());
    for edition in &catalogs {
        table.add_row([
            format!("{}@{}", edition.name, edition.edition),
            edition.endpoints.to_string(),
            edition.endpoints_in_default_profile.to_string(),
            edition.title.clone().unwrap_or_default(),
        ]);
    }
    write_table(&table, out)?;
    writeln!(out)?;
    for edition in catalogs.iter().filter(|edition| edition.default) {
        writeln!(
            out,
            "{} alone means {0}@{}. BY DEFAULT counts the public cloud, every scenario.",
            edition.name, edition.edition
        )?;
    }
    Ok(())
}

fn show(
    view: &CatalogView<'_>,
    catalog: &Catalog,
    out: &mut dyn Write,
) -> Result<(), CatalogCommandError> {
    let all = catalog.endpoints().len();
    write!(out, "{}@{}", view.name, view.edition)?;
    if let Some(title) = view.title {
        write!(out, ", {title}")?;
    }
    match view.endpoints.len() {
        shown if shown == all => writeln!(out, ": {}", endpoints(all))?,
        shown => writeln!(out, ": {shown} of {}", endpoints(all))?,
    }
    writeln!(out, "clouds: {} · scenarios: {}", view.clouds, view.scenarios)?;
    if let Some(source) = view.source {
        writeln!(out, "source: {source}")?;
    }
    for note in catalog.notes() {
        writeln!(out, "see also: {note}")?;
    }
    if let Some(provenance) = catalog.provenance() {
        let Provenance { file, sha256, rows, ignored, .. } = provenance;
        let rows = rows.map(|rows| format!(", {rows} names")).unwrap_or_default();
        writeln!(out, "imported from {file}{rows}, sha256 {sha256}")?;
        for remark in ignored {
            writeln!(out, "  {remark}")?;
        }
    }
    if let Some(newer) = view.newer_edition {
        writeln!(out, "a newer edition is built in: {}@{newer}", view.name)?;
    }
    writeln!(out)?;
    write_endpoints(view, width(), out)?;
    if !view.inbound.is_empty() {
        writeln!(out, "\nInbound, by Azure service tag (addresses, not counted above)")?;
        for inbound in &view.inbound {
            let purpose = inbound.occurrence.purpose.unwrap_or_default();
            writeln!(out, "  {}  {purpose}", inbound.service_tag)?;
        }
    }
    if !view.alternatives.is_empty() {
        writeln!(out, "\nEither-or")?;
        for alternative in &view.alternatives {
            let purpose = alternative.occurrence.purpose.unwrap_or("may be replaced");
            writeln!(out, "  {}\n    {purpose}", alternative.endpoint)?;
            if !alternative.patterns.is_empty() {
                writeln!(out, "    {}", alternative.patterns.join(", "))?;
            }
            if let Some(source) = alternative.source {
                writeln!(out, "    {source}")?;
            }
        }
    }
    Ok(())
}

/// A table where there is room for it, else each endpoint on a line with its details below, so
/// that its id stays in one piece.
fn write_endpoints(view: &CatalogView<'_>, width: u16, out: &mut dyn Write) -> io::Result<()> {
    if width < WIDTH_OF_TABLE {
        for endpoint in &view.endpoints {
            writeln!(out, "{}", endpoint.id)?;
            let (clouds, scenarios) = (endpoint.clouds.or_all(), endpoint.scenarios.or_all());
            writeln!(out, "    clouds: {clouds} · scenarios: {scenarios}")?;
            for purpose in &endpoint.uses {
                writeln!(out, "    {purpose}")?;
            }
        }
        return Ok(());
    }
    let mut rows = table(["ENDPOINT", "CLOUDS", "SCENARIOS", "USES"], width);
    for endpoint in &view.endpoints {
        rows.add_row([
            endpoint.id.to_owned(),
            endpoint.clouds.or_all(),
            endpoint.scenarios.or_all(),
            endpoint.uses.join("; "),
        ]);
    }
    if let Some(column) = rows.column_mut(0) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    write_table(&rows, out)
}

fn check(catalog: &Catalog, out: &mut dyn Write) -> Result<(), CatalogCommandError> {
    for warning in catalog.warnings() {
        writeln!(out, "warning: {warning}")?;
    }
    let (name, edition) = (catalog.name(), catalog.edition());
    let by_default = catalog.select(&Profile::default()).len();
    writeln!(
        out,
        "{name}@{edition}: good, {}, {by_default} of them in the default profile",
        endpoints(catalog.endpoints().len())
    )?;
    writeln!(out, "sha256 {}", catalog.sha256())?;
    Ok(())
}

/// Writes the catalog that a list becomes.
fn import_file(file: &Path, out: &mut dyn Write) -> Result<(), CatalogCommandError> {
    let path = file.to_string_lossy();
    let imported = import::import(&path, &import::read(file)?)?;
    out.write_all(imported.text.as_bytes())?;
    Ok(())
}

fn endpoints(count: usize) -> String {
    if count == 1 { "1 endpoint".to_owned() } else { format!("{count} endpoints") }
}

fn json(document: &impl Serialize, out: &mut dyn Write) -> Result<(), CatalogCommandError> {
    serde_json::to_writer_pretty(&mut *out, document).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

fn table<const N: usize>(header: [&str; N], width: u16) -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(header);
    table
}

/// The width to write for: the terminal's, in reason.
fn width() -> u16 {
    let width = terminal_size::terminal_size().map_or(WIDTH_WITHOUT_TERMINAL, |(width, _)| width.0);
    width.clamp(*WIDTHS.start(), *WIDTHS.end())
}

/// Writes the table without the blanks at the ends of its lines.
fn write_table(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: CatalogCommand,
    }

    fn output(arguments: &[&str]) -> Result<String, String> {
        let line = Line::try_parse_from([&["catalog"], arguments].concat());
        let command = line.map_err(|error| error.to_string())?.command;
        let mut out = Vec::new();
        run(&command, &mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).unwrap())
    }

    fn shown(arguments: &[&str]) -> serde_json::Value {
        let text = output(&[&["show", "--format", "json"], arguments].concat()).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory as _;
        Line::command().debug_assert();
    }

    #[test]
    fn show_lists_every_endpoint_of_all_clouds_and_scenarios() {
        let count = |arguments: &[&str]| shown(arguments)["endpoints"].as_array().unwrap().len();
        assert_eq!(count(&[]), 55);
        assert_eq!(count(&["power-automate@2026-05-13"]), 76);
        assert_eq!(count(&["--cloud", "china", "--scenario", "mobile"]), 2);
        let some = shown(&["--cloud", "gcc,public", "--cloud", "dod"]);
        assert_eq!(some["clouds"], serde_json::json!(["public", "gcc", "dod"]));
        assert_eq!(some["schema"], "egress-audit/catalog/1");
    }

    #[test]
    fn the_table_names_every_endpoint_whole() {
        let text = output(&["show"]).unwrap();
        assert!(
            text.starts_with("power-automate@2023-04-17, Microsoft Power Automate: 55 endpoints\n")
        );
        assert!(text.contains("a newer edition is built in: power-automate@2026-05-13"));
        assert!(text.contains("https:*.flow.microsoft.com "), "{text}");
        assert!(text.contains("AzureConnectors"));
        assert!(text.lines().all(|line| line.trim_end() == line));
    }

    #[test]
    fn a_narrow_terminal_gets_whole_ids_and_short_lines() {
        let catalog = Catalog::builtin("power-automate@2026-05-13").unwrap();
        let view = catalog.view(&catalog.select(&Profile::everything()));
        let mut out = Vec::new();
        write_endpoints(&view, 80, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().filter(|line| line.starts_with("http")).count(), 76);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn list_tells_the_editions_and_the_default() {
        let text = output(&["list"]).unwrap();
        assert!(text.contains("power-automate@2026-05-13"), "{text}");
        assert!(text.contains("power-automate alone means power-automate@2023-04-17"), "{text}");
        let json: serde_json::Value =
            serde_json::from_str(&output(&["list", "--format", "json"]).unwrap()).unwrap();
        assert_eq!(json["catalogs"][0]["endpoints"], 55);
        assert_eq!(json["catalogs"][1]["endpoints"], 76);
    }

    #[test]
    fn check_tells_what_is_wrong_or_odd() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.toml");
        let path_text = path.to_str().unwrap();
        let head = "[catalog]\nname = \"own\"\nedition = \"1\"\n[[endpoint]]\n";
        std::fs::write(&path, format!("{head}pattern = \"*.com\"\nprotocol = \"https\"\n"))
            .unwrap();
        let text = output(&["check", path_text]).unwrap();
        assert!(text.starts_with("warning: 5:11: *.com"), "{text}");
        assert!(text.contains("own@1: good, 1 endpoint, 1 of them"), "{text}");
        std::fs::write(&path, format!("{head}pattern = \"*\"\nprotocol = \"https\"\n")).unwrap();
        let text = output(&["check", path_text]).unwrap_err();
        assert!(text.contains("own.toml:5:11: "), "{text}");
        assert!(output(&["show", path_text]).is_err());
    }

    #[test]
    fn unknown_words_are_answered_with_those_there_are() {
        let text = output(&["show", "--cloud", "moon"]).unwrap_err();
        assert!(text.contains("gcc-high"), "{text}");
        assert!(output(&["show", "nosuch"]).unwrap_err().contains("built in are"));
    }
}
