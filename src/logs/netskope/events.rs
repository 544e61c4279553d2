//! Events of Netskope's REST interface.
//!
//! ```text
//! {"timestamp":1764130500,"type":"nspolicy","access_method":"Client","action":"block","url":"www.example.com/","dstip":"203.0.113.9","dstport":443,"srcip":"198.51.100.7","userip":"10.1.2.3","app":"Example","policy":"p","category":"News"}
//! ```
//!
//! `allow`, `alert`, `useralert` and `bypass` let pass, `block` blocks. `srcip` is the client as
//! Netskope sees it, `userip` its own address; `hostname` is the client's. What is marked
//! `bypass_traffic` passes whatever the action says.
//!
//! What it witnesses: `server_bytes` are payload. A block is the proxy's; tunnels that fail for another
//! reason are not logged.

use super::action;
use crate::logs::format::{About, Emit, Format, Line, Reading};
use crate::logs::grammar::{Json, Scratch};
use crate::logs::record::{Action, Decider, Kind, Party, Record};
use crate::logs::value;
use crate::observe::Cause;

/// The format.
pub(in crate::logs) struct NetskopeEvents;

impl Format for NetskopeEvents {
    fn about(&self) -> &'static About {
        &About {
            id: "netskope-events",
            product: "Netskope events",
            reference: "REST API events (Netskope)",
            recognised_by: "JSON objects with timestamp, access_method, and url, dstip or dsthost",
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
        if !has("access_method") || !has("timestamp") || !has("app") {
            return Reading::NotMine;
        }
        let kind = json.get("type").and_then(Json::text).unwrap_or_default();
        let is_network = kind == "network";
        let url = json.first(&["url"]);
        let host = json.first(&["dsthost", "domain"]);
        let addresses = (address(json, &["srcip", "userip"]), address(json, &["dstip", "dsthost"]));
        if url.is_none() && host.is_none() && addresses.1.is_none() {
            return Reading::NoRecord;
        }
        let mut record = Record::new(if is_network { Kind::Traffic } else { Kind::Http });
        let stamp = json.get("timestamp").and_then(Json::stamp);
        record.stamp = line.stamp(stamp.unwrap_or_default(), b"");
        record.client =
            Party { address: addresses.0, port: json.get("srcport").and_then(Json::port) };
        record.server =
            Party { address: addresses.1, port: json.get("dstport").and_then(Json::port) };
        record.protocol = json.first(&["ip_protocol"]).and_then(|raw| value::protocol(&raw));
        if let Some(url) = url {
            record.add_url(url);
        } else if let Some(host) = host {
            record.add_name(host);
        }
        record.set_payload_back(json.get("server_bytes").and_then(Json::unsigned));
        record.action = json.first(&["action"]).and_then(|word| action(&word)).unwrap_or_default();
        if json.first(&["bypass_traffic"]).is_some_and(|word| value::is_one_of(&word, &["yes"])) {
            record.action = Action::Allow;
        }
        record.cause = (record.action == Action::Deny && !is_network).then_some(Cause::UrlFiltered);
        record.decider = Decider {
            policy: json.first(&["policy"]),
            category: json.first(&["category", "appcategory"]),
            ..Decider::default()
        };
        emit(&record);
        Reading::Records
    }
}

fn address(json: Json<'_>, keys: &[&str]) -> Option<std::net::IpAddr> {
    keys.iter().find_map(|key| json.get(key)?.address())
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn the_clients_own_name_is_none_of_the_servers() {
        let lines = r#"{"timestamp":1764130500,"type":"nspolicy","access_method":"Client","action":"block","url":"www.example.com/a","hostname":"PC-17","dstip":"203.0.113.9","dstport":443,"srcip":"198.51.100.7","app":"Example","referer":"https://other.example/"}
{"timestamp":1764130501,"type":"network","access_method":"Client","action":"allow","dsthost":"files.example.com","dstip":"","dstport":445,"ip_protocol":"TCP","srcip":"","userip":"10.1.2.3","app":"[x]"}
{"timestamp":1764130501,"type":"admin","access_method":"Client","app":"x"}"#;
        assert_eq!(
            records(lines),
            [
                "1 netskope-events deny http - 198.51.100.7 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z url_filtered",
                "2 netskope-events allow traffic tcp 10.1.2.3 -#445 files.example.com 2025-11-26T04:15:01Z",
            ]
        );
    }

    #[test]
    fn bypassed_traffic_passes() {
        let read = |line: &str| crate::logs::test_support::read(&[line]).remove(0);
        let line = |more: &str| {
            format!(
                r#"{{"timestamp":1764130500,"type":"page","app":"a","access_method":"Client","action":"block",{more}"url":"www.example.com/","srcip":"10.1.2.3"}}"#
            )
        };
        assert!(
            read(&line(r#""bypass_traffic":"yes","#)).starts_with("netskope-events allow http")
        );
        assert!(read(&line(r#""bypass_traffic":"no","#)).starts_with("netskope-events deny http"));
    }
}
