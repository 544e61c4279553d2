//! QUIC connections: from datagrams to attempts.

use super::context::{Context, Moment};
use super::decode::QUIC_PORT;
use super::dissect::quic::{self, QuicEvent};
use super::encrypted_dns::{self, Over};
use super::flow_key::{FlowKey, Way};
use super::packet::Segment;
use super::tcp::{Icmp, SYN_ANSWER_TIME};
use crate::observe::{
    Attempt, Cause, Channel, Doubt, Duration, Fact, NameId, NameSource, Outcome, Sink, Timestamp,
};

/// How long a conversation may pause; idle QUIC connections time out within half a minute by
/// custom, and a NAT forgets them after a few.
const PATIENCE: Duration = Duration::from_seconds(300);

/// How long the first datagrams wait for an answer before silence is a finding: a client asks
/// again after one second and after two more (RFC 9002 sections 6.2.1 and 6.2.2), as by TCP.
const ANSWER_TIME: Duration = SYN_ANSWER_TIME;

/// A QUIC connection, or another UDP conversation on the port of HTTP/3.
#[derive(Debug)]
pub(crate) struct QuicFlow {
    /// Which way the client's datagrams go.
    client: Way,
    start: Moment,
    last: Timestamp,
    /// Datagrams of the client until the first answer, and of the server.
    sent: u32,
    received: u32,
    handshake: Option<Box<quic::QuicFlow>>,
    name: Option<NameId>,
    named_at: Option<Moment>,
    /// Whether the client spoke a version that is not known, and no other.
    is_unknown_version: bool,
    icmp: Option<(Icmp, Moment)>,
    state: State,
}

/// How far the handshake has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The client speaks QUIC and has no answer.
    Asking,
    /// Datagrams go back and forth and no handshake was seen.
    Unknown,
    /// The server closed the connection during the handshake.
    Closed(Moment, u64),
    /// The client did, at this time.
    Abandoned(Timestamp),
    /// The server takes part in the handshake and nothing of it shows that it got further.
    Replied(Progress),
    /// The attempt is reported.
    Settled,
}

/// What came after the server's first flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progress {
    /// When the first of it came.
    since: Timestamp,
    /// Whether the client answered it with packets that only its keys allow.
    client_went_on: bool,
    /// Whether the server sent data after that, and nothing of the handshake since.
    server_went_on: bool,
    /// Datagrams of either side since.
    datagrams: u32,
}

impl QuicFlow {
    /// A conversation whose first datagram is this.
    pub(crate) fn new(segment: &Segment, payload: &[u8], way: Way, moment: Moment) -> Self {
        let opens = begins(payload, [segment.source.port, segment.destination.port]);
        // A client's port is the higher one, unless what it says shows who asks.
        let from_server = segment.source.port < segment.destination.port
            && (segment.source.port == QUIC_PORT || !opens);
        Self {
            client: if from_server { way.reverse() } else { way },
            start: moment,
            last: moment.time,
            sent: 0,
            received: 0,
            handshake: opens.then(Box::default),
            name: None,
            named_at: None,
            is_unknown_version: false,
            icmp: None,
            state: if opens { State::Asking } else { State::Unknown },
        }
    }

    /// Whether nothing shows yet that it is QUIC.
    pub(crate) fn is_unknown(&self) -> bool {
        self.state == State::Unknown
    }

    /// Takes the next datagram and returns how long the conversation may pause now. A settled one
    /// needs no more of them.
    #[inline]
    pub(crate) fn datagram<S: Sink>(
        &mut self,
        key: &FlowKey,
        payload: &[u8],
        way: Way,
        moment: Moment,
        context: &mut Context<S>,
    ) -> Duration {
        self.last = self.last.max(moment.time);
        if self.state != State::Settled {
            if way == self.client {
                self.client_datagram(key, payload, moment, context);
            } else {
                self.server_datagram(key, payload, moment, context);
            }
        }
        PATIENCE
    }

    /// Whether the attempt is reported.
    pub(crate) fn is_settled(&self) -> bool {
        self.state == State::Settled
    }

