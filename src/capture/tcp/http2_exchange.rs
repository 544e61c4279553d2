//! HTTP/2 requests and their responses on one connection in cleartext.

use super::TcpFlow;
use super::dialogue::Stage;
use super::held::{MAX_HELD, Read};
use super::http_exchange::{MAX_WAITING, Request};
use super::http_reply::{Reply, judge};
use super::outcome::RESPONSE_TIME;
use crate::capture::context::{Context, Moment};
use crate::capture::dissect::http2::{self, Event, Reader};
use crate::capture::flow_key::FlowKey;
use crate::observe::{Doubt, Fact, Outcome, Sink, Timestamp};

/// Both directions of a connection, and the requests that wait for their responses.
#[derive(Debug)]
pub(super) struct Http2 {
    client: Reader,
    server: Reader,
    waiting: Vec<(u32, Request)>,
}

/// The stream of the request that asked for the change to HTTP/2 (RFC 7540 section 3.2).
const UPGRADED_STREAM: u32 = 1;

impl Http2 {
    fn reader(&mut self, originates: bool) -> &mut Reader {
        if originates { &mut self.client } else { &mut self.server }
    }
}

impl TcpFlow {
    /// Begins HTTP/2. `upgraded` is the request of HTTP/1 that asked for it, if one did; its
    /// response comes in HTTP/2.
    pub(super) fn begin_http2(&mut self, upgraded: Option<Request>) {
        self.dialogue.exchange = None;
        self.dialogue.stage = Stage::Http2;
        self.dialogue.http2 = Some(Box::new(Http2 {
            client: Reader::client(),
            server: Reader::server(),
            waiting: upgraded.map(|request| (UPGRADED_STREAM, request)).into_iter().collect(),
        }));
    }

    /// Reads the frames at the front of what a side has said.
    pub(super) fn http2_frames<S: Sink>(
        &mut self,
        key: &FlowKey,
        prefix: &[u8],
        originates: bool,
        moment: Moment,
        context: &mut Context<S>,
    ) -> Read {
        let Some(mut http2) = self.dialogue.http2.take() else { return Read::Used };
        let mut reader = std::mem::take(http2.reader(originates));
        let progress = reader.read(prefix, |event| {
            self.http2_event(&mut http2, key, event, originates, moment, context);
        });
        *http2.reader(originates) = reader;
        self.dialogue.http2 = Some(http2);
        match progress {
            http2::Progress { at_least: 0, .. } => Read::Used,
            http2::Progress { used, at_least } => {
                Read::NeedMore { from: used, at_least: at_least.min(MAX_HELD) }
            }
        }
    }

    /// Reads what is there of a frame whose end will not come.
    pub(super) fn last_http2_frame<S: Sink>(
        &mut self,
        key: &FlowKey,
        prefix: &[u8],
        originates: bool,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        let Some(mut http2) = self.dialogue.http2.take() else { return };
        let mut reader = std::mem::take(http2.reader(originates));
        reader.read_last(prefix, |event| {
            self.http2_event(&mut http2, key, event, originates, moment, context);
        });
        *http2.reader(originates) = reader;
        self.dialogue.http2 = Some(http2);
    }

    /// Reports the requests that got no response.
    pub(super) fn conclude_http2<S: Sink>(
        &mut self,
        key: &FlowKey,
        until: Timestamp,
        context: &mut Context<S>,
    ) {
        let Some(http2) = self.dialogue.http2.take() else { return };
        for (_, request) in http2.waiting {
            let (outcome, fact, at) = self.judge_wait(request.sent, until, RESPONSE_TIME);
            self.report(key, &request, outcome, fact, at, context);
        }
    }

    fn http2_event<S: Sink>(
        &mut self,
        http2: &mut Http2,
        key: &FlowKey,
        event: Event<'_>,
        originates: bool,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        let waits = |stream: u32| http2.waiting.iter().position(|(kept, _)| *kept == stream);
        match event {
            Event::Head(head) if originates => {
                // What comes without an authority on a known stream are trailers.
                let is_known = waits(head.stream).is_some();
                if !is_known && !head.authority.is_empty() && http2.waiting.len() < MAX_WAITING {
                    let request = self.http2_request(key, &head, moment, context);
                    http2.waiting.push((head.stream, request));
                }
            }
            Event::Head(head) => {
                let Some(status) = head.status.filter(|status| *status >= 200) else { return };
                let Some(at) = waits(head.stream) else { return };
                let (_, request) = http2.waiting.swap_remove(at);
                let sign = matches!(status, 300..=399)
                    .then(|| request.leads_away(head.location))
                    .flatten();
                let reply = Reply { status, sign, alt_svc: head.alt_svc };
                let outcome = judge(&request, &reply);
                self.report_reply(key, &request, outcome, &reply, moment, context);
            }
            Event::Reset { stream } => {
                let Some(at) = waits(stream) else { return };
                let (_, request) = http2.waiting.swap_remove(at);
                let doubt = if originates { Doubt::ClientGaveUp } else { Doubt::NotDissected };
                let outcome = Outcome::Inconclusive(doubt);
                self.report(key, &request, outcome, Fact::None, moment, context);
            }
        }
    }
}
