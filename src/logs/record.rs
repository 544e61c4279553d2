//! One record of a log, as its line states it.

use std::borrow::Cow;
use std::net::IpAddr;

use smallvec::SmallVec;

use super::stamp::Stamp;
use super::value;
use crate::observe::Cause;

/// What one line, or one part of a line, says about one attempt.
///
/// A field that the line does not state is `None` or empty, never guessed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Record<'a> {
    /// When, as far as the line says.
    pub stamp: Stamp,
    /// What the device did.
    pub action: Action,
    /// What kind of traffic the record speaks of.
    pub kind: Kind,
    /// Who tried, before address translation.
    pub client: Party,
    /// Whom it tried to reach, before address translation; for DNS the resolver.
    pub server: Party,
    /// The port of the service that a proxy was asked for, where the line states that of the proxy too.
    pub target_port: Option<u16>,
    /// The transport.
    pub protocol: Option<Protocol>,
    /// Host names of the destination: bare hosts, not yet in normal form.
    pub names: SmallVec<[Cow<'a, [u8]>; 2]>,
    /// Who decided: the words of the rule, policy or category.
    pub decider: Decider<'a>,
    /// What stopped the attempt, where the line says more than the action and the kind do.
    pub cause: Option<Cause>,
    /// Bytes that came back from the server.
    pub bytes_back: Option<u64>,
    /// Packets that brought them, where the line counts packets.
    pub packets_back: Option<u64>,
    /// Whether the bytes are payload alone: what a proxy handed on, or what a sensor has put together.
    /// Packet filters count whole packets, and with them handshakes, resets and closing segments.
    pub counts_payload: bool,
    /// Whether the record is about a packet that belongs to no connection, so that its denial denies nothing.
    pub is_out_of_state: bool,
    /// Whether the record is about a segment with data, whose connection may have just begun or be long
    /// forgotten by the device.
    pub is_data: bool,
    /// Whether the device says that nothing came back by which it could know what was spoken.
    pub is_unanswered: bool,
    /// Whether the client spoke to an explicit proxy, so that no address is the server's.
    pub proxied: bool,
    /// What a DNS record adds.
    pub dns: Option<Box<Dns>>,
}

/// An address and a port, each only if the line states it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Party {
    /// The address.
    pub address: Option<IpAddr>,
    /// The port.
    pub port: Option<u16>,
}

/// What a device did with an attempt.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Action {
    /// Let it pass; alerting, monitoring, decrypting and bypassing let pass too.
    Allow,
    /// Blocked or dropped it, sank its name, sent a block page or asked for credentials.
    Deny,
    /// Answered in the server's place with a reset or an ICMP rejection.
    Reset,
    /// The line gives no verdict.
    #[default]
    Other,
}

/// What a record speaks of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Kind {
    /// A DNS question or its answer.
    Dns,
    /// An HTTP request or a line of a proxy, CONNECT too.
    Http,
    /// A TLS server name, or the inspection of a TLS connection.
    Tls,
    /// Everything else.
    #[default]
    Traffic,
}

/// An IP protocol by its number (IANA "Assigned Internet Protocol Numbers").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Protocol(pub u8);

/// Who decided, in the log's own words.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Decider<'a> {
    /// The rule or access list, by name or number.
    pub rule: Option<Cow<'a, [u8]>>,
    /// The policy or profile.
    pub policy: Option<Cow<'a, [u8]>>,
    /// The category, signature, list or application that made the rule apply.
    pub category: Option<Cow<'a, [u8]>>,
    /// What the log gives as the reason.
    pub reason: Option<Cow<'a, [u8]>>,
}

/// What a DNS record says beyond the name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Dns {
    /// The question's type (IANA "Resource Record (RR) TYPEs").
    pub query_type: Option<u16>,
    /// The response code; `None` for a question.
    pub response_code: Option<u16>,
    /// Addresses in the answer.
    pub answers: SmallVec<[IpAddr; 4]>,
    /// The least time to live of the answer in seconds.
    pub time_to_live: Option<u32>,
}