    /// Takes an ICMP error that quotes a datagram of this conversation.
    pub(crate) fn icmp_error(&mut self, about: Way, icmp: Icmp, moment: Moment) {
        if about == self.client && icmp.is_failure() && self.icmp.is_none() {
            self.icmp = Some((icmp, moment));
        }
    }

    /// The conversation is over, or the capture is.
    pub(crate) fn finish<S: Sink>(
        &self,
        key: &FlowKey,
        until: Timestamp,
        context: &mut Context<S>,
    ) {
        let until = context.lived(self.last, until);
        if self.handshake.is_some() || self.state != State::Unknown {
            context.counts.quic += 1;
            match (self.name, self.is_unknown_version) {
                (Some(_), _) => {}
                (None, true) => context.counts.quic_unknown_version += 1,
                (None, false) => context.counts.quic_unnamed += 1,
            }
            // That nothing answers is no sign of it, as with requests for TCP connections.
            if self.sent == 0 {
                context.counts.one_way += 1;
            }
        }
        let silence = |until: Timestamp| {
            let until = until.min(self.last + ANSWER_TIME);
            let waited = until.since(self.start.time);
            (waited, Fact::Requests { count: self.sent, waited })
        };
        let (outcome, fact, at) = match (self.state, self.icmp) {
            (State::Settled, _) => return,
            // What is no QUIC says nothing of a service: traceroute sends to this port too.
            (State::Unknown, Some(_)) => {
                (Outcome::Inconclusive(Doubt::NotDissected), Fact::None, self.start)
            }
            (_, Some((icmp, at))) if self.received == 0 => {
                (Outcome::Blocked(icmp.cause()), icmp.fact(), at)
            }
            (State::Asking, _) if self.received == 0 => {
                let (waited, fact) = silence(until);
                let outcome = if waited < ANSWER_TIME {
                    Outcome::Inconclusive(Doubt::CaptureEnded)
                } else {
                    Outcome::Blocked(Cause::QuicNoAnswer)
                };
                (outcome, fact, self.start)
            }
            (State::Abandoned(at), _) if self.received == 0 => {
                let (waited, fact) = silence(at);
                let outcome = if waited < ANSWER_TIME {
                    Outcome::Inconclusive(Doubt::ClientGaveUp)
                } else {
                    Outcome::Blocked(Cause::QuicNoAnswer)
                };
                (outcome, fact, self.start)
            }
            (State::Closed(at, code), _) => {
                (Outcome::Blocked(Cause::QuicClosed), Fact::QuicClose(code), at)
            }
            (State::Abandoned(_), _) => {
                (Outcome::Inconclusive(Doubt::ClientGaveUp), Fact::None, self.start)
            }
            (State::Replied(Progress { server_went_on: true, .. }), _) => {
                (Outcome::Answered, Fact::None, self.named_at.unwrap_or(self.start))
            }
            (State::Replied(progress), _) => {
                // Either side that hears nothing sends its flight again and again (RFC 9002 section 6.2).
                let waited = self.last.since(progress.since);
                let is_stalled = waited >= ANSWER_TIME && progress.datagrams > 1;
                if is_stalled {
                    let fact = Fact::Requests { count: self.sent, waited };
                    (Outcome::Blocked(Cause::QuicNoAnswer), fact, self.start)
                } else {
                    (Outcome::Inconclusive(Doubt::HandshakeCut), Fact::None, self.start)
                }
            }
            (State::Asking | State::Unknown, _) => {
                (Outcome::Inconclusive(Doubt::NotDissected), Fact::None, self.start)
            }
        };
        if self.sent > 0 {
            self.report(key, outcome, fact, at, context);
        }
    }

