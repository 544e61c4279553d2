//! Every name seen, whether the catalog knows it or not.

use serde::Serialize;

use super::{InputReport, Tool};
use crate::observe::NameSource;

/// What `names` reports.
#[derive(Clone, PartialEq, Debug)]
pub struct NamesReport {
    /// What made the report.
    pub tool: Tool,
    /// What was read, sorted by path.
    pub inputs: Vec<InputReport>,
    /// One row for each pair of source and name, sorted by source, then by name.
    pub rows: Vec<NameRow>,
    /// How often a name was seen that no row tells of, because there were too many names.
    pub given_up: u64,
}

/// One name as one kind of source showed it. JSON Lines hold one of these a line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NameRow {
    /// What showed the name.
    pub source: NameSource,
    /// The name in its normal form; it comes from traffic and may hold any character.
    pub name: String,
    /// How often it was seen.
    pub count: u64,
    /// When first, RFC 3339; none when no record had a time.
    pub first: Option<String>,
    /// When last, RFC 3339; none when no record had a time.
    pub last: Option<String>,
    /// The ids of the required endpoints whose pattern it matches, sorted.
    pub endpoints: Vec<String>,
}

impl NamesReport {
    /// Puts the rows into the order that the contract promises.
    pub fn finish(&mut self) {
        for row in &mut self.rows {
            row.endpoints.sort();
        }
        self.rows.sort_by(|a, b| (a.source, &a.name).cmp(&(b.source, &b.name)));
    }
}
