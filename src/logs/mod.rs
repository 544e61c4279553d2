//! Logs of firewalls, proxies, intrusion detection systems and DNS servers: from lines to
//! records, and from records to observations.
//!
//! A format is one file here, one line in [`registry`] and one folder of fixtures; the grammars
//! that several of them share are in [`grammar`], the spellings of single values in [`value`].

mod blocks;
mod container;
pub mod detect;
pub mod directives;
pub mod encoding;
pub mod format;
pub(crate) mod framing;
mod fuzz;
pub mod grammar;
pub(crate) mod observe;
pub mod read;
mod reader;
pub mod record;
pub mod registry;
pub mod stamp;
mod unwrap;
pub mod value;

// One module for each format, in the order of the alphabet.
mod adguard_querylog;
mod aws_network_firewall;
mod aws_route53;
mod aws_vpc_flow;
mod azure_firewall;
mod azure_flow;
mod barracuda_cloudgen;
mod bind;
mod cato;
mod cef;
mod cef_event;
mod checkpoint;
mod cisco;
mod cisco_umbrella;
mod clavister;
mod cloudflare_gateway;
mod coredns;
mod dnsmasq;
mod envoy;
mod forcepoint;
mod fortinet;
mod gcp_logging;
mod haproxy;
mod huawei_usg;
mod juniper;
mod leef;
mod mikrotik;
mod netfilter;
mod netskope;
mod panos;
mod pf_filterlog;
mod pf_text;
mod powerdns;
mod proxysg;
mod skyhigh_mwg;
mod sonicwall;
mod sophos;
mod squid;
mod stormshield;
mod suricata_eve;
mod suricata_fast;
mod table;
mod unbound;
mod unifi;
mod unifi_cef;
mod watchguard;
mod windows_dns;
mod windows_firewall;
mod zeek;
mod zscaler_nss;

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod test_support;

#[doc(hidden)]
pub use fuzz::{
    fuzz_log, fuzz_log_cef, fuzz_log_columns, fuzz_log_directives, fuzz_log_format,
    fuzz_log_framing, fuzz_log_json, fuzz_log_leef, fuzz_log_pairs, fuzz_log_wrappers,
};

/// A line without its line end, a byte order mark, and the NULs that a crash leaves before it.
fn trim_line(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let nuls = line.iter().take_while(|byte| **byte == 0).count();
    line.get(nuls..).unwrap_or_default()
}

/// Reads a whole log in memory, as inputs are read, and hands on every record with the number of its
/// line, from 1, and of its format.
#[cfg(test)]
fn read_bytes(bytes: &[u8], emit: &mut dyn FnMut(u64, usize, &record::Record<'_>)) {
    let head = bytes.get(..crate::input::HEAD_SIZE).unwrap_or(bytes);
    let detection = detect::Detection::of(head);
    let source = Box::new(std::io::Cursor::new(bytes.to_vec()));
    let options = read::LogOptions::default();
    read::each_record(0, source, &detection, &options, &mut |line, format, record| {
        emit(line, format, record);
        true
    });
}
