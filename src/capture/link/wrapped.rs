//! Headers that an operating system puts in the place of the link layer's, or before it.

use super::{ETHER_TYPE_IPV4, Frame, Next};
use crate::observe::AnomalyKind;

/// ARPHRD_NETLINK: what follows is netlink, whatever the protocol says.
const HARDWARE_NETLINK: u16 = 824;

/// ARPHRD_IEEE80211_RADIOTAP.
const HARDWARE_RADIOTAP: u16 = 803;

/// Linux cooked capture.
pub(super) fn linux_cooked(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let next = cooked_protocol(frame.link_u16(2)?, frame.link_u16(14)?);
    Ok((next, frame.link(16)?))
}

/// Linux cooked capture, version 2.
pub(super) fn linux_cooked_v2(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let next = cooked_protocol(frame.link_u16(8)?, frame.link_u16(0)?);
    Ok((next, frame.link(20)?))
}

/// Linux netfilter log: attributes in the byte order of the host that captured, one of them
/// the packet from its IP header on.
pub(super) fn nflog(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const IPV4: u8 = 2;
    const IPV6: u8 = 10;
    const PAYLOAD: u16 = 9;
    let [family, version, _, _] = frame.link_array(0)?;
    if version != 0 {
        return Err(AnomalyKind::LinkHeaderInvalid);
    }
    let mut frame = frame.link(4)?;
    loop {
        if frame.wire() == 0 {
            return Ok((Next::NotIp, frame));
        }
        let [a, b, c, d] = frame.link_array(0)?;
        // Attribute types are below 256, so the order shows.
        let (length, kind) = if d == 0 {
            (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]))
        } else {
            (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
        };
        let length = usize::from(length);
        if length < 4 {
            return Err(AnomalyKind::LinkHeaderInvalid);
        }
        if kind == PAYLOAD {
            let next = if matches!(family, IPV4 | IPV6) { Next::Ip } else { Next::NotIp };
            return Ok((next, frame.trim(length).link(4)?));
        }
        frame = frame.link(length.next_multiple_of(4))?;
    }
}

/// Apple's packet tap: its length and the link type after it, in little-endian order.
pub(super) fn pktap(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let length = u32::from_le_bytes(frame.link_array(0)?) as usize;
    let kind = u32::from_le_bytes(frame.link_array(4)?);
    let number = u32::from_le_bytes(frame.link_array(8)?);
    if length < 12 {
        return Err(AnomalyKind::LinkHeaderInvalid);
    }
    let body = frame.link(length)?;
    if kind == 0 {
        return Ok((Next::NotIp, body));
    }
    let number = u16::try_from(number).map_err(|_| AnomalyKind::UnknownLinkType)?;
    Ok((Next::LinkType(number), body))
}

/// PKTAP, where the header is one: that number is for everybody's own use.
pub(super) fn user2(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const PACKET: u32 = 1;
    let length = u32::from_le_bytes(frame.link_array(0)?);
    let kind = u32::from_le_bytes(frame.link_array(4)?);
    let number = u32::from_le_bytes(frame.link_array(8)?);
    // Every version of the header has at least the fields up to the name of the process.
    if !(100..=512).contains(&length) || kind != PACKET || number > 300 {
        return Err(AnomalyKind::UnknownLinkType);
    }
    pktap(frame)
}

/// IP over InfiniBand: a global routing header, then an EtherType (RFC 4391 section 6).
pub(super) fn ip_over_infiniband(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let number = frame.link_u16(40)?;
    Ok((Next::EtherType(number), frame.link(44)?))
}

/// ARCnet as Linux captures it: addresses, offset, protocol, then the split header of RFC 1201,
/// which the older protocol of RFC 1051 lacks.
pub(super) fn arcnet_linux(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const IP: u8 = 212;
    const OLD_IP: u8 = 240;
    const EXCEPTION: u8 = 0xff;
    match frame.link_u8(4)? {
        OLD_IP => Ok((Next::Ip, frame.link(5)?)),
        IP => match frame.link_u8(5)? {
            EXCEPTION => Ok((Next::Ip, frame.link(12)?)),
            // A split packet's first part; the later ones have even flags.
            flag if flag == 0 || flag & 1 == 1 => Ok((Next::Ip, frame.link(8)?)),
            _ => Ok((Next::NotIp, frame)),
        },
        _ => Ok((Next::NotIp, frame)),
    }
}

/// What the hardware type and the protocol of a cooked header lead to.
fn cooked_protocol(hardware: u16, protocol: u16) -> Next {
    const LLC: u16 = 4;
    match (hardware, protocol) {
        (HARDWARE_NETLINK, _) => Next::NotIp,
        (HARDWARE_RADIOTAP, _) => Next::LinkType(127),
        (_, LLC) => Next::Llc,
        (_, ETHER_TYPE_IPV4..) => Next::EtherType(protocol),
        _ => Next::NotIp,
    }
}
