//! Squid's native access log, also with columns that a `logformat` adds.
//!
//! ```text
//! 1764130500.250    312 10.1.2.3 TCP_TUNNEL/200 6120 CONNECT www.example.com:443 jdoe HIER_DIRECT/203.0.113.9 -
//! ```
//!
//! The client speaks to the proxy, so the server's address is known only where the proxy went
//! straight to the origin (`HIER_DIRECT`). A `TCP_TUNNEL` line is written when the tunnel ends.
//!
//! Squid documentation, "logformat" directive, format `squid`; "Squid Log Files".
//!
//! What it witnesses: The size is the reply's, with its head: for a tunnel what went through it. With
//! any result code only 2xx opens a CONNECT, 403 and 451 are denials; who denied is the parent where
//! the hierarchy names one.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Columns, Scratch};
use super::super::record::{Action, Record};
use super::{Access, AccessLine};

/// The format.
pub(in crate::logs) struct Squid;

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
        let access = match AccessLine::parse(text, &words, line) {
            Access::Not => return Reading::NotMine,
            Access::Cut => return Reading::Damaged,
            Access::Line(access) => access,
        };
        let Some(mut record) = access.record() else { return Reading::NoRecord };
        if record.names.is_empty() {
            add_server_name(&mut record, &words, access.behind_target);
        }
        if record.action != Action::Allow {
            record.decider.reason = Some(Cow::Borrowed(access.result));
        }
        emit(&record);
        Reading::Records
    }
}

/// The server name of a TLS hello that Squid looked into, where the CONNECT was to an address and
/// the `logformat` has a column `sni=%ssl::>sni`.
fn add_server_name<'l>(record: &mut Record<'l>, words: &Columns<'_, 'l>, from: usize) {
    for word in (from..words.len()).filter_map(|at| words.get(at)) {
        if let Some(name) = word.strip_prefix(b"sni=") {
            record.add_name(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = "\
1764130500.250    312 10.1.2.3 TCP_TUNNEL/200 6120 CONNECT www.example.com:443 - HIER_DIRECT/203.0.113.9 -
1764130501.000      0 10.1.2.3 TCP_DENIED/403 3868 CONNECT blocked.example.com:443 - HIER_NONE/- text/html
1764130502.000      0 10.1.2.3 TCP_DENIED/407 3980 GET http://auth.example.com/x jdoe HIER_NONE/- text/html
1764130503.000  60000 10.1.2.3 TCP_MISS/503 3980 CONNECT down.example.com:443 - HIER_NONE/- text/html
1764130504.000      0 10.1.2.3 NONE/400 3980 NONE error:invalid-request - HIER_NONE/- text/html
1764130505.000      0 10.1.2.3 TCP_TUNNEL/200 39 CONNECT 203.0.113.10:443 - HIER_DIRECT/203.0.113.10 - sni=api.example.com
<14>Nov 26 04:15:06 proxy squid[9]: 1764130506.000 5 10.1.2.3 50123 TCP_MISS/200 90 12 - GET http://a.example.com:8080/ 1.1 - FIRSTUP_PARENT/192.0.2.8 3128 -
1764130507.000      0 10.1.2.3 TCP_DEN
";

    #[test]
    fn lines_say_who_ended_a_request() {
        let expected = [
            "1 allow http - 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z",
            "2 deny http - 10.1.2.3 -#443 blocked.example.com 2025-11-26T04:15:01Z proxy_denied",
            "3 deny http - 10.1.2.3 -#80 auth.example.com 2025-11-26T04:15:02Z proxy_auth_required",
            "4 other http - 10.1.2.3 -#443 down.example.com 2025-11-26T04:15:03Z proxy_failed",
            "6 allow http - 10.1.2.3 203.0.113.10#443 api.example.com 2025-11-26T04:15:05Z",
            "7 allow http - 10.1.2.3 -#8080 a.example.com 2025-11-26T04:15:06Z",
        ];
        assert_eq!(records_of("squid", LOG), expected);
    }

    #[test]
    fn a_result_code_elsewhere_is_no_access_line() {
        let log = "Nov 26 04:15:00 host app: wrote TCP_MISS/200 to 10.1.2.3\n";
        assert_eq!(records_of("squid", log), [""; 0]);
    }
}
