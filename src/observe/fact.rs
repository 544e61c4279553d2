//! The figures behind an outcome, small enough to be kept with every sample.

use super::{Address, Channel, Duration, Origin, Sender, Sign};

/// What was measured on an attempt; [`Fact::detail`] says it to a person.
///
/// Ordered, so that samples with equal time and place still sort the same everywhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Fact {
    /// Nothing beyond the outcome.
    #[default]
    None,
    /// Connection requests, and how long nothing answered them.
    Requests {
        /// SYNs, or first datagrams, or DNS questions, that were sent.
        count: u32,
        /// From the first of them to the last packet that could have shown an answer.
        waited: Duration,
    },
    /// A reset.
    Reset {
        /// From the packet that provoked it.
        after: Duration,
        /// What its header tells of its sender.
        origin: Origin,
        /// The TLS hello that it came upon.
        hello: Hello,
    },
    /// A connection closed by the responder.
    Closed {
        /// From the hello to the FIN.
        after: Duration,
        /// What the header of the FIN tells of its sender.
        origin: Origin,
        /// The TLS hello that it came upon.
        hello: Hello,
    },
    /// Silence after the hello or request.
    Silence {
        /// From the hello to the last packet that could have shown an answer.
        waited: Duration,
        /// The TLS hello that nothing answered.
        hello: Hello,
    },
    /// Large segments of the client are lost while small ones get through.
    LargeLost {
        /// From the hello or request to the last packet that could have shown an answer.
        waited: Duration,
        /// Payload bytes of the segment that was never acknowledged.
        length: u16,
        /// How often it was sent again.
        again: u8,
        /// The largest packet that passes in bytes by an ICMP error (RFC 1191, RFC 8201), 0 where the
        /// error does not say; `None` when there was no such error.
        limit: Option<u16>,
    },
    /// A cleartext TLS alert.
    Alert {
        /// From the hello.
        after: Duration,
        /// What its header tells of its sender.
        origin: Origin,
        /// Alert level: 1 warning, 2 fatal (RFC 5246 section 7.2).
        level: u8,
        /// Alert description by its registry number.
        description: u8,
    },
    /// The client's own fatal alert about the certificate; `None` where it is encrypted.
    Refusal(Option<u8>),
    /// An ICMP or ICMPv6 error.
    Icmp {
        /// Whether it is ICMPv6.
        v6: bool,
        /// Its type.
        kind: u8,
        /// Its code.
        code: u8,
        /// Who sent it.
        from: Address,
    },
    /// An HTTP status.
    Status(u16),
    /// An HTTP status in a response that may not be the server's own.
    Denial {
        /// The status.
        status: u16,
        /// From the request.
        after: Duration,
        /// What the header of the response's last packet tells of its sender.
        origin: Origin,
        /// What shows that it is not the service's.
        sign: Sign,
    },
    /// What a SOCKS proxy answered.
    SocksReply {
        /// 4 or 5.
        version: u8,
        /// The code of that version.
        code: u8,
    },
    /// A QUIC connection closed with this error code (RFC 9000 section 20).
    QuicClose(u64),
    /// A DNS answer.
    Dns {
        /// The response code, with the extension of EDNS.
        rcode: u16,
        /// Extended DNS Error (RFC 8914), `u16::MAX` when there was none.
        extended: u16,
        /// The first address answered, unspecified when there was none.
        address: Address,
    },
    /// A log speaks of a segment with data, and not of a request for a connection.
    Data,
    /// Bytes that a log says came back from the server.
    Received(u64),
    /// Bytes of payload that each side sent.
    Volume {
        /// By the client.
        sent: u64,
        /// By the responder.
        received: u64,
        /// The TLS hello among them.
        hello: Hello,
    },
}

/// The size of a TLS ClientHello; nothing where there was none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Hello {
    /// Bytes of its first record, 0 where there was no hello.
    pub length: u16,
    /// Whether it came in more than one segment.
    pub split: bool,
}

impl Hello {
    /// The size as the end of a clause; nothing for a hello that fits in a segment.
    fn words(self) -> String {
        if self.split {
            format!("; the hello of {} bytes was sent in parts", self.length)
        } else {
            String::new()
        }
    }
}

