//! A catalog in the making, and its file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::ImportError;
use crate::catalog::{Catalog, Clouds, Protocol, Scenarios, Word};

/// The most remarks that the file repeats.
const MAX_REMARKS: usize = 200;
/// The longest text that is kept of a use, in bytes.
const MAX_USE: usize = 300;

/// A list that became a catalog.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The catalog's file.
    pub text: String,
    /// The same, read.
    pub catalog: Catalog,
    /// What was ignored or changed, and why, with lines.
    pub remarks: Vec<String>,
}

/// What is known of a list so far.
pub(super) struct Draft {
    path: String,
    sha256: String,
    pub(super) name: Option<String>,
    pub(super) title: Option<String>,
    pub(super) date: Option<String>,
    pub(super) source: Option<String>,
    pub(super) sections: Vec<Section>,
    rows: Vec<Row>,
    pub(super) inbound: Vec<(String, Option<usize>)>,
    pub(super) alternatives: Vec<Alternative>,
    pub(super) notes: Vec<String>,
    remarks: Vec<String>,
}

/// A part of the document.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) clouds: Option<Clouds>,
    pub(super) scenarios: Option<Scenarios>,
}

/// One name in one row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) pattern: String,
    pub(super) protocol: Protocol,
    pub(super) section: Option<usize>,
    pub(super) purpose: Option<String>,
    /// Where the row says otherwise than its section.
    pub(super) clouds: Option<Clouds>,
    pub(super) scenarios: Option<Scenarios>,
}

/// What may be allowed in place of a pattern.
#[derive(Clone, Debug)]
pub(super) struct Alternative {
    pub(super) pattern: String,
    pub(super) section: Option<usize>,
    pub(super) source: Option<String>,
}

