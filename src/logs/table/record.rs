//! What a row of an export says of an attempt.

use std::borrow::Cow;

use super::roles::Role;
use super::time;
use crate::logs::cef_event;
use crate::logs::record::{Action, Decider, Kind, Record};
use crate::logs::stamp::Stamp;
use crate::logs::value;

/// A value of a row, by what it is.
pub(super) type Cell<'l> = (Role, Cow<'l, [u8]>);

/// How a row states time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// Whether the title says that times are in UTC.
    pub(super) is_utc: bool,
    /// Whether the day stands before the month, where that is known.
    pub(super) day_first: Option<bool>,
}

/// The record of a row; `None` where it tells of no attempt: no name and no server, or nothing of what
/// became of it.
pub(super) fn record<'l>(cells: &[Cell<'l>], clock: Clock) -> Option<Record<'l>> {
    let all = |role: Role| {
        cells.iter().filter(move |(of, _)| *of == role).filter_map(|(_, text)| stated(text))
    };
    let first = |role: Role| all(role).next();
    let mut record = Record::new(Kind::Traffic);
    let query_type = first(Role::QueryType).and_then(|raw| value::dns_type(&raw));
    let code = all(Role::Status).find_map(|raw| code_of(&raw));
    if let Some(name) = first(Role::Question) {
        record.kind = Kind::Dns;
        record.add_name(name);
    }
    for url in all(Role::Url) {
        record.kind = if record.kind == Kind::Dns { Kind::Dns } else { Kind::Http };
        add_url(&mut record, url);
    }
    for (role, kind) in [(Role::Sni, Kind::Tls), (Role::Name, Kind::Http)] {
        for name in all(role).filter(|name| cef_event::is_qualified(name)) {
            if record.add_name(name) && record.kind == Kind::Traffic {
                record.kind = kind;
            }
        }
    }
    for server in all(Role::Server) {
        if let Some((address, port)) = value::socket(&server) {
            record.server.address = record.server.address.or(Some(address));
            record.server.port = record.server.port.or(port);
        } else if cef_event::is_qualified(&server)
            && record.add_name(server)
            && record.kind == Kind::Traffic
        {
            record.kind = Kind::Http;
        }
    }
    if query_type.is_some() && !record.names.is_empty() && all(Role::Url).next().is_none() {
        record.kind = Kind::Dns;
    }
    record.client.address =
        all(Role::Client).find_map(|raw| value::socket(&raw).map(|(address, _)| address));
    record.client.port = first(Role::ClientPort).and_then(|raw| value::port(&raw));
    if let Some(port) = first(Role::ServerPort).and_then(|raw| value::port(&raw)) {
        record.server.port = Some(port);
    }
    if record.server.port.is_none() && matches!(record.kind, Kind::Http | Kind::Tls) {
        // Exports of web filters leave the port out: it is that of what the device saw.
        let words = || all(Role::Protocol).chain(all(Role::Application));
        let is_clear = |word: Cow<'_, [u8]>| value::is_one_of(&word, &["http", "web-browsing"]);
        let is_clear = record.kind == Kind::Http && words().any(is_clear);
        record.server.port = Some(if is_clear { 80 } else { 443 });
    }
    record.protocol = all(Role::Protocol).find_map(|raw| value::protocol(&raw));
    let is_connect = first(Role::Method).is_some_and(|method| *method == *b"CONNECT");
    record.proxied = is_connect;
    if record.kind == Kind::Dns {
        record.server = crate::logs::record::Party::default();
        record.proxied = false;
        record.dns_mut().query_type = query_type;
        if let Some(code) = code {
            record.set_response(code);
        }
    }
    let told = action(cells);
    if told != Some(Action::Other) || record.kind != Kind::Dns || code.is_none() {
        record.action = told.unwrap_or(record.action);
        if record.kind == Kind::Dns && told.is_some_and(|told| told == Action::Deny) {
            record.cause = None;
        }
    }
    if told.is_none() && code.is_none() && first(Role::Status).is_none() {
        return None;
    }
    record.bytes_back = first(Role::BytesBack).and_then(|raw| value::number(&raw));
    if record.kind != Kind::Dns {
        if let Some(status) = first(Role::Status).and_then(|raw| value::number(&raw)) {
            record.note_status(status, is_connect);
        }
        let bits = first(Role::ControlBits).and_then(|raw| value::ControlBits::parse(&raw));
        record.note_control_bits(bits);
    }
    record.stamp = stamp(cells, clock);
    record.decider = Decider {
        rule: first(Role::Rule),
        policy: first(Role::Policy),
        category: first(Role::Category),
        reason: first(Role::Reason),
    };
    (!record.names.is_empty() || record.server.address.is_some()).then_some(record)
}

