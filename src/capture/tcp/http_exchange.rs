//! HTTP/1 requests and their responses on one connection.

use std::collections::VecDeque;

use super::TcpFlow;
use super::dialogue::{Dialogue, Stage, enter_tunnel};
use super::held::{Held, Read};
use super::http_reply::{Reply, judge, sign_of};
use super::outcome::RESPONSE_TIME;
use crate::capture::context::{Context, Moment};
use crate::capture::dissect::http::page::{self, Wanted};
use crate::capture::dissect::http::{self, RequestScan, ResponseScan};
use crate::capture::dissect::http2;
use crate::capture::flow_key::FlowKey;
use crate::observe::{
    AnomalyKind, Attempt, Cause, Channel, Fact, NameId, NameSource, Outcome, Sender, Sign, Sink,
    Timestamp,
};

/// The most requests of one connection that wait for responses at the same time.
pub(super) const MAX_WAITING: usize = 64;

/// Default ports of the schemes (RFC 9110 section 4.2).
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// The requests that wait for their responses.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    waiting: VecDeque<Request>,
    /// The request that a proxy has met with a challenge, as long as nothing came after it.
    challenged: Option<(Request, Moment)>,
}

/// A request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) name: Option<(NameId, NameSource)>,
    /// The host as sent, to tell a redirect to another host from one to the same.
    pub(super) host: Box<[u8]>,
    pub(super) kind: RequestKind,
    pub(super) port: u16,
    pub(super) sent: Moment,
    /// It asks for a change to HTTP/2 (RFC 7540 section 3.2).
    wants_http2: bool,
    /// What it asks for, where that tells of which kind the answer must be.
    pub(super) wanted: Wanted,
}

