//! Captures built byte by byte, whole and damaged.

use std::io::{self, Cursor, Read};

use proptest::prelude::*;

use super::*;

/// Appends integers in one byte order.
struct Bytes {
    big: bool,
    bytes: Vec<u8>,
}

impl Bytes {
    fn new(big: bool) -> Self {
        Self { big, bytes: Vec::new() }
    }

    fn u16(mut self, value: u16) -> Self {
        let bytes = if self.big { value.to_be_bytes() } else { value.to_le_bytes() };
        self.bytes.extend(bytes);
        self
    }

    fn u32(mut self, value: u32) -> Self {
        let bytes = if self.big { value.to_be_bytes() } else { value.to_le_bytes() };
        self.bytes.extend(bytes);
        self
    }

    fn u64(mut self, value: u64) -> Self {
        let bytes = if self.big { value.to_be_bytes() } else { value.to_le_bytes() };
        self.bytes.extend(bytes);
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    fn pad(mut self) -> Self {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }

    /// A pcapng option.
    fn option(self, code: u16, value: &[u8]) -> Self {
        self.u16(code).u16(value.len() as u16).raw(value).pad()
    }

    /// A pcapng block with `body`.
    fn block(self, kind: u32, body: Bytes) -> Self {
        let body = body.pad();
        let length = body.bytes.len() as u32 + 12;
        self.u32(kind).u32(length).raw(&body.bytes).u32(length)
    }

    fn section(self) -> Self {
        let body = Bytes::new(self.big).u32(0x1a2b_3c4d).u16(1).u16(0).u64(u64::MAX);
        self.block(0x0a0d_0d0a, body)
    }

    fn interface(self, link_type: u16, options: impl Fn(Bytes) -> Bytes) -> Self {
        let body = Bytes::new(self.big).u16(link_type).u16(0).u32(0);
        self.block(1, options(body))
    }

    fn enhanced(self, interface: u32, time: u64, packet: &[u8]) -> Self {
        let length = packet.len() as u32;
        let body = Bytes::new(self.big)
            .u32(interface)
            .u32((time >> 32) as u32)
            .u32(time as u32)
            .u32(length)
            .u32(length)
            .raw(packet);
        self.block(6, body)
    }

    fn simple(self, original: u32, packet: &[u8]) -> Self {
        let body = Bytes::new(self.big).u32(original).raw(packet);
        self.block(3, body)
    }
}

fn pcap(big: bool, magic: u32) -> Bytes {
    pcap_with(big, magic, 65_535, 1)
}

fn pcap_with(big: bool, magic: u32, snaplen: u32, network: u32) -> Bytes {
    Bytes::new(big).u32(magic).u16(2).u16(4).u32(0).u32(0).u32(snaplen).u32(network)
}

impl Bytes {
    fn record(self, seconds: u32, fraction: u32, packet: &[u8]) -> Self {
        let length = packet.len() as u32;
        self.u32(seconds).u32(fraction).u32(length).u32(length + 1).raw(packet)
    }
}

/// Packets with their bytes, and what is told in the end.
type Everything = (Vec<(PacketRecord, Vec<u8>)>, ContainerSummary);

fn drain(source: Box<dyn Read + Send>) -> Everything {
    let mut reader = CaptureReader::open(source).unwrap().with_input(7);
    let mut block = Block::new();
    let mut packets = Vec::new();
    while reader.next_block(&mut block).unwrap() {
        assert!(!block.packets.is_empty());
        for packet in &block.packets {
            let mut at = *packet;
            // Offsets in the stream, so that other blocks give the same.
            let offset = block.locator(packet, 7).offset as u32;
            at.start = at.start - at.record_start + offset;
            at.record_start = offset;
            packets.push((at, block.bytes(packet).to_vec()));
        }
    }
    assert!(!reader.next_block(&mut block).unwrap(), "the end is the end");
    (packets, reader.finish())
}

fn read(bytes: &[u8]) -> Everything {
    drain(Box::new(Cursor::new(bytes.to_vec())))
}

fn times(packets: &[(PacketRecord, Vec<u8>)]) -> Vec<i64> {
    packets.iter().map(|(packet, _)| packet.time.nanos()).collect()
}

fn count(summary: &ContainerSummary, kind: AnomalyKind) -> u64 {
    summary.anomalies.iter().find(|(found, _)| *found == kind).map_or(0, |(_, found)| found.count)
}

#[test]
fn both_byte_orders_and_precisions_of_pcap_are_read() {
    for big in [false, true] {
        for (magic, format, nanos) in [
            (0xa1b2_c3d4, Format::PcapMicroseconds, 5_000_000_002_000),
            (0xa1b2_3c4d, Format::PcapNanoseconds, 5_000_000_000_002),
        ] {
            let (packets, summary) =
                read(&pcap(big, magic).record(5_000, 2, b"abc").record(5_000, 2, b"").bytes);
            assert_eq!(times(&packets), [nanos, nanos]);
            assert_eq!(packets[0].1, b"abc");
            assert_eq!((packets[0].0.captured, packets[0].0.original), (3, 4));
            assert_eq!((packets[0].0.number, packets[1].0.number), (1, 2));
            assert_eq!(packets[0].0.record_start, 24);
            assert_eq!(summary.format, format);
            assert_eq!(summary.endian, if big { Endian::Big } else { Endian::Little });
            assert_eq!(summary.version, (2, 4));
            assert_eq!((summary.packets, summary.bytes), (2, 24 + 19 + 16));
            assert_eq!(summary.interfaces[0].link_type, 1);
            assert!(summary.anomalies.is_empty() && summary.cut.is_none());
        }
    }
}

#[test]
fn modified_pcap_has_longer_record_headers() {
    for big in [false, true] {
        let file = pcap(big, 0xa1b2_cd34);
        let file = file.u32(1).u32(2).u32(3).u32(3).u64(0).raw(b"abc");
        let file = file.u32(1).u32(3).u32(1).u32(1).u64(0).raw(b"d");
        let (packets, summary) = read(&file.bytes);
        assert_eq!(times(&packets), [1_000_002_000, 1_000_003_000]);
        assert_eq!(packets[1].1, b"d");
        assert_eq!(summary.format, Format::PcapModified);
    }
}

#[test]
fn bits_above_the_link_type_speak_of_the_check_sequence() {
    let (packets, summary) =
        read(&pcap_with(false, 0xa1b2_c3d4, 0, 0x2400_0001).record(1, 0, b"a").bytes);
    assert_eq!(packets[0].0.link_type, 1);
    assert!(summary.notes[0].contains("4 bytes"));
}

#[test]
fn old_versions_of_pcap_have_the_lengths_the_other_way_round() {
    let file = |minor| {
        let header =
            Bytes::new(false).u32(0xa1b2_c3d4).u16(2).u16(minor).u32(0).u32(0).u32(99).u32(1);
        header.u32(1).u32(0).u32(9).u32(3).raw(b"abc").bytes
    };
    for minor in [2, 3] {
        let (packets, summary) = read(&file(minor));
        assert_eq!((packets[0].0.captured, packets[0].0.original), (3, 9));
        assert!(summary.cut.is_none());
    }
    assert!(read(&file(4)).1.cut.is_some());
}

#[test]
fn a_capture_without_packets_is_fine() {
    for file in [pcap(false, 0xa1b2_c3d4), Bytes::new(true).section()] {
        let (packets, summary) = read(&file.bytes);
        assert!(packets.is_empty() && summary.cut.is_none() && summary.anomalies.is_empty());
        assert_eq!(summary.bytes, file.bytes.len() as u64);
    }
}

#[test]
fn a_cut_pcap_gives_what_is_whole() {
    let file = pcap(false, 0xa1b2_c3d4).record(1, 0, b"abc").record(2, 0, b"defgh").bytes;
    for length in 24..file.len() {
        let (packets, summary) = read(&file[..length]);
        let whole = usize::from(length >= 43);
        assert_eq!(packets.len(), whole);
        if length == 24 || length == 43 {
            assert_eq!(summary.cut, None);
        } else {
            let cut = summary.cut.unwrap();
            assert_eq!((cut.offset, cut.record), if whole == 1 { (43, 2) } else { (24, 1) });
            assert!(cut.sentence.contains("bytes, but only"), "{}", cut.sentence);
        }
    }
}

#[test]
fn a_length_that_cannot_be_ends_the_file_with_a_sentence() {
    let file = pcap(false, 0xa1b2_c3d4).record(1, 0, b"abc").u64(0).u32(300_000).u32(300_000);
    let (packets, summary) = read(&file.raw(&[0; 400_000]).bytes);
    assert_eq!(packets.len(), 1);
    let cut = summary.cut.unwrap();
    assert_eq!((cut.offset, cut.record), (43, 2));
    assert!(cut.sentence.contains("300000 bytes"), "{}", cut.sentence);
}

#[test]
fn a_record_larger_than_a_block_is_read_if_the_snaplen_allows_it() {
    let large = vec![9; 3 * BLOCK_SIZE];
    let file = pcap_with(false, 0xa1b2_c3d4, 8 << 20, 1).record(1, 0, b"a").record(1, 0, &large);
    let (packets, summary) = read(&file.record(1, 0, b"b").bytes);
    assert_eq!(packets.len(), 3);
    assert!(packets[1].1 == large && summary.cut.is_none());
}

#[test]
fn a_read_that_fails_gives_what_is_whole_first() {
    struct Failing(Option<io::Error>);
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0.take().map_or(Ok(0), Err)
        }
    }
    let file = pcap(false, 0xa1b2_c3d4).record(1, 0, b"abc").record(1, 0, b"def").bytes;
    let source = |error| Box::new(Cursor::new(file[..50].to_vec()).chain(Failing(Some(error))));

    let damaged = io::Error::new(io::ErrorKind::InvalidData, "bad checksum");
    let (packets, summary) = drain(source(damaged));
    assert_eq!(packets.len(), 1);
    assert!(summary.cut.unwrap().sentence.contains("bad checksum"));

    let mut reader = CaptureReader::open(source(io::Error::from_raw_os_error(5))).unwrap();
    let mut block = Block::new();
    assert!(reader.next_block(&mut block).unwrap());
    assert!(matches!(reader.next_block(&mut block), Err(ContainerError::Read { offset: 43, .. })));
    assert!(!reader.next_block(&mut block).unwrap());
    assert!(reader.finish().cut.is_some());
}

