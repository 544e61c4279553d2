//! Sophos Web Appliance: its `sophos_log` of requests.
//!
//! ```text
//! h=10.1.2.3 u="-" s=403 X=- t=1764130500 T=1200 Ts=0 act=-1 cat="0x2200000016" rsn=policy threat="-" meth=GET req="GET http://www.example.com/a HTTP/1.1" dom="example.com" target_ip="203.0.113.9" rule="7"
//! ```
//!
//! `act` says what was done: 1 to 5 let pass, -1, -3, -5 and -6 block; the others show a page
//! that the user may go on from (-2 and -4 warnings, -7 an analysis).
//!
//! What it witnesses: Bytes are the body's. The action decides, then a status other than 2xx to CONNECT
//! or a relayed 403 or 451.

use std::borrow::Cow;

use crate::logs::format::{About, Emit, Format, Line, Reading};
use crate::logs::grammar::{PairStyle, Pairs, Scratch};
use crate::logs::record::{Action, Decider, Kind, Party, Record};
use crate::logs::stamp::Stamp;
use crate::logs::value;
use crate::observe::Cause;

/// The format.
pub(in crate::logs) struct SophosSwa;

impl Format for SophosSwa {
    fn about(&self) -> &'static About {
        &About {
            id: "sophos-swa",
            product: "Sophos Web Appliance",
            reference: "Sophos Web Appliance: Interpreting Log Files",
            recognised_by: "key=value pairs with h=, t=, s= and req=\"METHOD url …\"",
            literals: &["req=\""],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let pairs = scratch.pairs(text, &PairStyle::BLANK);
        let time = pairs.get("t").and_then(value::epoch);
        let Some(time) = time.filter(|_| pairs.has("h") && pairs.has("s")) else {
            return Reading::NotMine;
        };
        let Some(request) = pairs.get("req") else { return Reading::NotMine };
        let Some(mut record) = record(&pairs, request) else { return Reading::Damaged };
        record.stamp = line.stamp(Stamp::Instant(time), b"");
        emit(&record);
        Reading::Records
    }
}

fn record<'l>(pairs: &Pairs<'_, 'l>, request: &'l [u8]) -> Option<Record<'l>> {
    let mut record = Record::new(Kind::Http);
    record.proxied = true;
    record.client = Party::of(pairs.first(&["h"]).and_then(value::address));
    record.server = Party::of(pairs.first(&["target_ip"]).and_then(value::address));
    let target = request.split(|byte| *byte == b' ').nth(1)?;
    record.add_url(target);
    if record.names.is_empty() && record.server == Party::default() {
        return None;
    }
    let status = pairs.get("s").unwrap_or_default();
    (record.action, record.cause) = match pairs.get("act").and_then(value::number::<i8>) {
        _ if status == b"407" => (Action::Deny, Some(Cause::ProxyAuthRequired)),
        _ if matches!(status, b"502" | b"503" | b"504") => {
            (Action::Other, Some(Cause::ProxyFailed))
        }
        Some(1..) => (Action::Allow, None),
        Some(-1 | -3 | -5 | -6) => (Action::Deny, Some(Cause::UrlFiltered)),
        _ => (Action::Other, None),
    };
    record.set_payload_back(pairs.first(&["out"]).and_then(value::number));
    let code = value::number(status).unwrap_or_default();
    record.note_status(code, request.starts_with(b"CONNECT "));
    record.decider = Decider {
        rule: pairs.first(&["rule"]).map(Cow::Borrowed),
        policy: None,
        category: pairs.first(&["threat", "cat"]).map(Cow::Borrowed),
        reason: pairs.first(&["rsn"]).map(Cow::Borrowed),
    };
    Some(record)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn the_action_code_gives_the_verdict() {
        let of = |act: &str, request: &str| {
            read(&[&format!(
                r#"h=10.1.2.3 u="-" s=200 X=- t=1764130500 T=1200 Ts=0 act={act} cat="0x22" rsn=- threat="-" in=1 out=900 meth=GET ref="http://other.example/" req="{request}" dom="example.com" target_ip="203.0.113.9" rule="7""#
            )])
            .remove(0)
        };
        let rest = "http - 10.1.2.3 203.0.113.9#80 www.example.com 2025-11-26T04:15:00Z";
        let request = "GET http://www.example.com/a HTTP/1.1";
        assert_eq!(of("1", request), format!("sophos-swa allow {rest} by 7; 0x22"));
        assert_eq!(of("-1", request), format!("sophos-swa deny {rest} url_filtered by 7; 0x22"));
        assert!(of("-2", request).starts_with("sophos-swa other "));
        assert!(of("1", "CONNECT www.example.com:443 HTTP/1.1").contains("#443 www.example.com "));
    }
}
