//! Service bindings: SVCB and HTTPS records (RFC 9460).

use super::name::skip_name;

/// The parameter with the protocols of the service (RFC 9460 section 7.1).
const ALPN: u16 = 1;
/// The bytes of the priority.
const PRIORITY: usize = 2;

/// Whether the data of a record names HTTP/3, or a draft of it, among the protocols of the service.
pub(super) fn offers_http3(data: &[u8]) -> bool {
    let Ok(end) = skip_name(data, PRIORITY) else { return false };
    let mut rest = data.get(end..).unwrap_or_default();
    while let Some((&[k0, k1, l0, l1], after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let Some((value, after)) = after.split_at_checked(length) else { return false };
        if u16::from_be_bytes([k0, k1]) == ALPN {
            return protocols(value).any(|name| name == b"h3" || name.starts_with(b"h3-"));
        }
        rest = after;
    }
    false
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
