//! Verdicts become the report: owned, sorted text.

use std::collections::{BTreeMap, BTreeSet};

use super::read::Clock;
use super::wireshark;
use crate::catalog::{Catalog, Direction, Endpoint};
use crate::evidence::{Sample, Settled};
use crate::observe::decider::Decider;
use crate::observe::{Address, Cause, Channel, Outcome, SocketAddress, Timestamp};
use crate::report::{
    ClientReport, ContradictionKind, ContradictionReport, DeciderReport, EndpointReport,
    EvidenceReport, MixedBy, NameReport, NearMiss, NearMissReason, OutcomeReport, Verdict,
};
use crate::service_tags::{InboundTags, RequiredTag};
use crate::trust::Standing;
use crate::verdict::{Contradiction, Judged, JudgedName, Mixed, Subject, Tried, Verdicts};

/// What a report is made from.
pub(super) struct Assembly<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) inbound: Option<&'a InboundTags>,
    pub(super) evidence: &'a Settled,
    pub(super) verdicts: &'a Verdicts<'a>,
    pub(super) clock: &'a Clock,
}

/// What is required: an endpoint, or a service tag to be let in.
#[derive(Clone, Copy)]
enum Required<'a> {
    Endpoint(&'a Endpoint),
    Inbound(&'a RequiredTag),
}

impl Required<'_> {
    fn id(&self) -> &str {
        match self {
            Self::Endpoint(endpoint) => &endpoint.id,
            Self::Inbound(tag) => &tag.id,
        }
    }

    /// What the catalog says of it, before anything is judged.
    fn described(&self) -> EndpointReport {
        let (pattern, protocol, direction, clouds, scenarios, uses) = match self {
            Self::Endpoint(endpoint) => (
                endpoint.pattern.to_string(),
                endpoint.protocol.to_string(),
                endpoint.direction,
                endpoint.clouds(),
                endpoint.scenarios(),
                endpoint.uses().into_iter().map(str::to_owned).collect(),
            ),
            Self::Inbound(tag) => (
                tag.tag.clone(),
                "any".to_owned(),
                Direction::Inbound,
                tag.clouds,
                tag.scenarios,
                tag.uses.clone(),
            ),
        };
        EndpointReport {
            id: self.id().to_owned(),
            pattern,
            protocol,
            direction: direction.to_string(),
            clouds: clouds.iter().map(|cloud| cloud.to_string()).collect(),
            scenarios: scenarios.iter().map(|scenario| scenario.to_string()).collect(),
            uses,
            verdict: Verdict::NeverSeen,
            mixed_by: None,
            intercepted: false,
            reason: String::new(),
            deciders: Vec::new(),
            clients: Vec::new(),
            names: Vec::new(),
        }
    }
}

