//! The access log of a proxy in the common or combined format.
//!
//! ```text
//! 10.1.2.3 - jdoe [26/Nov/2025:04:15:00 +0000] "CONNECT www.example.com:443 HTTP/1.1" 200 6120 TCP_TUNNEL:HIER_DIRECT
//! ```
//!
//! A web server's log looks the same and holds paths instead of absolute URLs; it is not read.
//! Where no result code stands at the end, 403 and 407 are the proxy's: for a tunnel nobody else
//! can have sent them, and for a request nobody can tell.
//!
//! Squid documentation, "logformat" directive, formats `common` and `combined`.
//!
//! What it witnesses: The size is the reply's. With any result code only 2xx opens a CONNECT, 403 and
//! 451 are denials; who denied is the parent where the hierarchy names one.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Columns, Scratch};
use super::super::record::{Action, Kind, Party, Record};
use super::super::stamp::Stamp;
use super::super::value;
use super::{is_code, is_digits, is_internal, is_method, verdict};
use crate::observe::Cause;

/// The format.
pub(in crate::logs) struct SquidCommon;

impl Format for SquidCommon {
    fn about(&self) -> &'static About {
        &About {
            id: "squid-common",
            product: "Squid and other proxies, common log format",
            reference: "Squid: logformat directive, formats common and combined",
            recognised_by: "client - user [time] \"METHOD absolute-URL HTTP/1.1\" status",
            literals: &["://", "CONNECT "],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let words = scratch.words(text);
        let time = (3..words.len().min(24)).find_map(|at| Some((at, time(&words, text, at)?)));
        let Some((at, stamp)) = time else { return Reading::NotMine };
        let client = words.get(at - 3).filter(|client| value::address(client).is_some());
        let Some(client) = client else { return Reading::NotMine };
        let request = words.get(at + 1).and_then(request);
        let Some(target) = request else { return Reading::NotMine };
        let Some(status) = words.get(at + 2).filter(|status| is_digits(status)) else {
            return Reading::Damaged;
        };
        if is_internal(target) {
            return Reading::NoRecord;
        }
        let mut record = Record::new(Kind::Http);
        record.stamp = line.stamp(stamp, b"");
        record.client = Party::parse(Some(client), None);
        record.proxied = true;
        record.add_url(target);
        let result = (at + 3..words.len()).find_map(|at| result(words.get(at)?));
        let status = value::number(status).unwrap_or_default();
        decide(&mut record, result, status);
        let is_connect = words.get(at + 1).is_some_and(|request| request.starts_with(b"CONNECT "));
        record.note_status(status, is_connect);
        if record.action == Action::Allow {
            record.set_payload_back(words.get(at + 3).and_then(value::number));
        }
        if let (Some(b"-"), Some(b"-"), Some((start, _))) =
            (words.get(at + 3), words.get(at + 4), words.place(at + 6))
        {
            // Status, two blanks, bytes, and the category in words.
            record.decider.category =
                text.get(start..).map(|category| Cow::Borrowed(category.trim_ascii()));
        }
        emit(&record);
        Reading::Records
    }
}

/// The time in brackets, if this word is one.
fn time(words: &Columns<'_, '_>, text: &[u8], at: usize) -> Option<Stamp> {
    let (start, _) = words.place(at)?;
    if text.get(start.checked_sub(1)?) != Some(&b'[') {
        return None;
    }
    let raw = words.get(at)?;
    match value::common_log_time(raw) {
        Some((stamp, b"")) => Some(stamp),
        Some(_) => None,
        None => value::us_or_eu_date(raw, Some(true)),
    }
}

/// The target of a request line to a proxy: an absolute URL, or that of a CONNECT.
fn request(raw: &[u8]) -> Option<&[u8]> {
    let mut parts = raw.splitn(2, |byte| *byte == b' ');
    let (method, rest) = (parts.next()?, parts.next()?);
    // A blank within the target is the client's fault; the version ends it.
    let target = match memchr::memmem::rfind(rest, b" HTTP/") {
        Some(end) => rest.get(..end)?,
        None => rest,
    };
    let scheme = memchr::memmem::find(target, b"://");
    let is_absolute = scheme.is_some_and(|at| (2..=12).contains(&at))
        && !matches!(target.first(), Some(b'/' | b'*'));
    let is_proxied = is_absolute || (method == b"CONNECT" && !target.starts_with(b"/"));
    (is_method(method) && is_proxied).then_some(target)
}

/// `TCP_DENIED:HIER_NONE` in its two parts.
fn result(raw: &[u8]) -> Option<(&[u8], &[u8])> {
    let (code, way) = raw.split_at(memchr::memchr(b':', raw)?);
    is_code(code).then_some((code, way.get(1..)?))
}

fn decide<'l>(record: &mut Record<'l>, result: Option<(&'l [u8], &'l [u8])>, status: u16) {
    (record.action, record.cause) = match (result, status) {
        (Some((code, _)), _) => verdict(code, status),
        (None, 403) => (Action::Deny, Some(Cause::ProxyDenied)),
        (None, 400) => (Action::Other, None),
        (None, _) => verdict(b"", status),
    };
    if let (Some((code, _)), Action::Deny) = (result, record.action) {
        record.decider.reason = Some(Cow::Borrowed(code));
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = r#"10.1.2.3 - jdoe [26/Nov/2025:04:15:00 +0000] "CONNECT www.example.com:443 HTTP/1.1" 200 6120 TCP_TUNNEL:HIER_DIRECT
10.1.2.3 - - [26/Nov/2025:05:15:01 +0100] "GET http://a.example.com/x HTTP/1.1" 403 0 "-" "curl/8" TCP_MISS:HIER_DIRECT
10.1.2.3 - - [26/Nov/2025:05:15:02 +0100] "CONNECT b.example.com:443 HTTP/1.1" 403 0 "-" "curl/8" TCP_DENIED:HIER_NONE
10.1.2.3 - - [26/11/2025 04:15:03] "GET http://c.example.com/ HTTP/1.1" 403 - - 0 Unclassified URL
10.1.2.3 - - [26/Nov/2025:04:15:04 +0000] "GET /index.html?u=http://d.example.com/ HTTP/1.1" 200 12
10.1.2.3 - - [26/Nov/2025:04:15:05 +0000] "CONNECT e.example.com:443 HTTP/1.1" "-"
"#;

    #[test]
    fn proxies_are_told_from_web_servers() {
        let expected = [
            "1 allow http - 10.1.2.3 -#443 www.example.com 2025-11-26T04:15:00Z",
            "2 allow http - 10.1.2.3 -#80 a.example.com 2025-11-26T04:15:01Z http_denied",
            "3 deny http - 10.1.2.3 -#443 b.example.com 2025-11-26T04:15:02Z proxy_denied",
            "4 deny http - 10.1.2.3 -#80 c.example.com 2025-11-26T04:15:03 proxy_denied",
        ];
        assert_eq!(records_of("squid-common", LOG), expected);
    }
}
