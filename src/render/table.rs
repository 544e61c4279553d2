//! Lines for a terminal: columns of wrapped text that never exceed the width.

use std::borrow::Cow;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, Table, Width};

use super::{TerminalOptions, escape};
use crate::report::Verdict;

/// Blank columns between two columns of text.
const GAP: u16 = 2;

/// A page of text under construction. All text given to it is escaped already.
pub(super) struct Page<'a> {
    out: &'a mut dyn Write,
    options: TerminalOptions,
}

/// Where the columns of a table stand.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    indent: u16,
    widths: Vec<u16>,
    gap: u16,
}

/// What a line or its first column is meant to say by its colour.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Heading,
    Faint,
    Good,
    Warning,
    Bad,
}

impl Tone {
    pub(super) const fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Blocked => Self::Bad,
            Verdict::Mixed | Verdict::Degraded => Self::Warning,
            Verdict::Inconclusive | Verdict::NeverSeen => Self::Faint,
            Verdict::Allowed | Verdict::Reached => Self::Good,
        }
    }

    fn style(self) -> Style {
        let color = |color: AnsiColor| Style::new().fg_color(Some(anstyle::Color::Ansi(color)));
        match self {
            Self::Plain => Style::new(),
            Self::Heading => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Good => color(AnsiColor::Green),
            Self::Warning => color(AnsiColor::Yellow).bold(),
            Self::Bad => color(AnsiColor::Red).bold(),
        }
    }
}

impl<'a> Page<'a> {
    pub(super) fn new(out: &'a mut dyn Write, options: TerminalOptions) -> Self {
        Self { out, options }
    }

    pub(super) const fn width(&self) -> u16 {
        self.options.width()
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// A paragraph over the whole width.
    pub(super) fn text(&mut self, tone: Tone, text: &str) -> io::Result<()> {
        self.row(&Columns::new(0, vec![self.width()]), tone, [Cow::Borrowed(text)])
    }

    /// A paragraph that begins with a dash and hangs on it.
    pub(super) fn item(&mut self, indent: u16, text: &str) -> io::Result<()> {
        let rest = self.width().saturating_sub(indent.saturating_add(2));
        let columns = Columns { indent, widths: vec![1, rest], gap: 1 };
        self.row(&columns, Tone::Plain, ["-".into(), text.into()])
    }

    /// One row of a table; the first column is coloured.
    pub(super) fn row<'c>(
        &mut self,
        columns: &Columns,
        tone: Tone,
        cells: impl IntoIterator<Item = Cow<'c, str>>,
    ) -> io::Result<()> {
        let first_end = usize::from(columns.first_end());
        for line in columns.lines(cells) {
            let line = line.trim_end();
            // Only the head of the line is coloured, up to the end of the first column. A byte that
            // is not at a character's border leaves the line without colour.
            match line.split_at_checked(first_end.min(line.len())) {
                Some((head, tail)) if self.options.color && tone != Tone::Plain => {
                    let style = tone.style();
                    let text = head.trim_end();
                    let blanks = head.len() - text.len();
                    writeln!(self.out, "{style}{text}{style:#}{:blanks$}{tail}", "")?;
                }
                _ => writeln!(self.out, "{line}")?,
            }
        }
        Ok(())
    }
}

impl Columns {
    /// Columns of these widths behind `indent` blanks, with a gap between them.
    pub(super) const fn new(indent: u16, widths: Vec<u16>) -> Self {
        Self { indent, widths, gap: GAP }
    }

    /// Columns behind `indent` blanks that take what their text needs, up to a limit for each, and
    /// a last one that takes the rest of `width`. None is too narrow for a wide character.
    pub(super) fn fitted(indent: u16, width: u16, needs: &[(usize, u16)]) -> Self {
        let mut widths: Vec<u16> = needs
            .iter()
            .map(|(need, limit)| u16::try_from(*need).unwrap_or(u16::MAX).clamp(2, (*limit).max(2)))
            .collect();
        let used = widths.iter().fold(indent, |sum, w| sum.saturating_add(w.saturating_add(GAP)));
        widths.push(width.saturating_sub(used).max(2));
        Self { indent, widths, gap: GAP }
    }

