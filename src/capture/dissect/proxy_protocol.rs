//! The PROXY protocol: what a load balancer says of the connection that it hands on, before the
//! bytes of that connection (<https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt>).

/// The longest line of version 1, with its end (section 2.1).
const LONGEST_LINE: usize = 107;
/// How version 2 begins (section 2.2).
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The header of version 2 without its addresses.
const FIXED: usize = 16;

/// What stands at the front of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProxyHeader {
    /// The connection itself.
    None,
    /// Too few bytes to tell, or to know where the header ends.
    NeedMore {
        /// How many bytes must be there before asking again makes sense.
        at_least: usize,
    },
    /// A header of so many bytes.
    Length(usize),
}

/// Finds the header that a load balancer has put before a connection.
#[must_use]
pub fn scan(prefix: &[u8]) -> ProxyHeader {
    const LINE: &[u8] = b"PROXY ";
    if begins(prefix, LINE) {
        let line = prefix.get(..prefix.len().min(LONGEST_LINE)).unwrap_or_default();
        return match memchr::memmem::find(line, b"\r\n") {
            Some(end) if end >= LINE.len() => ProxyHeader::Length(end + 2),
            None if prefix.len() < LONGEST_LINE => {
                ProxyHeader::NeedMore { at_least: prefix.len() + 1 }
            }
            _ => ProxyHeader::None,
        };
    }
    if begins(prefix, SIGNATURE) {
        return match prefix.first_chunk::<FIXED>() {
            None => ProxyHeader::NeedMore { at_least: FIXED },
            Some(&[.., version, _, high, low]) if version >> 4 == 2 => {
                ProxyHeader::Length(FIXED + usize::from(u16::from_be_bytes([high, low])))
            }
            Some(_) => ProxyHeader::None,
        };
    }
    ProxyHeader::None
}

/// Whether the bytes begin with the text, as far as there are bytes.
fn begins(bytes: &[u8], text: &[u8]) -> bool {
    let shared = bytes.len().min(text.len());
    shared > 0 && bytes.get(..shared) == text.get(..shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &[u8] = b"PROXY TCP4 192.0.2.1 192.0.2.2 50000 443\r\n";
    const V2: &[u8] =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\xc3\x50\x01\xbb";

    #[test]
    fn both_versions_are_measured() {
        for header in [V1, V2] {
            let whole = [header, b"\x16\x03\x01"].concat();
            assert_eq!(scan(&whole), ProxyHeader::Length(header.len()));
        }
        for cut in 1..V1.len() {
            assert_eq!(scan(&V1[..cut]), ProxyHeader::NeedMore { at_least: cut + 1 });
        }
        for cut in 1..FIXED {
            assert_eq!(scan(&V2[..cut]), ProxyHeader::NeedMore { at_least: FIXED });
        }
    }

    #[test]
    fn other_beginnings_are_no_header() {
        let long = [b"PROXY ", [b'a'; 200].as_slice(), b"\r\n"].concat();
        let old = [SIGNATURE, &[0x11, 0x11, 0, 0]].concat();
        for other in [&b""[..], b"\x16\x03\x01", b"GET / HTTP/1.1\r\n", b"PROPFIND / ", &long, &old]
        {
            assert_eq!(scan(other), ProxyHeader::None, "{other:?}");
        }
    }
}
