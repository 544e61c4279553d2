//! The block format of draft-ietf-opsawg-pcapng: sections, each with its own byte order and
//! interfaces.

use std::collections::BTreeMap;

use pcap_parser::pcapng::OptionCode;
use pcap_parser::{EPB_MAGIC, IDB_MAGIC, ISB_MAGIC, NRB_MAGIC, SHB_MAGIC, SJE_MAGIC, SPB_MAGIC};

use super::clock::Clock;
use super::names::FileNames;
use super::options::{Options, Order, value};
use super::summary::{ContainerSummary, Endian, Format, InterfaceSummary, TimeResolution};
use super::{MAX_RECORD_SIZE, PacketRecord, Progress, Stop};
use crate::observe::AnomalyKind;

/// The Packet Block, which the Enhanced Packet Block replaced (appendix A of the draft).
const OBSOLETE_PACKET: u32 = 2;
/// Custom blocks, which may and which may not be copied.
const CUSTOM: [u32; 2] = [0x0bad, 0x4000_0bad];
/// Sysdig events: old, with flags, version 2, version 2 with flags, and the large ones.
const SYSDIG_EVENTS: [u32; 6] = [0x204, 0x208, 0x216, 0x217, 0x221, 0x222];

/// The byte-order magic in the section's own order.
const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// Type and total length before the body of a block, total length after it.
const BLOCK_HEADER: usize = 8;
const BLOCK_TRAILER: usize = 4;
/// Bytes that tell the byte order and length of a section header.
const SECTION_START: usize = 12;

/// Interfaces of one section beyond this are not believed.
const MAX_INTERFACES: usize = 65_536;
/// Interfaces that the summary describes.
const MAX_DESCRIBED: usize = 4_096;
/// Bytes of an interface's name that are kept.
const MAX_NAME: usize = 256;
/// Block types that are counted separately; further ones are counted as [`OTHER_TYPES`].
const MAX_BLOCK_TYPES: usize = 256;
const OTHER_TYPES: u32 = u32::MAX;

/// Whether `head` starts with a section header.
pub(super) fn recognises(head: &[u8]) -> bool {
    let is_section =
        head.first_chunk().is_some_and(|bytes| u32::from_le_bytes(*bytes) == SHB_MAGIC);
    // A file that ends before the byte order is a cut pcapng file.
    is_section && (head.len() < SECTION_START || section_order(head).is_some())
}

/// Whether the section that starts at `block` is big-endian; `None` for neither order.
fn section_order(block: &[u8]) -> Option<bool> {
    let magic = Order { big: false }.u32(block, BLOCK_HEADER)?;
    match magic {
        BYTE_ORDER_MAGIC => Some(false),
        _ if magic.swap_bytes() == BYTE_ORDER_MAGIC => Some(true),
        _ => None,
    }
}

/// What a packet needs to know of its interface.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link_type: u16,
    snaplen: u32,
    clock: Clock,
}

/// The state of the current section, and what is told of the file in the end.
#[derive(Debug, Default)]
pub(super) struct Pcapng {
    order: Order,
    interfaces: Vec<Interface>,
    /// Index in `described` of the section's first interface.
    described_from: usize,
    described: Vec<InterfaceSummary>,
    version: (u16, u16),
    sections: u32,
    little: bool,
    big: bool,
    time_digits: u8,
    /// Counts of the block types 0 to 15.
    common: [u64; 16],
    others: BTreeMap<u32, u64>,
    names: FileNames,
}

impl Pcapng {
    /// Adds the packets of the whole blocks of `data` to `packets`; tells how far it came and
    /// why no further.
    pub(super) fn walk(
        &mut self,
        data: &[u8],
        packets: &mut Vec<PacketRecord>,
        progress: &mut Progress,
    ) -> (usize, Stop) {
        let before = packets.len();
        let mut at = 0;
        let stop = loop {
            let rest = data.get(at..).unwrap_or_default();
            let (kind, length) = match self.block_start(rest) {
                Ok(start) => start,
                Err(stop) => break stop,
            };
            // Some writers leave the padding out of the length.
            let size = (length as usize).next_multiple_of(4);
            let Some(block) = rest.get(..size) else {
                break Stop::Incomplete { needed: size, what: "a block" };
            };
            let trailer = size - BLOCK_TRAILER;
            let body = block.get(BLOCK_HEADER..trailer).unwrap_or_default();
            self.count(kind);
            let packet = self.block(kind, body, at, progress);
            if self.order.u32(block, trailer) != Some(length) {
                progress.anomaly(AnomalyKind::BlockMalformed, at);
            }
            packets.extend(packet);
            at += size;
        };
        progress.packets += (packets.len() - before) as u64;
        (at, stop)
    }

