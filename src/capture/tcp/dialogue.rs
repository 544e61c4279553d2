//! What the two sides of a TCP connection say to each other, until the outcome is known.

use super::http_exchange::{Exchange, Tunnel};
use super::socks_exchange::Socks;
use super::starttls;
use super::{Ending, EndingKind, TcpFlow};
use crate::capture::context::{Context, Moment};
use crate::capture::dissect::proxy_protocol::{self, ProxyHeader};
use crate::capture::dissect::{dns, http, tls};
use crate::capture::dns_transactions;
use crate::capture::flow_key::FlowKey;
use crate::capture::stream::Chunk;
use crate::observe::{AnomalyKind, Channel, Fact, NameId, NameSource, Outcome, Sink};

/// The most bytes of one direction that are held while a message is incomplete.
const MAX_HELD: usize = 64 * 1024;

/// TLS to this port carries DNS (RFC 7858 section 3.1).
const DNS_OVER_TLS_PORT: u16 = 853;
/// DNS over TCP (RFC 7766).
const DNS_PORT: u16 = 53;

/// Resolvers whose names mean that DNS goes over HTTPS (RFC 8484).
const DNS_OVER_HTTPS_NAMES: &[&[u8]] = &[
    b"chrome.cloudflare-dns.com",
    b"cloudflare-dns.com",
    b"dns.adguard-dns.com",
    b"dns.google",
    b"dns.nextdns.io",
    b"dns.quad9.net",
    b"doh.opendns.com",
    b"mozilla.cloudflare-dns.com",
    b"one.one.one.one",
];

/// How far the two sides have come.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The originator has said nothing that was recognised.
    #[default]
    Opening,
    /// A ClientHello has begun and its name is not there yet.
    TlsHello,
    /// The ClientHello is there; nothing of the handshake came back.
    TlsSent,
    /// The ServerHello is there.
    TlsServed,
    /// The originator went on after the ServerHello.
    TlsContinued,
    /// HTTP/1 requests and responses.
    Http,
    /// DNS messages.
    Dns,
    /// SOCKS, until its tunnel is open.
    Socks,
    /// A protocol in the clear that may change to TLS.
    Clear,
    /// A protocol that is not dissected.
    Opaque,
    /// Everything is known that will be; no payload is read any more.
    Settled,
}

/// The state of a conversation.
#[derive(Debug, Default)]
pub(super) struct Dialogue {
    pub(super) stage: Stage,
    /// The name in the TLS hello.
    pub(super) name: Option<NameId>,
    /// The packet that brought the hello.
    pub(super) hello: Option<Moment>,
    /// Status of an HTTP response that came in answer to a TLS hello.
    pub(super) foreign_status: Option<u16>,
    /// The CONNECT or SOCKS request whose tunnel this is.
    pub(super) tunnel: Option<Box<Tunnel>>,
    pub(super) exchange: Option<Box<Exchange>>,
    pub(super) socks: Option<Box<Socks>>,
    from_originator: Option<Box<Held>>,
    from_responder: Option<Box<Held>>,
    swapped: bool,
}

/// Bytes of an incomplete message.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    /// How many bytes must be there before it is worth looking again.
    needed: usize,
}

impl Dialogue {
    /// A conversation of which everything is known.
    pub(super) fn settled() -> Self {
        Self { stage: Stage::Settled, ..Self::default() }
    }

    /// Whether no payload needs to be read any more.
    #[inline]
    pub(super) fn is_settled(&self) -> bool {
        self.stage == Stage::Settled
    }

    /// Whether anything that was said has been recognised.
    pub(super) fn has_begun(&self) -> bool {
        self.stage != Stage::Opening || self.from_originator.is_some()
    }

    /// Whether the sides were exchanged since the last call.
    pub(super) fn take_swap(&mut self) -> bool {
        std::mem::take(&mut self.swapped)
    }

    /// By what means the name was tried.
    pub(super) const fn channel(&self) -> Channel {
        match self.stage {
            Stage::TlsHello | Stage::TlsSent | Stage::TlsServed | Stage::TlsContinued => {
                Channel::Tls
            }
            Stage::Http => Channel::Http,
            _ => Channel::Tcp,
        }
    }
}

