//! The lines of logs behind the evidence, read again from files that are neither compressed nor
//! of another encoding.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::input::PlainFile;
use crate::logs::framing::{Framing, Walker};
use crate::report::SiteReport;

/// The most bytes of a line that are shown.
const MAX_LINE: usize = 2 << 10;

/// Logs whose lines can be read again, by input.
#[derive(Debug, Default)]
pub(super) struct PlainLogs(BTreeMap<u32, (PathBuf, Framing)>);

impl PlainLogs {
    pub(super) fn add(&mut self, input: u32, path: PathBuf, framing: Framing) {
        self.0.insert(input, (path, framing));
    }

    /// Puts the lines into the evidence. A file that is gone by now leaves its evidence without.
    pub(super) fn fill(&self, report: &mut SiteReport) {
        let mut files: BTreeMap<u32, Option<(PlainFile, Framing)>> = BTreeMap::new();
        let names = report.endpoints.iter_mut().flat_map(|endpoint| &mut endpoint.names);
        let contradicted = report.contradictions.iter_mut().map(|row| &mut row.log);
        for piece in names.flat_map(|name| &mut name.evidence).chain(contradicted) {
            let file = files.entry(piece.input).or_insert_with(|| {
                let (path, framing) = self.0.get(&piece.input)?;
                let file = PlainFile::open(path).ok().flatten()?;
                Some((file, *framing))
            });
            let Some((file, framing)) = file else { continue };
            let bytes = file.read_at(piece.offset, MAX_LINE).unwrap_or_default();
            let line = first_unit(&bytes, *framing);
            if !line.is_empty() {
                piece.line = Some(text(line));
            }
        }
    }
}

/// The line, or the document, that the bytes begin with.
fn first_unit(bytes: &[u8], framing: Framing) -> &[u8] {
    let end = match framing {
        Framing::Documents => {
            let mut units = Vec::new();
            Walker::default().walk(bytes, &mut units);
            units.first().map_or(bytes.len(), |unit| unit.end)
        }
        // Of a line in parts, the first is shown.
        Framing::Lines | Framing::Quoted | Framing::Container => {
            memchr::memchr(b'\n', bytes).unwrap_or(bytes.len())
        }
    };
    bytes.get(..end).unwrap_or(bytes).trim_ascii()
}

/// The bytes as text. A character that the limit cut is left out; what is no UTF-8 is replaced.
fn text(line: &[u8]) -> String {
    match std::str::from_utf8(line) {
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(line.get(..error.valid_up_to()).unwrap_or_default())
        }
        _ => String::from_utf8_lossy(line),
    }
    .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_where_its_unit_ends() {
        assert_eq!(first_unit(b"one\r\ntwo\n", Framing::Lines), b"one");
        assert_eq!(first_unit(b"cut", Framing::Lines), b"cut");
        let document = b"{\n \"a\": {\"b\": 1}\n},\n{\"c\": 2}\n";
        assert_eq!(first_unit(document, Framing::Documents), b"{\n \"a\": {\"b\": 1}\n}");
    }

    #[test]
    fn a_character_that_is_cut_is_left_out() {
        assert_eq!(text("aé".as_bytes()), "aé");
        assert_eq!(text(b"a\xc3"), "a");
        assert_eq!(text(b"a\xffb"), "a\u{fffd}b");
    }
}
