//! Every record of the corpus comes out as its expected file says.
//!
//! The corpus is not part of the repository: `EGRESS_AUDIT_CORPUS` names it, by default
//! `../shared/corpus` beside the checkout. `EGRESS_AUDIT_FORMATS=fortigate,squid` limits the test
//! to these folders. Where an expected file contradicts the line itself, `corpus-differences.tsv`
//! says in which value and why; each of its lines must hold exactly.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::record::Record;
use super::registry::FORMATS;
use super::stamp::Stamp;
use crate::observe::{Timestamp, normalize};

/// What is known to differ from the expected files.
const DIFFERENCES: &str = include_str!("corpus-differences.tsv");

/// A value of a record that is not as expected.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Difference {
    field: String,
    expected: String,
    ours: String,
}

/// Differences by file and line.
type Differences = BTreeSet<(String, u64, Difference)>;

/// A record in the words of the expected files.
#[derive(Clone, Debug)]
struct Found {
    format: &'static str,
    action: &'static str,
    kind: &'static str,
    src_ip: Option<String>,
    dst_ip: Option<String>,
    dst_port: Option<u16>,
    proto: Option<String>,
    names: BTreeSet<String>,
    stamp: Stamp,
}

#[test]
#[ignore = "needs the corpus"]
fn records_are_what_the_corpus_expects() {
    let root = std::env::var_os("EGRESS_AUDIT_CORPUS")
        .map_or_else(|| PathBuf::from("../shared/corpus"), PathBuf::from)
        .join("logs");
    let only = std::env::var("EGRESS_AUDIT_FORMATS").ok();
    let mut report = String::new();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&root)
        .unwrap_or_else(|error| panic!("{}: {error}", root.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let mut totals = (0, 0);
    let mut known = known_differences();
    for folder in folders {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        if only.as_deref().is_some_and(|only| !only.split(',').any(|one| one == name)) {
            continue;
        }
        let mut logs: Vec<PathBuf> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
            .collect();
        logs.sort();
        for log in logs {
            let place = format!("{name}/{}", log.file_name().unwrap().to_str().unwrap());
            let (right, wrong) = compare(&log, &place, &mut known, &mut report);
            totals.0 += right;
            totals.1 += wrong;
            if wrong > 0 {
                let _ = writeln!(report, "== {place}: {right} right, {wrong} wrong\n");
            }
        }
    }
    // What is left did not occur.
    for (file, line, difference) in known {
        let folder = file.split('/').next().unwrap();
        if only.as_deref().is_none_or(|only| only.split(',').any(|one| one == folder)) {
            totals.1 += 1;
            let _ = writeln!(report, "{file}, line {line}: no longer {difference:?}");
        }
    }
    let (right, wrong) = totals;
    assert!(wrong == 0, "{report}\n{right} records right, {wrong} wrong");
    assert!(right > 0, "no record was compared");
}

/// Compares one file and returns how many expected records were right and how many things were
/// wrong. Known differences that occur are taken out of `known`.
fn compare(
    log: &Path,
    place: &str,
    known: &mut Differences,
    report: &mut String,
) -> (usize, usize) {
    let bytes = std::fs::read(log).unwrap();
    let expected_path = log.with_extension("expected.jsonl");
    let expected = std::fs::read_to_string(&expected_path).unwrap_or_default();
    let mut found = read(&bytes);
    let (mut right, mut wrong) = (0, 0);
    let mut any: BTreeSet<u64> = BTreeSet::new();
    for line in expected.lines() {
        let want: serde_json::Value = serde_json::from_str(line).unwrap();
        let number = want["line"].as_u64().unwrap();
        if want["any"].as_bool() == Some(true) {
            any.insert(number);
            continue;
        }
        let records = found.entry(number).or_default();
        if records.is_empty() {
            if want["optional"].as_bool() != Some(true) {
                wrong += 1;
                let _ = writeln!(report, "line {number}: no record, expected {want}");
            }
            continue;
        }
        let got = records.remove(0);
        let mut differences = differences(&want, &got);
        differences
            .retain(|difference| !known.remove(&(place.to_owned(), number, difference.clone())));
        if differences.is_empty() {
            right += 1;
        } else {
            wrong += 1;
            let _ = writeln!(report, "line {number} ({}): {differences:?}", got.format);
        }
    }
    for (number, records) in found {
        for record in records {
            if !any.contains(&number) {
                wrong += 1;
                let _ =
                    writeln!(report, "line {number}: a record where none is expected: {record:?}");
            }
        }
    }
    (right, wrong)
}

/// The differences that are listed: file, line, field, expected, ours, reason.
fn known_differences() -> Differences {
    let lines = DIFFERENCES.lines().filter(|line| !line.starts_with('#'));
    let mut known = Differences::new();
    for line in lines {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, number, field, expected, ours, reason] = columns[..] else {
            panic!("six columns, not {columns:?}");
        };
        assert!(!reason.is_empty(), "a difference without a reason: {line}");
        let difference = Difference {
            field: field.to_owned(),
            expected: expected.to_owned(),
            ours: ours.to_owned(),
        };
        assert!(known.insert((file.to_owned(), number.parse().unwrap(), difference)), "{line}");
    }
    known
}

