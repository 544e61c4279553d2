//! A TLS handshake: the name in the ClientHello, and what the server says to it.

use super::dialogue::{Dialogue, Stage};
use super::held::{Held, Read};
use super::{Answered, Ending, EndingKind, Tcp, TcpFlow};
use crate::capture::context::{Context, Moment};
use crate::capture::dissect::http::page;
use crate::capture::dissect::{http, tls};
use crate::capture::encrypted_dns::{self, Over};
use crate::capture::flow_key::FlowKey;
use crate::observe::{
    AnomalyKind, Attempt, Channel, Doubt, Duration, Fact, Hello, NameSource, Origin, Outcome, Sink,
};

impl TcpFlow {
    /// Reads the hello at the front of what the originator has said.
    pub(super) fn client_hello<S: Sink>(
        &mut self,
        key: &FlowKey,
        prefix: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) -> Read {
        let mut scratch = std::mem::take(&mut context.hello);
        let scan = tls::scan_client_hello(prefix, &mut scratch);
        if self.dialogue.hello.is_none() {
            self.dialogue.hello = Some(moment);
            let length = tls::record_length(prefix);
            let split = length.is_some_and(|length| usize::from(length) > prefix.len());
            self.dialogue.hello_size = Hello { length: length.unwrap_or_default(), split };
        }
        let done =
            scan.server_name.is_some() || !matches!(scan.status, tls::Progress::NeedMore { .. });
        let read = match scan.status {
            tls::Progress::NeedMore { at_least } if !done => {
                self.dialogue.stage = Stage::TlsHello;
                Read::NeedMore { from: 0, at_least }
            }
            _ => Read::Used,
        };
        if done {
            self.dialogue.stage = Stage::TlsSent;
            if scan.encrypted_client_hello {
                context.counts.encrypted_hello += 1;
            }
            let port = self.server(key).port;
            encrypted_dns::count(&mut context.counts, Over::Tcp, port, scan.server_name);
            match scan.server_name {
                Some(raw) => {
                    context.counts.hello_named += 1;
                    let name = context.name(raw, NameSource::Sni, moment.time);
                    self.dialogue.name = name.map(|name| (name, NameSource::Sni));
                }
                None if scan.status == tls::Progress::Malformed => {
                    context.counts.hello_cut += 1;
                    context.anomaly(AnomalyKind::TlsMalformed, moment);
                }
                None => context.counts.hello_unnamed += 1,
            }
        }
        context.hello = scratch;
        read
    }

