//! HTTP/1 heads: the host that a request asks for and how a response answers (RFC 9112).
//!
//! Every function is pure and looks at the contiguous prefix of one direction of a TCP stream.
//! A head is read once it is whole. One that never becomes whole, has more fields than are
//! usual or is not quite as it should be is read line by line, so that it still names its host:
//! what a firewall blocks is often cut, and what it sends is often sloppy. Where both ways apply
//! they give the same.

mod authority;
mod head;
mod method;
pub mod page;
mod redirect;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use authority::{host_of_uri, split as split_authority};
pub use method::looks_like_request;
pub use redirect::{leads_away, leads_elsewhere};
pub use request::{Request, RequestScan, scan_request, scan_request_onward};
pub use response::{Response, ResponseScan, offers_http3, scan_response, scan_response_onward};

/// The longest head that is read, in bytes. Of a longer one the beginning is read, and it counts as
/// not complete.
pub const MAX_HEAD: usize = 16 * 1024;

/// Runs every function of this module over the bytes and checks what must hold for any bytes.
///
/// # Panics
///
/// When a promise of this module is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_http(bytes: &[u8]) {
    let _ = looks_like_request(bytes);
    // Where a response leads to is text like any other.
    let (host, location) = bytes.split_at(bytes.len().min(16));
    let away = leads_away(host, location).is_some();
    assert!(!away || leads_elsewhere(host, location) || !location.is_empty());
    let check_length = |complete: bool, length: usize| match complete {
        true => assert!(length > 0 && length <= bytes.len().min(MAX_HEAD)),
        false => assert!(length == 0),
    };
    let check_wait = |last: bool, at_least: usize| {
        assert!(!last && at_least > bytes.len() && at_least <= MAX_HEAD);
    };
    for last in [false, true] {
        match scan_request(bytes, last) {
            RequestScan::NeedMore { at_least } => check_wait(last, at_least),
            RequestScan::Request(request) => check_length(request.complete, request.length),
            RequestScan::NotHttp | RequestScan::Malformed => {}
        }
        match scan_response(bytes, last) {
            ResponseScan::NeedMore { at_least } => check_wait(last, at_least),
            ResponseScan::Response(response) => {
                check_length(response.complete, response.length);
                let body = bytes.get(response.length..).unwrap_or_default();
                if let Some(missing) = page::missing(&response, body) {
                    assert!(missing > 0 && body.len() + missing <= page::MAX_LOOK);
                }
                for wanted in [page::Wanted::Anything, page::Wanted::Revocation] {
                    let sign = page::judge(&response, body, b"www.example.com", wanted);
                    assert_eq!(sign, page::judge(&response, body, b"www.example.com", wanted));
                }
            }
            ResponseScan::NotHttp => {}
        }
    }
}
