//! What became of a connection, judged when it is over.

use super::dialogue::Stage;
use super::http_exchange::Tunnel;
use super::{Ending, EndingKind, Icmp, TcpFlow};
use crate::capture::conn_state::ConnectionState;
use crate::capture::context::{Context, Moment};
use crate::capture::flow_key::FlowKey;
use crate::observe::{
    Attempt, Cause, Doubt, Duration, Fact, Hello, NameId, NameSource, Outcome, Sink, Timestamp,
};

/// How long a SYN waits for an answer before silence is a finding: three seconds are the
/// second retransmission (RFC 6298 section 2) and more than any path takes.
pub(crate) const SYN_ANSWER_TIME: Duration = Duration::from_seconds(3);

/// How long a hello or request waits for an answer before silence is a finding.
pub(crate) const ANSWER_TIME: Duration = Duration::from_seconds(5);

/// How long an HTTP request waits; servers may think before they answer.
pub(crate) const RESPONSE_TIME: Duration = Duration::from_seconds(30);

/// An outcome with the figures behind it and the packet that shows it.
pub(super) type Judgement = (Outcome, Fact, Moment);

impl Icmp {
    /// The cause that the error is.
    pub(crate) const fn cause(self) -> Cause {
        if self.is_prohibition() { Cause::IcmpProhibited } else { Cause::IcmpUnreachable }
    }
}

impl TcpFlow {
    /// Reports what is left to report.
    pub(super) fn conclude<S: Sink>(
        &mut self,
        key: &FlowKey,
        until: Timestamp,
        context: &mut Context<S>,
    ) {
        self.give_up_waiting(context);
        let moment = Moment { time: self.last, locator: self.start.locator };
        self.certificates_cut(moment, context);
        let name = self.dialogue.name;
        let judgement = match self.dialogue.stage {
            Stage::Settled | Stage::Dns => return,
            Stage::Http => return self.conclude_requests(key, until, context),
            Stage::Http2 => return self.conclude_http2(key, until, context),
            Stage::Opening if self.dialogue.tunnel.is_some() => {
                self.settle_tunnel(key, Outcome::Inconclusive(Doubt::NothingSent), until, context);
                return;
            }
            Stage::Opening => self.judge_opening(until),
            Stage::TlsHello | Stage::TlsSent => self.judge_hello(until),
            Stage::TlsServed | Stage::TlsContinued => self.judge_handshake(),
            Stage::Socks => {
                if self.conclude_socks(key, until, context) {
                    return;
                }
                self.judge_opaque(until)
            }
            Stage::Clear => {
                context.counts.opaque += 1;
                self.judge_opaque(until)
            }
            Stage::Opaque => self.judge_opaque(until),
        };
        let (outcome, fact, at) = judgement;
        if self.originator.packets == 0 && name.is_none() {
            // Only the responder is in the capture: nobody is known to have tried.
            return;
        }
        let unit = context.unit;
        let mut attempt = self.attempt(key, name, outcome, fact, at, unit);
        if let Some(hello) = self.dialogue.hello {
            attempt.start = attempt.start.min(hello.time);
        }
        context.sink.attempt(&attempt);
        self.settle_tunnel(key, outcome, until, context);
    }

    /// The attempt that this connection is.
    pub(super) fn attempt(
        &self,
        key: &FlowKey,
        name: Option<(NameId, NameSource)>,
        outcome: Outcome,
        fact: Fact,
        at: Moment,
        unit: u32,
    ) -> Attempt {
        let server = self.server(key);
        Attempt {
            name,
            channel: self.dialogue.channel(),
            client: self.client(key),
            server,
            target_port: self.dialogue.tunnel.as_ref().map_or(server.port, |tunnel| tunnel.port),
            outcome,
            // What goes through a tunnel was begun when the proxy was asked for it.
            decider: None,
            start: self
                .dialogue
                .tunnel
                .as_ref()
                .map_or(self.start.time, |tunnel| tunnel.asked.time),
            end: self.last.max(at.time),
            locator: at.locator,
            unit,
            chain: self.dialogue.chain,
            fact,
        }
    }

    /// Reports the CONNECT or SOCKS request whose tunnel this is, unless what went through the tunnel
    /// has told more.
    pub(super) fn settle_tunnel<S: Sink>(
        &mut self,
        key: &FlowKey,
        inner: Outcome,
        end: Timestamp,
        context: &mut Context<S>,
    ) {
        let Some(tunnel) = self.dialogue.tunnel.take() else { return };
        let same_name = self.dialogue.name.map(|(name, _)| name) == tunnel.name;
        let told = matches!(inner, Outcome::Answered | Outcome::Blocked(_));
        if !(same_name && told) {
            let Tunnel { name, source, port, asked, fact } = *tunnel;
            let name = name.map(|name| (name, source));
            let mut attempt = self.attempt(key, name, Outcome::Answered, fact, asked, context.unit);
            attempt.channel = crate::observe::Channel::Connect;
            attempt.target_port = port;
            attempt.start = asked.time;
            attempt.end = attempt.end.min(end);
            context.sink.attempt(&attempt);
        }
    }

