//! Names in places that are easily overlooked, each in packets made for it.

use egress_audit::catalog::{Catalog, Profile};
use egress_audit::trust::TrustStore;
use egress_audit::{Options, Progress, Requirement, audit, names};
use egress_audit_fixtures::capture::{Format, TimedPacket};
use egress_audit_fixtures::scene::{Host, Scene};
use egress_audit_fixtures::transform;
use egress_audit_fixtures::wire::{dns, http, icmp, ip, tls, udp};

struct Silent;

impl Progress for Silent {
    fn total(&self, _: u64) {}

    fn advance(&self, _: u64) {}
}

fn client() -> Host {
    Host::client("192.168.10.20")
}

fn server() -> Host {
    Host::server("203.0.113.5")
}

fn requirement() -> Requirement {
    Requirement {
        catalog: Catalog::resolve(Catalog::DEFAULT).unwrap(),
        profile: Profile::everything(),
        service_tags: None,
        trust: TrustStore::public(),
    }
}

/// Runs `work` on a file with these packets.
fn with_file<T>(packets: &[TimedPacket], work: impl Fn(&[String]) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.pcapng");
    std::fs::write(&path, Format::PCAPNG.write(packets)).unwrap();
    work(&[path.to_str().unwrap().to_owned()])
}

/// Every name in the packets, after the word of its source.
fn names_in(scene: Scene) -> Vec<String> {
    names_of(&scene.build())
}

fn names_of(packets: &[TimedPacket]) -> Vec<String> {
    let report = with_file(packets, |inputs| {
        names(inputs, &requirement(), &Options::default(), &Silent).unwrap()
    });
    report.rows.iter().map(|row| format!("{} {}", row.source.as_str(), row.name)).collect()
}

#[test]
fn a_host_field_is_a_name_without_its_port() {
    let scene = Scene::new();
    let head = b"GET http://a.example:81/ HTTP/1.1\r\nHost: b.example:82\r\n\r\n";
    scene.tcp(client(), server(), 8080).established().client_data(head).fin();
    let head = b"CONNECT c.example:443 HTTP/1.1\r\nHost: d.example:443\r\n\r\n";
    scene.tcp(client(), server(), 8080).established().client_data(head).fin();
    let head = b"GET / HTTP/1.1\r\nHost: 192.0.2.1:8080\r\n\r\n";
    scene.tcp(client(), server(), 8080).established().client_data(head).fin();
    let expected =
        ["http_host a.example", "http_host b.example", "http_host d.example", "connect c.example"];
    assert_eq!(names_in(scene), expected);
}

#[test]
fn a_load_balancer_may_speak_before_the_client() {
    let hello = tls::ClientHello::new("a.example").record();
    let line = b"PROXY TCP4 192.0.2.1 192.0.2.2 50000 443\r\n";
    let binary = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\xc3\x50\x01\xbb";
    for header in [&line[..], &binary[..]] {
        let whole = [header, &hello].concat();
        for cut in [1, 3, 14, header.len(), header.len() + 1, header.len() + 40] {
            let (first, second) = whole.split_at(cut);
            let scene = Scene::new();
            let mut tcp = scene.tcp(client(), server(), 443);
            tcp.established().client_data(first).client_data(second).server_ack();
            assert_eq!(names_in(scene), ["sni a.example"], "{cut}");
        }
        let scene = Scene::new();
        let request = [header, &http::request("GET", "/", "b.example")].concat();
        scene.tcp(client(), server(), 80).established().client_data(&request).fin();
        assert_eq!(names_in(scene), ["http_host b.example"]);
    }
}

#[test]
fn dns_is_read_on_any_port() {
    const TYPE_A: u16 = 1;
    let scene = Scene::new();
    let question = dns::Message::query(7, "a.example", TYPE_A);
    scene.datagram((client(), 50_000), (server(), 5333), &question.bytes());
    scene.datagram((server(), 5333), (client(), 50_000), &question.reply(3).bytes());
    let question = dns::Message::query(8, "b.example", TYPE_A);
    scene.tcp(client(), server(), 5353).established().client_data(&question.tcp_bytes()).fin();
    assert_eq!(names_in(scene), ["dns_query a.example", "dns_query b.example"]);
}

