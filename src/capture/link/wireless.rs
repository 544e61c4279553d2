//! IEEE 802.11 and the headers that capture drivers put before it.

use super::{Frame, IEEE802_11, Next};
use crate::observe::AnomalyKind;

/// A data frame in clear, down to its 802.2 header (IEEE 802.11 clause 9.2.3).
///
/// Of several frames that were aggregated into one (A-MSDU), the first is followed.
pub(super) fn ieee802_11(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    data(frame, false)
}

/// A radiotap header (<https://www.radiotap.org>): its length, and a flag for a header that is
/// padded to four bytes.
pub(super) fn radiotap(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const TIMER: u32 = 1;
    const FLAGS: u32 = 1 << 1;
    const EXTENDED: u32 = 1 << 31;
    const DATA_PAD: u8 = 0x20;
    let [version, _, low, high] = frame.link_array(0)?;
    let length = usize::from(u16::from_le_bytes([low, high]));
    if version != 0 || length < 8 {
        return Err(AnomalyKind::LinkHeaderInvalid);
    }
    let body = frame.link(length)?;
    let header = frame.trim(length);
    let present = u32::from_le_bytes(header.link_array(4)?);
    let mut fields = 8_usize;
    let mut word = present;
    while word & EXTENDED != 0 {
        word = u32::from_le_bytes(header.array(fields).ok_or(AnomalyKind::LinkHeaderInvalid)?);
        fields = fields.saturating_add(4);
    }
    let is_padded = present & FLAGS != 0 && {
        let at = match present & TIMER {
            0 => fields,
            _ => fields.next_multiple_of(8).saturating_add(8),
        };
        header.u8(at).is_some_and(|flags| flags & DATA_PAD != 0)
    };
    data(body, is_padded)
}

/// The Prism driver's header, 144 bytes, or that of AVS under the same number.
pub(super) fn prism(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    match frame.link_array(0)? {
        [0x80, 0x21, 0x10, _] => avs(frame),
        _ => Ok((Next::LinkType(IEEE802_11), frame.link(144)?)),
    }
}

/// The AVS header: a magic number and its length.
pub(super) fn avs(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let length = u32::from_be_bytes(frame.link_array(4)?);
    Ok((Next::LinkType(IEEE802_11), frame.link(length as usize)?))
}

/// Per-packet information: its length and the link type after it.
pub(super) fn ppi(frame: Frame<'_>) -> Result<(Next, Frame<'_>), AnomalyKind> {
    let [version, _, low, high, number @ ..]: [u8; 8] = frame.link_array(0)?;
    let length = usize::from(u16::from_le_bytes([low, high]));
    if version != 0 || length < 8 {
        return Err(AnomalyKind::LinkHeaderInvalid);
    }
    let number =
        u16::try_from(u32::from_le_bytes(number)).map_err(|_| AnomalyKind::UnknownLinkType)?;
    Ok((Next::LinkType(number), frame.link(length)?))
}

/// [`ieee802_11`], where the driver may have padded the header to four bytes.
fn data(frame: Frame<'_>, is_padded: bool) -> Result<(Next, Frame<'_>), AnomalyKind> {
    const BOTH_SYSTEMS: u8 = 0x03;
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;
    const AGGREGATED: u8 = 0x80;
    const VERSION: u8 = 0x03;
    let [control, flags] = match frame.link_array(0)? {
        // Access points that tunnel frames may swap the two bytes; the version is always 0, and
        // what takes its place says that the frame goes to or from the wired network.
        [flags, control] if flags & VERSION != 0 && control & VERSION == 0 => [control, flags],
        in_order => in_order,
    };
    let is_data = control & 0x0f == 0x08;
    let has_no_data = control & 0x40 != 0;
    let has_quality = control & 0x80 != 0;
    if !is_data || has_no_data || flags & PROTECTED != 0 {
        return Ok((Next::NotIp, frame));
    }
    let mut length = 24_usize;
    if flags & BOTH_SYSTEMS == BOTH_SYSTEMS {
        length = length.saturating_add(6);
    }
    let mut is_aggregated = false;
    if has_quality {
        is_aggregated = frame.link_u8(length)? & AGGREGATED != 0;
        length = length.saturating_add(2);
        if flags & ORDER != 0 {
            length = length.saturating_add(4);
        }
    }
    if is_padded {
        length = length.next_multiple_of(4);
    }
    let body = frame.link(length)?;
    if !is_aggregated {
        return Ok((Next::Llc, body));
    }
    let first = usize::from(body.link_u16(12)?);
    Ok((Next::Llc, body.link(14)?.trim(first)))
}
