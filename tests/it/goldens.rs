//! Whole reports of telling captures, byte for byte; `SNAPSHOTS=overwrite` renews them.

use std::path::Path;

use egress_audit::render::{TerminalOptions, terminal};
use snapbox::Data;
use snapbox::data::DataFormat;

use super::support::{audit, json, root, scenario};

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
        assert_is(case, "report.json", json(&report));
        let mut text = Vec::new();
        let options = TerminalOptions { width: 100, ..TerminalOptions::default() };
        terminal::render(&report, options, &mut text).unwrap();
        assert_is(case, "report.txt", String::from_utf8(text).unwrap());
    }
}

fn assert_is(case: &str, file: &str, text: String) {
    let path = root().join("fixtures/reports").join(case).join(file);
    if std::env::var_os("SNAPSHOTS").is_some_and(|value| value == "overwrite") {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).unwrap();
    }
    let expected = Data::read_from(&path, Some(DataFormat::Text)).raw();
    snapbox::Assert::new()
        .action_env(snapbox::assert::DEFAULT_ACTION_ENV)
        .eq(Data::text(text).raw(), expected);
}
