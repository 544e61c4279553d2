//! The devices, and how each says a name, a domain and everything else.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Entry, Shape, Writer, patterns, probe};
use crate::catalog::{Protocol, Word as _};

/// What is written for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Device {
    /// Palo Alto Networks: an external dynamic list of URLs.
    PanosEdl,
    /// Palo Alto Networks: a custom URL category, as commands.
    PanosCategory,
    /// Fortinet FortiGate: addresses by FQDN and a group of them, as commands.
    Fortigate,
    /// Squid: access lists.
    Squid,
    /// Azure Firewall: a collection of application rules, as JSON.
    AzureFirewall,
    /// Zscaler: a custom URL category.
    Zscaler,
    /// Check Point: domain objects, as commands of the management tool.
    Checkpoint,
    /// Cisco Secure Firewall (FTD): URL objects.
    CiscoFtd,
    /// Cisco Umbrella: a destination list.
    Umbrella,
    /// pfSense and OPNsense: an alias of hosts.
    Pfsense,
    /// One pattern a line.
    Plain,
    /// Pattern, protocol, port and comment.
    Csv,
    /// A script of the POSIX shell that tries one host of each.
    ProbeSh,
    /// The same for PowerShell.
    ProbePs1,
}

impl Device {
    /// Every device with its word.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("panos-edl", Self::PanosEdl),
        ("panos-category", Self::PanosCategory),
        ("fortigate", Self::Fortigate),
        ("squid", Self::Squid),
        ("azure-firewall", Self::AzureFirewall),
        ("zscaler", Self::Zscaler),
        ("checkpoint", Self::Checkpoint),
        ("cisco-ftd", Self::CiscoFtd),
        ("umbrella", Self::Umbrella),
        ("pfsense", Self::Pfsense),
        ("plain", Self::Plain),
        ("csv", Self::Csv),
        ("probe-sh", Self::ProbeSh),
        ("probe-ps1", Self::ProbePs1),
    ];

    pub(super) fn write(self, entries: &[&Entry], title: &str, out: &mut Writer) {
        match self {
            Self::PanosEdl => panos(entries, out).iter().for_each(|line| out.line(line)),
            Self::PanosCategory => panos_category(entries, title, out),
            Self::Fortigate => fortigate(entries, title, out),
            Self::Squid => squid(entries, title, out),
            Self::AzureFirewall => azure_firewall(entries, title, out),
            Self::Zscaler => domains(
                entries,
                ".",
                "Zscaler matches a leading dot with the domain itself too",
                out,
            ),
            Self::Checkpoint => checkpoint(entries, title, out),
            Self::CiscoFtd => {
                domains(entries, "", "a URL object matches the domain itself and all below it", out)
            }
            Self::Umbrella => domains(
                entries,
                "",
                "a destination matches the domain itself and all below it",
                out,
            ),
            Self::Pfsense => pfsense(entries, title, out),
            Self::Plain => patterns(entries).iter().for_each(|pattern| out.line(pattern.as_str())),
            Self::Csv => csv(entries, out),
            Self::ProbeSh => probe::shell(entries, title, out),
            Self::ProbePs1 => probe::powershell(entries, title, out),
        }
    }
}

/// PAN-OS "Guidelines for URL Category Exceptions": an asterisk stands for one or more whole tokens between
/// separators, and an entry without a slash at its end matches hosts that only begin with it.
fn panos(entries: &[&Entry], out: &mut Writer) -> Vec<String> {
    let mut lines = BTreeSet::new();
    for pattern in patterns(entries) {
        let shape = Shape::of(pattern);
        lines.insert(match shape {
            Shape::Name(name) => format!("{name}/"),
            Shape::Below(domain) => format!("*.{domain}/"),
            Shape::Ending(_) | Shape::Other(_) => {
                let wider = format!("*.{}/", shape.domain());
                out.lint(
                    pattern.as_str(),
                    "an asterisk must be a whole token between dots",
                    &format!("{wider} stands for it and matches more"),
                );
                wider
            }
        });
    }
    lines.into_iter().collect()
}

fn panos_category(entries: &[&Entry], title: &str, out: &mut Writer) {
    let lines = panos(entries, out);
    let name = name_of(title, 31);
    out.line(&format!("set profiles custom-url-category {name} type \"URL List\""));
    for line in lines {
        out.line(&format!("set profiles custom-url-category {name} list {line}"));
    }
}

