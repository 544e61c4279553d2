//! Envoy's access log, as text in the default form and Istio's, and as JSON.
//!
//! ```text
//! [2025-11-26T04:15:00.250Z] "GET /x HTTP/2" 200 - 0 918 7 5 "10.1.2.3" "curl/8" "3f9c1b7a" "www.example.com" "203.0.113.9:443"
//! ```
//!
//! The authority is the name that the client asked for; the upstream host is where Envoy went.
//! `UAEX` (external authorisation), `RL` (rate limit) and `rbac_access_denied` are denials; other
//! response flags tell of a failure on the way.
//!
//! Envoy documentation, "Access logging"; Istio, "Envoy Access Logs".
//!
//! What it witnesses: `bytes_sent` of the access log is what the client got, payload of the response; a
//! tunnel's as well. A status other than 2xx to CONNECT is a failure, a relayed 403 or 451 a denial;
//! response flags tell who (`UF`, `RBAC`).

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Json, Scratch};
use super::record::{Action, Kind, Party, Record};
use super::value;
use crate::observe::Cause;

/// The format.
pub(super) struct Envoy;

impl Format for Envoy {
    fn about(&self) -> &'static About {
        &About {
            id: "envoy",
            product: "Envoy and Istio",
            reference: "Envoy: Access logging",
            recognised_by: "[ISO time] \"METHOD path HTTP/x\" code flags … \"authority\" \"upstream\"; JSON with :authority and upstream_host",
            literals: &["] \""],
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
        let time = (0..words.len().min(10)).find_map(|at| {
            let (start, _) = words.place(at)?;
            let is_bracketed = start > 0 && text.get(start - 1) == Some(&b'[');
            let stamp = value::iso_8601(words.get(at)?).filter(|_| is_bracketed)?;
            Some((at, stamp))
        });
        let Some((at, stamp)) = time else { return Reading::NotMine };
        let request = words.get(at + 1).unwrap_or_default();
        let is_request = memchr::memmem::find(request, b" HTTP/").is_some() || request == b"- - -";
        let code = words.get(at + 2).and_then(value::number);
        let (true, Some(code), Some(flags)) = (is_request, code, words.get(at + 3)) else {
            return Reading::NotMine;
        };
        // Istio puts three columns more before the counters.
        let is_number = |word: &[u8]| word.iter().all(u8::is_ascii_digit);
        let is_plain = words.get(at + 4).is_some_and(is_number);
        let authority = at + if is_plain { 11 } else { 14 };
        let details = if is_plain { None } else { words.get(at + 4) };
        if words.len() <= authority + 1 {
            return Reading::Damaged;
        }
        let mut record = Record::new(Kind::Http);
        record.stamp = line.stamp(stamp, b"");
        let is_connect = request.starts_with(b"CONNECT ");
        if let Some(authority) = words.get(authority).filter(|_| is_connect) {
            record.add_proxied_target(authority);
        }
        add_target(&mut record, words.get(authority).map(Cow::Borrowed), words.get(authority + 1));
        decide(&mut record, code, Some(flags), details);
        record.note_status(code, is_connect);
        if record.action == Action::Allow {
            record.set_payload_back(words.get(authority - 6).and_then(value::number));
        }
        record.decider.reason = value::stated(flags).map(Cow::Borrowed);
        emit_target(record, emit)
    }

    fn read_json(
        &self,
        json: Json<'_>,
        line: &Line<'_>,
        _: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let authority = json.get(":authority").or_else(|| json.get("authority"));
        let method = json.first(&["method", ":method", "request_method"]);
        let is_connect = method.as_deref() == Some(b"CONNECT");
        if authority.is_none() || json.get("response_flags").is_none() {
            return Reading::NotMine;
        }
        let mut record = Record::new(Kind::Http);
        let stamp = json.first(&["start_time"]).and_then(|raw| value::iso_8601(&raw));
        record.stamp = line.stamp(stamp.unwrap_or_default(), b"");
        let client = json.get("downstream_remote_address").and_then(Json::text);
        let client = client.and_then(|raw| value::socket(raw.as_bytes()));
        record.client = client.map(Party::from).unwrap_or_default();
        let upstream = json.get("upstream_host").and_then(Json::text).map(str::as_bytes);
        if let Some(authority) = authority.and_then(Json::stated).filter(|_| is_connect) {
            record.add_proxied_target(authority);
        }
        add_target(&mut record, authority.and_then(Json::stated), upstream);
        if let Some(name) = json.first(&["requested_server_name"]) {
            record.add_name(name);
        }
        let code = json.get("response_code").and_then(Json::unsigned).unwrap_or_default();
        let flags = json.first(&["response_flags"]);
        let details = json.first(&["response_code_details"]);
        let code = u16::try_from(code).unwrap_or_default();
        decide(&mut record, code, flags.as_deref(), details.as_deref());
        record.note_status(code, is_connect);
        if record.action == Action::Allow {
            record.set_payload_back(json.get("bytes_sent").and_then(Json::unsigned));
        }
        record.decider.reason = flags.or(details);
        emit_target(record, emit)
    }
}