    /// Type and total length of the block at the start of `rest`; enters a new section.
    #[inline]
    fn block_start(&mut self, rest: &[u8]) -> Result<(u32, u32), Stop> {
        if rest.len() < SECTION_START {
            return Err(Stop::Incomplete { needed: SECTION_START, what: "a block" });
        }
        let kind = self.order.u32(rest, 0).unwrap_or_default();
        let mut least = BLOCK_HEADER + BLOCK_TRAILER;
        if kind == SHB_MAGIC {
            let Some(big) = section_order(rest) else {
                return Err(Stop::Damaged("a section header has no byte-order magic".to_owned()));
            };
            self.order = Order { big };
            least = 28;
        } else if self.sections == 0 {
            return Err(Stop::Damaged("the file does not start with a section header".to_owned()));
        }
        let length = self.order.u32(rest, 4).unwrap_or_default();
        if (length as usize) < least || length as usize > MAX_RECORD_SIZE {
            return Err(Stop::Damaged(format!(
                "a block of type {kind:#x} claims a length of {length} bytes; {least} to {MAX_RECORD_SIZE} are possible"
            )));
        }
        Ok((kind, length))
    }

    /// Reads one block's body; gives the packet if the block is one.
    #[inline]
    fn block(
        &mut self,
        kind: u32,
        body: &[u8],
        at: usize,
        progress: &mut Progress,
    ) -> Option<PacketRecord> {
        match kind {
            EPB_MAGIC => {
                progress.number += 1;
                let id = self.order.u32(body, 0);
                self.timed_packet(id, body, at, progress)
            }
            OBSOLETE_PACKET => {
                progress.number += 1;
                // The interface has 16 bits here, and a count of drops follows it.
                let id = self.order.u16(body, 0).map(u32::from);
                self.timed_packet(id, body, at, progress)
            }
            SPB_MAGIC => {
                progress.number += 1;
                self.simple_packet(body, at, progress)
            }
            _ => {
                self.other_block(kind, body, at, progress);
                None
            }
        }
    }

    /// An Enhanced Packet Block or a Packet Block (draft, section 4.3): interface, time, the two
    /// lengths, the packet, its padding, options.
    #[inline]
    fn timed_packet(
        &self,
        id: Option<u32>,
        body: &[u8],
        at: usize,
        progress: &mut Progress,
    ) -> Option<PacketRecord> {
        const FIXED: usize = 20;
        let fields = (
            id,
            self.order.u32(body, 4),
            self.order.u32(body, 8),
            self.order.u32(body, 12),
            self.order.u32(body, 16),
        );
        let (Some(id), Some(high), Some(low), Some(captured), Some(original)) = fields else {
            progress.anomaly(AnomalyKind::BlockMalformed, at);
            return None;
        };
        let space = body.len().saturating_sub(FIXED);
        if captured as usize > space {
            progress.anomaly(AnomalyKind::BlockMalformed, at);
            return None;
        }
        let Some(interface) = self.interfaces.get(id as usize) else {
            progress.anomaly(AnomalyKind::InterfaceUnknown, at);
            return None;
        };
        let options = FIXED + (captured as usize).next_multiple_of(4);
        if let Some(options) = body.get(options..)
            && !options.is_empty()
            && !Options::new(options, self.order).are_whole()
        {
            progress.anomaly(AnomalyKind::BlockMalformed, at);
        }
        let time = interface.clock.time(high, low);
        progress.clock(time, at);
        Some(PacketRecord {
            time,
            number: progress.number,
            record_start: at as u32,
            start: (at + BLOCK_HEADER + FIXED) as u32,
            captured,
            original,
            link_type: interface.link_type,
        })
    }

    /// A Simple Packet Block (draft, section 4.4): the original length and the packet, which
    /// belongs to the first interface and has no time.
    fn simple_packet(
        &self,
        body: &[u8],
        at: usize,
        progress: &mut Progress,
    ) -> Option<PacketRecord> {
        const FIXED: usize = 4;
        let Some(original) = self.order.u32(body, 0) else {
            progress.anomaly(AnomalyKind::BlockMalformed, at);
            return None;
        };
        let Some(interface) = self.interfaces.first() else {
            progress.anomaly(AnomalyKind::InterfaceUnknown, at);
            return None;
        };
        let snaplen = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let mut captured = original.min(snaplen);
        let space = u32::try_from(body.len().saturating_sub(FIXED)).unwrap_or(u32::MAX);
        if captured > space {
            progress.anomaly(AnomalyKind::BlockMalformed, at);
            captured = space;
        }
        progress.anomaly(AnomalyKind::TimeMissing, at);
        Some(PacketRecord {
            time: progress.last_time.unwrap_or_default(),
            number: progress.number,
            record_start: at as u32,
            start: (at + BLOCK_HEADER + FIXED) as u32,
            captured,
            original,
            link_type: interface.link_type,
        })
    }

    /// A block that is no packet.
    fn other_block(&mut self, kind: u32, body: &[u8], at: usize, progress: &mut Progress) {
        let whole = match kind {
            SHB_MAGIC => self.section(body, progress),
            IDB_MAGIC => self.interface(body),
            ISB_MAGIC => self.statistics(body, at, progress),
            NRB_MAGIC => self.names.block(body, self.order),
            _ => {
                // Wireshark shows these as numbered records though they are not packets.
                if kind == SJE_MAGIC || CUSTOM.contains(&kind) || SYSDIG_EVENTS.contains(&kind) {
                    progress.number += 1;
                }
                true
            }
        };
        if !whole {
            progress.anomaly(AnomalyKind::BlockMalformed, at);
        }
    }

