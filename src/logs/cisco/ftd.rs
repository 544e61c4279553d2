//! Cisco Firepower Threat Defense: security events as `Key: value` pairs.
//!
//! ```text
//! <113>2025-11-26T04:15:00Z ftd1 %FTD-1-430003: FirstPacketSecond: 2025-11-26T04:15:00Z, AccessControlRuleAction: Block, SrcIP: 10.1.2.3, DstIP: 203.0.113.9, SrcPort: 50123, DstPort: 443, Protocol: tcp, AccessControlRuleName: block-saas, AccessControlRuleReason: URL Block, URL: https://www.example.com
//! ```
//!
//! 430001 is an intrusion, 430002 and 430003 the beginning and the end of a connection, 430004
//! and 430005 files. `Allow`, `Trust`, `Monitor` and `Fastpath` pass; `Block` blocks; `Block with
//! reset` answers with a reset. `AccessControlRuleReason` says what of the rule blocked.
//!
//! What it witnesses: `ResponderBytes` count whole packets, beside `ResponderPackets`. `Allow` beside a
//! reason that blocks (URL, intrusion, file, DNS) is the denial, and so is a failed decryption that the
//! policy blocks. QUIC is UDP to 443.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::Scratch;
use super::super::record::{Action, Kind, Party, Record};
use super::super::value;
use super::message::Message;
use crate::observe::Cause;

/// The format.
pub(in crate::logs) struct CiscoFtd;

impl Format for CiscoFtd {
    fn about(&self) -> &'static About {
        &About {
            id: "cisco-ftd",
            product: "Cisco Firepower Threat Defense",
            reference: "Cisco Secure Firewall Threat Defense Syslog Messages: Security Event Syslog Messages",
            recognised_by: "%FTD- (or %NGIPS-), a severity and 430001 to 430005",
            literals: &["-43000", "%NGIPS-"],
        }
    }

    fn read_text(&self, text: &[u8], line: &Line<'_>, _: &mut Scratch, emit: Emit<'_>) -> Reading {
        let Some(message) = Message::find(text, &[b"FTD", b"NGIPS", b"ASA"]) else {
            return Reading::NotMine;
        };
        let is_event = matches!(message.number(), Some(430_000..=430_099));
        if !is_event && message.facility != b"NGIPS" {
            return Reading::NotMine;
        }
        if !is_event {
            return Reading::NoRecord;
        }
        let event = Event::parse(message.text);
        let Some(mut record) = event.record() else { return Reading::Damaged };
        let stamp = event.first_packet.and_then(value::iso_8601).unwrap_or_default();
        record.stamp = line.stamp(stamp, message.header);
        emit(&record);
        Reading::Records
    }
}

/// The values that matter here.
#[derive(Default)]
struct Event<'l> {
    first_packet: Option<&'l [u8]>,
    source: Option<&'l [u8]>,
    source_port: Option<&'l [u8]>,
    destination: Option<&'l [u8]>,
    destination_port: Option<&'l [u8]>,
    protocol: Option<&'l [u8]>,
    action: Option<&'l [u8]>,
    file_action: Option<&'l [u8]>,
    inline_result: Option<&'l [u8]>,
    tls_action: Option<&'l [u8]>,
    reason: Option<&'l [u8]>,
    rule: Option<&'l [u8]>,
    policy: Option<&'l [u8]>,
    category: Option<&'l [u8]>,
    list_category: Option<&'l [u8]>,
    url: Option<&'l [u8]>,
    host: Option<&'l [u8]>,
    server_name: Option<&'l [u8]>,
    question: Option<&'l [u8]>,
    question_type: Option<&'l [u8]>,
    response: Option<&'l [u8]>,
    time_to_live: Option<&'l [u8]>,
    bytes_back: Option<&'l [u8]>,
    packets_back: Option<&'l [u8]>,
}

impl<'l> Event<'l> {
    fn parse(text: &'l [u8]) -> Self {
        let mut event = Self::default();
        let mut next = key_at(text);
        while let Some((key, rest)) = next {
            let (value, behind) = value_at(rest);
            event.set(key, value);
            next = behind;
        }
        event
    }

