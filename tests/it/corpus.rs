//! Agreement with a corpus of captures and its ground truth.
//!
//! The truth is what tshark shows, made into `captures/expected.json` beside the captures. Every
//! difference stands in `corpus-differences.tsv` with its reason. When the list has to change,
//! `EGRESS_AUDIT_WRITE_DIFFERENCES=FILE` writes what it should be; reasons that are known are
//! kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use egress_audit::catalog::{Catalog, Profile};
use egress_audit::observe::{NameSource, normalize};
use egress_audit::report::Report;
use egress_audit::trust::TrustStore;
use egress_audit::{Options, Progress, Requirement, audit, names};
use serde_json::Value;

/// The least agreement, of all sources together.
const REQUIRED: f64 = 0.995;

/// How long one run may take; the largest file takes a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(120);

const DIFFERENCES: &str = include_str!("corpus-differences.tsv");

/// Names of one capture, or of many, by the word of their source.
type Names = BTreeSet<(&'static str, String)>;

/// A disagreement: capture, source, name, and whether it is missing or surplus.
type Difference = (String, String, String, &'static str);

/// What is compared: our source, and the keys of the truth that show the same.
const SOURCES: [(NameSource, &[&str]); 7] = [
    (NameSource::Sni, &["tls_sni"]),
    (NameSource::QuicSni, &["quic_sni", "gquic_sni"]),
    // The authority of a request in absolute form stands for the Host (RFC 9112 section 3.2.2).
    (NameSource::HttpHost, &["http_hosts", "http_absolute_uri_hosts", "http2_authority"]),
    (NameSource::Connect, &["http_connect"]),
    (NameSource::Certificate, &["tls_cert_dns_names"]),
    // An answer repeats its question, which the capture may lack.
    (NameSource::DnsQuery, &["dns_queries", "dns_responses"]),
    (NameSource::DnsAnswer, &["dns_answers", "dns_cnames"]),
];

/// What the truth says in the place of a name.
const NO_NAMES: [&str; 2] = ["<root>", "(no question)"];

struct Silent;

impl Progress for Silent {
    fn total(&self, _: u64) {}
    fn advance(&self, _: u64) {}
}

/// The captures and what is known of them.
struct Corpus {
    folder: PathBuf,
    captures: BTreeMap<String, Value>,
}

impl Corpus {
    /// The corpus; none where there is none, for the project does not bring it along.
    fn open() -> Option<Self> {
        let root = std::env::var_os("EGRESS_AUDIT_CORPUS").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
            PathBuf::from,
        );
        let folder = root.join("captures");
        let Ok(text) = std::fs::read_to_string(folder.join("expected.json")) else {
            eprintln!("skipped: there is no corpus at {}", root.display());
            return None;
        };
        let mut truth: Value = serde_json::from_str(&text).unwrap();
        let captures = serde_json::from_value(truth["captures"].take()).unwrap();
        Some(Self { folder, captures })
    }

    fn path(&self, capture: &str) -> String {
        self.folder.join(capture).into_os_string().into_string().unwrap()
    }

    /// Runs `work` for every capture, on all cores.
    fn for_each(&self, work: impl Fn(&str, &Value) + Sync) {
        let captures: Vec<_> = self.captures.iter().collect();
        let next = AtomicUsize::new(0);
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some((capture, truth)) =
                        captures.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        work(capture, truth);
                    }
                });
            }
        });
    }
}

fn requirement() -> Requirement {
    Requirement {
        catalog: Catalog::resolve(Catalog::DEFAULT).unwrap(),
        profile: Profile::everything(),
        service_tags: None,
        trust: TrustStore::public(),
    }
}

fn one_thread() -> Options {
    Options { threads: std::num::NonZero::new(1), ..Options::default() }
}

/// The names that the truth has for a capture, in their normal form.
fn expected(truth: &Value) -> Names {
    let mut names = Names::new();
    let mut normal = String::new();
    for (source, keys) in SOURCES {
        for key in keys {
            // An alias and what it stands for are both names.
            let columns = if *key == "dns_cnames" { 2 } else { 1 };
            for name in truth[key]
                .as_array()
                .into_iter()
                .flatten()
                .flat_map(|row| &row.as_array().unwrap()[..columns])
            {
                let mut name = name.as_str().expect("rows begin with a name; no list is cut");
                if matches!(source, NameSource::HttpHost | NameSource::Connect) {
                    name = without_port(name);
                }
                if !NO_NAMES.contains(&name) && normalize(name.as_bytes(), &mut normal) {
                    names.insert((source.as_str(), normal.clone()));
                }
            }
        }
    }
    names
}

