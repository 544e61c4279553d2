//! JSON values on a tape: one flat table that is used again for every line.

mod parse;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use super::key_order::KeyOrder;
use crate::logs::stamp::Stamp;
use crate::logs::value;

/// Values of one line that are kept; what a log writes has hundreds.
const MAX_NODES: usize = 1 << 20;

/// The values of one text in the order of their beginning.
pub(super) struct Tape {
    nodes: Vec<Node>,
    /// Keys and texts that have escapes, undone.
    unescaped: String,
    order: KeyOrder,
}

/// What stands behind a key, as machines write it.
const KEY_END: &[u8] = b"\":";

impl Default for Tape {
    fn default() -> Self {
        Self { nodes: Vec::new(), unescaped: String::new(), order: KeyOrder::new(KEY_END) }
    }
}

#[derive(Clone, Copy)]
struct Node {
    /// The key under which it stands in an object; empty in an array.
    key: Place,
    value: Value,
    /// Index of the node behind it and all that it holds.
    next: u32,
}

#[derive(Clone, Copy)]
enum Value {
    Null,
    Bool(bool),
    Number(Place),
    Text(Place),
    Array,
    Object,
}

/// A place in the text or in what was unescaped.
#[derive(Clone, Copy, Default)]
struct Place {
    start: u32,
    length: u32,
    is_unescaped: bool,
}

/// One value of a JSON text (RFC 8259), and what it holds.
#[derive(Clone, Copy)]
pub struct Json<'s> {
    text: &'s str,
    tape: &'s Tape,
    at: u32,
}

impl<'s> Json<'s> {
    pub(super) fn parse(text: &'s [u8], tape: &'s mut Tape) -> Option<Self> {
        // Checked once as a whole, so that every part that is cut at quotes is text too.
        let text = std::str::from_utf8(text).ok()?;
        parse::parse(text.as_bytes(), tape)?;
        Some(Self { text, tape, at: 0 })
    }

