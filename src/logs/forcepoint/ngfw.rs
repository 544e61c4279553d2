//! Forcepoint NGFW (Stonesoft): events as CEF or LEEF.
//!
//! ```text
//! CEF:0|FORCEPOINT|Firewall|6.8.5|70019|Connection_Discarded|0|deviceExternalId=fw node 1 dvc=198.51.100.1 src=10.1.2.3 dst=203.0.113.9 spt=50123 dpt=443 proto=6 act=Discard rt=Nov 26 2025 04:15:00 app=HTTPS
//! ```
//!
//! `act` (`action` in LEEF), or else the event, says what was done: `Allow` lets pass, `Discard`
//! and `Terminate` deny, `Refuse` answers with a reset or an ICMP error. `Connection_Closed` ends
//! what was allowed earlier.
//!
//! What it witnesses: No bytes are read: `Allow` and `Permit` are `allow`. A discard of a packet of no
//! connection says so in its situation.

use std::borrow::Cow;

use crate::logs::cef_event;
use crate::logs::format::{About, Emit, Format, Line, Reading};
use crate::logs::grammar::Scratch;
use crate::logs::record::{Action, Record};
use crate::logs::value;

/// The format.
pub(in crate::logs) struct ForcepointNgfw;

impl Format for ForcepointNgfw {
    fn about(&self) -> &'static About {
        &About {
            id: "forcepoint-ngfw",
            product: "Forcepoint NGFW",
            reference: "Log Entry Fields (Forcepoint NGFW)",
            recognised_by: "CEF or LEEF events of FORCEPOINT, Firewall or IPS",
            literals: &["|FORCEPOINT|", "|Forcepoint|"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        if let Some(event) = scratch.cef(text).filter(|event| is_mine(event.vendor, event.product))
        {
            let mut record = cef_event::of_cef(&event, line);
            record.action = action(event.first(&["act"]), event.name);
            record.decider.rule = event.first(&["cs1"]).map(Cow::Borrowed);
            record.decider.category = event.first(&["app"]).map(Cow::Borrowed);
            record.decider.reason = event.first(&["msg"]).map(Cow::Borrowed);
            return emit_attempt(record, emit);
        }
        let event = scratch.leef(text).filter(|event| is_mine(event.vendor, event.product));
        let Some(event) = event else { return Reading::NotMine };
        let mut record = cef_event::of_leef(&event, line);
        let attributes = &event.attributes;
        record.action = action(attributes.first(&["action", "act"]), event.event);
        record.decider.rule = attributes.first(&["ruleTag", "rule"]).map(Cow::Borrowed);
        record.decider.category = attributes.first(&["app", "application"]).map(Cow::Borrowed);
        record.decider.reason = attributes.first(&["msg"]).map(Cow::Borrowed);
        emit_attempt(record, emit)
    }
}

fn is_mine(vendor: &[u8], product: &[u8]) -> bool {
    value::is_one_of(vendor, &["FORCEPOINT"])
        && !value::is_one_of(product, &["Security", "Web Security"])
}

fn emit_attempt(record: Record<'_>, emit: Emit<'_>) -> Reading {
    if record.server.address.is_none() && record.names.is_empty() {
        return Reading::NoRecord;
    }
    emit(&record);
    Reading::Records
}

fn action(own: Option<&[u8]>, event: &[u8]) -> Action {
    let word = own.or_else(|| event.strip_prefix(b"Connection_")).unwrap_or_default();
    if value::is_one_of(word, &["refuse", "refused"]) {
        return Action::Reset;
    }
    cef_event::verdict(word)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn the_action_or_the_event_gives_the_verdict() {
        let cef = |event: &str, rest: &str| {
            let head = "CEF:0|FORCEPOINT|Firewall|6.8.5|70019";
            read(&[&format!(
                "{head}|{event}|0|dvc=198.51.100.1 src=10.1.2.3 dst=203.0.113.9 spt=50123 \
                 dpt=443 proto=6{rest} rt=Nov 26 2025 04:15:00"
            )])
            .remove(0)
        };
        assert_eq!(
            cef("Connection_Discarded", " act=Discard msg=spoofed packet"),
            "forcepoint-ngfw deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - \
             2025-11-26T04:15:00 by spoofed packet"
        );
        assert!(cef("Connection_Refused", "").starts_with("forcepoint-ngfw reset "));
        assert!(cef("Connection_Closed", "").starts_with("forcepoint-ngfw other "));
        let leef = "LEEF:1.0|Forcepoint|Firewall|7.1.5|Connection_Allowed|src=10.1.2.3\t\
                    dst=203.0.113.9\tdstPort=443\tproto=6\tdevTime=Nov 26 2025 04:15:00";
        assert!(read(&[leef])[0].starts_with("forcepoint-ngfw allow traffic tcp 10.1.2.3 "));
        let login = "LEEF:1.0|Forcepoint|Firewall|7.1.5|System_Login|usrName=admin\tsender=fw";
        assert_eq!(read(&[login]), ["forcepoint-ngfw no record"]);
    }
}
