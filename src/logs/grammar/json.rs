//! JSON values on a tape: one flat table that is used again for every line.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::logs::stamp::Stamp;
use crate::logs::value;

/// Values of one line that are kept; what a log writes has hundreds.
const MAX_NODES: usize = 1 << 20;

/// The values of one text in the order of their beginning.
#[derive(Default)]
pub(super) struct Tape {
    nodes: Vec<Node>,
    /// Keys and texts that have escapes, undone.
    unescaped: String,
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
    Unsigned(u64),
    Signed(i64),
    Float(f64),
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
    text: &'s [u8],
    tape: &'s Tape,
    at: u32,
}

impl<'s> Json<'s> {
    pub(super) fn parse(text: &'s [u8], tape: &'s mut Tape) -> Option<Self> {
        tape.nodes.clear();
        tape.unescaped.clear();
        let mut deserializer = serde_json::Deserializer::from_slice(text);
        let seed = Seed { text, tape: &mut *tape, key: Place::default() };
        seed.deserialize(&mut deserializer).ok()?;
        deserializer.end().ok()?;
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
            if entry.key.length as usize == key.len() && self.bytes(entry.key) == key.as_bytes() {
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
        let inner = self.inner(Value::is_object);
        inner.map(move |value| (self.string(value.node().map(|node| node.key)), value))
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
        let owned = |text: String| Some(Cow::Owned(text.into_bytes()));
        match self.node()?.value {
            Value::Text(place) => Some(Cow::Borrowed(self.string(Some(place)).as_bytes())),
            Value::Bool(value) => Some(Cow::Borrowed(if value { b"true" } else { b"false" })),
            Value::Unsigned(number) => owned(number.to_string()),
            Value::Signed(number) => owned(number.to_string()),
            Value::Float(number) => owned(number.to_string()),
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
            Value::Unsigned(number) => Some(number),
            Value::Float(number) if number >= 0.0 && number.fract() == 0.0 && number < 1e15 => {
                Some(number as u64)
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

    fn string(self, place: Option<Place>) -> &'s str {
        // The deserializer has checked that it is UTF-8; checking again is cheap and safe.
        place.and_then(|place| std::str::from_utf8(self.bytes(place)).ok()).unwrap_or_default()
    }

    fn bytes(self, place: Place) -> &'s [u8] {
        let (start, end) = (place.start as usize, place.start as usize + place.length as usize);
        let text = if place.is_unescaped { self.tape.unescaped.as_bytes() } else { self.text };
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

impl Tape {
    /// Appends a node that holds nothing yet and returns its index.
    fn push<E: Error>(&mut self, key: Place, value: Value) -> Result<usize, E> {
        let at = self.nodes.len();
        if at >= MAX_NODES {
            return Err(E::custom("too many values"));
        }
        self.nodes.push(Node { key, value, next: narrow(at + 1) });
        Ok(at)
    }

    /// Notes that what a node holds ends here.
    fn close(&mut self, at: usize) {
        let next = narrow(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(at) {
            node.next = next;
        }
    }

    /// The place of a text without escapes, which lies in the text that is read.
    fn borrowed(text: &[u8], found: &str) -> Place {
        let start = (found.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        Place { start: narrow(start), length: narrow(found.len()), is_unescaped: false }
    }

    /// Keeps a text whose escapes were undone.
    fn unescaped(&mut self, found: &str) -> Place {
        let start = narrow(self.unescaped.len());
        self.unescaped.push_str(found);
        Place { start, length: narrow(found.len()), is_unescaped: true }
    }
}

/// Texts are far shorter than four gigabytes; a longer one is cut into nonsense, not memory.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Writes one value, and all that it holds, to the tape.
struct Seed<'t, 's> {
    text: &'s [u8],
    tape: &'t mut Tape,
    key: Place,
}

impl<'s> DeserializeSeed<'s> for Seed<'_, 's> {
    type Value = ();

    fn deserialize<D: Deserializer<'s>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'s> Visitor<'s> for Seed<'_, 's> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.tape.push(self.key, Value::Null).map(|_| ())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.tape.push(self.key, Value::Bool(value)).map(|_| ())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.tape.push(self.key, Value::Unsigned(value)).map(|_| ())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.tape.push(self.key, Value::Signed(value)).map(|_| ())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.tape.push(self.key, Value::Float(value)).map(|_| ())
    }

    fn visit_borrowed_str<E: Error>(self, value: &'s str) -> Result<(), E> {
        let place = Tape::borrowed(self.text, value);
        self.tape.push(self.key, Value::Text(place)).map(|_| ())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        let place = self.tape.unescaped(value);
        self.tape.push(self.key, Value::Text(place)).map(|_| ())
    }

    fn visit_seq<A: SeqAccess<'s>>(self, mut elements: A) -> Result<(), A::Error> {
        let Self { text, tape, key } = self;
        let at = tape.push(key, Value::Array)?;
        let key = Place::default();
        while elements.next_element_seed(Seed { text, tape: &mut *tape, key })?.is_some() {}
        tape.close(at);
        Ok(())
    }

    fn visit_map<A: MapAccess<'s>>(self, mut entries: A) -> Result<(), A::Error> {
        let Self { text, tape, key } = self;
        let at = tape.push(key, Value::Object)?;
        while let Some(key) = entries.next_key_seed(KeySeed { text, tape: &mut *tape })? {
            entries.next_value_seed(Seed { text, tape: &mut *tape, key })?;
        }
        tape.close(at);
        Ok(())
    }
}

/// Finds the place of a key.
struct KeySeed<'t, 's> {
    text: &'s [u8],
    tape: &'t mut Tape,
}

impl<'s> DeserializeSeed<'s> for KeySeed<'_, 's> {
    type Value = Place;

    fn deserialize<D: Deserializer<'s>>(self, deserializer: D) -> Result<Place, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'s> Visitor<'s> for KeySeed<'_, 's> {
    type Value = Place;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, value: &'s str) -> Result<Place, E> {
        Ok(Tape::borrowed(self.text, value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Place, E> {
        Ok(self.tape.unescaped(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn empty_containers_hold_nothing() {
        let mut tape = Tape::default();
        let json = Json::parse(br#"[{},[],{"a":[]}]"#, &mut tape).unwrap();
        assert_eq!(json.elements().count(), 3);
        assert_eq!(json.elements().map(|value| value.elements().count()).sum::<usize>(), 0);
    }
}
