//! SOCKS: the destination that a client asks a proxy for, and what the proxy answers: version 5
//! (RFC 1928, RFC 1929), and version 4 with its extension 4A for names.
//!
//! Every function is pure and looks at the contiguous prefix of one direction of a TCP stream.
//! The messages have no mark beyond their version, so a message must be whole and consist of
//! nothing that the standard does not know.

/// How far a message was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scan<T> {
    /// The message goes on behind the bytes at hand.
    NeedMore {
        /// How long the prefix must be before another call makes sense.
        at_least: usize,
    },
    /// A whole message.
    Message {
        /// What it says.
        what: T,
        /// How many bytes it takes.
        length: usize,
    },
    /// Something else.
    NotSocks,
}

/// What a client says first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening<'a> {
    /// Version 5: the methods of authentication that it offers. A request follows.
    Methods,
    /// Version 4: the request itself.
    Request(Request<'a>),
}

/// A request for a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request<'a> {
    /// The name of the destination as sent, or none where it is an address.
    pub host: Option<&'a [u8]>,
    /// Its port.
    pub port: u16,
}

/// What a proxy answers to a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reply {
    /// 4 or 5.
    pub version: u8,
    /// The code: 0 in version 5 (RFC 1928 section 6) and 90 in version 4 say that the request was
    /// granted.
    pub code: u8,
}

impl Reply {
    /// Whether the tunnel is open.
    #[must_use]
    pub const fn is_granted(self) -> bool {
        matches!((self.version, self.code), (5, 0) | (4, 90))
    }
}

/// The command to connect, in both versions.
const CONNECT: u8 = 1;
/// The longest user name and host name of version 4 that are believed.
const MAX_TEXT: usize = 255;

/// Reads what a client says first. It waits for an answer then, so nothing follows.
#[must_use]
pub fn scan_opening(prefix: &[u8]) -> Scan<Opening<'_>> {
    match prefix {
        [] => Scan::NeedMore { at_least: 1 },
        [5] => Scan::NeedMore { at_least: 2 },
        [5, count, methods @ ..] => {
            let count = usize::from(*count);
            // Those that IANA has assigned, and those for private use.
            let known = methods.iter().all(|method| matches!(method, 0..=9 | 0x80..=0xfe));
            if count == 0 || methods.len() > count || !known {
                Scan::NotSocks
            } else if methods.len() < count {
                Scan::NeedMore { at_least: count.saturating_add(2) }
            } else {
                Scan::Message { what: Opening::Methods, length: prefix.len() }
            }
        }
        [4, ..] => scan_request_4(prefix),
        _ => Scan::NotSocks,
    }
}

/// Reads the choice of a method by the proxy, version 5: 0xff is none.
#[must_use]
pub fn scan_method(prefix: &[u8]) -> Scan<u8> {
    match prefix {
        [5, method, ..] => Scan::Message { what: *method, length: 2 },
        [] | [5] => Scan::NeedMore { at_least: 2 },
        _ => Scan::NotSocks,
    }
}

/// Reads a user name and password (RFC 1929 section 2), without looking at them.
#[must_use]
pub fn scan_password(prefix: &[u8]) -> Scan<()> {
    let [version, user_length, rest @ ..] = prefix else {
        return Scan::NeedMore { at_least: 2 };
    };
    if *version != 1 {
        return Scan::NotSocks;
    }
    let user_end = usize::from(*user_length);
    let Some(password_length) = rest.get(user_end) else {
        return Scan::NeedMore { at_least: user_end.saturating_add(3) };
    };
    let length = user_end.saturating_add(usize::from(*password_length)).saturating_add(3);
    if prefix.len() < length {
        return Scan::NeedMore { at_least: length };
    }
    Scan::Message { what: (), length }
}

/// Reads the proxy's word on a password: whether it is accepted.
#[must_use]
pub fn scan_password_reply(prefix: &[u8]) -> Scan<bool> {
    match prefix {
        [1, status, ..] => Scan::Message { what: *status == 0, length: 2 },
        [] | [1] => Scan::NeedMore { at_least: 2 },
        _ => Scan::NotSocks,
    }
}

