//! The grammars that formats share.

use std::borrow::Cow;

use crate::logs::grammar::{Between, Columns, Json, PairStyle, Pairs, Scratch};
use crate::logs::value;

/// Every dialect of pairs.
const STYLES: [PairStyle; 9] = [
    PairStyle::BLANK,
    PairStyle::NEXT_KEY,
    PairStyle { quote: 0, ..PairStyle::NEXT_KEY },
    PairStyle { assign: b':', ..PairStyle::BLANK },
    PairStyle { quote: b'\'', ..PairStyle::BLANK },
    PairStyle::separated(b','),
    PairStyle::separated(b';'),
    PairStyle::separated(b'|'),
    PairStyle { assign: b'=', between: Between::Text(b"#011"), quote: 0 },
];

/// Reads the bytes as `key=value` text in every dialect, and pairs written from them in the
/// commonest.
///
/// # Panics
///
/// When a promise of the grammar is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_log_pairs(bytes: &[u8]) {
    let mut scratch = Scratch::default();
    for style in &STYLES {
        check_pairs(bytes, &scratch.pairs(bytes, style));
    }
    // Values in quotes come back as they are, whatever is in them but quotes and backslashes.
    let values = bytes.split(|byte| matches!(byte, b'"' | b'\\'));
    let values: Vec<_> = values.filter(|value| !value.is_empty()).take(100).collect();
    let mut text = Vec::new();
    for (number, value) in values.iter().enumerate() {
        text.extend(format!("key{number}=\"").into_bytes());
        text.extend_from_slice(value);
        text.extend(b"\" ");
    }
    for style in [PairStyle::BLANK, PairStyle::NEXT_KEY] {
        let pairs = scratch.pairs(&text, &style);
        assert_eq!(pairs.len(), values.len(), "{style:?}");
        for (number, value) in values.iter().enumerate() {
            assert_eq!(pairs.get(&format!("key{number}")), Some(*value), "{style:?}");
        }
    }
}

/// Pairs lie in the text one behind the other, and a key has the value that comes first.
fn check_pairs(text: &[u8], pairs: &Pairs<'_, '_>) {
    let mut from = 0;
    for (key, value) in pairs.iter() {
        assert!(!key.is_empty(), "a pair has a key");
        from = behind(text, from, key);
        from = behind(text, from, value);
        let Ok(key) = std::str::from_utf8(key) else { continue };
        assert!(pairs.has(key));
        let first = pairs.iter().find(|(other, _)| *other == key.as_bytes());
        let first = first.map(|(_, value)| value).filter(|value| !value.is_empty());
        assert_eq!(pairs.get(key), first, "of equal keys the first counts");
        assert_eq!(pairs.text(key), first.map(value::unescape));
        assert_eq!(pairs.first(&[key]), first.and_then(value::stated));
    }
    assert_eq!(pairs.is_empty(), pairs.iter().next().is_none());
}

/// The place behind a part of a text, which must lie in it at `from` or later.
fn behind(text: &[u8], from: usize, part: &[u8]) -> usize {
    if part.is_empty() {
        return from;
    }
    let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize);
    let place = start.filter(|start| *start >= from && start + part.len() <= text.len());
    let Some(start) = place else { unreachable!("a part at {start:?}, expected behind {from}") };
    start + part.len()
}

/// Reads the bytes as columns in every way, and columns that another writer made of them.
///
/// # Panics
///
/// When a promise of the grammar is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_log_columns(bytes: &[u8]) {
    let mut scratch = Scratch::default();
    check_columns(bytes, &scratch.words(bytes));
    for separator in [b',', b'\t', b' ', b'|', b';'] {
        let columns = scratch.columns(bytes, separator);
        assert!(!columns.is_empty(), "an empty line is one column");
        check_columns(bytes, &columns);
        let columns = scratch.split(bytes, separator);
        check_columns(bytes, &columns);
        let places: Vec<_> = (0..columns.len()).filter_map(|at| columns.place(at)).collect();
        let parts = places.iter().filter_map(|(start, end)| bytes.get(*start..*end));
        let joined = parts.collect::<Vec<_>>().join(&separator);
        assert_eq!(joined, bytes, "nothing but separators is left out");
    }
    // What is written by RFC 4180 comes back, but for backslashes, which some relays put
    // before quotes, and blanks around.
    if memchr::memchr(b'\\', bytes).is_some() {
        return;
    }
    let fields: Vec<&[u8]> = bytes.split(|byte| *byte == 0).collect();
    for style in [csv::QuoteStyle::Always, csv::QuoteStyle::Necessary] {
        let mut writer = csv::WriterBuilder::new().quote_style(style).from_writer(Vec::new());
        assert!(writer.write_record(&fields).is_ok(), "memory takes everything");
        let Ok(line) = writer.into_inner() else { unreachable!("memory takes everything") };
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let columns = scratch.columns(line, b',');
        assert_eq!(columns.len(), fields.len(), "{style:?} {}", line.escape_ascii());
        for (number, field) in fields.iter().enumerate() {
            let expected = Some(field.trim_ascii()).filter(|field| !field.is_empty());
            let column = columns.text(number);
            assert_eq!(column.as_deref(), expected, "{}", line.escape_ascii());
        }
    }
}

