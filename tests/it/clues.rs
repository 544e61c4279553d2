//! What the figures behind a block tell: who sent it, what about the packets was in the way, and what
//! else was on offer.

use egress_audit::report::Report;
use egress_audit_fixtures::scene::{Host, Scene};
use egress_audit_fixtures::wire::{http, tls};

use super::support::{audit, audit_packets, endpoint, fixture, name, names_of, scenario};

fn report(case: &str) -> Report {
    audit(&[fixture(&scenario(case))])
}

/// The reason of an endpoint and the details of a name's blocks.
fn told(report: &Report, id: &str, wanted: &str) -> (String, Vec<String>) {
    let endpoint = endpoint(report, id);
    let row = name(endpoint, wanted).unwrap_or_else(|| panic!("{wanted} is missing"));
    let blocks = row.evidence.iter().filter(|evidence| evidence.outcome.as_str() == "blocked");
    (endpoint.reason.clone(), blocks.map(|evidence| evidence.detail.clone()).collect())
}

const FLOW: (&str, &str) = ("https:*.flow.microsoft.com", "emea.flow.microsoft.com");

#[test]
fn requests_that_are_all_reset_are_told_beside_the_answer() {
    let (reason, _) = told(&report("requests-reset-after-handshake"), FLOW.0, FLOW.1);
    assert!(reason.starts_with("Answered 4 times."), "{reason}");
    assert!(reason.ends_with("no request was answered."), "{reason}");
}

#[test]
fn a_certificate_that_the_client_refuses_hints_at_inspection() {
    for case in ["certificate-refused-tls12", "certificate-refused-tls13"] {
        let (reason, _) = told(&report(case), FLOW.0, FLOW.1);
        assert!(reason.contains("certificate") && reason.contains("inspection"), "{reason}");
    }
    let (reason, _) = told(&report("client-closes-politely"), FLOW.0, FLOW.1);
    assert!(!reason.contains("certificate"), "{reason}");
}

mod who_sent_it {
    use super::*;

    #[test]
    fn a_middlebox_by_its_hop_limit() {
        let (reason, details) = told(&report("reset-after-hello"), FLOW.0, FLOW.1);
        assert_eq!(
            reason,
            "The connection is reset once the client has named the server, probably by a middlebox \
             2 hops from the client (2 attempts, 1 client)."
        );
        assert_eq!(
            details[0],
            "reset 28.0 ms later, hop limit 62, the responder's other packets 52: probably a \
             middlebox, 2 hops from the client"
        );
    }

    #[test]
    fn the_server_by_hop_limit_and_identification() {
        let (reason, details) = told(&report("reset-by-server"), FLOW.0, FLOW.1);
        assert!(
            reason.contains(
                "named the server, by the server itself or a proxy in its place (1 attempt"
            ),
            "{reason}"
        );
        assert!(
            details[0].contains("hop limit 52, the responder's other packets 52"),
            "{details:?}"
        );
        assert!(
            details[0].ends_with(": the server itself, or a proxy that took the connection for it"),
            "{details:?}"
        );
    }

    #[test]
    fn a_middlebox_that_sends_an_alert() {
        let which = ("https:*.powerapps.com", "make.powerapps.com");
        let (reason, details) = told(&report("alert-by-middlebox"), which.0, which.1);
        assert!(
            reason.contains("by an alert, probably by a middlebox 3 hops from the client ("),
            "{reason}"
        );
        assert!(details[0].starts_with("fatal alert 49 (access_denied) "), "{details:?}");
        assert!(
            details[0].contains("hop limit 61, the responder's other packets 52"),
            "{details:?}"
        );
    }

    #[test]
    fn a_middlebox_that_sends_a_block_page() {
        let which = ("http:mscrl.microsoft.com", "mscrl.microsoft.com");
        let (reason, details) = told(&report("http-block-page-injected"), which.0, which.1);
        assert!(reason.contains("probably by a middlebox 3 hops from the client"), "{reason}");
        assert!(details[0].starts_with("HTTP status 302 "), "{details:?}");
        assert!(details[0].contains("hop limit 125, "), "{details:?}");
    }

    /// A connection to a server twelve hops away that is reset so soon after the hello; what is
    /// sent in the server's name has this hop limit and is not counted.
    fn reset_after(milliseconds: i64, hop_limit: u8, client_hops: u8) -> (String, Vec<String>) {
        let scene = Scene::new();
        let client = Host::client("10.77.0.2").with_hop_limit(client_hops);
        let hello = tls::ClientHello::new(FLOW.1).record();
        let mut tcp = scene.tcp(client, Host::server("203.0.113.50"), 443);
        tcp.established().client_data(&hello).wait(milliseconds - 4);
        tcp.reset_by_middlebox(hop_limit);
        scene.background(client, 18);
        told(&audit_packets(&scene.build()), FLOW.0, FLOW.1)
    }

    #[test]
    fn something_near_by_its_haste() {
        let (reason, details) = reset_after(5, 52, 128);
        assert!(reason.contains(", probably by a middlebox (1 attempt"), "{reason}");
        assert!(
            details[0].ends_with("sooner than the round trip of 24.0 ms: probably a middlebox"),
            "{details:?}"
        );
    }

    #[test]
    fn nobody_where_the_figures_are_alike() {
        let (reason, details) = reset_after(30, 52, 128);
        assert!(reason.contains("named the server (1 attempt"), "{reason}");
        assert!(details[0].ends_with(": cannot tell who sent it"), "{details:?}");
    }

    #[test]
    fn the_distance_is_from_the_client_and_not_from_the_capture() {
        let (_, details) = reset_after(30, 62, 125);
        assert!(
            details[0].ends_with("probably a middlebox, 5 hops from the client"),
            "{details:?}"
        );
    }

