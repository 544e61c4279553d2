//! What a final response of HTTP means for its request, and how that is reported.

use std::net::IpAddr;

use super::TcpFlow;
use super::http_exchange::{Request, RequestKind};
use super::outcome::ANSWER_TIME;
use crate::capture::context::{Context, Moment};
use crate::capture::dissect::http::{self, page};
use crate::capture::flow_key::FlowKey;
use crate::observe::{
    Address, Attempt, Cause, Channel, Doubt, Fact, Offer, Outcome, Product, Sign, Sink,
    SocketAddress, Timestamp,
};

/// What a final response says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply<'a> {
    pub(super) status: u16,
    /// What shows that it is not the service's.
    pub(super) sign: Option<Sign>,
    /// The value of `Alt-Svc`; empty where there is none.
    pub(super) alt_svc: &'a [u8],
}

impl TcpFlow {
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
        let is_denial = outcome == Outcome::Blocked(Cause::HttpDenied);
        // A proxy that was asked is who it is; in the place of a server anybody may be.
        let is_open = request.kind == RequestKind::Direct && matches!(outcome, Outcome::Blocked(_));
        let fact = match reply.sign.filter(|_| is_open) {
            sign if is_denial || sign.is_some() => Fact::Denial {
                status,
                after: moment.time.since(request.sent.time),
                origin: self.origin_after(self.origin(), request.sent),
                sign: sign.unwrap_or_default(),
            },
            _ => Fact::Status(status),
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
    pub(super) fn report_challenge<S: Sink>(
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
        // Who asks a proxy for an address had it from an answer that may name it.
        let target = || {
            let is_proxied = request.kind != RequestKind::Direct && request.name.is_none();
            let host = is_proxied.then(|| str::from_utf8(&request.host).ok()).flatten()?;
            let address: IpAddr = host.parse().ok()?;
            Some(SocketAddress::new(Address::from(address), request.port))
        };
        context.sink.attempt(&Attempt {
            channel,
            server: target().unwrap_or(attempt.server),
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
    let is_connect = request.kind == RequestKind::Connect;
    match (reply.status, reply.sign) {
        (407, _) => Outcome::Blocked(Cause::ProxyAuthRequired),
        (403 | 451, _) if is_proxied => Outcome::Blocked(Cause::ProxyDenied),
        // Whoever answers 511 is not the server (RFC 6585 section 6).
        (403 | 451 | 511, _) => Outcome::Blocked(Cause::HttpDenied),
        // What names itself and says that it failed is a proxy in front of the client.
        (502..=504, Some(Sign::Failure(_))) => Outcome::Blocked(Cause::ProxyFailed),
        (500..=599, None) if is_connect => Outcome::Blocked(Cause::ProxyFailed),
        // A success of CONNECT is here only with a page, which opens no tunnel.
        (200..=599, _) if is_connect => Outcome::Blocked(Cause::ProxyDenied),
        (_, Some(_)) if is_proxied => Outcome::Blocked(Cause::ProxyDenied),
        (_, Some(_)) => Outcome::Blocked(Cause::HttpDenied),
        (502..=504, None) if is_proxied => Outcome::Blocked(Cause::ProxyFailed),
        // An upstream that a middlebox could not reach says nothing of the endpoint.
        (0..=199, None) if reply.status != 101 => Outcome::Inconclusive(Doubt::NotDissected),
        _ => Outcome::Answered,
    }
}

/// What shows that a response to this request is not the service's. `is_of_another` says that its packet
/// is probably not one of the responder's.
pub(super) fn sign_of(
    request: &Request,
    response: &http::Response<'_>,
    body: &[u8],
    is_of_another: bool,
) -> Option<Sign> {
    let by_page = || {
        let page = page::judge(response, body, &request.host, request.wanted);
        page.or_else(|| {
            (is_of_another && page::depends_on_body(response) && page::looks_like_page(body))
                .then_some(Sign::OtherSender)
        })
    };
    match response.status {
        300..=399 => {
            let location = response.location.unwrap_or_default();
            let leads_elsewhere = http::leads_elsewhere(&request.host, location);
            request
                .leads_away(location)
                .or_else(|| page::made_by(response).filter(|_| leads_elsewhere).map(Sign::Product))
                .or_else(|| (leads_elsewhere && is_of_another).then_some(Sign::OtherSender))
        }
        _ if page::is_denial_of_squid(response) => Some(Sign::Product(Product::Squid)),
        502..=504 => by_page().or_else(|| page::made_by(response).map(Sign::Failure)),
        _ => by_page(),
    }
}