    fn set(&mut self, key: &[u8], value: &'l [u8]) {
        let slot = match key {
            b"FirstPacketSecond" => &mut self.first_packet,
            b"SrcIP" => &mut self.source,
            b"SrcPort" => &mut self.source_port,
            b"DstIP" => &mut self.destination,
            b"DstPort" => &mut self.destination_port,
            b"Protocol" => &mut self.protocol,
            b"AccessControlRuleAction" => &mut self.action,
            b"FileAction" => &mut self.file_action,
            b"InlineResult" => &mut self.inline_result,
            b"SSLActualAction" => &mut self.tls_action,
            b"AccessControlRuleReason" => &mut self.reason,
            b"AccessControlRuleName" => &mut self.rule,
            b"ACPolicy" => &mut self.policy,
            b"URLCategory" => &mut self.category,
            b"URLSICategory" | b"DNSSICategory" | b"IPReputationSICategory" => {
                &mut self.list_category
            }
            b"URL" | b"URI" => &mut self.url,
            b"ReferencedHost" => &mut self.host,
            b"SSLServerName" => &mut self.server_name,
            b"DNSQuery" => &mut self.question,
            b"DNSRecordType" => &mut self.question_type,
            b"DNSResponseType" => &mut self.response,
            b"DNS_TTL" => &mut self.time_to_live,
            b"ResponderBytes" => &mut self.bytes_back,
            b"ResponderPackets" => &mut self.packets_back,
            _ => return,
        };
        if slot.is_none() {
            *slot = value::stated(value);
        }
    }

    /// The record; `None` without a destination.
    fn record(&self) -> Option<Record<'l>> {
        let mut record = Record::new(Kind::Traffic);
        record.client = Party::parse(self.source, self.source_port);
        record.server = Party::parse(self.destination, self.destination_port);
        record.protocol = self.protocol.and_then(value::protocol);
        record.bytes_back = self.bytes_back.and_then(value::number);
        record.packets_back = self.packets_back.and_then(value::number);
        self.add_names(&mut record);
        if record.server.address.is_none() && record.names.is_empty() {
            return None;
        }
        record.action = self.verdict();
        record.decider.rule = self.rule.map(Cow::Borrowed);
        record.decider.policy = self.policy.map(Cow::Borrowed);
        record.decider.category = self.list_category.or(self.category).map(Cow::Borrowed);
        record.decider.reason = self.reason.map(Cow::Borrowed);
        if matches!(record.action, Action::Deny | Action::Reset) {
            record.cause = self.cause();
        }
        Some(record)
    }

    fn add_names(&self, record: &mut Record<'l>) {
        let add = |record: &mut Record<'l>, name: Option<&'l [u8]>, kind| {
            if name.is_some_and(|name| record.add_name(name)) && record.kind == Kind::Traffic {
                record.kind = kind;
            }
        };
        if self.question.is_some() {
            add(record, self.question, Kind::Dns);
            let dns = record.dns_mut();
            dns.query_type = self.question_type.and_then(question_type);
            dns.response_code = self.response.and_then(response_code);
            dns.time_to_live = self.time_to_live.and_then(value::number);
            return;
        }
        if let Some(url) = self.url {
            record.kind = Kind::Http;
            record.add_url(url);
        }
        add(record, self.host, Kind::Http);
        add(record, self.server_name, Kind::Tls);
    }

    fn verdict(&self) -> Action {
        let own = self.action.map_or(Action::Other, word);
        // The access rule may allow what the TLS policy, or another list of the same policy, then stops.
        let by_tls = self.tls_action.filter(|action| action.starts_with(b"Block")).map(word);
        let says_block = |reason: &&[u8]| {
            reason.split(|byte| *byte == b',').any(|part| part.trim_ascii().ends_with(b" Block"))
        };
        let by_reason = self.reason.filter(says_block).map(|_| Action::Deny);
        let found = [by_tls, by_reason, self.file_action.map(word), self.inline_result.map(word)];
        let stopped = |action: &Action| matches!(action, Action::Deny | Action::Reset);
        let found = found.into_iter().flatten();
        match own {
            Action::Deny | Action::Reset => own,
            own => found.clone().find(stopped).or_else(|| found.clone().next()).unwrap_or(own),
        }
    }

    fn cause(&self) -> Option<Cause> {
        let reason = self.reason.unwrap_or_default();
        let says = |word: &[u8]| memchr::memmem::find(reason, word).is_some();
        if says(b"DNS Block") {
            return Some(Cause::DnsFiltered);
        }
        if says(b"URL Block") {
            return Some(Cause::UrlFiltered);
        }
        let is_tls = self.tls_action.is_some_and(|action| action.starts_with(b"Block"));
        (says(b"SSL Block") || is_tls).then_some(Cause::TlsPolicy)
    }
}

