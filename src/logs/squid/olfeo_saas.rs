//! Olfeo's cloud proxy: one JSON object for each request.
//!
//! ```text
//! {"url":"https://www.example.com/","action":"allow","domain":"www.example.com","src_ip":"10.1.2.3","timestamp":1764130500250,"dest_ip":"203.0.113.9","user_status_code":"200","cache_status":"TCP_MISS","peer_status_code":"200","category_label":"Business Services"}
//! ```
//!
//! `action` is what the policy decided; the status codes are the client's and the server's.
//!
//! Olfeo documentation, "Export of logs (Olfeo SaaS)".
//!
//! What it witnesses: `user_received_bytes` are payload. A relayed 403 or 451, and any failure of
//! CONNECT, is a denial although the action allows; questions (`type:dns`) have no status.

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Json, Scratch};
use super::super::record::{Action, Kind, Party, Record};
use super::super::stamp::Stamp;
use super::super::value;
use super::verdict;
use crate::observe::Cause;

/// The format.
pub(in crate::logs) struct OlfeoSaas;

impl Format for OlfeoSaas {
    fn about(&self) -> &'static About {
        &About {
            id: "olfeo-saas",
            product: "Olfeo SaaS proxy",
            reference: "Olfeo: export of logs",
            recognised_by: "JSON objects with cache_status, user_status_code and domain or url",
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
        let is_question = json.get("type").and_then(Json::text) == Some("dns");
        let is_request = has("cache_status") && has("user_status_code");
        let has_policy = has("policy_name") || has("category_label") || has("theme_label");
        if !has("src_ip") || !(is_request || is_question && has("domain") && has_policy) {
            return Reading::NotMine;
        }
        let mut record = Record::new(Kind::Http);
        let stamp = json.first(&["timestamp"]).and_then(|raw| value::epoch(&raw));
        record.stamp = line.stamp(stamp.map_or(Stamp::None, Stamp::Instant), b"");
        record.client = Party {
            address: json.get("src_ip").and_then(Json::address),
            port: json.get("src_port").and_then(Json::port),
        };
        record.server = Party::of(json.get("dest_ip").and_then(Json::address));
        record.proxied = true;
        if let Some(url) = json.first(&["url"]) {
            record.add_url(url);
        }
        if let Some(domain) = json.first(&["domain"]) {
            record.add_name(domain);
        }
        if is_question {
            record.kind = Kind::Dns;
            record.proxied = false;
        }
        let status = json.get("user_status_code").and_then(Json::unsigned).unwrap_or_default();
        let code = json.first(&["cache_status"]).unwrap_or_default();
        (record.action, record.cause) = match json.get("action").and_then(Json::text) {
            Some("allow") if record.kind == Kind::Dns => (Action::Allow, None),
            Some("deny" | "block" | "blocked") if record.kind == Kind::Dns => {
                (Action::Deny, Some(Cause::DnsFiltered))
            }
            Some("allow") => verdict(&code, u16::try_from(status).unwrap_or_default()),
            Some("deny" | "block" | "blocked") => (Action::Deny, Some(Cause::UrlFiltered)),
            _ => (Action::Other, None),
        };
        let method = json.first(&["method", "http_method"]);
        let is_connect = method.as_deref() == Some(b"CONNECT");
        record.note_status(u16::try_from(status).unwrap_or_default(), is_connect);
        record.decider.policy = json.first(&["policy_name"]);
        record.decider.rule = json.first(&["rule_id"]);
        record.decider.category = json.first(&["category_label", "theme_label"]);
        if record.action == Action::Allow {
            record.set_payload_back(json.get("user_received_bytes").and_then(Json::unsigned));
        }
        emit(&record);
        Reading::Records
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    #[test]
    fn the_policys_word_comes_before_the_status() {
        let log = r#"{"url":"https://www.example.com/","action":"allow","domain":"www.example.com","src_ip":"10.1.2.3","timestamp":1764130500250,"dest_ip":"203.0.113.9","user_status_code":"200","cache_status":"TCP_MISS"}
{"url":"https://b.example.com/","action":"deny","domain":"b.example.com","src_ip":"10.1.2.3","timestamp":1764130501000,"dest_ip":"-","user_status_code":"200","cache_status":"TCP_MISS"}
{"url":"https://b.example.com/","src_ip":"10.1.2.3"}
"#;
        let expected = [
            "1 allow http - 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z",
            "2 deny http - 10.1.2.3 -#443 b.example.com 2025-11-26T04:15:01Z url_filtered",
        ];
        assert_eq!(records_of("olfeo-saas", log), expected);
    }

    #[test]
    fn questions_are_decided_by_their_action() {
        let read = |line: &str| crate::logs::test_support::read(&[line]).remove(0);
        let line = |action: &str| {
            format!(
                r#"{{"type":"dns","action":"{action}","domain":"www.example.com","src_ip":"10.1.2.3","timestamp":1764130500250,"policy_name":"p"}}"#
            )
        };
        assert!(
            read(&line("block")).starts_with("olfeo-saas deny dns - 10.1.2.3 - www.example.com")
        );
        assert!(
            read(&line("allow")).starts_with("olfeo-saas allow dns - 10.1.2.3 - www.example.com")
        );
    }
}