impl<'a> Record<'a> {
    /// An empty record of this kind.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self { kind, ..Self::default() }
    }

    /// Whether more came back from the server than opening, resetting and closing a connection takes, or of
    /// QUIC its first flight. Headers of IP and TCP are 40 to 66 bytes, with those of Ethernet up to 78;
    /// without a count of packets there may have been as many as SYNs are answered again (RFC 6298), a
    /// reset or two closing segments. A QUIC server sends three times what it got from a client whose
    /// address is not confirmed (RFC 9000 section 8.1), and clients begin with up to two full datagrams.
    #[must_use]
    pub fn has_answer(&self) -> bool {
        const PER_PACKET: u64 = 78;
        const FEW_PACKETS: u64 = 6;
        const FIRST_FLIGHT: u64 = 3 * 2 * 1_500;
        let Some(bytes) = self.bytes_back.filter(|_| !self.is_unanswered) else { return false };
        if self.counts_payload {
            return bytes > 0;
        }
        let is_quic = self.protocol == Some(Protocol::UDP) && self.server.port == Some(443);
        let least = match (is_quic, self.protocol) {
            (true, _) => FIRST_FLIGHT,
            // Every datagram of another protocol carries something of it.
            (false, Some(Protocol::UDP)) => 0,
            (false, _) => PER_PACKET.saturating_mul(self.packets_back.unwrap_or(FEW_PACKETS)),
        };
        bytes > least
    }

    /// Notes the bytes of payload that came back from the server.
    pub fn set_payload_back(&mut self, bytes: Option<u64>) {
        (self.bytes_back, self.counts_payload) = (bytes, true);
    }

    /// Notes what a request to a proxy names: an authority, or a URL. Such a record may have the proxy for
    /// its server.
    pub fn add_proxied_target(&mut self, target: impl Into<Cow<'a, [u8]>>) {
        let target = target.into();
        self.proxied = true;
        self.target_port = value::Url::parse(&target).and_then(|url| url.port);
        self.add_url(target);
    }

    /// Notes the HTTP status that the client was given, whoever sent it, where the line has not decided
    /// otherwise: only a success of CONNECT opens a tunnel (RFC 9110 section 9.3.6), and 403, 451 (RFC 7725)
    /// and 511 (RFC 6585 section 6) are denials by what they mean.
    pub fn note_status(&mut self, status: u16, is_connect: bool) {
        if self.cause.is_some() || matches!(self.action, Action::Deny | Action::Reset) {
            return;
        }
        // The action stays what the device did itself: it may have let the denial of another pass.
        let cause = match (is_connect, status) {
            (_, 407) => Cause::ProxyAuthRequired,
            (true, 300..=499) => Cause::ProxyDenied,
            (true, 500..=599) => Cause::ProxyFailed,
            (false, 403 | 451 | 511) => Cause::HttpDenied,
            _ => return,
        };
        (self.cause, self.bytes_back) = (Some(cause), None);
    }

    /// Notes the control bits of a TCP segment. Only a request for a connection is an attempt: the denial
    /// of anything else is that of a packet that belongs to no connection any more, as happens every day.
    pub fn note_control_bits(&mut self, bits: Option<value::ControlBits>) {
        let is_tcp = self.protocol.is_none_or(|protocol| protocol == Protocol::TCP);
        match bits.filter(|_| is_tcp) {
            Some(bits) if bits.is_data() => self.is_data = true,
            Some(bits) if !bits.is_request() => self.is_out_of_state = true,
            _ => {}
        }
    }

    /// Whether the record is of a packet that belongs to no connection, by its control bits or by the reason
    /// of its denial: it is no attempt then.
    #[must_use]
    pub fn is_of_no_connection(&self) -> bool {
        let is_denied = matches!(self.action, Action::Deny | Action::Reset);
        let words = [&self.decider.reason, &self.decider.category];
        let says_so =
            || words.into_iter().flatten().any(|word| value::speaks_of_no_connection(word));
        self.is_out_of_state || is_denied && self.kind == Kind::Traffic && says_so()
    }

    /// Adds a host name as it stands in a column: a port, brackets, a final dot and
    /// placeholders such as `-` are taken off. Returns whether there was a name.
    pub fn add_name(&mut self, raw: impl Into<Cow<'a, [u8]>>) -> bool {
        let raw = raw.into();
        let host = match &raw {
            Cow::Borrowed(raw) => value::host(raw).map(Cow::Borrowed),
            Cow::Owned(raw) => value::host(raw).map(|host| Cow::Owned(host.to_vec())),
        };
        let Some(host) = host else { return false };
        if !self.names.iter().any(|name| name.eq_ignore_ascii_case(&host)) {
            self.names.push(host);
        }
        true
    }

    /// Adds the host of a URL, and the server's port if it is not known yet (see
    /// [`value::Url`]). An address in the host's place becomes the server's address if that
    /// is not known yet. Returns whether there was a name.
    pub fn add_url(&mut self, raw: impl Into<Cow<'a, [u8]>>) -> bool {
        let raw = raw.into();
        let Some(url) = value::Url::parse(&raw) else { return false };
        self.server.port = self.server.port.or(url.port);
        let host = url.host.to_vec();
        match value::address(&host) {
            Some(address) => {
                self.server.address = self.server.address.or(Some(address));
                false
            }
            None => match raw {
                Cow::Borrowed(raw) => match value::Url::parse(raw) {
                    Some(url) => self.add_name(url.host),
                    None => false,
                },
                Cow::Owned(_) => self.add_name(host),
            },
        }
    }

    /// Notes a resolver's response code, and what it means where nothing else decides: NOERROR
    /// passes, REFUSED denies, and the other errors are no verdict of anyone's.
    pub fn set_response(&mut self, code: u16) {
        self.dns_mut().response_code = Some(code);
        (self.action, self.cause) = match code {
            0 => (Action::Allow, None),
            2 => (Action::Other, Some(Cause::DnsServfail)),
            3 => (Action::Other, Some(Cause::DnsNxdomain)),
            5 => (Action::Deny, Some(Cause::DnsRefused)),
            _ => (Action::Other, None),
        };
    }

    /// Adds an address of a DNS answer and its time to live.
    pub fn add_answer(&mut self, address: IpAddr, time_to_live: Option<u32>) {
        let dns = self.dns_mut();
        if !dns.answers.contains(&address) {
            dns.answers.push(address);
        }
        dns.time_to_live = match (dns.time_to_live, time_to_live) {
            (Some(known), Some(new)) => Some(known.min(new)),
            (known, new) => known.or(new),
        };
    }

    /// What a DNS record adds, made when first asked for.
    pub fn dns_mut(&mut self) -> &mut Dns {
        self.dns.get_or_insert_default()
    }
}

impl Party {
    /// An address without a port.
    #[must_use]
    pub const fn of(address: Option<IpAddr>) -> Self {
        Self { address, port: None }
    }

    /// The party that two columns state; see [`value::address`] and [`value::port`].
    #[must_use]
    pub fn parse(address: Option<&[u8]>, port: Option<&[u8]>) -> Self {
        Self { address: address.and_then(value::address), port: port.and_then(value::port) }
    }
}

impl From<(IpAddr, Option<u16>)> for Party {
    fn from((address, port): (IpAddr, Option<u16>)) -> Self {
        Self { address: Some(address), port }
    }
}

impl Action {
    /// The word used in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Reset => "reset",
            Self::Other => "other",
        }
    }
}

impl Kind {
    /// The word used in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Traffic => "traffic",
        }
    }
}

impl Protocol {
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// ICMP.
    pub const ICMP: Self = Self(1);

    /// The lower-case name of the protocols that logs name; others are their number.
    #[must_use]
    pub fn text(self) -> Cow<'static, str> {
        match value::PROTOCOL_NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => Cow::Borrowed(*name),
            None => Cow::Owned(self.0.to_string()),
        }
    }
}
