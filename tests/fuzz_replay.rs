//! The fuzz entry points over everything that the fixtures hold.
//!
//! A finding of the fuzzer becomes a case in the unit tests of the module that it is about; this
//! makes sure that the entry points themselves hold on traffic that goes deep into the parsers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests stop where something is not as they expect"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use egress_audit::capture::container::{Block, CaptureReader, PacketRecord, fuzz_container};
use egress_audit::capture::dissect::{dns, dtls, http, http2, quic, socks, tls};
use egress_audit::capture::packet::{Decoded, Segment, Transport, decode, fuzz_packet};
use egress_audit::catalog::{Catalog, fuzz_catalog};
use egress_audit::logs::registry::{self, FORMATS};
use egress_audit::service_tags::fuzz_service_tags;
use egress_audit::{capture, input, logs, trust};

/// A fuzz target: its name and its entry point.
type Target = (&'static str, fn(&[u8]));

/// Every fuzz target, by name.
const TARGETS: [Target; 24] = [
    ("catalog", fuzz_catalog),
    ("certificate", trust::fuzz_certificate),
    ("container", fuzz_container),
    ("dns", dns::fuzz_dns),
    ("dtls", dtls::fuzz_dtls),
    ("fragments", capture::fuzz_fragments),
    ("http", http::fuzz_http),
    ("http2", http2::fuzz_http2),
    ("log", logs::fuzz_log),
    ("log_cef", logs::fuzz_log_cef),
    ("log_columns", logs::fuzz_log_columns),
    ("log_directives", logs::fuzz_log_directives),
    ("log_format", logs::fuzz_log_format),
    ("log_framing", logs::fuzz_log_framing),
    ("log_json", logs::fuzz_log_json),
    ("log_leef", logs::fuzz_log_leef),
    ("log_pairs", logs::fuzz_log_pairs),
    ("log_wrappers", logs::fuzz_log_wrappers),
    ("packet", fuzz_packet),
    ("quic", quic::fuzz_quic),
    ("service_tags", fuzz_service_tags),
    ("socks", socks::fuzz_socks),
    ("stream", capture::fuzz_stream),
    ("tls", tls::fuzz_tls),
];

#[test]
fn entry_points_hold_for_everything_in_the_fixtures() {
    let seeds = seeds();
    for (target, run) in TARGETS {
        let inputs = &seeds[target];
        assert!(!inputs.is_empty(), "{target}: the fixtures hold nothing for it");
        inputs.iter().for_each(|bytes| run(bytes));
    }
}

#[test]
fn entry_points_hold_for_every_beginning_of_a_fixture() {
    let seeds = seeds();
    for (target, run) in TARGETS {
        for bytes in seeds[target].iter().filter(|bytes| bytes.len() < 2_000).take(40) {
            for end in (0..bytes.len()).step_by(7) {
                run(&bytes[..end]);
            }
        }
    }
}

#[test]
fn every_fuzz_target_is_replayed() {
    let folder = root().join("tests/fuzz/fuzz_targets");
    let mut targets: Vec<String> = files_below(&folder)
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    targets.sort();
    assert_eq!(targets, TARGETS.map(|(name, _)| name));
}

#[test]
fn every_entry_point_is_a_fuzz_target() {
    let mut found: Vec<String> = files_below(&root().join("src"))
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let names = text.split("pub fn fuzz_").skip(1);
            names.map(|rest| rest.split('(').next().unwrap().to_owned()).collect::<Vec<_>>()
        })
        .collect();
    found.sort();
    assert_eq!(found, TARGETS.map(|(name, _)| name));
}

#[test]
#[ignore = "writes to tests/fuzz/corpus"]
fn seeds_for_the_fuzzer_are_written() {
    for (target, inputs) in seeds() {
        let folder = root().join("tests/fuzz/corpus").join(target);
        fs::create_dir_all(&folder).unwrap();
        for (number, bytes) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("fixture-{number:05}")), bytes).unwrap();
        }
    }
}

