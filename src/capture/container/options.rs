//! Integers in the byte order of a pcapng section, and the options at the end of its blocks.

use pcap_parser::PcapError;
use pcap_parser::pcapng::{OptionCode, PcapNGOption, parse_option_be, parse_option_le};

/// Reads integers in the byte order of a section.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Order {
    pub(super) big: bool,
}

impl Order {
    #[inline]
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    #[inline]
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    pub(super) fn u64(self, bytes: &[u8]) -> Option<u64> {
        let bytes = <[u8; 8]>::try_from(bytes).ok()?;
        Some(if self.big { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }
}

/// The options at the end of a block, up to the end marker or the first that is not whole.
pub(super) struct Options<'a> {
    rest: &'a [u8],
    order: Order,
    /// An option reached beyond the block.
    pub(super) overrun: bool,
}

impl<'a> Options<'a> {
    pub(super) fn new(rest: &'a [u8], order: Order) -> Self {
        Self { rest, order, overrun: false }
    }

    /// Walks to the end and tells whether every option was whole.
    pub(super) fn are_whole(mut self) -> bool {
        self.by_ref().for_each(drop);
        !self.overrun
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = PcapNGOption<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let parsed = if self.order.big {
            parse_option_be::<PcapError<&[u8]>>(self.rest)
        } else {
            parse_option_le::<PcapError<&[u8]>>(self.rest)
        };
        let Ok((rest, option)) = parsed else {
            self.overrun = true;
            self.rest = &[];
            return None;
        };
        self.rest = rest;
        (option.code != OptionCode::EndOfOpt).then_some(option)
    }
}

/// The value of an option without its padding.
pub(super) fn value<'a>(option: &'a PcapNGOption<'_>) -> &'a [u8] {
    option.value.get(..usize::from(option.len)).unwrap_or_default()
}
