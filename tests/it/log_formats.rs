//! One harness for every log format: each is taken through the same checks, on the sample in its
//! folder of fixtures.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Cursor, Write};

use egress_audit::logs::detect::{self, Detection};
use egress_audit::logs::directives::Directives;
use egress_audit::logs::encoding::Utf16Reader;
use egress_audit::logs::read::{LogFacts, LogOptions, each_record};
use egress_audit::logs::record::Record;
use egress_audit::logs::registry::FORMATS;
use egress_audit::observe::normalize;
use serde_json::{Value, json};

use super::support::root;

/// A record in the words of the expected files, by its line.
type Records = Vec<(u64, Value)>;

/// A format with its sample.
struct Sample {
    id: &'static str,
    text: Vec<u8>,
}

fn samples() -> Vec<Sample> {
    let folder = root().join("fixtures/logs");
    FORMATS
        .iter()
        .map(|format| format.about().id)
        // That every format has a sample is a test of its own.
        .filter_map(|id| {
            let text = fs::read(folder.join(id).join("sample.log")).ok()?;
            Some(Sample { id, text })
        })
        .collect()
}

/// Reads a log from memory.
fn read(text: &[u8]) -> (Records, LogFacts) {
    read_as(&Detection::of(text), text)
}

fn read_as(detection: &Detection, text: &[u8]) -> (Records, LogFacts) {
    let mut records = Vec::new();
    let source = Box::new(Cursor::new(text.to_vec()));
    let options = LogOptions::default();
    let facts = each_record(0, source, detection, &options, &mut |line, format, record| {
        records.push((line, value(format, record)));
        true
    });
    (records, facts)
}

fn value(format: usize, record: &Record<'_>) -> Value {
    let mut name = String::new();
    let mut names = BTreeSet::new();
    for raw in &record.names {
        if normalize(raw, &mut name) {
            names.insert(name.clone());
        }
    }
    let instant = record.stamp.instant(&LogOptions::default().times);
    json!({
        "format": FORMATS[format].about().id,
        "time": instant.map(|time| time.to_rfc3339(9)),
        "time_local": record.stamp.local().map(|text| text.split('.').next().unwrap().to_owned()),
        "time_why": record.stamp.why_not(),
        "action": record.action.as_str(),
        "src_ip": record.client.address,
        "dst_ip": record.server.address,
        "dst_port": record.server.port,
        "proto": record.protocol.map(|protocol| protocol.text().into_owned()),
        "names": names,
        "kind": record.kind.as_str(),
    })
}

fn instant(value: &Value) -> Option<jiff::Timestamp> {
    value.as_str().map(|text| text.parse().unwrap())
}

#[test]
fn every_format_has_its_folder_and_every_folder_its_format() {
    let known: BTreeSet<String> =
        FORMATS.iter().map(|format| format.about().id.to_owned()).collect();
    let folder = root().join("fixtures/logs");
    let entries = fs::read_dir(&folder).unwrap();
    let found: BTreeSet<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, known);
    for id in known {
        for file in ["sample.log", "expected.jsonl", "README.md"] {
            assert!(folder.join(&id).join(file).is_file(), "{id}/{file}");
        }
    }
}

#[test]
fn samples_hold_the_records_that_are_expected() {
    for Sample { id, text } in samples() {
        let path = root().join("fixtures/logs").join(id).join("expected.jsonl");
        let expected: Vec<Value> = fs::read_to_string(&path)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{id}: {e}: {line}")))
            .collect();
        let (records, facts) = read(&text);
        assert!(records.len() >= 2, "{id}: a sample of {} records", records.len());
        assert_eq!(records.len(), expected.len(), "{id}: {records:#?}");
        for ((line, found), expected) in records.iter().zip(&expected) {
            assert_eq!(Some(*line), expected["line"].as_u64(), "{id}: {found}");
            for key in
                ["action", "src_ip", "dst_ip", "dst_port", "proto", "names", "kind", "time_why"]
            {
                let expected = &expected[key];
                let found = &found[key];
                let no_name = key == "names" && expected.is_null() && found == &json!([]);
                assert!(
                    found == expected || no_name,
                    "{id}, line {line}, {key}: {found}, {expected}"
                );
            }
            let (time, expected_time) = (instant(&found["time"]), instant(&expected["time"]));
            let second = |time: Option<jiff::Timestamp>| time.map(jiff::Timestamp::as_second);
            assert_eq!(second(time), second(expected_time), "{id}, line {line}");
            let local = expected["time_local"].as_str().map(|text| text.split('.').next().unwrap());
            assert_eq!(found["time_local"].as_str(), local, "{id}, line {line}");
        }
        assert_eq!(facts.records, records.len() as u64, "{id}");
    }
}

