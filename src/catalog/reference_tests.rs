//! The built-in catalogs against the pages they were taken from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Catalog;

fn page(name: &str) -> String {
    let folder = std::env::var_os("EGRESS_AUDIT_REFERENCE").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/reference")),
        PathBuf::from,
    );
    let path = folder.join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The anchor that the publisher's site gives to a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// How often (pattern, protocol, section) stands in the tables of a page.
fn rows(page: &str) -> BTreeMap<(String, String, String), usize> {
    let mut rows = BTreeMap::new();
    let mut section = String::new();
    let mut in_table = false;
    for line in page.lines().map(str::trim) {
        if line.starts_with('#') {
            section = anchor(line);
        }
        let Some(line) = line.strip_prefix('|') else {
            in_table = false;
            continue;
        };
        let mut cells = line.split('|').map(str::trim);
        let (Some(domains), Some(protocol)) = (cells.next(), cells.next()) else { continue };
        if domains == "Domains" {
            in_table = true;
        } else if in_table && !domains.starts_with("--") {
            for domain in domains.split('<').map(|part| part.rsplit('>').next().unwrap_or(part)) {
                let domain = domain.trim().trim_start_matches('\\').to_owned();
                *rows.entry((domain, protocol.to_owned(), section.clone())).or_default() += 1;
            }
        }
    }
    rows
}

#[test]
#[ignore = "reads the reference page"]
fn every_row_of_the_pages_is_in_the_catalogs_and_nothing_else() {
    for (spec, name) in [
        ("power-automate@2023-04-17", "power-automate-ip-address-configuration.md"),
        ("power-automate@2026-05-13", "power-automate-ip-address-configuration-2026-05-13.md"),
    ] {
        let catalog = Catalog::builtin(spec).unwrap();
        let mut ours = BTreeMap::new();
        for endpoint in catalog.endpoints() {
            for occurrence in &endpoint.occurrences {
                let section = catalog.sections()[occurrence.section.unwrap()].id.clone();
                let row =
                    (endpoint.pattern.as_str().to_owned(), endpoint.protocol.to_string(), section);
                *ours.entry(row).or_default() += 1;
            }
        }
        assert_eq!(ours, rows(&page(name)), "{spec}");
    }
}

#[test]
#[ignore = "reads the reference page"]
fn no_use_is_a_sentence_of_the_page() {
    for (spec, name) in [
        ("power-automate@2023-04-17", "power-automate-ip-address-configuration.md"),
        ("power-automate@2026-05-13", "power-automate-ip-address-configuration-2026-05-13.md"),
    ] {
        let catalog = Catalog::builtin(spec).unwrap();
        let page = page(name).to_lowercase();
        for endpoint in catalog.endpoints() {
            for purpose in endpoint.uses() {
                let copied = page.contains(&purpose.to_lowercase());
                assert!(!copied || purpose.split(' ').count() <= 4, "{spec}: {purpose}");
            }
        }
    }
}

#[test]
#[ignore = "reads the reference page"]
fn the_pages_import_to_the_built_in_editions() {
    for (spec, name) in [
        ("power-automate@2023-04-17", "power-automate-ip-address-configuration.md"),
        ("power-automate@2026-05-13", "power-automate-ip-address-configuration-2026-05-13.md"),
    ] {
        let built_in = Catalog::builtin(spec).unwrap();
        let imported = super::import::import(name, page(name).as_bytes()).unwrap().catalog;
        let rows = |catalog: &Catalog| -> Vec<(String, Vec<String>)> {
            let endpoints = catalog.endpoints().iter().map(|endpoint| {
                let mut occurrences: Vec<String> = endpoint
                    .occurrences
                    .iter()
                    .map(|row| {
                        let section = row.section.map_or("", |at| &catalog.sections()[at].id);
                        format!("{section}: {}; {}", row.clouds, row.scenarios)
                    })
                    .collect();
                occurrences.sort();
                (endpoint.id.clone(), occurrences)
            });
            endpoints.collect()
        };
        let (ours, theirs) = (rows(&built_in), rows(&imported));
        let differing: Vec<_> = ours
            .iter()
            .filter(|row| !theirs.contains(row))
            .chain(theirs.iter().filter(|row| !ours.contains(row)))
            .collect();
        assert!(differing.is_empty(), "{spec}: {differing:#?}");
        assert_eq!(imported.edition(), built_in.edition());
        assert_eq!(imported.name(), built_in.name());
        let provenance = built_in.provenance().expect("where it is from");
        assert_eq!(Some(provenance), imported.provenance());
        assert_eq!(built_in.notes(), imported.notes());
        let tags = |catalog: &Catalog| -> Vec<String> {
            catalog.inbound().iter().map(|inbound| inbound.service_tag.clone()).collect()
        };
        // The older page names service tags in its prose alone.
        let known = tags(&built_in);
        assert!(tags(&imported).iter().all(|tag| known.contains(tag)), "{spec}");
        assert_eq!(imported.inbound().is_empty(), spec.ends_with("2023-04-17"));
    }
}

#[test]
fn rows_are_read_from_tables_of_domains() {
    let page = "## My Section (one)\n| Domains | P | U |\n|---|---|---|\n| \\*.a.b<br />c.d | https | x |\n\n| Other | P |\n| e.f | https |\n";
    let rows = rows(page);
    let names: Vec<_> =
        rows.keys().map(|(name, _, section)| (name.as_str(), section.as_str())).collect();
    assert_eq!(names, [("*.a.b", "my-section-one"), ("c.d", "my-section-one")]);
}