impl Request {
    /// Why a redirect of this request is none of the service's own, if it is not.
    pub(super) fn leads_away(&self, location: &[u8]) -> Option<Sign> {
        http::leads_away(&self.host, location)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestKind {
    /// To the server itself, or to something in its place.
    Direct,
    /// To a proxy, with an absolute URI (RFC 9112 section 3.2.2).
    Proxied,
    /// To a proxy, for a tunnel (RFC 9110 section 9.3.6).
    Connect,
}

/// A tunnel that a proxy has opened.
#[derive(Debug)]
pub(super) struct Tunnel {
    pub(super) name: Option<NameId>,
    /// What kind of request asked for it.
    pub(super) source: NameSource,
    pub(super) port: u16,
    pub(super) asked: Moment,
    /// What the proxy said.
    pub(super) fact: Fact,
}

impl TcpFlow {
    /// Reads the requests at the front of what the originator has said.
    pub(super) fn requests<S: Sink>(
        &mut self,
        key: &FlowKey,
        prefix: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) -> Read {
        let mut from = 0;
        loop {
            let rest = prefix.get(from..).unwrap_or_default();
            match http::looks_like_request(rest) {
                // A body, or the rest of one: what follows it is found at its own segment.
                Some(false) => return Read::Used,
                None if rest.is_empty() => return Read::Used,
                None => return Read::NeedMore { from, at_least: rest.len() + 1 },
                Some(true) => {}
            }
            match http::scan_request(rest, false) {
                RequestScan::NeedMore { at_least } => return Read::NeedMore { from, at_least },
                RequestScan::NotHttp => return Read::Used,
                RequestScan::Malformed => {
                    context.anomaly(AnomalyKind::HttpMalformed, moment);
                    return Read::Used;
                }
                RequestScan::Request(request) => {
                    self.note_request(key, &request, moment, context);
                    let body = request.content_length.unwrap_or(0);
                    let body = usize::try_from(body).unwrap_or(usize::MAX);
                    from = from.saturating_add(request.length.max(1)).saturating_add(body);
                    if request.chunked || from >= prefix.len() {
                        return Read::Used;
                    }
                }
            }
        }
    }

    /// Reads a request whose head will not become whole.
    pub(super) fn last_request<S: Sink>(
        &mut self,
        key: &FlowKey,
        prefix: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) {
        if let RequestScan::Request(request) = http::scan_request(prefix, true) {
            self.note_request(key, &request, moment, context);
        }
    }

    /// Reads what is held of a request whose end will not come, because its answer has or because the
    /// connection is over: its host may be there.
    pub(super) fn end_request<S: Sink>(
        &mut self,
        key: &FlowKey,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        if !matches!(self.dialogue.stage, Stage::Opening | Stage::Http) {
            return;
        }
        let held = self.dialogue.held(true);
        let names_host = |held: &Held| match http::scan_request(held.bytes(), true) {
            RequestScan::Request(request) => request.host.is_some(),
            _ => false,
        };
        if let Some(held) = held.take_if(|held| names_host(held)) {
            self.dialogue.stage = Stage::Http;
            self.last_request(key, held.bytes(), moment, context);
        }
    }

    /// Reads the responses at the front of what the responder has said; `last` when a head
    /// that is cut will not become whole.
    pub(super) fn responses<S: Sink>(
        &mut self,
        key: &FlowKey,
        prefix: &[u8],
        last: bool,
        moment: Moment,
        context: &mut Context<S>,
    ) -> Read {
        let mut from = 0;
        loop {
            let rest = prefix.get(from..).unwrap_or_default();
            let is_waiting = self
                .dialogue
                .exchange
                .as_ref()
                .is_some_and(|exchange| !exchange.waiting.is_empty());
            if rest.is_empty() || !is_waiting {
                return Read::Used;
            }
            let response = match http::scan_response(rest, last) {
                ResponseScan::NeedMore { at_least } => return Read::NeedMore { from, at_least },
                ResponseScan::NotHttp => return Read::Used,
                ResponseScan::Response(response) => response,
            };
            let body = rest.get(response.length.max(1)..).unwrap_or_default();
            if !last
                && self.is_body_wanted(&response)
                && let Some(missing) = page::missing(&response, body)
            {
                return Read::NeedMore { from, at_least: rest.len().saturating_add(missing) };
            }
            from = from.saturating_add(response.length.max(1));
            if response.is_interim() {
                continue;
            }
            let Some(exchange) = &mut self.dialogue.exchange else {
                return Read::Used;
            };
            let Some(request) = exchange.waiting.pop_front() else {
                return Read::Used;
            };
            let challenged = exchange.challenged.take();
            self.report_challenge(key, challenged, Timestamp::MAX, context);
            if request.kind == RequestKind::Connect
                && (200..300).contains(&response.status)
                && !page::looks_like_page(body)
            {
                let tunnel = Tunnel {
                    name: request.name.map(|(name, _)| name),
                    source: NameSource::Connect,
                    port: request.port,
                    asked: request.sent,
                    fact: Fact::Status(response.status),
                };
                let early = prefix.get(from..).unwrap_or_default();
                enter_tunnel(self, key, tunnel, early, moment, context);
                return Read::Used;
            }
            if response.status == 101 && request.wants_http2 {
                self.begin_http2(Some(request));
                let rest = prefix.get(from..).unwrap_or_default();
                return self.http2_frames(key, rest, false, moment, context).behind(from);
            }
            let is_of_another = self.is_of_another(request.sent, moment);
            let reply = Reply {
                status: response.status,
                alt_svc: response.alt_svc.unwrap_or_default(),
                sign: sign_of(&request, &response, body, is_of_another),
            };
            match (judge(&request, &reply), &mut self.dialogue.exchange) {
                (Outcome::Blocked(Cause::ProxyAuthRequired), Some(exchange)) => {
                    exchange.challenged = Some((request, moment));
                }
                (outcome, _) => {
                    self.report_reply(key, &request, outcome, &reply, moment, context);
                }
            }
            if response.status == 101 {
                self.dialogue = Dialogue::settled();
                return Read::Used;
            }
            let body = response.content_length.unwrap_or(0);
            from = from.saturating_add(usize::try_from(body).unwrap_or(usize::MAX));
        }
    }

    /// Whether the body of this response, the next one, tells whose it is. That of an opened tunnel is
    /// the tunnel.
    fn is_body_wanted(&self, response: &http::Response<'_>) -> bool {
        let next = self.dialogue.exchange.as_ref().and_then(|exchange| exchange.waiting.front());
        let opens_tunnel = |request: &Request| {
            request.kind == RequestKind::Connect && (200..300).contains(&response.status)
        };
        next.is_some_and(|request| !opens_tunnel(request))
            && !matches!(response.status, 100..=199 | 300..=399 | 403 | 407 | 451 | 511)
    }

    /// Whether the responder's last packet is probably that of something else, which answered what was
    /// sent then.
    fn is_of_another(&self, sent: Moment, at: Moment) -> bool {
        let origin = self.origin_after(self.origin(), sent);
        matches!(origin.sender(Some(at.time.since(sent.time))), Sender::Middlebox { .. })
    }

    /// Reads what is held of the responder, whose stream has ended.
    pub(super) fn last_responses<S: Sink>(
        &mut self,
        key: &FlowKey,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        if self.dialogue.stage == Stage::Http
            && let Some(held) = self.dialogue.held(false).take()
        {
            self.responses(key, held.bytes(), true, moment, context);
        }
    }

    /// A page came in place of a tunnel's first bytes, which are the client's to send.
    pub(super) fn tunnel_is_page<S: Sink>(
        &mut self,
        key: &FlowKey,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        let Some(tunnel) = self.dialogue.tunnel.take() else { return };
        let Tunnel { name, source, port, asked, fact } = *tunnel;
        let status = if let Fact::Status(status) = fact { status } else { 200 };
        let after = moment.time.since(asked.time);
        let origin = self.origin_after(self.origin(), asked);
        let fact = Fact::Denial { status, after, origin, sign: Sign::BlockPage };
        let outcome = Outcome::Blocked(Cause::ProxyDenied);
        let name = name.map(|name| (name, source));
        let attempt = self.attempt(key, name, outcome, fact, moment, context.unit);
        let channel = Channel::Connect;
        context.sink.attempt(&Attempt { channel, target_port: port, start: asked.time, ..attempt });
        self.dialogue = Dialogue::settled();
    }

    /// Reports the requests that got no response.
    pub(super) fn conclude_requests<S: Sink>(
        &mut self,
        key: &FlowKey,
        until: Timestamp,
        context: &mut Context<S>,
    ) {
        let Some(exchange) = self.dialogue.exchange.take() else { return };
        self.report_challenge(key, exchange.challenged, until, context);
        for request in exchange.waiting {
            let (outcome, fact, at) = self.judge_wait(request.sent, until, RESPONSE_TIME);
            self.report(key, &request, outcome, fact, at, context);
        }
    }

    fn note_request<S: Sink>(
        &mut self,
        key: &FlowKey,
        request: &http::Request<'_>,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        let kind = if request.is_connect() {
            RequestKind::Connect
        } else if request.target_is_absolute {
            RequestKind::Proxied
        } else {
            RequestKind::Direct
        };
        let host = request.host.unwrap_or_default();
        let new = self.request(key, kind, host, request.port, moment, context);
        // A request to a proxy may carry another host than its target, and is one of both.
        if let Some(header) = request.host_of_header()
            && (request.is_connect() || header != host)
        {
            context.name(header, NameSource::HttpHost, moment.time);
        }
        let exchange = self.dialogue.exchange.get_or_insert_default();
        let challenged = exchange.challenged.take();
        if exchange.waiting.len() < MAX_WAITING {
            let wanted = Wanted::by(request);
            exchange.waiting.push_back(Request {
                wants_http2: request.wants_http2(),
                wanted,
                ..new
            });
        }
        self.report_challenge(key, challenged, Timestamp::MAX, context);
    }

    /// A request for this host, and port where it names one.
    fn request<S: Sink>(
        &self,
        key: &FlowKey,
        kind: RequestKind,
        host: &[u8],
        port: Option<u16>,
        sent: Moment,
        context: &mut Context<S>,
    ) -> Request {
        let (source, port) = match kind {
            RequestKind::Connect => (NameSource::Connect, port.unwrap_or(HTTPS_PORT)),
            RequestKind::Proxied => (NameSource::HttpHost, port.unwrap_or(HTTP_PORT)),
            // Whatever port a direct request names, it went to the port it went to.
            RequestKind::Direct => (NameSource::HttpHost, self.server(key).port),
        };
        let name = context.name(host, source, sent.time).map(|name| (name, source));
        Request {
            name,
            host: host.into(),
            kind,
            port,
            sent,
            wants_http2: false,
            wanted: Wanted::Anything,
        }
    }

    /// A request of HTTP/2 for this authority.
    pub(super) fn http2_request<S: Sink>(
        &self,
        key: &FlowKey,
        head: &http2::Head<'_>,
        sent: Moment,
        context: &mut Context<S>,
    ) -> Request {
        let kind = if head.is_connect { RequestKind::Connect } else { RequestKind::Direct };
        let (host, port) = http::split_authority(head.authority);
        self.request(key, kind, host.unwrap_or_default(), port, sent, context)
    }
}
