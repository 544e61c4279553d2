//! Conversations over UDP that are followed: QUIC and DTLS.

use super::context::{Context, Moment};
use super::dissect::dtls;
use super::dtls_flow::DtlsFlow;
use super::flow_key::{FlowKey, Way};
use super::packet::Segment;
use super::quic_flow::QuicFlow;
use super::tcp::Icmp;
use crate::observe::{Duration, Sink, Timestamp};

/// A conversation over UDP.
#[derive(Debug)]
pub(crate) enum UdpFlow {
    /// QUIC, or anything else on the port of HTTP/3.
    Quic(QuicFlow),
    /// DTLS.
    Dtls(DtlsFlow),
}

impl UdpFlow {
    /// A conversation whose first datagram is this.
    pub(crate) fn new(segment: &Segment, payload: &[u8], way: Way, moment: Moment) -> Self {
        if dtls::looks_like_dtls(payload) {
            Self::Dtls(DtlsFlow::new(segment, payload, way, moment))
        } else {
            Self::Quic(QuicFlow::new(segment, payload, way, moment))
        }
    }

    /// Whether a DTLS hello opens another conversation on the ports of this one.
    pub(crate) fn gives_way_to_dtls(&self) -> bool {
        match self {
            Self::Quic(flow) => flow.is_unknown(),
            Self::Dtls(flow) => flow.is_settled(),
        }
    }

    /// Whether the attempt is reported, so that it needs no more datagrams.
    pub(crate) fn is_settled(&self) -> bool {
        match self {
            Self::Quic(flow) => flow.is_settled(),
            Self::Dtls(flow) => flow.is_settled(),
        }
    }

    /// Takes the next datagram and returns how long the conversation may pause now.
    #[inline]
    pub(crate) fn datagram<S: Sink>(
        &mut self,
        key: &FlowKey,
        segment: &Segment,
        payload: &[u8],
        way: Way,
        moment: Moment,
        context: &mut Context<S>,
    ) -> Duration {
        match self {
            Self::Quic(flow) => flow.datagram(key, payload, way, moment, context),
            Self::Dtls(flow) => flow.datagram(key, segment, payload, way, moment, context),
        }
    }

    /// Takes an ICMP error that quotes a datagram of this conversation.
    pub(crate) fn icmp_error(&mut self, about: Way, icmp: Icmp, moment: Moment) {
        match self {
            Self::Quic(flow) => flow.icmp_error(about, icmp, moment),
            Self::Dtls(flow) => flow.icmp_error(about, icmp, moment),
        }
    }

    /// The conversation is over, or the capture is.
    pub(crate) fn finish<S: Sink>(
        &self,
        key: &FlowKey,
        until: Timestamp,
        context: &mut Context<S>,
    ) {
        match self {
            Self::Quic(flow) => flow.finish(key, until, context),
            Self::Dtls(flow) => flow.finish(key, until, context),
        }
    }
}
