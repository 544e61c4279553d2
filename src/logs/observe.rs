//! Records become observations: what a device logged, in the words of captures.

use std::net::IpAddr;

use super::record::{Action, Decider, Kind, Protocol, Record};
use super::registry::FORMATS;
use super::stamp::{Stamp, TimeRules};
use crate::observe::decider;
use crate::observe::{
    Address, Attempt, Cause, Channel, Doubt, Duration, Fact, Frame, Locator, NameId, NameSource,
    Outcome, Resolution, Sighting, Sink, SocketAddress, TextId, Timestamp, is_plainly_a_name,
    normalize,
};

/// How long an answer holds whose time to live the log does not state: what resolvers commonly
/// keep at least.
const USUAL_TIME_TO_LIVE: Duration = Duration::from_seconds(300);

const DNS_NOERROR: u16 = 0;
const DNS_SERVFAIL: u16 = 2;
const DNS_NXDOMAIN: u16 = 3;
const DNS_REFUSED: u16 = 5;

/// Turns the records of one input into observations, and keeps its buffers for the next.
pub(crate) struct Observer<'o> {
    rules: &'o TimeRules,
    input: u32,
    name: String,
    text: String,
    names: Vec<NameId>,
    /// The time of the last record as it was stated, and what the rules make of it.
    last_time: (Stamp, Timestamp),
}

impl<'o> Observer<'o> {
    pub(crate) fn new(rules: &'o TimeRules, input: u32) -> Self {
        let last_time = (Stamp::None, timestamp(Stamp::None, rules));
        Self {
            rules,
            input,
            name: String::new(),
            text: String::new(),
            names: Vec::new(),
            last_time,
        }
    }

    /// Hands a record's observations to the sink and returns its time.
    pub(crate) fn observe<S: Sink>(
        &mut self,
        format: usize,
        record: &Record<'_>,
        locator: Locator,
        sink: &mut S,
    ) -> Timestamp {
        if self.last_time.0 != record.stamp {
            self.last_time = (record.stamp, timestamp(record.stamp, self.rules));
        }
        let time = self.last_time.1;
        self.names.clear();
        let keeps_from = keeps_from(sink, record);
        let has_other_name = self.intern(record, keeps_from, time, sink);
        let server = socket(record.server.address, record.server.port);
        let channel = channel(record);
        let is_kept = if self.names.is_empty() {
            !has_other_name
                && is_worth_joining(record, channel)
                && (keeps_from || sink.keeps_unnamed(server.address))
        } else {
            self.names.iter().any(|name| sink.keeps(*name)) || keeps_from
        };
        if is_kept {
            self.attempt(format, record, (channel, server), (time, locator), sink);
        }
        self.resolve(record, time, sink);
        time
    }

    /// Interns the names of a record and returns whether there are others: names that no attempt
    /// is kept of are left out where nothing else needs them, which are most of a log.
    fn intern<S: Sink>(
        &mut self,
        record: &Record<'_>,
        keeps_from: bool,
        time: Timestamp,
        sink: &mut S,
    ) -> bool {
        let has_answers = record.dns.as_ref().is_some_and(|dns| !dns.answers.is_empty());
        let needs_all = S::WANTS_SIGHTINGS || keeps_from || has_answers;
        let mut has_other_name = false;
        for raw in &record.names {
            if !needs_all && is_plainly_a_name(raw) && !sink.could_keep(raw) {
                has_other_name = true;
                continue;
            }
            if normalize(raw, &mut self.name) {
                let name = sink.intern(&self.name);
                self.names.push(name);
                if S::WANTS_SIGHTINGS {
                    sink.sighting(&Sighting { name, source: NameSource::LogName, time });
                }
            }
        }
        has_other_name
    }

