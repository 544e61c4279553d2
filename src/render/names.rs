//! Every name seen: for a terminal, as CSV and as JSON Lines.

use std::borrow::Cow;
use std::io::{self, Write};

use super::table::{Columns, Page, Tone, counted, grouped};
use super::{Places, TerminalOptions, csv_error, escape, json, terminal};
use crate::report::NamesReport;

/// The columns of the CSV, in order; they are the keys of the JSON Lines.
pub const COLUMNS: [&str; 6] = ["source", "name", "count", "first", "last", "endpoints"];

/// Writes the names for a terminal.
///
/// # Errors
/// Those of `out`.
pub fn render_terminal(
    report: &NamesReport,
    options: TerminalOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(out, options);
    let title = format!("{} {}, names", report.tool.name, report.tool.version);
    page.text(Tone::Heading, &title)?;
    terminal::inputs(&mut page, &report.inputs, options.verbose)?;
    page.blank()?;
    if report.rows.is_empty() {
        page.text(Tone::Plain, "No name was seen.")?;
    } else {
        let longest = |text: fn(&crate::report::NameRow) -> usize| {
            report.rows.iter().map(text).max().unwrap_or(0)
        };
        let columns = Columns::fitted(
            0,
            page.width(),
            &[
                (longest(|row| row.source.as_str().len()).max("SOURCE".len()), 16),
                (longest(|row| grouped(row.count).len()).max("COUNT".len()), 15),
                (longest(|row| escape::terminal_name(&row.name).len()), page.width() / 5 * 2),
            ],
        );
        let head = ["SOURCE", "COUNT", "NAME", "REQUIRED BY"].map(Cow::Borrowed);
        page.row(&columns, Tone::Heading, head)?;
        for row in &report.rows {
            let cells = [
                Cow::Borrowed(row.source.as_str()),
                Cow::Owned(grouped(row.count)),
                escape::terminal_name(&row.name),
                Cow::Owned(escape::terminal(&row.endpoints.join(", ")).into_owned()),
            ];
            page.row(&columns, Tone::Plain, cells)?;
        }
        page.blank()?;
        let rows = u64::try_from(report.rows.len()).unwrap_or(u64::MAX);
        page.text(Tone::Heading, &counted(rows, "pair").replace("pair", "source-and-name pair"))?;
    }
    if let Some(sentence) = given_up(report) {
        page.text(Tone::Plain, &sentence)?;
    }
    terminal::complaints(&mut page, &report.inputs, &Places::new(&report.inputs))
}

/// What is missing from the list, if anything is.
#[must_use]
pub fn given_up(report: &NamesReport) -> Option<String> {
    let sightings = counted(report.given_up, "sighting");
    (report.given_up > 0)
        .then(|| format!("The list is not complete: {sightings} of further names were not kept."))
}

/// Writes the names as CSV; the endpoints of a row are separated by `; `.
///
/// # Errors
/// Those of `out`.
pub fn render_csv(report: &NamesReport, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS).map_err(csv_error)?;
    for row in &report.rows {
        let count = row.count.to_string();
        let endpoints = row.endpoints.join("; ");
        let cells = [
            row.source.as_str(),
            &row.name,
            &count,
            row.first.as_deref().unwrap_or_default(),
            row.last.as_deref().unwrap_or_default(),
            &endpoints,
        ];
        writer
            .write_record(cells.map(escape::csv).iter().map(|cell| cell.as_bytes()))
            .map_err(csv_error)?;
    }
    writer.flush()
}

/// Writes the names as JSON Lines: one object for each source and name.
///
/// # Errors
/// Those of `out`.
pub fn render_jsonl(report: &NamesReport, out: &mut dyn Write) -> io::Result<()> {
    report.rows.iter().try_for_each(|row| json::line(row, out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn text(write: impl Fn(&mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_read_as_expected_on_a_terminal() {
        for (width, snapshot) in [
            (80, snapbox::file!["snapshots/names-80.txt"]),
            (120, snapbox::file!["snapshots/names-120.txt"]),
        ] {
            let options = TerminalOptions { width, color: false, verbose: false };
            let text = text(|out| render_terminal(&sample::names(), options, out));
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)));
            snapbox::assert_data_eq!(text, snapshot.raw());
        }
    }

    #[test]
    fn names_read_as_expected_as_csv() {
        let text = text(|out| render_csv(&sample::names(), out));
        snapbox::assert_data_eq!(text, snapbox::file!["snapshots/names.csv"].raw());
    }

    #[test]
    fn names_that_were_not_kept_are_told_of() {
        let report = NamesReport { given_up: 1_234, ..sample::names() };
        let text = text(|out| render_terminal(&report, TerminalOptions::default(), out));
        assert!(text.contains("1,234 sightings of further names were not kept"), "{text}");
        assert_eq!(given_up(&sample::names()), None);
    }

    #[test]
    fn json_lines_keep_the_keys_of_the_contract_and_every_character() {
        let names = sample::names();
        let text = text(|out| render_jsonl(&names, out));
        assert_eq!(text.lines().count(), names.rows.len());
        for (line, row) in text.lines().zip(&names.rows) {
            assert!(line.starts_with("{\"source\":\""), "{line}");
            let read: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(read["name"], row.name);
        }
    }
}
