//! The ways by which a name can be reached; a way that always fails degrades what another reaches.

use super::Tried;
use crate::observe::Channel;

/// One way to a name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Path {
    /// Asking a resolver.
    Dns,
    /// TCP straight to the server.
    Tcp(Family),
    /// QUIC straight to the server.
    Quic(Family),
    /// DTLS straight to the server.
    Dtls(Family),
    /// AMQP straight to the server.
    Amqp(Family),
    /// Through a proxy.
    Proxy,
}

/// The IP version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Family {
    V4,
    V6,
}

impl Path {
    pub(super) fn of(attempts: &Tried<'_>) -> Self {
        let key = &attempts.key;
        let family = if key.server.address.is_v4() { Family::V4 } else { Family::V6 };
        match key.channel {
            Channel::Dns(_) => Self::Dns,
            Channel::Connect => Self::Proxy,
            Channel::Quic | Channel::Udp => Self::Quic(family),
            Channel::Dtls => Self::Dtls(family),
            Channel::Tcp | Channel::Tls | Channel::Http => {
                if key.target_port != key.server.port {
                    Self::Proxy
                } else if is_amqp(key.target_port) {
                    Self::Amqp(family)
                } else {
                    Self::Tcp(family)
                }
            }
        }
    }

    /// The path for a person.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Dns => "DNS",
            Self::Tcp(Family::V4) => "TCP over IPv4",
            Self::Tcp(Family::V6) => "TCP over IPv6",
            Self::Quic(Family::V4) => "QUIC over IPv4",
            Self::Quic(Family::V6) => "QUIC over IPv6",
            Self::Dtls(Family::V4) => "DTLS over IPv4",
            Self::Dtls(Family::V6) => "DTLS over IPv6",
            Self::Amqp(Family::V4) => "AMQP over IPv4",
            Self::Amqp(Family::V6) => "AMQP over IPv6",
            Self::Proxy => "the proxy",
        }
    }
}

/// Ports of AMQP with and without TLS (IANA service names `amqps`, `amqp`).
pub(super) const fn is_amqp(port: u16) -> bool {
    matches!(port, 5671 | 5672)
}
