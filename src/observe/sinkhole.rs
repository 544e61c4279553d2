//! Where DNS filters lead those whose names they block.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Address;

/// Addresses that a vendor publishes as its sinkhole or block server, from the first to the last. Only
/// these, and not the networks around them, which serve other things as well.
const V4: &[(Ipv4Addr, Ipv4Addr)] = &[
    // Cisco Umbrella, "Block page IP addresses"; before that OpenDNS.
    (Ipv4Addr::new(146, 112, 61, 104), Ipv4Addr::new(146, 112, 61, 110)),
    (Ipv4Addr::new(67, 215, 65, 130), Ipv4Addr::new(67, 215, 65, 133)),
    // Palo Alto Networks, "Configure DNS sinkholing"; the first one before 2016.
    (Ipv4Addr::new(71, 19, 152, 112), Ipv4Addr::new(71, 19, 152, 112)),
    (Ipv4Addr::new(72, 5, 65, 111), Ipv4Addr::new(72, 5, 65, 111)),
    // Fortinet, "DNS filter": the portal that FortiGuard redirects to.
    (Ipv4Addr::new(208, 91, 112, 55), Ipv4Addr::new(208, 91, 112, 55)),
];

/// The same of IPv6.
const V6: &[Ipv6Addr] = &[
    // Palo Alto Networks, "Configure DNS sinkholing".
    Ipv6Addr::new(0x2600, 0x5200, 0, 0, 0, 0, 0, 1),
];

/// First labels of aliases by which a filter says what it did.
const LABELS: &[&str] =
    &["sinkhole", "blackhole", "dns-sinkhole", "dnssinkhole", "blockpage", "block-page"];

/// Names below which vendors' block servers live, as their pages on block pages and sinkholes list them:
/// Palo Alto Networks, Cisco Umbrella, Cloudflare Gateway, DNSFilter, Lightspeed.
const SUFFIXES: &[&str] = &[
    "sinkhole.paloaltonetworks.com",
    "block.opendns.com",
    "hit-block.opendns.com",
    "block.sse.cisco.com",
    "blocked.dnsfilter.com",
    "blockpage.lsfilter.com",
];

impl Address {
    /// Whether a vendor publishes the address as its sinkhole or block server, so that whatever answers
    /// there is not the service.
    #[must_use]
    pub fn is_block_server(self) -> bool {
        match self.to_ip() {
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
        for text in
            ["146.112.61.104", "146.112.61.110", "72.5.65.111", "208.91.112.55", "2600:5200::1"]
        {
            assert!(is(text), "{text}");
        }
        for text in
            ["146.112.61.103", "146.112.61.111", "72.5.65.112", "208.91.113.55", "2600:5200::2"]
        {
            assert!(!is(text), "{text}");
        }
    }

    #[test]
    fn aliases_of_filters_are_told_by_label_and_domain() {
        for name in
            ["sinkhole.paloaltonetworks.com", "sinkhole.corp.example", "x.block.opendns.com"]
        {
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
