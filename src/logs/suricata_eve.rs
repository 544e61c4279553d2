//! Suricata's EVE: one JSON object for each event.
//!
//! ```text
//! {"timestamp":"2025-11-26T04:15:00.000000+0000","event_type":"tls","src_ip":"10.1.2.3","src_port":50123,"dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","tls":{"sni":"www.example.com"}}
//! ```
//!
//! Events of a flow run from client to server. Events of a packet (`alert`, `drop`, `anomaly`,
//! the answers of `dns`) have the packet's addresses, so one that goes to the client is turned
//! round. `allowed` means that a rule only reported.
//!
//! What it witnesses: `http.length` is payload, `flow.bytes_toclient` with `pkts_toclient` whole
//! packets; a flow that never was established is unanswered. The status of CONNECT and a relayed 403 or
//! 451 decide. A drop states the control bits' effect only by its flow. QUIC has events of its own.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Json, Scratch};
use super::record::{Action, Decider, Kind, Party, Protocol, Record};
use super::value;
use crate::observe::Cause;

/// The format.
pub(super) struct SuricataEve;

impl Format for SuricataEve {
    fn about(&self) -> &'static About {
        &About {
            id: "suricata-eve",
            product: "Suricata EVE",
            reference: "Eve JSON Format (Suricata User Guide)",
            recognised_by: "JSON objects with event_type and flow_id, or src_ip and dest_ip",
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
        read_event(json, line, emit)
    }
}

/// Reads an event wherever it stands.
pub(super) fn read_event(json: Json<'_>, line: &Line<'_>, emit: Emit<'_>) -> Reading {
    let event = Event::of(json);
    if event.kind.is_empty() || !event.is_confirmed() {
        return Reading::NotMine;
    }
    // Files belong to an event of their own; statistics to none.
    if matches!(event.kind, "stats" | "engine" | "fileinfo") || event.source.address.is_none() {
        return Reading::NoRecord;
    }
    emit(&event.record(line));
    Reading::Records
}

/// The members of an event that are of concern, found in one pass.
#[derive(Default)]
struct Event<'s> {
    kind: &'s str,
    timestamp: Option<Json<'s>>,
    source: Party,
    destination: Party,
    protocol: Option<Protocol>,
    direction: &'s str,
    app_protocol: &'s str,
    has_flow_id: bool,
    flow: Option<Json<'s>>,
    alert: Option<Json<'s>>,
    verdict: Option<Json<'s>>,
    dns: Option<Json<'s>>,
    http: Option<Json<'s>>,
    tls: Option<Json<'s>>,
    quic: Option<Json<'s>>,
}

impl<'s> Event<'s> {
    fn of(json: Json<'s>) -> Self {
        let mut event = Self::default();
        for (key, value) in json.entries() {
            match key {
                "event_type" => event.kind = value.text().unwrap_or_default(),
                "timestamp" => event.timestamp = Some(value),
                "src_ip" => event.source.address = value.address(),
                "src_port" => event.source.port = value.port(),
                "dest_ip" => event.destination.address = value.address(),
                "dest_port" => event.destination.port = value.port(),
                "proto" => {
                    event.protocol = value.text().and_then(|name| value::protocol(name.as_bytes()));
                }
                "direction" => event.direction = value.text().unwrap_or_default(),
                "app_proto" => event.app_protocol = value.text().unwrap_or_default(),
                "flow_id" => event.has_flow_id = true,
                "flow" => event.flow = Some(value),
                "alert" => event.alert = Some(value),
                "verdict" => event.verdict = Some(value),
                "dns" => event.dns = Some(value),
                "http" => event.http = Some(value),
                "tls" => event.tls = Some(value),
                "quic" => event.quic = Some(value),
                _ => {}
            }
        }
        event
    }

    /// Other products have an `event_type` too.
    fn is_confirmed(&self) -> bool {
        let has_ends = self.source.address.is_some() && self.destination.address.is_some();
        self.timestamp.is_some()
            && (self.has_flow_id || (has_ends && self.protocol.is_some()) || self.kind == "stats")
    }

