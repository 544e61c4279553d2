//! What only pcapng has: sections, interfaces, clocks and kinds of blocks.

use super::*;

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