#[test]
fn what_is_no_capture_is_refused() {
    let open =
        |bytes: &[u8]| CaptureReader::open(Box::new(Cursor::new(bytes.to_vec()))).err().unwrap();
    assert!(matches!(open(b""), ContainerError::Empty));
    assert!(matches!(open(b"hello, this is no capture at all"), ContainerError::NotACapture));
    assert!(matches!(
        open(&pcap(false, 0xa1b2_c3d4).bytes[..23]),
        ContainerError::HeaderCut { bytes: 23 }
    ));
    assert!(matches!(open(b"\n\r\r\nhello, this is text"), ContainerError::NotACapture));
}

#[test]
fn a_record_older_than_its_predecessor_is_remarked_on() {
    let file =
        pcap(false, 0xa1b2_c3d4).record(10, 0, b"").record(9, 0, b"").record(7, 999_999, b"");
    let (_, summary) = read(&file.bytes);
    assert_eq!(count(&summary, AnomalyKind::TimeBackwards), 1);
    let (_, anomaly) = summary.anomalies.iter().next().unwrap();
    assert_eq!(anomaly.samples, [Locator { input: 7, record: 3, offset: 24 + 32 }]);
}

#[test]
fn sections_have_their_own_byte_order_and_interfaces() {
    let little = Bytes::new(false)
        .section()
        .interface(1, |options| options)
        .interface(101, |options| options);
    let little = little.enhanced(1, 5, b"abcde").enhanced(0, 6, b"f").bytes;
    let big =
        Bytes::new(true).section().interface(113, |options| options).enhanced(0, 7, b"gh").bytes;
    let (packets, summary) = read(&[little, big].concat());
    let links: Vec<_> = packets.iter().map(|(packet, _)| packet.link_type).collect();
    assert_eq!(links, [101, 1, 113]);
    assert_eq!(packets[0].1, b"abcde");
    assert_eq!(times(&packets), [5_000, 6_000, 7_000]);
    assert_eq!((summary.sections, summary.endian), (2, Endian::Mixed));
    assert_eq!(summary.interfaces.iter().map(|found| found.section).collect::<Vec<_>>(), [0, 0, 1]);
    assert_eq!(summary.blocks[&6], 3);
    assert!(summary.anomalies.is_empty() && summary.cut.is_none());
}

