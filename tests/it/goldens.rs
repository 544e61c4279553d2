//! Whole reports of telling captures, byte for byte; `SNAPSHOTS=overwrite` renews them.

use super::support::{assert_is, audit, json, root, scenario, terminal};

const CASES: [&str; 13] = [
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
];

#[test]
fn reports_read_as_they_did() {
    for case in CASES {
        // Relative, so that the reports are the same on every machine.
        let extension = scenario(case).format.extension();
        let path = format!("fixtures/captures/{case}/capture.{extension}");
        let report = audit(&[path]);
        let folder = root().join("fixtures/reports").join(case);
        assert_is(&folder.join("report.json"), json(&report));
        assert_is(&folder.join("report.txt"), terminal(&report));
    }
}
