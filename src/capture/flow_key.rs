//! Direction-free keys of conversations, and the shard that each belongs to.

use std::hash::{BuildHasher, Hash, Hasher};

use crate::observe::SocketAddress;

/// How many parts the flow tables of one capture are split into.
///
/// Fixed, so that limits and sweeps work on the same parts whatever the number of threads.
pub(crate) const SHARDS: usize = 16;

/// Which way a packet goes, seen from the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub(crate) enum Way {
    /// From the key's lower socket to its higher one.
    Up,
    /// From the key's higher socket to its lower one.
    Down,
}

impl Way {
    /// The other way.
    #[inline]
    pub(crate) const fn reverse(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// Two sockets and a protocol, the same for both directions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct FlowKey {
    low: SocketAddress,
    high: SocketAddress,
    protocol: u8,
}

impl Hash for FlowKey {
    /// The addresses, and all that is left as one number.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.low.address.hash(state);
        self.high.address.hash(state);
        state.write_u64(
            u64::from(self.low.port) << 32
                | u64::from(self.high.port) << 16
                | u64::from(self.protocol),
        );
    }
}

impl FlowKey {
    /// The key of packets between these sockets, and which way a packet from `source` goes.
    #[inline]
    pub(crate) fn new(
        protocol: u8,
        source: SocketAddress,
        destination: SocketAddress,
    ) -> (Self, Way) {
        if source <= destination {
            (Self { low: source, high: destination, protocol }, Way::Up)
        } else {
            (Self { low: destination, high: source, protocol }, Way::Down)
        }
    }

    /// The socket that sends packets going this way.
    #[inline]
    pub(crate) const fn sender(&self, way: Way) -> SocketAddress {
        match way {
            Way::Up => self.low,
            Way::Down => self.high,
        }
    }

    /// The shard of the conversation.
    ///
    /// The hash is fixed, so that runs agree; a sender who aims at one shard makes the work
    /// uneven and nothing worse, because the tables inside a shard hash with a random key.
    #[inline]
    pub(crate) fn shard(&self) -> usize {
        // The upper bits of foldhash are as good as the lower ones, and hash tables use the lower.
        (foldhash::fast::FixedState::with_seed(0x6567_7265_7373).hash_one(self) >> 32) as usize
            % SHARDS
    }
}

/// IP protocol number of TCP.
pub(crate) const TCP: u8 = 6;
/// IP protocol number of UDP.
pub(crate) const UDP: u8 = 17;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::Address;

    #[test]
    fn both_directions_share_key_and_shard() {
        for host in 1..=200_u8 {
            let client = SocketAddress::new(Address::from_v4([10, 0, 0, host]), 50_000);
            let server = SocketAddress::new(Address::from_v4([203, 0, 113, 7]), 443);
            let (there, up) = FlowKey::new(TCP, client, server);
            let (back, down) = FlowKey::new(TCP, server, client);
            assert_eq!((there, up), (back, down.reverse()));
            assert_eq!(there.shard(), back.shard());
            assert_eq!(there.sender(up), client);
            assert_eq!(there.sender(down), server);
        }
    }

    #[test]
    fn flows_spread_over_the_shards() {
        let mut counts = [0_u32; SHARDS];
        for port in 10_000..26_000 {
            let client = SocketAddress::new(Address::from_v4([10, 0, 0, 9]), port);
            let server = SocketAddress::new(Address::from_v4([203, 0, 113, 7]), 443);
            counts[FlowKey::new(TCP, client, server).0.shard()] += 1;
        }
        assert!(counts.iter().all(|&count| (800..1200).contains(&count)), "{counts:?}");
    }
}