/// What the fixtures hold for each entry point, without repetitions.
fn seeds() -> BTreeMap<&'static str, BTreeSet<Vec<u8>>> {
    let mut seeds: BTreeMap<&'static str, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for catalog in Catalog::builtins() {
        seeds.entry("catalog").or_default().insert(catalog.text.as_bytes().to_vec());
    }
    let tags = fs::read(root().join("fixtures/service-tags/service-tags.json")).unwrap();
    seeds.entry("service_tags").or_default().insert(tags);
    for path in files_below(&root().join("fixtures/captures")) {
        let file = fs::File::open(&path).unwrap();
        let opened = input::open_reader(Box::new(file), None).unwrap();
        if !matches!(input::detect(&opened.head), input::Detected::Capture(_)) {
            continue;
        }
        let (mut source, mut bytes) = (opened.reader, Vec::new());
        std::io::Read::read_to_end(&mut source, &mut bytes).unwrap();
        let mut pieces = Pieces::default();
        for (link_type, packet, segment, time) in packets(&bytes) {
            let mut add = |target, bytes| seeds.entry(target).or_default().insert(bytes);
            add("packet", [&link_type.to_be_bytes()[..], &packet].concat());
            add("fragments", packet.clone());
            let Some(segment) = segment else { continue };
            let start = segment.payload_start as usize;
            let payload = &packet[start..start + segment.payload_captured as usize];
            pieces.add(&segment, payload, time);
            let ports = [segment.source.port, segment.destination.port];
            if payload.is_empty() {
                continue;
            }
            if dtls::looks_like_dtls(payload) {
                let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
                add("dtls", [&length, payload].concat());
            }
            if segment.source.port == 443 {
                add("certificate", payload.to_vec());
            }
            let target = match segment.transport {
                Transport::Udp { .. } if ports.contains(&443) => "quic",
                Transport::Udp { .. } => "dns",
                Transport::Tcp { .. } if ports.contains(&443) => "tls",
                Transport::Tcp { .. } => "http",
            };
            if matches!(segment.transport, Transport::Tcp { .. }) {
                add("socks", payload.to_vec());
                if !ports.contains(&443) {
                    // In pieces of 61 bytes.
                    add("http2", [&[61], payload].concat());
                }
            }
            let mut bytes = payload.to_vec();
            if target == "quic" {
                // Whose datagram it is, and how long.
                let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
                let side = u8::from(segment.source.port == 443);
                bytes.splice(0..0, [side, length[0], length[1]]);
            }
            add(target, bytes);
        }
        seeds.entry("stream").or_default().insert(pieces.bytes);
        seeds.entry("container").or_default().insert(bytes);
    }
    for folder in fs::read_dir(root().join("fixtures/logs")).unwrap() {
        let folder = folder.unwrap().path();
        let id = folder.file_name().unwrap().to_str().unwrap();
        let format = registry::find(id).expect("a folder for each format");
        add_log(format, &fs::read(folder.join("sample.log")).unwrap(), &mut seeds);
    }
    seeds
}

/// Adds what the sample of a format gives each entry point of logs, whole and line by line.
fn add_log(format: usize, log: &[u8], seeds: &mut BTreeMap<&'static str, BTreeSet<Vec<u8>>>) {
    let mut add = |target, bytes| seeds.entry(target).or_default().insert(bytes);
    let number = u8::try_from(format).unwrap();
    assert!(format < FORMATS.len());
    add("log", log.to_vec());
    // In pieces of 62 bytes.
    add("log_framing", [&[61], log].concat());
    for (at, line) in (0_u8..).zip(log.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        add("log", line.to_vec());
        add("log_directives", [&[at], line].concat());
        add("log_format", [&[number], line].concat());
        for target in ["log_columns", "log_json", "log_pairs", "log_wrappers"] {
            add(target, line.to_vec());
        }
        let is_cef = line.windows(4).any(|bytes| bytes == b"CEF:");
        let is_leef = line.windows(5).any(|bytes| bytes == b"LEEF:");
        if is_cef || is_leef {
            add(if is_cef { "log_cef" } else { "log_leef" }, line.to_vec());
        }
    }
}

/// Every packet of a capture: link type, bytes, segment and time.
fn packets(capture: &[u8]) -> Vec<(u16, Vec<u8>, Option<Segment>, i64)> {
    let source = std::io::Cursor::new(capture.to_vec());
    let mut reader = CaptureReader::open(Box::new(source)).unwrap();
    let mut block = Block::new();
    let mut packets = Vec::new();
    while reader.next_block(&mut block).unwrap() {
        for record @ PacketRecord { link_type, original, time, .. } in &block.packets {
            let bytes = block.bytes(record);
            let segment = match decode(*link_type, bytes, *original) {
                Ok(Decoded::Segment(segment)) => Some(segment),
                _ => None,
            };
            packets.push((*link_type, bytes.to_vec(), segment, time.nanos()));
        }
    }
    packets
}

/// Segments in the language of [`capture::fuzz_stream`].
#[derive(Default)]
struct Pieces {
    bytes: Vec<u8>,
    time: Option<i64>,
}

impl Pieces {
    fn add(&mut self, segment: &Segment, payload: &[u8], time: i64) {
        let from_server = segment.source.port < segment.destination.port;
        let service = segment.source.port.min(segment.destination.port);
        let conversation = match service {
            443 | 53 => 0,
            80 => 1,
            853 => 3,
            _ => 2,
        };
        let (kind, flags) = match segment.transport {
            Transport::Tcp { flags, .. } => (0, flags.bits()),
            Transport::Udp { .. } if service == 53 => (6, 0),
            Transport::Udp { .. } => (5, 0),
        };
        let passed = time - self.time.replace(time).unwrap_or(time);
        let later = (0..240_i64).find(|step| step.pow(3) * 20_000 >= passed).unwrap_or(239);
        self.bytes.extend([kind | u8::from(from_server) << 3 | conversation << 4, flags]);
        self.bytes.push(u8::try_from(later).unwrap());
        self.bytes.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        self.bytes.extend(payload);
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files below a folder, in order.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut entries: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}
