//! The whole program on generated captures, beside the mere reading of the same files.
//!
//! `cargo bench --bench captures`; a word after `--` chooses benches by name. The captures are
//! written to Cargo's directory for temporary files, so they are in the page cache. What counts
//! is the ratio of `audit` to `read`: it depends on the machine far less than the times do.

#![allow(clippy::unwrap_used, reason = "a bench that cannot prepare must stop")]

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use egress_audit_fixtures::bench::{self, Kind, Summary};

/// At least so many bytes; a multiple that fits the page cache of small machines.
const SIZE: u64 = 256 << 20;

static CAPTURES: [LazyLock<(PathBuf, Summary)>; 4] = [
    LazyLock::new(|| generate(Kind::Bulk)),
    LazyLock::new(|| generate(Kind::Mixed)),
    LazyLock::new(|| generate(Kind::Handshakes)),
    LazyLock::new(|| generate(Kind::Quic)),
];

fn main() {
    divan::main();
}

fn generate(kind: Kind) -> (PathBuf, Summary) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}.pcap", kind.word()));
    let summary = bench::write(kind, SIZE, &mut File::create(&path).unwrap()).unwrap();
    (path, summary)
}

fn capture(kind: &str) -> &'static (PathBuf, Summary) {
    let kind = Kind::from_word(kind).unwrap();
    let place = Kind::ALL.iter().position(|known| *known == kind).unwrap();
    CAPTURES.get(place).unwrap()
}

/// Reads the file and does nothing with it.
#[divan::bench(args = ["bulk", "mixed", "handshakes", "quic"], sample_count = 10, sample_size = 1)]
fn read(bencher: Bencher<'_, '_>, kind: &str) {
    let (path, summary) = capture(kind);
    bencher.counter(BytesCount::new(summary.bytes)).bench(|| {
        let (mut file, mut block) = (File::open(path).unwrap(), vec![0; 1 << 20]);
        while file.read(&mut block).unwrap() > 0 {}
        block
    });
}

/// Runs `egress-audit audit` with one thread.
#[divan::bench(args = ["bulk", "mixed", "handshakes", "quic"], sample_count = 10, sample_size = 1)]
fn audit_on_one_thread(bencher: Bencher<'_, '_>, kind: &str) {
    audit(bencher, kind, "1");
}

/// Runs `egress-audit audit` with two threads.
#[divan::bench(args = ["bulk", "mixed", "handshakes", "quic"], sample_count = 10, sample_size = 1)]
fn audit_on_two_threads(bencher: Bencher<'_, '_>, kind: &str) {
    audit(bencher, kind, "2");
}

fn audit(bencher: Bencher<'_, '_>, kind: &str, threads: &str) {
    let (path, summary) = capture(kind);
    bencher
        .counter(BytesCount::new(summary.bytes))
        .counter(ItemsCount::new(summary.packets))
        .bench(|| {
            let status = Command::new(env!("CARGO_BIN_EXE_egress-audit"))
                .args(["audit", "--fail-on", "none", "--format", "json", "--threads", threads])
                .arg(path)
                .stdout(Stdio::null())
                .status()
                .unwrap();
            assert!(status.success(), "{status}");
        });
}
