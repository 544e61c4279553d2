//! Ethernet and what EtherTypes lead to: VLAN tags, MPLS, PPPoE, IEEE 802.2.

use super::{ETHER_TYPE_MPLS, Frame, Next, Peel};
use crate::observe::AnomalyKind;

/// Numbers from here on are EtherTypes, below them lengths (IEEE 802.3 clause 3.2.6).
const FIRST_ETHER_TYPE: u16 = 0x0600;

/// The longest payload that an 802.3 length states.
const MAX_LENGTH: u16 = 1500;

/// The label of a generic associated channel, which carries no user data (RFC 5586).
const MPLS_LABEL_GAL: u32 = 13;

/// EtherTypes that lead on, IPv4 and IPv6 aside; every other one leads to no IP.
pub(super) const ETHER_TYPES: &[(u16, Peel)] = &[
    // IEEE 802.1Q and 802.1ad, and the numbers that came before 802.1ad.
    (0x8100, vlan),
    (0x88a8, vlan),
    (0x9100, vlan),
    (0x9200, vlan),
    (0x9300, vlan),
    (ETHER_TYPE_MPLS, mpls),
    (0x8848, mpls),
    (0x8864, pppoe),
    // Transparent Ethernet bridging: an Ethernet header in GRE or GENEVE.
    (0x6558, bridged),
    // Provider backbone bridges, IEEE 802.1ah: a service tag, then the customer's frame.
    (0x88e7, backbone),
    (0x8926, vn_tag),
    (0x894f, network_service_header),
    (0x8909, cisco_metadata),
    (0x8903, fabric_path),
    (0x892f, high_availability),
    (0x22f3, trill),
    (0x88e5, mac_security),
    (0xdada, distributed_switch),
    // PPP in enhanced GRE (RFC 2637).
    (0x880b, super::point_to_point::ppp),
];

/// How to peel what an EtherType leads to.
pub(super) fn find(number: u16) -> Option<Peel> {
    ETHER_TYPES.iter().find(|(known, _)| *known == number).map(|(_, peel)| *peel)
}

/// Ethernet: two addresses, then an EtherType or a length.
pub(super) fn ethernet(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let number = frame.link_u16(12)?;
    type_or_length(number, frame.link(14)?)
}

/// The Broadcom switch tag: four bytes between the addresses and the EtherType.
pub(super) fn broadcom_tag(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let number = frame.link_u16(16)?;
    type_or_length(number, frame.link(18)?)
}

/// Token Ring: access and frame control, two addresses, source routing where the source
/// address says so, then 802.2.
pub(super) fn token_ring(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let is_llc = frame.link_u8(1)? & 0xc0 == 0x40;
    let has_route = frame.link_u8(8)? & 0x80 != 0;
    let route = if has_route { usize::from(frame.link_u8(14)? & 0x1f) } else { 0 };
    let body = frame.link(14_usize.saturating_add(route))?;
    Ok((if is_llc { Next::Llc } else { Next::NotIp }, body))
}

/// FDDI: frame control and two addresses, then 802.2 in asynchronous LLC frames.
pub(super) fn fddi(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let is_llc = frame.link_u8(0)? & 0x70 == 0x50;
    Ok((if is_llc { Next::Llc } else { Next::NotIp }, frame.link(13)?))
}

/// IEEE 802.2, with the EtherType that SNAP carries (RFC 1042) or the SAP of IP.
pub(super) fn llc(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    match frame.array(0) {
        Some([0xaa, 0xaa, 0x03]) => {
            let organization: [u8; 3] = frame.link_array(3)?;
            let number = frame.link_u16(6)?;
            let next = match organization {
                [0, 0, 0] | [0, 0, 0xf8] => Next::EtherType(number),
                _ => Next::NotIp,
            };
            Ok((next, frame.link(8)?))
        }
        Some([0x06, 0x06, 0x03]) => Ok((Next::Ip, frame.link(3)?)),
        Some(_) => Ok((Next::NotIp, frame)),
        None if frame.wire() < 3 => Ok((Next::NotIp, frame)),
        None => Err(AnomalyKind::LinkHeaderCut),
    }
}

/// PPP over Ethernet, session stage (RFC 2516 section 4).
pub(super) fn pppoe(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let [version_and_type, code, _, _, high, low] = frame.link_array(0)?;
    if version_and_type != 0x11 {
        return Err(AnomalyKind::LinkHeaderInvalid);
    }
    let body = frame.link(6)?.limit(usize::from(u16::from_be_bytes([high, low])));
    Ok((if code == 0 { Next::Ppp } else { Next::NotIp }, body))
}

/// A number that is an EtherType, or the length of an 802.2 frame, what is beyond it padding.
fn type_or_length(number: u16, body: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    if number >= FIRST_ETHER_TYPE {
        Ok((Next::EtherType(number), body))
    } else if number <= MAX_LENGTH {
        Ok((Next::Llc, body.limit(usize::from(number))))
    } else {
        Err(AnomalyKind::LinkHeaderInvalid)
    }
}

