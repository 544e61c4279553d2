//! Catalogs as `catalog list` and `catalog show` tell them, for JSON and for people.

use serde::Serialize;

use super::{
    BuiltIn, Catalog, CatalogError, Clouds, Direction, Endpoint, Occurrence, Profile, Protocol,
    Scenarios, Selection,
};

/// One built-in edition.
#[derive(Clone, Serialize, Debug)]
pub struct EditionView {
    /// The name to call it by.
    pub name: &'static str,
    /// Its edition.
    pub edition: &'static str,
    /// Whether the name alone means this edition.
    pub default: bool,
    /// The name of the service.
    pub title: Option<String>,
    /// How many endpoints it has, all clouds and scenarios.
    pub endpoints: usize,
    /// How many of them the default profile requires.
    pub endpoints_in_default_profile: usize,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A catalog, or the part of it that a profile selects.
#[derive(Clone, Serialize, Debug)]
pub struct CatalogView<'c> {
    /// The catalog's name.
    pub name: &'c str,
    /// Its edition.
    pub edition: &'c str,
    /// The newest built-in edition, if it is newer.
    pub newer_edition: Option<&'static str>,
    /// The name of the service.
    pub title: Option<&'c str>,
    /// The document that the catalog was taken from.
    pub source: Option<&'c str>,
    /// SHA-256 of the file.
    pub sha256: &'c str,
    /// The clouds that were asked for.
    pub clouds: Clouds,
    /// The scenarios that were asked for.
    pub scenarios: Scenarios,
    /// The endpoints that apply, in the order of the catalog.
    pub endpoints: Vec<EndpointView<'c>>,
    /// The inbound address ranges that apply.
    pub inbound: Vec<InboundView<'c>>,
    /// What may stand in for endpoints that apply.
    pub alternatives: Vec<AlternativeView<'c>>,
}

/// A required endpoint.
#[derive(Clone, Serialize, Debug)]
pub struct EndpointView<'c> {
    /// Protocol, colon, pattern.
    pub id: &'c str,
    /// The pattern.
    pub pattern: &'c str,
    /// The protocol.
    pub protocol: Protocol,
    /// The direction.
    pub direction: Direction,
    /// The clouds of all its occurrences.
    pub clouds: Clouds,
    /// The scenarios of all its occurrences.
    pub scenarios: Scenarios,
    /// What it is used for, each use once.
    pub uses: Vec<&'c str>,
    /// Where the document requires it.
    pub occurrences: Vec<OccurrenceView<'c>>,
}

/// A row of the document.
#[derive(Clone, Serialize, Debug)]
pub struct OccurrenceView<'c> {
    /// The id of its section.
    pub section: Option<&'c str>,
    /// The title of its section.
    pub section_title: Option<&'c str>,
    /// What for.
    #[serde(rename = "use")]
    pub purpose: Option<&'c str>,
    /// For which clouds.
    pub clouds: Clouds,
    /// For which scenarios.
    pub scenarios: Scenarios,
}

/// Addresses to let in.
#[derive(Clone, Serialize, Debug)]
pub struct InboundView<'c> {
    /// The Azure service tag.
    pub service_tag: &'c str,
    /// Where and what for.
    #[serde(flatten)]
    pub occurrence: OccurrenceView<'c>,
}

/// What may stand in for an endpoint.
#[derive(Clone, Serialize, Debug)]
pub struct AlternativeView<'c> {
    /// The id of the endpoint.
    pub endpoint: &'c str,
    /// What stands in, if the catalog lists it.
    pub patterns: Vec<&'c str>,
    /// The page that lists it.
    pub source: Option<&'c str>,
    /// Where and what for.
    #[serde(flatten)]
    pub occurrence: OccurrenceView<'c>,
}

