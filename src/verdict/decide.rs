//! The verdict on one endpoint, from the attempts that count for it.

use std::collections::{BTreeMap, BTreeSet};

use super::path::Path;
use super::{Judged, JudgedName, Mixed, Standings, Subject, Tried, clues};
use crate::evidence::Settled;
use crate::observe::decider::Decider;
use crate::observe::{Address, Cause, Channel, Doubt, NameId, Outcome, Timestamp};
use crate::report::Verdict;
use crate::trust::Standing;

/// Judges an endpoint by the attempts at these indices, which are sorted by name.
pub(super) fn endpoint(
    evidence: &Settled,
    standings: &Standings,
    endpoint: Subject,
    tried: &[Tried<'_>],
    at: &[usize],
) -> Judged {
    let all: Vec<&Tried<'_>> = at.iter().filter_map(|&index| tried.get(index)).collect();
    let weighed = Weighed::of(&all);
    let verdict = weighed.verdict();
    let mixed_by = (verdict == Verdict::Mixed).then(|| weighed.mixed_by());
    let mut reason = weighed.reason(evidence, verdict, mixed_by);
    // Of several issuers the first by name, so that the sentence stays one.
    let private = |attempts: &&Tried<'_>| standings.of(attempts).filter(|s| s.is_private());
    let interception = all.iter().filter_map(private).min();
    if let Some(sentence) = interception.and_then(Standing::sentence) {
        reason.push_str(&format!(" TLS inspection shows: the {sentence}."));
    }
    let mut names: Vec<JudgedName> = Vec::new();
    for &index in at {
        let Some(attempts) = tried.get(index) else { continue };
        match names.last_mut() {
            Some(last) if last.name == attempts.name => last.tried.push(index),
            _ => names.push(JudgedName {
                name: attempts.name,
                verdict: Verdict::NeverSeen,
                intercepted: false,
                tried: vec![index],
            }),
        }
    }
    for name in &mut names {
        let own: Vec<&Tried<'_>> = name.tried.iter().filter_map(|&at| tried.get(at)).collect();
        name.verdict = Weighed::of(&own).verdict();
        name.intercepted = own.iter().any(|attempts| private(attempts).is_some());
    }
    Judged { endpoint, verdict, mixed_by, intercepted: interception.is_some(), reason, names }
}

/// Attempts sorted by what they mean.
struct Weighed<'a> {
    answered: Vec<&'a Tried<'a>>,
    allowed: Vec<&'a Tried<'a>>,
    /// Blocked, and no other way of the same client to the same name makes up for it.
    blocked: Vec<&'a Tried<'a>>,
    /// Blocked on a way that never works for a client that reaches the name by another.
    bypassed: Vec<&'a Tried<'a>>,
    inconclusive: Vec<(&'a Tried<'a>, Doubt)>,
}

impl<'a> Weighed<'a> {
    fn of(all: &[&'a Tried<'a>]) -> Self {
        let mut weighed = Self {
            answered: Vec::new(),
            allowed: Vec::new(),
            blocked: Vec::new(),
            bypassed: Vec::new(),
            inconclusive: Vec::new(),
        };
        let (mut ways, mut allowed_ways) = (Ways::default(), Ways::default());
        for attempts in all {
            match (attempts.outcome, attempts.key.channel) {
                // That a resolver answers is no answer of the endpoint.
                (Outcome::Answered, Channel::Dns(_)) => {
                    weighed.inconclusive.push((attempts, Doubt::Resolved));
                }
                (Outcome::Answered, _) => {
                    weighed.answered.push(attempts);
                    ways.add(attempts);
                }
                (Outcome::Allowed, _) => {
                    weighed.allowed.push(attempts);
                    allowed_ways.add(attempts);
                }
                (Outcome::Inconclusive(doubt), _) => weighed.inconclusive.push((attempts, doubt)),
                (Outcome::Blocked(_), _) => {}
            }
        }
        // Where nobody saw an answer, a way that is let through makes up for one that is not; but
        // what a proxy denies, a filter that lets packets pass does not make up for.
        let is_answered = !weighed.answered.is_empty();
        if !is_answered {
            ways = allowed_ways;
        }
        for attempts in all.iter().filter(|a| matches!(a.outcome, Outcome::Blocked(_))) {
            if ways.bypass(attempts) && (is_answered || Path::of(attempts) != Path::Proxy) {
                weighed.bypassed.push(attempts);
            } else {
                weighed.blocked.push(attempts);
            }
        }
        weighed
    }

    fn verdict(&self) -> Verdict {
        let is_blocked = !self.blocked.is_empty();
        if !self.answered.is_empty() {
            return match (is_blocked, self.bypassed.is_empty()) {
                (true, _) => Verdict::Mixed,
                (false, false) => Verdict::Degraded,
                (false, true) => Verdict::Reached,
            };
        }
        if is_blocked {
            Verdict::Blocked
        } else if !self.allowed.is_empty() {
            Verdict::Allowed
        } else if !self.inconclusive.is_empty() {
            Verdict::Inconclusive
        } else {
            Verdict::NeverSeen
        }
    }

