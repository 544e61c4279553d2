//! The report of several sites: that of each, and their sum, in which the gravest verdict stands.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    ClientReport, ContradictionReport, CoverageReport, DeciderReport, EndpointReport,
    EvidenceReport, InputReport, NameReport, NearMiss, OutcomeReport, Report, Summary, Verdict,
};
use crate::observe::Outcome;

/// What the inputs of one site say. Nothing in it comes from another site: the same private address is
/// another host there.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct SiteReport {
    /// The site's name; none where the inputs were not told apart.
    pub name: Option<String>,
    /// The verdicts, counted.
    pub summary: Summary,
    /// How much of the site's inputs was understood.
    pub coverage: CoverageReport,
    /// Every required endpoint of the profile, sorted by id.
    pub endpoints: Vec<EndpointReport>,
    /// Traffic to required names that does not satisfy an endpoint, sorted.
    pub near_misses: Vec<NearMiss>,
    /// Where logs and captures of the site contradict each other, sorted.
    pub contradictions: Vec<ContradictionReport>,
}

impl SiteReport {
    /// Puts every list into the order that the contract promises, and counts the verdicts.
    pub fn finish(&mut self) {
        let Self { endpoints, near_misses, contradictions, coverage, .. } = self;
        self.summary = arranged(endpoints, near_misses, contradictions, coverage);
    }

    /// Lets every piece of evidence point so many inputs further.
    fn shift(&mut self, by: u32) {
        let names = self.endpoints.iter_mut().flat_map(|endpoint| &mut endpoint.names);
        for piece in names.flat_map(|name| &mut name.evidence) {
            piece.input = piece.input.saturating_add(by);
        }
        for row in &mut self.contradictions {
            row.capture_input = row.capture_input.saturating_add(by);
            for piece in [Some(&mut row.log), row.capture.as_mut()].into_iter().flatten() {
                piece.input = piece.input.saturating_add(by);
            }
        }
    }
}

impl Report {
    /// Fills the report with what each site's inputs say: a site beside its inputs, in the order of the
    /// report. Without several sites the report says the same as its only one.
    pub(crate) fn add_sites(&mut self, sites: Vec<(SiteReport, Vec<InputReport>)>) {
        for (mut site, mut inputs) in sites {
            inputs.iter_mut().for_each(|input| input.site.clone_from(&site.name));
            site.shift(u32::try_from(self.inputs.len()).unwrap_or(u32::MAX));
            self.inputs.append(&mut inputs);
            self.sites.push(site);
        }
        match self.sites.as_slice() {
            [] => {}
            [only] => {
                let only = only.clone();
                self.coverage = only.coverage;
                self.endpoints = only.endpoints;
                self.near_misses = only.near_misses;
                self.contradictions = only.contradictions;
            }
            sites => {
                let parts = || sites.iter().map(|site| (site.name.as_deref(), &site.coverage));
                self.coverage = CoverageReport::sum(parts());
                self.endpoints = endpoints(sites);
                self.near_misses = near_misses(sites);
                self.contradictions =
                    sites.iter().flat_map(|site| site.contradictions.iter().cloned()).collect();
            }
        }
        self.finish();
    }

    /// Whether the inputs were told apart by site.
    #[must_use]
    pub fn has_sites(&self) -> bool {
        self.sites.iter().any(|site| site.name.is_some())
    }
}

/// Puts the lists of a report, or of a site's, into the order that the contract promises, and counts the
/// verdicts.
pub(super) fn arranged(
    endpoints: &mut [EndpointReport],
    near_misses: &mut [NearMiss],
    contradictions: &mut [ContradictionReport],
    coverage: &mut CoverageReport,
) -> Summary {
    endpoints.iter_mut().for_each(EndpointReport::sort);
    endpoints.sort_by(|a, b| a.id.cmp(&b.id));
    near_misses.sort();
    contradictions.sort_by(|a, b| a.key().cmp(&b.key()));
    coverage.sort();
    Summary::of(endpoints)
}

