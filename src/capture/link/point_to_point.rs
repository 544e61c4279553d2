//! Loopback, PPP, Cisco HDLC and Frame Relay.

use super::{ETHER_TYPE_IPV4, ETHER_TYPE_IPV6, ETHER_TYPE_MPLS, Frame, Next};
use crate::observe::AnomalyKind;

/// BSD loopback: an address family, in the byte order of the host that captured (NULL) or of
/// the network (LOOP). The families are small, so the order shows.
///
/// Some writers put an EtherType into the second half.
pub(super) fn loopback(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let family: [u8; 4] = frame.link_array(0)?;
    let next = match (address_family(family), family) {
        (Next::NotIp, [_, _, high, low]) => match u16::from_be_bytes([high, low]) {
            number @ (ETHER_TYPE_IPV4 | ETHER_TYPE_IPV6) => Next::EtherType(number),
            _ => Next::NotIp,
        },
        (next, _) => next,
    };
    Ok((next, frame.link(4)?))
}

/// OpenBSD enc(4): address family, security parameter index, flags.
pub(super) fn enc(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let family: [u8; 4] = frame.link_array(0)?;
    Ok((address_family(family), frame.link(12)?))
}

/// PPP, with or without address and control (RFC 1662 section 3.1), the protocol in one or two
/// bytes (RFC 1661 section 6.5).
pub(super) fn ppp(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let frame = match frame.link_array(0)? {
        [0xff, 0x03] => frame.link(2)?,
        _ => frame,
    };
    let first = frame.link_u8(0)?;
    let (protocol, body) = if first & 1 == 1 {
        (u16::from(first), frame.link(1)?)
    } else {
        (frame.link_u16(0)?, frame.link(2)?)
    };
    let next = match protocol {
        0x0021 | 0x0057 => Next::Ip,
        0x0281 | 0x0283 => Next::EtherType(ETHER_TYPE_MPLS),
        _ => Next::NotIp,
    };
    Ok((next, body))
}

/// PPP in HDLC-like framing, or Cisco HDLC where the first byte says so.
pub(super) fn ppp_hdlc(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    match frame.link_u8(0)? {
        0x0f | 0x8f => cisco_hdlc(frame),
        _ => ppp(frame),
    }
}

/// PPP after a byte that tells the direction. pppd writes the direction over the address, so
/// the control byte may follow alone.
pub(super) fn ppp_with_direction(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let frame = frame.link(1)?;
    match frame.link_u8(0)? {
        0x03 => ppp(frame.link(1)?),
        _ => ppp(frame),
    }
}

/// Cisco HDLC: address, control, EtherType.
pub(super) fn cisco_hdlc(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let number = frame.link_u16(2)?;
    let next = match number {
        // ISO network layer (IS-IS), after a byte of padding.
        0xfefe => Next::NotIp,
        _ => Next::EtherType(number),
    };
    Ok((next, frame.link(4)?))
}

/// Frame Relay: an address of two to four bytes, then a network layer protocol identifier
/// (RFC 2427) or, as Cisco does, an EtherType.
pub(super) fn frame_relay(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const LAST: u8 = 1;
    let mut address = 1_usize;
    while frame.link_u8(address)? & LAST == 0 {
        address = address.saturating_add(1);
        if address > 3 {
            return Err(AnomalyKind::LinkHeaderInvalid);
        }
    }
    let frame = frame.link(address.saturating_add(1))?;
    if frame.link_u8(0)? != 0x03 {
        let number = frame.link_u16(0)?;
        return Ok((Next::EtherType(number), frame.link(2)?));
    }
    let mut frame = frame.link(1)?;
    if frame.link_u8(0)? == 0 {
        frame = frame.link(1)?;
    }
    match frame.link_u8(0)? {
        0xcc | 0x8e => Ok((Next::Ip, frame.link(1)?)),
        0x80 => {
            let organization: [u8; 3] = frame.link_array(1)?;
            let number = frame.link_u16(4)?;
            let next = match organization {
                [0, 0, 0] => Next::EtherType(number),
                _ => Next::NotIp,
            };
            Ok((next, frame.link(6)?))
        }
        _ => Ok((Next::NotIp, frame)),
    }
}

/// The address families of IPv4 and IPv6 on the systems that write them, in either byte order.
fn address_family(bytes: [u8; 4]) -> Next {
    let family = match u32::from_be_bytes(bytes) {
        small @ 0..=0xffff => small,
        _ => u32::from_le_bytes(bytes),
    };
    match family {
        // AF_INET everywhere; AF_INET6 on Linux, NetBSD and OpenBSD, FreeBSD, macOS; and 23 on
        // Windows.
        2 | 10 | 23 | 24 | 28 | 30 => Next::Ip,
        0x0600.. => u16::try_from(family).map_or(Next::NotIp, Next::EtherType),
        _ => Next::NotIp,
    }
}
