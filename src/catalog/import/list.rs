//! Plain lists, one name a line, and CSV with a column of names.

use super::draft::{Draft, Row};
use super::token;
use crate::catalog::Protocol;

const NAMES: &[&str] = &[
    "domain",
    "domains",
    "fqdn",
    "host",
    "hostname",
    "host name",
    "url",
    "urls",
    "name",
    "endpoint",
    "pattern",
    "address",
    "destination",
    "server",
];
const PROTOCOLS: &[&str] = &["protocol", "scheme", "protocols"];
const USES: &[&str] = &["use", "purpose", "description", "comment", "notes", "uses"];

/// Reads a list. Names without scheme, port or column of the protocol are taken for https, and that is
/// said once.
pub(super) fn read(text: &str, draft: &mut Draft) {
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(text))
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let mut columns: Option<(usize, Option<usize>, Option<usize>)> = None;
    let mut guessed = 0_u64;
    for record in rows.records() {
        let Ok(record) = record else { continue };
        let line = record.position().map_or(0, |at| usize::try_from(at.line()).unwrap_or(0));
        let title = |names: &[&str]| {
            record.iter().position(|cell| names.contains(&cell.trim().to_lowercase().as_str()))
        };
        if columns.is_none() {
            let names = title(NAMES);
            columns = Some((names.unwrap_or(0), title(PROTOCOLS), title(USES)));
            if names.is_some() {
                continue;
            }
        }
        let Some((names, protocols, uses)) = columns else { continue };
        let cell = |at: usize| record.get(at).map(str::trim).unwrap_or_default();
        let purpose = uses.map(cell).filter(|text| !text.is_empty()).map(str::to_owned);
        // Behind a name may stand a remark.
        let own = cell(names);
        let own = own.split(['#']).next().unwrap_or_default();
        let own = own.split("//").next().filter(|_| !own.contains("://")).unwrap_or(own);
        for raw in token::tokens(own) {
            let token = match token::read(raw) {
                Ok(token) => token,
                Err(remark) => {
                    draft.remark(line, &remark);
                    continue;
                }
            };
            if let Some(remark) = &token.remark {
                draft.remark(line, remark);
            }
            let stated = protocols.and_then(|at| protocol(cell(at))).or(token.protocol);
            guessed += u64::from(stated.is_none());
            draft.add(Row {
                pattern: token.pattern,
                protocol: stated.unwrap_or(Protocol::Https),
                section: None,
                purpose: purpose.clone(),
                clouds: None,
                scenarios: None,
            });
        }
    }
    if guessed > 0 {
        draft.remark(1, &format!("{guessed} names state no protocol and are taken for https"));
    }
}

/// What separates the columns of the first line that is no comment.
fn delimiter(text: &str) -> u8 {
    let is_row = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let first = text.lines().find(is_row).unwrap_or_default();
    let count = |separator: char| first.matches(separator).count();
    ['\t', ';', ','].into_iter().max_by_key(|c| count(*c)).map_or(b',', |c| c as u8)
}

fn protocol(cell: &str) -> Option<Protocol> {
    match cell.to_ascii_lowercase().as_str() {
        "https" | "tls" | "443" | "tcp/443" | "tcp 443" => Some(Protocol::Https),
        "http" | "80" | "tcp/80" | "tcp 80" => Some(Protocol::Http),
        _ => None,
    }
}
