//! Patterns of names: what they may look like, and which names they match.

use std::fmt;

use crate::observe::MAX_NAME_LENGTH;

/// The longest pattern, in bytes of its normal form: that of a DNS name (RFC 1035 section 2.3.4).
const MAX_PATTERN_LENGTH: usize = 253;
/// The longest label (RFC 1035 section 2.3.4).
const MAX_LABEL_LENGTH: usize = 63;
/// The most asterisks in one pattern.
const MAX_WILDCARDS: usize = 4;

/// A pattern of server names, in normal form: lower case, no trailing dot, IDNA A-labels.
///
/// | shape | matches |
/// |---|---|
/// | `a.example.com` | that name |
/// | `*.example.com` | one or more labels left of `example.com`, never `example.com` itself |
/// | `*foo.example.com` | any characters, dots included, also none, left of `foo.example.com` |
/// | `a.*.example.com` | one or more labels in place of the `*` |
/// | `a*.example.com`, `a*b.example.com` | any characters but dots, also none, in place of the `*` |
///
/// So an asterisk that stands alone as a label is one or more whole labels, wherever it stands;
/// one that begins the pattern and is followed by other characters of its label is anything; any
/// other stays within its label. A label taken by a `*` that stands alone is never empty: `a..x`
/// has no label between its dots. The rightmost label must be written out, because `*` alone or
/// `foo.*` would be names of any owner.
///
/// No name longer than [`MAX_NAME_LENGTH`] matches anything.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Pattern {
    text: Box<str>,
    elements: Box<[Element]>,
}

/// A piece of a pattern.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Element {
    /// These characters.
    Literal(Box<str>),
    /// One or more whole labels, none of them empty.
    Labels,
    /// Any characters, also none.
    Anything,
    /// Any characters but dots, also none.
    WithinLabel,
}

/// Why a text is no pattern: what is wrong, and what to do.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}; {advice}")]
pub struct PatternError {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub advice: &'static str,
}

