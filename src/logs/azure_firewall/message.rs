//! The free text of Azure Firewall's diagnostic logs.

use std::borrow::Cow;

use super::{action, kind};
use crate::logs::record::{Action, Decider, Kind, Record};
use crate::logs::value;
use crate::observe::Cause;

/// Fills the record from a message. With `by_protocol` the protocol tells the kind of traffic:
/// the lines of network rules call a connection `HTTP` too. Returns whether it is a message
/// about an attempt; a name in its later parts (`Failed to resolve address …`) is none of the
/// destination.
pub(super) fn read(text: &[u8], by_protocol: bool, record: &mut Record<'_>) -> bool {
    if let Some(rest) = text.strip_prefix(b"DNS Request: ") {
        return read_dns(rest, record);
    }
    const REQUEST: &[u8] = b" request from ";
    let Some(at) = memchr::memmem::find(text, REQUEST) else { return false };
    let (before, rest) = text.split_at(at);
    // `HTTP `, `ICMP Type=8`
    let protocol = before.split(|byte| *byte == b' ').next().unwrap_or_default();
    let is_word = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_alphanumeric);
    if !is_word(protocol) || before.len() > 24 {
        return false;
    }
    let rest = rest.get(REQUEST.len()..).unwrap_or_default();
    let mut words = rest.split(|byte| *byte == b' ');
    let Some(client) = words.next().and_then(end) else { return false };
    let Some(client) = value::socket(client) else { return false };
    record.client = client.into();
    record.protocol = value::protocol(protocol);
    if by_protocol {
        record.kind = kind(protocol);
    }
    if words.next() == Some(b"to") {
        let Some(server) = words.next().and_then(end) else { return false };
        match value::socket(server) {
            Some(server) => record.server = server.into(),
            None => {
                record.add_url(server.to_vec());
            }
        }
    }
    let is_translated = memchr::memmem::find(rest, b" was DNAT'ed to ").is_some();
    record.action = match field(rest, "Action") {
        Some(word) => action(word),
        None if is_translated => Action::Allow,
        // The text is cut, or of another kind.
        None => return false,
    };
    let own = |key: &str| field(rest, key).map(|value| Cow::Owned(value.to_vec()));
    record.decider = Decider {
        rule: own("Rule").or_else(|| own("Signature")),
        policy: own("Rule Collection").or_else(|| own("Policy")),
        category: own("Web Category").or_else(|| own("ThreatIntel")).or_else(|| own("IDS")),
        reason: own("Reason").or_else(|| {
            let is_default = memchr::memmem::find(rest, b"No rule matched").is_some();
            is_default.then_some(Cow::Borrowed(&b"No rule matched"[..]))
        }),
    };
    let is_by_category = record.action == Action::Deny && field(rest, "Web Category").is_some();
    record.cause = is_by_category.then_some(Cause::UrlFiltered);
    true
}

/// `S:p - id TYPE CLASS name. proto size do bufsize RCODE flags size duration`
fn read_dns(rest: &[u8], record: &mut Record<'_>) -> bool {
    let mut words = rest.split(|byte| *byte == b' ');
    let client = words.next().and_then(value::socket);
    let (Some(client), Some(b"-")) = (client, words.next()) else { return false };
    record.kind = Kind::Dns;
    record.client = client.into();
    let query_type = words.nth(1).and_then(value::dns_type);
    record.dns_mut().query_type = query_type;
    let Some(name) = words.nth(1) else { return false };
    record.add_name(name.to_vec());
    record.protocol = words.next().and_then(value::protocol);
    let code = words.nth(3).and_then(value::dns_code);
    if let Some(code) = code {
        record.set_response(code);
    }
    true
}

/// A word without the full stop of its sentence and an empty port.
fn end(word: &[u8]) -> Option<&[u8]> {
    let word = word.strip_suffix(b".").unwrap_or(word);
    let word = word.strip_suffix(b":").unwrap_or(word);
    (!word.is_empty()).then_some(word)
}

/// The value of `Key: value` behind a full stop, up to the next one that a blank follows.
fn field<'t>(text: &'t [u8], key: &str) -> Option<&'t [u8]> {
    let mut from = 0;
    loop {
        let at = from + memchr::memmem::find(text.get(from..)?, key.as_bytes())?;
        let before = text.get(..at)?;
        let after = text.get(at + key.len()..)?;
        if before.ends_with(b". ")
            && let Some(value) = after.strip_prefix(b": ")
        {
            let length = memchr::memmem::find(value, b". ").unwrap_or(value.len());
            let value = value.get(..length)?.trim_ascii();
            let dots = value.iter().rev().take_while(|byte| **byte == b'.').count();
            return value::stated(value.get(..value.len() - dots)?);
        }
        from = at + key.len();
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn messages_are_read_with_and_without_their_envelope() {
        let lines = "HTTPS request from 10.1.2.3:50123 to www.example.com:443. Action: Deny. Failed to resolve address other.example.com:443: lookup other.example.com on 10.1.0.53:53: no such host\n\
            HTTP  request from 10.1.2.3:50124 to www.example.com:80. Url: www.example.com/a.b. Action: Allow. Rule Collection: c. Rule: r\n\
            HTTPS request from 10.1.2.3:6065. Action: Deny. Reason: SNI TLS extension was missing.\n\
            ICMP request from 10.1.2.3: to 203.0.113.9:. Action: alert. Signature: 1\n\
            TCP request from 10.1.2.3:50125 to 203.0.113.9:3389 was DNAT'ed to 10.1.9.9:3389\n\
            DNS Request: 10.1.2.3:61248 - 6513 AAAA IN api.example.com. udp 43 false 512 NXDOMAIN qr,rd,ra 145 0.0028s\n\
            TCP request from 10.1.2.3:50126 to 203.0.113.9:44";
        assert_eq!(
            records(lines),
            [
                "1 azure-firewall deny tls - 10.1.2.3#50123 -#443 www.example.com -",
                "2 azure-firewall allow http - 10.1.2.3#50124 -#80 www.example.com -",
                "3 azure-firewall deny tls - 10.1.2.3#6065 - - -",
                "4 azure-firewall allow traffic icmp 10.1.2.3 203.0.113.9 - -",
                "5 azure-firewall allow traffic tcp 10.1.2.3#50125 203.0.113.9#3389 - -",
                "6 azure-firewall other dns udp 10.1.2.3#61248 - api.example.com - dns_nxdomain",
            ]
        );
    }
}
