//! Huawei USG and Eudemon firewalls.
//!
//! ```text
//! 2025-11-26 04:15:00 USG6300 %%01POLICY/6/POLICYDENY(l):vsys=public, protocol=6, source-ip=10.1.2.3, source-port=50123, destination-ip=203.0.113.9, destination-port=443, time=2025/11/26 04:15:00, source-zone=trust, destination-zone=untrust, rule-name=deny-all.
//! ```
//!
//! `Action` says what was done, or the mnemonic does (`POLICYPERMIT`, `POLICYDENY`); an alert
//! lets pass. `SESSION_TEARDOWN` ends what was allowed earlier.
//!
//! What it witnesses: `RcvBytes` with `RcvPkts` count whole packets. The action of the policy decides;
//! control bits are not logged.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{PairStyle, Pairs, Scratch};
use super::record::{Action, Decider, Kind, Party, Record};
use super::stamp::Stamp;
use super::{cef_event, value};
use crate::observe::Cause;

/// The format.
pub(super) struct HuaweiUsg;

impl Format for HuaweiUsg {
    fn about(&self) -> &'static About {
        &About {
            id: "huawei-usg",
            product: "Huawei USG firewall",
            reference: "HUAWEI USG Series: Log Reference",
            recognised_by: "%%01MODULE/severity/MNEMONIC(l):",
            literals: &["%%01"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let Some(front) = Front::find(text) else { return Reading::NotMine };
        let pairs = scratch.pairs(front.body, &PairStyle::separated(b','));
        let record = record(&front, &pairs, line);
        match (record.client.address, record.server.address) {
            (None, None) => return Reading::NoRecord,
            (Some(_), None) => return Reading::Damaged,
            _ => {}
        }
        emit(&record);
        Reading::Records
    }
}

/// `header %%01MODULE/severity/MNEMONIC(l)[serial]: text`.
struct Front<'l> {
    header: &'l [u8],
    module: &'l [u8],
    mnemonic: &'l [u8],
    body: &'l [u8],
}

impl<'l> Front<'l> {
    fn find(text: &'l [u8]) -> Option<Self> {
        let at = memchr::memmem::find(text, b"%%")?;
        let rest = text.get(at + 2..)?;
        let [b'0'..=b'9', b'0'..=b'9', rest @ ..] = rest else { return None };
        let mut parts = rest.splitn(3, |byte| *byte == b'/');
        let (module, severity, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let open = memchr::memchr(b'(', rest.get(..rest.len().min(64))?)?;
        let colon = memchr::memchr(b':', rest)?;
        let is_mine = module.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            && matches!(severity, [b'0'..=b'7'])
            && open < colon;
        let body = rest.get(colon + 1..)?;
        let mnemonic = rest.get(..open)?;
        is_mine.then_some(Self { header: text.get(..at)?, module, mnemonic, body })
    }
}

fn record<'l>(front: &Front<'l>, pairs: &Pairs<'_, 'l>, line: &Line<'_>) -> Record<'l> {
    // The first pair has the sentence before it, the last a bracket or a full stop behind it.
    let get = |keys: &[&str]| {
        let value = pairs.first(keys)?;
        value::stated(
            value.strip_suffix(b".").or_else(|| value.strip_suffix(b")")).unwrap_or(value),
        )
    };
    let mut record = Record::new(Kind::Traffic);
    record.client = Party::parse(
        get(&["SrcIp", "SourceIP", "source-ip", "SrcIP"]),
        get(&["SrcPort", "SourcePort", "source-port"]),
    );
    record.server = Party::parse(
        get(&["DstIp", "DestinationIP", "destination-ip", "DstIP"]),
        get(&["DstPort", "DestinationPort", "destination-port"]),
    );
    record.protocol = get(&["Protocol", "protocol"]).and_then(value::protocol);
    record.stamp = line.stamp(Stamp::None, front.header);
    if let Some(host) = get(&["Host", "Domain"]) {
        record.kind = if front.module.starts_with(b"DNS") { Kind::Dns } else { Kind::Http };
        record.add_url(host);
    }
    record.action = match get(&["Action", "action"]) {
        Some(action) => cef_event::verdict(action),
        None if front.mnemonic.ends_with(b"PERMIT") => Action::Allow,
        None if front.mnemonic.ends_with(b"DENY") => Action::Deny,
        None => Action::Other,
    };
    record.bytes_back = get(&["RcvBytes"]).and_then(value::number);
    record.packets_back = get(&["RcvPackets", "RcvPkts"]).and_then(value::number);
    if record.action == Action::Deny {
        record.cause = match record.kind {
            Kind::Http => Some(Cause::UrlFiltered),
            Kind::Dns => Some(Cause::DnsFiltered),
            _ => None,
        };
    }
    record.decider = Decider {
        rule: get(&["Policy", "PolicyName", "rule-name"]).map(Cow::Borrowed),
        policy: get(&["Profile"]).map(Cow::Borrowed),
        category: get(&["SubCategory", "Category"]).map(Cow::Borrowed),
        reason: None,
    };
    record
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn the_action_or_the_mnemonic_gives_the_verdict() {
        let of = |rest: &str| read(&[&format!("2025-11-26 04:15:00 USG6300 %%01{rest}")]).remove(0);
        assert_eq!(
            of(
                "POLICY/6/POLICYDENY(l):vsys=public, protocol=6, source-ip=10.1.2.3, source-port=50123, destination-ip=203.0.113.9, destination-port=443, rule-name=deny all."
            ),
            "huawei-usg deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00 by deny all"
        );
        assert_eq!(
            of(
                r#"URL/4/FILTER(l): The URL filtering policy was matched. (SyslogId=1, Policy="p, 1", SrcIp=10.1.2.3, DstIp=203.0.113.9, SrcPort=50123, DstPort=443, Protocol=TCP, Category="Games", Host="www.example.com", Action=Block)"#
            ),
            "huawei-usg deny http tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00 url_filtered by p, 1; Games"
        );
        assert_eq!(of("SHELL/5/LOGIN(l):User admin logged in."), "huawei-usg no record");
        let cut = "POLICY/6/POLICYDENY(l):vsys=public, protocol=6, source-ip=10.1.2.3, source-po";
        assert_eq!(of(cut), "huawei-usg damaged");
    }
}
