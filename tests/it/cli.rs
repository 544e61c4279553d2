//! The command line as its users meet it, on real files.

use std::fs;
use std::path::Path;

use egress_audit::cli::{Console, Surroundings, run};
use egress_audit::report::SCHEMA;
use egress_audit_fixtures::scenarios;
use serde_json::{Value, json};

use super::support::{fixture, scenario};

struct Spoken {
    code: u8,
    out: String,
    err: String,
}

fn say(arguments: &[&str]) -> Spoken {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let surroundings = Surroundings::default();
    let mut console = Console { out: &mut out, err: &mut err, surroundings };
    let code = run(["egress-audit"].iter().chain(arguments), &mut console).code();
    Spoken { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
}

fn capture(name: &str) -> String {
    fixture(&scenario(name)).to_str().unwrap().to_owned()
}

fn audit_json(arguments: &[&str]) -> (u8, Value) {
    let spoken = say(&[&["audit", "--format", "json"], arguments].concat());
    (spoken.code, serde_json::from_str(&spoken.out).unwrap_or_else(|_| panic!("{}", spoken.err)))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn check(definition: Option<&str>, document: &Value) {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    if let Some(definition) = definition {
        let root = schema.as_object_mut().unwrap();
        for key in ["type", "properties", "required", "additionalProperties"] {
            root.remove(key);
        }
        root.insert("$ref".to_owned(), json!(format!("#/$defs/{definition}")));
    }
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn the_exit_code_tells_what_was_found() {
    for (name, arguments, code) in [
        ("tls13", &[][..], 0),
        ("tls13", &["--fail-on", "never-seen"], 1),
        ("dns-nxdomain", &[], 1),
        ("dns-nxdomain", &["--fail-on", "none"], 0),
        ("mixed-by-time", &[], 1),
        ("mixed-by-time", &["--fail-on", "mixed"], 1),
        ("degraded-ipv6", &[], 0),
        ("degraded-ipv6", &["--fail-on", "degraded"], 1),
        ("resolved-only", &[], 3),
        ("capture-ended", &[], 3),
    ] {
        let spoken = say(&[&["audit", &capture(name)], arguments].concat());
        assert_eq!(spoken.code, code, "{name} {arguments:?}: {}", spoken.err);
        assert!(!spoken.out.is_empty(), "{name}");
        assert_eq!(spoken.err.contains("nothing could be judged"), code == 3, "{}", spoken.err);
    }
}

#[test]
fn an_empty_capture_judges_nothing_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let header = egress_audit_fixtures::capture::Format::PCAP.write(&[]);
    for (name, bytes) in [("nothing", &[][..]), ("header.pcap", &header)] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let spoken = say(&["audit", text(&path)]);
        assert_eq!(spoken.code, 3, "{name}: {}", spoken.err);
        assert!(spoken.err.contains("hold no packet"), "{name}: {}", spoken.err);
    }
}

#[test]
fn an_unreadable_file_is_named_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.pcap");
    let unknown = folder.path().join("unknown.bin");
    fs::write(&unknown, [0x93, 0x01, 0x02, 0x03, 0xfe]).unwrap();
    for bad in [&missing, &unknown] {
        let good = capture("dns-nxdomain");
        let spoken = say(&["audit", "--format", "json", text(bad), &good]);
        assert_eq!(spoken.code, 2);
        assert!(spoken.err.contains(text(bad)), "{}", spoken.err);
        let report: Value = serde_json::from_str(&spoken.out).unwrap();
        check(None, &report);
        assert_eq!(report["summary"]["blocked"], 1);
        let inputs = report["inputs"].as_array().unwrap();
        let named = inputs.iter().find(|input| input["path"] == text(bad)).unwrap();
        assert!(named["error"].is_string(), "{named}");
        let spoken = say(&["audit", text(bad), &good]);
        assert!(spoken.out.contains("NOT READ"), "{}", spoken.out);
    }
}

#[test]
fn a_trace_of_windows_is_told_what_to_do_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.etl");
    // The buffer's size, and the header of a system trace event behind the buffer's.
    let mut head = vec![0_u8; 4096];
    head[..4].copy_from_slice(&0x1_0000_u32.to_le_bytes());
    head[0x48..0x4c].copy_from_slice(&[0x02, 0x00, 0x02, 0xc0]);
    fs::write(&path, &head).unwrap();
    let spoken = say(&["audit", text(&path)]);
    assert_eq!(spoken.code, 2);
    assert!(spoken.err.contains("trace.etl"), "{}", spoken.err);
    assert!(spoken.err.contains("pktmon etl2pcap"), "{}", spoken.err);
}

