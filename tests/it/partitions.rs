//! One story gives one report, however it is stored, split, ordered and shared out to threads.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use egress_audit::report::Report;
use egress_audit_fixtures::bench::{self, Kind};
use egress_audit_fixtures::capture::{Format, TimedPacket, pcap, pcapng};
use egress_audit_fixtures::scenarios;
use egress_audit_fixtures::transform::{self, Encapsulation};
use serde_json::Value;

use super::support::{
    audit, audit_packets, audit_with, disagreements, fixture, gist, json, root, scenario,
};

/// The report without what a container and its place say of themselves, and without offsets.
fn content(report: &Report) -> String {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                // The text of a line is shown only where the file can be read again at its place.
                for key in ["path", "format", "bytes", "offset", "notes", "line"] {
                    map.remove(key);
                }
                map.values_mut().for_each(strip);
            }
            Value::Array(list) => list.iter_mut().for_each(strip),
            Value::String(text) => {
                // Zeros at the end of a second's fraction are the container's precision.
                if let Some((seconds, fraction)) = text.strip_suffix('Z').and_then(split_time) {
                    let fraction = fraction.trim_end_matches('0');
                    *text = format!("{seconds}.{fraction}Z");
                }
            }
            _ => {}
        }
    }
    fn split_time(text: &str) -> Option<(&str, &str)> {
        let is_time = text.starts_with("20") && text.contains('T');
        is_time.then(|| text.split_once('.').unwrap_or((text, "")))
    }
    let mut value = serde_json::to_value(report).unwrap();
    strip(&mut value);
    serde_json::to_string_pretty(&value).unwrap()
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Stories whose packets are all of one Ethernet, so that every container can hold them.
fn ethernet_stories() -> Vec<(&'static str, Vec<TimedPacket>)> {
    ["office-day", "mixed-by-client", "degraded-ipv6", "hello-overlapping", "captured-twice"]
        .into_iter()
        .map(|name| (name, (scenario(name).build)()))
        .collect()
}

#[test]
fn every_number_of_threads_gives_the_same_bytes() {
    let paths: Vec<PathBuf> = scenarios().iter().map(fixture).collect();
    let one = json(&audit_with(&paths, Some(1)));
    for threads in [2, 3, 8] {
        assert!(json(&audit_with(&paths, Some(threads))) == one, "{threads} threads");
    }
}

/// All samples of logs as one file, several times over, so that blocks end within each of them
/// and more lines show no name than are kept.
fn log_of_all_formats() -> Vec<u8> {
    let folder = root().join("fixtures/logs");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let mut log = Vec::new();
    for round in 0..32_u32 {
        for folder in &folders {
            let sample = std::fs::read(folder.join("sample.log")).unwrap();
            // The whole log begins with a line, so documents over several lines are none of it.
            if !sample.starts_with(b"[") && !sample.starts_with(b"{\n") {
                log.extend_from_slice(&sample);
            }
        }
        for line in 0..1_000_u32 {
            let (a, b) = (round, line % 250);
            let time = line % 60;
            log.extend_from_slice(
                format!(
                    "Nov 26 04:20:{time:02} gw kernel: DROP IN=eth1 OUT=eth0 SRC=10.1.{a}.{b} \
                     DST=198.51.{b}.{a} LEN=60 PROTO=TCP SPT={line} DPT=443 SYN\n"
                )
                .as_bytes(),
            );
        }
    }
    log
}

#[test]
fn a_log_is_the_same_for_every_number_of_threads_order_and_compression() {
    let folder = tempfile::tempdir().unwrap();
    let log = log_of_all_formats();
    assert!(log.len() > 4 << 20, "{} bytes are one window of blocks", log.len());
    let plain = write(folder.path(), "a.log", &log);
    let small = write(folder.path(), "b.log", &log[..300_000]);
    let one = audit_with(&[&plain, &small], Some(1));
    assert!(one.coverage.lines.records > 40_000);
    let one = json(&one);
    for threads in [2, 8] {
        assert!(json(&audit_with(&[&small, &plain], Some(threads))) == one, "{threads} threads");
    }
    let mut alone = audit(&[&plain]);
    let zipped = write(folder.path(), "a.log.gz", &gzip(&log));
    // Lines are read again from plain files only.
    let names = alone.endpoints.iter_mut().flat_map(|endpoint| &mut endpoint.names);
    for piece in names.flat_map(|name| &mut name.evidence) {
        assert!(piece.line.take().is_some_and(|line| !line.is_empty()), "{piece:?}");
    }
    assert!(content(&audit(&[zipped])) == content(&alone), "gzip");
}

#[test]
fn the_order_and_the_repetition_of_arguments_do_not_matter() {
    let mut paths: Vec<PathBuf> = scenarios().iter().map(fixture).collect();
    let sorted = json(&audit(&paths));
    paths.reverse();
    assert!(json(&audit(&paths)) == sorted, "reversed");
    let middle = paths.len() / 2;
    paths.rotate_left(middle);
    paths.push(paths[0].clone());
    assert!(json(&audit(&paths)) == sorted, "rotated, and one given twice");
}