/// What a word of an action means; files are looked up and stored without being stopped.
fn word(action: &[u8]) -> Action {
    // Markup has been seen before the word.
    let start = memchr::memrchr(b'>', action).map_or(0, |at| at + 1);
    let action = action.get(start..).unwrap_or_default().trim_ascii();
    let has = |word: &[u8]| memchr::memmem::find(action, word).is_some();
    if has(b"with reset") || has(b"with Reset") {
        Action::Reset
    } else if action.starts_with(b"Would") {
        Action::Allow
    } else if has(b"Block") || has(b"Dropped") {
        Action::Deny
    } else if action.is_empty() || has(b"Interactive") {
        Action::Other
    } else {
        Action::Allow
    }
}

/// The type of a question as it is described.
fn question_type(raw: &[u8]) -> Option<u16> {
    match raw {
        b"a host address" => Some(1),
        b"IP6 Address" | b"IPv6 address" => Some(28),
        b"the canonical name for an alias" => Some(5),
        b"a domain name pointer" => Some(12),
        _ => value::dns_type(raw),
    }
}

/// The response code as it is described.
fn response_code(raw: &[u8]) -> Option<u16> {
    match raw {
        b"No Error" => Some(0),
        b"Server Failure" => Some(2),
        b"Non-Existent Domain" | b"Name Error" => Some(3),
        b"Query Refused" => Some(5),
        _ => None,
    }
}

/// A key and what stands behind its colon.
type Key<'l> = (&'l [u8], &'l [u8]);

/// The value at the start of the text, and the key that follows it. Values hold commas, so one ends
/// only before a comma, a blank and a further key.
fn value_at(text: &[u8]) -> (&[u8], Option<Key<'_>>) {
    for comma in memchr::memchr_iter(b',', text) {
        let (value, behind) = text.split_at(comma);
        if behind.starts_with(b", ")
            && let Some(key) = behind.get(1..).and_then(key_at)
        {
            return (value.trim_ascii(), Some(key));
        }
    }
    (text.trim_ascii(), None)
}

/// A key (letters, digits, `_` and blanks, with a capital first) and what follows its colon.
fn key_at(text: &[u8]) -> Option<Key<'_>> {
    let text = text.trim_ascii_start();
    text.first().filter(|byte| byte.is_ascii_uppercase())?;
    let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b' ' | b'-');
    let end = text.iter().take(48).position(|byte| !is_key(byte))?;
    let (key, rest) = text.split_at(end);
    let rest = rest.strip_prefix(b":")?;
    (rest.is_empty() || rest.starts_with(b" ")).then_some((key, rest))
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    const HEAD: &str = "%FTD-1-430003: FirstPacketSecond: 2025-11-26T04:15:00Z, SrcIP: 10.1.2.3, \
                        DstIP: 203.0.113.9, SrcPort: 50123, DstPort: 443, Protocol: tcp";

    #[test]
    fn the_reason_says_what_blocked() {
        let lines = format!(
            "{HEAD}, AccessControlRuleAction: Block, AccessControlRuleReason: URL Block, UserAgent: \
             a (b, like c), d: e, URL: https://www.example.com/a, b\n\
             {HEAD}, AccessControlRuleAction: Block with reset, AccessControlRuleReason: SSL Block, \
             SSLServerName: www.example.com\n\
             {HEAD}, AccessControlRuleAction: Allow, DNSQuery: login.example.com, DNSResponseType: No Error\n\
             {HEAD}, AccessControlRuleAction: Fastpath\n\
             %FTD-1-430003: FirstPacketSecond: 2025-11-26T04\n"
        );
        assert_eq!(
            records(&lines),
            [
                "1 cisco-ftd deny http tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z url_filtered",
                "2 cisco-ftd reset tls tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z tls_policy",
                "3 cisco-ftd allow dns tcp 10.1.2.3#50123 203.0.113.9#443 login.example.com 2025-11-26T04:15:00Z",
                "4 cisco-ftd allow traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
            ]
        );
    }
}