    /// Reads what the responder says to a hello.
    pub(super) fn answer_to_hello<S: Sink>(
        &mut self,
        prefix: &[u8],
        last: bool,
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
                    return self.answer_to_hello(rest, last, moment, context);
                }
            }
            tls::ServerScan::ServerHello { tls13, .. } => {
                self.give_up_waiting(context);
                self.note_served();
                self.dialogue.is_tls13 = tls13;
                if tls13 {
                    context.counts.hidden_certificates += 1;
                } else {
                    self.await_certificates(prefix, moment, context);
                }
            }
            tls::ServerScan::Alert { level, description, .. } => {
                let origin = self.origin();
                self.end(EndingKind::Alert { level, description }, moment, origin);
            }
            tls::ServerScan::NotTls => {
                if let http::ResponseScan::Response(response) = http::scan_response(prefix, true) {
                    let body = prefix.get(response.length..).unwrap_or_default();
                    if !last && let Some(missing) = page::missing(&response, body) {
                        let at_least = prefix.len().saturating_add(missing);
                        return Read::NeedMore { from: 0, at_least };
                    }
                    let sign = page::judge(&response, body, b"", page::Wanted::Anything);
                    let kind = EndingKind::ForeignResponse(response.status, sign);
                    self.end(kind, moment, self.origin());
                } else {
                    // The hello was counted; a flow counts once among those without a name.
                    self.dialogue.stage = Stage::Opaque;
                }
            }
            tls::ServerScan::Malformed => {
                context.anomaly(AnomalyKind::TlsMalformed, moment);
                self.dialogue.stage = Stage::Opaque;
            }
        }
        Read::Used
    }

    /// Looks at what a side says once the hello is there: fatal alerts, and whether the two go
    /// on.
    #[inline]
    pub(super) fn after_hello<S: Sink>(
        &mut self,
        key: &FlowKey,
        bytes: &[u8],
        originates: bool,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        if matches!(self.ending, Some(Ending { kind: EndingKind::CertificateRefused(_), .. })) {
            return;
        }
        let alert = tls::plaintext_alert(bytes);
        let is_served = matches!(self.dialogue.stage, Stage::TlsServed | Stage::TlsContinued);
        if originates && is_served && self.dialogue.is_tls13 {
            // What the client says first with its new keys is its Finished, or an alert in its place.
            match tls::first_protected(bytes) {
                Some(tls::Protected::Alert) if !self.dialogue.has_finished => {
                    self.end(EndingKind::CertificateRefused(None), moment, Origin::default());
                    return;
                }
                Some(_) => self.dialogue.has_finished = true,
                None => {}
            }
        }
        match (alert, originates, self.dialogue.stage) {
            (Some((tls::FATAL, description)), true, _)
                if is_served && tls::is_about_certificate(description) =>
            {
                let kind = EndingKind::CertificateRefused(Some(description));
                self.end(kind, moment, Origin::default());
            }
            (Some((tls::FATAL, _)), true, _) => {
                self.end(EndingKind::OriginatorLeft, moment, Origin::default());
            }
            (Some((level @ tls::FATAL, description)), false, _) => {
                let origin = self.origin();
                self.end(EndingKind::Alert { level, description }, moment, origin);
            }
            (_, true, Stage::TlsServed) => self.dialogue.stage = Stage::TlsContinued,
            (None, false, _)
                if self.awaits_certificates() && self.read_certificates(bytes, moment, context) => {
            }
            (None, false, Stage::TlsContinued) => self.tls_answered(key, moment, context),
            _ => {}
        }
    }

    /// The capture lacks what came in answer to the hello; `held` is what came of it before.
    pub(super) fn answer_to_hello_lost(&mut self, held: Option<Box<Held>>) {
        let begins_handshake = held
            .is_none_or(|held| tls::record_kind(held.bytes()) == Some(tls::RecordKind::Handshake));
        if begins_handshake {
            self.note_served();
        }
    }

    /// The last look at a hello that will not become complete.
    pub(super) fn give_up_waiting<S: Sink>(&mut self, context: &mut Context<S>) {
        if self.dialogue.stage == Stage::TlsHello {
            *self.dialogue.held(true) = None;
            self.dialogue.stage = Stage::TlsSent;
            context.counts.hello_cut += 1;
        }
    }

    /// Reports that the server has answered.
    pub(super) fn tls_answered<S: Sink>(
        &mut self,
        key: &FlowKey,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        let hello = self.dialogue.hello.unwrap_or(moment);
        let (name, volume) = (self.dialogue.name, self.volume());
        let mut attempt = self.attempt(key, name, Outcome::Answered, volume, hello, context.unit);
        attempt.end = moment.time;
        context.sink.attempt(&attempt);
        self.settle_tunnel(key, attempt.outcome, moment.time, context);
        self.answered = Some(Answered { at: moment.time, ..Answered::default() });
        // The name is needed once more if all that follows is a reset.
        self.dialogue = Dialogue::settled();
        self.dialogue.name = name;
    }

    /// Reads what is held of an answer to the hello, whose rest will not come.
    pub(super) fn last_answer_to_hello<S: Sink>(
        &mut self,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        if self.dialogue.stage == Stage::TlsSent
            && let Some(held) = self.dialogue.held(false).take()
        {
            self.answer_to_hello(held.bytes(), true, moment, context);
        }
    }

    /// A reset in the responder's name came: reports it when it is all that the client got for what it
    /// sent once the handshake was answered.
    pub(super) fn note_cut<S: Sink>(
        &mut self,
        key: &FlowKey,
        tcp: Tcp,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        /// After this a reset may end a connection that has done its work.
        const SOON: Duration = Duration::from_seconds(5);
        /// Session tickets and settings, which servers send without being asked.
        const UNASKED: u32 = 1_024;
        let Some(Answered { at: answered, originator, responder }) = self.answered.take() else {
            return;
        };
        let asked = tcp.acknowledgement.wrapping_sub(originator);
        let got = tcp.sequence.wrapping_sub(responder);
        let is_cut = tcp.flags.ack()
            && (1..1 << 24).contains(&asked)
            && got <= UNASKED
            && moment.time.since(answered) <= SOON;
        if is_cut {
            let outcome = Outcome::Inconclusive(Doubt::CutAfterHandshake);
            let after = moment.time.since(answered);
            let fact = Fact::Reset { after, origin: self.origin(), hello: Hello::default() };
            let name = self.dialogue.name;
            let attempt = self.attempt(key, name, outcome, fact, moment, context.unit);
            context.sink.attempt(&Attempt { channel: Channel::Tls, ..attempt });
        }
    }

    /// The ServerHello is there: what seemed to end the attempt before did not.
    fn note_served(&mut self) {
        self.dialogue.stage = Stage::TlsServed;
        *self.dialogue.held(false) = None;
        if matches!(
            self.ending,
            Some(Ending { kind: EndingKind::Alert { .. } | EndingKind::Icmp(_), .. })
        ) {
            self.ending = None;
        }
    }
}