impl Pattern {
    /// Reads a pattern as a person writes it: upper case, U-labels and one trailing dot are
    /// allowed and normalised.
    ///
    /// # Errors
    ///
    /// Whatever is not of one of the shapes above.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        refuse_what_is_no_name(text)?;
        let text = normal_form(text)?;
        if text.len() > MAX_PATTERN_LENGTH {
            return Err(error(
                format!("the pattern is longer than {MAX_PATTERN_LENGTH} characters"),
                "no DNS name is that long; shorten it",
            ));
        }
        for label in text.split('.') {
            check_label(label)?;
        }
        let last = text.rsplit('.').next().unwrap_or_default();
        if last.contains('*') {
            return Err(error(
                "the rightmost label holds a wildcard, so the pattern would match names of any owner"
                    .to_owned(),
                "write the domain out, such as `*.example.com`",
            ));
        }
        let elements = elements(&text);
        if elements.iter().filter(|e| !matches!(e, Element::Literal(_))).count() > MAX_WILDCARDS {
            return Err(error(
                format!("the pattern has more than {MAX_WILDCARDS} asterisks"),
                "write several simpler patterns",
            ));
        }
        if !text.contains('*') && text.parse::<std::net::Ipv4Addr>().is_ok() {
            return Err(error(
                "an address is no endpoint".to_owned(),
                "write the server's name; address ranges go to [[inbound]] by service tag",
            ));
        }
        Ok(Self { text: text.into(), elements })
    }

    /// The pattern in its normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern is one name.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        matches!(*self.elements, [Element::Literal(_)])
    }

    /// Whether only one label is written out right of the last wildcard (`*.com`): allowed, but
    /// so broad that it is seldom meant.
    #[must_use]
    pub fn is_broad(&self) -> bool {
        match self.text.rsplit_once('*') {
            Some((_, fixed)) => !fixed.trim_start_matches('.').contains('.'),
            None => false,
        }
    }

    /// The longest run of characters that every name of this pattern holds, without dots at its
    /// ends, so that the name that a `*.x` misses by itself holds it too.
    #[must_use]
    pub fn needle(&self) -> &str {
        let mut longest = "";
        for element in &self.elements {
            if let Element::Literal(literal) = element {
                let literal = literal.trim_matches('.');
                if literal.len() > longest.len() {
                    longest = literal;
                }
            }
        }
        longest
    }

    /// The characters that every name of this pattern ends with, and the name that a `*.x` misses by
    /// itself too.
    pub(super) fn tail(&self) -> &str {
        match self.elements.last() {
            Some(Element::Literal(literal)) => literal.trim_start_matches('.'),
            _ => "",
        }
    }

    /// Whether the normalised `name` is one of this pattern. Does not allocate.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        if name.len() > MAX_NAME_LENGTH {
            return false;
        }
        match &*self.elements {
            [Element::Literal(literal)] => **literal == *name,
            [Element::Labels, Element::Literal(suffix)] => {
                name.strip_suffix(&**suffix).is_some_and(is_labels)
            }
            [Element::Anything, Element::Literal(suffix)] => name.ends_with(&**suffix),
            elements => run(elements, name, Positions::only(0)),
        }
    }

    /// Whether `name` is what stands right of a leading `*.`: the name itself, which the pattern
    /// does not match though it is often taken to.
    #[must_use]
    pub fn nearly_matches(&self, name: &str) -> bool {
        if name.len() > MAX_NAME_LENGTH {
            return false;
        }
        let [Element::Labels, Element::Literal(first), rest @ ..] = &*self.elements else {
            return false;
        };
        let first = first.strip_prefix('.').unwrap_or(first);
        match rest {
            [] => name == first,
            _ => name.starts_with(first) && run(rest, name, Positions::only(first.len())),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether the text is one or more labels with none empty.
fn is_labels(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('.') && !text.ends_with('.') && !text.contains("..")
}

/// Whether some walk over `elements` from one of the positions `from` ends at the end of `name`.
///
/// Keeps the set of positions that the elements so far can reach, so the time is bounded by
/// elements times length, whatever the name.
fn run(elements: &[Element], name: &str, from: Positions) -> bool {
    let name = name.as_bytes();
    let mut reached = from;
    for element in elements {
        let mut next = Positions::default();
        match element {
            Element::Literal(literal) => {
                for at in (0..=name.len()).filter(|at| reached.contains(*at)) {
                    if name.get(at..).is_some_and(|rest| rest.starts_with(literal.as_bytes())) {
                        next.insert(at + literal.len());
                    }
                }
            }
            Element::Anything => {
                let mut begun = false;
                for at in 0..=name.len() {
                    begun |= reached.contains(at);
                    if begun {
                        next.insert(at);
                    }
                }
            }
            Element::WithinLabel => {
                let mut begun = false;
                for at in 0..=name.len() {
                    begun |= reached.contains(at);
                    if begun {
                        next.insert(at);
                    }
                    begun &= name.get(at) != Some(&b'.');
                }
            }
            Element::Labels => {
                // What precedes this element ends with a dot, so walks begin where labels do.
                let mut begun = false;
                let mut label_is_empty = true;
                for at in 0..=name.len() {
                    begun |= reached.contains(at);
                    if matches!(name.get(at), None | Some(b'.')) {
                        begun &= !label_is_empty;
                        if begun {
                            next.insert(at);
                        }
                        label_is_empty = true;
                    } else {
                        label_is_empty = false;
                    }
                }
            }
        }
        reached = next;
    }
    reached.contains(name.len())
}

/// A set of positions in a name, on the stack.
#[derive(Default)]
struct Positions([u64; MAX_NAME_LENGTH / 64 + 1]);

impl Positions {
    fn only(position: usize) -> Self {
        let mut positions = Self::default();
        positions.insert(position);
        positions
    }

    fn insert(&mut self, position: usize) {
        if let Some(word) = self.0.get_mut(position / 64) {
            *word |= 1 << (position % 64);
        }
    }

    fn contains(&self, position: usize) -> bool {
        self.0.get(position / 64).is_some_and(|word| word & 1 << (position % 64) != 0)
    }
}

/// Refuses the usual things that people write in place of a name, each with its own advice.
fn refuse_what_is_no_name(text: &str) -> Result<(), PatternError> {
    if text.is_empty() {
        return Err(error(
            "the pattern is empty".to_owned(),
            "write a name, such as `*.example.com`",
        ));
    }
    if text.contains("://") {
        return Err(error(
            "the pattern is a URL".to_owned(),
            "write the name alone and the scheme as `protocol`",
        ));
    }
    if text.starts_with('[') || text.parse::<std::net::IpAddr>().is_ok() {
        return Err(error(
            "an address is no endpoint".to_owned(),
            "write the server's name; address ranges go to [[inbound]] by service tag",
        ));
    }
    if text.contains('/') {
        return Err(error(
            "the pattern holds a path or a prefix length".to_owned(),
            "write the server's name alone",
        ));
    }
    if text.contains(':') {
        return Err(error(
            "the pattern holds a port".to_owned(),
            "write the name alone; the protocol implies the port",
        ));
    }
    if text.contains(char::is_whitespace) {
        return Err(error(
            "the pattern holds white space".to_owned(),
            "write one name per [[endpoint]]",
        ));
    }
    if text.contains("**") {
        return Err(error("two asterisks in a row".to_owned(), "one `*` is enough"));
    }
    Ok(())
}

/// Lower case, A-labels, no trailing dot.
fn normal_form(text: &str) -> Result<String, PatternError> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.is_ascii() {
        return Ok(text.to_ascii_lowercase());
    }
    let mut out = String::with_capacity(text.len());
    // The dots of IDNA (RFC 3490 section 3.1) all separate labels.
    for (position, label) in text.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']).enumerate() {
        if position > 0 {
            out.push('.');
        }
        if label.is_ascii() {
            out.push_str(&label.to_ascii_lowercase());
            continue;
        }
        if label.contains('*') {
            return Err(error(
                "a label holds both a wildcard and letters that are not ASCII".to_owned(),
                "such a label has no A-label form; write it out or put the `*` in a label of its own",
            ));
        }
        match idna::domain_to_ascii(label) {
            Ok(ascii) if !ascii.contains('*') => out.push_str(&ascii),
            _ => {
                return Err(error(
                    "a label is no valid international name (IDNA, RFC 5890)".to_owned(),
                    "correct its spelling or write its A-label (xn--…)",
                ));
            }
        }
    }
    Ok(out)
}