    /// Hands on the attempt that a record tells of, once for each name.
    fn attempt<S: Sink>(
        &mut self,
        format: usize,
        record: &Record<'_>,
        (channel, server): (Channel, SocketAddress),
        (time, locator): (Timestamp, Locator),
        sink: &mut S,
    ) {
        let mut attempt = Attempt {
            name: None,
            channel,
            client: socket(record.client.address, record.client.port),
            server: server_of(record, server),
            target_port: record.target_port.unwrap_or(server.port),
            outcome: outcome(record),
            decider: self.decider(format, record, sink),
            start: time,
            end: time,
            locator,
            unit: self.input,
            chain: None,
            fact: if record.is_data { Fact::Data } else { Fact::None },
        };
        if let Some(bytes) = record.bytes_back.filter(|bytes| *bytes > 0) {
            attempt.fact = Fact::Received(bytes);
        }
        if self.names.is_empty() {
            sink.attempt(&attempt);
        }
        for name in &self.names {
            attempt.name = Some((*name, NameSource::LogName));
            sink.attempt(&attempt);
        }
    }

    /// What a DNS record says of where names live. An answer without a client names what anyone
    /// does later; one without a time names nothing, for nothing tells what came later.
    fn resolve<S: Sink>(&self, record: &Record<'_>, time: Timestamp, sink: &mut S) {
        let Some(dns) = &record.dns else { return };
        if time.frame() == Frame::Unknown || matches!(record.action, Action::Deny | Action::Reset) {
            return;
        }
        let time_to_live = dns
            .time_to_live
            .map_or(USUAL_TIME_TO_LIVE, |seconds| Duration::from_seconds(i64::from(seconds)));
        let client = record.client.address.map_or(Address::default(), Address::from);
        for name in &self.names {
            for address in dns.answers.iter().copied().map(Address::from) {
                if !address.is_sinkhole() {
                    sink.resolution(&Resolution {
                        name: *name,
                        client,
                        address,
                        time,
                        time_to_live,
                        unit: self.input,
                    });
                }
            }
        }
    }

    /// Who decided, and by what.
    fn decider<S: Sink>(
        &mut self,
        format: usize,
        record: &Record<'_>,
        sink: &mut S,
    ) -> Option<TextId> {
        let device = FORMATS.get(format).map_or("a device", |format| format.about().device());
        let Decider { rule, policy, category, reason } = &record.decider;
        let parts = [rule, policy, category, reason].map(|part| part.as_deref());
        let text = &mut self.text;
        decider::encode(text, device, parts);
        sink.text(text)
    }
}

/// The time of a record: an instant if the rules make it one, else the civil time that the line
/// states.
pub(crate) fn timestamp(stamp: Stamp, rules: &TimeRules) -> Timestamp {
    if let Some(instant) = stamp.instant(rules) {
        return instant;
    }
    let rules = TimeRules { zone: Some(jiff::tz::TimeZone::UTC), year: rules.year };
    match stamp {
        Stamp::None | Stamp::Instant(_) => Timestamp::UNKNOWN,
        Stamp::NoYear(_) if rules.year.is_none() => {
            let rules = TimeRules { year: Some(super::value::ANY_YEAR), ..rules };
            stamp.instant(&rules).map_or(Timestamp::UNKNOWN, Timestamp::without_year)
        }
        Stamp::NoZone(_) | Stamp::NoYear(_) => {
            stamp.instant(&rules).map_or(Timestamp::UNKNOWN, Timestamp::without_zone)
        }
    }
}

fn socket(address: Option<IpAddr>, port: Option<u16>) -> SocketAddress {
    let address = address.map_or(Address::default(), Address::from);
    SocketAddress::new(address, port.unwrap_or(0))
}

/// Whom the packets went to. Of a proxied attempt the log does not say where the proxy is, and
/// the origin's address is the proxy's business; port 0 tells that it is another's.
fn server_of(record: &Record<'_>, server: SocketAddress) -> SocketAddress {
    if record.proxied { SocketAddress::new(server.address, 0) } else { server }
}