#[test]
fn a_cut_capture_gives_what_is_whole_and_says_where_it_broke() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.pcap");
    let bytes = fs::read(capture("reset-after-hello")).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
    let (code, report) = audit_json(&[text(&path)]);
    assert_eq!(code, 2);
    check(None, &report);
    let input = &report["inputs"][0];
    assert!(input["records"].as_u64().unwrap() > 10);
    assert!(input["error"].as_str().unwrap().contains("offset"), "{input}");
    assert_eq!(report["summary"]["blocked"], 1);
    let spoken = say(&["audit", text(&path)]);
    assert!(spoken.out.contains("READ IN PART"), "{}", spoken.out);
}

#[test]
fn directories_and_globs_stand_for_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("site-1");
    fs::create_dir(&inner).unwrap();
    for (name, to) in [("dns-nxdomain", "a.pcap"), ("tcp-no-answer", "b.pcap")] {
        fs::copy(capture(name), inner.join(to)).unwrap();
    }
    for input in [text(folder.path()).to_owned(), format!("{}/*/*.pcap", text(folder.path()))] {
        let (code, report) = audit_json(&[&input]);
        assert_eq!(code, 1);
        assert_eq!(report["inputs"].as_array().unwrap().len(), 2, "{input}");
        assert_eq!(report["summary"]["blocked"], 2, "{input}");
    }
    let nothing = format!("{}/*.pcapng", text(folder.path()));
    let spoken = say(&["audit", &nothing]);
    assert_eq!(spoken.code, 2);
    assert!(spoken.err.contains(&nothing), "{}", spoken.err);
}

#[test]
fn a_bad_catalog_is_named_with_its_line_and_nothing_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ours.toml");
    let catalog = "[catalog]\nname = \"ours\"\nedition = \"1\"\n\n[[endpoint]]\n\
                   pattern = \"*.example.com\"\nprotocol = \"gopher\"\n";
    fs::write(&path, catalog).unwrap();
    let spoken = say(&["audit", "--catalog", text(&path), &capture("tls13")]);
    assert_eq!((spoken.code, spoken.out.as_str()), (2, ""));
    assert!(spoken.err.contains(&format!("{}:7", text(&path))), "{}", spoken.err);
    assert!(spoken.err.contains("gopher"), "{}", spoken.err);
}

#[test]
fn a_catalog_of_ones_own_is_judged_by() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ours.toml");
    let catalog = "[catalog]\nname = \"ours\"\nedition = \"1\"\n\n[[endpoint]]\n\
                   pattern = \"emea.flow.microsoft.com\"\nprotocol = \"https\"\n";
    fs::write(&path, catalog).unwrap();
    let (code, report) = audit_json(&["--catalog", text(&path), &capture("dns-nxdomain")]);
    assert_eq!(code, 1);
    assert_eq!(report["catalog"]["name"], "ours");
    assert_eq!(report["summary"]["required"], 1);
}

#[test]
fn the_json_of_every_fixture_satisfies_the_shipped_schema() {
    for scenario in scenarios() {
        let path = fixture(&scenario);
        let (_, report) = audit_json(&[text(&path)]);
        check(None, &report);
    }
}

#[test]
fn explain_tells_of_an_endpoint_by_its_id_its_pattern_and_a_name() {
    let office = capture("office-day");
    for target in ["https:*.flow.microsoft.com", "*.flow.microsoft.com", "emea.flow.microsoft.com"]
    {
        let spoken = say(&["explain", target, &office, "--format", "json"]);
        assert_eq!(spoken.code, 0, "{target}: {}", spoken.err);
        let story: Value = serde_json::from_str(&spoken.out).unwrap();
        check(Some("explain"), &story);
        assert_eq!(story["verdict"], "mixed", "{target}");
        assert_eq!(story["endpoints"], json!(["https:*.flow.microsoft.com"]));
        let events = story["events"].as_array().unwrap();
        let times: Vec<&str> = events.iter().map(|event| event["time"].as_str().unwrap()).collect();
        assert!(times.len() >= 12 && times.is_sorted(), "{target}: {times:?}");
        let spoken = say(&["explain", target, &office]);
        assert!(spoken.out.contains("reset_after_hello"), "{}", spoken.out);
    }
    let spoken = say(&["explain", "www.example.com", &office, "--format", "json"]);
    let story: Value = serde_json::from_str(&spoken.out).unwrap();
    check(Some("explain"), &story);
    assert_eq!((spoken.code, &story["verdict"]), (0, &Value::Null));
    let spoken = say(&["explain", "not a name", &office]);
    assert_eq!(spoken.code, 2);
    assert!(spoken.err.contains("not a name"), "{}", spoken.err);
}

