//! What a catalog requires to be let in, with the addresses that it comes from.

use std::collections::BTreeMap;

use super::{PrefixTable, ServiceTags, is_of};
use crate::catalog::{Catalog, Clouds, Occurrence, Profile, Scenarios};
use crate::observe::Address;

/// The service tags whose addresses must be let in, and where their ranges are.
///
/// An address is labelled with the tag that holds it, or with the tag's region where the file
/// lists regions: `LogicApps.WestEurope`.
#[derive(Clone, Default, Debug)]
pub struct InboundTags {
    required: Vec<RequiredTag>,
    missing: Vec<String>,
    labels: Vec<String>,
    /// One for each required tag that is no region of another.
    tables: Vec<PrefixTable>,
}

/// A required tag that the file knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequiredTag {
    /// `inbound:LogicApps`. Unique within a catalog.
    pub id: String,
    /// The tag as the catalog spells it.
    pub tag: String,
    /// The clouds it is required in.
    pub clouds: Clouds,
    /// The scenarios it is required for.
    pub scenarios: Scenarios,
    /// What it is required for: each use once, in the order of the catalog.
    pub uses: Vec<String>,
}

impl InboundTags {
    /// The tags that a catalog requires of a profile, with their ranges from a file.
    #[must_use]
    pub fn new(tags: &ServiceTags, catalog: &Catalog, profile: &Profile) -> Self {
        Self::of(tags, required(catalog, profile))
    }

    /// The same for one tag of the catalog alone, whatever clouds and scenarios it is for.
    #[must_use]
    pub fn only(tags: &ServiceTags, catalog: &Catalog, tag: &str) -> Self {
        let mut required = required(catalog, &Profile::everything());
        required.retain(|required| required.tag == tag);
        Self::of(tags, required)
    }

    fn of(tags: &ServiceTags, all: Vec<RequiredTag>) -> Self {
        let has_addresses = |required: &RequiredTag| {
            tags.of(&required.tag).any(|(_, prefixes)| !prefixes.is_empty())
        };
        let (required, missing): (Vec<_>, Vec<_>) = all.into_iter().partition(has_addresses);
        let is_part = |tag: &str| required.iter().any(|r| r.tag != tag && is_of(tag, &r.tag));
        let mut labels = Vec::new();
        let mut tables = Vec::new();
        for RequiredTag { tag, .. } in required.iter().filter(|r| !is_part(&r.tag)) {
            // The tag itself comes first, so that of equal prefixes the region's counts.
            let mut entries: Vec<_> = tags.of(tag).collect();
            entries.sort_by_key(|(name, _)| (name.len() > tag.len(), *name));
            let mut prefixes = Vec::new();
            for (name, of_name) in entries {
                let label = u32::try_from(labels.len()).unwrap_or(u32::MAX);
                prefixes.extend(of_name.iter().map(|prefix| (*prefix, label)));
                labels.push(name.to_owned());
            }
            tables.push(PrefixTable::new(prefixes));
        }
        let missing = missing.into_iter().map(|required| required.tag).collect();
        Self { required, missing, labels, tables }
    }

    /// The tag of a catalog that this is the id or the name of, in any letter case.
    #[must_use]
    pub fn find<'c>(catalog: &'c Catalog, asked: &str) -> Option<&'c str> {
        let tag = asked.strip_prefix("inbound:").unwrap_or(asked);
        let tags = catalog.inbound().iter().map(|inbound| inbound.service_tag.as_str());
        tags.into_iter().find(|known| known.eq_ignore_ascii_case(tag))
    }

    /// The required tags that the file knows, sorted by name.
    #[must_use]
    pub fn required(&self) -> &[RequiredTag] {
        &self.required
    }

    /// The required tags that the file does not know, sorted by name.
    #[must_use]
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// The labels of an address; several when tags overlap.
    pub fn labels(&self, address: Address) -> impl Iterator<Item = &str> {
        let found = self.tables.iter().filter_map(move |table| table.find(address));
        found.filter_map(|label| self.labels.get(label as usize)).map(String::as_str)
    }

    /// Whether an address is within a required tag.
    #[must_use]
    pub fn contains(&self, address: Address) -> bool {
        self.tables.iter().any(|table| table.find(address).is_some())
    }

    /// The indices of the required tags that a label belongs to.
    pub fn required_by(&self, label: &str) -> impl Iterator<Item = usize> {
        let required = self.required.iter().enumerate();
        required.filter(move |(_, required)| is_of(label, &required.tag)).map(|(index, _)| index)
    }
}

