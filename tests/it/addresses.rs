//! Which host and which name an address stands for, from captures that the scenarios' formats and
//! addresses do not cover.

use egress_audit::report::{Report, Verdict};
use egress_audit_fixtures::capture::pcapng::{Interface, Writer};
use egress_audit_fixtures::capture::{ByteOrder, TimedPacket};
use egress_audit_fixtures::scene::{Host, Scene};
use egress_audit_fixtures::transform::{Encapsulation, encapsulate};
use egress_audit_fixtures::wire::link::LinkType;

use super::support::{audit, audit_packets, audit_texts, endpoint, times};

const NAME: &str = "emea.flow.microsoft.com";
const ENDPOINT: &str = "https:*.flow.microsoft.com";

/// Verdict and the word of its worst outcome.
fn judged(report: &Report) -> (Verdict, Vec<&'static str>) {
    let row = endpoint(report, ENDPOINT);
    let outcomes = row.names.iter().flat_map(|name| &name.outcomes);
    let words = outcomes.filter_map(|row| row.outcome.cause()).collect();
    (row.verdict, words)
}

/// A client is told this address and gets a whole page from there.
fn served_from(address: &str) -> Vec<TimedPacket> {
    let scene = Scene::new();
    let client = Host::client("10.77.0.2");
    scene.dns(client, Host::server("10.77.0.53"), NAME).answers(&[address], 60);
    let mut tcp = scene.tcp(client, Host::server(address), 443);
    tcp.established().client_hello(NAME).served();
    scene.background(client, 18);
    scene.build()
}

#[test]
fn what_a_block_server_says_is_no_answer_of_the_service() {
    for address in ["146.112.61.107", "198.135.184.22", "162.159.46.12", "94.140.14.33"] {
        let (verdict, words) = judged(&audit_packets(&served_from(address)));
        assert_eq!(verdict, Verdict::Blocked, "{address}");
        assert!(words.contains(&"dns_sinkhole"), "{address}: {words:?}");
    }
    for address in ["146.112.61.111", "198.135.184.23", "162.159.46.13", "203.0.113.50"] {
        let (verdict, _) = judged(&audit_packets(&served_from(address)));
        assert_eq!(verdict, Verdict::Reached, "{address}");
    }
}

#[test]
fn a_log_of_answers_tells_a_block_server_too() {
    let log = |address: &str| {
        let text = format!(
            "Jan 15 09:00:00 gw dnsmasq[812]: query[A] {NAME} from 10.77.0.2\n\
             Jan 15 09:00:00 gw dnsmasq[812]: forwarded {NAME} to 9.9.9.9\n\
             Jan 15 09:00:00 gw dnsmasq[812]: reply {NAME} is {address}\n"
        );
        endpoint(&audit_texts(&[("dns.log", &text)], times(2026, "UTC")), ENDPOINT).verdict
    };
    assert_eq!(log("146.112.61.106"), Verdict::Blocked);
    assert_eq!(log("146.112.61.111"), Verdict::Inconclusive);
    assert_eq!(log("10.200.4.9"), Verdict::Inconclusive);
}

/// Two hosts, by their hardware addresses, ask; the first is refused.
fn asked_by_two() -> Vec<TimedPacket> {
    let scene = Scene::new();
    let (first, second) = (Host::client("10.88.0.7"), Host::client("10.77.0.2"));
    scene.dns(first, Host::server("10.88.0.53"), NAME).refused();
    scene.dns(second, Host::server("10.77.0.53"), NAME).answers(&["203.0.113.50"], 60);
    let mut tcp = scene.tcp(second, Host::server("203.0.113.50"), 443);
    tcp.established().client_hello(NAME).served();
    scene.background(second, 18);
    scene.build()
}

#[test]
fn what_the_capturing_host_sent_by_two_interfaces_is_of_one_host() {
    assert_eq!(judged(&audit_packets(&asked_by_two())).0, Verdict::Mixed);
    for cooked in [Encapsulation::Sll, Encapsulation::Sll2] {
        // Here every frame of a client says that the capturing host sent it.
        let packets = encapsulate(&asked_by_two(), cooked);
        assert_eq!(judged(&audit_packets(&packets)).0, Verdict::Reached, "{cooked:?}");
        // Beside that, the first question was heard on its way in: it is passed on for another host.
        let mut passed_on = packets;
        let mut heard = passed_on[0].clone();
        heard.bytes[if cooked == Encapsulation::Sll { 1 } else { 10 }] = 0;
        passed_on.insert(0, heard);
        assert_eq!(judged(&audit_packets(&passed_on)).0, Verdict::Mixed, "{cooked:?}");
    }
}

/// A silent address in a file that states names for it: before or behind the packets.
fn named_by_file(order: ByteOrder, names: &[&str], is_first: bool) -> Report {
    let scene = Scene::new();
    let client = Host::client("10.77.0.2");
    scene.tcp(client, Host::server("203.0.113.50"), 443).syn_dropped(4);
    scene.background(client, 18);
    let u16 = |value: u16| match order {
        ByteOrder::Little => value.to_le_bytes(),
        ByteOrder::Big => value.to_be_bytes(),
    };
    let mut value = vec![203, 0, 113, 50];
    names.iter().for_each(|name| value.extend([name.as_bytes(), b"\0"].concat()));
    let mut body = [u16(1), u16(value.len() as u16)].concat();
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
    body.extend([0; 4]);
    let mut writer = Writer::new(order, &[]);
    let ethernet = writer.interface(Interface::new(LinkType::ETHERNET), &[]);
    if is_first {
        writer.block(4, &body);
    }
    for packet in scene.build() {
        writer.packet(ethernet, &packet, &[]);
    }
    if !is_first {
        writer.block(4, &body);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("named.pcapng");
    std::fs::write(&path, writer.finish()).unwrap();
    audit(&[path])
}

#[test]
fn the_names_that_a_file_states_name_what_nothing_else_names() {
    for (order, is_first) in [(ByteOrder::Little, true), (ByteOrder::Big, false)] {
        let (verdict, words) = judged(&named_by_file(order, &[NAME], is_first));
        assert_eq!((verdict, words), (Verdict::Blocked, vec!["tcp_no_answer"]), "{order:?}");
    }
    let two = named_by_file(ByteOrder::Little, &[NAME, "www.example.com"], true);
    assert_eq!(judged(&two).0, Verdict::Inconclusive);
    let other = named_by_file(ByteOrder::Little, &["www.example.com"], true);
    assert_eq!(judged(&other).0, Verdict::NeverSeen);
}
