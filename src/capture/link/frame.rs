//! A packet from some layer on: the bytes that were captured and the length they had.

use crate::observe::AnomalyKind;

/// The rest of a packet, from the start of a layer.
///
/// `wire` is never less than the number of captured bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Frame<'a> {
    bytes: &'a [u8],
    offset: usize,
    wire: usize,
    is_limited: bool,
}

impl<'a> Frame<'a> {
    /// The whole packet, `original` bytes long on the wire.
    #[inline]
    pub(crate) fn new(bytes: &'a [u8], original: u32) -> Self {
        Self { bytes, offset: 0, wire: bytes.len().max(original as usize), is_limited: false }
    }

    /// The captured bytes from here on.
    #[inline]
    pub(crate) const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where the captured bytes start in the packet.
    #[inline]
    pub(crate) const fn offset(&self) -> usize {
        self.offset
    }

    /// How many bytes there were on the wire from here on.
    #[inline]
    pub(crate) const fn wire(&self) -> usize {
        self.wire
    }

    /// The frame without its first `count` bytes, where they were captured.
    #[inline]
    pub(crate) fn skip(self, count: usize) -> Option<Self> {
        let bytes = self.bytes.get(count..)?;
        Some(Self {
            bytes,
            offset: self.offset.saturating_add(count),
            wire: self.wire.saturating_sub(count),
            ..self
        })
    }

    /// [`skip`](Self::skip) over a link-layer header.
    #[inline]
    pub(crate) fn link(self, count: usize) -> Result<Self, AnomalyKind> {
        self.skip(count).ok_or(AnomalyKind::LinkHeaderCut)
    }

    /// The frame as long as an IP or UDP length says. Longer than what was captured means that
    /// the rest was not captured: some tools cut packets and write the cut length as the original,
    /// and mirrors cut packets before they encapsulate them. What is captured beyond the length
    /// is padding or a trailer.
    #[inline]
    pub(crate) fn trim(self, length: usize) -> Self {
        let wire = if self.is_limited { length.min(self.wire) } else { length };
        Self {
            bytes: self.bytes.get(..length).unwrap_or(self.bytes),
            offset: self.offset,
            wire,
            is_limited: false,
        }
    }

    /// The frame as long as a link-layer header says. An IP length beyond that counts padding.
    pub(crate) fn limit(self, length: usize) -> Self {
        Self { is_limited: true, ..self.trim(length) }
    }

    /// The byte at `at`.
    #[inline]
    pub(crate) fn u8(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The big-endian number at `at`.
    #[inline]
    pub(crate) fn u16(&self, at: usize) -> Option<u16> {
        self.array(at).map(u16::from_be_bytes)
    }

    /// The big-endian number at `at`.
    #[inline]
    pub(crate) fn u32(&self, at: usize) -> Option<u32> {
        self.array(at).map(u32::from_be_bytes)
    }

    /// The `N` bytes at `at`.
    #[inline]
    pub(crate) fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..)?.first_chunk().copied()
    }

    /// [`u8`](Self::u8) in a link-layer header.
    #[inline]
    pub(crate) fn link_u8(&self, at: usize) -> Result<u8, AnomalyKind> {
        self.u8(at).ok_or(AnomalyKind::LinkHeaderCut)
    }

    /// [`u16`](Self::u16) in a link-layer header.
    #[inline]
    pub(crate) fn link_u16(&self, at: usize) -> Result<u16, AnomalyKind> {
        self.u16(at).ok_or(AnomalyKind::LinkHeaderCut)
    }

    /// The `N` bytes at `at` in a link-layer header.
    #[inline]
    pub(crate) fn link_array<const N: usize>(&self, at: usize) -> Result<[u8; N], AnomalyKind> {
        self.array(at).ok_or(AnomalyKind::LinkHeaderCut)
    }
}
