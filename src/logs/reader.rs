//! One line at a time: wrappers off, the format found, its records out.

use super::directives::Directives;
use super::format::{Line, Memory, Reading};
use super::grammar::{Json, Scratch};
use super::record::Record;
use super::registry::{self, FORMATS};
use super::unwrap::{self, Wrapped};

/// Wrappers within wrappers are taken off this often.
const MAX_WRAPPERS: usize = 4;

/// Reads lines and keeps its tables for the next.
#[derive(Default)]
pub(crate) struct LineReader {
    /// The format that a line is shown to first: what the head of the input is of.
    main: Option<usize>,
    /// The only format that lines are shown to, if the user said so.
    only: Option<usize>,
    /// For JSON wrappers, one for each depth.
    wrappers: [Scratch; MAX_WRAPPERS],
    /// For the format.
    scratch: Scratch,
    candidates: Vec<usize>,
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
pub(crate) type EmitFrom<'e> = &'e mut dyn FnMut(usize, Record<'_>);

impl LineReader {
    /// A reader that shows lines to `main` first.
    pub(crate) fn new(main: Option<usize>) -> Self {
        // A fallback is never asked before the formats whose lines it would take.
        let is_first = |main: &usize| FORMATS.get(*main).is_some_and(|main| !main.is_fallback());
        Self { main: main.filter(is_first), ..Self::default() }
    }

    /// A reader that knows one format only.
    pub(crate) fn only(format: usize) -> Self {
        Self { main: Some(format), only: Some(format), ..Self::default() }
    }

    /// Reads one line, or one JSON document, without its line end.
    pub(crate) fn read(
        &mut self,
        text: &[u8],
        directives: Option<&Directives>,
        emit: EmitFrom<'_>,
    ) -> Fate {
        let Self { main, only, wrappers, scratch, candidates } = self;
        let mut finder = Finder { main: *main, only: *only, scratch, candidates };
        finder.unwrap(text, Line { directives, ..Line::default() }, wrappers, emit)
    }

    /// Reads a line that [`read`](Self::read) has found to be one that is read in order.
    pub(crate) fn read_in_order(
        &mut self,
        text: &[u8],
        directives: Option<&Directives>,
        memory: &mut Memory,
        emit: EmitFrom<'_>,
    ) -> Fate {
        let Self { main, only, wrappers, scratch, candidates } = self;
        let mut finder = Finder { main: *main, only: *only, scratch, candidates };
        finder.in_order(text, Line { directives, ..Line::default() }, wrappers, memory, emit)
    }
}

struct Finder<'r> {
    main: Option<usize>,
    only: Option<usize>,
    scratch: &'r mut Scratch,
    candidates: &'r mut Vec<usize>,
}

impl Finder<'_> {
    fn unwrap(
        &mut self,
        text: &[u8],
        line: Line<'_>,
        wrappers: &mut [Scratch],
        emit: EmitFrom<'_>,
    ) -> Fate {
        let Some((wrapper, inner)) = wrappers.split_first_mut() else {
            return self.text(text, &line, emit);
        };
        match unwrap::unwrap(text, &mut *wrapper) {
            Wrapped::Text { text, received } => {
                let line = Line { received: line.received.or(received), ..line };
                self.unwrap(text, line, inner, emit)
            }
            Wrapped::Json(json) => self.json_or_payload(json, line, inner, emit),
            Wrapped::Not => self.text(text, &line, emit),
        }
    }

    /// A JSON object is a record, or a wrapper around a text or another object, or both.
    fn json_or_payload(
        &mut self,
        json: Json<'_>,
        line: Line<'_>,
        inner: &mut [Scratch],
        emit: EmitFrom<'_>,
    ) -> Fate {
        let mut fate = Fate::Unknown;
        for element in unwrap::elements(json) {
            let mut one = self.json(element, &line, emit);
            if one == Fate::Unknown {
                for payload in unwrap::payloads(element) {
                    let received = line.received.or(payload.received);
                    let line = Line { received, ..line };
                    one = self.unwrap(&payload.text, line, inner, emit);
                    if one != Fate::Unknown {
                        break;
                    }
                }
            }
            fate = fate.and(one);
        }
        fate
    }

    fn json(&mut self, json: Json<'_>, line: &Line<'_>, emit: EmitFrom<'_>) -> Fate {
        let only = self.only;
        let all = (0..FORMATS.len()).filter(|format| only.is_none_or(|only| only == *format));
        for format in self.main.into_iter().chain(all) {
            let Some(reader) = FORMATS.get(format) else { continue };
            let reading =
                reader.read_json(json, line, self.scratch, &mut |record| emit(format, record));
            if reading != Reading::NotMine {
                return Fate::Known { format, reading };
            }
        }
        Fate::Unknown
    }

    fn text(&mut self, text: &[u8], line: &Line<'_>, emit: EmitFrom<'_>) -> Fate {
        if let Some(format) = self.main {
            let fate = self.ask(format, text, line, emit);
            if fate != Fate::Unknown || self.only.is_some() {
                return fate;
            }
        }
        registry::candidates(text, self.candidates);
        for at in 0..self.candidates.len() {
            let Some(format) = self.candidates.get(at).copied() else { break };
            if Some(format) == self.main {
                continue;
            }
            let fate = self.ask(format, text, line, emit);
            if fate != Fate::Unknown {
                return fate;
            }
        }
        Fate::Unknown
    }

    fn ask(&mut self, format: usize, text: &[u8], line: &Line<'_>, emit: EmitFrom<'_>) -> Fate {
        let Some(reader) = FORMATS.get(format) else { return Fate::Unknown };
        let reading =
            reader.read_text(text, line, self.scratch, &mut |record| emit(format, record));
        match reading {
            Reading::NotMine => Fate::Unknown,
            reading => Fate::Known { format, reading },
        }
    }

    /// Like [`unwrap`](Self::unwrap), and lines that are read in order are read.
    fn in_order(
        &mut self,
        text: &[u8],
        line: Line<'_>,
        wrappers: &mut [Scratch],
        memory: &mut Memory,
        emit: EmitFrom<'_>,
    ) -> Fate {
        let Some((wrapper, inner)) = wrappers.split_first_mut() else {
            return Fate::Unknown;
        };
        match unwrap::unwrap(text, &mut *wrapper) {
            Wrapped::Text { text, received } => {
                let line = Line { received: line.received.or(received), ..line };
                return self.in_order(text, line, inner, memory, emit);
            }
            Wrapped::Json(json) => {
                let mut fate = Fate::Unknown;
                for element in unwrap::elements(json) {
                    for payload in unwrap::payloads(element) {
                        let received = line.received.or(payload.received);
                        let line = Line { received, ..line };
                        let one = self.in_order(&payload.text, line, inner, memory, emit);
                        if one != Fate::Unknown {
                            fate = fate.and(one);
                            break;
                        }
                    }
                }
                return fate;
            }
            Wrapped::Not => {}
        }
        let fate = self.text(text, &line, &mut |_, _| {});
        let Fate::Known { format, reading: Reading::InOrder } = fate else { return fate };
        let Some(reader) = FORMATS.get(format) else { return Fate::Unknown };
        let reading = reader.read_in_order(text, &line, memory, &mut |record| emit(format, record));
        Fate::Known { format, reading }
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