impl BuiltIn {
    /// What the list of catalogs says of this one.
    ///
    /// # Errors
    ///
    /// None, as long as the built-in catalogs are good.
    pub fn view(&self) -> Result<EditionView, CatalogError> {
        let catalog = self.load()?;
        Ok(EditionView {
            name: self.name,
            edition: self.edition,
            default: self.is_default,
            title: catalog.title().map(str::to_owned),
            endpoints: catalog.endpoints().len(),
            endpoints_in_default_profile: catalog.select(&Profile::default()).len(),
            sha256: catalog.sha256().to_owned(),
        })
    }
}

impl Catalog {
    /// The part of this catalog that `selection`, which was made from it, holds.
    #[must_use]
    pub fn view(&self, selection: &Selection) -> CatalogView<'_> {
        let profile = selection.profile();
        let chosen = selection.endpoints().iter().filter_map(|index| self.endpoint(*index));
        CatalogView {
            name: self.name(),
            edition: self.edition(),
            newer_edition: self.newer_edition(),
            title: self.title(),
            source: self.source(),
            sha256: self.sha256(),
            clouds: profile.clouds,
            scenarios: profile.scenarios,
            endpoints: chosen.map(|endpoint| self.endpoint_view(endpoint)).collect(),
            inbound: self
                .inbound()
                .iter()
                .filter(|inbound| profile.covers(&inbound.occurrence))
                .map(|inbound| InboundView {
                    service_tag: &inbound.service_tag,
                    occurrence: self.occurrence_view(&inbound.occurrence),
                })
                .collect(),
            alternatives: self
                .alternatives()
                .iter()
                .filter(|alternative| {
                    profile.covers(&alternative.occurrence)
                        && selection.contains(alternative.endpoint)
                })
                .filter_map(|alternative| {
                    Some(AlternativeView {
                        endpoint: &self.endpoint(alternative.endpoint)?.id,
                        patterns: alternative.patterns.iter().map(|p| p.as_str()).collect(),
                        source: alternative.source.as_deref(),
                        occurrence: self.occurrence_view(&alternative.occurrence),
                    })
                })
                .collect(),
        }
    }

    fn endpoint_view<'c>(&'c self, endpoint: &'c Endpoint) -> EndpointView<'c> {
        EndpointView {
            id: &endpoint.id,
            pattern: endpoint.pattern.as_str(),
            protocol: endpoint.protocol,
            direction: endpoint.direction,
            clouds: endpoint.clouds(),
            scenarios: endpoint.scenarios(),
            uses: endpoint.uses(),
            occurrences: endpoint.occurrences.iter().map(|o| self.occurrence_view(o)).collect(),
        }
    }

    fn occurrence_view<'c>(&'c self, occurrence: &'c Occurrence) -> OccurrenceView<'c> {
        let section = occurrence.section.and_then(|index| self.sections().get(index));
        OccurrenceView {
            section: section.map(|section| section.id.as_str()),
            section_title: section.map(|section| section.title.as_str()),
            purpose: occurrence.purpose.as_deref(),
            clouds: occurrence.clouds,
            scenarios: occurrence.scenarios,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_tells_all_its_occurrences() {
        let catalog = Catalog::builtin("power-automate").unwrap();
        let view = catalog.view(&catalog.select(&Profile::everything()));
        let json = serde_json::to_value(&view).unwrap();
        let dataverse = json["endpoints"]
            .as_array()
            .unwrap()
            .iter()
            .find(|endpoint| endpoint["id"] == "https:*.dynamics.com")
            .unwrap();
        assert_eq!(dataverse["occurrences"].as_array().unwrap().len(), 3);
        assert_eq!(dataverse["uses"].as_array().unwrap().len(), 2);
        assert_eq!(dataverse["direction"], "outbound");
        assert_eq!(json["newer_edition"], "2026-05-13");
        assert_eq!(json["inbound"][0]["service_tag"], "LogicApps");
        assert_eq!(json["alternatives"][0]["endpoint"], "https:*.servicebus.windows.net");
    }
}