/// Columns lie in the text one behind the other, without blanks around.
fn check_columns(text: &[u8], columns: &Columns<'_, '_>) {
    let mut from = 0;
    let mut count = 0;
    for (number, column) in columns.iter().enumerate() {
        let place = columns.place(number);
        let Some((start, end)) = place else { unreachable!("a column without a place") };
        assert!(from <= start && start <= end && end <= text.len(), "{from} {start} {end}");
        from = end;
        assert_eq!(text.get(start..end).map(<[u8]>::trim_ascii), Some(column));
        assert_eq!(columns.get(number).unwrap_or_default(), column);
        assert!(columns.stated(number).is_none_or(|stated| stated == column));
        assert!(columns.text(number).is_none_or(|text| text.len() <= column.len()));
        count += 1;
    }
    assert_eq!(columns.len(), count);
    assert!(columns.get(count).is_none());
}

/// Reads the bytes as JSON and compares with another parser.
///
/// # Panics
///
/// When a promise of the grammar is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_log_json(bytes: &[u8]) {
    let mut scratch = Scratch::default();
    let json = scratch.json(bytes);
    if let Ok(expected) = serde_json::from_slice::<serde_json::Value>(bytes) {
        let Some(json) = json else { unreachable!("JSON that is not read") };
        if let Some(value) = rebuilt(json) {
            assert_eq!(value, expected);
        }
    } else if let Some(json) = json
        && rebuilt(json).is_some()
    {
        // Beyond the standard only control characters in texts are let pass, and one level more.
        let masked: Vec<u8> =
            bytes.iter().map(|byte| if byte.is_ascii_control() { b' ' } else { *byte }).collect();
        let strict = serde_json::from_slice::<serde_json::Value>(&masked);
        let is_deep = strict.as_ref().is_err_and(|error| error.to_string().contains("recursion"));
        assert!(strict.is_ok() || is_deep, "{strict:?}");
    }
}

/// The value as the other parser has it; `None` where the two differ by design: an object with
/// equal keys, and numbers that are no JSON, of which only the rough shape is looked at.
fn rebuilt(json: Json<'_>) -> Option<serde_json::Value> {
    if json.is_object() {
        let mut object = serde_json::Map::new();
        for (key, value) in json.entries() {
            if object.insert(key.to_owned(), rebuilt(value)?).is_some() {
                return None;
            }
            assert!(json.get(key).is_some(), "a key that is not found");
        }
        return Some(object.into());
    }
    if json.is_array() {
        return json.elements().map(rebuilt).collect();
    }
    // Whatever a value is read as, it does not stop.
    let _ = (json.unsigned(), json.boolean(), json.address(), json.stamp(), json.port());
    match json.text() {
        Some(text) => Some(text.into()),
        None => serde_json::from_slice(&json.scalar().unwrap_or(Cow::Borrowed(b"null"))).ok(),
    }
}

/// Reads the bytes as an event in the Common Event Format, also behind a header that makes it
/// one.
///
/// # Panics
///
/// When a promise of the grammar is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_log_cef(bytes: &[u8]) {
    let headed = [b"CEF:0|Vendor|Product|1.0|100|name|5|", bytes].concat();
    let mut scratch = Scratch::default();
    for text in [bytes, &headed] {
        let Some(cef) = scratch.cef(text) else { continue };
        let mut from = behind(text, 0, cef.before);
        let fields = [cef.vendor, cef.product, cef.version, cef.class, cef.name, cef.severity];
        for field in fields {
            from = behind(text, from, field);
            assert!(!value_has_bar(field), "a bar ends a field");
        }
        for (key, value) in cef.extension.iter() {
            from = behind(text, from, key);
            from = behind(text, from, value);
            let label = std::str::from_utf8(value).unwrap_or_default();
            let _ = (cef.labelled(label), cef.text(label), cef.first(&[label]));
        }
        check_pairs(text, &cef.extension);
    }
    assert!(scratch.cef(&headed).is_some(), "a whole header is enough");
}

/// Whether a bar stands in a field without a backslash before it.
fn value_has_bar(field: &[u8]) -> bool {
    let mut bytes = field.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'|' => return true,
            _ => {}
        }
    }
    false
}

/// Reads the bytes as an event in the Log Event Extended Format, also behind the headers of both
/// versions.
///
/// # Panics
///
/// When a promise of the grammar is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_log_leef(bytes: &[u8]) {
    let first = [b"LEEF:1.0|Vendor|Product|1.0|100|", bytes].concat();
    let second = [b"LEEF:2.0|Vendor|Product|1.0|100|", bytes].concat();
    let mut scratch = Scratch::default();
    for text in [bytes, &first, &second] {
        let Some(leef) = scratch.leef(text) else { continue };
        let mut from = behind(text, 0, leef.before);
        for field in [leef.vendor, leef.product, leef.version, leef.event] {
            from = behind(text, from, field);
            assert!(!field.contains(&b'|'), "a bar ends a field");
        }
        for (key, value) in leef.attributes.iter() {
            from = behind(text, from, key);
            from = behind(text, from, value);
        }
        check_pairs(text, &leef.attributes);
    }
    for text in [&first, &second] {
        assert!(scratch.leef(text).is_some(), "a whole header is enough");
    }
}