/// Every endpoint with its gravest verdict.
fn endpoints(sites: &[SiteReport]) -> Vec<EndpointReport> {
    let mut rows: BTreeMap<&str, Vec<(&str, &EndpointReport)>> = BTreeMap::new();
    for site in sites {
        let name = site.name.as_deref().unwrap_or_default();
        for endpoint in &site.endpoints {
            rows.entry(&endpoint.id).or_default().push((name, endpoint));
        }
    }
    rows.values().filter_map(|rows| endpoint(rows)).collect()
}

fn endpoint(rows: &[(&str, &EndpointReport)]) -> Option<EndpointReport> {
    let (_, gravest) = rows.iter().min_by_key(|(_, row)| row.verdict)?;
    let mut by_name: BTreeMap<&str, Vec<&NameReport>> = BTreeMap::new();
    for name in rows.iter().flat_map(|(_, row)| &row.names) {
        by_name.entry(&name.name).or_default().push(name);
    }
    Some(EndpointReport {
        reason: reason(rows, gravest),
        intercepted: rows.iter().any(|(_, row)| row.intercepted),
        deciders: deciders(rows),
        clients: clients(rows),
        names: by_name.values().filter_map(|names| name(names)).collect(),
        ..(*gravest).clone()
    })
}

/// What the rules of all sites blocked: the same rule of two sites is two rows, since it is two devices.
fn deciders(rows: &[(&str, &EndpointReport)]) -> Vec<DeciderReport> {
    let mut all: Vec<DeciderReport> =
        rows.iter().flat_map(|(_, row)| row.deciders.iter().cloned()).collect();
    all.sort_by_key(|row| std::cmp::Reverse(row.count));
    all
}

/// The clients of all sites that were blocked most; the same address is another client at another site.
fn clients(rows: &[(&str, &EndpointReport)]) -> Vec<ClientReport> {
    let mut all: Vec<ClientReport> =
        rows.iter().flat_map(|(_, row)| row.clients.iter().cloned()).collect();
    all.sort_by_key(|row| std::cmp::Reverse((row.blocked, row.answered, row.other)));
    all.truncate(ClientReport::MOST);
    all
}

