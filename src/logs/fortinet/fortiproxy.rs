//! Fortinet FortiProxy: FortiOS' `key=value` lines from a proxy.
//!
//! ```text
//! date=2025-11-26 time=04:15:00 devname="px1" devid="FPX400" eventtime=1764130500000000000 tz="+0000" logid="0000000010" type="traffic" subtype="http-transaction" srcip=10.1.2.3 dstip=203.0.113.9 srcport=50123 dstport=443 hostname="www.example.com" url="https://www.example.com/" utmaction="block"
//! ```
//!
//! `http-transaction` lines have no `action` of their own, only `utmaction`; what the words mean
//! is told in [`super::fields`].
//!
//! What it witnesses: Bytes, actions and reasons as in FortiGate's lines; the proxy's HTTP transactions
//! state the status.

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::Scratch;
use super::fields::{Fields, before_pairs, without_priority};

/// The format.
pub(in crate::logs) struct Fortiproxy;

impl Format for Fortiproxy {
    fn about(&self) -> &'static About {
        &About {
            id: "fortiproxy",
            product: "Fortinet FortiProxy",
            reference: "FortiProxy Log Reference",
            recognised_by: "FortiOS' pairs with a serial number FPX… or subtype=\"http-transaction\"",
            literals: &["devid=\"FPX", "devid=FPX", "devid=\"\"FPX", "http-transaction"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let text = without_priority(text);
        let mut fields = Fields::default();
        scratch.each_pair(text, |key, value| fields.set(key, value));
        if !fields.is_fortinet() || !fields.is_proxy() {
            return Reading::NotMine;
        }
        fields.read(line, before_pairs(text), emit)
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn a_transaction_is_judged_by_its_profiles() {
        let head = "eventtime=1764130500000000000 devid=\"FPX400\" logid=\"1\" type=\"traffic\" \
                    srcip=10.1.2.3 dstip=203.0.113.9 dstport=443";
        let lines = format!(
            "{head} subtype=\"http-transaction\" hostname=\"www.example.com\" utmaction=\"block\"\n\
             {head} subtype=\"http-transaction\" url=\"https://www.example.com/\" utmaction=\"allow\"\n\
             {head} subtype=\"forward\" action=\"accept\" proto=6\n"
        );
        assert_eq!(
            records(&lines),
            [
                "1 fortiproxy deny http - 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z proxy_denied",
                "2 fortiproxy other http - 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z",
                "3 fortiproxy allow traffic tcp 10.1.2.3 203.0.113.9#443 - 2025-11-26T04:15:00Z",
            ]
        );
    }
}
