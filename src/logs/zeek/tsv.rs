//! Zeek's logs as separated columns that directives name.
//!
//! What it witnesses: `resp_bytes` are payload; `conn_state` tells what was answered, and `S0` and
//! `REJ` what was not. The status of CONNECT and a relayed 403 or 451 decide. QUIC is a log of its own.

use std::borrow::Cow;

use super::{Fields, Log, is_attempt, record};
use crate::logs::directives::{Directives, Style};
use crate::logs::format::{About, Emit, Format, Line, Reading};
use crate::logs::grammar::{Columns, Scratch};

/// Columns that `#fields` names.
pub(in crate::logs) struct ZeekTsv;

impl Format for ZeekTsv {
    fn about(&self) -> &'static About {
        &About {
            id: "zeek-tsv",
            product: "Zeek, tab-separated logs",
            reference: "Zeek Log Formats and Inspection; conn.log, dns.log, ssl.log, http.log, \
                        quic.log",
            recognised_by: "the directives #separator, #path and #fields, with id.orig_h",
            literals: &["\t", "#separator", "#path", "#open", "#close"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let Some(titles) = line.directives.filter(|titles| titles.style == Style::Zeek) else {
            return Reading::NotMine;
        };
        if text.starts_with(b"#") {
            return if is_directive(text) { Reading::NoRecord } else { Reading::NotMine };
        }
        let columns = scratch.split(text, titles.separator);
        if columns.len() < 2 {
            return Reading::NotMine;
        }
        let log = Log::of_path(&titles.path)
            .or_else(|| Log::of_fields(|name| titles.column(name).is_some()))
            .filter(|_| titles.column("id.orig_h").is_some());
        let Some(log) = log else {
            // A log that tells of no attempts, if the columns fit.
            let fits = columns.len() == titles.columns.len();
            return if fits { Reading::NoRecord } else { Reading::NotMine };
        };
        let fields = Row { columns, titles };
        if !is_attempt(log, &fields) {
            return Reading::NoRecord;
        }
        let is_whole = fields.columns.len() >= titles.columns.len();
        match record(log, &fields).filter(|_| is_whole) {
            Some(mut record) => {
                record.stamp = line.stamp(record.stamp, b"");
                emit(&record);
                Reading::Records
            }
            None => Reading::Damaged,
        }
    }
}

fn is_directive(text: &[u8]) -> bool {
    const DIRECTIVES: &[&str] = &[
        "#separator",
        "#set_separator",
        "#empty_field",
        "#unset_field",
        "#path",
        "#open",
        "#fields",
        "#types",
        "#close",
    ];
    DIRECTIVES.iter().any(|directive| text.starts_with(directive.as_bytes()))
}

struct Row<'s, 'l, 'd> {
    columns: Columns<'s, 'l>,
    titles: &'d Directives,
}

impl<'l> Fields<'l> for Row<'_, 'l, '_> {
    fn get(&self, name: &str) -> Option<Cow<'l, [u8]>> {
        self.columns.stated(self.titles.column(name)?).map(Cow::Borrowed)
    }

    fn each(&self, name: &str, take: &mut dyn FnMut(&[u8])) {
        let value = self.titles.column(name).and_then(|column| self.columns.stated(column));
        value.unwrap_or_default().split(|byte| *byte == b',').for_each(take);
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn directives_name_the_columns_and_come_again() {
        let lines = "#separator \\x09\n#set_separator\t,\n#path\tconn\n\
            #fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\tresp_bytes\n\
            #types\ttime\tstring\taddr\tport\taddr\tport\tenum\tstring\tcount\n\
            1764130500.000000\tC1\t10.1.2.3\t50123\t203.0.113.9\t443\ttcp\tREJ\t0\n\
            1764130501.000000\tC2\t10.1.2.3\t8\t203.0.113.9\t0\ticmp\tOTH\t-\n\
            1764130501.000000\tC3\t10.1.2.3\t8\n\
            #close\t2025-11-26-04-16-00\n\
            #separator \\x09\n#path\tdns\n\
            #fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tquery\trcode_name\tanswers\tTTLs\n\
            1764130502.000000\tC4\t10.1.2.3\t50124\t10.1.0.53\t53\tudp\t\"www.example.com\tNXDOMAIN\t-\t-\n\
            1764130503.000000\tC5\t10.1.2.3\t50125\t10.1.0.53\t53\tudp\twww.example.com\tNOERROR\ta.example,203.0.113.9\t60.000000,30.000000\n";
        assert_eq!(
            records(lines),
            [
                "6 zeek-tsv reset traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z tcp_refused",
                "7 zeek-tsv other traffic icmp 10.1.2.3 203.0.113.9 - 2025-11-26T04:15:01Z",
                "13 zeek-tsv other dns udp 10.1.2.3#50124 10.1.0.53#53 - 2025-11-26T04:15:02Z dns_nxdomain",
                "14 zeek-tsv allow dns udp 10.1.2.3#50125 10.1.0.53#53 www.example.com 2025-11-26T04:15:03Z = 203.0.113.9",
            ]
        );
    }
}