fn channel(record: &Record<'_>) -> Channel {
    let is_udp = record.protocol == Some(Protocol::UDP);
    let port = record.target_port.or(record.server.port);
    match record.kind {
        Kind::Dns => Channel::Dns(record.dns.as_ref().and_then(|dns| dns.query_type).unwrap_or(0)),
        Kind::Tls if is_udp => Channel::Quic,
        Kind::Tls => Channel::Tls,
        Kind::Http if record.proxied && port != Some(80) => Channel::Connect,
        Kind::Http if port == Some(80) => Channel::Http,
        Kind::Http if is_udp => Channel::Quic,
        Kind::Http => Channel::Tls,
        Kind::Traffic if is_udp && port == Some(443) => Channel::Quic,
        Kind::Traffic if is_udp => Channel::Udp,
        Kind::Traffic => Channel::Tcp,
    }
}

fn outcome(record: &Record<'_>) -> Outcome {
    if record.is_of_no_connection() {
        return Outcome::Inconclusive(Doubt::Logged);
    }
    if let Some(cause) = record.cause {
        return Outcome::Blocked(cause);
    }
    let code = record.dns.as_ref().and_then(|dns| dns.response_code);
    let answers = record.dns.as_ref().map_or(&[][..], |dns| &dns.answers);
    let is_sinkhole = !answers.is_empty()
        && answers.iter().all(|address| Address::from(*address).leads_nowhere());
    match (record.kind, record.action) {
        (Kind::Dns, Action::Deny | Action::Reset) => Outcome::Blocked(match code {
            Some(DNS_REFUSED) => Cause::DnsRefused,
            _ => Cause::DnsFiltered,
        }),
        (Kind::Dns, _) if is_sinkhole => Outcome::Blocked(Cause::DnsSinkhole),
        (Kind::Dns, _) => match code {
            Some(DNS_NXDOMAIN) => Outcome::Blocked(Cause::DnsNxdomain),
            Some(DNS_SERVFAIL) => Outcome::Blocked(Cause::DnsServfail),
            Some(DNS_REFUSED) => Outcome::Blocked(Cause::DnsRefused),
            Some(DNS_NOERROR) => Outcome::Answered,
            None if record.action == Action::Allow => Outcome::Answered,
            None => Outcome::Inconclusive(Doubt::Logged),
            Some(_) => Outcome::Inconclusive(Doubt::ServerError),
        },
        (_, Action::Deny) => Outcome::Blocked(match record.kind {
            Kind::Http if record.proxied => Cause::ProxyDenied,
            _ => Cause::DeviceDenied,
        }),
        (_, Action::Reset) => Outcome::Blocked(Cause::DeviceReset),
        (_, Action::Allow) if record.has_answer() => Outcome::Answered,
        (_, Action::Allow) => Outcome::Allowed,
        (_, Action::Other) => Outcome::Inconclusive(Doubt::Logged),
    }
}

fn keeps_from<S: Sink>(sink: &S, record: &Record<'_>) -> bool {
    record.client.address.is_some_and(|client| sink.keeps_from(client.into()))
}

