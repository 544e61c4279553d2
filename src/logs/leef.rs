//! The Log Event Extended Format of any product that has no reader of its own.
//!
//! ```text
//! <134>Nov 26 04:15:00 host LEEF:2.0|Example|Wall|1.0|deny|^|devTime=1764130500000^src=10.1.2.3^srcPort=50123^dst=203.0.113.9^dstPort=443^proto=TCP^action=blocked^url=https://www.example.com/
//! ```
//!
//! An event is a record when it states a destination: an address in `dst` or a host in `url`.
//! `action` (also `disp` and `act`) gives the verdict.
//!
//! What it witnesses: Devices differ in what `dstBytes` counts, so no bytes are taken and what passes
//! is `allow`. The event's own words decide.

use std::borrow::Cow;

use super::cef_event;
use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Scratch, leef};

/// The format.
pub(super) struct LogEventExtended;

impl Format for LogEventExtended {
    fn about(&self) -> &'static About {
        &About {
            id: "leef",
            product: "Log Event Extended Format of any product",
            reference: "LEEF event components (IBM QRadar)",
            recognised_by: "LEEF:1.0| or LEEF:2.0| and four further fields, of no product with a \
                            reader of its own",
            literals: &["LEEF:"],
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
        let Some(event) = scratch.leef(text) else {
            return if leef::is_cut(text) { Reading::Damaged } else { Reading::NotMine };
        };
        let mut record = cef_event::of_leef(&event, line);
        if record.server.address.is_none() && record.names.is_empty() {
            return Reading::NoRecord;
        }
        let attributes = &event.attributes;
        record.decider.rule = attributes.first(&["rule", "ruleName"]).map(Cow::Borrowed);
        record.decider.policy = attributes.first(&["policy", "policyName"]).map(Cow::Borrowed);
        record.decider.category = attributes.first(&["cat"]).map(Cow::Borrowed);
        record.decider.reason = attributes.first(&["reason"]).map(Cow::Borrowed);
        emit(&record);
        Reading::Records
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn an_event_with_a_destination_is_a_record() {
        let rest = "|devTime=1764130500000^src=10.1.2.3^srcPort=50123^dst=203.0.113.9^dstPort=443\
                    ^proto=TCP^action=blocked^url=https://www.example.com/a^policy=web";
        let line = format!("Nov 26 05:15:00 host LEEF:2.0|Example|Wall|1.0|deny|^{rest}");
        assert_eq!(
            read(&[&line]),
            ["leef deny http tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com \
              2025-11-26T04:15:00Z by web"]
        );
        let none = "LEEF:1.0|Example|Agent|1|login|src=10.1.2.3\tusrName=x";
        assert_eq!(read(&[none, "GET /?LEEF:1.0|a HTTP/1.1"]), ["leef no record", "unknown"]);
    }
}