    fn mixed_by(&self) -> Mixed {
        if is_disjoint(&self.answered, &self.blocked, |attempts| attempts.name) {
            return Mixed::Name;
        }
        if is_disjoint(&self.answered, &self.blocked, |attempts| attempts.key.client) {
            return Mixed::Client;
        }
        let (answered, blocked) = (span(&self.answered), span(&self.blocked));
        if answered.1 < blocked.0 {
            Mixed::Time(blocked.0)
        } else if blocked.1 < answered.0 {
            Mixed::Time(answered.0)
        } else {
            Mixed::Name
        }
    }

    fn reason(&self, evidence: &Settled, verdict: Verdict, mixed_by: Option<Mixed>) -> String {
        let clue = match verdict {
            Verdict::Mixed => clues::of_hello_size(&self.answered, &self.blocked),
            Verdict::Degraded => clues::of_http3(evidence, &self.bypassed),
            _ => None,
        };
        let mut sentence = self.sentence(evidence, verdict, mixed_by, clue.is_some());
        let others = match verdict {
            Verdict::Reached | Verdict::Degraded | Verdict::Mixed => {
                let cut = clues::of_cut_requests(&self.answered, &self.inconclusive);
                [clues::of_refusals(&self.inconclusive), cut]
            }
            _ => [None, None],
        };
        for clue in clue.into_iter().chain(others.into_iter().flatten()) {
            sentence.push(' ');
            sentence.push_str(&clue);
        }
        sentence
    }

    /// The reason without clues; `has_clue` when one follows.
    fn sentence(
        &self,
        evidence: &Settled,
        verdict: Verdict,
        mixed_by: Option<Mixed>,
        has_clue: bool,
    ) -> String {
        match verdict {
            Verdict::Blocked => {
                let why = capital(&self.why_blocked(evidence, &self.blocked));
                format!("{why}{}.", self.also_allowed())
            }
            Verdict::Mixed => {
                let answered = times(count(&self.answered));
                let blocked = times(count(&self.blocked));
                let why = self.why_blocked(evidence, &self.blocked);
                let is_later = span(&self.answered).1 < span(&self.blocked).0;
                match mixed_by {
                    Some(Mixed::Time(_)) if is_later => {
                        format!("Answered {answered}, then blocked {blocked}: {why}.")
                    }
                    Some(Mixed::Time(_)) => {
                        format!("Blocked {blocked}, then answered {answered}: {why}.")
                    }
                    Some(Mixed::Client) => format!(
                        "Answered {answered} and blocked {blocked}, depending on the client: {why}."
                    ),
                    _ if is_disjoint(&self.answered, &self.blocked, |a| a.name) => format!(
                        "Answered {answered} and blocked {blocked}, depending on the name: {why}."
                    ),
                    _ if has_clue => format!(
                        "Answered {answered} and blocked {blocked}, depending on the size: {why}."
                    ),
                    _ if is_disjoint(&self.answered, &self.blocked, |a| a.key.unit) => format!(
                        "Answered {answered} and blocked {blocked}, depending on the input: {why}."
                    ),
                    _ => format!(
                        "Answered {answered} and blocked {blocked}, and nothing tells which: {why}."
                    ),
                }
            }
            Verdict::Degraded => {
                format!("Reached, but never by {}.", self.bypassed_ways(evidence))
            }
            Verdict::Reached => format!("Answered {}.", times(count(&self.answered))),
            Verdict::Allowed => {
                let count = times(count(&self.allowed));
                match self.bypassed.is_empty() {
                    true => format!("Let through {count}; no answer was witnessed."),
                    false => format!(
                        "Let through {count}, but never by {}; no answer was witnessed.",
                        self.bypassed_ways(evidence)
                    ),
                }
            }
            Verdict::Inconclusive => format!("{}.", capital(self.why_doubted().sentence())),
            Verdict::NeverSeen => "No attempt was seen within what the inputs cover.".to_owned(),
        }
    }

    /// The ways that never work while others do, and why.
    fn bypassed_ways(&self, evidence: &Settled) -> String {
        let ways: BTreeSet<Path> =
            self.bypassed.iter().map(|attempts| Path::of(attempts)).collect();
        let ways: Vec<&str> = ways.into_iter().map(Path::words).collect();
        format!("{}: {}", ways.join(" or "), self.why_blocked(evidence, &self.bypassed))
    }

