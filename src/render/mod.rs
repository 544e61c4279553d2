//! Reports as text: one file per output format.
//!
//! A renderer gets a finished report and writes; it computes no verdict, opens nothing and asks
//! neither the time nor the environment. Whatever comes from an input passes through
//! [`escape`] on its way out.

pub mod catalog_diff;
pub mod csv;
pub mod escape;
pub mod explain;
pub mod formats;
pub mod json;
pub mod names;
mod table;
pub mod terminal;
pub mod watch;

use std::collections::BTreeMap;
use std::io;

use crate::report::{InputKind, InputReport};

/// How text for a terminal is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TerminalOptions {
    /// Columns; no line is longer. Less than 80 is taken as 80.
    pub width: u16,
    /// Whether to write colours, as SGR sequences.
    pub color: bool,
    /// Whether to show all evidence and not only the first few pieces.
    pub verbose: bool,
}

impl TerminalOptions {
    /// The least width that is laid out for.
    pub const MIN_WIDTH: u16 = 80;

    /// The width that lines are laid out for.
    #[must_use]
    pub const fn width(&self) -> u16 {
        if self.width < Self::MIN_WIDTH { Self::MIN_WIDTH } else { self.width }
    }
}

impl Default for TerminalOptions {
    fn default() -> Self {
        Self { width: 100, color: false, verbose: false }
    }
}

/// Names places in inputs as a person finds them again.
struct Places<'a> {
    inputs: &'a [InputReport],
    /// How many inputs share a file name.
    names: BTreeMap<&'a str, usize>,
}

impl<'a> Places<'a> {
    fn new(inputs: &'a [InputReport]) -> Self {
        let mut names = BTreeMap::new();
        for input in inputs {
            *names.entry(file_name(&input.path)).or_insert(0) += 1;
        }
        Self { inputs, names }
    }

    /// `office.pcapng packet 17`; not escaped.
    fn place(&self, input: u32, record: u64) -> String {
        let input = usize::try_from(input).ok().and_then(|index| self.inputs.get(index));
        match input {
            Some(input) => format!("{} {} {record}", self.short(input), record_noun(input)),
            None => format!("record {record}"),
        }
    }

    /// The input alone; not escaped.
    fn input(&self, input: u32) -> &'a str {
        let input = usize::try_from(input).ok().and_then(|index| self.inputs.get(index));
        input.map_or("a capture", |input| self.short(input))
    }

    /// The file name where it tells the input apart from all others, else the whole path.
    fn short(&self, input: &'a InputReport) -> &'a str {
        let name = file_name(&input.path);
        if self.names.get(name) == Some(&1) { name } else { &input.path }
    }
}

/// What a record of this input is called.
fn record_noun(input: &InputReport) -> &'static str {
    if input.kind == InputKind::Capture { "packet" } else { "line" }
}

/// The error of the writer below, so that a closed pipe is known as one.
fn csv_error(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or(path)
}

/// In place of an address that a log does not state.
const UNKNOWN: &str = "unknown";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shortened_where_the_file_name_is_enough() {
        let inputs: Vec<InputReport> = ["a/x.pcap", "b/x.pcap", "b/y.pcap"]
            .map(|path| InputReport {
                kind: InputKind::Capture,
                ..InputReport::new(path.to_owned())
            })
            .into();
        let places = Places::new(&inputs);
        assert_eq!(places.place(0, 3), "a/x.pcap packet 3");
        assert_eq!(places.place(2, 3), "y.pcap packet 3");
        assert_eq!(places.place(9, 3), "record 3");
    }
}
