//! Packets from bytes, for tests.

/// Joins parts.
pub(crate) fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// An Ethernet header and what follows.
pub(crate) fn ethernet(ether_type: u16, body: &[u8]) -> Vec<u8> {
    join(&[&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1], &ether_type.to_be_bytes(), body])
}

/// An IPv4 packet from 10.0.0.1 to 192.0.2.2, TTL 61, identification 0x1234.
pub(crate) fn v4(protocol: u8, body: &[u8]) -> Vec<u8> {
    v4_with(protocol, 0, &[], body)
}

/// [`v4`] with the flags and offset of fragments, and options.
pub(crate) fn v4_with(protocol: u8, fragment: u16, options: &[u8], body: &[u8]) -> Vec<u8> {
    let header = 20 + options.len();
    let total = u16::try_from(header + body.len()).unwrap();
    let first = 0x40 | u8::try_from(header / 4).unwrap();
    join(&[
        &[first, 0],
        &total.to_be_bytes(),
        &[0x12, 0x34],
        &fragment.to_be_bytes(),
        &[61, protocol, 0, 0, 10, 0, 0, 1, 192, 0, 2, 2],
        options,
        body,
    ])
}

/// An IPv6 packet from 2001:db8::1 to 2001:db8::2, hop limit 62.
pub(crate) fn v6(protocol: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    let address = |last| [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
    join(&[
        &[0x60, 0, 0, 0],
        &length.to_be_bytes(),
        &[protocol, 62],
        &address(1),
        &address(2),
        body,
    ])
}

/// A TCP segment from port 49152 to 443: sequence 0x01020304, acknowledgement 0x05060708, PSH
/// and ACK, window 502, twelve bytes of options.
pub(crate) fn tcp(payload: &[u8]) -> Vec<u8> {
    join(&[
        &[0xc0, 0x00, 0x01, 0xbb, 1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0x18, 0x01, 0xf6, 0, 0, 0, 0],
        &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
        payload,
    ])
}

/// A UDP datagram.
pub(crate) fn udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 8).unwrap();
    join(&[
        &source.to_be_bytes(),
        &destination.to_be_bytes(),
        &length.to_be_bytes(),
        &[0, 0],
        payload,
    ])
}