/// Reads a request of version 5 (RFC 1928 section 4). Others than for a connection are none here.
#[must_use]
pub fn scan_request(prefix: &[u8]) -> Scan<Request<'_>> {
    let is_start = prefix.iter().zip([5, CONNECT, 0]).all(|(byte, expected)| *byte == expected);
    if !is_start {
        return Scan::NotSocks;
    }
    match scan_address(prefix) {
        Scan::Message { what: (host, port), length } => {
            Scan::Message { what: Request { host, port }, length }
        }
        Scan::NeedMore { at_least } => Scan::NeedMore { at_least },
        Scan::NotSocks => Scan::NotSocks,
    }
}

/// Reads the answer to a request of this version.
#[must_use]
pub fn scan_reply(version: u8, prefix: &[u8]) -> Scan<Reply> {
    if version == 4 {
        return match prefix {
            // The version of the reply is 0; some proxies send 4.
            [0 | 4, code @ 90..=93, _, _, _, _, _, _, ..] => {
                Scan::Message { what: Reply { version, code: *code }, length: 8 }
            }
            [] | [0 | 4] | [0 | 4, 90..=93, ..] => Scan::NeedMore { at_least: 8 },
            _ => Scan::NotSocks,
        };
    }
    match prefix {
        [] | [5] => Scan::NeedMore { at_least: 2 },
        [5, code, ..] => match scan_address(prefix) {
            Scan::Message { length, .. } => {
                Scan::Message { what: Reply { version, code: *code }, length }
            }
            Scan::NeedMore { at_least } => Scan::NeedMore { at_least },
            Scan::NotSocks => Scan::NotSocks,
        },
        _ => Scan::NotSocks,
    }
}

/// The address and port after the first three bytes of a message of version 5.
fn scan_address(prefix: &[u8]) -> Scan<(Option<&[u8]>, u16)> {
    const V4: u8 = 1;
    const NAME: u8 = 3;
    const V6: u8 = 4;
    let (start, length) = match (prefix.get(3), prefix.get(4)) {
        (Some(&V4), _) => (4, 4),
        (Some(&V6), _) => (4, 16),
        (Some(&NAME), Some(length)) => (5, usize::from(*length)),
        (Some(&NAME) | None, None) => return Scan::NeedMore { at_least: prefix.len().max(4) + 1 },
        _ => return Scan::NotSocks,
    };
    let end = start + length;
    match (prefix.get(start..end), prefix.get(end..end + 2)) {
        (Some(host), Some([high, low])) => {
            let host = Some(host).filter(|_| start == 5);
            let port = u16::from_be_bytes([*high, *low]);
            Scan::Message { what: (host, port), length: end + 2 }
        }
        _ => Scan::NeedMore { at_least: end + 2 },
    }
}

/// A request of version 4: port, address, user name and, where the address is 0.0.0.x, a name.
fn scan_request_4(prefix: &[u8]) -> Scan<Opening<'_>> {
    let [_, command, high, low, address @ ..] = prefix.get(..8).unwrap_or(prefix) else {
        return match prefix.get(1) {
            None | Some(&CONNECT) => Scan::NeedMore { at_least: 9 },
            Some(_) => Scan::NotSocks,
        };
    };
    let port = u16::from_be_bytes([*high, *low]);
    if *command != CONNECT || port == 0 {
        return Scan::NotSocks;
    }
    let Some((user, length)) = text(prefix, 8) else { return Scan::NotSocks };
    if !user {
        return Scan::NeedMore { at_least: prefix.len().max(8) + 1 };
    }
    let is_named = matches!(address, [0, 0, 0, last] if *last != 0);
    let (host, length) = if is_named {
        match text(prefix, length) {
            None => return Scan::NotSocks,
            Some((false, _)) => return Scan::NeedMore { at_least: prefix.len() + 1 },
            Some((true, end)) => (prefix.get(length..end.saturating_sub(1)), end),
        }
    } else {
        (None, length)
    };
    if length < prefix.len() {
        return Scan::NotSocks;
    }
    Scan::Message { what: Opening::Request(Request { host, port }), length }
}

