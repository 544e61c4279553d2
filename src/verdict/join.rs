//! Names for attempts that show none: what their clients had resolved before.
//!
//! A SYN that is dropped never shows a server name, but the client asked for the address. When
//! it had asked for several names on the same address, nothing tells which one it meant, and
//! none is accused. Where no answer tells a name at all, a service tag may tell what service lives
//! at the address; that is no host name, and only what is required by the tag is concerned.

use super::Tried;
use super::clocks::{Clocks, SLACK};
use crate::evidence::{AttemptKey, ResolutionKey, Settled, Span, Tally};
use crate::observe::{Address, Cause, Channel, Doubt, Duration, NameId, NameSource, Outcome};
use crate::service_tags::InboundTags;

/// How long after its time to live an answer may still be in use: programs keep addresses
/// longer than they should.
pub(crate) const GRACE: Duration = Duration::from_seconds(300);

/// Every attempt with a name, its own or that of a resolution, sorted by name, client, time and
/// server.
pub(super) fn name_all<'e>(
    evidence: &'e Settled,
    clocks: &Clocks,
    inbound: Option<&InboundTags>,
) -> Vec<Tried<'e>> {
    let mut tried = Vec::new();
    let mut candidates = Vec::new();
    for (key, tally) in evidence.attempts() {
        let key = *key;
        if let Some((name, source)) = key.name {
            tried.push(Tried { name, source, key, outcome: witnessed(&key), tally });
            continue;
        }
        let source = candidates_for(&key, tally, (evidence, clocks), &mut candidates);
        if candidates.is_empty() {
            let labels = inbound.into_iter().flat_map(|tags| tags.labels(key.server.address));
            for name in labels.filter_map(|label| evidence.names().find(label)) {
                let source = NameSource::ServiceTag;
                tried.push(Tried { name, source, key, outcome: key.outcome, tally });
            }
            continue;
        }
        let is_shared = candidates.len() > 1;
        for &name in candidates.iter().filter(|name| evidence.names().concerns(**name)) {
            let outcome = if is_shared {
                Outcome::Inconclusive(Doubt::AddressShared)
            } else {
                witnessed(&key)
            };
            tried.push(Tried { name, source, key, outcome, tally });
        }
    }
    tried.sort_unstable_by(|a, b| {
        (a.name, a.key.client, &a.key, a.source).cmp(&(b.name, b.key.client, &b.key, b.source))
    });
    tried
}

/// The outcome, unless a filter's own server answered in the service's place.
fn witnessed(key: &AttemptKey) -> Outcome {
    let is_connection = !matches!(key.channel, Channel::Dns(_));
    match key.outcome {
        Outcome::Answered | Outcome::Allowed
            if is_connection && key.server.address.is_block_server() =>
        {
            Outcome::Blocked(Cause::DnsSinkhole)
        }
        outcome => outcome,
    }
}

/// Fills `candidates` with the names that the attempts can have meant, each once.
fn candidates_for(
    key: &AttemptKey,
    tally: &Tally,
    (evidence, clocks): (&Settled, &Clocks),
    candidates: &mut Vec<NameId>,
) -> NameSource {
    let address = key.server.address;
    // By a clock that was set back an answer may be later than what followed it.
    let slack = evidence.set_back(key.unit);
    // One host may ask from one of its addresses and connect from another.
    let siblings = evidence.siblings(key.unit, key.client);
    let is_own = |client: Address| client == key.client || siblings.contains(&client);
    let told = |address, candidates: &mut Vec<NameId>, is_own: &dyn Fn(Address) -> bool| {
        told(
            (key.unit, tally),
            (clocks, slack),
            (address, evidence.resolutions()),
            is_own,
            candidates,
        )
    };
    let source = told(address, candidates, &is_own);
    if !candidates.is_empty() {
        return source;
    }
    // Through a translator the client goes to an address that holds the one that it, or the translator's
    // other side, was told. Unless the prefix says that it is one, only that tells.
    let is_near = |client: Address| is_own(client) || client.is_of_network_of(key.client);
    for within in address.translated() {
        let source = told(within, candidates, &is_near);
        if (source == NameSource::DnsSameClient || address.is_of_translator())
            && !candidates.is_empty()
        {
            return source;
        }
    }
    candidates.clear();
    candidates.extend(evidence.file_names(address));
    NameSource::FileName
}

/// The same for an address that clients were told.
fn told(
    (unit, tally): (u32, &Tally),
    (clocks, slack): (&Clocks, Duration),
    (address, resolutions): (Address, &[(ResolutionKey, Span)]),
    is_own: &dyn Fn(Address) -> bool,
    candidates: &mut Vec<NameId>,
) -> NameSource {
    let start = resolutions.partition_point(|(kept, _)| kept.address < address);
    let here = resolutions.get(start..).unwrap_or_default();
    let end = here.partition_point(|(kept, _)| kept.address == address);
    let here = here.get(..end).unwrap_or_default();
    let in_time = |told_by: u32, span: &Span, slack: Duration| {
        // Within one input there is one clock.
        let slack = if told_by == unit { slack } else { slack.max(SLACK) };
        let after = |time, other| clocks.translate(unit, told_by, time).after(other);
        let (slack, grace) = (slack.nanos(), GRACE.nanos());
        let is_begun = after(tally.last, span.from).is_some_and(|d| d.nanos() >= -slack);
        let is_over = after(tally.first, span.until).is_none_or(|d| d.nanos() > grace + slack);
        is_begun && !is_over
    };
    for source in [NameSource::DnsSameClient, NameSource::DnsAnyClient] {
        candidates.clear();
        candidates.extend(
            here.iter()
                .filter(|(kept, span)| {
                    let is_own = is_own(kept.client);
                    let slack = if is_own { slack } else { Duration::default() };
                    in_time(kept.unit, span, slack)
                        && (source == NameSource::DnsAnyClient || is_own)
                })
                .map(|(kept, _)| kept.name),
        );
        candidates.sort_unstable();
        candidates.dedup();
        if !candidates.is_empty() {
            return source;
        }
    }
    NameSource::DnsAnyClient
}
