//! Squid's native access log.
//!
//! ```text
//! 1764130500.250    312 10.1.2.3 TCP_TUNNEL/200 6120 CONNECT www.example.com:443 jdoe HIER_DIRECT/203.0.113.9 -
//! ```
//!
//! The client speaks to the proxy, so the server's address is known only where the proxy went
//! straight to the origin. A `TCP_TUNNEL` line is written when the tunnel ends.

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::Scratch;
use super::record::{Action, Kind, Party, Record};
use super::stamp::Stamp;
use super::value;
use crate::observe::Cause;

/// The format.
pub(super) struct Squid;

impl Format for Squid {
    fn about(&self) -> &'static About {
        &About {
            id: "squid",
            product: "Squid, native access log",
            reference: "Squid: logformat directive, format squid",
            recognised_by: "epoch with milliseconds, elapsed time, client, CODE/status",
            literals: &["TCP_", "NONE", "UDP_"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let words = scratch.words(text);
        let columns = (words.get(0), words.get(3), words.get(5), words.get(6));
        let (Some(time), Some(result), Some(method), Some(target)) = columns else {
            return Reading::NotMine;
        };
        let (Some(time), Some((code, status))) = (value::epoch(time), result_code(result)) else {
            return Reading::NotMine;
        };
        let mut record = Record::new(Kind::Http);
        record.stamp = line.stamp(Stamp::Instant(time), b"");
        record.client = Party::of(words.get(2).and_then(value::address));
        record.proxied = true;
        record.add_url(target);
        if let Some(peer) = words.get(8).and_then(|peer| peer.strip_prefix(b"HIER_DIRECT/")) {
            record.server.address = value::address(peer);
        }
        record.bytes_back = words.get(4).and_then(value::number);
        record.action = action(code, status);
        record.cause = match (record.action, status) {
            (Action::Deny, 407) => Some(Cause::ProxyAuthRequired),
            (Action::Deny, _) => Some(Cause::ProxyDenied),
            (_, 502..=504) => Some(Cause::ProxyFailed),
            _ => None,
        };
        let _ = method;
        emit(record);
        Reading::Records
    }
}

/// `TCP_TUNNEL/200` in its two parts.
fn result_code(raw: &[u8]) -> Option<(&[u8], u16)> {
    let at = memchr::memchr(b'/', raw)?;
    let (code, status) = raw.split_at(at);
    let is_code = code.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    let status = value::number(status.get(1..)?)?;
    (is_code && !code.is_empty()).then_some((code, status))
}

fn action(code: &[u8], status: u16) -> Action {
    if memchr::memmem::find(code, b"DENIED").is_some() {
        Action::Deny
    } else if status == 0 || status >= 500 || memchr::memmem::find(code, b"ABORTED").is_some() {
        Action::Other
    } else {
        Action::Allow
    }
}
