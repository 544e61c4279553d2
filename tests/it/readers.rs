//! What single readers must not lose: encapsulations, protocols that turn to TLS, captures that begin in a
//! handshake, connections without any name, and clocks that step.

use egress_audit::observe::NameSource;
use egress_audit::report::{Report, Verdict};
use egress_audit_fixtures::capture::{Format, TimedPacket};
use egress_audit_fixtures::scene::{Host, Scene, Side};
use egress_audit_fixtures::wire::tls::{self, ClientHello};
use egress_audit_fixtures::wire::x509::{Authority, Leaf};

use super::support::{
    audit, audit_packets, audit_texts, endpoint, fixture, names_of, scenario, times,
};

const NAME: &str = "emea.flow.microsoft.com";
const ENDPOINT: &str = "https:*.flow.microsoft.com";
const ADDRESS: &str = "203.0.113.30";

/// A name that is answered and one that is refused, in Ethernet frames.
fn visits() -> Vec<TimedPacket> {
    let scene = Scene::new();
    let (client, server) = (Host::client("10.77.0.2"), Host::server(ADDRESS));
    scene.tcp(client, server, 443).established().client_hello(NAME).served();
    scene.tcp(client, server, 443).established().client_hello("login.live.com").reset_by_server();
    scene.background(client, 18);
    scene.build()
}

fn verdicts(report: &Report) -> (Verdict, Verdict) {
    (endpoint(report, ENDPOINT).verdict, endpoint(report, "https:login.live.com").verdict)
}

mod encapsulations {
    use super::*;

    /// A tag between the addresses of a frame and its EtherType.
    fn tagged(frame: &[u8], ether_type: u16, tag: &[u8]) -> Vec<u8> {
        [&frame[..12], &ether_type.to_be_bytes(), tag, &frame[12..]].concat()
    }

    /// A whole frame behind addresses and a header of a fabric.
    fn carried(frame: &[u8], ether_type: u16, header: &[u8]) -> Vec<u8> {
        [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], &ether_type.to_be_bytes()[..], header, frame]
            .concat()
    }

    fn each(wrap: impl Fn(&[u8]) -> Vec<u8>) -> Report {
        let mut packets = visits();
        for packet in &mut packets {
            packet.bytes = wrap(&packet.bytes);
            packet.original_length = packet.bytes.len() as u32;
        }
        audit_packets(&packets)
    }

    /// The same in datagrams to a port.
    fn in_udp(port: u16, wrap: impl Fn(&[u8]) -> Vec<u8>) -> Report {
        let scene = Scene::new();
        let (probe, collector) = (Host::client("192.0.2.1"), Host::client("192.0.2.2"));
        for packet in visits() {
            scene.set_clock(packet.time_ns);
            scene.datagram((probe, 49_152), (collector, port), &wrap(&packet.bytes));
        }
        audit_packets(&scene.build())
    }

    #[test]
    fn that_tag_a_frame() {
        let expected = (Verdict::Reached, Verdict::Blocked);
        let secured = [&[0x20, 0][..], &[0, 0, 0, 1], &[9; 8]].concat();
        let signed = |frame: &[u8]| [tagged(frame, 0x88e5, &secured), vec![0xaa; 16]].concat();
        assert_eq!(verdicts(&each(signed)), expected, "MACsec without encryption");
        for (what, ether_type, tag) in [
            ("Cisco MetaData", 0x8909, &[1, 1, 0, 1, 0, 5][..]),
            ("Cisco MetaData without options", 0x8909, &[1, 0]),
            ("HSR", 0x892f, &[0x00, 0x34, 0, 7]),
            ("EDSA", 0xdada, &[0, 0, 0x40, 0, 0, 1]),
        ] {
            let report = each(|frame| tagged(frame, ether_type, tag));
            assert_eq!(verdicts(&report), expected, "{what}");
        }
    }

    #[test]
    fn that_carry_a_frame_through_a_fabric() {
        let expected = (Verdict::Reached, Verdict::Blocked);
        for (what, ether_type, header) in [
            ("FabricPath", 0x8903, &[0x00, 0x60][..]),
            ("TRILL", 0x22f3, &[0x00, 0x05, 0, 1, 0, 2]),
            ("TRILL with options", 0x22f3, &[0x00, 0x45, 0, 1, 0, 2, 0, 0, 0, 0]),
        ] {
            let report = each(|frame| carried(frame, ether_type, header));
            assert_eq!(verdicts(&report), expected, "{what}");
        }
    }

    #[test]
    fn that_encrypt_stay_closed() {
        let secured = [&[0x2c, 0][..], &[0, 0, 0, 1], &[9; 8]].concat();
        let report = each(|frame| tagged(frame, 0x88e5, &secured));
        assert_eq!(verdicts(&report), (Verdict::NeverSeen, Verdict::NeverSeen));
    }

    #[test]
    fn in_datagrams() {
        let expected = (Verdict::Reached, Verdict::Blocked);
        let front = |header: &'static [u8], from: usize| {
            move |frame: &[u8]| [header, &frame[from..]].concat()
        };
        for (what, report) in [
            ("TZSP", in_udp(37_008, front(&[1, 0, 0, 1, 10, 1, 0xc4, 0, 1], 0))),
            ("LISP", in_udp(4341, front(&[0x80, 0, 0, 1, 0, 0, 0, 1], 14))),
            ("GUE", in_udp(6080, front(&[0, 4, 0, 0], 14))),
            ("GUE of version 1", in_udp(6080, front(&[], 14))),
            ("FOU", in_udp(5555, front(&[], 14))),
            ("VXLAN on 65330", in_udp(65_330, front(&[8, 0, 0, 0, 0, 0, 1, 0], 0))),
        ] {
            assert_eq!(verdicts(&report), expected, "{what}");
        }
    }

    #[test]
    fn are_followed_only_where_a_packet_fits() {
        for port in [37_008, 4341, 6080, 5555, 65_330] {
            let report = in_udp(port, |frame| [&[0x7f, 0x7f][..], frame].concat());
            assert_eq!(verdicts(&report), (Verdict::NeverSeen, Verdict::NeverSeen), "{port}");
        }
    }
}

