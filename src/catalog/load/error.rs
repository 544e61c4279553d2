//! What can be wrong with a catalog, told so that it can be put right.

use std::fmt::{self, Write as _};
use std::ops::Range;

use super::super::Catalog;
use super::MAX_FILE_SIZE;

/// The most problems that are told of one file.
pub const MAX_PROBLEMS: usize = 20;

/// A catalog that cannot be used: nothing is run with it.
#[derive(Debug, thiserror::Error)]
pub struct CatalogError {
    path: String,
    problems: Vec<Problem>,
    more: usize,
    #[source]
    cause: Option<std::io::Error>,
}

/// One thing that is wrong with, or odd about, a catalog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The line, from 1, where the problem has one.
    pub line: Option<usize>,
    /// The column in characters, from 1, where the problem has one.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub advice: String,
}

impl Problem {
    pub(super) fn at(text: &str, span: Range<usize>, message: &str, advice: &str) -> Self {
        let (line, column) = line_and_column(text, span.start);
        Self {
            line: Some(line),
            column: Some(column),
            message: printable(message),
            advice: printable(advice),
        }
    }

    fn anywhere(message: String, advice: &str) -> Self {
        Self { line: None, column: None, message: printable(&message), advice: printable(advice) }
    }
}

impl CatalogError {
    /// The file, as it was named.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong with it: at least one problem, at most [`MAX_PROBLEMS`], by line.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The error of `problems`, which has at least one, and `more` that are only counted.
    pub(super) fn new(path: &str, mut problems: Vec<Problem>, more: usize) -> Self {
        problems.sort_by_key(|problem| (problem.line, problem.column));
        Self { path: path.to_owned(), problems, more, cause: None }
    }

    fn one(path: &str, problem: Problem) -> Self {
        Self::new(path, vec![problem], 0)
    }

    pub(super) fn from_toml(path: &str, text: &str, error: &toml::de::Error) -> Self {
        let message = error.message();
        let span = error.span().unwrap_or_default();
        let begins_with_digit =
            text.as_bytes().get(span.start).is_some_and(|byte| byte.is_ascii_digit());
        let advice = if message.starts_with("unknown field") {
            "correct the spelling or take it out"
        } else if message.starts_with("missing field") {
            "add it; the least is [catalog] with name and edition, and [[endpoint]] with pattern and protocol"
        // This is how a date appears to whoever expects a text.
        } else if message.starts_with("invalid type: map") && begins_with_digit {
            "put the date in quotes"
        } else if message.starts_with("invalid type") {
            "write a value of that type"
        } else if message.starts_with("duplicate key") {
            "take one of the two out"
        } else {
            "correct the TOML here; texts stand in double quotes"
        };
        let message = message.replace('\n', "; ");
        Self::one(path, Problem::at(text, span, &message, advice))
    }

    pub(super) fn not_utf8(path: &str, good: &str) -> Self {
        let end = good.len()..good.len();
        let problem = Problem::at(good, end, "the file is not UTF-8", "save it as UTF-8");
        Self::one(path, problem)
    }

    pub(super) fn too_large(path: &str) -> Self {
        let message = format!("the file is larger than {} MiB", MAX_FILE_SIZE / (1024 * 1024));
        let advice = "is it a catalog at all? Split a list that long";
        Self::one(path, Problem::anywhere(message, advice))
    }

    pub(in crate::catalog) fn unreadable(path: &str, cause: std::io::Error) -> Self {
        let message = format!("cannot be read: {cause}");
        let problem = Problem::anywhere(message, "check the path and its permissions");
        Self { cause: Some(cause), ..Self::one(path, problem) }
    }

    pub(in super::super) fn unknown(spec: &str) -> Self {
        let known: Vec<_> =
            Catalog::builtins().map(|b| format!("{}@{}", b.name, b.edition)).collect();
        let advice = format!("built in are {}; or give the path of a file", known.join(", "));
        let problem = Problem::anywhere("no built-in catalog has that name".to_owned(), &advice);
        Self::one(spec, problem)
    }

    pub(in super::super) fn automaton(catalog: &Catalog, error: &aho_corasick::BuildError) -> Self {
        let message = format!("its patterns do not fit one automaton: {error}");
        Self::one(catalog.name(), Problem::anywhere(message, "split the catalog"))
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = printable(&self.path);
        for (position, problem) in self.problems.iter().enumerate() {
            if position > 0 {
                f.write_char('\n')?;
            }
            f.write_str(&path)?;
            if problem.line.is_some() {
                f.write_char(':')?;
            } else {
                f.write_str(": ")?;
            }
            problem.fmt(f)?;
        }
        if self.more > 0 {
            write!(f, "\n{path}: and {} more", self.more)?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    /// `12:11: what is wrong; what to do`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}: ")?;
        }
        write!(f, "{}; {}", self.message, self.advice)
    }
}

/// Line and column, from 1, of a byte offset; the end of the text for one beyond it.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// Whether a character could disturb the line it is shown in: control characters, and those that
/// change the direction or the breaking of text.
pub(super) fn is_disturbing(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The text with disturbing characters escaped.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_disturbing(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}