/// Takes the next bytes, or a gap, of one side.
pub(super) fn deliver<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    chunk: Chunk<'_>,
    originates: bool,
    moment: Moment,
    context: &mut Context<S>,
) {
    match (chunk, originates) {
        (Chunk::Data(bytes), true) => originator_data(flow, key, bytes, moment, context),
        (Chunk::Data(bytes), false) => responder_data(flow, key, bytes, moment, context),
        (Chunk::Gap(_), true) => originator_gap(flow, key, moment, context),
        (Chunk::Gap(_), false) => responder_gap(flow, key, moment, context),
    }
}

/// The last look at a hello that will not become complete.
pub(super) fn give_up_waiting<S: Sink>(flow: &mut TcpFlow, context: &mut Context<S>) {
    if flow.dialogue.stage == Stage::TlsHello {
        flow.dialogue.from_originator = None;
        flow.dialogue.stage = Stage::TlsSent;
        context.counts.hello_cut += 1;
    }
}

/// Starts over inside a tunnel that a proxy has opened.
pub(super) fn enter_tunnel<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    tunnel: Tunnel,
    early: &[u8],
    moment: Moment,
    context: &mut Context<S>,
) {
    let dialogue = &mut flow.dialogue;
    dialogue.stage = Stage::Opening;
    dialogue.exchange = None;
    dialogue.socks = None;
    dialogue.from_originator = None;
    dialogue.from_responder = None;
    dialogue.tunnel = Some(Box::new(tunnel));
    if !early.is_empty() {
        responder_data(flow, key, early, moment, context);
    }
}

fn originator_data<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    bytes: &[u8],
    moment: Moment,
    context: &mut Context<S>,
) {
    match flow.dialogue.stage {
        Stage::Opening
        | Stage::TlsHello
        | Stage::Http
        | Stage::Dns
        | Stage::Socks
        | Stage::Clear => {
            let mut held = flow.dialogue.from_originator.take();
            let Some(prefix) = gather(&mut held, bytes) else {
                flow.dialogue.from_originator = held;
                return;
            };
            let verdict = match flow.dialogue.stage {
                Stage::Http => flow.requests(key, prefix, moment, context),
                Stage::Dns => dns_messages(flow, key, prefix, true, moment, context),
                Stage::Socks => flow.socks_client(prefix, moment, context),
                Stage::Clear => change_to_tls(flow, key, prefix, moment, context),
                _ => recognise(flow, key, prefix, moment, context),
            };
            let rest = keep(held, bytes, verdict);
            if !matches!(flow.dialogue.stage, Stage::Settled | Stage::Opaque) {
                flow.dialogue.from_originator = rest;
            }
        }
        Stage::TlsServed => {
            if matches!(tls::plaintext_alert(bytes), Some((tls::FATAL, _))) {
                note_ending(flow, EndingKind::OriginatorLeft, moment);
            } else {
                flow.dialogue.stage = Stage::TlsContinued;
            }
        }
        Stage::TlsSent | Stage::TlsContinued => {
            if matches!(tls::plaintext_alert(bytes), Some((tls::FATAL, _))) {
                note_ending(flow, EndingKind::OriginatorLeft, moment);
            }
        }
        Stage::Opaque | Stage::Settled => {}
    }
}