/// The common names of the truth that are among those found. They are the names of certificates
/// that have no other, and the truth does not tell which those are.
fn common_names(truth: &Value, found: &Names) -> Names {
    let rows = truth["tls_leaf_cert_cn"].as_array().into_iter().flatten();
    let names = rows.filter_map(|row| row[0].as_str());
    let names = names.map(|name| (NameSource::Certificate.as_str(), name.to_owned()));
    names.filter(|name| found.contains(name)).collect()
}

/// `host` of `host:port`; an IPv6 literal keeps its brackets.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// The names that we find in a capture.
fn found(path: String, requirement: &Requirement) -> Names {
    let report = names(&[path], requirement, &one_thread(), &Silent).unwrap();
    let compared: Vec<NameSource> = SOURCES.iter().map(|(source, _)| *source).collect();
    report
        .rows
        .into_iter()
        .filter(|row| compared.contains(&row.source))
        .map(|row| (row.source.as_str(), row.name))
        .collect()
}

/// How the names of one source compare.
#[derive(Default, Clone, Copy)]
struct Figures {
    agreed: usize,
    missing: usize,
    surplus: usize,
}

impl Figures {
    fn agreement(self) -> f64 {
        let all = self.agreed + self.missing + self.surplus;
        if all == 0 { 1.0 } else { self.agreed as f64 / all as f64 }
    }

    fn print(self, source: &str) {
        let Self { agreed, missing, surplus } = self;
        let percent = 100.0 * self.agreement();
        eprintln!(
            "{source:<12} {agreed:>6} agreed {missing:>4} missing {surplus:>4} surplus {percent:>8.3} %"
        );
    }
}

/// The listed differences with their reasons.
fn listed() -> BTreeMap<Difference, String> {
    DIFFERENCES
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let [capture, source, name, kind, reason] =
                line.split('\t').collect::<Vec<_>>().try_into().expect("five columns");
            let kind = match kind {
                "missing" => "missing",
                "surplus" => "surplus",
                other => panic!("{other:?} is neither missing nor surplus"),
            };
            assert!(!reason.trim().is_empty(), "a difference needs a reason: {line}");
            ((capture.to_owned(), source.to_owned(), name.to_owned(), kind), reason.to_owned())
        })
        .collect()
}

/// A name that fits into a column: names come from traffic.
fn column(name: &str) -> String {
    name.escape_debug().to_string()
}

#[test]
#[ignore = "reads the corpus"]
fn names_agree_with_the_corpus_but_for_differences_with_a_reason() {
    let Some(corpus) = Corpus::open() else { return };
    let requirement = requirement();
    let sums = Mutex::new(BTreeMap::<&str, Figures>::new());
    let differences = Mutex::new(BTreeSet::<Difference>::new());
    corpus.for_each(|capture, truth| {
        let found = found(corpus.path(capture), &requirement);
        if truth.get("doubtful").is_some() {
            return;
        }
        let mut expected = expected(truth);
        expected.extend(common_names(truth, &found));
        let mut sums = sums.lock().unwrap();
        for (source, _) in expected.intersection(&found) {
            sums.entry(source).or_default().agreed += 1;
        }
        let differ = |(source, name): &(&'static str, String), kind| {
            let difference = (capture.to_owned(), (*source).to_owned(), column(name), kind);
            differences.lock().unwrap().insert(difference);
        };
        for pair in expected.difference(&found) {
            sums.entry(pair.0).or_default().missing += 1;
            differ(pair, "missing");
        }
        for pair in found.difference(&expected) {
            sums.entry(pair.0).or_default().surplus += 1;
            differ(pair, "surplus");
        }
    });
    let sums = sums.into_inner().unwrap();
    let mut all = Figures::default();
    for (source, figures) in sums {
        figures.print(source);
        all.agreed += figures.agreed;
        all.missing += figures.missing;
        all.surplus += figures.surplus;
    }
    all.print("all");

    let differences = differences.into_inner().unwrap();
    let listed = listed();
    if let Some(path) = std::env::var_os("EGRESS_AUDIT_WRITE_DIFFERENCES") {
        write_differences(Path::new(&path), &differences, &listed);
    }
    let unlisted: Vec<_> = differences.iter().filter(|at| !listed.contains_key(*at)).collect();
    let gone: Vec<_> = listed.keys().filter(|at| !differences.contains(*at)).collect();
    assert!(unlisted.is_empty(), "differences without a reason: {unlisted:#?}");
    assert!(gone.is_empty(), "listed differences that are no more: {gone:#?}");
    assert!(all.agreement() >= REQUIRED, "{:.4} is below {REQUIRED}", all.agreement());
}

