//! DNS over TCP (RFC 7766): messages with their length before them.

use super::TcpFlow;
use super::held::{Held, Read};
use crate::capture::context::{Context, Moment};
use crate::capture::dissect::dns;
use crate::capture::dns_transactions;
use crate::capture::flow_key::FlowKey;
use crate::observe::Sink;

/// DNS over TCP (RFC 7766).
const DNS_PORT: u16 = 53;

/// Whether the connection goes to a resolver by its port.
pub(super) fn is_dns(flow: &TcpFlow, key: &FlowKey) -> bool {
    flow.server(key).port == DNS_PORT && flow.dialogue.tunnel.is_none()
}

/// Whether a whole DNS message stands at the front: resolvers listen on other ports, too.
pub(super) fn opens_dns(prefix: &[u8]) -> bool {
    match dns::next_tcp_message(prefix) {
        dns::TcpFrame::Message { range, .. } => prefix.get(range).is_some_and(dns::looks_like_dns),
        dns::TcpFrame::NeedMore { .. } => false,
    }
}

impl TcpFlow {
    /// Reads the messages at the front of what a side has said.
    pub(super) fn dns_messages<S: Sink>(
        &mut self,
        key: &FlowKey,
        prefix: &[u8],
        originates: bool,
        moment: Moment,
        context: &mut Context<S>,
    ) -> Read {
        let mut from = 0;
        loop {
            let rest = prefix.get(from..).unwrap_or_default();
            if rest.is_empty() {
                return Read::Used;
            }
            match dns::next_tcp_message(rest) {
                dns::TcpFrame::NeedMore { at_least } => return Read::NeedMore { from, at_least },
                dns::TcpFrame::Message { range, consumed } => {
                    let message = rest.get(range).unwrap_or_default();
                    let (client, server) = (self.client(key), self.server(key));
                    dns_transactions::message(context, client, server, originates, message, moment);
                    from += consumed.max(1);
                }
            }
        }
    }

    /// What the capture left of a message, behind its length, still answers a question.
    pub(super) fn last_dns_message<S: Sink>(
        &self,
        key: &FlowKey,
        held: &Held,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        if let Some(message) = held.bytes().get(2..) {
            let (client, server) = (self.client(key), self.server(key));
            dns_transactions::message(context, client, server, false, message, moment);
        }
    }
}
