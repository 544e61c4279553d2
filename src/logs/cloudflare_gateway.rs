//! Cloudflare Gateway: the DNS, HTTP and network datasets of Logpush, and queries of 1.1.1.1 for
//! zones.
//!
//! ```text
//! {"Datetime":"2025-11-26T04:15:00Z","QueryName":"www.example.com","QueryType":1,"RCode":0,"ResolverDecision":"blockedByCategory","SrcIP":"198.51.100.7","SrcPort":50123,"DstIP":"203.0.113.53","DstPort":53,"Protocol":"udp","PolicyName":"p"}
//! {"Datetime":"2025-11-26T04:15:00Z","Action":"block","HTTPHost":"www.example.com","URL":"https://www.example.com/","SourceIP":"198.51.100.7","SourcePort":50124,"DestinationIP":"203.0.113.9","DestinationPort":443,"PolicyName":"p"}
//! {"Datetime":"2025-11-26T04:15:00Z","Action":"block","SNI":"www.example.com","SourceIP":"198.51.100.7","SourcePort":50124,"DestinationIP":"203.0.113.9","DestinationPort":443,"Transport":"tcp"}
//! ```
//!
//! Decisions that begin with `allowed` and `blocked` are what they say; `bypass`, `isolate` and
//! the like let pass; `override` sends elsewhere and is no verdict.
//!
//! What it witnesses: No bytes are stated; `HTTPStatusCode` is the origin's or the block page's, and
//! the decision stands beside it. QUIC is inspected as HTTP.

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Json, Scratch};
use super::record::{Action, Decider, Kind, Party, Record};
use super::value;
use crate::observe::Cause;

/// The format.
pub(super) struct CloudflareGateway;

impl Format for CloudflareGateway {
    fn about(&self) -> &'static About {
        &About {
            id: "cloudflare-gateway",
            product: "Cloudflare Gateway",
            reference: "Logpush datasets: Gateway DNS, Gateway HTTP, Gateway Network",
            recognised_by: "JSON objects with QueryName and ResolverDecision, or with RCode or \
                            ResponseCode and a time; HTTPHost and Action; or SNI, DestinationIP and Action",
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
        let has_answer = ["RCode", "ResponseCode"].into_iter().any(has);
        let is_stamped = ["Datetime", "Timestamp"].into_iter().any(has);
        let is_query = has("ResolverDecision") || has_answer && is_stamped;
        let record = if has("QueryName") && is_query {
            query(json)
        } else if has("Action") && has("HTTPHost") {
            request(json)
        } else if has("Action") && has("SNI") && has("DestinationIP") {
            session(json)
        } else {
            return Reading::NotMine;
        };
        let mut record = record;
        let stamp = ["Datetime", "Timestamp"].iter().find_map(|key| json.get(key)?.stamp());
        record.stamp = line.stamp(stamp.unwrap_or_default().in_utc(), b"");
        record.decider = Decider {
            rule: json.first(&["PolicyName", "Policy", "PolicyID"]),
            category: category(json),
            reason: json.first(&["BlockedFileReason"]),
            ..Decider::default()
        };
        emit(&record);
        Reading::Records
    }
}

