//! Skyhigh Secure Web Gateway, formerly McAfee Web Gateway, in the forms in which it is exported.
//!
//! ```text
//! mwg: status="403/80" srcip="10.1.2.3" dhost="www.example.com" urlp="443" rule="Block List" url="https://www.example.com/" destip="203.0.113.9"
//! [26/Nov/2025:04:15:00 +0000] "jdoe" 10.1.2.3 403 "CONNECT tcp://www.example.com:443 HTTP/1.1" "Web Mail" "Minimal Risk" "" 1204 "curl" "" "10"
//! ```
//!
//! The number behind the slash, `block_id` and the last column of the access log are the reason
//! why the gateway blocked; 0 is none. `result` is `OBSERVED` or `DENIED`. 407 asks for
//! credentials.
//!
//! Skyhigh Security documentation, "Secure Web Gateway: Log File Manager"; "access log".
//!
//! What it witnesses: Bytes to the client are payload. `block_res` and the rule decide; a status other
//! than 2xx to CONNECT, or a relayed 403 or 451, is a denial although the rule allowed.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Columns, PairStyle, Pairs, Scratch};
use super::record::{Action, Kind, Party, Record};
use super::stamp::Stamp;
use super::value;
use crate::observe::Cause;

/// The format.
pub(super) struct SkyhighMwg;

impl Format for SkyhighMwg {
    fn about(&self) -> &'static About {
        &About {
            id: "skyhigh-mwg",
            product: "Skyhigh (McAfee) Web Gateway",
            reference: "Skyhigh Secure Web Gateway: Log File Manager",
            recognised_by: "status=\"n/n\" srcip=; source_ip= and destination_host=; requested_host= and result=; [time] \"user\" client status \"METHOD url\"",
            literals: &["srcip=", "destination_host=", "requested_host=", "] \""],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let has = |key: &[u8]| memchr::memmem::find(text, key).is_some();
        let record = if has(b"requested_host=") && has(b"result=") {
            cloud(&scratch.pairs(text, &PairStyle::NEXT_KEY))
        } else if has(b"destination_host=") && has(b"source_ip=") {
            access_log(&scratch.pairs(text, &PairStyle::BLANK))
        } else if has(b"status=\"") && has(b"srcip=") && has(b"dhost=") {
            short(&scratch.pairs(text, &PairStyle::BLANK))
        } else {
            default_log(&scratch.words(text))
        };
        // Each form ends with a quoted value or has quotes around most; an open one was cut.
        let Some(mut record) = record.filter(|_| !value::has_open_quote(text)) else {
            return if is_cut(text) { Reading::Damaged } else { Reading::NotMine };
        };
        if record.names.is_empty() && record.server.address.is_none() {
            return Reading::NoRecord;
        }
        let end = memchr::memchr(b'=', text).unwrap_or_default();
        record.stamp = line.stamp(record.stamp, text.get(..end).unwrap_or_default());
        emit(&record);
        Reading::Records
    }
}

/// Whether a line that cannot be read begins as one of the forms do: with two columns of the
/// status, or with the time and a request to a proxy.
fn is_cut(text: &[u8]) -> bool {
    let has = |part: &[u8]| memchr::memmem::find(text, part).is_some();
    let status = memchr::memmem::find(text, b"status=\"").and_then(|at| text.get(at + 8..));
    let is_short = status.is_some_and(|status| {
        let (code, rest) = status.split_at(status.len().min(3));
        code.iter().all(u8::is_ascii_digit) && rest.starts_with(b"/") && has(b"\" srcip=\"")
    });
    let is_access_log = has(b"source_ip=") && has(b"destination_host=\"") && has(b"status_code=");
    value::has_open_quote(text) && (is_short || is_access_log)
}