    fn client_datagram<S: Sink>(
        &mut self,
        key: &FlowKey,
        payload: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) {
        self.sent = self.sent.saturating_add(1);
        let ports = [self.client, self.client.reverse()].map(|way| key.sender(way).port);
        if self.state == State::Unknown && begins(payload, ports) {
            self.state = State::Asking;
            self.handshake = Some(Box::default());
        }
        if let State::Replied(progress) = &mut self.state {
            let contents = quic::contents(payload);
            progress.client_went_on |= contents.handshake || contents.data;
            progress.datagrams = progress.datagrams.saturating_add(1);
        }
        let Some(handshake) = &mut self.handshake else { return };
        let mut scratch = std::mem::take(&mut context.quic);
        match handshake.client_datagram(payload, &mut scratch) {
            QuicEvent::ServerName(raw) => {
                if self.named_at.is_none() {
                    encrypted_dns::count(&mut context.counts, Over::Quic, ports[1], Some(raw));
                }
                self.name = context.name(raw, NameSource::QuicSni, moment.time);
                self.named_at = Some(moment);
                if handshake.encrypted_client_hello() {
                    context.counts.encrypted_hello += 1;
                }
            }
            QuicEvent::NoServerName => self.is_unknown_version = false,
            QuicEvent::UnknownVersion(_) => self.is_unknown_version = true,
            QuicEvent::Closed { .. } if self.state == State::Asking => {
                self.state = State::Abandoned(moment.time);
            }
            _ => {}
        }
        context.quic = scratch;
    }

    fn server_datagram<S: Sink>(
        &mut self,
        key: &FlowKey,
        payload: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) {
        if self.received == 0 {
            context.sink.heard(context.unit, key.sender(self.client).address);
        }
        self.received = self.received.saturating_add(1);
        if let State::Replied(progress) = &mut self.state {
            let shows_progress = self.handshake.as_ref().is_some_and(|quic| quic.shows_progress());
            progress.datagrams = progress.datagrams.saturating_add(1);
            let contents = quic::contents(payload);
            let is_data_alone = contents.data && !contents.handshake && !contents.hellos;
            let is_confirmed = std::mem::replace(
                &mut progress.server_went_on,
                progress.client_went_on && is_data_alone,
            );
            // A server that has accepted the client's answer sends data, and nothing of the handshake any
            // more (RFC 9001 section 4.9); what it repeats of its first flight shows the contrary.
            if !shows_progress || is_confirmed && is_data_alone {
                self.settle(key, moment, context);
            }
            return;
        }
        let Some(handshake) = &mut self.handshake else { return };
        let mut scratch = std::mem::take(&mut context.quic);
        let event = handshake.server_datagram(payload, &mut scratch);
        context.quic = scratch;
        match event {
            QuicEvent::Answered => {
                self.state = State::Replied(Progress {
                    since: moment.time,
                    client_went_on: false,
                    server_went_on: false,
                    datagrams: 0,
                });
                context.counts.hidden_certificates += 1;
            }
            QuicEvent::Closed { code, .. } => self.state = State::Closed(moment, code),
            _ => {}
        }
    }

    fn settle<S: Sink>(&mut self, key: &FlowKey, moment: Moment, context: &mut Context<S>) {
        let fact = Fact::None;
        let at = self.named_at.unwrap_or(self.start);
        self.last = self.last.max(moment.time);
        self.report(key, Outcome::Answered, fact, at, context);
        self.state = State::Settled;
        self.handshake = None;
    }

    fn report<S: Sink>(
        &self,
        key: &FlowKey,
        outcome: Outcome,
        fact: Fact,
        at: Moment,
        context: &mut Context<S>,
    ) {
        let server = key.sender(self.client.reverse());
        let is_quic = self.handshake.is_some() || self.name.is_some();
        context.sink.attempt(&Attempt {
            name: self.name.map(|name| (name, NameSource::QuicSni)),
            channel: if is_quic { Channel::Quic } else { Channel::Udp },
            client: key.sender(self.client),
            server,
            target_port: server.port,
            outcome,
            decider: None,
            start: self.start.time,
            end: self.last,
            locator: at.locator,
            unit: context.unit,
            chain: None,
            fact,
        });
    }
}

/// Whether a client opens a connection with this datagram. On the port of QUIC it may do so in a
/// version that is not known.
fn begins(payload: &[u8], ports: [u16; 2]) -> bool {
    quic::looks_like_quic(payload)
        || ports.contains(&QUIC_PORT) && quic::looks_like_unknown_quic(payload)
}
