//! Where packets go that no flow is concerned with.

use hashbrown::HashSet;

use crate::observe::Address;

/// How many addresses are kept.
const MAX_ADDRESSES: usize = 4_096;
/// Places of addresses that were seen lately; a power of two.
const RECENT: usize = 256;

/// The least addresses that such packets go to, if there are many: a capture that holds them is
/// not one of what these hosts send alone.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    /// The least and, until it is full, some that are not.
    addresses: HashSet<Address, foldhash::fast::RandomState>,
    /// There are enough addresses below this one.
    bound: Option<Address>,
    /// Addresses that were added lately, so that most packets cost one comparison.
    recent: [Address; RECENT],
}

impl Default for Heard {
    fn default() -> Self {
        let recent = [Address::default(); RECENT];
        Self { addresses: HashSet::default(), bound: None, recent }
    }
}

impl Heard {
    /// Adds an address.
    #[inline]
    pub(super) fn add(&mut self, address: Address) {
        let [.., low, lowest] = *address.octets();
        let place = usize::from(lowest ^ low.rotate_left(3)) % RECENT;
        if let Some(seen) = self.recent.get_mut(place)
            && *seen != address
        {
            *seen = address;
            self.keep(address);
        }
    }

    /// Adds those of another set.
    pub(super) fn merge(&mut self, other: Self) {
        other.addresses.into_iter().for_each(|address| self.keep(address));
    }

    /// The addresses in their order.
    pub(super) fn into_addresses(self) -> impl Iterator<Item = Address> {
        let mut addresses: Vec<Address> = self.addresses.into_iter().collect();
        addresses.sort_unstable();
        addresses.truncate(MAX_ADDRESSES);
        addresses.into_iter()
    }

    fn keep(&mut self, address: Address) {
        if self.bound.is_some_and(|bound| bound <= address) {
            return;
        }
        self.addresses.insert(address);
        if self.addresses.len() >= 2 * MAX_ADDRESSES {
            let mut all: Vec<Address> = self.addresses.drain().collect();
            let (least, bound, _) = all.select_nth_unstable(MAX_ADDRESSES);
            self.bound = Some(*bound);
            self.addresses.extend(least.iter().copied());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_addresses_are_kept_whatever_the_order() {
        let address = |n: u16| {
            let [high, low] = n.to_be_bytes();
            Address::from_v4([10, 1, high, low])
        };
        let numbers =
            || (0..20_000_u16).map(|n| u16::try_from(u32::from(n) * 7_919 % 20_000).unwrap());
        let heard = |numbers: &mut dyn Iterator<Item = u16>| {
            let mut heard = Heard::default();
            for n in numbers {
                heard.add(address(n));
                heard.add(address(n));
            }
            heard
        };
        let expected: Vec<Address> = (0..4_096).map(address).collect();
        let forwards = heard(&mut numbers());
        assert!(forwards.clone().into_addresses().eq(expected.iter().copied()));
        assert!(heard(&mut numbers().rev()).into_addresses().eq(expected.iter().copied()));
        let mut halves = heard(&mut numbers().take(9_000));
        halves.merge(heard(&mut numbers().skip(9_000)));
        assert!(halves.into_addresses().eq(expected));
    }
}
