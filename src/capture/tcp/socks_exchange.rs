//! A SOCKS dialogue: the client asks a proxy for a destination and the proxy opens a tunnel.

use super::TcpFlow;
use super::dialogue::{Stage, enter_tunnel};
use super::held::Read;
use super::http_exchange::Tunnel;
use super::outcome::RESPONSE_TIME;
use crate::capture::context::{Context, Moment};
use crate::capture::dissect::socks::{self, Opening, Reply, Scan};
use crate::capture::flow_key::FlowKey;
use crate::observe::{Attempt, Cause, Channel, Fact, NameId, NameSource, Outcome, Sink, Timestamp};

/// User name and password (RFC 1929).
const PASSWORD: u8 = 2;
/// The codes by which a proxy says that its rules forbid the request (RFC 1928 section 6), and
/// that it wants to know the user (version 4).
const NOT_ALLOWED: (u8, u8) = (5, 2);
const WHO_ARE_YOU: [(u8, u8); 2] = [(4, 92), (4, 93)];

/// Whose turn it is to say what.
#[derive(Debug, Default)]
pub(super) enum Socks {
    /// The proxy chooses a method of authentication.
    #[default]
    Method,
    /// The client sends user name and password.
    Password,
    /// The proxy accepts them, or not.
    PasswordReply,
    /// The client asks for a destination.
    Request,
    /// The proxy connects.
    Reply(Asked),
}

/// What the client asked for.
#[derive(Debug)]
pub(super) struct Asked {
    version: u8,
    name: Option<NameId>,
    port: u16,
    sent: Moment,
}

impl TcpFlow {
    /// Begins the dialogue if the originator's first words are those of SOCKS; `None` if they are
    /// not.
    pub(super) fn socks_opening<S: Sink>(
        &mut self,
        prefix: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) -> Option<Read> {
        match socks::scan_opening(prefix) {
            Scan::NeedMore { at_least } => return Some(Read::NeedMore { from: 0, at_least }),
            Scan::NotSocks => return None,
            Scan::Message { what: Opening::Methods, .. } => {
                self.dialogue.socks = Some(Box::default());
            }
            Scan::Message { what: Opening::Request(request), .. } => {
                let asked = asked(4, &request, moment, context);
                self.dialogue.socks = Some(Box::new(Socks::Reply(asked)));
            }
        }
        self.dialogue.stage = Stage::Socks;
        Some(Read::Used)
    }

    /// Reads what the client says next.
    pub(super) fn socks_client<S: Sink>(
        &mut self,
        prefix: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) -> Read {
        let Some(state) = self.dialogue.socks.as_deref_mut() else { return Read::Used };
        match state {
            Socks::Password => match socks::scan_password(prefix) {
                Scan::NeedMore { at_least } => Read::NeedMore { from: 0, at_least },
                Scan::Message { .. } => {
                    *state = Socks::PasswordReply;
                    Read::Used
                }
                Scan::NotSocks => self.not_socks(context),
            },
            Socks::Request => match socks::scan_request(prefix) {
                Scan::NeedMore { at_least } => Read::NeedMore { from: 0, at_least },
                Scan::Message { what, .. } => {
                    *state = Socks::Reply(asked(5, &what, moment, context));
                    Read::Used
                }
                Scan::NotSocks => self.not_socks(context),
            },
            // It does not wait for its turn: an extension that is not known here.
            Socks::Method | Socks::PasswordReply => self.not_socks(context),
            Socks::Reply(_) => Read::Used,
        }
    }

    /// Reads what the proxy says next.
    pub(super) fn socks_proxy<S: Sink>(
        &mut self,
        key: &FlowKey,
        prefix: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) -> Read {
        let Some(state) = self.dialogue.socks.as_deref_mut() else { return Read::Used };
        match state {
            Socks::Method => match socks::scan_method(prefix) {
                Scan::NeedMore { at_least } => return Read::NeedMore { from: 0, at_least },
                Scan::Message { what: 0, .. } => *state = Socks::Request,
                Scan::Message { what: PASSWORD, .. } => *state = Socks::Password,
                Scan::Message { .. } | Scan::NotSocks => return self.not_socks(context),
            },
            Socks::PasswordReply => match socks::scan_password_reply(prefix) {
                Scan::NeedMore { at_least } => return Read::NeedMore { from: 0, at_least },
                Scan::Message { what: true, .. } => *state = Socks::Request,
                Scan::Message { .. } | Scan::NotSocks => return self.not_socks(context),
            },
            Socks::Reply(asked) => match socks::scan_reply(asked.version, prefix) {
                Scan::NeedMore { at_least } => return Read::NeedMore { from: 0, at_least },
                Scan::Message { what, length } => {
                    let early = prefix.get(length..).unwrap_or_default();
                    self.socks_replied(key, what, early, moment, context);
                }
                Scan::NotSocks => return self.not_socks(context),
            },
            // It is not its turn.
            Socks::Password | Socks::Request => return self.not_socks(context),
        }
        Read::Used
    }

    /// Reports a request that got no reply; false when there was none.
    pub(super) fn conclude_socks<S: Sink>(
        &mut self,
        key: &FlowKey,
        until: Timestamp,
        context: &mut Context<S>,
    ) -> bool {
        let Some(Socks::Reply(asked)) = self.dialogue.socks.take().map(|state| *state) else {
            return false;
        };
        let (outcome, fact, at) = self.judge_wait(asked.sent, until, RESPONSE_TIME);
        self.report_socks(key, &asked, outcome, fact, at, context);
        true
    }

    fn socks_replied<S: Sink>(
        &mut self,
        key: &FlowKey,
        reply: Reply,
        early: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) {
        let Some(Socks::Reply(asked)) = self.dialogue.socks.take().map(|state| *state) else {
            return;
        };
        let fact = Fact::SocksReply { version: reply.version, code: reply.code };
        if reply.is_granted() {
            let Asked { name, port, sent, .. } = asked;
            let tunnel = Tunnel { name, source: NameSource::Socks, port, asked: sent, fact };
            enter_tunnel(self, key, tunnel, early, moment, context);
            return;
        }
        let cause = match (reply.version, reply.code) {
            NOT_ALLOWED => Cause::ProxyDenied,
            code if WHO_ARE_YOU.contains(&code) => Cause::ProxyAuthRequired,
            _ => Cause::ProxyFailed,
        };
        self.report_socks(key, &asked, Outcome::Blocked(cause), fact, moment, context);
        self.dialogue.stage = Stage::Settled;
    }

    fn report_socks<S: Sink>(
        &self,
        key: &FlowKey,
        asked: &Asked,
        outcome: Outcome,
        fact: Fact,
        at: Moment,
        context: &mut Context<S>,
    ) {
        let name = asked.name.map(|name| (name, NameSource::Socks));
        let attempt = self.attempt(key, name, outcome, fact, at, context.unit);
        context.sink.attempt(&Attempt {
            channel: Channel::Connect,
            target_port: asked.port,
            decider: None,
            start: asked.sent.time,
            end: at.time.max(asked.sent.time),
            ..attempt
        });
    }

    fn not_socks<S: Sink>(&mut self, context: &mut Context<S>) -> Read {
        self.dialogue.socks = None;
        self.dialogue.stage = Stage::Opaque;
        context.counts.opaque += 1;
        Read::Used
    }
}

fn asked<S: Sink>(
    version: u8,
    request: &socks::Request<'_>,
    moment: Moment,
    context: &mut Context<S>,
) -> Asked {
    let name = request.host.and_then(|host| context.name(host, NameSource::Socks, moment.time));
    Asked { version, name, port: request.port, sent: moment }
}
