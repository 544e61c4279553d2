//! Ubiquiti UniFi gateways and EdgeOS, and VyOS, on which they are built: netfilter lines whose
//! prefix names the rule set, the rule and the verdict.
//!
//! ```text
//! Nov 26 04:15:00 UDM-Pro [LAN_OUT-D-20003] DESCR="Block streaming" IN=br0 OUT=eth8 MAC= SRC=10.1.2.3 DST=203.0.113.9 LEN=60 TOS=00 PREC=0x00 TTL=63 ID=4711 DF PROTO=TCP SPT=50123 DPT=443 WINDOW=64240 SYN URGP=0 MARK=1a0000
//! ```
//!
//! `D` drops, `R` rejects, `A` accepts; the description is free text and says nothing of the
//! verdict.
//!
//! What it witnesses: Packets as netfilter logs them, and so are their control bits: a denied segment
//! other than a bare SYN, or of the state INVALID, is of no connection.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::Scratch;
use super::netfilter::Packet;
use super::record::Action;

/// The format.
pub(super) struct Unifi;

impl Format for Unifi {
    fn about(&self) -> &'static About {
        &About {
            id: "unifi",
            product: "Ubiquiti UniFi gateway, EdgeOS, VyOS",
            reference: "UniFi: System Logs and SIEM integration",
            recognised_by: "[RULESET-D-rule] (or A, R) before IN=, SRC= and DST=",
            literals: &["-D-", "-A-", "-R-", "-D]", "-A]", "-R]"],
        }
    }

    fn read_text(&self, text: &[u8], line: &Line<'_>, _: &mut Scratch, emit: Emit<'_>) -> Reading {
        let Some(packet) = Packet::find(text) else { return Reading::NotMine };
        let Some(tag) = tag(packet.before) else { return Reading::NotMine };
        let Some(mut record) = packet.record(line, tag.action) else { return Reading::Damaged };
        record.decider.rule = Some(Cow::Borrowed(tag.rule));
        record.decider.reason = tag.description.map(Cow::Borrowed);
        emit(&record);
        Reading::Records
    }
}

/// What a tag says.
pub(super) struct Tag<'l> {
    rule: &'l [u8],
    action: Action,
    description: Option<&'l [u8]>,
}

/// The tag, which stands right before the fields or before `DESCR="…"`.
pub(super) fn tag(before: &[u8]) -> Option<Tag<'_>> {
    let (head, description) = match memchr::memmem::rfind(before, b"DESCR=") {
        Some(at) => {
            let (head, description) = before.split_at(at);
            let text = description.get(6..)?.trim_ascii();
            let text = text.strip_prefix(b"\"").unwrap_or(text);
            (head, Some(text.strip_suffix(b"\"").unwrap_or(text)))
        }
        None => (before, None),
    };
    let inner = head.trim_ascii_end().strip_suffix(b"]")?;
    let rule = inner.get(memchr::memrchr(b'[', inner)? + 1..)?;
    let mut parts = rule.rsplit(|byte| *byte == b'-');
    let last = parts.next()?;
    let word = match last {
        b"A" | b"D" | b"R" => last,
        number if number.iter().all(u8::is_ascii_digit) => parts.next()?,
        _ => return None,
    };
    // A rule set stands before the verdict.
    parts.next()?;
    let action = match word {
        b"A" => Action::Allow,
        b"D" => Action::Deny,
        b"R" => Action::Reset,
        _ => return None,
    };
    Some(Tag { rule, action, description })
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn the_tag_gives_the_verdict_and_not_the_description() {
        let line = |tag: &str| {
            format!(
                "Nov 26 04:15:00 gw {tag}IN=br0 OUT=eth8 MAC= SRC=10.1.2.3 DST=203.0.113.9 \
                 LEN=60 PROTO=TCP SPT=50123 DPT=443 SYN"
            )
        };
        let of = |tag: &str| read(&[&line(tag)]).remove(0);
        assert_eq!(
            of(r#"[LAN_OUT-A-20003] DESCR="Block all" "#),
            "unifi allow traffic tcp 10.1.2.3#50123 203.0.113.9#443 - --11-26T04:15:00 by \
             LAN_OUT-A-20003; Block all"
        );
        assert!(of("kernel: [WAN_IN-default-D]").starts_with("unifi deny "));
        assert!(of("kernel: [WAN_IN-30-R]").starts_with("unifi reset "));
        assert!(of("kernel: [UFW BLOCK] ").starts_with("netfilter deny "));
        assert!(of("kernel: [A-D-x] ").starts_with("netfilter other "));
    }
}
