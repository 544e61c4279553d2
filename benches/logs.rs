//! Generated logs of four grammars: in memory through detection and the whole log path, and the
//! whole program on large ones, beside the mere counting of their lines.
//!
//! `cargo bench --bench logs`; a word after `--` chooses benches by name. The large logs are
//! written to Cargo's directory for temporary files, so they are in the page cache. What counts
//! is the ratio of `audit` to `count_lines`: it depends on the machine far less than the times do.

#![allow(clippy::unwrap_used, reason = "a bench that cannot prepare must stop")]

use std::fs::File;
use std::io::{Cursor, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use egress_audit::capture::Workers;
use egress_audit::catalog::{Catalog, Matcher, Profile};
use egress_audit::evidence::{Evidence, Limits};
use egress_audit::logs::detect::Detection;
use egress_audit::logs::grammar::{PairStyle, Scratch};
use egress_audit::logs::read::{LogFacts, LogOptions, each_record, read_log};
use egress_audit_fixtures::wire::noise::Noise;

/// Enough to leave the caches behind, little enough to be made in a moment.
const SMALL: usize = 8 << 20;
/// What the whole program reads; a multiple that fits the page cache of small machines.
const LARGE: usize = 256 << 20;

/// What a log is made of, each the commonest of its grammar.
#[derive(Clone, Copy)]
enum Kind {
    /// `key=value`, as FortiGate writes it.
    Pairs,
    /// Columns with commas between, as PAN-OS writes them.
    Columns,
    /// JSON lines, as Suricata writes them.
    Json,
    /// Free text, as Cisco ASA writes it.
    Text,
}

const KINDS: [&str; 4] = ["pairs", "columns", "json", "text"];

static SMALL_LOGS: [LazyLock<Vec<u8>>; 4] = [
    LazyLock::new(|| log(Kind::Pairs, SMALL)),
    LazyLock::new(|| log(Kind::Columns, SMALL)),
    LazyLock::new(|| log(Kind::Json, SMALL)),
    LazyLock::new(|| log(Kind::Text, SMALL)),
];

static LARGE_LOGS: [LazyLock<PathBuf>; 4] = [
    LazyLock::new(|| written(0)),
    LazyLock::new(|| written(1)),
    LazyLock::new(|| written(2)),
    LazyLock::new(|| written(3)),
];

static MATCHER: LazyLock<Arc<Matcher>> = LazyLock::new(|| {
    let catalog = Catalog::builtin(Catalog::DEFAULT).unwrap();
    Arc::new(Matcher::new(&catalog, &catalog.select(&Profile::default())).unwrap())
});

fn main() {
    divan::main();
}

/// Names that lines speak of; few of them are of the catalog, as in a log of a whole site.
const NAMES: [&str; 8] = [
    "make.powerautomate.com",
    "login.microsoftonline.com",
    "www.example.com",
    "updates.example.net",
    "cdn.example.org",
    "mail.example.com",
    "telemetry.example.net",
    "static.example.org",
];

/// Lines of at least so many bytes, the same in every run.
fn log(kind: Kind, size: usize) -> Vec<u8> {
    let mut noise = Noise::new(0x6c_6f_67);
    let mut log = Vec::with_capacity(size + 1024);
    let mut number = 0;
    while log.len() < size {
        line(kind, number, &mut noise, &mut log);
        number += 1;
    }
    log
}

/// One line with its line end: an attempt at port 443, of which one in four is denied.
fn line(kind: Kind, number: u64, noise: &mut Noise, log: &mut Vec<u8>) {
    let second = number / 500 % 86_400;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    let client = format!("10.{}.{}.{}", noise.below(4), noise.below(256), noise.below(256));
    let server = format!("203.0.{}.{}", noise.below(256), noise.below(256));
    let port = 1024 + noise.below(60_000);
    let bytes = noise.below(100_000);
    // Some names are asked for more than others.
    let name = NAMES.get(noise.below(8).max(noise.below(8)) as usize).unwrap();
    let denied = noise.below(4) == 0;
    match kind {
        Kind::Pairs => {
            let (action, policy) = if denied { ("deny", "deny-out") } else { ("close", "web") };
            writeln!(
                log,
                "<189>Nov 26 {time} fw1 date=2025-11-26 time={time} devname=\"fw1\" \
                 devid=\"FG100FTK00000001\" tz=\"+0000\" logid=\"0000000013\" type=\"traffic\" \
                 subtype=\"forward\" level=\"notice\" vd=\"root\" srcip={client} srcport={port} \
                 srcintf=\"lan\" dstip={server} dstport=443 dstintf=\"wan1\" sessionid={number} \
                 proto=6 action=\"{action}\" policyid=7 policyname=\"{policy}\" \
                 service=\"HTTPS\" sentbyte=900 rcvdbyte={bytes} hostname=\"{name}\""
            )
        }
        Kind::Columns => {
            let action = if denied { "block-url" } else { "alert" };
            writeln!(
                log,
                "<14>Nov 26 {time} fw1 1,2025/11/26 {time},012345678901,THREAT,url,2817,\
                 2025/11/26 {time},{client},{server},0.0.0.0,0.0.0.0,web-out,,,ssl,vsys1,trust,\
                 untrust,ethernet1/2,ethernet1/1,fwd,2025/11/26 {time},{number},1,{port},443,0,0,\
                 0x0,tcp,{action},\"{name}/\",(9999),business,informational,client-to-server,\
                 {number},0x0,10.0.0.0-10.255.255.255,US,0,,0,,,0,,,,,,,,0,0,0,0,0,,fw1"
            )
        }
        Kind::Json => {
            let action = if denied { "blocked" } else { "allowed" };
            writeln!(
                log,
                "{{\"timestamp\":\"2025-11-26T{time}.000000+0000\",\"flow_id\":{number},\
                 \"in_iface\":\"eth0\",\"event_type\":\"alert\",\"src_ip\":\"{client}\",\
                 \"src_port\":{port},\"dest_ip\":\"{server}\",\"dest_port\":443,\
                 \"proto\":\"TCP\",\"direction\":\"to_server\",\"alert\":{{\
                 \"action\":\"{action}\",\"signature_id\":1,\"rev\":1,\"signature\":\"egress\",\
                 \"category\":\"\",\"severity\":3}},\"tls\":{{\"sni\":\"{name}\",\
                 \"version\":\"TLS 1.3\"}},\"app_proto\":\"tls\"}}"
            )
        }
        Kind::Text if denied => writeln!(
            log,
            "<166>Nov 26 2025 {time} fw1 : %ASA-4-106023: Deny tcp src inside:{client}/{port} dst \
             outside:{server}/443 by access-group \"inside_in\" [0x0, 0x0]"
        ),
        Kind::Text => writeln!(
            log,
            "<166>Nov 26 2025 {time} fw1 : %ASA-6-302013: Built outbound TCP connection {number} \
             for outside:{server}/443 ({server}/443) to inside:{client}/{port} (192.0.2.7/{port})"
        ),
    }
    .unwrap();
}

/// A large log in a file: a small one again and again.
fn written(place: usize) -> PathBuf {
    let word = KINDS.get(place).unwrap();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{word}.log"));
    let mut file = File::create(&path).unwrap();
    let part = SMALL_LOGS.get(place).unwrap();
    for _ in 0..LARGE.div_ceil(part.len()) {
        file.write_all(part).unwrap();
    }
    path
}

fn place(kind: &str) -> usize {
    KINDS.iter().position(|word| *word == kind).unwrap()
}

fn small(kind: &str) -> &'static [u8] {
    SMALL_LOGS.get(place(kind)).unwrap()
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

/// Whatever is measured must have read every line.
fn check(facts: &LogFacts, bytes: &[u8]) {
    assert_eq!(facts.lines.with_records, lines(bytes) as u64, "{:?}", facts.lines);
}

/// Which format the first 64 KiB are of.
#[divan::bench(args = KINDS, sample_count = 20)]
fn detection(bencher: Bencher<'_, '_>, kind: &str) {
    let head = small(kind).get(..64 << 10).unwrap();
    bencher.counter(BytesCount::new(head.len())).bench(|| Detection::of(black_box(head)));
}

/// The grammar alone, line by line.
#[divan::bench(args = ["pairs", "columns", "json"], sample_count = 20)]
fn grammar(bencher: Bencher<'_, '_>, kind: &str) {
    let bytes = small(kind);
    let mut scratch = Scratch::default();
    let items = ItemsCount::new(lines(bytes));
    bencher.counter(BytesCount::new(bytes.len())).counter(items).bench_local(|| {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| match kind {
                "pairs" => scratch.pairs(line, &PairStyle::BLANK).len(),
                "columns" => scratch.columns(line, b',').len(),
                _ => scratch.json(line).map_or(0, |json| json.entries().count()),
            })
            .sum::<usize>()
    });
}

