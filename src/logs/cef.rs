//! The Common Event Format of any product that has no reader of its own.
//!
//! ```text
//! <134>Nov 26 04:15:00 host CEF:0|Example|Wall|1.0|100|connection blocked|5|rt=1764130500000 src=10.1.2.3 spt=50123 dst=203.0.113.9 dpt=443 proto=TCP act=blocked request=https://www.example.com/
//! ```
//!
//! An event is a record when it states a destination: an address in `dst`, a host in `request`,
//! or a qualified name in `dhost` beside a client. `act` gives the verdict.
//!
//! What it witnesses: Devices differ in what `in` counts, so no bytes are taken and what passes is
//! `allow`. `act` decides; the outcome of a request has no field of its own that all devices fill.

use std::borrow::Cow;

use super::cef_event;
use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Cef, Scratch, cef};
use super::record::{Action, Record};
use super::value;

/// The format.
pub(super) struct CommonEvent;

impl Format for CommonEvent {
    fn about(&self) -> &'static About {
        &About {
            id: "cef",
            product: "Common Event Format of any product",
            reference: "CEF Implementation Standard (ArcSight)",
            recognised_by: "CEF:0| and six further fields, of no product with a reader of its own",
            literals: &["CEF:", "0|"],
        }
    }

    fn is_fallback(&self) -> bool {
        true
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let Some(event) = scratch.cef(text) else {
            return if cef::is_cut(text) { Reading::Damaged } else { Reading::NotMine };
        };
        let Some(record) = record(&event, line) else { return Reading::NoRecord };
        emit(&record);
        Reading::Records
    }
}

fn record<'l>(event: &Cef<'_, 'l>, line: &Line<'_>) -> Option<Record<'l>> {
    // Verdicts on messages are none on connections.
    let is_mail = event.first(&["app"]).is_some_and(|app| value::is_one_of(app, &["smtp", "mail"]));
    if is_mail || event.extension.has("duser") && event.extension.has("suser") {
        return None;
    }
    let mut record = cef_event::of_cef(event, line);
    if record.names.is_empty()
        && let Some(host) = event.first(&["dhost", "destinationHostName"])
        && cef_event::is_qualified(host)
        && record.client.address.is_some()
    {
        record.add_name(host);
    }
    if record.server.address.is_none() && record.names.is_empty() {
        return None;
    }
    record.decider.rule =
        event.labelled("rule").or_else(|| event.labelled("rule name")).map(Cow::Borrowed);
    record.decider.policy = event.labelled("policy").map(Cow::Borrowed);
    record.decider.category = event.first(&["cat"]).map(Cow::Borrowed);
    if record.action != Action::Allow {
        record.decider.reason = event.first(&["reason", "outcome"]).map(Cow::Borrowed);
    }
    Some(record)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn an_event_with_a_destination_is_a_record() {
        let of = |extension: &str| {
            read(&[&format!("Nov 26 04:15:00 host CEF:0|Example|Wall|1|100|name|5|{extension}")])
                .remove(0)
        };
        assert_eq!(
            of("rt=1764130500000 src=10.1.2.3 spt=50123 dst=203.0.113.9 proto=TCP act=blocked by \
                rule request=https://www.example.com/a b cs1=web cs1Label=Policy"),
            "cef deny http tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com \
             2025-11-26T04:15:00Z by web"
        );
        assert_eq!(
            of("src=10.1.2.3 dhost=www.example.com dpt=443 act=allowed"),
            "cef allow traffic - 10.1.2.3 -#443 www.example.com --11-26T04:15:00"
        );
        assert_eq!(of("src=10.1.2.3 dhost=host1 act=blocked"), "cef no record");
        assert_eq!(of("suser=a@example.com duser=b@example.com dst=192.0.2.25"), "cef no record");
    }
}
