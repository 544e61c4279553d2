//! Fortinet FortiGate: `key=value` lines of FortiOS.
//!
//! ```text
//! date=2025-11-26 time=04:15:00 devname="fw1" devid="FG100" eventtime=1764130500000000000 tz="+0000" logid="0000000013" type="traffic" subtype="forward" srcip=10.1.2.3 srcport=50123 dstip=203.0.113.9 dstport=443 proto=6 action="deny" policyid=7 policyname="default-deny"
//! ```
//!
//! The keys come in any order, and a relay may have eaten the first. What `action` means is told
//! in [`super::fields`].
//!
//! What it witnesses: `rcvdbyte` with `rcvdpkt` count whole packets. `client-rst`, `server-rst` and
//! `timeout` ended what passed; `action=deny`, `utmaction=block` and `ip-conn` are what they say beside
//! an accepting policy. `no session matched` is of no connection.

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::Scratch;
use super::fields::{Fields, before_pairs, without_priority};
use super::fortigate_csv::is_separated_by_commas;

/// The format.
pub(in crate::logs) struct Fortigate;

impl Format for Fortigate {
    fn about(&self) -> &'static About {
        &About {
            id: "fortigate",
            product: "Fortinet FortiGate",
            reference: "FortiOS Log Message Reference",
            recognised_by: "key=value pairs with logid= (or log_id=), type= and subtype=",
            literals: &["logid=", "log_id=", "devid=F", "devid=\"F", "subtype="],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        if is_separated_by_commas(text) {
            return Reading::NotMine;
        }
        let text = without_priority(text);
        let mut fields = Fields::default();
        scratch.each_pair(text, |key, value| fields.set(key, value));
        if !fields.is_fortinet() || fields.is_proxy() {
            return Reading::NotMine;
        }
        fields.read(line, before_pairs(text), emit)
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    const HEAD: &str = r#"date=2025-11-26 time=04:15:00 devid="FG100" logid="0000000013""#;

    #[test]
    fn a_session_that_a_profile_blocked_is_denied_though_it_was_closed() {
        let lines = format!(
            "{HEAD} type=\"traffic\" subtype=\"forward\" srcip=10.1.2.3 srcport=50123 \
             dstip=203.0.113.9 dstport=443 proto=6 action=\"close\" utmaction=\"block\" countweb=1\n\
             {HEAD} type=\"traffic\" subtype=\"forward\" srcip=10.1.2.3 srcport=50123 \
             dstip=203.0.113.9 dstport=443 proto=6 action=\"server-rst\"\n\
             {HEAD} type=\"traffic\" subtype=\"forward\" srcip=10.1.2.3 dstip=203.0.113.9 \
             dstport=443 proto=6 action=\"ip-conn\"\n"
        );
        assert_eq!(
            records(&lines),
            [
                "1 fortigate deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00 url_filtered",
                "2 fortigate allow traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00",
                "3 fortigate other traffic tcp 10.1.2.3 203.0.113.9#443 - 2025-11-26T04:15:00",
            ]
        );
    }

    #[test]
    fn names_are_the_destinations() {
        let lines = format!(
            "{HEAD} tz=\"+0100\" type=\"utm\" subtype=\"webfilter\" srcip=10.1.2.3 dstip=203.0.113.9 \
             dstport=443 proto=6 action=\"blocked\" url=\"https://www.example.com/a\"\n\
             {HEAD} tz=\"+0100\" type=\"utm\" subtype=\"dns\" srcip=10.1.2.3 dstip=192.0.2.53 \
             dstport=53 proto=17 qname=\"login.example.com.\" action=\"block\"\n\
             {HEAD} type=\"event\" subtype=\"system\" hostname=\"www.example.com\" srcip=10.1.2.3\n"
        );
        assert_eq!(
            records(&lines),
            [
                "1 fortigate deny http tcp 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T03:15:00Z url_filtered",
                "2 fortigate deny dns udp 10.1.2.3 192.0.2.53#53 login.example.com 2025-11-26T03:15:00Z dns_filtered",
            ]
        );
    }
}
