//! What must not be called a block: for each rule of the product a capture that breaks without it.

use egress_audit::report::Report;
use egress_audit_fixtures::capture::TimedPacket;
use egress_audit_fixtures::scene::{Host, Scene};
use egress_audit_fixtures::transform;
use egress_audit_fixtures::wire::{http, icmp};

use super::support::{audit, audit_packets, endpoint, fixture, name, scenario};

const FLOW: (&str, &str) = ("https:*.flow.microsoft.com", "emea.flow.microsoft.com");
const GRAPH: (&str, &str) = ("https:graph.microsoft.com", "graph.microsoft.com");
const ADDRESS: &str = "203.0.113.50";

/// The verdict on a name, with the words behind its outcomes.
fn found<'r>(report: &'r Report, (id, wanted): (&str, &str)) -> (&'r str, Vec<&'r str>) {
    let row = name(endpoint(report, id), wanted).unwrap_or_else(|| panic!("{wanted} is missing"));
    let words = row.outcomes.iter().map(|row| row.outcome.cause().unwrap_or(row.outcome.as_str()));
    (row.verdict.as_str(), words.collect())
}

fn found_in(case: &str, which: (&str, &str)) -> (String, Vec<String>) {
    let report = audit(&[fixture(&scenario(case))]);
    let (verdict, words) = found(&report, which);
    (verdict.to_owned(), words.into_iter().map(str::to_owned).collect())
}

fn assert_doubted(case: &str, which: (&str, &str), doubt: &str) {
    let (verdict, words) = found_in(case, which);
    assert_eq!(verdict, "inconclusive", "{words:?}");
    assert!(words.iter().any(|word| word == doubt), "{words:?}");
}

fn assert_reached(case: &str, which: (&str, &str)) {
    let (verdict, words) = found_in(case, which);
    assert_eq!(verdict, "reached", "{words:?}");
}

/// A client and its resolver.
struct Play {
    scene: Scene,
    client: Host,
    resolver: Host,
}

impl Play {
    fn new() -> Self {
        Self {
            scene: Scene::new(),
            client: Host::client("10.77.0.2"),
            resolver: Host::server("10.77.0.53"),
        }
    }

    fn ask(&self, name: &str) -> egress_audit_fixtures::scene::Dns {
        self.scene.dns(self.client, self.resolver, name)
    }

    fn connect(&self, address: &str) -> egress_audit_fixtures::scene::Tcp {
        self.scene.tcp(self.client, Host::server(address), 443)
    }

    fn call(&self, name: &str) -> egress_audit_fixtures::scene::Tcp {
        self.ask(name).answers(&[ADDRESS], 300);
        self.connect(ADDRESS)
    }

    fn end(self) -> Vec<TimedPacket> {
        self.scene.background(self.client, 18);
        self.scene.build()
    }
}

/// Without the TCP packets to this IPv4 address, as where answers take another way.
fn without_tcp_to(packets: &[TimedPacket], address: [u8; 4]) -> Vec<TimedPacket> {
    let goes_there =
        |frame: &[u8]| frame[14] >> 4 == 4 && frame[23] == 6 && frame[30..34] == address;
    packets.iter().filter(|packet| !goes_there(&packet.bytes)).cloned().collect()
}

mod the_capture_ended {
    use super::*;

    #[test]
    fn before_the_answer_to_a_question() {
        let which = ("https:management.azure.com", "management.azure.com");
        assert_doubted("capture-ended", which, "capture_ended");
    }

    #[test]
    fn before_the_answer_to_a_connection_request() {
        assert_doubted(
            "capture-ended",
            ("https:login.live.com", "login.live.com"),
            "capture_ended",
        );
    }

    #[test]
    fn before_the_answer_to_a_hello() {
        assert_doubted(
            "capture-ended",
            ("https:go.microsoft.com", "go.microsoft.com"),
            "capture_ended",
        );
    }