impl Assembly<'_> {
    fn required(&self, subject: Subject) -> Option<Required<'_>> {
        match subject {
            Subject::Endpoint(index) => self.catalog.endpoint(index).map(Required::Endpoint),
            Subject::Inbound(index) => self.inbound?.required().get(index).map(Required::Inbound),
        }
    }

    /// Every endpoint of the selection.
    pub(super) fn endpoints(&self) -> Vec<EndpointReport> {
        self.verdicts
            .endpoints
            .iter()
            .filter_map(|judged| Some(self.endpoint(judged, self.required(judged.endpoint)?)))
            .collect()
    }

    /// What nearly counts, one row for each name, endpoint, reason, protocol and port.
    pub(super) fn near_misses(&self) -> Vec<NearMiss> {
        type Row = (String, String, NearMissReason, &'static str, u16);
        let mut rows: BTreeMap<Row, (u64, Timestamp, Timestamp)> = BTreeMap::new();
        for missed in &self.verdicts.missed {
            let (Some(tried), Some(endpoint)) =
                (self.verdicts.tried.get(missed.tried), self.required(missed.endpoint))
            else {
                continue;
            };
            let name = self.evidence.names().text(tried.name).to_owned();
            let row = (
                name,
                endpoint.id().to_owned(),
                missed.why,
                protocol(tried.key.channel),
                tried.key.target_port,
            );
            let sum = rows.entry(row).or_insert((0, Timestamp::MAX, Timestamp::MIN));
            sum.0 += tried.tally.count;
            sum.1 = sum.1.min(tried.tally.first);
            sum.2 = sum.2.max(tried.tally.last);
        }
        rows.into_iter()
            .map(|((name, endpoint, why, protocol, port), (count, first, last))| NearMiss {
                name,
                endpoint,
                why,
                protocol: protocol.to_owned(),
                port,
                count,
                first: self.time(first),
                last: self.time(last),
            })
            .collect()
    }

    /// What logs and captures contradict each other about.
    pub(super) fn contradictions(&self, found: &[Contradiction]) -> Vec<ContradictionReport> {
        let mut endpoints: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for judged in &self.verdicts.endpoints {
            let Some(endpoint) = self.required(judged.endpoint) else { continue };
            for &tried in judged.names.iter().flat_map(|name| &name.tried) {
                endpoints.entry(tried).or_default().push(endpoint.id().to_owned());
            }
        }
        endpoints.values_mut().for_each(|ids| ids.sort());
        found.iter().filter_map(|found| self.contradiction(found, &endpoints)).collect()
    }

    fn contradiction(
        &self,
        found: &Contradiction,
        endpoints: &BTreeMap<usize, Vec<String>>,
    ) -> Option<ContradictionReport> {
        let piece = |(at, sample): &(usize, Sample)| {
            let tried = self.verdicts.tried.get(*at)?;
            Some((self.sample(sample, tried, shown(tried)), tried))
        };
        let (log, tried) = piece(&found.log)?;
        let capture = found.capture.as_ref().and_then(piece);
        let capture = capture.map(|(capture, _)| capture);
        Some(ContradictionReport {
            kind: found.kind,
            name: self.evidence.names().text(tried.name).to_owned(),
            endpoints: endpoints.get(&found.log.0).cloned().unwrap_or_default(),
            reason: contradiction_sentence(found.kind, &log, capture.as_ref()),
            count: found.count,
            first: self.time(found.first),
            last: self.time(found.last),
            log,
            capture_input: found.capture.map_or(found.unit, |(_, sample)| sample.locator.input),
            capture,
        })
    }

    fn endpoint(&self, judged: &Judged, required: Required<'_>) -> EndpointReport {
        EndpointReport {
            verdict: judged.verdict,
            mixed_by: judged.mixed_by.map(|mixed_by| match mixed_by {
                Mixed::Time(changed) => {
                    MixedBy::Time { changed: self.time(changed).unwrap_or_default() }
                }
                Mixed::Client => MixedBy::Client,
                Mixed::Name => MixedBy::Name,
            }),
            intercepted: judged.intercepted,
            reason: judged.reason.clone(),
            deciders: self.deciders(judged),
            clients: self.clients(judged),
            names: judged.names.iter().map(|name| self.name(name)).collect(),
            ..required.described()
        }
    }

    fn name(&self, judged: &JudgedName) -> NameReport {
        let mut by_outcome: BTreeMap<Outcome, Vec<&Tried<'_>>> = BTreeMap::new();
        for tried in judged.tried.iter().filter_map(|&at| self.verdicts.tried.get(at)) {
            by_outcome.entry(shown(tried)).or_default().push(tried);
        }
        let mut report = NameReport {
            name: self.evidence.names().text(judged.name).to_owned(),
            verdict: judged.verdict,
            intercepted: judged.intercepted,
            outcomes: Vec::new(),
            evidence: Vec::new(),
        };
        for (outcome, tried) in by_outcome {
            report.outcomes.push(self.outcome(outcome, &tried));
            let mut samples: Vec<(&Sample, &Tried<'_>)> = tried
                .iter()
                .flat_map(|tried| tried.tally.samples.iter().map(move |sample| (sample, *tried)))
                .collect();
            samples.sort_by_key(|(sample, tried)| (**sample, tried.key));
            let shown = samples.into_iter().take(NameReport::SAMPLES_PER_OUTCOME);
            report
                .evidence
                .extend(shown.map(|(sample, tried)| self.sample(sample, tried, outcome)));
        }
        report
    }

    fn outcome(&self, outcome: Outcome, tried: &[&Tried<'_>]) -> OutcomeReport {
        let clients: BTreeSet<Address> = tried.iter().map(|tried| tried.key.client).collect();
        OutcomeReport {
            outcome,
            count: tried.iter().map(|tried| tried.tally.count).sum(),
            first: tried
                .iter()
                .map(|tried| tried.tally.first)
                .min()
                .and_then(|time| self.time(time)),
            last: tried.iter().map(|tried| tried.tally.last).max().and_then(|time| self.time(time)),
            clients: clients.len() as u64,
        }
    }

    fn sample(&self, sample: &Sample, tried: &Tried<'_>, outcome: Outcome) -> EvidenceReport {
        let locator = sample.locator;
        let decider = self.decider(tried);
        EvidenceReport {
            input: locator.input,
            record: locator.record,
            offset: locator.offset,
            time: sample.time.instant_text(self.clock.of(locator.input)),
            client: (!tried.key.client.is_unspecified()).then(|| tried.key.client.to_string()),
            server: known(tried.key.server),
            device: decider.map(|decider| decider.device.to_owned()),
            rule: owned(decider.and_then(|decider| decider.rule)),
            policy: owned(decider.and_then(|decider| decider.policy)),
            category: owned(decider.and_then(|decider| decider.category)),
            transport: tried.key.channel.transport(),
            outcome,
            named_by: tried.source,
            detail: detail(self.evidence, sample, tried, outcome, self.verdicts),
            wireshark: self
                .clock
                .is_capture(locator.input)
                .then(|| wireshark::filter(&tried.key, sample.client_port)),
            line: None,
        }
    }

    /// Who decided on attempts, where a log says.
    fn decider(&self, tried: &Tried<'_>) -> Option<Decider<'_>> {
        tried.key.decider.map(|text| Decider::parse(self.evidence.text(text)))
    }

    /// By whom and by what attempts at an endpoint were blocked, most first.
    fn deciders(&self, judged: &Judged) -> Vec<DeciderReport> {
        type Row<'e> = (Cause, Decider<'e>);
        let mut rows: BTreeMap<Row<'_>, (BTreeSet<Address>, u64, Timestamp, Timestamp)> =
            BTreeMap::new();
        for tried in self.tried_at(judged) {
            let (Outcome::Blocked(cause), Some(decider)) = (shown(tried), self.decider(tried))
            else {
                continue;
            };
            let row = rows.entry((cause, decider));
            let row = row.or_insert((BTreeSet::new(), 0, Timestamp::MAX, Timestamp::MIN));
            row.0.insert(tried.key.client);
            row.1 = row.1.saturating_add(tried.tally.count);
            row.2 = row.2.min(tried.tally.first);
            row.3 = row.3.max(tried.tally.last);
        }
        let mut rows: Vec<DeciderReport> = rows
            .into_iter()
            .map(|((cause, decider), (clients, count, first, last))| DeciderReport {
                device: decider.device.to_owned(),
                rule: owned(decider.rule),
                policy: owned(decider.policy),
                category: owned(decider.category),
                reason: owned(decider.reason),
                cause: cause.as_str(),
                count,
                clients: clients.len() as u64,
                first: self.time(first),
                last: self.time(last),
            })
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.count));
        rows
    }

    /// Who tried an endpoint and how often with which result, those that were blocked most first.
    fn clients(&self, judged: &Judged) -> Vec<ClientReport> {
        let counted = self.tried_at(judged).filter(|tried| !tried.key.client.is_unspecified());
        let mut rows: Vec<(Address, [u64; 3])> = counted
            .map(|tried| {
                let count = tried.tally.count;
                let counts = match shown(tried) {
                    Outcome::Blocked(_) => [count, 0, 0],
                    Outcome::Answered => [0, count, 0],
                    Outcome::Allowed | Outcome::Inconclusive(_) => [0, 0, count],
                };
                (tried.key.client, counts)
            })
            .collect();
        rows.sort_unstable();
        rows.dedup_by(|(client, more), (known, counts)| {
            let is_same = client == known;
            if is_same {
                let pairs = counts.iter_mut().zip(more);
                pairs.for_each(|(count, more)| *count = count.saturating_add(*more));
            }
            is_same
        });
        rows.sort_unstable_by_key(|(client, counts)| (std::cmp::Reverse(*counts), *client));
        rows.truncate(ClientReport::MOST);
        let report = |(client, [blocked, answered, other]): (Address, [u64; 3])| ClientReport {
            client: client.to_string(),
            blocked,
            answered,
            other,
        };
        rows.into_iter().map(report).collect()
    }

    /// All attempts at an endpoint.
    fn tried_at(&self, judged: &Judged) -> impl Iterator<Item = &Tried<'_>> {
        let all = judged.names.iter().flat_map(|name| &name.tried);
        all.filter_map(|&at| self.verdicts.tried.get(at))
    }

    fn time(&self, time: Timestamp) -> Option<String> {
        time.instant_text(self.clock.finest())
    }
}

