//! Registry, files and words agree with each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use egress_audit_fixtures::scenarios;

use super::support::{LOG_CASES, fixture, root};

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Every file of the project, build products and hidden folders aside.
fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_product = matches!(name.as_str(), ".git" | "target" | "corpus" | "artifacts");
            if is_product || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn every_scenario_has_its_folder_and_every_folder_its_scenario() {
    let expected: BTreeSet<String> =
        scenarios().iter().map(|scenario| scenario.name.to_owned()).collect();
    assert_eq!(names_in(&root().join("fixtures/captures")), expected);
    for scenario in scenarios() {
        let capture = fixture(&scenario);
        let readme = fs::read_to_string(capture.with_file_name("README.md")).unwrap();
        assert!(readme.contains(scenario.shows), "{}", scenario.name);
        let file = capture.file_name().unwrap().to_string_lossy().into_owned();
        let expected = BTreeSet::from([file, "README.md".to_owned()]);
        assert_eq!(names_in(capture.parent().unwrap()), expected, "{}", scenario.name);
    }
}

#[test]
fn every_example_of_logs_has_its_folder_and_its_report() {
    let known: BTreeSet<String> = LOG_CASES.iter().map(|case| case.name.to_owned()).collect();
    assert_eq!(names_in(&root().join("fixtures/log-cases")), known);
    assert!(known.is_subset(&names_in(&root().join("fixtures/reports"))));
    for case in &LOG_CASES {
        assert!(!case.files().is_empty(), "{}", case.name);
        let readme = root().join("fixtures/log-cases").join(case.name).join("README.md");
        assert!(fs::read_to_string(&readme).unwrap().contains("Provenance: synthetic"));
    }
}

#[test]
fn every_report_belongs_to_a_scenario() {
    let captures = scenarios().into_iter().map(|scenario| scenario.name.to_owned());
    let logs = LOG_CASES.iter().map(|case| case.name.to_owned());
    let sites = ["sites".to_owned()];
    let known: BTreeSet<String> = captures.chain(logs).chain(sites).collect();
    let reports = names_in(&root().join("fixtures/reports"));
    assert!(reports.is_subset(&known), "{:?}", reports.difference(&known));
}

#[test]
fn the_architecture_names_every_module() {
    let path = root().join("src/ARCHITECTURE.md");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let modules = library.lines().filter_map(|line| {
        line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("mod "))?.strip_suffix(';')
    });
    for module in modules {
        assert!(text.contains(module), "{module} is not named");
    }
}

#[test]
fn the_readme_lists_every_log_format() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let listed: Vec<(&str, &str)> = readme
        .lines()
        .skip_while(|line| *line != "| format | product |")
        .skip(2)
        .map_while(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "))
        .collect();
    let rows = egress_audit::formats();
    let logs = rows.iter().filter(|row| row.kind == "log");
    assert_eq!(listed, logs.map(|row| (row.id, row.product)).collect::<Vec<_>>());
}

#[test]
fn no_text_names_the_place_where_it_was_written() {
    // In two parts, so that this file does not hold it.
    let place = ["/wo", "rk/"].concat();
    for path in files() {
        let Ok(text) = fs::read_to_string(&path) else { continue };
        assert!(!text.contains(&place), "{}", path.display());
    }
}
