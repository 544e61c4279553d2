//! What the commands around the list print: `catalog diff`, `export` and `import`, and `--catalog` of files.

use std::path::Path;
use std::process::Command;

use super::support::{assert_is, root, run};

fn printed(arguments: &[&str]) -> String {
    let output = run(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Both streams of `catalog export`.
fn exported(arguments: &[&str]) -> String {
    let output = run(&[&["catalog", "export"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}");
    let text = [output.stdout, b"---- standard error\n".to_vec(), output.stderr].concat();
    String::from_utf8(text).unwrap()
}

fn golden(name: &str) -> std::path::PathBuf {
    root().join("fixtures/catalog").join(name)
}

#[test]
fn the_two_editions_differ_as_they_did() {
    let text = printed(&["catalog", "diff", "power-automate@2023-04-17", "power-automate@latest"]);
    assert_is(&golden("diff.txt"), text);
    let same = printed(&["catalog", "diff", "power-automate", "power-automate@2023-04-17"]);
    assert!(same.contains("require the same"), "{same}");
    let json = printed(&[
        "catalog",
        "diff",
        "power-automate",
        "power-automate@latest",
        "--format",
        "json",
    ]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["schema"], "egress-audit/catalog-diff/1");
    assert_eq!(
        (json["from_endpoints"].as_u64(), json["to_endpoints"].as_u64()),
        (Some(55), Some(76))
    );
}

#[test]
fn every_device_gets_what_it_did() {
    for device in [
        "panos-edl",
        "panos-category",
        "fortigate",
        "squid",
        "azure-firewall",
        "zscaler",
        "checkpoint",
        "cisco-ftd",
        "umbrella",
        "pfsense",
        "plain",
        "csv",
        "probe-sh",
        "probe-ps1",
    ] {
        let text = exported(&["power-automate@2026-05-13", "--for", device]);
        assert_is(&golden(&format!("export-{device}.txt")), text);
    }
}

#[test]
fn an_export_can_hold_what_matters_now_by_the_names_that_were_seen() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let report = report.to_str().unwrap();
    let capture = "fixtures/captures/office-day/capture.pcapng";
    let output = run(&["audit", "-q", capture, "-o", report]);
    assert_eq!(output.status.code(), Some(1));
    let blocked = exported(&["--for", "plain", "--only", "blocked", "--from", report]);
    assert!(blocked.contains("*.logic.azure.com\n"), "{blocked}");
    assert!(!blocked.contains("graph.microsoft.com"), "{blocked}");
    let narrow =
        exported(&["--for", "plain", "--only", "blocked", "--from", report, "--narrow", report]);
    assert!(narrow.contains("prod-12.westeurope.logic.azure.com\n"), "{narrow}");
    assert!(!narrow.lines().any(|line| line == "*.logic.azure.com"), "{narrow}");
    assert!(narrow.contains("will be blocked"), "{narrow}");
    let wrong =
        run(&["catalog", "export", "--for", "plain", "--from", "Cargo.toml", "--only", "blocked"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("no report of audit"));
}

#[test]
fn lists_of_others_are_catalogs_as_they_are_and_several_count_together() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let page = write(
        "page.md",
        "# List\n\n| Domains | Protocols |\n|---|---|\n| www.example.com<br>*.example.net | https |\n",
    );
    let list = write("list.txt", "# ours\nhttps://own.example.org/path\n");
    let imported = printed(&["catalog", "import", &page]);
    let catalog = write("page.toml", &imported);
    assert!(printed(&["catalog", "check", &catalog]).contains("2 endpoints"));
    let shown = |specs: &[&str]| -> Vec<String> {
        let capture = "fixtures/captures/resolved-only/capture.pcap";
        let capture = if Path::new(&root()).join(capture).exists() {
            capture.to_owned()
        } else {
            format!("{capture}ng")
        };
        let mut arguments = vec!["audit", "-q", "--format", "json", capture.as_str()];
        for spec in specs {
            arguments.extend(["--catalog", spec]);
        }
        let output = run(&arguments);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        let ids = report["endpoints"].as_array().unwrap().iter();
        ids.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(shown(&[&page]), shown(&[&catalog]));
    let both = shown(&[&page, &list]);
    assert_eq!(both, ["https:*.example.net", "https:own.example.org", "https:www.example.com"]);
    assert!(shown(&["power-automate@latest", &list]).len() > 50);
    let nothing = write("prose.md", "| Domain | Notes |\n|---|---|\n| a.example.com | x |\n");
    let refused = run(&["catalog", "import", &nothing]);
    assert_eq!(refused.status.code(), Some(2));
    let says = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(says.contains("no protocol") && says.contains("line 3"), "{says}");
}

#[test]
#[ignore = "runs squid"]
fn squid_takes_its_export() {
    let folder = tempfile::tempdir().unwrap();
    for edition in ["power-automate@2023-04-17", "power-automate@2026-05-13"] {
        let mut config = printed(&["catalog", "export", edition, "--for", "squid"]);
        config.push_str("http_port 127.0.0.1:3128\n");
        let path = folder.path().join("squid.conf");
        std::fs::write(&path, config).unwrap();
        let parsed = Command::new("squid")
            .args(["-k", "parse", "-f"])
            .arg(&path)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .output()
            .expect("squid is installed");
        let says = String::from_utf8_lossy(&parsed.stderr).into_owned();
        assert!(parsed.status.success(), "{edition}: {says}");
        let is_complaint = |line: &&str| line.contains("ERROR") || line.contains("WARNING");
        let complaints: Vec<&str> = says.lines().filter(is_complaint).collect();
        assert!(complaints.is_empty(), "{edition}: {complaints:?}");
    }
}
