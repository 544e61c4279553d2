//! What logs must not be taken for, and what their verdicts depend on: for each rule of the product
//! a small log that breaks without it.

use egress_audit::logs::stamp::TimeRules;
use egress_audit::report::{MixedBy, Report};

use super::support::{audit_texts, endpoint, name, times};

const FLOW: (&str, &str) = ("https:*.flow.microsoft.com", "emea.flow.microsoft.com");
const GO: (&str, &str) = ("https:go.microsoft.com", "go.microsoft.com");

fn audit(logs: &[(&str, &str)]) -> Report {
    audit_texts(logs, TimeRules::default())
}

/// The verdict on a name, with the words behind its outcomes.
fn found<'r>(report: &'r Report, (id, wanted): (&str, &str)) -> (&'r str, Vec<&'r str>) {
    let row = name(endpoint(report, id), wanted).unwrap_or_else(|| panic!("{wanted} is missing"));
    let words = row.outcomes.iter().map(|row| row.outcome.cause().unwrap_or(row.outcome.as_str()));
    (row.verdict.as_str(), words.collect())
}

/// The verdict on the endpoint, with its reason.
fn judged<'r>(report: &'r Report, (id, _): (&str, &str)) -> (&'r str, &'r str) {
    let endpoint = endpoint(report, id);
    (endpoint.verdict.as_str(), &endpoint.reason)
}

/// A line of Squid's native log about a tunnel.
fn squid(second: u32, client: &str, result: &str, bytes: u32, host: &str) -> String {
    let way = if result.starts_with("TCP_TUNNEL/200") {
        "HIER_DIRECT/203.0.113.9"
    } else {
        "HIER_NONE/-"
    };
    let time = 1_768_467_600 + second;
    format!("{time}.000      5 {client} {result} {bytes} CONNECT {host}:443 - {way} -\n")
}

/// A line of Azure Firewall about a DNS question.
fn azure_dns(second: u32, client: &str, host: &str, kind: &str, code: &str) -> String {
    format!(
        r#"{{"time":"2026-01-15T09:00:{second:02}.0000000Z","category":"AZFWDnsQuery","properties":{{"SourceIp":"{client}","SourcePort":61248,"QueryId":1,"QueryType":"{kind}","QueryClass":"IN","QueryName":"{host}.","Protocol":"udp","ResponseCode":"{code}","ResponseFlags":"qr,rd,ra"}}}}"#
    ) + "\n"
}

/// A line of FortiGate about a session.
fn fortigate(
    second: u32,
    client: &str,
    protocol: u8,
    action: &str,
    received: u32,
    host: &str,
) -> String {
    let nanos = (1_768_467_600_u64 + u64::from(second)) * 1_000_000_000;
    format!(
        "date=2026-01-15 time=10:00:{second:02} devname=\"fw\" devid=\"FG1\" eventtime={nanos} tz=\"+0100\" \
         logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" level=\"notice\" vd=\"root\" srcip={client} \
         srcport=50100 dstip=203.0.113.9 dstport=443 proto={protocol} action=\"{action}\" policyid=7 \
         service=\"HTTPS\" sentbyte=900 rcvdbyte={received} hostname=\"{host}\"\n"
    )
}

mod a_challenge_of_a_proxy {
    use super::*;

    const C: &str = "10.77.0.2";

    fn denied(second: u32, client: &str) -> String {
        squid(second, client, "TCP_DENIED/407", 4012, FLOW.1)
    }

    #[test]
    fn that_is_met_is_no_block() {
        let log = denied(0, C) + &squid(1, C, "TCP_TUNNEL/200", 8120, FLOW.1);
        assert_eq!(
            found(&audit(&[("a.log", &log)]), FLOW),
            ("reached", vec!["answered", "recovered"])
        );
    }

    #[test]
    fn that_is_met_is_none_though_nothing_came_back() {
        let log = denied(0, C) + &squid(1, C, "TCP_TUNNEL/200", 39, FLOW.1);
        assert_eq!(
            found(&audit(&[("a.log", &log)]), FLOW),
            ("allowed", vec!["allowed", "recovered"])
        );
    }

    #[test]
    fn that_is_never_met_is_one() {
        let log = denied(0, C) + &denied(30, C);
        let report = audit(&[("a.log", &log)]);
        assert_eq!(found(&report, FLOW), ("blocked", vec!["proxy_auth_required"]));
        // Nor does it help that another client meets its own.
        let log = denied(0, C) + &squid(1, "10.77.0.3", "TCP_TUNNEL/200", 8120, FLOW.1);
        let report = audit(&[("a.log", &log)]);
        let mixed = endpoint(&report, FLOW.0);
        assert_eq!(mixed.mixed_by, Some(MixedBy::Client), "{}", mixed.reason);
    }
}

mod a_question {
    use super::*;

    const C: &str = "10.77.0.2";