/// One VLAN tag: priority and number, then an EtherType or a length.
fn vlan(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let number = frame.link_u16(2)?;
    type_or_length(number, frame.link(4)?)
}

/// An Ethernet header.
fn bridged(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    Ok((Next::Ethernet, frame))
}

/// The service tag of a provider backbone bridge.
fn backbone(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    Ok((Next::Ethernet, frame.link(4)?))
}

/// The tag of a virtual network interface (IEEE 802.1BR in its earlier form).
fn vn_tag(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let number = frame.link_u16(4)?;
    type_or_length(number, frame.link(6)?)
}

/// Cisco MetaData, which carries the security group tag of TrustSec: a version, how many words of options,
/// the options, an EtherType.
fn cisco_metadata(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let options = usize::from(frame.link_u8(1)?).saturating_mul(4);
    let number = frame.link_u16(options.saturating_add(2))?;
    type_or_length(number, frame.link(options.saturating_add(4))?)
}

/// Cisco FabricPath: a forwarding tag with a hop limit, then the frame that came into the fabric.
fn fabric_path(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    Ok((Next::Ethernet, frame.link(2)?))
}

/// The tag of high-availability seamless redundancy (IEC 62439-3 clause 5.7): path and size, a sequence
/// number, an EtherType.
fn high_availability(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let number = frame.link_u16(4)?;
    type_or_length(number, frame.link(6)?)
}

/// TRILL (RFC 6325 section 3): a header, options in words, the frame that came into the campus.
fn trill(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let first = frame.link_u16(0)?;
    if first >> 14 != 0 {
        return Ok((Next::NotIp, frame));
    }
    let options = usize::from(first >> 6 & 0x1f).saturating_mul(4);
    Ok((Next::Ethernet, frame.link(options.saturating_add(6))?))
}

/// A security tag (IEEE 802.1AE clause 9.3), where the frame is signed and not encrypted.
fn mac_security(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const CHANNEL: u8 = 0x20;
    const ENCRYPTED: u8 = 0x08;
    const CHANGED: u8 = 0x04;
    let control = frame.link_u8(0)?;
    if control & (ENCRYPTED | CHANGED) != 0 {
        return Ok((Next::NotIp, frame));
    }
    let length = if control & CHANNEL == 0 { 6 } else { 14 };
    let number = frame.link_u16(length)?;
    type_or_length(number, frame.link(length + 2)?)
}

/// The tag of Marvell's switches behind an EtherType of its own: two reserved bytes, four of the tag, an
/// EtherType. A longer tag says so by a bit.
fn distributed_switch(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const LONGER: u8 = 0x10;
    let length = if frame.link_u8(4)? & LONGER == 0 { 6 } else { 10 };
    let number = frame.link_u16(length)?;
    type_or_length(number, frame.link(length + 2)?)
}

/// A network service header (RFC 8300 section 2.2): its length in words of four bytes, and
/// the next protocol.
fn network_service_header(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let [first, second, _, protocol] = frame.link_array(0)?;
    let words = usize::from(second & 0x3f);
    if first >> 6 != 0 || words < 2 {
        return Err(AnomalyKind::LinkHeaderInvalid);
    }
    let next = match protocol {
        1 | 2 => Next::Ip,
        3 => Next::Ethernet,
        4 => Next::EtherType(0x894f),
        5 => Next::EtherType(ETHER_TYPE_MPLS),
        _ => Next::NotIp,
    };
    Ok((next, frame.link(words.saturating_mul(4))?))
}

/// A stack of MPLS labels (RFC 3032) and what the first nibble after it tells (RFC 4928):
/// IP, or an Ethernet pseudowire with (RFC 4385) or without a control word.
fn mpls(mut frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    for _ in 0..super::MAX_LAYERS {
        let entry = u32::from_be_bytes(frame.link_array(0)?);
        frame = frame.link(4)?;
        if entry & 0x100 == 0 {
            continue;
        }
        if entry >> 12 == MPLS_LABEL_GAL {
            return Ok((Next::NotIp, frame));
        }
        let is_bridged = is_ethernet(frame);
        return Ok(match frame.link_u8(0)? >> 4 {
            4 | 6 if !is_bridged => (Next::Ip, frame),
            0 if !is_bridged => (Next::Ethernet, frame.link(4)?),
            _ if is_bridged => (Next::Ethernet, frame),
            _ => (Next::NotIp, frame),
        });
    }
    Err(AnomalyKind::NestedTooDeep)
}

/// Whether an Ethernet header with a well-known EtherType, and for IP its version, starts here.
fn is_ethernet(frame: Frame<'_>) -> bool {
    let version = frame.u8(14).map(|byte| byte >> 4);
    match frame.u16(12) {
        Some(super::ETHER_TYPE_IPV4) => version == Some(4),
        Some(super::ETHER_TYPE_IPV6) => version == Some(6),
        Some(0x8100 | 0x88a8 | 0x0806) => true,
        _ => false,
    }
}
