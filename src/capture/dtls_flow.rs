//! DTLS connections: from datagrams to attempts.
//!
//! Application data never gets here, so a connection counts as answered when the server encrypts
//! its part of the handshake: to do that it has agreed on keys with the client.

use super::context::{Context, Moment};
use super::dissect::dtls::{self, HelloAssembly};
use super::dissect::tls::Progress;
use super::flow_key::{FlowKey, Way};
use super::packet::Segment;
use super::tcp::{Icmp, SYN_ANSWER_TIME};
use crate::observe::{
    Attempt, Cause, Channel, Doubt, Duration, Fact, NameId, NameSource, Origin, Outcome, Sink,
    Timestamp,
};

/// How long a handshake may pause: longer than the pauses between retransmissions, which double
/// up to 60 s (RFC 6347 section 4.2.4.1).
const PATIENCE: Duration = Duration::from_seconds(130);

/// How long a hello waits for an answer before silence is a finding: a client says it again after
/// one second and after two more (RFC 6347 section 4.2.4.1), as by TCP.
const ANSWER_TIME: Duration = SYN_ANSWER_TIME;

/// A DTLS connection.
#[derive(Debug)]
pub(crate) struct DtlsFlow {
    /// Which way the client's datagrams go.
    client: Way,
    start: Moment,
    last: Timestamp,
    /// The first hello and the last.
    hello: Option<(Moment, Timestamp)>,
    /// Datagrams with hellos since the server last asked for one, and datagrams of the server.
    sent: u32,
    received: u32,
    assembly: Option<Box<HelloAssembly>>,
    name: Option<NameId>,
    icmp: Option<(Icmp, Moment)>,
    /// Header fields of each side's last datagram.
    client_hops: u8,
    server_hops: u8,
    server_identification: u16,
    state: State,
}

/// How far the handshake has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No hello was seen.
    Unknown,
    /// The client has said hello.
    Asking,
    /// The server wants another hello.
    AskedAgain,
    /// The server ended the handshake with this alert.
    Closed(Moment, u8, Origin),
    /// The client did.
    Abandoned,
    /// The ServerHello is there.
    Served,
    /// The attempt is reported.
    Settled,
}

impl DtlsFlow {
    /// A conversation whose first datagram is this.
    pub(crate) fn new(segment: &Segment, payload: &[u8], way: Way, moment: Moment) -> Self {
        let from_server = !dtls::opens_dtls(payload)
            && (dtls::answers_dtls(payload) || segment.source.port < segment.destination.port);
        Self {
            client: if from_server { way.reverse() } else { way },
            start: moment,
            last: moment.time,
            hello: None,
            sent: 0,
            received: 0,
            assembly: Some(Box::default()),
            name: None,
            icmp: None,
            client_hops: 0,
            server_hops: 0,
            server_identification: 0,
            state: State::Unknown,
        }
    }

    /// Whether the connection has nothing more to say.
    pub(crate) fn is_settled(&self) -> bool {
        self.state == State::Settled
    }