    #[test]
    fn before_the_answer_to_a_challenge() {
        let which = ("https:login.microsoftonline.com", "login.microsoftonline.com");
        assert_doubted("proxy-auth-pending", which, "authentication_pending");
    }

    #[test]
    fn long_after_an_answer_was_due() {
        let play = Play::new();
        play.call(GRAPH.1).syn_dropped(2);
        assert_eq!(found(&audit_packets(&play.end()), GRAPH).0, "blocked");
    }
}

mod only_one_direction_was_captured {
    use super::*;

    #[test]
    fn of_questions() {
        assert_doubted("one-direction", FLOW, "one_way");
        let play = Play::new();
        play.ask(GRAPH.1).no_answer(3);
        let packets = transform::without_packets_to(&play.end(), "10.77.0.2");
        assert_eq!(found(&audit_packets(&packets), GRAPH), ("inconclusive", vec!["one_way"]));
    }

    #[test]
    fn and_other_traffic_tells_that_both_were() {
        let play = Play::new();
        play.ask(GRAPH.1).no_answer(3);
        // Echoes and their replies, and no other packet to the client.
        assert_eq!(found(&audit_packets(&play.end()), GRAPH), ("blocked", vec!["dns_no_answer"]));
    }

    #[test]
    fn of_questions_and_of_connection_requests_that_got_no_answer() {
        let play = Play::new();
        play.ask(GRAPH.1).answers(&[ADDRESS], 300);
        play.connect(ADDRESS).syn_dropped(3);
        let packets = transform::without_packets_to(&play.end(), "10.77.0.2");
        assert_eq!(found(&audit_packets(&packets), GRAPH), ("inconclusive", vec!["one_way"]));
    }

    #[test]
    fn of_a_connection_though_other_answers_were() {
        let play = Play::new();
        play.call(GRAPH.1).established().client_hello(GRAPH.1).served();
        let packets = without_tcp_to(&play.end(), [10, 77, 0, 2]);
        let report = audit_packets(&packets);
        assert_eq!(found(&report, GRAPH), ("inconclusive", vec!["resolved", "one_way"]));
        // Also of one that stays open.
        let play = Play::new();
        play.call(GRAPH.1).established().client_hello(GRAPH.1);
        let packets = without_tcp_to(&play.end(), [10, 77, 0, 2]);
        let report = audit_packets(&packets);
        assert_eq!(found(&report, GRAPH), ("inconclusive", vec!["resolved", "one_way"]));
    }

    #[test]
    fn that_of_the_answers() {
        let play = Play::new();
        play.call(GRAPH.1).established().client_hello(GRAPH.1).reset_by_server();
        let packets = without_tcp_to(&play.end(), [203, 0, 113, 50]);
        let report = audit_packets(&packets);
        assert_eq!(found(&report, GRAPH), ("inconclusive", vec!["resolved"]));
    }
}

#[test]
fn a_search_suffix_that_does_not_exist() {
    let which = ("https:*.dynamics.com", "ocsp.digicert.com.dynamics.com");
    assert_doubted("search-suffix-under-wildcard", which, "search_suffix");
}

mod one_question_type_fails_while_another_is_answered {
    use super::*;

    const MAKE: (&str, &str) = ("https:*.powerautomate.com", "make.powerautomate.com");

    #[test]
    fn by_a_refusal() {
        assert_reached("aaaa-refused", MAKE);
    }

    #[test]
    fn by_silence() {
        assert_reached("aaaa-unanswered", MAKE);
    }

    #[test]
    fn by_having_no_records() {
        assert_reached("aaaa-empty", MAKE);
    }

    #[test]
    fn by_a_filter_of_one_kind_of_address() {
        let play = Play::new();
        play.ask(MAKE.1).aaaa().extended_error(17, "filtered").no_data();
        play.call(MAKE.1).established().client_hello(MAKE.1).served();
        assert_eq!(found(&audit_packets(&play.end()), MAKE).0, "reached");
    }

