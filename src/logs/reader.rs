//! One line at a time: wrappers off, the format found, its records out.

use std::sync::Arc;

use super::directives::Directives;
use super::format::{Hints, LastHeader, Line, Memory, Reading};
use super::grammar::{Json, Scratch};
use super::record::Record;
use super::registry::{self, FORMATS};
use super::table::{self, Row, Table};
use super::unwrap::{self, Wrapped};

/// Wrappers within wrappers are taken off this often.
const MAX_WRAPPERS: usize = 4;

/// Reads lines and keeps its tables for the next.
#[derive(Default)]
pub(crate) struct LineReader {
    /// The formats that a line is shown to first: those of the head of the input.
    first: Vec<usize>,
    /// The only format that lines are shown to, if the user said so.
    only: Option<usize>,
    /// What the head of the input tells.
    hints: Hints,
    /// For JSON wrappers, one for each depth.
    wrappers: [Scratch; MAX_WRAPPERS],
    /// For the format.
    scratch: Scratch,
    candidates: Vec<usize>,
    last_header: LastHeader,
    /// The columns of the input, where it is an export.
    table: Option<Arc<Table>>,
}

/// What became of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// No format knows it.
    Unknown,
    /// A format knows it.
    Known {
        /// The format's number.
        format: usize,
        /// What the format made of it.
        reading: Reading,
    },
}

/// Takes a record and the number of its format.
pub(crate) type EmitFrom<'e> = &'e mut dyn FnMut(usize, &Record<'_>);

impl LineReader {
    /// A reader that shows lines to these formats first, in this order.
    pub(crate) fn new(first: impl IntoIterator<Item = usize>) -> Self {
        // A fallback is never asked before the formats whose lines it would take.
        let is_first = |format: &usize| FORMATS.get(*format).is_some_and(|one| !one.is_fallback());
        Self { first: first.into_iter().filter(is_first).collect(), ..Self::default() }
    }

    /// A reader that knows one format only.
    pub(crate) fn only(format: usize) -> Self {
        Self { first: vec![format], only: Some(format), ..Self::default() }
    }

    /// The reader with what the head of its input tells.
    pub(crate) fn with(self, hints: Hints) -> Self {
        Self { hints, ..self }
    }

    /// The reader for the rows of an export.
    pub(crate) fn with_table(self, table: Option<Arc<Table>>) -> Self {
        Self { table, ..self }
    }

    /// Reads one line, or one JSON document, without its line end.
    pub(crate) fn read(
        &mut self,
        text: &[u8],
        directives: Option<&Directives>,
        emit: EmitFrom<'_>,
    ) -> Fate {
        self.read_into(text, directives, &mut Output { emit, memory: None })
    }

    /// Reads a line that [`read`](Self::read) has found to be one that is read in order.
    pub(crate) fn read_in_order(
        &mut self,
        text: &[u8],
        directives: Option<&Directives>,
        memory: &mut Memory,
        emit: EmitFrom<'_>,
    ) -> Fate {
        self.read_into(text, directives, &mut Output { emit, memory: Some(memory) })
    }

    fn read_into(
        &mut self,
        text: &[u8],
        directives: Option<&Directives>,
        out: &mut Output<'_, '_>,
    ) -> Fate {
        let Self { first, only, hints, wrappers, scratch, candidates, last_header, table } = self;
        let mut finder = Finder { first, only: *only, scratch, candidates };
        let last_header = Some(&*last_header);
        let line = Line { directives, hints: *hints, last_header, ..Line::default() };
        match table {
            Some(table) => finder.row(table, text, line, wrappers, out),
            None => finder.unwrap(text, line, wrappers, out),
        }
    }
}

struct Finder<'r> {
    first: &'r [usize],
    only: Option<usize>,
    scratch: &'r mut Scratch,
    candidates: &'r mut Vec<usize>,
}

/// Where records go.
struct Output<'e, 'm> {
    emit: EmitFrom<'e>,
    /// What lines read in order remember. With it, only those lines give records: the others
    /// have given theirs.
    memory: Option<&'m mut Memory>,
}

