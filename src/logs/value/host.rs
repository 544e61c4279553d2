//! Host names and URLs in columns.

use std::net::Ipv6Addr;

use super::{address, is_placeholder, number};

/// The host in a column that holds one, perhaps with a port: brackets, the port and one final
/// dot are taken off. Addresses and placeholders are none, nor is anything with a blank or a
/// slash in it. A wildcard, `*.a.example`, stays one: the log says so.
#[must_use]
pub fn host(raw: &[u8]) -> Option<&[u8]> {
    let raw = raw.trim_ascii();
    if is_placeholder(raw) {
        return None;
    }
    let host = without_port(raw).0;
    let host = host.strip_suffix(b".").unwrap_or(host);
    let is_strange = |byte: &u8| {
        byte.is_ascii_whitespace()
            || byte.is_ascii_control()
            || matches!(
                byte,
                b'/' | b'\\' | b'"' | b'<' | b'>' | b'@' | b',' | b';' | b'=' | b'?' | b'#'
            )
    };
    let is_text = !host.is_empty() && !host.iter().any(is_strange);
    (is_text && address(host).is_none() && !is_dotted_quad(host) && !is_placeholder(host))
        .then_some(host)
}

/// The parts of a URL that this program is concerned with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Url<'a> {
    /// The scheme, without colon; `None` when there is none.
    pub scheme: Option<&'a [u8]>,
    /// The host, without brackets.
    pub host: &'a [u8],
    /// The port that is written, else the scheme's default.
    pub port: Option<u16>,
    /// From the first `/`, `?` or `#` behind the host on.
    pub rest: &'a [u8],
}

impl<'a> Url<'a> {
    /// Reads a URL (RFC 3986 section 3) as logs write them: the scheme may be absent or one of
    /// the log's own (`tunnel://`, `tcp://`), the end may be cut. `None` where there is no host,
    /// as in `/path`, `-/` and `error:invalid-request`.
    #[must_use]
    pub fn parse(raw: &'a [u8]) -> Option<Self> {
        let raw = raw.trim_ascii();
        let (scheme, rest) = match memchr::memmem::find(raw, b"://") {
            Some(at) if is_scheme(raw.get(..at)?) => (Some(raw.get(..at)?), raw.get(at + 3..)?),
            _ => (None, raw.strip_prefix(b"//").unwrap_or(raw)),
        };
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\'));
        let (authority, rest) = rest.split_at(end.unwrap_or(rest.len()));
        let authority = match memchr::memrchr(b'@', authority) {
            Some(at) => authority.get(at + 1..)?,
            None => authority,
        };
        let (host, port) = without_port(authority);
        let is_host =
            |byte: &u8| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'<' | b'>' | b',');
        if is_placeholder(host) || !host.iter().all(is_host) {
            return None;
        }
        // Without a scheme, a host has a dot, a port or is an address; `error:…` is none.
        if scheme.is_none() && memchr::memchr(b':', host).is_some() && address(host).is_none() {
            return None;
        }
        let port = port.or_else(|| default_port(scheme?));
        Some(Self { scheme, host, port, rest })
    }
}

/// The default ports of the schemes that proxies log.
fn default_port(scheme: &[u8]) -> Option<u16> {
    const PORTS: &[(&str, u16)] =
        &[("http", 80), ("https", 443), ("ws", 80), ("wss", 443), ("ssl", 443), ("ftp", 21)];
    PORTS
        .iter()
        .find(|(name, _)| scheme.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, port)| *port)
}

fn is_scheme(raw: &[u8]) -> bool {
    raw.first().is_some_and(u8::is_ascii_alphabetic)
        && raw.len() <= 16
        && raw
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_'))
}

/// Splits `host:port` and `[v6]:port`; a bare IPv6 address has no port.
fn without_port(raw: &[u8]) -> (&[u8], Option<u16>) {
    if let Some(rest) = raw.strip_prefix(b"[") {
        let end = memchr::memchr(b']', rest).unwrap_or(rest.len());
        let (host, after) = rest.split_at(end);
        let port = after.strip_prefix(b"]:").and_then(number::<u16>);
        return (host, port.filter(|port| *port != 0));
    }
    let Some(at) = memchr::memrchr(b':', raw) else { return (raw, None) };
    let (host, port) = raw.split_at(at);
    let port = port.get(1..).unwrap_or_default();
    let is_port = port.len() <= 5 && port.iter().all(u8::is_ascii_digit);
    if !is_port || is_bare_v6(raw) {
        return (raw, None);
    }
    (host, number::<u16>(port).filter(|port| *port != 0))
}

fn is_bare_v6(raw: &[u8]) -> bool {
    memchr::memchr_iter(b':', raw).count() > 1
        && std::str::from_utf8(raw).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// Four dotted groups of digits, masked or out of range ones among them: never a host name.
fn is_dotted_quad(raw: &[u8]) -> bool {
    let is_group = |group: &[u8]| {
        (1..=3).contains(&group.len())
            && (group.iter().all(u8::is_ascii_digit)
                || matches!(group, b"x" | b"xx" | b"xxx" | b"X" | b"*"))
    };
    raw.split(|byte| *byte == b'.').count() == 4 && raw.split(|byte| *byte == b'.').all(is_group)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(raw: &str) -> Option<(&str, Option<u16>)> {
        Url::parse(raw.as_bytes()).map(|url| (std::str::from_utf8(url.host).unwrap(), url.port))
    }

    #[test]
    fn hosts_lose_what_is_not_theirs() {
        for raw in ["a.example", "a.example:443", "a.example.", " a.example "] {
            assert_eq!(host(raw.as_bytes()), Some(&b"a.example"[..]), "{raw}");
        }
        for raw in
            ["-", "N/A", "", "192.0.2.1", "[2001:db8::1]:443", "10.1.x.x", "a b", "172.88.888.2"]
        {
            assert_eq!(host(raw.as_bytes()), None, "{raw}");
        }
        for raw in ["_ldap._tcp.example", "*.a.example"] {
            assert_eq!(host(raw.as_bytes()), Some(raw.as_bytes()), "{raw}");
        }
    }

    #[test]
    fn urls_are_read_in_every_spelling() {
        assert_eq!(url("https://a.example/x"), Some(("a.example", Some(443))));
        assert_eq!(url("a.example/x?y=http://b.example/"), Some(("a.example", None)));
        assert_eq!(url("a.example:8443/"), Some(("a.example", Some(8443))));
        assert_eq!(url("tunnel://a.example:443/"), Some(("a.example", Some(443))));
        assert_eq!(url("//a.example/x"), Some(("a.example", None)));
        assert_eq!(url("http://user:secret@a.example/"), Some(("a.example", Some(80))));
        assert_eq!(url("http://[2001:db8::1]:8080/"), Some(("2001:db8::1", Some(8080))));
        assert_eq!(url("host?q=1"), Some(("host", None)));
        for raw in ["-/", "/path", "error:invalid-request", "", "-"] {
            assert_eq!(url(raw), None, "{raw}");
        }
    }
}
