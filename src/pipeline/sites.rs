//! `audit`: every site by itself, and the report of all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::assemble::Assembly;
use super::read::Read;
use super::{
    About, Error, Options, Progress, Requirement, catalog_report, inputs, read_evidence, threads,
};
use crate::catalog::{Matcher, Selection};
use crate::evidence::Limits;
use crate::observe::Address;
use crate::report::{
    CoverageReport, InputReport, Report, SCHEMA_ID, SiteReport, Summary, Tool, Verdict,
};
use crate::service_tags::InboundTags;
use crate::verdict::{Judged, Verdicts};

/// A network of its own: a private address means the same host only within it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Site {
    /// What it is called in the report; none when inputs are not told apart.
    pub name: Option<String>,
    /// Files, directories, globs, or `-` for the standard input.
    pub inputs: Vec<String>,
}

/// Judges every required endpoint at each site by the site's inputs: nothing is joined, forgiven or
/// contradicted across sites. The order of the sites does not matter.
///
/// # Errors
///
/// As [`audit`](super::audit).
pub fn audit_sites(
    sites: &[Site],
    requirement: &Requirement,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Report, Error> {
    let Requirement { catalog, profile, service_tags, .. } = requirement;
    let inbound = service_tags.as_ref().map(|tags| InboundTags::new(tags, catalog, profile));
    let inbound = inbound.map(Arc::new);
    let selection = catalog.select(profile);
    let matcher = Arc::new(Matcher::new(catalog, &selection)?);
    let common = Common { requirement, inbound, selection, matcher };
    let mut sites: Vec<&Site> = sites.iter().collect();
    sites.sort_by(|a, b| a.name.cmp(&b.name));
    let read = || sites.par_iter().map(|site| common.audit(site, options, progress)).collect();
    let parts = threads(options)?.install(read);
    let mut report = Report {
        schema: SCHEMA_ID,
        tool: Tool::THIS,
        catalog: catalog_report(requirement, common.inbound.as_deref()),
        inputs: Vec::new(),
        coverage: CoverageReport::default(),
        summary: Summary::default(),
        endpoints: Vec::new(),
        near_misses: Vec::new(),
        contradictions: Vec::new(),
        sites: Vec::new(),
    };
    report.add_sites(parts);
    Ok(report)
}

/// What all sites are judged by.
struct Common<'a> {
    requirement: &'a Requirement,
    inbound: Option<Arc<InboundTags>>,
    selection: Selection,
    matcher: Arc<Matcher>,
}

impl Common<'_> {
    fn audit(
        &self,
        site: &Site,
        options: &Options,
        progress: &dyn Progress,
    ) -> (SiteReport, Vec<InputReport>) {
        let Self { requirement, inbound, selection, matcher } = self;
        let Requirement { catalog, trust, .. } = requirement;
        let limits = Limits::default();
        let about = About { matcher, inbound: inbound.as_ref(), limits };
        let read = read_evidence(&site.inputs, &about, options, progress);
        let Read { sink, inputs, mut coverage, clock, plain_logs } = read;
        let evidence = sink.settle();
        inputs::note_pruned(&mut coverage, evidence.pruned());
        inputs::note_detail(&mut coverage, evidence.detail());
        let inbound = inbound.as_deref();
        let verdicts =
            crate::verdict::judge(&evidence, catalog, selection, matcher, inbound, trust);
        let is_seen = |judged: &Judged| judged.verdict != Verdict::NeverSeen;
        let is_nothing_seen = !verdicts.endpoints.iter().any(is_seen);
        inputs::note_unnamed(&mut coverage, evidence.unnamed_failures(), is_nothing_seen);
        inputs::note_clocks(&mut coverage, &inputs, &verdicts.clocks);
        inputs::note_unknown_chains(&mut coverage, verdicts.unknown_chains());
        if site.name.is_none() {
            coverage.notes.extend(hint_at_sites(&verdicts, &inputs));
        }
        let (contradictions, omitted) =
            crate::verdict::contradictions(&evidence, &verdicts, &clock.logs);
        inputs::note_omitted(&mut coverage, "contradictions", omitted);
        let assembly =
            Assembly { catalog, inbound, evidence: &evidence, verdicts: &verdicts, clock: &clock };
        let mut report = SiteReport {
            name: site.name.clone(),
            summary: Summary::default(),
            endpoints: assembly.endpoints(),
            near_misses: assembly.near_misses(),
            contradictions: assembly.contradictions(&contradictions),
            coverage,
        };
        plain_logs.fill(&mut report);
        (report, inputs)
    }
}

/// Says that inputs may be of several networks: the same private client shows in several folders.
fn hint_at_sites(verdicts: &Verdicts<'_>, inputs: &[InputReport]) -> Option<String> {
    let folder = |unit: u32| {
        let path = inputs.get(unit as usize)?.path.as_str();
        Some(path.rsplit_once(['/', '\\']).map_or("", |(folder, _)| folder))
    };
    let mut folders: BTreeMap<Address, BTreeSet<&str>> = BTreeMap::new();
    for tried in verdicts.tried.iter().filter(|tried| tried.key.client.is_private()) {
        if let Some(folder) = folder(tried.key.unit) {
            folders.entry(tried.key.client).or_default().insert(folder);
        }
    }
    let mut shared = folders.iter().filter(|(_, folders)| folders.len() > 1);
    let (client, example) = shared.next()?;
    let count = 1 + shared.count();
    let clients = match count {
        1 => format!("The private address {client} is a client"),
        more => format!("{client} and {} more private addresses are clients", more - 1),
    };
    Some(format!(
        "{clients} in inputs of several folders ({}): if these are several networks, name them by --site or \
         --sites, for what happens at one is taken for the other's now.",
        example.iter().copied().collect::<Vec<_>>().join(", ")
    ))
}