/// FortiOS Administration Guide, "FQDN addresses" and "Using wildcard FQDN addresses in firewall policies": a
/// wildcard stands at the left, and its addresses are those of DNS answers that pass the FortiGate.
fn fortigate(entries: &[&Entry], title: &str, out: &mut Writer) {
    let mut names = Vec::new();
    out.line("config firewall address");
    for pattern in patterns(entries) {
        let shape = Shape::of(pattern);
        let fqdn = match shape {
            Shape::Name(name) => name.to_owned(),
            Shape::Below(domain) => {
                out.lint(
                    pattern.as_str(),
                    "its addresses are known only from DNS answers that pass the FortiGate",
                    "let the clients ask through it, or use a web filter profile",
                );
                format!("*.{domain}")
            }
            Shape::Ending(_) | Shape::Other(_) => {
                let wider = format!("*.{}", shape.domain());
                out.lint(
                    pattern.as_str(),
                    "a wildcard must be a whole label at the left",
                    &format!("{wider} stands for it and matches more"),
                );
                wider
            }
        };
        let name = name_of(&fqdn.replace('*', "any"), 79);
        if !names.contains(&name) {
            for line in [
                format!("    edit \"{name}\""),
                "        set type fqdn".to_owned(),
                format!("        set fqdn \"{fqdn}\""),
                "    next".to_owned(),
            ] {
                out.line(&line);
            }
            names.push(name);
        }
    }
    out.line("end");
    out.line("config firewall addrgrp");
    out.line(&format!("    edit \"{}\"", name_of(title, 79)));
    let members: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    out.line(&format!("        set member {}", members.join(" ")));
    out.line("    next");
    out.line("end");
}