/// Whether the text that starts at `start` is there with its final zero, and where it ends;
/// `None` when it is no text.
fn text(prefix: &[u8], start: usize) -> Option<(bool, usize)> {
    let rest = prefix.get(start..).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == 0);
    let text = rest.get(..end.unwrap_or(rest.len()))?;
    if text.len() > MAX_TEXT || text.iter().any(|byte| byte.is_ascii_control()) {
        return None;
    }
    Some((end.is_some(), start.saturating_add(text.len()).saturating_add(1)))
}

/// Runs every function of this module over the bytes and checks what must hold for any bytes.
///
/// # Panics
///
/// When a promise of this module is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_socks(bytes: &[u8]) {
    fn check<T>(bytes: &[u8], scan: &Scan<T>) {
        match scan {
            Scan::NeedMore { at_least } => assert!(*at_least > bytes.len()),
            Scan::Message { length, .. } => assert!(*length > 0 && *length <= bytes.len()),
            Scan::NotSocks => {}
        }
    }
    check(bytes, &scan_opening(bytes));
    check(bytes, &scan_method(bytes));
    check(bytes, &scan_password(bytes));
    check(bytes, &scan_password_reply(bytes));
    check(bytes, &scan_request(bytes));
    check(bytes, &scan_reply(4, bytes));
    check(bytes, &scan_reply(5, bytes));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIVE: &[u8] = b"\x05\x01\x00\x03\x0bexample.com\x01\xbb";
    const FOUR: &[u8] = b"\x04\x01\x01\xbb\0\0\0\x01me\0example.com\0";

    #[test]
    fn requests_name_their_destination() {
        let named = Request { host: Some(b"example.com"), port: 443 };
        assert_eq!(scan_request(FIVE), Scan::Message { what: named, length: FIVE.len() });
        let opening = Scan::Message { what: Opening::Request(named), length: FOUR.len() };
        assert_eq!(scan_opening(FOUR), opening);
        let address = b"\x04\x01\x00\x50\xc0\0\x02\x01\0";
        let bare = Opening::Request(Request { host: None, port: 80 });
        assert_eq!(scan_opening(address), Scan::Message { what: bare, length: 9 });
    }

    #[test]
    fn a_message_that_is_cut_waits_for_the_rest() {
        for end in 0..FIVE.len() {
            assert!(matches!(scan_request(&FIVE[..end]), Scan::NeedMore { .. }), "{end}");
        }
        for end in 0..FOUR.len() {
            assert!(matches!(scan_opening(&FOUR[..end]), Scan::NeedMore { .. }), "{end}");
        }
    }

    #[test]
    fn other_first_words_are_not_taken_for_socks() {
        let others: [&[u8]; 5] = [
            b"\x05\x00\x0b\x03",
            b"\x05\x01\x00\x00",
            b"EHLO x",
            b"\x04\x02\0\x50",
            b"\x05\x02\x77",
        ];
        for other in others {
            assert_eq!(scan_opening(other), Scan::NotSocks, "{other:?}");
        }
    }

    #[test]
    fn replies_tell_what_the_proxy_did() {
        let granted = scan_reply(5, b"\x05\0\0\x01\0\0\0\0\0\0rest");
        let reply = Reply { version: 5, code: 0 };
        assert_eq!(granted, Scan::Message { what: reply, length: 10 });
        assert!(reply.is_granted());
        let rejected = scan_reply(4, b"\0\x5b\0\0\0\0\0\0");
        assert_eq!(rejected, Scan::Message { what: Reply { version: 4, code: 91 }, length: 8 });
    }

    proptest! {
        #[test]
        fn any_bytes_keep_the_promises(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            fuzz_socks(&bytes);
        }

        #[test]
        fn bytes_like_socks_keep_the_promises(
            first in prop::sample::select(vec![1_u8, 4, 5]),
            bytes in prop::collection::vec(0_u8..6, 0..40),
        ) {
            let mut bytes = bytes;
            bytes.insert(0, first);
            fuzz_socks(&bytes);
        }
    }
}
