//! The certificates that a server shows in TLS 1.2 and older: a name where the hello has none, and
//! evidence of who answered.

use super::TcpFlow;
use crate::capture::context::{Context, Moment};
use crate::capture::dissect::tls::{Certificate, CertificateReader, Certificates, certificates};
use crate::observe::{NameSource, Sink};

impl TcpFlow {
    /// Begins to read certificates with what the server has said so far, from its first byte on,
    /// if anybody wants them.
    pub(super) fn await_certificates<S: Sink>(
        &mut self,
        said: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) {
        let name = self.dialogue.name.map(|(name, _)| name);
        let asked = self.dialogue.tunnel.as_ref().and_then(|tunnel| tunnel.name);
        if context.sink.wants_certificates(name.or(asked)) {
            self.dialogue.certificates = Some(Box::default());
            self.read_certificates(said, moment, context);
        }
    }

    /// Whether certificates are still to come.
    #[inline]
    pub(super) const fn awaits_certificates(&self) -> bool {
        self.dialogue.certificates.is_some()
    }

    /// Reads the next bytes of the server as certificates, and says whether they are that.
    pub(super) fn read_certificates<S: Sink>(
        &mut self,
        bytes: &[u8],
        moment: Moment,
        context: &mut Context<S>,
    ) -> bool {
        let Some(mut reader) = self.dialogue.certificates.take() else { return false };
        match reader.read(bytes) {
            Certificates::Awaited => self.dialogue.certificates = Some(reader),
            Certificates::Whole => {
                self.note_names(&reader, moment, context);
                self.dialogue.chain = context.sink.chain(reader.list());
            }
            Certificates::Absent => return false,
        }
        true
    }

    /// The rest of the certificates will not come. The server's own comes first, so it may be
    /// there.
    pub(super) fn certificates_cut<S: Sink>(&mut self, moment: Moment, context: &mut Context<S>) {
        if let Some(reader) = self.dialogue.certificates.take() {
            self.note_names(&reader, moment, context);
        }
    }

    /// A flow that shows no name of its own is named by a certificate that is for one host only:
    /// nothing tells which of several it went to, and a wildcard is no host.
    fn note_names<S: Sink>(
        &mut self,
        reader: &CertificateReader,
        moment: Moment,
        context: &mut Context<S>,
    ) {
        let is_nameless = self.dialogue.name.is_none()
            && self.dialogue.tunnel.as_ref().is_none_or(|tunnel| tunnel.name.is_none());
        if !S::WANTS_SIGHTINGS && !is_nameless {
            return;
        }
        let Some(certificate) = certificates(reader.list()).next().and_then(Certificate::parse)
        else {
            return;
        };
        if S::WANTS_SIGHTINGS {
            for name in certificate.names() {
                context.name(name.as_bytes(), NameSource::Certificate, moment.time);
            }
        } else if let Some(host) = certificate.sole_host() {
            let name = context.name(host.as_bytes(), NameSource::Certificate, moment.time);
            self.dialogue.name = name.map(|name| (name, NameSource::Certificate));
        }
    }
}
