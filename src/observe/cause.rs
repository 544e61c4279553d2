//! The closed vocabularies: how an attempt ended, what blocked it, why it cannot be judged.

use serde::Serialize;

/// How one attempt to reach a name ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    /// The service itself answered.
    Answered,
    /// A device says it let the attempt through; nobody witnessed an answer.
    Allowed,
    /// Something stopped the attempt.
    Blocked(Cause),
    /// The input cannot tell.
    Inconclusive(Doubt),
}

macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident { $($(#[$item_meta:meta])* $item:ident = $text:literal: $sentence:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum $name {
            $($(#[$item_meta])* #[doc = $sentence] $item,)*
        }

        impl $name {
            /// Every value, in the order of the vocabulary.
            pub const ALL: &'static [Self] = &[$(Self::$item,)*];

            /// The word used in every output.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$item => $text,)* }
            }

            /// The same for a person: a clause that completes a sentence.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$item => $sentence,)* }
            }
        }
    };
}

vocabulary! {
    /// What blocked an attempt.
    Cause {
        DnsNxdomain = "dns_nxdomain": "the resolver says that the name does not exist",
        DnsRefused = "dns_refused": "the resolver refuses to answer for the name",
        DnsServfail = "dns_servfail": "the resolver fails on the name",
        DnsSinkhole = "dns_sinkhole": "the resolver answers with an address that leads nowhere",
        DnsFiltered = "dns_filtered": "a DNS filter answers in the name's place",
        DnsNoAnswer = "dns_no_answer": "the resolver does not answer for the name",
        TcpNoAnswer = "tcp_no_answer": "connection requests get no answer",
        TcpRefused = "tcp_refused": "connection requests are refused with a reset",
        IcmpUnreachable = "icmp_unreachable": "a router reports the destination as unreachable",
        IcmpProhibited = "icmp_prohibited": "a router reports the traffic as administratively prohibited",
        ResetAfterHello = "reset_after_hello": "the connection is reset once the client has named the server",
        ClosedAfterHello = "closed_after_hello": "the connection is closed once the client has named the server",
        NoAnswerAfterHello = "no_answer_after_hello": "nothing answers once the client has named the server",
        TlsAlert = "tls_alert": "the TLS handshake is ended by an alert",
        QuicNoAnswer = "quic_no_answer": "QUIC packets get no answer",
        QuicClosed = "quic_closed": "the QUIC connection is closed during its handshake",
        HttpDenied = "http_denied": "the HTTP request is answered with a denial or a block page",
        ProxyDenied = "proxy_denied": "the proxy denies the request",
        ProxyAuthRequired = "proxy_auth_required": "the proxy asks for credentials and never gets them",
        ProxyFailed = "proxy_failed": "the proxy cannot reach the server",
        DeviceDenied = "device_denied": "a device logs that it denied the traffic",
        DeviceReset = "device_reset": "a device logs that it reset the connection",
        UrlFiltered = "url_filtered": "a URL filter logs that it blocked the name",
        TlsPolicy = "tls_policy": "a TLS inspection policy logs that it blocked the connection",
    }
}

vocabulary! {
    /// Why an attempt cannot be judged.
    Doubt {
        Resolved = "resolved": "the name was resolved and no connection to it was seen",
        CaptureEnded = "capture_ended": "the capture ended before an answer could come",
        OneWay = "one_way": "only one direction was captured",
        MidFlow = "mid_flow": "the capture began in the middle of the connection",
        ClientGaveUp = "client_gave_up": "the client gave up before an answer could come",
        CertificateRefused = "certificate_refused": "the client does not trust the certificate that it was shown, as where TLS inspection shows one of its own",
        HopLimit = "hop_limit": "the hop limit ran out on the way, as traceroute wants it",
        NothingSent = "nothing_sent": "the connection was opened and nothing was sent over it",
        HandshakeCut = "handshake_cut": "the server answered the handshake and nothing after it was seen",
        CutAfterHandshake = "cut_after_handshake": "the connection was reset as soon as the client sent its request",
        AddressShared = "address_shared": "other names that the client had resolved share the address",
        Recovered = "recovered": "the client succeeded at once by another address or question",
        NotKeptApart = "not_kept_apart": "attempts were too many to tell clients apart, and others at the same name succeeded",
        SearchSuffix = "search_suffix": "the name is another name with a search suffix appended",
        NoData = "no_data": "the name exists and has no address of the kind asked for",
        Truncated = "truncated": "the answer was cut short and the name was not answered over TCP",
        PrivateAddress = "private_address": "the name leads to a private address, and nothing tells what answers there",
        PrivateLink = "private_link": "the name leads to a private address by a private-link alias",
        AuthenticationPending = "authentication_pending": "the proxy asked for credentials and the capture ended",
        NotDissected = "not_dissected": "both sides sent data in a protocol that shows no outcome",
        NoConnection = "no_connection": "a device denied packets of a connection whose beginning is not shown",
        QuicOnly = "quic_only": "a device denies QUIC, and whether the client got there by TCP is not shown",
        Logged = "logged": "a device logged the attempt and not what became of it",
        ServerError = "server_error": "the resolver answered with an error that says nothing of the name",
    }
}

impl Outcome {
    /// The word used in every output: `answered`, `allowed`, `blocked` or `inconclusive`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Allowed => "allowed",
            Self::Blocked(_) => "blocked",
            Self::Inconclusive(_) => "inconclusive",
        }
    }

    /// The word for what lies behind the outcome: the cause of a block or the reason of a doubt.
    #[must_use]
    pub const fn cause(self) -> Option<&'static str> {
        match self {
            Self::Answered | Self::Allowed => None,
            Self::Blocked(cause) => Some(cause.as_str()),
            Self::Inconclusive(doubt) => Some(doubt.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_words_and_display_words_are_the_same() {
        for cause in Cause::ALL {
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
        }
        for doubt in Doubt::ALL {
            assert_eq!(serde_json::to_value(doubt).unwrap(), doubt.as_str());
        }
    }
}
