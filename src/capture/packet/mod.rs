//! From the bytes of one packet to addresses, ports, TCP fields and the payload's range.
//!
//! [`decode`] runs for every packet of a capture: it allocates nothing and copies nothing but
//! header fields. Ethernet with up to two VLAN tags and IP takes a short way; everything else
//! goes through the tables of [`link`] and of `tunnel`. Where packets are in
//! packets, the innermost addresses make the flow.
//!
//! Packets that the capture cut short, offloaded packets without an IP length and padded
//! Ethernet frames are ordinary here.

mod headers;
mod icmp;
mod ip;
mod transport;
mod tunnel;

use super::link::{self, ETHER_TYPE_IPV4, ETHER_TYPE_IPV6, ETHERNET, Frame, MAX_LAYERS, Next};
use crate::observe::{Address, AnomalyKind, SocketAddress};

/// What one packet is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decoded {
    /// TCP or UDP with both ports.
    Segment(Segment),
    /// An ICMP or ICMPv6 error with the packet that it quotes.
    IcmpError(IcmpError),
    /// A part of an IP packet.
    Fragment(Fragment),
    /// Any other IP packet, tunnels that lead to no IP packet among them.
    OtherIp {
        /// The IP protocol number, after IPv6 extension headers.
        protocol: u8,
        /// The sender.
        source: Address,
        /// The receiver.
        destination: Address,
    },
    /// No IP packet: ARP, LLDP, spanning tree and the like.
    NotIp,
}

/// A TCP segment or a UDP datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The sender.
    pub source: SocketAddress,
    /// The receiver.
    pub destination: SocketAddress,
    /// Which transport, and its fields.
    pub transport: Transport,
    /// The IPv4 time to live or the IPv6 hop limit.
    pub hops: u8,
    /// The IPv4 identification, 0 for IPv6.
    pub identification: u16,
    /// Where the payload starts in the packet's bytes.
    pub payload_start: u32,
    /// How many bytes of payload were captured.
    pub payload_captured: u32,
    /// How many bytes of payload there were on the wire, by the IP (and UDP) length. More than
    /// `payload_captured` where the packet was cut. For the first fragment of a packet, the bytes
    /// in this fragment.
    pub payload_length: u32,
}

/// A transport protocol and its fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// TCP (RFC 9293 section 3.1).
    Tcp {
        /// Sequence number.
        sequence: u32,
        /// Acknowledgement number; means something only with [`TcpFlags::ack`].
        acknowledgement: u32,
        /// Control bits.
        flags: TcpFlags,
        /// Window, not scaled.
        window: u16,
    },
    /// UDP (RFC 768).
    Udp {
        /// The hardware address of who sent the frame, 0 where it is not known or where tunnels lie
        /// between the frame and the datagram.
        hardware: u64,
    },
}

/// The control bits of a TCP segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TcpFlags(u8);

impl TcpFlags {
    /// The bits as in the fourteenth byte of the header.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The bits as in the fourteenth byte of the header.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The sender has no more data.
    #[inline]
    #[must_use]
    pub const fn fin(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// The sender opens the connection.
    #[inline]
    #[must_use]
    pub const fn syn(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// The sender refuses or aborts the connection.
    #[inline]
    #[must_use]
    pub const fn rst(self) -> bool {
        self.0 & 0x04 != 0
    }

    /// The segment opens, closes or resets: SYN, FIN or RST is set.
    #[inline]
    #[must_use]
    pub const fn changes_state(self) -> bool {
        self.0 & 0x07 != 0
    }

    /// The receiver shall hand on what it has.
    #[inline]
    #[must_use]
    pub const fn psh(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// The acknowledgement number is valid.
    #[inline]
    #[must_use]
    pub const fn ack(self) -> bool {
        self.0 & 0x10 != 0
    }
}

impl std::fmt::Debug for TcpFlags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
        let set = names.iter().enumerate().filter(|(bit, _)| self.0 >> bit & 1 == 1);
        f.write_str("TcpFlags(")?;
        for (place, (_, name)) in set.enumerate() {
            f.write_str(if place == 0 { "" } else { "|" })?;
            f.write_str(name)?;
        }
        f.write_str(")")
    }
}

/// An ICMP message that quotes a packet: types 3, 4, 5, 11 and 12 of ICMP (RFC 792), 1 to 4 of
/// ICMPv6 (RFC 4443). Type 5 is a redirect, after which the packet is forwarded all the same, and
/// type 4 a source quench: neither says that anything was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IcmpError {
    /// Whether this is ICMPv6.
    pub v6: bool,
    /// The ICMP type.
    pub kind: u8,
    /// The ICMP code.
    pub code: u8,
    /// Who sent the error: a router or the destination.
    pub from: Address,
    /// Who gets the error: the sender of the quoted packet.
    pub to: Address,
    /// The IPv4 time to live or the IPv6 hop limit of the error.
    pub hops: u8,
    /// The largest packet that passes, where the error is that one was too big.
    pub mtu: Option<u32>,
    /// The sender of the quoted packet; the port is 0 where the quote has none.
    pub quoted_source: SocketAddress,
    /// The receiver of the quoted packet; the port is 0 where the quote has none.
    pub quoted_destination: SocketAddress,
    /// The IP protocol number of the quoted packet.
    pub quoted_protocol: u8,
    /// The sequence number of the quoted TCP segment.
    pub quoted_sequence: Option<u32>,
}