    #[test]
    fn of_one_type_may_fail_while_another_is_answered() {
        let log = azure_dns(0, C, GO.1, "AAAA", "REFUSED") + &azure_dns(0, C, GO.1, "A", "NOERROR");
        let report = audit(&[("a.json", &log)]);
        assert_eq!(found(&report, GO), ("inconclusive", vec!["resolved", "recovered"]));
    }

    #[test]
    fn is_blocked_when_no_type_is_answered() {
        let log = azure_dns(0, C, GO.1, "AAAA", "REFUSED") + &azure_dns(1, C, GO.1, "A", "REFUSED");
        assert_eq!(found(&audit(&[("a.json", &log)]), GO), ("blocked", vec!["dns_refused"]));
        let log = azure_dns(0, C, GO.1, "A", "REFUSED")
            + &azure_dns(0, "10.77.0.3", GO.1, "A", "NOERROR");
        assert_eq!(found(&audit(&[("a.json", &log)]), GO).0, "blocked", "for this client");
    }

    const SUFFIXED: (&str, &str) = ("https:*.dynamics.com", "www.example.com.dynamics.com");

    #[test]
    fn with_a_search_suffix_is_no_block() {
        let log = "\
Jan 15 10:00:00 ns1 dnsmasq[8]: 1 10.77.0.2/40001 query[A] www.example.com.dynamics.com from 10.77.0.2
Jan 15 10:00:00 ns1 dnsmasq[8]: 1 10.77.0.2/40001 reply www.example.com.dynamics.com is NXDOMAIN
Jan 15 10:00:00 ns1 dnsmasq[8]: 2 10.77.0.2/40002 query[A] www.example.com from 10.77.0.2
Jan 15 10:00:00 ns1 dnsmasq[8]: 2 10.77.0.2/40002 reply www.example.com is 203.0.113.91
";
        let report = audit(&[("a.log", log)]);
        assert_eq!(found(&report, SUFFIXED), ("inconclusive", vec!["search_suffix", "logged"]));
        let first: String = log.split_inclusive('\n').take(2).collect();
        let report = audit(&[("a.log", &first)]);
        assert_eq!(found(&report, SUFFIXED), ("blocked", vec!["dns_nxdomain", "logged"]));
    }

    #[test]
    fn that_is_answered_says_more_than_that_it_was_asked() {
        let log = "\
Jan 15 10:00:00 ns1 dnsmasq[8]: 2 10.77.0.2/40002 query[A] go.microsoft.com from 10.77.0.2
Jan 15 10:00:00 ns1 dnsmasq[8]: 2 10.77.0.2/40002 forwarded go.microsoft.com to 192.0.2.53
Jan 15 10:00:00 ns1 dnsmasq[8]: 2 10.77.0.2/40002 reply go.microsoft.com is 203.0.113.60
";
        let report = audit(&[("a.log", log)]);
        let (verdict, reason) = judged(&report, GO);
        assert_eq!(verdict, "inconclusive");
        assert_eq!(reason, "The name was resolved and no connection to it was seen.");
    }
}

mod two_devices {
    use super::*;

    const C: &str = "10.77.0.2";

    #[test]
    fn of_which_one_denies_and_one_lets_through_leave_a_block() {
        let inner = squid(1, C, "TCP_DENIED/403", 3890, FLOW.1);
        let outer = fortigate(1, C, 6, "accept", 0, FLOW.1);
        let report = audit(&[("inner.log", &inner), ("outer.log", &outer)]);
        assert_eq!(found(&report, FLOW), ("blocked", vec!["allowed", "proxy_denied"]));
        assert_eq!(
            judged(&report, FLOW).1,
            "The proxy denies the request (Squid: reason \"TCP_DENIED/403\"; 1 attempt, 1 client); \
             1 more attempt was let through, and no answer was witnessed."
        );
    }

    #[test]
    fn of_which_one_is_answered_tell_which() {
        let denied =
            fortigate(1, C, 6, "deny", 0, FLOW.1) + &fortigate(20, C, 6, "deny", 0, FLOW.1);
        let passed = squid(10, C, "TCP_TUNNEL/200", 8120, FLOW.1);
        let report = audit(&[("a.log", &denied), ("b.log", &passed)]);
        let (verdict, reason) = judged(&report, FLOW);
        assert_eq!(verdict, "degraded", "{reason}");
        let other = fortigate(10, C, 6, "close", 5100, FLOW.1);
        let report = audit(&[("a.log", &denied), ("b.log", &other)]);
        let (verdict, reason) = judged(&report, FLOW);
        assert_eq!(verdict, "mixed", "{reason}");
        assert!(reason.contains("depending on the input"), "{reason}");
    }
}

mod quic_that_is_denied {
    use super::*;

    const C: &str = "10.77.0.2";

    #[test]
    fn degrades_what_tcp_reaches() {
        let log = fortigate(1, C, 17, "deny", 0, GO.1) + &fortigate(2, C, 6, "close", 4810, GO.1);
        let report = audit(&[("a.log", &log)]);
        let (verdict, reason) = judged(&report, GO);
        assert_eq!(verdict, "degraded", "{reason}");
        assert!(reason.starts_with("Reached, but never by QUIC over IPv4: "), "{reason}");
    }