/// What the row says was done, the gravest of all that it says: an export may have the verdict of a session
/// beside that of the filter which ended it.
fn action(cells: &[Cell<'_>]) -> Option<Action> {
    let mut found = None;
    for (role, text) in cells {
        let Some(text) = stated(text) else { continue };
        let said = match role {
            Role::Action => word(&text),
            // A resolver's own status says more than a code.
            Role::Status if code_of(&text).is_none() && value::number::<u32>(&text).is_none() => {
                word(&text)
            }
            Role::IsBlocked if value::is_one_of(&text, &["true", "yes", "1", "blocked"]) => {
                Action::Deny
            }
            Role::IsBlocked => Action::Allow,
            Role::Reason if text.starts_with(b"Filtered") => Action::Deny,
            Role::Reason if text.starts_with(b"NotFiltered") => Action::Allow,
            _ => continue,
        };
        let rank = |action: Action| match action {
            Action::Deny => 3,
            Action::Reset => 2,
            Action::Allow => 1,
            Action::Other => 0,
        };
        found =
            Some(found.map_or(said, |known| if rank(said) > rank(known) { said } else { known }));
    }
    found
}

/// What a word of an action means. Beyond what devices call it: Pi-hole's states of a question, NextDNS' and
/// Zscaler's phrases.
fn word(text: &[u8]) -> Action {
    const BLOCKED: &[&str] = &[
        "gravity",
        "gravity_cname",
        "regex",
        "regex_cname",
        "denylist",
        "denylist_cname",
        "blacklist",
        "blacklist_cname",
        "external_blocked_ip",
        "external_blocked_null",
        "external_blocked_nxra",
        "external_blocked_ede15",
        "special_domain",
        "sinkhole",
        "sinkholed",
        "quarantine",
        "failure",
        "not allowed",
    ];
    const PASSED: &[&str] = &[
        "cache",
        "cache_stale",
        "retried",
        "retried_dnssec",
        "ok",
        "continue",
        "proceed",
        "whitelisted",
        "allowlisted",
        "connectionsuccess",
        "not blocked",
    ];
    let text = text.trim_ascii();
    if value::is_one_of(text, PASSED) {
        return Action::Allow;
    }
    let is_phrase = |phrase: &&str| {
        text.get(..phrase.len()).is_some_and(|start| start.eq_ignore_ascii_case(phrase.as_bytes()))
    };
    if value::is_one_of(text, BLOCKED) || ["not allowed", "connectionfailed"].iter().any(is_phrase)
    {
        return Action::Deny;
    }
    cef_event::verdict(text)
}

/// A response code of DNS by its name; numbers may be anything.
fn code_of(raw: &[u8]) -> Option<u16> {
    raw.iter().all(u8::is_ascii_alphabetic).then(|| value::dns_code(raw)).flatten()
}

fn stamp(cells: &[Cell<'_>], clock: Clock) -> Stamp {
    let mut texts = cells.iter().filter(|(role, _)| *role == Role::Time).map(|(_, text)| text);
    let date = cells.iter().find(|(role, _)| *role == Role::Date).map(|(_, text)| text);
    let found = texts
        .find_map(|text| match date {
            Some(date) => {
                let beside = || value::date_beside_clock(date, text).map(Stamp::NoZone);
                time::stamp(text, clock.day_first).or_else(beside)
            }
            None => time::stamp(text, clock.day_first),
        })
        .or_else(|| time::stamp(date?, clock.day_first));
    match found {
        Some(stamp) if clock.is_utc => stamp.in_utc(),
        Some(stamp) => stamp,
        None => Stamp::None,
    }
}

/// Adds what a column of URLs holds; of a bare path there is nothing to add.
fn add_url<'l>(record: &mut Record<'l>, url: Cow<'l, [u8]>) {
    let has_host = value::Url::parse(&url)
        .is_some_and(|url| url.scheme.is_some() || memchr::memchr(b'.', url.host).is_some());
    if has_host && !url.starts_with(b"/") {
        record.add_url(url);
    }
}

fn stated<'l>(text: &Cow<'l, [u8]>) -> Option<Cow<'l, [u8]>> {
    (!value::is_placeholder(text)).then(|| text.clone())
}