#[test]
fn an_icmp_error_about_a_question_on_another_port_belongs_to_the_question() {
    const TYPE_A: u16 = 1;
    const HOST: &str = "make.powerautomate.com";
    let scene = Scene::new();
    let question = dns::Message::query(7, HOST, TYPE_A).bytes();
    let (from, to) = (client(), server());
    let datagram = udp::datagram((from.address, 50_000), (to.address, 5333), &question);
    let quoted = scene.packet(from, to, ip::UDP, &datagram);
    scene.icmp_error(server(), from, icmp::Error::PORT_UNREACHABLE, &quoted);
    let report = with_file(&scene.build(), |inputs| {
        audit(inputs, &requirement(), &Options::default(), &Silent).unwrap()
    });
    let text = serde_json::to_string(&report).unwrap();
    assert!(text.contains(HOST) && text.contains("icmp_unreachable"), "{text}");
}

#[test]
fn a_zone_that_changed_is_a_name_that_was_seen() {
    const NOTIFY: u8 = 0x20;
    const TYPE_SOA: u16 = 6;
    let mut bytes = dns::Message::query(7, "a.example", TYPE_SOA).bytes();
    bytes[2] |= NOTIFY;
    let scene = Scene::new();
    scene.datagram((client(), 50_000), (server(), 53), &bytes);
    assert_eq!(names_in(scene), ["dns_query a.example"]);
}

#[test]
fn no_flow_counts_twice() {
    let scene = Scene::new();
    // A hello without a name that is answered by no TLS, and UDP on the port of QUIC.
    let hello = tls::ClientHello { name: None, ..tls::ClientHello::new("a.example") };
    let mut tcp = scene.tcp(client(), server(), 443);
    tcp.established().client_data(&hello.record()).server_data(b"what?").fin();
    scene.datagram((client(), 50_000), (server(), 443), &[0; 100]);
    let report = with_file(&scene.build(), |inputs| {
        audit(inputs, &requirement(), &Options::default(), &Silent).unwrap()
    });
    assert_eq!(report.discrepancies(), Vec::<String>::new());
    assert_eq!((report.coverage.flows.total, report.coverage.flows.one_way), (1, 0));
}

#[test]
fn an_answer_that_was_captured_before_its_question_is_read_after_it() {
    let scene = Scene::new();
    let mut tcp = scene.tcp(client(), server(), 8080);
    tcp.established().client_data(&http::connect("a.example:443", None));
    tcp.server_data(&http::response(200, &[], b"")).client_hello("a.example").served();
    let packets = scene.build();
    let is_hello = |packet: &TimedPacket| packet.bytes.windows(3).any(|bytes| bytes == [22, 3, 1]);
    let hello = packets.iter().position(is_hello).unwrap();
    let expected = ["sni a.example", "http_host a.example", "connect a.example"];
    assert_eq!(names_of(&packets), expected);
    // Before the proxy's words, and before the request as well.
    for earlier in 1..=3 {
        let swapped = (hello - earlier..hello)
            .rev()
            .fold(packets.clone(), |packets, at| transform::swap(&packets, at));
        assert_eq!(names_of(&swapped), expected, "{earlier}");
    }
}

#[test]
fn the_rest_of_a_hello_may_be_the_first_that_a_capture_shows_of_a_connection() {
    let hello = tls::ClientHello::new("a.example").record();
    let scene = Scene::new();
    let mut tcp = scene.tcp(client(), server(), 443);
    tcp.already_established();
    for piece in [&hello[..40], &hello[40..90], &hello[90..]] {
        tcp.client_data(piece);
    }
    tcp.served();
    let packets = scene.build();
    for order in [[1, 0, 2], [1, 2, 0], [2, 1, 0], [2, 0, 1]] {
        let mut shuffled = packets.clone();
        for (to, from) in order.into_iter().enumerate() {
            shuffled[to] = packets[from].clone();
        }
        assert_eq!(names_of(&shuffled), ["sni a.example"], "{order:?}");
    }
}

#[test]
fn zeros_that_begin_a_stream_are_data_when_others_follow_them() {
    const TYPE_A: u16 = 1;
    let question = dns::Message::query(7, "a.example", TYPE_A).tcp_bytes();
    let scene = Scene::new();
    let mut tcp = scene.tcp(client(), server(), 53);
    tcp.established().client_data(&question[..1]).client_data(&question[1..]);
    let packets = scene.build();
    assert_eq!(names_of(&packets), ["dns_query a.example"]);
    let swapped = transform::swap(&packets, packets.len() - 2);
    assert_eq!(names_of(&swapped), ["dns_query a.example"]);
}

#[test]
fn a_version_of_quic_that_hides_the_name_is_covered() {
    let packets = super::support::scenario("quic-unknown-version");
    let report = super::support::audit_packets(&(packets.build)());
    let hidden = &report.coverage.flows.without_visible_name;
    let counted: Vec<_> = hidden.iter().map(|row| (row.reason.as_str(), row.count)).collect();
    assert_eq!(counted, [("quic_version", 1)]);
}
