//! What a catalog holds, once it has been read and found good.

use sha2::{Digest, Sha256};

use super::{Cloud, Clouds, Direction, Pattern, Protocol, Scenarios};

/// A named, dated list of required endpoints.
#[derive(Clone, Debug)]
pub struct Catalog {
    pub(super) name: String,
    pub(super) edition: String,
    pub(super) title: Option<String>,
    pub(super) source: Option<String>,
    pub(super) notes: Vec<String>,
    pub(super) provenance: Option<Provenance>,
    pub(super) sha256: String,
    pub(super) sections: Vec<Section>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) inbound: Vec<Inbound>,
    pub(super) alternatives: Vec<Alternative>,
    pub(super) warnings: Vec<super::Problem>,
}

/// What a catalog was imported from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Provenance {
    /// The name of the file.
    pub file: String,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: String,
    /// Its date, as it says.
    pub date: Option<String>,
    /// How many names of its rows were taken.
    pub rows: Option<u64>,
    /// What was ignored or changed, and why.
    pub ignored: Vec<String>,
}

/// An endpoint's place in [`Catalog::endpoints`]. Only meaningful together with that catalog.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EndpointIndex(pub u32);

/// A part of the document that a catalog was taken from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// Its short name; in the built-in catalogs the anchor of its heading on the page.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// The clouds of its rows, unless a row says otherwise.
    pub clouds: Clouds,
    /// The scenarios of its rows, unless a row says otherwise.
    pub scenarios: Scenarios,
}

/// A required endpoint: its identity is (pattern, protocol, direction).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// `https:*.flow.microsoft.com`. Unique within a catalog.
    pub id: String,
    /// The names it covers.
    pub pattern: Pattern,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Who opens the connection. Endpoints with names are outbound; see [`Inbound`].
    pub direction: Direction,
    /// Where the document requires it, at least once, in the order of the file.
    pub occurrences: Vec<Occurrence>,
}

/// One row of the document that requires an endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Occurrence {
    /// The index of its section in [`Catalog::sections`].
    pub section: Option<usize>,
    /// What the endpoint is used for.
    pub purpose: Option<String>,
    /// The clouds that it applies to.
    pub clouds: Clouds,
    /// The scenarios that it applies to.
    pub scenarios: Scenarios,
}

/// Addresses that must be let in from outside, known by an Azure service tag.
///
/// A fact beside the endpoints: it has no name, so it is not counted or matched among them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inbound {
    /// The tag, such as `LogicApps`.
    pub service_tag: String,
    /// Where and what for.
    pub occurrence: Occurrence,
}

/// An either-or: what a network may allow in place of an endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alternative {
    /// The endpoint that may be left out.
    pub endpoint: EndpointIndex,
    /// What stands in for it; empty where only [`source`](Self::source) lists them.
    pub patterns: Vec<Pattern>,
    /// Where and what for.
    pub occurrence: Occurrence,
    /// The page that lists what stands in.
    pub source: Option<String>,
}

/// The part of a catalog that concerns the reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Profile {
    /// The clouds in use.
    pub clouds: Clouds,
    /// The scenarios in use.
    pub scenarios: Scenarios,
}

/// The endpoints of a catalog that apply to a profile, in the order of the catalog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selection {
    profile: Profile,
    endpoints: Vec<EndpointIndex>,
}

impl Catalog {
    /// The catalog's name, such as `power-automate`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The edition, such as `2023-04-17`.
    #[must_use]
    pub fn edition(&self) -> &str {
        &self.edition
    }

    /// The name of the service, for people.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// The document that the catalog was taken from.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// What else the document points to, for people.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What it was imported from, where it says.
    #[must_use]
    pub const fn provenance(&self) -> Option<&Provenance> {
        self.provenance.as_ref()
    }

    /// SHA-256 of the file, in lower-case hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The sections, in the order of the file.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Every endpoint, sorted by the labels of its pattern from the right and then by protocol,
    /// so that names of one domain stand together.
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The endpoint at an index of this catalog.
    #[must_use]
    pub fn endpoint(&self, index: EndpointIndex) -> Option<&Endpoint> {
        self.endpoints.get(usize::try_from(index.0).ok()?)
    }

    /// The endpoint with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<EndpointIndex> {
        self.indices().find(|(_, endpoint)| endpoint.id == id).map(|(index, _)| index)
    }

    /// The inbound address ranges, in the order of the file.
    #[must_use]
    pub fn inbound(&self) -> &[Inbound] {
        &self.inbound
    }

    /// The either-ors, in the order of the file.
    #[must_use]
    pub fn alternatives(&self) -> &[Alternative] {
        &self.alternatives
    }

    /// What is allowed but seldom meant, such as the pattern `*.com`.
    #[must_use]
    pub fn warnings(&self) -> &[super::Problem] {
        &self.warnings
    }

    /// The endpoints that apply to a profile: those of which at least one occurrence applies to
    /// one of its clouds and one of its scenarios.
    #[must_use]
    pub fn select(&self, profile: &Profile) -> Selection {
        let applies = |endpoint: &Endpoint| endpoint.occurrences.iter().any(|o| profile.covers(o));
        Selection {
            profile: *profile,
            endpoints: self.indices().filter(|(_, e)| applies(e)).map(|(index, _)| index).collect(),
        }
    }

    /// Every endpoint with its index.
    pub fn indices(&self) -> impl Iterator<Item = (EndpointIndex, &Endpoint)> {
        (0_u32..).map(EndpointIndex).zip(&self.endpoints)
    }
}

