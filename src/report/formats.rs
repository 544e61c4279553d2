//! Input formats, and what a file was taken for.

use serde::Serialize;

/// One input format that is read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FormatRow {
    /// Its word, which `--input-format` takes.
    pub id: &'static str,
    /// `capture` or `log`.
    pub kind: &'static str,
    /// The product, as a person says it.
    pub product: &'static str,
    /// How it is recognised: a clause.
    pub recognised_by: &'static str,
    /// Title of the page that describes it.
    pub reference: &'static str,
}

/// What a file was taken for, and why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DetectionReport {
    /// The path as it was given.
    pub path: String,
    /// Whether it is something that is read.
    pub is_read: bool,
    /// What was found, one clause after the other.
    pub findings: Vec<String>,
    /// The first lines of a log, with what reads them.
    pub lines: Vec<LineFinding>,
}

/// What reads a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LineFinding {
    /// Its number, from 1.
    pub line: u64,
    /// The formats that read it, in the order in which they are asked.
    pub formats: Vec<&'static str>,
    /// Where none reads it, those of which it holds a signature.
    pub nearest: Vec<&'static str>,
}
