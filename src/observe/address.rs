//! Addresses in sixteen bytes, so that IPv4 and IPv6 share one compact, ordered key.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An IP address; IPv4 is held in its IPv6-mapped form (RFC 4291 section 2.5.5.2).
///
/// The order is that of the sixteen bytes: total, and the same on every machine.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Address([u8; 16]);

impl Hash for Address {
    /// As one number: every packet hashes two addresses, and bytes of any length take longer.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(u128::from_ne_bytes(self.0));
    }
}

impl Address {
    /// The IPv4 address of these four bytes.
    #[inline]
    #[must_use]
    pub const fn from_v4(octets: [u8; 4]) -> Self {
        let [a, b, c, d] = octets;
        Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d])
    }

    /// The IPv6 address of these sixteen bytes.
    #[inline]
    #[must_use]
    pub const fn from_v6(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// The sixteen bytes.
    #[inline]
    #[must_use]
    pub const fn octets(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether this is an IPv4 address.
    #[inline]
    #[must_use]
    pub fn is_v4(&self) -> bool {
        matches!(self.0, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ..])
    }

    /// The address as the standard library writes it: mapped addresses come back as IPv4.
    #[must_use]
    pub fn to_ip(self) -> IpAddr {
        match self.0 {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] => {
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            octets => IpAddr::V6(Ipv6Addr::from(octets)),
        }
    }

    /// The IPv4 addresses that this IPv6 address may stand for behind a translator: the places of RFC
    /// 6052 section 2.2, for prefixes of 96, 64, 56, 48, 40 and 32 bits. Which prefix a network uses is not
    /// known (RFC 7050), so what is found so must be confirmed by what the client was told.
    pub fn translated(self) -> impl Iterator<Item = Self> {
        const PLACES: [[usize; 4]; 6] = [
            [12, 13, 14, 15],
            [9, 10, 11, 12],
            [7, 9, 10, 11],
            [6, 7, 9, 10],
            [5, 6, 7, 9],
            [4, 5, 6, 7],
        ];
        let octets = self.0;
        let is_translatable = !self.is_v4();
        PLACES.into_iter().filter(move |_| is_translatable).filter_map(move |places| {
            let mut four = [0; 4];
            for (byte, place) in four.iter_mut().zip(places) {
                *byte = *octets.get(place)?;
            }
            Some(Self::from_v4(four)).filter(|address| !address.is_unspecified())
        })
    }

    /// The IPv4 address that an address of the well-known prefix of translators stands for, 64:ff9b::/96
    /// (RFC 6052 section 2.1).
    #[must_use]
    pub fn behind_translator(self) -> Option<Self> {
        match self.0 {
            [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d] => {
                Some(Self::from_v4([a, b, c, d]))
            }
            _ => None,
        }
    }

    /// Whether the address is of a prefix that only translators use: the well-known one, or that for
    /// the use within a network, 64:ff9b:1::/48 (RFC 8215).
    #[must_use]
    pub fn is_of_translator(self) -> bool {
        self.behind_translator().is_some() || self.0.starts_with(&[0, 0x64, 0xff, 0x9b, 0, 1])
    }

    /// Whether both are IPv6 addresses of one network of 64 bits (RFC 4291 section 2.5.4), as those of
    /// a host and of the translator within it are (RFC 6877 section 6.3); each link has link-local ones.
    #[must_use]
    pub fn is_of_network_of(self, other: Self) -> bool {
        let is_routed = |address: Self| match address.to_ip() {
            IpAddr::V4(_) => false,
            IpAddr::V6(ip) => !ip.is_unicast_link_local(),
        };
        is_routed(self) && is_routed(other) && self.0.first_chunk::<8>() == other.0.first_chunk()
    }

    /// The unspecified address of the same family (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.2),
    /// which stands for one that is not known.
    #[must_use]
    pub fn unspecified(self) -> Self {
        if self.is_v4() { Self::from_v4([0; 4]) } else { Self::default() }
    }

    /// Whether the address is unspecified, so that it stands for one that is not known.
    #[must_use]
    pub fn is_unspecified(self) -> bool {
        self == self.unspecified()
    }

    /// Whether the address is private, loopback, link-local, unspecified or unique-local:
    /// one that a public name does not lead to from outside (RFC 1918, RFC 6890, RFC 4193).
    #[must_use]
    pub fn is_private(self) -> bool {
        match self.to_ip() {
            IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
            IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
        }
    }

    /// Whether an answer with this address leads nowhere on purpose: unspecified or loopback.
    #[must_use]
    pub fn is_sinkhole(self) -> bool {
        let ip = self.to_ip();
        ip.is_unspecified() || ip.is_loopback()
    }

    /// Whether who is told this address is kept from the service: the address leads nowhere, or to a
    /// filter's own server.
    #[must_use]
    pub fn leads_nowhere(self) -> bool {
        self.is_sinkhole() || self.is_block_server()
    }
}

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(v4) => Self::from_v4(v4.octets()),
            IpAddr::V6(v6) => Self(v6.octets()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_ip().fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An address and a port. Port 0 means "not stated".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct SocketAddress {
    /// The address.
    pub address: Address,
    /// The port, 0 where there is none.
    pub port: u16,
}

impl SocketAddress {
    /// The pair of an address and a port.
    #[inline]
    #[must_use]
    pub const fn new(address: Address, port: u16) -> Self {
        Self { address, port }
    }
}

impl fmt::Display for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address.to_ip(), self.port).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_survive_the_way_in_and_out() {
        for text in ["10.77.0.2", "::1", "2001:db8::443", "0.0.0.0", "255.255.255.255"] {
            let ip: IpAddr = text.parse().unwrap();
            assert_eq!(Address::from(ip).to_ip(), ip);
            assert_eq!(Address::from(ip).to_string(), text);
            assert_eq!(Address::from(ip).is_v4(), ip.is_ipv4());
        }
    }

    #[test]
    fn sockets_are_written_with_brackets_where_needed() {
        let v6 = SocketAddress::new("2001:db8::1".parse::<IpAddr>().unwrap().into(), 443);
        assert_eq!(v6.to_string(), "[2001:db8::1]:443");
    }
}
