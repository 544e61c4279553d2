//! The fields of Fortinet's log messages and what they mean.
//!
//! `action` says what was done with the session; on traffic lines `utmaction` overrules it,
//! because a session that a security profile blocked is logged as closed. `ip-conn` (no answer)
//! and `dns` (a failed look-up of the firewall itself) are no verdicts.

use std::borrow::Cow;

use super::super::format::{Emit, Line, Reading};
use super::super::record::{Action, Kind, Party, Record};
use super::super::stamp::Stamp;
use super::super::value;
use crate::observe::Cause;

/// The values of one message that matter here; of equal keys the first.
#[derive(Default)]
pub(super) struct Fields<'a> {
    /// `logid`, in old releases `log_id`.
    pub(super) id: Option<&'a [u8]>,
    /// `devid`, in old releases `device_id`: the serial number.
    pub(super) device: Option<&'a [u8]>,
    /// `type`: `traffic`, `utm`, `event`, …; old releases name the kind of security event here.
    pub(super) class: Option<&'a [u8]>,
    /// `subtype`: `forward`, `webfilter`, `dns`, …
    pub(super) subclass: Option<&'a [u8]>,
    /// `fctsn`: the serial number of a FortiClient, whose `hostname` is the endpoint's own.
    pub(super) client_serial: Option<&'a [u8]>,
    pub(super) date: Option<&'a [u8]>,
    pub(super) time: Option<&'a [u8]>,
    pub(super) zone: Option<&'a [u8]>,
    pub(super) event_time: Option<&'a [u8]>,
    /// The time of an envelope around the fields.
    pub(super) start: Stamp,
    pub(super) action: Option<&'a [u8]>,
    status: Option<&'a [u8]>,
    utm_action: Option<&'a [u8]>,
    source: Option<&'a [u8]>,
    source_port: Option<&'a [u8]>,
    destination: Option<&'a [u8]>,
    destination_port: Option<&'a [u8]>,
    protocol: Option<&'a [u8]>,
    bytes_back: Option<&'a [u8]>,
    packets_back: Option<&'a [u8]>,
    host: Option<&'a [u8]>,
    remote_name: Option<&'a [u8]>,
    resolved_name: Option<&'a [u8]>,
    server_name: Option<&'a [u8]>,
    url: Option<&'a [u8]>,
    question: Option<&'a [u8]>,
    question_type: Option<&'a [u8]>,
    answers: Option<&'a [u8]>,
    response_code: Option<&'a [u8]>,
    policy: Option<&'a [u8]>,
    policy_name: Option<&'a [u8]>,
    profile: Option<&'a [u8]>,
    category: Option<&'a [u8]>,
    application: Option<&'a [u8]>,
    application_category: Option<&'a [u8]>,
    attack: Option<&'a [u8]>,
    virus: Option<&'a [u8]>,
    web_count: Option<&'a [u8]>,
    message: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Takes a pair in.
    #[inline]
    pub(super) fn set(&mut self, key: &[u8], value: &'a [u8]) {
        let slot = match key {
            b"logid" | b"log_id" => &mut self.id,
            b"devid" | b"device_id" => &mut self.device,
            b"type" => &mut self.class,
            b"subtype" => &mut self.subclass,
            b"fctsn" => &mut self.client_serial,
            b"date" => &mut self.date,
            b"time" => &mut self.time,
            b"tz" => &mut self.zone,
            b"eventtime" => &mut self.event_time,
            b"action" => &mut self.action,
            b"status" => &mut self.status,
            b"utmaction" => &mut self.utm_action,
            b"srcip" | b"src" | b"deviceip" => &mut self.source,
            b"srcport" | b"src_port" => &mut self.source_port,
            b"dstip" | b"dst" => &mut self.destination,
            b"dstport" | b"dst_port" => &mut self.destination_port,
            b"proto" => &mut self.protocol,
            b"rcvdbyte" | b"rcvd" => &mut self.bytes_back,
            b"rcvdpkt" => &mut self.packets_back,
            b"hostname" => &mut self.host,
            b"remotename" => &mut self.remote_name,
            b"dstname" => &mut self.resolved_name,
            b"sni" => &mut self.server_name,
            b"url" => &mut self.url,
            b"qname" => &mut self.question,
            b"qtypeval" => &mut self.question_type,
            b"ipaddr" => &mut self.answers,
            b"rcode" => &mut self.response_code,
            b"policyid" => &mut self.policy,
            b"policyname" => &mut self.policy_name,
            b"profile" => &mut self.profile,
            b"catdesc" => &mut self.category,
            b"app" => &mut self.application,
            b"appcat" => &mut self.application_category,
            b"attack" => &mut self.attack,
            b"virus" => &mut self.virus,
            b"countweb" => &mut self.web_count,
            b"msg" => &mut self.message,
            _ => return,
        };
        if slot.is_none() && !value.is_empty() {
            *slot = Some(value);
        }
    }

    /// Whether these are the fields of a message of FortiOS or FortiProxy.
    pub(super) fn is_fortinet(&self) -> bool {
        let Some(class) = self.class else { return false };
        let is_known = kind_of_message(class) != Message::Unknown;
        let is_marked = self.id.is_some()
            || self.client_serial.is_some()
            || self.device.is_some_and(|device| device.starts_with(b"F"));
        (is_marked && (is_known || self.subclass.is_some()))
            || (is_known && self.subclass.is_some() && self.event_time.is_some())
    }

    /// Whether the device is a FortiProxy: by its serial number, or by the messages that only it
    /// writes.
    pub(super) fn is_proxy(&self) -> bool {
        self.subclass == Some(b"http-transaction")
            || self.device.is_some_and(|device| device.starts_with(b"FPX"))
    }

    /// Reads the message; `header` is what stands before it.
    pub(super) fn read(&self, line: &Line<'_>, header: &[u8], emit: Emit<'_>) -> Reading {
        let Some(class) = self.class else { return Reading::Damaged };
        let is_traffic = match kind_of_message(class) {
            Message::Traffic => true,
            Message::Security => false,
            Message::Event | Message::Unknown => return Reading::NoRecord,
        };
        let mut record = Record::new(Kind::Traffic);
        record.client = Party::parse(self.source, self.source_port);
        record.server = Party::parse(self.destination, self.destination_port);
        record.protocol = self.protocol.and_then(value::protocol);
        if record.protocol.is_some_and(|protocol| matches!(protocol.0, 1 | 58)) {
            // The column holds the type and the code of ICMP.
            record.server.port = None;
        }
        record.bytes_back = self.bytes_back.and_then(value::number);
        record.packets_back = self.packets_back.and_then(value::number);
        self.add_names(&mut record, class, is_traffic);
        if record.server.address.is_none() && record.names.is_empty() {
            return Reading::NoRecord;
        }
        record.action = self.verdict(is_traffic);
        record.stamp = line.stamp(self.stamp(), header);
        self.decide(&mut record);
        emit(&record);
        Reading::Records
    }

    /// The destination's name, and the kind of traffic that it makes.
    fn add_names(&self, record: &mut Record<'a>, class: &[u8], is_traffic: bool) {
        let subclass = self.subclass.unwrap_or_default();
        let security = if value::is_one_of(class, &["utm"]) { subclass } else { class };
        if self.client_serial.is_some() {
            if let Some(name) = self.remote_name {
                record.add_name(name);
            }
            return;
        }
        if !is_traffic && matches!(security, b"dns") {
            record.kind = Kind::Dns;
            self.add_question(record);
            return;
        }
        if let Some(name) = self.host.or(self.server_name) {
            // A certificate's wildcard in the host's place.
            record.add_name(name.strip_prefix(b"*.").unwrap_or(name));
            if let Some(url) = self.url.filter(|_| record.server.port.is_none()) {
                record.server.port = value::Url::parse(url).and_then(|url| url.port);
            }
        } else if let Some(url) = self.url {
            record.add_url(url);
        } else if let Some(name) = self.resolved_name {
            record.add_name(name);
        }
        record.kind = match security {
            _ if subclass == b"http-transaction" => Kind::Http,
            _ if is_traffic => Kind::Traffic,
            b"ssl" => Kind::Tls,
            b"webfilter" | b"waf" => Kind::Http,
            b"virus" if self.url.is_some() => Kind::Http,
            _ if !record.names.is_empty() => Kind::Http,
            _ => Kind::Traffic,
        };
    }

    fn add_question(&self, record: &mut Record<'a>) {
        if let Some(name) = self.question {
            record.add_name(name);
        }
        let dns = record.dns_mut();
        dns.query_type = self.question_type.and_then(value::number);
        dns.response_code = self.response_code.and_then(value::number);
        let answers = self.answers.unwrap_or_default().split(|byte| matches!(byte, b',' | b' '));
        dns.answers.extend(answers.filter_map(value::address));
    }

    fn verdict(&self, is_traffic: bool) -> Action {
        let own = self.action.or(self.status).map_or(Action::Other, word);
        match self.utm_action.filter(|_| is_traffic).map(word) {
            Some(action @ (Action::Deny | Action::Reset)) => action,
            _ => own,
        }
    }

    /// Who decided, and what the message says about the way of blocking.
    fn decide(&self, record: &mut Record<'a>) {
        let stated = |raw: Option<&'a [u8]>| raw.and_then(value::stated).map(Cow::Borrowed);
        let security = [self.class, self.subclass];
        let is = |word: &[u8]| security.contains(&Some(word));
        record.decider.rule = stated(self.policy_name).or_else(|| stated(self.policy));
        record.decider.policy = stated(self.profile);
        record.decider.category = stated(self.category)
            .or_else(|| stated(self.attack))
            .or_else(|| stated(self.virus))
            .or_else(|| stated(self.application))
            .or_else(|| stated(self.application_category));
        if !matches!(record.action, Action::Deny | Action::Reset) {
            return;
        }
        record.decider.reason = stated(self.message);
        let is_redirect = self.action.is_some_and(|action| action.starts_with(b"redirect"));
        record.cause = match record.kind {
            Kind::Dns if is_redirect => Some(Cause::DnsSinkhole),
            Kind::Dns => Some(Cause::DnsFiltered),
            Kind::Tls => Some(Cause::TlsPolicy),
            _ if is(b"webfilter") || self.web_count.is_some() => Some(Cause::UrlFiltered),
            _ if is(b"http-transaction") => Some(Cause::ProxyDenied),
            _ => None,
        };
    }

    /// `eventtime` is an instant (seconds or nanoseconds, by release); `date` and `time` are one
    /// where `tz` stands beside them. Values before 2000 are placeholders.
    fn stamp(&self) -> Stamp {
        const YEAR_2000: i64 = 946_684_800_000_000_000;
        if let Some(time) = self.event_time.and_then(value::epoch)
            && time.nanos() >= YEAR_2000
        {
            return Stamp::Instant(time);
        }
        let stated = match (self.date, self.time) {
            (Some(date), Some(time)) => {
                value::date_beside_clock(date, time).map_or(Stamp::None, Stamp::NoZone)
            }
            _ => self.start,
        };
        match (stated, self.zone.and_then(value::offset_seconds)) {
            (Stamp::NoZone(civil), Some(offset)) => Stamp::with_offset(civil, offset),
            (stated, _) => stated,
        }
    }
}