/// Squid "acl dstdomain": a leading dot matches the domain itself and all below it, and an entry that another
/// covers is an error at start.
fn squid(entries: &[&Entry], title: &str, out: &mut Writer) {
    let list = name_of(title, 31).replace(['-', '.'], "_");
    let patterns = patterns(entries);
    let domains: Vec<&str> = patterns
        .iter()
        .filter_map(|pattern| match Shape::of(pattern) {
            Shape::Below(domain) => Some(domain),
            _ => None,
        })
        .collect();
    let is_below = |name: &str, domain: &str| {
        name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    for pattern in &patterns {
        let text = pattern.as_str();
        match Shape::of(pattern) {
            Shape::Name(name) => match domains.iter().find(|domain| is_below(name, domain)) {
                Some(domain) => out.lint(
                    text,
                    "an entry covers it already, which Squid refuses",
                    &format!(".{domain} stands for it"),
                ),
                None => out.line(&format!("acl {list} dstdomain {name}")),
            },
            Shape::Below(domain) => {
                let wider =
                    domains.iter().find(|other| **other != domain && is_below(domain, other));
                if let Some(wider) = wider {
                    out.lint(
                        text,
                        "an entry covers it already, which Squid refuses",
                        &format!(".{wider} stands for it"),
                    );
                    continue;
                }
                out.lint(
                    text,
                    "a leading dot matches the domain itself too",
                    "accept it, or use dstdom_regex",
                );
                out.line(&format!("acl {list} dstdomain .{domain}"));
            }
            Shape::Ending(_) | Shape::Other(_) => {
                // Squid asks to leave out what matches anything at the beginning.
                let escaped = format!("^{}$", text.replace('.', "\\.").replace('*', ".*"));
                let regex = escaped.strip_prefix("^.*").unwrap_or(&escaped);
                out.line(&format!("acl {list}_regex dstdom_regex -i {regex}"));
            }
        }
    }
    let ports: BTreeSet<u16> = entries.iter().map(|entry| port(entry.protocol)).collect();
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    out.line(&format!("acl {list}_ports port {}", ports.join(" ")));
    out.line(&format!("http_access allow {list} {list}_ports"));
    if out.text.contains("_regex dstdom_regex") {
        out.line(&format!("http_access allow {list}_regex {list}_ports"));
    }
    out.comments("#");
}

/// "Use FQDN filtering in Azure Firewall application rules": an asterisk stands at the left alone.
fn azure_firewall(entries: &[&Entry], title: &str, out: &mut Writer) {
    let mut rules = Vec::new();
    for (protocol, kind) in [(Protocol::Https, "Https"), (Protocol::Http, "Http")] {
        let mut names = BTreeSet::new();
        for entry in entries.iter().filter(|entry| entry.protocol == protocol) {
            let shape = Shape::of(&entry.pattern);
            names.insert(match shape {
                Shape::Other(text) => {
                    let wider = format!("*.{}", shape.domain());
                    out.lint(
                        text,
                        "an asterisk stands at the left alone",
                        &format!("{wider} stands for it and matches more"),
                    );
                    wider
                }
                _ => entry.pattern.as_str().to_owned(),
            });
        }
        if names.is_empty() {
            continue;
        }
        rules.push(serde_json::json!({
            "ruleType": "ApplicationRule",
            "name": format!("{}-{}", name_of(title, 60), kind.to_lowercase()),
            "protocols": [{"protocolType": kind, "port": port(protocol)}],
            "sourceAddresses": ["*"],
            "targetFqdns": names.into_iter().collect::<Vec<String>>(),
        }));
    }
    let collection = serde_json::json!({
        "ruleCollectionType": "FirewallPolicyFilterRuleCollection",
        "name": name_of(title, 60),
        "priority": 1000,
        "action": {"type": "Allow"},
        "rules": rules,
    });
    out.line(&serde_json::to_string_pretty(&collection).unwrap_or_default());
}

/// Devices that know domains and no wildcards: Zscaler "URL Format Guidelines", Umbrella "Add a destination
/// list", Cisco Secure Firewall Management Center "URL objects".
fn domains(entries: &[&Entry], front: &str, how: &str, out: &mut Writer) {
    let mut lines = BTreeSet::new();
    for pattern in patterns(entries) {
        let shape = Shape::of(pattern);
        let text = pattern.as_str();
        lines.insert(match shape {
            Shape::Name(name) => {
                if front.is_empty() {
                    out.lint(text, how, "accept it: names below it are let pass too");
                }
                name.to_owned()
            }
            Shape::Below(domain) => {
                out.lint(text, how, "accept it");
                format!("{front}{domain}")
            }
            Shape::Ending(_) | Shape::Other(_) => {
                let wider = format!("{front}{}", shape.domain());
                out.lint(
                    text,
                    "there are no wildcards",
                    &format!("{wider} stands for it and matches more"),
                );
                wider
            }
        });
    }
    lines.iter().for_each(|line| out.line(line));
}

/// Check Point "Domain objects": with `is-sub-domain`, all names below are matched, and the domain itself.
fn checkpoint(entries: &[&Entry], title: &str, out: &mut Writer) {
    let group = name_of(title, 60);
    out.line(&format!("mgmt_cli -r true add network-group name \"{group}\" || true"));
    let mut seen = BTreeSet::new();
    for pattern in patterns(entries) {
        let shape = Shape::of(pattern);
        let text = pattern.as_str();
        let (domain, is_below) = match shape {
            Shape::Name(name) => (name, false),
            Shape::Below(domain) => {
                out.lint(
                    text,
                    "an object of sub-domains matches the domain itself too",
                    "accept it",
                );
                (domain, true)
            }
            Shape::Ending(_) | Shape::Other(_) => {
                let domain = shape.domain();
                out.lint(
                    text,
                    "there are no wildcards",
                    &format!(".{domain} stands for it and matches more"),
                );
                (domain, true)
            }
        };
        if seen.insert((domain, is_below)) {
            out.line(&format!(
                "mgmt_cli -r true add dns-domain name \".{domain}\" is-sub-domain {is_below}"
            ));
        }
    }
    out.comments("#");
}

/// pfSense "Aliases": hosts by FQDN, no wildcards; a list of domains belongs to its resolver or proxy.
fn pfsense(entries: &[&Entry], title: &str, out: &mut Writer) {
    out.line(&format!(
        "# alias {} of type Host(s): one FQDN a line",
        name_of(title, 31).replace(['-', '.'], "_")
    ));
    for pattern in patterns(entries) {
        match Shape::of(pattern) {
            Shape::Name(name) => out.line(name),
            shape => out.lint(
                pattern.as_str(),
                "an alias holds no wildcards",
                &format!(
                    "let the Squid package pass .{}, or add its names seen (--narrow)",
                    shape.domain()
                ),
            ),
        }
    }
    out.comments("#");
}

fn csv(entries: &[&Entry], out: &mut Writer) {
    out.line("pattern,protocol,port,comment");
    for entry in entries {
        let mut cell = String::new();
        let comment = crate::render::escape::csv(&entry.comment).replace('"', "\"\"");
        let _ = write!(cell, "\"{comment}\"");
        let pattern = crate::render::escape::csv(entry.pattern.as_str()).into_owned();
        let (protocol, port) = (entry.protocol.as_str(), port(entry.protocol));
        out.line(&format!("{pattern},{protocol},{port},{cell}"));
    }
}

pub(super) const fn port(protocol: Protocol) -> u16 {
    match protocol {
        Protocol::Https => 443,
        Protocol::Http => 80,
    }
}

/// A title as a device's object may be called.
fn name_of(title: &str, longest: usize) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    title.chars().map(plain).take(longest).collect()
}