fn responder_data<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    bytes: &[u8],
    moment: Moment,
    context: &mut Context<S>,
) {
    match flow.dialogue.stage {
        Stage::Opening => {
            let asks = tls::looks_like_tls(bytes) == Some(true)
                || http::looks_like_request(bytes) == Some(true);
            if !flow.initiator_known && asks && flow.dialogue.tunnel.is_none() {
                flow.swap_sides();
                flow.dialogue.swapped = true;
                originator_data(flow, key, bytes, moment, context);
            } else if is_dns(flow, key) {
                flow.dialogue.stage = Stage::Dns;
                responder_data(flow, key, bytes, moment, context);
            }
        }
        Stage::TlsSent | Stage::TlsHello | Stage::Http | Stage::Dns | Stage::Socks => {
            let mut held = flow.dialogue.from_responder.take();
            let Some(prefix) = gather(&mut held, bytes) else {
                flow.dialogue.from_responder = held;
                return;
            };
            let verdict = match flow.dialogue.stage {
                Stage::Http => flow.responses(key, prefix, false, moment, context),
                Stage::Dns => dns_messages(flow, key, prefix, false, moment, context),
                Stage::Socks => flow.socks_proxy(key, prefix, moment, context),
                _ => answer_to_hello(flow, prefix, moment, context),
            };
            let rest = keep(held, bytes, verdict);
            if matches!(
                flow.dialogue.stage,
                Stage::TlsSent | Stage::TlsHello | Stage::Http | Stage::Dns | Stage::Socks
            ) {
                flow.dialogue.from_responder = rest;
            }
        }
        Stage::TlsServed | Stage::TlsContinued => {
            if let Some((level, description)) = tls::plaintext_alert(bytes) {
                if level == tls::FATAL {
                    note_ending(flow, EndingKind::Alert { level, description }, moment);
                }
            } else if flow.dialogue.stage == Stage::TlsContinued {
                tls_answered(flow, key, moment, context);
            }
        }
        Stage::Clear | Stage::Opaque | Stage::Settled => {}
    }
}

fn originator_gap<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    moment: Moment,
    context: &mut Context<S>,
) {
    match flow.dialogue.stage {
        Stage::TlsHello => give_up_waiting(flow, context),
        Stage::Http => {
            if let Some(held) = flow.dialogue.from_originator.take() {
                flow.last_request(key, &held.bytes, moment, context);
            }
        }
        Stage::Opening => {
            if let Some(held) = flow.dialogue.from_originator.take()
                && http::looks_like_request(&held.bytes) == Some(true)
            {
                flow.dialogue.stage = Stage::Http;
                flow.last_request(key, &held.bytes, moment, context);
            }
        }
        Stage::TlsServed => flow.dialogue.stage = Stage::TlsContinued,
        _ => flow.dialogue.from_originator = None,
    }
}

fn responder_gap<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    moment: Moment,
    context: &mut Context<S>,
) {
    match flow.dialogue.stage {
        Stage::TlsSent => {
            let held = flow.dialogue.from_responder.take();
            let begins_handshake = held.is_none_or(|held| {
                tls::record_kind(&held.bytes) == Some(tls::RecordKind::Handshake)
            });
            if begins_handshake {
                served(flow);
            }
        }
        Stage::TlsContinued => tls_answered(flow, key, moment, context),
        Stage::Http => {
            if let Some(held) = flow.dialogue.from_responder.take() {
                flow.responses(key, &held.bytes, true, moment, context);
            }
        }
        Stage::Dns => {
            // What the capture left of a message, behind its length, still answers a question.
            let held = flow.dialogue.from_responder.take();
            if let Some(message) = held.as_ref().and_then(|held| held.bytes.get(2..)) {
                let (client, server) = (flow.client(key), flow.server(key));
                dns_transactions::message(context, client, server, false, message, moment);
            }
        }
        _ => flow.dialogue.from_responder = None,
    }
}

/// What became of a prefix.
pub(super) enum Read {
    /// All of it was used.
    Used,
    /// It must grow to this length first; the bytes before `from` are used.
    NeedMore { from: usize, at_least: usize },
}

/// The bytes to look at: what was held and what has come, or `None` while they are too few.
fn gather<'a>(held: &'a mut Option<Box<Held>>, bytes: &'a [u8]) -> Option<&'a [u8]> {
    match held {
        None => Some(bytes),
        Some(held) => {
            let room = MAX_HELD.saturating_sub(held.bytes.len());
            held.bytes.extend_from_slice(bytes.get(..bytes.len().min(room)).unwrap_or_default());
            let enough = held.bytes.len() >= held.needed || held.bytes.len() >= MAX_HELD;
            enough.then_some(held.bytes.as_slice())
        }
    }
}

/// What is held from now on.
fn keep(held: Option<Box<Held>>, bytes: &[u8], read: Read) -> Option<Box<Held>> {
    let Read::NeedMore { from, at_least } = read else { return None };
    match held {
        Some(held) if held.bytes.len() >= MAX_HELD => None,
        Some(mut held) => {
            held.bytes.drain(..from.min(held.bytes.len()));
            held.needed = at_least;
            Some(held)
        }
        None => {
            let rest = bytes.get(from..).unwrap_or_default();
            Some(Box::new(Held { bytes: rest.to_vec(), needed: at_least }))
        }
    }
}

