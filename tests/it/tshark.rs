//! What tshark shows of the fixtures, beside what the program shows.
//!
//! Names alone are compared, as sets: tshark counts retransmissions, the program does not.

use std::collections::BTreeSet;
use std::process::Command;

use egress_audit::observe::{NameSource, normalize};
use egress_audit_fixtures::scenarios;

use super::support::{fixture, names_of};

/// Scenarios that tshark reads otherwise, and why.
const READ_OTHERWISE: [(&str, &str); 2] = [
    ("hostile-names", "tshark replaces bytes that it does not print"),
    ("snaplen-96", "tshark does not show the beginning of a hello or a message that was cut"),
];

#[test]
#[ignore = "runs tshark"]
fn names_of_the_fixtures_are_those_that_tshark_shows() {
    let mut compared = 0;
    for scenario in scenarios() {
        if READ_OTHERWISE.iter().any(|(name, _)| *name == scenario.name) {
            continue;
        }
        let path = fixture(&scenario);
        let rows = names_of(&path);
        for (source, field) in [
            (NameSource::Sni, "tls.handshake.extensions_server_name"),
            (NameSource::DnsQuery, "dns.qry.name"),
            (NameSource::HttpHost, "http.host"),
        ] {
            let ours: BTreeSet<String> = rows
                .iter()
                .filter(|row| row.source == source)
                .map(|row| row.name.clone())
                .collect();
            let theirs = shown_by_tshark(&path, field, source);
            assert_eq!(ours, theirs, "{} {field}", scenario.name);
            compared += ours.len();
        }
    }
    assert!(compared > 100, "{compared} names are too few to mean anything");
}

/// The values of a field in all packets; for hellos, those over TCP, and for questions, those of
/// queries.
fn shown_by_tshark(path: &std::path::Path, field: &str, source: NameSource) -> BTreeSet<String> {
    let filter = match source {
        NameSource::DnsQuery => "dns.flags.response == 0",
        NameSource::Sni => "tcp",
        _ => "http.request",
    };
    let output = Command::new("tshark")
        .args(["-2", "-o", "tcp.reassemble_out_of_order:TRUE", "-Y", filter])
        .args(["-T", "fields", "-e", field, "-r"])
        .arg(path)
        .output()
        .expect("tshark is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names = BTreeSet::new();
    let mut name = String::new();
    for value in text.lines().flat_map(|line| line.split(',')) {
        // A port belongs to no name.
        let host = value.rsplit_once(':').map_or(value, |(host, _)| host);
        if normalize(host.as_bytes(), &mut name) {
            names.insert(name.clone());
        }
    }
    names
}