fn emit_target(record: Record<'_>, emit: Emit<'_>) -> Reading {
    if record.names.is_empty() && record.server.address.is_none() {
        return Reading::NoRecord;
    }
    emit(&record);
    Reading::Records
}

fn add_target<'l>(
    record: &mut Record<'l>,
    authority: Option<Cow<'l, [u8]>>,
    upstream: Option<&[u8]>,
) {
    let upstream = upstream.map(|raw| raw.strip_prefix(b"tcp://").unwrap_or(raw));
    if let Some((address, port)) = upstream.and_then(value::socket) {
        record.server = Party { address: Some(address), port };
    }
    if let Some(authority) = authority {
        if let Some((address, port)) = value::socket(&authority)
            && record.server.address.is_none()
        {
            record.server = Party { address: Some(address), port };
        }
        record.add_name(authority);
    }
}

fn decide(record: &mut Record<'_>, code: u16, flags: Option<&[u8]>, details: Option<&[u8]>) {
    let has = |flag: &[u8]| {
        flags.is_some_and(|flags| flags.split(|byte| *byte == b',').any(|word| word == flag))
    };
    let is_rbac = details
        .is_some_and(|details| memchr::memmem::find(details, b"rbac_access_denied").is_some());
    let is_flagged = flags.is_some_and(|flags| value::stated(flags).is_some());
    (record.action, record.cause) = match code {
        407 => (Action::Deny, Some(Cause::ProxyAuthRequired)),
        _ if is_rbac || has(b"UAEX") || has(b"RL") => (Action::Deny, Some(Cause::ProxyDenied)),
        502..=504 if is_flagged => (Action::Other, Some(Cause::ProxyFailed)),
        0 | 500.. => (Action::Other, None),
        _ if is_flagged => (Action::Other, None),
        _ => (Action::Allow, None),
    };
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = r#"[2025-11-26T04:15:00.250Z] "GET /x HTTP/2" 200 - 0 918 7 5 "10.1.2.3" "curl/8" "3f9c" "www.example.com" "203.0.113.9:443"
<14>Nov 26 04:15:01 mesh envoy[8]: [2025-11-26T04:15:01.000Z] "GET /x HTTP/1.1" 403 - rbac_access_denied_matched_policy[none] - "-" 0 19 0 - "-" "curl/8" "3f9d" "a.example.com" "-" outbound|443||a.example.com - 203.0.113.8:443
[2025-11-26T04:15:02.000Z] "GET /x HTTP/1.1" 503 UF,URX 0 91 7 - "-" "curl/8" "3f9e" "b.example.com" "203.0.113.7:443"
{":authority":"c.example.com","downstream_remote_address":"10.1.2.3:50123","requested_server_name":null,"response_code":403,"response_flags":"UAEX","start_time":"2025-11-26T04:15:03Z","upstream_host":null}
[2025-11-26T04:15:04.000Z] "GET /x HTTP/1.1" 200 - 0 91
"#;

    #[test]
    fn flags_tell_denials_from_failures() {
        let expected = [
            "1 allow http - - 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z",
            "2 deny http - - - a.example.com 2025-11-26T04:15:01Z proxy_denied",
            "3 other http - - 203.0.113.7#443 b.example.com 2025-11-26T04:15:02Z proxy_failed",
            "4 deny http - 10.1.2.3#50123 - c.example.com 2025-11-26T04:15:03Z proxy_denied",
        ];
        assert_eq!(records_of("envoy", LOG), expected);
    }
}
