//! Windows Firewall, `pfirewall.log`.
//!
//! ```text
//! 2025-11-26 04:15:00 DROP TCP 10.1.2.3 203.0.113.9 50123 443 0 - 0 0 0 - - - SEND 1360
//! ```
//!
//! `#Fields:` names the columns; a rotated file that lacks it has them in the usual order.
//! `ALLOW`, `OPEN` and `OPEN-INBOUND` let pass, `DROP` blocks, `CLOSE` is the end of a connection.
//! The times are local.
//!
//! Microsoft Learn, "Configure Windows Firewall logging".
//!
//! What it witnesses: The size is one packet's, so what is allowed is `allow`. `tcpflags` of a drop
//! other than a bare SYN tell that it is of no connection.

use super::directives::{Directives, Style};
use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Columns, Scratch};
use super::record::{Action, Kind, Party, Protocol, Record};
use super::stamp::Stamp;
use super::value;

/// The format.
pub(super) struct WindowsFirewall;

/// The columns where no directive names them.
const USUAL: [(&str, usize); 8] = [
    ("date", 0),
    ("time", 1),
    ("action", 2),
    ("protocol", 3),
    ("src-ip", 4),
    ("dst-ip", 5),
    ("src-port", 6),
    ("dst-port", 7),
];

impl Format for WindowsFirewall {
    fn about(&self) -> &'static About {
        &About {
            id: "windows-firewall",
            product: "Windows Firewall",
            reference: "Microsoft Learn: Configure Windows Firewall logging",
            recognised_by: "#Fields with src-ip, or date time ALLOW|DROP|OPEN|CLOSE protocol a b",
            literals: &[
                " ALLOW ",
                " DROP ",
                " OPEN",
                " CLOSE ",
                " INFO-EVENTS-LOST",
                "#Software: Microsoft Windows Firewall",
                "#Time Format: ",
            ],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        if text.starts_with(b"#Software: Microsoft Windows Firewall")
            || text.starts_with(b"#Time Format: ")
        {
            return Reading::NoRecord;
        }
        let words = scratch.words(text);
        let column = |name: &str| word(&words, line.directives, name);
        let civil = column("date").zip(column("time")).and_then(|(date, time)| {
            let (civil, rest) = value::date_and_time(text, b'-')?;
            let is_whole = text.starts_with(date) && rest.first().is_none_or(|byte| *byte == b' ');
            (is_whole && time.len() >= 8).then_some(civil)
        });
        let (Some(civil), Some(action)) = (civil, column("action")) else {
            return Reading::NotMine;
        };
        let action = match action {
            b"ALLOW" | b"OPEN" | b"OPEN-INBOUND" => Action::Allow,
            b"DROP" => Action::Deny,
            b"CLOSE" => Action::Other,
            b"INFO-EVENTS-LOST" => return Reading::NoRecord,
            _ => return Reading::NotMine,
        };
        let Some(protocol) = column("protocol").and_then(value::protocol) else {
            return Reading::NotMine;
        };
        let mut record = Record::new(Kind::Traffic);
        record.stamp = line.stamp(Stamp::NoZone(civil), b"");
        record.action = action;
        record.protocol = Some(protocol);
        record.client = Party::parse(column("src-ip"), column("src-port"));
        record.server = Party::parse(column("dst-ip"), column("dst-port"));
        record.note_control_bits(column("tcpflags").and_then(value::ControlBits::parse));
        if matches!(protocol, Protocol::ICMP | Protocol(58)) {
            (record.client.port, record.server.port) = (None, None);
        }
        if record.client.address.is_none() || record.server.address.is_none() {
            return Reading::Damaged;
        }
        emit(&record);
        Reading::Records
    }
}

/// The column of this name, by the directives if they are the firewall's.
fn word<'l>(
    words: &Columns<'_, 'l>,
    directives: Option<&Directives>,
    name: &str,
) -> Option<&'l [u8]> {
    let own = directives.filter(|directives| {
        directives.style == Style::Extended
            && directives.column("src-ip").is_some()
            && directives.column("action").is_some()
    });
    let at = match own {
        Some(directives) => directives.column(name)?,
        None => USUAL.iter().find(|(usual, _)| *usual == name)?.1,
    };
    words.get(at)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = "\
#Version: 1.5
#Software: Microsoft Windows Firewall
#Time Format: Local
#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path pid

2025-11-26 04:15:00 DROP TCP 10.1.2.3 203.0.113.9 50123 443 0 - 0 0 0 - - - SEND 1360
2025-11-26 04:15:01 ALLOW UDP 10.1.2.3 2001:db8::53 50124 53 0 - - - - - - - SEND 1360
2025-11-26 04:15:02 DROP ICMP 10.1.2.3 203.0.113.9 - - 78 - - - - 8 0 - SEND 4
2025-11-26 04:15:03 INFO-EVENTS-LOST - - - - - - - - - - - - 59 -
2025-11-26 04:15:04 DROP TCP 10.1.2.3 203.0.
2025-11-26 04:15:05 DROP everything
";

    #[test]
    fn actions_and_protocols() {
        let expected = [
            "6 deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00",
            "7 allow traffic udp 10.1.2.3#50124 2001:db8::53#53 - 2025-11-26T04:15:01",
            "8 deny traffic icmp 10.1.2.3 203.0.113.9 - 2025-11-26T04:15:02",
        ];
        assert_eq!(records_of("windows-firewall", LOG), expected);
    }

    #[test]
    fn a_rotated_file_lacks_its_directives() {
        let log = "2025-11-26 04:15:00 OPEN TCP 10.1.2.3 203.0.113.9 50123 443 - - - - - - - - -\n";
        let expected = ["1 allow traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2025-11-26T04:15:00"];
        assert_eq!(records_of("windows-firewall", log), expected);
    }
}