#[test]
fn names_lists_every_name_as_lines_of_json_and_as_a_table() {
    let office = capture("office-day");
    let spoken = say(&["names", &office, "--format", "jsonl"]);
    assert_eq!(spoken.code, 0, "{}", spoken.err);
    let rows: Vec<Value> =
        spoken.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    rows.iter().for_each(|row| check(Some("names_row"), row));
    let find = |source: &str, name: &str| {
        rows.iter().find(|row| row["source"] == source && row["name"] == name)
    };
    let flow = find("sni", "emea.flow.microsoft.com").expect("a name in a hello");
    assert_eq!(
        (&flow["count"], &flow["endpoints"]),
        (&json!(6), &json!(["https:*.flow.microsoft.com"]))
    );
    for (source, name) in [
        ("dns_query", "go.microsoft.com"),
        ("http_host", "ocsp.digicert.com"),
        ("connect", "contoso-relay.servicebus.windows.net"),
        ("dns_answer", "apim-europe.trafficmanager.example"),
        ("sni", "www.example.com"),
    ] {
        assert!(find(source, name).is_some(), "{source} {name}");
    }
    let key = |row: &Value| (row["source"].to_string(), row["name"].to_string());
    let mut sources: Vec<String> = rows.iter().map(|row| key(row).0).collect();
    sources.dedup();
    let mut once = sources.clone();
    once.sort();
    once.dedup();
    assert_eq!(sources.len(), once.len(), "rows of one source stand together");
    let spoken = say(&["names", &office, "--format", "csv"]);
    assert_eq!(spoken.code, 0);
    assert_eq!(spoken.out.lines().count(), rows.len() + 1);
    assert!(spoken.out.starts_with("source,name,count,first,last,endpoints\n"), "{}", spoken.out);
}

#[test]
fn hostile_names_reach_no_terminal_raw() {
    let path = capture("hostile-names");
    for arguments in
        [&["audit", &path, "-v"][..], &["names", &path], &["explain", "x.example", &path]]
    {
        let spoken = say(arguments);
        let is_harmless =
            |c: char| c == '\n' || !(c.is_control() || "\u{202e}\u{2066}".contains(c));
        assert!(spoken.out.chars().all(is_harmless), "{arguments:?}");
        assert!(spoken.err.chars().all(is_harmless), "{arguments:?}");
    }
}

#[test]
fn roots_that_cannot_be_used_are_named_and_good_ones_are_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.pem");
    let run = |path: &Path| {
        let capture = capture("intercepted");
        say(&["audit", "--format", "json", "--trust-root", text(path), &capture])
    };
    for (content, complaint) in [
        (&b"no certificate"[..], "holds no PEM certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate 1"),
    ] {
        fs::write(&path, content).unwrap();
        let spoken = run(&path);
        assert_eq!(spoken.code, 2);
        assert!(spoken.err.contains("--trust-root") && spoken.err.contains("root.pem"));
        assert!(spoken.err.contains(complaint), "{}", spoken.err);
    }
    let missing = run(&folder.path().join("missing.pem"));
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("missing.pem"), "{}", missing.err);
    fs::write(&path, egress_audit_fixtures::inspection_authority().pem()).unwrap();
    let spoken = run(&path);
    assert_eq!((spoken.code, spoken.err.as_str()), (0, ""));
    assert!(!spoken.out.contains("\"intercepted\": true"));
    assert!(
        say(&["audit", "--format", "json", &capture("intercepted")])
            .out
            .contains("\"intercepted\": true")
    );
}