/// The tags that a catalog requires of a profile, each once, sorted by name. As of endpoints, one
/// occurrence that applies is enough, and what is told of a tag is that of all.
fn required(catalog: &Catalog, profile: &Profile) -> Vec<RequiredTag> {
    let mut by_tag: BTreeMap<&str, Vec<&Occurrence>> = BTreeMap::new();
    for inbound in catalog.inbound() {
        by_tag.entry(&inbound.service_tag).or_default().push(&inbound.occurrence);
    }
    by_tag.retain(|_, occurrences| occurrences.iter().any(|o| profile.covers(o)));
    let required = |(tag, occurrences): (&str, Vec<&Occurrence>)| {
        let mut uses: Vec<String> = Vec::new();
        for purpose in occurrences.iter().filter_map(|o| o.purpose.as_ref()) {
            if !uses.contains(purpose) {
                uses.push(purpose.clone());
            }
        }
        RequiredTag {
            id: format!("inbound:{tag}"),
            tag: tag.to_owned(),
            clouds: occurrences.iter().fold(Clouds::empty(), |all, o| all.union(o.clouds)),
            scenarios: occurrences.iter().fold(Scenarios::empty(), |all, o| all.union(o.scenarios)),
            uses,
        }
    };
    by_tag.into_iter().map(required).collect()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::catalog::Cloud;

    const TAGS: &str = r#"{"changeNumber": 1, "cloud": "Public", "values": [
        {"name": "LogicApps.WestEurope", "properties": {"addressPrefixes": ["192.0.2.0/28"]}},
        {"name": "LogicApps", "properties": {"addressPrefixes": ["192.0.2.0/28", "192.0.2.32/28"]}},
        {"name": "Connectors", "properties": {"addressPrefixes": ["192.0.2.32/32", "2001:db8::/48"]}},
        {"name": "Empty", "properties": {"addressPrefixes": []}},
        {"name": "LogicAppsManagement", "properties": {"addressPrefixes": ["192.0.2.64/28"]}}
    ]}"#;

    const CATALOG: &str = r#"
        [catalog]
        name = "c"
        edition = "1"
        [[endpoint]]
        pattern = "*.example.com"
        protocol = "https"
    "#;

    fn catalog(tags: &[&str]) -> Catalog {
        let rows = tags.iter().map(|tag| format!("[[inbound]]\n{tag}\n"));
        Catalog::parse("c", &format!("{CATALOG}{}", rows.collect::<String>())).unwrap()
    }

    fn known(catalog: &Catalog, profile: &Profile) -> InboundTags {
        InboundTags::new(&ServiceTags::parse(TAGS.as_bytes()).unwrap(), catalog, profile)
    }

    fn labels<'t>(tags: &'t InboundTags, address: &str) -> Vec<&'t str> {
        tags.labels(address.parse::<IpAddr>().unwrap().into()).collect()
    }

    #[test]
    fn an_address_is_labelled_with_the_region_and_with_every_tag_that_holds_it() {
        let catalog = catalog(&[r#"service-tag = "logicapps""#, r#"service-tag = "Connectors""#]);
        let tags = known(&catalog, &Profile::default());
        assert_eq!(labels(&tags, "192.0.2.1"), ["LogicApps.WestEurope"]);
        assert_eq!(labels(&tags, "192.0.2.33"), ["LogicApps"]);
        assert_eq!(labels(&tags, "192.0.2.32"), ["Connectors", "LogicApps"]);
        assert_eq!(labels(&tags, "2001:db8::7"), ["Connectors"]);
        assert!(labels(&tags, "192.0.2.64").is_empty(), "another tag that begins alike");
        let required = |label| tags.required_by(label).collect::<Vec<_>>();
        assert_eq!(required("Connectors"), [0]);
        assert_eq!(required("LogicApps.WestEurope"), [1]);
        assert_eq!(tags.required()[1].id, "inbound:logicapps");
    }

    #[test]
    fn a_region_that_is_required_for_itself_counts_for_both() {
        let both = [r#"service-tag = "LogicApps""#, r#"service-tag = "LogicApps.WestEurope""#];
        let tags = known(&catalog(&both), &Profile::default());
        assert_eq!(labels(&tags, "192.0.2.1"), ["LogicApps.WestEurope"]);
        assert_eq!(tags.required_by("LogicApps.WestEurope").collect::<Vec<_>>(), [0, 1]);
        assert_eq!(tags.required_by("LogicApps").collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn tags_without_addresses_are_missing_and_those_of_other_clouds_are_not_required() {
        let rows = [
            r#"service-tag = "Unknown""#,
            r#"service-tag = "Empty""#,
            "service-tag = \"LogicApps\"\nuse = \"One\"\nclouds = [\"gcc\"]",
            "service-tag = \"LogicApps\"\nuse = \"Two\"\nclouds = [\"dod\"]",
        ];
        let catalog = catalog(&rows);
        let tags = known(&catalog, &Profile::default());
        assert_eq!(tags.missing(), ["Empty", "Unknown"]);
        assert!(tags.required().is_empty() && labels(&tags, "192.0.2.1").is_empty());
        let gcc = Profile { clouds: Clouds::from_iter([Cloud::Gcc]), ..Profile::default() };
        let tags = known(&catalog, &gcc);
        assert_eq!(tags.required()[0].uses, ["One", "Two"]);
        let file = ServiceTags::parse(TAGS.as_bytes()).unwrap();
        assert_eq!(InboundTags::find(&catalog, "inbound:x"), None);
        let tag = InboundTags::find(&catalog, "inbound:LOGICAPPS").unwrap();
        let only = InboundTags::only(&file, &catalog, tag);
        assert_eq!((only.required().len(), only.missing().len()), (1, 0));
    }
}
