//! Cato Networks: events of the SASE cloud, one JSON object each.
//!
//! ```text
//! {"event_time":"2025-11-26T04:15:00Z","account_id":"1234","action":"Block","event_type":"Security","event_sub_type":"Internet Firewall","src_ip":"10.1.2.3","dest_ip":"203.0.113.9","dest_port":"443","ip_protocol":"TCP","domain_name":"www.example.com","rule_name":"No games"}
//! ```
//!
//! `Block` denies; `Allow` and `Monitor` let pass; `Prompt` asks the user. All values are texts.
//!
//! What it witnesses: No bytes are stated: what passes is `allow`. `Block` is of a connection, TCP or
//! QUIC alike; control bits are not logged.

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Json, Scratch};
use super::record::{Action, Decider, Kind, Party, Record};
use super::stamp::Stamp;
use super::{cef_event, value};
use crate::observe::Cause;

/// The format.
pub(super) struct Cato;

impl Format for Cato {
    fn about(&self) -> &'static About {
        &About {
            id: "cato",
            product: "Cato Networks events",
            reference: "Cato Events: field descriptions",
            recognised_by: "JSON objects with event_type, event_sub_type and account_id",
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
        let has = |key: &str| json.get(key).is_some();
        if !(has("event_type") && has("account_id") && has("event_sub_type")) {
            return Reading::NotMine;
        }
        let Some(record) = record(json, line) else { return Reading::NoRecord };
        emit(&record);
        Reading::Records
    }
}

fn record<'s>(json: Json<'s>, line: &Line<'_>) -> Option<Record<'s>> {
    let url = json.first(&["full_path_url"]);
    let question = json.first(&["dns_query"]);
    let domain = json.first(&["domain_name"]);
    let mut record = Record::new(match (&question, &url, &domain) {
        (Some(_), ..) => Kind::Dns,
        (_, Some(_), _) => Kind::Http,
        (_, _, Some(_)) => Kind::Tls,
        _ => Kind::Traffic,
    });
    let party = |address: &str, port: &str| Party {
        address: json.get(address).and_then(Json::address),
        port: json.get(port).and_then(Json::port),
    };
    record.client = party("src_ip", "src_port");
    record.server = party("dest_ip", "dest_port");
    record.protocol = json.first(&["ip_protocol"]).and_then(|raw| value::protocol(&raw));
    record.stamp = line.stamp(stamp(json), b"");
    for name in [question, domain].into_iter().flatten() {
        record.add_name(name);
    }
    if let Some(url) = url {
        record.add_url(url);
    }
    // Connectivity events have no destination.
    if record.server.address.is_none() && record.names.is_empty() {
        return None;
    }
    record.action = json
        .first(&["action"])
        .map(|action| match value::is_one_of(&action, &["prompt"]) {
            true => Action::Other,
            false => cef_event::verdict(&action),
        })
        .unwrap_or_default();
    let event = json.first(&["event_sub_type"]);
    if record.action == Action::Deny {
        record.cause = match record.kind {
            Kind::Dns => Some(Cause::DnsFiltered),
            Kind::Http | Kind::Tls => Some(Cause::UrlFiltered),
            Kind::Traffic => None,
        };
    }
    record.decider = Decider {
        rule: json.first(&["rule_name", "rule", "network_rule"]),
        policy: event,
        category: json.first(&["categories", "custom_categories", "threat_type"]),
        reason: json.first(&["threat_name", "threat_verdict"]),
    };
    Some(record)
}

fn stamp(json: Json<'_>) -> Stamp {
    json.first(&["event_time", "event_timestamp", "time"])
        .and_then(|raw| value::event_time(&raw))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn the_name_gives_the_kind() {
        let of = |rest: &str| {
            let front = r#"{"event_time":"2025-11-26T04:15:00Z","account_id":"1","event_type":"Security","event_sub_type":"Internet Firewall","src_ip":"10.1.2.3""#;
            read(&[&format!("{front},{rest}}}")]).remove(0)
        };
        assert_eq!(
            of(
                r#""action":"Block","dest_ip":"203.0.113.9","dest_port":"443","ip_protocol":"TCP","domain_name":"www.example.com","rule_name":"No games","full_path_url":"""#
            ),
            "cato deny tls tcp 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z url_filtered by No games; Internet Firewall"
        );
        assert_eq!(
            of(
                r#""action":"Monitor","dest_ip":"203.0.113.9","full_path_url":"http://www.example.com/a""#
            ),
            "cato allow http - 10.1.2.3 203.0.113.9#80 www.example.com 2025-11-26T04:15:00Z by Internet Firewall"
        );
        assert_eq!(of(r#""action":"Succeeded""#), "cato no record");
    }
}
