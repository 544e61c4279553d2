//! Cisco Secure Web Appliance (formerly IronPort WSA): access log and L4 traffic monitor.
//!
//! ```text
//! 1764130500.250 12 10.1.2.3 TCP_DENIED/403 0 CONNECT tunnel://www.example.com:443/ - NONE/- - BLOCK_WEBCAT_12-DefaultGroup-Staff-NONE-NONE-NONE-DefaultGroup-NONE <"IW_scls",6.9,-> -
//! ```
//!
//! Squid's columns, then the decision tag: what decided (`BLOCK_…` and `DROP_…` block, `ALLOW_…`,
//! `DEFAULT_CASE`, `DECRYPT_…`, `PASSTHRU_…` and `MONITOR_…` let pass, `REDIRECT_…` and
//! `BLOCK_CONTINUE…`, which asks the user, are no verdict), the policy, the identity and others.
//!
//! Cisco Secure Web Appliance user guide, "Access Log Files", "ACL Decision Tags".
//!
//! What it witnesses: The size is the body's. The ACL decision tag decides; a status other than 2xx to
//! CONNECT, or a relayed 403 or 451, is a denial although the tag allowed.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Columns, Scratch};
use super::super::record::{Action, Kind, Party, Record};
use super::super::stamp::Stamp;
use super::super::value;
use super::{Access, AccessLine};
use crate::observe::Cause;

/// The format.
pub(in crate::logs) struct CiscoWsa;

/// How decision tags begin.
const TAGS: &[&[u8]] = &[
    b"BLOCK_",
    b"DROP_",
    b"ALLOW_",
    b"DEFAULT_CASE",
    b"DECRYPT_",
    b"PASSTHRU_",
    b"MONITOR_",
    b"REDIRECT_",
    b"OTHER",
    b"NO_PASSWORD",
    b"NO_AUTHORIZATION",
    b"SAAS_AUTH",
];

impl Format for CiscoWsa {
    fn about(&self) -> &'static About {
        &About {
            id: "cisco-wsa",
            product: "Cisco Secure Web Appliance (WSA)",
            reference: "Cisco Secure Web Appliance: Access Log Files",
            recognised_by: "Squid's columns and an ACL decision tag such as BLOCK_WEBCAT_12-…",
            literals: &["TCP_", "NONE", "Info: Firewall "],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        if let Some(record) = traffic_monitor(text, line) {
            emit(&record);
            return Reading::Records;
        }
        let words = scratch.words(text);
        let Access::Line(access) = AccessLine::parse(text, &words, line) else {
            return Reading::NotMine;
        };
        let tag = (access.behind_target..words.len().min(access.behind_target + 12))
            .find_map(|at| Some((at, words.get(at).filter(|word| is_tag(word))?)));
        let Some((tag_at, tag)) = tag else { return Reading::NotMine };
        let Some(mut record) = access.record() else { return Reading::NoRecord };
        decide(&mut record, tag);
        record.decider.category = category(&words, tag_at + 1);
        emit(&record);
        Reading::Records
    }
}

/// A decision tag and, behind hyphens, at least three groups that applied.
fn is_tag(word: &[u8]) -> bool {
    TAGS.iter().any(|tag| word.starts_with(tag)) && memchr::memchr_iter(b'-', word).count() >= 3
}

fn decide<'l>(record: &mut Record<'l>, tag: &'l [u8]) {
    let mut parts = tag.split(|byte| *byte == b'-');
    let rule = parts.next().unwrap_or_default();
    record.decider.rule = Some(Cow::Borrowed(rule));
    record.decider.policy = parts.next().and_then(value::stated).map(Cow::Borrowed);
    if record.cause == Some(Cause::ProxyAuthRequired) {
        return;
    }
    if rule.starts_with(b"BLOCK_CONTINUE") || rule.starts_with(b"REDIRECT_") {
        (record.action, record.cause, record.bytes_back) = (Action::Other, None, None);
    } else if rule.starts_with(b"DROP_") {
        (record.action, record.cause) = (Action::Deny, Some(Cause::TlsPolicy));
    } else if rule.starts_with(b"BLOCK_") {
        let is_url = [&b"WEBCAT"[..], b"CUSTOMCAT", b"WBRS", b"AVC", b"YTCAT", b"SEARCH"]
            .iter()
            .any(|what| memchr::memmem::find(rule, what).is_some());
        let cause = if is_url { Cause::UrlFiltered } else { Cause::ProxyDenied };
        (record.action, record.cause) = (Action::Deny, Some(cause));
    }
    if record.action == Action::Deny {
        record.bytes_back = None;
    }
}

