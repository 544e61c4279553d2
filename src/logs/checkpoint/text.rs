//! Check Point's Log Exporter as text.
//!
//! ```text
//! <134>1 2025-11-26T04:15:01Z gw1 CheckPoint 1234 - [action:"Drop"; loguid:"{0x1,0x2,0x3,0x4}"; origin:"192.0.2.1"; time:"1764130500"; dst:"203.0.113.9"; product:"VPN-1 & FireWall-1"; proto:"6"; rule_name:"Cleanup"; s_port:"50123"; service:"443"; src:"10.1.2.3"]
//! ```
//!
//! Pairs are `key:"value"; ` (format `syslog`), `key="value" ` (structured data of RFC 5424) or
//! `key=value|` (`generic` and `splunk`); the oldest form is columns in quotes. What the words
//! mean is told in [`super::fields`].
//!
//! What it witnesses: `received_bytes` and `in` count whole packets, so only more than opening and
//! closing takes is an answer. `Accept` beside a reason that denies (`Drop` by the web filter, HTTPS
//! inspection) is the denial. What is `tcp_packet_out_of_state` is no attempt.

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Between, PairStyle, Scratch};
use super::super::value;
use super::{fields, positional};

/// The format.
pub(in crate::logs) struct Checkpoint;

impl Format for Checkpoint {
    fn about(&self) -> &'static About {
        &About {
            id: "checkpoint",
            product: "Check Point",
            reference: "Log Exporter (sk122323); Description of Fields in Check Point Logs (sk144192)",
            recognised_by: "pairs with loguid, or [action:\"…\"; behind CheckPoint; or columns in quotes",
            literals: &["loguid", "[action:\"", "|product=", "CheckPoint ", "\" \"Log\" \""],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        if let Some((header, reading)) = positional::record(text, scratch) {
            let Some(mut record) = reading else { return Reading::NoRecord };
            record.stamp = line.stamp(record.stamp, header);
            emit(&record);
            return Reading::Records;
        }
        let Some((header, body, style)) = dialect(text) else { return Reading::NotMine };
        let pairs = scratch.pairs(body, &style);
        let get = |keys: &[&str]| pairs.first(keys).map(value::unescape);
        let is_log = pairs.has("loguid") || (pairs.has("action") && pairs.has("product"));
        if !is_log && !header.is_marked {
            return Reading::NotMine;
        }
        let Some(mut record) = fields::record(&get) else { return Reading::NoRecord };
        record.stamp = line.stamp(record.stamp, header.text);
        emit(&record);
        Reading::Records
    }
}

/// What stands before the pairs.
struct Header<'l> {
    text: &'l [u8],
    /// Whether it ends with the exporter's name and number.
    is_marked: bool,
}

/// Finds out how the pairs are written.
fn dialect(text: &[u8]) -> Option<(Header<'_>, &[u8], PairStyle)> {
    const COLON: PairStyle = PairStyle { assign: b':', between: Between::Byte(b';'), quote: b'"' };
    let is_marked = |before: &[u8]| memchr::memmem::find(before, b"CheckPoint ").is_some();
    if let Some((before, body)) = bracket(text, b":\"") {
        return Some((Header { text: before, is_marked: is_marked(before) }, body, COLON));
    }
    if let Some((before, body)) = bracket(text, b"=\"") {
        let header = Header { text: before, is_marked: is_marked(before) };
        let end = memchr::memmem::find(body, b"\"]").map_or(body.len(), |end| end + 1);
        return Some((header, body.get(..end)?, PairStyle::BLANK));
    }
    let bar = memchr::memchr(b'|', text)?;
    let first = text.get(..bar)?;
    let equals = memchr::memchr(b'=', first)?;
    let start = memchr::memrchr(b' ', first.get(..equals)?).map_or(0, |at| at + 1);
    let (before, body) = text.split_at(start);
    // Values hold quotes that enclose nothing.
    let style = PairStyle { quote: 0, ..PairStyle::separated(b'|') };
    Some((Header { text: before, is_marked: false }, body, style))
}

/// What stands before and behind the bracket in which the first `assign` stands.
fn bracket<'l>(text: &'l [u8], assign: &[u8]) -> Option<(&'l [u8], &'l [u8])> {
    let open = memchr::memchr_iter(b'[', text).find(|open| {
        let body = text.get(open + 1..).unwrap_or_default();
        // In structured data a name stands before the first key.
        let key = body.iter().take(64).position(|byte| matches!(byte, b':' | b'='));
        key.is_some_and(|key| body.get(key..).unwrap_or_default().starts_with(assign))
    })?;
    let (before, body) = text.split_at(open);
    Some((before, body.get(1..)?))
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn pairs_are_written_in_three_ways() {
        let lines = "\
            <134>1 2025-11-26T04:15:01Z gw1 CheckPoint 1234 - [action:\"Drop\"; flags:\"1\"; ike::\"a; b\"; time:\"1764130500\"; dst:\"203.0.113.9\"; proto:\"6\"; s_port:\"50123\"; service:\"443\"; src:\"10.1.2.3\"; resource:\"https://www.example.com/a\"; product:\"URL Filtering\"; ]\n\
            <134>1 2025-11-26T04:15:01Z gw1 CheckPoint 1234 - [a@2620 action=\"Accept\" time=\"1764130500\" dst=\"203.0.113.9\" proto=\"17\" service=\"53\" src=\"10.1.2.3\" product=\"VPN-1 & FireWall-1\"]\n\
            time=1764130500|hostname=gw1|product=Firewall|action=Reject|loguid={0x1,0x2}|dst=203.0.113.9|proto=6|s_port=5|service=443|src=10.1.2.3|\n\
            time=1764130500|hostname=gw1|product=SmartConsole|action=Accept|loguid={0x1,0x2}|administrator=a|client_ip=10.1.2.3|operation=Log In\n\
            <134>1 2025-11-26T04:15:01Z gw1 CheckPoint 1234 - [action:\"Block\";...\n";
        assert_eq!(
            records(lines),
            [
                "1 checkpoint deny http tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z url_filtered",
                "2 checkpoint allow traffic udp 10.1.2.3 203.0.113.9#53 - 2025-11-26T04:15:00Z",
                "3 checkpoint reset traffic tcp 10.1.2.3#5 203.0.113.9#443 - 2025-11-26T04:15:00Z",
            ]
        );
    }

    #[test]
    fn the_oldest_form_is_columns() {
        let lines = "\"21\" \"26Nov2025\" \"04:15:00\" \"eth1\" \"gw1\" \"Log\" \"Drop\" \"443\" \"50123\" \"10.1.2.3\" \"203.0.113.9\" \"tcp\" \"107\" \"Deny all\" \"107-P\" \"\" \"inzone: External\" \"Security Gateway\" \"\" \"\"\n";
        assert_eq!(
            records(lines),
            ["1 checkpoint deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00"]
        );
    }
}
