//! PAN-OS: comma-separated logs behind a syslog header.
//!
//! ```text
//! <14>Nov 26 04:15:01 fw1 1,2025/11/26 04:15:00,012345678901,TRAFFIC,drop,2817,2025/11/26 04:15:00,10.1.2.3,203.0.113.9,0.0.0.0,0.0.0.0,default-deny,,,not-applicable,vsys1,trust,untrust,ethernet1/2,,fwd,2025/11/26 04:15:00,0,1,50123,443,0,0,0x0,tcp,deny,74,74,0,1,2025/11/26 04:15:00,0,any,…
//! ```
//!
//! The columns have numbers from 0: 1 time of receipt, 3 type, 4 subtype, 6 time, 7 source, 8
//! destination, 11 rule, 14 application, 24 and 25 ports, 29 protocol, 30 action; versions append
//! further ones. Times are the firewall's local ones; PAN-OS 10 and later add one with a zone
//! further right. What the words mean is told in [`super::event`].
//!
//! What it witnesses: Bytes received count whole packets, beside packets received. `allow` with the end
//! reason `threat`, `policy-deny` or `decrypt-*` is a denial; the application `incomplete` or
//! `insufficient-data` is no answer. `non-syn-tcp` is of no connection.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Columns, Scratch};
use super::super::record::Party;
use super::super::stamp::Stamp;
use super::super::value;
use super::event::{Event, LogType};

/// The format.
pub(in crate::logs) struct PanosCsv;

/// The column of the action, without which a line is cut.
const ACTION: usize = 30;
/// From here on a column may be the time with a zone.
const FIRST_PRECISE: usize = 50;

impl Format for PanosCsv {
    fn about(&self) -> &'static About {
        &About {
            id: "panos-csv",
            product: "Palo Alto Networks PAN-OS",
            reference: "PAN-OS Administrator's Guide: Syslog Field Descriptions",
            recognised_by: "comma-separated: 1, date and time, serial number, TRAFFIC (or THREAT, …)",
            literals: &[
                ",TRAFFIC,",
                ",THREAT,",
                ",DECRYPTION,",
                ",SYSTEM,",
                ",CONFIG,",
                ",GLOBALPROTECT,",
                ",USERID,",
                ",HIPMATCH,",
                ",HIP-MATCH,",
                ",AUTH,",
                ",AUTHENTICATION,",
                ",CORRELATION,",
                ",IPTAG,",
                ",TUNNEL,",
                ",SCTP,",
                ",GTP,",
                ",AUDIT,",
            ],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let Some((header, log_type)) = start(text) else { return Reading::NotMine };
        if matches!(log_type, LogType::Other | LogType::Dns) {
            return Reading::NoRecord;
        }
        let columns = scratch.columns(text, b',');
        if columns.len() <= ACTION {
            return Reading::Damaged;
        }
        let Some(mut record) = event(&columns, log_type).into_record(log_type) else {
            return Reading::Damaged;
        };
        record.stamp = line.stamp(stamp(&columns), header);
        emit(&record);
        Reading::Records
    }
}

/// The header before the first column and the type, if the first columns are those of a log.
fn start(text: &[u8]) -> Option<(&[u8], LogType)> {
    let mut columns = text.splitn(5, |byte| *byte == b',');
    let (first, time, serial) = (columns.next()?, columns.next()?, columns.next()?);
    let log_type = LogType::parse(columns.next()?)?;
    columns.next()?;
    let is_first = first.is_empty() || matches!(first.last(), Some(b'0' | b'1' | b' ' | b':'));
    let is_time =
        time.first().is_some_and(u8::is_ascii_digit) && memchr::memchr(b'/', time).is_some();
    let is_serial = serial.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    (is_first && is_time && is_serial).then_some((first, log_type))
}

