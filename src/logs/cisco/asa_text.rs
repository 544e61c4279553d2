//! The texts of ASA's messages, by their numbers.

use std::borrow::Cow;

use super::super::record::{Action, Kind, Party, Protocol, Record};
use super::super::value;
use super::message::Words;
use super::ports;
use crate::observe::Cause;

/// Reads the text of the message with this number. `None` when the message tells of no attempt
/// or its text is not the one that its number stands for.
pub(super) fn record(number: u32, text: &[u8]) -> Option<Record<'_>> {
    match number {
        302_013 | 302_015 | 302_303 | 302_305 => built(text),
        302_014 | 302_016 | 302_304 | 302_306 => teardown(text),
        106_100 | 106_102 | 106_103 => access_list(text),
        302_020 | 302_021 => icmp(text),
        304_001 => accessed(text),
        304_002 => access_denied(text),
        338_001..=338_299 => dynamic_filter(text),
        410_001 => dns_dropped(text),
        106_002 => outbound_list(text),
        106_001 | 106_015 => with_flags(text, number),
        106_006
        | 106_007
        | 106_010
        | 106_012
        | 106_014
        | 106_016..=106_018
        | 106_020..=106_023
        | 313_004
        | 419_001
        | 420_002
        | 421_001
        | 434_002
        | 710_003
        | 710_005
        | 710_006 => between(text, Action::Deny),
        710_002 => between(text, Action::Allow),
        419_002 | 710_001 => between(text, Action::Other),
        _ => None,
    }
}

/// `… PROTO … from|src A to|dst B …`, perhaps with `by access-group "list"` behind it.
fn between(text: &[u8], action: Action) -> Option<Record<'_>> {
    let mut words = Words::of(text);
    let mut record = Record::new(Kind::Traffic);
    record.action = action;
    record.protocol = protocol_before(&mut words, &[b"from", b"src"])?;
    let mut client = words.next()?;
    // 313004 says on which side the address is.
    if matches!(client, b"laddr" | b"faddr") {
        client = words.next()?;
    }
    record.client = endpoint(client).party;
    let server = endpoint(words.after(&[b"to", b"dst"])?);
    add_server(&mut record, &server);
    if record.protocol.is_some_and(is_icmp) {
        record.server.port = None;
    }
    record.decider.rule = words.after(&[b"access-group"]).map(|list| {
        let list = list.strip_prefix(b"\"").unwrap_or(list);
        Cow::Borrowed(list.strip_suffix(b"\"").unwrap_or(list))
    });
    is_attempt(&record).then_some(record)
}

/// `Built inbound|outbound TCP connection N for A (mapped) to B (mapped)`: the first is the
/// server of an outbound connection and the client of an inbound one.
fn built(text: &[u8]) -> Option<Record<'_>> {
    let mut words = Words::of(text);
    let is_outbound = match (words.next()?, words.next()?) {
        (b"Built", b"outbound") => true,
        (b"Built", b"inbound") => false,
        _ => return None,
    };
    let (protocol, first, second) = pair(&mut words)?;
    let (client, server) = if is_outbound { (second, first) } else { (first, second) };
    let mut record = Record::new(Kind::Traffic);
    record.action = Action::Allow;
    record.protocol = protocol;
    record.client = client.party;
    add_server(&mut record, &server);
    is_attempt(&record).then_some(record)
}

/// `Teardown TCP connection N for A to B duration … bytes N reason`. It does not say who the
/// client was; a server has the lower port.
fn teardown(text: &[u8]) -> Option<Record<'_>> {
    let mut words = Words::of(text);
    let (protocol, first, second) = pair(&mut words)?;
    let port = |endpoint: &Endpoint<'_>| endpoint.party.port.unwrap_or(u16::MAX);
    let is_first = port(&first) < port(&second);
    let (client, server) = if is_first { (second, first) } else { (first, second) };
    let mut record = Record::new(Kind::Traffic);
    record.protocol = protocol;
    record.client = client.party;
    add_server(&mut record, &server);
    words.after(&[b"bytes"]);
    let reason = words.rest.trim_ascii();
    record.decider.reason = (!reason.is_empty()).then_some(Cow::Borrowed(reason));
    is_attempt(&record).then_some(record)
}

/// `… PROTO connection N for A … to B …`.
fn pair<'l>(words: &mut Words<'l>) -> Option<(Option<Protocol>, Endpoint<'l>, Endpoint<'l>)> {
    let protocol = protocol_before(words, &[b"for"])?;
    let first = endpoint(words.next()?);
    let second = endpoint(words.after(&[b"to"])?);
    Some((protocol, first, second))
}