/// Records, line by line, of a log in memory.
#[divan::bench(args = KINDS, sample_count = 10)]
fn records(bencher: Bencher<'_, '_>, kind: &str) {
    let bytes = small(kind);
    let detection = Detection::of(bytes);
    let items = ItemsCount::new(lines(bytes));
    bencher.counter(BytesCount::new(bytes.len())).counter(items).bench(|| {
        let source = Box::new(Cursor::new(bytes));
        let options = LogOptions::default();
        let facts = each_record(0, source, &detection, &options, &mut |_, _, record| {
            black_box(record);
            true
        });
        check(&facts, bytes);
    });
}

/// The whole log path on one thread, from bytes in memory to evidence.
#[divan::bench(args = KINDS, sample_count = 10)]
fn evidence(bencher: Bencher<'_, '_>, kind: &str) {
    let bytes = small(kind);
    let detection = Detection::of(bytes);
    let items = ItemsCount::new(lines(bytes));
    bencher.counter(BytesCount::new(bytes.len())).counter(items).bench(|| {
        let source = Box::new(Cursor::new(bytes));
        let new_sink = || Evidence::new(Arc::clone(&MATCHER), Limits::default());
        let options = LogOptions::default();
        let log = read_log(0, source, &detection, &options, Workers::Caller, new_sink, &|| {});
        check(&log.facts, bytes);
        log.sinks
    });
}

