//! What certificates tell: who answered, the names of flows, and what cannot be told.

use egress_audit::observe::NameSource;
use egress_audit::report::{EndpointReport, Report};
use egress_audit::{Options, explain};
use egress_audit_fixtures::inspection_authority;
use egress_audit_fixtures::scene::{Host, Scene};
use egress_audit_fixtures::wire::{dtls, tls};

use super::support::{
    Silent, audit, audit_packets, audit_requiring, endpoint, fixture, required, scenario,
};

const FLOW: &str = "https:*.flow.microsoft.com";
const RELAY: &str = "relay.servicebus.windows.net";
const ISSUER: &str =
    "certificate issued by \"Contoso Inspection CA\" does not lead to a public root";

fn report(name: &str) -> Report {
    audit(&[fixture(&scenario(name))])
}

fn details(endpoint: &EndpointReport) -> Vec<&str> {
    let names = endpoint.names.iter();
    names.flat_map(|name| &name.evidence).map(|evidence| evidence.detail.as_str()).collect()
}

#[test]
fn a_private_issuer_is_named_in_reason_and_evidence() {
    for (case, id) in [
        ("intercepted", FLOW),
        ("intercepted-in-tunnel", FLOW),
        ("intercepted-and-refused", "https:*.logic.azure.com"),
    ] {
        let report = report(case);
        let endpoint = endpoint(&report, id);
        assert!(
            endpoint.intercepted && endpoint.names.iter().any(|name| name.intercepted),
            "{case}"
        );
        assert!(endpoint.reason.ends_with(&format!("TLS inspection shows: the {ISSUER}.")));
        assert!(details(endpoint).iter().any(|detail| detail.ends_with(ISSUER)), "{case}");
        let others = report.endpoints.iter().filter(|other| other.id != id);
        assert_eq!(others.filter(|other| other.intercepted).count(), 0, "{case}");
    }
}

#[test]
fn a_root_of_the_user_takes_the_flag_away() {
    let mut requirement = required();
    requirement.trust.add_pem(inspection_authority().pem().as_bytes()).unwrap();
    let input = fixture(&scenario("intercepted")).into_os_string().into_string().unwrap();
    let report = audit_requiring(&[input], &requirement, &Options::default());
    let endpoint = endpoint(&report, FLOW);
    assert!(!endpoint.intercepted && !endpoint.names[0].intercepted);
    assert!(!endpoint.reason.contains("inspection"));
    assert!(details(endpoint).iter().all(|detail| !detail.contains("certificate")));
}

#[test]
fn a_flow_without_sni_is_named_by_a_certificate_for_one_host_only() {
    for (case, source) in [
        ("named-by-certificate", NameSource::Certificate),
        ("certificate-for-several", NameSource::DnsSameClient),
    ] {
        let report = report(case);
        let endpoint = endpoint(&report, "https:management.azure.com");
        let evidence = endpoint.names.iter().flat_map(|name| &name.evidence);
        let answered = evidence.filter(|evidence| evidence.outcome.as_str() == "answered");
        assert!(answered.map(|evidence| evidence.named_by).eq([source]), "{case}");
        // Nothing is accused that may be public, and nothing is said to be public that may not be.
        assert!(!endpoint.intercepted, "{case}");
        let note = "can neither be traced to a root nor be told to be private";
        assert!(report.coverage.notes.iter().any(|sentence| sentence.contains(note)), "{case}");
    }
}

#[test]
fn encrypted_certificates_are_said_to_tell_nothing() {
    let notes = report("tls13").coverage.notes;
    let told =
        notes.iter().filter(|note| note.starts_with("1 connections encrypt their certificates"));
    assert_eq!(told.count(), 1, "{notes:?}");
    assert!(report("intercepted").coverage.notes.iter().all(|note| !note.contains("encrypt")));
}

#[test]
fn dtls_shows_its_name_and_outcome_and_reaches_no_endpoint() {
    for (case, outcome, cause) in [
        ("dtls-reached", "answered", None),
        ("dtls-no-answer", "blocked", Some("no_answer_after_hello")),
        ("dtls-alert", "blocked", Some("tls_alert")),
    ] {
        let input = fixture(&scenario(case)).into_os_string().into_string().unwrap();
        let report = audit(&[&input]);
        let [miss] = &report.near_misses[..] else { panic!("{case}: {:?}", report.near_misses) };
        assert_eq!((miss.name.as_str(), miss.protocol.as_str()), (RELAY, "dtls"), "{case}");
        let story = explain(&[input], RELAY, &required(), &Options::default(), &Silent).unwrap();
        let events = story.events.iter().filter(|event| event.channel == "dtls");
        let [event] = events.collect::<Vec<_>>()[..] else { panic!("{case}: {:?}", story.events) };
        let told = event.outcome.unwrap();
        assert_eq!(event.named_by, NameSource::Sni, "{case}");
        assert_eq!((told.as_str(), told.cause()), (outcome, cause), "{case}: {}", event.detail);
        let tells_sender = event.detail.contains("later, hop limit 52, ");
        assert_eq!(tells_sender, case == "dtls-alert", "{case}: {}", event.detail);
    }
}

#[test]
fn a_dtls_hello_on_the_ports_of_an_answered_connection_is_another_attempt() {
    let scene = Scene::new();
    let client = (Host::client("10.77.0.2"), 51_500);
    let server = (Host::server("203.0.113.30"), 443);
    let hello =
        dtls::client_hello(&tls::ClientHello { tls13: false, ..tls::ClientHello::new(RELAY) }, &[]);
    for _ in 0..2 {
        scene.datagram(client, server, &hello.record(0)).wait(24);
        scene.datagram(server, client, &dtls::server_hello(7).record(0)).wait(1);
        scene.datagram(client, server, &dtls::finished(1, 8)).wait(24);
        scene.datagram(server, client, &dtls::finished(1, 9)).wait(1_000);
    }
    let report = audit_packets(&scene.build());
    let [miss] = &report.near_misses[..] else { panic!("{:?}", report.near_misses) };
    assert_eq!((miss.name.as_str(), miss.count), (RELAY, 2));
}
