//! Flow logs of Amazon VPC, as text and as JSON objects.
//!
//! ```text
//! 2 123456789012 eni-0a1b2c3d4e5f60718 10.1.2.3 203.0.113.9 50123 443 6 3 180 1764130500 1764130560 REJECT OK
//! ```
//!
//! Without a row of titles the columns are those of version 2, and what a later version adds
//! stands behind them. `ACCEPT` and `REJECT` are the verdict of security groups and network
//! access lists together. Rows of `NODATA` and `SKIPDATA` hold no flow. A flow is one direction,
//! so its bytes are none that came back.
//!
//! What it witnesses: A flow is of one direction, so no bytes come back and what is accepted is never
//! an answer. Where `tcp-flags` are stated, a rejected flow without a SYN, or with SYN and ACK, is of
//! no connection. QUIC is UDP to port 443.

use super::directives::{Directives, Style};
use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Columns, Json, Scratch};
use super::record::{Action, Kind, Party, Record};
use super::stamp::Stamp;
use super::value;

/// Text, by the default columns or a row of titles.
pub(super) struct AwsVpcFlow;

/// JSON objects whose keys are the columns.
pub(super) struct AwsVpcFlowJson;

impl Format for AwsVpcFlow {
    fn about(&self) -> &'static About {
        &About {
            id: "aws-vpc-flow",
            product: "AWS VPC flow logs",
            reference: "Flow log records (Amazon VPC User Guide)",
            recognised_by: "a row of titles with srcaddr and dstaddr, or the columns of version 2 \
                            with ACCEPT or REJECT, and OK, NODATA or SKIPDATA",
            literals: &["ACCEPT", "REJECT", "NODATA", "SKIPDATA", "eni-", "srcaddr"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let titles = line
            .directives
            .filter(|titles| titles.style == Style::Titles && titles.column("srcaddr").is_some());
        let separator = titles.map_or(b' ', |titles| titles.separator);
        let columns =
            if separator == b' ' { scratch.words(text) } else { scratch.columns(text, separator) };
        if is_title_row(&columns) {
            return Reading::NoRecord;
        }
        let reading = match titles.map(Order::titled) {
            Some(order) => order.read(&columns, line, emit),
            None => Reading::NotMine,
        };
        if reading != Reading::NotMine {
            return reading;
        }
        // Exports of CloudWatch Logs put the time of ingestion in front.
        let first = usize::from(columns.get(0).is_some_and(|word| value::iso_8601(word).is_some()));
        match Order::of_version_2(first).read(&columns, line, emit) {
            Reading::NotMine if is_cut(&columns, first) => Reading::Damaged,
            reading => reading,
        }
    }
}

/// Whether a line begins as one of version 2 does, with an account and an interface, and ends
/// before its status.
fn is_cut(columns: &Columns<'_, '_>, first: usize) -> bool {
    let is_account = |word: &[u8]| word.len() == 12 && word.iter().all(u8::is_ascii_digit);
    columns.get(first) == Some(b"2")
        && columns.get(first + 1).is_some_and(is_account)
        && columns.get(first + 2).is_some_and(|word| word.starts_with(b"eni-"))
        && columns.len() < first + 14
}

/// Whether it is the row of titles itself.
fn is_title_row(columns: &Columns<'_, '_>) -> bool {
    columns.iter().any(|column| column == b"srcaddr")
        && columns.iter().any(|column| column == b"dstaddr")
}

/// The numbers of the columns.
struct Order {
    source: Option<usize>,
    destination: Option<usize>,
    source_port: Option<usize>,
    destination_port: Option<usize>,
    protocol: Option<usize>,
    start: Option<usize>,
    action: Option<usize>,
    status: Option<usize>,
    control_bits: Option<usize>,
    /// The version, where its column must confirm that the line is one of these logs.
    version: Option<usize>,
}

impl Order {
    fn titled(titles: &Directives) -> Self {
        Self {
            source: titles.column("srcaddr"),
            destination: titles.column("dstaddr"),
            source_port: titles.column("srcport"),
            destination_port: titles.column("dstport"),
            protocol: titles.column("protocol"),
            start: titles.column("start").or_else(|| titles.column("end")),
            action: titles.column("action"),
            status: titles.column("log-status").or_else(|| titles.column("log_status")),
            control_bits: titles.column("tcp-flags").or_else(|| titles.column("tcp_flags")),
            version: None,
        }
    }

    fn of_version_2(first: usize) -> Self {
        Self {
            version: Some(first),
            control_bits: None,
            source: Some(first + 3),
            destination: Some(first + 4),
            source_port: Some(first + 5),
            destination_port: Some(first + 6),
            protocol: Some(first + 7),
            start: Some(first + 10),
            action: Some(first + 12),
            status: Some(first + 13),
        }
    }

