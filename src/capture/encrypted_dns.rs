//! Connections that carry DNS and hide the names that are asked for.

use super::coverage::FlowCounts;

/// TLS and QUIC to this port carry DNS (RFC 7858 section 3.1, RFC 9250 section 4.1.1).
const PORT: u16 = 853;

/// Resolvers whose names mean that DNS goes over HTTPS (RFC 8484).
const RESOLVERS: &[&[u8]] = &[
    b"chrome.cloudflare-dns.com",
    b"cloudflare-dns.com",
    b"dns.adguard-dns.com",
    b"dns.google",
    b"dns.nextdns.io",
    b"dns.quad9.net",
    b"doh.opendns.com",
    b"mozilla.cloudflare-dns.com",
    b"one.one.one.one",
];

/// What a hello went over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Over {
    Tcp,
    Quic,
}

/// Counts a connection by its hello, once at most: the same resolvers serve DNS in several ways, by the
/// same names on ports of their own.
pub(super) fn count(counts: &mut FlowCounts, over: Over, port: u16, name: Option<&[u8]>) {
    let kind = match over {
        Over::Tcp if port == PORT => &mut counts.dns_over_tls,
        Over::Quic if port == PORT => &mut counts.dns_over_quic,
        _ if name.is_some_and(|name| RESOLVERS.contains(&name)) => &mut counts.dns_over_https,
        _ => return,
    };
    *kind += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_of_one_kind() {
        let mut counts = FlowCounts::default();
        let google = Some(&b"dns.google"[..]);
        count(&mut counts, Over::Tcp, 853, google);
        count(&mut counts, Over::Tcp, 853, None);
        count(&mut counts, Over::Quic, 853, google);
        count(&mut counts, Over::Quic, 443, google);
        count(&mut counts, Over::Tcp, 443, google);
        count(&mut counts, Over::Tcp, 443, Some(b"www.google.com"));
        count(&mut counts, Over::Quic, 443, None);
        let counted = (counts.dns_over_tls, counts.dns_over_quic, counts.dns_over_https);
        assert_eq!(counted, (2, 1, 2));
    }
}
