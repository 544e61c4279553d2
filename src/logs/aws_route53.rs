//! DNS queries of Amazon Route 53: those of a VPC's resolver, with DNS Firewall's verdict, and
//! those to public hosted zones.
//!
//! ```text
//! {"version":"1.100000","account_id":"123456789012","region":"eu-west-1","vpc_id":"vpc-1","query_timestamp":"2025-11-26T04:15:00Z","query_name":"www.example.com.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[],"srcaddr":"10.1.2.3","srcport":"50123","transport":"UDP","firewall_rule_action":"BLOCK","firewall_rule_group_id":"rslvr-frg-1"}
//! 1.0 2025-11-26T04:15:00.000Z Z0123456789ABC www.example.com A NOERROR UDP FRA6 198.51.100.53 -
//! ```
//!
//! `BLOCK` denies whatever the response code is: the answer may be empty, NXDOMAIN or one that
//! the rule gives. `ALERT` only reports. A query to a public zone comes from a resolver.
//!
//! What it witnesses: A resolver's log: what it says of a question is of the question alone, and no
//! connection is told of. `BLOCK` of the DNS firewall wins over the response code, which may be NOERROR
//! with a block page's address.

use std::net::IpAddr;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Json, Scratch};
use super::record::{Action, Decider, Kind, Party, Record};
use super::value;
use crate::observe::Cause;

/// Queries of a VPC's resolver.
pub(super) struct AwsRoute53Resolver;

/// Queries to public hosted zones.
pub(super) struct AwsRoute53Public;

impl Format for AwsRoute53Resolver {
    fn about(&self) -> &'static About {
        &About {
            id: "aws-route53-resolver",
            product: "AWS Route 53 Resolver and DNS Firewall",
            reference: "Values that appear in VPC Resolver query logs",
            recognised_by: "JSON objects with query_name, query_type and rcode, and srcaddr or \
                            vpc_id",
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
        let (Some(name), Some(code)) = (json.get("query_name"), json.get("rcode")) else {
            return Reading::NotMine;
        };
        if json.get("srcaddr").is_none() && json.get("vpc_id").is_none() {
            return Reading::NotMine;
        }
        let mut record = Record::new(Kind::Dns);
        let stamp = json.get("query_timestamp").and_then(Json::stamp);
        record.stamp = line.stamp(stamp.unwrap_or_default().in_utc(), b"");
        record.client = Party {
            address: json.get("srcaddr").and_then(Json::address),
            port: json.get("srcport").and_then(Json::port),
        };
        record.protocol = json.first(&["transport"]).and_then(|raw| value::protocol(&raw));
        record.add_name(name.text().unwrap_or_default().as_bytes());
        let query_type = json.first(&["query_type"]);
        record.dns_mut().query_type = query_type.and_then(|raw| value::dns_type(&raw));
        if let Some(code) = code.text().and_then(|name| value::dns_code(name.as_bytes())) {
            record.set_response(code);
        }
        record.decider = Decider {
            rule: json.first(&["firewall_rule_group_id"]),
            category: json.first(&["firewall_domain_list_id"]),
            ..Decider::default()
        };
        if json.get("firewall_rule_action").and_then(Json::text) == Some("BLOCK") {
            record.action = Action::Deny;
            record.cause = Some(Cause::DnsFiltered);
        } else {
            record.dns_mut().answers.extend(answers(json));
        }
        emit(&record);
        Reading::Records
    }
}

/// Addresses of the answers; those of other types hold names.
fn answers(json: Json<'_>) -> impl Iterator<Item = IpAddr> {
    let answers = json.get("answers").into_iter().flat_map(Json::elements);
    answers
        .filter(|answer| matches!(answer.get("Type").and_then(Json::text), Some("A" | "AAAA")))
        .filter_map(|answer| answer.get("Rdata")?.address())
}

impl Format for AwsRoute53Public {
    fn about(&self) -> &'static About {
        &About {
            id: "aws-route53-public",
            product: "AWS Route 53 public zones",
            reference: "Public DNS query logging (Amazon Route 53 Developer Guide)",
            recognised_by: "`1.0`, time, zone, name, type, response code, UDP or TCP, edge, \
                            resolver, subnet",
            literals: &[" UDP ", " TCP "],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let words = scratch.words(text);
        if !words.get(0).is_some_and(|version| matches!(version, b"1.0" | b"1.1"))
            || !matches!(words.get(6), Some(b"UDP" | b"TCP"))
        {
            return Reading::NotMine;
        }
        let time = words.get(1).and_then(value::iso_8601);
        let code = words.get(5).and_then(value::dns_code);
        let (Some(stamp), Some(code), Some(name)) = (time, code, words.get(3)) else {
            return Reading::NotMine;
        };
        let Some(resolver) = words.get(8).and_then(value::address) else {
            return Reading::Damaged;
        };
        let mut record = Record::new(Kind::Dns);
        record.stamp = line.stamp(stamp.in_utc(), b"");
        record.client = Party::of(Some(resolver));
        record.protocol = words.get(6).and_then(value::protocol);
        record.add_name(name);
        record.dns_mut().query_type = words.get(4).and_then(value::dns_type);
        record.set_response(code);
        emit(&record);
        Reading::Records
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn a_block_denies_whatever_the_code() {
        let lines = r#"{"query_timestamp":"2025-11-26T04:15:00Z","query_name":"www.example.com.","query_type":"A","rcode":"NOERROR","answers":[{"Rdata":"203.0.113.9","Type":"A","Class":"IN"}],"srcaddr":"10.1.2.3","srcport":"50123","transport":"UDP","vpc_id":"vpc-1"}
{"query_timestamp":"2025-11-26T04:15:01Z","query_name":"api.example.com.","query_type":"A","rcode":"NOERROR","answers":[],"srcaddr":"10.1.2.3","srcport":"50124","transport":"UDP","vpc_id":"vpc-1","firewall_rule_action":"BLOCK"}
{"query_timestamp":"2025-11-26T04:15:02Z","query_name":"api.example.com.","query_type":"A","rcode":"NOERROR","answers":[],"srcaddr":"10.1.2.3","srcport":"50124","transport":"UDP","vpc_id":"vpc-1","firewall_rule_action":"ALERT"}
1.0 2025-11-26T04:15:03.000Z Z0123456789ABC www.example.com A NXDOMAIN UDP FRA6 198.51.100.53 -"#;
        assert_eq!(
            records(lines),
            [
                "1 aws-route53-resolver allow dns udp 10.1.2.3#50123 - www.example.com 2025-11-26T04:15:00Z = 203.0.113.9",
                "2 aws-route53-resolver deny dns udp 10.1.2.3#50124 - api.example.com 2025-11-26T04:15:01Z dns_filtered",
                "3 aws-route53-resolver allow dns udp 10.1.2.3#50124 - api.example.com 2025-11-26T04:15:02Z",
                "4 aws-route53-public other dns udp 198.51.100.53 - www.example.com 2025-11-26T04:15:03Z dns_nxdomain",
            ]
        );
    }
}
