//! HTTP/1 requests and their responses on one connection.

use std::collections::VecDeque;

use super::TcpFlow;
use super::dialogue::{Dialogue, enter_tunnel};
use super::held::Read;
use super::outcome::{ANSWER_TIME, RESPONSE_TIME};
use crate::capture::context::{Context, Moment};
use crate::capture::dissect::http::{self, RequestScan, ResponseScan};
use crate::capture::dissect::http2;
use crate::capture::flow_key::FlowKey;
use crate::observe::{
    AnomalyKind, Attempt, Cause, Channel, Doubt, Fact, NameId, NameSource, Offer, Outcome, Sink,
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
    host: Box<[u8]>,
    kind: RequestKind,
    port: u16,
    pub(super) sent: Moment,
    /// It asks for a change to HTTP/2 (RFC 7540 section 3.2).
    wants_http2: bool,
}

/// What a final response says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply<'a> {
    pub(super) status: u16,
    /// Where a redirect leads; empty where there is none.
    pub(super) location: &'a [u8],
    /// The value of `Alt-Svc`; empty where there is none.
    pub(super) alt_svc: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RequestKind {
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
            if request.kind == RequestKind::Connect && (200..300).contains(&response.status) {
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
            let reply = Reply {
                status: response.status,
                location: response.location.unwrap_or_default(),
                alt_svc: response.alt_svc.unwrap_or_default(),
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
            exchange.waiting.push_back(Request { wants_http2: request.wants_http2(), ..new });
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
        Request { name, host: host.into(), kind, port, sent, wants_http2: false }
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

    /// Reports a request with its final response.
    pub(super) fn report_reply<S: Sink>(
        &self,
        key: &FlowKey,
        request: &Request,
        outcome: Outcome,
        reply: &Reply<'_>,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        let status = reply.status;
        let fact = if outcome == Outcome::Blocked(Cause::HttpDenied) {
            let after = moment.time.since(request.sent.time);
            Fact::Denial { status, after, origin: self.origin_after(self.origin(), request.sent) }
        } else {
            Fact::Status(status)
        };
        if let Some((name, _)) = request.name
            && http::offers_http3(reply.alt_svc)
        {
            context.sink.http3_offered(name, Offer::AltSvc);
        }
        self.report(key, request, outcome, fact, moment, context);
    }

    /// Reports a request that a proxy has met with a challenge. A program that has credentials
    /// sends them at once, so the challenge is pending only when the capture ends soon after.
    fn report_challenge<S: Sink>(
        &self,
        key: &FlowKey,
        challenged: Option<(Request, Moment)>,
        until: Timestamp,
        context: &mut Context<S>,
    ) {
        let Some((request, at)) = challenged else { return };
        let outcome = if until.since(at.time) < ANSWER_TIME {
            Outcome::Inconclusive(Doubt::AuthenticationPending)
        } else {
            Outcome::Blocked(Cause::ProxyAuthRequired)
        };
        self.report(key, &request, outcome, Fact::Status(407), at, context);
    }

    pub(super) fn report<S: Sink>(
        &self,
        key: &FlowKey,
        request: &Request,
        outcome: Outcome,
        fact: Fact,
        at: Moment,
        context: &mut Context<S>,
    ) {
        let channel = match request.kind {
            RequestKind::Connect => Channel::Connect,
            RequestKind::Direct | RequestKind::Proxied => Channel::Http,
        };
        let attempt = self.attempt(key, request.name, outcome, fact, at, context.unit);
        context.sink.attempt(&Attempt {
            channel,
            target_port: request.port,
            decider: None,
            start: request.sent.time,
            end: at.time.max(request.sent.time),
            ..attempt
        });
    }
}

/// What a final response means for the request.
pub(super) fn judge(request: &Request, reply: &Reply<'_>) -> Outcome {
    let is_proxied = request.kind != RequestKind::Direct;
    match reply.status {
        407 => Outcome::Blocked(Cause::ProxyAuthRequired),
        403 | 451 if is_proxied => Outcome::Blocked(Cause::ProxyDenied),
        // Whoever answers 511 is not the server (RFC 6585 section 6).
        403 | 451 | 511 => Outcome::Blocked(Cause::HttpDenied),
        502..=504 if is_proxied => Outcome::Blocked(Cause::ProxyFailed),
        500..=599 if request.kind == RequestKind::Connect => Outcome::Blocked(Cause::ProxyFailed),
        300..=499 if request.kind == RequestKind::Connect => Outcome::Blocked(Cause::ProxyDenied),
        300..=399 if leads_to_block_page(&request.host, reply.location) => {
            Outcome::Blocked(Cause::HttpDenied)
        }
        // An upstream that a middlebox could not reach says nothing of the endpoint.
        0..=199 if reply.status != 101 => Outcome::Inconclusive(Doubt::NotDissected),
        _ => Outcome::Answered,
    }
}

/// Whether a redirect goes to another host and looks like that of a filter: its target carries
/// the host that was asked for, or says what it is.
///
/// Services redirect to other hosts of their own all the time, so another host alone is no sign.
fn leads_to_block_page(host: &[u8], location: &[u8]) -> bool {
    const WORDS: [&[u8]; 8] = [
        b"block",
        b"denied",
        b"deny",
        b"forbidden",
        b"filter",
        b"restrict",
        b"webauth",
        b"captive",
    ];
    let target = http::host_of_uri(location).unwrap_or_default();
    if target.is_empty() || target.eq_ignore_ascii_case(host) {
        return false;
    }
    let location = location.to_ascii_lowercase();
    let after_host = memchr::memmem::find(&location, &target.to_ascii_lowercase())
        .and_then(|at| location.get(at + target.len()..))
        .unwrap_or_default();
    let carries_host =
        !host.is_empty() && memchr::memmem::find(after_host, &host.to_ascii_lowercase()).is_some();
    carries_host || WORDS.iter().any(|word| memchr::memmem::find(&location, word).is_some())
}
