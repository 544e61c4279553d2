//! Failures that are no blocks: each rule takes one of them out of the verdict.
//!
//! The rules that need only the packets of one flow are applied where the flow is judged; here
//! are those that look at what else the same client did.

use std::collections::{BTreeMap, BTreeSet};

use super::Tried;
use super::path::{Family, Path};
use crate::evidence::{Evidence, Tally};
use crate::observe::{Address, Cause, Channel, Doubt, Duration, NameId, Outcome};

/// What follows a failure within this time is the client's next try of the same thing.
const NEXT_TRY: Duration = Duration::from_seconds(10);

/// Applies every rule. An attempt that is forgiven becomes inconclusive, with the reason.
pub(super) fn forgive(evidence: &Evidence, tried: &mut [Tried<'_>]) {
    let asked: BTreeSet<(Address, NameId)> =
        evidence.resolutions().iter().map(|(key, _)| (key.client, key.name)).collect();
    let mut groups: BTreeMap<(NameId, Address), Vec<usize>> = BTreeMap::new();
    for (index, attempts) in tried.iter().enumerate() {
        groups.entry((attempts.name, attempts.key.client)).or_default().push(index);
    }
    for ((name, client), group) in &groups {
        let verdicts: Vec<(usize, Doubt)> = group
            .iter()
            .filter_map(|&index| {
                let failed = tried.get(index)?;
                let Outcome::Blocked(cause) = failed.outcome else { return None };
                let others = || group.iter().filter_map(|&other| tried.get(other));
                let doubt = if is_one_way(evidence, failed, cause) {
                    Doubt::OneWay
                } else if is_search_suffix(evidence, &asked, *name, *client, failed, cause) {
                    Doubt::SearchSuffix
                } else if is_recovered(failed, cause, others()) {
                    Doubt::Recovered
                } else {
                    return None;
                };
                Some((index, doubt))
            })
            .collect();
        for (index, doubt) in verdicts {
            if let Some(attempts) = tried.get_mut(index) {
                attempts.outcome = Outcome::Inconclusive(doubt);
            }
        }
    }
}

/// Silence means nothing where no packet to the client was captured at all.
fn is_one_way(evidence: &Evidence, failed: &Tried<'_>, cause: Cause) -> bool {
    let is_silence = matches!(
        cause,
        Cause::TcpNoAnswer | Cause::NoAnswerAfterHello | Cause::DnsNoAnswer | Cause::QuicNoAnswer
    );
    is_silence && !evidence.was_heard(failed.key.unit, failed.key.client)
}

/// The name is another one with a search suffix appended (RFC 1123 section 6.1.4.3): the client
/// asked for that other name too, and got an answer.
fn is_search_suffix(
    evidence: &Evidence,
    asked: &BTreeSet<(Address, NameId)>,
    name: NameId,
    client: Address,
    failed: &Tried<'_>,
    cause: Cause,
) -> bool {
    let is_no_such_name =
        cause == Cause::DnsNxdomain && matches!(failed.key.channel, Channel::Dns(_));
    let text = evidence.names().text(name);
    is_no_such_name
        && text
            .match_indices('.')
            // A name of one label is not asked for without a suffix.
            .skip(1)
            .filter_map(|(at, _)| text.get(..at))
            .filter_map(|prefix| evidence.names().find(prefix))
            .any(|prefix| asked.contains(&(client, prefix)))
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
                matches!(
                    other.outcome,
                    Outcome::Answered | Outcome::Inconclusive(Doubt::PrivateLink)
                ) && matches!(Path::of(other), Path::Dns | Path::Proxy)
                    && follows(failed.tally, other.tally)
            }),
        // A private address that the service itself answers from is no sinkhole.
        Cause::DnsSinkhole => others.any(|other| {
            other.outcome == Outcome::Answered
                && other.key.server.address.is_private()
                && follows(failed.tally, other.tally)
        }),
        // The client went on to another address, or tried the same one again, at once.
        Cause::TcpNoAnswer | Cause::TcpRefused | Cause::IcmpUnreachable => others.any(|other| {
            other.outcome == Outcome::Answered
                && is_same_way(Path::of(failed), Path::of(other))
                && follows(failed.tally, other.tally)
        }),
        // A challenge is half of a proxy's authentication; any later result but another
        // challenge shows that it was met, and a capture that ends before the last result
        // leaves it open.
        Cause::ProxyAuthRequired => others.any(|other| {
            let is_met = match other.outcome {
                Outcome::Answered => !matches!(other.key.channel, Channel::Dns(_)),
                Outcome::Blocked(Cause::ProxyDenied | Cause::ProxyFailed)
                | Outcome::Inconclusive(Doubt::AuthenticationPending | Doubt::CaptureEnded) => true,
                _ => false,
            };
            is_met && other.tally.last >= failed.tally.first
        }),
        _ => false,
    }
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

/// Whether some of the successes came beside or soon after the failures.
fn follows(failure: &Tally, success: &Tally) -> bool {
    success.first <= failure.last + NEXT_TRY && success.last + NEXT_TRY >= failure.first
}
