//! Tunnels: packets in IP and in UDP.
//!
//! A tunnel is one entry of a table and one function. What a UDP port leads to is followed only
//! where the inner IP header fits, so that other traffic on such a port stays what it is.

use super::{Decoded, ip};
use crate::capture::link::{self, ETHER_TYPE_MPLS, Frame, IEEE802_11, Next, Peel};
use crate::observe::AnomalyKind;

/// IP protocol numbers that lead on.
const IN_IP: &[(u8, Peel)] = &[
    // IPv4 (RFC 2003) and IPv6 (RFC 2473, RFC 4213) in IP.
    (4, packet),
    (41, packet),
    (47, gre),
    (97, ether_ip),
    (137, mpls),
];

/// UDP ports that may lead on; the destination is asked before the source.
const IN_UDP: &[(u16, Peel)] = &[
    (1701, l2tp),
    (2152, gtp_user),
    (3544, teredo),
    // VXLAN, and the port that Linux used before it had one.
    (4789, vxlan),
    (8472, vxlan),
    (4790, vxlan_generic),
    // GRE in UDP (RFC 8086).
    (4754, gre),
    (5072, ayiya),
    (5247, capwap),
    (6081, geneve),
    // VXLAN of clouds that mirror traffic to a port of their own.
    (65330, vxlan),
    (4341, lisp),
    (6080, generic_udp),
    // Foo over UDP, by the port of its documentation.
    (5555, packet_by_version),
    (37008, tazmen),
    (6635, mpls),
];

/// PPP, which L2TP and GRE of version 1 carry.
const ETHER_TYPE_PPP: u16 = 0x880b;

/// What a tunnel in IP leads to; `None` where that is no IP packet.
pub(super) fn in_ip(
    protocol: u8,
    body: Frame<'_>,
    mut layers: u8,
) -> Option<Result<Decoded, AnomalyKind>> {
    let (_, peel) = IN_IP.iter().find(|(known, _)| *known == protocol)?;
    follow(*peel, body, &mut layers)
        .transpose()
        .map(|inner| inner.and_then(|packet| ip::decode(packet, layers)))
}

/// Whether one of the ports may lead on.
#[inline]
pub(super) fn is_udp_port(ports: [u16; 2]) -> bool {
    IN_UDP.iter().any(|(known, _)| ports.contains(known))
}

/// What a tunnel in UDP leads to; `None` where these ports lead nowhere, or the payload is no
/// such tunnel. The first port is asked first.
#[cold]
pub(super) fn in_udp(
    ports: [u16; 2],
    payload: Frame<'_>,
    layers: u8,
) -> Option<Result<Decoded, AnomalyKind>> {
    for port in ports {
        let Some((_, peel)) = IN_UDP.iter().find(|(known, _)| *known == port) else { continue };
        let mut left = layers;
        match follow(*peel, payload, &mut left) {
            Ok(Some(packet)) if ip::is_plausible(packet) => {
                return Some(ip::decode(packet, left));
            }
            Ok(_) | Err(_) => {}
        }
    }
    None
}

/// Peels one tunnel header and the link layers behind it.
fn follow<'a>(
    peel: Peel,
    frame: Frame<'a>,
    layers: &mut u8,
) -> Result<Option<Frame<'a>>, AnomalyKind> {
    *layers = layers.checked_sub(1).ok_or(AnomalyKind::NestedTooDeep)?;
    let (next, inner) = peel(frame)?;
    link::to_ip(next, inner, layers)
}

/// An IP packet as it is.
fn packet(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    Ok((Next::Ip, frame))
}

/// A stack of MPLS labels (RFC 4023, RFC 7510).
fn mpls(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    Ok((Next::EtherType(ETHER_TYPE_MPLS), frame))
}

/// Ethernet in IP (RFC 3378): a version, then an Ethernet header.
fn ether_ip(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let next = match frame.link_u8(0)? >> 4 {
        3 => Next::Ethernet,
        _ => Next::NotIp,
    };
    Ok((next, frame.link(2)?))
}

