//! IP and transport headers out of bytes. The only file that knows etherparse.
//!
//! Single header slices are read rather than etherparse's whole-packet lax parsers: those cost
//! several times as much for each packet, and refuse a TCP header whose options were cut.

use etherparse::err::{ip_auth, ipv4, tcp};
use etherparse::{
    IpAuthHeaderSlice, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice, TcpHeaderSlice, UdpHeaderSlice,
};

use super::{TcpFlags, Transport};
use crate::observe::{Address, AnomalyKind};

/// The IP protocol number of TCP.
pub(super) const TCP: u8 = 6;
/// The IP protocol number of UDP.
pub(super) const UDP: u8 = 17;
/// The IP protocol number of ICMP.
pub(super) const ICMP: u8 = 1;
/// The IP protocol number of ICMPv6.
pub(super) const ICMPV6: u8 = 58;
/// The IP protocol number of the IPv6 fragment header.
pub(super) const FRAGMENT: u8 = 44;
/// The IP protocol number of the authentication header.
pub(super) const AUTHENTICATION: u8 = 51;
/// The IPv6 hop-by-hop options, which a jumbogram's length is in (RFC 2675).
pub(super) const HOP_BY_HOP: u8 = 0;

/// The length of a TCP header without options.
const TCP_FIXED: usize = 20;

/// What IPv4 and IPv6 headers have in common.
#[derive(Clone, Copy)]
pub(super) struct Ip {
    pub(super) source: Address,
    pub(super) destination: Address,
    pub(super) protocol: u8,
    pub(super) hops: u8,
    pub(super) identification: u16,
    pub(super) header_length: usize,
    /// The IPv4 total length or the IPv6 payload length.
    pub(super) stated_length: usize,
}

/// Where a fragment belongs.
#[derive(Clone, Copy)]
pub(super) struct Part {
    pub(super) identification: u32,
    pub(super) offset: u16,
    pub(super) more: bool,
}

impl Part {
    /// Whether this is a whole packet after all (RFC 6946 for IPv6).
    #[inline]
    pub(super) fn is_whole(self) -> bool {
        self.offset == 0 && !self.more
    }
}

/// An IPv4 header with its options (RFC 791 section 3.1).
#[inline]
pub(super) fn ipv4(bytes: &[u8]) -> Result<(Ip, Part), AnomalyKind> {
    let header = Ipv4HeaderSlice::from_slice(bytes).map_err(|error| match error {
        ipv4::HeaderSliceError::Len(_) => AnomalyKind::IpHeaderCut,
        ipv4::HeaderSliceError::Content(_) => AnomalyKind::IpHeaderInvalid,
    })?;
    let ip = Ip {
        source: Address::from_v4(header.source()),
        destination: Address::from_v4(header.destination()),
        protocol: header.protocol().0,
        hops: header.ttl(),
        identification: header.identification(),
        header_length: header.slice().len(),
        stated_length: usize::from(header.total_len()),
    };
    let part = Part {
        identification: u32::from(ip.identification),
        offset: header.fragments_offset().byte_offset(),
        more: header.more_fragments(),
    };
    Ok((ip, part))
}

/// An IPv6 header without extension headers (RFC 8200 section 3).
#[inline]
pub(super) fn ipv6(bytes: &[u8]) -> Result<Ip, AnomalyKind> {
    use etherparse::err::ipv6::HeaderSliceError;
    let header = Ipv6HeaderSlice::from_slice(bytes).map_err(|error| match error {
        HeaderSliceError::Len(_) => AnomalyKind::IpHeaderCut,
        HeaderSliceError::Content(_) => AnomalyKind::IpHeaderInvalid,
    })?;
    Ok(Ip {
        source: Address::from_v6(header.source()),
        destination: Address::from_v6(header.destination()),
        protocol: header.next_header().0,
        hops: header.hop_limit(),
        identification: 0,
        header_length: header.slice().len(),
        stated_length: usize::from(header.payload_length()),
    })
}

/// Whether an extension header with its own length follows: hop-by-hop options, routing,
/// destination options, mobility, host identity, shim6 (RFC 8200 section 4).
#[inline]
pub(super) fn is_extension(protocol: u8) -> bool {
    matches!(protocol, HOP_BY_HOP | 43 | 60 | 135 | 139 | 140)
}