#[test]
fn every_resolution_and_offset_of_time_is_exact() {
    let time = |big, resolution: Option<u8>, offset: Option<i64>, units| {
        let options = |mut body: Bytes| {
            if let Some(resolution) = resolution {
                body = body.option(9, &[resolution]);
            }
            if let Some(offset) = offset {
                let value = Bytes::new(big).u64(offset.cast_unsigned()).bytes;
                body = body.option(14, &value);
            }
            body.option(0, b"")
        };
        let file = Bytes::new(big).section().interface(1, options).enhanced(0, units, b"x");
        let (packets, summary) = read(&file.bytes);
        assert!(summary.anomalies.is_empty());
        (packets[0].0.time.nanos(), summary.time_digits)
    };
    for big in [false, true] {
        assert_eq!(time(big, None, None, 1_000_001), (1_000_001_000, 6));
        assert_eq!(time(big, Some(0), None, 3), (3_000_000_000, 0));
        assert_eq!(time(big, Some(3), None, 3), (3_000_000, 3));
        assert_eq!(time(big, Some(9), None, 3), (3, 9));
        assert_eq!(time(big, Some(12), None, 3_999), (3, 9));
        assert_eq!(time(big, Some(127), None, u64::MAX), (0, 9));
        assert_eq!(time(big, Some(0x80 | 10), None, 1_536), (1_500_000_000, 4));
        assert_eq!(time(big, Some(0x80 | 20), None, 1 << 19), (500_000_000, 7));
        assert_eq!(time(big, Some(0x80 | 32), None, (5 << 32) | (1 << 31)), (5_500_000_000, 9));
        assert_eq!(time(big, Some(0xff), None, u64::MAX), (0, 9));
        assert_eq!(time(big, Some(6), Some(-2), 1_000_000), (-1_000_000_000, 6));
        assert_eq!(time(big, Some(9), Some(100), 1), (100_000_000_001, 9));
        assert_eq!(time(big, Some(0), None, u64::MAX).0, i64::MAX);
        assert_eq!(time(big, Some(9), None, u64::MAX).0, i64::MAX);
        assert_eq!(time(big, Some(0), Some(i64::MIN), u64::MAX).0, i64::MAX);
        assert_eq!(time(big, Some(6), Some(i64::MIN), 0).0, i64::MIN);
    }
}