/// The first score in angle brackets: the URL's category.
fn category<'l>(words: &Columns<'_, 'l>, at: usize) -> Option<Cow<'l, [u8]>> {
    let scores = words.get(at)?;
    let scores = scores.strip_prefix(b"<").or_else(|| scores.strip_prefix(b"&lt;"))?;
    let first = scores.split(|byte| *byte == b',').next()?;
    let is_quote = |byte: &u8| *byte != b'"';
    let start = first.iter().position(is_quote)?;
    let end = first.iter().rposition(is_quote)? + 1;
    value::stated(first.get(start..end)?).map(Cow::Borrowed)
}

/// `Info: Firewall blocked TCP data from 10.1.2.3:50123 to 203.0.113.9(www.example.com):443.`
fn traffic_monitor<'l>(text: &'l [u8], line: &Line<'_>) -> Option<Record<'l>> {
    const SIGNATURE: &[u8] = b"Info: Firewall ";
    let at = memchr::memmem::find(text, SIGNATURE)?;
    let (header, rest) = text.split_at(at);
    let rest = rest.get(SIGNATURE.len()..)?;
    let mut record = Record::new(Kind::Traffic);
    let rest = match rest.strip_prefix(b"blocked ") {
        Some(rest) => {
            record.action = Action::Deny;
            rest
        }
        None => {
            record.action = Action::Allow;
            rest.strip_prefix(b"noted ")?
        }
    };
    let blank = memchr::memchr(b' ', rest)?;
    record.protocol = value::protocol(rest.get(..blank)?);
    let rest = rest.get(blank..)?.strip_prefix(b" data from ")?;
    let to = memchr::memmem::find(rest, b" to ")?;
    let party = |raw: &[u8]| value::socket(raw).map(Party::from).unwrap_or_default();
    record.client = party(rest.get(..to)?);
    let server = rest.get(to + 4..)?.trim_ascii_end();
    let server = server.strip_suffix(b".").unwrap_or(server);
    record.server = match (memchr::memchr(b'(', server), memchr::memrchr(b')', server)) {
        (Some(open), Some(close)) => {
            record.add_name(server.get(open + 1..close)?);
            let port = server.get(close + 1..)?.strip_prefix(b":");
            Party::parse(server.get(..open), port)
        }
        _ => party(server),
    };
    record.stamp = line.stamp(Stamp::None, header);
    Some(record)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = r#"1764130500.250 12 10.1.2.3 TCP_DENIED/403 0 CONNECT tunnel://www.example.com:443/ - NONE/- - BLOCK_WEBCAT_12-DefaultGroup-Staff-NONE-NONE-NONE-DefaultGroup-NONE <"IW_scls",6.9,-> -
1764130501.000 12 10.1.2.3 TCP_MISS/200 361947 CONNECT tunnel://a.example.com:443/ - DIRECT/a.example.com - PASSTHRU_WBRS_7-DefaultGroup-Staff-NONE-NONE-NONE-DefaultGroup-NONE <"IW_saas",5.0,1> -
1764130502.000 0 10.1.2.3 TCP_DENIED/407 0 CONNECT tunnel://b.example.com:443/ - NONE/- - OTHER-NONE-Staff-NONE-NONE-NONE-NONE-NONE <"-",-,-> -
1764130503.000 9 10.1.2.3 NONE/200 0 CONNECT tunnel://c.example.com:443/ - NONE/- - DROP_WBRS_7-DefaultGroup-Staff-NONE-NONE-NONE-DefaultGroup-NONE <"IW_x",-9.0,1> -
Wed Nov 26 04:15:04 2025 Info: Firewall blocked TCP data from 10.1.2.3:50123 to 203.0.113.9(www.example.com):443.
"#;

    #[test]
    fn the_decision_tag_decides() {
        let expected = [
            "1 deny http - 10.1.2.3 -#443 www.example.com 2025-11-26T04:15:00Z url_filtered",
            "2 allow http - 10.1.2.3 -#443 a.example.com 2025-11-26T04:15:01Z",
            "3 deny http - 10.1.2.3 -#443 b.example.com 2025-11-26T04:15:02Z proxy_auth_required",
            "4 deny http - 10.1.2.3 -#443 c.example.com 2025-11-26T04:15:03Z tls_policy",
            "5 deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:04",
        ];
        assert_eq!(records_of("cisco-wsa", LOG), expected);
    }
}