/// Generic routing encapsulation: version 0 (RFC 2784, RFC 2890; NVGRE is RFC 7637), version 1
/// (RFC 2637 section 4.1), and what Cisco puts into version 0.
fn gre(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGEMENT: u16 = 0x0080;
    const VERSION: u16 = 0x0007;
    let flags = frame.link_u16(0)?;
    let protocol = frame.link_u16(2)?;
    let mut length = 4_usize;
    for (flag, field) in [(CHECKSUM, 4), (KEY, 4), (SEQUENCE, 4)] {
        if flags & flag != 0 {
            length = length.saturating_add(field);
        }
    }
    match flags & VERSION {
        // Source routes are gone from GRE since RFC 2784, and where they end is in themselves.
        0 if flags & ROUTING != 0 => return Ok((Next::NotIp, frame)),
        0 => {}
        1 => {
            if flags & ACKNOWLEDGEMENT != 0 {
                length = length.saturating_add(4);
            }
            // An acknowledgement alone has no payload.
            if protocol != ETHER_TYPE_PPP || frame.wire() <= length {
                return Ok((Next::NotIp, frame));
            }
            return Ok((Next::Ppp, frame.link(length)?));
        }
        _ => return Ok((Next::NotIp, frame)),
    }
    let body = frame.link(length)?;
    match protocol {
        0x88be => erspan(body, flags & SEQUENCE != 0),
        0x22eb => erspan_version_3(body),
        // Web cache redirection; its second version has a header of four bytes before IP.
        0x883e => match body.link_u8(0)? >> 4 {
            4 => Ok((Next::Ip, body)),
            _ => Ok((Next::Ip, body.link(4)?)),
        },
        // Aruba access points: an 802.11 frame, the number telling its queue.
        0x8200..=0x83ff => Ok((Next::LinkType(IEEE802_11), body)),
        other => Ok((Next::EtherType(other), body)),
    }
}

/// ERSPAN I, which has no header, or II, which has one and a GRE sequence number.
fn erspan(frame: Frame<'_>, has_sequence: bool) -> Result<(Next, Frame<'_>), AnomalyKind> {
    match has_sequence {
        true => Ok((Next::Ethernet, frame.link(8)?)),
        false => Ok((Next::Ethernet, frame)),
    }
}

/// ERSPAN III: a header, and a second one where a flag says so.
fn erspan_version_3(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const IP: u8 = 2;
    let last = frame.link_u8(11)?;
    let kind = frame.link_u8(10)? >> 2 & 0x1f;
    let length = if last & 1 == 1 { 20 } else { 12 };
    let next = match kind {
        0 => Next::Ethernet,
        IP => Next::Ip,
        _ => Next::NotIp,
    };
    Ok((next, frame.link(length)?))
}

/// Layer 2 tunnelling protocol, version 2, data messages (RFC 2661 section 3.1).
fn l2tp(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const CONTROL: u16 = 0x8000;
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    let flags = frame.link_u16(0)?;
    if flags & CONTROL != 0 || flags & 0x000f != 2 {
        return Ok((Next::NotIp, frame));
    }
    let mut length = 6_usize;
    for (flag, field) in [(LENGTH, 2), (SEQUENCE, 4)] {
        if flags & flag != 0 {
            length = length.saturating_add(field);
        }
    }
    if flags & OFFSET != 0 {
        let padding = usize::from(frame.link_u16(length)?);
        length = length.saturating_add(2).saturating_add(padding);
    }
    Ok((Next::Ppp, frame.link(length)?))
}

/// GTP version 1, user plane (3GPP TS 29.281 section 5).
fn gtp_user(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const USER_PACKET: u8 = 255;
    const OPTIONAL_FIELDS: u8 = 0x07;
    const EXTENSION: u8 = 0x04;
    let flags = frame.link_u8(0)?;
    let length = usize::from(frame.link_u16(2)?);
    if flags & 0xf0 != 0x30 || frame.link_u8(1)? != USER_PACKET {
        return Ok((Next::NotIp, frame));
    }
    let body = frame.link(8)?;
    if length > body.wire() {
        return Err(AnomalyKind::LinkHeaderInvalid);
    }
    let mut body = body.trim(length);
    if flags & OPTIONAL_FIELDS != 0 {
        let mut extension = body.link_u8(3)?;
        body = body.link(4)?;
        while flags & EXTENSION != 0 && extension != 0 {
            let length = usize::from(body.link_u8(0)?).saturating_mul(4);
            let last = length.checked_sub(1).ok_or(AnomalyKind::LinkHeaderInvalid)?;
            extension = body.link_u8(last)?;
            body = body.link(length)?;
        }
    }
    Ok((Next::Ip, body))
}

/// Teredo (RFC 4380 section 5.1.1): authentication and origin indications, then IPv6 that fills
/// the datagram.
fn teredo(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let mut body = frame;
    if let Some([0, 1, identifier, authentication]) = body.array(0) {
        let lengths = usize::from(identifier).saturating_add(usize::from(authentication));
        body = body.link(lengths.saturating_add(13))?;
    }
    if let Some([0, 0]) = body.array(0) {
        body = body.link(8)?;
    }
    let is_filled =
        body.u16(4).is_some_and(|length| usize::from(length).saturating_add(40) == body.wire());
    match body.link_u8(0)? >> 4 {
        6 if is_filled => Ok((Next::Ip, body)),
        _ => Ok((Next::NotIp, body)),
    }
}