fn event<'l>(columns: &Columns<'_, 'l>, log_type: LogType) -> Event<'l> {
    let stated = |index| columns.stated(index).map(Cow::Borrowed);
    let word = |index| columns.get(index).map(Cow::Borrowed).unwrap_or_default();
    let mut event = Event {
        subtype: word(4),
        client: Party::parse(columns.get(7), columns.get(24)),
        server: Party::parse(columns.get(8), columns.get(25)),
        protocol: columns.get(29).and_then(value::protocol),
        action: word(ACTION),
        application: word(14),
        rule: stated(11),
        ..Event::default()
    };
    match log_type {
        LogType::Traffic => {
            event.bytes_back = columns.get(33).and_then(value::number);
            event.packets_back = columns.get(45).and_then(value::number);
            event.category = stated(37);
            event.end_reason = stated(46);
        }
        LogType::Threat => {
            event.url = columns.text(31).filter(|url| !url.is_empty());
            event.threat = stated(32);
            event.category = stated(33);
        }
        LogType::Decryption => {
            event.policy = stated(43);
            event.server_name = stated(63);
            event.error = stated(64);
        }
        LogType::Dns | LogType::Other => {}
    }
    event
}

/// The time with a zone, if there is one, else the time of the log, else that of its receipt.
fn stamp(columns: &Columns<'_, '_>) -> Stamp {
    let precise = (FIRST_PRECISE..columns.len()).find_map(|index| {
        let column = columns.get(index).filter(|column| column.len() >= 20)?;
        let is_time = column.get(4) == Some(&b'-') && column.get(10) == Some(&b'T');
        is_time.then(|| value::iso_8601(column)).flatten()
    });
    let local = |index| {
        let column = columns.get(index)?;
        value::iso_8601(column).or_else(|| value::us_or_eu_date(column, None))
    };
    precise.or_else(|| local(6)).or_else(|| local(1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    fn log(kind: &str, application: &str, port: u16, action: &str, rest: &str) -> String {
        format!(
            "<14>Nov 26 04:15:01 fw1 1,2025/11/26 04:15:00,012345678901,{kind},2817,\
             2025/11/26 04:15:00,10.1.2.3,203.0.113.9,0.0.0.0,0.0.0.0,rule 1,,,{application},vsys1,\
             a,b,e1,e2,fwd,2025/11/26 04:15:00,1,1,50123,{port},0,0,0x0,tcp,{action},{rest}\n"
        )
    }

    #[test]
    fn urls_questions_and_file_names_share_a_column() {
        let lines = [
            log("THREAT,url", "ssl", 443, "block-url", r#""www.example.com/",(9999),news"#),
            log("THREAT,url", "http-proxy", 8085, "alert", "www.example.com:443/,(9999),news"),
            log("THREAT,spyware", "dns-base", 53, "sinkhole", "login.example.com,x(1),any"),
            log("THREAT,virus", "web-browsing", 80, "reset-both", "www.example.com,x(2),any"),
            log("THREAT,url", "ssl", 443, "alert", "-/,(9999),news"),
        ];
        assert_eq!(
            records(&lines.concat()),
            [
                "1 panos-csv deny http tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00 url_filtered",
                "2 panos-csv allow http tcp 10.1.2.3#50123 203.0.113.9#8085 www.example.com 2025-11-26T04:15:00",
                "3 panos-csv deny dns tcp 10.1.2.3#50123 203.0.113.9#53 login.example.com 2025-11-26T04:15:00 dns_sinkhole",
                "4 panos-csv reset traffic tcp 10.1.2.3#50123 203.0.113.9#80 - 2025-11-26T04:15:00",
                "5 panos-csv allow http tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00",
            ]
        );
    }

    #[test]
    fn an_allowed_session_whose_decryption_failed_is_denied() {
        let middle = "1,1,0,1,2025/11/26 04:15:00,0,any,0,1,0x0,a,b,0,1,1";
        let lines = [
            log("TRAFFIC,end", "ssl", 443, "allow", &format!("{middle},decrypt-cert-validation")),
            log("TRAFFIC,end", "ssl", 443, "allow", &format!("{middle},tcp-rst-from-server")),
            log("SYSTEM,general", "ssl", 443, "deny", "www.example.com/"),
        ];
        assert_eq!(
            records(&lines.concat()),
            [
                "1 panos-csv deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00 tls_policy",
                "2 panos-csv allow traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00",
            ]
        );
    }
}
