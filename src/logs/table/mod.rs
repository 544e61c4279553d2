//! Exports with columns that somebody chose: CSV and its kin with a row of titles, and flat JSON objects.
//!
//! ```text
//! "Receive Time","URL","Source address","Destination address","Action"
//! "2025/11/26 04:15:00","www.example.com/","10.1.2.3","203.0.113.9","block-url"
//! ```
//!
//! What a column holds is told by its title, in [`roles`], and where a title means several things, by its
//! values. A column that holds the raw lines of the log that was exported is unwrapped: they are read as the
//! log that they are. The gravest word of all columns that say what was done counts.
//!
//! What it witnesses: bytes from the server are taken for those of whole packets, for an export does not say
//! whose they are. A status other than 2xx to CONNECT, and a relayed 403 or 451, is a denial of its sender.
//! Denied segments whose flags are stated and are no bare SYN are of no connection.

mod record;
mod roles;
mod time;

use std::borrow::Cow;
use std::sync::LazyLock;

use self::record::{Cell, Clock};
use self::roles::{Role, role_of};
use super::format::{About, Format, Line};
use super::grammar::{Columns as Split, Json, Scratch};
use super::record::{Action, Record};
use super::registry;
use super::stamp::Stamp;
use super::value;

/// The format: its rows are read by the [`Table`] that the head of an input tells, and its objects after all
/// other formats and wrappers.
pub(super) struct Columns;

/// The word of the format.
pub(super) const ID: &str = "columns";

/// Lines of the head among which the titles stand.
const MAX_PREAMBLE: usize = 12;
/// The most columns of a row that are looked at.
const MAX_COLUMNS: usize = 400;
/// How deep members of JSON objects are looked at.
const MAX_DEPTH: usize = 4;

impl Format for Columns {
    fn about(&self) -> &'static About {
        &About {
            id: ID,
            product: "Exports with columns (CSV, TSV, JSON)",
            reference: "ECS, CIM, ASIM and the exports of consoles",
            recognised_by: "a row of titles, or keys, that name what was tried and what was done; \
                            or a column of raw lines",
            literals: &[],
        }
    }

    fn is_fallback(&self) -> bool {
        true
    }
}

/// The columns of an export, as its row of titles tells.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Table {
    separator: u8,
    /// What each column holds, by its number; the surest of each role first.
    roles: Vec<(usize, Role)>,
    /// The column of raw lines.
    raw: Option<usize>,
    is_utc: bool,
    /// The row of titles and the lines before it.
    head: Vec<Vec<u8>>,
    columns: usize,
}

