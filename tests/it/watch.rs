//! Logs that are judged while they are written: `watch`, and `audit` of a pipe without end.

#![allow(
    clippy::disallowed_methods,
    reason = "a program that waits for more is waited for by the clock"
)]

use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use egress_audit::cli::{Console, Surroundings, run};
use egress_audit::report::SCHEMA;
use serde_json::{Value, json};

/// Longer than any machine needs for what is waited for.
const LONG: Duration = Duration::from_secs(120);

const NAME: &str = "emea.flow.microsoft.com";

/// A FortiGate line of a web filter: `utm` is `block` or `allow`.
fn web(client: &str, name: &str, utm: &str) -> String {
    let bytes = if utm == "block" { 0 } else { 5100 };
    format!(
        "date=2025-11-26 time=04:15:00 devname=\"fw1\" eventtime=1764130500000000000 tz=\"+0000\" \
         logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" srcip={client} srcport=50123 \
         dstip=203.0.113.10 dstport=443 proto=6 action=\"close\" policyid=7 policyname=\"web\" \
         utmaction=\"{utm}\" hostname=\"{name}\" sentbyte=900 rcvdbyte={bytes}\n"
    )
}

/// A FortiGate line that denies an address.
fn deny(client: &str, server: &str) -> String {
    format!(
        "date=2025-11-26 time=04:15:00 devname=\"fw1\" eventtime=1764130500000000000 tz=\"+0000\" \
         logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" srcip={client} srcport=50123 \
         dstip={server} dstport=443 proto=6 action=\"deny\" policyid=0 policyname=\"out\" \
         sentbyte=0 rcvdbyte=0\n"
    )
}

/// The lines of dnsmasq about a question of this type and its answer.
fn dns(client: &str, kind: &str, name: &str, answer: &str) -> String {
    let head = "Nov 26 04:14:59 gw dnsmasq[812]: 17";
    format!(
        "{head} {client}/50123 query[{kind}] {name} from {client}\n\
         {head} {client}/50123 reply {name} is {answer}\n"
    )
}

/// A line of Squid about a CONNECT request.
fn squid(client: &str, code: &str, name: &str) -> String {
    format!(
        "1764130500.000    120 {client} {code} 3900 CONNECT {name}:443 - HIER_NONE/- text/html\n"
    )
}

/// What `watch` says of these files, which are read in the order of their names.
fn watch(files: &[(&str, String)]) -> (u8, Vec<Value>, String) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let surroundings = Surroundings::default();
    let mut console = Console { out: &mut out, err: &mut err, surroundings };
    let path = folder.path().to_str().unwrap();
    let code = run(["egress-audit", "watch", "--format", "json", path], &mut console).code();
    let out = String::from_utf8(out).unwrap();
    let findings: Vec<Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    findings.iter().for_each(check);
    (code, findings, String::from_utf8(err).unwrap())
}

fn check(finding: &Value) {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let root = schema.as_object_mut().unwrap();
    for key in ["type", "properties", "required", "additionalProperties"] {
        root.remove(key);
    }
    root.insert("$ref".to_owned(), json!("#/$defs/finding"));
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(finding).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?} in {finding}");
}

/// Change, name, client and verdict of each finding.
fn gist(findings: &[Value]) -> Vec<[&str; 4]> {
    findings
        .iter()
        .map(|finding| {
            ["change", "name", "client", "verdict"]
                .map(|key| finding[key].as_str().unwrap_or_default())
        })
        .collect()
}

#[test]
fn a_finding_is_told_once_for_each_client_and_when_the_verdict_changes() {
    let log = [
        web("10.1.2.3", NAME, "block"),
        web("10.1.2.3", NAME, "block"),
        web("10.1.2.4", NAME, "block"),
        web("10.1.2.3", "www.example.com", "block"),
        web("10.1.2.5", NAME, "allow"),
        web("10.1.2.5", NAME, "allow"),
        web("10.1.2.6", NAME, "block"),
    ];
    let (code, findings, err) = watch(&[("fw.log", log.concat())]);
    assert_eq!(
        gist(&findings),
        [
            ["blocked", NAME, "10.1.2.3", "blocked"],
            ["blocked", NAME, "10.1.2.4", "blocked"],
            ["answered", NAME, "10.1.2.5", "mixed"],
            ["blocked", NAME, "10.1.2.6", "mixed"],
        ]
    );
    assert_eq!(findings[0]["line"], 1);
    assert_eq!(findings[0]["endpoint"], "https:*.flow.microsoft.com");
    assert_eq!(findings[0]["time"], "2025-11-26T04:15:00.000Z");
    assert_eq!(code, 1);
    assert!(err.contains("4 findings at 1 endpoint; 7 lines read, 7 understood"), "{err}");
}

#[test]
fn what_was_allowed_only_is_no_finding() {
    let (code, findings, _) = watch(&[("fw.log", web("10.1.2.3", NAME, "allow"))]);
    assert_eq!((code, findings.len()), (0, 0));
}

