use std::net::IpAddr;

use proptest::prelude::*;

use super::build::{ethernet, every_shape, join, tcp, udp, v4, v4_with, v6};
use super::*;
use crate::capture::link::LINK_TYPES;

/// Decodes a packet that was captured whole.
fn whole(link_type: u16, bytes: &[u8]) -> Result<Decoded, AnomalyKind> {
    decode(link_type, bytes, u32::try_from(bytes.len()).unwrap())
}

fn segment(link_type: u16, bytes: &[u8]) -> Segment {
    match whole(link_type, bytes) {
        Ok(Decoded::Segment(segment)) => segment,
        other => panic!("{other:?}"),
    }
}

fn socket(address: &str, port: u16) -> SocketAddress {
    SocketAddress::new(address.parse::<IpAddr>().unwrap().into(), port)
}

fn payload<'a>(segment: &Segment, bytes: &'a [u8]) -> &'a [u8] {
    &bytes[segment.payload_start as usize..][..segment.payload_captured as usize]
}

/// The segment that every shape carries, apart from where its payload is.
fn assert_is_the_inner_segment(found: &Segment, name: &str) {
    let expected = if found.source.address.is_v4() {
        (socket("10.0.0.1", 49152), socket("192.0.2.2", 443), 61, 0x1234)
    } else {
        (socket("2001:db8::1", 49152), socket("2001:db8::2", 443), 62, 0)
    };
    let real = (found.source, found.destination, found.hops, found.identification);
    assert_eq!(real, expected, "{name}");
    let Transport::Tcp { sequence, acknowledgement, flags, window } = found.transport else {
        panic!("{name}: {found:?}")
    };
    assert_eq!((sequence, acknowledgement, window), (0x0102_0304, 0x0506_0708, 502), "{name}");
    assert_eq!(flags.bits(), 0x18, "{name}");
}

#[test]
fn every_shape_leads_to_the_same_segment() {
    for (name, link_type, bytes) in every_shape() {
        let found = match whole(link_type, &bytes) {
            Ok(Decoded::Segment(segment)) => segment,
            other => panic!("{name}: {other:?}"),
        };
        assert_is_the_inner_segment(&found, name);
        assert_eq!(payload(&found, &bytes), b"payload", "{name}");
        assert_eq!(found.payload_length, 7, "{name}");
    }
}

#[test]
fn every_link_type_has_a_shape_or_carries_no_ip() {
    let shapes = every_shape();
    for known in LINK_TYPES {
        let is_shown = shapes.iter().any(|(_, link_type, _)| *link_type == known.number);
        assert!(is_shown || matches!(known.number, 227 | 253), "{}", known.name);
    }
}

#[test]
fn a_packet_that_is_cut_anywhere_tells_what_its_bytes_hold() {
    for (name, link_type, bytes) in every_shape() {
        let original = u32::try_from(bytes.len()).unwrap();
        let start = segment(link_type, &bytes).payload_start as usize;
        for length in 0..bytes.len() {
            let found = decode(link_type, &bytes[..length], original);
            let has_ports = length + 12 >= start;
            match found {
                Ok(Decoded::Segment(found)) if has_ports => {
                    assert_is_the_inner_segment(&found, name);
                    let captured = length.saturating_sub(start).min(7);
                    assert_eq!(found.payload_captured as usize, captured, "{name} {length}");
                    assert_eq!(found.payload_length, 7, "{name} {length}");
                }
                // Around the tunnels that go by port, the outer datagram.
                Ok(Decoded::Segment(found)) => {
                    assert_eq!(found.transport, Transport::Udp { hardware: 0 }, "{name} {length}");
                }
                Ok(other) => panic!("{name} {length}: {other:?}"),
                Err(_) => assert!(!has_ports, "{name} {length}: {found:?}"),
            }
        }
    }
}

