//! What the modules share: running the engine on files and on packets.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use egress_audit::catalog::{Catalog, Profile};
use egress_audit::logs::read::LogOptions;
use egress_audit::logs::stamp::TimeRules;
use egress_audit::render::TerminalOptions;
use egress_audit::report::{EndpointReport, NameReport, NameRow, Report, Verdict};
use egress_audit::trust::TrustStore;
use egress_audit::{Options, Progress, Requirement};
use egress_audit_fixtures::capture::{Format, TimedPacket};
use egress_audit_fixtures::{Expected, Scenario, scenarios};
use snapbox::Data;
use snapbox::data::DataFormat;

/// Takes the news and keeps silent.
pub(crate) struct Silent;

impl Progress for Silent {
    fn total(&self, _: u64) {}

    fn advance(&self, _: u64) {}
}

/// The root of the crate.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The default catalog with the default profile.
pub(crate) fn required() -> Requirement {
    Requirement {
        catalog: Catalog::builtin(Catalog::DEFAULT).expect("the built-in catalog is sound"),
        profile: Profile::default(),
        service_tags: None,
        trust: TrustStore::public(),
    }
}

/// The report on these inputs.
pub(crate) fn audit<A: AsRef<Path>>(inputs: &[A]) -> Report {
    audit_with(inputs, None)
}

/// The report on these inputs, made by so many threads.
pub(crate) fn audit_with<A: AsRef<Path>>(inputs: &[A], threads: Option<usize>) -> Report {
    let inputs: Vec<String> =
        inputs.iter().map(|path| path.as_ref().to_str().expect("UTF-8").to_owned()).collect();
    let threads = threads.map(|count| NonZeroUsize::new(count).unwrap());
    let options = Options { threads, ..Options::default() };
    audit_requiring(&inputs, &required(), &options)
}

/// The report of these requirements on these inputs.
pub(crate) fn audit_requiring(
    inputs: &[String],
    requirement: &Requirement,
    options: &Options,
) -> Report {
    let report = egress_audit::audit(inputs, requirement, options, &Silent).unwrap();
    assert_eq!(report.discrepancies(), Vec::<String>::new(), "{inputs:?}");
    report
}

/// An example of logs with a report, in `fixtures/log-cases`.
pub(crate) struct LogCase {
    /// Name of its folder.
    pub(crate) name: &'static str,
    /// The year and the zone that it is read with.
    pub(crate) rules: Option<(i16, &'static str)>,
}

/// The examples of logs.
pub(crate) const LOG_CASES: [LogCase; 6] = [
    LogCase { name: "fortigate-denies", rules: None },
    LogCase { name: "panos-denies", rules: None },
    LogCase { name: "asa-dnsmasq", rules: Some((2026, "Europe/Berlin")) },
    LogCase { name: "netfilter-dnsmasq", rules: None },
    LogCase { name: "squid-denies", rules: None },
    LogCase { name: "azure-firewall-denies", rules: None },
];

impl LogCase {
    /// Its logs, by paths relative to the root, so that reports are the same on every machine.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let folder = Path::new("fixtures/log-cases").join(self.name);
        let entries = std::fs::read_dir(root().join(&folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.retain(|name| name != "README.md");
        names.sort();
        names.into_iter().map(|name| folder.join(name)).collect()
    }

    /// What makes its times instants.
    pub(crate) fn times(&self) -> TimeRules {
        self.rules.map_or_else(TimeRules::default, |(year, zone)| times(year, zone))
    }
}

/// Rules that make times of this year and zone instants.
pub(crate) fn times(year: i16, zone: &str) -> TimeRules {
    TimeRules { zone: Some(jiff::tz::TimeZone::get(zone).unwrap()), year: Some(year) }
}

/// The report on logs, and whatever else, whose times follow these rules.
pub(crate) fn audit_logs<A: AsRef<Path>>(inputs: &[A], times: TimeRules) -> Report {
    let inputs: Vec<String> =
        inputs.iter().map(|path| path.as_ref().to_str().expect("UTF-8").to_owned()).collect();
    let logs = LogOptions { times, ..LogOptions::default() };
    let options = Options { logs, ..Options::default() };
    let report = egress_audit::audit(&inputs, &required(), &options, &Silent).unwrap();
    assert_eq!(report.discrepancies(), Vec::<String>::new(), "{inputs:?}");
    report
}

/// The report on logs with these names and texts.
pub(crate) fn audit_texts(logs: &[(&str, &str)], times: TimeRules) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = logs
        .iter()
        .map(|(name, text)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        })
        .collect();
    let report = audit_logs(&paths, times);
    assert!(!report.has_failed_inputs(), "{:?}", report.inputs);
    report
}

/// The report on packets that lie in no file yet.
pub(crate) fn audit_packets(packets: &[TimedPacket]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.pcapng");
    std::fs::write(&path, Format::PCAPNG.write(packets)).unwrap();
    let report = audit(&[path]);
    assert!(!report.has_failed_inputs(), "{:?}", report.inputs);
    report
}