impl Finder<'_> {
    fn unwrap(
        &mut self,
        text: &[u8],
        line: Line<'_>,
        wrappers: &mut [Scratch],
        out: &mut Output<'_, '_>,
    ) -> Fate {
        let Some((mut message, mut behind)) = unwrap::frame(text) else {
            return self.unwrap_message(text, line, wrappers, out);
        };
        let mut fate = self.unwrap_message(message, line, wrappers, out);
        while let Some(next) = unwrap::frame(behind) {
            (message, behind) = next;
            fate = fate.and(self.unwrap_message(message, line, wrappers, out));
        }
        fate
    }

    /// Reads a row of an export: the raw line in it, or else what its columns say.
    fn row(
        &mut self,
        table: &Table,
        text: &[u8],
        line: Line<'_>,
        wrappers: &mut [Scratch],
        out: &mut Output<'_, '_>,
    ) -> Fate {
        let Some(format) = table::number() else { return Fate::Unknown };
        let known = |reading| Fate::Known { format, reading };
        let own = match table.row(text, &line, self.scratch) {
            Row::Head => return known(Reading::NoRecord),
            Row::Cut => return known(Reading::Damaged),
            Row::Raw(raw, received) => {
                let inner = Line { received: received.or(line.received), ..line };
                let fate = self.unwrap(&raw, inner, wrappers, out);
                if fate != Fate::Unknown {
                    return fate;
                }
                table.record(text, &line, self.scratch)
            }
            Row::Own(record) => record,
        };
        match own {
            Some(record) => {
                if out.memory.is_none() {
                    (out.emit)(format, &record);
                }
                known(Reading::Records)
            }
            // Of a raw line that no format knows, nothing is known.
            None if table.has_raw() => Fate::Unknown,
            None => known(Reading::NoRecord),
        }
    }

    fn unwrap_message(
        &mut self,
        text: &[u8],
        line: Line<'_>,
        wrappers: &mut [Scratch],
        out: &mut Output<'_, '_>,
    ) -> Fate {
        let Some((wrapper, inner)) = wrappers.split_first_mut() else {
            return self.read_text(text, &line, out);
        };
        match unwrap::unwrap(text, &mut *wrapper) {
            Wrapped::Text { text, received } => {
                let line = Line { received: received.or(line.received), ..line };
                self.unwrap(text, line, inner, out)
            }
            Wrapped::Json(json) => {
                let mut fate = Fate::Unknown;
                for element in unwrap::elements(json) {
                    fate = fate.and(self.json_or_payload(element, line, inner, out));
                }
                fate
            }
            Wrapped::Parts(parts) => {
                let mut fate = Fate::Unknown;
                for (text, received) in parts {
                    let line = Line { received: received.or(line.received), ..line };
                    fate = fate.and(self.unwrap(&text, line, inner, out));
                }
                fate
            }
            Wrapped::Not => match self.read_text(text, &line, out) {
                Fate::Unknown => cut_json(text, line.hints.json),
                fate => fate,
            },
        }
    }

    /// A JSON object is a record, or a wrapper around a text or another object.
    fn json_or_payload(
        &mut self,
        json: Json<'_>,
        line: Line<'_>,
        inner: &mut [Scratch],
        out: &mut Output<'_, '_>,
    ) -> Fate {
        for object in unwrap::nested(json) {
            let fate = self.json(object, &line, out);
            if fate != Fate::Unknown {
                return fate;
            }
            for payload in unwrap::payloads(object) {
                let received = payload.received.or(unwrap::received(json)).or(line.received);
                let line = Line { received, ..line };
                let mut fate = Fate::Unknown;
                for unit in payload.units() {
                    fate = fate.and(self.unwrap(unit, line, inner, out));
                }
                if fate != Fate::Unknown {
                    return fate;
                }
            }
        }
        self.flat(json, &line, out)
    }

    /// Reads an object that neither a format nor a wrapper explains by what its keys mean.
    fn flat(&mut self, json: Json<'_>, line: &Line<'_>, out: &mut Output<'_, '_>) -> Fate {
        // In a log of another format an object that it does not know is none of any.
        let is_wanted = |format: &usize| {
            let main = self.only.or(line.hints.json);
            main.is_none_or(|main| main == *format)
        };
        let Some(format) = table::number().filter(is_wanted) else { return Fate::Unknown };
        let inner = unwrap::nested(json).skip(1).chain([json]);
        let Some(record) = inner.filter_map(|json| table::of_object(json, line)).next() else {
            return Fate::Unknown;
        };
        if out.memory.is_none() {
            (out.emit)(format, &record);
        }
        Fate::Known { format, reading: Reading::Records }
    }

    fn read_text(&mut self, text: &[u8], line: &Line<'_>, out: &mut Output<'_, '_>) -> Fate {
        let Output { emit, memory } = out;
        let Some(memory) = memory else { return self.text(text, line, emit) };
        let fate = self.text(text, line, &mut |_, _| {});
        let Fate::Known { format, reading: Reading::InOrder } = fate else { return fate };
        let Some(reader) = FORMATS.get(format) else { return Fate::Unknown };
        let reading = reader.read_in_order(text, line, memory, &mut |record| emit(format, record));
        Fate::Known { format, reading }
    }

    fn json(&mut self, json: Json<'_>, line: &Line<'_>, out: &mut Output<'_, '_>) -> Fate {
        let is_first_pass = out.memory.is_none();
        let Self { first, only, scratch, .. } = self;
        let only = *only;
        let all = (0..FORMATS.len()).filter(|format| only.is_none_or(|only| only == *format));
        find(first, only.is_some(), all, &mut |format| {
            let Some(reader) = FORMATS.get(format) else { return Reading::NotMine };
            reader.read_json(json, line, scratch, &mut |record| {
                if is_first_pass {
                    (out.emit)(format, record);
                }
            })
        })
    }

    fn text(&mut self, text: &[u8], line: &Line<'_>, emit: EmitFrom<'_>) -> Fate {
        let Self { first, only, scratch, candidates } = self;
        let candidates = std::iter::once_with(|| {
            registry::candidates(text, candidates);
            candidates.iter().copied()
        });
        find(first, only.is_some(), candidates.flatten(), &mut |format| {
            let Some(reader) = FORMATS.get(format) else { return Reading::NotMine };
            reader.read_text(text, line, scratch, &mut |record| emit(format, record))
        })
    }
}