#[test]
fn padding_is_no_payload() {
    let bare = v4_with(6, 0, &[], &tcp(b""));
    for (ether_type, packet) in [(0x0800, bare), (0x86dd, v6(6, &tcp(b"")))] {
        let bytes = ethernet(ether_type, &join(&[&packet, &[0; 18]]));
        let found = segment(1, &bytes);
        assert_eq!((found.payload_captured, found.payload_length), (0, 0));
    }
    let bytes = ethernet(0x0800, &join(&[&v4(17, &udp(1, 53, b"question")), &[0; 18]]));
    assert_eq!(payload(&segment(1, &bytes), &bytes), b"question");
}

#[test]
fn an_ip_length_that_counts_padding_gives_no_payload() {
    let mut packet = v4(6, &tcp(b""));
    packet[3] += 6;
    let ppp = join(&[&[0x11, 0, 0, 1, 0, 54, 0, 0x21], &packet, &[0; 6]]);
    let found = segment(1, &ethernet(0x8864, &ppp));
    assert_eq!((found.payload_captured, found.payload_length), (0, 0));
}

#[test]
fn without_an_ip_length_the_packet_fills_the_frame() {
    let mut packet = v4(6, &tcp(&[7; 3000]));
    packet[2..4].fill(0);
    let bytes = ethernet(0x0800, &packet);
    let found = segment(1, &bytes);
    assert_eq!((found.payload_captured, found.payload_length), (3000, 3000));
    let Ok(Decoded::Segment(cut)) = decode(1, &bytes[..100], 3066) else { panic!() };
    assert_eq!((cut.payload_captured, cut.payload_length), (34, 3000));
    let mut packet = v6(6, &tcp(&[7; 3000]));
    packet[4..6].fill(0);
    assert_eq!(segment(229, &packet).payload_length, 3000);
}

#[test]
fn a_jumbogram_fills_the_frame() {
    let options = [6, 0, 0xc2, 4, 0, 1, 0x11, 0x98];
    let mut packet = v6(0, &join(&[&options, &tcp(b"")]));
    packet[4..6].fill(0);
    packet.resize(70_080, 7);
    assert_eq!(segment(101, &packet).payload_length, 70_000);
}

#[test]
fn a_capture_that_cuts_packets_keeps_their_length() {
    let bytes = ethernet(0x0800, &v4(6, &tcp(&[7; 1000])));
    let Ok(Decoded::Segment(found)) = decode(1, &bytes[..96], 1066) else { panic!() };
    assert_eq!((found.payload_start, found.payload_captured, found.payload_length), (66, 30, 1000));
    let Ok(Decoded::Segment(found)) = decode(1, &bytes[..54], 54) else { panic!() };
    assert_eq!((found.payload_start, found.payload_captured, found.payload_length), (54, 0, 1000));
    assert_is_the_inner_segment(&found, "options cut");
}

