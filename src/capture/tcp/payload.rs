//! Payload on its way into the dialogue: in the order in which it was said, every byte once.

use super::dialogue::{self, Stage};
use super::dns_messages::{is_dns, opens_dns};
use super::early::{EarlySegment, Turn};
use super::{Half, Packet, TcpFlow};
use crate::capture::context::{Context, Moment};
use crate::capture::dissect::{http, http2, tls};
use crate::capture::flow_key::FlowKey;
use crate::capture::stream::{Chunk, HalfStream};
use crate::observe::{Sink, Timestamp};

/// Ethernet frames are padded to 46 bytes, and the headers of IPv4 and TCP fill 40 of them.
const MAX_PADDING: usize = 6;

impl TcpFlow {
    /// Takes the payload of a segment.
    pub(super) fn note_payload<S: Sink>(
        &mut self,
        packet: &Packet<'_>,
        originates: bool,
        context: &mut Context<S>,
    ) {
        let &Packet { key, segment, tcp, payload, moment, .. } = packet;
        // Data on a SYN (TCP Fast Open, RFC 7413) begins one after the sequence number.
        let sequence = tcp.sequence.wrapping_add(u32::from(tcp.flags.syn()));
        if !self.dialogue.has_begun() && self.is_padding(sequence, payload, originates) {
            return;
        }
        if originates {
            let is_awaited = self.responder.acknowledged == Some(sequence);
            self.large.note_segment(sequence, segment.payload_length, is_awaited);
        }
        let is_inside = self.is_inside(key, payload, originates);
        let (half, peer) = if originates {
            (&mut self.originator, &self.responder)
        } else {
            (&mut self.responder, &self.originator)
        };
        let turn = match is_inside {
            true => self.early.take_inside(packet, sequence),
            false => self.early.take_answer(packet, sequence, peer),
        };
        let padding = match turn {
            Turn::Now => std::mem::take(&mut half.padding),
            Turn::Waits => return self.read_early(key, moment.time, context),
            Turn::NoRoom => {
                self.read_all_early(key, context);
                0
            }
        };
        let mut stream = std::mem::take(&mut self.half(originates).stream);
        let mut deliver = |chunk: Chunk<'_>| self.deliver(key, chunk, originates, moment, context);
        if padding > 0 && stream.next() == Some(sequence.wrapping_sub(padding.into())) {
            // What follows shows that the zeros were data.
            let zeros = [0; MAX_PADDING];
            let zeros = zeros.get(..padding.into()).unwrap_or_default();
            stream.push(sequence.wrapping_sub(padding.into()), zeros, padding.into(), &mut deliver);
        }
        stream.push(sequence, payload, segment.payload_length, deliver);
        self.put_back(stream, originates);
        if !self.early.is_empty() {
            self.read_early(key, moment.time, context);
        }
    }

    /// Ends the wait for what is missing: reads what lies behind it.
    pub(super) fn read_behind_holes<S: Sink>(&mut self, key: &FlowKey, context: &mut Context<S>) {
        self.read_all_early(key, context);
        let moment = Moment { time: self.last, locator: self.start.locator };
        for originates in [true, false] {
            if self.half(originates).stream.has_hole() {
                let mut stream = std::mem::take(&mut self.half(originates).stream);
                stream.flush(|chunk| self.deliver(key, chunk, originates, moment, context));
                self.put_back(stream, originates);
            }
        }
    }

    /// Whether these first bytes of a stream are Ethernet padding that a sender counted into the
    /// IP length: zeros, which come again with their real values. If other bytes follow them,
    /// they were data, such as the length of a message.
    fn is_padding(&mut self, sequence: u32, payload: &[u8], originates: bool) -> bool {
        let half = self.half(originates);
        let is_first = half.stream.next().is_none_or(|next| next == sequence);
        let is_blank = payload.len() <= MAX_PADDING && payload.iter().all(|&byte| byte == 0);
        if !is_first || !is_blank {
            return false;
        }
        let Ok(length) = u8::try_from(payload.len()) else { return false };
        let is_followed = half.stream.waits_for(sequence.wrapping_add(length.into()));
        half.padding = if is_followed { 0 } else { length };
        !is_followed
    }

    /// Whether the payload is the first that the capture shows of a stream, does not look like a
    /// beginning, and no SYN told where that is: what comes before it may be next.
    fn is_inside(&mut self, key: &FlowKey, payload: &[u8], originates: bool) -> bool {
        self.dialogue.stage == Stage::Opening
            && self.half(originates).stream.next().is_none()
            && tls::looks_like_tls(payload) == Some(false)
            && http::looks_like_request(payload) == Some(false)
            && http2::looks_like_preface(payload) == Some(false)
            && !is_dns(self, key)
            && !opens_dns(payload)
    }

    const fn half(&mut self, originates: bool) -> &mut Half {
        if originates { &mut self.originator } else { &mut self.responder }
    }

    /// Reads the segments whose wait is over.
    #[cold]
    fn read_early<S: Sink>(&mut self, key: &FlowKey, now: Timestamp, context: &mut Context<S>) {
        while let Some(segment) = {
            let Self { initiator, originator, responder, early, .. } = self;
            early.due(now, |way| if way == *initiator { &*originator } else { &*responder })
        } {
            self.push_early(key, &segment, context);
        }
    }

    /// Reads the segments that wait, whatever they wait for.
    #[cold]
    fn read_all_early<S: Sink>(&mut self, key: &FlowKey, context: &mut Context<S>) {
        while let Some(segment) = self.early.pop() {
            self.push_early(key, &segment, context);
        }
    }

    fn push_early<S: Sink>(
        &mut self,
        key: &FlowKey,
        segment: &EarlySegment,
        context: &mut Context<S>,
    ) {
        let EarlySegment { way, sequence, ref bytes, length, moment, .. } = *segment;
        let originates = way == self.initiator;
        let mut stream = std::mem::take(&mut self.half(originates).stream);
        stream.push(sequence, bytes, length, |chunk| {
            self.deliver(key, chunk, originates, moment, context);
        });
        self.put_back(stream, originates);
    }

    fn deliver<S: Sink>(
        &mut self,
        key: &FlowKey,
        chunk: Chunk<'_>,
        originates: bool,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        if !self.dialogue.is_settled() {
            dialogue::deliver(self, key, chunk, originates, moment, context);
        }
    }

    /// Returns a stream to its half; who is the originator may have been found out meanwhile.
    fn put_back(&mut self, stream: HalfStream, originates: bool) {
        let swapped = self.dialogue.take_swap();
        if self.dialogue.is_settled() {
            self.originator.stream.forget();
            self.responder.stream.forget();
            self.early.forget();
        } else {
            self.half(originates != swapped).stream = stream;
        }
    }
}
