//! Address prefixes with values, and the value of the longest that holds an address.

use std::net::IpAddr;

use crate::observe::Address;

/// Bits in front of the IPv4 address in an IPv6-mapped one (RFC 4291 section 2.5.5.2).
const MAPPED: u8 = 96;

/// An address prefix (RFC 4632, RFC 4291 section 2.3).
///
/// Of IPv4 the address and the length are those of its IPv6-mapped form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Prefix {
    first: u128,
    length: u8,
}

impl Prefix {
    /// The prefix of an address; none when the length is beyond the family's, or when the
    /// address has bits set beyond it.
    #[must_use]
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        let length = if address.is_ipv4() { length.checked_add(MAPPED)? } else { length };
        let first = number(address.into());
        (length <= 128 && first & host_bits(length) == 0).then_some(Self { first, length })
    }

    /// Its first address.
    #[must_use]
    pub const fn first(&self) -> Address {
        Address::from_v6(self.first.to_be_bytes())
    }

    const fn last(&self) -> u128 {
        self.first | host_bits(self.length)
    }

    /// Whether it is one of IPv4 addresses. A shorter one of IPv6, such as `::/0`, holds no
    /// IPv4 address though the numbers of their mapped forms lie within it.
    fn is_v4(&self) -> bool {
        self.length >= MAPPED && self.first().is_v4()
    }
}

/// A map from prefixes to values. Looking an address up is one binary search.
#[derive(Clone, Default, Debug)]
pub struct PrefixTable {
    v4: Vec<Segment>,
    v6: Vec<Segment>,
}

/// A range of addresses with one value; ranges of a table are sorted and do not overlap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Segment {
    first: u128,
    last: u128,
    value: u32,
}

impl PrefixTable {
    /// The table of these prefixes. Of two that are equal the one with the greater value counts.
    #[must_use]
    pub fn new(prefixes: impl IntoIterator<Item = (Prefix, u32)>) -> Self {
        let (v4, v6) = prefixes.into_iter().partition(|(prefix, _)| prefix.is_v4());
        Self { v4: segments(v4), v6: segments(v6) }
    }

    /// The value of the longest prefix that holds the address.
    #[must_use]
    pub fn find(&self, address: Address) -> Option<u32> {
        let segments = if address.is_v4() { &self.v4 } else { &self.v6 };
        let number = number(address);
        let after = segments.partition_point(|segment| segment.first <= number);
        let segment = segments.get(after.checked_sub(1)?)?;
        (number <= segment.last).then_some(segment.value)
    }

    /// Whether no prefix is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }
}

/// Cuts nested prefixes into ranges that do not overlap, each with the value of the innermost.
fn segments(mut prefixes: Vec<(Prefix, u32)>) -> Vec<Segment> {
    // Two prefixes are nested or apart. So sorted, each comes after all that hold it.
    prefixes.sort_unstable();
    let mut segments: Vec<Segment> = Vec::new();
    let mut open: Vec<(Prefix, u32)> = Vec::new();
    // The first address that has no range yet; none beyond the last address there is.
    let mut next = Some(0_u128);
    let mut close = |next: &mut Option<u128>, last: u128, value: u32| {
        let Some(first) = next.filter(|first| *first <= last) else { return };
        match segments.last_mut() {
            Some(before) if before.value == value && before.last.checked_add(1) == Some(first) => {
                before.last = last;
            }
            _ => segments.push(Segment { first, last, value }),
        }
        *next = last.checked_add(1);
    };
    for (prefix, value) in prefixes {
        while let Some((outer, value)) = open.pop_if(|(outer, _)| outer.last() < prefix.first) {
            close(&mut next, outer.last(), value);
        }
        if let (Some((_, value)), Some(before)) = (open.last(), prefix.first.checked_sub(1)) {
            close(&mut next, before, *value);
        }
        next = Some(prefix.first);
        open.push((prefix, value));
    }
    while let Some((outer, value)) = open.pop() {
        close(&mut next, outer.last(), value);
    }
    segments
}

fn number(address: Address) -> u128 {
    u128::from_be_bytes(*address.octets())
}