#[test]
fn samples_are_recognised_and_claimed_by_no_other_format() {
    for Sample { id, text } in samples() {
        let detection = Detection::of(&text);
        let main = detection.main().map(|format| FORMATS[format].about().id);
        assert_eq!(main, Some(id));
        let (records, _) = read(&text);
        for (line, record) in &records {
            assert_eq!(record["format"], id, "line {line}");
        }
        let with_records: BTreeSet<u64> = records.iter().map(|(line, _)| *line).collect();
        for (line, text) in detect::first_units(&text, usize::MAX) {
            // What is cut may look like several formats, and nothing comes of it.
            if !with_records.contains(&line) {
                continue;
            }
            // Alone, so that nothing is known of the input; without the directives before it a
            // line may be of no format.
            let alone = Detection::of(text).main().map(|format| FORMATS[format].about().id);
            assert!(alone.is_none_or(|alone| alone == id), "{id}, line {line} is {alone:?}");
        }
    }
}

#[test]
fn line_ends_encodings_and_a_missing_last_line_end_change_nothing() {
    for Sample { id, text } in samples() {
        let expected = read(&text).0;
        let crlf: Vec<u8> = String::from_utf8_lossy(&text).replace('\n', "\r\n").into_bytes();
        let bom = [b"\xef\xbb\xbf", text.as_slice()].concat();
        let end = text.trim_ascii_end().len();
        for (what, variant) in [("CRLF", crlf), ("BOM", bom), ("no end", text[..end].to_vec())] {
            assert_eq!(read(&variant).0, expected, "{id}: {what}");
        }
        let Ok(utf8) = std::str::from_utf8(&text) else { continue };
        for is_big_endian in [false, true] {
            let units = std::iter::once(0xfeff).chain(utf8.encode_utf16());
            let bytes: Vec<u8> = units
                .flat_map(
                    |unit| if is_big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() },
                )
                .collect();
            let mut decoded = Vec::new();
            let mut reader = Utf16Reader::new(Box::new(Cursor::new(bytes)));
            std::io::Read::read_to_end(&mut reader, &mut decoded).unwrap();
            assert_eq!(read(&decoded).0, expected, "{id}: UTF-16");
        }
    }
}

#[test]
fn files_of_any_encoding_and_compression_give_the_same_records() {
    let folder = tempfile::tempdir().unwrap();
    let options = egress_audit::Options::default();
    let records = |path: &std::path::Path| {
        let mut rows = Vec::new();
        let inputs = [path.to_str().unwrap().to_owned()];
        let reports = egress_audit::records(&inputs, &options, &mut |row| {
            let mut row = serde_json::to_value(row).unwrap();
            row["input"] = Value::Null;
            rows.push(row);
            Ok(())
        })
        .unwrap();
        assert_eq!(reports[0].error, None, "{path:?}");
        rows
    };
    for Sample { id, text } in samples() {
        let plain = folder.path().join(format!("{id}.log"));
        fs::write(&plain, &text).unwrap();
        let expected = records(&plain);
        assert!(!expected.is_empty(), "{id}");
        let zipped = folder.path().join(format!("{id}.log.gz"));
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&text).unwrap();
        fs::write(&zipped, encoder.finish().unwrap()).unwrap();
        assert_eq!(records(&zipped), expected, "{id}: gzip");
        let Ok(utf8) = std::str::from_utf8(&text) else { continue };
        let wide = folder.path().join(format!("{id}.utf16.log"));
        let units = std::iter::once(0xfeff).chain(utf8.encode_utf16());
        fs::write(&wide, units.flat_map(u16::to_le_bytes).collect::<Vec<_>>()).unwrap();
        assert_eq!(records(&wide), expected, "{id}: UTF-16");
    }
}

