//! Failures that are no blocks: each rule takes one of them out of the verdict.
//!
//! The rules that need only the packets of one flow are applied where the flow is judged; here
//! are those that look at what else the same client did.

use super::Tried;
use super::path::{Family, Path};
use crate::evidence::{Detail, Settled, Tally, is_no_such_name, prefixes};
use crate::observe::{Cause, Channel, Doubt, Duration, Fact, NameId, Outcome};

/// What follows a failure within this time is the client's next try of the same thing.
const NEXT_TRY: Duration = Duration::from_seconds(10);

/// The same after a resolver's silence: programs wait for five seconds, ask up to three resolvers, and
/// begin anew.
const NEXT_RESOLVER: Duration = Duration::from_seconds(30);

/// What begins within this time goes on side by side, as connections that a client opens at once.
const RACE: Duration = Duration::from_seconds(1);

/// Applies every rule. An attempt that is forgiven becomes inconclusive, with the reason.
pub(super) fn forgive(evidence: &Settled, tried: &mut [Tried<'_>]) {
    let mut doubts: Vec<(usize, Doubt)> = Vec::new();
    let mut start = 0;
    for of_name in tried.chunk_by(|a, b| a.name == b.name) {
        let mut at = start;
        // Sorted by name, then by client: what one client did about one name stands together.
        for group in of_name.chunk_by(|a, b| a.key.client == b.key.client) {
            let found = (at..).zip(group).filter_map(|(index, failed)| {
                Some((index, doubt(evidence, failed, group, of_name)?))
            });
            doubts.extend(found);
            at += group.len();
        }
        start += of_name.len();
    }
    for (index, doubt) in doubts {
        if let Some(attempts) = tried.get_mut(index) {
            attempts.outcome = Outcome::Inconclusive(doubt);
        }
    }
}

/// Why a failure is no block, if it is none; `group` is what its client did about the name, `of_name`
/// what all did.
fn doubt(
    evidence: &Settled,
    failed: &Tried<'_>,
    group: &[Tried<'_>],
    of_name: &[Tried<'_>],
) -> Option<Doubt> {
    let Outcome::Blocked(cause) = failed.outcome else { return None };
    if is_one_way(evidence, failed, cause) {
        Some(Doubt::OneWay)
    } else if is_search_suffix(evidence, failed) {
        Some(Doubt::SearchSuffix)
    } else if is_recovered(failed, cause, group.iter()) {
        // Where clients are not told apart, it may have been another one that succeeded.
        let is_apart = evidence.detail() < Detail::Names;
        Some(if is_apart { Doubt::Recovered } else { Doubt::NotKeptApart })
    } else if is_recovered_by_sibling(evidence, failed, cause, of_name) {
        Some(Doubt::Recovered)
    } else if is_of_no_connection(failed, cause, group) {
        Some(Doubt::NoConnection)
    } else if is_quic_alone(failed, cause, of_name) {
        Some(Doubt::QuicOnly)
    } else {
        None
    }
}

/// A device logs that it denied segments with data, and not that it let their connection begin shortly
/// before: it may have forgotten the connection long ago.
fn is_of_no_connection(failed: &Tried<'_>, cause: Cause, group: &[Tried<'_>]) -> bool {
    let is_data = failed.tally.samples.iter().all(|sample| sample.fact == Fact::Data);
    let begun = |other: &Tried<'_>| {
        matches!(other.outcome, Outcome::Allowed | Outcome::Answered)
            && other.key.unit == failed.key.unit
            && other.key.server == failed.key.server
            && is_near(failed.tally, other.tally, NEXT_TRY)
    };
    matches!(cause, Cause::DeviceDenied | Cause::DeviceReset)
        && is_data
        && !failed.tally.samples.is_empty()
        && !group.iter().any(begun)
}

/// A device logs that it denied QUIC, and nothing shows TCP to the same name: clients fall back to it (RFC
/// 9114 section 3.1.2), and a log of denials does not show what passes.
fn is_quic_alone(failed: &Tried<'_>, cause: Cause, of_name: &[Tried<'_>]) -> bool {
    let is_quic = |tried: &Tried<'_>| matches!(tried.key.channel, Channel::Quic | Channel::Udp);
    let is_connection = |tried: &&Tried<'_>| !matches!(tried.key.channel, Channel::Dns(_));
    matches!(cause, Cause::DeviceDenied | Cause::DeviceReset)
        && is_quic(failed)
        && of_name.iter().filter(is_connection).all(is_quic)
}

