//! What changed from one catalog to another, for a terminal.

use std::io::{self, Write};

use super::escape;
use crate::catalog::{CatalogDiff, Listed, Replaced};

/// Writes the differences, one endpoint a line.
///
/// # Errors
/// Those of `out`.
pub fn render(diff: &CatalogDiff, out: &mut dyn Write) -> io::Result<()> {
    let CatalogDiff { from, to, from_endpoints, to_endpoints, .. } = diff;
    let (from, to) = (escape::terminal(from), escape::terminal(to));
    writeln!(out, "{from} to {to}: {from_endpoints} endpoints to {to_endpoints}")?;
    if diff.is_empty() {
        return writeln!(out, "\nBoth require the same.");
    }
    listed("ADDED", &diff.added, out)?;
    listed("REMOVED", &diff.removed, out)?;
    if !diff.moved.is_empty() {
        writeln!(out, "\nOF OTHER CLOUDS OR SCENARIOS ({})", diff.moved.len())?;
        for row in &diff.moved {
            write!(out, "  {}", escape::terminal(&row.id))?;
            if row.clouds_from != row.clouds_to {
                write!(
                    out,
                    "  clouds: {} to {}",
                    row.clouds_from.or_all(),
                    row.clouds_to.or_all()
                )?;
            }
            if row.scenarios_from != row.scenarios_to {
                let (from, to) = (row.scenarios_from.or_all(), row.scenarios_to.or_all());
                write!(out, "  scenarios: {from} to {to}")?;
            }
            writeln!(out)?;
        }
    }
    replaced("WIDENED", "is covered by", &diff.widened, out)?;
    replaced("NARROWED", "became", &diff.narrowed, out)?;
    if !diff.not_covered.is_empty() {
        let count = diff.not_covered.len();
        writeln!(out, "\nOF {from}, NOT COVERED BY {to} ({count})")?;
        for id in &diff.not_covered {
            writeln!(out, "  {}", escape::terminal(id))?;
        }
    }
    Ok(())
}

fn listed(title: &str, rows: &[Listed], out: &mut dyn Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title} ({})", rows.len())?;
    for row in rows {
        let id = escape::terminal(&row.id);
        writeln!(
            out,
            "  {id}  clouds: {}; scenarios: {}",
            row.clouds.or_all(),
            row.scenarios.or_all()
        )?;
    }
    Ok(())
}

fn replaced(title: &str, how: &str, rows: &[Replaced], out: &mut dyn Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title} ({})", rows.len())?;
    for row in rows {
        writeln!(out, "  {} {how} {}", escape::terminal(&row.from), escape::terminal(&row.to))?;
    }
    Ok(())
}
