//! Several sites in one run: nothing of one is taken for another's.

use egress_audit::report::{Report, Verdict};
use egress_audit::{Options, Site, audit_sites, explain_sites};

use super::support::{Silent, assert_is, endpoint, json, required, root, run, terminal};

const FLOW: &str = "https:*.flow.microsoft.com";

fn site(name: &str) -> Site {
    let capture = if name == "oslo" { "capture.pcapng" } else { "capture.pcap" };
    let path = format!("fixtures/sites/{name}/{capture}");
    Site { name: Some(name.to_owned()), inputs: vec![path] }
}

fn audit(sites: &[Site]) -> Report {
    audit_sites(sites, &required(), &Options::default(), &Silent).unwrap()
}

#[test]
fn the_same_private_client_is_another_host_at_another_site() {
    let report = audit(&[site("lyon"), site("oslo"), site("hamburg")]);
    let names: Vec<_> = report.sites.iter().map(|site| site.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["hamburg", "lyon", "oslo"]);
    let of = |site: usize| {
        let rows = &report.sites[site].endpoints;
        rows.iter().find(|row| row.id == FLOW).unwrap().verdict
    };
    assert_eq!([of(0), of(1), of(2)], [Verdict::Blocked, Verdict::Reached, Verdict::Inconclusive]);
    let sum = endpoint(&report, FLOW);
    assert_eq!(sum.verdict, Verdict::Blocked);
    assert!(
        sum.reason.starts_with("At hamburg (inconclusive at 1, reached at 1): "),
        "{}",
        sum.reason
    );
    assert_eq!(report.discrepancies(), Vec::<String>::new());
}

#[test]
fn each_site_is_judged_as_if_it_were_alone_in_any_order() {
    let all = audit(&[site("hamburg"), site("lyon"), site("oslo")]);
    assert_eq!(json(&all), json(&audit(&[site("oslo"), site("hamburg"), site("lyon")])));
    for (index, name) in ["hamburg", "lyon", "oslo"].into_iter().enumerate() {
        let alone = audit(&[site(name)]);
        let verdicts = |report: &Report, at: usize| -> Vec<(String, Verdict, String)> {
            let rows = report.sites[at].endpoints.iter();
            rows.map(|row| (row.id.clone(), row.verdict, row.reason.clone())).collect()
        };
        assert_eq!(verdicts(&all, index), verdicts(&alone, 0), "{name}");
        assert_eq!(all.sites[index].coverage, alone.sites[0].coverage, "{name}");
    }
}

#[test]
fn the_report_of_three_sites_reads_as_it_did() {
    let report = audit(&[site("hamburg"), site("lyon"), site("oslo")]);
    let folder = root().join("fixtures/reports/sites");
    assert_is(&folder.join("report.json"), json(&report));
    assert_is(&folder.join("report.txt"), terminal(&report));
}

#[test]
fn sites_are_given_one_by_one_or_by_a_folder() {
    let folder = run(&["audit", "--format", "csv", "-q", "--sites", "fixtures/sites"]);
    assert_eq!(folder.status.code(), Some(1));
    let single = run(&[
        "audit",
        "--format",
        "csv",
        "-q",
        "--site",
        "oslo=fixtures/sites/oslo",
        "--site",
        "lyon=fixtures/sites/lyon",
        "--site",
        "hamburg=fixtures/sites/hamburg",
    ]);
    assert_eq!(String::from_utf8_lossy(&folder.stdout), String::from_utf8_lossy(&single.stdout));
    let text = String::from_utf8(folder.stdout).unwrap();
    for start in ["hamburg,https:*.flow", "lyon,https:*.flow", "oslo,https:*.flow"] {
        assert!(text.lines().any(|line| line.starts_with(start)), "{start}: {text}");
    }
    // One site alone decides by itself.
    let reached = run(&["audit", "-q", "--site", "lyon=fixtures/sites/lyon"]);
    assert_eq!(reached.status.code(), Some(0));
}

#[test]
fn sites_that_cannot_be_meant_are_refused() {
    for (arguments, says) in [
        (&["--site", "lyon"][..], "NAME=PATH"),
        (&["--sites", "fixtures/nowhere"], "fixtures/nowhere"),
        (
            &["--site", "a=fixtures/sites", "--site", "b=fixtures/sites/lyon"],
            "belongs to two sites",
        ),
        (&["--site", "a=fixtures/sites", "fixtures/sites/lyon"], "cannot be used with"),
    ] {
        let output = run(&[&["audit"], arguments].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(says), "{text}");
    }
}

#[test]
fn inputs_of_several_folders_with_the_same_client_hint_at_sites() {
    let inputs = ["hamburg", "lyon"].iter().flat_map(|name| site(name).inputs).collect();
    let together = audit(&[Site { name: None, inputs }]);
    let hint = |report: &Report| report.coverage.notes.iter().any(|note| note.contains("--sites"));
    assert!(hint(&together), "{:?}", together.coverage.notes);
    assert!(!hint(&audit(&[site("hamburg"), site("lyon")])));
    let alone = Site { name: None, ..site("hamburg") };
    assert!(!hint(&audit(&[alone])));
}

#[test]
fn the_story_of_an_endpoint_tells_sites_apart() {
    let sites = [site("lyon"), site("hamburg")];
    let story = explain_sites(&sites, FLOW, &required(), &Options::default(), &Silent).unwrap();
    assert_eq!(story.verdict, Some(Verdict::Blocked));
    let outcomes: Vec<(&str, &str)> = story
        .events
        .iter()
        .filter_map(|event| {
            let site = story.inputs[event.input as usize].site.as_deref()?;
            Some((site, event.outcome?.as_str()))
        })
        .collect();
    assert!(outcomes.contains(&("hamburg", "blocked")), "{outcomes:?}");
    assert!(outcomes.contains(&("lyon", "answered")), "{outcomes:?}");
    assert!(!outcomes.contains(&("hamburg", "answered")), "{outcomes:?}");
    assert!(story.events.is_sorted_by_key(|event| event.time.clone()));
}