/// `status="code/block" srcip= dhost= urlp= url= destip=`.
fn short<'l>(pairs: &Pairs<'_, 'l>) -> Option<Record<'l>> {
    let mut status = pairs.get("status")?.split(|byte| *byte == b'/');
    let code = status.next().and_then(value::number)?;
    let block: u32 = status.next().and_then(value::number)?;
    let mut record = Record::new(Kind::Http);
    record.client = Party::parse(pairs.first(&["srcip"]), None);
    record.server = Party::parse(pairs.first(&["destip"]), pairs.first(&["urlp"]));
    add_target(&mut record, pairs.first(&["url"]), pairs.first(&["dhost"]));
    record.decider.category = pairs.first(&["urlc"]).map(Cow::Borrowed);
    let rule = pairs.first(&["rule"]);
    decide(&mut record, code, block != 0, rule, None);
    Some(record)
}

/// `date= source_ip= destination_host= http_status_code= block_id=`.
fn access_log<'l>(pairs: &Pairs<'_, 'l>) -> Option<Record<'l>> {
    let code = pairs.get("http_status_code").and_then(value::number)?;
    let mut record = Record::new(Kind::Http);
    record.stamp = pairs.first(&["date"]).and_then(value::iso_8601).unwrap_or_default();
    record.client = Party::parse(pairs.first(&["source_ip"]), pairs.first(&["source_port"]));
    record.server = Party::of(pairs.first(&["destination_ip"]).and_then(value::address));
    let request = pairs.first(&["http_request_first_line"]).and_then(target);
    add_target(&mut record, request, pairs.first(&["destination_host"]));
    record.server.port =
        record.server.port.or_else(|| pairs.first(&["destination_port"]).and_then(value::port));
    record.decider.category = pairs.first(&["url_categories"]).map(Cow::Borrowed);
    let is_blocked = pairs.first(&["block_id"]).is_some_and(|block| block != b"0");
    let words = (pairs.first(&["rule_name"]), pairs.first(&["block_reason"]));
    decide(&mut record, code, is_blocked, words.0, words.1);
    let line = pairs.first(&["http_request_first_line"]).unwrap_or_default();
    record.note_status(code, line.starts_with(b"CONNECT "));
    Some(record)
}

/// `source_ip= requested_host= result= request_timestamp_epoch=`, values with blanks.
fn cloud<'l>(pairs: &Pairs<'_, 'l>) -> Option<Record<'l>> {
    let is_denied = match pairs.get("result")? {
        b"OBSERVED" => false,
        b"DENIED" => true,
        _ => return None,
    };
    let code = pairs.get("http_status_code").and_then(value::number).unwrap_or_default();
    let mut record = Record::new(Kind::Http);
    let time = pairs.first(&["request_timestamp_epoch"]).and_then(value::epoch);
    record.stamp = time.map_or(Stamp::None, Stamp::Instant);
    record.client = Party::parse(pairs.first(&["client_ip", "source_ip"]), None);
    record.server = Party::of(pairs.first(&["destination_ip"]).and_then(value::address));
    record.server.port = match pairs.first(&["uri_scheme"]) {
        Some(b"http") => Some(80),
        Some(b"https") => Some(443),
        _ => None,
    };
    add_target(&mut record, None, pairs.first(&["requested_host"]));
    record.set_payload_back(pairs.first(&["server_to_client_bytes"]).and_then(value::number));
    record.decider.category = pairs.first(&["category"]).map(Cow::Borrowed);
    let words = (pairs.first(&["last_rule"]), pairs.first(&["block_reason"]));
    decide(&mut record, code, is_denied, words.0, words.1);
    record.note_status(code, pairs.first(&["http_action", "http_method"]) == Some(b"CONNECT"));
    Some(record)
}

/// The access log of a gateway that was not configured otherwise.
fn default_log<'l>(words: &Columns<'_, 'l>) -> Option<Record<'l>> {
    let time = (0..8).find_map(|at| match value::common_log_time(words.get(at)?) {
        Some((stamp @ Stamp::Instant(_), b"")) => Some((at, stamp)),
        _ => None,
    });
    let (at, stamp) = time?;
    let mut record = Record::new(Kind::Http);
    record.stamp = stamp;
    record.client = Party::of(Some(value::address(words.get(at + 2)?)?));
    let code = words.get(at + 3).filter(|code| code.len() == 3).and_then(value::number)?;
    let request = words.get(at + 4)?;
    memchr::memmem::find(request, b"://")?;
    add_target(&mut record, target(request), None);
    record.decider.category = words.stated(at + 5).map(Cow::Borrowed);
    record.set_payload_back(words.get(at + 8).and_then(value::number));
    let block = words.stated(at + 11).filter(|block| block != b"0");
    decide(&mut record, code, block.is_some(), None, block);
    record.note_status(code, request.starts_with(b"CONNECT "));
    Some(record)
}