    #[test]
    fn leaves_no_more_than_allowed_where_tcp_is_only_let_through() {
        let log = fortigate(1, C, 17, "deny", 0, GO.1) + &fortigate(2, C, 6, "accept", 0, GO.1);
        let report = audit(&[("a.log", &log)]);
        let (verdict, reason) = judged(&report, GO);
        assert_eq!(verdict, "allowed", "{reason}");
        assert!(reason.contains("but never by QUIC over IPv4"), "{reason}");
    }
}

mod letting_through {
    use super::*;

    const C: &str = "10.77.0.2";

    #[test]
    fn is_no_answer_until_more_comes_back_than_a_handshake() {
        let log = fortigate(1, C, 6, "accept", 0, GO.1);
        assert_eq!(found(&audit(&[("a.log", &log)]), GO), ("allowed", vec!["allowed"]));
        let log = fortigate(1, C, 6, "close", 172, GO.1);
        assert_eq!(found(&audit(&[("a.log", &log)]), GO), ("allowed", vec!["allowed"]));
        let log = fortigate(1, C, 6, "close", 5_000, GO.1);
        assert_eq!(found(&audit(&[("a.log", &log)]), GO), ("reached", vec!["answered"]));
    }
}

#[test]
fn silence_that_a_sensor_logs_is_no_gap_of_a_capture() {
    let log = r#"{"_path":"conn","ts":1768467601.25,"uid":"C1","id.orig_h":"10.77.0.2","id.orig_p":50123,"id.resp_h":"203.0.113.60","id.resp_p":443,"proto":"tcp","orig_bytes":0,"resp_bytes":0,"conn_state":"S0","history":"S"}
{"_path":"dns","ts":1768467600.25,"uid":"C2","id.orig_h":"10.77.0.2","id.orig_p":40000,"id.resp_h":"10.77.0.53","id.resp_p":53,"proto":"udp","query":"go.microsoft.com","qtype":1,"qtype_name":"A","rcode":0,"rcode_name":"NOERROR","answers":["203.0.113.60"],"TTLs":[60.0]}
"#;
    let report = audit(&[("zeek.log", log)]);
    assert_eq!(found(&report, GO), ("blocked", vec!["tcp_no_answer", "resolved"]));
}

mod times_without_a_zone {
    use super::*;

    const KERNEL: &str = "Jan 15 10:01:00 gw kernel: [8.1] [UFW BLOCK] IN=lan0 OUT=wan0 MAC= SRC=10.77.0.2 DST=203.0.113.60 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=1 DF PROTO=TCP SPT=50123 DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0\n";
    const DNS: &str = "\
Jan 15 10:00:59 ns1 dnsmasq[8]: 2 10.77.0.2/40002 query[A] go.microsoft.com from 10.77.0.2
Jan 15 10:00:59 ns1 dnsmasq[8]: 2 10.77.0.2/40002 reply go.microsoft.com is 203.0.113.60
";

    #[test]
    fn are_joined_with_their_like() {
        let report = audit(&[("kern.log", KERNEL), ("dns.log", DNS)]);
        let row = name(endpoint(&report, GO.0), GO.1).unwrap();
        assert_eq!(row.verdict.as_str(), "blocked");
        let denied = row.evidence.iter().find(|piece| piece.outcome.as_str() == "blocked").unwrap();
        assert_eq!((denied.time.as_deref(), denied.named_by.as_str()), (None, "dns_same_client"));
        assert!(denied.detail.ends_with("logged 01-15 10:01:00 (no year)"), "{}", denied.detail);
        assert_eq!(denied.line.as_deref(), Some(KERNEL.trim_end()));
        assert_eq!(denied.record, 1);
    }

    #[test]
    fn become_instants_by_the_options() {
        let report =
            audit_texts(&[("kern.log", KERNEL), ("dns.log", DNS)], times(2026, "Europe/Berlin"));
        let row = name(endpoint(&report, GO.0), GO.1).unwrap();
        let denied = row.evidence.iter().find(|piece| piece.outcome.as_str() == "blocked").unwrap();
        assert_eq!(denied.time.as_deref(), Some("2026-01-15T09:01:00.000Z"));
    }

    #[test]
    fn are_not_joined_with_instants() {
        let kernel = KERNEL.replace("Jan 15 10:01:00 gw", "2026-01-15T10:01:00+01:00 gw");
        let report = audit(&[("kern.log", &kernel), ("dns.log", DNS)]);
        assert_eq!(judged(&report, GO).0, "inconclusive", "the denial has no name");
        let report =
            audit_texts(&[("kern.log", &kernel), ("dns.log", DNS)], times(2026, "Europe/Berlin"));
        assert_eq!(judged(&report, GO).0, "blocked");
    }
}