#[test]
fn a_deny_without_a_name_is_named_by_the_answers_before_it() {
    let answers = [
        dns("10.1.2.3", "A", NAME, "203.0.113.9"),
        dns("10.1.2.4", "A", "www.example.com", "203.0.113.9"),
        dns("10.1.2.3", "A", "asia.flow.microsoft.com", "203.0.113.20"),
        dns("10.1.2.3", "A", "www.example.org", "203.0.113.20"),
    ];
    let denies = [
        deny("10.1.2.3", "203.0.113.9"),
        // Asked for another name on the address.
        deny("10.1.2.4", "203.0.113.9"),
        // Asked for nothing, and others mean two names by it.
        deny("10.1.2.5", "203.0.113.9"),
        // Asked for two names on the address.
        deny("10.1.2.3", "203.0.113.20"),
    ];
    let (code, findings, _) =
        watch(&[("1-dns.log", answers.concat()), ("2-fw.log", denies.concat())]);
    assert_eq!(gist(&findings), [["blocked", NAME, "10.1.2.3", "blocked"]]);
    assert_eq!(findings[0]["named_by"], "dns_same_client");
    assert_eq!(code, 1);
    // What is answered later names nothing before.
    let (_, findings, _) = watch(&[
        ("1-fw.log", deny("10.1.2.3", "203.0.113.9")),
        ("2-dns.log", dns("10.1.2.3", "A", NAME, "203.0.113.9")),
    ]);
    assert_eq!(gist(&findings), [[""; 4]; 0]);
}

#[test]
fn a_login_at_a_proxy_is_no_block_and_refusals_are() {
    let login = [
        squid("10.1.2.3", "TCP_DENIED/407", NAME),
        squid("10.1.2.3", "TCP_DENIED/407", NAME),
        squid("10.1.2.3", "TCP_TUNNEL/200", NAME),
    ];
    let (code, findings, _) = watch(&[("access.log", [login.concat(), login.concat()].concat())]);
    assert_eq!((code, gist(&findings)), (0, vec![]));
    let refusal = squid("10.1.2.3", "TCP_DENIED/407", NAME).repeat(4);
    let (_, findings, _) = watch(&[("access.log", refusal)]);
    assert_eq!(gist(&findings), [["blocked", NAME, "10.1.2.3", "blocked"]]);
    assert_eq!(
        (&findings[0]["cause"], &findings[0]["line"]),
        (&json!("proxy_auth_required"), &json!(3))
    );
}

#[test]
fn a_question_that_a_client_can_do_without_blocks_nothing() {
    let reply = |kind: &str| {
        let head = "[1764130500] unbound[812:0] reply: 10.1.2.3";
        format!("{head} {NAME}. {kind} IN SERVFAIL 0.020000 0 64\n")
    };
    let (_, findings, _) = watch(&[("dns.log", reply("AAAA"))]);
    assert_eq!(gist(&findings), [[""; 4]; 0]);
    let (_, findings, _) = watch(&[("dns.log", reply("A"))]);
    assert_eq!(gist(&findings), [["blocked", NAME, "10.1.2.3", "blocked"]]);
    let (_, findings, _) = watch(&[("dns.log", dns("10.1.2.3", "A", NAME, "NXDOMAIN"))]);
    assert_eq!(gist(&findings), [["blocked", NAME, "10.1.2.3", "blocked"]]);
    assert_eq!(findings[0]["time_local"], "11-26 04:14:59 (no year)");
}

#[test]
fn what_cannot_be_watched_is_named_and_the_others_go_on() {
    let capture = fs::read(super::support::fixture(&super::support::scenario("tls13"))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("a.pcapng"), capture).unwrap();
    fs::write(path("b.txt"), "Dear diary,\nnothing happened.\n").unwrap();
    fs::write(path("c.log"), web("10.1.2.3", NAME, "block")).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let surroundings = Surroundings::default();
    let mut console = Console { out: &mut out, err: &mut err, surroundings };
    let arguments = ["egress-audit".to_owned(), "watch".to_owned(), path("")];
    let code = run(arguments, &mut console).code();
    let (out, err) = (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap());
    assert_eq!(code, 2);
    assert!(err.contains("a.pcapng: this is a capture"), "{err}");
    assert!(err.contains("b.txt: unknown format") && err.contains("Dear diary"), "{err}");
    assert_eq!(out.lines().count(), 1, "{out}");
    assert!(out.contains(NAME) && out.contains("c.log line 1"), "{out}");
}

/// The program, running, and the lines that it writes.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(arguments: &[&str], stdin: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_egress-audit"))
            .args(arguments)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in out.lines() {
                if sender.send(line.unwrap()).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// The next finding, which must come.
    fn finding(&self) -> Value {
        let line = self.lines.recv_timeout(LONG).expect("a finding");
        let finding = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        check(&finding);
        finding
    }

    fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }

    /// Waits for the end: exit code, further lines, standard error.
    fn end(mut self) -> (Option<i32>, Vec<String>, String) {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begin.elapsed() < LONG, "the program does not end");
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut err = String::new();
        std::io::Read::read_to_string(self.child.stderr.as_mut().unwrap(), &mut err).unwrap();
        (status.code(), self.lines.iter().collect(), err)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

