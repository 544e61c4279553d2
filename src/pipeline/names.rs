//! `names`: every name that the inputs show.

use super::read::{Read, read_all};
use super::{Error, Options, Progress, Requirement, threads};
use crate::catalog::{Catalog, Matcher, Matches};
use crate::evidence::Sightings;
use crate::report::{NameRow, NamesReport, Tool};

/// Lists every name that the inputs show, with the required endpoints that it belongs to.
///
/// # Errors
///
/// As [`audit`](super::audit).
pub fn names(
    inputs: &[String],
    requirement: &Requirement,
    options: &Options,
    progress: &dyn Progress,
) -> Result<NamesReport, Error> {
    let Requirement { catalog, profile, .. } = requirement;
    let matcher = Matcher::new(catalog, &catalog.select(profile))?;
    let read = || read_all(inputs, options, Sightings::default, progress);
    let Read { sink, inputs, clock, .. } = threads(options)?.install(read);
    let digits = clock.finest();
    let mut matches = Matches::default();
    let rows = sink
        .rows()
        .into_iter()
        .map(|(source, name, seen)| NameRow {
            source,
            name: name.to_owned(),
            count: seen.count,
            first: seen.first.instant_text(digits),
            last: seen.last.instant_text(digits),
            endpoints: endpoints(catalog, &matcher, name, &mut matches),
        })
        .collect();
    let mut report = NamesReport { tool: Tool::THIS, inputs, rows, given_up: sink.overflowed() };
    report.finish();
    Ok(report)
}

fn endpoints(
    catalog: &Catalog,
    matcher: &Matcher,
    name: &str,
    matches: &mut Matches,
) -> Vec<String> {
    matcher.matches(name, matches);
    matches
        .endpoints()
        .iter()
        .filter_map(|index| catalog.endpoint(*index))
        .map(|endpoint| endpoint.id.clone())
        .collect()
}
