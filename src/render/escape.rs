//! Untrusted text, one escaper per medium.
//!
//! Names come from hostile traffic, paths from other people's archives. JSON needs nothing beyond
//! what [`json`](super::json) does; every other medium has its function here.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Text for a terminal: whatever could move the cursor, change colours, reorder or hide its
/// neighbours is shown as `\u{…}`, everything else is kept.
///
/// Shown are control characters (C0, DEL, C1), format characters (bidirectional controls and
/// zero-width characters among them), line and paragraph separators, fillers that look like nothing,
/// variation selectors, private-use characters and noncharacters. A backslash is kept as it is, so
/// that Windows paths stay readable.
#[must_use]
pub fn terminal(text: &str) -> Cow<'_, str> {
    replace(text, is_unsafe)
}

/// A server name for a terminal: as [`terminal`], and nothing but ASCII is left, because a name in
/// normal form is ASCII unless it is no valid name, and look-alikes are then the likeliest reason.
#[must_use]
pub fn terminal_name(name: &str) -> Cow<'_, str> {
    replace(name, |c| !matches!(c, ' '..='~'))
}

/// Text for a cell of a CSV file. Quoting is left to the CSV writer.
///
/// As [`terminal`], and a cell that a spreadsheet would take for a formula gets an apostrophe in
/// front (`=`, `+`, `-`, `@`, and their full-width forms; tabs and carriage returns are escaped
/// already). See OWASP, "CSV Injection".
#[must_use]
pub fn csv(text: &str) -> Cow<'_, str> {
    let text = terminal(text);
    match text.trim_start().chars().next() {
        Some('=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}') => {
            Cow::Owned(format!("'{text}"))
        }
        _ => text,
    }
}

/// Whether a character has an effect on a terminal beyond showing itself, or shows nothing.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    match c {
        ' '..='~' => false,
        c if c.is_control() => true,
        // Format characters (general category Cf), separators (Zl, Zp), and what is invisible.
        '\u{ad}'
        | '\u{34f}'
        | '\u{600}'..='\u{605}'
        | '\u{61c}'
        | '\u{6dd}'
        | '\u{70f}'
        | '\u{890}'..='\u{891}'
        | '\u{8e2}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{110bd}'
        | '\u{110cd}'
        | '\u{13430}'..='\u{1345f}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        // Private use.
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => true,
        // Noncharacters.
        '\u{fdd0}'..='\u{fdef}' => true,
        c => matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff),
    }
}

fn replace(text: &str, unsafe_char: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&unsafe_char) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if unsafe_char(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Characters that a terminal, a shell user or a spreadsheet could be fooled by, besides any
    /// others.
    fn hostile_text() -> impl Strategy<Value = String> {
        let tricky = prop::sample::select(vec![
            '\u{0}',
            '\t',
            '\n',
            '\r',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{9b}',
            '\u{ad}',
            '\u{200b}',
            '\u{200e}',
            '\u{202e}',
            '\u{2028}',
            '\u{2066}',
            '\u{feff}',
            '\u{e0041}',
            '=',
            '+',
            '-',
            '@',
            '"',
            ',',
            '\\',
            'a',
        ]);
        prop::collection::vec(prop_oneof![tricky, any::<char>()], 0..40)
            .prop_map(|chars| chars.into_iter().collect())
    }

    fn is_bidirectional_control(c: char) -> bool {
        matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    }

    proptest! {
        #[test]
        fn nothing_that_acts_on_a_terminal_comes_out(text in hostile_text()) {
            let shown = terminal(&text);
            prop_assert!(!shown.chars().any(|c| c.is_control() || is_bidirectional_control(c)));
            prop_assert!(!shown.chars().any(is_unsafe));
        }

        #[test]
        fn escaped_text_is_not_escaped_again(text in hostile_text()) {
            let once = terminal(&text).into_owned();
            prop_assert_eq!(&terminal(&once), &once);
        }

        #[test]
        fn names_come_out_as_printable_ascii(text in hostile_text()) {
            prop_assert!(terminal_name(&text).bytes().all(|b| matches!(b, b' '..=b'~')));
        }

        #[test]
        fn no_cell_begins_a_formula(text in hostile_text()) {
            let cell = csv(&text);
            prop_assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '\t', '\r']));
            prop_assert!(!cell.chars().any(char::is_control));
        }
    }

    #[test]
    fn what_is_harmless_is_kept_as_it_is() {
        for text in ["emea.flow.microsoft.com", "C:\\captures\\büro 業務.pcapng", "850 µs", ""]
        {
            assert!(matches!(terminal(text), Cow::Borrowed(kept) if kept == text), "{text}");
        }
        assert_eq!(csv("*.flow.microsoft.com"), "*.flow.microsoft.com");
    }

    #[test]
    fn what_is_not_shows_its_number() {
        assert_eq!(terminal("\u{1b}[2Ja\u{202e}b"), "\\u{1b}[2Ja\\u{202e}b");
        assert_eq!(terminal_name("micro\u{455}oft.com"), "micro\\u{455}oft.com");
        assert_eq!(csv("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
        assert_eq!(csv("\t=1"), "\\u{9}=1");
        assert_eq!(csv("  @SUM(1)"), "'  @SUM(1)");
    }
}
