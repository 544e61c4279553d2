//! Where a redirect leads: on, within the service's own world, or to a portal or block page.
//!
//! Services redirect to other public hosts all the time, with whatever words in the URL. A network's
//! own device cannot: it leads to an address, to a name that only the network knows, to a port of its
//! own, or to a host whose purpose is to tell people that they were stopped.

use std::net::IpAddr;

use super::authority;
use crate::observe::{Product, Sign};

/// Hosts that portals and block pages live at, each with what is below it. Sources: Cisco Meraki "Splash
/// page", Cisco Umbrella "Block page IP addresses and domains", HPE Aruba "Captive portal certificate",
/// Zscaler "Configuring the end user notification", Netskope "User notification", iboss "Block pages",
/// Lightspeed "Access page".
const HOSTS: &[(&str, Product)] = &[
    ("network-auth.com", Product::Meraki),
    ("block.sse.cisco.com", Product::Umbrella),
    ("opendns.com", Product::Umbrella),
    ("securelogin.arubanetworks.com", Product::Aruba),
    ("gateway.zscaler.net", Product::Zscaler),
    ("gateway.zscalerone.net", Product::Zscaler),
    ("gateway.zscalertwo.net", Product::Zscaler),
    ("gateway.zscalerthree.net", Product::Zscaler),
    ("gateway.zscloud.net", Product::Zscaler),
    ("notify.goskope.com", Product::Netskope),
    ("blockpage.ibosscloud.com", Product::Iboss),
    ("access.lsfilter.com", Product::Lightspeed),
];

/// What only portals and block pages of a product have in path or query. Sources: Fortinet "Captive
/// portals" (`fgtauth`), Palo Alto Networks "Authentication portal" (`/php/uid.php`), Ubiquiti "External
/// hotspot API" (`/guest/s/`), Cisco "Web authentication on WLC" (`switch_url`), CoovaChilli's and
/// MikroTik's manuals (`uamip`, `link-login-only`), Sophos "Captive portal" (`httpclient.html`), Forcepoint
/// and Broadcom block pages (`blockpage.cgi`, `cgi-bin/blockOptions.cgi`), SonicWall (`auth1.html`,
/// `blockpage.html`).
const MARKS: &[(&str, Product)] = &[
    ("fgtauth", Product::Fortinet),
    ("/php/uid.php", Product::PanOs),
    ("/guest/s/", Product::UniFi),
    ("switch_url=", Product::Cisco),
    ("uamip=", Product::CoovaChilli),
    ("link-login-only", Product::MikroTik),
    ("httpclient.html", Product::Sophos),
    ("blockpage.cgi", Product::Forcepoint),
    ("blockoptions.cgi", Product::Forcepoint),
    ("userchecksession", Product::CheckPoint),
    ("squidguard", Product::Squid),
];

/// Labels, or words of a label between hyphens, by which a host says what it is there for.
const HOST_WORDS: &[&str] = &[
    "block",
    "blocked",
    "blockpage",
    "blocking",
    "denied",
    "captive",
    "captiveportal",
    "guestportal",
    "hotspot",
    "splash",
    "webauth",
    "webfilter",
    "urlfilter",
    "contentfilter",
    "wifilogin",
];

/// Names that no public resolver knows (RFC 6762 appendix G, RFC 6761, ICANN's `.internal`).
const LOCAL_SUFFIXES: &[&str] =
    &["local", "lan", "internal", "intranet", "corp", "home", "localdomain", "private", "arpa"];

/// Parameters that speak of the client's or the access point's hardware and network. A service knows
/// neither, and identity providers ask for neither.
const NETWORK_PARAMETERS: &[&str] = &[
    "mac",
    "client_mac",
    "clientmac",
    "usermac",
    "ap_mac",
    "apmac",
    "ap",
    "nasid",
    "nas_ip",
    "ssid",
    "wlan",
    "wlanuserip",
    "userip",
    "clientip",
    "client_ip",
    "switchip",
    "vcname",
    "gw_address",
    "gw_id",
];

/// Ports by which public services are reached.
const PUBLIC_PORTS: [u16; 4] = [80, 443, 8080, 8443];