/// The names of some packets by their source.
fn names_in(packets: &[TimedPacket]) -> Vec<(NameSource, String)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.pcap");
    std::fs::write(&path, Format::PCAP.write(packets)).unwrap();
    names_of(&path).into_iter().map(|row| (row.source, row.name)).collect()
}

#[test]
fn pop3_turns_to_tls_after_a_bare_auth() {
    for asks in [&["AUTH\r\n", "CAPA\r\n"][..], &["CAPA\r\n"], &["AUTH\r\n"]] {
        let scene = Scene::new();
        let mut tcp = scene.tcp(Host::client("10.77.0.2"), Host::server(ADDRESS), 110);
        tcp.established().server_data(b"+OK POP3 ready\r\n");
        for ask in asks {
            tcp.client_data(ask.as_bytes()).server_data(b"+OK\r\nPLAIN\r\nSTLS\r\n.\r\n");
        }
        tcp.client_data(b"STLS\r\n")
            .server_data(b"+OK Begin TLS\r\n")
            .client_hello("mail.contoso.example");
        tcp.served();
        let names = names_in(&scene.build());
        assert!(
            names.contains(&(NameSource::Sni, "mail.contoso.example".to_owned())),
            "{asks:?}: {names:?}"
        );
    }
}

#[test]
fn a_handshake_that_is_first_seen_at_its_certificate_is_named_by_it() {
    let leaf = Leaf { policies: true, access: true, timestamps: true, ..Leaf::new(&[NAME]) };
    let leaf = Authority::root("Example TLS CA 3", "Example Trust Services", 4).issue(&leaf);
    let hello = ClientHello { name: None, tls13: false, ..ClientHello::new("") }.record();
    let scene = Scene::new();
    let client = Host::client("10.77.0.2");
    let mut tcp = scene.tcp(client, Host::server(ADDRESS), 443);
    tcp.established().client_data(&hello).server_ack();
    tcp.server_data(&tls::record(tls::HANDSHAKE, &tls::server_hello_12(7)));
    // SYN, SYN with ACK, ACK; the hello and its ACK; the ServerHello and its ACK.
    let before = 7;
    let mut rest = tls::certificate(&[&leaf]);
    rest.extend(tls::handshake(14, &[]));
    tcp.server_data(&tls::records(&rest, 4096)).finished_12();
    tcp.application_data(Side::Client, 300).application_data(Side::Server, 900).fin();
    scene.background(client, 18);
    let packets = scene.build().split_off(before);
    let names = names_in(&packets);
    assert!(names.contains(&(NameSource::Certificate, NAME.to_owned())), "{names:?}");
    assert_ne!(endpoint(&audit_packets(&packets), ENDPOINT).verdict, Verdict::NeverSeen);
}

#[test]
fn connections_that_fail_without_a_name_are_counted_with_their_server() {
    let scene = Scene::new();
    let client = Host::client("10.77.0.2");
    for _ in 0..3 {
        scene.tcp(client, Host::server("10.77.0.80"), 3128).syn_dropped(4);
    }
    scene.background(client, 18);
    let report = audit_packets(&scene.build());
    assert_eq!(report.coverage.unnamed_failures.count, 3);
    assert_eq!(report.coverage.unnamed_failures.servers[0].server, "10.77.0.80:3128");
    assert!(
        report.coverage.notes.iter().any(|note| note.contains("10.77.0.80:3128")),
        "{:?}",
        report.coverage.notes
    );
    let named = audit_packets(&visits());
    assert_eq!(named.coverage.unnamed_failures.count, 0);
}

#[test]
fn a_step_of_the_clock_is_an_anomaly() {
    let kinds = |case: &str| -> Vec<&'static str> {
        let report = audit(&[fixture(&scenario(case))]);
        report.inputs[0].anomalies.iter().map(|anomaly| anomaly.kind).collect()
    };
    assert!(kinds("clock-steps-after-hello").contains(&"time_jump"));
    assert!(kinds("clock-set-back-before-answer").contains(&"time_backwards"));
    assert_eq!(kinds("tcp-no-answer"), Vec::<&str>::new());
}

#[test]
fn quic_that_a_device_denies_says_nothing_of_tcp() {
    let log = |rows: &[&str]| {
        let text = format!(
            "Time,Client IP,SNI,Destination IP,Destination Port,Protocol,Action\n{}\n",
            rows.join("\n")
        );
        let report = audit_texts(&[("export.csv", &text)], times(2026, "UTC"));
        endpoint(&report, ENDPOINT).verdict
    };
    let quic = format!("2026-01-15T09:00:00Z,10.77.0.2,{NAME},{ADDRESS},443,udp,deny");
    let tcp = format!("2026-01-15T09:00:01Z,10.77.0.2,{NAME},{ADDRESS},443,tcp,deny");
    let passed = format!("2026-01-15T09:00:01Z,10.77.0.2,{NAME},{ADDRESS},443,tcp,allow");
    assert_eq!(log(&[&quic]), Verdict::Inconclusive);
    assert_eq!(log(&[&quic, &tcp]), Verdict::Blocked);
    assert_ne!(log(&[&quic, &passed]), Verdict::Blocked);
}
