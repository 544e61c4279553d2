//! IPv4 and IPv6, and what is in them.

use super::headers::{
    self, AUTHENTICATION, FRAGMENT, HOP_BY_HOP, ICMP, ICMPV6, Ip, Part, TCP, UDP,
};
use super::{Decoded, Fragment, icmp, transport, tunnel};
use crate::capture::link::{Frame, MAX_LAYERS};
use crate::observe::AnomalyKind;

/// How many extension headers are followed in one packet: many more than the seven of RFC 8200
/// section 4.1, so that stuffing a packet with them does not hide it.
const MAX_EXTENSIONS: usize = 128;

/// Decodes an IP packet; `layers` is how many more layers may be peeled inside it.
#[inline]
pub(super) fn decode(frame: Frame<'_>, layers: u8) -> Result<Decoded, AnomalyKind> {
    match frame.u8(0) {
        Some(first) if first >> 4 == 4 => v4(frame, layers),
        Some(first) if first >> 4 == 6 => v6(frame, layers),
        Some(_) => Err(AnomalyKind::IpHeaderInvalid),
        None => Err(AnomalyKind::IpHeaderCut),
    }
}

/// Decodes the payload that the fragments of a packet make.
pub(super) fn decode_reassembled(
    first: &Fragment,
    body: Frame<'_>,
) -> Result<Decoded, AnomalyKind> {
    let mut ip = Ip {
        source: first.source,
        destination: first.destination,
        protocol: first.protocol,
        hops: first.hops,
        // In IPv4 the identification is that of the fragments; IPv6 segments have none.
        identification: match first.source.is_v4() {
            true => u16::try_from(first.identification).unwrap_or_default(),
            false => 0,
        },
        header_length: 0,
        stated_length: 0,
    };
    match extensions(&mut ip, body)? {
        (body, None) => upper(ip, body, MAX_LAYERS),
        (body, Some(part)) => Ok(Decoded::Fragment(fragment(&ip, part, body))),
    }
}

/// Whether an IP header starts here whose lengths fit into `frame`.
pub(super) fn is_plausible(frame: Frame<'_>) -> bool {
    match frame.u8(0).map(|first| first >> 4) {
        Some(4) => headers::ipv4(frame.bytes())
            .is_ok_and(|(ip, _)| (ip.header_length..=frame.wire()).contains(&ip.stated_length)),
        Some(6) => headers::ipv6(frame.bytes())
            .is_ok_and(|ip| ip.header_length.saturating_add(ip.stated_length) <= frame.wire()),
        _ => false,
    }
}

/// Follows extension headers from `ip.protocol` on and leaves the protocol after them there:
/// what is behind them, and the last fragment header that makes this a part of a packet.
pub(super) fn extensions<'a>(
    ip: &mut Ip,
    mut body: Frame<'a>,
) -> Result<(Frame<'a>, Option<Part>), AnomalyKind> {
    for _ in 0..MAX_EXTENSIONS {
        let (protocol, length) = match ip.protocol {
            FRAGMENT => {
                let (protocol, part, length) = headers::fragment(body.bytes())
                    .map_err(|error| without_room(body, 8, error))?;
                ip.protocol = protocol;
                body = body.skip(length).ok_or(AnomalyKind::IpHeaderCut)?;
                if part.is_whole() {
                    continue;
                }
                return Ok((body, Some(part)));
            }
            AUTHENTICATION => headers::authentication(body.bytes()),
            other if headers::is_extension(other) => headers::extension(body.bytes()),
            _ => return Ok((body, None)),
        }
        .map_err(|error| without_room(body, 8, error))?;
        ip.protocol = protocol;
        body = body.skip(length).ok_or(AnomalyKind::IpHeaderCut)?;
    }
    Err(AnomalyKind::IpHeaderInvalid)
}