    /// A Section Header Block (draft, section 4.1): forgets the interfaces.
    fn section(&mut self, body: &[u8], progress: &mut Progress) -> bool {
        let version = (
            self.order.u16(body, 4).unwrap_or_default(),
            self.order.u16(body, 6).unwrap_or_default(),
        );
        if self.sections == 0 {
            self.version = version;
        }
        if version.0 != 1 && progress.notes.is_empty() {
            progress.notes.push(format!(
                "a section has version {}.{} of pcapng; it is read like 1.0",
                version.0, version.1
            ));
        }
        self.sections = self.sections.saturating_add(1);
        self.interfaces.clear();
        self.described_from = self.described.len();
        if self.order.big {
            self.big = true
        } else {
            self.little = true
        }
        Options::new(body.get(16..).unwrap_or_default(), self.order).are_whole()
    }

    /// An Interface Description Block (draft, section 4.2).
    fn interface(&mut self, body: &[u8]) -> bool {
        let (Some(link_type), Some(snaplen)) = (self.order.u16(body, 0), self.order.u32(body, 4))
        else {
            return false;
        };
        if self.interfaces.len() >= MAX_INTERFACES {
            return false;
        }
        let mut resolution = TimeResolution::Decimal(6);
        let mut time_offset = 0;
        let mut name = None;
        let mut options = Options::new(body.get(8..).unwrap_or_default(), self.order);
        let mut sound = true;
        for option in options.by_ref() {
            let value = value(&option);
            match option.code {
                OptionCode::IfName => {
                    let start = value.get(..MAX_NAME).unwrap_or(value);
                    name = Some(String::from_utf8_lossy(start).into_owned());
                }
                OptionCode::IfTsresol => match value.first() {
                    Some(byte) if byte & 0x80 != 0 => {
                        resolution = TimeResolution::Binary(byte & 0x7f);
                    }
                    Some(byte) => resolution = TimeResolution::Decimal(*byte),
                    None => sound = false,
                },
                OptionCode::IfTsoffset => match self.order.u64(value) {
                    Some(offset) => time_offset = offset.cast_signed(),
                    None => sound = false,
                },
                _ => {}
            }
        }
        sound &= !options.overrun;
        let clock = Clock::new(resolution, time_offset);
        self.time_digits = self.time_digits.max(resolution.digits());
        self.interfaces.push(Interface { link_type, snaplen, clock });
        if self.described.len() < MAX_DESCRIBED {
            self.described.push(InterfaceSummary {
                section: self.sections.saturating_sub(1),
                link_type,
                snaplen,
                resolution,
                time_offset,
                name,
                received: None,
                dropped_by_interface: None,
                dropped_by_system: None,
            });
        }
        sound
    }

    /// An Interface Statistics Block (draft, section 4.6). Its counts run from the start of the
    /// capture, so the last one holds.
    fn statistics(&mut self, body: &[u8], at: usize, progress: &mut Progress) -> bool {
        let Some(id) = self.order.u32(body, 0) else { return false };
        if id as usize >= self.interfaces.len() {
            progress.anomaly(AnomalyKind::InterfaceUnknown, at);
            return true;
        }
        let order = self.order;
        let Some(interface) =
            self.described.get_mut(self.described_from.saturating_add(id as usize))
        else {
            return true;
        };
        let mut options = Options::new(body.get(12..).unwrap_or_default(), order);
        let mut sound = true;
        for option in options.by_ref() {
            let count = match option.code {
                OptionCode::IsbIfRecv => &mut interface.received,
                OptionCode::IsbIfDrop => &mut interface.dropped_by_interface,
                OptionCode::IsbOsDrop => &mut interface.dropped_by_system,
                _ => continue,
            };
            match order.u64(value(&option)) {
                Some(number) => *count = Some(number),
                None => sound = false,
            }
        }
        sound && !options.overrun
    }

    #[inline]
    fn count(&mut self, kind: u32) {
        if let Some(count) = self.common.get_mut(kind as usize) {
            *count += 1;
        } else {
            let known = self.others.len() < MAX_BLOCK_TYPES || self.others.contains_key(&kind);
            *self.others.entry(if known { kind } else { OTHER_TYPES }).or_default() += 1;
        }
    }

    /// Adds what the sections and interfaces said.
    pub(super) fn summary(self, base: ContainerSummary) -> ContainerSummary {
        let mut blocks = self.others;
        for (kind, count) in (0_u32..).zip(self.common).filter(|(_, count)| *count > 0) {
            blocks.insert(kind, count);
        }
        ContainerSummary {
            format: Format::Pcapng,
            endian: match (self.little, self.big) {
                (true, true) => Endian::Mixed,
                (false, true) => Endian::Big,
                _ => Endian::Little,
            },
            version: self.version,
            sections: self.sections,
            interfaces: self.described,
            time_digits: self.time_digits,
            blocks,
            names: self.names.into_names(),
            ..base
        }
    }
}