/// The first words of the originator, behind what a load balancer may have put before them.
fn recognise<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    prefix: &[u8],
    moment: Moment,
    context: &mut Context<S>,
) -> Read {
    let length = match proxy_protocol::scan(prefix) {
        ProxyHeader::None => return recognise_protocol(flow, key, prefix, moment, context),
        ProxyHeader::NeedMore { at_least } => return Read::NeedMore { from: 0, at_least },
        ProxyHeader::Length(length) => length,
    };
    let Some(rest) = prefix.get(length..).filter(|rest| !rest.is_empty()) else {
        return Read::NeedMore { from: 0, at_least: length.saturating_add(1) };
    };
    match recognise_protocol(flow, key, rest, moment, context) {
        Read::Used => Read::Used,
        Read::NeedMore { from, at_least } => {
            Read::NeedMore { from: length.saturating_add(from), at_least }
        }
    }
}

fn recognise_protocol<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    prefix: &[u8],
    moment: Moment,
    context: &mut Context<S>,
) -> Read {
    match tls::looks_like_tls(prefix) {
        Some(true) => return read_hello(flow, key, prefix, moment, context),
        None if prefix.len() < MAX_HELD => {
            return Read::NeedMore { from: 0, at_least: prefix.len() + 1 };
        }
        _ => {}
    }
    match http::looks_like_request(prefix) {
        Some(true) => {
            flow.dialogue.stage = Stage::Http;
            return flow.requests(key, prefix, moment, context);
        }
        None => return Read::NeedMore { from: 0, at_least: prefix.len() + 1 },
        Some(false) => {}
    }
    if is_dns(flow, key) || opens_dns(prefix) {
        flow.dialogue.stage = Stage::Dns;
        return dns_messages(flow, key, prefix, true, moment, context);
    }
    if let Some(read) = flow.socks_opening(prefix, moment, context) {
        return read;
    }
    if starttls::may_change_to_tls(prefix) {
        flow.dialogue.stage = Stage::Clear;
        return Read::Used;
    }
    flow.dialogue.stage = Stage::Opaque;
    context.counts.opaque += 1;
    Read::Used
}

/// What the originator says in a protocol that may change to TLS. A hello is known by itself, so
/// the words that lead to it need not be understood.
fn change_to_tls<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    prefix: &[u8],
    moment: Moment,
    context: &mut Context<S>,
) -> Read {
    match tls::looks_like_tls(prefix) {
        Some(true) => read_hello(flow, key, prefix, moment, context),
        None if prefix.len() < MAX_HELD => Read::NeedMore { from: 0, at_least: prefix.len() + 1 },
        _ => Read::Used,
    }
}

fn read_hello<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    prefix: &[u8],
    moment: Moment,
    context: &mut Context<S>,
) -> Read {
    let mut scratch = std::mem::take(&mut context.hello);
    let scan = tls::scan_client_hello(prefix, &mut scratch);
    flow.dialogue.hello.get_or_insert(moment);
    let done = scan.server_name.is_some() || !matches!(scan.status, tls::Progress::NeedMore { .. });
    let read = match scan.status {
        tls::Progress::NeedMore { at_least } if !done => {
            flow.dialogue.stage = Stage::TlsHello;
            Read::NeedMore { from: 0, at_least }
        }
        _ => Read::Used,
    };
    if done {
        flow.dialogue.stage = Stage::TlsSent;
        if scan.encrypted_client_hello {
            context.counts.encrypted_hello += 1;
        }
        match scan.server_name {
            Some(raw) => {
                context.counts.hello_named += 1;
                if DNS_OVER_HTTPS_NAMES.contains(&raw) {
                    context.counts.dns_over_https += 1;
                }
                flow.dialogue.name = context.name(raw, NameSource::Sni, moment.time);
            }
            None if scan.status == tls::Progress::Malformed => {
                context.counts.hello_cut += 1;
                context.anomaly(AnomalyKind::TlsMalformed, moment);
            }
            None => context.counts.hello_unnamed += 1,
        }
        if flow.server(key).port == DNS_OVER_TLS_PORT {
            context.counts.dns_over_tls += 1;
        }
    }
    context.hello = scratch;
    read
}