    /// Where the second column starts.
    pub(super) fn second_start(&self) -> u16 {
        self.first_end().saturating_add(self.gap)
    }

    fn first_end(&self) -> u16 {
        self.indent.saturating_add(self.widths.first().copied().unwrap_or(0))
    }

    fn lines<'c>(&self, cells: impl IntoIterator<Item = Cow<'c, str>>) -> Vec<String> {
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.add_row(cells.into_iter().map(Cow::into_owned));
        table.discover_columns();
        let last = self.widths.len().saturating_sub(1);
        for (index, width) in self.widths.iter().enumerate() {
            let left = if index == 0 { self.indent } else { 0 };
            let right = if index == last { 0 } else { self.gap };
            if let Some(column) = table.column_mut(index) {
                let whole = width.saturating_add(left).saturating_add(right);
                column.set_padding((left, right));
                column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(whole)));
            }
        }
        table.lines().collect()
    }
}

/// No fewer columns than the text takes: characters beyond Latin, Greek and Cyrillic may be wide.
pub(super) fn columns_of(text: &str) -> usize {
    text.chars().map(|c| if c < '\u{500}' { 1 } else { 2 }).sum()
}

/// A number with commas between groups of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count with its noun, such as `1 packet` or `12,345 packets`.
pub(super) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// A span of time as a person reads it: `2026-11-23 09:00:00 to 09:14:03 UTC`.
pub(super) fn span(first: Option<&str>, last: Option<&str>) -> Option<String> {
    let (first, last) = (first?, last?);
    let (Some((first_day, first_time)), Some((last_day, last_time))) =
        (day_and_second(first), day_and_second(last))
    else {
        return Some(format!("{} to {}", escape::terminal(first), escape::terminal(last)));
    };
    let end = if first_day == last_day {
        last_time.to_owned()
    } else {
        format!("{last_day} {last_time}")
    };
    Some(format!("{first_day} {first_time} to {end} UTC"))
}

/// An instant as a person reads it: `2026-11-23 09:00:00 UTC`.
pub(super) fn instant(time: &str) -> String {
    match day_and_second(time) {
        Some((day, second)) => format!("{day} {second} UTC"),
        None => escape::terminal(time).into_owned(),
    }
}

/// Splits RFC 3339 in UTC into day and time of day, without the fraction.
fn day_and_second(time: &str) -> Option<(&str, &str)> {
    let (day, rest) = time.strip_suffix('Z')?.split_once('T')?;
    let second = rest.split_once('.').map_or(rest, |(second, _)| second);
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b':'));
    (plain(day) && plain(second)).then_some((day, second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_wrap_inside_their_columns() {
        let columns = Columns::new(2, vec![4, 10]);
        let lines = columns.lines(["a".into(), "one two three four".into()]);
        assert_eq!(
            lines.iter().map(|l| l.trim_end()).collect::<Vec<_>>(),
            ["  a     one two", "        three four"]
        );
    }

    #[test]
    fn words_longer_than_their_column_are_split() {
        let columns = Columns::new(0, vec![8]);
        for line in columns.lines(["abcdefghijklmnopqrstuvwxyz 業務業務業務業務".into()]) {
            assert!(line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>() <= 8);
        }
    }

    #[test]
    fn columns_take_what_they_need_and_leave_the_rest() {
        let columns = Columns::fitted(0, 80, &[(12, 20), (60, 30)]);
        assert_eq!(columns.widths, [12, 30, 34]);
        assert_eq!(columns.second_start(), 14);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(counted(1, "packet"), "1 packet");
        assert_eq!(counted(1_234_567, "packet"), "1,234,567 packets");
    }

    #[test]
    fn spans_name_a_day_once() {
        let span = |a, b| span(Some(a), Some(b)).unwrap();
        assert_eq!(
            span("2026-11-23T09:00:00.5Z", "2026-11-23T09:14:03Z"),
            "2026-11-23 09:00:00 to 09:14:03 UTC"
        );
        assert_eq!(
            span("2026-11-23T09:00:00Z", "2026-11-24T00:00:01Z"),
            "2026-11-23 09:00:00 to 2026-11-24 00:00:01 UTC"
        );
        assert_eq!(span("no\u{1b}time", "Z"), "no\\u{1b}time to Z");
    }
}
