//! What the figures behind attempts tell beyond their outcome, as the rest of a sentence.

use std::collections::BTreeSet;

use super::Tried;
use super::path::Path;
use crate::evidence::Settled;
use crate::observe::{
    Address, Cause, Channel, Doubt, Fact, Hello, Offer, Outcome, Sender, count_hops,
};

/// Who blocked, or what about the packets was in the way, where the samples of this cause agree.
pub(super) fn of_block(blocked: &[&Tried<'_>], cause: Cause) -> String {
    let facts: Vec<Fact> = blocked
        .iter()
        .filter(|attempts| attempts.outcome == Outcome::Blocked(cause))
        .flat_map(|attempts| attempts.tally.samples.iter().map(|sample| sample.fact))
        .collect();
    let all = |is: fn(&Fact) -> bool| !facts.is_empty() && facts.iter().all(is);
    if all(|fact| matches!(fact, Fact::LargeLost { .. })) {
        ", because large packets are lost on the way".to_owned()
    } else if all(|fact| fact.sender() == Some(Sender::Responder)) {
        ", by the server itself or a proxy in its place".to_owned()
    } else if all(|fact| matches!(fact.sender(), Some(Sender::Middlebox { .. }))) {
        let distances: BTreeSet<Option<u8>> = facts
            .iter()
            .filter_map(|fact| match fact.sender()? {
                Sender::Middlebox { hops } => Some(hops),
                _ => None,
            })
            .collect();
        match (distances.first(), distances.len()) {
            (Some(Some(hops)), 1) => {
                format!(", probably by a middlebox {} from the client", count_hops(*hops))
            }
            _ => ", probably by a middlebox".to_owned(),
        }
    } else {
        String::new()
    }
}

/// That a program does not trust the certificate which others accept.
pub(super) fn of_refusals(inconclusive: &[(&Tried<'_>, Doubt)]) -> Option<String> {
    let refused = inconclusive.iter().filter(|(_, doubt)| *doubt == Doubt::CertificateRefused);
    let count: u64 = refused.clone().map(|(attempts, _)| attempts.tally.count).sum();
    let clients: BTreeSet<Address> = refused.map(|(attempts, _)| attempts.key.client).collect();
    let whose = match clients.len() {
        0 => return None,
        1 => "a program of one client".to_owned(),
        more => format!("programs of {more} clients"),
    };
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    Some(format!(
        "But {whose} refused the certificate {times}: it is not trusted there, as where TLS inspection shows one \
         of its own."
    ))
}

/// That nothing but a reset followed the handshakes, however many were answered.
pub(super) fn of_cut_requests(
    answered: &[&Tried<'_>],
    inconclusive: &[(&Tried<'_>, Doubt)],
) -> Option<String> {
    let cut = inconclusive.iter().filter(|(_, doubt)| *doubt == Doubt::CutAfterHandshake);
    let cut: u64 = cut.map(|(attempts, _)| attempts.tally.count).sum();
    let handshakes: u64 = answered
        .iter()
        .filter(|attempts| attempts.key.channel == Channel::Tls)
        .map(|attempts| attempts.tally.count)
        .sum();
    (cut > 0 && cut >= handshakes).then(|| {
        "But every connection was reset as soon as the client sent its request: no request was answered."
            .to_owned()
    })
}

/// Who decided by what rule, where all attempts that were blocked for this cause agree.
pub(super) fn of_decider<'e>(
    evidence: &'e Settled,
    blocked: &[&Tried<'_>],
    cause: Cause,
) -> Option<&'e str> {
    let mut deciders = blocked
        .iter()
        .filter(|attempts| attempts.outcome == Outcome::Blocked(cause))
        .map(|attempts| attempts.key.decider);
    let first = deciders.next()??;
    deciders.all(|decider| decider == Some(first)).then(|| evidence.text(first))
}

/// Whether the size of the TLS hello makes the difference: a client's hellos that need more than
/// one packet fail, and its smaller ones to the same name are answered.
pub(super) fn of_hello_size(answered: &[&Tried<'_>], blocked: &[&Tried<'_>]) -> Option<String> {
    let mut failed = Sizes::default();
    let mut passed = Sizes::default();
    for attempts in blocked {
        let group = answered
            .iter()
            .filter(|other| other.name == attempts.name && other.key.client == attempts.key.client);
        let is_about_hello = matches!(
            attempts.outcome,
            Outcome::Blocked(
                Cause::NoAnswerAfterHello | Cause::ResetAfterHello | Cause::ClosedAfterHello
            )
        );
        if !is_about_hello {
            return None;
        }
        failed.add(attempts)?;
        for other in group {
            passed.add(other)?;
        }
    }
    let (least, most) = (failed.sizes.first()?, passed.sizes.last()?);
    let is_split = failed.split == failed.count && passed.split == 0;
    (is_split && least > most).then(|| {
        format!(
            "TLS hellos that need more than one packet fail ({least} bytes) and smaller ones are \
             answered ({most} bytes)."
        )
    })
}

/// What says that HTTP/3 is served by a name to which QUIC never works.
pub(super) fn of_http3(evidence: &Settled, bypassed: &[&Tried<'_>]) -> Option<String> {
    let offers: BTreeSet<Offer> = bypassed
        .iter()
        .filter(|attempts| matches!(Path::of(attempts), Path::Quic(_)))
        .flat_map(|attempts| evidence.offers(attempts.name))
        .collect();
    let words: Vec<&str> = offers
        .into_iter()
        .map(|offer| match offer {
            Offer::AltSvc => "an Alt-Svc header",
            Offer::HttpsRecord => "an HTTPS record",
        })
        .collect();
    (!words.is_empty()).then(|| format!("HTTP/3 is offered by {}.", words.join(" and ")))
}

/// The sizes of the hellos of attempts.
#[derive(Default)]
struct Sizes {
    sizes: BTreeSet<u16>,
    count: usize,
    split: usize,
}

impl Sizes {
    /// Adds the samples of attempts; `None` when one is without a hello.
    fn add(&mut self, attempts: &Tried<'_>) -> Option<()> {
        for sample in &attempts.tally.samples {
            let Hello { length, split } = sample.fact.hello()?;
            self.sizes.insert(length);
            self.count += 1;
            self.split += usize::from(split);
        }
        Some(())
    }
}
