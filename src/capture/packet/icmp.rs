//! ICMP errors and the packets that they quote.

use super::headers::{self, ICMP, Ip, Part, TCP, UDP};
use super::{Decoded, IcmpError, ip};
use crate::capture::link::Frame;
use crate::observe::{AnomalyKind, SocketAddress};

/// The length of an ICMP error before the packet that it quotes.
const HEADER: usize = 8;

/// Decodes ICMP in IPv4, or ICMPv6.
pub(super) fn decode(carrier: &Ip, body: Frame<'_>) -> Result<Decoded, AnomalyKind> {
    let v6 = carrier.protocol != ICMP;
    let Some(kind) = body.u8(0) else { return Err(too_short(body)) };
    let is_error = match v6 {
        false => matches!(kind, 3 | 4 | 5 | 11 | 12),
        true => matches!(kind, 1..=4),
    };
    if !is_error {
        return Ok(ip::other(carrier));
    }
    let (Some(code), Some(rest), Some(quote)) = (body.u8(1), body.u32(4), body.skip(HEADER)) else {
        return Err(too_short(body));
    };
    let mtu = match (v6, kind, code) {
        (true, 2, _) => Some(rest),
        // RFC 1191 section 4; routers older than that leave it 0.
        (false, 3, 4) => Some(rest & 0xffff).filter(|mtu| *mtu != 0),
        _ => None,
    };
    let (quoted, payload) = quoted_packet(quote).map_err(|error| match error {
        AnomalyKind::IpHeaderCut if quote.bytes().len() < quote.wire() => {
            AnomalyKind::TransportHeaderCut
        }
        _ => AnomalyKind::TransportHeaderInvalid,
    })?;
    let (source_port, destination_port) = match payload {
        Some(payload) if matches!(quoted.protocol, TCP | UDP) => {
            (payload.u16(0).unwrap_or_default(), payload.u16(2).unwrap_or_default())
        }
        _ => (0, 0),
    };
    let quoted_sequence = match payload {
        Some(payload) if quoted.protocol == TCP => payload.u32(4),
        _ => None,
    };
    Ok(Decoded::IcmpError(IcmpError {
        v6,
        kind,
        code,
        from: carrier.source,
        to: carrier.destination,
        hops: carrier.hops,
        mtu,
        quoted_source: SocketAddress::new(quoted.source, source_port),
        quoted_destination: SocketAddress::new(quoted.destination, destination_port),
        quoted_protocol: quoted.protocol,
        quoted_sequence,
    }))
}

/// The header of a quoted packet and what follows it, if that is its beginning. Hosts alter
/// lengths in quotes, and cut them anywhere, so the length is not looked at.
fn quoted_packet(quote: Frame<'_>) -> Result<(Ip, Option<Frame<'_>>), AnomalyKind> {
    let (mut quoted, part) = match quote.u8(0).map(|first| first >> 4) {
        Some(6) => (headers::ipv6(quote.bytes())?, None),
        _ => headers::ipv4(quote.bytes()).map(|(quoted, part)| (quoted, Some(part)))?,
    };
    let body = quote.skip(quoted.header_length).ok_or(AnomalyKind::IpHeaderCut)?;
    let is_first = |part: Option<Part>| part.is_none_or(|part| part.offset == 0);
    if !is_first(part) {
        return Ok((quoted, None));
    }
    match ip::extensions(&mut quoted, body) {
        Ok((body, part)) => Ok((quoted, Some(body).filter(|_| is_first(part)))),
        // Cut among the extension headers: the addresses are all there is.
        Err(_) => Ok((quoted, None)),
    }
}

/// What a missing ICMP header means: cut, or an IP packet that has no room for it.
fn too_short(body: Frame<'_>) -> AnomalyKind {
    if body.wire() < HEADER {
        AnomalyKind::TransportHeaderInvalid
    } else {
        AnomalyKind::TransportHeaderCut
    }
}
