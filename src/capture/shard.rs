//! The second half of a packet's way: one part of the flow table, run by one thread at a time.

use super::context::{Context, Moment};
use super::coverage::FlowCounts;
use super::decode::{Batch, DNS_PORT, LLMNR_PORT, MULTICAST_DNS_PORT, Subject};
use super::dissect::{dns, dtls, quic};
use super::dns_transactions::{self, Transactions};
use super::flow_key::{FlowKey, TCP, UDP};
use super::flow_table::{FlowTable, Slot};
use super::packet::{IcmpError, Segment, Transport};
use super::tcp::{Icmp, Packet, Tcp, TcpFlow};
use super::udp_flow::UdpFlow;
use crate::observe::{
    Anomalies, Attempt, Channel, Doubt, Duration, Locator, Outcome, Sink, Timestamp,
};

/// TCP connections that one shard follows at the same time; sixteen shards together stay
/// within a few hundred megabytes.
const MAX_TCP_FLOWS: usize = 40_000;
/// QUIC and DTLS connections that one shard follows at the same time.
const MAX_UDP_FLOWS: usize = 10_000;
/// Conversations with unanswered DNS questions that one shard keeps.
const MAX_DNS_CONVERSATIONS: usize = 20_000;

/// One part of the flow table with its own sink.
pub(super) struct Shard<S> {
    tcp: FlowTable<TcpFlow>,
    udp: FlowTable<UdpFlow>,
    context: Context<S>,
}

/// What a shard leaves when the sequence is read.
pub(super) struct ShardResult<S> {
    pub(super) sink: S,
    pub(super) counts: FlowCounts,
    pub(super) anomalies: Anomalies,
}

impl<S: Sink> Shard<S> {
    /// A shard without flows; `unit` is the first input of the sequence.
    pub(super) fn new(sink: S, unit: u32) -> Self {
        Self {
            tcp: FlowTable::new(MAX_TCP_FLOWS),
            udp: FlowTable::new(MAX_UDP_FLOWS),
            context: Context::new(sink, unit, Transactions::new(MAX_DNS_CONVERSATIONS)),
        }
    }

    /// Takes the tasks that a batch has for the shard of this index.
    pub(super) fn take(&mut self, batch: &Batch, index: usize) {
        for task in batch.tasks.get(index).into_iter().flatten() {
            let locator = Locator {
                input: batch.input,
                record: task.number,
                offset: batch.block.offset + u64::from(task.record_start),
            };
            let moment = Moment { time: task.time, locator };
            self.context.clock.tick(task.time);
            match task.subject {
                Subject::Segment { ref segment, payload_start } => {
                    self.segment(segment, &batch.block.data, payload_start, moment);
                }
                Subject::Joined(at) => {
                    if let Some(joined) = batch.joined.get(at as usize) {
                        let moment = Moment { time: task.time, locator: joined.locator };
                        let (segment, start) = (&joined.segment, joined.payload_start);
                        self.segment(segment, &batch.joined_bytes, start, moment);
                    }
                }
                Subject::IcmpError(at) => {
                    if let Some(error) = batch.icmp_errors.get(at as usize) {
                        self.icmp_error(error, moment);
                    }
                }
            }
            self.sweep();
        }
    }

    /// Ends every flow: the latest packet of the whole sequence was captured at `until`.
    /// `steps` are the times from which on the clock stepped forward, and by how much.
    pub(super) fn finish(
        mut self,
        until: Timestamp,
        steps: &[(Timestamp, Duration)],
    ) -> ShardResult<S> {
        let context = &mut self.context;
        context.steps = steps.to_vec();
        context.counts.evicted += self.tcp.evicted() + self.udp.evicted() + context.dns.evicted();
        self.tcp.end(|key, flow| flow.finish(key, until, context));
        self.udp.end(|key, flow| flow.finish(key, until, context));
        dns_transactions::finish(context, until);
        let Context { sink, counts, anomalies, .. } = self.context;
        ShardResult { sink, counts, anomalies }
    }

