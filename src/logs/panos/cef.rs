//! PAN-OS as events in the Common Event Format, from the firewall or from Strata Logging Service.
//!
//! ```text
//! CEF:0|Palo Alto Networks|PAN-OS|11.1|drop|TRAFFIC|1|rt=Nov 26 2025 04:15:00 GMT src=10.1.2.3 dst=203.0.113.9 cs1=default-deny cs1Label=Rule spt=50123 dpt=443 proto=tcp act=deny
//! ```
//!
//! The firewall writes the subtype before the type, the service (`|LF|`) behind it. What the
//! words mean is told in [`super::event`].
//!
//! What it witnesses: Bytes, packets and reasons of the session's end as in the CSV lines.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Cef, Scratch};
use super::super::record::Party;
use super::super::stamp::Stamp;
use super::super::value;
use super::event::{Event, LogType};

/// The format.
pub(in crate::logs) struct PanosCef;

impl Format for PanosCef {
    fn about(&self) -> &'static About {
        &About {
            id: "panos-cef",
            product: "Palo Alto Networks PAN-OS, Common Event Format",
            reference: "Common Event Format Configuration Guide: PAN-OS",
            recognised_by: "CEF events with the vendor Palo Alto Networks",
            literals: &["|Palo Alto Networks|"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let Some(cef) = scratch.cef(text) else { return Reading::NotMine };
        if !cef.vendor.eq_ignore_ascii_case(b"Palo Alto Networks") {
            return Reading::NotMine;
        }
        let (log_type, subtype) = match LogType::parse(cef.class) {
            Some(log_type) => (log_type, cef.name),
            None => match LogType::parse(cef.name) {
                Some(log_type) => (log_type, cef.class),
                None => return Reading::NoRecord,
            },
        };
        if log_type == LogType::Other {
            return Reading::NoRecord;
        }
        let Some(mut record) = event(&cef, subtype).into_record(log_type) else {
            return Reading::Damaged;
        };
        record.stamp = line.stamp(stamp(&cef), cef.before);
        emit(&record);
        Reading::Records
    }
}

fn event<'l>(cef: &Cef<'_, 'l>, subtype: &'l [u8]) -> Event<'l> {
    let stated = |keys: &[&str]| cef.first(keys).map(Cow::Borrowed);
    let labelled = |label| cef.labelled(label).map(Cow::Borrowed);
    // The firewall's own template puts the URL in quotes.
    let url = ["request", "PanOSURL", "PanOSDNSQuery", "PanOSRecordName"];
    let url = cef.first(&url).map(|url| {
        let url = url.strip_prefix(b"\"").unwrap_or(url);
        value::unescape(url.strip_suffix(b"\"").unwrap_or(url))
    });
    let resolver = cef.first(&["dst", "PanOSDNSResolverIP"]);
    Event {
        subtype: Cow::Borrowed(subtype),
        client: Party::parse(cef.first(&["src", "c6a2"]), cef.first(&["spt"])),
        server: Party::parse(resolver.or_else(|| cef.first(&["c6a3"])), cef.first(&["dpt"])),
        protocol: cef.first(&["proto"]).and_then(value::protocol),
        action: stated(&["act"]).unwrap_or_default(),
        application: stated(&["app"]).unwrap_or_default(),
        rule: labelled("Rule").or_else(|| stated(&["cs1"])),
        url,
        threat: stated(&["PanOSThreatID"]).or_else(|| stated(&["cat"])),
        category: labelled("URLCategory").or_else(|| labelled("URL Category")),
        end_reason: stated(&["reason", "PanOSSessionEndReason"]),
        policy: stated(&["PanOSPolicyName"]),
        server_name: cef.text("PanOSServerNameIndication"),
        error: cef.text("PanOSErrorMessage"),
        bytes_back: cef.first(&["in"]).and_then(value::number),
        packets_back: cef.first(&["PanOSPacketsReceived"]).and_then(value::number),
    }
}

/// `rt`, in the zone that `dtz` names.
fn stamp(cef: &Cef<'_, '_>) -> Stamp {
    let keys = ["rt", "start", "PanOSTimeGeneratedHighResolution"];
    let stamp = keys.iter().find_map(|key| cef.first(&[key]).and_then(value::event_time));
    match (stamp.unwrap_or_default(), cef.first(&["dtz"]).and_then(value::offset_seconds)) {
        (Stamp::NoZone(civil), Some(offset)) => Stamp::with_offset(civil, offset),
        (stamp, _) => stamp,
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn type_and_subtype_come_in_either_order() {
        let rest =
            "rt=Nov 26 2025 04:15:00 src=10.1.2.3 spt=50123 dst=203.0.113.9 dpt=443 proto=tcp";
        let lines = format!(
            "CEF:0|Palo Alto Networks|PAN-OS|11.1|url|THREAT|1|{rest} act=block-url \
             request=\"www.example.com/\" cs2Label=URL Category cs2=news\n\
             CEF:0|Palo Alto Networks|LF|2.0|TRAFFIC|end|3|dtz=UTC {rest} act=allow reason=tcp-fin in=7\n\
             CEF:0|Palo Alto Networks|LF|2.0|SYSTEM|general|3|dtz=UTC {rest} act=deny\n"
        );
        assert_eq!(
            records(&lines),
            [
                "1 panos-cef deny http tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00 url_filtered",
                "2 panos-cef allow traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
            ]
        );
    }
}
