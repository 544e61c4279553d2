//! Unbound, the recursive resolver, also as pfSense and OPNsense log it.
//!
//! ```text
//! Nov 26 04:15:00 gw unbound[812]: [812:0] reply: 10.1.2.3 www.example.com. A IN NOERROR 0.020000 0 49
//! [1764130501] unbound[812:0] info: rpz: applied [block-list] x.example.com. rpz-nxdomain 10.1.2.3@5353 x.example.com. A IN
//! ```
//!
//! A question has no verdict; a reply has its response code. A local zone or a response policy
//! zone that acted is a denial, unless it is one that lets pass (`transparent`, `inform`,
//! `rpz-passthru`, `rpz-disabled`).
//!
//! unbound.conf(5): log-queries, log-replies, log-tag-queryreply, log-local-actions, rpz-log.
//!
//! What it witnesses: A resolver's log: what it says of a question is of the question alone, and no
//! connection is told of. Local zones and response policies deny.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Columns, Scratch};
use super::record::{Action, Kind, Party, Record};
use super::stamp::Stamp;
use super::value;
use crate::observe::Cause;

/// The format.
pub(super) struct Unbound;

impl Format for Unbound {
    fn about(&self) -> &'static About {
        &About {
            id: "unbound",
            product: "Unbound",
            reference: "unbound.conf(5): log-queries, log-replies",
            recognised_by: "unbound[pid:thread] or unbound: [pid:thread], or that without the name, then info:, query: or reply:",
            literals: &["unbound", "] info: ", "] reply: ", "] query: "],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let (is_named, parts) = match split(text) {
            Some(parts) => (true, Some(parts)),
            None => (false, without_name(text)),
        };
        let Some((header, level, message)) = parts else { return Reading::NotMine };
        if !matches!(level, b"info" | b"query" | b"reply") {
            return Reading::NoRecord;
        }
        let (message, is_rpz) = match message.strip_prefix(b"rpz: applied ") {
            Some(message) => (message, true),
            None => (message, false),
        };
        let words = scratch.words(message);
        let local = (0..words.len().min(6)).find(|at| client_at_port(&words, *at).is_some());
        let record = match local {
            Some(at) => local_action(&words, at, is_rpz),
            None => question_or_reply(&words),
        };
        let Some(mut record) = record else {
            if !is_named {
                return Reading::NotMine;
            }
            let is_question = words.get(0).and_then(value::address).is_some();
            return if is_question { Reading::Damaged } else { Reading::NoRecord };
        };
        record.stamp = line.stamp(own_time(header), header);
        emit(&record);
        Reading::Records
    }
}

/// The header, the level and the message.
fn split(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let at = memchr::memmem::find(text, b"unbound")?;
    let (header, rest) = text.split_at(at);
    let is_start = header.last().is_none_or(|byte| matches!(byte, b' ' | b'>' | b'/' | b'\t'));
    if !is_start {
        return None;
    }
    // `unbound[1:0] `, `unbound: [1:0] `, `unbound[1]: [1:0] `, RFC 5424's `unbound 1 - - [1:0] `.
    let end = memchr::memmem::find(rest, b"] ").filter(|end| *end < 64)?;
    let end = match rest.get(end + 2) {
        Some(b'[') => end + 2 + memchr::memmem::find(rest.get(end + 2..)?, b"] ")?,
        _ => end,
    };
    let (tag, after) = rest.split_at(end);
    let numbers = tag.get(memchr::memrchr(b'[', tag)? + 1..)?;
    let is_thread = |byte: &u8| byte.is_ascii_hexdigit() || *byte == b':';
    if memchr::memchr(b':', numbers).is_none() || !numbers.iter().all(is_thread) {
        return None;
    }
    let after = after.get(2..)?;
    let colon = memchr::memchr(b':', after)?;
    let (level, message) = after.split_at(colon);
    let is_word = !level.is_empty() && level.iter().all(u8::is_ascii_lowercase);
    is_word.then(|| (header, level, message.get(1..).unwrap_or_default().trim_ascii()))
}

/// The same of a line that names no program, as some collectors keep it: `[16667:1] info: `.
fn without_name(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let end = memchr::memmem::find(text, b"] ").filter(|end| *end < 120)?;
    let start = memchr::memrchr(b'[', text.get(..end)?)?;
    let (process, thread) = {
        let numbers = text.get(start + 1..end)?;
        numbers.split_at(memchr::memchr(b':', numbers)?)
    };
    let is_number = |raw: &[u8]| value::number::<u32>(raw).is_some();
    let rest = text.get(end + 2..)?;
    let (level, message) = rest.split_at(memchr::memchr(b':', rest)?);
    let is_known = is_number(process)
        && thread.get(1..).is_some_and(is_number)
        && matches!(level, b"info" | b"query" | b"reply");
    is_known.then(|| {
        (
            text.get(..start).unwrap_or_default(),
            level,
            message.get(1..).unwrap_or_default().trim_ascii(),
        )
    })
}

/// `[1764130501] ` in front, as the daemon's own file has it.
fn own_time(header: &[u8]) -> Stamp {
    let seconds = header
        .trim_ascii()
        .strip_suffix(b"]")
        .and_then(|header| header.get(memchr::memrchr(b'[', header)? + 1..));
    seconds.and_then(value::epoch).map_or(Stamp::None, Stamp::Instant)
}

