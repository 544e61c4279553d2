//! The first half of a packet's way: from a block of records to what each shard has to look at.
//!
//! Every block is decoded by itself, so blocks are decoded in parallel.

use std::collections::BTreeMap;

use super::container::Block;
use super::coverage::PacketCounts;
use super::dissect::{dns, dtls, quic};
use super::flow_key::{FlowKey, SHARDS, TCP, UDP};
use super::fragments::Joined;
use super::heard::Heard;
use super::link;
use super::packet::{Decoded, Fragment, IcmpError, Segment, Transport, decode};
use crate::observe::{Anomalies, Timestamp};

/// Ports of names: DNS (RFC 1035), multicast DNS (RFC 6762), LLMNR (RFC 4795).
pub(super) const DNS_PORT: u16 = 53;
pub(super) const MULTICAST_DNS_PORT: u16 = 5353;
pub(super) const LLMNR_PORT: u16 = 5355;
/// HTTP/3 (RFC 9114 section 3.1.2).
pub(super) const QUIC_PORT: u16 = 443;

/// One block on its way through the pipeline. Reused, so that nothing is allocated per block.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) block: Block,
    /// The input that the block is of.
    pub(super) input: u32,
    /// What each shard has to look at, in the order of the packets.
    pub(super) tasks: [Vec<Task>; SHARDS],
    /// The ICMP errors that tasks point at.
    pub(super) icmp_errors: Vec<IcmpError>,
    /// The fragments of IP packets, with the index of their packet in the block.
    pub(super) fragments: Vec<(usize, Fragment)>,
    /// What fragments make, and the payloads of it.
    pub(super) joined: Vec<Joined>,
    pub(super) joined_bytes: Vec<u8>,
    pub(super) facts: BatchFacts,
    /// Where packets go that no flow is concerned with, of all blocks so far.
    pub(super) heard: Heard,
}

/// What a block, or many, said of an input.
#[derive(Debug, Default, Clone)]
pub(super) struct BatchFacts {
    pub(super) packets: PacketCounts,
    pub(super) anomalies: Anomalies,
    /// Packets by link type.
    pub(super) link_types: BTreeMap<u16, u64>,
    /// Times of the earliest and the latest packet.
    pub(super) span: Option<(Timestamp, Timestamp)>,
}

/// A packet that a flow is concerned with.
#[derive(Clone, Copy)]
pub(super) struct Task {
    pub(super) time: Timestamp,
    /// Number of the packet in its input.
    pub(super) number: u64,
    /// Start of the record in the block.
    pub(super) record_start: u32,
    pub(super) subject: Subject,
}

/// What the packet is.
#[derive(Clone, Copy)]
pub(super) enum Subject {
    /// A TCP segment or UDP datagram whose payload lies at this place of the block.
    Segment { segment: Segment, payload_start: u32 },
    /// The ICMP error of this index in the batch.
    IcmpError(u32),
    /// What fragments make, by its index in the batch.
    Joined(u32),
}

impl BatchFacts {
    /// Counts packets of one link type that came one after the other.
    fn add_run(&mut self, (link_type, count): (u16, u64)) {
        if count > 0 {
            *self.link_types.entry(link_type).or_default() += count;
        }
    }

    /// Adds what another block said.
    pub(super) fn merge(&mut self, other: Self) {
        self.packets.merge(&other.packets);
        self.anomalies.merge(other.anomalies);
        for (link_type, count) in other.link_types {
            *self.link_types.entry(link_type).or_default() += count;
        }
        self.span = match (self.span, other.span) {
            (Some((from, to)), Some((first, last))) => Some((from.min(first), to.max(last))),
            (ours, theirs) => ours.or(theirs),
        };
    }
}

impl Batch {
    /// Forgets what the last block left for the shards.
    pub(super) fn clear(&mut self) {
        for list in &mut self.tasks {
            list.clear();
        }
        self.icmp_errors.clear();
        self.fragments.clear();
        self.joined.clear();
        self.joined_bytes.clear();
    }