/// The host asked another resolver from another of its addresses, and was answered.
fn is_recovered_by_sibling(
    evidence: &Settled,
    failed: &Tried<'_>,
    cause: Cause,
    of_name: &[Tried<'_>],
) -> bool {
    let siblings = evidence.siblings(failed.key.unit, failed.key.client);
    let is_question = matches!(
        cause,
        Cause::DnsNxdomain | Cause::DnsRefused | Cause::DnsServfail | Cause::DnsNoAnswer
    );
    is_question
        && !siblings.is_empty()
        && of_name.iter().any(|other| {
            is_resolved(other.outcome)
                && other.key.unit == failed.key.unit
                && siblings.contains(&other.key.client)
                && is_near(failed.tally, other.tally, next_try(cause))
        })
}

/// Silence means nothing where no packet to the client was captured at all. That connection
/// requests had no answer is no mere silence: the client sent them again.
fn is_one_way(evidence: &Settled, failed: &Tried<'_>, cause: Cause) -> bool {
    let is_silence =
        matches!(cause, Cause::NoAnswerAfterHello | Cause::DnsNoAnswer | Cause::QuicNoAnswer);
    is_silence && !evidence.was_heard(failed.key.unit, failed.key.client)
}

/// The name is another one with a search suffix appended (RFC 1123 section 6.1.4.3): the client
/// asked for that other name too, and got an answer.
fn is_search_suffix(evidence: &Settled, failed: &Tried<'_>) -> bool {
    let was_resolved = |name: NameId| {
        evidence
            .resolutions()
            .iter()
            .any(|(key, _)| key.client == failed.key.client && key.name == name)
    };
    is_no_such_name(&failed.key)
        && prefixes(evidence.names().text(failed.name))
            .filter_map(|prefix| evidence.names().find(prefix))
            .any(was_resolved)
}

/// The client got what it wanted by another question, another address, or its credentials.
fn is_recovered<'a>(
    failed: &Tried<'_>,
    cause: Cause,
    mut others: impl Iterator<Item = &'a Tried<'a>>,
) -> bool {
    match cause {
        // One question type fails while another of the same name is answered; a second
        // resolver answers; or a proxy resolves the name, so that it does not matter.
        Cause::DnsNxdomain | Cause::DnsRefused | Cause::DnsServfail | Cause::DnsNoAnswer => others
            .any(|other| {
                is_resolved(other.outcome)
                    && match Path::of(other) {
                        // Of two resolvers whose clocks have nothing in common either may have been asked first.
                        Path::Dns if !is_comparable(failed.tally, other.tally) => true,
                        Path::Dns if other.key.channel == failed.key.channel => {
                            follows(failed.tally, other.tally, next_try(cause))
                        }
                        Path::Dns | Path::Proxy => {
                            is_near(failed.tally, other.tally, next_try(cause))
                        }
                        _ => false,
                    }
            }),
        // A filter that takes the addresses of one kind out of the answers leaves the name.
        Cause::DnsFiltered => others.any(|other| {
            other.outcome == Outcome::Answered
                && Path::of(other) == Path::Dns
                && other.key.channel != failed.key.channel
                && is_near(failed.tally, other.tally, next_try(cause))
        }),
        // The client went on to another address, or tried the same one again, at once.
        // A proxy that failed once and opens the tunnel at the next request is no different.
        Cause::TcpNoAnswer | Cause::TcpRefused | Cause::IcmpUnreachable | Cause::ProxyFailed => {
            others.any(|other| {
                other.outcome == Outcome::Answered
                    && is_same_way(Path::of(failed), Path::of(other))
                    && follows(failed.tally, other.tally, next_try(cause))
            })
        }
        // A challenge is half of a proxy's authentication; any later result but another
        // challenge shows that it was met, and a capture that ends before the last result
        // leaves it open.
        Cause::ProxyAuthRequired => others.any(|other| {
            let is_met = match other.outcome {
                Outcome::Answered | Outcome::Allowed => {
                    !matches!(other.key.channel, Channel::Dns(_))
                }
                Outcome::Blocked(Cause::ProxyDenied | Cause::ProxyFailed)
                | Outcome::Inconclusive(Doubt::AuthenticationPending | Doubt::CaptureEnded) => true,
                _ => false,
            };
            is_met && other.tally.last >= failed.tally.first
        }),
        _ => false,
    }
}

/// How long after a failure of this cause the client's next try comes.
fn next_try(cause: Cause) -> Duration {
    if cause == Cause::DnsNoAnswer { NEXT_RESOLVER } else { NEXT_TRY }
}

/// Whether a question that ended so gave the client an address.
fn is_resolved(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Answered | Outcome::Inconclusive(Doubt::PrivateLink | Doubt::PrivateAddress)
    )
}

/// Whether two attempts went the same way, apart from the address.
fn is_same_way(failed: Path, other: Path) -> bool {
    matches!(
        (failed, other),
        (Path::Tcp(Family::V4), Path::Tcp(Family::V4))
            | (Path::Tcp(Family::V6), Path::Tcp(Family::V6))
            | (Path::Proxy, Path::Proxy)
    )
}

/// Whether the times of both say which came first: a civil time without a zone or year says nothing beside
/// an instant.
fn is_comparable(failure: &Tally, success: &Tally) -> bool {
    failure.first.frame() == success.first.frame()
}

/// Whether some of the successes came beside or soon after the failures: what succeeded before says
/// nothing of what failed since.
fn follows(failure: &Tally, success: &Tally, next: Duration) -> bool {
    success.first <= failure.last + next && success.last + RACE >= failure.first
}

/// Whether some of the successes came soon before or after the failures.
fn is_near(failure: &Tally, success: &Tally, next: Duration) -> bool {
    success.first <= failure.last + next && success.last + next >= failure.first
}
