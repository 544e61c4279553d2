//! Where in which input something was seen.

/// A place in an input: enough to find the packet or the line again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Locator {
    /// Index of the input in the report's list, which is sorted by path.
    pub input: u32,
    /// Number of the packet (as Wireshark counts) or line, from 1.
    pub record: u64,
    /// Offset in bytes of the record in the decompressed input.
    pub offset: u64,
}