#[test]
fn headers_that_contradict_themselves_are_told_from_cut_ones() {
    use AnomalyKind::{IpHeaderCut, IpHeaderInvalid, TransportHeaderCut, TransportHeaderInvalid};
    let changed = |protocol: u8, body: &[u8], at: usize, to: u8| {
        let mut packet = v4(protocol, body);
        packet[at] = to;
        packet
    };
    let cut = |mut packet: Vec<u8>, length: usize| {
        packet.truncate(length);
        packet
    };
    let segment = tcp(b"");
    let cases = [
        (vec![], IpHeaderCut),
        (vec![0x50; 40], IpHeaderInvalid),
        (vec![0x45; 19], IpHeaderCut),
        (changed(6, &segment, 0, 0x44), IpHeaderInvalid),
        (changed(6, &segment, 3, 19), IpHeaderInvalid),
        (changed(6, &segment, 3, 30), TransportHeaderInvalid),
        (changed(6, &segment, 20 + 12, 0x40), TransportHeaderInvalid),
        (changed(6, &segment, 20 + 12, 0xf0), TransportHeaderInvalid),
        (cut(v4(6, &segment), 39), TransportHeaderCut),
        (cut(v4(17, &udp(1, 2, b"")), 27), TransportHeaderCut),
        (v4(17, &[0; 7]), TransportHeaderInvalid),
        (changed(17, &udp(1, 2, b""), 25, 7), TransportHeaderInvalid),
        (v4(1, &[]), TransportHeaderInvalid),
        (v4(1, &[3, 1, 0, 0]), TransportHeaderInvalid),
        (cut(v4(1, &[3; 40]), 24), TransportHeaderCut),
        (vec![0x60; 39], IpHeaderCut),
        (v6(43, &[6, 200, 0, 0, 0, 0, 0, 0]), IpHeaderInvalid),
        (cut(v6(43, &[6; 200]), 50), IpHeaderCut),
        (v6(51, &[6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), IpHeaderInvalid),
        (v6(0, &[0; 2000]), IpHeaderInvalid),
    ];
    for (index, (packet, kind)) in cases.into_iter().enumerate() {
        let original = u32::from(packet.get(3).copied().unwrap_or(0))
            .max(240)
            .max(u32::try_from(packet.len()).unwrap());
        assert_eq!(decode(101, &packet, original), Err(kind), "case {index}");
    }
}

#[test]
fn a_udp_length_is_believed_within_the_ip_packet() {
    let with_length = |length: u16| {
        let mut datagram = udp(5, 6, b"abcdef");
        datagram[4..6].copy_from_slice(&length.to_be_bytes());
        segment(101, &v4(17, &datagram)).payload_length
    };
    assert_eq!(with_length(0), 6);
    assert_eq!(with_length(8), 0);
    assert_eq!(with_length(11), 3);
    assert_eq!(with_length(14), 6);
    assert_eq!(with_length(9000), 6);
}

#[test]
fn fragments_say_where_they_belong() {
    let first = v4_with(6, 0x2000, &[], &tcp(b"half"));
    let Ok(Decoded::Fragment(found)) = whole(101, &first) else { panic!() };
    assert_eq!(
        (found.source, found.destination),
        (socket("10.0.0.1", 0).address, socket("192.0.2.2", 0).address)
    );
    assert_eq!((found.protocol, found.identification, found.offset), (6, 0x1234, 0));
    assert!(found.more);
    assert_eq!((found.payload_start, found.payload_captured, found.payload_length), (20, 36, 36));
    let inner = found.first.unwrap();
    assert_is_the_inner_segment(&inner, "first fragment");
    assert_eq!(payload(&inner, &first), b"half");

    let Ok(Decoded::Fragment(last)) = whole(101, &v4_with(6, 0x1fff, &[], b"rest")) else {
        panic!()
    };
    assert_eq!((last.offset, last.more, last.first), (65_528, false, None));

    let mut datagram = udp(5, 53, b"first part");
    datagram[4..6].copy_from_slice(&2000_u16.to_be_bytes());
    let header = [17, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef];
    let packet = v6(60, &join(&[&[44, 0, 1, 4, 0, 0, 0, 0], &header, &datagram]));
    let Ok(Decoded::Fragment(found)) = whole(229, &packet) else { panic!() };
    assert_eq!((found.protocol, found.identification, found.offset), (17, 0xdead_beef, 0));
    assert_eq!(payload(&found.first.unwrap(), &packet), b"first part");

    let header = [17, 0, 0x05, 0xa8, 0xde, 0xad, 0xbe, 0xef];
    let packet = v6(44, &join(&[&header, b"rest"]));
    let Ok(Decoded::Fragment(found)) = whole(229, &packet) else { panic!() };
    assert_eq!((found.offset, found.more, found.first), (1448, false, None));

    let Ok(Decoded::Fragment(tiny)) = whole(101, &v4_with(6, 0x2000, &[], &[0; 8])) else {
        panic!()
    };
    assert_eq!(tiny.first, None);
}

#[test]
fn icmp_errors_name_the_packet_that_they_quote() {
    let quote = v4(6, &tcp(&[7; 100]));
    let error =
        |kind, code, quote: &[u8]| v4(1, &join(&[&[kind, code, 0, 0, 0, 0, 5, 0x78], quote]));
    for kind in [3, 4, 5, 11, 12] {
        let Ok(Decoded::IcmpError(found)) = whole(101, &error(kind, 13, &quote[..28])) else {
            panic!()
        };
        assert_eq!(
            (found.v6, found.kind, found.code, found.mtu, found.hops),
            (false, kind, 13, None, 61)
        );
        assert_eq!(
            (found.from, found.to),
            (socket("10.0.0.1", 0).address, socket("192.0.2.2", 0).address)
        );
        assert_eq!(found.quoted_source, socket("10.0.0.1", 49152));
        assert_eq!(found.quoted_destination, socket("192.0.2.2", 443));
        assert_eq!((found.quoted_protocol, found.quoted_sequence), (6, Some(0x0102_0304)));
    }
    let Ok(Decoded::IcmpError(found)) = whole(101, &error(3, 4, &quote)) else { panic!() };
    assert_eq!(found.mtu, Some(1400));
    let Ok(Decoded::IcmpError(found)) = whole(101, &error(3, 3, &v4(17, &udp(5, 53, b"q")))) else {
        panic!()
    };
    assert_eq!(
        (found.quoted_destination.port, found.quoted_protocol, found.quoted_sequence),
        (53, 17, None)
    );
    let Ok(Decoded::IcmpError(found)) =
        whole(101, &error(3, 3, &v4_with(17, 0x0010, &[], &udp(5, 53, b"q"))))
    else {
        panic!()
    };
    assert_eq!(found.quoted_destination, socket("192.0.2.2", 0));
    let Ok(Decoded::IcmpError(found)) = whole(101, &error(3, 3, &v4(50, &[9; 8]))) else {
        panic!()
    };
    assert_eq!((found.quoted_destination.port, found.quoted_protocol), (0, 50));
    assert_eq!(whole(101, &error(3, 3, &quote[..19])), Err(AnomalyKind::TransportHeaderInvalid));
    assert_eq!(whole(101, &error(3, 3, &[0; 40])), Err(AnomalyKind::TransportHeaderInvalid));
    assert!(matches!(whole(101, &error(8, 0, b"ping")), Ok(Decoded::OtherIp { protocol: 1, .. })));
}

#[test]
fn icmpv6_errors_name_the_packet_that_they_quote() {
    let quote = v6(60, &join(&[&[6, 0, 1, 4, 0, 0, 0, 0], &tcp(&[7; 100])]));
    for kind in 1..=4 {
        let packet = v6(58, &join(&[&[kind, 0, 0, 0, 0, 0, 5, 0], &quote]));
        let Ok(Decoded::IcmpError(found)) = whole(229, &packet) else { panic!() };
        assert_eq!((found.v6, found.kind, found.hops), (true, kind, 62));
        assert_eq!(found.mtu, (kind == 2).then_some(1280));
        assert_eq!(found.quoted_source, socket("2001:db8::1", 49152));
        assert_eq!(found.quoted_destination, socket("2001:db8::2", 443));
        assert_eq!((found.quoted_protocol, found.quoted_sequence), (6, Some(0x0102_0304)));
    }
    let advertisement = v6(58, &[135; 32]);
    assert!(matches!(whole(229, &advertisement), Ok(Decoded::OtherIp { protocol: 58, .. })));
}

#[test]
fn other_traffic_on_the_port_of_a_tunnel_stays_what_it_is() {
    for port in [1701, 2152, 3544, 4789, 4790, 6081, 6635, 8472] {
        for body in
            [&b""[..], b"an ordinary datagram that is no tunnel at all", &[0x45; 60], &[8; 64]]
        {
            for (source, destination) in [(port, 9), (9, port)] {
                let found = segment(101, &v4(17, &udp(source, destination, body)));
                assert_eq!(found.source, socket("10.0.0.1", source));
                assert_eq!(found.payload_length as usize, body.len());
            }
        }
    }
    let arp = join(&[&[8, 0, 0, 0, 0, 0, 5, 0], &ethernet(0x0806, &[0; 28])]);
    assert_eq!(segment(101, &v4(17, &udp(9, 4789, &arp))).destination.port, 4789);
}

#[test]
fn a_tunnel_without_an_ip_packet_is_other_ip() {
    let cases = [
        (47, join(&[&[0, 0, 0x08, 0x06], &[0; 28]])),
        (47, join(&[&[0x30, 1, 0x88, 0x0b], &[0; 8]])),
        (50, vec![9; 40]),
        (97, vec![0; 40]),
        (132, vec![0; 40]),
    ];
    for (expected, body) in cases {
        match whole(101, &v4(expected, &body)) {
            Ok(Decoded::OtherIp { protocol, source, destination }) => {
                assert_eq!(protocol, expected);
                assert_eq!(source, socket("10.0.0.1", 0).address);
                assert_eq!(destination, socket("192.0.2.2", 0).address);
            }
            other => panic!("{expected}: {other:?}"),
        }
    }
    assert!(matches!(whole(229, &v6(59, &[])), Ok(Decoded::OtherIp { protocol: 59, .. })));
}

#[test]
fn tunnels_in_tunnels_end() {
    let nest = |depth: usize| (0..depth).fold(v4(6, &tcp(b"payload")), |inner, _| v4(4, &inner));
    assert_is_the_inner_segment(&segment(101, &nest(10)), "ten tunnels");
    assert_eq!(whole(101, &nest(40)), Err(AnomalyKind::NestedTooDeep));
    let datagrams = (0..40).fold(v4(6, &tcp(b"payload")), |inner, _| {
        v4(17, &udp(4790, 4790, &join(&[&[0x0c, 0, 0, 1, 0, 0, 5, 0], &inner])))
    });
    assert_eq!(segment(101, &datagrams).destination.port, 4790);
}

#[test]
fn control_bits_are_told_apart() {
    let flags = TcpFlags::from_bits(0x02);
    assert!(flags.syn() && !flags.ack() && !flags.fin() && !flags.rst() && !flags.psh());
    let flags = TcpFlags::from_bits(0x1d);
    assert!(!flags.syn() && flags.ack() && flags.fin() && flags.rst() && flags.psh());
    assert_eq!(format!("{:?}", TcpFlags::from_bits(0x12)), "TcpFlags(SYN|ACK)");
    assert_eq!(format!("{:?}", TcpFlags::default()), "TcpFlags()");
}

proptest! {
    #[test]
    fn any_bytes_under_any_link_type_are_decoded_within_bounds(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        original in 0..400_u32,
    ) {
        let captured = u32::try_from(bytes.len()).unwrap();
        for known in LINK_TYPES {
            if let Ok(decoded) = decode(known.number, &bytes, original) {
                prop_assert!(is_within(&decoded, captured), "{} {decoded:?}", known.name);
            }
        }
    }

    #[test]
    fn good_packets_with_changed_bytes_are_decoded_within_bounds(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        length in any::<prop::sample::Index>(),
    ) {
        for (name, link_type, mut bytes) in every_shape() {
            for (at, value) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            let original = u32::try_from(bytes.len()).unwrap();
            bytes.truncate(length.index(bytes.len() + 1));
            if let Ok(decoded) = decode(link_type, &bytes, original) {
                let captured = u32::try_from(bytes.len()).unwrap();
                prop_assert!(is_within(&decoded, captured), "{name} {decoded:?}");
            }
            let fuzzed = [&link_type.to_be_bytes()[..], &bytes].concat();
            fuzz_packet(&fuzzed);
        }
    }
}