/// Why a redirect of this host to this location is none of the service's own, if it is not.
#[must_use]
pub fn leads_away(host: &[u8], location: &[u8]) -> Option<Sign> {
    let (authority, _) = authority::of_uri(location)?;
    let (target, port) = authority::split(authority);
    let target = str::from_utf8(target?).ok()?.trim_end_matches('.').to_ascii_lowercase();
    let host = str::from_utf8(host).ok()?.trim_end_matches('.').to_ascii_lowercase();
    let location = String::from_utf8_lossy(location).to_ascii_lowercase();
    let behind = location.split_once(target.as_str()).map_or("", |(_, behind)| behind);
    if let Some((_, product)) = MARKS.iter().find(|(mark, _)| behind.contains(mark)) {
        return Some(Sign::Portal(*product));
    }
    if target == host {
        return None;
    }
    let is_address = target.parse::<IpAddr>().is_ok();
    let is_local =
        !target.contains('.') || LOCAL_SUFFIXES.iter().any(|suffix| is_below(&target, suffix));
    if is_address || is_local {
        return Some(Sign::LocalTarget);
    }
    if let Some((_, product)) = HOSTS.iter().find(|(known, _)| is_below(&target, known)) {
        return Some(Sign::Portal(*product));
    }
    // Below the same domain the service speaks for itself.
    if domain(&target) == domain(&host) {
        return None;
    }
    if target.split(['.', '-']).any(|word| HOST_WORDS.contains(&word))
        || HOST_WORDS
            .iter()
            .any(|word| target.split('.').any(|label| label.replace('-', "") == *word))
    {
        return Some(Sign::BlockHost);
    }
    if port.is_some_and(|port| !PUBLIC_PORTS.contains(&port)) {
        return Some(Sign::OddPort);
    }
    let query = behind.split_once('?').map_or("", |(_, query)| query);
    let names = || query.split(['&', ';']).filter_map(|pair| pair.split_once('='));
    let speaks_of_network =
        names().filter(|(name, _)| NETWORK_PARAMETERS.contains(name)).count() >= 2;
    // Who tells in clear which host was asked for is no service that sends its clients on.
    let is_clear = location.starts_with("http://");
    let tells_host = is_clear && names().any(|(_, value)| carries(value, &host));
    (speaks_of_network || tells_host).then_some(Sign::BlockHost)
}

/// Whether a redirect of this host leads to a host outside of its domain.
#[must_use]
pub fn leads_elsewhere(host: &[u8], location: &[u8]) -> bool {
    let lower =
        |host: &[u8]| String::from_utf8_lossy(host).trim_end_matches('.').to_ascii_lowercase();
    authority::host_of_uri(location)
        .is_some_and(|target| domain(&lower(target)) != domain(&lower(host)))
}

/// Whether a parameter's value is this host, or a URL at it, percent-encoded or not.
fn carries(value: &str, host: &str) -> bool {
    let value = value.replace("%3a", ":").replace("%2f", "/");
    let behind = value.split_once("://").map_or(value.as_str(), |(_, behind)| behind);
    behind
        .strip_prefix(host)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '?']))
}

fn is_below(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The last two labels: near enough to who owns a name, since the names that are compared are those of
/// services, which own their domain below a public suffix of one label.
fn domain(name: &str) -> &str {
    let start = name.rmatch_indices('.').nth(1).map_or(0, |(at, _)| at + 1);
    name.get(start..).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn led(host: &str, location: &str) -> Option<Sign> {
        leads_away(host.as_bytes(), location.as_bytes())
    }

    #[test]
    fn portals_and_block_pages_are_told_by_where_they_are() {
        let asked = "ocsp.digicert.com";
        for (location, sign) in [
            ("http://192.168.1.1:1000/fgtauth?0a0b", Sign::Portal(Product::Fortinet)),
            ("http://ocsp.digicert.com/fgtauth?0a", Sign::Portal(Product::Fortinet)),
            ("https://203.0.113.9/login", Sign::LocalTarget),
            ("http://[fd00::1]/x", Sign::LocalTarget),
            ("http://gateway/", Sign::LocalTarget),
            ("https://portal.contoso.local/", Sign::LocalTarget),
            ("http://n9.network-auth.com/splash/?mac=00", Sign::Portal(Product::Meraki)),
            ("https://hit-phish.opendns.com/?url=1", Sign::Portal(Product::Umbrella)),
            (
                "https://captiveportal-login.contoso.example/cgi-bin/login?cmd=login",
                Sign::BlockHost,
            ),
            ("http://block-page.example.net/", Sign::BlockHost),
            ("https://wifi.example.net:8843/start", Sign::OddPort),
            ("https://wifi.example.net/start?ssid=guest&mac=00:11", Sign::BlockHost),
            ("http://proxy.example.net/x?host=ocsp.digicert.com", Sign::BlockHost),
            ("http://proxy.example.net/x?u=http%3A%2F%2Focsp.digicert.com%2Fa", Sign::BlockHost),
        ] {
            assert_eq!(led(asked, location), Some(sign), "{location}");
        }
    }

    #[test]
    fn services_send_their_clients_wherever_they_like() {
        for (host, location) in [
            ("go.microsoft.com", "https://learn.microsoft.com/azure/block-blob?denied=filter"),
            ("go.microsoft.com", "http://download.windowsupdate.net/blocked.html"),
            ("ocsp.digicert.com", "https://ocsp.digicert.com/a"),
            ("ocsp.digicert.com", "https://ocsp.digicert.com:8444/a"),
            (
                "make.powerautomate.com",
                "https://login.microsoftonline.com/x?redirect_uri=https%3A%2F%2Fmake.powerautomate.com%2Fauth",
            ),
            ("crl3.digicert.com", "http://cacerts.digicert.com/?from=crl3.digicert.com"),
            ("go.microsoft.com", "/relative/block"),
            ("go.microsoft.com", "https://aka.ms:443/x?ap=1"),
            ("", "https://www.example.net/"),
        ] {
            assert_eq!(led(host, location), None, "{location}");
        }
    }
}