#[test]
fn simple_packets_take_the_time_of_the_packet_before() {
    let file = Bytes::new(false).section().interface(1, |options| options);
    let file = file.simple(3, b"abc").enhanced(0, 8, b"d").simple(2, b"ef");
    let (packets, summary) = read(&file.bytes);
    assert_eq!(times(&packets), [0, 8_000, 8_000]);
    assert_eq!((packets[0].1.as_slice(), packets[2].1.as_slice()), (&b"abc"[..], &b"ef"[..]));
    assert_eq!(count(&summary, AnomalyKind::TimeMissing), 2);
}

#[test]
fn a_simple_packet_is_cut_at_the_snaplen_of_the_first_interface() {
    let interface = Bytes::new(true).u16(1).u16(0).u32(5);
    let file = Bytes::new(true).section().block(1, interface).simple(100, b"abcdefgh");
    let (packets, summary) = read(&file.bytes);
    assert_eq!(packets[0].1, b"abcde");
    assert_eq!(packets[0].0.original, 100);
    assert_eq!(count(&summary, AnomalyKind::BlockMalformed), 0);
}

#[test]
fn obsolete_packet_blocks_are_packets() {
    for big in [false, true] {
        let body = Bytes::new(big).u16(0).u16(0xffff).u32(0).u32(9).u32(3).u32(5).raw(b"abc");
        let file = Bytes::new(big).section().interface(1, |options| options).block(2, body);
        let (packets, _) = read(&file.bytes);
        assert_eq!((packets[0].1.as_slice(), packets[0].0.original), (&b"abc"[..], 5));
        assert_eq!(times(&packets), [9_000]);
    }
}

