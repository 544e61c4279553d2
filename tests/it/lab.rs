//! The lab of real blocking: each vantage point knows what was done as far as it can, and no more.
//!
//! `EGRESS_AUDIT_LAB` names another folder to read in place of the checked-in one, as after a new run of
//! the lab.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use egress_audit::Options;
use egress_audit::report::{EndpointReport, Report, Verdict};
use serde::Deserialize;

use super::support::{assert_is, audit_requiring, required, root, terminal};

/// What was done in a scenario, and what can be known of it where.
#[derive(Deserialize)]
struct Truth {
    scenario: String,
    shows: String,
    /// Endpoints of which something was blocked indeed.
    blocked: BTreeSet<String>,
    views: BTreeMap<String, View>,
}

/// What can be known at one vantage point.
#[derive(Deserialize)]
struct View {
    files: Vec<String>,
    /// By endpoint; those that are not named were not tried as far as can be seen.
    endpoints: BTreeMap<String, Known>,
}

#[derive(Deserialize, PartialEq, Eq, Debug)]
struct Known {
    verdict: String,
    /// Of a block, every cause; otherwise doubts that must be among those given.
    causes: BTreeSet<String>,
    mixed_by: Option<String>,
    intercepted: bool,
}

fn lab() -> PathBuf {
    std::env::var_os("EGRESS_AUDIT_LAB").map_or_else(|| root().join("fixtures/lab"), PathBuf::from)
}

fn truths() -> Vec<Truth> {
    let lab = lab();
    let mut truths = Vec::new();
    for entry in fs::read_dir(&lab).unwrap_or_else(|error| panic!("{}: {error}", lab.display())) {
        let path = entry.unwrap().path().join("truth.json");
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let truth: Truth = serde_json::from_str(&text).unwrap();
        assert!(path.parent().unwrap().ends_with(&truth.scenario), "{}", path.display());
        truths.push(truth);
    }
    assert!(truths.len() >= 50, "{} scenarios in {}", truths.len(), lab.display());
    truths.sort_by(|a, b| a.scenario.cmp(&b.scenario));
    truths
}

/// The vantage points.
const VIEWS: [&str; 5] = ["client", "any", "inside", "outside", "logs"];

/// The report of somebody who trusts the root that the lab's servers have for a public one.
fn report(folder: &Path, view: &View) -> Report {
    let mut requirement = required();
    let servers = fs::read(root().join(folder).join("root.pem")).unwrap();
    requirement.trust.add_pem(&servers).unwrap();
    let file = |file| folder.join(file).into_os_string().into_string().expect("UTF-8");
    let files: Vec<String> = view.files.iter().map(file).collect();
    let report = audit_requiring(&files, &requirement, &Options::default());
    assert!(!report.has_failed_inputs(), "{:?}", report.inputs);
    report
}

/// Calls `check` with every report; what it returns are complaints.
fn check(check: impl Fn(&Truth, &View, &Report) -> Vec<String>) {
    let mut complaints = Vec::new();
    for truth in truths() {
        for name in VIEWS {
            let view = truth.views.get(name).unwrap_or_else(|| panic!("no view {name}"));
            // Where no device logged anything, nothing can be known.
            if view.files.is_empty() {
                assert!(name == "logs" && view.endpoints.is_empty(), "{}", truth.scenario);
                continue;
            }
            let report = report(&lab().join(&truth.scenario), view);
            let found = check(&truth, view, &report);
            let place = format!("{} from {name}", truth.scenario);
            complaints.extend(found.into_iter().map(|line| format!("{place}: {line}")));
        }
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}

fn is_block(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Blocked | Verdict::Mixed | Verdict::Degraded)
}

/// The words behind outcomes of this kind.
fn causes(endpoint: &EndpointReport, outcome: &str) -> BTreeSet<String> {
    let rows = endpoint.names.iter().flat_map(|name| &name.outcomes);
    let rows = rows.filter(|row| row.outcome.as_str() == outcome);
    rows.filter_map(|row| row.outcome.cause().map(str::to_owned)).collect()
}