fn differences(want: &serde_json::Value, got: &Found) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut differ = |field: &str, expected: &str, ours: &str| {
        differences.push(Difference {
            field: field.to_owned(),
            expected: expected.to_owned(),
            ours: ours.to_owned(),
        });
    };
    let mut check = |field: &str, want: &serde_json::Value, got: Option<String>| {
        let want = want.as_str().map_or_else(|| want.to_string(), str::to_owned);
        if want != "null" && got.as_ref() != Some(&want) {
            differ(field, &want, &got.unwrap_or_else(|| "null".to_owned()));
        }
    };
    check("action", &want["action"], Some(got.action.to_owned()));
    check("kind", &want["kind"], Some(got.kind.to_owned()));
    check("proto", &want["proto"], got.proto.clone());
    let turned = want["direction_guess"].as_bool() == Some(true)
        && want["src_ip"].as_str() != got.src_ip.as_deref();
    let (client, server) = if turned {
        (&want["dst_ip"], &want["src_ip"])
    } else {
        (&want["src_ip"], &want["dst_ip"])
    };
    check("src_ip", client, got.src_ip.clone());
    check("dst_ip", server, got.dst_ip.clone());
    if !turned {
        check("dst_port", &want["dst_port"], got.dst_port.map(|port| port.to_string()));
    }
    let list = |key: &str| -> BTreeSet<String> {
        let list = want[key].as_array().into_iter().flatten();
        list.map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let (names, also) = (list("names"), list("names_also"));
    let is_known = |name: &String| names.contains(name) || also.contains(name);
    if !names.is_subset(&got.names) || !got.names.iter().all(is_known) {
        differ("names", &format!("{names:?}"), &format!("{:?}", got.names));
    }
    let ours = match got.stamp {
        Stamp::Instant(time) => time.to_rfc3339(0),
        other => other.local().unwrap_or_else(|| "null".to_owned()),
    };
    match (want["time"].as_str(), got.stamp) {
        (Some(time), stamp) => {
            let want: jiff::Timestamp = time.parse().unwrap();
            let is_near = |got: Timestamp| {
                (i128::from(got.nanos()) - want.as_nanosecond()).abs() <= 2_000_000_000
            };
            if !matches!(stamp, Stamp::Instant(got) if is_near(got)) {
                differ("time", time, &ours);
            }
        }
        (None, Stamp::Instant(_)) => differ("time", "null", &ours),
        (None, _) => {
            if let Some(local) = want["time_local"].as_str()
                && ours.get(..19) != local.get(..19)
            {
                differ("time_local", local, &ours);
            }
        }
    }
    differences
}

/// The records of a file by line.
fn read(bytes: &[u8]) -> BTreeMap<u64, Vec<Found>> {
    let mut found: BTreeMap<u64, Vec<Found>> = BTreeMap::new();
    super::read_bytes(bytes, &mut |line, format, record| {
        found.entry(line).or_default().push(Found::of(format, record));
    });
    found
}

impl Found {
    fn of(format: usize, record: &Record<'_>) -> Self {
        let mut name = String::new();
        let mut names = BTreeSet::new();
        for raw in &record.names {
            if normalize(raw, &mut name) {
                names.insert(name.clone());
            }
        }
        Self {
            format: FORMATS[format].about().id,
            action: record.action.as_str(),
            kind: record.kind.as_str(),
            src_ip: record.client.address.map(|address| address.to_string()),
            dst_ip: record.server.address.map(|address| address.to_string()),
            dst_port: record.server.port,
            proto: record.protocol.map(|protocol| protocol.text().into_owned()),
            names,
            stamp: record.stamp,
        }
    }
}
