//! Heads of responses (RFC 9112 section 4).

use std::mem::MaybeUninit;

use super::authority::{self, number, split_at_byte};
use super::head::{self, Framing, HeadAt, MAX_FIELDS, find};

/// The shortest head there is: `HTTP/1.1 200` and two line feeds.
const SHORTEST: usize = 14;

/// What the bytes of a responder say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResponseScan<'a> {
    /// The head goes on behind the bytes at hand.
    NeedMore {
        /// The length of the prefix, in bytes, at which another call can get further.
        at_least: usize,
    },
    /// The bytes do not begin with a status line of HTTP/1.
    NotHttp,
    /// A response.
    Response(Response<'a>),
}

/// The head of a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Response<'a> {
    /// The whole head was read. Otherwise it is cut or too long, and every field that is missing
    /// may have stood in the rest.
    pub complete: bool,
    /// The status code, three digits (RFC 9110 section 15).
    pub status: u16,
    /// The value of the `Location` field.
    pub location: Option<&'a [u8]>,
    /// The host of that location, without port and brackets, when it names one.
    pub location_host: Option<&'a [u8]>,
    /// The value of the `Server` field.
    pub server: Option<&'a [u8]>,
    /// The value of the `Via` field: the response came through a proxy, or out of one (RFC 9110
    /// section 7.6.3).
    pub via: Option<&'a [u8]>,
    /// What a proxy says of its own failure: `Proxy-Status` (RFC 9209).
    pub proxy_status: Option<&'a [u8]>,
    /// What Squid says of its own failure or denial: `X-Squid-Error`.
    pub squid_error: Option<&'a [u8]>,
    /// The value of the `Content-Type` field.
    pub content_type: Option<&'a [u8]>,
    /// The value of the `Content-Encoding` field.
    pub content_encoding: Option<&'a [u8]>,
    /// The value of the `Alt-Svc` field (RFC 7838 section 3).
    pub alt_svc: Option<&'a [u8]>,
    /// A proxy asks for credentials (RFC 9110 section 11.7.1).
    pub proxy_authenticate: bool,
    /// The length of the body in bytes, unless it is absent, invalid or contradictory.
    pub content_length: Option<u64>,
    /// The body is chunked (RFC 9112 section 7.1), whatever `content_length` says.
    pub chunked: bool,
    /// How many bytes of the prefix the head occupies when it is complete; else 0.
    pub length: usize,
}

impl Response<'_> {
    /// Another response to the same request follows (RFC 9110 section 15.2); 101 is the last one
    /// of HTTP.
    #[must_use]
    pub fn is_interim(&self) -> bool {
        matches!(self.status, 100..=199) && self.status != 101
    }
}

/// Whether a value of `Alt-Svc` offers HTTP/3 or a draft of it (RFC 9114 section 3.1.1).
#[must_use]
pub fn offers_http3(alt_svc: &[u8]) -> bool {
    alt_svc.split(|byte| *byte == b',').any(|alternative| {
        let protocol = alternative.trim_ascii_start();
        protocol.starts_with(b"h3=") || protocol.starts_with(b"h3-")
    })
}

/// Reads the head of a response. `last` says that no more bytes will come, so that what is there
/// of a cut head is read; then the answer is never [`ResponseScan::NeedMore`].
#[must_use]
pub fn scan_response(prefix: &[u8], last: bool) -> ResponseScan<'_> {
    scan_response_onward(prefix, 0, last)
}

/// The same for a prefix of which an earlier call wanted `at_least` bytes: the bytes that it has
/// seen are not searched again, so a head that comes byte by byte takes linear time. The result is
/// that of [`scan_response`].
#[must_use]
pub fn scan_response_onward(prefix: &[u8], at_least: usize, last: bool) -> ResponseScan<'_> {
    let start = prefix.get(head::skip_empty_lines(prefix)..).unwrap_or_default();
    if !begins_status_line(start) {
        return ResponseScan::NotHttp;
    }
    match find(prefix, at_least, SHORTEST, last) {
        HeadAt::NeedMore { at_least } => ResponseScan::NeedMore { at_least },
        HeadAt::Whole { head, length } => match parse(head).or_else(|| scan_lines(head)) {
            Some(response) => {
                ResponseScan::Response(Response { complete: true, length, ..response })
            }
            None => ResponseScan::NotHttp,
        },
        HeadAt::Cut { head } => match scan_lines(head) {
            Some(response) => ResponseScan::Response(response),
            None => ResponseScan::NotHttp,
        },
    }
}

/// Whether the bytes, as far as they go, are `HTTP/1.` with a digit, a space, three digits and what
/// may follow them.
fn begins_status_line(bytes: &[u8]) -> bool {
    let is_version = bytes.iter().zip(b"HTTP/1.").all(|(have, want)| have == want);
    let fits = |(at, byte): (usize, &u8)| match at {
        0..=6 => true,
        7 | 9..=11 => byte.is_ascii_digit(),
        8 => *byte == b' ',
        _ => matches!(byte, b' ' | b'\r' | b'\n' | b'\t'),
    };
    is_version && bytes.iter().enumerate().take(13).all(fits)
}

/// Reads a whole head that is as it should be; `None` for any other, and for one with more fields
/// than there is room for.
fn parse(head: &[u8]) -> Option<Response<'_>> {
    let mut slots = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let status = config.parse_response_with_uninit_headers(&mut parsed, head, &mut slots).ok()?;
    if status.is_partial() {
        return None;
    }
    let mut reading = Reading::new(parsed.code?);
    for field in parsed.headers.iter() {
        reading.field(field.name.as_bytes(), field.value);
    }
    Some(reading.finish())
}

/// Reads the lines that there are, one by one. The status needs its three digits only.
fn scan_lines(head: &[u8]) -> Option<Response<'_>> {
    let (_, behind) = split_at_byte(head, b' ')?;
    let status = number(behind.get(..3)?)?;
    let mut reading = Reading::new(status.try_into().ok()?);
    for (name, value) in head::fields(head) {
        reading.field(name, value);
    }
    Some(reading.finish())
}

/// A response under way.
struct Reading<'a> {
    response: Response<'a>,
    framing: Framing,
}

impl<'a> Reading<'a> {
    fn new(status: u16) -> Self {
        let response = Response {
            complete: false,
            status,
            location: None,
            location_host: None,
            server: None,
            via: None,
            proxy_status: None,
            squid_error: None,
            content_type: None,
            content_encoding: None,
            alt_svc: None,
            proxy_authenticate: false,
            content_length: None,
            chunked: false,
            length: 0,
        };
        Self { response, framing: Framing::default() }
    }

    fn field(&mut self, name: &[u8], value: &'a [u8]) {
        let response = &mut self.response;
        let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
        let place = if is(b"location") {
            &mut response.location
        } else if is(b"server") {
            &mut response.server
        } else if is(b"via") {
            &mut response.via
        } else if is(b"proxy-status") {
            &mut response.proxy_status
        } else if is(b"x-squid-error") {
            &mut response.squid_error
        } else if is(b"content-type") {
            &mut response.content_type
        } else if is(b"content-encoding") {
            &mut response.content_encoding
        } else if is(b"alt-svc") {
            &mut response.alt_svc
        } else {
            response.proxy_authenticate |= is(b"proxy-authenticate");
            return self.framing.field(name, value);
        };
        *place = place.or(Some(value));
    }

    fn finish(self) -> Response<'a> {
        let location_host = self.response.location.and_then(authority::host_of_uri);
        let Framing { content_length, chunked, .. } = self.framing;
        Response { location_host, content_length, chunked, ..self.response }
    }
}
