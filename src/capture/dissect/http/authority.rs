//! Authorities: `user@host:port` (RFC 3986 section 3.2).

/// The host of an authority, without user information, brackets and port, and the port. An empty
/// host is none; a port that is no number is dropped.
#[must_use]
pub fn split(authority: &[u8]) -> (Option<&[u8]>, Option<u16>) {
    let after_user = match memchr::memrchr(b'@', authority) {
        Some(at) => authority.get(at + 1..).unwrap_or_default(),
        None => authority,
    };
    let (host, port) = match after_user.strip_prefix(b"[") {
        Some(literal) => match split_at_byte(literal, b']') {
            Some((host, behind)) => (host, behind.strip_prefix(b":")),
            None => (literal, None),
        },
        None => match split_at_byte(after_user, b':') {
            // More than one colon is an IPv6 address without its brackets.
            Some((_, port)) if port.contains(&b':') => (after_user, None),
            Some((host, port)) => (host, Some(port)),
            None => (after_user, None),
        },
    };
    ((!host.is_empty()).then_some(host), port.and_then(number).and_then(|n| n.try_into().ok()))
}

/// The authority of a URI with a scheme, or of a reference that begins with `//` (RFC 3986 section
/// 4.2), together with whether the bytes show where it ends.
pub(super) fn of_uri(uri: &[u8]) -> Option<(&[u8], bool)> {
    let behind = match uri.strip_prefix(b"//") {
        Some(behind) => behind,
        None => {
            let (scheme, behind) = split_at_byte(uri, b':')?;
            let is_scheme = scheme.first().is_some_and(u8::is_ascii_alphabetic)
                && scheme.iter().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b));
            if !is_scheme {
                return None;
            }
            behind.strip_prefix(b"//")?
        }
    };
    match behind.iter().position(|byte| b"/?#\\".contains(byte)) {
        Some(end) => Some((behind.get(..end)?, true)),
        None => Some((behind, false)),
    }
}

/// The host of a URI, without port and brackets, when it has an authority.
#[must_use]
pub fn host_of_uri(uri: &[u8]) -> Option<&[u8]> {
    split(of_uri(uri)?.0).0
}

/// A number in decimal digits and nothing else.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// What stands before and behind the first occurrence of a byte.
pub(super) fn split_at_byte(bytes: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(byte, bytes)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_split_into_host_and_port() {
        type Case = (&'static [u8], Option<&'static [u8]>, Option<u16>);
        let cases: &[Case] = &[
            (b"a.example", Some(b"a.example"), None),
            (b"a.example:8080", Some(b"a.example"), Some(8080)),
            (b"a.example:", Some(b"a.example"), None),
            (b"a.example:x", Some(b"a.example"), None),
            (b"a.example:65536", Some(b"a.example"), None),
            (b"user:word@a.example:1", Some(b"a.example"), Some(1)),
            (b"[2001:db8::1]:443", Some(b"2001:db8::1"), Some(443)),
            (b"[2001:db8::1]", Some(b"2001:db8::1"), None),
            (b"2001:db8::1", Some(b"2001:db8::1"), None),
            (b"[2001:db8", Some(b"2001:db8"), None),
            (b":443", None, Some(443)),
            (b"", None, None),
        ];
        for (authority, host, port) in cases {
            assert_eq!(split(authority), (*host, *port), "{authority:?}");
        }
    }

    #[test]
    fn only_uris_with_an_authority_have_one() {
        assert_eq!(of_uri(b"http://a.example:80/x"), Some((&b"a.example:80"[..], true)));
        assert_eq!(of_uri(b"https://a?q=//b"), Some((&b"a"[..], true)));
        assert_eq!(of_uri(b"//a/b"), Some((&b"a"[..], true)));
        assert_eq!(of_uri(b"http://a"), Some((&b"a"[..], false)));
        for other in [&b"/x?u=http://a/"[..], b"*", b"a:443", b"mailto:a@b", b"", b"1x://a"] {
            assert_eq!(of_uri(other), None, "{other:?}");
        }
    }

    #[test]
    fn numbers_are_digits_that_fit() {
        assert_eq!(number(b"0018446744073709551615"), Some(u64::MAX));
        for other in [&b""[..], b"18446744073709551616", b"+1", b"1 ", b"0x1"] {
            assert_eq!(number(other), None, "{other:?}");
        }
    }
}