/// AYIYA (draft-massar-v6ops-ayiya): a header, the sender's identity, a signature, then what the
/// IP protocol number says.
fn ayiya(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const FORWARD: u8 = 1;
    let [identity, signature, operation, protocol] = frame.link_array(0)?;
    // The length of the identity is an exponent; the longest is that of an IPv6 address or a name.
    let identity = 1_usize << (identity >> 4);
    let signature = usize::from(signature >> 4).saturating_mul(4);
    let next = match (operation & 0x0f, protocol) {
        (FORWARD, 4 | 41) => Next::Ip,
        _ => return Ok((Next::NotIp, frame)),
    };
    Ok((next, frame.link(identity.saturating_add(signature).saturating_add(8))?))
}

/// CAPWAP data of access points (RFC 5415 section 4.3): a header whose length it states, then a
/// frame of the radio or of Ethernet. Encrypted and fragmented ones are not followed.
fn capwap(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const FRAGMENT: u8 = 0x80;
    const BINDING_802_11: u8 = 1;
    let [preamble, first, second, third] = frame.link_array(0)?;
    let is_native = second & 1 == 1;
    let next = match (preamble, third & FRAGMENT, is_native, second >> 1 & 0x1f) {
        (0, 0, false, _) => Next::Ethernet,
        (0, 0, true, BINDING_802_11) => Next::LinkType(IEEE802_11),
        _ => return Ok((Next::NotIp, frame)),
    };
    Ok((next, frame.link(usize::from(first >> 3).saturating_mul(4))?))
}

/// VXLAN (RFC 7348 section 5): a flag that the network identifier is there, then Ethernet.
fn vxlan(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let [flags, _, _, _, _, _, _, reserved] = frame.link_array(0)?;
    let next = if flags & 0x08 != 0 && reserved == 0 { Next::Ethernet } else { Next::NotIp };
    Ok((next, frame.link(8)?))
}

/// LISP data (RFC 9300 section 5.1): eight bytes, then IP.
fn lisp(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    packet_by_version(frame.link(8)?)
}

/// An IP packet, if its version says so.
fn packet_by_version(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let next = if matches!(frame.link_u8(0)? >> 4, 4 | 6) { Next::Ip } else { Next::NotIp };
    Ok((next, frame))
}

/// Generic UDP encapsulation (draft-ietf-intarea-gue): a header whose length it states and the number of
/// the IP protocol behind it; in its variant 1 an IP packet and no header.
fn generic_udp(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const CONTROL: u8 = 0x20;
    let first = frame.link_u8(0)?;
    match first >> 6 {
        0 if first & CONTROL == 0 => {}
        1 => return packet_by_version(frame),
        _ => return Ok((Next::NotIp, frame)),
    }
    let protocol = frame.link_u8(1)?;
    let body = frame.link(usize::from(first & 0x1f).saturating_mul(4).saturating_add(4))?;
    match protocol {
        4 | 41 => Ok((Next::Ip, body)),
        47 => gre(body),
        97 => ether_ip(body),
        _ => Ok((Next::NotIp, body)),
    }
}

/// TZSP, in which MikroTik and Aruba send what they capture: version, kind, encapsulation, then tagged
/// fields up to an end tag.
fn tazmen(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const PADDING: u8 = 0;
    const END: u8 = 1;
    const MAX_TAGS: usize = 64;
    let [version, kind, high, low] = frame.link_array(0)?;
    if version != 1 || kind > 1 {
        return Ok((Next::NotIp, frame));
    }
    let mut at = 4_usize;
    for _ in 0..MAX_TAGS {
        match frame.link_u8(at)? {
            END => {
                let body = frame.link(at.saturating_add(1))?;
                return Ok(match u16::from_be_bytes([high, low]) {
                    1 => (Next::Ethernet, body),
                    18 => (Next::LinkType(IEEE802_11), body),
                    _ => (Next::NotIp, body),
                });
            }
            PADDING => at = at.saturating_add(1),
            _ => {
                let length = usize::from(frame.link_u8(at.saturating_add(1))?);
                at = at.saturating_add(length).saturating_add(2);
            }
        }
    }
    Ok((Next::NotIp, frame))
}

/// VXLAN with the protocol extension (draft-ietf-nvo3-vxlan-gpe): a flag says that the fourth
/// byte is the next protocol.
fn vxlan_generic(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let [flags, _, _, protocol, _, _, _, _] = frame.link_array(0)?;
    let next = match (flags & 0x0c, protocol) {
        (0x0c, 1 | 2) => Next::Ip,
        (0x0c, 3) | (0x08, _) => Next::Ethernet,
        (0x0c, 4) => Next::EtherType(0x894f),
        _ => Next::NotIp,
    };
    Ok((next, frame.link(8)?))
}

/// GENEVE (RFC 8926 section 3.4): a version, the length of options in words, an EtherType.
fn geneve(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let first = frame.link_u8(0)?;
    let protocol = frame.link_u16(2)?;
    if first >> 6 != 0 {
        return Ok((Next::NotIp, frame));
    }
    let options = usize::from(first & 0x3f).saturating_mul(4);
    Ok((Next::EtherType(protocol), frame.link(options.saturating_add(8))?))
}