/// What the responder says to a hello.
fn answer_to_hello<S: Sink>(
    flow: &mut TcpFlow,
    prefix: &[u8],
    moment: Moment,
    context: &mut Context<S>,
) -> Read {
    let mut scratch = std::mem::take(&mut context.hello);
    let scan = tls::scan_server(prefix, &mut scratch);
    context.hello = scratch;
    match scan {
        tls::ServerScan::NeedMore { at_least } => return Read::NeedMore { from: 0, at_least },
        tls::ServerScan::ServerHello { hello_retry_request: true, length, .. } => {
            // The originator says hello once more; what counts is the ServerHello after that.
            let rest = prefix.get(length..).unwrap_or_default();
            if tls::holds_data_beyond_alerts(rest) {
                return answer_to_hello(flow, rest, moment, context);
            }
        }
        tls::ServerScan::ServerHello { .. } => {
            give_up_waiting(flow, context);
            served(flow);
        }
        tls::ServerScan::Alert { level, description, .. } => {
            note_ending(flow, EndingKind::Alert { level, description }, moment);
        }
        tls::ServerScan::NotTls => {
            if let http::ResponseScan::Response(response) = http::scan_response(prefix, true) {
                flow.dialogue.foreign_status = Some(response.status);
            } else {
                // The hello was counted; a flow counts once among those without a name.
                flow.dialogue.stage = Stage::Opaque;
            }
        }
        tls::ServerScan::Malformed => {
            context.anomaly(AnomalyKind::TlsMalformed, moment);
            flow.dialogue.stage = Stage::Opaque;
        }
    }
    Read::Used
}

/// The ServerHello is there: what seemed to end the attempt before did not.
fn served(flow: &mut TcpFlow) {
    flow.dialogue.stage = Stage::TlsServed;
    flow.dialogue.from_responder = None;
    if matches!(
        flow.ending,
        Some(Ending { kind: EndingKind::Alert { .. } | EndingKind::Icmp { .. }, .. })
    ) {
        flow.ending = None;
    }
}

fn tls_answered<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    moment: Moment,
    context: &mut Context<S>,
) {
    let hello = flow.dialogue.hello.unwrap_or(moment);
    let fact = Fact::Volume { sent: flow.originator.payload, received: flow.responder.payload };
    let name = flow.dialogue.name.map(|name| (name, NameSource::Sni));
    let mut attempt = flow.attempt(key, name, Outcome::Answered, fact, hello, context.unit);
    attempt.end = moment.time;
    context.sink.attempt(&attempt);
    flow.settle_tunnel(key, attempt.outcome, moment.time, context);
    flow.dialogue = Dialogue::settled();
}

fn is_dns(flow: &TcpFlow, key: &FlowKey) -> bool {
    flow.server(key).port == DNS_PORT && flow.dialogue.tunnel.is_none()
}

/// Whether a whole DNS message stands at the front: resolvers listen on other ports, too.
fn opens_dns(prefix: &[u8]) -> bool {
    match dns::next_tcp_message(prefix) {
        dns::TcpFrame::Message { range, .. } => prefix.get(range).is_some_and(dns::looks_like_dns),
        dns::TcpFrame::NeedMore { .. } => false,
    }
}

fn dns_messages<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    prefix: &[u8],
    originates: bool,
    moment: Moment,
    context: &mut Context<S>,
) -> Read {
    let mut from = 0;
    loop {
        let rest = prefix.get(from..).unwrap_or_default();
        if rest.is_empty() {
            return Read::Used;
        }
        match dns::next_tcp_message(rest) {
            dns::TcpFrame::NeedMore { at_least } => return Read::NeedMore { from, at_least },
            dns::TcpFrame::Message { range, consumed } => {
                let message = rest.get(range).unwrap_or_default();
                let (client, server) = (flow.client(key), flow.server(key));
                dns_transactions::message(context, client, server, originates, message, moment);
                from += consumed.max(1);
            }
        }
    }
}

/// Notes what ended the attempt, unless something did before.
fn note_ending(flow: &mut TcpFlow, kind: EndingKind, moment: Moment) {
    flow.ending.get_or_insert(Ending { kind, at: moment });
}