#[test]
fn statistics_and_names_reach_the_summary() {
    for big in [false, true] {
        let number = |value| Bytes::new(big).u64(value).bytes;
        let statistics = |drops| {
            let body = Bytes::new(big).u32(0).u32(0).u32(0);
            body.option(4, &number(100))
                .option(5, &number(drops))
                .option(7, &number(2))
                .option(0, b"")
        };
        let file = Bytes::new(big).section().interface(1, |options| options.option(2, b"eth0"));
        let file = file.block(5, statistics(3)).block(5, statistics(4));
        let (_, summary) = read(&file.bytes);
        let interface = &summary.interfaces[0];
        assert_eq!(interface.name.as_deref(), Some("eth0"));
        assert_eq!(interface.received, Some(100));
        assert_eq!(interface.dropped_by_interface, Some(4));
        assert_eq!(interface.dropped_by_system, Some(2));
        assert!(summary.anomalies.is_empty());
    }
}

#[test]
fn other_blocks_are_counted_and_custom_blocks_take_a_number() {
    let body = || Bytes::new(false).u32(1).u32(2);
    let file = Bytes::new(false).section().interface(1, |options| options);
    let file = file.block(4, body()).block(10, body()).block(0xbad, body()).block(0x7777, body());
    let (packets, summary) = read(&file.enhanced(0, 1, b"a").bytes);
    assert_eq!(packets[0].0.number, 2);
    assert_eq!((summary.packets, summary.records), (1, 2));
    assert_eq!([4, 10, 0xbad, 0x7777].map(|kind| summary.blocks[&kind]), [1; 4]);
}

#[test]
fn a_packet_of_an_unknown_interface_is_counted_and_left_out() {
    let file = Bytes::new(false).section().interface(1, |options| options);
    let (packets, summary) = read(&file.enhanced(1, 1, b"a").enhanced(0, 1, b"b").bytes);
    assert_eq!(packets.len(), 1);
    assert_eq!(packets[0].0.number, 2);
    assert_eq!(count(&summary, AnomalyKind::InterfaceUnknown), 1);
}

#[test]
fn a_block_that_contradicts_itself_is_an_anomaly_and_the_next_is_read() {
    let start = || Bytes::new(false).section().interface(1, |options| options);

    let mut wrong_trailer = start().enhanced(0, 1, b"abcd").bytes;
    let last = wrong_trailer.len() - 4;
    wrong_trailer[last] ^= 1;
    let (packets, summary) =
        read(&Bytes { big: false, bytes: wrong_trailer }.enhanced(0, 1, b"b").bytes);
    assert_eq!((packets.len(), count(&summary, AnomalyKind::BlockMalformed)), (2, 1));

    let too_long = Bytes::new(false).u32(0).u64(0).u32(5).u32(5).raw(b"abcd");
    let (packets, summary) = read(&start().block(6, too_long).enhanced(0, 1, b"b").bytes);
    assert_eq!((packets.len(), count(&summary, AnomalyKind::BlockMalformed)), (1, 1));

    let overrun = Bytes::new(false).u32(0).u64(0).u32(4).u32(4).raw(b"abcd").u16(1).u16(99);
    let (packets, summary) = read(&start().block(6, overrun).enhanced(0, 1, b"b").bytes);
    assert_eq!((packets.len(), count(&summary, AnomalyKind::BlockMalformed)), (2, 1));

    let short = start().block(6, Bytes::new(false).u32(0)).enhanced(0, 1, b"b");
    let (packets, summary) = read(&short.bytes);
    assert_eq!((packets.len(), count(&summary, AnomalyKind::BlockMalformed)), (1, 1));
    assert_eq!(packets[0].0.number, 2);
}