fn query(json: Json<'_>) -> Record<'_> {
    let mut record = Record::new(Kind::Dns);
    record.client = party(json, ["SrcIP", "SourceIP"], "SrcPort");
    record.server = party(json, ["DstIP", "DestinationIP"], "DstPort");
    record.protocol = json.first(&["Protocol"]).and_then(|raw| value::protocol(&raw));
    record.add_name(json.first(&["QueryName"]).unwrap_or_default());
    let query_type = json.first(&["QueryTypeName", "QueryType"]);
    record.dns_mut().query_type = query_type.and_then(|raw| value::dns_type(&raw));
    let code = ["RCode", "ResponseCode"].iter().find_map(|key| json.get(key));
    if let Some(code) = code.and_then(Json::scalar).and_then(|raw| value::dns_code(&raw)) {
        record.set_response(code);
    }
    // Old jobs write decisions as numbers, which the datasets' pages do not explain.
    match json.get("ResolverDecision").and_then(Json::text).and_then(action) {
        Some(Action::Deny) => {
            record.action = Action::Deny;
            record.cause = Some(Cause::DnsFiltered);
        }
        Some(action) => {
            record.action = action;
            let answers = json.get("ResolvedIPs").into_iter().flat_map(Json::elements);
            if action == Action::Allow {
                record.dns_mut().answers.extend(answers.filter_map(Json::address));
            }
        }
        None => {}
    }
    record
}

fn request(json: Json<'_>) -> Record<'_> {
    let mut record = Record::new(Kind::Http);
    record.client = party(json, ["SourceIP", "SourceInternalIP"], "SourcePort");
    record.server = party(json, ["DestinationIP"; 2], "DestinationPort");
    record.add_name(json.first(&["HTTPHost"]).unwrap_or_default());
    if let Some(url) = json.first(&["URL"]) {
        record.add_url(url);
    }
    record.action = json.get("Action").and_then(Json::text).and_then(action).unwrap_or_default();
    record.cause = (record.action == Action::Deny).then_some(Cause::UrlFiltered);
    record
}

fn session(json: Json<'_>) -> Record<'_> {
    let mut record = Record::new(Kind::Traffic);
    record.client = party(json, ["SourceIP", "SourceInternalIP"], "SourcePort");
    record.server = party(json, ["DestinationIP"; 2], "DestinationPort");
    record.protocol = json.first(&["Transport"]).and_then(|raw| value::protocol(&raw));
    if record.add_name(json.first(&["SNI"]).unwrap_or_default()) {
        record.kind = Kind::Tls;
    }
    record.action = json.get("Action").and_then(Json::text).and_then(action).unwrap_or_default();
    record
}

fn party(json: Json<'_>, addresses: [&str; 2], port: &str) -> Party {
    Party {
        address: addresses.iter().find_map(|key| json.get(key)?.address()),
        port: json.get(port).and_then(Json::port),
    }
}

/// What an action or a decision means; `None` for one that is none of the known.
fn action(word: &str) -> Option<Action> {
    const PASSED: &[&str] = &[
        "bypass",
        "isolate",
        "noisolate",
        "do_not_isolate",
        "do_not_inspect",
        "noscan",
        "do_not_scan",
        "off",
        "on",
        "scan",
        "safesearch",
        "ytrestricted",
    ];
    let starts =
        |start: &str| word.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    if starts("allow") || value::is_one_of(word.as_bytes(), PASSED) {
        Some(Action::Allow)
    } else if starts("block") || starts("quarantine") {
        Some(Action::Deny)
    } else {
        (starts("override") || starts("redirect")).then_some(Action::Other)
    }
}

/// The first category that matched a policy.
fn category(json: Json<'_>) -> Option<std::borrow::Cow<'_, [u8]>> {
    let names = ["MatchedCategoryNames", "CategoryNames"].iter().find_map(|key| json.get(key))?;
    names.elements().next()?.stated()
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn three_datasets_are_told_apart() {
        let lines = r#"{"Datetime":"2025-11-26T04:15:00Z","QueryName":"www.example.com","QueryType":1,"RCode":0,"ResolverDecision":"blockedByCategory","SrcIP":"198.51.100.7","SrcPort":50123,"DstIP":"203.0.113.53","DstPort":53,"Protocol":"udp"}
{"Datetime":1764130501000000000,"Action":"block","HTTPHost":"www.example.com","URL":"https://www.example.com/","SourceIP":"198.51.100.7","SourcePort":50124,"DestinationIP":"203.0.113.9","DestinationPort":443}
{"Datetime":"1764130502","Action":"allowedOnNoRuleMatch","SNI":"","SourceIP":"198.51.100.7","SourcePort":50124,"DestinationIP":"203.0.113.9","DestinationPort":443,"Transport":"tcp"}
{"Datetime":"2025-11-26T04:15:03Z","QueryName":"www.example.com","RCode":0,"ResolverDecision":"overrideForSafeSearch"}
{"QueryName":"www.example.com.","SrcIP":"10.1.2.3","ResolverDecision":"blockedByCategory"}
{"QueryName":"www.example.com.","SrcIP":"10.1.2.3","RCode":0}"#;
        assert_eq!(
            records(lines),
            [
                "1 cloudflare-gateway deny dns udp 198.51.100.7#50123 203.0.113.53#53 www.example.com 2025-11-26T04:15:00Z dns_filtered",
                "2 cloudflare-gateway deny http - 198.51.100.7#50124 203.0.113.9#443 www.example.com 2025-11-26T04:15:01Z url_filtered",
                "3 cloudflare-gateway allow traffic tcp 198.51.100.7#50124 203.0.113.9#443 - 2025-11-26T04:15:02Z",
                "4 cloudflare-gateway other dns - - - www.example.com 2025-11-26T04:15:03Z",
                "5 cloudflare-gateway deny dns - 10.1.2.3 - www.example.com - dns_filtered",
            ]
        );
    }
}
