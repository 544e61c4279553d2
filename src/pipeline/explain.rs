//! `explain`: the whole story of one endpoint or name.

use std::sync::Arc;

use rayon::prelude::*;

use super::assemble::{detail, known, shown};
use super::read::{Clock, Read};
use super::{
    About, Error, Options, Progress, Requirement, Site, catalog_report, read_evidence, threads,
    wireshark,
};
use crate::catalog::{Catalog, Clouds, Matcher, Matches, Profile, Scenarios, Selection};
use crate::evidence::{Limits, Sample, Settled};
use crate::observe::{Channel, NameSource, SocketAddress, normalize};
use crate::report::{ExplainEvent, ExplainReport, InputReport, Tool, Verdict};
use crate::service_tags::InboundTags;
use crate::trust::TrustStore;
use crate::verdict::{Tried, Verdicts, judge};

/// Events that are told; the rest is counted.
const MAX_EVENTS: usize = 10_000;

/// Tells everything about one endpoint or name.
///
/// `target` is the id or the pattern of an endpoint, or a server name, required or not.
///
/// # Errors
///
/// As [`audit`](super::audit); and when `target` is neither.
pub fn explain(
    inputs: &[String],
    target: &str,
    requirement: &Requirement,
    options: &Options,
    progress: &dyn Progress,
) -> Result<ExplainReport, Error> {
    let site = Site { name: None, inputs: inputs.to_vec() };
    explain_sites(&[site], target, requirement, options, progress)
}

/// The same, at each site by itself; the gravest verdict stands.
///
/// # Errors
///
/// As [`explain`].
pub fn explain_sites(
    sites: &[Site],
    target: &str,
    requirement: &Requirement,
    options: &Options,
    progress: &dyn Progress,
) -> Result<ExplainReport, Error> {
    let target = Target::find(target, requirement)?;
    let selection = target.catalog.select(&target.profile);
    let matcher = Arc::new(Matcher::new(&target.catalog, &selection)?);
    let mut sites: Vec<&Site> = sites.iter().collect();
    sites.sort_by(|a, b| a.name.cmp(&b.name));
    let read = || -> Vec<Story> {
        let tell = |site: &&Site| {
            target.story(site, &selection, &matcher, &requirement.trust, options, progress)
        };
        sites.par_iter().map(tell).collect()
    };
    let stories = threads(options)?.install(read);
    let gravest = stories
        .iter()
        .filter_map(|story| story.verdict.clone())
        .min_by_key(|(verdict, _)| *verdict);
    let (verdict, reason) = gravest.unzip();
    let mut report = ExplainReport {
        schema: ExplainReport::SCHEMA_ID,
        tool: Tool::THIS,
        catalog: catalog_report(requirement, target.inbound.as_deref()),
        asked: target.asked.clone(),
        endpoints: target.endpoints.clone(),
        verdict,
        reason,
        inputs: Vec::new(),
        events: Vec::new(),
        omitted: 0,
    };
    for mut story in stories {
        let first = u32::try_from(report.inputs.len()).unwrap_or(u32::MAX);
        story.events.iter_mut().for_each(|event| event.input = event.input.saturating_add(first));
        report.inputs.append(&mut story.inputs);
        report.events.append(&mut story.events);
        report.omitted += story.omitted;
    }
    if sites.len() > 1 {
        let instant = |event: &ExplainEvent| {
            event.time.as_ref().map(|time| time.trim_end_matches('Z').to_owned())
        };
        report.events.sort_by_cached_key(instant);
    }
    Ok(report)
}

/// What happened at one site.
struct Story {
    verdict: Option<(Verdict, String)>,
    inputs: Vec<InputReport>,
    events: Vec<ExplainEvent>,
    omitted: u64,
}

/// What is to be explained: a catalog of just that, or the part of one that is no name, and one
/// service tag.
struct Target {
    asked: String,
    catalog: Catalog,
    profile: Profile,
    inbound: Option<Arc<InboundTags>>,
    /// The required endpoints that it stands for.
    endpoints: Vec<String>,
}

