//! Azure Firewall: structured logs, and the free text of the older diagnostic logs.
//!
//! ```text
//! {"category":"AZFWApplicationRule","time":"2025-11-26T04:15:00.0000000Z","properties":{"Protocol":"HTTPS","SourceIp":"10.1.2.3","SourcePort":50123,"DestinationPort":443,"Fqdn":"www.example.com","Action":"Deny","ActionReason":"Default Action"}}
//! {"category":"AzureFirewallApplicationRule","time":"2025-11-26T04:15:00.0000000Z","properties":{"msg":"HTTPS request from 10.1.2.3:50123 to www.example.com:443. Action: Deny. No rule matched. Proceeding with default action"}}
//! ```
//!
//! `Allow` and `Alert` let pass; `Deny`, `Drop` and `Alert and Deny` block. Events that only the
//! firewall itself has a part in (a name in a rule that does not resolve, a trace of flags) are
//! no attempts. Times are UTC.
//!
//! What it witnesses: No bytes are stated: what passes is `allow`. An `Action` of deny wins beside
//! whatever reason stands there; requests by an explicit proxy say the target, and the firewall itself
//! decided. Control bits are not logged.

mod message;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Json, Scratch};
use super::record::{Action, Decider, Kind, Party, Record};
use super::stamp::Stamp;
use super::value;
use crate::observe::Cause;

/// The format.
pub(super) struct AzureFirewall;

impl Format for AzureFirewall {
    fn about(&self) -> &'static About {
        &About {
            id: "azure-firewall",
            product: "Azure Firewall",
            reference: "Azure Firewall monitoring data reference; Azure Structured Firewall Logs",
            recognised_by: "JSON objects whose category (or Type) begins with AZFW or \
                            AzureFirewall; messages like `HTTPS request from a:p to host:p. \
                            Action: Deny.`",
            literals: &[" request from ", "DNS Request: "],
        }
    }

    fn read_text(&self, text: &[u8], line: &Line<'_>, _: &mut Scratch, emit: Emit<'_>) -> Reading {
        let mut record = Record::new(Kind::Traffic);
        if !message::read(text.trim_ascii(), true, &mut record) {
            return Reading::NotMine;
        }
        record.stamp = line.stamp(Stamp::None, b"");
        emit(&record);
        Reading::Records
    }

    fn read_json(
        &self,
        json: Json<'_>,
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let category = ["category", "Category", "Type"]
            .iter()
            .filter_map(|key| json.get(key)?.text())
            .find(|category| category.starts_with("AZFW") || category.starts_with("AzureFirewall"));
        let Some(category) = category else { return Reading::NotMine };
        let stamp = line.stamp(stamp(json), b"");
        // Event hubs and blobs hold the columns in `properties`, an export of a Log Analytics
        // workspace beside the category; some pipelines make a text of the former.
        let properties = match json.get("properties") {
            Some(inner) if inner.is_object() => inner,
            Some(inner) => match inner.text().and_then(|text| scratch.json(text.as_bytes())) {
                Some(inner) if inner.is_object() => inner,
                _ => return Reading::Damaged,
            },
            None => json,
        };
        let mut record = Record::new(Kind::Traffic);
        record.stamp = stamp;
        let is_record = match properties.first(&["msg", "msg_s"]) {
            Some(text) => {
                let is_network = category == "AzureFirewallNetworkRule";
                let mut read = Record { stamp, ..Record::default() };
                if !message::read(&text, !is_network, &mut read) {
                    return Reading::NoRecord;
                }
                emit(&read);
                return Reading::Records;
            }
            None => structured(category, properties, &mut record),
        };
        match is_record {
            Some(true) => {
                emit(&record);
                Reading::Records
            }
            Some(false) => Reading::NoRecord,
            None => Reading::Damaged,
        }
    }
}

fn stamp(json: Json<'_>) -> Stamp {
    let raw = json.first(&["time", "TimeGenerated", "timestamp", "TimeGenerated [UTC]"]);
    let Some(raw) = raw else { return Stamp::None };
    value::iso_8601(&raw)
        .or_else(|| value::us_or_eu_date(&raw, Some(false)))
        .unwrap_or_default()
        .in_utc()
}

