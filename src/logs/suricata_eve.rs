//! Suricata's EVE: one JSON object for each event.
//!
//! ```text
//! {"timestamp":"2025-11-26T04:15:00.000000+0000","event_type":"tls","src_ip":"10.1.2.3","src_port":50123,"dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","tls":{"sni":"www.example.com"}}
//! ```
//!
//! Events of a flow run from client to server. Events of a packet (`alert`, `drop`, `anomaly`)
//! have the packet's addresses, so one that goes to the client is turned round. `allowed` means
//! that a rule only reported.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Json, Scratch};
use super::record::{Action, Decider, Kind, Party, Record};
use super::value;

/// The format.
pub(super) struct SuricataEve;

impl Format for SuricataEve {
    fn about(&self) -> &'static About {
        &About {
            id: "suricata-eve",
            product: "Suricata EVE",
            reference: "Eve JSON Format (Suricata User Guide)",
            recognised_by: "JSON objects with event_type and flow_id or src_ip",
            literals: &[],
        }
    }

    fn read_json(
        &self,
        json: Json<'_>,
        line: &Line<'_>,
        _: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let Some(event) = json.get("event_type").and_then(Json::text) else {
            return Reading::NotMine;
        };
        if json.get("flow_id").is_none() && json.get("src_ip").is_none() {
            return Reading::NotMine;
        }
        let Some(record) = record(json, event, line) else { return Reading::NoRecord };
        emit(record);
        Reading::Records
    }
}

fn record<'s>(json: Json<'s>, event: &str, line: &Line<'_>) -> Option<Record<'s>> {
    let mut record = Record::new(match event {
        "dns" => Kind::Dns,
        "http" => Kind::Http,
        "tls" | "quic" => Kind::Tls,
        "flow" | "netflow" | "alert" | "drop" => Kind::Traffic,
        _ => return None,
    });
    let stamp = json.first(&["timestamp"]).and_then(|raw| value::iso_8601(&raw));
    record.stamp = line.stamp(stamp.unwrap_or_default(), b"");
    let party = |address: &str, port: &str| Party {
        address: json.get(address).and_then(Json::address),
        port: json.get(port).and_then(Json::port),
    };
    record.client = party("src_ip", "src_port");
    record.server = party("dest_ip", "dest_port");
    record.protocol = json.first(&["proto"]).and_then(|raw| value::protocol(&raw));
    if is_to_client(json, event) {
        std::mem::swap(&mut record.client, &mut record.server);
    }
    record.action = action(json, event);
    add_names(&mut record, json);
    record.bytes_back = json.path(&["flow", "bytes_toclient"]).and_then(Json::unsigned);
    if let Some(alert) = json.get("alert") {
        record.decider = Decider {
            rule: alert.first(&["signature"]),
            category: alert.first(&["category"]),
            ..Decider::default()
        };
    }
    Some(record)
}

fn is_to_client(json: Json<'_>, event: &str) -> bool {
    let is_packet = matches!(event, "alert" | "drop" | "anomaly");
    is_packet && json.get("direction").and_then(Json::text) == Some("to_client")
}

fn action(json: Json<'_>, event: &str) -> Action {
    let verdict = json.path(&["verdict", "action"]).and_then(Json::text);
    let alert = json.path(&["alert", "action"]).and_then(Json::text);
    match (event, verdict, alert) {
        (_, Some("drop"), _) if json.path(&["verdict", "reject"]).is_some() => Action::Reset,
        ("drop", ..) | (_, Some("drop"), _) | (_, _, Some("blocked")) => Action::Deny,
        (_, Some("pass" | "alert"), _) | (_, _, Some("allowed")) => Action::Allow,
        _ => Action::Other,
    }
}

fn add_names<'s>(record: &mut Record<'s>, json: Json<'s>) {
    let text = |path: &[&str]| json.path(path).and_then(Json::text);
    for path in [["dns", "rrname"], ["tls", "sni"], ["quic", "sni"], ["http", "hostname"]] {
        if let Some(name) = text(&path) {
            record.add_name(Cow::Borrowed(name.as_bytes()));
        }
    }
    for list in ["query", "queries"] {
        let questions = json.path(&["dns", list]).into_iter().flat_map(Json::elements);
        for name in questions.filter_map(|question| question.get("rrname")?.text()) {
            record.add_name(Cow::Borrowed(name.as_bytes()));
        }
    }
}
