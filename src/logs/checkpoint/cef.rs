//! Check Point's Log Exporter in the Common Event Format.
//!
//! ```text
//! CEF:0|Check Point|VPN-1 & FireWall-1|Check Point|Log|https|Unknown|act=Drop rt=1764130500000 spt=50123 dpt=443 loguid={0x1,0x2,0x3,0x4} origin=192.0.2.1 dst=203.0.113.9 product=VPN-1 & FireWall-1 proto=6 src=10.1.2.3
//! ```
//!
//! The vendor may be empty. What the words mean is told in [`super::fields`].
//!
//! What it witnesses: Bytes, reasons and packets out of state as in the other encodings of the same
//! events.

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::Scratch;
use super::super::value;
use super::fields;

/// The format.
pub(in crate::logs) struct CheckpointCef;

impl Format for CheckpointCef {
    fn about(&self) -> &'static About {
        &About {
            id: "checkpoint-cef",
            product: "Check Point, Common Event Format",
            reference: "Log Exporter (sk122323), format CEF",
            recognised_by: "CEF events with the vendor or the version Check Point",
            literals: &["|Check Point|"],
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
        if cef.vendor != b"Check Point" && !(cef.vendor.is_empty() && cef.version == b"Check Point")
        {
            return Reading::NotMine;
        }
        let get = |keys: &[&str]| cef.first(keys).map(value::unescape);
        let Some(mut record) = fields::record(&get) else { return Reading::NoRecord };
        if record.decider.rule.is_none() {
            record.decider.rule = cef.labelled("Rule Name").map(value::unescape);
        }
        record.stamp = line.stamp(record.stamp, cef.before);
        emit(&record);
        Reading::Records
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn the_vendor_may_be_missing() {
        let rest = "rt=1764130500000 spt=50123 dpt=443 dst=203.0.113.9 proto=6 src=10.1.2.3";
        let lines = format!(
            "CEF:0|Check Point|URL Filtering|Check Point|Log|a|Unknown|act=Block {rest} product=URL Filtering request=https://www.example.com/\n\
             CEF: 0||Check Point|Check Point|Log|a|Unknown|act=Accept {rest} product=VPN-1 & FireWall-1\n\
             CEF:0|Check Point|SmartConsole|Check Point|Log|Log In|Unknown|act=Accept rt=1764130500000\n"
        );
        assert_eq!(
            records(&lines),
            [
                "1 checkpoint-cef deny http tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z url_filtered",
                "2 checkpoint-cef allow traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
            ]
        );
    }
}
