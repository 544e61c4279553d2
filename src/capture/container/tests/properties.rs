//! Properties that hold for any bytes and any way to read them.

use proptest::prelude::*;

use super::*;

/// Gives the bytes in reads of the given lengths, over and over.
struct Pieces {
    source: Cursor<Vec<u8>>,
    lengths: Vec<usize>,
    turn: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.lengths[self.turn % self.lengths.len()].min(buffer.len());
        self.turn += 1;
        self.source.read(&mut buffer[..length])
    }
}

/// A file of either format with packets of the given lengths.
fn file(legacy: bool, big: bool, lengths: &[usize]) -> Vec<u8> {
    let mut bytes = if legacy {
        pcap_with(big, 0xa1b2_c3d4, 8 << 20, 1)
    } else {
        Bytes::new(big).section().interface(1, |options| options)
    };
    for (number, length) in (0..).zip(lengths) {
        let packet = vec![number as u8; *length];
        bytes = if legacy {
            bytes.record(number, 0, &packet)
        } else {
            bytes.enhanced(0, u64::from(number) * 1_000_000, &packet)
        };
    }
    bytes.bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_partition_into_reads_gives_the_same_packets(
        legacy: bool,
        big: bool,
        lengths in prop::collection::vec(prop_oneof![9 => 0..20_000_usize, 1 => 0..2_500_000_usize], 0..60),
        reads in prop::collection::vec(prop_oneof![1..40_usize, 1..300_000_usize], 1..20),
        lost in prop_oneof![Just(0), 0..200_usize],
    ) {
        let mut bytes = file(legacy, big, &lengths);
        bytes.truncate(bytes.len().saturating_sub(lost).max(24));
        let whole = read(&bytes);
        let pieces = Pieces { source: Cursor::new(bytes), lengths: reads, turn: 0 };
        let pieced = drain(Box::new(pieces));
        prop_assert!(whole == pieced);
    }

    #[test]
    fn no_change_of_bytes_makes_the_reader_fail(
        legacy: bool,
        big: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
    ) {
        let mut bytes = file(legacy, big, &[0, 1, 60, 1_500, 3]);
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        fuzz_container(&bytes);
    }

    #[test]
    fn no_bytes_make_the_reader_fail(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        fuzz_container(&bytes);
        let section = Bytes::new(false).section().interface(1, |options| options);
        fuzz_container(&section.raw(&bytes).bytes);
    }
}
