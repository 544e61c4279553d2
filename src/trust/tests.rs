//! Chains of made-up authorities, and what they tell.

use egress_audit_fixtures::wire::tls;
use egress_audit_fixtures::wire::x509::{Authority, Leaf, pem, self_signed};

use super::*;

const NAMES: &[&str] = &["emea.flow.microsoft.com"];

/// 2026-01-15T09:00:00Z.
fn now() -> Timestamp {
    Timestamp::from_nanos(1_768_467_600_000_000_000)
}

/// What the public roots make of a chain.
fn judge(chain: &[&[u8]]) -> Standing {
    judge_with(&TrustStore::public(), chain)
}

fn judge_with(store: &TrustStore, chain: &[&[u8]]) -> Standing {
    store.judge(&tls::certificate(chain)[4..], now())
}

fn trusting(text: &str) -> TrustStore {
    let mut store = TrustStore::public();
    store.add_pem(text.as_bytes()).unwrap();
    store
}

fn inspection() -> Authority {
    Authority::root("Contoso Inspection CA", "Contoso", 1)
}

fn private() -> Standing {
    Standing::Private { issuer: "Contoso Inspection CA".to_owned() }
}

#[test]
fn a_certificate_of_an_inspecting_device_is_private_with_and_without_its_root() {
    let root = inspection();
    let leaf = root.issue(&Leaf::new(NAMES));
    assert_eq!(judge(&[&leaf, root.der()]), private());
    assert_eq!(judge(&[&leaf]), private());
    let sentence = "certificate issued by \"Contoso Inspection CA\" does not lead to a public root";
    assert_eq!(private().sentence().as_deref(), Some(sentence));
}

#[test]
fn a_root_of_the_user_is_trusted_through_intermediates_and_after_the_end() {
    let root = inspection();
    let middle = root.intermediate("Contoso Inspection CA 2", "Contoso", 2);
    let leaf = middle.issue(&Leaf::new(NAMES));
    let store = trusting(&root.pem());
    assert_eq!(judge_with(&store, &[&leaf, middle.der()]), Standing::Trusted);
    assert_eq!(judge_with(&store, &[&leaf, middle.der(), root.der()]), Standing::Trusted);
    let expired = root.issue(&Leaf { years: (2019, 2020), ..Leaf::new(NAMES) });
    assert_eq!(judge_with(&store, &[&expired]), Standing::Trusted);
    // Without the intermediate nothing is proved, and nothing is accused but the private issuer.
    assert!(judge_with(&store, &[&leaf]).is_private());
    // The name of a trusted root under a certificate that it did not sign.
    let forged = Authority::root("Contoso Inspection CA", "Contoso", 9).issue(&Leaf::new(NAMES));
    assert_eq!(judge_with(&store, &[&forged]), Standing::Unknown);
}

#[test]
fn a_certificate_that_is_trusted_by_itself_need_not_lead_anywhere() {
    let own = self_signed(&Leaf::new(NAMES));
    assert!(judge(&[&own]).is_private());
    assert_eq!(judge_with(&trusting(&pem(&own)), &[&own]), Standing::Trusted);
}

#[test]
fn what_a_public_authority_may_have_issued_is_not_accused() {
    let root = inspection();
    let base = Leaf::new(NAMES);
    let logged = root.issue(&Leaf { timestamps: true, ..base.clone() });
    assert_eq!(judge(&[&logged, root.der()]), Standing::Unknown);
    let old = root.issue(&Leaf { years: (2011, 2013), ..base.clone() });
    assert_eq!(judge(&[&old, root.der()]), Standing::Unknown);
    let by_the_rules = Leaf { years: (2015, 2017), policies: true, access: true, ..base.clone() };
    assert_eq!(judge(&[&root.issue(&by_the_rules), root.der()]), Standing::Unknown);
    let late = Leaf { years: (2025, 2027), ..by_the_rules.clone() };
    assert_eq!(judge(&[&root.issue(&late), root.der()]), private());
    // An intermediate that the server forgot.
    for leaf in [Leaf { policies: true, ..base.clone() }, Leaf { access: true, ..base }] {
        assert_eq!(judge(&[&root.issue(&leaf)]), Standing::Unknown);
        assert_eq!(judge(&[&root.issue(&leaf), root.der()]), private());
    }
}

#[test]
fn organisations_with_a_public_root_now_or_once_are_not_accused() {
    let leaf = Leaf::new(NAMES);
    for organization in ["DigiCert, Inc.", "VeriSign, Inc.", "Cloudflare, Inc.", "StartCom Ltd."] {
        let root = Authority::root("Some CA", organization, 3);
        assert_eq!(judge(&[&root.issue(&leaf)]), Standing::Unknown, "{organization}");
        let below = root.intermediate("Another CA", "Contoso", 4);
        let chain = [&below.issue(&leaf)[..], below.der()];
        assert_eq!(judge(&chain), Standing::Unknown, "{organization}");
    }
    let anchors = webpki_roots::TLS_SERVER_ROOTS;
    let authorities = Authorities::of(anchors);
    assert!(anchors.len() > 100);
    assert!(anchors.iter().all(|a| authorities.clone().add(a).len() > a.subject.len()));
}

#[test]
fn what_is_no_certificate_tells_nothing() {
    let leaf = inspection().issue(&Leaf::new(NAMES));
    assert_eq!(judge(&[]), Standing::Unknown);
    assert_eq!(judge(&[b"no certificate"]), Standing::Unknown);
    assert_eq!(judge(&[&leaf, b"no certificate"]), Standing::Unknown);
    assert_eq!(TrustStore::public().judge(&[], now()), Standing::Unknown);
}

#[test]
fn issuers_that_go_round_in_a_circle_come_to_an_end() {
    let (a, b) = (Authority::root("A", "Contoso", 5), Authority::root("B", "Contoso", 6));
    let (ab, ba) = (a.intermediate("B", "Contoso", 6), b.intermediate("A", "Contoso", 5));
    let leaf = a.issue(&Leaf::new(NAMES));
    assert!(judge(&[&leaf, ba.der(), ab.der()]).is_private());
}

#[test]
fn long_issuers_are_cut_for_the_reader() {
    let name = "x".repeat(500);
    let root = Authority::root(&name, "Contoso", 7);
    let Standing::Private { issuer } = judge(&[&root.issue(&Leaf::new(NAMES))]) else { panic!() };
    assert_eq!(issuer.chars().count(), MAX_ISSUER + 1);
}

#[test]
fn files_of_roots_say_what_is_wrong_with_them() {
    let error = |text: &str| TrustStore::public().add_pem(text.as_bytes()).unwrap_err();
    let good = inspection().pem();
    assert_eq!(error(""), RootError::NoCertificate);
    assert_eq!(
        error("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        RootError::NoCertificate
    );
    let cut = good.replace("-----END CERTIFICATE-----\n", "");
    assert!(matches!(error(&cut), RootError::BrokenPem { number: 1, .. }), "{}", error(&cut));
    let broken = format!("{good}{}", good.replace("MII", "M!I"));
    assert!(matches!(error(&broken), RootError::BrokenPem { number: 2, .. }), "{}", error(&broken));
    let other = format!("{good}{}", pem(b"no certificate"));
    let found = error(&other);
    assert!(matches!(found, RootError::NotCertificate { number: 2, .. }), "{found}");
    let mut store = TrustStore::public();
    store.add_pem(format!("a comment\n{good}{good}").as_bytes()).unwrap();
}
