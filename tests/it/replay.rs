//! Every fuzz entry point takes the fixtures, whole, cut and with flipped bits.

use std::path::PathBuf;

use egress_audit::capture::{container, dissect, packet};
use egress_audit::catalog;
use egress_audit_fixtures::scenarios;

use super::support::{fixture, root};

const CONTAINER: fn(&[u8]) = container::fuzz_container;
/// An entry point and its name.
type EntryPoint = (&'static str, fn(&[u8]));

const OTHERS: [EntryPoint; 6] = [
    ("fuzz_packet", packet::fuzz_packet),
    ("fuzz_dns", dissect::dns::fuzz_dns),
    ("fuzz_http", dissect::http::fuzz_http),
    ("fuzz_tls", dissect::tls::fuzz_tls),
    ("fuzz_quic", dissect::quic::fuzz_quic),
    ("fuzz_catalog", catalog::fuzz_catalog),
];

/// A capture of each scenario small enough to be taken apart.
fn captures() -> impl Iterator<Item = PathBuf> {
    scenarios().into_iter().map(|scenario| fixture(&scenario))
}

/// The bytes themselves, cut at a few places, and with single bits turned.
fn variants(bytes: &[u8], cuts: usize, flips: usize, mut take: impl FnMut(&[u8])) {
    take(bytes);
    for step in 1..=cuts {
        take(&bytes[..bytes.len() * step / (cuts + 1)]);
    }
    let mut twisted = bytes.to_vec();
    for step in 0..flips {
        // Denser at the front, where headers are.
        let at = bytes.len() * step * step / (flips * flips).max(1);
        if let Some(byte) = twisted.get_mut(at) {
            let bit = 1 << (step % 8);
            *byte ^= bit;
            take(&twisted);
            twisted[at] ^= bit;
        }
    }
}

#[test]
fn no_container_breaks_the_reader() {
    for path in captures() {
        let bytes = std::fs::read(path).unwrap();
        variants(&bytes, 12, 40, CONTAINER);
    }
}

#[test]
fn no_packet_and_no_payload_breaks_a_dissector() {
    for scenario in scenarios().iter().filter(|scenario| scenario.name != "office-day") {
        for captured in (scenario.build)() {
            // From the link layer on, and from where the usual headers end.
            for start in [0, 14, 34, 42, 54, 74] {
                let bytes = captured.bytes.get(start..).unwrap_or_default();
                for (_, entry) in OTHERS {
                    variants(bytes, 4, 6, entry);
                }
            }
        }
    }
}

#[test]
fn no_catalog_breaks_its_parser() {
    let folder = root().join("src/catalog/builtin");
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        variants(&text[..text.len().min(6_000)], 10, 30, catalog::fuzz_catalog);
    }
}

#[test]
fn every_fuzz_entry_point_is_replayed() {
    let mut sources = vec![root().join("src")];
    let mut found = Vec::new();
    while let Some(path) = sources.pop() {
        if path.is_dir() {
            sources.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            found.extend(
                text.split("pub fn fuzz_")
                    .skip(1)
                    .map(|rest| format!("fuzz_{}", rest.split('(').next().unwrap_or_default())),
            );
        }
    }
    found.sort();
    let mut replayed: Vec<&str> = OTHERS.iter().map(|(name, _)| *name).collect();
    replayed.push("fuzz_container");
    replayed.sort_unstable();
    assert_eq!(found, replayed);
}