impl Draft {
    pub(super) fn new(path: &str, sha256: &str) -> Self {
        Self {
            path: path.to_owned(),
            sha256: sha256.to_owned(),
            name: None,
            title: None,
            date: None,
            source: None,
            sections: Vec::new(),
            rows: Vec::new(),
            inbound: Vec::new(),
            alternatives: Vec::new(),
            notes: Vec::new(),
            remarks: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(super) fn remark(&mut self, line: usize, text: &str) {
        self.remarks.push(format!("line {line}: {text}"));
    }

    /// The file and the catalog.
    pub(super) fn finish(self) -> Result<Imported, ImportError> {
        if self.rows.is_empty() {
            return Err(ImportError::Nothing { path: self.path, remarks: self.remarks });
        }
        let text = self.toml();
        let catalog = Catalog::parse(&self.path, &text)?;
        Ok(Imported { text, catalog, remarks: self.remarks })
    }

    fn toml(&self) -> String {
        let mut text = String::new();
        let stem = self.path.rsplit(['/', '\\']).next().unwrap_or_default();
        let stem = stem.split('.').next().unwrap_or_default();
        let name = word(self.name.as_deref().unwrap_or(stem));
        let edition = word(self.date.as_deref().unwrap_or("undated"));
        let _ =
            writeln!(text, "[catalog]\nname = {}\nedition = {}", string(&name), string(&edition));
        for (key, value) in [("title", &self.title), ("source", &self.source)] {
            if let Some(value) = value {
                let _ = writeln!(text, "{key} = {}", string(value));
            }
        }
        if !self.notes.is_empty() {
            let notes: Vec<String> = self.notes.iter().map(|note| string(note)).collect();
            let _ = writeln!(text, "notes = [\n    {},\n]", notes.join(",\n    "));
        }
        let file = self.path.rsplit(['/', '\\']).next().unwrap_or_default();
        let _ =
            write!(text, "\n[provenance]\nfile = {}\nsha256 = \"{}\"\n", string(file), self.sha256);
        if let Some(date) = &self.date {
            let _ = writeln!(text, "date = {}", string(date));
        }
        let _ = writeln!(text, "rows = {}", self.rows.len());
        if !self.remarks.is_empty() {
            let shown = self.remarks.iter().take(MAX_REMARKS).map(|remark| string(remark));
            let shown: Vec<String> = shown.collect();
            let _ = writeln!(text, "ignored = [\n    {},\n]", shown.join(",\n    "));
        }
        for section in &self.sections {
            let _ = write!(
                text,
                "\n[[section]]\nid = {}\ntitle = {}\n",
                string(&section.id),
                string(&section.title)
            );
            if let Some(scenarios) = section.scenarios {
                let _ = writeln!(text, "scenarios = {}", words(scenarios.iter()));
            }
            if let Some(clouds) = section.clouds {
                let _ = writeln!(text, "clouds = {}", words(clouds.iter()));
            }
        }
        self.endpoints(&mut text);
        for alternative in &self.alternatives {
            let id = format!("https:{}", alternative.pattern);
            let _ = write!(text, "\n[[alternative]]\nendpoint = {}\n", string(&id));
            if let Some(section) = self.section(alternative.section) {
                let _ = writeln!(text, "section = {}", string(section));
            }
            if let Some(source) = &alternative.source {
                let _ = writeln!(text, "source = {}", string(source));
            }
        }
        for (tag, section) in &self.inbound {
            let _ = write!(text, "\n[[inbound]]\nservice-tag = {}\n", string(tag));
            if let Some(section) = self.section(*section) {
                let _ = writeln!(text, "section = {}", string(section));
            }
        }
        text
    }

    /// One table for each pattern and protocol, in the order in which they first stand in the list.
    fn endpoints(&self, text: &mut String) {
        let mut order: Vec<(&str, Protocol)> = Vec::new();
        let mut rows: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
        for row in &self.rows {
            let group = rows.entry((&row.pattern, row.protocol.as_str())).or_default();
            if group.is_empty() {
                order.push((&row.pattern, row.protocol));
            }
            group.push(row);
        }
        for (pattern, protocol) in order {
            let Some(rows) = rows.get(&(pattern, protocol.as_str())) else { continue };
            let _ = write!(
                text,
                "\n[[endpoint]]\npattern = {}\nprotocol = \"{}\"\n",
                string(pattern),
                protocol.as_str()
            );
            let occurrences: Vec<String> = rows
                .iter()
                .map(|row| self.occurrence(row))
                .filter(|fields| !fields.is_empty())
                .map(|fields| format!("    {{ {} }}", fields.join(", ")))
                .collect();
            if !occurrences.is_empty() {
                let _ = writeln!(text, "occurrences = [\n{},\n]", occurrences.join(",\n"));
            }
        }
    }

    fn occurrence(&self, row: &Row) -> Vec<String> {
        let mut fields = Vec::new();
        if let Some(section) = self.section(row.section) {
            fields.push(format!("section = {}", string(section)));
        }
        if let Some(purpose) = &row.purpose {
            fields.push(format!("use = {}", string(&shortened(purpose))));
        }
        if let Some(clouds) = row.clouds {
            fields.push(format!("clouds = {}", words(clouds.iter())));
        }
        if let Some(scenarios) = row.scenarios {
            fields.push(format!("scenarios = {}", words(scenarios.iter())));
        }
        fields
    }

    fn section(&self, index: Option<usize>) -> Option<&str> {
        self.sections.get(index?).map(|section| section.id.as_str())
    }
}

/// A TOML string without what acts on a terminal.
fn string(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !crate::render::escape::is_unsafe(*c)).collect();
    toml::Value::String(plain).to_string()
}

fn words<W: Word>(words: impl Iterator<Item = W>) -> String {
    let words: Vec<String> = words.map(|word| format!("\"{}\"", word.as_str())).collect();
    format!("[{}]", words.join(", "))
}

/// A text as a catalog's name or edition may be.
fn word(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' })
        .take(100)
        .collect();
    if kept.is_empty() { "list".to_owned() } else { kept.to_ascii_lowercase() }
}

fn shortened(text: &str) -> String {
    let mut end = text.len().min(MAX_USE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}