    fn record(&self, line: &Line<'_>) -> Record<'s> {
        let mut record = Record::new(self.record_kind());
        let stamp = self.timestamp.and_then(Json::text);
        let stamp = stamp.and_then(|raw| value::iso_8601(raw.as_bytes()));
        record.stamp = line.stamp(stamp.unwrap_or_default(), b"");
        (record.client, record.server) = if self.is_to_client() {
            (self.destination, self.source)
        } else {
            (self.source, self.destination)
        };
        record.protocol = self.protocol;
        if let Some(dns) = self.dns {
            add_dns(&mut record, dns);
        }
        if let Some(http) = self.http {
            add_http(&mut record, http);
        }
        for sni in [self.tls, self.quic].into_iter().flatten().filter_map(|tls| tls.get("sni")) {
            record.add_name(sni.text().unwrap_or_default().as_bytes());
        }
        if self.kind == "flow"
            && let Some(flow) = self.flow
        {
            add_flow(&mut record, flow);
        }
        if let Some(action) = self.action() {
            record.action = action;
            record.cause = None;
        }
        if let Some(alert) = self.alert {
            record.decider = Decider {
                rule: alert.first(&["signature"]),
                category: alert.first(&["category"]),
                ..Decider::default()
            };
        }
        record
    }

    fn record_kind(&self) -> Kind {
        match self.kind {
            "dns" => Kind::Dns,
            "http" => Kind::Http,
            "tls" | "quic" => Kind::Tls,
            "alert" | "drop" if self.http.is_some() => Kind::Http,
            "alert" | "drop" if self.tls.is_some() || self.quic.is_some() => Kind::Tls,
            "alert" | "drop" if self.dns.is_some() => Kind::Dns,
            "alert" | "drop" => match self.app_protocol {
                "http" | "http2" => Kind::Http,
                "tls" | "quic" => Kind::Tls,
                "dns" => Kind::Dns,
                _ => Kind::Traffic,
            },
            _ => Kind::Traffic,
        }
    }

    /// Whether the event is of a packet that goes to the client.
    fn is_to_client(&self) -> bool {
        if self.kind == "dns" {
            let role = self.dns.and_then(|dns| dns.get("type")?.text());
            return matches!(role, Some("answer" | "response"))
                && self.destination.port != Some(53);
        }
        if !matches!(self.kind, "alert" | "drop" | "anomaly") {
            return false;
        }
        match self.direction {
            "to_client" => true,
            "to_server" => false,
            _ => {
                let initiator = self.flow.and_then(|flow| flow.get("src_ip")?.address());
                initiator.is_some()
                    && initiator == self.destination.address
                    && initiator != self.source.address
            }
        }
    }

    /// What an intrusion prevention system did; `None` for an event that is no verdict.
    fn action(&self) -> Option<Action> {
        let word = |of: Option<Json<'s>>| of.and_then(|of| of.get("action")?.text());
        let is_rejected =
            self.verdict.and_then(|verdict| verdict.get("reject")).is_some_and(|reject| {
                reject.elements().next().is_some() || reject.boolean() == Some(true)
            });
        match (self.kind, word(self.verdict), word(self.alert)) {
            (_, Some("drop"), _) if is_rejected => Some(Action::Reset),
            ("drop", ..) | (_, Some("drop"), _) | (_, _, Some("blocked")) => Some(Action::Deny),
            (_, Some("pass" | "alert"), _) | (_, _, Some("allowed")) => Some(Action::Allow),
            _ => None,
        }
    }
}

fn add_dns<'s>(record: &mut Record<'s>, dns: Json<'s>) {
    let question = ["queries", "query"].iter().find_map(|key| dns.get(key)?.elements().next());
    let name = dns.get("rrname").or_else(|| question?.get("rrname")).and_then(Json::text);
    if let Some(name) = name {
        record.add_name(name.as_bytes());
    }
    let query_type = dns.get("rrtype").or_else(|| question?.get("rrtype")).and_then(Json::text);
    let query_type = query_type.and_then(|name| value::dns_type(name.as_bytes()));
    record.dns_mut().query_type = query_type;
    let is_answer = matches!(dns.get("type").and_then(Json::text), Some("answer" | "response"));
    let code = dns.get("rcode").and_then(Json::text).filter(|_| is_answer);
    if let Some(code) = code.and_then(|name| value::dns_code(name.as_bytes())) {
        record.set_response(code);
    }
    // Three spellings: a list, a list for each type, and one event for each answer.
    let listed = dns.get("answers").into_iter().flat_map(Json::elements);
    for answer in listed.chain(is_answer.then_some(dns)) {
        if let Some(address) = answer.get("rdata").and_then(Json::address) {
            add_answer(record, address, answer.get("ttl"));
        }
    }
    let grouped = dns.get("grouped");
    for list in ["A", "AAAA"].iter().filter_map(|key| grouped?.get(key)) {
        for address in list.elements().filter_map(Json::address) {
            add_answer(record, address, None);
        }
    }
}