    /// Every packet looks at one more flow of each table, so time passes for all of them.
    #[inline]
    fn sweep(&mut self) {
        let now = self.context.clock.now();
        if let Some(slot) = self.tcp.sweep(now) {
            self.end_tcp(slot, Timestamp::MAX);
        }
        if let Some(slot) = self.udp.sweep(now) {
            self.end_udp(slot, Timestamp::MAX);
        }
        dns_transactions::sweep(&mut self.context, now);
    }

    #[inline]
    fn segment(&mut self, segment: &Segment, bytes: &[u8], payload_start: u32, moment: Moment) {
        let start = payload_start as usize;
        let end = start.saturating_add(segment.payload_captured as usize);
        let payload = bytes.get(start..end).unwrap_or_default();
        match segment.transport {
            Transport::Tcp { .. } => self.tcp_segment(segment, payload, moment),
            Transport::Udp { .. } => self.udp_datagram(segment, payload, moment),
        }
    }

    #[inline]
    fn tcp_segment(&mut self, segment: &Segment, payload: &[u8], moment: Moment) {
        let Transport::Tcp { sequence, acknowledgement, flags, .. } = segment.transport else {
            return;
        };
        let tcp = Tcp { flags, sequence, acknowledgement };
        let (key, way) = FlowKey::new(TCP, segment.source, segment.destination);
        let now = self.context.clock.now();
        let mut found = self.tcp.find(&key);
        if let Some(slot) = found {
            let is_another = self.tcp.is_over(slot, now)
                || (flags.syn()
                    && self
                        .tcp
                        .get_mut(slot)
                        .is_some_and(|flow| flow.is_reopened_by(flags, sequence, way)));
            if is_another {
                self.end_tcp(slot, moment.time);
                found = None;
            } else if !flags.changes_state() && self.tcp.put_off_if_quiet(slot, now) {
                return;
            }
        }
        let context = &mut self.context;
        let slot = match found {
            Some(slot) => slot,
            None => {
                let flow = || TcpFlow::new(segment, flags, way, moment);
                let (slot, evicted) = self.tcp.insert(key, now, flow);
                if let Some((key, mut flow)) = evicted {
                    flow.finish(&key, moment.time, context);
                }
                slot
            }
        };
        if let Some(flow) = self.tcp.get_mut(slot) {
            let packet = Packet { key: &key, way, segment, tcp, payload, moment };
            let patience = flow.packet(&packet, context);
            let is_settled = flow.is_settled();
            self.tcp.set_deadline(slot, now + patience);
            if is_settled {
                self.tcp.set_quiet(slot, patience);
            }
        }
    }

    #[inline]
    fn udp_datagram(&mut self, segment: &Segment, payload: &[u8], moment: Moment) {
        let (source, destination) = (segment.source, segment.destination);
        let context = &mut self.context;
        match (source.port, destination.port) {
            (MULTICAST_DNS_PORT | LLMNR_PORT, _) | (_, MULTICAST_DNS_PORT | LLMNR_PORT) => {
                dns_transactions::local_message(context, payload, moment);
            }
            (_, DNS_PORT) => {
                if let Transport::Udp { hardware: hardware @ 1.. } = segment.transport {
                    context.sink.host(context.unit, hardware, source.address);
                }
                dns_transactions::message(context, source, destination, true, payload, moment);
            }
            (DNS_PORT, _) => {
                dns_transactions::message(context, destination, source, false, payload, moment);
            }
            // Who asks is told by the message itself.
            _ if dns::looks_like_dns(payload) && !quic::looks_like_quic(payload) => {
                dns_transactions::message(context, source, destination, true, payload, moment);
            }
            _ => self.other_datagram(segment, payload, moment),
        }
    }