/// The line without the priority of a syslog header that has nothing else.
pub(super) fn without_priority(text: &[u8]) -> &[u8] {
    let end = text.iter().take(5).position(|byte| *byte == b'>');
    let body = end.and_then(|end| text.get(end + 1..)).filter(|_| text.starts_with(b"<"));
    body.unwrap_or(text)
}

/// The text before the first `key=`.
pub(super) fn before_pairs(text: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'=', text).unwrap_or_default();
    let before = text.get(..end).unwrap_or_default();
    let start = before.iter().rposition(u8::is_ascii_whitespace).unwrap_or_default();
    before.get(..start).unwrap_or_default()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Message {
    Traffic,
    Security,
    Event,
    Unknown,
}

fn kind_of_message(class: &[u8]) -> Message {
    const SECURITY: &[&str] = &[
        "utm",
        "anomaly",
        "webfilter",
        "dns",
        "app-ctrl",
        "ips",
        "virus",
        "ssl",
        "dlp",
        "waf",
        "emailfilter",
        "voip",
        "ssh",
        "cifs",
        "file-filter",
        "icap",
        "casb",
        "virtual-patch",
        "gtp",
    ];
    match class {
        b"traffic" => Message::Traffic,
        b"event" | b"appevent" => Message::Event,
        class if value::is_one_of(class, SECURITY) => Message::Security,
        _ => Message::Unknown,
    }
}

/// What a word of `action`, `status` or `utmaction` means.
fn word(action: &[u8]) -> Action {
    match action {
        b"accept" | b"close" | b"timeout" | b"client-rst" | b"server-rst" | b"start" | b"pass"
        | b"passthrough" | b"permit" | b"exempt" | b"bypass" | b"detected" | b"monitored"
        | b"monitor" | b"log-only" | b"allow" | b"allowed" => Action::Allow,
        b"deny" | b"denied" | b"block" | b"blocked" | b"drop" | b"dropped" | b"drop_session"
        | b"clear_session" | b"redirect" | b"redirected" | b"quarantine" => Action::Deny,
        reset if reset.starts_with(b"reset") => Action::Reset,
        _ => Action::Other,
    }
}
