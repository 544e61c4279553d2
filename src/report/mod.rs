//! The report: owned, sorted, complete; the JSON contract.
//!
//! The types of this module serialise to the documents that [`SCHEMA`] describes, key for key and in
//! the order of their fields. Fields are added, never repurposed. All times are RFC 3339 in UTC with
//! the precision of their source. Texts are kept as the inputs gave them: escaping belongs to the
//! output, and [`render`](crate::render) has one escaper for each medium.

mod contradiction;
mod coverage;
mod endpoint;
mod explain;
mod formats;
mod names;
mod outcome;
mod records;
#[cfg(test)]
pub(crate) mod sample;
mod sites;
mod verdict;
mod watch;

use serde::Serialize;

pub use contradiction::{ContradictionKind, ContradictionReport};
pub use coverage::{
    AnomalyReport, AnomalySample, CoverageReport, EncryptedDns, EvictionReport, FlowCoverage,
    InputKind, InputReport, KindCount, LineCoverage, LinkTypeReport, PacketCoverage, ReasonCount,
    UnnamedReport, UnnamedServer,
};
pub use endpoint::{
    ClientReport, DeciderReport, EndpointReport, EvidenceReport, NameReport, NearMiss,
    NearMissReason, OutcomeReport,
};
pub use explain::{ExplainEvent, ExplainReport};
pub use formats::{DetectionReport, FormatRow, LineFinding};
pub use names::{NameRow, NamesReport};
pub use records::RecordRow;
pub use sites::SiteReport;
pub use verdict::{MixedBy, Summary, Verdict};
pub use watch::{Change, Finding};

/// The version of the contract, the value of the key `schema` in every report.
pub const SCHEMA_ID: &str = "egress-audit/report/1";

/// The JSON Schema (draft 2020-12) of the report.
///
/// Its `$defs` also describe the documents of the other commands: `explain`, `names_row` and
/// `finding`.
pub const SCHEMA: &str = include_str!("schema.json");

/// The verdict on every required endpoint, with all that it rests on.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// The version of the contract: [`SCHEMA_ID`].
    pub schema: &'static str,
    /// What made the report.
    pub tool: Tool,
    /// What was required.
    pub catalog: CatalogReport,
    /// What was read, sorted by site and path. Evidence points into this list by index.
    pub inputs: Vec<InputReport>,
    /// How much of the inputs was understood, and what that means for "never seen".
    pub coverage: CoverageReport,
    /// The verdicts, counted.
    pub summary: Summary,
    /// Every required endpoint of the profile, sorted by id.
    pub endpoints: Vec<EndpointReport>,
    /// Traffic to required names that does not satisfy an endpoint, sorted.
    pub near_misses: Vec<NearMiss>,
    /// Where logs and captures contradict each other about required endpoints, sorted.
    pub contradictions: Vec<ContradictionReport>,
    /// The same by site, sorted by name: what stands above is their sum, in which an endpoint has the
    /// gravest of its verdicts. Inputs that were not told apart are one site without a name.
    pub sites: Vec<SiteReport>,
}

/// The program that made a report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Tool {
    /// This program.
    pub const THIS: Self = Self { name: "egress-audit", version: env!("CARGO_PKG_VERSION") };
}

/// The catalog and the part of it that applies.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct CatalogReport {
    /// Name of the catalog.
    pub name: String,
    /// Its edition, a date for the catalogs that are built in.
    pub edition: String,
    /// SHA-256 of the catalog's text, in lower-case hexadecimal.
    pub sha256: String,
    /// The clouds of the profile.
    pub clouds: Vec<String>,
    /// The scenarios of the profile.
    pub scenarios: Vec<String>,
    /// The newest edition of the same catalog that is built in, when the one used is older.
    pub newer_edition: Option<String>,
    /// The service-tag file that tells the addresses of what must be let in; none when none was
    /// given, and then that is not judged.
    pub service_tags: Option<ServiceTagsReport>,
}

/// A service-tag file, and what of the catalog it cannot tell.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct ServiceTagsReport {
    /// The cloud that it is of, as it says.
    pub cloud: String,
    /// The number of its edition, as it says; empty where it says none.
    pub change_number: String,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
    /// Required tags that it lists no addresses of, sorted; they are not judged.
    pub missing: Vec<String>,
}

