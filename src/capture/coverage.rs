//! What was read of captures and what it was, in sums that reconcile.

/// Declares a struct of counters that add up.
macro_rules! counters {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: u64,)*
        }

        impl $name {
            /// Adds the counts of `other`.
            pub const fn merge(&mut self, other: &Self) {
                $(self.$field += other.$field;)*
            }
        }
    };
}

counters! {
    /// Packets by what became of them. Every packet is counted in exactly one field, except
    /// `cut`, which counts beside the others.
    PacketCounts {
        /// TCP segments.
        tcp,
        /// UDP datagrams.
        udp,
        /// ICMP and ICMPv6 errors that quote a packet.
        icmp_errors,
        /// Fragments of IP packets other than the first.
        fragments,
        /// IP packets of other protocols.
        other_ip,
        /// Packets that carry no IP.
        not_ip,
        /// Packets that could not be understood; the anomalies say how.
        not_understood,
        /// Packets that the snaplen cut.
        cut,
    }
}

impl PacketCounts {
    /// All packets.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.tcp
            + self.udp
            + self.icmp_errors
            + self.fragments
            + self.other_ip
            + self.not_ip
            + self.not_understood
    }
}

counters! {
    /// Conversations by kind, and what hides names or outcomes in them.
    FlowCounts {
        /// TCP connections.
        tcp,
        /// QUIC connections.
        quic,
        /// DTLS connections.
        dtls,
        /// DNS transactions.
        dns,
        /// TCP connections that began before the capture.
        mid_flow,
        /// Conversations of which one direction is in the capture.
        one_way,
        /// TLS hellos with a name.
        hello_named,
        /// TLS hellos without a name.
        hello_unnamed,
        /// TLS hellos that were cut before their name.
        hello_cut,
        /// TLS hellos that offer Encrypted ClientHello, so that the name may be an outer one.
        encrypted_hello,
        /// QUIC connections whose name could not be read.
        quic_unnamed,
        /// QUIC connections of a version that is not known, which hides their name.
        quic_unknown_version,
        /// Connections in which data went in a protocol that is not dissected.
        opaque,
        /// Connections of TLS 1.3 and QUIC, whose certificates are encrypted.
        hidden_certificates,
        /// TLS connections to the port of DNS over TLS (RFC 7858), which hide names.
        dns_over_tls,
        /// QUIC connections to the port of DNS over QUIC (RFC 9250), which hide names.
        dns_over_quic,
        /// Connections to well-known resolvers that speak DNS over HTTPS, which hide names.
        dns_over_https,
        /// Multicast DNS and LLMNR messages, which are no evidence.
        local_names,
        /// Conversations given up because a table was full.
        evicted,
        /// Fragmented packets given up because too many were incomplete at the same time.
        fragments_evicted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_but_the_cut_ones_is_part_of_the_total() {
        let mut counts = PacketCounts { tcp: 1, udp: 2, icmp_errors: 4, ..Default::default() };
        counts.merge(&PacketCounts {
            fragments: 8,
            other_ip: 16,
            not_ip: 32,
            not_understood: 64,
            cut: 1_000,
            ..Default::default()
        });
        assert_eq!(counts.total(), 127);
    }
}