fn check_label(label: &str) -> Result<(), PatternError> {
    if label.is_empty() {
        return Err(error(
            "the pattern has an empty label".to_owned(),
            "take the leading or doubled dot out; `*.x` stands for the names below x",
        ));
    }
    if label.len() > MAX_LABEL_LENGTH {
        return Err(error(
            format!("a label is longer than {MAX_LABEL_LENGTH} characters"),
            "no DNS label is that long; shorten it",
        ));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*');
    match label.chars().find(|c| !u8::try_from(*c).is_ok_and(allowed)) {
        Some(other) => Err(error(
            format!("the character {other:?} cannot stand in a server name"),
            "only letters, digits, `-`, `_`, dots and the wildcard `*` can",
        )),
        None => Ok(()),
    }
}

fn elements(text: &str) -> Box<[Element]> {
    let mut elements = Vec::new();
    let mut literal = String::new();
    for (position, label) in text.split('.').enumerate() {
        if position > 0 {
            literal.push('.');
        }
        for (at, piece) in label.split('*').enumerate() {
            if at > 0 {
                if !literal.is_empty() {
                    elements.push(Element::Literal(std::mem::take(&mut literal).into()));
                }
                elements.push(if label == "*" {
                    Element::Labels
                } else if elements.is_empty() {
                    Element::Anything
                } else {
                    Element::WithinLabel
                });
            }
            literal.push_str(piece);
        }
    }
    if !literal.is_empty() {
        elements.push(Element::Literal(literal.into()));
    }
    elements.into()
}

const fn error(message: String, advice: &'static str) -> PatternError {
    PatternError { message, advice }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(name)
    }

    #[test]
    fn a_pattern_without_wildcard_is_one_name() {
        assert!(matches("go.microsoft.com", "go.microsoft.com"));
        assert!(!matches("go.microsoft.com", "x.go.microsoft.com"));
        assert!(!matches("go.microsoft.com", "go.microsoft.com.evil.example"));
        assert!(matches("localhost", "localhost"));
    }

    #[test]
    fn a_leading_star_label_is_one_or_more_labels_and_never_none() {
        assert!(matches("*.flow.microsoft.com", "emea.flow.microsoft.com"));
        assert!(matches("*.flow.microsoft.com", "a.b.flow.microsoft.com"));
        for other in [
            "flow.microsoft.com",
            "evilflow.microsoft.com",
            ".flow.microsoft.com",
            "a..flow.microsoft.com",
            "emea.flow.microsoft.com.evil.example",
        ] {
            assert!(!matches("*.flow.microsoft.com", other), "{other}");
        }
    }

    #[test]
    fn a_leading_star_without_dot_is_any_characters() {
        for name in ["mobile.x.com", "eu-mobile.x.com", "a.b.mobile.x.com"] {
            assert!(matches("*mobile.x.com", name), "{name}");
        }
        assert!(!matches("*mobile.x.com", "obile.x.com"));
        assert!(matches("*a*b.x.com", "q.ab.x.com"));
        assert!(!matches("*a*b.x.com", "a.b.x.com"));
    }

    #[test]
    fn an_inner_star_label_is_one_or_more_labels() {
        assert!(matches("a.*.x.com", "a.1.x.com"));
        assert!(matches("a.*.x.com", "a.1.2.x.com"));
        assert!(matches("a.*.x.com", "a.x.com.x.com"));
        assert!(!matches("a.*.x.com", "a.x.com"));
        assert!(!matches("a.*.x.com", "a..x.com"));
        assert!(matches("*.a.*.x.com", "1.a.2.a.3.x.com"));
        assert!(!matches("*.*.x.com", "1.x.com"));
        assert!(matches("*.*.x.com", "1.2.x.com"));
    }

    #[test]
    fn a_star_inside_a_label_stays_within_it() {
        assert!(matches("a*b.x.com", "ab.x.com"));
        assert!(matches("a*b.x.com", "a-long-b.x.com"));
        assert!(!matches("a*b.x.com", "a.b.x.com"));
        assert!(matches("r*.x.com", "r.x.com"));
        assert!(matches("a.*b.x.com", "a.b.x.com"));
        assert!(!matches("a.*b.x.com", "a.q.b.x.com"));
    }

    #[test]
    fn a_near_miss_is_what_stands_right_of_the_leading_star_label() {
        let pattern = Pattern::parse("*.flow.microsoft.com").unwrap();
        assert!(pattern.nearly_matches("flow.microsoft.com"));
        assert!(!pattern.nearly_matches("evilflow.microsoft.com"));
        assert!(!pattern.nearly_matches("emea.flow.microsoft.com"));
        let pattern = Pattern::parse("*.a.*.x.com").unwrap();
        assert!(pattern.nearly_matches("a.1.2.x.com"));
        assert!(!pattern.nearly_matches("a.x.com"));
        assert!(!Pattern::parse("*foo.x.com").unwrap().nearly_matches("foo.x.com"));
    }

    #[test]
    fn patterns_take_their_normal_form() {
        let normal = |text| Pattern::parse(text).unwrap().as_str().to_owned();
        assert_eq!(normal("*.Flow.Microsoft.COM."), "*.flow.microsoft.com");
        assert_eq!(normal("*.Bücher.example"), "*.xn--bcher-kva.example");
        assert_eq!(normal("*。bücher。example"), "*.xn--bcher-kva.example");
        assert_eq!(normal("_sip._tcp.example"), "_sip._tcp.example");
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_advice() {
        for text in [
            "",
            ".",
            "*",
            "*.*",
            "*com",
            "foo.*",
            "foo.b*",
            "a..b",
            ".a.b",
            "a.b..",
            "**.x.com",
            "https://x.com",
            "x.com:443",
            "x.com/path",
            "10.0.0.0/8",
            "192.0.2.1",
            "192.0.2.1.",
            "::1",
            "[::1]",
            "a b.com",
            "a\tb.com",
            "a?.x.com",
            "a,b.com",
            "a\u{1b}.com",
            "*bücher.example",
            "\u{ff0a}.x.com",
            "a\u{202e}b.com",
            "*a*b*c*d*e.x.com",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text:?}");
        }
        assert!(Pattern::parse(&"a".repeat(64)).is_err());
        assert!(Pattern::parse(&vec!["a"; 127].join(".")).is_ok());
        assert!(Pattern::parse(&vec!["a"; 128].join(".")).is_err());
    }

    #[test]
    fn patterns_over_a_whole_top_level_domain_are_broad() {
        for (text, broad) in [
            ("*.com", true),
            ("a.*.com", true),
            ("a*.com", true),
            ("*.x.com", false),
            ("*x.com", false),
            ("com", false),
        ] {
            assert_eq!(Pattern::parse(text).unwrap().is_broad(), broad, "{text}");
        }
    }

    #[test]
    fn the_needle_is_the_longest_part_that_is_written_out() {
        let needle = |text| Pattern::parse(text).unwrap().needle().to_owned();
        assert_eq!(needle("*.flow.microsoft.com"), "flow.microsoft.com");
        assert_eq!(needle("longer-than-that.*.x.io"), "longer-than-that");
        assert_eq!(needle("*mobile.x.com"), "mobile.x.com");
    }

    #[test]
    fn overlong_names_match_nothing() {
        let name = format!("{}.x.com", "a".repeat(MAX_NAME_LENGTH));
        assert!(!matches("*.x.com", &name));
        assert!(!matches("*a.x.com", &name));
        let name = format!("{}.x.com", "a".repeat(MAX_NAME_LENGTH - 6));
        assert_eq!(name.len(), MAX_NAME_LENGTH);
        assert!(matches("*.x.com", &name));
        assert!(matches("a*.x.com", &name));
    }
}