    #[test]
    fn by_a_refusal_before_a_private_link() {
        let play = Play::new();
        play.ask(GRAPH.1).aaaa().refused();
        let alias = ["graph.privatelink.example"];
        play.ask(GRAPH.1).cname_chain(&alias, &["10.20.0.5"], 10);
        assert_eq!(found(&audit_packets(&play.end()), GRAPH).0, "inconclusive");
    }

    #[test]
    fn and_is_a_block_when_no_other_is() {
        let play = Play::new();
        play.ask(GRAPH.1).aaaa().refused();
        assert_eq!(found(&audit_packets(&play.end()), GRAPH), ("blocked", vec!["dns_refused"]));
    }
}

mod a_challenge_of_a_proxy_that_is_met {
    use super::*;

    const LOGIN: (&str, &str) = ("https:login.microsoftonline.com", "login.microsoftonline.com");

    #[test]
    fn on_the_same_connection() {
        assert_reached("proxy-auth-same-connection", LOGIN);
    }

    #[test]
    fn on_the_next_connection() {
        assert_reached("proxy-auth-next-connection", LOGIN);
    }

    #[test]
    fn by_a_request_whose_answer_the_capture_misses() {
        let scene = Scene::new();
        let client = Host::client("10.77.0.2");
        let mut tcp = scene.tcp(client, Host::server("10.77.0.8"), 8080);
        tcp.established().client_data(&http::connect("login.microsoftonline.com:443", None));
        tcp.server_data(&http::response(407, &[("Proxy-Authenticate", "Negotiate")], b""));
        let credentials = Some("Negotiate YIIFyQYG");
        tcp.client_data(&http::connect("login.microsoftonline.com:443", credentials));
        scene.wait(100);
        let report = audit_packets(&scene.build());
        assert_eq!(found(&report, LOGIN), ("inconclusive", vec!["capture_ended", "recovered"]));
    }
}

mod a_race_that_is_lost {
    use super::*;

    const MAKE: (&str, &str) = ("https:*.powerapps.com", "make.powerapps.com");

    #[test]
    fn by_a_connection_that_the_client_resets() {
        assert_reached("happy-eyeballs-late", MAKE);
    }

    #[test]
    fn by_a_connection_that_the_client_closes() {
        assert_reached("happy-eyeballs-closed", MAKE);
    }

    #[test]
    fn by_a_request_that_is_cancelled() {
        assert_reached("happy-eyeballs-cancelled", MAKE);
        // Also where answers to the client's IPv6 address are in the capture.
        let play = Play::new();
        let six =
            Play { scene: play.scene.clone(), client: Host::client("2001:db8:77::2"), ..play };
        play.scene
            .tcp(six.client, Host::server("2001:db8:40::1"), 443)
            .established()
            .client_hello("www.example.com")
            .served();
        play.ask(MAKE.1).aaaa().answers(&["2001:db8:40::60"], 300);
        six.connect("2001:db8:40::60").syn();
        play.scene.wait(250);
        play.call(MAKE.1).established().client_hello(MAKE.1).served();
        assert_eq!(found(&audit_packets(&play.end()), MAKE).0, "reached");
    }

    #[test]
    fn by_an_address_that_does_not_answer_while_the_next_does() {
        let play = Play::new();
        play.ask(MAKE.1).answers(&["203.0.113.60", "203.0.113.61"], 300);
        play.connect("203.0.113.60").syn_dropped(2);
        play.connect("203.0.113.61").established().client_hello(MAKE.1).served();
        let report = audit_packets(&play.end());
        let (verdict, words) = found(&report, MAKE);
        assert_eq!(verdict, "reached", "{words:?}");
        assert!(words.contains(&"recovered"), "{words:?}");
    }
}

mod a_success_before_a_failure {
    use super::*;