/// `10.1.2.3@5353`.
fn client_at_port(words: &Columns<'_, '_>, at: usize) -> Option<Party> {
    let word = words.get(at)?;
    memchr::memchr(b'@', word)?;
    value::address_and_port(word, b'@').map(Party::from)
}

/// `name TYPE CLASS` from this word on.
fn question<'l>(words: &Columns<'_, 'l>, at: usize, client: Party) -> Option<Record<'l>> {
    let (name, kind) = (words.get(at)?, words.get(at + 1)?);
    let is_class = words.get(at + 2).is_some_and(|class| {
        matches!(class, b"IN" | b"CH" | b"HS" | b"ANY") || class.starts_with(b"CLASS")
    });
    let query_type = value::dns_type(kind)?;
    if !is_class {
        return None;
    }
    let mut record = Record::new(Kind::Dns);
    record.client = client;
    record.add_name(name);
    record.dns_mut().query_type = Some(query_type);
    Some(record)
}

/// `client name TYPE CLASS [RCODE seconds cached size]`.
fn question_or_reply<'l>(words: &Columns<'_, 'l>) -> Option<Record<'l>> {
    let client = Party::of(Some(value::address(words.get(0)?)?));
    let mut record = question(words, 1, client)?;
    if let Some(code) = words.get(4).and_then(value::dns_code) {
        record.set_response(code);
    }
    Some(record)
}

/// `[[log-name]] [zone] ACTION client@port name TYPE CLASS`.
fn local_action<'l>(words: &Columns<'_, 'l>, at: usize, is_rpz: bool) -> Option<Record<'l>> {
    let action = words.get(at.checked_sub(1)?)?;
    let zone = at.checked_sub(2).and_then(|at| words.get(at));
    let mut record = question(words, at + 1, client_at_port(words, at)?)?;
    (record.action, record.cause) = match action {
        b"rpz-passthru" => (Action::Allow, None),
        _ if is_rpz && action != b"rpz-disabled" => (Action::Deny, Some(Cause::DnsFiltered)),
        b"refuse" | b"always_refuse" => (Action::Deny, Some(Cause::DnsRefused)),
        b"always_null" => (Action::Deny, Some(Cause::DnsSinkhole)),
        b"deny" | b"static" | b"always_nxdomain" | b"always_nodata" | b"always_deny"
        | b"inform_deny" | b"block_a" => (Action::Deny, Some(Cause::DnsFiltered)),
        _ => (Action::Other, None),
    };
    record.decider.rule = Some(Cow::Borrowed(action));
    record.decider.category = zone.map(Cow::Borrowed);
    if is_rpz {
        let list = at.checked_sub(3).and_then(|at| words.get(at));
        record.decider.policy = list.map(Cow::Borrowed);
    }
    Some(record)
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = "\
[1764130500] unbound[812:0] info: 10.1.2.3 www.example.com. A IN
Nov 26 04:15:01 gw unbound[812]: [812:1f] reply: 10.1.2.3 www.example.com. A IN NOERROR 0.020000 0 49
Nov 26 04:15:02 gw unbound: [812:0] info: example.net. always_nxdomain 10.1.2.3@5353 a.example.net. AAAA IN
<30>1 2025-11-26T04:15:03Z gw unbound 812 - - [812:0] info: rpz: applied [ads] b.example.com. rpz-drop 10.1.2.3@5353 b.example.com. A IN
[1764130504] unbound[812:0] info: rpz: applied [ads] c.example.com. rpz-passthru 10.1.2.3@5353 c.example.com. A IN
[1764130505] unbound[812:0] info: server stats for thread 0: 3 queries, 2 answers from cache
[1764130506] unbound[812:0] info: 10.1.2.3 cut.exam
[1764130507] unbound[812:0] reply: 2001:db8::7 d.example.com. HTTPS IN SERVFAIL 5.000000 0 31
[1764130508] sshd[1:2] info: unbound 10.1.2.3 www.example.com. A IN
";

    #[test]
    fn questions_replies_and_policies() {
        let expected = [
            "1 other dns - 10.1.2.3 - www.example.com 2025-11-26T04:15:00Z",
            "2 allow dns - 10.1.2.3 - www.example.com --11-26T04:15:01",
            "3 deny dns - 10.1.2.3#5353 - a.example.net --11-26T04:15:02 dns_filtered",
            "4 deny dns - 10.1.2.3#5353 - b.example.com 2025-11-26T04:15:03Z dns_filtered",
            "5 allow dns - 10.1.2.3#5353 - c.example.com 2025-11-26T04:15:04Z",
            "8 other dns - 2001:db8::7 - d.example.com 2025-11-26T04:15:07Z dns_servfail",
        ];
        assert_eq!(records_of("unbound", LOG), expected);
    }

    #[test]
    fn the_name_of_the_program_may_be_missing() {
        let read = |line: &str| crate::logs::test_support::read(&[line]).remove(0);
        let line = "[16667:1] info: 10.1.2.3 www.example.com. A IN REFUSED 0.000000 0 55";
        assert_eq!(read(line), "unbound deny dns - 10.1.2.3 - www.example.com - dns_refused");
        assert_eq!(read("[16667:1] info: service stopped (unbound 1.19)."), "unknown");
        assert_eq!(read("[16667] info: 10.1.2.3 www.example.com. A IN"), "unknown");
    }
}
