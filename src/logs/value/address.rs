//! IP addresses and ports in columns.

use std::net::{IpAddr, Ipv6Addr};

use super::number;

/// An address that is the whole value; brackets, a zone (`%eth0`) and a prefix length are taken
/// off, IPv4-mapped IPv6 is IPv4.
#[must_use]
pub fn address(raw: &[u8]) -> Option<IpAddr> {
    let raw = raw.trim_ascii();
    // Every address begins with one of these, so most names end here.
    if !raw.first().is_some_and(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'[')) {
        return None;
    }
    let raw = match raw.strip_prefix(b"[") {
        Some(rest) => rest.get(..memchr::memchr(b']', rest)?)?,
        None => raw,
    };
    if let Some((address, b"")) = leading_v4(raw) {
        return Some(address);
    }
    memchr::memchr(b':', raw)?;
    let raw = memchr::memchr(b'%', raw).map_or(raw, |at| raw.get(..at).unwrap_or(raw));
    let text = std::str::from_utf8(raw).ok()?;
    Some(text.parse::<Ipv6Addr>().ok()?.to_canonical())
}

/// A port that is the whole value; 0 says that there is none.
#[must_use]
pub fn port(raw: &[u8]) -> Option<u16> {
    number::<u16>(raw).filter(|port| *port != 0)
}

/// An address and a port with `separator` between them, such as `192.0.2.1/443`. Without the
/// separator it is an address alone.
#[must_use]
pub fn address_and_port(raw: &[u8], separator: u8) -> Option<(IpAddr, Option<u16>)> {
    let raw = raw.trim_ascii();
    if let Some(at) = memchr::memrchr(separator, raw) {
        let (before, after) = raw.split_at(at);
        if let Some(address) = address(before) {
            return Some((address, port(after.get(1..).unwrap_or_default())));
        }
    }
    Some((address(raw)?, None))
}

/// `a.b.c.d:port`, `[v6]:port`, `a.b.c.d` or a bare IPv6 address; also IPv6 with the port glued
/// on behind a further colon, when the whole is no address (eight groups and a port).
#[must_use]
pub fn socket(raw: &[u8]) -> Option<(IpAddr, Option<u16>)> {
    let raw = raw.trim_ascii();
    if let Some(rest) = raw.strip_prefix(b"[") {
        let end = memchr::memchr(b']', rest)?;
        let found = address(rest.get(..end)?)?;
        let port = rest.get(end + 1..).and_then(|after| after.strip_prefix(b":")).and_then(port);
        return Some((found, port));
    }
    match address(raw) {
        Some(address) => Some((address, None)),
        None => address_and_port(raw, b':'),
    }
}

/// The IPv4 address that the text begins with, and what follows it: four numbers up to 255 with
/// dots between; leading zeros are allowed, for logs pad with them.
#[inline]
#[must_use]
pub fn leading_v4(raw: &[u8]) -> Option<(IpAddr, &[u8])> {
    let digit =
        |at: usize| raw.get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0');
    let mut octets = [0_u8; 4];
    let mut at = 0;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            raw.get(at).filter(|byte| **byte == b'.')?;
            at += 1;
        }
        let mut value = u16::from(digit(at)?);
        at += 1;
        for _ in 0..2 {
            let Some(next) = digit(at) else { break };
            value = value * 10 + u16::from(next);
            at += 1;
        }
        *octet = u8::try_from(value).ok()?;
    }
    Some((IpAddr::from(octets), raw.get(at..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_are_read_in_every_spelling() {
        for raw in ["2001:db8::1", "[2001:db8::1]", "2001:db8::1%eth0"] {
            assert_eq!(address(raw.as_bytes()), Some(ip("2001:db8::1")), "{raw}");
        }
        assert_eq!(address(b"::ffff:192.0.2.1"), Some(ip("192.0.2.1")));
        for raw in ["10.1.x.x", "172.88.888.2", "inside-host", "", "1.2.3", "00192.0.2.100:00"] {
            assert_eq!(address(raw.as_bytes()), None, "{raw}");
        }
    }

    #[test]
    fn an_address_may_have_something_behind_it() {
        assert_eq!(leading_v4(b"192.0.02.001/443"), Some((ip("192.0.2.1"), &b"/443"[..])));
        assert_eq!(leading_v4(b"192.0.2.1234"), Some((ip("192.0.2.123"), &b"4"[..])));
        for raw in ["192.0.2", "192.0.2.", "192.0.2.256", "192..2.1", "x192.0.2.1", ""] {
            assert_eq!(leading_v4(raw.as_bytes()), None, "{raw}");
        }
    }

    #[test]
    fn ports_stand_behind_addresses_in_several_ways() {
        let expected = Some((ip("192.0.2.1"), Some(443)));
        assert_eq!(address_and_port(b"192.0.2.1/443", b'/'), expected);
        assert_eq!(socket(b"192.0.2.1:443"), expected);
        assert_eq!(socket(b"[2001:db8::1]:443"), Some((ip("2001:db8::1"), Some(443))));
        let glued = b"fe80:110:8897:efab:9202:b3ff:fe1e:8329:64194";
        assert_eq!(
            socket(glued),
            Some((ip("fe80:110:8897:efab:9202:b3ff:fe1e:8329"), Some(64194)))
        );
        assert_eq!(socket(b"2001:db8::1"), Some((ip("2001:db8::1"), None)));
    }
}