#[test]
fn every_container_of_the_same_packets_tells_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let containers = [
        Format::PCAP,
        Format::Pcap(pcap::Options::BIG_ENDIAN),
        Format::Pcap(pcap::Options::NANOSECONDS),
        Format::Pcap(pcap::Options::MODIFIED),
        Format::PCAPNG,
        Format::PcapNg(pcapng::Options::BIG_ENDIAN_NANOSECONDS),
        Format::PcapNg(pcapng::Options::OFFSET),
        Format::PcapNgTwoSections,
    ];
    for (name, packets) in ethernet_stories() {
        let mut first: Option<String> = None;
        for (number, container) in containers.iter().enumerate() {
            let file =
                write(folder.path(), &format!("{name}-{number}"), &container.write(&packets));
            let content = content(&audit(&[file]));
            let first = first.get_or_insert_with(|| content.clone());
            assert!(content == *first, "{name}: {}", container.describe());
        }
    }
}

#[test]
fn every_compression_of_the_same_capture_tells_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for (name, packets) in ethernet_stories() {
        let plain = Format::PCAPNG.write(&packets);
        let expected = content(&audit(&[write(folder.path(), name, &plain)]));
        for (suffix, bytes) in [
            ("gz", gzip(&plain)),
            ("zst", zstd::encode_all(plain.as_slice(), 3).unwrap()),
            ("lz4", lz4(&plain)),
            ("xz", xz(&plain)),
            ("bz2", bzip2(&plain)),
        ] {
            let report = audit(&[write(folder.path(), &format!("{name}.{suffix}"), &bytes)]);
            let format = report.inputs[0].format.as_deref();
            assert_eq!(format, Some(format!("pcapng.{suffix}").as_str()));
            assert!(content(&report) == expected, "{name}.{suffix}");
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_capture_that_was_rotated_tells_the_same_as_the_whole() {
    for scenario in scenarios() {
        let packets = (scenario.build)();
        let whole = gist(&audit_packets(&packets));
        for cut in [packets.len() / 3, packets.len() / 2, packets.len() - 1] {
            let folder = tempfile::tempdir().unwrap();
            let (left, right) = packets.split_at(cut);
            let files = [
                write(folder.path(), "x.pcap", &Format::PCAPNG.write(left)),
                write(folder.path(), "x.pcap1", &Format::PCAPNG.write(right)),
            ];
            assert_eq!(gist(&audit(&files)), whole, "{} cut at {cut}", scenario.name);
        }
    }
}

#[test]
fn every_link_layer_around_the_same_packets_tells_the_same() {
    let layers = [
        Encapsulation::Vlan(7),
        Encapsulation::QinQ(7, 8),
        Encapsulation::Sll,
        Encapsulation::Sll2,
        Encapsulation::Raw,
        Encapsulation::Null,
        Encapsulation::Loop,
        Encapsulation::Ppp,
    ];
    for (name, packets) in ethernet_stories() {
        let plain = gist(&audit_packets(&packets));
        for layer in layers {
            let wrapped = transform::encapsulate(&packets, layer);
            assert_eq!(gist(&audit_packets(&wrapped)), plain, "{name}: {layer:?}");
        }
    }
}

#[test]
fn packets_that_were_captured_twice_or_nearly_in_order_tell_the_same() {
    for name in ["tls13", "tcp-no-answer", "reset-after-hello", "dns-nxdomain", "tls-alert"] {
        let scenario = scenario(name);
        let packets = (scenario.build)();
        for nth in [1, 2, 5] {
            let twice = transform::duplicate_every(&packets, nth);
            let found = disagreements(&audit_packets(&twice), scenario.expected);
            assert_eq!(found, Vec::<String>::new(), "{name}, every {nth}th twice");
        }
    }
}

#[test]
fn a_snaplen_that_keeps_the_names_in_dns_answers_invents_no_block() {
    for scenario in scenarios() {
        let packets = (scenario.build)();
        let whole = audit_packets(&packets);
        for snaplen in [54, 66, 96, 128, 256] {
            let cut = audit_packets(&transform::cut(&packets, snaplen));
            for (before, after) in whole.endpoints.iter().zip(&cut.endpoints) {
                use egress_audit::report::Verdict::{Blocked, Degraded, Mixed};
                let is_invented = matches!(after.verdict, Blocked | Mixed | Degraded)
                    && !matches!(before.verdict, Blocked | Mixed | Degraded);
                let (name, reason) = (scenario.name, &after.reason);
                assert!(!is_invented, "{name}, snaplen {snaplen}: {}: {reason}", after.id);
            }
        }
    }
}

#[test]
fn a_large_capture_is_the_same_for_every_number_of_threads_and_for_its_parts() {
    let folder = tempfile::tempdir().unwrap();
    for kind in [Kind::Mixed, Kind::Handshakes] {
        let mut bytes = Vec::new();
        bench::write(kind, 9 << 20, &mut bytes).unwrap();
        let path = write(folder.path(), kind.word(), &bytes);
        let path = [path];
        let one = audit_with(&path, Some(1));
        for threads in [2, 3, 8] {
            assert!(json(&audit_with(&path, Some(threads))) == json(&one), "{threads} threads");
        }
        // Compressed it counts as small, and is read on one thread.
        let small = gzip(&bytes);
        assert!(small.len() < 8 << 20, "{} bytes", small.len());
        let small = audit(&[write(folder.path(), &format!("{}.gz", kind.word()), &small)]);
        assert!(content(&small) == content(&one), "{kind:?} on one thread");
    }
}