#[test]
fn a_length_without_padding_is_rounded_up() {
    let file = Bytes::new(false).section().interface(1, |options| options);
    let body = Bytes::new(false).u32(0).u64(0).u32(3).u32(3).raw(b"abc").pad();
    let file = file.u32(6).u32(35).raw(&body.bytes).u32(35).enhanced(0, 1, b"b");
    let (packets, summary) = read(&file.bytes);
    assert_eq!(packets.len(), 2);
    assert!(summary.anomalies.is_empty() && summary.cut.is_none());
}

#[test]
fn a_block_length_that_cannot_be_ends_the_file() {
    let start = || Bytes::new(false).section().interface(1, |options| options).enhanced(0, 1, b"a");
    let offset = start().bytes.len() as u64;
    for length in [0, 11, 0xffff_fff0] {
        let (packets, summary) = read(&start().u32(6).u32(length).raw(&[0; 64]).bytes);
        assert_eq!(packets.len(), 1);
        let cut = summary.cut.unwrap();
        assert_eq!((cut.offset, cut.record), (offset, 2));
    }
    let (_, summary) = read(&start().u32(0x0a0d_0d0a).u32(28).raw(&[0; 24]).bytes);
    assert!(summary.cut.unwrap().sentence.contains("byte-order magic"));
}

/// Gives the bytes in reads of the given lengths, over and over.
struct Pieces {
    source: Cursor<Vec<u8>>,
    lengths: Vec<usize>,
    turn: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.lengths[self.turn % self.lengths.len()].min(buffer.len());
        self.turn += 1;
        self.source.read(&mut buffer[..length])
    }
}

