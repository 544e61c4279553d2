//! What the two sides of a TCP connection say to each other, until the outcome is known.

use super::TcpFlow;
use super::dns_messages::is_dns;
use super::held::{Held, gather, keep};
use super::http_exchange::{Exchange, Tunnel};
use super::http2_exchange::Http2;
use super::socks_exchange::Socks;
use crate::capture::context::{Context, Moment};
use crate::capture::dissect::{http, http2, tls};
use crate::capture::flow_key::FlowKey;
use crate::capture::stream::Chunk;
use crate::observe::{ChainId, Channel, Hello, NameId, NameSource, Sink};

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
    /// HTTP/2 frames.
    Http2,
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

impl Stage {
    /// Whether what this side says now is read as messages, which may need bytes held back.
    #[inline]
    const fn reads_messages(self, originates: bool) -> bool {
        match self {
            Self::TlsHello | Self::Http | Self::Http2 | Self::Dns | Self::Socks => true,
            Self::Opening | Self::Clear => originates,
            Self::TlsSent => !originates,
            Self::TlsServed | Self::TlsContinued | Self::Opaque | Self::Settled => false,
        }
    }
}

/// The state of a conversation.
#[derive(Debug, Default)]
pub(super) struct Dialogue {
    pub(super) stage: Stage,
    /// The name that was asked for, in the TLS hello or else by the certificate.
    pub(super) name: Option<(NameId, NameSource)>,
    /// The certificates that the responder showed.
    pub(super) chain: Option<ChainId>,
    /// Waits for them.
    pub(super) certificates: Option<Box<tls::CertificateReader>>,
    /// The packet that brought the hello.
    pub(super) hello: Option<Moment>,
    /// How large the hello is.
    pub(super) hello_size: Hello,
    /// Whether the server chose TLS 1.3.
    pub(super) is_tls13: bool,
    /// Whether the client has said something with the keys of TLS 1.3.
    pub(super) has_finished: bool,
    /// The CONNECT or SOCKS request whose tunnel this is.
    pub(super) tunnel: Option<Box<Tunnel>>,
    pub(super) exchange: Option<Box<Exchange>>,
    pub(super) http2: Option<Box<Http2>>,
    pub(super) socks: Option<Box<Socks>>,
    from_originator: Option<Box<Held>>,
    from_responder: Option<Box<Held>>,
    swapped: bool,
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

    /// Whether these bytes answer a TLS hello and are neither TLS nor HTTP.
    pub(super) fn is_text_to_hello(&self, bytes: &[u8]) -> bool {
        self.stage == Stage::TlsSent
            && self.from_responder.is_none()
            && tls::looks_like_tls(bytes) == Some(false)
            && matches!(http::scan_response(bytes, true), http::ResponseScan::NotHttp)
    }

    /// Whether anything that was said has been recognised.
    pub(super) fn has_begun(&self) -> bool {
        self.stage != Stage::Opening || self.from_originator.is_some()
    }

    /// Whether the sides were exchanged since the last call.
    pub(super) fn take_swap(&mut self) -> bool {
        std::mem::take(&mut self.swapped)
    }

    /// What is held of a side.
    pub(super) const fn held(&mut self, originates: bool) -> &mut Option<Box<Held>> {
        if originates { &mut self.from_originator } else { &mut self.from_responder }
    }

