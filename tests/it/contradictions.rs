//! Logs and captures that tell different stories: each from a capture and a log on it.

use egress_audit::logs::stamp::TimeRules;
use egress_audit::report::Report;
use egress_audit_fixtures::capture::{Format, TimedPacket};
use egress_audit_fixtures::scene::{Host, Scene};

use super::support::{audit_logs, endpoint};

const CLIENT: &str = "10.77.0.2";
const NAME: &str = "emea.flow.microsoft.com";
const ENDPOINT: &str = "https:*.flow.microsoft.com";
const ADDRESS: &str = "203.0.113.50";
/// When scenes begin: 2026-01-15T09:00:00Z.
const START: u64 = 1_768_467_600;

struct Play {
    scene: Scene,
    client: Host,
}

impl Play {
    fn new() -> Self {
        Self { scene: Scene::new(), client: Host::client(CLIENT) }
    }

    fn connect(&self, address: &str) -> egress_audit_fixtures::scene::Tcp {
        self.scene.tcp(self.client, Host::server(address), 443)
    }

    /// Something else that is required and works.
    fn elsewhere(&self, name: &str, address: &str) {
        self.connect(address).established().client_hello(name).served();
    }

    fn end(self) -> Captured {
        Captured(self.scene.build())
    }
}

/// The packets of a scene.
struct Captured(Vec<TimedPacket>);

impl Captured {
    /// The report on the packets and a log.
    fn with(&self, log: &str) -> Report {
        let folder = tempfile::tempdir().unwrap();
        let (capture, text) = (folder.path().join("a.pcapng"), folder.path().join("fw.log"));
        std::fs::write(&capture, Format::PCAPNG.write(&self.0)).unwrap();
        std::fs::write(&text, log).unwrap();
        audit_logs(&[capture, text], TimeRules::default())
    }
}

/// A FortiGate line about a session, so many milliseconds after the scene's beginning.
fn line(millis: u64, client: &str, action: &str, more: &str) -> String {
    let nanos = START * 1_000_000_000 + millis * 1_000_000;
    format!(
        "date=2026-01-15 time=10:00:00 devname=\"fw\" devid=\"FG1\" eventtime={nanos} tz=\"+0100\" \
         logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" level=\"notice\" vd=\"root\" \
         srcip={client} dstip={ADDRESS} dstport=443 proto=6 action=\"{action}\" policyid=7 \
         policyname=\"web\" service=\"HTTPS\" hostname=\"{NAME}\"{more}\n"
    )
}

/// Kind, count and places of each contradiction.
fn found(report: &Report) -> Vec<(&'static str, u64, u64, Option<u64>)> {
    report
        .contradictions
        .iter()
        .map(|row| {
            assert_eq!(
                (row.name.as_str(), row.endpoints.as_slice()),
                (NAME, &[ENDPOINT.to_owned()][..])
            );
            assert!(
                row.log.line.as_deref().is_some_and(|line| line.starts_with("date=2026-01-15"))
            );
            assert_eq!(
                report.inputs[row.capture_input as usize].kind,
                egress_audit::report::InputKind::Capture
            );
            (
                row.kind.as_str(),
                row.count,
                row.log.record,
                row.capture.as_ref().map(|piece| piece.record),
            )
        })
        .collect()
}

mod let_through_and_reset {
    use super::*;

    fn play() -> Captured {
        let play = Play::new();
        play.connect(ADDRESS).established().client_hello(NAME).reset_by_server();
        play.end()
    }

    #[test]
    fn contradict_each_other() {
        let report = play().with(&line(200, CLIENT, "accept", ""));
        let rows = found(&report);
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert_eq!((rows[0].0, rows[0].1, rows[0].2), ("allowed_but_blocked", 1, 1));
        assert!(rows[0].3.is_some());
        let reason = &report.contradictions[0].reason;
        let expected = "The log says that it was let through (Fortinet FortiGate: rule \"web\"), but in the \
                        capture the connection is reset once the client has named the server (reset ";
        assert!(reason.starts_with(expected), "{reason}");
        assert_eq!(endpoint(&report, ENDPOINT).verdict.as_str(), "blocked");
    }

    #[test]
    fn do_not_when_the_log_speaks_of_another_time_client_or_port() {
        let play = play();
        for log in [
            line(20_000, CLIENT, "accept", ""),
            line(200, "10.77.0.3", "accept", ""),
            line(200, CLIENT, "accept", " srcport=1"),
            // Without a zone the time is no instant.
            line(200, CLIENT, "accept", "").replace("tz=\"+0100\"", "").replace("eventtime", "x"),
        ] {
            assert_eq!(found(&play.with(&log)), [], "{log}");
        }
    }

    #[test]
    fn do_not_when_the_log_denies_it_too() {
        assert_eq!(found(&play().with(&line(200, CLIENT, "deny", ""))), []);
    }
}

mod denied_and_answered {
    use super::*;

    #[test]
    fn contradict_each_other() {
        let play = Play::new();
        play.connect(ADDRESS).established().client_hello(NAME).served();
        let play = play.end();
        let log = line(100, CLIENT, "deny", "") + &line(300, CLIENT, "deny", "");
        let rows = found(&play.with(&log));
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert_eq!((rows[0].0, rows[0].1), ("denied_but_answered", 2));
        assert_eq!(found(&play.with(&line(100, CLIENT, "accept", ""))), []);
    }
}

mod denied_and_not_captured {
    use super::*;

    /// A denial that states only the address.
    fn denied(millis: u64, client: &str) -> String {
        line(millis, client, "deny", "").replace(&format!(" hostname=\"{NAME}\""), "")
    }

    /// The client does something else, half a minute apart; in between what `act` does.
    fn play(act: impl FnOnce(&Play)) -> Captured {
        let play = Play::new();
        play.elsewhere("graph.microsoft.com", "203.0.113.60");
        play.scene.dns(play.client, Host::server("10.77.0.53"), NAME).answers(&[ADDRESS], 300);
        play.scene.wait(15_000);
        act(&play);
        play.scene.wait(15_000);
        play.elsewhere("go.microsoft.com", "203.0.113.61");
        play.end()
    }

    #[test]
    fn contradict_each_other() {
        let play = play(|_| {});
        assert_eq!(
            found(&play.with(&denied(15_000, CLIENT))),
            [("denied_but_not_captured", 1, 1, None)]
        );
    }

    #[test]
    fn do_not_outside_what_the_capture_covers() {
        let play = play(|_| {});
        assert_eq!(found(&play.with(&denied(900_000, CLIENT))), []);
        assert_eq!(found(&play.with(&denied(15_000, "10.77.0.3"))), []);
    }

    #[test]
    fn do_not_when_the_capture_has_a_connection_that_shows_no_name() {
        let play = play(|play| {
            play.connect(ADDRESS).syn_dropped(2);
        });
        assert_eq!(found(&play.with(&denied(15_000, CLIENT))), []);
    }

    #[test]
    fn do_not_when_it_was_let_through() {
        assert_eq!(found(&play(|_| {}).with(&line(15_000, CLIENT, "accept", ""))), []);
    }
}
