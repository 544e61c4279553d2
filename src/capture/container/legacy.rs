//! libpcap's own format (draft-ietf-opsawg-pcap): a file header, then records to the end.

use pcap_parser::pcap::parse_pcap_header;

use super::summary::{ContainerSummary, Endian, Format, InterfaceSummary, TimeResolution};
use super::{ContainerError, MAX_RECORD_SIZE, PacketRecord, Progress, Stop};
use crate::observe::Timestamp;

/// Bytes of the file header.
const FILE_HEADER: usize = 24;
/// Bytes of a record header.
const RECORD_HEADER: usize = 16;
/// Bytes of a record header of the modified variant, which adds interface, protocol and type.
const MODIFIED_RECORD_HEADER: usize = 24;

/// Records up to this size are believed whatever the file header's snaplen; the largest snaplen
/// that libpcap and Wireshark take for ordinary link types.
const ORDINARY_RECORD: u32 = 262_144;

/// How to read the records of one file.
#[derive(Debug)]
pub(super) struct Legacy {
    format: Format,
    big_endian: bool,
    version: (u16, u16),
    snaplen: u32,
    link_type: u16,
    /// Bytes before each packet.
    header: usize,
    /// Nanoseconds in a unit of the fraction.
    unit: i64,
    /// Packets above this size are not believed.
    limit: u32,
    lengths: Lengths,
    /// The file header is still to be walked over.
    at_start: bool,
}

/// The order of the two lengths in a record header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lengths {
    /// Captured, original.
    Ordered,
    /// Original, captured: before version 2.3, and in DG/UX's version 543.
    Swapped,
    /// Either, in version 2.3: the captured length is never the larger one.
    Doubtful,
}

/// Byte order and variant of a magic number read as little-endian.
fn variant(magic: u32) -> Option<(Format, bool)> {
    Some(match magic {
        0xa1b2_c3d4 => (Format::PcapMicroseconds, false),
        0xa1b2_3c4d => (Format::PcapNanoseconds, false),
        0xa1b2_cd34 => (Format::PcapModified, false),
        0xd4c3_b2a1 => (Format::PcapMicroseconds, true),
        0x4d3c_b2a1 => (Format::PcapNanoseconds, true),
        0x34cd_b2a1 => (Format::PcapModified, true),
        _ => return None,
    })
}

impl Legacy {
    /// Reads the file header at the start of `head`.
    pub(super) fn open(head: &[u8], progress: &mut Progress) -> Result<Self, ContainerError> {
        let magic = head.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        let (format, big_endian) = magic.and_then(variant).ok_or(ContainerError::NotACapture)?;
        let Some(header) = head.first_chunk::<FILE_HEADER>() else {
            return Err(ContainerError::HeaderCut { bytes: head.len() });
        };
        // pcap-parser does not know the modified variant in the other byte order, and nothing
        // but the record header depends on the variant: it is shown the plain magic number.
        let mut plain = *header;
        let magic = if big_endian { [0xa1, 0xb2, 0xc3, 0xd4] } else { [0xd4, 0xc3, 0xb2, 0xa1] };
        if let Some(start) = plain.first_chunk_mut() {
            *start = magic;
        }
        let (_, header) = parse_pcap_header(&plain).map_err(|_| ContainerError::NotACapture)?;

        if header.thiszone != 0 {
            progress.notes.push(format!(
                "the file header asks for a time correction of {} s, which no reader applies",
                header.thiszone
            ));
        }
        let network = header.network.0.cast_unsigned();
        if network & 0x0400_0000 != 0 {
            let bytes = (network >> 28) * 2;
            progress.notes.push(format!("frames end with a check sequence of {bytes} bytes"));
        }
        let version = (header.version_major, header.version_minor);
        Ok(Self {
            format,
            big_endian,
            version,
            snaplen: header.snaplen,
            // Bits 16 to 31 are reserved or speak of the frame check sequence.
            link_type: (network & 0xffff) as u16,
            header: if format == Format::PcapModified {
                MODIFIED_RECORD_HEADER
            } else {
                RECORD_HEADER
            },
            unit: if format == Format::PcapNanoseconds { 1 } else { 1_000 },
            limit: header
                .snaplen
                .clamp(ORDINARY_RECORD, (MAX_RECORD_SIZE - MODIFIED_RECORD_HEADER) as u32),
            lengths: match version {
                (543, _) | (2, 0..=2) => Lengths::Swapped,
                (2, 3) => Lengths::Doubtful,
                _ => Lengths::Ordered,
            },
            at_start: true,
        })
    }

    /// Adds the whole records of `data` to `packets`; tells how far it came and why no further.
    pub(super) fn walk(
        &mut self,
        data: &[u8],
        packets: &mut Vec<PacketRecord>,
        progress: &mut Progress,
    ) -> (usize, Stop) {
        let start = if self.at_start { FILE_HEADER } else { 0 };
        self.at_start = false;
        let before = packets.len();
        // The byte order is known to the compiler inside the loop.
        let result = if self.big_endian {
            self.records(data, start, packets, progress, u32::from_be_bytes)
        } else {
            self.records(data, start, packets, progress, u32::from_le_bytes)
        };
        progress.packets += (packets.len() - before) as u64;
        result
    }

    #[inline]
    fn records(
        &self,
        data: &[u8],
        start: usize,
        packets: &mut Vec<PacketRecord>,
        progress: &mut Progress,
        decode: impl Fn([u8; 4]) -> u32,
    ) -> (usize, Stop) {
        let mut at = start;
        loop {
            let rest = data.get(at..).unwrap_or_default();
            let Some((header, _)) = rest.split_first_chunk::<RECORD_HEADER>() else {
                return (at, Stop::Incomplete { needed: self.header, what: "a record header" });
            };
            let &[s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, o0, o1, o2, o3] = header;
            let seconds = decode([s0, s1, s2, s3]);
            let fraction = decode([f0, f1, f2, f3]);
            let mut captured = decode([c0, c1, c2, c3]);
            let mut original = decode([o0, o1, o2, o3]);
            if self.lengths == Lengths::Swapped
                || (self.lengths == Lengths::Doubtful && captured > original)
            {
                (captured, original) = (original, captured);
            }
            if captured > self.limit {
                let limit = self.limit;
                let what = format!(
                    "a record header claims a packet of {captured} bytes, more than the {limit} that a packet can have"
                );
                return (at, Stop::Damaged(what));
            }
            let size = self.header + captured as usize;
            if rest.len() < size {
                return (at, Stop::Incomplete { needed: size, what: "a record" });
            }
            progress.number += 1;
            let time = Timestamp::from_nanos(
                i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * self.unit,
            );
            progress.clock(time, at);
            packets.push(PacketRecord {
                time,
                number: progress.number,
                record_start: at as u32,
                start: (at + self.header) as u32,
                captured,
                original,
                link_type: self.link_type,
            });
            at += size;
        }
    }

    /// Adds what the file header says.
    pub(super) fn summary(self, base: ContainerSummary) -> ContainerSummary {
        let digits = if self.format == Format::PcapNanoseconds { 9 } else { 6 };
        ContainerSummary {
            format: self.format,
            endian: if self.big_endian { Endian::Big } else { Endian::Little },
            version: self.version,
            sections: 1,
            interfaces: vec![InterfaceSummary {
                section: 0,
                link_type: self.link_type,
                snaplen: self.snaplen,
                resolution: TimeResolution::Decimal(digits),
                time_offset: 0,
                name: None,
                received: None,
                dropped_by_interface: None,
                dropped_by_system: None,
            }],
            time_digits: digits,
            ..base
        }
    }
}