/// One packet of every link type and header shape that is understood, with its name and how
/// often its flow lies inside others. Each carries [`tcp`] with the payload "payload" in [`v4`]
/// or [`v6`].
pub(crate) fn every_shape() -> Vec<(&'static str, u16, Vec<u8>)> {
    let four = v4(6, &tcp(b"payload"));
    let six = v6(6, &tcp(b"payload"));
    let frame = ethernet(0x0800, &four);
    let snap = join(&[&[0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0x00], &four]);
    let length = |body: &[u8]| u16::try_from(body.len()).unwrap();
    let wireless = join(&[&[0x08, 0x01, 0, 0], &[7; 20], &snap]);
    let quality = join(&[&[0x88, 0x01, 0, 0], &[7; 20], &[0, 0], &snap]);
    let four_addresses = join(&[&[0x08, 0x03, 0, 0], &[7; 26], &snap]);
    let padded = join(&[&[0x88, 0x01, 0, 0], &[7; 20], &[0, 0], &[0, 0], &snap]);
    let aggregated = join(&[
        &[0x88, 0x01, 0, 0],
        &[7; 20],
        &[0x80, 0],
        &[7; 12],
        &length(&snap).to_be_bytes(),
        &snap,
        &[9; 40],
    ]);
    let in_v4 = |protocol, body: &[u8]| ethernet(0x0800, &v4(protocol, body));
    let in_udp = |port, body: &[u8]| in_v4(17, &udp(50_000, port, body));
    let pppoe = |body: &[u8]| join(&[&[0x11, 0, 0, 1], &length(body).to_be_bytes(), body]);
    let ppp = join(&[&[0x00, 0x21], &four]);
    let label = |last: u8, body: &[u8]| join(&[&[0, 0x06, 0x40 | last, 64], body]);
    let cooked = |hardware: u16, protocol: u16, body: &[u8]| {
        join(&[&[0, 0], &hardware.to_be_bytes(), &[0; 10], &protocol.to_be_bytes(), body])
    };
    let cooked_2 = |protocol: u16, body: &[u8]| {
        join(&[&protocol.to_be_bytes(), &[0; 6], &[0, 1], &[0; 10], body])
    };
    let attribute = |kind: u16, body: &[u8]| {
        let mut bytes = join(&[&(length(body) + 4).to_le_bytes(), &kind.to_le_bytes(), body]);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let gtp = |flags: u8, extra: &[u8], body: &[u8]| {
        let length = u16::try_from(extra.len() + body.len()).unwrap();
        join(&[&[flags, 255], &length.to_be_bytes(), &[0, 0, 0, 1], extra, body])
    };
    let authentication = |body: &[u8]| join(&[&[6, 4, 0, 0], &[0; 20], body]);
    vec![
        ("Ethernet and IPv4", 1, frame.clone()),
        ("Ethernet and IPv6", 1, ethernet(0x86dd, &six)),
        ("Ethernet with padding", 1, join(&[&frame, &[0xee; 9]])),
        ("802.1Q", 1, ethernet(0x8100, &join(&[&[0, 5, 0x08, 0x00], &four]))),
        (
            "802.1ad over 802.1Q",
            1,
            ethernet(0x88a8, &join(&[&[0, 5, 0x81, 0, 0, 6, 0x86, 0xdd], &six])),
        ),
        (
            "QinQ with old numbers",
            1,
            ethernet(0x9100, &join(&[&[0, 5, 0x92, 0, 0, 6, 0x81, 0, 0, 7, 0x08, 0], &four])),
        ),
        ("802.3 with SNAP", 1, ethernet(length(&snap), &snap)),
        ("802.3 with SNAP and a trailer", 1, join(&[&ethernet(length(&snap), &snap), &[0xee; 12]])),
        ("802.2 with the SAP of IP", 1, ethernet(80, &join(&[&[6, 6, 3], &four]))),
        ("MPLS", 1, ethernet(0x8847, &label(1, &four))),
        ("MPLS, three labels", 1, ethernet(0x8848, &label(0, &label(0, &label(1, &six))))),
        ("MPLS pseudowire", 1, ethernet(0x8847, &label(1, &join(&[&[0; 4], &frame])))),
        ("MPLS pseudowire without control word", 1, ethernet(0x8847, &label(1, &frame))),
        ("PPPoE", 1, ethernet(0x8864, &pppoe(&ppp))),
        ("PPPoE with padding", 1, join(&[&ethernet(0x8864, &pppoe(&ppp)), &[0xee; 4]])),
        ("802.1ah", 1, ethernet(0x88e7, &join(&[&[0; 4], &frame]))),
        ("VN-Tag", 1, ethernet(0x8926, &join(&[&[0, 0, 0, 0, 0x08, 0], &four]))),
        ("NSH", 1, ethernet(0x894f, &join(&[&[0, 2, 1, 1, 0, 0, 0, 0], &four]))),
        ("NULL, little-endian", 0, join(&[&[2, 0, 0, 0], &four])),
        ("NULL, big-endian", 0, join(&[&[0, 0, 0, 2], &four])),
        ("NULL, IPv6 of macOS", 0, join(&[&[30, 0, 0, 0], &six])),
        ("NULL with an EtherType", 0, join(&[&[0x0f, 0, 8, 0], &four])),
        ("LOOP", 108, join(&[&[0, 0, 0, 24], &six])),
        ("ENC", 109, join(&[&[2, 0, 0, 0], &[0; 8], &four])),
        ("Token Ring", 6, join(&[&[0, 0x40], &[7; 12], &snap])),
        (
            "Token Ring, source-routed",
            6,
            join(&[&[0, 0x40], &[7; 6], &[0x87; 6], &[0x04, 0, 0, 0], &snap]),
        ),
        ("FDDI", 10, join(&[&[0x50], &[7; 12], &snap])),
        ("raw IPv4", 12, four.clone()),
        ("raw IPv6", 14, six.clone()),
        ("raw", 101, four.clone()),
        ("IPV4", 228, four.clone()),
        ("IPV6", 229, six.clone()),
        ("PPP", 9, join(&[&[0xff, 3], &ppp])),
        ("PPP without address and control", 9, ppp.clone()),
        ("PPP with a short protocol", 9, join(&[&[0xff, 3, 0x57], &six])),
        ("PPP and MPLS", 9, join(&[&[0xff, 3, 2, 0x81], &label(1, &four)])),
        ("PPP in HDLC framing", 50, join(&[&[0xff, 3], &ppp])),
        ("Cisco HDLC in PPP_HDLC", 50, join(&[&[0x0f, 0, 0x08, 0], &four])),
        ("Cisco HDLC", 104, join(&[&[0x0f, 0, 0x86, 0xdd], &six])),
        ("PPPoE without Ethernet", 51, pppoe(&ppp)),
        ("PPP with direction", 204, join(&[&[1, 0xff, 3], &ppp])),
        ("PPP of pppd", 166, join(&[&[0, 3], &ppp])),
        ("Frame Relay, NLPID", 107, join(&[&[0x18, 0x41, 3, 0xcc], &four])),
        ("Frame Relay, SNAP", 107, join(&[&[0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0], &four])),
        ("Frame Relay, Cisco", 107, join(&[&[0x18, 0x41, 0x08, 0], &four])),
        ("ATM", 100, snap.clone()),
        ("Linux cooked", 113, cooked(1, 0x0800, &four)),
        ("Linux cooked with a VLAN tag", 113, cooked(1, 0x8100, &join(&[&[0, 5, 8, 0], &four]))),
        ("Linux cooked, 802.2", 113, cooked(1, 4, &snap)),
        ("Linux cooked v2", 276, cooked_2(0x86dd, &six)),
        ("Linux cooked v2, 802.2", 276, cooked_2(4, &snap)),
        ("802.11", 105, wireless.clone()),
        ("802.11 with quality of service", 105, quality.clone()),
        ("802.11 with four addresses", 105, four_addresses),
        ("802.11, aggregated", 105, aggregated),
        ("802.11 after Prism", 119, join(&[&[0; 144], &wireless])),
        (
            "802.11 after AVS",
            163,
            join(&[&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64], &[0; 56], &wireless]),
        ),
        ("radiotap", 127, join(&[&[0, 0, 8, 0, 0, 0, 0, 0], &quality])),
        (
            "radiotap with padding",
            127,
            join(&[
                &[0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0],
                &[0; 8],
                &[0x20],
                &padded,
            ]),
        ),
        ("PPI", 192, join(&[&[0, 0, 8, 0, 105, 0, 0, 0], &wireless])),
        ("PPI and Ethernet", 192, join(&[&[0, 0, 12, 0, 1, 0, 0, 0, 9, 9, 9, 9], &frame])),
        (
            "PKTAP by a number for everybody's own use",
            149,
            join(&[&[108, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], &[0; 96], &frame]),
        ),
        ("PKTAP", 258, join(&[&[16, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], &frame])),
        (
            "NFLOG",
            239,
            join(&[
                &[2, 0, 0, 0],
                &attribute(1, &[0; 4]),
                &attribute(10, b"in:\0x"),
                &attribute(9, &four),
            ]),
        ),
        ("IPoIB", 242, join(&[&[0; 40], &[0x08, 0, 0, 0], &four])),
        ("ARCnet", 129, join(&[&[1, 2, 0, 0, 212, 0, 0, 1], &four])),
        ("DSA tag", 283, join(&[&[7; 12], &[0xc0, 0, 0, 0], &[0x08, 0], &four])),
        ("EDSA tag", 284, join(&[&[7; 12], &[0xda, 0xda, 0, 0, 0xc0, 0, 0, 0, 0x08, 0], &four])),
        ("HSR tag", 1, join(&[&[7; 12], &[0x89, 0x2f, 0, 0x47, 0, 1, 0x08, 0], &four])),
        ("Cisco MetaData", 1, join(&[&[7; 12], &[0x89, 0x09, 1, 1, 0, 1, 0, 5, 0x08, 0], &four])),
        ("FabricPath", 1, join(&[&[7; 12], &[0x89, 0x03, 0, 0x20], &[7; 12], &[0x08, 0], &four])),
        (
            "TRILL",
            1,
            join(&[&[7; 12], &[0x22, 0xf3, 0, 0x3f, 0, 1, 0, 2], &[7; 12], &[0x08, 0], &four]),
        ),
        ("signed by MACsec", 1, join(&[&[7; 12], &[0x88, 0xe5, 0, 0, 0, 0, 0, 1, 0x08, 0], &four])),
        ("Broadcom tag", 281, join(&[&[7; 12], &[0; 4], &[0x08, 0], &four])),
        ("IPv4 with options", 1, ethernet(0x0800, &v4_with(6, 0, &[1; 12], &tcp(b"payload")))),
        ("IPv4 and AH", 1, in_v4(51, &authentication(&tcp(b"payload")))),
        (
            "IPv6 with extension headers",
            1,
            ethernet(
                0x86dd,
                &v6(
                    0,
                    &join(&[
                        &[60, 0, 1, 4, 0, 0, 0, 0],
                        &[43, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                        &[44, 0, 0, 0, 0, 0, 0, 0],
                        &[51, 0, 0, 0, 0, 0, 0, 9],
                        &authentication(&tcp(b"payload")),
                    ]),
                ),
            ),
        ),
        ("IP in IP", 1, in_v4(4, &four)),
        ("6in4", 1, in_v4(41, &six)),
        ("4in6", 1, ethernet(0x86dd, &v6(4, &four))),
        ("GRE", 1, in_v4(47, &join(&[&[0, 0, 8, 0], &four]))),
        (
            "GRE with checksum, key and sequence",
            1,
            in_v4(47, &join(&[&[0xb0, 0, 0x86, 0xdd], &[0; 12], &six])),
        ),
        ("NVGRE", 1, in_v4(47, &join(&[&[0x20, 0, 0x65, 0x58, 0, 0, 1, 0], &frame]))),
        ("ERSPAN I", 1, in_v4(47, &join(&[&[0, 0, 0x88, 0xbe], &frame]))),
        (
            "ERSPAN II",
            1,
            in_v4(47, &join(&[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1], &[0x10; 8], &frame])),
        ),
        (
            "ERSPAN III",
            1,
            in_v4(
                47,
                &join(&[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1], &[0x20; 10], &[0, 1], &[0; 8], &frame]),
            ),
        ),
        ("PPTP", 1, in_v4(47, &join(&[&[0x30, 0x81, 0x88, 0x0b], &[0; 12], &[0xff, 3], &ppp]))),
        ("WCCP", 1, in_v4(47, &join(&[&[0, 0, 0x88, 0x3e, 0, 0, 0, 0], &four]))),
        (
            "Aruba",
            1,
            in_v4(47, &join(&[&[0, 0, 0x82, 0x00], &[0x88, 0x01, 0, 0], &[7; 22], &snap])),
        ),
        ("GRE in UDP", 1, in_udp(4754, &join(&[&[0, 0, 8, 0], &four]))),
        (
            "802.1Q three times",
            1,
            ethernet(0x8100, &join(&[&[0, 5, 0x81, 0, 0, 6, 0x81, 0, 0, 7, 0x08, 0], &four])),
        ),
        ("EtherIP", 1, in_v4(97, &join(&[&[0x30, 0], &frame]))),
        ("MPLS in IP", 1, in_v4(137, &label(1, &four))),
        ("MPLS in UDP", 1, in_udp(6635, &label(1, &four))),
        ("VXLAN", 1, in_udp(4789, &join(&[&[8, 0, 0, 0, 0, 0, 5, 0], &frame]))),
        (
            "VXLAN on the port of Linux",
            1,
            in_udp(8472, &join(&[&[8, 0, 0, 0, 0, 0, 5, 0], &frame])),
        ),
        ("VXLAN on a mirror's port", 1, in_udp(65330, &join(&[&[8, 0, 0, 0, 0, 0, 5, 0], &frame]))),
        ("LISP", 1, in_udp(4341, &join(&[&[0x88, 0, 0, 0, 0, 0, 0, 1], &four]))),
        ("GUE", 1, in_udp(6080, &join(&[&[1, 4, 0, 0, 0, 0, 0, 0], &four]))),
        ("GUE without a header", 1, in_udp(6080, &six)),
        ("FOU", 1, in_udp(5555, &four)),
        ("TZSP", 1, in_udp(37008, &join(&[&[1, 0, 0, 1, 10, 1, 7, 0, 1], &frame]))),
        ("VXLAN-GPE", 1, in_udp(4790, &join(&[&[0x0c, 0, 0, 2, 0, 0, 5, 0], &six]))),
        ("GENEVE", 1, in_udp(6081, &join(&[&[1, 0, 0x65, 0x58, 0, 0, 5, 0], &[0; 4], &frame]))),
        ("GENEVE and IP", 1, in_udp(6081, &join(&[&[0, 0, 0x08, 0, 0, 0, 5, 0], &four]))),
        ("AYIYA", 1, in_udp(5072, &join(&[&[0x41, 0x52, 0x11, 41, 0, 0, 0, 0], &[7; 36], &six]))),
        (
            "CAPWAP and 802.11",
            1,
            in_udp(5247, &join(&[&[0, 0x10, 0x03, 0, 0, 0, 0, 0], &wireless])),
        ),
        (
            "CAPWAP and 802.11 with swapped control",
            1,
            in_udp(
                5247,
                &join(&[
                    &[0, 0x20, 0x03, 0x20, 0, 0, 0, 0],
                    &[4, 1, 2, 3, 4, 0, 0, 0],
                    &[0x11, 0x08, 0, 0],
                    &[7; 20],
                    &snap,
                ]),
            ),
        ),
        ("CAPWAP and Ethernet", 1, in_udp(5247, &join(&[&[0, 0x10, 0, 0, 0, 0, 0, 0], &frame]))),
        ("GTP-U", 1, in_udp(2152, &gtp(0x30, &[], &four))),
        (
            "GTP-U with an extension header",
            1,
            in_udp(2152, &gtp(0x34, &[0, 0, 0, 0x85, 1, 0x10, 9, 0], &six)),
        ),
        ("Teredo", 1, in_udp(3544, &six)),
        (
            "Teredo with indications",
            1,
            in_udp(3544, &join(&[&[0, 1, 0, 0], &[0; 9], &[0, 0], &[0; 6], &six])),
        ),
        ("L2TP", 1, in_udp(1701, &join(&[&[0, 2, 0, 1, 0, 1, 0xff, 3], &ppp]))),
        (
            "L2TP with length, sequence and offset",
            1,
            in_udp(1701, &join(&[&[0x4a, 2, 0, 0, 0, 1, 0, 1], &[0; 4], &[0, 2, 9, 9], &ppp])),
        ),
        (
            "VXLAN in GRE in VLAN",
            1,
            ethernet(
                0x8100,
                &join(&[
                    &[0, 5, 8, 0],
                    &v4(
                        47,
                        &join(&[
                            &[0, 0, 8, 0],
                            &v4(17, &udp(1, 4789, &join(&[&[8, 0, 0, 0, 0, 0, 5, 0], &frame]))),
                        ]),
                    ),
                ]),
            ),
        ),
    ]
}
