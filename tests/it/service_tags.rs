//! What must be let in is judged by the addresses of service tags, in captures and in logs.

use std::path::{Path, PathBuf};

use egress_audit::report::{EndpointReport, NearMissReason, Report, Verdict};
use egress_audit::service_tags::ServiceTags;
use egress_audit::{Error, Options, Requirement};

use super::support::{Silent, endpoint, fixture, required, root, scenario};

fn folder() -> PathBuf {
    root().join("fixtures/service-tags")
}

fn requirement() -> Requirement {
    let tags = ServiceTags::load(&folder().join("service-tags.json")).unwrap();
    Requirement { service_tags: Some(tags), ..required() }
}

fn texts(inputs: &[PathBuf]) -> Vec<String> {
    inputs.iter().map(|path| path.to_str().unwrap().to_owned()).collect()
}

fn audit(inputs: &[PathBuf]) -> Report {
    let report =
        egress_audit::audit(&texts(inputs), &requirement(), &Options::default(), &Silent).unwrap();
    assert!(!report.has_failed_inputs(), "{:?}", report.inputs);
    assert_eq!(report.discrepancies(), Vec::<String>::new());
    report
}

fn log(name: &str) -> PathBuf {
    folder().join(name)
}

fn capture() -> PathBuf {
    fixture(&scenario("inbound-denied"))
}

/// Label, verdict, and each outcome with its cause and count.
fn labels(endpoint: &EndpointReport) -> Vec<(&str, Verdict, Vec<String>)> {
    let outcome = |row: &egress_audit::report::OutcomeReport| {
        format!("{} {}", row.outcome.cause().unwrap_or(row.outcome.as_str()), row.count)
    };
    endpoint
        .names
        .iter()
        .map(|name| (name.name.as_str(), name.verdict, name.outcomes.iter().map(outcome).collect()))
        .collect()
}

#[test]
fn a_capture_tells_which_regions_are_kept_out() {
    let report = audit(&[capture()]);
    let logic_apps = endpoint(&report, "inbound:LogicApps");
    assert_eq!((logic_apps.direction.as_str(), logic_apps.protocol.as_str()), ("inbound", "any"));
    assert_eq!(logic_apps.verdict, Verdict::Mixed, "{}", logic_apps.reason);
    assert_eq!(
        labels(logic_apps),
        [
            ("LogicApps.NorthEurope", Verdict::Reached, vec!["answered 1".to_owned()]),
            (
                "LogicApps.WestEurope",
                Verdict::Blocked,
                vec!["tcp_no_answer 1".to_owned(), "tcp_refused 1".to_owned()]
            ),
        ]
    );
    let evidence = &logic_apps.names[1].evidence[0];
    assert_eq!(
        (evidence.client.as_deref().unwrap(), evidence.named_by.as_str()),
        ("192.0.2.10", "service_tag")
    );
    let connectors = endpoint(&report, "inbound:AzureConnectors");
    assert_eq!(
        labels(connectors),
        [("AzureConnectors", Verdict::Blocked, vec!["icmp_prohibited 1".to_owned()])]
    );
}

#[test]
fn what_goes_out_to_a_tag_is_shown_and_does_not_count() {
    for input in [capture(), log("netfilter.log")] {
        let report = audit(std::slice::from_ref(&input));
        let [miss] = report.near_misses.as_slice() else { panic!("{:?}", report.near_misses) };
        assert_eq!(
            (miss.name.as_str(), miss.endpoint.as_str()),
            ("LogicApps", "inbound:LogicApps")
        );
        assert_eq!((miss.why, miss.port, miss.count), (NearMissReason::OtherDirection, 443, 1));
        let names = &endpoint(&report, "inbound:LogicApps").names;
        assert!(names.iter().all(|name| name.name != "LogicApps"), "{input:?}");
        // An address is no host name: no endpoint with a name is accused.
        let tried = report.endpoints.iter().filter(|e| e.verdict != Verdict::NeverSeen);
        assert!(tried.into_iter().all(|endpoint| endpoint.direction == "inbound"), "{input:?}");
    }
}

#[test]
fn denies_of_a_firewall_are_blocks_and_late_answers_are_not() {
    let report = audit(&[log("netfilter.log")]);
    assert_eq!(
        labels(endpoint(&report, "inbound:LogicApps")),
        [("LogicApps.WestEurope", Verdict::Blocked, vec!["device_denied 2".to_owned()])]
    );
    // The one over IPv6; the reset from port 443 over IPv4 is the end of something else.
    assert_eq!(
        labels(endpoint(&report, "inbound:AzureConnectors")),
        [("AzureConnectors", Verdict::Blocked, vec!["device_denied 1".to_owned()])]
    );
}

#[test]
fn logs_are_judged_together_by_region() {
    let report = audit(&[log("netfilter.log"), log("fortigate.log")]);
    let logic_apps = endpoint(&report, "inbound:LogicApps");
    assert_eq!(logic_apps.verdict, Verdict::Mixed);
    assert!(logic_apps.reason.contains("depending on the name"), "{}", logic_apps.reason);
    assert_eq!(
        labels(logic_apps),
        [
            ("LogicApps.NorthEurope", Verdict::Reached, vec!["answered 1".to_owned()]),
            ("LogicApps.WestEurope", Verdict::Blocked, vec!["device_denied 3".to_owned()]),
        ]
    );
    let details = logic_apps.names[1].evidence.iter().map(|piece| piece.detail.as_str());
    assert!(details.into_iter().any(|detail| detail.contains("deny-in")));
}