    /// What silence or an ending after `sent` means for what was sent then.
    pub(super) fn judge_wait(
        &self,
        sent: Moment,
        until: Timestamp,
        patience: Duration,
    ) -> Judgement {
        if self.responder.packets == 0 && self.requests.count > 0 && !self.is_one_way() {
            // What was sent came with the connection request, and nothing answered that.
            return self.judge_unanswered_requests(until);
        }
        match self.ending {
            Some(Ending { kind, at, origin }) => {
                let after = at.time.since(sent.time);
                let origin = self.origin_after(origin, sent);
                let hello = self.dialogue.hello_size;
                match kind {
                    EndingKind::Alert { level, description } => {
                        let fact = Fact::Alert { after, origin, level, description };
                        (Outcome::Blocked(Cause::TlsAlert), fact, at)
                    }
                    EndingKind::ForeignResponse(status, sign) => {
                        // A device that cannot speak TLS for the name says its denial in clear.
                        let outcome = match (status, sign) {
                            (301..=308 | 403 | 451 | 511, _) | (_, Some(_)) => {
                                Outcome::Blocked(Cause::HttpDenied)
                            }
                            _ => Outcome::Inconclusive(Doubt::NotDissected),
                        };
                        let sign = sign.unwrap_or_default();
                        (outcome, Fact::Denial { status, after, origin, sign }, at)
                    }
                    EndingKind::CertificateRefused(alert) => {
                        let outcome = Outcome::Inconclusive(Doubt::CertificateRefused);
                        (outcome, Fact::Refusal(alert), at)
                    }
                    EndingKind::ResponderReset => {
                        let fact = Fact::Reset { after, origin, hello };
                        (Outcome::Blocked(Cause::ResetAfterHello), fact, at)
                    }
                    EndingKind::ResponderClosed => {
                        let fact = Fact::Closed { after, origin, hello };
                        (Outcome::Blocked(Cause::ClosedAfterHello), fact, at)
                    }
                    EndingKind::Icmp(icmp) => (Outcome::Blocked(icmp.cause()), icmp.fact(), at),
                    // Of one direction nothing tells whether the client had its answer.
                    EndingKind::OriginatorLeft if self.is_one_way() => {
                        self.judge_silence(sent, at.time, patience)
                    }
                    EndingKind::OriginatorLeft if after < patience => {
                        let fact = Fact::Silence { waited: after, hello };
                        (Outcome::Inconclusive(Doubt::ClientGaveUp), fact, at)
                    }
                    EndingKind::OriginatorLeft => self.judge_silence(sent, at.time, patience),
                }
            }
            None => self.judge_silence(sent, until, patience),
        }
    }

    fn judge_silence(&self, sent: Moment, until: Timestamp, patience: Duration) -> Judgement {
        // What comes after the patience of every timeout cannot change the figure.
        let until = until.min(self.last.max(sent.time) + patience);
        let waited = until.since(sent.time);
        let fact = match self.large.lost() {
            Some((length, again)) => {
                Fact::LargeLost { waited, length, again, limit: self.large.limit }
            }
            None => Fact::Silence { waited, hello: self.dialogue.hello_size },
        };
        let outcome = if self.is_one_way() {
            Outcome::Inconclusive(Doubt::OneWay)
        } else if waited < patience {
            Outcome::Inconclusive(Doubt::CaptureEnded)
        } else {
            Outcome::Blocked(Cause::NoAnswerAfterHello)
        };
        (outcome, fact, sent)
    }

