//! The story of one endpoint for a terminal: a line in time for each event.

use std::borrow::Cow;
use std::io::{self, Write};

use super::table::{Columns, Page, Tone, columns_of, counted};
use super::{Places, TerminalOptions, UNKNOWN, escape, terminal};
use crate::observe::Outcome;
use crate::report::{ExplainEvent, ExplainReport};

/// Writes the story for a terminal.
///
/// # Errors
/// Those of `out`.
pub fn render(
    report: &ExplainReport,
    options: TerminalOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page::new(out, options);
    let places = Places::new(&report.inputs);
    terminal::head(&mut page, &report.tool, &report.catalog)?;
    terminal::inputs(&mut page, &report.inputs, options.verbose)?;
    page.blank()?;
    verdict(&mut page, report)?;
    page.blank()?;
    if report.events.is_empty() {
        page.text(Tone::Plain, "Nothing in these inputs concerns it.")?;
    }
    let longest = report.events.iter().map(|event| columns_of(&time(event))).max();
    let columns =
        Columns::fitted(0, page.width(), &[(longest.unwrap_or(0), 32), ("inconclusive".len(), 12)]);
    for event in &report.events {
        let outcome = event.outcome.map_or("", |outcome| outcome.as_str());
        let cells = [time(event), Cow::Borrowed(outcome), Cow::Owned(story(event))];
        page.row(&columns, tone(event.outcome), cells)?;
        let client = escape::terminal(event.client.as_deref().unwrap_or(UNKNOWN));
        let server = escape::terminal(event.server.as_deref().unwrap_or(UNKNOWN));
        let named_by = event.named_by.as_str();
        page.item(4, &format!("{client} to {server}, named by {named_by}"))?;
        let place = places.place(event.input, event.record);
        let mut pointer = escape::terminal(&place).into_owned();
        if let Some(filter) = &event.wireshark {
            pointer.push_str(&format!("; {}", escape::terminal(filter)));
        }
        page.item(4, &pointer)?;
    }
    if report.omitted > 0 {
        page.blank()?;
        let left_out = format!("{} left out.", counted(report.omitted, "further event"));
        page.text(Tone::Plain, &left_out)?;
    }
    terminal::complaints(&mut page, &report.inputs, &places)
}

fn verdict(page: &mut Page<'_>, report: &ExplainReport) -> io::Result<()> {
    let asked = escape::terminal(&report.asked);
    match report.verdict {
        Some(verdict) => page.text(Tone::of(verdict), &format!("{asked}: {}", verdict.words()))?,
        None => page.text(Tone::Heading, &format!("{asked}: not in the catalog"))?,
    }
    if let Some(reason) = &report.reason {
        page.text(Tone::Plain, &escape::terminal(reason))?;
    }
    if !report.endpoints.is_empty() {
        let endpoints = report.endpoints.join(", ");
        page.text(Tone::Plain, &format!("Required as {}.", escape::terminal(&endpoints)))?;
    }
    Ok(())
}

fn time(event: &ExplainEvent) -> Cow<'_, str> {
    event.time.as_deref().map_or(Cow::Borrowed("no time"), escape::terminal)
}

fn tone(outcome: Option<Outcome>) -> Tone {
    match outcome {
        Some(Outcome::Blocked(_)) => Tone::Bad,
        Some(Outcome::Answered | Outcome::Allowed) => Tone::Good,
        Some(Outcome::Inconclusive(_)) => Tone::Faint,
        None => Tone::Plain,
    }
}

fn story(event: &ExplainEvent) -> String {
    let channel = escape::terminal(&event.channel);
    let name = escape::terminal_name(&event.name);
    let mut text = format!("{channel} {name}");
    if let Some(cause) = event.outcome.and_then(Outcome::cause) {
        text.push_str(&format!(", {cause}"));
    }
    if !event.detail.is_empty() {
        text.push_str(&format!(", {}", escape::terminal(&event.detail)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_story_reads_as_expected() {
        for (width, snapshot) in [
            (80, snapbox::file!["snapshots/explain-80.txt"]),
            (120, snapbox::file!["snapshots/explain-120.txt"]),
        ] {
            let options = TerminalOptions { width, color: false, verbose: false };
            let mut out = Vec::new();
            render(&sample::explain(), options, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)));
            snapbox::assert_data_eq!(text, snapshot.raw());
        }
    }

    #[test]
    fn a_name_that_nothing_concerns_says_so() {
        let mut report = sample::explain();
        report.events.clear();
        report.verdict = None;
        report.endpoints.clear();
        let mut out = Vec::new();
        render(&report, TerminalOptions::default(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("not in the catalog"));
        assert!(text.contains("Nothing in these inputs concerns it."));
    }
}
