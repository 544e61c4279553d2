//! Verdicts: a pure function of evidence and catalog, computed after the last merge.
//!
//! First, attempts without a name are given one by what the clients had resolved, or at last the
//! label of the service tag that holds the server's address. Then attempts
//! that failed without anything being blocked are forgiven. What is left decides.

mod clocks;
mod clues;
mod contradictions;
mod decide;
mod forgive;
mod join;
mod path;

pub(crate) use self::join::GRACE;
pub use clocks::{ClockOffset, Clocks};
pub use contradictions::{Contradiction, contradictions};

use crate::catalog::{Catalog, EndpointIndex, Matcher, Matches, Protocol, Selection};
use crate::evidence::{AttemptKey, Settled, Tally};
use crate::observe::{Channel, NameId, NameSource, Outcome, Timestamp};
use crate::report::{NearMissReason, Verdict};
use crate::service_tags::InboundTags;
use crate::trust::{Standing, TrustStore};

/// Attempts of one kind, named and judged for themselves.
#[derive(Clone, Debug)]
pub struct Tried<'e> {
    /// The name.
    pub name: NameId,
    /// What gave it.
    pub source: NameSource,
    /// What they were counted under. Its outcome is the one that was observed.
    pub key: AttemptKey,
    /// How they ended, as far as it counts for the verdict.
    pub outcome: Outcome,
    /// How many, when and where.
    pub tally: &'e Tally,
}

impl Tried<'_> {
    /// Whether these are attempts from the addresses of a service tag. Attempts at such addresses
    /// show no name of their own.
    #[must_use]
    pub fn is_inbound(&self) -> bool {
        matches!(self.key.name, Some((_, NameSource::ServiceTag)))
    }
}

/// What is required, and judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// An endpoint of the catalog.
    Endpoint(EndpointIndex),
    /// A service tag to be let in, by its index in [`InboundTags::required`].
    Inbound(usize),
}

/// One endpoint with its verdict and what it rests on.
#[derive(Debug)]
pub struct Judged {
    /// The endpoint.
    pub endpoint: Subject,
    /// The verdict.
    pub verdict: Verdict,
    /// What tells answered and blocked attempts apart.
    pub mixed_by: Option<Mixed>,
    /// Whether somebody else than the service answered with a certificate of its own.
    pub intercepted: bool,
    /// One sentence for a person.
    pub reason: String,
    /// The names that matched, sorted.
    pub names: Vec<JudgedName>,
}

/// One name of an endpoint.
#[derive(Debug)]
pub struct JudgedName {
    /// The name.
    pub name: NameId,
    /// The verdict on this name alone.
    pub verdict: Verdict,
    /// Whether somebody else than the service answered for this name.
    pub intercepted: bool,
    /// Indices of the attempts that it rests on.
    pub tried: Vec<usize>,
}

/// What tells answered and blocked attempts apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mixed {
    /// All of one kind came before all of the other, which began at this instant.
    Time(Timestamp),
    /// Some clients are answered and others blocked.
    Client,
    /// Some names are answered and others blocked, or nothing tells them apart.
    Name,
}

/// Attempts at a required name, or nearly one, that do not count.
#[derive(Debug)]
pub struct Missed {
    /// The endpoint that they nearly satisfy.
    pub endpoint: Subject,
    /// Why they do not.
    pub why: NearMissReason,
    /// Index of the attempts.
    pub tried: usize,
}

/// Everything that the evidence says of a catalog.
#[derive(Debug)]
pub struct Verdicts<'e> {
    /// All named attempts, sorted by name, client, time and server.
    pub tried: Vec<Tried<'e>>,
    /// Every required endpoint, in the order of the catalog, then the service tags.
    pub endpoints: Vec<Judged>,
    /// What does not count, by endpoint.
    pub missed: Vec<Missed>,
    /// What each certificate chain of the evidence tells, by its number.
    pub standings: Standings,
    /// How far the clocks of inputs are apart.
    pub clocks: Clocks,
}

impl Verdicts<'_> {
    /// What the certificates of these attempts tell, if they showed any.
    #[must_use]
    pub fn standing(&self, tried: &Tried<'_>) -> Option<&Standing> {
        self.standings.of(tried)
    }

    /// How many chains lead to no root and may still be public.
    #[must_use]
    pub fn unknown_chains(&self) -> usize {
        self.standings.0.iter().flatten().filter(|standing| **standing == Standing::Unknown).count()
    }
}

/// What each certificate chain tells, by its number; none for those that no named attempt showed.
#[derive(Debug, Default)]
pub struct Standings(Vec<Option<Standing>>);