    /// The value under a key of an object; of equal keys the first.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Self> {
        let node = self.node().filter(|node| node.value.is_object())?;
        let mut at = self.at + 1;
        while at < node.next {
            let entry = self.tape.nodes.get(at as usize)?;
            // Most keys differ in length already.
            if entry.key.length as usize == key.len() && self.string(Some(entry.key)) == key {
                return Some(Self { at, ..self });
            }
            at = entry.next;
        }
        None
    }

    /// The value at the end of a chain of keys.
    #[must_use]
    pub fn path(self, keys: &[&str]) -> Option<Self> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The text of the first of these keys that states one, numbers as text too.
    #[must_use]
    pub fn first(self, keys: &[&str]) -> Option<Cow<'s, [u8]>> {
        keys.iter().find_map(|key| self.get(key)?.stated())
    }

    /// Every key and value of an object, in order; nothing for another value.
    pub fn entries(self) -> impl Iterator<Item = (&'s str, Self)> {
        self.inner(Value::is_object).map(move |value| (self.key_of(value), value))
    }

    /// Every array in an object with its key, in order; nothing for another value.
    pub fn arrays(self) -> impl Iterator<Item = (&'s str, Self)> {
        let arrays = self.inner(Value::is_object).filter(|value| value.is_array());
        arrays.map(move |value| (self.key_of(value), value))
    }

    /// Every element of an array, in order; nothing for another value.
    pub fn elements(self) -> impl Iterator<Item = Self> {
        self.inner(Value::is_array)
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.node().is_some_and(|node| node.value.is_object())
    }

    /// Whether it is an array.
    #[must_use]
    pub fn is_array(self) -> bool {
        self.node().is_some_and(|node| node.value.is_array())
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        matches!(self.node().map(|node| node.value), Some(Value::Null))
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(self) -> Option<&'s str> {
        match self.node()?.value {
            Value::Text(place) => Some(self.string(Some(place))),
            _ => None,
        }
    }

    /// The value as text: a text, a number in decimal, `true` or `false`.
    #[must_use]
    pub fn scalar(self) -> Option<Cow<'s, [u8]>> {
        match self.node()?.value {
            Value::Text(place) | Value::Number(place) => {
                Some(Cow::Borrowed(self.string(Some(place)).as_bytes()))
            }
            Value::Bool(value) => Some(Cow::Borrowed(if value { b"true" } else { b"false" })),
            Value::Null | Value::Array | Value::Object => None,
        }
    }

    /// The value as text, unless it is a placeholder.
    #[must_use]
    pub fn stated(self) -> Option<Cow<'s, [u8]>> {
        match self.scalar()? {
            Cow::Borrowed(raw) => value::stated(raw).map(Cow::Borrowed),
            owned => Some(owned),
        }
    }

    /// A whole number that is not negative, also written as text or with an empty fraction.
    #[must_use]
    pub fn unsigned(self) -> Option<u64> {
        match self.node()?.value {
            Value::Number(place) => {
                let text = self.string(Some(place));
                text.parse().ok().or_else(|| {
                    let number: f64 = text.parse().ok()?;
                    let is_whole = number >= 0.0 && number.fract() == 0.0 && number < 1e15;
                    is_whole.then_some(number as u64)
                })
            }
            Value::Text(place) => value::number(self.string(Some(place)).as_bytes()),
            _ => None,
        }
    }

    /// `true` or `false`, also written as text.
    #[must_use]
    pub fn boolean(self) -> Option<bool> {
        match self.node()?.value {
            Value::Bool(value) => Some(value),
            Value::Text(place) => match self.string(Some(place)) {
                "true" | "True" => Some(true),
                "false" | "False" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// An address written as text.
    #[must_use]
    pub fn address(self) -> Option<IpAddr> {
        value::address(self.text()?.as_bytes())
    }

    /// A time as a number or text: the seconds to nanoseconds since 1970 of [`value::epoch`], or
    /// the spellings of [`value::iso_8601`].
    #[must_use]
    pub fn stamp(self) -> Option<Stamp> {
        let raw = self.scalar()?;
        value::epoch(&raw).map(Stamp::Instant).or_else(|| value::iso_8601(&raw))
    }

    /// A port as a number or text; 0 is none.
    #[must_use]
    pub fn port(self) -> Option<u16> {
        u16::try_from(self.unsigned()?).ok().filter(|port| *port != 0)
    }

    fn node(self) -> Option<&'s Node> {
        self.tape.nodes.get(self.at as usize)
    }

    /// The values directly in this one, if it is of the right kind.
    fn inner(self, is_right: impl Fn(&Value) -> bool) -> impl Iterator<Item = Self> {
        let end = match self.node() {
            Some(node) if is_right(&node.value) => node.next,
            _ => self.at,
        };
        let first = self.at + 1;
        std::iter::successors((first < end).then_some(Self { at: first, ..self }), move |value| {
            let next = value.node()?.next;
            (next < end).then_some(Self { at: next, ..self })
        })
    }

    fn key_of(self, value: Self) -> &'s str {
        self.string(value.node().map(|node| node.key))
    }

    fn string(self, place: Option<Place>) -> &'s str {
        let Some(place) = place else { return "" };
        let (start, end) = (place.start as usize, place.start as usize + place.length as usize);
        let text = if place.is_unescaped { &self.tape.unescaped } else { self.text };
        text.get(start..end).unwrap_or_default()
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_object() {
            f.debug_map().entries(self.entries()).finish()
        } else if self.is_array() {
            f.debug_list().entries(self.elements()).finish()
        } else {
            f.write_str(&String::from_utf8_lossy(&self.scalar().unwrap_or(Cow::Borrowed(b"null"))))
        }
    }
}

impl Value {
    const fn is_object(&self) -> bool {
        matches!(self, Self::Object)
    }

    const fn is_array(&self) -> bool {
        matches!(self, Self::Array)
    }
}

