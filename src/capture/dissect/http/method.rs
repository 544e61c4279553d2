//! The methods that begin a request.

use super::head::skip_empty_lines;

/// The HTTP Method Registry of IANA without `PRI`, which begins HTTP/2 only (RFC 9113 section
/// 3.4), and methods in wide use that are not registered: UPnP events (`NOTIFY`, `SUBSCRIBE`,
/// `UNSUBSCRIBE`, `M-SEARCH`), Exchange WebDAV (`BCOPY` and others, `POLL`, MS-WDVME), RPC over
/// HTTP (`RPC_IN_DATA`, `RPC_OUT_DATA`, MS-RPCH), BITS uploads (`BITS_POST`, MC-BUP), Configuration
/// Manager clients (`CCM_POST`), caches (`PURGE`) and streaming sources (`SOURCE`).
const METHODS: &[&[u8]] = &[
    b"GET ",
    b"POST ",
    b"CONNECT ",
    b"HEAD ",
    b"OPTIONS ",
    b"PUT ",
    b"PATCH ",
    b"DELETE ",
    b"ACL ",
    b"BASELINE-CONTROL ",
    b"BCOPY ",
    b"BDELETE ",
    b"BIND ",
    b"BITS_POST ",
    b"BMOVE ",
    b"BPROPFIND ",
    b"BPROPPATCH ",
    b"CCM_POST ",
    b"CHECKIN ",
    b"CHECKOUT ",
    b"COPY ",
    b"LABEL ",
    b"LINK ",
    b"LOCK ",
    b"M-SEARCH ",
    b"MERGE ",
    b"MKACTIVITY ",
    b"MKCALENDAR ",
    b"MKCOL ",
    b"MKREDIRECTREF ",
    b"MKWORKSPACE ",
    b"MOVE ",
    b"NOTIFY ",
    b"ORDERPATCH ",
    b"POLL ",
    b"PROPFIND ",
    b"PROPPATCH ",
    b"PURGE ",
    b"QUERY ",
    b"REBIND ",
    b"REPORT ",
    b"RPC_IN_DATA ",
    b"RPC_OUT_DATA ",
    b"SEARCH ",
    b"SOURCE ",
    b"SUBSCRIBE ",
    b"TRACE ",
    b"UNBIND ",
    b"UNCHECKOUT ",
    b"UNLINK ",
    b"UNLOCK ",
    b"UNSUBSCRIBE ",
    b"UPDATE ",
    b"UPDATEREDIRECTREF ",
    b"VERSION-CONTROL ",
];

/// Whether what a client sends begins with a known method and a space; empty lines before it are
/// passed over (RFC 9112 section 2.2). `None` when there are too few bytes to tell.
#[must_use]
pub fn looks_like_request(prefix: &[u8]) -> Option<bool> {
    let rest = prefix.get(skip_empty_lines(prefix)..)?;
    let first = rest.first()?;
    if !first.is_ascii_uppercase() {
        return Some(false);
    }
    let mut is_undecided = false;
    for method in METHODS.iter().filter(|method| method.first() == Some(first)) {
        if rest.starts_with(method) {
            return Some(true);
        }
        is_undecided |= method.starts_with(rest);
    }
    if is_undecided { None } else { Some(false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_told_by_its_last_byte() {
        for method in METHODS {
            for cut in 0..method.len() {
                assert_eq!(looks_like_request(&method[..cut]), None, "{method:?} {cut}");
            }
            assert_eq!(looks_like_request(method), Some(true));
            assert_eq!(looks_like_request(&[b"\r\n", *method, b"/"].concat()), Some(true));
        }
    }

    #[test]
    fn other_beginnings_are_no_request() {
        for other in [
            &b"PRI * HTTP/2.0"[..],
            b"get / HTTP/1.1",
            b"GETS",
            b"HTTP/1.1 200 OK",
            b"SSH-2.0",
            b"EHLO example.com",
            b"\x16\x03\x01",
            b" GET /",
        ] {
            assert_eq!(looks_like_request(other), Some(false), "{other:?}");
        }
        assert_eq!(looks_like_request(b"\r\n"), None);
    }
}