/// What the log says and what the capture shows, for a person.
fn contradiction_sentence(
    kind: ContradictionKind,
    log: &EvidenceReport,
    capture: Option<&EvidenceReport>,
) -> String {
    let within = |detail: &str| match detail {
        "" => String::new(),
        detail => format!(" ({detail})"),
    };
    let says = match log.outcome {
        Outcome::Allowed => "it was let through",
        Outcome::Answered | Outcome::Inconclusive(_) => "it was answered",
        Outcome::Blocked(_) => "it was blocked",
    };
    let says = format!("The log says that {says}{}", within(&log.detail));
    let detail = within(capture.map_or("", |capture| &capture.detail));
    match (kind, capture.map(|capture| capture.outcome)) {
        (ContradictionKind::AllowedButBlocked, Some(Outcome::Blocked(cause))) => {
            format!("{says}, but in the capture {}{detail}.", cause.sentence())
        }
        (ContradictionKind::DeniedButNotCaptured, _) => format!(
            "{says}, but a capture that has the same client shortly before and after does not \
             have the attempt: it was taken behind the device, or the log speaks of another."
        ),
        _ => format!("{says}, but the capture shows an answer{detail}."),
    }
}

/// The outcome that the report states: that a resolver answers is no answer of the endpoint.
pub(super) fn shown(tried: &Tried<'_>) -> Outcome {
    match (tried.outcome, tried.key.channel) {
        (Outcome::Answered, Channel::Dns(_)) => {
            Outcome::Inconclusive(crate::observe::Doubt::Resolved)
        }
        (outcome, _) => outcome,
    }
}

