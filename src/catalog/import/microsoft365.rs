//! The list of Microsoft 365, as its web service gives it (endpoints.office.com): sets of URLs with ports.

use serde_json::Value;

use super::draft::{Draft, Row, Section};
use super::token;
use crate::catalog::Protocol;

/// Reads the list, or any array of objects with `urls`.
pub(super) fn read(text: &str, draft: &mut Draft) {
    draft.name = Some("microsoft365".to_owned());
    draft.title = Some("Microsoft 365".to_owned());
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    let sets = match &document {
        Value::Array(sets) => sets.as_slice(),
        Value::Object(object) => match object.values().find_map(Value::as_array) {
            Some(sets) => sets.as_slice(),
            None => return,
        },
        _ => return,
    };
    for (number, set) in sets.iter().enumerate() {
        read_set(set, number + 1, draft);
    }
}

fn read_set(set: &Value, number: usize, draft: &mut Draft) {
    let text = |key: &str| set.get(key).and_then(Value::as_str).unwrap_or_default();
    let id = set.get("id").map_or_else(|| number.to_string(), Value::to_string);
    let urls: Vec<&str> = set
        .get("urls")
        .and_then(Value::as_array)
        .map(|urls| urls.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    if urls.is_empty() {
        draft.remark(number, &format!("set {id} has addresses alone, which are no names"));
        return;
    }
    if set.get("required").and_then(Value::as_bool) == Some(false) {
        let notes = text("notes");
        draft.remark(number, &format!("set {id} is not required: {notes}"));
        return;
    }
    let ports: Vec<&str> = text("tcpPorts").split(',').map(str::trim).collect();
    let mut protocols = Vec::new();
    if ports.contains(&"443") {
        protocols.push(Protocol::Https);
    }
    if ports.contains(&"80") {
        protocols.push(Protocol::Http);
    }
    if protocols.is_empty() {
        let ports = if text("tcpPorts").is_empty() { text("udpPorts") } else { text("tcpPorts") };
        draft.remark(
            number,
            &format!("set {id} uses ports {ports}, which are neither https nor http"),
        );
        return;
    }
    let area = text("serviceArea");
    let section = (!area.is_empty()).then(|| {
        let known = draft.sections.iter().position(|section| section.id == area.to_lowercase());
        known.unwrap_or_else(|| {
            let title = text("serviceAreaDisplayName");
            draft.sections.push(Section {
                id: area.to_lowercase(),
                title: if title.is_empty() { area.to_owned() } else { title.to_owned() },
                clouds: None,
                scenarios: None,
            });
            draft.sections.len() - 1
        })
    });
    let purpose = match (text("category"), text("notes")) {
        ("", "") => None,
        (category, "") => Some(format!("Set {id}, {category}")),
        (category, notes) => Some(format!("Set {id}, {category}: {notes}")),
    };
    for url in urls {
        match token::read(url) {
            Ok(token) => {
                for protocol in &protocols {
                    draft.add(Row {
                        pattern: token.pattern.clone(),
                        protocol: *protocol,
                        section,
                        purpose: purpose.clone(),
                        clouds: None,
                        scenarios: None,
                    });
                }
            }
            Err(remark) => draft.remark(number, &remark),
        }
    }
}
