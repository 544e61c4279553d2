//! `egress-audit catalog export`: what a device needs, in its own syntax.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::Value;

use super::catalog::{CatalogCommandError, CatalogFilter};
use crate::catalog::export::{Device, Entry, export};
use crate::catalog::{Catalog, Endpoint, Pattern, Profile};
use crate::render::escape;
use crate::report::Verdict;

/// The largest report that is read, in bytes.
const MAX_REPORT: u64 = 1 << 30;

/// Arguments of `catalog export`.
#[derive(Args, Clone, Debug)]
pub struct ExportCommand {
    /// A built-in catalog by its name and edition, or a file
    #[arg(value_name = "NAME[@EDITION]|FILE", default_value = Catalog::DEFAULT)]
    catalog: String,
    /// What to write for
    #[arg(long = "for", value_name = "DEVICE", value_parser = devices())]
    device: Device,
    /// The clouds and scenarios that apply [default: cloud public, every scenario]
    #[command(flatten)]
    filter: CatalogFilter,
    /// Only endpoints with these verdicts in the report of --from
    #[arg(long, value_name = "VERDICT", value_delimiter = ',', requires = "from", value_parser = verdicts())]
    only: Vec<Verdict>,
    /// A report of `audit` in JSON
    #[arg(long, value_name = "REPORT.json")]
    from: Option<PathBuf>,
    /// In place of each wildcard, the names that this report has seen of it
    #[arg(long, value_name = "REPORT.json")]
    narrow: Option<PathBuf>,
}

impl ExportCommand {
    /// Writes the entries to `out`, and what the device cannot express to standard error.
    ///
    /// # Errors
    ///
    /// The catalog or a report cannot be used, or `out` cannot be written to.
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), CatalogCommandError> {
        let catalog = Catalog::resolve(&self.catalog)?;
        let default = Profile::default();
        let mut profile = self.filter.profile();
        if self.filter.clouds.is_empty() {
            profile.clouds = default.clouds;
        }
        let from = self.from.as_deref().map(Seen::read).transpose()?;
        let narrow = self.narrow.as_deref().map(Seen::read).transpose()?;
        let selection = catalog.select(&profile);
        let mut entries = Vec::new();
        let mut remarks = Vec::new();
        for endpoint in selection.endpoints().iter().filter_map(|index| catalog.endpoint(*index)) {
            let is_wanted = from.as_ref().is_none_or(|from| {
                self.only.is_empty() || self.only.contains(&from.verdict(&endpoint.id))
            });
            if is_wanted {
                add(endpoint, narrow.as_ref(), &mut entries, &mut remarks);
            }
        }
        let title = format!("{}-{}", catalog.name(), catalog.edition());
        let exported = export(&entries, self.device, &title);
        out.write_all(exported.text.as_bytes())?;
        for remark in remarks {
            eprint_line(&remark);
        }
        for lint in exported.lints {
            eprint_line(&format!("{}: {}; {}", lint.pattern, lint.why, lint.instead));
        }
        Ok(())
    }
}

/// Adds an endpoint, or the names that were seen of a wildcard.
fn add(
    endpoint: &Endpoint,
    narrow: Option<&Seen>,
    entries: &mut Vec<Entry>,
    remarks: &mut Vec<String>,
) {
    let comment = endpoint.uses().join("; ");
    let protocol = endpoint.protocol;
    let whole = Entry { pattern: endpoint.pattern.clone(), protocol, comment: comment.clone() };
    let Some(narrow) = narrow.filter(|_| !endpoint.pattern.is_exact()) else {
        entries.push(whole);
        return;
    };
    let names = narrow.names.get(&endpoint.id);
    let seen: Vec<(&String, &u64)> = names.into_iter().flatten().collect();
    if seen.is_empty() {
        remarks.push(format!("{}: no name of it was seen, so it stays as it is", endpoint.id));
        entries.push(whole);
        return;
    }
    remarks.push(format!(
        "{}: narrowed to {} names that were seen; a name that was not will be blocked",
        endpoint.id,
        seen.len()
    ));
    for (name, count) in seen {
        if let Ok(pattern) = Pattern::parse(name) {
            let comment = format!("{comment} ({}, seen {count} times)", endpoint.pattern);
            entries.push(Entry { pattern, protocol, comment });
        }
    }
}

/// What a report says of endpoints.
#[derive(Default)]
struct Seen {
    verdicts: BTreeMap<String, Verdict>,
    /// Names with the number of attempts, by endpoint.
    names: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Seen {
    fn read(path: &Path) -> Result<Self, CatalogCommandError> {
        let label = escape::terminal(&path.to_string_lossy()).into_owned();
        let complaint = |why: String| CatalogCommandError::Report(format!("{label}: {why}"));
        let size = std::fs::metadata(path).map_err(|error| complaint(error.to_string()))?.len();
        if size > MAX_REPORT {
            return Err(complaint(format!("larger than {MAX_REPORT} bytes")));
        }
        let text = std::fs::read(path).map_err(|error| complaint(error.to_string()))?;
        let report: Value = serde_json::from_slice(&text)
            .map_err(|error| complaint(format!("no report of audit in JSON: {error}")))?;
        let Some(endpoints) = report.get("endpoints").and_then(Value::as_array) else {
            return Err(complaint("no report of audit in JSON: it has no endpoints".to_owned()));
        };
        let mut seen = Self::default();
        for endpoint in endpoints {
            let text = |key: &str| endpoint.get(key).and_then(Value::as_str).unwrap_or_default();
            let verdict = Verdict::ALL.iter().find(|verdict| verdict.as_str() == text("verdict"));
            if let Some(verdict) = verdict {
                seen.verdicts.insert(text("id").to_owned(), *verdict);
            }
            let names = endpoint.get("names").and_then(Value::as_array).into_iter().flatten();
            let of_endpoint = seen.names.entry(text("id").to_owned()).or_default();
            for name in names {
                let outcomes = name.get("outcomes").and_then(Value::as_array).into_iter().flatten();
                let count = outcomes.filter_map(|row| row.get("count")?.as_u64()).sum();
                if let Some(name) = name.get("name").and_then(Value::as_str) {
                    of_endpoint.insert(name.to_owned(), count);
                }
            }
        }
        Ok(seen)
    }

    /// The verdict on an endpoint; of one that the report does not know, it saw nothing.
    fn verdict(&self, id: &str) -> Verdict {
        self.verdicts.get(id).copied().unwrap_or(Verdict::NeverSeen)
    }
}

fn eprint_line(text: &str) {
    let _ = writeln!(std::io::stderr(), "egress-audit: {}", escape::terminal(text));
}

fn devices() -> impl TypedValueParser<Value = Device> {
    PossibleValuesParser::new(Device::ALL.iter().map(|(word, _)| *word)).map(|word| {
        let device = Device::ALL.iter().find(|(known, _)| *known == word);
        device.map_or(Device::Plain, |(_, device)| *device)
    })
}

fn verdicts() -> impl TypedValueParser<Value = Verdict> {
    let word = |verdict: Verdict| match verdict {
        Verdict::NeverSeen => "never-seen",
        other => other.as_str(),
    };
    PossibleValuesParser::new(Verdict::ALL.iter().map(|verdict| word(*verdict))).map(move |text| {
        let verdict = Verdict::ALL.iter().find(|verdict| word(**verdict) == text);
        verdict.copied().unwrap_or(Verdict::NeverSeen)
    })
}