    fn judge_opening(&self, until: Timestamp) -> Judgement {
        let start = self.start;
        if self.originator.packets == 0 {
            return (Outcome::Inconclusive(Doubt::OneWay), self.volume(), start);
        }
        if self.originator.initial.is_none() {
            return (Outcome::Inconclusive(Doubt::MidFlow), self.volume(), start);
        }
        let accepted = self.responder.initial.is_some();
        if self.is_trace() && !accepted {
            return self.judge_unanswered_requests(until);
        }
        // Bare acknowledgements of connection requests open nothing (RFC 5961 section 4).
        let is_refused_silently = !accepted
            && self.responder.payload == 0
            && self.requests.count > 1
            && self.originator.acknowledged.is_none()
            && self.ending.is_none();
        match (self.state(), self.ending) {
            (ConnectionState::S0 | ConnectionState::Rstos0 | ConnectionState::Sh, _)
                if self.responder.packets == 0 =>
            {
                self.judge_unanswered_requests(until)
            }
            (
                ConnectionState::Rej | ConnectionState::Rstr,
                Some(Ending { kind: EndingKind::ResponderReset, at, origin }),
            ) if !accepted => {
                let after = at.time.since(self.requests.last);
                let fact = Fact::Reset { after, origin, hello: Hello::default() };
                (Outcome::Blocked(Cause::TcpRefused), fact, at)
            }
            (_, Some(Ending { kind: EndingKind::Icmp(icmp), at, .. })) if !accepted => {
                (Outcome::Blocked(icmp.cause()), icmp.fact(), at)
            }
            _ if self.responder.packets == 0 || is_refused_silently => {
                self.judge_unanswered_requests(until)
            }
            _ => (Outcome::Inconclusive(Doubt::NothingSent), self.volume(), start),
        }
    }

    fn judge_unanswered_requests(&self, until: Timestamp) -> Judgement {
        let requests = self.requests;
        if self.is_trace() {
            let fact = match self.ending {
                Some(Ending { kind: EndingKind::Icmp(icmp), .. }) => icmp.fact(),
                _ => Fact::None,
            };
            return (Outcome::Inconclusive(Doubt::HopLimit), fact, self.start);
        }
        let silence = |until: Timestamp| {
            let until = until.min(self.last.max(requests.last) + SYN_ANSWER_TIME);
            let waited = until.since(requests.first);
            (waited, Fact::Requests { count: requests.count, waited })
        };
        if self.is_one_way() {
            return (Outcome::Inconclusive(Doubt::OneWay), self.volume(), self.start);
        }
        match self.ending {
            Some(Ending { kind: EndingKind::Icmp(icmp), at, .. }) => {
                (Outcome::Blocked(icmp.cause()), icmp.fact(), at)
            }
            Some(Ending { kind: EndingKind::OriginatorLeft, at, .. })
                if at.time.since(requests.first) < SYN_ANSWER_TIME =>
            {
                let (_, fact) = silence(at.time);
                (Outcome::Inconclusive(Doubt::ClientGaveUp), fact, at)
            }
            ending => {
                let until = ending.map_or(until, |ending| ending.at.time);
                let (waited, fact) = silence(until);
                if waited < SYN_ANSWER_TIME {
                    (Outcome::Inconclusive(Doubt::CaptureEnded), fact, self.start)
                } else if requests.count == 1 {
                    // Who waits for an answer asks again after a second (RFC 6298 section 2).
                    // A socket that is closed before, as that of a connection that has lost a
                    // race (RFC 8305 section 5), sends nothing.
                    (Outcome::Inconclusive(Doubt::ClientGaveUp), fact, self.start)
                } else {
                    (Outcome::Blocked(Cause::TcpNoAnswer), fact, self.start)
                }
            }
        }
    }

    fn judge_hello(&self, until: Timestamp) -> Judgement {
        let sent = self.dialogue.hello.unwrap_or(self.start);
        self.judge_wait(sent, until, ANSWER_TIME)
    }

    /// The ServerHello came and nothing that would count as an answer after it.
    fn judge_handshake(&self) -> Judgement {
        let sent = self.dialogue.hello.unwrap_or(self.start);
        match self.ending {
            Some(Ending { kind: EndingKind::OriginatorLeft, at, .. }) => {
                (Outcome::Inconclusive(Doubt::ClientGaveUp), self.volume(), at)
            }
            Some(_) => self.judge_wait(sent, self.last, ANSWER_TIME),
            None => (Outcome::Inconclusive(Doubt::HandshakeCut), self.volume(), sent),
        }
    }

    fn judge_opaque(&self, until: Timestamp) -> Judgement {
        if self.originator.initial.is_none() {
            return (Outcome::Inconclusive(Doubt::MidFlow), self.volume(), self.start);
        }
        if self.responder.payload > 0 || self.dialogue.hello.is_some() {
            return (Outcome::Inconclusive(Doubt::NotDissected), self.volume(), self.start);
        }
        match self.judge_wait(self.start, until, ANSWER_TIME) {
            // What the originator sent named nobody, so its silence is weaker than a hello's.
            (Outcome::Blocked(Cause::NoAnswerAfterHello | Cause::ClosedAfterHello), fact, at) => {
                (Outcome::Inconclusive(Doubt::NotDissected), fact, at)
            }
            judgement => judgement,
        }
    }

    /// What each side has sent.
    pub(super) const fn volume(&self) -> Fact {
        Fact::Volume {
            sent: self.originator.payload,
            received: self.responder.payload,
            hello: self.dialogue.hello_size,
        }
    }
}