/// A row of an export.
#[expect(clippy::large_enum_variant, reason = "one at a time, and none is kept")]
pub(super) enum Row<'l> {
    /// The row of titles, or what stands before it.
    Head,
    /// The raw line of another log, and when it was collected.
    Raw(Cow<'l, [u8]>, Stamp),
    /// The row is cut.
    Cut,
    /// No more than the row itself, and the record that it is.
    Own(Option<Record<'l>>),
}

impl Table {
    /// Finds the row of titles among the first lines of an input.
    pub(crate) fn find<'t>(lines: impl Iterator<Item = &'t [u8]>) -> Option<Self> {
        let mut scratch = Scratch::default();
        let mut head: Vec<Vec<u8>> = Vec::new();
        for line in lines.take(MAX_PREAMBLE) {
            let table = b",\t;|".iter().filter_map(|separator| {
                let columns = scratch.columns(line, *separator);
                let titles: Vec<String> = columns
                    .iter()
                    .take(MAX_COLUMNS)
                    .map(|title| String::from_utf8_lossy(title).into_owned())
                    .collect();
                Self::of_titles(&titles, *separator)
            });
            head.push(line.to_vec());
            if let Some(table) = table.max_by_key(|table| table.roles.len()) {
                return Some(Self { head, ..table });
            }
        }
        None
    }

    /// The table of these titles, if they name raw lines, or what was tried and what was done.
    fn of_titles(titles: &[String], separator: u8) -> Option<Self> {
        let is_title = |title: &String| {
            let text = title.trim();
            let is_plain = |c: char| c.is_alphanumeric() || " _-./#@()[]?%".contains(c);
            text.len() <= 64
                && text.chars().all(is_plain)
                && text.chars().any(char::is_alphabetic)
                && value::address(text.as_bytes()).is_none()
        };
        let named = titles.iter().filter(|title| !title.trim().is_empty());
        if titles.len() < 2
            || named.clone().count() * 4 < titles.len() * 3
            || !named.clone().all(is_title)
        {
            return None;
        }
        let mut found: Vec<(Role, usize, usize)> = titles
            .iter()
            .enumerate()
            .filter_map(|(at, title)| role_of(title).map(|(role, rank)| (role, rank, at)))
            .collect();
        found.sort_unstable();
        let has = |roles: &[Role]| found.iter().any(|(role, ..)| roles.contains(role));
        let raw = found.iter().find(|(role, ..)| *role == Role::Raw).map(|(.., at)| *at);
        let is_target = has(&[Role::Name, Role::Url, Role::Server, Role::Question, Role::Sni]);
        let is_told = has(&[Role::Action, Role::Status, Role::IsBlocked]);
        if raw.is_none() && !(is_target && is_told) {
            return None;
        }
        let utc = |title: &String| {
            let title = title.to_ascii_lowercase();
            title.contains("utc") || title.contains("gmt")
        };
        let is_utc = found
            .iter()
            .find(|(role, ..)| *role == Role::Time)
            .and_then(|(.., at)| titles.get(*at))
            .is_some_and(utc);
        let roles = found.into_iter().map(|(role, _, at)| (at, role)).collect();
        Some(Self { separator, roles, raw, is_utc, head: Vec::new(), columns: titles.len() })
    }

    /// Whether a column holds raw lines.
    pub(crate) const fn has_raw(&self) -> bool {
        self.raw.is_some()
    }

    /// What a line is.
    pub(super) fn row<'l>(
        &self,
        text: &'l [u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
    ) -> Row<'l> {
        if self.head.iter().any(|line| line == text) {
            return Row::Head;
        }
        let columns = scratch.columns(text, self.separator);
        let Some(raw) = self.raw else {
            let is_cut = columns.len() * 2 < self.columns;
            return if is_cut { Row::Cut } else { Row::Own(self.of_columns(&columns, line)) };
        };
        let Some(line) = columns.text(raw) else {
            let is_cut = columns.len() <= raw;
            return if is_cut { Row::Cut } else { Row::Own(self.of_columns(&columns, line)) };
        };
        let times = self.roles.iter().filter(|(_, role)| *role == Role::Time);
        let time =
            times.filter_map(|(at, _)| columns.get(*at)).find_map(|raw| time::stamp(raw, None));
        let received = match time {
            Some(stamp) if self.is_utc => stamp.in_utc(),
            Some(stamp) => stamp,
            None => Stamp::None,
        };
        Row::Raw(line, received)
    }

    /// The record of a row whose raw line no format knows.
    pub(super) fn record<'l>(
        &self,
        text: &'l [u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
    ) -> Option<Record<'l>> {
        self.of_columns(&scratch.columns(text, self.separator), line)
    }

    fn of_columns<'l>(&self, columns: &Split<'_, 'l>, line: &Line<'_>) -> Option<Record<'l>> {
        let cells: smallvec::SmallVec<[Cell<'l>; 24]> =
            self.roles.iter().filter_map(|(at, role)| Some((*role, columns.text(*at)?))).collect();
        let clock = Clock { is_utc: self.is_utc, day_first: line.hints.is_day_first };
        let mut record = record::record(&cells, clock)?;
        record.stamp = line.stamp(record.stamp, b"");
        Some(record)
    }
}