/// `access-list NAME denied PROTO if/A(p) -> if/B(p) hit-cnt n …`.
fn access_list(text: &[u8]) -> Option<Record<'_>> {
    let mut words = Words::of(text);
    let (b"access-list", name) = (words.next()?, words.next()?) else { return None };
    let mut record = Record::new(Kind::Traffic);
    record.action = match words.next()? {
        b"denied" => Action::Deny,
        b"permitted" | b"est-allowed" => Action::Allow,
        _ => return None,
    };
    record.protocol = value::protocol(words.next()?);
    let mut client = words.next()?;
    loop {
        match words.next()? {
            b"->" => break,
            // `(DOMAIN\user)` may stand between.
            word if word.starts_with(b"(") => {}
            word => client = word,
        }
    }
    record.client = bracketed(client).party;
    add_server(&mut record, &bracketed(words.next()?));
    if record.protocol.is_some_and(is_icmp) {
        record.server.port = None;
    }
    record.decider.rule = Some(Cow::Borrowed(name));
    is_attempt(&record).then_some(record)
}

/// A denied segment of TCP whose flags stand at the end: `… flags FIN ACK  on interface inside`. 106015 is
/// that of no connection, whatever its flags.
fn with_flags(text: &[u8], number: u32) -> Option<Record<'_>> {
    let mut record = between(text, Action::Deny)?;
    let mut words = Words::of(text);
    let flags = words.after(&[b"flags"]).map(|first| {
        let end = memchr::memmem::find(words.rest, b" on ").unwrap_or(words.rest.len());
        let rest = words.rest.get(..end).unwrap_or_default();
        let mut bits = value::ControlBits::parse(rest).unwrap_or_default();
        bits.add(first);
        bits
    });
    record.note_control_bits(flags);
    if number == 106_015 {
        record.is_out_of_state = true;
    }
    Some(record)
}

/// `udp connection denied by outbound list 30 src 192.0.2.1 138 dest 198.51.100.2 138`.
fn outbound_list(text: &[u8]) -> Option<Record<'_>> {
    let mut words = Words::of(text);
    let mut record = Record::new(Kind::Traffic);
    record.action = Action::Deny;
    record.protocol = value::protocol(words.next()?);
    record.decider.rule = words.after(&[b"list"]).map(Cow::Borrowed);
    record.client = Party::parse(words.after(&[b"src"]), words.peek());
    record.server = Party::parse(words.after(&[b"dest"]), words.peek());
    is_attempt(&record).then_some(record)
}

/// `Built inbound ICMP connection for faddr F/n gaddr G/n laddr L/n`: `faddr` is the host beyond
/// the firewall, `laddr` the one behind it.
fn icmp(text: &[u8]) -> Option<Record<'_>> {
    let mut words = Words::of(text);
    let verb = words.next()?;
    let is_outbound = words.next()? == b"outbound";
    let foreign = endpoint(words.after(&[b"faddr"])?).party.address;
    let local = endpoint(words.after(&[b"laddr"])?).party.address;
    let (client, server) = if is_outbound { (local, foreign) } else { (foreign, local) };
    let mut record = Record::new(Kind::Traffic);
    record.action = if verb == b"Built" { Action::Allow } else { Action::Other };
    record.protocol = Some(Protocol::ICMP);
    record.client = Party::of(client);
    record.server = Party::of(server);
    is_attempt(&record).then_some(record)
}

/// `[user@]S Accessed URL D:url`.
fn accessed(text: &[u8]) -> Option<Record<'_>> {
    let mut words = Words::of(text);
    let source = words.next()?;
    let target = words.after(&[b"URL"])?;
    let source = source.get(memchr::memrchr(b'@', source).map_or(0, |at| at + 1)..)?;
    let (destination, url) = match memchr::memmem::find(target, b"://") {
        Some(at) => target.split_at(memchr::memrchr(b':', target.get(..at)?)?),
        None => target.split_at(memchr::memchr(b':', target)?),
    };
    let mut record = Record::new(Kind::Http);
    record.action = Action::Allow;
    record.protocol = Some(Protocol::TCP);
    record.client = Party::of(value::address(source));
    record.server = Party::of(value::address(destination));
    record.add_url(url.get(1..)?);
    is_attempt(&record).then_some(record)
}

