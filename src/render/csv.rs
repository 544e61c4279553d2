//! CSV of the audit: one row per site, endpoint and name.

use std::io::{self, Write};

use super::{Places, csv_error, escape};
use crate::observe::decider::Decider;
use crate::report::{DeciderReport, EndpointReport, MixedBy, NameReport, Report};

/// The columns, in order.
pub const COLUMNS: [&str; 20] = [
    "site",
    "endpoint",
    "pattern",
    "protocol",
    "direction",
    "clouds",
    "scenarios",
    "uses",
    "verdict",
    "mixed_by",
    "intercepted",
    "reason",
    "blocked_by",
    "name",
    "name_verdict",
    "attempts",
    "causes",
    "first",
    "last",
    "evidence",
];

/// Writes the report as CSV (RFC 4180, lines ended by a newline). Lists within a cell are separated
/// by `; `. An endpoint without names has one row; without sites the first cell is empty.
///
/// # Errors
/// Those of `out`.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let places = Places::new(&report.inputs);
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS).map_err(csv_error)?;
    for site in &report.sites {
        let title = site.name.as_deref().unwrap_or_default();
        for endpoint in &site.endpoints {
            // Escaped once for all its rows: the rules that deny an endpoint may be hundreds.
            let cells = escaped(endpoint_cells(title, endpoint));
            let mut write = |name: [String; 7]| {
                writer.write_record(cells.iter().chain(&escaped(name))).map_err(csv_error)
            };
            if endpoint.names.is_empty() {
                write(Default::default())?;
            }
            for name in &endpoint.names {
                write(name_cells(&places, name))?;
            }
        }
    }
    writer.flush()
}

fn escaped<const N: usize>(cells: [String; N]) -> [String; N] {
    cells.map(|cell| escape::csv(&cell).into_owned())
}

fn endpoint_cells(site: &str, endpoint: &EndpointReport) -> [String; 13] {
    let mixed_by = match &endpoint.mixed_by {
        None => String::new(),
        Some(MixedBy::Time { changed }) => format!("time {changed}"),
        Some(MixedBy::Client) => "client".to_owned(),
        Some(MixedBy::Name) => "name".to_owned(),
    };
    [
        site.to_owned(),
        endpoint.id.clone(),
        endpoint.pattern.clone(),
        endpoint.protocol.clone(),
        endpoint.direction.clone(),
        endpoint.clouds.join("; "),
        endpoint.scenarios.join("; "),
        endpoint.uses.join("; "),
        endpoint.verdict.as_str().to_owned(),
        mixed_by,
        endpoint.intercepted.to_string(),
        endpoint.reason.clone(),
        blocked_by(endpoint),
    ]
}

/// `Fortinet FortiGate: rule "deny-out-7" 12`, one part for each rule of a device.
fn blocked_by(endpoint: &EndpointReport) -> String {
    let text = |row: &DeciderReport| {
        let decider = Decider {
            device: &row.device,
            rule: row.rule.as_deref(),
            policy: row.policy.as_deref(),
            category: row.category.as_deref(),
            reason: row.reason.as_deref(),
        };
        format!("{} {}", decider.sentence(), row.count)
    };
    endpoint.deciders.iter().map(text).collect::<Vec<_>>().join("; ")
}

fn name_cells(places: &Places<'_>, name: &NameReport) -> [String; 7] {
    let attempts = name.outcomes.iter().fold(0_u64, |sum, row| sum.saturating_add(row.count));
    let causes: Vec<String> = name
        .outcomes
        .iter()
        .map(|row| match row.outcome.cause() {
            Some(cause) => format!("{} {cause} {}", row.outcome.as_str(), row.count),
            None => format!("{} {}", row.outcome.as_str(), row.count),
        })
        .collect();
    let first = name.outcomes.iter().filter_map(|row| row.first.as_deref()).min_by_key(instant);
    let last = name.outcomes.iter().filter_map(|row| row.last.as_deref()).max_by_key(instant);
    let evidence: Vec<String> = name
        .evidence
        .iter()
        .map(|evidence| places.place(evidence.input, evidence.record))
        .collect();
    [
        name.name.clone(),
        name.verdict.as_str().to_owned(),
        attempts.to_string(),
        causes.join("; "),
        first.unwrap_or_default().to_owned(),
        last.unwrap_or_default().to_owned(),
        evidence.join("; "),
    ]
}

/// Without its `Z`, RFC 3339 text in UTC sorts as time does, whatever its precision.
fn instant<'a>(time: &&'a str) -> &'a str {
    time.trim_end_matches('Z')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn read(report: &Report) -> Vec<Vec<String>> {
        let mut out = Vec::new();
        render(report, &mut out).unwrap();
        csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(&*out)
            .records()
            .map(|record| record.unwrap().iter().map(str::to_owned).collect())
            .collect()
    }

    #[test]
    fn there_is_a_row_for_each_endpoint_and_name() {
        let report = sample::report();
        let rows = read(&report);
        let expected: usize = report.endpoints.iter().map(|e| e.names.len().max(1)).sum();
        assert_eq!(rows.len(), 1 + expected);
        assert!(rows.iter().all(|row| row.len() == COLUMNS.len()));
    }

    #[test]
    fn no_cell_begins_a_formula_or_holds_a_control_character() {
        for row in read(&sample::report()) {
            for cell in row {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
                assert!(!cell.chars().any(escape::is_unsafe), "{cell}");
            }
        }
    }

    #[test]
    fn the_rows_read_as_expected() {
        let mut out = Vec::new();
        render(&sample::report(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        snapbox::assert_data_eq!(text, snapbox::file!["snapshots/audit.csv"].raw());
    }
}
