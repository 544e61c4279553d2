//! What tshark shows of the fixtures, and of random changes to them, beside what the program shows.
//!
//! Names alone are compared, as sets: tshark counts retransmissions, the program does not.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use egress_audit::observe::{NameSource, normalize};
use egress_audit_fixtures::transform::mutate;
use egress_audit_fixtures::{Scenario, scenarios};

use super::metamorphic::files;
use super::support::{fixture, names_of};

/// Scenarios that tshark reads otherwise, and why.
const READ_OTHERWISE: [(&str, &str); 7] = [
    ("hostile-names", "tshark replaces bytes that it does not print"),
    ("http2-prior-knowledge", "tshark shows the names of HTTP/2 in other fields"),
    ("http2-denied", "tshark shows the names of HTTP/2 in other fields"),
    ("dtls-no-answer", "tshark shows the names of DTLS in other fields"),
    ("dtls-alert", "tshark shows the names of DTLS in other fields"),
    ("dtls-reached", "tshark shows the names of DTLS in other fields"),
    ("snaplen-96", "tshark does not show the beginning of a hello or a message that was cut"),
];

/// The sources that are compared.
const SOURCES: [NameSource; 4] =
    [NameSource::Sni, NameSource::QuicSni, NameSource::DnsQuery, NameSource::HttpHost];

/// tshark shows no header of a request whose head never ends.
const UNFINISHED: [&str; 1] = ["http-head-unfinished"];

/// Mutants of each scenario: tshark takes a third of a second for one.
const MUTANTS: usize = 2;

/// A name after the word of its source.
type Names = BTreeSet<(&'static str, String)>;

#[test]
#[ignore = "runs tshark"]
fn names_of_the_fixtures_are_those_that_tshark_shows() {
    let compared = AtomicUsize::new(0);
    let differences = for_each_scenario(|scenario| {
        if UNFINISHED.contains(&scenario.name) {
            return Vec::new();
        }
        let path = fixture(scenario);
        let ours = ours(&path);
        compared.fetch_add(ours.len(), Ordering::Relaxed);
        difference(scenario.name, &ours, &shown_by_tshark(&path)).into_iter().collect()
    });
    assert!(differences.is_empty(), "{differences:#?}");
    let compared = compared.into_inner();
    assert!(compared > 100, "{compared} names are too few to mean anything");
}

/// tshark loses some names when segments change places; the program must not. What counts here is
/// that it finds no fewer and that every name it finds is there.
#[test]
#[ignore = "runs tshark"]
fn changed_fixtures_show_all_names_that_tshark_shows_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let (compared, missed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let differences = for_each_scenario(|scenario| {
        let packets = (scenario.build)();
        let unchanged = ours(&fixture(scenario));
        let lossless = (0..).map(|seed| (seed, mutate(&packets, seed)));
        let lossless = lossless.filter(|(_, mutant)| !mutant.is_lossy() && mutant.files.len() == 1);
        let mut differences = Vec::new();
        for (seed, mutant) in lossless.take(MUTANTS) {
            let name = format!("{} seed {seed} {:?}", scenario.name, mutant.kinds);
            let path = folder.path().join(format!("{}-{seed}", scenario.name));
            std::fs::write(&path, &files(&mutant, seed)[0]).unwrap();
            let (ours, theirs) = (ours(&path), shown_by_tshark(&path));
            differences.extend(difference(&name, &ours, &unchanged));
            let surplus: Vec<_> = theirs.difference(&ours).collect();
            if !surplus.is_empty() {
                differences.push(format!("{name}: tshark alone shows {surplus:?}"));
            }
            compared.fetch_add(ours.len(), Ordering::Relaxed);
            missed.fetch_add(ours.difference(&theirs).count(), Ordering::Relaxed);
        }
        differences
    });
    assert!(differences.is_empty(), "{differences:#?}");
    let (compared, missed) = (compared.into_inner(), missed.into_inner());
    assert!(compared > 200, "{compared} names are too few to mean anything");
    assert!(missed * 20 < compared, "tshark misses {missed} of {compared} names");
}

/// Runs `work` for every scenario that tshark reads alike, on all cores.
fn for_each_scenario(work: impl Fn(&Scenario) -> Vec<String> + Sync) -> Vec<String> {
    let scenarios = scenarios();
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let run = || {
        while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
            if READ_OTHERWISE.iter().all(|(name, _)| *name != scenario.name) {
                let result = work(scenario);
                results.lock().unwrap().extend(result);
            }
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(run))));
    results.into_inner().unwrap()
}

fn difference(what: &str, ours: &Names, theirs: &Names) -> Option<String> {
    let ours_alone: Vec<_> = ours.difference(theirs).collect();
    let theirs_alone: Vec<_> = theirs.difference(ours).collect();
    (ours != theirs).then(|| format!("{what}: ours alone {ours_alone:?}, missing {theirs_alone:?}"))
}

fn ours(path: &Path) -> Names {
    let rows = names_of(path).into_iter().filter(|row| SOURCES.contains(&row.source));
    rows.map(|row| (row.source.as_str(), row.name)).collect()
}

/// The names that tshark shows: those in hellos, in questions that are no part of an answer, and
/// in requests.
fn shown_by_tshark(path: &Path) -> Names {
    let fields = [
        "frame.protocols",
        "tls.handshake.extensions_server_name",
        "dns.flags.response",
        "dns.qry.name",
        "http.host",
    ];
    let output = Command::new("tshark")
        .args(["-2", "-o", "tcp.reassemble_out_of_order:TRUE", "-T", "fields"])
        .args(fields.iter().flat_map(|field| ["-e", field]))
        .arg("-r")
        .arg(path)
        .output()
        .expect("tshark is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names = Names::new();
    for line in text.lines() {
        let [protocols, server, response, question, host] =
            line.split('\t').collect::<Vec<_>>().try_into().expect("a column for each field");
        let hello = if protocols.contains(":quic") { NameSource::QuicSni } else { NameSource::Sni };
        let asked = if response.split(',').all(|flag| flag == "0") { question } else { "" };
        for (source, values) in
            [(hello, server), (NameSource::DnsQuery, asked), (NameSource::HttpHost, host)]
        {
            let mut name = String::new();
            for value in values.split(',') {
                // A port belongs to no name.
                let host = value.rsplit_once(':').map_or(value, |(host, _)| host);
                if normalize(host.as_bytes(), &mut name) {
                    names.insert((source.as_str(), name.clone()));
                }
            }
        }
    }
    names
}
