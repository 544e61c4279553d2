//! Linux netfilter: what iptables, nftables, ufw, firewalld, Shorewall, OpenWrt and Proxmox write
//! to the kernel's log.
//!
//! ```text
//! Nov 26 04:15:00 gw kernel: [81518.886511] [UFW BLOCK] IN=eth1 OUT=eth0 MAC= SRC=10.1.2.3 DST=203.0.113.9 LEN=60 TOS=0x00 PREC=0x00 TTL=63 ID=4711 DF PROTO=TCP SPT=50123 DPT=443 WINDOW=64240 RES=0x00 SYN URGP=0
//! ```
//!
//! The kernel logs a packet and not what became of it, so the verdict is whatever the rule's
//! author wrote before `IN=`: of the words that mean one, the last counts. `drop`, `deny`,
//! `block` and `refuse` deny, `reject` answers with an ICMP error or a reset, `accept`, `allow`,
//! `pass` and `permit` let pass; `UFW AUDIT` and other texts give none.
//!
//! What it witnesses: A packet is logged and not a connection: what is accepted is `allow`, and denied
//! segments other than a bare SYN, or marked INVALID, are of no connection.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::Scratch;
use super::record::{Action, Kind, Protocol, Record};
use super::stamp::Stamp;
use super::{unifi, value};

/// The format.
pub(super) struct Netfilter;

impl Format for Netfilter {
    fn about(&self) -> &'static About {
        &About {
            id: "netfilter",
            product: "Linux netfilter (iptables, nftables, ufw, firewalld)",
            reference: "iptables-extensions(8): LOG target",
            recognised_by: "IN= or OUT= before SRC= and DST=",
            literals: &["SRC="],
        }
    }

    fn read_text(&self, text: &[u8], line: &Line<'_>, _: &mut Scratch, emit: Emit<'_>) -> Reading {
        let mut reading = Reading::NotMine;
        let mut rest = text;
        while let Some(packet) = Packet::find(rest) {
            if unifi::tag(packet.before).is_some() {
                break;
            }
            // A record that lost its line end has the next one behind it.
            let (own, next) = split_glued(packet.fields);
            let packet = Packet { fields: own, ..packet };
            match packet.record(line, verdict(packet.prefix())) {
                Some(mut record) => {
                    let prefix = packet.prefix().trim_ascii();
                    record.decider.rule = value::stated(trim_tag(prefix)).map(Cow::Borrowed);
                    emit(&record);
                    reading = Reading::Records;
                }
                None if reading == Reading::NotMine => reading = Reading::Damaged,
                None => {}
            }
            rest = next;
        }
        reading
    }
}

/// A logged packet: the text before its fields, and the fields.
#[derive(Clone, Copy)]
pub(super) struct Packet<'l> {
    /// The syslog header and the rule's prefix.
    pub(super) before: &'l [u8],
    /// From `IN=` or `OUT=` on.
    pub(super) fields: &'l [u8],
}

impl<'l> Packet<'l> {
    /// Finds the fields: they begin at `IN=` (or at `OUT=`, where there is no inbound interface)
    /// and hold `SRC=` as a word.
    pub(super) fn find(text: &'l [u8]) -> Option<Self> {
        let source = source_field(text)?;
        let head = text.get(..source)?;
        let start = interface_field(head, b"IN=").or_else(|| interface_field(head, b"OUT="))?;
        let (before, fields) = text.split_at(start);
        Some(Self { before, fields })
    }