    fn read(&self, columns: &Columns<'_, '_>, line: &Line<'_>, emit: Emit<'_>) -> Reading {
        let get = |index: Option<usize>| index.and_then(|index| columns.get(index));
        let action = match get(self.action) {
            Some(word) => match verdict(word) {
                Some(action) => action,
                None => return Reading::NotMine,
            },
            None if self.action.is_some() => return Reading::NotMine,
            None => Action::Other,
        };
        let is_version = |word: &[u8]| word.len() == 1 && word.iter().all(u8::is_ascii_digit);
        let status = get(self.status);
        let confirms = self.version.is_none() || get(self.version).is_some_and(is_version);
        let is_known = |word: &[u8]| matches!(word, b"OK" | b"NODATA" | b"SKIPDATA");
        if !confirms || self.status.is_some() && !status.is_some_and(is_known) {
            return Reading::NotMine;
        }
        if status.is_some_and(|word| word != b"OK") {
            return Reading::NoRecord;
        }
        let mut record = Record::new(Kind::Traffic);
        record.client = Party::parse(get(self.source), get(self.source_port));
        record.server = Party::parse(get(self.destination), get(self.destination_port));
        if record.client.address.is_none() || record.server.address.is_none() {
            return if status.is_some() { Reading::Damaged } else { Reading::NotMine };
        }
        record.protocol = get(self.protocol).and_then(value::protocol);
        record.action = action;
        if action == Action::Deny {
            let bits = get(self.control_bits).and_then(value::number);
            record.note_control_bits(bits.map(value::ControlBits::of_flow));
        }
        let start = get(self.start).and_then(value::epoch);
        record.stamp = line.stamp(start.map(Stamp::Instant).unwrap_or_default(), b"");
        emit(&record);
        Reading::Records
    }
}

impl Format for AwsVpcFlowJson {
    fn about(&self) -> &'static About {
        &About {
            id: "aws-vpc-flow-json",
            product: "AWS VPC flow logs as JSON",
            reference: "Flow log records (Amazon VPC User Guide)",
            recognised_by: "JSON objects with srcaddr, dstaddr and action or log_status",
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
        let (Some(source), Some(destination)) = (json.get("srcaddr"), json.get("dstaddr")) else {
            return Reading::NotMine;
        };
        let status = json.first(&["log_status", "log-status", "logstatus"]);
        let action = json.first(&["action"]);
        if status.is_none() && action.is_none() {
            return Reading::NotMine;
        }
        if status.is_some_and(|status| &*status != b"OK") {
            return Reading::NoRecord;
        }
        let mut record = Record::new(Kind::Traffic);
        let party = |address: Json<'_>, port: &str| Party {
            address: address.address(),
            port: json.get(port).and_then(Json::port),
        };
        record.client = party(source, "srcport");
        record.server = party(destination, "dstport");
        if record.client.address.is_none() || record.server.address.is_none() {
            return Reading::NoRecord;
        }
        let protocol = json.get("protocol");
        record.protocol = match protocol.and_then(Json::unsigned) {
            Some(number) => u8::try_from(number).ok().map(super::record::Protocol),
            None => protocol.and_then(Json::scalar).and_then(|raw| value::protocol(&raw)),
        };
        record.action = action.and_then(|word| verdict(&word)).unwrap_or_default();
        let start = ["start", "end"].iter().find_map(|key| json.get(key)?.stamp());
        record.stamp = line.stamp(start.unwrap_or_default().in_utc(), b"");
        emit(&record);
        Reading::Records
    }
}

fn verdict(word: &[u8]) -> Option<Action> {
    match word {
        b"ACCEPT" => Some(Action::Allow),
        b"REJECT" => Some(Action::Deny),
        b"-" => Some(Action::Other),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn version_2_needs_no_titles() {
        let lines = "2 123456789012 eni-0a1b2c3d4e5f60718 10.1.2.3 203.0.113.9 50123 443 6 3 180 1764130500 1764130560 REJECT OK\n\
            2025-11-26T04:16:00.000Z 5 123456789012 eni-0a1b2c3d4e5f60718 10.1.2.3 203.0.113.9 0 0 1 3 180 1764130500 1764130560 ACCEPT OK vpc-1\n\
            2 123456789012 eni-0a1b2c3d4e5f60718 - - - - - - - 1764130500 1764130560 - NODATA\n\
            2 123456789012 eni-0a1b2c3d4e5f60718 10.1.2.3 203.0.113.9 50123 443 6 3 180 17641";
        assert_eq!(
            records(lines),
            [
                "1 aws-vpc-flow deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
                "2 aws-vpc-flow allow traffic icmp 10.1.2.3 203.0.113.9 - 2025-11-26T04:15:00Z",
            ]
        );
    }

    #[test]
    fn titles_give_the_order() {
        let lines = "start dstaddr dstport srcaddr action pkt-dstaddr log-status\n\
            1764130500 203.0.113.9 443 10.1.2.3 REJECT 203.0.113.9 OK\n\
            1764130500 - - - - - NODATA";
        let expected =
            ["2 aws-vpc-flow deny traffic - 10.1.2.3 203.0.113.9#443 - 2025-11-26T04:15:00Z"];
        assert_eq!(records(lines), expected);
        let lines = "interface-id,srcaddr,dstaddr,dstport,protocol,start\neni-1,10.1.2.3,203.0.113.9,443,6,1764130500";
        let expected =
            ["2 aws-vpc-flow other traffic tcp 10.1.2.3 203.0.113.9#443 - 2025-11-26T04:15:00Z"];
        assert_eq!(records(lines), expected);
    }

    #[test]
    fn json_spells_numbers_in_several_ways() {
        let lines = r#"{"version":5,"srcaddr":"10.1.2.3","dstaddr":"203.0.113.9","srcport":50123.0,"dstport":"443","protocol":6.0,"start":1764130500,"action":"REJECT","log-status":"OK"}
{"srcaddr":"-","dstaddr":"-","action":"-","log_status":"NODATA"}"#;
        let expected = [
            "1 aws-vpc-flow-json deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
        ];
        assert_eq!(records(lines), expected);
    }
}
