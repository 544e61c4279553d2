//! AWS Network Firewall: Suricata's events in an envelope, and failures of its TLS inspection.
//!
//! ```text
//! {"firewall_name":"fw1","availability_zone":"eu-west-1a","event_timestamp":"1764130500","event":{"timestamp":"2025-11-26T04:15:00.000000+0000","flow_id":1,"event_type":"alert","src_ip":"10.1.2.3","src_port":50123,"dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","alert":{"action":"blocked","signature":"deny-all"},"tls":{"sni":"www.example.com"}}}
//! ```
//!
//! `alert.action` says `blocked` or `allowed`; the latter only reported.
//!
//! What it witnesses: The firewall counts no bytes in its alerts, so what it passes is `allow` and
//! never an answer; a drop or reject of TLS or HTTP has the name. Alerts have no control bits: a rule
//! on any packet of a connection denies that connection.

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Json, Scratch};
use super::record::{Action, Kind, Party, Protocol, Record};
use super::suricata_eve::read_event;
use crate::observe::Cause;

/// The format.
pub(super) struct AwsNetworkFirewall;

impl Format for AwsNetworkFirewall {
    fn about(&self) -> &'static About {
        &About {
            id: "aws-network-firewall",
            product: "AWS Network Firewall",
            reference: "Contents of a Network Firewall log",
            recognised_by: "JSON objects with firewall_name and an event of Suricata in event",
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
        let Some(event) = json.get("event").filter(|event| event.is_object()) else {
            return Reading::NotMine;
        };
        if json.get("firewall_name").is_none() {
            return Reading::NotMine;
        }
        let written = json.get("event_timestamp").and_then(Json::stamp).unwrap_or_default();
        let line = Line { received: written.or(line.received), ..*line };
        match read_event(event, &line, emit) {
            Reading::NotMine => read_tls(event, &line, emit),
            reading => reading,
        }
    }
}

/// A connection on which the inspection of TLS failed, or whose certificate was revoked.
fn read_tls(event: Json<'_>, line: &Line<'_>, emit: Emit<'_>) -> Reading {
    let revocation = event.get("revocation_check");
    let error = event.get("tls_error");
    let address = |key: &str| event.get(key).and_then(Json::address);
    let (Some(client), true) = (address("src_ip"), revocation.is_some() || error.is_some()) else {
        return Reading::NoRecord;
    };
    let port = |key: &str| event.get(key).and_then(Json::port);
    let mut record = Record::new(Kind::Tls);
    let stamp = event.get("timestamp").and_then(Json::stamp);
    record.stamp = line.stamp(stamp.unwrap_or_default().in_utc(), b"");
    record.client = Party { address: Some(client), port: port("src_port") };
    record.server = Party { address: address("dest_ip"), port: port("dest_port") };
    record.protocol = Some(Protocol::TCP);
    if let Some(name) = event.first(&["sni"]) {
        record.add_name(name);
    }
    record.action = match revocation.and_then(|check| check.get("action")?.text()) {
        Some("DROP" | "drop") => Action::Deny,
        Some("REJECT" | "reject") => Action::Reset,
        Some("PASS" | "pass") => Action::Allow,
        _ => Action::Other,
    };
    record.cause = (record.action != Action::Allow).then_some(Cause::TlsPolicy);
    record.decider.reason = error
        .and_then(|error| error.first(&["error_message"]))
        .or_else(|| revocation.and_then(|check| check.first(&["status"])));
    emit(&record);
    Reading::Records
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn events_are_suricatas() {
        let lines = r#"{"firewall_name":"fw1","availability_zone":"eu-west-1a","event_timestamp":"1764130500","event":{"timestamp":"2025-11-26T04:15:00.000000+0000","flow_id":1,"event_type":"alert","src_ip":"10.1.2.3","src_port":50123,"dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","alert":{"action":"blocked","signature":"deny-all"},"tls":{"sni":"www.example.com"}}}
{"firewall_name":"fw1","event_timestamp":1764130501,"event":{"src_ip":"10.1.2.3","src_port":"50124","dest_ip":"203.0.113.9","dest_port":"443","sni":"api.example.com","tls_inspected":true,"revocation_check":{"status":"REVOKED","action":"DROP"}}}"#;
        assert_eq!(
            records(lines),
            [
                "1 aws-network-firewall deny tls tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z",
                "2 aws-network-firewall deny tls tcp 10.1.2.3#50124 203.0.113.9#443 api.example.com 2025-11-26T04:15:01Z tls_policy",
            ]
        );
    }
}
