//! Input formats, and what a file was taken for, for a terminal.

use std::borrow::Cow;
use std::io::{self, Write};

use super::table::{Columns, Page, Tone, counted};
use super::{TerminalOptions, escape};
use crate::report::{DetectionReport, FormatRow, LineFinding};

/// Writes the list of formats.
///
/// # Errors
/// Those of `out`.
pub fn render_list(
    rows: &[FormatRow],
    options: TerminalOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(out, options);
    let longest =
        |text: fn(&FormatRow) -> &str| rows.iter().map(|row| text(row).len()).max().unwrap_or(0);
    let needs = [(longest(|row| row.id), 24), (longest(|row| row.product), page.width() / 3)];
    let columns = Columns::fitted(0, page.width(), &needs);
    let head = ["FORMAT", "PRODUCT", "RECOGNISED BY"].map(Cow::Borrowed);
    page.row(&columns, Tone::Heading, head)?;
    for row in rows {
        let cells = [row.id, row.product, row.recognised_by].map(Cow::Borrowed);
        page.row(&columns, Tone::Plain, cells)?;
    }
    page.blank()?;
    let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    page.text(Tone::Heading, &counted(count, "format"))
}

/// Writes what a file was taken for.
///
/// # Errors
/// Those of `out`.
pub fn render_detection(
    report: &DetectionReport,
    options: TerminalOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(out, options);
    page.text(Tone::Heading, &escape::terminal(&report.path))?;
    for finding in &report.findings {
        page.item(0, &escape::terminal(finding))?;
    }
    for line in &report.lines {
        page.item(2, &format!("line {}: {}", line.line, readers(line)))?;
    }
    Ok(())
}

fn readers(line: &LineFinding) -> String {
    match (line.formats.as_slice(), line.nearest.as_slice()) {
        ([], []) => "no format reads it, and no signature is in it".to_owned(),
        ([], nearest) => {
            format!("no format reads it; it holds signatures of {}", nearest.join(", "))
        }
        ([one], _) => format!("{one} reads it"),
        (several, _) => format!("{} read it; the first has it", several.join(", ")),
    }
}