fn add_answer(record: &mut Record<'_>, address: std::net::IpAddr, ttl: Option<Json<'_>>) {
    let dns = record.dns_mut();
    if !dns.answers.contains(&address) {
        dns.answers.push(address);
    }
    if let Some(ttl) = ttl.and_then(Json::unsigned).and_then(|ttl| u32::try_from(ttl).ok()) {
        dns.time_to_live = Some(dns.time_to_live.map_or(ttl, |least| least.min(ttl)));
    }
}

fn add_http<'s>(record: &mut Record<'s>, http: Json<'s>) {
    if let Some(name) = http.get("hostname").and_then(Json::text) {
        record.add_name(name.as_bytes());
    }
    let url = http.get("url").and_then(Json::text).unwrap_or_default();
    let is_connect = http.get("http_method").and_then(Json::text) == Some("CONNECT");
    // A request to a proxy names its target as a whole (RFC 9112 section 3.2).
    if is_connect || url.contains("://") && !url.starts_with('/') {
        record.add_proxied_target(Cow::Borrowed(url.as_bytes()));
    }
    record.set_payload_back(http.get("length").and_then(Json::unsigned).filter(|bytes| *bytes > 0));
    let status = http.get("status").and_then(Json::unsigned).unwrap_or_default();
    record.note_status(u16::try_from(status).unwrap_or_default(), is_connect);
}

fn add_flow(record: &mut Record<'_>, flow: Json<'_>) {
    record.bytes_back = flow.get("bytes_toclient").and_then(Json::unsigned);
    record.packets_back = flow.get("pkts_toclient").and_then(Json::unsigned);
    let is_unanswered = record.bytes_back == Some(0)
        && flow.get("state").and_then(Json::text) == Some("new")
        && record.protocol == Some(Protocol::TCP);
    record.cause = is_unanswered.then_some(Cause::TcpNoAnswer);
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn events_name_their_servers() {
        let lines = r#"{"timestamp":"2025-11-26T04:15:00.000000+0000","flow_id":1,"event_type":"tls","src_ip":"10.1.2.3","src_port":50123,"dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","tls":{"subject":"CN=other.example","sni":"www.example.com"}}
{"timestamp":"2025-11-26T04:15:01.000000+0000","flow_id":2,"event_type":"dns","src_ip":"10.1.0.53","src_port":53,"dest_ip":"10.1.2.3","dest_port":50124,"proto":"UDP","dns":{"version":3,"type":"response","rcode":"NXDOMAIN","queries":[{"rrname":"api.example.com","rrtype":"A"}]}}
{"timestamp":"2025-11-26T04:15:02.000000+0000","flow_id":3,"event_type":"flow","src_ip":"10.1.2.3","src_port":50125,"dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","flow":{"pkts_toserver":3,"pkts_toclient":0,"bytes_toclient":0,"state":"new"}}
{"timestamp":"2025-11-26T04:15:03.000000+0000","event_type":"stats","stats":{"uptime":1}}"#;
        assert_eq!(
            records(lines),
            [
                "1 suricata-eve other tls tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z",
                "2 suricata-eve other dns udp 10.1.2.3#50124 10.1.0.53#53 api.example.com 2025-11-26T04:15:01Z dns_nxdomain",
                "3 suricata-eve other traffic tcp 10.1.2.3#50125 203.0.113.9#443 - 2025-11-26T04:15:02Z tcp_no_answer",
            ]
        );
    }

    #[test]
    fn verdicts_are_the_inline_modes_and_packets_are_turned_round() {
        let lines = r#"{"timestamp":"2025-11-26T04:15:00+0000","flow_id":1,"event_type":"alert","src_ip":"203.0.113.9","src_port":443,"dest_ip":"10.1.2.3","dest_port":50123,"proto":"TCP","direction":"to_client","alert":{"action":"allowed","signature":"x"},"tls":{"sni":"www.example.com"}}
{"timestamp":"2025-11-26T04:15:01+0000","flow_id":1,"event_type":"alert","src_ip":"10.1.2.3","src_port":50123,"dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","alert":{"action":"blocked","signature":"x"},"verdict":{"action":"drop","reject":["tcp-reset"]}}
{"timestamp":"2025-11-26T04:15:02+0000","flow_id":1,"event_type":"drop","src_ip":"10.1.2.3","src_port":50123,"dest_ip":"203.0.113.9","dest_port":443,"proto":"TCP","drop":{"len":60}}"#;
        assert_eq!(
            records(lines),
            [
                "1 suricata-eve allow tls tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z",
                "2 suricata-eve reset traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:01Z",
                "3 suricata-eve deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:02Z",
            ]
        );
    }
}