#[inline]
fn v4(frame: Frame<'_>, layers: u8) -> Result<Decoded, AnomalyKind> {
    let (ip, part) = headers::ipv4(frame.bytes())?;
    let packet = match ip.stated_length {
        // Segmentation offload leaves the length to the network card.
        0 => frame,
        total if total < ip.header_length => return Err(AnomalyKind::IpHeaderInvalid),
        total => frame.trim(total),
    };
    let body = packet.skip(ip.header_length).ok_or(AnomalyKind::IpHeaderCut)?;
    if part.is_whole() {
        upper(ip, body, layers)
    } else {
        Ok(Decoded::Fragment(fragment(&ip, part, body)))
    }
}

fn v6(frame: Frame<'_>, layers: u8) -> Result<Decoded, AnomalyKind> {
    let mut ip = headers::ipv6(frame.bytes())?;
    let body = frame.skip(ip.header_length).ok_or(AnomalyKind::IpHeaderCut)?;
    let body = match ip.stated_length {
        // A jumbogram, whose length is in its hop-by-hop options, or segmentation offload: either
        // way more than Ethernet would pad.
        0 if matches!(ip.protocol, HOP_BY_HOP | TCP | UDP) => body,
        length => body.trim(length),
    };
    match ip.protocol {
        TCP | UDP => upper(ip, body, layers),
        _ => match extensions(&mut ip, body)? {
            (body, None) => upper(ip, body, layers),
            (body, Some(part)) => Ok(Decoded::Fragment(fragment(&ip, part, body))),
        },
    }
}

/// What a whole IP packet carries.
#[inline]
fn upper(ip: Ip, body: Frame<'_>, layers: u8) -> Result<Decoded, AnomalyKind> {
    match ip.protocol {
        TCP => {
            let (segment, _) = transport::tcp(&ip, body)?;
            Ok(Decoded::Segment(segment))
        }
        UDP => {
            let (segment, payload) = transport::udp(&ip, body)?;
            let ports = [segment.destination.port, segment.source.port];
            if tunnel::is_udp_port(ports)
                && let Some(inner) = tunnel::in_udp(ports, payload, layers)
            {
                return inner;
            }
            Ok(Decoded::Segment(segment))
        }
        _ => upper_other(ip, body, layers),
    }
}

fn upper_other(mut ip: Ip, body: Frame<'_>, layers: u8) -> Result<Decoded, AnomalyKind> {
    match ip.protocol {
        ICMP | ICMPV6 => icmp::decode(&ip, body),
        AUTHENTICATION => match extensions(&mut ip, body)? {
            (body, None) => {
                let layers = layers.checked_sub(1).ok_or(AnomalyKind::NestedTooDeep)?;
                upper(ip, body, layers)
            }
            (body, Some(part)) => Ok(Decoded::Fragment(fragment(&ip, part, body))),
        },
        _ => match tunnel::in_ip(ip.protocol, body, layers) {
            Some(inner) => inner,
            None => Ok(other(&ip)),
        },
    }
}

/// An IP packet that leads to nothing further.
pub(super) fn other(ip: &Ip) -> Decoded {
    Decoded::OtherIp { protocol: ip.protocol, source: ip.source, destination: ip.destination }
}

#[cold]
fn fragment(ip: &Ip, part: Part, body: Frame<'_>) -> Fragment {
    let first = match (part.offset, ip.protocol) {
        (0, TCP) => transport::tcp(ip, body).ok(),
        (0, UDP) => transport::udp(ip, body).ok(),
        _ => None,
    };
    Fragment {
        source: ip.source,
        destination: ip.destination,
        protocol: ip.protocol,
        hops: ip.hops,
        identification: part.identification,
        offset: part.offset,
        more: part.more,
        payload_start: transport::narrow(body.offset()),
        payload_captured: transport::narrow(body.bytes().len()),
        payload_length: transport::narrow(body.wire()),
        first: first.map(|(segment, _)| segment),
    }
}

/// What an extension header that is too short means: cut, or a packet without room for it.
fn without_room(body: Frame<'_>, needed: usize, error: AnomalyKind) -> AnomalyKind {
    let is_cut = body.bytes().len() < body.wire() || body.wire() < needed;
    match error {
        AnomalyKind::IpHeaderCut if !is_cut => AnomalyKind::IpHeaderInvalid,
        other => other,
    }
}