    /// The most frequent cause as a clause, with how often and for how many clients, and how many
    /// attempts failed of other causes.
    fn why_blocked(&self, evidence: &Settled, blocked: &[&Tried<'_>]) -> String {
        let mut causes: BTreeMap<Cause, (u64, BTreeSet<Address>)> = BTreeMap::new();
        for attempts in blocked {
            if let Outcome::Blocked(cause) = attempts.outcome {
                let (count, clients) = causes.entry(cause).or_default();
                *count += attempts.tally.count;
                clients.insert(attempts.key.client);
            }
        }
        // Of equally frequent causes the first of the vocabulary.
        let most =
            causes.iter().max_by_key(|(cause, (count, _))| (*count, std::cmp::Reverse(**cause)));
        let Some((cause, (most, clients))) = most else { return String::new() };
        let attempts = match most {
            1 => "1 attempt".to_owned(),
            number => format!("{number} attempts"),
        };
        let clients = match clients.len() {
            1 => "1 client".to_owned(),
            number => format!("{number} clients"),
        };
        let others = match count(blocked) - most {
            0 => "",
            1 => "; 1 more attempt failed in another way",
            number => &format!("; {number} more attempts failed in other ways"),
        };
        let clue = clues::of_block(blocked, *cause);
        let decider = match clues::of_decider(evidence, blocked, *cause) {
            Some(decider) => format!("{}; ", Decider::parse(decider).sentence()),
            None => String::new(),
        };
        format!("{}{clue} ({decider}{attempts}, {clients}){others}", cause.sentence())
    }

    /// That other attempts were let through, as the rest of a sentence.
    fn also_allowed(&self) -> String {
        match count(&self.allowed) {
            0 => String::new(),
            1 => "; 1 more attempt was let through, and no answer was witnessed".to_owned(),
            number => {
                format!("; {number} more attempts were let through, and no answer was witnessed")
            }
        }
    }

    /// The doubt that says most: anything beyond the mere resolution, the most frequent first.
    fn why_doubted(&self) -> Doubt {
        let mut doubts: BTreeMap<(u8, Doubt), u64> = BTreeMap::new();
        for (attempts, doubt) in &self.inconclusive {
            let weight = match (doubt, attempts.key.channel) {
                // A question alone, as resolvers log it beside its answer.
                (Doubt::Logged, Channel::Dns(_)) => 0,
                (Doubt::Resolved | Doubt::NoData, _) => 1,
                (Doubt::PrivateLink, _) => 2,
                _ => 3,
            };
            *doubts.entry((weight, *doubt)).or_default() += attempts.tally.count;
        }
        doubts
            .into_iter()
            .max_by_key(|((weight, doubt), count)| (*weight, *count, std::cmp::Reverse(*doubt)))
            .map_or(Doubt::Resolved, |((_, doubt), _)| doubt)
    }
}

/// The ways that work.
#[derive(Default)]
struct Ways {
    of_client: BTreeMap<(NameId, Address), BTreeSet<Path>>,
    of_anyone: BTreeSet<(NameId, Path)>,
    /// Names that clients with IPv4 addresses reach, and those that clients with IPv6 addresses do.
    families: BTreeSet<(NameId, bool)>,
}

impl Ways {
    fn add(&mut self, answered: &Tried<'_>) {
        let Tried { name, key, .. } = answered;
        let path = Path::of(answered);
        self.of_client.entry((*name, key.client)).or_default().insert(path);
        self.of_anyone.insert((*name, path));
        self.families.insert((*name, key.client.is_v4()));
    }

    /// Whether the way never works, and another makes up for it.
    ///
    /// A machine has an address of each family, and nothing tells which belong together. So when
    /// clients reach a name by addresses of the other family, a way counts as made up for that
    /// works for nobody.
    fn bypass(&self, blocked: &Tried<'_>) -> bool {
        let Tried { name, key, .. } = blocked;
        let path = Path::of(blocked);
        if path == Path::Dns {
            return false;
        }
        match self.of_client.get(&(*name, key.client)) {
            Some(working) => !working.contains(&path),
            None => {
                self.families.contains(&(*name, !key.client.is_v4()))
                    && !self.of_anyone.contains(&(*name, path))
            }
        }
    }
}

fn count(attempts: &[&Tried<'_>]) -> u64 {
    attempts.iter().map(|attempts| attempts.tally.count).sum()
}

/// Starts of the earliest and the latest of the attempts.
fn span(attempts: &[&Tried<'_>]) -> (Timestamp, Timestamp) {
    let first = attempts.iter().map(|a| a.tally.first).min().unwrap_or(Timestamp::MAX);
    let last = attempts.iter().map(|a| a.tally.last).max().unwrap_or(Timestamp::MIN);
    (first, last)
}

fn is_disjoint<K: Ord>(
    answered: &[&Tried<'_>],
    blocked: &[&Tried<'_>],
    key: impl Fn(&Tried<'_>) -> K,
) -> bool {
    let answered: BTreeSet<K> = answered.iter().map(|attempts| key(attempts)).collect();
    blocked.iter().all(|attempts| !answered.contains(&key(attempts)))
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

fn capital(sentence: &str) -> String {
    let mut chars = sentence.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