fn write_differences(
    path: &Path,
    differences: &BTreeSet<Difference>,
    listed: &BTreeMap<Difference, String>,
) {
    let mut text: String = DIFFERENCES
        .lines()
        .take_while(|line| line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    for difference in differences {
        let (capture, source, name, kind) = difference;
        let reason = listed.get(difference).map_or("", String::as_str);
        text.push_str(&format!("{capture}\t{source}\t{name}\t{kind}\t{reason}\n"));
    }
    std::fs::write(path, text).unwrap();
}

#[test]
#[ignore = "reads the corpus"]
fn names_that_only_a_second_reader_of_the_corpus_found_are_found() {
    let Some(corpus) = Corpus::open() else { return };
    let requirement = requirement();
    let lists = [
        "/second_opinion/tls_reader_only",
        "/second_opinion/quic_reader_only",
        "/second_opinion/http_reader_only",
        "/only_eager/http_hosts",
    ];
    let checked = AtomicUsize::new(0);
    corpus.for_each(|capture, truth| {
        let rows = lists.iter().filter_map(|list| truth.pointer(list)?.as_array()).flatten();
        let wanted: Vec<&str> =
            rows.map(|row| row.as_str().or_else(|| row[0].as_str()).unwrap()).collect();
        if wanted.is_empty() {
            return;
        }
        let found = found(corpus.path(capture), &requirement);
        let mut normal = String::new();
        for name in wanted {
            if normalize(without_port(name).as_bytes(), &mut normal) {
                checked.fetch_add(1, Ordering::Relaxed);
                assert!(found.iter().any(|(_, found)| *found == normal), "{capture}: {name}");
            }
        }
    });
    assert!(checked.into_inner() >= 8);
}

/// Issuers in the corpus that are no public authorities: those of Tor's nodes, of a forgery and of
/// certificates that sign themselves.
const PRIVATE: [&str; 7] = [
    "INFIGO",
    "mamzon.ru",
    "www.a3uycdf3rn5md.com",
    "www.gg562izcxdvqdk.com",
    "www.gmvuy6mtjbxevwo3w.com",
    "www.wohgpas45j6ucw.com",
    "www.xkgk7fdx362yyyxib.com",
];

#[test]
#[ignore = "reads the corpus"]
fn no_public_authority_of_the_corpus_is_taken_for_interception() {
    let Some(corpus) = Corpus::open() else { return };
    let mut text = "[catalog]\nname = \"all\"\nedition = \"0\"\n".to_owned();
    for domain in ["com", "net", "org", "io", "ru", "de", "jp", "cn", "kr", "fr", "eu", "me", "tv"]
    {
        text.push_str(&format!("[[endpoint]]\npattern = \"*.{domain}\"\nprotocol = \"https\"\n"));
    }
    let catalog = Catalog::parse("every name", &text).unwrap();
    let requirement = Requirement { catalog, ..requirement() };
    let accused = Mutex::new(BTreeSet::new());
    corpus.for_each(|capture, _| {
        let report = audit(&[corpus.path(capture)], &requirement, &one_thread(), &Silent).unwrap();
        let names = report.endpoints.iter().flat_map(|endpoint| &endpoint.names);
        for evidence in names.flat_map(|name| &name.evidence) {
            if let Some((_, rest)) = evidence.detail.split_once("certificate issued by \"") {
                accused.lock().unwrap().insert(rest.split('"').next().unwrap().to_owned());
            }
        }
    });
    let accused = accused.into_inner().unwrap();
    assert!(accused.iter().eq(&PRIVATE), "{accused:#?}");
}

#[test]
#[ignore = "reads the corpus"]
fn every_file_of_the_corpus_gives_a_report_whose_sums_come_out() {
    let Some(corpus) = Corpus::open() else { return };
    let requirement = requirement();
    let mut broken = Mutex::new(Vec::new());
    let check = |what: &str, inputs: &[String], options: &Options| {
        let report = audit_in_time(what, inputs, &requirement, options);
        for discrepancy in report.discrepancies() {
            broken.lock().unwrap().push(format!("{what}: {discrepancy}"));
        }
        let text = serde_json::to_string(&report).unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{what}");
    };
    corpus.for_each(|capture, _| check(capture, &[corpus.path(capture)], &one_thread()));
    let all: Vec<String> = corpus.captures.keys().map(|capture| corpus.path(capture)).collect();
    check("all files in one run", &all, &Options::default());
    let broken = std::mem::take(broken.get_mut().unwrap());
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Runs `audit` on a thread of its own, so that a run that hangs fails the test and says which.
fn audit_in_time(
    what: &str,
    inputs: &[String],
    requirement: &Requirement,
    options: &Options,
) -> Report {
    let (done, wait) = mpsc::channel();
    let (inputs, requirement, options) = (inputs.to_vec(), requirement.clone(), options.clone());
    std::thread::spawn(move || {
        let report = audit(&inputs, &requirement, &options, &Silent);
        // No one waits any more when the time is up.
        done.send(report).ok();
    });
    match wait.recv_timeout(PATIENCE) {
        Ok(report) => report.unwrap(),
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: no report within {PATIENCE:?}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{what}: the run panicked"),
    }
}