    #[test]
    fn does_not_make_up_for_a_connection() {
        let play = Play::new();
        play.call(GRAPH.1).established().client_hello(GRAPH.1).served();
        play.scene.wait(2_000);
        play.connect(ADDRESS).syn_dropped(3);
        assert_eq!(found(&audit_packets(&play.end()), GRAPH).0, "mixed");
    }

    #[test]
    fn does_not_make_up_for_a_question() {
        let play = Play::new();
        play.call(GRAPH.1).established().client_hello(GRAPH.1).served();
        play.scene.wait(2_000);
        play.ask(GRAPH.1).refused();
        assert_eq!(found(&audit_packets(&play.end()), GRAPH).0, "mixed");
    }
}

mod a_request_that_is_answered_when_sent_again {
    use super::*;

    #[test]
    fn after_silence() {
        let play = Play::new();
        let mut tcp = play.call(GRAPH.1);
        tcp.syn_dropped(3).syn_ack().ack().client_hello(GRAPH.1).served();
        let report = audit_packets(&play.end());
        assert_eq!(found(&report, GRAPH), ("reached", vec!["answered", "resolved"]));
        let outcomes = &name(endpoint(&report, GRAPH.0), GRAPH.1).unwrap().outcomes;
        assert_eq!(outcomes[0].count, 1, "all requests are one attempt");
    }

    #[test]
    fn after_an_icmp_error() {
        let play = Play::new();
        let mut tcp = play.call(GRAPH.1);
        tcp.syn_and_icmp(Host::server("10.77.0.1"), icmp::Error::HOST_UNREACHABLE).wait(1000);
        tcp.established().client_hello(GRAPH.1);
        // The error was about the first request; the hello's answer the capture misses.
        let report = audit_packets(&play.scene.build());
        assert_eq!(found(&report, GRAPH), ("inconclusive", vec!["resolved", "capture_ended"]));
    }
}

#[test]
fn a_private_link_to_a_private_address() {
    let which = ("https:*.servicebus.windows.net", "contoso.servicebus.windows.net");
    assert_doubted("private-link-resolved", which, "private_link");
    // Requests there that get no answer are blocked all the same; the answer was no sinkhole.
    let (verdict, words) = found_in("private-link-no-answer", which);
    assert_eq!(verdict, "blocked");
    assert_eq!(words, ["tcp_no_answer", "private_link"]);
    // Nor does a private address without the alias prove one.
    let play = Play::new();
    play.ask(which.1).answers(&["10.20.0.5"], 10);
    assert_eq!(
        found(&audit_packets(&play.end()), which),
        ("inconclusive", vec!["private_address"])
    );
}

mod the_client_gave_up_first {
    use super::*;

    const LOGIC: (&str, &str) = ("https:*.logic.azure.com", "prod-12.westeurope.logic.azure.com");

    #[test]
    fn by_a_reset_after_its_hello() {
        assert_doubted("client-reset-first", LOGIC, "client_gave_up");
    }

    #[test]
    fn by_closing_after_its_hello() {
        assert_doubted("client-closed-first", LOGIC, "client_gave_up");
    }

    #[test]
    fn by_a_reset_after_its_request() {
        let play = Play::new();
        let mut tcp = play.call(GRAPH.1);
        tcp.syn_dropped(1).wait(200).reset_by_client();
        let report = audit_packets(&play.end());
        assert_eq!(found(&report, GRAPH), ("inconclusive", vec!["resolved", "client_gave_up"]));
    }

    #[test]
    fn and_is_a_block_when_it_waited_long_enough() {
        let play = Play::new();
        let mut tcp = play.call(GRAPH.1);
        tcp.established().client_hello(GRAPH.1).wait(7_000).reset_by_client();
        let report = audit_packets(&play.end());
        assert_eq!(found(&report, GRAPH).1, ["no_answer_after_hello", "resolved"]);
    }
}