/// Fills the record from the columns of a structured log. `Some(false)` for an event that is no
/// attempt, `None` for one without its columns.
fn structured<'s>(category: &str, columns: Json<'s>, record: &mut Record<'s>) -> Option<bool> {
    let is_attempt = ["Application", "Network", "Nat", "ThreatIntel", "Idps", "DnsQuery"]
        .iter()
        .any(|kind| category.get(4..).is_some_and(|rest| rest.starts_with(kind)));
    if !is_attempt {
        return Some(false);
    }
    let party = |address: &str, port: &str| Party {
        address: columns.get(address).and_then(Json::address),
        port: columns.get(port).and_then(Json::port),
    };
    record.client = party("SourceIp", "SourcePort");
    record.client.address?;
    let protocol = columns.first(&["Protocol"]).unwrap_or_default();
    record.protocol = value::protocol(&protocol);
    if category.starts_with("AZFWDnsQuery") {
        record.kind = Kind::Dns;
        if let Some(name) = columns.first(&["QueryName"]) {
            record.add_name(name);
        }
        let query_type = columns.first(&["QueryType"]);
        record.dns_mut().query_type = query_type.and_then(|raw| value::dns_type(&raw));
        let code = columns.first(&["ResponseCode"]);
        if let Some(code) = code.and_then(|raw| value::dns_code(&raw)) {
            record.set_response(code);
        }
        return Some(true);
    }
    record.kind = kind(&protocol);
    record.server = party("DestinationIp", "DestinationPort");
    if let Some(name) = columns.first(&["Fqdn"]) {
        record.add_name(name);
    } else if let Some(url) = columns.first(&["TargetUrl", "Url"]).filter(|url| url.contains(&b'.'))
    {
        record.add_url(url);
    }
    record.proxied = columns.get("IsExplicitProxyRequest").and_then(Json::boolean) == Some(true);
    record.action = match columns.first(&["Action"]) {
        Some(word) => action(&word),
        // Translation is logged only where a rule applied.
        None if category.starts_with("AZFWNatRule") => Action::Allow,
        None => Action::Other,
    };
    record.decider = Decider {
        rule: columns.first(&["Rule", "Description"]),
        policy: columns.first(&["RuleCollection", "Policy"]),
        category: columns.first(&["WebCategory", "ThreatDescription", "Category"]),
        reason: columns.first(&["ActionReason"]),
    };
    let is_by_category = columns.first(&["WebCategory"]).is_some();
    record.cause = (record.action == Action::Deny && is_by_category).then_some(Cause::UrlFiltered);
    Some(true)
}

/// What the protocol of an application rule says of the kind of traffic.
fn kind(protocol: &[u8]) -> Kind {
    match protocol.to_ascii_lowercase().as_slice() {
        b"http" => Kind::Http,
        b"https" => Kind::Tls,
        _ => Kind::Traffic,
    }
}

fn action(word: &[u8]) -> Action {
    if value::is_one_of(word, &["allow", "alert"]) {
        Action::Allow
    } else if value::is_one_of(word, &["deny", "drop", "alert and deny", "alertanddeny", "block"]) {
        Action::Deny
    } else {
        Action::Other
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn structured_logs_are_read_in_each_envelope() {
        let lines = r#"{"records":[{"category":"AZFWApplicationRule","time":"2025-11-26T04:15:00.1234567Z","properties":{"Protocol":"HTTPS","SourceIp":"10.1.2.3","SourcePort":50123,"DestinationPort":443,"Fqdn":"www.example.com","Action":"Deny","WebCategory":"News","Rule":"r"}}]}
{"Type":"AZFWNetworkRule","TimeGenerated":"2025-11-26T04:15:00Z","Protocol":"TCP","SourceIp":"10.1.2.3","SourcePort":"50124","DestinationIp":"203.0.113.9","DestinationPort":"445","Action":"Deny"}
{"category":"AZFWDnsQuery","time":"2025-11-26T04:15:00Z","properties":"{\"SourceIp\":\"10.1.2.3\",\"QueryName\":\"api.example.com.\",\"QueryType\":\"A\",\"Protocol\":\"udp\",\"ResponseCode\":\"REFUSED\"}"}
{"category":"AZFWFqdnResolveFailure","time":"2025-11-26T04:15:00Z","properties":{"Fqdn":"rule.example.com","Error":"no such host"}}"#;
        assert_eq!(
            records(lines),
            [
                "1 azure-firewall deny tls - 10.1.2.3#50123 -#443 www.example.com 2025-11-26T04:15:00Z url_filtered",
                "2 azure-firewall deny traffic tcp 10.1.2.3#50124 203.0.113.9#445 - 2025-11-26T04:15:00Z",
                "3 azure-firewall deny dns udp 10.1.2.3 - api.example.com 2025-11-26T04:15:00Z dns_refused",
            ]
        );
    }

    #[test]
    fn other_categories_of_azure_are_not_this_formats() {
        assert!(
            records(r#"{"category":"AuditEvent","properties":{"SourceIp":"10.1.2.3"}}"#).is_empty()
        );
    }
}