    /// The rule's prefix: what stands behind the syslog header, as far as the header can be told
    /// from it.
    pub(super) fn prefix(&self) -> &'l [u8] {
        let before = self.before;
        let behind = |mark: &[u8]| {
            memchr::memmem::rfind(before, mark).and_then(|at| before.get(at + mark.len()..))
        };
        let tag = behind(b"kernel: ").or_else(|| behind(b"kernel 0 - ")).or_else(|| behind(b"]: "));
        let text = tag
            .or_else(|| behind(b" kernel - - - "))
            .unwrap_or_else(|| without_header(before))
            .trim_ascii_start();
        without_uptime(text)
    }

    /// The record, but for the rule; `None` when the line ends before the protocol.
    pub(super) fn record(&self, line: &Line<'_>, action: Action) -> Option<Record<'l>> {
        let mut record = Record::new(Kind::Traffic);
        let (mut has_server, mut has_protocol) = (false, false);
        let (mut bits, mut has_bits) = (value::ControlBits::default(), false);
        for field in self.fields.split(|byte| byte.is_ascii_whitespace()) {
            // What an ICMP error quotes of the packet that caused it.
            if field.first() == Some(&b'[') {
                break;
            }
            let Some(equals) = memchr::memchr(b'=', field) else {
                has_bits |= bits.add(field);
                continue;
            };
            let (key, value) = field.split_at(equals);
            let value = value.get(1..).unwrap_or_default();
            let key = match key {
                [b'<', _, b'>', key @ ..] => key,
                _ => key,
            };
            match key {
                b"SRC" if record.client.address.is_none() => {
                    record.client.address = value::address(value);
                }
                b"DST" if !has_server => {
                    record.server.address = value::address(value);
                    has_server = true;
                }
                b"PROTO" if !has_protocol => {
                    record.protocol = value::protocol(value);
                    has_protocol = true;
                }
                b"SPT" => record.client.port = record.client.port.or_else(|| value::port(value)),
                b"DPT" => record.server.port = record.server.port.or_else(|| value::port(value)),
                b"DOMAIN" | b"HOST" => {
                    record.add_name(value);
                }
                _ => {}
            }
        }
        if matches!(record.protocol, Some(Protocol::ICMP | Protocol(58))) {
            record.client.port = None;
            record.server.port = None;
        }
        record.stamp = line.stamp(proxmox_time(self.before), self.before);
        record.action = action;
        record.note_control_bits(has_bits.then_some(bits));
        if is_invalid(self.prefix()) {
            record.is_out_of_state = true;
        }
        (has_server && has_protocol).then_some(record)
    }
}

/// Where the word `SRC=` begins. Old kernels write several messages for one packet, so that a
/// priority may stand before a field: `<1>SRC=10.1.2.3`.
fn source_field(text: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(text, b"SRC=").find(|at| {
        at.checked_sub(1).is_some_and(|before| matches!(text.get(before), Some(b' ' | b'>')))
    })
}

/// Where an interface's field begins: `IN=` of a prefix without a blank behind it too
/// (`DROP(src wan)IN=eth0`), but not that of `PHYSIN=`.
fn interface_field(head: &[u8], field: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(head, field)
        .find(|at| !head.get(..*at).is_some_and(|before| before.ends_with(b"PHYS")))
}

/// Whether a prefix speaks of the state that connection tracking gives to what belongs to no connection.
pub(super) fn is_invalid(prefix: &[u8]) -> bool {
    prefix
        .split(|byte| !byte.is_ascii_alphabetic())
        .any(|word| value::is_one_of(word, &["invalid", "ctinvalid"]))
}

/// What the last word of a prefix that means a verdict says.
pub(super) fn verdict(prefix: &[u8]) -> Action {
    const PASSED: &[&str] =
        &["accept", "accepted", "allow", "allowed", "pass", "passed", "permit", "permitted"];
    const BLOCKED: &[&str] =
        &["drop", "dropped", "logdrop", "deny", "denied", "block", "blocked", "refuse", "refused"];
    const REJECTED: &[&str] = &["reject", "rejected", "logreject"];
    prefix
        .rsplit(|byte| !byte.is_ascii_alphabetic())
        .find_map(|word| {
            if value::is_one_of(word, BLOCKED) {
                Some(Action::Deny)
            } else if value::is_one_of(word, REJECTED) {
                Some(Action::Reset)
            } else if value::is_one_of(word, PASSED) {
                Some(Action::Allow)
            } else {
                None
            }
        })
        .unwrap_or_default()
}

/// A prefix without the brackets and colons around it.
fn trim_tag(prefix: &[u8]) -> &[u8] {
    let prefix = prefix.strip_suffix(b":").unwrap_or(prefix);
    match prefix {
        [b'[', inner @ .., b']'] if !inner.contains(&b']') => inner,
        _ => prefix,
    }
}

