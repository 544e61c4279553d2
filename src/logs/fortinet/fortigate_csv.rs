//! Fortinet FortiGate with `set format csv`: the same pairs, separated by commas.
//!
//! ```text
//! date=2025-11-26,time=04:15:00,devname="fw1",devid="FG100",logid="0000000013",type="traffic",subtype="forward",srcip=10.1.2.3,srcport=50123,dstip=203.0.113.9,dstport=443,proto=6,action="deny",policyid=7
//! ```
//!
//! What `action` means is told in [`super::fields`].
//!
//! What it witnesses: Bytes, actions and reasons as in the key=value lines.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{PairStyle, Scratch};
use super::fields::{Fields, before_pairs, without_priority};

/// The format.
pub(in crate::logs) struct FortigateCsv;

impl Format for FortigateCsv {
    fn about(&self) -> &'static About {
        &About {
            id: "fortigate-csv",
            product: "Fortinet FortiGate, separated by commas",
            reference: "FortiOS CLI Reference: config log syslogd setting, format csv",
            recognised_by: "key=value pairs with commas between them, logid=, type= and subtype=",
            literals: &[",subtype=", ",logid=", ",log_id="],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        if !is_separated_by_commas(text) {
            return Reading::NotMine;
        }
        let text = without_priority(text);
        // The header ends at a blank, so the first pair may begin in the middle of the text.
        let header = before_pairs(text);
        let body = text.get(header.len()..).unwrap_or_default().trim_ascii_start();
        let mut fields = Fields::default();
        for (key, value) in scratch.pairs(body, &PairStyle::separated(b',')).iter() {
            fields.set(key, value);
        }
        if !fields.is_fortinet() {
            return Reading::NotMine;
        }
        fields.read(line, header, emit)
    }
}

/// Whether a comma stands before the key `subtype`.
pub(super) fn is_separated_by_commas(text: &[u8]) -> bool {
    static SUBTYPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("subtype="));
    let at = SUBTYPE.find(text).unwrap_or_default();
    let before = text.get(..at).unwrap_or_default().trim_ascii_end();
    before.ends_with(b",")
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn commas_separate_and_quotes_hold_them() {
        let lines = "<189>Nov 26 04:15:01 fw1 date=2025-11-26,time=04:15:00,logid=\"0000000013\",\
             type=\"utm\",subtype=\"webfilter\",msg=\"a, action=b\",srcip=10.1.2.3,srcport=50123,\
             dstip=203.0.113.9,dstport=443,proto=6,hostname=\"www.example.com\",action=\"blocked\"\n\
             date=2025-11-26,time=04:15:00,logid=1,type=event,subtype=system,action=login\n";
        assert_eq!(
            records(lines),
            ["1 fortigate-csv deny http tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com \
              2025-11-26T04:15:00 url_filtered"]
        );
    }
}