/// Counts the lines of the file and does nothing else with it.
#[divan::bench(args = KINDS, sample_count = 10, sample_size = 1)]
fn count_lines(bencher: Bencher<'_, '_>, kind: &str) {
    let path = &**LARGE_LOGS.get(place(kind)).unwrap();
    bencher.counter(BytesCount::new(path.metadata().unwrap().len())).bench(|| {
        let (mut file, mut block, mut count) = (File::open(path).unwrap(), vec![0; 1 << 20], 0);
        loop {
            let read = file.read(&mut block).unwrap();
            if read == 0 {
                break count;
            }
            count += lines(block.get(..read).unwrap());
        }
    });
}

/// Runs `egress-audit audit` with one thread.
#[divan::bench(args = KINDS, sample_count = 10, sample_size = 1)]
fn audit_on_one_thread(bencher: Bencher<'_, '_>, kind: &str) {
    audit(bencher, kind, "1");
}

/// Runs `egress-audit audit` with two threads.
#[divan::bench(args = KINDS, sample_count = 10, sample_size = 1)]
fn audit_on_two_threads(bencher: Bencher<'_, '_>, kind: &str) {
    audit(bencher, kind, "2");
}

fn audit(bencher: Bencher<'_, '_>, kind: &str, threads: &str) {
    let path = &**LARGE_LOGS.get(place(kind)).unwrap();
    let part = small(kind);
    let items = lines(part) * LARGE.div_ceil(part.len());
    let bytes = BytesCount::new(path.metadata().unwrap().len());
    bencher.counter(bytes).counter(ItemsCount::new(items)).bench(|| {
        let status = Command::new(env!("CARGO_BIN_EXE_egress-audit"))
            .args(["audit", "--fail-on", "none", "--format", "json", "--threads", threads])
            .arg(path)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{status}");
    });
}
