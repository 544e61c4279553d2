//! What the fields of PAN-OS logs mean, whatever form they come in.
//!
//! TRAFFIC logs sessions, THREAT what the security profiles found (its subtype `url` is the URL
//! filter), DECRYPTION the TLS proxy's sessions, DNS what DNS Security saw. `alert` and `allow`
//! let pass; `block-*`, `drop*`, `deny` and `sinkhole` block; `reset-*` answer with a reset.
//! `continue` and `override` are pages that ask the user. A session that the policy allowed may
//! still have ended by `threat` or by a failed decryption: the reason of its end tells.

use std::borrow::Cow;

use super::super::record::{Action, Kind, Party, Protocol, Record};
use super::super::value;
use crate::observe::Cause;

/// The fields of one log that matter here, each only if it is stated.
#[derive(Default)]
pub(super) struct Event<'a> {
    pub(super) subtype: Cow<'a, [u8]>,
    pub(super) client: Party,
    pub(super) server: Party,
    pub(super) protocol: Option<Protocol>,
    pub(super) action: Cow<'a, [u8]>,
    pub(super) application: Cow<'a, [u8]>,
    pub(super) rule: Option<Cow<'a, [u8]>>,
    /// The URL without a scheme, the name in a DNS question, or the name of a file: what it is
    /// depends on the subtype.
    pub(super) url: Option<Cow<'a, [u8]>>,
    /// The threat's name and number.
    pub(super) threat: Option<Cow<'a, [u8]>>,
    /// The category of the URL.
    pub(super) category: Option<Cow<'a, [u8]>>,
    /// Why the session ended.
    pub(super) end_reason: Option<Cow<'a, [u8]>>,
    /// The decryption policy.
    pub(super) policy: Option<Cow<'a, [u8]>>,
    /// The name in the TLS hello.
    pub(super) server_name: Option<Cow<'a, [u8]>>,
    /// What went wrong with the decryption.
    pub(super) error: Option<Cow<'a, [u8]>>,
    pub(super) bytes_back: Option<u64>,
    pub(super) packets_back: Option<u64>,
}

/// The types of logs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LogType {
    Traffic,
    Threat,
    Decryption,
    Dns,
    /// Of a type that tells of no attempt.
    Other,
}

impl LogType {
    /// The type by its word; `None` for a word that PAN-OS does not write.
    pub(super) fn parse(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"TRAFFIC" => Self::Traffic,
            b"THREAT" | b"URL" => Self::Threat,
            b"DECRYPTION" => Self::Decryption,
            b"DNS" => Self::Dns,
            b"SYSTEM" | b"CONFIG" | b"HIPMATCH" | b"HIP-MATCH" | b"USERID" | b"IPTAG" | b"AUTH"
            | b"AUTHENTICATION" | b"GLOBALPROTECT" | b"CORRELATION" | b"TUNNEL" | b"SCTP"
            | b"GTP" | b"AUDIT" => Self::Other,
            _ => return None,
        })
    }
}

