//! Where DNS filters lead those whose names they block.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Address;

/// Addresses that a vendor publishes, or is known by its users to answer with, as its sinkhole or block
/// server, from the first to the last. Only these, and not the networks around them, which serve other
/// things as well.
const V4: &[(Ipv4Addr, Ipv4Addr)] = &[
    // Cisco Umbrella, "What are the Cisco Umbrella block page IP addresses?" (article 227986927).
    (Ipv4Addr::new(146, 112, 61, 104), Ipv4Addr::new(146, 112, 61, 110)),
    // The same of OpenDNS before: FamilyShield, and the guide for names that do not exist.
    one([67, 215, 65, 130]),
    one([67, 215, 65, 132]),
    // Palo Alto Networks, "Enable DNS Security": the address of the sinkhole's name, and the one of
    // releases before it.
    one([198, 135, 184, 22]),
    one([72, 5, 65, 111]),
    // Fortinet, "Various block option under DNS filter" (article 260790): the portal of FortiGuard.
    one([208, 91, 112, 55]),
    // Cloudflare One, "Gateway block page".
    one([162, 159, 36, 12]),
    one([162, 159, 46, 12]),
    // AdGuard DNS, of `standard-block.dns.adguard.com` and `family-block.dns.adguard.com`.
    one([94, 140, 14, 33]),
    one([94, 140, 14, 35]),
    // Yandex.DNS, infected sites and those for adults.
    one([213, 180, 193, 250]),
    one([93, 158, 134, 250]),
    // DNSFilter, "Website Filtered".
    (Ipv4Addr::new(198, 251, 90, 70), Ipv4Addr::new(198, 251, 90, 72)),
    one([45, 54, 28, 11]),
    one([45, 54, 28, 15]),
];

/// The same of IPv6.
const V6: &[Ipv6Addr] = &[
    // Palo Alto Networks, IronSkillet: the address that its best practice configures.
    Ipv6Addr::new(0x2600, 0x5200, 0, 0, 0, 0, 0, 1),
    // Fortinet, "Various block option under DNS filter" (article 260790).
    Ipv6Addr::new(0x2001, 0xcdba, 0, 0, 0, 0, 0x3257, 0x9652),
    // Yandex.DNS.
    Ipv6Addr::new(0x2a02, 0x6b8, 0, 0, 0, 0, 0xb10c, 0xbad),
    Ipv6Addr::new(0x2a02, 0x6b8, 0, 0, 0, 0, 0xb10c, 0xbabe),
];

/// First labels of aliases by which a filter says what it did.
const LABELS: &[&str] =
    &["sinkhole", "blackhole", "dns-sinkhole", "dnssinkhole", "blockpage", "block-page"];

/// Names below which vendors' block servers live: those of Palo Alto Networks ("Configure DNS
/// Sinkholing"), Cisco Umbrella (also by the kind of the block, as `hit-adult`), AdGuard DNS (the
/// defaults of AdGuard Home), NextDNS and DNSFilter.
const SUFFIXES: &[&str] = &[
    "sinkhole.paloaltonetworks.com",
    "block.opendns.com",
    "hit-block.opendns.com",
    "hit-adult.opendns.com",
    "hit-phish.opendns.com",
    "hit-botnet.opendns.com",
    "hit-malware.opendns.com",
    "hit-nxdomain.opendns.com",
    "block.sse.cisco.com",
    "standard-block.dns.adguard.com",
    "family-block.dns.adguard.com",
    "blockpage.nextdns.io",
    "blocked.dnsfilter.com",
];

const fn one(octets: [u8; 4]) -> (Ipv4Addr, Ipv4Addr) {
    let [a, b, c, d] = octets;
    (Ipv4Addr::new(a, b, c, d), Ipv4Addr::new(a, b, c, d))
}

impl Address {
    /// Whether a vendor publishes the address as its sinkhole or block server, so that whatever answers
    /// there is not the service.
    #[must_use]
    pub fn is_block_server(self) -> bool {
        match self.behind_translator().unwrap_or(self).to_ip() {
            std::net::IpAddr::V4(ip) => {
                V4.iter().any(|(first, last)| (*first..=*last).contains(&ip))
            }
            std::net::IpAddr::V6(ip) => V6.contains(&ip),
        }
    }
}

/// Whether an alias leads to a filter's sinkhole or block server. `target` is in its normal form.
#[must_use]
pub fn is_block_alias(target: &str) -> bool {
    let first = target.split('.').next().unwrap_or_default();
    LABELS.contains(&first)
        || SUFFIXES.iter().any(|suffix| {
            target.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn published_addresses_are_block_servers_and_their_neighbours_are_not() {
        let is = |text: &str| Address::from(text.parse::<IpAddr>().unwrap()).is_block_server();
        for text in [
            "146.112.61.104",
            "146.112.61.110",
            "::ffff:146.112.61.106",
            "64:ff9b::146.112.61.106",
            "72.5.65.111",
            "198.135.184.22",
            "208.91.112.55",
            "162.159.46.12",
            "2600:5200::1",
            "2001:cdba::3257:9652",
        ] {
            assert!(is(text), "{text}");
        }
        for text in [
            "146.112.61.103",
            "146.112.61.111",
            "72.5.65.112",
            "208.91.113.55",
            "2600:5200::2",
            "64:ff9b::208.91.112.54",
            "2001:db8::146.112.61.106",
        ] {
            assert!(!is(text), "{text}");
        }
    }

    #[test]
    fn aliases_of_filters_are_told_by_label_and_domain() {
        for name in [
            "sinkhole.paloaltonetworks.com",
            "sinkhole.corp.example",
            "x.block.opendns.com",
            "blockpage.nextdns.io",
            "hit-adult.opendns.com",
        ] {
            assert!(is_block_alias(name), "{name}");
        }
        for name in [
            "blockpages.example.com",
            "www.opendns.com",
            "not-sinkhole.example",
            "a.sinkhole.example",
        ] {
            assert!(!is_block_alias(name), "{name}");
        }
    }
}