#[test]
fn a_dns_answer_is_stronger_than_a_service_tag() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dnsmasq-and-netfilter.log");
    let deny = std::fs::read_to_string(log("netfilter.log")).unwrap();
    let deny = deny.lines().find(|line| line.contains("DST=192.0.2.77")).unwrap();
    let query = |what: &str| {
        format!("2025-11-26T04:14:59+00:00 gw dnsmasq[71]: 9 10.77.0.2/40001 {what}\n")
    };
    let text = [
        query("query[A] own.contoso.example from 10.77.0.2"),
        query("reply own.contoso.example is 192.0.2.77"),
        format!("{deny}\n"),
    ];
    std::fs::write(&path, text.concat()).unwrap();
    let report = audit(&[path]);
    assert_eq!(report.inputs[0].anomalies, Vec::new());
    assert!(report.near_misses.is_empty(), "{:?}", report.near_misses);
}

#[test]
fn without_the_file_nothing_that_must_be_let_in_is_judged() {
    let inputs = texts(&[capture()]);
    let report = egress_audit::audit(&inputs, &required(), &Options::default(), &Silent).unwrap();
    assert!(report.endpoints.iter().all(|endpoint| endpoint.direction == "outbound"));
    assert_eq!(report.catalog.service_tags, None);
    let judged = audit(&[capture()]);
    assert_eq!(judged.summary.required, report.summary.required + 2);
    assert_eq!(judged.catalog.service_tags.unwrap().change_number, "12");
}

#[test]
fn a_tag_that_the_file_does_not_know_is_named_and_not_judged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tags.json");
    let text = std::fs::read_to_string(log("service-tags.json")).unwrap();
    std::fs::write(&path, text.replace("\"AzureConnectors\"", "\"OtherConnectors\"")).unwrap();
    let tags = ServiceTags::load(&path).unwrap();
    let requirement = Requirement { service_tags: Some(tags), ..required() };
    let inputs = texts(&[capture()]);
    let report = egress_audit::audit(&inputs, &requirement, &Options::default(), &Silent).unwrap();
    assert!(report.endpoints.iter().all(|endpoint| endpoint.id != "inbound:AzureConnectors"));
    assert_eq!(report.catalog.service_tags.unwrap().missing, ["AzureConnectors"]);
    let asked = egress_audit::explain(
        &inputs,
        "AzureConnectors",
        &requirement,
        &Options::default(),
        &Silent,
    );
    assert!(matches!(asked, Err(Error::NoAddresses(tag)) if tag == "AzureConnectors"));
}

#[test]
fn explain_tells_the_story_of_a_tag() {
    let inputs = texts(&[capture(), log("netfilter.log")]);
    let explain = |asked: &str, requirement: &Requirement| {
        egress_audit::explain(&inputs, asked, requirement, &Options::default(), &Silent)
    };
    for asked in ["inbound:LogicApps", "logicapps"] {
        let story = explain(asked, &requirement()).unwrap();
        assert_eq!(story.endpoints, ["inbound:LogicApps"]);
        assert_eq!(story.verdict, Some(Verdict::Mixed));
        let names: Vec<_> = story.events.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(names.len(), 7, "{names:?}");
        assert!(names.iter().all(|name| name.starts_with("LogicApps")), "{names:?}");
    }
    assert!(matches!(explain("logicapps", &required()), Err(Error::NoServiceTags(_))));
    // Asked for a name, it does not tell of tags.
    let story = explain("own.contoso.example", &requirement()).unwrap();
    assert!(story.events.is_empty(), "{:?}", story.events);
}

#[test]
fn attempts_of_a_tag_outlive_the_limit_of_nameless_ones() {
    let folder = tempfile::tempdir().unwrap();
    let flood = folder.path().join("flood.log");
    write_flood(&flood);
    let report = audit(&[flood, log("netfilter.log")]);
    assert_eq!(
        labels(endpoint(&report, "inbound:LogicApps")),
        [("LogicApps.WestEurope", Verdict::Blocked, vec!["device_denied 2".to_owned()])]
    );
    assert_eq!(report.near_misses.len(), 1, "what goes to a tag is of interest as well");
    assert!(report.coverage.evictions.is_empty(), "{:?}", report.coverage.evictions);
}

/// Denies of more addresses than are kept without a name, all below those of the tags.
fn write_flood(path: &Path) {
    use std::fmt::Write as _;
    let mut text = String::new();
    for number in 0..30_000_u32 {
        let [_, a, b, c] = number.to_be_bytes();
        let _ = writeln!(
            text,
            "2025-11-26T04:15:00+00:00 gw kernel: [UFW BLOCK] IN=eth1 OUT=eth0 MAC= SRC=10.77.0.2 DST=100.{a}.{b}.{c} LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 DF PROTO=TCP SPT=50000 DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0"
        );
    }
    std::fs::write(path, text).unwrap();
}
