//! What a device needs to let the endpoints pass, in its own syntax, and what of them it cannot express.
//!
//! Wildcards mean something else on every device. What a device has no way to say, or says with more than was
//! meant, is a [`Lint`] with what to do instead; nothing is left out in silence.

mod devices;
mod probe;

use std::collections::BTreeSet;

use super::{Pattern, Protocol};

pub use devices::Device;

/// One entry to let pass.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The names.
    pub pattern: Pattern,
    /// How they are spoken to.
    pub protocol: Protocol,
    /// Where it is from, for a comment; may be empty.
    pub comment: String,
}

/// An entry that a device cannot express, or would match more by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Lint {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it there.
    pub why: String,
    /// What to do instead.
    pub instead: String,
}

/// What was written for a device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exported {
    /// The text in the device's syntax; what was linted stands in its comments where it has any.
    pub text: String,
    /// The entries that it cannot express, or matches more by, sorted.
    pub lints: Vec<Lint>,
}

/// The shape of a pattern, which decides how a device says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape<'p> {
    /// One name.
    Name(&'p str),
    /// `*.x`: all names below `x`, and not `x`.
    Below(&'p str),
    /// `*x`: all names that end so.
    Ending(&'p str),
    /// An asterisk elsewhere.
    Other(&'p str),
}

impl<'p> Shape<'p> {
    fn of(pattern: &'p Pattern) -> Self {
        let text = pattern.as_str();
        if pattern.is_exact() {
            return Self::Name(text);
        }
        match (text.strip_prefix("*."), text.strip_prefix('*')) {
            (Some(rest), _) if !rest.contains('*') => Self::Below(rest),
            (None, Some(rest)) if !rest.contains('*') => Self::Ending(rest),
            _ => Self::Other(text),
        }
    }

    /// The domain right of all asterisks.
    fn domain(self) -> &'p str {
        match self {
            Self::Name(text) | Self::Below(text) => text,
            Self::Ending(text) | Self::Other(text) => {
                let fixed = text.rsplit('*').next().unwrap_or(text);
                fixed.split_once('.').map_or(fixed, |(_, domain)| domain)
            }
        }
    }
}

/// Writes the entries for a device.
#[must_use]
pub fn export(entries: &[Entry], device: Device, title: &str) -> Exported {
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by_key(|entry| (entry.pattern.as_str(), entry.protocol, &entry.comment));
    entries.dedup();
    let mut writer = Writer { text: String::new(), lints: BTreeSet::new() };
    device.write(&entries, title, &mut writer);
    let lints: Vec<Lint> = writer.lints.into_iter().collect();
    Exported { text: writer.text, lints }
}

/// A text in the making.
struct Writer {
    text: String,
    lints: BTreeSet<Lint>,
}

impl Writer {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn lint(&mut self, pattern: &str, why: &str, instead: &str) {
        self.lints.insert(Lint {
            pattern: pattern.to_owned(),
            why: why.to_owned(),
            instead: instead.to_owned(),
        });
    }

    /// Repeats what was linted as comments.
    fn comments(&mut self, sign: &str) {
        let lines: Vec<String> = self
            .lints
            .iter()
            .map(|lint| format!("{sign} {}: {}; {}", lint.pattern, lint.why, lint.instead))
            .collect();
        lines.iter().for_each(|line| self.line(line));
    }
}

/// The names, each once, whatever the protocol.
fn patterns<'e>(entries: &[&'e Entry]) -> Vec<&'e Pattern> {
    let mut patterns: Vec<&Pattern> = Vec::new();
    for entry in entries {
        if !patterns.contains(&&entry.pattern) {
            patterns.push(&entry.pattern);
        }
    }
    patterns
}

#[cfg(test)]
mod tests;
