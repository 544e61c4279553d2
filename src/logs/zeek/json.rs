//! Zeek's logs as JSON objects.
//!
//! What it witnesses: Bytes, states and statuses as in the tab-separated logs.

use std::borrow::Cow;

use super::{Fields, Log, is_attempt, record};
use crate::logs::format::{About, Emit, Format, Line, Reading};
use crate::logs::grammar::{Json, Scratch};

/// One object to a line.
pub(in crate::logs) struct ZeekJson;

impl Format for ZeekJson {
    fn about(&self) -> &'static About {
        &About {
            id: "zeek-json",
            product: "Zeek, JSON logs",
            reference: "Zeek JSON logs; conn.log, dns.log, ssl.log, http.log, quic.log",
            recognised_by: "JSON objects with ts, and id.orig_h, id_orig_h or orig_h in id",
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
        // Some pipelines put the log's name around the object.
        let wrapped = || {
            let (name, inner) = json.entries().find(|(_, value)| value.is_object())?;
            Ids::of(inner).map(|ids| (ids, inner, Log::of_path(name)))
        };
        let found = Ids::of(json).map(|ids| (ids, json, None)).or_else(wrapped);
        let Some((ids, json, named)) = found else {
            return if is_log_without_ends(json) { Reading::NoRecord } else { Reading::NotMine };
        };
        if json.get("ts").is_none() {
            return Reading::NotMine;
        }
        let path = ["_path", "@stream", "path"].iter().find_map(|key| json.get(key)?.text());
        // A path that is none of the five is of a log without attempts.
        let log = match path {
            Some(path) if json.get("_path").is_some() => Log::of_path(path),
            Some(path) => Log::of_path(path).or_else(|| Log::of_fields(|name| has(json, name))),
            None => named.or_else(|| Log::of_fields(|name| has(json, name))),
        };
        let Some(log) = log else { return Reading::NoRecord };
        let fields = Object { json, ids };
        if !is_attempt(log, &fields) {
            return Reading::NoRecord;
        }
        match record(log, &fields) {
            Some(mut record) => {
                record.stamp = line.stamp(record.stamp, b"");
                emit(&record);
                Reading::Records
            }
            None => Reading::Damaged,
        }
    }
}

fn has(json: Json<'_>, name: &str) -> bool {
    json.get(name).is_some()
}

/// Logs of files, certificates and the like have a unique identifier and a time only.
fn is_log_without_ends(json: Json<'_>) -> bool {
    has(json, "ts") && has(json, "_path")
}

/// How the ends of a connection are spelled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ids {
    Dotted,
    Underscored,
    Nested,
}

impl Ids {
    fn of(json: Json<'_>) -> Option<Self> {
        if has(json, "id.orig_h") {
            Some(Self::Dotted)
        } else if has(json, "id_orig_h") {
            Some(Self::Underscored)
        } else {
            json.path(&["id", "orig_h"]).map(|_| Self::Nested)
        }
    }
}

struct Object<'s> {
    json: Json<'s>,
    ids: Ids,
}

impl<'s> Object<'s> {
    fn value(&self, name: &str) -> Option<Json<'s>> {
        match (name.strip_prefix("id."), self.ids) {
            (Some(end), Ids::Nested) => self.json.get("id")?.get(end),
            (Some("orig_h"), Ids::Underscored) => self.json.get("id_orig_h"),
            (Some("orig_p"), Ids::Underscored) => self.json.get("id_orig_p"),
            (Some("resp_h"), Ids::Underscored) => self.json.get("id_resp_h"),
            (Some("resp_p"), Ids::Underscored) => self.json.get("id_resp_p"),
            _ => self.json.get(name),
        }
    }
}

impl<'s> Fields<'s> for Object<'s> {
    fn get(&self, name: &str) -> Option<Cow<'s, [u8]>> {
        self.value(name)?.stated()
    }

    fn each(&self, name: &str, take: &mut dyn FnMut(&[u8])) {
        let Some(list) = self.value(name) else { return };
        for element in list.elements() {
            if let Some(text) = element.scalar() {
                take(&text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn ends_are_spelled_in_three_ways() {
        let lines = r#"{"ts":1764130500.5,"uid":"C1","id.orig_h":"10.1.2.3","id.orig_p":50123,"id.resp_h":"203.0.113.9","id.resp_p":443,"proto":"tcp","conn_state":"S0"}
{"_path":"ssl","ts":"2025-11-26T04:15:01.000000Z","id_orig_h":"10.1.2.3","id_orig_p":50124,"id_resp_h":"203.0.113.9","id_resp_p":443,"server_name":"www.example.com"}
{"dns":{"ts":1764130502.0,"id":{"orig_h":"10.1.2.3","orig_p":50125,"resp_h":"10.1.0.53","resp_p":53},"proto":"udp","query":"www.example.com","rcode":5,"rcode_name":"REFUSED"}}
{"_path":"weird","ts":1764130503.0,"id.orig_h":"10.1.2.3","id.orig_p":1,"id.resp_h":"203.0.113.9","id.resp_p":2,"name":"bad_checksum"}"#;
        assert_eq!(
            records(lines),
            [
                "1 zeek-json other traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z tcp_no_answer",
                "2 zeek-json other tls - 10.1.2.3#50124 203.0.113.9#443 www.example.com 2025-11-26T04:15:01Z",
                "3 zeek-json deny dns udp 10.1.2.3#50125 10.1.0.53#53 www.example.com 2025-11-26T04:15:02Z dns_refused",
            ]
        );
    }
}