    /// By what means the name was tried.
    pub(super) const fn channel(&self) -> Channel {
        match self.stage {
            Stage::TlsHello | Stage::TlsSent | Stage::TlsServed | Stage::TlsContinued => {
                Channel::Tls
            }
            Stage::Http | Stage::Http2 => Channel::Http,
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
    match chunk {
        Chunk::Data(bytes) => data(flow, key, bytes, originates, moment, context),
        Chunk::Gap(_) => gap(flow, key, originates, moment, context),
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
    dialogue.http2 = None;
    dialogue.socks = None;
    dialogue.from_originator = None;
    dialogue.from_responder = None;
    dialogue.tunnel = Some(Box::new(tunnel));
    if !early.is_empty() {
        data(flow, key, early, false, moment, context);
    }
}

fn data<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    bytes: &[u8],
    originates: bool,
    moment: Moment,
    context: &mut Context<S>,
) {
    if !originates {
        flow.end_request(key, moment, context);
    }
    let stage = flow.dialogue.stage;
    match stage {
        _ if stage.reads_messages(originates) => {
            messages(flow, key, bytes, originates, moment, context);
        }
        Stage::TlsSent | Stage::TlsServed | Stage::TlsContinued => {
            flow.after_hello(key, bytes, originates, moment, context);
        }
        Stage::Opening => responder_opens(flow, key, bytes, moment, context),
        _ => {}
    }
}

/// Reads what a side has said, with what was held of it before.
fn messages<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    bytes: &[u8],
    originates: bool,
    moment: Moment,
    context: &mut Context<S>,
) {
    let mut held = flow.dialogue.held(originates).take();
    let Some(prefix) = gather(&mut held, bytes) else {
        *flow.dialogue.held(originates) = held;
        return;
    };
    let read = match (flow.dialogue.stage, originates) {
        (Stage::Http, true) => flow.requests(key, prefix, moment, context),
        (Stage::Http, false) => flow.responses(key, prefix, false, moment, context),
        (Stage::Http2, _) => flow.http2_frames(key, prefix, originates, moment, context),
        (Stage::Dns, _) => flow.dns_messages(key, prefix, originates, moment, context),
        (Stage::Socks, true) => flow.socks_client(prefix, moment, context),
        (Stage::Socks, false) => flow.socks_proxy(key, prefix, moment, context),
        (Stage::Clear, _) => flow.change_to_tls(key, prefix, moment, context),
        (_, true) => flow.recognise(key, prefix, moment, context),
        (_, false) => flow.answer_to_hello(prefix, false, moment, context),
    };
    let rest = keep(held, bytes, read);
    if flow.dialogue.stage.reads_messages(originates) {
        *flow.dialogue.held(originates) = rest;
    }
}

/// The responder speaks first: a server that greets, one whose client is not in the capture, or the
/// originator taken for the responder.
fn responder_opens<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    bytes: &[u8],
    moment: Moment,
    context: &mut Context<S>,
) {
    if flow.awaits_certificates() {
        flow.read_certificates(bytes, moment, context);
        return;
    }
    if flow.dialogue.tunnel.is_some() && http::page::looks_like_page(bytes) {
        flow.tunnel_is_page(key, moment, context);
        return;
    }
    let asks = tls::looks_like_tls(bytes) == Some(true)
        || http::looks_like_request(bytes) == Some(true)
        || http2::looks_like_preface(bytes) == Some(true);
    if !flow.initiator_known && asks && flow.dialogue.tunnel.is_none() {
        flow.swap_sides();
        flow.dialogue.swapped = true;
        data(flow, key, bytes, true, moment, context);
    } else if is_dns(flow, key) {
        flow.dialogue.stage = Stage::Dns;
        data(flow, key, bytes, false, moment, context);
    } else if tls::begins_server_flight(bytes) {
        flow.await_certificates(bytes, moment, context);
    }
}

/// Bytes of a side are missing: what was held before them will not become whole.
fn gap<S: Sink>(
    flow: &mut TcpFlow,
    key: &FlowKey,
    originates: bool,
    moment: Moment,
    context: &mut Context<S>,
) {
    let held = flow.dialogue.held(originates).take();
    match (flow.dialogue.stage, originates) {
        (_, false) if flow.awaits_certificates() => {
            flow.certificates_cut(moment, context);
        }
        (Stage::Opening, true) => {
            if let Some(held) = held
                && http::looks_like_request(held.bytes()) == Some(true)
            {
                flow.dialogue.stage = Stage::Http;
                flow.last_request(key, held.bytes(), moment, context);
            }
        }
        (Stage::Http, true) => {
            if let Some(held) = held {
                flow.last_request(key, held.bytes(), moment, context);
            }
        }
        (Stage::Http, false) => {
            if let Some(held) = held {
                flow.responses(key, held.bytes(), true, moment, context);
            }
        }
        (Stage::Http2, _) => {
            let bytes = held.as_ref().map_or(&[][..], |held| held.bytes());
            flow.last_http2_frame(key, bytes, originates, moment, context);
        }
        (Stage::Dns, false) => {
            if let Some(held) = held {
                flow.last_dns_message(key, &held, moment, context);
            }
        }
        (Stage::TlsHello, true) => flow.give_up_waiting(context),
        (Stage::TlsSent, false) => flow.answer_to_hello_lost(held),
        (Stage::TlsServed, true) => flow.dialogue.stage = Stage::TlsContinued,
        (Stage::TlsContinued, false) => flow.tls_answered(key, moment, context),
        _ => {}
    }
}
