//! Ubiquiti UniFi Network, which sends its events as CEF.
//!
//! ```text
//! Nov 26 04:15:00 UDM-Pro CEF:0|Ubiquiti|UniFi Network|9.4.19|201|Threat Detected and Blocked|7|proto=TCP src=10.1.2.3 spt=50123 dst=203.0.113.9 dpt=443 UNIFIcategory=Security UNIFIutcTime=2025-11-26T04:15:00.000Z msg=A network intrusion attempt has been detected and blocked.
//! ```
//!
//! Mostly there is no `act`; then the event's name says what was done, and `Blocked` in it is a
//! deny.
//!
//! What it witnesses: No bytes are stated: what passes is `allow`. A block is of a connection.

use std::borrow::Cow;

use super::cef_event;
use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::Scratch;
use super::record::Action;
use super::{netfilter, value};

/// The format.
pub(super) struct UnifiCef;

impl Format for UnifiCef {
    fn about(&self) -> &'static About {
        &About {
            id: "unifi-cef",
            product: "Ubiquiti UniFi Network, CEF",
            reference: "UniFi: System Logs and SIEM integration",
            recognised_by: "CEF events of Ubiquiti",
            literals: &["|Ubiquiti|"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let Some(event) = scratch.cef(text).filter(|event| event.vendor == b"Ubiquiti") else {
            return Reading::NotMine;
        };
        let mut record = cef_event::of_cef(&event, line);
        if let Some(time) = event.first(&["UNIFIutcTime"]).and_then(value::event_time) {
            record.stamp = line.stamp(time.in_utc(), event.before);
        }
        if let Some(name) = event.first(&["UNIFIdomain", "dhost"])
            && cef_event::is_qualified(name)
        {
            record.add_name(name);
        }
        // Who logged in from where is told by the client alone.
        let is_attempt = record.server.address.is_some()
            || !record.names.is_empty()
            || (record.client.address.is_some() && record.server.port.is_some());
        if !is_attempt {
            return Reading::NoRecord;
        }
        if record.action == Action::Other {
            record.action = netfilter::verdict(event.name);
        }
        record.decider.rule =
            event.first(&["UNIFIipsSignature", "UNIFIpolicyName"]).map(Cow::Borrowed);
        record.decider.policy = event.first(&["UNIFIpolicyType"]).map(Cow::Borrowed);
        record.decider.category = event.first(&["UNIFIsubCategory"]).map(Cow::Borrowed);
        emit(&record);
        Reading::Records
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn the_name_of_the_event_gives_the_verdict() {
        let of = |front: &str, extension: &str| {
            let head = "|Ubiquiti|UniFi Network|9.4.19|201";
            read(&[&format!("{front}{head}|{extension}")]).remove(0)
        };
        let blocked = "Threat Detected and Blocked|7|proto=TCP src=10.1.2.3 spt=50123 \
                       dst=203.0.113.9 dpt=443 UNIFIsubCategory=Intrusion Prevention \
                       UNIFIutcTime=2025-11-26T04:15:00.5Z";
        let expected = "unifi-cef deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - \
                        2025-11-26T04:15:00Z by Intrusion Prevention";
        for front in ["CEF:0", "0", "Nov 26 04:15:00 UDM CEF: 0"] {
            assert_eq!(of(front, blocked), expected, "{front}");
        }
        let login = "Admin Accessed UniFi Network|1|UNIFIaccessMethod=web src=10.1.2.3";
        assert_eq!(of("CEF:0", login), "unifi-cef no record");
    }
}
