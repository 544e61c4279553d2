//! Attempts, resolutions and sightings: the three things that evidence is made of.

use serde::Serialize;

use super::{Address, Duration, Fact, Locator, NameId, Outcome, SocketAddress, TextId, Timestamp};

/// One try to reach a name, with how it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// The name, or `None` when the attempt shows none and one must be found by joining.
    pub name: Option<(NameId, NameSource)>,
    /// By what means the name was tried.
    pub channel: Channel,
    /// Who tried. Port 0 where the input does not say.
    pub client: SocketAddress,
    /// Whom the packets went to: the server, the resolver, or the proxy.
    pub server: SocketAddress,
    /// The port of the service asked for; differs from the server's port behind a proxy.
    pub target_port: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// Who decided and why, in the words of the log that tells.
    pub decider: Option<TextId>,
    /// First packet or record of the attempt.
    pub start: Timestamp,
    /// Last packet or record of the attempt.
    pub end: Timestamp,
    /// Where the attempt shows: the packet that proves the outcome, else its first.
    pub locator: Locator,
    /// The first input of the sequence that this was seen in: one vantage point and clock.
    pub unit: u32,
    /// The certificates that were shown, if they are there and somebody wants them.
    pub chain: Option<ChainId>,
    /// The figures behind the outcome.
    pub fact: Fact,
}

/// A list of certificates as its sink numbers it. Only meaningful together with that sink.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ChainId(pub u32);

/// A DNS answer: a client was told that a name lives at an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resolution {
    /// The name that the client asked for (the start of the CNAME chain, not its end).
    pub name: NameId,
    /// Who asked.
    pub client: Address,
    /// Where the name was said to live.
    pub address: Address,
    /// When the answer was given.
    pub time: Timestamp,
    /// How long the answer holds, by the least TTL along the chain.
    pub time_to_live: Duration,
    /// The first input of the sequence that this was seen in: one clock.
    pub unit: u32,
}

/// A DNS answer that gave an alias and no address: what the client is told of the alias is of the name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alias {
    /// The name that the client asked for.
    pub name: NameId,
    /// The name that it was told to ask for instead.
    pub target: NameId,
    /// Who asked.
    pub client: Address,
    /// When the answer was given.
    pub time: Timestamp,
    /// How long the answer holds.
    pub time_to_live: Duration,
}

/// A name seen in an input, whatever became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sighting {
    /// The name.
    pub name: NameId,
    /// What showed it.
    pub source: NameSource,
    /// When it was seen.
    pub time: Timestamp,
}

/// What says that a name is served by HTTP/3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Offer {
    /// The `Alt-Svc` field of an HTTP response (RFC 7838).
    AltSvc,
    /// A DNS record of type HTTPS or SVCB (RFC 9460).
    HttpsRecord,
}

/// By what means a name was tried.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Channel {
    /// A DNS question of this type.
    Dns(u16),
    /// A TCP connection that shows no more than that.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// DTLS over UDP.
    Dtls,
    /// Cleartext HTTP.
    Http,
    /// A CONNECT request to a proxy.
    Connect,
    /// QUIC.
    Quic,
    /// A UDP conversation that is not understood further.
    Udp,
}

impl Channel {
    /// The transport that carries the channel, as the report writes it.
    #[must_use]
    pub const fn transport(self) -> &'static str {
        match self {
            Self::Dns(_) => "dns",
            Self::Tcp | Self::Tls | Self::Http | Self::Connect => "tcp",
            Self::Quic | Self::Dtls | Self::Udp => "udp",
        }
    }
}

/// What gave a flow or a record its name; the order is from strongest to weakest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NameSource {
    /// Server Name Indication of a ClientHello of TLS over TCP, or of DTLS.
    Sni,
    /// Server Name Indication of a QUIC ClientHello.
    QuicSni,
    /// Host of an HTTP request.
    HttpHost,
    /// Target of a CONNECT request.
    Connect,
    /// Name of a server certificate.
    Certificate,
    /// Target of a SOCKS request.
    Socks,
    /// Name that a log record states.
    LogName,
    /// Question of a DNS message.
    DnsQuery,
    /// Owner in the answer section of a DNS message.
    DnsAnswer,
    /// An answer that this client had been given.
    DnsSameClient,
    /// An answer that another client had been given.
    DnsAnyClient,
    /// A name that a capture file itself states for an address.
    FileName,
    /// An address range published for a service.
    ServiceTag,
}

impl NameSource {
    /// The word used in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sni => "sni",
            Self::QuicSni => "quic_sni",
            Self::HttpHost => "http_host",
            Self::Connect => "connect",
            Self::Certificate => "certificate",
            Self::Socks => "socks",
            Self::LogName => "log_name",
            Self::DnsQuery => "dns_query",
            Self::DnsAnswer => "dns_answer",
            Self::DnsSameClient => "dns_same_client",
            Self::DnsAnyClient => "dns_any_client",
            Self::FileName => "file_name",
            Self::ServiceTag => "service_tag",
        }
    }
}