impl<'a> Event<'a> {
    /// The record of this log, without its time; `None` when the words are not PAN-OS'.
    pub(super) fn into_record(self, log_type: LogType) -> Option<Record<'a>> {
        let action = word(&self.action);
        if action.is_none() && self.protocol.is_none() {
            return None;
        }
        let mut record = Record::new(match log_type {
            LogType::Dns => Kind::Dns,
            LogType::Decryption => Kind::Tls,
            _ => Kind::Traffic,
        });
        record.action = action.unwrap_or_default();
        record.client = self.client;
        record.server = self.server;
        record.protocol = self.protocol;
        record.bytes_back = self.bytes_back;
        record.packets_back = self.packets_back;
        if self.protocol == Some(Protocol::ICMP) {
            record.server.port = None;
        }
        record.proxied = &*self.application == b"http-proxy";
        self.add_names(log_type, &mut record);
        self.decide(log_type, &mut record);
        Some(record)
    }

    fn add_names(&self, log_type: LogType, record: &mut Record<'a>) {
        if let Some(name) = &self.server_name {
            record.add_name(name.clone());
        }
        let Some(url) = self.url.clone() else { return };
        match (log_type, &*self.subtype) {
            (LogType::Dns, _) => {
                record.add_name(url);
            }
            (LogType::Threat, b"url") => {
                // `-/` is a request to an address; anything else without a host is garbled.
                let is_url = record.add_url(url.clone())
                    || url.starts_with(b"-/")
                    || value::Url::parse(&url)
                        .is_some_and(|url| value::address(url.host).is_some());
                if is_url {
                    record.kind = Kind::Http;
                }
            }
            (LogType::Threat, b"spyware") if self.is_dns() => {
                record.kind = Kind::Dns;
                record.add_name(url);
            }
            // A URL or the bare name of a file, which may look like a host.
            (LogType::Threat, _) if is_url_with_host(&url) && record.add_url(url) => {
                record.kind = Kind::Http;
            }
            _ => {}
        }
    }

    fn is_dns(&self) -> bool {
        self.application.starts_with(b"dns")
    }

    /// Who decided, and what that says beyond the action.
    fn decide(self, log_type: LogType, record: &mut Record<'a>) {
        let is_url_filter = log_type == LogType::Threat && &*self.subtype == b"url";
        let ended_by = self.end_reason.as_deref().unwrap_or_default();
        let is_decryption = ended_by.starts_with(b"decrypt-");
        // A rule may stop a session that it let begin, once it knows the application.
        let is_stopped = is_decryption || matches!(ended_by, b"threat" | b"policy-deny");
        if record.action == Action::Allow && is_stopped {
            record.action = Action::Deny;
        }
        if &*self.application == b"non-syn-tcp" {
            record.is_out_of_state = true;
        }
        if matches!(&*self.application, b"incomplete" | b"insufficient-data") {
            record.is_unanswered = true;
        }
        if record.action == Action::Deny {
            record.cause = match record.kind {
                _ if is_url_filter => Some(Cause::UrlFiltered),
                _ if is_decryption => Some(Cause::TlsPolicy),
                Kind::Dns if &*self.action == b"sinkhole" => Some(Cause::DnsSinkhole),
                Kind::Dns => Some(Cause::DnsFiltered),
                Kind::Tls => Some(Cause::TlsPolicy),
                _ => None,
            };
        }
        record.decider.rule = self.rule;
        record.decider.policy = self.policy;
        record.decider.category = match log_type {
            LogType::Threat if !is_url_filter => self.threat.or(self.category),
            _ => self.category,
        };
        record.decider.reason = self.end_reason.or(self.error);
    }
}

/// Whether a slash follows a first part with a dot in it.
fn is_url_with_host(url: &[u8]) -> bool {
    memchr::memchr(b'/', url)
        .and_then(|slash| url.get(..slash))
        .is_some_and(|host| memchr::memchr(b'.', host).is_some())
}

/// What a word of `action` means; `None` for one that PAN-OS does not write.
fn word(action: &[u8]) -> Option<Action> {
    const BLOCKED: &[&str] = &[
        "deny",
        "drop",
        "drop-icmp",
        "drop icmp",
        "drop-all",
        "drop-all-packets",
        "drop-packet",
        "random-drop",
        "syncookie-sent",
        "block",
        "block-url",
        "block-continue",
        "block-override",
        "block-ip",
        "sinkhole",
    ];
    Some(match action {
        b"allow" | b"alert" => Action::Allow,
        b"deny" | b"drop" | b"block-url" => Action::Deny,
        _ if action.starts_with(b"reset") => Action::Reset,
        _ if value::is_one_of(
            action,
            &["allow", "alert", "wildfire-upload-success", "forward"],
        ) =>
        {
            Action::Allow
        }
        _ if value::is_one_of(action, BLOCKED) => Action::Deny,
        _ if value::is_one_of(action, &["continue", "override", "override-lockout"]) => {
            Action::Other
        }
        _ => return None,
    })
}
