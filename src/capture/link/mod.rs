//! Link types: from the bytes of a packet to its IP header.
//!
//! A layer is peeled by a function that takes a `Frame` and says what follows in it, a
//! `Next`. Layers are declared in tables, one entry each: link types in [`LINK_TYPES`],
//! EtherTypes in `ether::ETHER_TYPES`. Nothing here knows IP beyond "it starts here".

mod ether;
mod frame;
mod point_to_point;
mod wireless;
mod wrapped;

pub(crate) use frame::Frame;

use super::packet::Segment;
use crate::observe::{AnomalyKind, OWN_HOST};

/// LINKTYPE_ETHERNET.
pub const ETHERNET: u16 = 1;

/// LINKTYPE_IEEE802_11.
pub(crate) const IEEE802_11: u16 = 105;

/// The EtherType of IPv4.
pub(crate) const ETHER_TYPE_IPV4: u16 = 0x0800;

/// The EtherType of IPv6.
pub(crate) const ETHER_TYPE_IPV6: u16 = 0x86dd;

/// The EtherType of MPLS, which IP (RFC 4023) and UDP (RFC 7510) carry as well.
pub(crate) const ETHER_TYPE_MPLS: u16 = 0x8847;

/// How many layers below, between and around IP headers are followed in one packet.
pub(crate) const MAX_LAYERS: u8 = 16;

/// What the bytes after a layer are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// An IP header of either version; its first nibble says which.
    Ip,
    /// What this EtherType says.
    EtherType(u16),
    /// An Ethernet header.
    Ethernet,
    /// An IEEE 802.2 logical link control header.
    Llc,
    /// A PPP protocol field, after or without address and control.
    Ppp,
    /// A packet of this link type.
    LinkType(u16),
    /// Nothing that leads to IP.
    NotIp,
}

/// Takes one layer off: what follows it, and where.
pub(crate) type Peel = for<'a> fn(Frame<'a>) -> Result<(Next, Frame<'a>), AnomalyKind>;

/// One link type that is understood.
pub struct LinkType {
    /// The LINKTYPE number in capture files.
    pub number: u16,
    /// The name, without `LINKTYPE_`.
    pub name: &'static str,
    peel: Peel,
}

/// A [`LinkType`], in one line of the table.
const fn link_type(number: u16, name: &'static str, peel: Peel) -> LinkType {
    LinkType { number, name, peel }
}

/// Every link type that is understood, by number. Numbers and names are those of
/// <https://www.tcpdump.org/linktypes.html>; 12 and 14 are the DLT numbers of raw IP, which some
/// writers put into files.
pub const LINK_TYPES: &[LinkType] = &[
    link_type(0, "NULL", point_to_point::loopback),
    link_type(1, "ETHERNET", ether::ethernet),
    link_type(6, "IEEE802_5", ether::token_ring),
    link_type(9, "PPP", point_to_point::ppp),
    link_type(10, "FDDI", ether::fddi),
    link_type(12, "RAW", raw),
    link_type(14, "RAW", raw),
    link_type(50, "PPP_HDLC", point_to_point::ppp_hdlc),
    link_type(51, "PPP_ETHER", ether::pppoe),
    link_type(100, "ATM_RFC1483", llc),
    link_type(101, "RAW", raw),
    link_type(104, "C_HDLC", point_to_point::cisco_hdlc),
    link_type(105, "IEEE802_11", wireless::ieee802_11),
    link_type(107, "FRELAY", point_to_point::frame_relay),
    link_type(108, "LOOP", point_to_point::loopback),
    link_type(109, "ENC", point_to_point::enc),
    link_type(113, "LINUX_SLL", wrapped::linux_cooked),
    link_type(119, "IEEE802_11_PRISM", wireless::prism),
    link_type(127, "IEEE802_11_RADIOTAP", wireless::radiotap),
    link_type(129, "ARCNET_LINUX", wrapped::arcnet_linux),
    // The second of the numbers for everybody's own use, by which older macOS marks PKTAP.
    link_type(149, "USER2", wrapped::user2),
    link_type(163, "IEEE802_11_AVS", wireless::avs),
    link_type(166, "PPP_PPPD", point_to_point::ppp_with_direction),
    link_type(192, "PPI", wireless::ppi),
    link_type(204, "PPP_WITH_DIR", point_to_point::ppp_with_direction),
    link_type(227, "CAN_SOCKETCAN", not_ip),
    link_type(228, "IPV4", raw),
    link_type(229, "IPV6", raw),
    link_type(239, "NFLOG", wrapped::nflog),
    link_type(242, "IPOIB", wrapped::ip_over_infiniband),
    link_type(253, "NETLINK", not_ip),
    link_type(258, "PKTAP", wrapped::pktap),
    link_type(276, "LINUX_SLL2", wrapped::linux_cooked_v2),
    link_type(281, "DSA_TAG_BRCM", ether::broadcom_tag),
    link_type(283, "DSA_TAG_DSA", ether::broadcom_tag),
    link_type(284, "DSA_TAG_EDSA", ether::ethernet),
];

/// The name of a link type that is understood, without `LINKTYPE_`.
#[must_use]
pub fn link_type_name(number: u16) -> Option<&'static str> {
    find(number).map(|known| known.name)
}

