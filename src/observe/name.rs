//! Server names in their normal form.

use std::borrow::Cow;

/// The longest name that is kept, in bytes; DNS allows 253 characters (RFC 1035 section 3.1),
/// escapes of bytes that are not text may lengthen a hostile one.
pub const MAX_NAME_LENGTH: usize = 1024;

/// A name as its sink numbers it. Only meaningful together with that sink.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NameId(pub u32);

/// A text as its sink numbers it: who decided about an attempt, in a log's words. Only
/// meaningful together with that sink.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TextId(pub u32);

/// Writes the normal form of a name into `out`, which is cleared first, and returns whether
/// there is a name at all.
///
/// Normal means: ASCII letters in lower case, one trailing dot off, IDNA A-labels for names
/// that are valid UTF-8 and valid IDNA (RFC 5890). Bytes that are no UTF-8 become `\DDD` as in
/// RFC 1035 section 5.1, so that the result is always text; everything else is kept as it is,
/// control characters included, because escaping belongs to the output.
///
/// Empty names, the root and IP literals are no server names.
pub fn normalize(raw: &[u8], out: &mut String) -> bool {
    out.clear();
    let raw = raw.strip_suffix(b".").unwrap_or(raw);
    if raw.is_empty() || raw.len() > MAX_NAME_LENGTH {
        return false;
    }
    if raw.is_ascii() {
        out.extend(raw.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
    } else {
        out.push_str(&international(raw));
    }
    !is_ip_literal(out)
}

/// Whether [`normalize`] certainly makes a name of this spelling: it ends as no IP address does. One look
/// for those who need no normal form.
#[must_use]
pub fn is_plainly_a_name(raw: &[u8]) -> bool {
    let raw = raw.strip_suffix(b".").unwrap_or(raw);
    matches!(raw.last(), Some(b'g'..=b'z' | b'G'..=b'Z'))
        && raw.first() != Some(&b'[')
        && raw.len() <= MAX_NAME_LENGTH
}

fn international(raw: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(raw) {
        Ok(text) => match idna::domain_to_ascii(text) {
            Ok(ascii) if !ascii.is_empty() => Cow::Owned(ascii),
            _ => Cow::Owned(text.to_lowercase()),
        },
        Err(_) => {
            let mut text = String::with_capacity(raw.len() + 16);
            for chunk in raw.utf8_chunks() {
                text.push_str(&chunk.valid().to_lowercase());
                for byte in chunk.invalid() {
                    text.push_str(&format!("\\{byte:03}"));
                }
            }
            Cow::Owned(text)
        }
    }
}

/// Whether the text is an address in writing. Only digits, colons and brackets can begin one,
/// so nearly every name is settled by its first byte.
fn is_ip_literal(text: &str) -> bool {
    let Some(first) = text.bytes().next() else { return false };
    match first {
        b'[' => true,
        b'0'..=b'9' | b'a'..=b'f' | b':' => {
            let last_is_digit = text.bytes().last().is_some_and(|b| b.is_ascii_hexdigit());
            (last_is_digit || text.ends_with(':')) && text.parse::<std::net::IpAddr>().is_ok()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(raw: &[u8]) -> Option<String> {
        let mut out = String::from("left over");
        normalize(raw, &mut out).then_some(out)
    }

    #[test]
    fn what_normalises_to_no_name_is_never_plainly_one() {
        let mut out = String::new();
        for raw in ["www.example.com", "www.example.com.", "A.EXAMPLE.ORG", "localhost.lan"] {
            assert!(is_plainly_a_name(raw.as_bytes()) && normalize(raw.as_bytes(), &mut out));
        }
        for raw in ["", ".", "10.1.2.3", "2001:db8::face", "[2001:db8::1]", "[x", "::"] {
            assert!(!is_plainly_a_name(raw.as_bytes()), "{raw}");
            assert!(!normalize(raw.as_bytes(), &mut out), "{raw}");
        }
    }

    #[test]
    fn names_take_their_normal_form() {
        assert_eq!(normal(b"Make.PowerAutomate.COM.").as_deref(), Some("make.powerautomate.com"));
        assert_eq!(normal("bücher.example".as_bytes()).as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(normal(b"a\xff.example").as_deref(), Some("a\\255.example"));
        assert_eq!(normal(b"_ldap._tcp.example").as_deref(), Some("_ldap._tcp.example"));
        assert_eq!(normal(b"cafe").as_deref(), Some("cafe"));
    }

    #[test]
    fn what_is_no_name_is_none() {
        for raw in [&b""[..], b".", b"192.0.2.1", b"2001:db8::1", b"[::1]", b"fe80::"] {
            assert_eq!(normal(raw), None, "{raw:?}");
        }
        assert_eq!(normal(&[b'a'; MAX_NAME_LENGTH + 1]), None);
    }
}
