//! Lines that say what the columns of the lines behind them are.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// The columns that a file announced last.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Directives {
    /// What announced them.
    pub style: Style,
    /// The names of the columns, in their spelling.
    pub columns: Vec<String>,
    /// Zeek's `#path`, the kind of log.
    pub path: String,
    /// Between columns; a blank stands for runs of blanks.
    pub separator: u8,
}

/// Who writes directives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Style {
    /// No directive was seen.
    #[default]
    None,
    /// `#Fields: a b c` (W3C Extended Log File Format, WD-logfile-960323).
    Extended,
    /// `#fields<tab>a<tab>b` (Zeek, "Log Formats and Inspection").
    Zeek,
    /// A first row of column titles.
    Titles,
}

/// What directives begin with that have a sign.
const SIGNED: [&[u8]; 4] = [b"#Fields:", b"#fields", b"#separator", b"#path"];

/// A column of VPC flow logs.
static TITLE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("srcaddr"));

impl Directives {
    /// Places in a log of which every line that changes directives holds one, in no order.
    pub fn places(log: &[u8]) -> impl Iterator<Item = usize> {
        let signs = memchr::memchr_iter(b'#', log).filter(|at| {
            let rest = log.get(*at..).unwrap_or_default();
            SIGNED.iter().any(|directive| rest.starts_with(directive))
        });
        // The titles of flow logs have no sign.
        signs.chain(TITLE.find_iter(log))
    }

    /// Takes a line in, if it is one that changes directives.
    pub fn take(&mut self, line: &[u8]) -> bool {
        if let Some((separator, columns)) = titles(line) {
            let style = Style::Titles;
            *self = Self { style, columns, separator, path: String::new() };
            return true;
        }
        let Some(at) = memchr::memchr(b'#', line) else { return false };
        let directive = line.get(at..).unwrap_or_default().trim_ascii_end();
        if let Some(fields) = directive.strip_prefix(b"#Fields:") {
            self.style = Style::Extended;
            self.columns = fields_of(fields);
            self.separator = if memchr::memchr(b'\t', fields).is_some() { b'\t' } else { b' ' };
            return true;
        }
        if at > 0 {
            return false;
        }
        if let Some(separator) = directive.strip_prefix(b"#separator") {
            *self = Self { style: Style::Zeek, separator: b'\t', ..Self::default() };
            if let Some(code) = separator.trim_ascii().strip_prefix(br"\x")
                && let Ok(code) = u8::from_str_radix(&String::from_utf8_lossy(code), 16)
            {
                self.separator = code;
            }
            return true;
        }
        if self.style != Style::Zeek && !directive.starts_with(b"#fields\t") {
            return false;
        }
        let separator = if self.separator == 0 { b'\t' } else { self.separator };
        let mut words = directive.split(|byte| *byte == separator);
        let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
        match words.next() {
            Some(b"#fields") => {
                self.style = Style::Zeek;
                self.separator = separator;
                self.columns = words.map(text).collect();
                true
            }
            Some(b"#path") => {
                self.path = words.next().map(text).unwrap_or_default();
                true
            }
            _ => false,
        }
    }

    /// The number of a column by its name, in any case.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.eq_ignore_ascii_case(name))
    }
}

/// The names of `#Fields:`, some of which may be in quotes with blanks within, as the names of headers
/// that an administrator has chosen.
fn fields_of(mut fields: &[u8]) -> Vec<String> {
    let mut columns = Vec::new();
    loop {
        fields = fields.trim_ascii_start();
        let is_end: fn(&u8) -> bool = match fields.split_first() {
            None => return columns,
            Some((b'"', rest)) if rest.contains(&b'"') => {
                fields = rest;
                |byte| *byte == b'"'
            }
            Some(_) => u8::is_ascii_whitespace,
        };
        let end = fields.iter().position(is_end).unwrap_or(fields.len());
        let (column, rest) = fields.split_at(end);
        columns.push(String::from_utf8_lossy(column).into_owned());
        fields = rest.strip_prefix(b"\"").unwrap_or(rest);
    }
}

/// The separator and the columns of a row of titles: that of a flow log of Amazon VPC, whose
/// columns stand in any order.
fn titles(line: &[u8]) -> Option<(u8, Vec<String>)> {
    memchr::memmem::find(line, b"srcaddr")?;
    memchr::memmem::find(line, b"dstaddr")?;
    let line = line.trim_ascii();
    let separator = if memchr::memchr(b',', line).is_some() { b',' } else { b' ' };
    let is_title = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let columns: Option<Vec<String>> = line
        .split(|byte| *byte == separator)
        .map(<[u8]>::trim_ascii)
        .filter(|title| !title.is_empty())
        .map(|title| {
            let title = title.strip_prefix(b"\"").unwrap_or(title);
            let title = title.strip_suffix(b"\"").unwrap_or(title);
            title.iter().all(is_title).then(|| String::from_utf8_lossy(title).into_owned())
        })
        .collect();
    let columns = columns?;
    let has = |name: &str| columns.iter().any(|column| column == name);
    (has("srcaddr") && has("dstaddr")).then_some((separator, columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_columns_may_be_in_quotes() {
        let of = |fields: &str| {
            let mut directives = Directives::default();
            assert!(directives.take(format!("#Fields: {fields}").as_bytes()));
            directives.columns
        };
        assert_eq!(of("date \"time taken\" \"c-ip\" x"), ["date", "time taken", "c-ip", "x"]);
        assert_eq!(of("date  \"open x"), ["date", "\"open", "x"]);
        assert_eq!(of("\"\" a\"b\" c"), ["", "a\"b\"", "c"]);
    }

    #[test]
    fn directives_name_the_columns_also_behind_a_header() {
        let mut directives = Directives::default();
        assert!(!directives.take(b"2025-11-26 04:15:00 1 192.0.2.1 # a remark"));
        assert!(directives.take(b"Aug 18 12:30:46 10.8.24.10 #Fields: date time c-ip"));
        assert_eq!(directives.column("C-IP"), Some(2));
        assert!(directives.take(b"#Fields: date time s-ip cs-host"));
        assert_eq!((directives.style, directives.columns.len()), (Style::Extended, 4));
    }

    #[test]
    fn zeek_states_its_separator_and_path() {
        let mut directives = Directives::default();
        assert!(directives.take(br"#separator \x09"));
        assert!(directives.take(b"#path\tdns"));
        assert!(directives.take(b"#fields\tts\tquery"));
        assert_eq!((directives.path.as_str(), directives.column("query")), ("dns", Some(1)));
    }
}