impl Target {
    fn find(asked: &str, requirement: &Requirement) -> Result<Self, Error> {
        let required = &requirement.catalog;
        if let Some(tag) = InboundTags::find(required, asked) {
            return Self::of_tag(asked, tag, requirement);
        }
        let same = |text: &str| text.eq_ignore_ascii_case(asked);
        let exact: Vec<_> = required
            .endpoints()
            .iter()
            .filter(|endpoint| same(&endpoint.id) || same(&endpoint.pattern.to_string()))
            .collect();
        if !exact.is_empty() {
            let rows = exact.iter().map(|e| (e.pattern.to_string(), e.protocol.to_string()));
            return Ok(Self {
                asked: asked.to_owned(),
                catalog: catalog_of(rows)?,
                profile: Profile::everything(),
                inbound: None,
                endpoints: exact.iter().map(|endpoint| endpoint.id.clone()).collect(),
            });
        }
        let mut name = String::new();
        if !normalize(asked.as_bytes(), &mut name) {
            return Err(Error::NoTarget(asked.to_owned()));
        }
        let all = required.select(&Profile::everything());
        let mut matches = Matches::default();
        Matcher::new(required, &all)?.matches(&name, &mut matches);
        let matching: Vec<_> =
            matches.endpoints().iter().filter_map(|index| required.endpoint(*index)).collect();
        let mut protocols: Vec<String> =
            matching.iter().map(|endpoint| endpoint.protocol.to_string()).collect();
        if protocols.is_empty() {
            protocols = vec!["https".to_owned(), "http".to_owned()];
        }
        protocols.sort();
        protocols.dedup();
        let rows = protocols.into_iter().map(|protocol| (name.clone(), protocol));
        Ok(Self {
            asked: asked.to_owned(),
            catalog: catalog_of(rows).map_err(|_| Error::NoTarget(asked.to_owned()))?,
            profile: Profile::everything(),
            inbound: None,
            endpoints: matching.iter().map(|endpoint| endpoint.id.clone()).collect(),
        })
    }

    /// A service tag, and no endpoint with a name beside it.
    fn of_tag(asked: &str, tag: &str, requirement: &Requirement) -> Result<Self, Error> {
        let Requirement { catalog, service_tags, .. } = requirement;
        let Some(tags) = service_tags else { return Err(Error::NoServiceTags(tag.to_owned())) };
        let inbound = InboundTags::only(tags, catalog, tag);
        if inbound.required().is_empty() {
            return Err(Error::NoAddresses(tag.to_owned()));
        }
        Ok(Self {
            asked: asked.to_owned(),
            catalog: catalog.clone(),
            profile: Profile { clouds: Clouds::empty(), scenarios: Scenarios::empty() },
            endpoints: inbound.required().iter().map(|required| required.id.clone()).collect(),
            inbound: Some(Arc::new(inbound)),
        })
    }

    /// What the inputs of a site tell of it.
    fn story(
        &self,
        site: &Site,
        selection: &Selection,
        matcher: &Arc<Matcher>,
        trust: &TrustStore,
        options: &Options,
        progress: &dyn Progress,
    ) -> Story {
        let limits = Limits { samples: MAX_EVENTS, ..Limits::default() };
        let about = About { matcher, inbound: self.inbound.as_ref(), limits };
        let Read { sink, mut inputs, clock, .. } =
            read_evidence(&site.inputs, &about, options, progress);
        let evidence = sink.settle();
        let inbound = self.inbound.as_deref();
        let verdicts = judge(&evidence, &self.catalog, selection, matcher, inbound, trust);
        let (events, omitted) = events(&evidence, &verdicts, matcher, &clock);
        inputs.iter_mut().for_each(|input| input.site.clone_from(&site.name));
        Story { verdict: self.verdict(&verdicts), inputs, events, omitted }
    }