/// Every name that a file shows.
pub(crate) fn names_of(path: &Path) -> Vec<NameRow> {
    let inputs = [path.to_str().expect("UTF-8").to_owned()];
    egress_audit::names(&inputs, &required(), &Options::default(), &Silent).unwrap().rows
}

/// The scenario of this name.
pub(crate) fn scenario(name: &str) -> Scenario {
    scenarios().into_iter().find(|scenario| scenario.name == name).expect("a scenario")
}

/// The checked-in capture of a scenario.
pub(crate) fn fixture(scenario: &Scenario) -> PathBuf {
    let file = format!("capture.{}", scenario.format.extension());
    root().join("fixtures/captures").join(scenario.name).join(file)
}

/// The report as JSON.
pub(crate) fn json(report: &Report) -> String {
    let mut out = Vec::new();
    egress_audit::render::json::render(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The report as a terminal of 100 columns shows it.
pub(crate) fn terminal(report: &Report) -> String {
    let mut text = Vec::new();
    let options = TerminalOptions { width: 100, ..TerminalOptions::default() };
    egress_audit::render::terminal::render(report, options, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// Holds a text against the file where it lies; `SNAPSHOTS=overwrite` writes it there.
pub(crate) fn assert_is(path: &Path, text: String) {
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).unwrap();
    }
    let expected = Data::read_from(path, Some(DataFormat::Text)).raw();
    snapbox::Assert::new()
        .action_env(snapbox::assert::DEFAULT_ACTION_ENV)
        .eq(Data::text(text).raw(), expected);
}

/// The endpoint of this id.
pub(crate) fn endpoint<'r>(report: &'r Report, id: &str) -> &'r EndpointReport {
    let found = report.endpoints.iter().find(|endpoint| endpoint.id == id);
    found.unwrap_or_else(|| panic!("{id} is required"))
}

/// A name of an endpoint.
pub(crate) fn name<'r>(endpoint: &'r EndpointReport, name: &str) -> Option<&'r NameReport> {
    endpoint.names.iter().find(|row| row.name == name)
}

/// Verdict and causes of everything that was seen, to compare reports on the same story.
pub(crate) fn gist(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for endpoint in report.endpoints.iter().filter(|e| e.verdict != Verdict::NeverSeen) {
        lines.push(format!("{} {}", endpoint.id, endpoint.verdict.as_str()));
        for name in &endpoint.names {
            let outcomes: Vec<String> = name
                .outcomes
                .iter()
                .map(|row| {
                    let cause = row.outcome.cause().unwrap_or_default();
                    format!("{} {cause} {}", row.outcome.as_str(), row.count)
                })
                .collect();
            let verdict = name.verdict.as_str();
            lines.push(format!("  {} {verdict}: {}", name.name, outcomes.join(", ")));
        }
    }
    lines
}

/// What a report says that a scenario does not expect; and the other way round.
pub(crate) fn disagreements(report: &Report, expected: &[Expected]) -> Vec<String> {
    let mut found: Vec<String> =
        expected.iter().filter_map(|expected| disagreement(report, expected)).collect();
    for endpoint in &report.endpoints {
        let is_expected = expected.iter().any(|expected| expected.endpoint == endpoint.id);
        if !is_expected && endpoint.verdict != Verdict::NeverSeen {
            found.push(format!("{} is {}", endpoint.id, endpoint.verdict.as_str()));
        }
        for row in &endpoint.names {
            let is_named = expected.iter().any(|e| e.endpoint == endpoint.id && e.name == row.name);
            let is_blocked = matches!(row.verdict, Verdict::Blocked | Verdict::Mixed);
            if !is_named && is_blocked {
                found.push(format!("{} of {} is {:?}", row.name, endpoint.id, row.verdict));
            }
        }
    }
    found
}

fn disagreement(report: &Report, expected: &Expected) -> Option<String> {
    let Expected { endpoint: id, name: wanted, verdict, cause } = *expected;
    let endpoint = endpoint(report, id);
    let names: Vec<&NameReport> =
        endpoint.names.iter().filter(|row| wanted.is_empty() || row.name == wanted).collect();
    let is = match (wanted, names.as_slice()) {
        ("", _) => endpoint.verdict,
        (_, [row]) => row.verdict,
        _ => return Some(format!("{wanted} does not occur under {id}")),
    };
    if is.as_str() != verdict {
        let reason = &endpoint.reason;
        return Some(format!("{id} {wanted} is {}, not {verdict}: {reason}", is.as_str()));
    }
    let causes: Vec<&str> =
        names.iter().flat_map(|row| &row.outcomes).filter_map(|row| row.outcome.cause()).collect();
    match cause {
        Some(cause) if !causes.contains(&cause) => {
            Some(format!("{id} {wanted}: {cause} is not among {causes:?}"))
        }
        _ => None,
    }
}

/// Runs the program from the repository's root.
pub(crate) fn run(arguments: &[&str]) -> std::process::Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_egress-audit"))
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap()
}