/// The figures behind an attempt; of one that was forgiven, also what it looked like.
pub(super) fn detail(
    evidence: &Settled,
    sample: &Sample,
    tried: &Tried<'_>,
    outcome: Outcome,
    verdicts: &Verdicts<'_>,
) -> String {
    let decider = tried.key.decider.map(|text| Decider::parse(evidence.text(text)).sentence());
    let fact = Some(sample.fact.detail(tried.key.channel)).filter(|fact| !fact.is_empty());
    let civil = sample.time.civil_text().map(|time| format!("logged {time}"));
    let parts: Vec<String> = decider.into_iter().chain(fact).chain(civil).collect();
    let mut detail = parts.join(", ");
    if let Outcome::Blocked(cause) = tried.key.outcome
        && outcome != tried.key.outcome
    {
        let cause = cause.sentence();
        detail = if detail.is_empty() { cause.to_owned() } else { format!("{cause}: {detail}") };
    }
    if let Some(sentence) = verdicts.standing(tried).and_then(Standing::sentence) {
        let separator = if detail.is_empty() { "" } else { "; " };
        detail.push_str(&format!("{separator}{sentence}"));
    }
    detail
}

/// A socket as the report writes it; none where it is not known.
pub(super) fn known(socket: SocketAddress) -> Option<String> {
    (!socket.address.is_unspecified()).then(|| server(socket))
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

/// A socket as the report writes it; without its port where there is none.
pub(super) fn server(server: SocketAddress) -> String {
    if server.port == 0 { server.address.to_string() } else { server.to_string() }
}

const fn protocol(channel: Channel) -> &'static str {
    match channel {
        Channel::Dns(_) => "dns",
        Channel::Tls | Channel::Quic | Channel::Connect => "https",
        Channel::Http => "http",
        Channel::Dtls => "dtls",
        Channel::Tcp => "tcp",
        Channel::Udp => "udp",
    }
}
