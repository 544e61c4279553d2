//! TCP connections: from segments to attempts.
//!
//! A connection is followed until its name and its answer are known. From then on a segment
//! costs a look at its flags and nothing else.

mod dialogue;
mod dns_messages;
mod early;
mod held;
mod http2_exchange;
mod http_exchange;
mod http_reply;
mod large;
mod opening;
mod origin;
mod outcome;
mod payload;
mod server_certificate;
mod socks_exchange;
mod starttls;
mod tls_handshake;

use self::dialogue::Dialogue;
use self::early::Early;
use self::large::Large;
use self::origin::Trail;
pub(crate) use self::outcome::SYN_ANSWER_TIME;
use super::conn_state::{ConnectionState, Side};
use super::context::{Context, Moment};
use super::flow_key::{FlowKey, Way};
use super::packet::{Segment, TcpFlags};
use super::stream::HalfStream;
use crate::observe::{Address, Duration, Fact, Origin, Sign, Sink, SocketAddress, Timestamp};

/// How long a connection that is not open may pause: longer than the pauses between the
/// retransmissions of a SYN, which double up to 64 s.
const OPENING_PATIENCE: Duration = Duration::from_seconds(130);
/// How long an open connection may pause.
const OPEN_PATIENCE: Duration = Duration::from_seconds(3_600);
/// How long a finished connection is remembered, so that stragglers find it: longer than any
/// path delays a packet, short enough that finished connections do not crowd the cache.
const CLOSED_PATIENCE: Duration = Duration::from_seconds(3);

/// A TCP connection.
#[derive(Debug)]
pub(crate) struct TcpFlow {
    /// Which way the originator's packets go.
    initiator: Way,
    /// Whether a SYN told who the originator is; else it is the likelier side.
    initiator_known: bool,
    start: Moment,
    last: Timestamp,
    /// The acknowledgement number of the responder's last SYN that answers none of the originator's.
    misled: Option<u32>,
    /// Once a TLS answer was reported.
    answered: Option<Answered>,
    /// From the SYN to its answer in microseconds, 0 where it is not known.
    round_trip: u32,
    requests: Requests,
    originator: Half,
    responder: Half,
    /// What ended the attempt, if something did.
    ending: Option<Ending>,
    large: Large,
    dialogue: Dialogue,
    early: Early,
}

/// One side of a connection.
#[derive(Debug, Default)]
struct Half {
    side: Side,
    stream: HalfStream,
    packets: u32,
    /// Payload bytes on the wire, retransmissions included.
    payload: u64,
    trail: Trail,
    /// Initial sequence number, once a SYN was seen.
    initial: Option<u32>,
    /// The greatest acknowledgement that it sent.
    acknowledged: Option<u32>,
    /// How many zeros it sent as its first bytes that may be padding.
    padding: u8,
}

/// When a server's answer to a TLS handshake came, and which sequence numbers came next.
#[derive(Debug, Default, Clone, Copy)]
struct Answered {
    at: Timestamp,
    originator: u32,
    responder: u32,
}

/// The SYNs of the originator.
#[derive(Debug, Default, Clone, Copy)]
struct Requests {
    count: u32,
    /// Payload bytes that they carry (TCP Fast Open, RFC 7413).
    payload: u64,
    first: Timestamp,
    last: Timestamp,
}

/// The first event that ended an attempt.
#[derive(Debug, Clone, Copy)]
struct Ending {
    kind: EndingKind,
    at: Moment,
    /// What the packet's header tells of its sender.
    origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EndingKind {
    /// RST of the responder.
    ResponderReset,
    /// FIN of the responder.
    ResponderClosed,
    /// RST or FIN of the originator, or its own fatal alert.
    OriginatorLeft,
    /// Fatal alert of the originator about the certificate, by its description where it is in clear.
    CertificateRefused(Option<u8>),
    /// Cleartext alert of the responder.
    Alert { level: u8, description: u8 },
    /// HTTP response to a TLS hello, with its status and what shows that it is a block page.
    ForeignResponse(u16, Option<Sign>),
    /// ICMP error about the originator's packets.
    Icmp(Icmp),
}

impl Half {
    /// Whether it has sent its FIN.
    fn has_closed(&self) -> bool {
        self.side == Side::Closed
    }
}

impl TcpFlow {
    /// A connection whose first packet is this.
    pub(crate) fn new(segment: &Segment, flags: TcpFlags, way: Way, moment: Moment) -> Self {
        let (initiator, initiator_known) = if flags.syn() {
            (if flags.ack() { way.reverse() } else { way }, true)
        } else {
            // The side with the well-known port is the likelier responder.
            let from_service = segment.source.port < 1_024 && segment.destination.port >= 1_024;
            (if from_service { way.reverse() } else { way }, false)
        };
        Self {
            initiator,
            initiator_known,
            start: moment,
            last: moment.time,
            misled: None,
            answered: None,
            round_trip: 0,
            requests: Requests::default(),
            originator: Half::default(),
            responder: Half::default(),
            ending: None,
            large: Large::default(),
            dialogue: Dialogue::default(),
            early: Early::default(),
        }
    }

