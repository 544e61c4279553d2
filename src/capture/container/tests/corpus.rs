//! Real captures, compared with what other readers say about them.

use std::path::PathBuf;

use serde_json::Value;

use super::*;
use crate::input::{self, InputPath};

fn block_name(kind: u32) -> String {
    match kind {
        0x0a0d_0d0a => "SHB".to_owned(),
        1 => "IDB".to_owned(),
        2 => "PB".to_owned(),
        3 => "SPB".to_owned(),
        4 => "NRB".to_owned(),
        5 => "ISB".to_owned(),
        6 => "EPB".to_owned(),
        10 => "DSB".to_owned(),
        0x0bad => "CB".to_owned(),
        0x4000_0bad => "CB-nocopy".to_owned(),
        _ => format!("{kind:#x}"),
    }
}

/// What differs between the file as it is read here and the truth on it.
fn differences(
    truth: &Value,
    packets: &[(PacketRecord, Vec<u8>)],
    summary: &ContainerSummary,
) -> Vec<String> {
    let container = &truth["container"];
    let mut found = Vec::new();
    let mut compare = |what: &str, ours: Value, theirs: &Value| {
        if ours != *theirs {
            found.push(format!("{what}: {ours} here, {theirs} there"));
        }
    };
    compare("format", summary.format.as_str().into(), &container["format"]);
    compare("packets", summary.packets.into(), &truth["packets"]);
    compare("records", packets.len().into(), &container["records"]);
    if let Some(frames) = truth.get("tshark_packets") {
        compare("frames", summary.records.into(), frames);
    }
    if container["endian"].is_string() {
        compare("endian", summary.endian.as_str().into(), &container["endian"]);
    } else {
        compare("endian", (summary.endian == Endian::Mixed).into(), &true.into());
    }
    if !container["resolution"].is_null() {
        let resolution = if summary.time_digits == 9 { "ns" } else { "us" };
        compare("resolution", resolution.into(), &container["resolution"]);
    }
    compare("cut", summary.cut.is_some().into(), &container.get("file_cut").is_some().into());

    let interface = |found: &InterfaceSummary| (found.link_type, found.snaplen);
    let number = |value: &Value| value.as_u64().unwrap();
    let theirs: Vec<_> = container["interfaces"].as_array().unwrap().iter().collect();
    // A long list ends with a remark in place of the rest.
    let theirs: Vec<_> = theirs.into_iter().filter(|found| found.is_object()).collect();
    let ours: Vec<_> = summary.interfaces.iter().map(interface).collect();
    let expected: Vec<_> = theirs
        .iter()
        .map(|found| (number(&found["linktype"]) as u16, number(&found["snaplen"]) as u32))
        .collect();
    // The truth lists an interface that several sections repeat once.
    if summary.sections == 1 && !ours.starts_with(&expected) {
        found.push(format!("interfaces: {ours:?} here, {expected:?} there"));
    }
    if let Some(blocks) = container.get("blocks").and_then(Value::as_object) {
        let ours: std::collections::BTreeMap<_, _> =
            summary.blocks.iter().map(|(kind, count)| (block_name(*kind), *count)).collect();
        let theirs: std::collections::BTreeMap<_, _> =
            blocks.iter().map(|(name, count)| (name.clone(), number(count))).collect();
        if ours != theirs {
            found.push(format!("blocks: {ours:?} here, {theirs:?} there"));
        }
    }
    found
}

#[test]
#[ignore = "reads the corpus"]
fn every_capture_of_the_corpus_has_the_packets_that_it_should() {
    let root = std::env::var_os("EGRESS_AUDIT_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    );
    let root = root.join("captures");
    let truth = std::fs::read(root.join("expected.json")).unwrap();
    let truth: Value = serde_json::from_slice(&truth).unwrap();
    let mut all = Vec::new();
    for (name, truth) in truth["captures"].as_object().unwrap() {
        let opened = input::open(&InputPath::File(root.join(name))).unwrap();
        let is_capture = matches!(input::detect(&opened.head), input::Detected::Capture(_));
        let (packets, summary) = drain(opened.reader);
        let mut found = differences(truth, &packets, &summary);
        if !is_capture {
            found.push("not detected as a capture".to_owned());
        }
        // Doubtful truth: lengths in the order of old versions, half a record that tshark
        // counts, files that tshark refuses. They must be read without failing all the same.
        if truth.get("doubtful").is_none() {
            all.extend(found.into_iter().map(|found| format!("{name}: {found}")));
        }
    }
    assert!(all.is_empty(), "{} differences:\n{}", all.len(), all.join("\n"));
}