    #[test]
    fn nobody_where_a_refusal_is_all_that_came() {
        let which = ("https:*.azureedge.net", "content.azureedge.net");
        let (reason, details) = told(&report("tcp-refused"), which.0, which.1);
        assert!(!reason.contains("middlebox") && !reason.contains("itself"), "{reason}");
        assert!(
            details[0].ends_with(
                "hop limit 52, 12 hops from the client, no other packet of the responder to \
                 compare with"
            ),
            "{details:?}"
        );
    }
}

mod size {
    use super::*;

    #[test]
    fn of_hellos_makes_the_difference() {
        let (reason, details) =
            told(&report("hello-size"), "https:graph.microsoft.com", "graph.microsoft.com");
        assert!(
            reason.starts_with("Answered twice and blocked twice, depending on the size: nothing")
                && reason.contains(" TLS hellos that need more than one packet fail (17")
                && reason.contains(" bytes) and smaller ones are answered (2"),
            "{reason}"
        );
        assert!(details[0].contains("; the hello of 17"), "{details:?}");
        assert!(details[0].ends_with(" bytes was sent in parts"), "{details:?}");
    }

    #[test]
    fn of_hellos_makes_none_where_a_large_one_is_answered() {
        let scene = Scene::new();
        let client = Host::client("10.77.0.2");
        let large =
            tls::ClientHello { post_quantum: true, ..tls::ClientHello::new(FLOW.1) }.record();
        let connect = || scene.tcp(client, Host::server("203.0.113.50"), 443);
        connect().established().client_data(&large).retransmit(4).wait(5_000).reset_by_client();
        connect().established().client_hello(FLOW.1).served();
        connect().established().client_data(&large).server_ack().served();
        scene.background(client, 18);
        let (reason, _) = told(&audit_packets(&scene.build()), FLOW.0, FLOW.1);
        assert!(reason.starts_with("Blocked once, then answered twice"), "{reason}");
        assert!(!reason.contains("TLS hellos"), "{reason}");
    }

    #[test]
    fn of_packets_makes_the_difference() {
        let which = ("https:*.azureedge.net", "content.azureedge.net");
        let (reason, details) = told(&report("large-packets-lost"), which.0, which.1);
        assert!(reason.contains(", because large packets are lost on the way ("), "{reason}");
        assert!(
            details[0].ends_with(
                "; a segment of 1460 bytes was sent again 4 times and never acknowledged while \
                 smaller ones get through, no ICMP error asked for smaller packets"
            ),
            "{details:?}"
        );
        let (_, details) = told(&report("large-packets-refused"), which.0, which.1);
        assert!(
            details[0].ends_with("an ICMP error asked for packets of 1400 bytes"),
            "{details:?}"
        );
    }

    #[test]
    fn of_packets_is_not_blamed_where_nothing_comes_back() {
        // Of a hello in two segments nothing is acknowledged: whatever dropped it saw the name.
        let (_, details) =
            told(&report("hello-size"), "https:graph.microsoft.com", "graph.microsoft.com");
        assert!(details.iter().all(|detail| !detail.contains("get through")), "{details:?}");
    }
}

#[test]
fn what_offers_http_3_is_named_where_quic_never_works() {
    let degraded = report("degraded-quic-offered");
    let (reason, _) = told(&degraded, "https:graph.microsoft.com", "graph.microsoft.com");
    assert!(
        reason.ends_with(" HTTP/3 is offered by an Alt-Svc header and an HTTPS record."),
        "{reason}"
    );
    let plain = report("degraded-quic");
    assert!(!endpoint(&plain, "https:*.powerapps.com").reason.contains("HTTP/3"));
}

#[test]
fn names_of_http_2_are_those_of_a_host() {
    for case in ["http2-prior-knowledge", "http2-denied", "http2-upgrade"] {
        let scenario = scenario(case);
        let wanted = scenario.expected[0].name;
        let rows = names_of(&fixture(&scenario));
        let found =
            rows.iter().find(|row| row.source.as_str() == "http_host" && row.name == wanted);
        assert!(found.is_some(), "{case}: {rows:?}");
    }
}

#[test]
fn a_tunnel_is_asked_for_over_http_2_as_well() {
    use egress_audit_fixtures::wire::http2;
    let scene = Scene::new();
    let client = Host::client("10.77.0.2");
    let mut tcp = scene.tcp(client, Host::server("10.77.0.8"), 8080);
    let connect = [(":method", "CONNECT"), (":authority", "emea.flow.microsoft.com:443")];
    let opening = [http2::PREFACE, &http2::settings(), &http2::headers(1, &connect)].concat();
    tcp.established().client_data(&opening);
    tcp.server_data(&[http2::settings(), http2::response(1, "403", &[], b"no")].concat()).fin();
    scene.background(client, 18);
    let (reason, details) = told(&audit_packets(&scene.build()), FLOW.0, FLOW.1);
    assert!(reason.starts_with("The proxy denies the request"), "{reason}");
    assert_eq!(details, ["HTTP status 403"]);
}

#[test]
fn a_request_that_looks_like_its_own_redirect_is_no_block_page() {
    let scene = Scene::new();
    let client = Host::client("10.77.0.2");
    let mut tcp = scene.tcp(client, Host::server("203.0.113.50"), 80);
    tcp.established().client_data(&http::request("GET", "/", "crl3.digicert.com"));
    let location = [("Location", "http://crl3.digicert.com/blocked?host=crl3.digicert.com")];
    tcp.server_data(&http::response(302, &location, b"")).fin();
    let report = audit_packets(&scene.build());
    assert_eq!(endpoint(&report, "http:crl3.digicert.com").verdict.as_str(), "reached");
}