/// Takes `[852160.927134] `, the seconds since the system's start, off, or the `[Wed Nov 26 04:15:00 2025] `
/// that dmesg(1) makes of them with `-T`.
fn without_uptime(text: &[u8]) -> &[u8] {
    let Some(rest) = text.strip_prefix(b"[") else { return text };
    let Some(end) = memchr::memchr(b']', rest) else { return text };
    let (inside, after) = rest.split_at(end);
    let is_uptime = inside.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b' '));
    let is_time = || {
        let mut words = inside.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let is_month = words.nth(1).is_some_and(|word| value::month(word).is_some());
        is_month && words.nth(1).is_some_and(|word| value::clock(word).is_some())
    };
    if is_uptime || is_time() {
        after.get(1..).unwrap_or_default().trim_ascii_start()
    } else {
        text
    }
}

/// Proxmox writes `VMID LOGID CHAIN 26/Nov/2025:04:15:00 +0100 policy DROP:` before the fields.
fn proxmox_time(before: &[u8]) -> Stamp {
    let Some(slash) = memchr::memchr(b'/', before) else { return Stamp::None };
    let start = slash.saturating_sub(2);
    let time = before.get(start..).and_then(value::common_log_time);
    time.map(|(stamp, _)| stamp).unwrap_or_default()
}

/// Splits the fields of one packet from a further line that follows them without a line end.
fn split_glued(fields: &[u8]) -> (&[u8], &[u8]) {
    let whole = (fields, &b""[..]);
    let Some(first) = source_field(fields) else { return whole };
    let behind = fields.get(first + 4..).unwrap_or_default();
    if source_field(behind).is_none() {
        return whole;
    }
    let start = memchr::memchr2_iter(b':', b'<', behind).find_map(|at| header_start(behind, at));
    match start.and_then(|start| fields.split_at_checked(first + 4 + start)) {
        Some(split) => split,
        None => whole,
    }
}

/// What stands behind the time and the host of a syslog header that names no program.
fn without_header(text: &[u8]) -> &[u8] {
    let text = match text.strip_prefix(b"<") {
        Some(rest) => {
            memchr::memchr(b'>', rest).map_or(text, |at| rest.get(at + 1..).unwrap_or(text))
        }
        None => text,
    };
    let words = if value::month(text).is_some() && value::syslog_time(text) != Stamp::None {
        4
    } else if text.split(u8::is_ascii_whitespace).next().and_then(value::iso_8601).is_some() {
        2
    } else {
        return text;
    };
    (0..words).fold(text, |text, _| {
        let text = text.trim_ascii_start();
        let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
        text.get(end..).unwrap_or_default()
    })
}