fn disagreement(endpoint: &EndpointReport, known: Option<&Known>) -> Option<String> {
    let verdict = endpoint.verdict.as_str();
    let Some(known) = known else {
        let is_unseen = endpoint.verdict == Verdict::NeverSeen;
        return (!is_unseen).then(|| format!("{} is {verdict} and was never tried", endpoint.id));
    };
    let mixed_by = endpoint.mixed_by.as_ref().map(|mixed| {
        let mixed = serde_json::to_value(mixed).unwrap();
        mixed["by"].as_str().expect("the word for what makes the difference").to_owned()
    });
    let is_as_known = verdict == known.verdict
        && mixed_by == known.mixed_by
        && endpoint.intercepted == known.intercepted
        && if is_block(endpoint.verdict) {
            causes(endpoint, "blocked") == known.causes
        } else {
            causes(endpoint, "inconclusive").is_superset(&known.causes)
        };
    (!is_as_known).then(|| {
        let blocked = causes(endpoint, "blocked");
        let open = causes(endpoint, "inconclusive");
        format!(
            "{} is {verdict} {blocked:?} {open:?}, not {known:?}: {}",
            endpoint.id, endpoint.reason
        )
    })
}

mod truth {
    use super::*;

    #[test]
    fn is_what_every_vantage_point_finds() {
        check(|_, view, report| {
            let ids: BTreeSet<&str> = report.endpoints.iter().map(|e| e.id.as_str()).collect();
            let strangers = view.endpoints.keys().filter(|id| !ids.contains(id.as_str()));
            let mut found: Vec<String> =
                strangers.map(|id| format!("{id} is not of the catalog")).collect();
            found.extend(
                report.endpoints.iter().filter_map(|endpoint| {
                    disagreement(endpoint, view.endpoints.get(&endpoint.id))
                }),
            );
            found
        });
    }

    #[test]
    fn holds_every_block_that_is_found() {
        check(|truth, _, report| {
            let blocked = report.endpoints.iter().filter(|endpoint| {
                is_block(endpoint.verdict) || endpoint.names.iter().any(|n| is_block(n.verdict))
            });
            let false_ones = blocked.filter(|endpoint| !truth.blocked.contains(&endpoint.id));
            false_ones.map(|endpoint| format!("{}: {}", endpoint.id, endpoint.reason)).collect()
        });
    }

    #[test]
    fn of_a_visit_by_ipv6_is_one_by_ipv6() {
        check(|truth, _, report| {
            if truth.scenario != "ipv6-reached" {
                return Vec::new();
            }
            let names = report.endpoints.iter().flat_map(|endpoint| &endpoint.names);
            let visits: Vec<_> = names
                .flat_map(|name| &name.evidence)
                .filter(|one| matches!(one.outcome.as_str(), "answered" | "allowed"))
                .collect();
            let others = visits.iter().filter(|visit| {
                visit.client.as_deref().is_some_and(|client| !client.contains(':'))
            });
            let others = others.map(|visit| format!("{:?} visits by IPv4", visit.client));
            let none = visits.is_empty().then(|| "there is no visit".to_owned());
            others.chain(none).collect()
        });
    }
}

/// Whole reports, byte for byte; `SNAPSHOTS=overwrite` renews them, as is due when the captures are new.
#[test]
fn reports_read_as_they_did() {
    for truth in truths() {
        for (name, view) in truth.views.iter().filter(|(_, view)| !view.files.is_empty()) {
            // Relative, so that the reports are the same on every machine.
            let folder = Path::new("fixtures/lab").join(&truth.scenario);
            let path = root().join(&folder).join("reports").join(format!("{name}.txt"));
            assert_is(&path, terminal(&report(&folder, view)));
        }
    }
}

#[test]
fn every_file_is_told_of() {
    let readme = fs::read_to_string(root().join("fixtures/lab/README.md")).unwrap();
    for truth in truths() {
        assert!(readme.contains(&format!("| `{}` |", truth.scenario)), "{}", truth.scenario);
        assert!(readme.contains(&truth.shows), "{}", truth.scenario);
        let told = truth.views.values().flat_map(|view| view.files.iter().map(String::as_str));
        let others = ["truth.json", "root.pem", "reports"];
        let told: BTreeSet<String> = told.chain(others).map(str::to_owned).collect();
        let found: BTreeSet<String> =
            fs::read_dir(root().join("fixtures/lab").join(&truth.scenario))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
        assert_eq!(found, told, "{}", truth.scenario);
    }
}