impl Fact {
    /// Who sent the packet that ended the attempt, if it was one in the responder's name.
    #[must_use]
    pub fn sender(&self) -> Option<Sender> {
        match *self {
            Self::Reset { after, origin, .. }
            | Self::Closed { after, origin, .. }
            | Self::Alert { after, origin, .. }
            | Self::Denial { after, origin, .. } => Some(origin.sender(Some(after))),
            _ => None,
        }
    }

    /// The TLS hello that the attempt was made with, if there was one.
    #[must_use]
    pub const fn hello(&self) -> Option<Hello> {
        match *self {
            Self::Reset { hello, .. }
            | Self::Closed { hello, .. }
            | Self::Silence { hello, .. }
            | Self::Volume { hello, .. }
                if hello.length > 0 =>
            {
                Some(hello)
            }
            _ => None,
        }
    }

    /// One clause for a person about an attempt by this means; empty for [`Fact::None`].
    #[must_use]
    pub fn detail(&self, channel: Channel) -> String {
        match *self {
            Self::None => String::new(),
            Self::Requests { count, waited } => {
                let noun = match channel {
                    Channel::Dns(_) => "question",
                    Channel::Quic | Channel::Dtls | Channel::Udp => "datagram",
                    _ => "SYN",
                };
                let plural = if count == 1 { "" } else { "s" };
                format!("{count} {noun}{plural}, no answer in {}", waited.humanize())
            }
            Self::Reset { after, origin, hello } => format!(
                "reset {} later, {}{}",
                after.humanize(),
                origin.words(Some(after)),
                hello.words()
            ),
            Self::Closed { after, origin, hello } => format!(
                "closed {} after the hello, {}{}",
                after.humanize(),
                origin.words(Some(after)),
                hello.words()
            ),
            Self::Silence { waited, hello } => {
                format!("no answer in {}{}", waited.humanize(), hello.words())
            }
            Self::LargeLost { waited, length, again, limit } => {
                let times = if again == 1 { "once".to_owned() } else { format!("{again} times") };
                let icmp = match limit {
                    None => "no ICMP error asked for smaller packets".to_owned(),
                    Some(0) => "an ICMP error asked for smaller packets".to_owned(),
                    Some(limit) => format!("an ICMP error asked for packets of {limit} bytes"),
                };
                format!(
                    "no answer in {}; a segment of {length} bytes was sent again {times} and never \
                     acknowledged while smaller ones get through, {icmp}",
                    waited.humanize()
                )
            }
            Self::Alert { after, origin, level, description } => {
                let level = if level == 2 { "fatal" } else { "warning" };
                let name = alert_name(description);
                let origin = origin.words(Some(after));
                format!("{level} alert {description} ({name}) {} later, {origin}", after.humanize())
            }
            Self::Icmp { v6, kind, code, from } => {
                let protocol = if v6 { "ICMPv6" } else { "ICMP" };
                format!("{protocol} type {kind} code {code} from {from}")
            }
            Self::Refusal(Some(description)) => {
                let name = alert_name(description);
                format!("the client's alert {description} ({name})")
            }
            Self::Refusal(None) => {
                "an encrypted alert in place of the client's Finished".to_owned()
            }
            Self::Status(status) => format!("HTTP status {status}"),
            Self::Denial { status, after, origin, sign } => {
                let sign = sign.words();
                let space = if sign.is_empty() { "" } else { " " };
                format!(
                    "HTTP status {status}{space}{sign} {} later, {}",
                    after.humanize(),
                    origin.words(Some(after))
                )
            }
            Self::SocksReply { version, code } => {
                let name = socks_reply_name(version, code);
                format!("SOCKS{version} reply {code} ({name})")
            }
            // Codes 0x100 to 0x1ff carry a TLS alert (RFC 9001 section 4.8).
            Self::QuicClose(code @ 0x100..=0x1ff) => {
                let alert = (code & 0xff) as u8;
                format!(
                    "closed with QUIC error {code:#x}, TLS alert {alert} ({})",
                    alert_name(alert)
                )
            }
            Self::QuicClose(code) => format!("closed with QUIC error {code:#x}"),
            Self::Dns { rcode, extended, address } => {
                let mut text = match rcode_name(rcode) {
                    Some(name) => name.to_owned(),
                    None => format!("rcode {rcode}"),
                };
                if rcode == 0 && address != Address::default() {
                    text.push_str(&format!(", address {address}"));
                }
                if extended != u16::MAX {
                    text.push_str(&format!(", extended error {extended}"));
                    if let Some(name) = extended_error_name(extended) {
                        text.push_str(&format!(" ({name})"));
                    }
                }
                text
            }
            Self::Data => "a segment with data".to_owned(),
            Self::Received(bytes) => format!("{bytes} bytes came back"),
            Self::Volume { sent, received, .. } => {
                format!("{sent} bytes sent, {received} bytes received")
            }
        }
    }
}