/// The target of `METHOD target HTTP/1.1`.
fn target(request: &[u8]) -> Option<&[u8]> {
    let rest = request.get(memchr::memchr(b' ', request)? + 1..)?;
    let end = memchr::memmem::rfind(rest, b" HTTP/").unwrap_or(rest.len());
    rest.get(..end)
}

fn add_target<'l>(record: &mut Record<'l>, url: Option<&'l [u8]>, host: Option<&'l [u8]>) {
    record.proxied = true;
    if let Some(url) = url {
        record.add_url(url);
    }
    if let Some(host) = host {
        record.server.address = value::address(host).or(record.server.address);
        record.add_name(host);
    }
}

fn decide<'l>(
    record: &mut Record<'l>,
    code: u16,
    is_blocked: bool,
    rule: Option<&'l [u8]>,
    reason: Option<&'l [u8]>,
) {
    let is_about_urls = [rule, reason].into_iter().flatten().any(|words| {
        [&b"URL"[..], b"Categor"].iter().any(|word| memchr::memmem::find(words, word).is_some())
    });
    (record.action, record.cause) = match (is_blocked, code) {
        (_, 407) => (Action::Deny, Some(Cause::ProxyAuthRequired)),
        (true, _) if is_about_urls => (Action::Deny, Some(Cause::UrlFiltered)),
        (true, _) => (Action::Deny, Some(Cause::ProxyDenied)),
        (false, 502..=504) => (Action::Other, Some(Cause::ProxyFailed)),
        _ => (Action::Allow, None),
    };
    if record.action != Action::Allow {
        record.bytes_back = None;
    }
    record.decider.rule = rule.map(Cow::Borrowed);
    record.decider.reason = reason.map(Cow::Borrowed);
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = r#"<30>Nov 26 04:15:00 gw mwg: status="403/80" srcip="10.1.2.3" user="-" dhost="www.example.com" urlp="443" rule="Block If Virus Was Found" url="https://www.example.com/" destip="203.0.113.9"
date="2025-11-26T04:15:01.000Z" username="" source_ip=10.1.2.3 destination_ip=203.0.113.9 destination_host="a.example.com" http_status_code=407 http_request_first_line="CONNECT a.example.com:443 HTTP/1.1" block_id=81 block_reason="Authentication Required"
user_id=-1 username=j doe source_ip=10.1.2.4 http_action=GET server_to_client_bytes=9 requested_host=b.example.com requested_path=/ result=OBSERVED virus= request_timestamp_epoch=1764130502 uri_scheme=https category=Business, Software http_status_code=200 client_ip=10.0.2.15 destination_ip=203.0.113.8
[26/Nov/2025:05:15:03 +0100] "jdoe" 10.1.2.3 403 "CONNECT tcp://c.example.com:443 HTTP/1.1" "Web Mail" "Minimal Risk" "" 1204 "curl" "" "10"
"#;

    #[test]
    fn four_forms() {
        let expected = [
            "1 deny http - 10.1.2.3 203.0.113.9#443 www.example.com --11-26T04:15:00 proxy_denied",
            "2 deny http - 10.1.2.3 203.0.113.9#443 a.example.com 2025-11-26T04:15:01Z proxy_auth_required",
            "3 allow http - 10.0.2.15 203.0.113.8#443 b.example.com 2025-11-26T04:15:02Z",
            "4 deny http - 10.1.2.3 -#443 c.example.com 2025-11-26T04:15:03Z proxy_denied",
        ];
        assert_eq!(records_of("skyhigh-mwg", LOG), expected);
    }
}
