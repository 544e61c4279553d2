//! What is told about a capture file once it has been read.

use std::collections::BTreeMap;
use std::fmt;

use crate::observe::{Address, Anomalies, Duration, Timestamp};

/// The file format.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Format {
    /// libpcap's own format, with timestamps in microseconds.
    PcapMicroseconds,
    /// libpcap's own format, with timestamps in nanoseconds.
    PcapNanoseconds,
    /// Alexey Kuznetzov's variant of libpcap's format, with record headers of 24 bytes.
    PcapModified,
    /// The block format of draft-ietf-opsawg-pcapng.
    Pcapng,
}

impl Format {
    /// `pcap` or `pcapng`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PcapMicroseconds | Self::PcapNanoseconds | Self::PcapModified => "pcap",
            Self::Pcapng => "pcapng",
        }
    }
}

/// The byte order of the headers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
    /// A pcapng file with sections of either order.
    Mixed,
}

impl Endian {
    /// The word used in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Little => "little",
            Self::Big => "big",
            Self::Mixed => "mixed",
        }
    }
}

/// Units per second of a timestamp (pcapng `if_tsresol`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TimeResolution {
    /// Ten to the power of this.
    Decimal(u8),
    /// Two to the power of this.
    Binary(u8),
}

impl TimeResolution {
    /// How many decimal digits of a second it takes to tell two neighbouring timestamps apart,
    /// 9 at most.
    #[must_use]
    pub fn digits(self) -> u8 {
        match self {
            Self::Decimal(power) => power.min(9),
            Self::Binary(power) => {
                let units = 1_u64 << power.min(30);
                let digits = (0..9_u32).find(|digits| 10_u64.pow(*digits) >= units).unwrap_or(9);
                u8::try_from(digits).unwrap_or(9)
            }
        }
    }
}

/// One interface that the file describes. A pcap file has exactly one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InterfaceSummary {
    /// Index of the pcapng section, from 0.
    pub section: u32,
    /// The LINKTYPE number.
    pub link_type: u16,
    /// Bytes of a packet that are captured at most; 0 for no limit.
    pub snaplen: u32,
    /// Units of its timestamps.
    pub resolution: TimeResolution,
    /// Seconds added to its timestamps (pcapng `if_tsoffset`).
    pub time_offset: i64,
    /// The first 256 bytes of its name; invalid UTF-8 replaced, other hostile characters kept.
    pub name: Option<String>,
    /// Packets that the interface received since the start of the capture (`isb_ifrecv`).
    pub received: Option<u64>,
    /// Packets that the interface dropped for want of resources (`isb_ifdrop`).
    pub dropped_by_interface: Option<u64>,
    /// Packets that the system dropped (`isb_osdrop`).
    pub dropped_by_system: Option<u64>,
}

/// Where and why a file could not be read to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Offset in the decompressed stream of the first record that is not whole.
    pub offset: u64,
    /// The number that this record would have, if it is a packet.
    pub record: u64,
    /// What was expected there and what was found, without offset and record.
    pub sentence: String,
}

impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, record, sentence } = self;
        write!(
            formatter,
            "the capture breaks off before record {record}, at byte {offset}: {sentence}"
        )
    }
}

/// Where the time of a file steps: between two packets that are neighbours in the file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClockSteps {
    /// The time of the packet before each step forward that is longer than pauses are, and how far it
    /// goes; at most sixty-four.
    pub forward: Vec<(Timestamp, Duration)>,
    /// The greatest step back.
    pub back: Duration,
}

impl ClockSteps {
    /// From this on a step forward counts as one. A pause may be as long, and is then no time in which
    /// anything could have been seen either.
    const LEAST: Duration = Duration::from_seconds(600);
    const MAX_KEPT: usize = 64;

    /// Notes the step from one packet to the next, and says whether it is one forward.
    #[inline]
    pub(super) fn note(&mut self, last: Timestamp, latest: Timestamp, time: Timestamp) -> bool {
        if time < last {
            self.back = self.back.max(last.since(time));
            return false;
        }
        // What only makes up for a step back is no step of its own.
        let ahead = time.since(latest);
        let is_step = ahead > Self::LEAST;
        if is_step && self.forward.len() < Self::MAX_KEPT {
            self.forward.push((latest, ahead));
        }
        is_step
    }
}

/// What there is to tell about a capture file apart from its packets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContainerSummary {
    /// The file format.
    pub format: Format,
    /// The byte order of its headers.
    pub endian: Endian,
    /// Major and minor version; of the first section for pcapng.
    pub version: (u16, u16),
    /// How many sections there are; 1 for pcap.
    pub sections: u32,
    /// The interfaces, in the order of the file; the first few thousand.
    pub interfaces: Vec<InterfaceSummary>,
    /// Decimal digits of a second that timestamps of the finest interface need, 0 to 9.
    pub time_digits: u8,
    /// Bytes of the decompressed stream that hold whole records, with the file header.
    pub bytes: u64,
    /// Packets that were handed on.
    pub packets: u64,
    /// Number of the last record, as Wireshark counts. Larger than `packets` if there are
    /// custom blocks, or packets that could not be handed on.
    pub records: u64,
    /// pcapng blocks by block type; empty for pcap.
    pub blocks: BTreeMap<u32, u64>,
    /// What is wrong with records.
    pub anomalies: Anomalies,
    /// Remarks on the file as a whole, in sentences.
    pub notes: Vec<String>,
    /// Where the file broke off, if it did.
    pub cut: Option<Cut>,
    /// The names that the file states for addresses (pcapng, Name Resolution Blocks), each in its normal
    /// form.
    pub names: Vec<(Address, Box<str>)>,
    /// Where the time of the packets steps.
    pub steps: ClockSteps,
}