/// The next protocol after an extension header, and the header's length.
pub(super) fn extension(bytes: &[u8]) -> Result<(u8, usize), AnomalyKind> {
    let header = Ipv6RawExtHeaderSlice::from_slice(bytes).map_err(|_| AnomalyKind::IpHeaderCut)?;
    Ok((header.next_header().0, header.slice().len()))
}

/// The next protocol after an authentication header, and the header's length (RFC 4302
/// section 2).
pub(super) fn authentication(bytes: &[u8]) -> Result<(u8, usize), AnomalyKind> {
    let header = IpAuthHeaderSlice::from_slice(bytes).map_err(|error| match error {
        ip_auth::HeaderSliceError::Len(_) => AnomalyKind::IpHeaderCut,
        ip_auth::HeaderSliceError::Content(_) => AnomalyKind::IpHeaderInvalid,
    })?;
    Ok((header.next_header().0, header.slice().len()))
}

/// The next protocol after an IPv6 fragment header, what the header says, and its length.
pub(super) fn fragment(bytes: &[u8]) -> Result<(u8, Part, usize), AnomalyKind> {
    let header =
        Ipv6FragmentHeaderSlice::from_slice(bytes).map_err(|_| AnomalyKind::IpHeaderCut)?;
    let part = Part {
        identification: header.identification(),
        offset: header.fragment_offset().byte_offset(),
        more: header.more_fragments(),
    };
    Ok((header.next_header().0, part, header.slice().len()))
}

/// The fields of a TCP or UDP header.
pub(super) struct Ports {
    pub(super) source: u16,
    pub(super) destination: u16,
    pub(super) transport: Transport,
    /// For TCP with options that were cut, more than the bytes hold.
    pub(super) header_length: usize,
    /// The UDP length with its header, 0 for TCP and where UDP leaves it to IP.
    pub(super) stated_length: usize,
}

/// A TCP header (RFC 9293 section 3.1). Its options may be cut.
#[inline]
pub(super) fn tcp(bytes: &[u8]) -> Result<Ports, AnomalyKind> {
    match TcpHeaderSlice::from_slice(bytes) {
        Ok(header) => Ok(tcp_fields(&header, header.slice().len())),
        Err(tcp::HeaderSliceError::Content(_)) => Err(AnomalyKind::TransportHeaderInvalid),
        Err(tcp::HeaderSliceError::Len(_)) => tcp_without_options(bytes),
    }
}

/// The fixed part of a TCP header whose options were cut: read as if it had none.
#[cold]
fn tcp_without_options(bytes: &[u8]) -> Result<Ports, AnomalyKind> {
    let mut fixed: [u8; TCP_FIXED] = *bytes.first_chunk().ok_or(AnomalyKind::TransportHeaderCut)?;
    let offset_byte = fixed.get_mut(12).ok_or(AnomalyKind::TransportHeaderCut)?;
    let stated_length = usize::from(*offset_byte >> 4).saturating_mul(4);
    *offset_byte = 0x50 | *offset_byte & 0x0f;
    let header =
        TcpHeaderSlice::from_slice(&fixed).map_err(|_| AnomalyKind::TransportHeaderInvalid)?;
    Ok(tcp_fields(&header, stated_length))
}

#[inline]
fn tcp_fields(header: &TcpHeaderSlice<'_>, header_length: usize) -> Ports {
    Ports {
        source: header.source_port(),
        destination: header.destination_port(),
        transport: Transport::Tcp {
            sequence: header.sequence_number(),
            acknowledgement: header.acknowledgment_number(),
            flags: TcpFlags::from_bits(header.slice().get(13).copied().unwrap_or_default()),
            window: header.window_size(),
        },
        header_length,
        stated_length: 0,
    }
}

/// A UDP header (RFC 768).
#[inline]
pub(super) fn udp(bytes: &[u8]) -> Result<Ports, AnomalyKind> {
    let header = UdpHeaderSlice::from_slice(bytes).map_err(|_| AnomalyKind::TransportHeaderCut)?;
    let header_length = header.slice().len();
    let stated_length = usize::from(header.length());
    if stated_length != 0 && stated_length < header_length {
        return Err(AnomalyKind::TransportHeaderInvalid);
    }
    Ok(Ports {
        source: header.source_port(),
        destination: header.destination_port(),
        transport: Transport::Udp { hardware: 0 },
        header_length,
        stated_length,
    })
}
