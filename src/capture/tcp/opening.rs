//! The first words of a connection: which protocol is spoken.

use super::TcpFlow;
use super::dialogue::Stage;
use super::dns_messages::{is_dns, opens_dns};
use super::held::{MAX_HELD, Read};
use super::starttls;
use crate::capture::context::{Context, Moment};
use crate::capture::dissect::proxy_protocol::{self, ProxyHeader};
use crate::capture::dissect::{http, http2, tls};
use crate::capture::flow_key::FlowKey;
use crate::observe::Sink;

impl TcpFlow {
    /// Reads the first words of the originator, behind what a load balancer may have put before
    /// them.
    pub(super) fn recognise<S: Sink>(
        &mut self,
        key: &FlowKey,
        prefix: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) -> Read {
        let length = match proxy_protocol::scan(prefix) {
            ProxyHeader::None => return self.recognise_protocol(key, prefix, moment, context),
            ProxyHeader::NeedMore { at_least } => return Read::NeedMore { from: 0, at_least },
            ProxyHeader::Length(length) => length,
        };
        let Some(rest) = prefix.get(length..).filter(|rest| !rest.is_empty()) else {
            return Read::NeedMore { from: 0, at_least: length.saturating_add(1) };
        };
        self.recognise_protocol(key, rest, moment, context).behind(length)
    }

    /// Reads what the originator says in a protocol that may change to TLS. A hello is known by
    /// itself, so the words that lead to it need not be understood.
    pub(super) fn change_to_tls<S: Sink>(
        &mut self,
        key: &FlowKey,
        prefix: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) -> Read {
        match tls::looks_like_tls(prefix) {
            Some(true) => self.client_hello(key, prefix, moment, context),
            None if prefix.len() < MAX_HELD => {
                Read::NeedMore { from: 0, at_least: prefix.len() + 1 }
            }
            _ => Read::Used,
        }
    }

    fn recognise_protocol<S: Sink>(
        &mut self,
        key: &FlowKey,
        prefix: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) -> Read {
        match tls::looks_like_tls(prefix) {
            Some(true) => return self.client_hello(key, prefix, moment, context),
            None if prefix.len() < MAX_HELD => {
                return Read::NeedMore { from: 0, at_least: prefix.len() + 1 };
            }
            _ => {}
        }
        match http2::looks_like_preface(prefix) {
            Some(true) => {
                self.begin_http2(None);
                return self.http2_frames(key, prefix, true, moment, context);
            }
            None => return Read::NeedMore { from: 0, at_least: prefix.len() + 1 },
            Some(false) => {}
        }
        match http::looks_like_request(prefix) {
            Some(true) => {
                self.dialogue.stage = Stage::Http;
                return self.requests(key, prefix, moment, context);
            }
            None => return Read::NeedMore { from: 0, at_least: prefix.len() + 1 },
            Some(false) => {}
        }
        if is_dns(self, key) || opens_dns(prefix) {
            self.dialogue.stage = Stage::Dns;
            return self.dns_messages(key, prefix, true, moment, context);
        }
        if let Some(read) = self.socks_opening(prefix, moment, context) {
            return read;
        }
        if starttls::may_change_to_tls(prefix) {
            self.dialogue.stage = Stage::Clear;
            return Read::Used;
        }
        self.dialogue.stage = Stage::Opaque;
        context.counts.opaque += 1;
        Read::Used
    }
}
