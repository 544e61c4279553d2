//! Captures built byte by byte, whole and damaged.

mod corpus;
mod pcapng;
mod properties;

use std::io::{self, Cursor, Read};

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