/// Lines, or JSON documents, each with its line end.
fn units(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Whether the units of the sample are single lines, so that one can be changed alone.
fn is_of_lines(text: &[u8]) -> bool {
    Detection::of(text).units() == "lines"
}

#[test]
fn garbage_between_the_lines_is_counted_and_disturbs_nothing() {
    let garbage = b"%%% no format reads this, whatever stands before or behind it %%%\n";
    for Sample { id, text } in samples().iter().filter(|sample| is_of_lines(&sample.text)) {
        let detection = Detection::of(text);
        let (expected, before) = read(text);
        let mut with = Vec::new();
        for line in units(text) {
            with.extend_from_slice(line);
            if !line.ends_with(b"\n") {
                with.push(b'\n');
            }
            with.extend_from_slice(garbage);
        }
        let (found, after) = read_as(&detection, &with);
        let only =
            |records: Records| records.into_iter().map(|(_, record)| record).collect::<Vec<_>>();
        assert_eq!(only(found), only(expected), "{id}");
        let added = units(text).len() as u64;
        assert_eq!(after.lines.unknown, before.lines.unknown + added, "{id}");
    }
}

/// A sequence of numbers that looks random and is the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

/// Cuts samples anywhere: what stands before the cut line is as it was.
fn cut_anywhere(rounds: usize) {
    for Sample { id, text } in samples() {
        let detection = Detection::of(&text);
        let expected = read(&text).0;
        let mut numbers = Numbers(7);
        for _ in 0..rounds {
            let end = numbers.below(text.len());
            let (found, _) = read_as(&detection, &text[..end]);
            let whole = memchr::memchr_iter(b'\n', &text[..end]).count() as u64;
            let before = |records: &Records| {
                let is_before = |line: u64| line <= whole && is_of_lines(&text);
                records.iter().filter(|(line, _)| is_before(*line)).cloned().collect::<Vec<_>>()
            };
            assert_eq!(before(&found), before(&expected), "{id}, cut at {end}");
        }
    }
}

/// Changes single bits: the lines around are as they were.
fn flip_bits(rounds: usize) {
    for Sample { id, text } in samples().iter().filter(|sample| is_of_lines(&sample.text)) {
        let detection = Detection::of(text);
        let lines = units(text);
        let alone: Vec<Records> = lines.iter().map(|line| read_as(&detection, line).0).collect();
        let mut numbers = Numbers(11);
        for _ in 0..rounds {
            let at = numbers.below(lines.len());
            let mut changed = lines[at].to_vec();
            let place = numbers.below(changed.len());
            let bit = numbers.below(8);
            changed[place] ^= 1 << bit;
            let neighbour = numbers.below(lines.len());
            let both = [changed.as_slice(), b"\n", lines[neighbour]].concat();
            let (found, _) = read_as(&detection, &both);
            // A line that is read in order may mean something else behind a changed one.
            let first = 1 + memchr::memchr_iter(b'\n', &both[..=changed.len()]).count() as u64;
            let kept: Vec<&Value> =
                found.iter().filter(|(line, _)| *line >= first).map(|(_, record)| record).collect();
            let expected: Vec<&Value> = alone[neighbour].iter().map(|(_, record)| record).collect();
            let announces = |line: &[u8]| Directives::default().take(line.trim_ascii_end());
            let is_directive = announces(lines[at]) || announces(&changed);
            if !is_read_in_order(id) && !is_directive {
                assert_eq!(kept, expected, "{id}: line {at}, byte {place}, bit {bit}");
            }
        }
    }
}

/// Formats in which a line means something together with those before it.
fn is_read_in_order(id: &str) -> bool {
    matches!(id, "pihole-dnsmasq" | "windows-dns-debug")
}

#[test]
fn cutting_anywhere_loses_nothing_before_the_cut() {
    cut_anywhere(30);
}

#[test]
#[ignore = "takes a minute"]
fn a_thousand_cuts_lose_nothing_before_the_cut() {
    cut_anywhere(1_000);
}

#[test]
fn changed_bits_lose_no_line_around_them() {
    flip_bits(200);
}

#[test]
#[ignore = "takes a minute"]
fn ten_thousand_changed_bits_lose_no_line_around_them() {
    flip_bits(10_000);
}

#[test]
fn formats_mixed_line_by_line_are_all_read() {
    let plain: Vec<Sample> = samples()
        .into_iter()
        .filter(|sample| is_of_lines(&sample.text) && !sample.text.contains(&b'#'))
        .filter(|sample| !is_read_in_order(sample.id))
        .collect();
    let mut mixed = Vec::new();
    let mut expected: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for sample in &plain {
        expected
            .entry(sample.id)
            .or_default()
            .extend(read(&sample.text).0.into_iter().map(|(_, r)| r));
    }
    let longest = plain.iter().map(|sample| units(&sample.text).len()).max().unwrap();
    for round in 0..longest {
        for sample in &plain {
            if let Some(line) = units(&sample.text).get(round) {
                mixed.extend_from_slice(line);
                if !line.ends_with(b"\n") {
                    mixed.push(b'\n');
                }
            }
        }
    }
    let mut found: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (_, record) in read(&mixed).0 {
        let id = FORMATS.iter().map(|format| format.about().id).find(|id| record["format"] == *id);
        found.entry(id.unwrap()).or_default().push(record);
    }
    assert_eq!(found, expected);
}