/// Whether a record without a name may be given one by a DNS answer, and would then say
/// something: a conversation with an address.
fn is_worth_joining(record: &Record<'_>, channel: Channel) -> bool {
    let is_conversation = matches!(record.protocol, None | Some(Protocol::TCP | Protocol::UDP));
    record.server.address.is_some()
        && !record.is_of_no_connection()
        && is_conversation
        && (record.action != Action::Other || record.cause.is_some())
        && !matches!(channel, Channel::Dns(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::record::Dns;

    fn of(kind: Kind, action: Action) -> Record<'static> {
        Record { action, ..Record::new(kind) }
    }

    #[test]
    fn what_a_device_did_has_a_cause() {
        let denied = |kind| outcome(&of(kind, Action::Deny));
        assert_eq!(denied(Kind::Traffic), Outcome::Blocked(Cause::DeviceDenied));
        assert_eq!(denied(Kind::Dns), Outcome::Blocked(Cause::DnsFiltered));
        let reset = outcome(&of(Kind::Tls, Action::Reset));
        assert_eq!(reset, Outcome::Blocked(Cause::DeviceReset));
        let proxied = Record { proxied: true, ..of(Kind::Http, Action::Deny) };
        assert_eq!(outcome(&proxied), Outcome::Blocked(Cause::ProxyDenied));
        let named = Record { cause: Some(Cause::UrlFiltered), ..proxied };
        assert_eq!(outcome(&named), Outcome::Blocked(Cause::UrlFiltered));
    }

    #[test]
    fn the_reason_of_a_denial_may_say_that_it_is_of_no_connection() {
        let denied = |kind, reason: &'static str| {
            let mut record = of(kind, Action::Deny);
            record.decider.reason = Some(reason.as_bytes().into());
            outcome(&record)
        };
        let none = Outcome::Inconclusive(Doubt::Logged);
        for reason in [
            "no session matched",
            "TCP Packet Belongs to no Active Session",
            "TCP packet out of state: First packet isn't SYN",
            "TCP packet received on a closing connection; TCP packet dropped",
        ] {
            assert_eq!(denied(Kind::Traffic, reason), none, "{reason}");
        }
        for reason in ["policy denied", "session limit reached", "SYN flood"] {
            let blocked = Outcome::Blocked(Cause::DeviceDenied);
            assert_eq!(denied(Kind::Traffic, reason), blocked, "{reason}");
        }
        assert_eq!(denied(Kind::Tls, "out of state"), Outcome::Blocked(Cause::DeviceDenied));
    }

    #[test]
    fn bytes_back_are_an_answer_and_passing_is_not() {
        assert_eq!(outcome(&of(Kind::Traffic, Action::Allow)), Outcome::Allowed);
        let payload = Record {
            bytes_back: Some(1),
            counts_payload: true,
            ..of(Kind::Traffic, Action::Allow)
        };
        assert_eq!(outcome(&payload), Outcome::Answered);
        let counted = |bytes, packets| {
            let counts = Record {
                bytes_back: Some(bytes),
                packets_back: packets,
                protocol: Some(Protocol::TCP),
                ..of(Kind::Traffic, Action::Allow)
            };
            outcome(&counts)
        };
        // A SYN-ACK; a handshake with its closing segments; an answer.
        assert_eq!(counted(66, Some(1)), Outcome::Allowed);
        assert_eq!(counted(270, Some(4)), Outcome::Allowed);
        assert_eq!(counted(312, None), Outcome::Allowed);
        assert_eq!(counted(2_000, Some(6)), Outcome::Answered);
        assert_eq!(counted(4_000, None), Outcome::Answered);
        let silent = Record { bytes_back: Some(0), ..of(Kind::Traffic, Action::Allow) };
        assert_eq!(outcome(&silent), Outcome::Allowed);
    }

    #[test]
    fn response_codes_say_what_they_say_in_captures() {
        let answer = |code| {
            let dns = Dns { response_code: Some(code), ..Dns::default() };
            outcome(&Record { dns: Some(Box::new(dns)), ..of(Kind::Dns, Action::Other) })
        };
        assert_eq!(answer(3), Outcome::Blocked(Cause::DnsNxdomain));
        assert_eq!(answer(0), Outcome::Answered);
    }

    #[test]
    fn times_without_a_zone_are_no_instants_until_the_rules_say() {
        let stamp = Stamp::NoZone("2025-11-26T04:15:00".parse().unwrap());
        let time = timestamp(stamp, &TimeRules::default());
        assert_eq!(time.civil_text().as_deref(), Some("2025-11-26 04:15:00 (no zone)"));
        let rules = TimeRules { zone: Some(jiff::tz::TimeZone::UTC), year: None };
        assert_eq!(timestamp(stamp, &rules).frame(), Frame::Instant);
        let stamp = Stamp::NoYear("1972-11-26T04:15:00".parse().unwrap());
        let time = timestamp(stamp, &rules);
        assert_eq!(time.civil_text().as_deref(), Some("11-26 04:15:00 (no year)"));
    }
}