#[test]
fn watch_follows_a_file_that_grows_and_is_rotated_until_it_is_told_to_end() {
    for signal in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fw.log");
        append(&path, &web("10.1.2.3", NAME, "block"));
        let text = path.to_str().unwrap();
        let watch = Running::start(&["watch", "--follow", "--format", "json", text], Stdio::null());
        assert_eq!(watch.finding()["client"], "10.1.2.3");

        let line = web("10.1.2.4", NAME, "block");
        let (start, end) = line.split_at(100);
        append(&path, start);
        append(&path, end);
        let finding = watch.finding();
        assert_eq!((&finding["client"], &finding["line"]), (&json!("10.1.2.4"), &json!(2)));

        // Renamed, written to once more, and made anew; the last line has no end.
        let old = folder.path().join("fw.log.1");
        fs::rename(&path, &old).unwrap();
        append(&old, web("10.1.2.5", NAME, "block").trim_end());
        append(&path, &[web("10.1.2.6", NAME, "block"), web("10.1.2.6", NAME, "block")].concat());
        let (one, other) = (watch.finding(), watch.finding());
        assert_eq!((&one["client"], &one["line"]), (&json!("10.1.2.5"), &json!(3)));
        assert_eq!((&other["client"], &other["line"]), (&json!("10.1.2.6"), &json!(1)));

        // Emptied in its place; it is shorter than it was when it is looked at again.
        fs::write(&path, "").unwrap();
        append(&path, &web("10.1.2.7", NAME, "allow"));
        let finding = watch.finding();
        assert_eq!(
            (&finding["change"], &finding["verdict"]),
            (&json!("answered"), &json!("mixed"))
        );

        watch.signal(signal);
        let (code, rest, err) = watch.end();
        assert_eq!((code, rest), (Some(1), vec![]), "{err}");
        assert!(err.contains("5 findings at 1 endpoint; 6 lines read, 6 understood"), "{err}");
    }
}

#[test]
fn from_the_end_old_lines_name_addresses_and_are_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.log");
    append(&path, &web("10.1.2.3", NAME, "block"));
    append(&path, &dns("10.1.2.3", "A", "asia.flow.microsoft.com", "203.0.113.9"));
    let text = path.to_str().unwrap();
    let arguments = ["watch", "--follow", "--from-end", "--format", "json", text];
    let watch = Running::start(&arguments, Stdio::null());
    // When it has caught up cannot be seen from outside, so a line is added until one is told.
    let begin = Instant::now();
    let finding = loop {
        append(&path, &deny("10.1.2.3", "203.0.113.9"));
        match watch.lines.recv_timeout(Duration::from_millis(300)) {
            Ok(line) => break serde_json::from_str::<Value>(&line).unwrap(),
            Err(_) => assert!(begin.elapsed() < LONG, "nothing is told"),
        }
    };
    assert_eq!(finding["name"], "asia.flow.microsoft.com");
    assert_eq!(finding["named_by"], "dns_same_client");
    watch.signal("INT");
    let (code, rest, err) = watch.end();
    assert_eq!((code, rest), (Some(1), vec![]), "{err}");
}

#[test]
fn watch_tells_of_the_first_line_of_a_pipe_at_once() {
    let mut watch = Running::start(&["watch", "--format", "json", "-"], Stdio::piped());
    let mut pipe = watch.child.stdin.take().unwrap();
    for client in ["10.1.2.3", "10.1.2.4"] {
        pipe.write_all(web(client, NAME, "block").as_bytes()).unwrap();
        assert_eq!(watch.finding()["client"], client);
    }
    // The pipe stays open.
    watch.signal("INT");
    let (code, rest, err) = watch.end();
    assert_eq!((code, rest), (Some(1), vec![]), "{err}");
    assert!(err.contains("2 findings"), "{err}");
    drop(pipe);
}

#[test]
fn audit_of_a_pipe_without_end_reports_when_it_is_told_to_end() {
    let mut audit = Running::start(&["audit", "--format", "json", "-"], Stdio::piped());
    let mut pipe = audit.child.stdin.take().unwrap();
    pipe.write_all(web("10.1.2.3", NAME, "block").as_bytes()).unwrap();
    // More than a pipe holds: when it is written, the first line was read.
    let fill = web("10.1.2.3", "www.example.com", "allow").repeat(1_000);
    pipe.write_all(fill.as_bytes()).unwrap();
    audit.signal("INT");
    let (code, lines, err) = audit.end();
    let report: Value = serde_json::from_str(&lines.concat()).unwrap_or_else(|_| panic!("{err}"));
    assert_eq!(code, Some(1), "{err}");
    assert_eq!(report["summary"]["blocked"], 1);
    let notes = report["inputs"][0]["notes"].to_string();
    assert!(notes.contains("was ended on request after"), "{notes}");
    drop(pipe);
}