    /// Whether this SYN opens another connection on the ports of this one.
    pub(crate) fn is_reopened_by(&self, flags: TcpFlags, sequence: u32, way: Way) -> bool {
        flags.syn()
            && !flags.ack()
            && match self.originator.initial {
                Some(initial) if way == self.initiator => initial != sequence,
                _ => self.originator.packets + self.responder.packets > 0,
            }
    }

    /// Takes the next packet and returns how long the connection may pause now.
    ///
    /// A settled connection needs only the packets that change its state.
    #[inline]
    pub(crate) fn packet<S: Sink>(
        &mut self,
        packet: &Packet<'_>,
        context: &mut Context<S>,
    ) -> Duration {
        let Packet { tcp, moment, .. } = packet;
        self.last = self.last.max(moment.time);
        let originates = packet.way == self.initiator;
        if self.is_misled(packet, originates) {
            return self.patience();
        }
        self.note_header(packet, originates, context);
        if packet.segment.payload_length > 0
            && !self.dialogue.is_settled()
            && !self.is_farewell(packet, originates)
        {
            self.note_payload(packet, originates, context);
            if let Some(answered) = &mut self.answered {
                // The segment of the responder that was the answer.
                answered.originator = tcp.acknowledgement;
                answered.responder = tcp.sequence.wrapping_add(packet.segment.payload_length);
            }
        }
        if tcp.flags.fin() || tcp.flags.rst() {
            self.note_end(packet, originates, context);
        }
        self.patience()
    }

    /// Whether this is a SYN-ACK that acknowledges none of the originator's SYNs, or the reset by which the
    /// originator says so (RFC 9293 section 3.5.2): neither opens or ends the connection.
    fn is_misled(&mut self, packet: &Packet<'_>, originates: bool) -> bool {
        let Packet { tcp: Tcp { flags, sequence, acknowledgement }, .. } = *packet;
        if originates {
            return flags.rst() && self.misled == Some(sequence);
        }
        let Some(initial) = self.originator.initial else { return false };
        let beyond = acknowledgement.wrapping_sub(initial);
        // One for the SYN itself, and what it carried.
        let is_wrong = flags.syn()
            && flags.ack()
            && self.originator.side == Side::Requested
            && (beyond == 0 || u64::from(beyond) > 1 + self.requests.payload);
        if is_wrong {
            self.misled = Some(acknowledgement);
        }
        is_wrong
    }

    /// Whether the payload is no part of the conversation: what a reset carries is a text about it (RFC
    /// 9293 section 3.5.3), and so is a text with which a TLS hello is answered in the segment that closes
    /// the connection.
    fn is_farewell(&self, packet: &Packet<'_>, originates: bool) -> bool {
        let Packet { tcp: Tcp { flags, .. }, payload, .. } = packet;
        flags.rst() || flags.fin() && !originates && self.dialogue.is_text_to_hello(payload)
    }

    /// Whether the connection has nothing more to say.
    pub(crate) fn is_settled(&self) -> bool {
        self.dialogue.is_settled()
    }

    /// Takes an ICMP error that quotes a packet of this connection.
    pub(crate) fn icmp_error(&mut self, about: Way, error: Icmp, moment: Moment) {
        if about != self.initiator {
            return;
        }
        if error.asks_for_smaller() {
            self.large.limit = Some(error.limit);
        }
        if error.is_failure() {
            self.end(EndingKind::Icmp(error), moment, Origin::default());
        }
    }

    /// Notes what ended the attempt, unless something did before.
    fn end(&mut self, kind: EndingKind, at: Moment, origin: Origin) {
        self.ending.get_or_insert(Ending { kind, at, origin });
    }