impl Report {
    /// Puts every list into the order that the contract promises, and counts the verdicts.
    ///
    /// The inputs keep their order, because evidence points into them by index.
    pub fn finish(&mut self) {
        self.sites.iter_mut().for_each(SiteReport::finish);
        let Self { endpoints, near_misses, contradictions, coverage, .. } = self;
        self.summary = sites::arranged(endpoints, near_misses, contradictions, coverage);
    }

    /// Every sum in the report that does not come out, as sentences; empty for a sound report.
    #[must_use]
    pub fn discrepancies(&self) -> Vec<String> {
        let mut found = self.coverage.discrepancies();
        coverage::compare_inputs(&self.inputs, &self.coverage, &mut found);
        for site in &self.sites {
            let of_site = site.coverage.discrepancies();
            let name = site.name.as_deref().unwrap_or("the inputs");
            found.extend(of_site.iter().map(|sentence| format!("{name}: {sentence}")));
        }
        if self.summary != Summary::of(&self.endpoints) {
            found.push("the summary does not count the verdicts of the endpoints".to_owned());
        }
        found
    }

    /// Whether every sum comes out; see [`discrepancies`](Self::discrepancies).
    #[must_use]
    pub fn reconciles(&self) -> bool {
        self.discrepancies().is_empty()
    }

