//! Fortinet FortiGate as events in the Common Event Format.
//!
//! ```text
//! CEF:0|Fortinet|Fortigate|v7.4.9|00013|traffic:forward deny|3|deviceExternalId=FG100 FTNTFGTeventtime=1764130500000000000 cat=traffic:forward FTNTFGTsubtype=forward src=10.1.2.3 spt=50123 dst=203.0.113.9 dpt=443 proto=6 act=deny FTNTFGTpolicyid=7
//! ```
//!
//! Keys without a counterpart in CEF keep their name behind `FTNTFGT` or `FortinetFortiGate`;
//! collectors write other prefixes that end with a dot. `cat` is type and subtype, and without
//! it the event's name begins with them. What `act` means is told in [`super::fields`].
//!
//! What it witnesses: Bytes, actions and reasons as in the key=value lines.

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Cef, Scratch};
use super::super::value;
use super::fields::Fields;

/// The format.
pub(in crate::logs) struct FortigateCef;

impl Format for FortigateCef {
    fn about(&self) -> &'static About {
        &About {
            id: "fortigate-cef",
            product: "Fortinet FortiGate, Common Event Format",
            reference: "FortiOS Log Message Reference: CEF support",
            recognised_by: "CEF events with the vendor Fortinet and the product FortiGate",
            literals: &["|Fortinet|"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let Some(event) = scratch.cef(text) else { return Reading::NotMine };
        let is_product = |start: &[u8]| start.eq_ignore_ascii_case(b"fortigate");
        if !event.vendor.eq_ignore_ascii_case(b"Fortinet")
            || !event.product.get(..9).is_some_and(is_product)
        {
            return Reading::NotMine;
        }
        let mut fields = Fields::default();
        let (class, subclass) = class(&event);
        fields.set(b"type", class);
        for (key, value) in event.extension.iter() {
            let key = own_key(key);
            let value = value.strip_prefix(b"\"").unwrap_or(value);
            fields.set(key, value.strip_suffix(b"\"").unwrap_or(value));
        }
        fields.set(b"subtype", subclass);
        let start = event.first(&["start", "rt"]).and_then(value::event_time);
        fields.start = start.unwrap_or_default();
        fields.read(line, event.before, emit)
    }
}

/// Type and subtype.
fn class<'l>(event: &Cef<'_, 'l>) -> (&'l [u8], &'l [u8]) {
    let raw = event.first(&["cat"]).unwrap_or(event.name);
    let mut words = raw.split(|byte| matches!(byte, b':' | b' '));
    (words.next().unwrap_or_default(), words.next().unwrap_or_default())
}

/// The key as FortiOS names it.
fn own_key(key: &[u8]) -> &[u8] {
    match key {
        b"src" => b"srcip",
        b"spt" => b"srcport",
        b"dst" => b"dstip",
        b"dpt" => b"dstport",
        b"act" => b"action",
        b"dhost" => b"hostname",
        b"request" => b"url",
        b"in" => b"rcvdbyte",
        b"proto" | b"msg" | b"subtype" | b"tz" => key,
        _ => {
            let known = [&b"FTNTFGT"[..], b"FortinetFortiGate"];
            let bare = known.iter().find_map(|prefix| key.strip_prefix(*prefix));
            let after_dot = || key.get(memchr::memchr(b'.', key)? + 1..);
            bare.or_else(after_dot).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn keys_have_their_meaning_behind_any_prefix() {
        let lines = "CEF:0|Fortinet|Fortigate|v7.4.9|00013|traffic:forward close|3|\
             FTNTFGTeventtime=1764130500000000000 cat=traffic:forward src=10.1.2.3 spt=50123 \
             dst=203.0.113.9 dpt=443 proto=6 act=close FTNTFGTutmaction=block\n\
             0|Fortinet|FortiGate-100F|7.2.8|13|utm:webfilter ftgd_blk blocked|4|start=Nov 26 2025 04:15:00 \
             cat=utm ad.subtype=webfilter src=10.1.2.3 dst=203.0.113.9 dpt=443 proto=6 \
             act=blocked dhost=www.example.com request=/a b c ad.catdesc=Some Words\n\
             CEF:0|Fortinet|Fortigate|v7|1|event:system login|7|cat=event:system src=10.1.2.3 act=login\n";
        assert_eq!(
            records(lines),
            [
                "1 fortigate-cef deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00Z",
                "2 fortigate-cef deny http tcp 10.1.2.3 203.0.113.9#443 www.example.com \
                 2025-11-26T04:15:00 url_filtered",
            ]
        );
    }
}
