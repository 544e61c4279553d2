//! Heads of requests (RFC 9112 section 3).

use std::mem::MaybeUninit;

use super::authority::{self, split_at_byte};
use super::head::{self, Framing, HeadAt, MAX_FIELDS, find};

/// The shortest head there is: `A / HTTP/1.1` and two line feeds.
const SHORTEST: usize = 14;

/// What the bytes of a client say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RequestScan<'a> {
    /// The head goes on behind the bytes at hand.
    NeedMore {
        /// The length of the prefix, in bytes, at which another call can get further.
        at_least: usize,
    },
    /// The first line is no request line of HTTP/1, such as one of SIP, RTSP or HTTP/0.9.
    NotHttp,
    /// The first line claims to be HTTP/1 and is no request.
    Malformed,
    /// A request.
    Request(Request<'a>),
}

/// The head of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request<'a> {
    /// The whole head was read. Otherwise it is cut or too long, and every field that is missing
    /// may have stood in the rest.
    pub complete: bool,
    /// The method as sent.
    pub method: &'a [u8],
    /// The target as sent: a path, a URI or an authority (RFC 9112 section 3.2).
    pub target: &'a [u8],
    /// The host that is asked for, without port, brackets and user information: that of the
    /// target when the target has one, which then counts more than the `Host` field (RFC 9112
    /// section 3.2.2), else that of the field. For CONNECT, the target alone counts.
    pub host: Option<&'a [u8]>,
    /// The port beside that host.
    pub port: Option<u16>,
    /// The target is a URI with its scheme, as clients send it to a proxy (RFC 9112 section 3.2.2).
    pub target_is_absolute: bool,
    /// The value of the first `Host` field as sent.
    pub host_header: Option<&'a [u8]>,
    /// There is more than one `Host` field, which a server must refuse (RFC 9112 section 3.2).
    pub several_hosts: bool,
    /// The length of the body in bytes, unless it is absent, invalid or contradictory.
    pub content_length: Option<u64>,
    /// The body is chunked (RFC 9112 section 7.1), whatever `content_length` says.
    pub chunked: bool,
    /// The value of the `Content-Type` field.
    pub content_type: Option<&'a [u8]>,
    /// The value of the `Upgrade` field, such as `websocket` (RFC 9110 section 7.8).
    pub upgrade: Option<&'a [u8]>,
    /// How many bytes of the prefix the head occupies when it is complete; else 0.
    pub length: usize,
}

impl Request<'_> {
    /// The client asks a proxy for a tunnel (RFC 9110 section 9.3.6).
    #[must_use]
    pub fn is_connect(&self) -> bool {
        self.method == b"CONNECT"
    }

    /// The host of the first `Host` field, without port, brackets and user information.
    #[must_use]
    pub fn host_of_header(&self) -> Option<&[u8]> {
        authority::split(self.host_header?).0
    }

    /// The client asks for a change to HTTP/2 in cleartext (RFC 7540 section 3.2).
    #[must_use]
    pub fn wants_http2(&self) -> bool {
        let protocols = self.upgrade.unwrap_or_default().split(|byte| *byte == b',');
        protocols.map(<[u8]>::trim_ascii).any(|name| name.eq_ignore_ascii_case(b"h2c"))
    }

    /// The response has no body, whatever its head says (RFC 9110 section 9.3.2).
    #[must_use]
    pub fn is_head(&self) -> bool {
        self.method == b"HEAD"
    }
}

/// Reads the head of a request. `last` says that no more bytes will come, so that what is there
/// of a cut head is read; then the answer is never [`RequestScan::NeedMore`].
#[must_use]
pub fn scan_request(prefix: &[u8], last: bool) -> RequestScan<'_> {
    scan_request_onward(prefix, 0, last)
}

/// The same for a prefix of which an earlier call wanted `at_least` bytes: the bytes that it has
/// seen are not searched again, so a head that comes byte by byte takes linear time. The result is
/// that of [`scan_request`].
#[must_use]
pub fn scan_request_onward(prefix: &[u8], at_least: usize, last: bool) -> RequestScan<'_> {
    match find(prefix, at_least, SHORTEST, last) {
        HeadAt::NeedMore { at_least: wanted } => {
            // An earlier call may have asked for a whole shortest head behind empty lines.
            let seen = at_least.saturating_sub(head::MAX_EMPTY + SHORTEST);
            let fresh = prefix.get(seen..).unwrap_or(prefix);
            if memchr::memchr(b'\n', fresh).is_some()
                && let Some(refusal) = refusal(prefix)
            {
                return refusal;
            }
            RequestScan::NeedMore { at_least: wanted }
        }
        HeadAt::Whole { head, length } => match parse(head) {
            Some(request) => RequestScan::Request(Request { complete: true, length, ..request }),
            None => match scan_lines(head) {
                Ok(request) => RequestScan::Request(Request { complete: true, length, ..request }),
                Err(refusal) => refusal.into(),
            },
        },
        HeadAt::Cut { head } => match scan_lines(head) {
            Ok(request) => RequestScan::Request(request),
            Err(refusal) => refusal.into(),
        },
    }
}

