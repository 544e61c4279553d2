//! JSON: indented documents and one object per line.
//!
//! Beyond what JSON demands, characters that act on a terminal are written as `\uXXXX`, so that a
//! document is safe to look at and equal to every parser.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use super::escape;
use crate::report::{ExplainReport, Report};

/// Bytes of a document that are handed on together.
const HANDED_ON: usize = 64 << 10;

/// Writes the report, indented by two spaces and ended by a newline.
///
/// # Errors
/// Those of `out`.
pub fn render(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    document(report, out)
}

/// Writes the story of an endpoint in the same manner.
///
/// # Errors
/// Those of `out`.
pub fn render_explain(report: &ExplainReport, out: &mut dyn Write) -> io::Result<()> {
    document(report, out)
}

/// Writes any value as an indented document that is ended by a newline.
///
/// # Errors
/// Those of `out`.
pub fn document(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    // A document is made of pieces of a few bytes, too small for a call through `dyn`.
    let mut out = BufWriter::with_capacity(HANDED_ON, out);
    write_with(value, PrettyFormatter::new(), &mut out)?;
    out.flush()
}

/// Writes any value as one line.
///
/// # Errors
/// Those of `out`.
pub fn line(value: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    write_with(value, CompactFormatter, out)
}

fn write_with<W: Write + ?Sized>(
    value: &impl Serialize,
    formatter: impl Formatter,
    out: &mut W,
) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(&mut *out, Visible(formatter)))?;
    out.write_all(b"\n")
}

/// Formats as `F` does, with unsafe characters of strings as escapes.
struct Visible<F>(F);

/// Hands calls of [`Formatter`] on to the formatter inside.
macro_rules! delegate {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {
        $(
            fn $method<W: ?Sized + Write>(
                &mut self,
                out: &mut W,
                $($argument: $type),*
            ) -> io::Result<()> {
                self.0.$method(out, $($argument),*)
            }
        )*
    };
}

impl<F: Formatter> Formatter for Visible<F> {
    delegate! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        end_object_key();
        begin_object_value();
        end_object_value();
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return out.write_all(fragment.as_bytes());
        }
        let mut utf8 = [0; 4];
        let mut utf16 = [0; 2];
        for run in fragment.split_inclusive(escape::is_unsafe) {
            let last = run.chars().next_back().filter(|c| escape::is_unsafe(*c));
            let Some(last) = last else {
                out.write_all(run.as_bytes())?;
                continue;
            };
            let kept = run.strip_suffix(&*last.encode_utf8(&mut utf8)).unwrap_or_default();
            out.write_all(kept.as_bytes())?;
            for unit in last.encode_utf16(&mut utf16) {
                write!(out, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::report::sample;

    fn text_of(value: &impl Serialize) -> String {
        let mut out = Vec::new();
        line(value, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn every_text_survives_and_nothing_acts_on_a_terminal(text in any::<String>()) {
            let written = text_of(&text);
            let line = written.strip_suffix('\n').unwrap();
            prop_assert!(!line.chars().any(escape::is_unsafe));
            prop_assert_eq!(serde_json::from_str::<String>(line).unwrap(), text);
        }
    }

    #[test]
    fn characters_beyond_sixteen_bits_become_surrogate_pairs() {
        assert_eq!(
            text_of(&"a\u{e0041}\u{9b}\"\u{1b}z"),
            "\"a\\udb40\\udc41\\u009b\\\"\\u001bz\"\n"
        );
    }

    #[test]
    fn the_document_is_the_report() {
        let report = sample::report();
        let mut out = Vec::new();
        render(&report, &mut out).unwrap();
        assert!(out.ends_with(b"}\n"));
        let read: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(read, serde_json::to_value(&report).unwrap());
    }
}