impl Endpoint {
    /// The clouds of all occurrences.
    #[must_use]
    pub fn clouds(&self) -> Clouds {
        self.occurrences.iter().fold(Clouds::empty(), |all, o| all.union(o.clouds))
    }

    /// The scenarios of all occurrences.
    #[must_use]
    pub fn scenarios(&self) -> Scenarios {
        self.occurrences.iter().fold(Scenarios::empty(), |all, o| all.union(o.scenarios))
    }

    /// What the endpoint is used for: each use once, in the order of the file.
    #[must_use]
    pub fn uses(&self) -> Vec<&str> {
        let mut uses = Vec::new();
        for purpose in self.occurrences.iter().filter_map(|o| o.purpose.as_deref()) {
            if !uses.contains(&purpose) {
                uses.push(purpose);
            }
        }
        uses
    }
}

impl Profile {
    /// Every cloud and every scenario.
    #[must_use]
    pub fn everything() -> Self {
        Self { clouds: Clouds::all(), scenarios: Scenarios::all() }
    }

    /// Whether an occurrence applies to one of the clouds and one of the scenarios.
    #[must_use]
    pub const fn covers(&self, occurrence: &Occurrence) -> bool {
        self.clouds.intersects(occurrence.clouds) && self.scenarios.intersects(occurrence.scenarios)
    }
}

impl Default for Profile {
    /// The public cloud, every scenario.
    fn default() -> Self {
        Self { clouds: Clouds::from_iter([Cloud::Public]), scenarios: Scenarios::all() }
    }
}

impl Selection {
    /// The profile that was asked for.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The endpoints, ascending.
    #[must_use]
    pub fn endpoints(&self) -> &[EndpointIndex] {
        &self.endpoints
    }

    /// How many endpoints are required.
    #[must_use]
    pub fn len(&self) -> usize {
        self.endpoints.len()
    }

    /// Whether nothing is required.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty()
    }

    /// Whether an endpoint is required.
    #[must_use]
    pub fn contains(&self, index: EndpointIndex) -> bool {
        self.endpoints.binary_search(&index).is_ok()
    }
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::{Scenario, Word as _};
    use super::*;

    fn select(clouds: &[Cloud], scenarios: &[Scenario]) -> Vec<String> {
        let catalog = Catalog::builtin("power-automate").unwrap();
        let profile = Profile {
            clouds: clouds.iter().copied().collect(),
            scenarios: scenarios.iter().copied().collect(),
        };
        let selection = catalog.select(&profile);
        assert_eq!(selection.profile(), &profile);
        selection.endpoints().iter().map(|i| catalog.endpoint(*i).unwrap().id.clone()).collect()
    }

    #[test]
    fn a_profile_takes_what_applies_to_one_of_its_clouds_and_scenarios() {
        let dod = select(&[Cloud::Dod], Scenario::ALL);
        assert!(dod.contains(&"https:*.api.appsplatform.us".to_owned()));
        assert!(!dod.contains(&"https:*.api.gov.powerplatform.microsoft.us".to_owned()));
        assert!(!dod.contains(&"https:*.api.powerplatform.com".to_owned()));
        assert!(dod.contains(&"https:graph.microsoft.com".to_owned()));
        let mobile = select(&[Cloud::China], &[Scenario::Mobile]);
        assert_eq!(mobile, ["https:collector.azure.cn", "https:officeapps.live.com"]);
        assert!(select(&[], Scenario::ALL).is_empty());
    }

    #[test]
    fn an_occurrence_counts_as_a_whole() {
        // Dataverse is required of every cloud by the service, but of desktop flows only in two.
        let catalog = Catalog::builtin("power-automate").unwrap();
        let dataverse = catalog.find("https:*.dynamics.com").unwrap();
        let chosen = |cloud, scenario| {
            let profile = Profile {
                clouds: Clouds::from_iter([cloud]),
                scenarios: Scenarios::from_iter([scenario]),
            };
            catalog.select(&profile).contains(dataverse)
        };
        assert!(chosen(Cloud::Dod, Scenario::Service));
        assert!(!chosen(Cloud::Dod, Scenario::DesktopFlows));
        assert!(chosen(Cloud::Gcc, Scenario::DesktopFlows));
        assert!(!chosen(Cloud::Public, Scenario::Mobile));
    }

    #[test]
    fn the_default_profile_is_the_public_cloud() {
        let public = select(&[Cloud::Public], Scenario::ALL);
        let catalog = Catalog::builtin("power-automate").unwrap();
        assert_eq!(catalog.select(&Profile::default()).len(), public.len());
        assert_eq!(public.len(), 36);
    }

    #[test]
    fn endpoints_are_sorted_by_domain() {
        let catalog = Catalog::builtin("power-automate").unwrap();
        let ids: Vec<_> = catalog.endpoints().iter().map(|e| e.id.as_str()).collect();
        let place = |id| ids.iter().position(|other| *other == id).unwrap();
        assert_eq!(place("http:ocsp.digicert.cn"), place("http:crl.digicert.cn") + 1);
        assert!(place("https:*.dynamics.cn") < place("https:*.dynamics.com"));
        assert_eq!(
            place("https:*.dynamics.com"),
            catalog.find("https:*.dynamics.com").unwrap().0 as usize
        );
    }
}
