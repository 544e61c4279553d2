//! Cisco ASA, and the older PIX and FWSM, in their syslog messages; Firepower Threat Defense
//! writes the same besides its own.
//!
//! ```text
//! <166>Nov 26 2025 04:15:00 fw1 : %ASA-4-106023: Deny tcp src inside:10.1.2.3/50123 dst outside:203.0.113.9/443 by access-group "inside_in" [0x0, 0x0]
//! ```
//!
//! The number tells the text: `Deny`, `denied`, `dropped` and `discarded` block; `Built`,
//! `permitted` and `Accessed` pass; a teardown is no verdict. In `Built outbound` the destination
//! comes first. What the texts are is told in [`super::asa_text`].
//!
//! What it witnesses: `bytes` of a teardown are of both sides together and so no answer. Denied
//! segments without a bare SYN (106001 with such flags, 106015) are of no connection.

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::Scratch;
use super::super::stamp::Stamp;
use super::asa_text;
use super::message::Message;

/// The format.
pub(in crate::logs) struct CiscoAsa;

impl Format for CiscoAsa {
    fn about(&self) -> &'static About {
        &About {
            id: "cisco-asa",
            product: "Cisco ASA, PIX and FWSM",
            reference: "Cisco Secure Firewall ASA Series Syslog Messages",
            recognised_by: "%ASA- (or %FTD-, %PIX-, %FWSM-), a severity and six digits",
            literals: &["%ASA-", "%FTD-", "%PIX-", "%FWSM-"],
        }
    }

    fn read_text(&self, text: &[u8], line: &Line<'_>, _: &mut Scratch, emit: Emit<'_>) -> Reading {
        let Some(message) = Message::find(text, &[b"ASA", b"FTD", b"PIX", b"FWSM"]) else {
            return Reading::NotMine;
        };
        let Some(number @ (..430_000 | 430_100..)) = message.number() else {
            return Reading::NotMine;
        };
        let Some(mut record) = asa_text::record(number, message.text) else {
            return Reading::NoRecord;
        };
        record.stamp = line.stamp(Stamp::None, message.header);
        emit(&record);
        Reading::Records
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn the_destination_of_an_outbound_connection_comes_first() {
        let lines = "\
            <166>Nov 26 2025 04:15:00 fw1 : %ASA-6-302013: Built outbound TCP connection 7 for outside:203.0.113.9/443 (203.0.113.9/443) to inside:10.1.2.3/50123 (192.0.2.7/1024)\n\
            %ASA-6-302015: Built inbound UDP connection 7 for outside:203.0.113.9/999 (203.0.113.9/999)(LOCAL\\a) to dmz:10.1.2.3/domain (192.0.2.7/53)\n\
            %ASA-6-302014: Teardown TCP connection 7 for outside:203.0.113.9/443 to inside:10.1.2.3/50123 duration 0:00:01 bytes 0 SYN Timeout\n\
            %ASA-6-302020: Built outbound ICMP connection for faddr 203.0.113.9/0 gaddr 192.0.2.7/1 laddr 10.1.2.3/1 type 8 code 0\n";
        assert_eq!(
            records(lines),
            [
                "1 cisco-asa allow traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00",
                "2 cisco-asa allow traffic udp 203.0.113.9#999 10.1.2.3#53 - -",
                "3 cisco-asa other traffic tcp 10.1.2.3#50123 203.0.113.9#443 - -",
                "4 cisco-asa allow traffic icmp 10.1.2.3 203.0.113.9 - -",
            ]
        );
    }

    #[test]
    fn denials_have_many_texts() {
        let lines = "\
            %ASA-4-106023: Deny tcp src inside:10.1.2.3/50123(LOCAL\\a) dst outside:2001:db8::9/https by access-group \"in\" [0x0, 0x0]\n\
            %ASA-4-106100: access-list in denied udp inside/10.1.2.3(50123)(LOCAL\\a) -> outside/203.0.113.9(53) hit-cnt 1 first hit [0x0, 0x0]\n\
            %PIX-2-106001: Inbound TCP connection denied from 203.0.113.9/999 to 10.1.2.3/443 flags SYN on interface outside\n\
            %ASA-4-410001: Dropped UDP DNS reply from outside:192.0.2.53/53 to inside:10.1.2.3/50123; packet length 600 bytes exceeds configured limit of 512 bytes\n\
            %ASA-4-106023: Deny udp src inside:10.1.2.3/5 dst outside:files-server/443 by access-group \"in\"\n";
        assert_eq!(
            records(lines),
            [
                "1 cisco-asa deny traffic tcp 10.1.2.3#50123 2001:db8::9#443 - -",
                "2 cisco-asa deny traffic udp 10.1.2.3#50123 203.0.113.9#53 - -",
                "3 cisco-asa deny traffic tcp 203.0.113.9#999 10.1.2.3#443 - -",
                "4 cisco-asa deny dns udp 10.1.2.3#50123 192.0.2.53#53 - - dns_filtered",
                "5 cisco-asa deny traffic udp 10.1.2.3#5 -#443 files-server -",
            ]
        );
    }

    #[test]
    fn some_messages_name_the_destination() {
        let lines = "\
            %ASA-5-304001: a@10.1.2.3 Accessed URL 203.0.113.9:http://www.example.com/x\n\
            %ASA-5-304002: Access denied URL http://www.example.com/x SRC 10.1.2.3 DEST 203.0.113.9\n\
            %ASA-4-338006: Dynamic filter dropped blacklisted TCP traffic from inside:10.1.2.3/50123 (192.0.2.7/1024) to outside:203.0.113.9/80 (203.0.113.9/80), destination 203.0.113.9 resolved from dynamic list: www.example.com, threat-level: high, category: Malware\n\
            %ASA-6-305011: Built dynamic TCP translation from inside:10.1.2.3/50123 to outside:192.0.2.7/1024\n\
            %ASA-4-106023: Deny tcp src inside:10.1\n";
        assert_eq!(
            records(lines),
            [
                "1 cisco-asa allow http tcp 10.1.2.3 203.0.113.9#80 www.example.com -",
                "2 cisco-asa deny http tcp 10.1.2.3 203.0.113.9#80 www.example.com - url_filtered",
                "3 cisco-asa deny traffic tcp 10.1.2.3#50123 203.0.113.9#80 www.example.com -",
            ]
        );
    }
}