/// A part of an IP packet (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fragment {
    /// The sender.
    pub source: Address,
    /// The receiver.
    pub destination: Address,
    /// The IP protocol number of what is fragmented.
    pub protocol: u8,
    /// The IPv4 time to live or the IPv6 hop limit.
    pub hops: u8,
    /// What the fragments of one packet have in common.
    pub identification: u32,
    /// Where the payload belongs in the packet's payload, in bytes.
    pub offset: u16,
    /// Whether this is not the last fragment.
    pub more: bool,
    /// Where the payload starts in the packet's bytes.
    pub payload_start: u32,
    /// How many bytes of payload were captured.
    pub payload_captured: u32,
    /// How many bytes of payload there were on the wire.
    pub payload_length: u32,
    /// The segment that begins here, where this is the first fragment and holds a whole TCP or
    /// UDP header.
    pub first: Option<Segment>,
}

/// Decodes one packet of a link type; `original` is its length on the wire, of which `bytes` may
/// be only the beginning.
///
/// # Errors
///
/// What keeps the packet from being understood, by the innermost layer that was reached.
#[inline]
pub fn decode(link_type: u16, bytes: &[u8], original: u32) -> Result<Decoded, AnomalyKind> {
    let frame = Frame::new(bytes, original);
    if link_type == ETHERNET {
        let mut at = 12;
        while at < 20 && frame.u16(at).is_some_and(link::is_vlan_tag) {
            at += 4;
        }
        if let Some(ETHER_TYPE_IPV4 | ETHER_TYPE_IPV6) = frame.u16(at)
            && let Some(body) = frame.skip(at + 2)
        {
            return ip::decode(body, MAX_LAYERS);
        }
    }
    decode_layers(link_type, frame)
}

/// [`decode`] by the tables.
fn decode_layers(link_type: u16, frame: Frame<'_>) -> Result<Decoded, AnomalyKind> {
    let mut layers = MAX_LAYERS;
    match link::to_ip(Next::LinkType(link_type), frame, &mut layers)? {
        Some(packet) => ip::decode(packet, layers),
        None => Ok(Decoded::NotIp),
    }
}

/// Decodes the payload of a packet that was put together from fragments, `wire` bytes long; all
/// ranges are counted in `payload`. `first` is the fragment of offset 0.
///
/// # Errors
///
/// Those of [`decode`].
pub fn decode_reassembled(
    first: &Fragment,
    payload: &[u8],
    wire: usize,
) -> Result<Decoded, AnomalyKind> {
    let wire = u32::try_from(wire).unwrap_or(u32::MAX);
    ip::decode_reassembled(first, Frame::new(payload, wire))
}

/// Decodes `bytes[2..]` as a packet of the link type that the first two bytes name, and checks
/// what holds for every packet.
#[doc(hidden)]
pub fn fuzz_packet(bytes: &[u8]) {
    let Some((link_type, packet)) = bytes.split_first_chunk() else { return };
    let captured = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    let link_type = u16::from_be_bytes(*link_type);
    for original in [captured, captured.saturating_add(1000), 0] {
        if let Ok(decoded) = decode(link_type, packet, original) {
            assert!(is_within(&decoded, captured), "{decoded:?}");
        }
    }
}

/// Whether every range lies in the `captured` bytes of the packet.
fn is_within(decoded: &Decoded, captured: u32) -> bool {
    let holds = |start: u32, part: u32, whole: u32| {
        part <= whole && start.checked_add(part).is_some_and(|end| end <= captured)
    };
    let segment_holds = |s: &Segment| holds(s.payload_start, s.payload_captured, s.payload_length);
    match decoded {
        Decoded::Segment(segment) => segment_holds(segment),
        Decoded::Fragment(part) => {
            holds(part.payload_start, part.payload_captured, part.payload_length)
                && part.first.as_ref().is_none_or(segment_holds)
        }
        Decoded::IcmpError(_) | Decoded::OtherIp { .. } | Decoded::NotIp => true,
    }
}

#[cfg(test)]
pub(crate) mod build;
#[cfg(test)]
mod tests;
