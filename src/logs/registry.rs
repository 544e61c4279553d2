//! Every log format that is read, in the order in which a line is shown to them.
//!
//! The first that confirms a line has it, so formats with an unmistakable signature come first
//! and those that only a grammar tells last.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::format::Format;
use super::{
    adguard_querylog, aws_network_firewall, aws_route53, aws_vpc_flow, azure_firewall, azure_flow,
    barracuda_cloudgen, bind, cato, cef, checkpoint, cisco, cisco_umbrella, clavister,
    cloudflare_gateway, coredns, dnsmasq, envoy, forcepoint, fortinet, gcp_logging, haproxy,
    huawei_usg, juniper, leef, mikrotik, netfilter, netskope, panos, pf_filterlog, pf_text,
    powerdns, proxysg, skyhigh_mwg, sonicwall, sophos, squid, stormshield, suricata_eve,
    suricata_fast, table, unbound, unifi, unifi_cef, watchguard, windows_dns, windows_firewall,
    zeek, zscaler_nss,
};

/// The formats.
pub static FORMATS: &[&dyn Format] = &[
    &fortinet::FortigateCef,
    &panos::PanosCef,
    &checkpoint::CheckpointCef,
    &panos::PanosLeef,
    &cisco::CiscoAsa,
    &cisco::CiscoFtd,
    &cisco::CiscoIos,
    &panos::PanosCsv,
    &fortinet::Fortigate,
    &fortinet::FortigateCsv,
    &fortinet::Fortiproxy,
    &juniper::JuniperSrx,
    &checkpoint::Checkpoint,
    &cisco::CiscoMeraki,
    &sophos::SophosXg,
    &sophos::SophosUtm,
    &sophos::SophosSwa,
    &sonicwall::Sonicwall,
    &stormshield::Stormshield,
    &watchguard::Watchguard,
    &huawei_usg::HuaweiUsg,
    &clavister::Clavister,
    &barracuda_cloudgen::BarracudaCloudgen,
    &forcepoint::ForcepointNgfw,
    &forcepoint::ForcepointWeb,
    &unifi_cef::UnifiCef,
    &pf_filterlog::PfFilterlog,
    &pf_text::PfText,
    &unifi::Unifi,
    &netfilter::Netfilter,
    &squid::CiscoWsa,
    &squid::Squid,
    &windows_firewall::WindowsFirewall,
    &proxysg::Elff,
    &proxysg::ProxySg,
    &skyhigh_mwg::SkyhighMwg,
    &bind::Infoblox,
    &bind::EfficientIp,
    &bind::Bind,
    &dnsmasq::Dnsmasq,
    &unbound::Unbound,
    &windows_dns::WindowsDnsDebug,
    &powerdns::PowerDns,
    &coredns::CoreDns,
    &haproxy::Haproxy,
    &envoy::Envoy,
    &mikrotik::Mikrotik,
    &cato::Cato,
    &suricata_eve::SuricataEve,
    &zeek::ZeekTsv,
    &suricata_fast::SuricataFast,
    &zscaler_nss::ZscalerNss,
    &netskope::NetskopeTransaction,
    &cisco_umbrella::CiscoUmbrella,
    &azure_firewall::AzureFirewall,
    &aws_vpc_flow::AwsVpcFlow,
    &aws_route53::AwsRoute53Public,
    &zeek::ZeekJson,
    &netskope::NetskopeEvents,
    &adguard_querylog::AdguardQuerylog,
    &aws_network_firewall::AwsNetworkFirewall,
    &aws_route53::AwsRoute53Resolver,
    &azure_flow::AzureNsgFlow,
    &azure_flow::AzureVnetFlow,
    &gcp_logging::GcpLogging,
    &cloudflare_gateway::CloudflareGateway,
    &aws_vpc_flow::AwsVpcFlowJson,
    &cef::CommonEvent,
    &leef::LogEventExtended,
    &panos::PanosJson,
    &checkpoint::CheckpointJson,
    &squid::SquidCommon,
    &squid::OlfeoSaas,
    &windows_dns::WindowsDnsEtw,
    &table::Columns,
];

/// The number of a format in [`FORMATS`] by its word.
#[must_use]
pub fn find(id: &str) -> Option<usize> {
    FORMATS.iter().position(|format| format.about().id == id)
}

/// Which formats a line of text may be of: the numbers of those of which it holds a literal, and
/// of those that have none, in the order of the registry.
pub(super) fn candidates(text: &[u8], found: &mut Vec<usize>) {
    found.clear();
    found.extend_from_slice(&SIGNATURES.unsigned);
    if let Some(automaton) = &SIGNATURES.automaton {
        for hit in automaton.find_overlapping_iter(text) {
            if let Some(format) = SIGNATURES.owners.get(hit.pattern().as_usize()) {
                found.push(*format);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
}

/// The literals of all formats as one automaton.
struct Signatures {
    automaton: Option<AhoCorasick>,
    /// The format of each pattern.
    owners: Vec<usize>,
    /// Formats without literals.
    unsigned: Vec<usize>,
}

static SIGNATURES: LazyLock<Signatures> = LazyLock::new(|| {
    let mut literals = Vec::new();
    let mut owners = Vec::new();
    let mut unsigned = Vec::new();
    for (number, format) in FORMATS.iter().enumerate() {
        if format.about().literals.is_empty() {
            unsigned.push(number);
        }
        for literal in format.about().literals {
            literals.push(*literal);
            owners.push(number);
        }
    }
    // A few hundred short literals are far from the automaton's limits.
    let automaton = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&literals).ok();
    Signatures { automaton, owners, unsigned }
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_made_of_letters_digits_and_hyphens() {
        let mut ids: Vec<_> = FORMATS.iter().map(|format| format.about().id).collect();
        for id in &ids {
            let is_plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(!id.is_empty() && id.bytes().all(is_plain), "{id}");
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), FORMATS.len());
    }

    #[test]
    fn every_literal_is_part_of_the_automaton() {
        assert!(SIGNATURES.automaton.is_some());
        let literals: usize = FORMATS.iter().map(|format| format.about().literals.len()).sum();
        assert_eq!(SIGNATURES.owners.len(), literals);
    }
}