const fn host_bits(length: u8) -> u128 {
    match u128::MAX.checked_shr(length as u32) {
        Some(bits) => bits,
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        let (address, length) = text.split_once('/').unwrap();
        Prefix::new(address.parse().unwrap(), length.parse().unwrap()).unwrap()
    }

    fn address(text: &str) -> Address {
        text.parse::<IpAddr>().unwrap().into()
    }

    fn table(prefixes: &[(&str, u32)]) -> PrefixTable {
        PrefixTable::new(prefixes.iter().map(|(text, value)| (prefix(text), *value)))
    }

    #[test]
    fn the_longest_prefix_counts_on_either_side_of_a_hole() {
        let table = table(&[
            ("192.0.2.0/24", 1),
            ("192.0.2.64/26", 2),
            ("192.0.2.80/32", 3),
            ("192.0.2.80/32", 2),
            ("2001:db8::/32", 4),
            ("2001:db8:0:1::/64", 5),
        ]);
        for (text, value) in [
            ("192.0.1.255", None),
            ("192.0.2.0", Some(1)),
            ("192.0.2.63", Some(1)),
            ("192.0.2.64", Some(2)),
            ("192.0.2.79", Some(2)),
            ("192.0.2.80", Some(3)),
            ("192.0.2.81", Some(2)),
            ("192.0.2.127", Some(2)),
            ("192.0.2.128", Some(1)),
            ("192.0.2.255", Some(1)),
            ("192.0.3.0", None),
            ("2001:db8::1", Some(4)),
            ("2001:db8:0:1:ffff::", Some(5)),
            ("2001:db8:0:2::", Some(4)),
            ("2001:db9::", None),
            ("::", None),
        ] {
            assert_eq!(table.find(address(text)), value, "{text}");
        }
    }

    #[test]
    fn the_shortest_prefixes_hold_all_of_their_family_and_none_of_the_other() {
        let v4 = table(&[("0.0.0.0/0", 1), ("255.255.255.255/32", 2)]);
        assert_eq!(v4.find(address("0.0.0.0")), Some(1));
        assert_eq!(v4.find(address("255.255.255.255")), Some(2));
        assert_eq!(v4.find(address("::1")), None);
        let v6 = table(&[("::/0", 1), ("ffff::/16", 2)]);
        assert_eq!(v6.find(address("::")), Some(1));
        assert_eq!(v6.find(address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")), Some(2));
        assert_eq!(v6.find(address("192.0.2.1")), None);
        assert!(PrefixTable::default().is_empty() && !v6.is_empty());
    }

    #[test]
    fn a_prefix_has_no_bits_beyond_its_length() {
        let new = |text: &str, length| Prefix::new(text.parse().unwrap(), length);
        assert!(new("192.0.2.1", 24).is_none() && new("192.0.2.0", 33).is_none());
        assert!(new("2001:db8::1", 127).is_none() && new("::", 129).is_none());
        assert!(new("0.0.0.0", 255).is_none());
        assert_eq!(new("192.0.2.1", 32).unwrap().first(), address("192.0.2.1"));
    }

    #[test]
    fn tables_say_what_a_search_through_all_prefixes_says() {
        let mut state = 1_u32;
        let mut random = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        for _ in 0..200 {
            let prefixes: Vec<(Prefix, u32)> = (0..random(20))
                .map(|value| {
                    let length = 24 + random(9) as u8;
                    let host = random(256) & !(host_bits(96 + length) as u32);
                    let text = format!("192.0.2.{host}");
                    (Prefix::new(text.parse().unwrap(), length).unwrap(), value)
                })
                .collect();
            let table = PrefixTable::new(prefixes.iter().copied());
            for host in 0..=255 {
                let address = Address::from_v4([192, 0, 2, host]);
                let holds = |prefix: &Prefix| {
                    prefix.first <= number(address) && number(address) <= prefix.last()
                };
                let best = prefixes
                    .iter()
                    .filter(|(prefix, _)| holds(prefix))
                    .max_by_key(|(prefix, value)| (prefix.length, *value));
                assert_eq!(table.find(address), best.map(|(_, value)| *value), "{prefixes:?}");
            }
        }
    }
}