/// Whether a VLAN tag of IEEE 802.1Q or 802.1ad follows an EtherType.
#[inline]
pub(crate) const fn is_vlan_tag(ether_type: u16) -> bool {
    matches!(ether_type, 0x8100 | 0x88a8)
}

/// Peels layers off until an IP header starts: its frame, or `None` where none follows.
///
/// `layers` is how many more layers may be peeled.
///
/// # Errors
///
/// What is wrong with a layer, an unknown link type, or too many layers.
pub(crate) fn to_ip<'a>(
    mut next: Next,
    mut frame: Frame<'a>,
    layers: &mut u8,
) -> Result<Option<Frame<'a>>, AnomalyKind> {
    loop {
        let peel = match next {
            Next::Ip | Next::EtherType(ETHER_TYPE_IPV4 | ETHER_TYPE_IPV6) => {
                return Ok(Some(frame));
            }
            Next::NotIp => return Ok(None),
            Next::EtherType(number) => match ether::find(number) {
                Some(peel) => peel,
                None => return Ok(None),
            },
            Next::Ethernet => ether::ethernet,
            Next::Llc => ether::llc,
            Next::Ppp => point_to_point::ppp,
            Next::LinkType(number) => find(number).ok_or(AnomalyKind::UnknownLinkType)?.peel,
        };
        *layers = layers.checked_sub(1).ok_or(AnomalyKind::NestedTooDeep)?;
        (next, frame) = peel(frame)?;
    }
}

fn find(number: u16) -> Option<&'static LinkType> {
    LINK_TYPES.iter().find(|known| known.number == number)
}

/// Raw IP: no header at all.
fn raw(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    Ok((Next::Ip, frame))
}

/// Starts with the IEEE 802.2 header.
fn llc(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    Ok((Next::Llc, frame))
}

/// Link types that are known to carry no IP.
fn not_ip(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    Ok((Next::NotIp, frame))
}

/// What tells the host that sent a datagram: its hardware address, [`OWN_HOST`] where the frame of a
/// Linux cooked capture says that the capturing host sent it, by whatever interface, or 0 where the
/// frame does not tell. Only a datagram right behind the link header is the frame's own, and only one
/// whose hop limit was never lowered comes from the host itself and not from a router.
pub(super) fn sender(link_type: u16, frame: &[u8], segment: &Segment) -> u64 {
    /// Two VLAN tags and the options of an IP header may lie between.
    const SLACK: u32 = 8;
    const UNTOUCHED: [u8; 3] = [64, 128, 255];
    /// PACKET_OUTGOING, as LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2 write it.
    const OUTGOING: u8 = 4;
    let (length, address, direction) = match link_type {
        ETHERNET => (14, 6, None),
        113 => (16, 6, frame.get(1)),
        276 => (20, 12, frame.get(10)),
        _ => return 0,
    };
    let ip = if segment.source.address.is_v4() { 20 } else { 40 };
    let farthest = length + SLACK + ip + SLACK;
    if segment.payload_start > farthest || !UNTOUCHED.contains(&segment.hops) {
        return 0;
    }
    match frame.get(address..).and_then(|bytes| bytes.first_chunk::<6>()) {
        _ if direction == Some(&OUTGOING) => OWN_HOST,
        Some(&[a, b, c, d, e, f]) => u64::from_be_bytes([0, 0, a, b, c, d, e, f]),
        None => 0,
    }
}

#[cfg(test)]
mod tests;