/// Where a syslog header begins whose time has its first colon, or whose priority has its
/// opening bracket, at `at`.
fn header_start(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at) == Some(&b'<') {
        let rest = text.get(at + 1..)?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let behind = rest.get(digits..)?.strip_prefix(b">")?;
        let is_time =
            value::month(behind).is_some() || behind.first().is_some_and(u8::is_ascii_digit);
        return ((1..=3).contains(&digits) && is_time).then_some(at);
    }
    // `Mmm dd hh:` is nine bytes, the day padded or not.
    (8..=9).filter_map(|length| at.checked_sub(length)).find(|start| {
        let rest = text.get(*start..).unwrap_or_default();
        let rest = rest.get(..32).unwrap_or(rest);
        let is_time = rest.get(at + 3 - start) == Some(&b':');
        is_time && value::month(rest).is_some() && value::syslog_time(rest) != Stamp::None
    })
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    const FIELDS: &str = "IN=eth1 OUT=eth0 MAC= SRC=10.1.2.3 DST=203.0.113.9 LEN=60 TOS=0x00 \
                          PREC=0x00 TTL=63 ID=4711 DF PROTO=TCP SPT=50123 DPT=443 SYN URGP=0";

    #[test]
    fn the_header_is_no_part_of_the_rule() {
        for header in
            ["", "Nov 26 04:15:00 gw ", "<4>Nov  6 04:15:00 gw ", "2025-11-26T04:15:00+01:00 gw "]
        {
            let line = format!("{header}[LAB DROP] {FIELDS}");
            let packet = super::Packet::find(line.as_bytes()).unwrap();
            assert_eq!(packet.prefix(), b"[LAB DROP] ", "{header}");
        }
    }

    fn verdict(prefix: &str) -> String {
        let record = read(&[&format!("{prefix}{FIELDS}")]).remove(0);
        record.split(' ').nth(1).unwrap().to_owned()
    }

    #[test]
    fn the_prefix_gives_the_verdict() {
        for prefix in [
            "Nov 26 04:15:00 gw kernel: [815.886] [UFW BLOCK] ",
            "kernel: filter_FWD_public_DROP: ",
            "DROP(dest wan)",
            "nft-forward dropped: ",
            "<4>1 2025-11-26T04:15:00Z gw kernel 0 - [UFW LIMIT BLOCK] ",
        ] {
            assert_eq!(verdict(prefix), "deny", "{prefix}");
        }
        for prefix in ["kernel: FINAL_REJECT: ", "reject wan out: ", "PVEFW-reject: "] {
            assert_eq!(verdict(prefix), "reset", "{prefix}");
        }
        for prefix in ["kernel: [UFW ALLOW] ", "FWD ACCEPT ", "Shorewall:loc2net:ACCEPT:"] {
            assert_eq!(verdict(prefix), "allow", "{prefix}");
        }
        for prefix in ["", "kernel: [UFW AUDIT] ", "Nov 26 04:15:00 drop-gw kernel: OUTBOUND "] {
            assert_eq!(verdict(prefix), "other", "{prefix}");
        }
    }

    #[test]
    fn the_packet_that_an_error_quotes_is_not_the_record() {
        let line = "Nov 26 04:15:00 gw kernel: DROP IN=eth0 OUT= SRC=198.51.100.1 DST=10.1.2.3 \
                    LEN=88 PROTO=ICMP TYPE=3 CODE=3 [SRC=10.1.2.3 DST=203.0.113.9 LEN=60 \
                    PROTO=UDP SPT=50123 DPT=443 ]";
        let expected = "netfilter deny traffic icmp 198.51.100.1 10.1.2.3 - --11-26T04:15:00 \
                        by DROP";
        assert_eq!(read(&[line]), [expected]);
    }

    #[test]
    fn records_without_a_line_end_between_them_are_two() {
        let line = format!(
            "Nov 26 04:15:00 gw kernel: OUT: {FIELDS} DOMAIN=www.example.comNov 26 04:15:01 gw \
             kernel: DROP {FIELDS}"
        );
        let expected = [
            "netfilter other traffic tcp 10.1.2.3#50123 203.0.113.9#443 www.example.com \
             --11-26T04:15:00 by OUT",
            "netfilter deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - --11-26T04:15:01 \
             by DROP",
        ];
        assert_eq!(read(&[&line]), expected);
    }

    #[test]
    fn old_kernels_write_priorities_between_the_fields() {
        let line = "Nov 26 04:15:00 gw kernel: DROP IN=br0 OUT=vlan2 MAC= <1>SRC=10.1.2.3 \
                    DST=203.0.113.9 <1>LEN=60 <1>PROTO=TCP <1>SPT=50123 DPT=443 SYN";
        let expected = "netfilter deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - \
                        --11-26T04:15:00 by DROP";
        assert_eq!(read(&[line]), [expected]);
    }

    #[test]
    fn proxmox_states_an_instant() {
        let line = format!("101 1 tap101i0-OUT 26/Nov/2025:05:15:00 +0100 policy DROP: {FIELDS}");
        assert!(read(&[&line])[0].contains(" 2025-11-26T04:15:00Z"));
    }

    #[test]
    fn a_cut_line_is_damaged() {
        let cut = FIELDS.split(" LEN=").next().unwrap();
        assert_eq!(read(&[cut]), ["netfilter damaged"]);
        assert_eq!(read(&["a message about SRC=10.1.2.3 DST=203.0.113.9"]), ["unknown"]);
    }

    #[test]
    fn the_time_of_dmesg_is_no_part_of_the_prefix() {
        let read = |line: &str| crate::logs::test_support::read(&[line]).remove(0);
        let packet = "IN= OUT=eth0 SRC=10.1.2.3 DST=203.0.113.9 LEN=60 PROTO=TCP SPT=50123 DPT=443 SYN URGP=0";
        let record = "deny traffic tcp 10.1.2.3#50123 203.0.113.9#443 - 2026-11-30T21:36:31";
        for (prefix, rule) in [("[UFW BLOCK]", "UFW BLOCK"), ("BLOCKED", "BLOCKED")] {
            let line = format!("[Mon Nov 30 21:36:31 2026] {prefix} {packet}");
            assert_eq!(read(&line), format!("netfilter {record} by {rule}"));
        }
        let line = format!("[Mon drop 30 2026] {packet}");
        assert!(read(&line).ends_with("by Mon drop 30 2026"), "{}", read(&line));
    }
}
