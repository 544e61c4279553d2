//! Every scenario of the fixtures leads to the verdicts that it says.

use egress_audit_fixtures::{fixtures, scenarios};

use super::support::{audit, disagreements, fixture, root};

#[test]
fn every_scenario_gets_the_verdicts_that_it_expects_and_no_others() {
    let mut complaints = Vec::new();
    for scenario in scenarios() {
        let report = audit(&[fixture(&scenario)]);
        assert!(!report.has_failed_inputs(), "{}: {:?}", scenario.name, report.inputs);
        let found = disagreements(&report, scenario.expected);
        complaints.extend(found.into_iter().map(|line| format!("{}: {line}", scenario.name)));
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn the_checked_in_captures_are_those_of_the_generator() {
    assert_eq!(fixtures::check(&root().join("fixtures")).unwrap(), Vec::<String>::new());
}