impl Standings {
    /// Judges each chain once, as of the first time that it was shown.
    fn of_all(evidence: &Settled, tried: &[Tried<'_>], trust: &TrustStore) -> Self {
        let chains = || evidence.chains().iter();
        let mut shown: Vec<Option<Timestamp>> = chains().map(|_| None).collect();
        for attempts in tried {
            let place = attempts.key.chain.and_then(|chain| shown.get_mut(chain.0 as usize));
            if let Some(first) = place {
                let start = attempts.tally.first;
                *first = Some(first.map_or(start, |first: Timestamp| first.min(start)));
            }
        }
        let judged = chains().zip(shown).map(|((_, chain), at)| Some(trust.judge(chain, at?)));
        Self(judged.collect())
    }

    fn of(&self, tried: &Tried<'_>) -> Option<&Standing> {
        self.0.get(tried.key.chain?.0 as usize)?.as_ref()
    }
}

/// Judges every endpoint of the selection, and the service tags that must be let in.
#[must_use]
pub fn judge<'e>(
    evidence: &'e Settled,
    catalog: &Catalog,
    selection: &Selection,
    matcher: &Matcher,
    inbound: Option<&InboundTags>,
    trust: &TrustStore,
) -> Verdicts<'e> {
    let clocks = Clocks::of(evidence);
    let mut tried = join::name_all(evidence, &clocks, inbound);
    let standings = Standings::of_all(evidence, &tried, trust);
    forgive::forgive(evidence, &mut tried);
    let mut candidates: Vec<Vec<usize>> = vec![Vec::new(); catalog.endpoints().len()];
    let mut let_in: Vec<Vec<usize>> =
        vec![Vec::new(); inbound.map_or(0, |tags| tags.required().len())];
    let mut missed = Vec::new();
    let mut matches = Matches::default();
    let mut matched = None;
    for (index, attempts) in tried.iter().enumerate() {
        if attempts.source == NameSource::ServiceTag {
            let label = evidence.names().text(attempts.name);
            for tag in inbound.into_iter().flat_map(|tags| tags.required_by(label)) {
                match let_in.get_mut(tag) {
                    Some(list) if attempts.is_inbound() => list.push(index),
                    _ => missed.push(Missed {
                        endpoint: Subject::Inbound(tag),
                        why: NearMissReason::OtherDirection,
                        tried: index,
                    }),
                }
            }
            continue;
        }
        if matched != Some(attempts.name) {
            matcher.matches(evidence.names().text(attempts.name), &mut matches);
            matched = Some(attempts.name);
        }
        for endpoint in matches.endpoints() {
            let Some(protocol) = catalog.endpoint(*endpoint).map(|endpoint| endpoint.protocol)
            else {
                continue;
            };
            match fits(protocol, attempts.key.channel, attempts.key.target_port) {
                Ok(()) => {
                    if let Some(list) = candidates.get_mut(endpoint.0 as usize) {
                        list.push(index);
                    }
                }
                Err(why) => {
                    let endpoint = Subject::Endpoint(*endpoint);
                    missed.push(Missed { endpoint, why, tried: index });
                }
            }
        }
        let apex = matches.near_misses().iter();
        missed.extend(apex.map(|endpoint| Missed {
            endpoint: Subject::Endpoint(*endpoint),
            why: NearMissReason::Apex,
            tried: index,
        }));
    }
    let judged = |subject, indices: &[usize]| {
        decide::endpoint(evidence, &standings, subject, &tried, indices)
    };
    let named = selection.endpoints().iter().map(|endpoint| {
        let indices = candidates.get(endpoint.0 as usize).map_or(&[][..], Vec::as_slice);
        judged(Subject::Endpoint(*endpoint), indices)
    });
    let tags =
        let_in.iter().enumerate().map(|(tag, indices)| judged(Subject::Inbound(tag), indices));
    let endpoints = named.chain(tags).collect();
    Verdicts { tried, endpoints, missed, standings, clocks }
}

/// Whether attempts at a matching name count for an endpoint of this protocol.
///
/// AMQP counts for `https` endpoints as a path of its own: Service Bus clients use it where
/// they may and fall back to 443.
pub(crate) fn fits(protocol: Protocol, channel: Channel, port: u16) -> Result<(), NearMissReason> {
    match (protocol, channel) {
        (_, Channel::Dns(_)) => Ok(()),
        (Protocol::Https, Channel::Http) | (Protocol::Http, Channel::Connect | Channel::Tls) => {
            Err(NearMissReason::OtherProtocol)
        }
        (_, Channel::Dtls) | (Protocol::Http, Channel::Quic | Channel::Udp) => {
            Err(NearMissReason::OtherProtocol)
        }
        (Protocol::Https, _) if port == 443 || path::is_amqp(port) => Ok(()),
        (Protocol::Http, _) if port == 80 => Ok(()),
        _ => Err(NearMissReason::OtherPort),
    }
}