/// Names of the IANA registry "TLS Alerts".
const fn alert_name(description: u8) -> &'static str {
    match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => "unassigned",
    }
}

/// What the codes of SOCKS mean (RFC 1928 section 6, and the definition of version 4).
const fn socks_reply_name(version: u8, code: u8) -> &'static str {
    match (version, code) {
        (5, 0) | (4, 90) => "granted",
        (5, 1) => "general failure",
        (5, 2) => "not allowed by ruleset",
        (5, 3) => "network unreachable",
        (5, 4) => "host unreachable",
        (5, 5) => "connection refused",
        (5, 6) => "TTL expired",
        (5, 7) => "command not supported",
        (5, 8) => "address type not supported",
        (4, 91) => "rejected or failed",
        (4, 92) => "no identd at the client",
        (4, 93) => "identd names another user",
        _ => "unassigned",
    }
}

/// Names of the IANA registry "DNS RCODEs".
const fn rcode_name(rcode: u16) -> Option<&'static str> {
    Some(match rcode {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        _ => return None,
    })
}

/// Names of the IANA registry "Extended DNS Error Codes" (RFC 8914 section 4).
const fn extended_error_name(code: u16) -> Option<&'static str> {
    Some(match code {
        0 => "Other",
        3 => "Stale Answer",
        4 => "Forged Answer",
        6 => "DNSSEC Bogus",
        9 => "DNSKEY Missing",
        15 => "Blocked",
        16 => "Censored",
        17 => "Filtered",
        18 => "Prohibited",
        20 => "Not Authoritative",
        22 => "No Reachable Authority",
        23 => "Network Error",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_stays_small() {
        assert!(size_of::<Fact>() <= 32, "{}", size_of::<Fact>());
    }

    #[test]
    fn details_read_as_clauses() {
        let requests = Fact::Requests { count: 3, waited: Duration::from_seconds(7) };
        assert_eq!(requests.detail(Channel::Tcp), "3 SYNs, no answer in 7.0 s");
        assert_eq!(requests.detail(Channel::Dns(1)), "3 questions, no answer in 7.0 s");
        let after = Duration::from_millis(4);
        let alert = Fact::Alert { after, origin: Origin::default(), level: 2, description: 112 };
        assert_eq!(
            alert.detail(Channel::Tls),
            "fatal alert 112 (unrecognized_name) 4.0 ms later, hop limit 0, no other packet of the \
             responder to compare with"
        );
        let hello = Hello { length: 1_758, split: true };
        let silence = Fact::Silence { waited: Duration::from_seconds(9), hello };
        assert_eq!(
            silence.detail(Channel::Tls),
            "no answer in 9.0 s; the hello of 1758 bytes was sent in parts"
        );
        let lost = |limit| {
            let waited = Duration::from_seconds(9);
            Fact::LargeLost { waited, length: 1_460, again: 4, limit }.detail(Channel::Tls)
        };
        assert_eq!(
            lost(None),
            "no answer in 9.0 s; a segment of 1460 bytes was sent again 4 times and never \
             acknowledged while smaller ones get through, no ICMP error asked for smaller packets"
        );
        assert!(lost(Some(1_400)).ends_with("an ICMP error asked for packets of 1400 bytes"));
        let dns = Fact::Dns { rcode: 3, extended: 15, address: Address::default() };
        assert_eq!(dns.detail(Channel::Dns(1)), "NXDOMAIN, extended error 15 (Blocked)");
    }
}