/// The record of a JSON object whose keys, those of objects in it joined with theirs, name what was tried and
/// what was done.
pub(super) fn of_object<'j>(json: Json<'j>, line: &Line<'_>) -> Option<Record<'j>> {
    let mut found: Vec<(Role, usize, Cow<'j, [u8]>)> = Vec::new();
    let mut path = String::new();
    gather(json, &mut path, 0, &mut found);
    found.sort_by_key(|(role, rank, _)| (*role, *rank));
    let cells: Vec<Cell<'j>> = found.into_iter().map(|(role, _, text)| (role, text)).collect();
    let has = |roles: &[Role]| cells.iter().any(|(role, _)| roles.contains(role));
    if !has(&[Role::Client, Role::Time]) {
        return None;
    }
    let clock = Clock { is_utc: false, day_first: line.hints.is_day_first };
    let mut record = record::record(&cells, clock)?;
    // Objects are of all kinds: only one that says what was done is a record.
    let code = record.dns.as_ref().and_then(|dns| dns.response_code);
    if record.action == Action::Other && record.cause.is_none() && code.is_none() {
        return None;
    }
    record.stamp = line.stamp(record.stamp, b"");
    Some(record)
}

/// The rows of the tables in an answer of Log Analytics (`{"tables":[{"columns":[{"name":…}],"rows":[[…]]}]}`),
/// each as an object of its own.
pub(super) fn rows_of(json: Json<'_>) -> Option<Vec<Vec<u8>>> {
    let tables =
        json.get("tables").or_else(|| json.get("Tables")).filter(|tables| tables.is_array())?;
    let mut objects = Vec::new();
    for table in tables.elements() {
        let member = |names: [&str; 2]| names.into_iter().find_map(|name| table.get(name));
        let (Some(columns), Some(rows)) =
            (member(["columns", "Columns"]), member(["rows", "Rows"]))
        else {
            continue;
        };
        let name = |column: Json<'_>| {
            let name = column.first(&["name", "ColumnName", "columnName"])?;
            Some(String::from_utf8_lossy(&name).into_owned())
        };
        let names: Vec<String> =
            columns.elements().map(|column| name(column).unwrap_or_default()).collect();
        for row in rows.elements() {
            let cells = names.iter().zip(row.elements()).filter_map(|(name, cell)| {
                let text = String::from_utf8_lossy(&cell.scalar()?).into_owned();
                Some((name.clone(), serde_json::Value::String(text)))
            });
            let object: serde_json::Map<String, serde_json::Value> = cells.collect();
            objects.push(serde_json::Value::Object(object).to_string().into_bytes());
        }
    }
    (!objects.is_empty()).then_some(objects)
}

/// The number of the format.
pub(super) fn number() -> Option<usize> {
    static NUMBER: LazyLock<Option<usize>> = LazyLock::new(|| registry::find(ID));
    *NUMBER
}

/// The scalars of an object by what their keys mean: the whole path or the last key of it.
fn gather<'j>(
    json: Json<'j>,
    path: &mut String,
    depth: usize,
    found: &mut Vec<(Role, usize, Cow<'j, [u8]>)>,
) {
    /// A match of the last key alone is less sure.
    const LAST_KEY: usize = 1_000;
    for (key, member) in json.entries().take(MAX_COLUMNS) {
        let length = path.len();
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
        if member.is_object() {
            if depth < MAX_DEPTH {
                gather(member, path, depth + 1, found);
            }
        } else if let Some((role, rank)) = role_of_path(path, key, depth, LAST_KEY) {
            if member.is_array() {
                found.extend(
                    member.elements().filter_map(Json::scalar).map(|text| (role, rank, text)),
                );
            } else if let Some(text) = member.scalar() {
                found.push((role, rank, text));
            }
        }
        path.truncate(length);
    }
}

/// What a member holds: by its whole path, or by its parent and its key (`client.ip`), or, of the outermost
/// object's own members and of those whose key is telling enough, by the key.
fn role_of_path(path: &str, key: &str, depth: usize, less: usize) -> Option<(Role, usize)> {
    if let Some(found) = role_of(path) {
        return Some(found);
    }
    let parent = path.strip_suffix(key).and_then(|path| path.strip_suffix('.'));
    let near = parent.map(|parent| format!("{}{key}", parent.rsplit('.').next().unwrap_or(parent)));
    if let Some((role, rank)) = near.and_then(|near| role_of(&near)) {
        return Some((role, rank + less));
    }
    let is_telling =
        |(role, _): &(Role, usize)| depth == 0 || matches!(role, Role::Action | Role::Sni);
    role_of(key).filter(is_telling).map(|(role, rank)| (role, rank + 2 * less))
}

#[cfg(test)]
mod tests;