/// `Access denied URL url SRC S DEST D`.
fn access_denied(text: &[u8]) -> Option<Record<'_>> {
    let mut words = Words::of(text);
    let url = words.after(&[b"URL"])?;
    let mut record = Record::new(Kind::Http);
    record.action = Action::Deny;
    record.cause = Some(Cause::UrlFiltered);
    record.protocol = Some(Protocol::TCP);
    record.client = endpoint(words.after(&[b"SRC"])?).party;
    record.server = endpoint(words.after(&[b"DEST"])?).party;
    record.add_url(url);
    is_attempt(&record).then_some(record)
}

/// `Dynamic filter dropped blacklisted TCP traffic from A (mapped) to B (mapped), destination X
/// resolved from dynamic list: name, threat-level: high, category: Malware`.
fn dynamic_filter(text: &[u8]) -> Option<Record<'_>> {
    let verb = Words::of(text).after(&[b"filter", b"Filter"])?;
    let action = match verb {
        b"dropped" | b"denied" => Action::Deny,
        _ => Action::Allow,
    };
    let mut record = between(text, action)?;
    let mut words = Words::of(text);
    let is_destination = loop {
        match words.next() {
            Some(b"destination") => break true,
            Some(b"source") | None => break false,
            Some(_) => {}
        }
    };
    if is_destination && let Some(name) = words.after(&[b"list:"]) {
        record.add_name(name.strip_suffix(b",").unwrap_or(name));
    }
    let category = words.after(&[b"threat-level:"]).and(memchr::memmem::rfind(text, b"category: "));
    record.decider.category = category.and_then(|at| text.get(at + 10..)).map(Cow::Borrowed);
    Some(record)
}

/// `Dropped UDP DNS request|reply from A to B; why`. A reply runs from the resolver.
fn dns_dropped(text: &[u8]) -> Option<Record<'_>> {
    let mut record = between(text, Action::Deny)?;
    record.kind = Kind::Dns;
    record.cause = Some(Cause::DnsFiltered);
    if Words::of(text).nth(3) == Some(b"reply") {
        std::mem::swap(&mut record.client, &mut record.server);
    }
    if let Some(at) = memchr::memchr(b';', text) {
        record.decider.reason = text.get(at + 1..).map(|why| Cow::Borrowed(why.trim_ascii()));
    }
    Some(record)
}

/// One side of a connection: an address, or the name of an object that stands for one.
#[derive(Clone, Copy, Default)]
struct Endpoint<'l> {
    party: Party,
    name: Option<&'l [u8]>,
}

/// `if:A/p`, `A/p`, `if:A` or `(A)`, with a user in brackets behind it or without. The address
/// may be the name of an object and the port a name.
fn endpoint(raw: &[u8]) -> Endpoint<'_> {
    if let Some((party, b"" | b"," | b";" | b"." | [b'(', ..])) = usual(raw, b':', b'/') {
        return Endpoint { party, name: None };
    }
    any_endpoint(raw)
}

fn any_endpoint(raw: &[u8]) -> Endpoint<'_> {
    let raw = match raw {
        [inner @ .., b',' | b';' | b'.'] => inner,
        _ => raw,
    };
    let raw = match raw.strip_prefix(b"(") {
        Some(inner) => inner.get(..memchr::memchr(b')', inner).unwrap_or(inner.len())),
        None => raw.get(..memchr::memchr(b'(', raw).unwrap_or(raw.len())),
    };
    let raw = raw.unwrap_or_default();
    let (host, port) = match memchr::memrchr(b'/', raw) {
        Some(at) => (raw.get(..at).unwrap_or_default(), raw.get(at + 1..).unwrap_or_default()),
        None => (raw, &b""[..]),
    };
    let port = value::port(port).or_else(|| ports::by_name(port));
    if let Some(address) = value::address(host) {
        return Endpoint { party: Party { address: Some(address), port }, name: None };
    }
    let Some(at) = memchr::memchr(b':', host) else {
        return Endpoint { party: Party { address: None, port }, name: object(host) };
    };
    let (before, behind) = host.split_at(at);
    let behind = behind.get(1..).unwrap_or_default();
    // An interface stands before the colon; in one message a remark behind it.
    let address = value::address(behind).or_else(|| value::address(before));
    let name = if address.is_none() { object(behind) } else { None };
    Endpoint { party: Party { address, port }, name }
}

