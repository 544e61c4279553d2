//! Every record of the corpus comes out as its expected file says.
//!
//! The corpus is not part of the repository: `EGRESS_AUDIT_CORPUS` names it, by default
//! `../shared/corpus` beside the checkout. `EGRESS_AUDIT_FORMATS=fortigate,squid` limits the test
//! to these folders.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::record::Record;
use super::registry::FORMATS;
use super::stamp::Stamp;
use crate::observe::{Timestamp, normalize};

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
            let (right, wrong) = compare(&log, &mut report);
            totals.0 += right;
            totals.1 += wrong;
            let place = format!("{name}/{}", log.file_name().unwrap().to_str().unwrap());
            if wrong > 0 {
                let _ = writeln!(report, "== {place}: {right} right, {wrong} wrong\n");
            }
        }
    }
    let (right, wrong) = totals;
    assert!(wrong == 0, "{report}\n{right} records right, {wrong} wrong");
    assert!(right > 0, "no record was compared");
}

/// Compares one file and returns how many expected records were right and how many things were
/// wrong.
fn compare(log: &Path, report: &mut String) -> (usize, usize) {
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
        let differences = differences(&want, &got);
        if differences.is_empty() {
            right += 1;
        } else {
            wrong += 1;
            let _ = writeln!(report, "line {number} ({}): {}", got.format, differences.join("; "));
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

fn differences(want: &serde_json::Value, got: &Found) -> Vec<String> {
    let mut differences = Vec::new();
    let mut check = |what: &str, want: &serde_json::Value, got: Option<&str>| {
        if !want.is_null() && want.as_str() != got {
            differences.push(format!("{what} {got:?}, expected {want}"));
        }
    };
    check("action", &want["action"], Some(got.action));
    check("kind", &want["kind"], Some(got.kind));
    check("proto", &want["proto"], got.proto.as_deref());
    let turned = want["direction_guess"].as_bool() == Some(true)
        && want["src_ip"].as_str() != got.src_ip.as_deref();
    let (client, server) = if turned {
        (&want["dst_ip"], &want["src_ip"])
    } else {
        (&want["src_ip"], &want["dst_ip"])
    };
    check("src_ip", client, got.src_ip.as_deref());
    check("dst_ip", server, got.dst_ip.as_deref());
    let port = got.dst_port.map(|port| port.to_string());
    let want_port = want["dst_port"].as_u64().map(|port| port.to_string());
    if !turned && want_port.is_some() && want_port != port {
        differences.push(format!("dst_port {port:?}, expected {want_port:?}"));
    }
    let list = |key: &str| -> BTreeSet<String> {
        let list = want[key].as_array().into_iter().flatten();
        list.map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let (names, also) = (list("names"), list("names_also"));
    let missing: Vec<_> = names.difference(&got.names).collect();
    let surplus: Vec<_> =
        got.names.iter().filter(|name| !names.contains(*name) && !also.contains(*name)).collect();
    if !missing.is_empty() || !surplus.is_empty() {
        differences.push(format!("names {:?}, expected {names:?}", got.names));
    }
    match want["time"].as_str() {
        Some(time) => {
            let want: jiff::Timestamp = time.parse().unwrap();
            let is_near = |got: Timestamp| {
                (i128::from(got.nanos()) - want.as_nanosecond()).abs() <= 2_000_000_000
            };
            if !matches!(got.stamp, Stamp::Instant(got) if is_near(got)) {
                differences.push(format!("time {:?}, expected {time}", got.stamp));
            }
        }
        None => {
            if matches!(got.stamp, Stamp::Instant(_)) {
                differences.push(format!("time {:?}, expected none", got.stamp));
            }
            if let Some(local) = want["time_local"].as_str()
                && got.stamp.local().is_none_or(|got| got.get(..19) != local.get(..19))
            {
                differences.push(format!("local time {:?}, expected {local}", got.stamp));
            }
        }
    }
    differences
}

/// The records of a file by line.
fn read(bytes: &[u8]) -> BTreeMap<u64, Vec<Found>> {
    let mut found: BTreeMap<u64, Vec<Found>> = BTreeMap::new();
    super::read_bytes(bytes, &mut |line, format, record| {
        found.entry(line).or_default().push(Found::of(format, &record));
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