/// Asks for records the formats that the head of the input showed, then all others in the order of the
/// registry. That a format of the head knows a line and has no record of it is the answer only where
/// the order of the registry leads to it as well: a sibling may have one.
fn find(
    first: &[usize],
    is_first_all: bool,
    others: impl Iterator<Item = usize>,
    ask: &mut dyn FnMut(usize) -> Reading,
) -> Fate {
    let mut without_record = None;
    for &format in first {
        match ask(format) {
            Reading::NotMine => {}
            reading @ (Reading::Records | Reading::InOrder) => {
                return Fate::Known { format, reading };
            }
            reading => {
                without_record.get_or_insert((format, reading));
            }
        }
    }
    if !is_first_all {
        for format in others {
            let reading = match without_record {
                Some((known, _)) if known == format => break,
                _ if first.contains(&format) => continue,
                _ => ask(format),
            };
            if reading != Reading::NotMine {
                return Fate::Known { format, reading };
            }
        }
    }
    without_record.map_or(Fate::Unknown, |(format, reading)| Fate::Known { format, reading })
}

/// What became of a text that no format knows: a cut one of the format of the input's JSON, if it
/// begins as an object does.
fn cut_json(text: &[u8], format: Option<usize>) -> Fate {
    let is_object = text.trim_ascii_start().starts_with(b"{");
    match format.filter(|_| is_object) {
        Some(format) => Fate::Known { format, reading: Reading::Damaged },
        None => Fate::Unknown,
    }
}

