//! Service bindings: SVCB and HTTPS records (RFC 9460).

use super::name::skip_name;
use crate::observe::Address;

/// The parameter with the protocols of the service (RFC 9460 section 7.1).
const ALPN: u16 = 1;
/// The bytes of the priority.
const PRIORITY: usize = 2;

/// The parameters with addresses of the service (RFC 9460 section 7.3).
const IPV4_HINT: u16 = 4;
const IPV6_HINT: u16 = 6;

/// Whether the data of a record names HTTP/3, or a draft of it, among the protocols of the service.
pub(super) fn offers_http3(data: &[u8]) -> bool {
    parameters(data)
        .filter(|(key, _)| *key == ALPN)
        .any(|(_, value)| protocols(value).any(|name| name == b"h3" || name.starts_with(b"h3-")))
}

/// The addresses that a record hints at, which clients may connect to before, or instead of, those of
/// A and AAAA records.
pub(super) fn hints(data: &[u8]) -> impl Iterator<Item = Address> {
    parameters(data).flat_map(|(key, value)| {
        let length = match key {
            IPV4_HINT => 4,
            IPV6_HINT => 16,
            _ => usize::MAX,
        };
        value.chunks_exact(length).filter_map(|bytes| match bytes.len() {
            4 => bytes.first_chunk().map(|octets| Address::from_v4(*octets)),
            _ => bytes.first_chunk().map(|octets| Address::from_v6(*octets)),
        })
    })
}

/// Where the name begins under which the service is found, unless that is the owner's own name, which
/// a service binding writes as the root (RFC 9460 sections 2.4.2 and 2.5).
pub(super) fn target_at(data: &[u8]) -> Option<usize> {
    data.get(PRIORITY).filter(|length| **length != 0).map(|_| PRIORITY)
}

/// The parameters of a record's data, as far as they are whole.
fn parameters(data: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let end = skip_name(data, PRIORITY).unwrap_or(usize::MAX);
    let mut rest = data.get(end..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (&[k0, k1, l0, l1], after) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let (value, after) = after.split_at_checked(length)?;
        rest = after;
        Some((u16::from_be_bytes([k0, k1]), value))
    })
}

/// The protocols of a list, each behind its length.
fn protocols(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let (&length, after) = rest.split_first()?;
        let (name, after) = after.split_at_checked(usize::from(length))?;
        rest = after;
        Some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_of_both_families_are_addresses() {
        let four = [0, 4, 0, 8, 192, 0, 2, 1, 192, 0, 2, 2];
        let six = [[0, 6, 0, 16].as_slice(), &[0x20, 1, 0xd, 0xb8], &[0; 11], &[1]].concat();
        let data = [&[0, 1, 0][..], &four, &six].concat();
        let found: Vec<String> = hints(&data).map(|address| address.to_string()).collect();
        assert_eq!(found, ["192.0.2.1", "192.0.2.2", "2001:db8::1"]);
        for end in 0..data.len() {
            assert!(hints(&data[..end]).count() < 3);
        }
    }

    #[test]
    fn the_protocols_of_the_service_are_found_among_its_parameters() {
        let root = [0, 1, 0];
        let hint = [0, 4, 0, 4, 192, 0, 2, 1];
        let h2 = [0, 1, 0, 3, 2, b'h', b'2'];
        let both = [0, 1, 0, 6, 2, b'h', b'2', 2, b'h', b'3'];
        let draft = [0, 1, 0, 6, 5, b'h', b'3', b'-', b'2', b'9'];
        assert!(offers_http3(&[&root[..], &both, &hint].concat()));
        assert!(offers_http3(&[&root[..], &draft].concat()));
        assert!(!offers_http3(&[&root[..], &hint, &h2].concat()));
        // A target of its own, and data that is cut.
        let target = [0, 1, 1, b'x', 3, b'o', b'r', b'g', 0];
        let whole = [&target[..], &hint, &both].concat();
        assert!(offers_http3(&whole));
        for end in 0..whole.len() {
            assert!(!offers_http3(&whole[..end]));
        }
    }
}