    /// The connection is over, or the capture is: nothing after `until` belongs to it.
    pub(crate) fn finish<S: Sink>(
        &mut self,
        key: &FlowKey,
        until: Timestamp,
        context: &mut Context<S>,
    ) {
        let until = context.lived(self.last, until);
        if !self.dialogue.is_settled() {
            self.read_behind_holes(key, context);
            let moment = Moment { time: self.last, locator: self.start.locator };
            self.end_request(key, moment, context);
            self.last_responses(key, moment, context);
        }
        self.count(context);
        self.conclude(key, until, context);
    }

    /// The state in Zeek's terms.
    pub(crate) const fn state(&self) -> ConnectionState {
        ConnectionState::of(self.originator.side, self.responder.side)
    }

    fn client(&self, key: &FlowKey) -> SocketAddress {
        key.sender(self.initiator)
    }

    fn server(&self, key: &FlowKey) -> SocketAddress {
        key.sender(self.initiator.reverse())
    }

    fn patience(&self) -> Duration {
        use Side::{Closed, Established, Reset};
        match (self.originator.side, self.responder.side) {
            (Reset, _) | (_, Reset) | (Closed, Closed) => CLOSED_PATIENCE,
            (Established | Closed, _) | (_, Established | Closed) => OPEN_PATIENCE,
            _ => OPENING_PATIENCE,
        }
    }

    fn note_header<S: Sink>(
        &mut self,
        packet: &Packet<'_>,
        originates: bool,
        context: &mut Context<S>,
    ) {
        let &Packet { key, segment, tcp, moment, .. } = packet;
        if !originates && self.responder.packets == 0 {
            context.sink.heard(context.unit, self.client(key).address);
        }
        let opened = self.originator.initial.is_some() || self.responder.initial.is_some();
        let (half, peer) = if originates {
            (&mut self.originator, &mut self.responder)
        } else {
            (&mut self.responder, &mut self.originator)
        };
        half.trail.step(segment);
        half.packets = half.packets.saturating_add(1);
        half.payload += u64::from(segment.payload_length);
        if tcp.flags.ack() && !tcp.flags.rst() {
            let acknowledged = later(half.acknowledged, tcp.acknowledgement);
            if !originates {
                self.large
                    .note_acknowledgement(half.acknowledged != Some(acknowledged), tcp.flags.syn());
            }
            half.acknowledged = Some(acknowledged);
        }
        if tcp.flags.syn() {
            if !originates && half.payload == 0 && half.initial.is_some() {
                // A server that answers with another number has forgotten the first one.
                half.initial = None;
                half.stream = HalfStream::default();
            }
            half.initial.get_or_insert(tcp.sequence);
            half.stream.begin(tcp.sequence.wrapping_add(1));
            half.side =
                half.side.max(if tcp.flags.ack() { Side::Accepted } else { Side::Requested });
            if originates {
                if self.requests.count == 0 {
                    self.requests.first = moment.time;
                }
                self.requests.count += 1;
                self.requests.payload += u64::from(segment.payload_length);
                self.requests.last = moment.time;
            } else {
                if self.requests.count == 1 {
                    self.round_trip = micros(moment.time.since(self.requests.last));
                }
                if matches!(self.ending, Some(Ending { kind: EndingKind::Icmp(_), .. })) {
                    // A later request got through.
                    self.ending = None;
                }
            }
        } else if half.side < Side::Established {
            if opened {
                half.side = Side::Established;
                if tcp.flags.ack() && peer.side == Side::Accepted {
                    peer.side = Side::Established;
                }
            } else {
                half.side = Side::Partial;
            }
        }
    }

    fn note_end<S: Sink>(
        &mut self,
        packet: &Packet<'_>,
        originates: bool,
        context: &mut Context<S>,
    ) {
        let &Packet { key, tcp, moment, .. } = packet;
        let flags = tcp.flags;
        if !self.dialogue.is_settled() && !originates {
            // A close ends the wait for what is missing before it.
            self.read_behind_holes(key, context);
            self.end_request(key, moment, context);
            self.last_responses(key, moment, context);
            self.last_answer_to_hello(moment, context);
        }
        if flags.rst() && !originates {
            self.note_cut(key, tcp, moment, context);
        }
        let is_forged = originates && flags.rst() && self.is_forged();
        let (half, _) = if originates {
            (&mut self.originator, &mut self.responder)
        } else {
            (&mut self.responder, &mut self.originator)
        };
        half.side = half.side.max(if flags.rst() { Side::Reset } else { Side::Closed });
        let kind = match (originates, flags.rst()) {
            // A device that resets one side in the name of the other.
            (true, true) if is_forged => EndingKind::ResponderReset,
            (true, _) => EndingKind::OriginatorLeft,
            (false, true) => EndingKind::ResponderReset,
            (false, false) => EndingKind::ResponderClosed,
        };
        let origin = if is_forged { self.origin_of_originator() } else { self.origin() };
        self.end(kind, moment, origin);
    }

