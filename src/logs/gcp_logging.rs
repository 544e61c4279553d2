//! Google Cloud: firewall rules, VPC flows, Cloud NAT and Cloud DNS in Cloud Logging's entries.
//!
//! ```text
//! {"jsonPayload":{"connection":{"src_ip":"10.1.2.3","src_port":50123,"dest_ip":"203.0.113.9","dest_port":443,"protocol":6},"disposition":"DENIED","rule_details":{"reference":"network:vpc/firewall:deny-out"}},"logName":"projects/p/logs/compute.googleapis.com%2Ffirewall","timestamp":"2025-11-26T04:15:00.000000000Z"}
//! ```
//!
//! `disposition` is the firewall's verdict (`ALLOWED`, `DENIED`), `allocation_status` that of
//! Cloud NAT (`DROPPED` where no port was left). VPC flows have none, and are one direction.
//!
//! What it witnesses: Firewall rules log no bytes, and flows are of one direction: what passes is
//! `allow`. A rule is evaluated for connections, so there are no packets of none.

use std::net::IpAddr;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Json, Scratch};
use super::record::{Action, Kind, Party, Protocol, Record};
use super::value;

/// The format.
pub(super) struct GcpLogging;

impl Format for GcpLogging {
    fn about(&self) -> &'static About {
        &About {
            id: "gcp-logging",
            product: "Google Cloud firewall, VPC flow, NAT and DNS logs",
            reference: "Firewall Rules Logging format; VPC Flow Logs record format; Cloud DNS \
                        logging",
            recognised_by: "JSON objects with connection or queryName in jsonPayload",
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
        let Some(payload) = json.get("jsonPayload") else { return Reading::NotMine };
        let (connection, name) = (payload.get("connection"), payload.get("queryName"));
        let record = match (connection, name) {
            (Some(connection), _) if connection.is_object() => flow(payload, connection),
            (_, Some(name)) => query(payload, name),
            _ => return Reading::NotMine,
        };
        let Some(mut record) = record else { return Reading::Damaged };
        let stamp = [payload.get("start_time"), json.get("timestamp")]
            .into_iter()
            .flatten()
            .find_map(Json::stamp);
        record.stamp = line.stamp(stamp.unwrap_or_default().in_utc(), b"");
        emit(&record);
        Reading::Records
    }
}

fn flow<'s>(payload: Json<'s>, connection: Json<'s>) -> Option<Record<'s>> {
    let mut record = Record::new(Kind::Traffic);
    let party = |address: &str, port: &str| Party {
        address: connection.get(address).and_then(Json::address),
        port: connection.get(port).and_then(Json::port),
    };
    record.client = party("src_ip", "src_port");
    record.server = party("dest_ip", "dest_port");
    record.client.address.or(record.server.address)?;
    let protocol = connection.get("protocol").and_then(Json::unsigned);
    record.protocol = protocol.and_then(|number| u8::try_from(number).ok()).map(Protocol);
    let word = payload.first(&["disposition", "allocation_status"]).unwrap_or_default();
    record.action = match &*word {
        b"ALLOWED" | b"OK" => Action::Allow,
        b"DENIED" | b"DROPPED" => Action::Deny,
        _ => Action::Other,
    };
    let rule = payload.get("rule_details");
    record.decider.rule = rule.and_then(|rule| rule.first(&["reference"]));
    Some(record)
}

fn query<'s>(payload: Json<'s>, name: Json<'s>) -> Option<Record<'s>> {
    let mut record = Record::new(Kind::Dns);
    record.add_name(name.text()?.as_bytes());
    record.client = Party::of(payload.get("sourceIP").and_then(Json::address));
    record.protocol = payload.first(&["protocol"]).and_then(|raw| value::protocol(&raw));
    let query_type = payload.first(&["queryType"]);
    record.dns_mut().query_type = query_type.and_then(|raw| value::dns_type(&raw));
    let code = payload.first(&["responseCode"]);
    if let Some(code) = code.and_then(|raw| value::dns_code(&raw)) {
        record.set_response(code);
    }
    for (address, ttl) in answers(payload.get("rdata").and_then(Json::text).unwrap_or_default()) {
        let dns = record.dns_mut();
        dns.answers.push(address);
        dns.time_to_live = Some(dns.time_to_live.map_or(ttl, |least| least.min(ttl)));
    }
    Some(record)
}

/// The addresses of records in a zone file's notation (RFC 1035 section 5.1), one to a line.
fn answers(records: &str) -> impl Iterator<Item = (IpAddr, u32)> {
    records.lines().filter_map(|record| {
        let mut words = record.split_ascii_whitespace();
        let ttl = words.nth(1)?.parse().ok()?;
        let kind = words.nth(1)?;
        let is_address = kind.eq_ignore_ascii_case("a") || kind.eq_ignore_ascii_case("aaaa");
        is_address.then(|| Some((value::address(words.next()?.as_bytes())?, ttl)))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::test_support::records;

    #[test]
    fn payloads_are_flows_and_queries() {
        let lines = r#"{"jsonPayload":{"connection":{"src_ip":"10.1.2.3","src_port":50123,"dest_ip":"203.0.113.9","dest_port":443,"protocol":6},"disposition":"DENIED","rule_details":{"reference":"network:vpc/firewall:deny-out"}},"timestamp":"2025-11-26T04:15:00.000000000Z"}
{"jsonPayload":{"connection":{"src_ip":"10.1.2.3","src_port":50124,"dest_ip":"203.0.113.9","dest_port":443,"protocol":6},"start_time":"2025-11-26T04:15:01.000000000Z","reporter":"SRC","bytes_sent":"100"},"timestamp":"2025-11-26T04:20:00Z"}
{"jsonPayload":{"queryName":"www.example.com.","queryType":"A","responseCode":"SERVFAIL","protocol":"UDP","sourceIP":"10.1.2.3"},"timestamp":"2025-11-26T04:15:02Z"}
{"jsonPayload":{"message":"started"},"timestamp":"2025-11-26T04:15:02Z"}"#;
        assert_eq!(
            records(lines),
            [
                "1 gcp-logging deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
                "2 gcp-logging other traffic tcp 10.1.2.3#50124 203.0.113.9#443 - 2025-11-26T04:15:01Z",
                "3 gcp-logging other dns udp 10.1.2.3 - www.example.com 2025-11-26T04:15:02Z dns_servfail",
            ]
        );
    }

    #[test]
    fn answers_stand_in_a_zone_files_notation() {
        let text =
            "www.example.com.\t300\tIN\tcname\ta.example.\na.example.\t60\tIN\tA\t203.0.113.9";
        let found: Vec<_> = answers(text).collect();
        assert_eq!(found, [("203.0.113.9".parse().unwrap(), 60)]);
    }
}
