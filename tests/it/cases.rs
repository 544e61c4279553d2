//! Small cases of what people who do this job reported: the verdicts that each must get.
//!
//! They are no part of the repository: `EGRESS_AUDIT_CORPUS` names the folder that holds them in `cases`, by
//! default `../shared/corpus`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

#[test]
#[ignore = "needs the corpus"]
fn every_case_gets_its_verdicts() {
    let corpus = std::env::var_os("EGRESS_AUDIT_CORPUS")
        .map_or_else(|| PathBuf::from("../shared/corpus"), PathBuf::from);
    let folder = corpus.join("cases");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("case.json").is_file())
        .collect();
    cases.sort();
    let (mut faults, mut checked) = (Vec::new(), 0);
    for path in &cases {
        let text = std::fs::read_to_string(path.join("case.json")).unwrap();
        let case: Value = serde_json::from_str(&text).unwrap();
        checked += 1;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        faults.extend(check(path, &case).into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(checked > 100, "{checked} cases in {}", folder.display());
    assert!(faults.is_empty(), "{} of {checked} cases:\n{}", faults.len(), faults.join("\n"));
}

/// What is not as a case expects.
fn check(folder: &Path, case: &Value) -> Vec<String> {
    let words = |key: &str| {
        let words = case[key].as_array().into_iter().flatten();
        words.map(|word| word.as_str().unwrap().to_owned()).collect::<Vec<String>>()
    };
    let done = Command::new(env!("CARGO_BIN_EXE_egress-audit"))
        .args(["audit", "--format", "json", "-q"])
        .args(words("args"))
        .args(words("inputs"))
        .current_dir(folder)
        .output()
        .unwrap();
    let Ok(report) = serde_json::from_slice::<Value>(&done.stdout) else {
        return vec![format!("no report: {}", String::from_utf8_lossy(&done.stderr))];
    };
    let mut faults = Vec::new();
    let find = |id: &str| {
        let rows = report["endpoints"].as_array().into_iter().flatten();
        rows.into_iter().find(|row| row["id"] == id)
    };
    for (id, expected) in case["expect"].as_object().into_iter().flatten() {
        let row = find(id);
        let verdict = row.map_or("never_seen", |row| row["verdict"].as_str().unwrap());
        if !strings(&expected["verdict"]).contains(verdict) {
            faults.push(format!("{id} is {verdict}, not {}", expected["verdict"]));
        }
        let causes = blocked_by(row);
        let wanted = strings(&expected["cause"]);
        let has_cause = matches!(verdict, "blocked" | "mixed" | "degraded");
        if has_cause && !wanted.is_empty() && wanted.is_disjoint(&causes) {
            faults.push(format!("{id} is blocked by {causes:?}, not {wanted:?}"));
        }
        if !strings(&expected["not_cause"]).is_disjoint(&causes) {
            faults.push(format!("{id} is blocked by {causes:?}"));
        }
    }
    for (id, wanted) in case["reason_contains"].as_object().into_iter().flatten() {
        let reason = find(id).map_or(String::new(), |row| row["reason"].to_string().to_lowercase());
        if !strings(wanted).iter().any(|word| reason.contains(&word.to_lowercase())) {
            faults.push(format!("the reason of {id} is {reason}"));
        }
    }
    let verdicts: BTreeSet<&str> = report["endpoints"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|row| row["verdict"].as_str())
        .collect();
    let has = |words: &[&str]| words.iter().any(|word| verdicts.contains(word));
    let code = match () {
        () if has(&["blocked", "mixed"]) => 1,
        () if has(&["reached", "degraded", "allowed"]) => 0,
        () => 3,
    };
    if done.status.code() != Some(code) {
        faults.push(format!("{:?} instead of exit code {code}", done.status));
    }
    faults
}

/// The causes of an endpoint's blocked outcomes.
fn blocked_by(row: Option<&Value>) -> BTreeSet<String> {
    let names = row.and_then(|row| row["names"].as_array()).into_iter().flatten();
    names
        .flat_map(|name| name["outcomes"].as_array().into_iter().flatten())
        .filter(|outcome| outcome["outcome"] == "blocked")
        .filter_map(|outcome| outcome["cause"].as_str().map(str::to_owned))
        .collect()
}

fn strings(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}