    /// Exchanges the roles of the sides, when what they say shows who began.
    fn swap_sides(&mut self) {
        self.initiator = self.initiator.reverse();
        self.initiator_known = true;
        std::mem::swap(&mut self.originator, &mut self.responder);
    }

    fn count<S: Sink>(&self, context: &mut Context<S>) {
        context.counts.tcp += 1;
        if self.originator.initial.is_none() && self.responder.initial.is_none() {
            context.counts.mid_flow += 1;
        }
        if self.is_one_way() {
            context.counts.one_way += 1;
        }
    }

    /// Whether the connection cannot have been what one direction shows: the originator
    /// acknowledges or goes on after a SYN whose answer is not in the capture, or acknowledges
    /// bytes that are not.
    fn is_one_way(&self) -> bool {
        if self.originator.packets == 0 {
            return true;
        }
        match (self.responder.packets, self.originator.acknowledged) {
            (0, acknowledged) => {
                acknowledged.is_some_and(|number| number != 0)
                    || self.originator.payload > self.requests.payload
            }
            (_, Some(acknowledged)) => {
                let seen = self
                    .responder
                    .stream
                    .next()
                    .or_else(|| self.responder.initial.map(|initial| initial.wrapping_add(1)));
                // One beyond the data is the FIN.
                seen.is_some_and(|seen| {
                    let beyond = acknowledged.wrapping_sub(seen);
                    beyond > 1 && beyond < 1 << 31 && self.responder.payload == 0
                })
            }
            (_, None) => false,
        }
    }
}

/// A segment on its way into its connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packet<'p> {
    pub(crate) key: &'p FlowKey,
    pub(crate) way: Way,
    pub(crate) segment: &'p Segment,
    pub(crate) tcp: Tcp,
    /// What was captured of the payload.
    pub(crate) payload: &'p [u8],
    pub(crate) moment: Moment,
}

/// The TCP fields of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tcp {
    pub(crate) flags: TcpFlags,
    pub(crate) sequence: u32,
    pub(crate) acknowledgement: u32,
}

/// An ICMP or ICMPv6 error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Icmp {
    pub(crate) v6: bool,
    pub(crate) kind: u8,
    pub(crate) code: u8,
    pub(crate) from: Address,
    /// The largest packet that passes, in bytes, 0 where the error does not say.
    pub(crate) limit: u16,
}

impl Icmp {
    /// Whether the error asks for smaller packets: fragmentation needed (RFC 1191 section 4), or
    /// packet too big (RFC 4443 section 3.2).
    const fn asks_for_smaller(self) -> bool {
        matches!((self.v6, self.kind, self.code), (false, 3, 4) | (true, 2, _))
    }

    /// Whether the error says that the packet will not get there, rather than asking for
    /// smaller ones (RFC 792, RFC 1191, RFC 4443).
    pub(crate) const fn is_failure(self) -> bool {
        match (self.v6, self.kind) {
            (false, 3) => self.code != 4,
            (true, 1) => true,
            (false, 11) | (true, 3) => self.code == 0,
            _ => false,
        }
    }

    /// Whether the error says that the hop limit ran out (RFC 792, RFC 4443 section 3.3).
    pub(crate) const fn is_expiry(self) -> bool {
        matches!((self.v6, self.kind, self.code), (false, 11, 0) | (true, 3, 0))
    }

    /// Whether the error says that a policy forbids the packet: codes 9, 10 and 13 of RFC 1812
    /// section 5.2.7.1, codes 1, 5 and 6 of RFC 4443 section 3.1.
    pub(crate) const fn is_prohibition(self) -> bool {
        matches!((self.v6, self.kind, self.code), (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5 | 6))
    }

    pub(crate) const fn fact(self) -> Fact {
        Fact::Icmp { v6: self.v6, kind: self.kind, code: self.code, from: self.from }
    }
}

/// Microseconds of a span, as far as they fit.
fn micros(span: Duration) -> u32 {
    u32::try_from(span.nanos() / 1_000).unwrap_or_default()
}

/// The later of two sequence numbers (RFC 1982).
fn later(kept: Option<u32>, new: u32) -> u32 {
    match kept {
        Some(kept) if new.wrapping_sub(kept) >= 1 << 31 => kept,
        _ => new,
    }
}

#[cfg(test)]
mod tests;
