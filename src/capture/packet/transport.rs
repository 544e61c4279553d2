//! TCP and UDP in an IP packet.

use super::Segment;
use super::headers::{self, Ip, Ports};
use crate::capture::link::Frame;
use crate::observe::{AnomalyKind, SocketAddress};

/// The TCP segment that `body` holds, and its payload.
#[inline]
pub(super) fn tcp<'a>(ip: &Ip, body: Frame<'a>) -> Result<(Segment, Frame<'a>), AnomalyKind> {
    match headers::tcp(body.bytes()) {
        Ok(ports) => segment(ip, body, &ports),
        Err(error) => Err(short(body, 20, error)),
    }
}

/// The UDP datagram that `body` holds, and its payload.
#[inline]
pub(super) fn udp<'a>(ip: &Ip, body: Frame<'a>) -> Result<(Segment, Frame<'a>), AnomalyKind> {
    let ports = headers::udp(body.bytes()).map_err(|error| short(body, 8, error))?;
    // A length beyond the IP packet is that of segmentation offload or of the whole packet that
    // this is the first fragment of.
    let body = match ports.stated_length {
        0 => body,
        stated => body.trim(stated.min(body.wire())),
    };
    segment(ip, body, &ports)
}

#[inline]
fn segment<'a>(
    ip: &Ip,
    body: Frame<'a>,
    ports: &Ports,
) -> Result<(Segment, Frame<'a>), AnomalyKind> {
    let payload = match body.skip(ports.header_length) {
        Some(payload) => payload,
        None => behind_cut_header(body, ports.header_length)?,
    };
    let segment = Segment {
        source: SocketAddress::new(ip.source, ports.source),
        destination: SocketAddress::new(ip.destination, ports.destination),
        transport: ports.transport,
        hops: ip.hops,
        identification: ip.identification,
        payload_start: narrow(payload.offset()),
        payload_captured: narrow(payload.bytes().len()),
        payload_length: narrow(payload.wire()),
    };
    Ok((segment, payload))
}

/// The payload, none of it captured, after a header of which the end was not captured either.
#[cold]
fn behind_cut_header(body: Frame<'_>, header_length: usize) -> Result<Frame<'_>, AnomalyKind> {
    let length =
        body.wire().checked_sub(header_length).ok_or(AnomalyKind::TransportHeaderInvalid)?;
    let end = body.skip(body.bytes().len()).ok_or(AnomalyKind::TransportHeaderCut)?;
    Ok(end.trim(length))
}

/// What a header that is too short means: cut, or an IP packet that has no room for it.
#[cold]
fn short(body: Frame<'_>, needed: usize, error: AnomalyKind) -> AnomalyKind {
    match error {
        AnomalyKind::TransportHeaderCut if body.wire() < needed => {
            AnomalyKind::TransportHeaderInvalid
        }
        other => other,
    }
}

/// Packets are shorter than 4 GiB: capture files have no room for longer ones.
#[inline]
pub(super) fn narrow(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