    /// Takes the next datagram and returns how long the conversation may pause now.
    pub(crate) fn datagram<S: Sink>(
        &mut self,
        key: &FlowKey,
        segment: &Segment,
        payload: &[u8],
        way: Way,
        moment: Moment,
        context: &mut Context<S>,
    ) -> Duration {
        self.last = self.last.max(moment.time);
        if self.state != State::Settled {
            if way == self.client {
                self.client_datagram(payload, moment, context);
                self.client_hops = segment.hops;
            } else {
                let origin = Origin {
                    hops: segment.hops,
                    usual_hops: self.server_hops,
                    client_hops: self.client_hops,
                    identification: segment.identification,
                    usual_identification: self.server_identification,
                    round_trip: 0,
                };
                self.server_datagram(key, payload, origin, moment, context);
                self.server_hops = segment.hops;
                self.server_identification = segment.identification;
            }
        }
        PATIENCE
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
        context.counts.dtls += 1;
        // That nothing answers is no sign of it, as with requests for TCP connections.
        if self.hello.is_none() {
            context.counts.one_way += 1;
        }
        if self.hello.is_some() && self.name.is_none() {
            context.counts.hello_unnamed += 1;
        }
        let Some((hello, last_hello)) = self.hello else { return };
        let (outcome, fact, at) = match (self.state, self.icmp) {
            (State::Settled, _) => return,
            (_, Some((icmp, at))) if self.received == 0 => {
                (Outcome::Blocked(icmp.cause()), icmp.fact(), at)
            }
            (State::Closed(at, description, origin), _) => {
                let after = at.time.since(last_hello);
                let level = super::dissect::tls::FATAL;
                let fact = Fact::Alert { after, origin, level, description };
                (Outcome::Blocked(Cause::TlsAlert), fact, at)
            }
            (State::Abandoned, _) => {
                (Outcome::Inconclusive(Doubt::ClientGaveUp), Fact::None, hello)
            }
            (State::Served | State::AskedAgain | State::Unknown, _) => {
                (Outcome::Inconclusive(Doubt::HandshakeCut), Fact::None, hello)
            }
            (State::Asking, _) => {
                let until = until.min(self.last + ANSWER_TIME);
                let since = if self.received == 0 { hello.time } else { last_hello };
                let waited = until.since(since);
                let outcome = if waited < ANSWER_TIME {
                    Outcome::Inconclusive(Doubt::CaptureEnded)
                } else if self.sent == 1 {
                    // Who waits for an answer asks again after a second (RFC 6347 section
                    // 4.2.4.1).
                    Outcome::Inconclusive(Doubt::ClientGaveUp)
                } else {
                    Outcome::Blocked(Cause::NoAnswerAfterHello)
                };
                (outcome, Fact::Requests { count: self.sent, waited }, hello)
            }
        };
        self.report(key, outcome, fact, at, context);
    }

    fn client_datagram<S: Sink>(
        &mut self,
        payload: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) {
        let Some(mut assembly) = self.assembly.take() else { return };
        let said = assembly.datagram(payload, |scan| match (self.name, scan.server_name) {
            (None, Some(raw)) => {
                self.name = context.name(raw, NameSource::Sni, moment.time);
                context.counts.hello_named += 1;
                if scan.encrypted_client_hello {
                    context.counts.encrypted_hello += 1;
                }
            }
            (None, None) if scan.status == Progress::Malformed => {
                context.anomaly(crate::observe::AnomalyKind::TlsMalformed, moment);
            }
            _ => {}
        });
        self.assembly = Some(assembly);
        if said.hello {
            let first = self.hello.map_or(moment, |(first, _)| first);
            self.hello = Some((first, moment.time));
            if matches!(self.state, State::Unknown | State::Asking) {
                self.sent = self.sent.saturating_add(1);
            }
            if self.state == State::AskedAgain {
                self.sent = 1;
            }
            if matches!(self.state, State::Unknown | State::AskedAgain) {
                self.state = State::Asking;
            }
        }
        if said.fatal_alert.is_some() && matches!(self.state, State::Asking | State::AskedAgain) {
            self.state = State::Abandoned;
        }
    }

    fn server_datagram<S: Sink>(
        &mut self,
        key: &FlowKey,
        payload: &[u8],
        origin: Origin,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        if self.received == 0 {
            context.sink.heard(context.unit, key.sender(self.client).address);
        }
        self.received = self.received.saturating_add(1);
        let Some(assembly) = &mut self.assembly else { return };
        let said = assembly.datagram(payload, |_| {});
        if said.served {
            self.state = State::Served;
        } else if said.asks_again && self.state == State::Asking {
            self.state = State::AskedAgain;
        }
        match said.fatal_alert {
            Some(description) if matches!(self.state, State::Asking | State::AskedAgain) => {
                self.state = State::Closed(moment, description, origin);
            }
            _ => {}
        }
        if said.encrypted && self.state == State::Served && self.hello.is_some() {
            let at = self.hello.map_or(self.start, |(first, _)| first);
            self.report(key, Outcome::Answered, Fact::None, at, context);
            self.state = State::Settled;
            self.assembly = None;
        }
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
        context.sink.attempt(&Attempt {
            name: self.name.map(|name| (name, NameSource::Sni)),
            channel: Channel::Dtls,
            client: key.sender(self.client),
            server,
            target_port: server.port,
            outcome,
            decider: None,
            start: self.hello.map_or(self.start, |(first, _)| first).time,
            end: self.last,
            locator: at.locator,
            unit: context.unit,
            chain: None,
            fact,
        });
    }
}