    /// The gravest verdict of the protocols; none for a name that is not required.
    fn verdict(&self, verdicts: &Verdicts<'_>) -> Option<(Verdict, String)> {
        let endpoints = verdicts.endpoints.iter().filter(|_| !self.endpoints.is_empty());
        let gravest = endpoints.min_by_key(|judged| judged.verdict)?;
        Some((gravest.verdict, gravest.reason.clone()))
    }
}

/// A catalog of these patterns and protocols, which are valid or an error says why not.
fn catalog_of(rows: impl Iterator<Item = (String, String)>) -> Result<Catalog, Error> {
    use std::fmt::Write as _;
    let mut text = String::from("[catalog]\nname = \"explain\"\nedition = \"0\"\n");
    for (pattern, protocol) in rows {
        let pattern = toml::Value::String(pattern);
        let _ = write!(text, "\n[[endpoint]]\npattern = {pattern}\nprotocol = \"{protocol}\"\n");
    }
    Ok(Catalog::parse("the name to explain", &text)?)
}

fn events(
    evidence: &Settled,
    verdicts: &Verdicts<'_>,
    matcher: &Matcher,
    clock: &Clock,
) -> (Vec<ExplainEvent>, u64) {
    let mut matches = Matches::default();
    let mut samples: Vec<(&Sample, &Tried<'_>)> = Vec::new();
    let mut total = 0;
    for tried in &verdicts.tried {
        matcher.matches(evidence.names().text(tried.name), &mut matches);
        if tried.source == NameSource::ServiceTag || !matches.endpoints().is_empty() {
            total += tried.tally.count;
            samples.extend(tried.tally.samples.iter().map(|sample| (sample, tried)));
        }
    }
    samples.sort_by(|(a, x), (b, y)| {
        let name = |tried: &Tried<'_>| evidence.names().text(tried.name).to_owned();
        (a, name(x), x.key.client, x.key.server).cmp(&(b, name(y), y.key.client, y.key.server))
    });
    samples.truncate(MAX_EVENTS);
    let events: Vec<ExplainEvent> = samples
        .into_iter()
        .map(|(sample, tried)| event(sample, tried, verdicts, evidence, clock))
        .collect();
    let omitted = total - events.len() as u64;
    (events, omitted)
}

fn event(
    sample: &Sample,
    tried: &Tried<'_>,
    verdicts: &Verdicts<'_>,
    evidence: &Settled,
    clock: &Clock,
) -> ExplainEvent {
    let outcome = shown(tried);
    let client = SocketAddress::new(tried.key.client, sample.client_port);
    ExplainEvent {
        time: sample.time.instant_text(clock.of(sample.locator.input)),
        input: sample.locator.input,
        record: sample.locator.record,
        offset: sample.locator.offset,
        client: known(client),
        server: known(tried.key.server),
        channel: channel(tried.key.channel),
        name: evidence.names().text(tried.name).to_owned(),
        named_by: tried.source,
        outcome: Some(outcome),
        detail: detail(evidence, sample, tried, outcome, verdicts),
        wireshark: clock
            .is_capture(sample.locator.input)
            .then(|| wireshark::filter(&tried.key, sample.client_port)),
    }
}

/// The channel for a person; question types by their IANA mnemonic.
fn channel(channel: Channel) -> String {
    match channel {
        Channel::Dns(1) => "dns A".to_owned(),
        Channel::Dns(28) => "dns AAAA".to_owned(),
        Channel::Dns(64) => "dns SVCB".to_owned(),
        Channel::Dns(65) => "dns HTTPS".to_owned(),
        Channel::Dns(255) => "dns ANY".to_owned(),
        Channel::Dns(other) => format!("dns TYPE{other}"),
        Channel::Tcp => "tcp".to_owned(),
        Channel::Tls => "tls".to_owned(),
        Channel::Dtls => "dtls".to_owned(),
        Channel::Http => "http".to_owned(),
        Channel::Connect => "connect".to_owned(),
        Channel::Quic => "quic".to_owned(),
        Channel::Udp => "udp".to_owned(),
    }
}