    /// Whether an input could not be read, or not to its end.
    #[must_use]
    pub fn has_failed_inputs(&self) -> bool {
        self.inputs.iter().any(|input| input.error.is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;

    fn schema() -> Value {
        serde_json::from_str(SCHEMA).unwrap()
    }

    /// The schema with one of its definitions as the root.
    fn schema_of(definition: &str) -> Value {
        let mut schema = schema();
        let root = schema.as_object_mut().unwrap();
        for key in ["type", "properties", "required", "additionalProperties"] {
            root.remove(key);
        }
        root.insert("$ref".to_owned(), json!(format!("#/$defs/{definition}")));
        schema
    }

    fn check(schema: &Value, document: &Value) {
        let validator = jsonschema::draft202012::new(schema).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(document)
            .map(|error| format!("{}: {error}", error.instance_path))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }

    #[test]
    fn a_report_with_every_variant_satisfies_the_schema() {
        check(&schema(), &serde_json::to_value(sample::report()).unwrap());
        check(&schema(), &serde_json::to_value(sample::empty()).unwrap());
    }

    #[test]
    fn the_documents_of_the_other_commands_satisfy_the_schema() {
        check(&schema_of("explain"), &serde_json::to_value(sample::explain()).unwrap());
        let names = sample::names();
        assert!(!names.rows.is_empty());
        for row in &names.rows {
            check(&schema_of("names_row"), &serde_json::to_value(row).unwrap());
        }
    }

    #[test]
    fn the_schema_rejects_what_the_contract_does_not_know() {
        let schema = schema();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let good = serde_json::to_value(sample::report()).unwrap();
        for (pointer, key) in
            [("", "extra"), ("/coverage", "extra"), ("/endpoints/1/names/0/evidence/0", "extra")]
        {
            let mut bad = good.clone();
            let object = bad.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
            object.insert(key.to_owned(), Value::Null);
            assert!(!validator.is_valid(&bad), "{pointer}/{key}");
        }
        let mut bad = good.clone();
        *bad.pointer_mut("/endpoints/0/verdict").unwrap() = json!("fine");
        assert!(!validator.is_valid(&bad));
    }

    /// Walks schema and document together: an object of the document has exactly the properties
    /// that the schema states, and all of them are required.
    fn same_keys(root: &Value, node: &Value, document: &Value, path: &str) {
        let mut node = node;
        while let Some(reference) = node.get("$ref").and_then(Value::as_str) {
            node = root.pointer(reference.trim_start_matches('#')).unwrap();
        }
        if let Some(choices) = node.get("anyOf").or_else(|| node.get("oneOf")) {
            for choice in choices.as_array().unwrap() {
                let mut alone = choice.clone();
                alone.as_object_mut().unwrap().insert("$defs".to_owned(), root["$defs"].clone());
                if jsonschema::draft202012::is_valid(&alone, document) {
                    return same_keys(root, choice, document, path);
                }
            }
            panic!("{path}: no choice of the schema fits");
        }
        match document {
            Value::Object(object) => {
                let keys: BTreeSet<&str> = object.keys().map(String::as_str).collect();
                let properties: BTreeSet<&str> = node["properties"]
                    .as_object()
                    .unwrap_or_else(|| panic!("{path}: the schema states no properties"))
                    .keys()
                    .map(String::as_str)
                    .collect();
                let required: BTreeSet<&str> =
                    node["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
                assert_eq!(keys, properties, "{path}");
                assert_eq!(required, properties, "{path}");
                assert_eq!(node["additionalProperties"], json!(false), "{path}");
                for (key, value) in object {
                    same_keys(root, &node["properties"][key], value, &format!("{path}/{key}"));
                }
            }
            Value::Array(items) => {
                for item in items {
                    same_keys(root, &node["items"], item, &format!("{path}[]"));
                }
            }
            _ => {}
        }
    }

    #[test]
    fn schema_and_types_state_the_same_keys() {
        let root = schema();
        same_keys(&root, &root, &serde_json::to_value(sample::report()).unwrap(), "report");
        let explain = serde_json::to_value(sample::explain()).unwrap();
        same_keys(&root, &root["$defs"]["explain"], &explain, "explain");
        for row in &sample::names().rows {
            let row = serde_json::to_value(row).unwrap();
            same_keys(&root, &root["$defs"]["names_row"], &row, "names_row");
        }
    }

    #[test]
    fn the_vocabularies_of_the_schema_are_those_of_the_types() {
        use crate::observe::{Cause, Doubt};
        let root = schema();
        let words = |name: &str| root["$defs"][name]["enum"].clone();
        let causes: Vec<&str> = Cause::ALL.iter().map(|cause| cause.as_str()).collect();
        let doubts: Vec<&str> = Doubt::ALL.iter().map(|doubt| doubt.as_str()).collect();
        assert_eq!(words("block_cause"), json!(causes));
        assert_eq!(words("doubt"), json!(doubts));
        assert_eq!(words("verdict"), serde_json::to_value(Verdict::ALL).unwrap());
        for verdict in Verdict::ALL {
            assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.as_str());
        }
    }

    #[test]
    fn the_keys_stand_in_the_order_of_the_contract() {
        let text = serde_json::to_string(&sample::report()).unwrap();
        let mut from = 0;
        for key in [
            "schema",
            "tool",
            "catalog",
            "inputs",
            "coverage",
            "summary",
            "endpoints",
            "near_misses",
            "contradictions",
            "sites",
        ] {
            let at = text.find(&format!("\"{key}\":")).unwrap();
            assert!(at >= from, "{key}");
            from = at;
        }
        let evidence = serde_json::to_string(&sample::evidence()).unwrap();
        let keys: Vec<&str> = evidence
            .split('"')
            .filter(|part| part.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
            .collect();
        let order = [
            "input",
            "record",
            "offset",
            "time",
            "client",
            "server",
            "device",
            "rule",
            "policy",
            "category",
            "transport",
            "outcome",
            "cause",
            "named_by",
            "detail",
            "wireshark",
            "line",
        ];
        let mut keys = keys.iter();
        for key in order {
            assert!(keys.any(|found| *found == key), "{key}");
        }
    }

    #[test]
    fn the_sample_reconciles_and_a_wrong_sum_is_found() {
        let report = sample::report();
        assert_eq!(report.discrepancies(), Vec::<String>::new());
        let mut wrong = report.clone();
        wrong.coverage.packets.decoded += 1;
        assert!(!wrong.reconciles());
        let mut wrong = report.clone();
        wrong.summary.blocked += 1;
        assert!(!wrong.reconciles());
        let mut wrong = report;
        wrong.inputs[0].decoded += 1;
        assert!(!wrong.reconciles());
    }

    #[test]
    fn finishing_gives_the_same_report_for_any_order() {
        let expected = sample::report();
        let mut report = expected.clone();
        report.endpoints.reverse();
        report.near_misses.reverse();
        report.contradictions.reverse();
        report.coverage.link_types.reverse();
        for endpoint in &mut report.endpoints {
            endpoint.names.reverse();
            for name in &mut endpoint.names {
                name.outcomes.reverse();
                name.evidence.reverse();
            }
        }
        report.finish();
        assert_eq!(report, expected);
    }
}
