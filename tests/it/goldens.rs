//! Whole reports of telling captures and logs, byte for byte; `SNAPSHOTS=overwrite` renews them.

use egress_audit::report::Report;

use super::support::{LOG_CASES, assert_is, audit, audit_logs, json, root, scenario, terminal};

const CASES: [&str; 15] = [
    "office-day",
    "tls13",
    "tcp-no-answer-cname",
    "reset-after-hello",
    "dns-filtered",
    "proxy-auth-required",
    "mixed-by-time",
    "mixed-by-name",
    "degraded-ipv6",
    "degraded-quic-offered",
    "hello-size",
    "address-shared",
    "hostile-names",
    "intercepted",
    "named-by-certificate",
];

#[test]
fn reports_read_as_they_did() {
    for case in CASES {
        // Relative, so that the reports are the same on every machine.
        let extension = scenario(case).format.extension();
        let path = format!("fixtures/captures/{case}/capture.{extension}");
        assert_report(case, &audit(&[path]));
    }
}

#[test]
fn reports_on_logs_read_as_they_did() {
    for case in &LOG_CASES {
        let report = audit_logs(&case.files(), case.times());
        assert!(!report.has_failed_inputs(), "{}: {:?}", case.name, report.inputs);
        assert_report(case.name, &report);
    }
}

fn assert_report(case: &str, report: &Report) {
    let folder = root().join("fixtures/reports").join(case);
    assert_is(&folder.join("report.json"), json(report));
    assert_is(&folder.join("report.txt"), terminal(report));
}
