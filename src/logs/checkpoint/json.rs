//! Check Point's Log Exporter as JSON objects.
//!
//! ```text
//! {"action":"Drop","loguid":"0x1,0x2,0x3,0x4","origin":"192.0.2.1","time":1764130500,"dst":"203.0.113.9","product":"VPN-1 & FireWall-1","proto":6,"s_port":50123,"service":443,"src":"10.1.2.3"}
//! ```
//!
//! What the words mean is told in [`super::fields`].
//!
//! What it witnesses: Bytes, reasons and packets out of state as in the other encodings of the same
//! events.

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Json, Scratch};
use super::fields;

/// The format.
pub(in crate::logs) struct CheckpointJson;

impl Format for CheckpointJson {
    fn about(&self) -> &'static About {
        &About {
            id: "checkpoint-json",
            product: "Check Point, JSON",
            reference: "Log Exporter (sk122323), format json",
            recognised_by: "JSON objects with loguid and origin",
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
        if json.get("loguid").is_none() || json.get("origin").is_none() {
            return Reading::NotMine;
        }
        let get = |keys: &[&str]| json.first(keys);
        let Some(mut record) = fields::record(&get) else { return Reading::NoRecord };
        if record.decider.rule.is_none() {
            let names = json.get("rule_name_._._match_table");
            record.decider.rule = names.and_then(|names| names.elements().next()?.stated());
        }
        record.stamp = line.stamp(record.stamp, b"");
        emit(&record);
        Reading::Records
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn numbers_are_values_too() {
        let head =
            r#""loguid":"0x1","origin":"192.0.2.1","time":1764130500,"product":"HTTPS Inspection""#;
        let lines = format!(
            "{{\"action\":\"Reject\",{head},\"dst\":\"203.0.113.9\",\"proto\":6,\"s_port\":5,\"service\":443,\"src\":\"10.1.2.3\",\"sni\":\"www.example.com\"}}\n\
             {{\"action\":\"Accept\",{head},\"operation\":\"Log In\"}}\n"
        );
        assert_eq!(
            records(&lines),
            [
                "1 checkpoint-json reset tls tcp 10.1.2.3#5 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z tls_policy"
            ]
        );
    }
}