/// Why the first line of an unfinished head is no request line, if it is whole and is none.
fn refusal(prefix: &[u8]) -> Option<RequestScan<'_>> {
    let head = prefix.get(head::skip_empty_lines(prefix)..)?;
    request_line(head::lines(head).next()?).err().map(RequestScan::from)
}

/// Reads a whole head that is as it should be; `None` for any other, and for one with more fields
/// than there is room for.
fn parse(head: &[u8]) -> Option<Request<'_>> {
    let mut slots = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut []);
    if parsed.parse_with_uninit_headers(head, &mut slots).ok()?.is_partial() {
        return None;
    }
    let mut reading = Reading::new(parsed.method?.as_bytes(), parsed.path?.as_bytes(), true);
    for field in parsed.headers.iter() {
        reading.field(field.name.as_bytes(), field.value);
    }
    Some(reading.finish())
}

/// Why a first line is no request line.
enum Refusal {
    NotHttp,
    Malformed,
}

impl From<Refusal> for RequestScan<'_> {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotHttp => Self::NotHttp,
            Refusal::Malformed => Self::Malformed,
        }
    }
}

/// Reads the lines that there are, one by one.
fn scan_lines(head: &[u8]) -> Result<Request<'_>, Refusal> {
    let Some(first) = head::lines(head).next() else {
        return cut_request_line(head).ok_or(Refusal::Malformed);
    };
    let (method, target) = request_line(first)?;
    let mut reading = Reading::new(method, target, true);
    for (name, value) in head::fields(head) {
        reading.field(name, value);
    }
    Ok(reading.finish())
}

/// Method and target of a request line (RFC 9112 section 3).
fn request_line(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let line = line.trim_ascii_end();
    let version_start = line.len().saturating_sub(b"HTTP/1.1".len());
    let Some((rest, [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0'..=b'9'])) =
        line.split_at_checked(version_start)
    else {
        return Err(Refusal::NotHttp);
    };
    let parts = rest.strip_suffix(b" ").and_then(|rest| split_at_byte(rest, b' '));
    let Some((method, target)) = parts else { return Err(Refusal::Malformed) };
    let target = target.trim_ascii();
    if !is_token(method) || target.is_empty() || target.iter().any(u8::is_ascii_control) {
        return Err(Refusal::Malformed);
    }
    Ok((method, target))
}

/// What is there of a request line that lacks its end: the method, and the target's host if it is
/// sure where the host ends.
fn cut_request_line(line: &[u8]) -> Option<Request<'_>> {
    let (method, behind) = split_at_byte(line, b' ')?;
    if !is_token(method) {
        return None;
    }
    match split_at_byte(behind, b' ') {
        Some((target, _)) => Some(Reading::new(method, target, true).finish()),
        None => Some(Reading::new(method, behind, false).finish()),
    }
}

/// A method is a token (RFC 9110 section 5.6.2).
fn is_token(bytes: &[u8]) -> bool {
    let is_token_byte = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    !bytes.is_empty() && bytes.iter().all(is_token_byte)
}

/// A request under way.
struct Reading<'a> {
    request: Request<'a>,
    framing: Framing,
}

impl<'a> Reading<'a> {
    /// `is_whole` says that the target is not cut.
    fn new(method: &'a [u8], target: &'a [u8], is_whole: bool) -> Self {
        let mut request = Request {
            complete: false,
            method,
            target,
            host: None,
            port: None,
            target_is_absolute: false,
            host_header: None,
            several_hosts: false,
            content_length: None,
            chunked: false,
            content_type: None,
            upgrade: None,
            length: 0,
        };
        if request.is_connect() {
            // Only an authority names a tunnel's end (RFC 9112 section 3.2.3); a path names none.
            if is_whole && !target.starts_with(b"/") {
                (request.host, request.port) = authority::split(target);
            }
        } else if !target.starts_with(b"/")
            && let Some((authority, is_ended)) = authority::of_uri(target)
        {
            request.target_is_absolute = true;
            if is_whole || is_ended {
                (request.host, request.port) = authority::split(authority);
            }
        }
        Self { request, framing: Framing::default() }
    }

    fn field(&mut self, name: &[u8], value: &'a [u8]) {
        let request = &mut self.request;
        if name.eq_ignore_ascii_case(b"host") {
            request.several_hosts |= request.host_header.is_some();
            request.host_header = request.host_header.or(Some(value));
        } else if name.eq_ignore_ascii_case(b"content-type") {
            request.content_type = request.content_type.or(Some(value));
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            request.upgrade = request.upgrade.or(Some(value));
        } else {
            self.framing.field(name, value);
        }
    }

    fn finish(mut self) -> Request<'a> {
        if self.request.host.is_none()
            && !self.request.is_connect()
            && let Some(header) = self.request.host_header
        {
            (self.request.host, self.request.port) = authority::split(header);
        }
        let Framing { content_length, chunked, .. } = self.framing;
        Request { content_length, chunked, ..self.request }
    }
}
