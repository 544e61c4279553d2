//! Which formats a log is of, by a fixed head of it, once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::directives::Directives;
use super::format::{Hints, Memory, Reading};
use super::framing::{Framing, Unit, units_of};
use super::reader::{Fate, LineReader};
use super::record::Record;
use super::registry::FORMATS;
use super::table::Table;

/// Units of the head that are looked at.
const UNITS: usize = 200;

/// What the head of a log tells.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Detection {
    /// What its units are.
    pub(crate) framing: Framing,
    /// Lines of the head that are of each format, by its number in the registry.
    pub formats: BTreeMap<usize, usize>,
    /// Lines of the head that are of no format.
    pub unknown: usize,
    /// Whether a line of the head announces columns.
    pub has_directives: bool,
    /// What it tells about all lines.
    pub(crate) hints: Hints,
    /// Its columns, where it is an export.
    pub(crate) table: Option<Arc<Table>>,
}

impl Detection {
    /// Looks at the first lines, all of which `head` holds but for the last.
    #[must_use]
    pub fn of(head: &[u8]) -> Self {
        let framing = Framing::of(head);
        let units = units_of(head);
        let is_whole = |unit: &Unit| unit.end < head.len() || units.len() == 1;
        let texts: Vec<&[u8]> = units
            .iter()
            .filter(|unit| is_whole(unit))
            .filter_map(|unit| {
                let text = super::trim_line(head.get(unit.start..unit.end)?);
                (!text.is_empty()).then_some(text)
            })
            .take(UNITS)
            .collect();
        let (plain, records) = Self::read(framing, &texts, None);
        let Some(table) = Table::find(texts.iter().copied()) else { return plain };
        let is_quoted = memchr::memchr(b'"', head).is_some();
        let framing = if is_quoted { Framing::Quoted } else { framing };
        let has_raw = table.has_raw();
        let (export, in_rows) = Self::read(framing, &texts, Some(Arc::new(table)));
        // A log whose own columns have titles is read by its format.
        let is_export = if has_raw { in_rows >= records } else { in_rows > records };
        if is_export && in_rows > 0 { export } else { plain }
    }

    /// What the first lines are, as rows of this table or without one, and how many records they have.
    fn read(framing: Framing, texts: &[&[u8]], table: Option<Arc<Table>>) -> (Self, usize) {
        let mut detection = Self { framing, table: table.clone(), ..Self::default() };
        let mut reader = LineReader::default().with_table(table);
        let mut directives = Directives::default();
        let mut memory = Memory::default();
        let mut json = BTreeMap::new();
        let mut records = 0;
        for text in texts {
            if directives.take(text) {
                detection.has_directives = true;
                continue;
            }
            match reader.read(text, Some(&directives), &mut |_, _| records += 1) {
                Fate::Known { format, reading } => {
                    *detection.formats.entry(format).or_default() += 1;
                    if text.trim_ascii_start().starts_with(b"{") {
                        *json.entry(format).or_default() += 1;
                    }
                    if reading == Reading::InOrder {
                        let mut count = |_: usize, _: &Record<'_>| records += 1;
                        reader.read_in_order(text, Some(&directives), &mut memory, &mut count);
                    }
                }
                Fate::Unknown => detection.unknown += 1,
            }
        }
        detection.hints.json = most(&json);
        for format in detection.formats.keys().filter_map(|format| FORMATS.get(*format)) {
            format.hints(&mut memory, &mut detection.hints);
        }
        (detection, records)
    }

    /// What its units are, for a person.
    #[must_use]
    pub const fn units(&self) -> &'static str {
        match self.framing {
            Framing::Lines => "lines",
            Framing::Documents => "JSON documents or the elements of arrays in them",
            Framing::Container => "lines of a container's runtime, joined where they are in parts",
            Framing::Quoted => "lines whose quoted columns may hold line ends",
        }
    }

    /// Whether it is a log that is read.
    #[must_use]
    pub fn is_log(&self) -> bool {
        !self.formats.is_empty() || self.has_directives
    }

    /// The formats of the head: that of most lines, then the others in the order of the registry.
    #[must_use]
    pub fn by_count(&self) -> Vec<usize> {
        let main = self.main();
        let others = self.formats.keys().copied().filter(|format| Some(*format) != main);
        main.into_iter().chain(others).collect()
    }

    /// The format of most lines; of equals the first of the registry.
    #[must_use]
    pub fn main(&self) -> Option<usize> {
        most(&self.formats)
    }
}

/// The format of most lines; of equals the first of the registry.
fn most(formats: &BTreeMap<usize, usize>) -> Option<usize> {
    formats
        .iter()
        .max_by_key(|(format, count)| (**count, std::cmp::Reverse(**format)))
        .map(|(format, _)| *format)
}

/// The first units that are not blank, with the numbers of their lines, from 1.
pub fn first_units(head: &[u8], count: usize) -> impl Iterator<Item = (u64, &[u8])> {
    units_of(head)
        .into_iter()
        .filter_map(|unit| {
            let text = super::trim_line(head.get(unit.start..unit.end)?);
            (!text.is_empty()).then_some((unit.line + 1, text))
        })
        .take(count)
}

/// The formats that come nearest to a line that none of them reads: those of which it holds a
/// literal.
#[must_use]
pub fn nearest(line: &[u8]) -> Vec<&'static str> {
    let mut found = Vec::new();
    super::registry::candidates(line, &mut found);
    found
        .into_iter()
        .filter_map(|format| FORMATS.get(format).map(|format| format.about()))
        .filter(|about| !about.literals.is_empty())
        .map(|about| about.id)
        .collect()
}

/// Every format that reads a line, whichever is asked first; more than one means that the line
/// is ambiguous.
#[must_use]
pub fn claimants(line: &[u8]) -> Vec<&'static str> {
    (0..FORMATS.len())
        .filter(|format| {
            let fate = LineReader::only(*format).read(line, None, &mut |_, _| {});
            matches!(fate, Fate::Known { reading, .. } if reading != Reading::NotMine)
        })
        .filter_map(|format| FORMATS.get(format).map(|format| format.about().id))
        .collect()
}