    fn other_datagram(&mut self, segment: &Segment, payload: &[u8], moment: Moment) {
        let (key, way) = FlowKey::new(UDP, segment.source, segment.destination);
        let now = self.context.clock.now();
        let mut found = self.udp.find(&key);
        if let Some(slot) = found {
            let is_replaced = dtls::opens_dtls(payload)
                && self.udp.get_mut(slot).is_some_and(|flow| flow.gives_way_to_dtls());
            if is_replaced || self.udp.is_over(slot, now) {
                self.end_udp(slot, moment.time);
                found = None;
            } else if self.udp.put_off_if_quiet(slot, now) {
                return;
            }
        }
        let context = &mut self.context;
        let slot = match found {
            Some(slot) => slot,
            None => {
                let flow = || UdpFlow::new(segment, payload, way, moment);
                let (slot, evicted) = self.udp.insert(key, now, flow);
                if let Some((key, flow)) = evicted {
                    flow.finish(&key, moment.time, context);
                }
                slot
            }
        };
        if let Some(flow) = self.udp.get_mut(slot) {
            let patience = flow.datagram(&key, segment, payload, way, moment, context);
            let is_settled = flow.is_settled();
            self.udp.set_deadline(slot, now + patience);
            if is_settled {
                self.udp.set_quiet(slot, patience);
            }
        }
    }

    /// Judges a TCP connection where it lies and drops it.
    fn end_tcp(&mut self, slot: Slot, until: Timestamp) {
        if let Some((key, flow)) = self.tcp.entry_mut(slot) {
            flow.finish(&key, until, &mut self.context);
        }
        self.tcp.discard(slot);
    }

    /// Judges a conversation over UDP where it lies and drops it.
    fn end_udp(&mut self, slot: Slot, until: Timestamp) {
        if let Some((key, flow)) = self.udp.entry_mut(slot) {
            flow.finish(&key, until, &mut self.context);
        }
        self.udp.discard(slot);
    }

    /// An ICMP error belongs to the flow that it quotes.
    fn icmp_error(&mut self, error: &IcmpError, moment: Moment) {
        let limit = u16::try_from(error.mtu.unwrap_or_default()).unwrap_or(u16::MAX);
        let icmp =
            Icmp { v6: error.v6, kind: error.kind, code: error.code, from: error.from, limit };
        let (source, destination) = (error.quoted_source, error.quoted_destination);
        let (key, way) = FlowKey::new(error.quoted_protocol, source, destination);
        let context = &mut self.context;
        context.sink.heard(context.unit, error.to);
        let known = match error.quoted_protocol {
            TCP => self.tcp.find(&key).and_then(|slot| self.tcp.get_mut(slot)).map(|flow| {
                flow.icmp_error(way, icmp, moment);
            }),
            UDP if destination.port == DNS_PORT || context.dns.awaits(&key) => {
                dns_transactions::icmp_error(context, source, destination, icmp, moment);
                Some(())
            }
            UDP => self.udp.find(&key).and_then(|slot| self.udp.get_mut(slot)).map(|flow| {
                flow.icmp_error(way, icmp, moment);
            }),
            _ => Some(()),
        };
        // The packet that is quoted went by elsewhere; the error tells of the attempt all the
        // same. Port 0 is a quote without ports.
        if known.is_none() && icmp.is_failure() && destination.port != 0 {
            context.sink.attempt(&Attempt {
                name: None,
                channel: if error.quoted_protocol == TCP { Channel::Tcp } else { Channel::Udp },
                client: source,
                server: destination,
                target_port: destination.port,
                outcome: if icmp.is_expiry() {
                    // Whether the hop limit was meant to run out, only the packet could tell.
                    Outcome::Inconclusive(Doubt::HopLimit)
                } else {
                    Outcome::Blocked(icmp.cause())
                },
                decider: None,
                start: moment.time,
                end: moment.time,
                locator: moment.locator,
                unit: context.unit,
                chain: None,
                fact: icmp.fact(),
            });
        }
    }
}