/// A file of either format with packets of the given lengths.
fn file(legacy: bool, big: bool, lengths: &[usize]) -> Vec<u8> {
    let mut bytes = if legacy {
        pcap_with(big, 0xa1b2_c3d4, 8 << 20, 1)
    } else {
        Bytes::new(big).section().interface(1, |options| options)
    };
    for (number, length) in (0..).zip(lengths) {
        let packet = vec![number as u8; *length];
        bytes = if legacy {
            bytes.record(number, 0, &packet)
        } else {
            bytes.enhanced(0, u64::from(number) * 1_000_000, &packet)
        };
    }
    bytes.bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_partition_into_reads_gives_the_same_packets(
        legacy: bool,
        big: bool,
        lengths in prop::collection::vec(prop_oneof![9 => 0..20_000_usize, 1 => 0..2_500_000_usize], 0..60),
        reads in prop::collection::vec(prop_oneof![1..40_usize, 1..300_000_usize], 1..20),
        lost in prop_oneof![Just(0), 0..200_usize],
    ) {
        let mut bytes = file(legacy, big, &lengths);
        bytes.truncate(bytes.len().saturating_sub(lost).max(24));
        let whole = read(&bytes);
        let pieces = Pieces { source: Cursor::new(bytes), lengths: reads, turn: 0 };
        let pieced = drain(Box::new(pieces));
        prop_assert!(whole == pieced);
    }

    #[test]
    fn no_change_of_bytes_makes_the_reader_fail(
        legacy: bool,
        big: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
    ) {
        let mut bytes = file(legacy, big, &[0, 1, 60, 1_500, 3]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        fuzz_container(&bytes);
    }

    #[test]
    fn no_bytes_make_the_reader_fail(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_container(&bytes);
        let section = Bytes::new(false).section().interface(1, |options| options);
        fuzz_container(&section.raw(&bytes).bytes);
    }
}

mod corpus {
    use std::path::PathBuf;

    use serde_json::Value;

    use super::*;
    use crate::input::{self, InputPath};

    fn block_name(kind: u32) -> String {
        match kind {
            0x0a0d_0d0a => "SHB".to_owned(),
            1 => "IDB".to_owned(),
            2 => "PB".to_owned(),
            3 => "SPB".to_owned(),
            4 => "NRB".to_owned(),
            5 => "ISB".to_owned(),
            6 => "EPB".to_owned(),
            10 => "DSB".to_owned(),
            0x0bad => "CB".to_owned(),
            0x4000_0bad => "CB-nocopy".to_owned(),
            _ => format!("{kind:#x}"),
        }
    }

    /// What differs between the file as it is read here and the truth on it.
    fn differences(
        truth: &Value,
        packets: &[(PacketRecord, Vec<u8>)],
        summary: &ContainerSummary,
    ) -> Vec<String> {
        let container = &truth["container"];
        let mut found = Vec::new();
        let mut compare = |what: &str, ours: Value, theirs: &Value| {
            if ours != *theirs {
                found.push(format!("{what}: {ours} here, {theirs} there"));
            }
        };
        compare("format", summary.format.as_str().into(), &container["format"]);
        compare("packets", summary.packets.into(), &truth["packets"]);
        compare("records", packets.len().into(), &container["records"]);
        if let Some(frames) = truth.get("tshark_packets") {
            compare("frames", summary.records.into(), frames);
        }
        if container["endian"].is_string() {
            compare("endian", summary.endian.as_str().into(), &container["endian"]);
        } else {
            compare("endian", (summary.endian == Endian::Mixed).into(), &true.into());
        }
        if !container["resolution"].is_null() {
            let resolution = if summary.time_digits == 9 { "ns" } else { "us" };
            compare("resolution", resolution.into(), &container["resolution"]);
        }
        compare("cut", summary.cut.is_some().into(), &container.get("file_cut").is_some().into());

        let interface = |found: &InterfaceSummary| (found.link_type, found.snaplen);
        let number = |value: &Value| value.as_u64().unwrap();
        let theirs: Vec<_> = container["interfaces"].as_array().unwrap().iter().collect();
        // A long list ends with a remark in place of the rest.
        let theirs: Vec<_> = theirs.into_iter().filter(|found| found.is_object()).collect();
        let ours: Vec<_> = summary.interfaces.iter().map(interface).collect();
        let expected: Vec<_> = theirs
            .iter()
            .map(|found| (number(&found["linktype"]) as u16, number(&found["snaplen"]) as u32))
            .collect();
        // The truth lists an interface that several sections repeat once.
        if summary.sections == 1 && !ours.starts_with(&expected) {
            found.push(format!("interfaces: {ours:?} here, {expected:?} there"));
        }
        if let Some(blocks) = container.get("blocks").and_then(Value::as_object) {
            let ours: std::collections::BTreeMap<_, _> =
                summary.blocks.iter().map(|(kind, count)| (block_name(*kind), *count)).collect();
            let theirs: std::collections::BTreeMap<_, _> =
                blocks.iter().map(|(name, count)| (name.clone(), number(count))).collect();
            if ours != theirs {
                found.push(format!("blocks: {ours:?} here, {theirs:?} there"));
            }
        }
        found
    }

    #[test]
    #[ignore = "reads the corpus"]
    fn every_capture_of_the_corpus_has_the_packets_that_it_should() {
        let root = std::env::var_os("EGRESS_AUDIT_CORPUS").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
            PathBuf::from,
        );
        let root = root.join("captures");
        let truth = std::fs::read(root.join("expected.json")).unwrap();
        let truth: Value = serde_json::from_slice(&truth).unwrap();
        let mut all = Vec::new();
        for (name, truth) in truth["captures"].as_object().unwrap() {
            let opened = input::open(&InputPath::File(root.join(name))).unwrap();
            let is_capture = matches!(input::detect(&opened.head), input::Detected::Capture(_));
            let (packets, summary) = drain(opened.reader);
            let mut found = differences(truth, &packets, &summary);
            if !is_capture {
                found.push("not detected as a capture".to_owned());
            }
            // Doubtful truth: lengths in the order of old versions, half a record that tshark
            // counts, files that tshark refuses. They must be read without failing all the same.
            if truth.get("doubtful").is_none() {
                all.extend(found.into_iter().map(|found| format!("{name}: {found}")));
            }
        }
        assert!(all.is_empty(), "{} differences:\n{}", all.len(), all.join("\n"));
    }
}