/// Texts are far shorter than four gigabytes; a longer one is cut into nonsense, not memory.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every key and value as text, or that it is no JSON.
    fn read(text: &str, tape: &mut Tape) -> Option<String> {
        Json::parse(text.as_bytes(), tape).map(|json| rebuilt(json).to_string())
    }

    proptest! {
        /// Which keys are expected makes no difference.
        #[test]
        fn what_was_read_before_changes_nothing(
            texts in prop::collection::vec(
                r#"\{"[ab]{1,9}" ?: ?1(, ?"[ab]{1,2}(\\n|\\"|"")?[ab]{0,9}"[: ,]{1,2}(1|\{"[ab]{1,3}":2\})){0,6}\} {0,20}"#,
                1..8,
            ),
        ) {
            let mut tape = Tape::default();
            for text in texts.iter().chain(&texts) {
                prop_assert_eq!(read(text, &mut tape), read(text, &mut Tape::default()));
            }
        }
    }

    #[test]
    fn values_are_found_by_their_keys() {
        let text =
            r#"{"a":1,"b":{"c":"x","d":[true,null,-2.5,"y\u00e9\n"]},"e":"443","k\"":"z","a":2}"#;
        let mut tape = Tape::default();
        let json = Json::parse(text.as_bytes(), &mut tape).unwrap();
        assert_eq!(json.get("a").and_then(Json::unsigned), Some(1));
        assert_eq!(json.path(&["b", "c"]).and_then(Json::text), Some("x"));
        let list: Vec<_> = json.path(&["b", "d"]).unwrap().elements().map(Json::scalar).collect();
        assert_eq!(list.len(), 4);
        assert_eq!(list[2].as_deref(), Some(&b"-2.5"[..]));
        assert_eq!(list[3].as_deref(), Some("y\u{e9}\n".as_bytes()));
        assert_eq!(json.get("e").and_then(Json::port), Some(443));
        assert_eq!(json.get("k\"").and_then(Json::text), Some("z"));
        let keys: Vec<_> = json.entries().map(|(key, _)| key).collect();
        assert_eq!(keys, ["a", "b", "e", "k\"", "a"]);
        assert!(json.get("b").unwrap().is_object() && json.get("missing").is_none());
    }

    #[test]
    fn what_is_no_json_is_none() {
        let mut tape = Tape::default();
        for text in ["", "{", r#"{"a":}"#, r#"{"a":1} x"#, "\u{0}"] {
            assert!(Json::parse(text.as_bytes(), &mut tape).is_none(), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(Json::parse(deep.as_bytes(), &mut tape).is_none());
    }

    /// The value as `serde_json` has it.
    fn rebuilt(json: Json<'_>) -> serde_json::Value {
        if json.is_object() {
            let entries = json.entries().map(|(key, value)| (key.to_owned(), rebuilt(value)));
            serde_json::Value::Object(entries.collect())
        } else if json.is_array() {
            json.elements().map(rebuilt).collect()
        } else if let Some(text) = json.text() {
            text.into()
        } else {
            let raw = json.scalar().unwrap_or(Cow::Borrowed(b"null"));
            serde_json::from_slice(&raw).unwrap()
        }
    }

    #[test]
    fn every_value_is_what_another_parser_makes_of_it() {
        let texts = [
            r#"{"a":[1,-2,3.5e-3,0,{"b":"c"},[]],"d":{},"\u00e9\n\"":"\ud83d\ude00 \/ \\","e":null,"f":true}"#,
            r#"["","a","ab","abcdefg","abcdefgh","abcdefghi","\u00e4bcdefgh\t","abcdefg\"h","abcdefgh\\"]"#,
            " { \"a\" : [ 1 , 2 ] ,\n\t\"b\" : \"é\" } ",
            "17",
            "\"x\"",
            "false",
        ];
        let mut tape = Tape::default();
        for text in texts {
            let expected: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(
                rebuilt(Json::parse(text.as_bytes(), &mut tape).unwrap()),
                expected,
                "{text}"
            );
            // Cut anywhere, it is read only where the other parser reads it too.
            for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
                let cut = text.get(..end).unwrap();
                let is_json = serde_json::from_str::<serde_json::Value>(cut).is_ok();
                assert_eq!(Json::parse(cut.as_bytes(), &mut tape).is_some(), is_json, "{cut}");
            }
        }
        for text in [
            r#"{"a" 1}"#,
            r#"{"a":1,}"#,
            "[1,]",
            "[1 2]",
            "tru",
            "-",
            "1x",
            r#""\x""#,
            r#""\ud83d""#,
            r#""\u12""#,
            "{a:1}",
            "'a'",
            "[1}",
        ] {
            assert!(Json::parse(text.as_bytes(), &mut tape).is_none(), "{text}");
        }
    }

    #[test]
    fn empty_containers_hold_nothing() {
        let mut tape = Tape::default();
        let json = Json::parse(br#"[{},[],{"a":[]}]"#, &mut tape).unwrap();
        assert_eq!(json.elements().count(), 3);
        assert_eq!(json.elements().map(|value| value.elements().count()).sum::<usize>(), 0);
    }
}