impl Fate {
    /// What became of a line of which two parts had these fates: the first that a format knows,
    /// records before anything else.
    fn and(self, other: Self) -> Self {
        let rank = |fate: &Self| match fate {
            Self::Known { reading: Reading::InOrder, .. } => 4,
            Self::Known { reading: Reading::Records, .. } => 3,
            Self::Known { reading: Reading::Damaged, .. } => 2,
            Self::Known { .. } => 1,
            Self::Unknown => 0,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::{read, records};

    #[test]
    fn cut_lines_are_of_the_format_that_their_beginning_tells() {
        for (line, format) in [
            (
                "26-Nov-2025 04:15:03.000 client 10.1.2.3#50126: UDP: query: a.example.com IN A re",
                "infoblox",
            ),
            ("<30>Nov 26 04:15:02 ns1 named[812]: CEF:0|Infoblox|NIOS|9.0.3|RPZ-QN", "infoblox"),
            (
                r#"Nov 26 04:15:03 msg="Answer" subsystem="syncres" ts="1.2" qname="a.exam"#,
                "powerdns",
            ),
            ("ns1 pdns_recursor[812]: 3 [1/1] question for 'a.exam", "powerdns"),
            (
                r#"2025-11-26 04:15:05 1 10.1.2.3 - - - OBSERVED "a" - 200 TCP_HIT GET - tcp a.exam"#,
                "proxysg",
            ),
            (r#"mwg: status="200/0" srcip="10.1.2.3" user="-" dhost="a.exam"#, "skyhigh-mwg"),
            (
                "10.1.2.3:50129 [26/Nov/2025:04:15:06.000] fe~ be/s1 0/0/3/1/1 200 7 \"GET /",
                "haproxy",
            ),
            ("10.1.2.3:50129 [26/Nov/2025:04:15:06.000] fe~ be/s", "haproxy"),
            (
                "id=600002 event=conn_close action=close [message=a ][conn [conn connsrcip=10.1.2.3 \
                 conndestip=203.0.113.1",
                "clavister",
            ),
            ("2 123456789012 eni-0a1b2c3d 10.1.2.3 203.0.113.9 50128 443 6 3", "aws-vpc-flow"),
            (
                "2025-11-26 04:15:06 29 605 5702 6307 10.1.2.3 203.0.113.9 \"a\" GET https \
                 NotChecked",
                "netskope-transaction",
            ),
            ("Nov 26 04:15:06 host CEF:0|Example|Wall|1.0|100|a", "cef"),
            ("Nov 26 04:15:06 host LEEF:2.0|Example|Wall", "leef"),
        ] {
            assert_eq!(read(&[line]), [format!("{format} damaged")], "{line}");
        }
    }

    #[test]
    fn a_format_that_has_no_record_of_a_line_leaves_it_to_its_siblings() {
        let query = "26-Nov-2025 04:15:03.000 client @0x7f 10.1.2.3#50126 (a.example.com): query: a.example.com IN A + (192.0.2.53)";
        let sibling = "26-Nov-2025 04:15:03.000 client 10.1.2.3#50126: UDP: query: b.example.com IN A response: NXDOMAIN -";
        let alone = records(&format!("{sibling}\n"));
        assert_eq!(alone.len(), 1, "{alone:?}");
        let among = records(&format!("{}{sibling}\n", format!("{query}\n").repeat(5)));
        assert_eq!(among.len(), 6, "{among:?}");
        assert_eq!(among[5].split_once(' ').unwrap().1, alone[0].split_once(' ').unwrap().1);
    }

    #[test]
    fn cut_json_is_of_the_format_of_the_rest() {
        let whole = r#"{"event_type":"a","event_sub_type":"b","account_id":"1"}"#;
        let lines = [whole, r#"{"event_type":"a","event_sub"#, "{", "something"];
        let expected = ["cato no record", "cato damaged", "cato damaged", "unknown"];
        assert_eq!(read(&lines), expected);
        assert_eq!(read(&lines[1..]), ["unknown"; 3]);
    }
}