/// `if/A(p)`, perhaps with a user in brackets behind it.
fn bracketed(raw: &[u8]) -> Endpoint<'_> {
    if let Some((party, [b')', ..])) = usual(raw, b'/', b'(') {
        return Endpoint { party, name: None };
    }
    any_bracketed(raw)
}

fn any_bracketed(raw: &[u8]) -> Endpoint<'_> {
    let open = memchr::memchr(b'(', raw).unwrap_or(raw.len());
    let (host, behind) = raw.split_at(open);
    let host = host.get(memchr::memrchr(b'/', host).map_or(0, |at| at + 1)..).unwrap_or_default();
    let inner = behind.get(1..).unwrap_or_default();
    let port = inner.get(..memchr::memchr(b')', inner).unwrap_or_default()).unwrap_or_default();
    let port = value::port(port).or_else(|| ports::by_name(port));
    let address = value::address(host);
    let name = if address.is_none() { object(host) } else { None };
    Endpoint { party: Party { address, port }, name }
}

/// What nearly all endpoints look like, read in one go: an interface, a sign, an IPv4 address,
/// another sign and a port; with what follows.
fn usual(raw: &[u8], before_address: u8, before_port: u8) -> Option<(Party, &[u8])> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let interface = raw.iter().position(|byte| !is_part(byte))?;
    let rest = raw.get(interface..)?.strip_prefix(&[before_address])?;
    let (address, rest) = value::leading_v4(rest)?;
    let rest = rest.strip_prefix(&[before_port])?;
    let length = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let (port, rest) = rest.split_at(length);
    Some((Party { address: Some(address), port: Some(value::port(port)?) }, rest))
}

/// The name of an object in an address's place; four single characters are a mask.
fn object(raw: &[u8]) -> Option<&[u8]> {
    let is_mask = raw.split(|byte| *byte == b'.').all(|label| label.len() < 2);
    (raw.first()?.is_ascii_alphanumeric() && !is_mask && value::address(raw).is_none())
        .then_some(raw)
}

fn add_server<'l>(record: &mut Record<'l>, server: &Endpoint<'l>) {
    record.server = server.party;
    if let Some(name) = server.name {
        record.add_name(name);
    }
}

/// The protocol that stands before the first of `keys`, which is taken too.
fn protocol_before(words: &mut Words<'_>, keys: &[&[u8]]) -> Option<Option<Protocol>> {
    let mut protocol = None;
    loop {
        let word = words.next()?;
        if keys.contains(&word) {
            return Some(protocol);
        }
        protocol = protocol.or_else(|| quick_protocol(word));
    }
}

fn quick_protocol(word: &[u8]) -> Option<Protocol> {
    match word {
        b"TCP" | b"tcp" => Some(Protocol::TCP),
        b"UDP" | b"udp" => Some(Protocol::UDP),
        b"Deny" | b"connection" | b"inbound" | b"Teardown" => None,
        word => value::protocol(word),
    }
}

fn is_icmp(protocol: Protocol) -> bool {
    matches!(protocol.0, 1 | 58)
}

/// Whether the message says where the attempt went.
fn is_attempt(record: &Record<'_>) -> bool {
    record.server.address.is_some() || record.server.port.is_some() || !record.names.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(endpoint: &Endpoint<'_>) -> (Party, Option<Vec<u8>>) {
        (endpoint.party, endpoint.name.map(<[u8]>::to_vec))
    }

    proptest! {
        /// What is read in one go is what is read part by part.
        #[test]
        fn usual_endpoints_are_no_others(
            raw in "(in-1|fe|a|)[:/]?(10\\.1\\.2\\.(3|300)|obj)[/(:]?[0-9]{0,6}[a.,;:)(/]{0,3}[a-z1/(]{0,3}"
        ) {
            let raw = raw.as_bytes();
            prop_assert_eq!(parts(&endpoint(raw)), parts(&any_endpoint(raw)));
            prop_assert_eq!(parts(&bracketed(raw)), parts(&any_bracketed(raw)));
        }
    }

    #[test]
    fn icmp_without_a_session_may_say_on_which_side_its_source_is() {
        let read = |line: &str| crate::logs::test_support::read(&[line]).remove(0);
        for from in ["laddr 10.1.2.3", "10.1.2.3"] {
            let line = format!(
                "%ASA-4-313004: Denied ICMP type=0, from {from} on interface inside to 203.0.113.9: no matching session"
            );
            assert!(
                read(&line).contains("deny traffic icmp 10.1.2.3 203.0.113.9"),
                "{}",
                read(&line)
            );
        }
    }
}