/// Where the gravest verdict stands and why, and how many other sites say what.
fn reason(rows: &[(&str, &EndpointReport)], gravest: &EndpointReport) -> String {
    if gravest.verdict == Verdict::NeverSeen {
        return gravest.reason.clone();
    }
    let of = |verdict| rows.iter().filter(move |(_, row)| row.verdict == verdict);
    let first = of(gravest.verdict).next().map_or("", |(site, _)| *site);
    let place = match of(gravest.verdict).count() {
        1 => format!("At {first}"),
        2 => format!("At {first} and 1 other site"),
        more => format!("At {first} and {} other sites", more - 1),
    };
    let others: Vec<String> = Verdict::ALL
        .iter()
        .filter(|verdict| **verdict != gravest.verdict)
        .map(|verdict| (of(*verdict).count(), verdict.words()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{words} at {count}"))
        .collect();
    let others =
        if others.is_empty() { String::new() } else { format!(" ({})", others.join(", ")) };
    format!("{place}{others}: {}", gravest.reason)
}

fn name(rows: &[&NameReport]) -> Option<NameReport> {
    let gravest = rows.iter().min_by_key(|row| row.verdict)?;
    let mut outcomes: BTreeMap<Outcome, OutcomeReport> = BTreeMap::new();
    let mut evidence: BTreeMap<Outcome, Vec<EvidenceReport>> = BTreeMap::new();
    for row in rows {
        for outcome in &row.outcomes {
            match outcomes.get_mut(&outcome.outcome) {
                Some(sum) => sum.add(outcome),
                None => drop(outcomes.insert(outcome.outcome, outcome.clone())),
            }
        }
        for piece in &row.evidence {
            evidence.entry(piece.outcome).or_default().push(piece.clone());
        }
    }
    let samples = evidence.into_values().flat_map(|mut pieces| {
        pieces.sort_by(|a, b| a.key().cmp(&b.key()));
        pieces.truncate(NameReport::SAMPLES_PER_OUTCOME);
        pieces
    });
    Some(NameReport {
        name: gravest.name.clone(),
        verdict: gravest.verdict,
        intercepted: rows.iter().any(|row| row.intercepted),
        outcomes: outcomes.into_values().collect(),
        evidence: samples.collect(),
    })
}

impl OutcomeReport {
    /// Adds the attempts of another site, whose clients are others.
    fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.clients = self.clients.saturating_add(other.clients);
        self.first = earliest(self.first.take(), other.first.clone());
        self.last = latest(self.last.take(), other.last.clone());
    }
}

/// The near misses of all sites: the same ones are one.
fn near_misses(sites: &[SiteReport]) -> Vec<NearMiss> {
    let mut sum: Vec<NearMiss> = Vec::new();
    for miss in sites.iter().flat_map(|site| &site.near_misses) {
        let is_same = |known: &&mut NearMiss| {
            (&known.name, &known.endpoint, known.why, &known.protocol, known.port)
                == (&miss.name, &miss.endpoint, miss.why, &miss.protocol, miss.port)
        };
        match sum.iter_mut().find(is_same) {
            Some(known) => {
                known.count = known.count.saturating_add(miss.count);
                known.first = earliest(known.first.take(), miss.first.clone());
                known.last = latest(known.last.take(), miss.last.clone());
            }
            None => sum.push(miss.clone()),
        }
    }
    sum
}

/// The earlier of two times as RFC 3339 text in UTC, which sorts as time does but for its final `Z`.
pub(super) fn earliest(a: Option<String>, b: Option<String>) -> Option<String> {
    a.into_iter().chain(b).min_by(|a, b| a.trim_end_matches('Z').cmp(b.trim_end_matches('Z')))
}

/// The later of two times.
pub(super) fn latest(a: Option<String>, b: Option<String>) -> Option<String> {
    a.into_iter().chain(b).max_by(|a, b| a.trim_end_matches('Z').cmp(b.trim_end_matches('Z')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    /// The sample twice: as it is, and with other verdicts.
    fn two() -> Report {
        let mut report = sample::report();
        let of = |name: &str, report: &Report| SiteReport {
            name: Some(name.to_owned()),
            coverage: report.coverage.clone(),
            endpoints: report.endpoints.clone(),
            near_misses: report.near_misses.clone(),
            contradictions: report.contradictions.clone(),
            ..SiteReport::default()
        };
        let mut second = of("second", &report);
        for endpoint in &mut second.endpoints {
            if endpoint.verdict == Verdict::Blocked {
                endpoint.verdict = Verdict::Reached;
            }
        }
        let parts =
            vec![(of("first", &report), report.inputs.clone()), (second, report.inputs.clone())];
        report.inputs.clear();
        report.sites.clear();
        report.add_sites(parts);
        report
    }

    #[test]
    fn the_gravest_verdict_stands_with_its_site() {
        let report = two();
        let blocked: Vec<_> =
            report.endpoints.iter().filter(|row| row.verdict == Verdict::Blocked).collect();
        assert!(!blocked.is_empty());
        for row in blocked {
            assert!(row.reason.starts_with("At first (reached at 1): "), "{}", row.reason);
        }
    }

    #[test]
    fn the_sum_of_two_sites_adds_up_and_its_evidence_points_to_inputs_of_their_own() {
        let report = two();
        assert_eq!(report.discrepancies(), Vec::<String>::new());
        let one = sample::report();
        assert_eq!(report.inputs.len(), 2 * one.inputs.len());
        assert_eq!(report.coverage.packets.read, 2 * one.coverage.packets.read);
        let pieces = |site: &SiteReport| -> Vec<(String, String)> {
            let names = site.endpoints.iter().flat_map(|endpoint| &endpoint.names);
            let path = |input: u32| &report.inputs[input as usize];
            names
                .flat_map(|name| &name.evidence)
                .map(|piece| {
                    (path(piece.input).path.clone(), path(piece.input).site.clone().unwrap())
                })
                .collect()
        };
        let (first, second) = (pieces(&report.sites[0]), pieces(&report.sites[1]));
        assert!(!first.is_empty());
        for (a, b) in first.iter().zip(&second) {
            assert_eq!(a.0, b.0);
            assert_eq!((a.1.as_str(), b.1.as_str()), ("first", "second"));
        }
        let count = |report: &Report| -> u64 {
            let names = report.endpoints.iter().flat_map(|endpoint| &endpoint.names);
            names.flat_map(|name| &name.outcomes).map(|row| row.count).sum()
        };
        assert_eq!(count(&report), 2 * count(&one));
    }
}