    /// Decodes every packet of the block.
    pub(super) fn decode(&mut self) {
        self.clear();
        let Self { block, input, tasks, icmp_errors, fragments, facts, heard, .. } = self;
        let mut counts = PacketCounts::default();
        let mut run = (0_u16, 0_u64);
        let mut first = Timestamp::MAX;
        let mut last = Timestamp::MIN;
        for (index, record) in block.packets.iter().enumerate() {
            first = first.min(record.time);
            last = last.max(record.time);
            if record.link_type != run.0 {
                facts.add_run(run);
                run = (record.link_type, 0);
            }
            run.1 += 1;
            let bytes = block.bytes(record);
            counts.cut += u64::from(record.captured < record.original);
            let mut segment = match decode(record.link_type, bytes, record.original) {
                Ok(Decoded::Segment(segment)) => segment,
                Ok(Decoded::Fragment(fragment)) => {
                    match fragment.first.map(|segment| segment.transport) {
                        Some(Transport::Tcp { .. }) => counts.tcp += 1,
                        Some(Transport::Udp { .. }) => counts.udp += 1,
                        None => counts.fragments += 1,
                    }
                    fragments.push((index, fragment));
                    continue;
                }
                Ok(Decoded::IcmpError(error)) => {
                    counts.icmp_errors += 1;
                    let protocol = error.quoted_protocol;
                    let (key, _) =
                        FlowKey::new(protocol, error.quoted_source, error.quoted_destination);
                    let Ok(index) = u32::try_from(icmp_errors.len()) else { continue };
                    icmp_errors.push(error);
                    if let Some(list) = tasks.get_mut(key.shard()) {
                        list.push(Task {
                            time: record.time,
                            number: record.number,
                            record_start: record.record_start,
                            subject: Subject::IcmpError(index),
                        });
                    }
                    continue;
                }
                Ok(Decoded::OtherIp { destination, .. }) => {
                    counts.other_ip += 1;
                    heard.add(destination);
                    continue;
                }
                Ok(Decoded::NotIp) => {
                    counts.not_ip += 1;
                    continue;
                }
                Err(kind) => {
                    counts.not_understood += 1;
                    facts.anomalies.add(kind, block.locator(record, *input));
                    continue;
                }
            };
            let protocol = match segment.transport {
                Transport::Tcp { .. } => {
                    counts.tcp += 1;
                    TCP
                }
                Transport::Udp { .. } => {
                    counts.udp += 1;
                    let payload = bytes.get(segment.payload_start as usize..).unwrap_or_default();
                    if !concerns_names(&segment, payload) {
                        heard.add(segment.destination.address);
                        continue;
                    }
                    if segment.destination.port == DNS_PORT {
                        let hardware = link::sender(record.link_type, bytes, &segment);
                        segment.transport = Transport::Udp { hardware };
                    }
                    UDP
                }
            };
            let (key, _) = FlowKey::new(protocol, segment.source, segment.destination);
            let payload_start = record.start.saturating_add(segment.payload_start);
            if let Some(list) = tasks.get_mut(key.shard()) {
                list.push(Task {
                    time: record.time,
                    number: record.number,
                    record_start: record.record_start,
                    subject: Subject::Segment { segment, payload_start },
                });
            }
        }
        facts.add_run(run);
        facts.packets.merge(&counts);
        if first <= last {
            facts.merge(BatchFacts { span: Some((first, last)), ..BatchFacts::default() });
        }
    }
}

/// Whether a datagram can bring a name: DNS and its local kin by port, QUIC by port or by the
/// long header that begins every connection (RFC 9000 section 17.2), DTLS by the records of its
/// handshake, DNS on other ports by a form that little else has.
#[inline]
pub(super) fn concerns_names(segment: &Segment, payload: &[u8]) -> bool {
    let ports = [segment.source.port, segment.destination.port];
    ports.iter().any(|port| matches!(*port, DNS_PORT | QUIC_PORT | MULTICAST_DNS_PORT | LLMNR_PORT))
        || quic::looks_like_quic(payload)
        || dtls::looks_like_dtls(payload)
        || dns::looks_like_dns(payload)
}
