//! Lines whose columns a `#Fields:` directive names.
//!
//! What it witnesses: `sc-bytes` are what the client got; a status other than 2xx to CONNECT is a
//! denial or failure although `sc-filter-result` is OBSERVED, and a relayed 403 or 451 is its sender's.

use std::borrow::Cow;

use super::super::directives::{Directives, Style};
use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Columns, Scratch};
use super::super::value;
use super::fields;

/// The format.
pub(in crate::logs) struct Elff;

/// Fields that only a proxy has: a web server's log in this format is none of ours.
const PROXY_FIELDS: &[&str] = &[
    "sc-filter-result",
    "s-action",
    "s-hierarchy",
    "s-supplier-name",
    "x-exception-id",
    "cs-uri-scheme",
    "r-host",
    "r-ip",
];
/// Directives of the format, which may stand behind a header of syslog.
const DIRECTIVES: &[&str] =
    &["#Software:", "#Version:", "#Date:", "#Start-Date:", "#End-Date:", "#Fields:", "#Remark:"];

impl Format for Elff {
    fn about(&self) -> &'static About {
        &About {
            id: "elff",
            product: "Proxies in the W3C extended log format",
            reference: "Extended Log File Format (W3C WD-logfile-960323)",
            recognised_by: "a directive #Fields: with c-ip and a proxy's fields before it",
            literals: &[],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        if is_directive(text) {
            return Reading::NoRecord;
        }
        let Some(directives) = line.directives.filter(|directives| is_proxy(directives)) else {
            return Reading::NotMine;
        };
        let Some(body) = body(text, directives) else { return Reading::NotMine };
        let columns = if directives.separator == b'\t' {
            scratch.columns(body, b'\t')
        } else {
            scratch.words(body)
        };
        let column = |name: &str| column(&columns, directives, name);
        if column("c-ip").is_none_or(|client| value::address(&client).is_none()) {
            return if columns.len() < 4 { Reading::Damaged } else { Reading::NotMine };
        }
        if columns.len() * 2 < directives.columns.len() {
            return Reading::Damaged;
        }
        let Some(mut record) = fields::record(column) else { return Reading::NoRecord };
        let header = text.get(..text.len() - body.len()).unwrap_or_default();
        record.stamp = line.stamp(record.stamp, header);
        emit(&record);
        Reading::Records
    }
}

fn is_directive(text: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'#', text) else { return false };
    let is_start = at == 0 || text.get(at - 1) == Some(&b' ');
    let directive = text.get(at..).unwrap_or_default();
    is_start && at < 100 && DIRECTIVES.iter().any(|known| directive.starts_with(known.as_bytes()))
}

fn is_proxy(directives: &Directives) -> bool {
    directives.style == Style::Extended
        && directives.column("c-ip").is_some()
        && PROXY_FIELDS.iter().any(|field| directives.column(field).is_some())
}

/// The line without the header of syslog: where the date begins that is its first column.
fn body<'l>(text: &'l [u8], directives: &Directives) -> Option<&'l [u8]> {
    if directives.column("date") != Some(0) {
        return Some(text);
    }
    let is_start = |at: usize| at == 0 || text.get(at - 1).is_some_and(u8::is_ascii_whitespace);
    let separator = if directives.separator == b'\t' { b'\t' } else { b' ' };
    (0..text.len().min(120)).filter(|at| is_start(*at)).find_map(|at| {
        let body = text.get(at..)?;
        let (date, rest) = body.split_at(memchr::memchr(separator, body)?);
        let is_date = date.len() == 10 && date.get(4) == Some(&b'-') && date.get(7) == Some(&b'-');
        let is_time = value::clock(rest.trim_ascii_start()).is_some();
        (is_date && is_time).then_some(body)
    })
}

fn column<'l>(
    columns: &Columns<'_, 'l>,
    directives: &Directives,
    name: &str,
) -> Option<Cow<'l, [u8]>> {
    columns.get(directives.column(name)?).map(Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = "\
#Software: SGOS 7.3.1
#Version: 1.0
#Fields: date time c-ip sc-status s-action cs-method cs-uri-scheme cs-host cs-uri-port x-exception-id sc-filter-result r-ip cs(User-Agent)
2025-11-26 04:15:00 10.1.2.3 200 TCP_TUNNELED CONNECT tcp www.example.com 443 - OBSERVED 203.0.113.9 \"a b\"
2025-11-26 04:15:01 10.1.2.3 403 TCP_DENIED CONNECT tcp a.example.com 443 policy_denied DENIED - -
2025-11-26 04:15:02 10.1.2.3 503 TCP_ERR_MISS CONNECT tcp b.example.com 443 tcp_error DENIED - -
#Fields: date time c-ip cs-host s-action cs-uri-scheme sc-filter-result
Nov 26 04:15:03 proxy 2025-11-26 04:15:03 10.1.2.3 198.51.100.7 TCP_HIT http PROXIED
2025-11-26 04:15:04 10.1.2.3
";

    #[test]
    fn directives_name_the_columns() {
        let expected = [
            "4 allow http - 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z",
            "5 deny http - 10.1.2.3 -#443 a.example.com 2025-11-26T04:15:01Z proxy_denied",
            "6 deny http - 10.1.2.3 -#443 b.example.com 2025-11-26T04:15:02Z proxy_failed",
            "8 allow http - 10.1.2.3 198.51.100.7#80 - 2025-11-26T04:15:03Z",
        ];
        assert_eq!(records_of("elff", LOG), expected);
    }

    #[test]
    fn a_web_servers_log_is_not_read() {
        let log = "\
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip sc-status
2025-11-26 04:15:00 192.0.2.1 GET /index.html - 443 - 10.1.2.3 200
";
        assert_eq!(records_of("elff", log), [""; 0]);
    }
}
