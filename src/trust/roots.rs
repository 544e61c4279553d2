//! Roots that the user trusts beside the public ones.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject};
use webpki::anchor_from_trusted_cert;

use super::TrustStore;

/// Why a file of roots cannot be used. The sentence continues the name of the file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RootError {
    /// There is no certificate in it.
    #[error(
        "holds no PEM certificate: nothing between -----BEGIN CERTIFICATE----- and \
         -----END CERTIFICATE-----; `openssl x509 -inform der -in FILE -out root.pem` makes one of \
         a binary certificate"
    )]
    NoCertificate,
    /// The text around a certificate is broken.
    #[error("is broken at certificate {number}: {why}")]
    BrokenPem {
        /// Which certificate of the file, from 1.
        number: usize,
        /// What is wrong.
        why: String,
    },
    /// A certificate cannot be read.
    #[error("holds something else than an X.509 certificate as certificate {number}: {why}")]
    NotCertificate {
        /// Which certificate of the file, from 1.
        number: usize,
        /// What is wrong.
        why: String,
    },
}

impl TrustStore {
    /// Trusts every certificate of a PEM text (RFC 7468) as a root. A certificate that a server shows
    /// as its own may be trusted by itself.
    ///
    /// # Errors
    ///
    /// There is no certificate in the text, or one of them cannot be read.
    pub fn add_pem(&mut self, text: &[u8]) -> Result<(), RootError> {
        let mut number = 0;
        for certificate in CertificateDer::pem_slice_iter(text) {
            number += 1;
            let certificate = certificate.map_err(|error| broken(number, &error))?;
            let anchor = anchor_from_trusted_cert(&certificate)
                .map_err(|error| RootError::NotCertificate { number, why: error.to_string() })?
                .to_owned();
            self.authorities.add(&anchor);
            self.anchors.push(anchor);
            self.own.push(certificate);
        }
        if number == 0 { Err(RootError::NoCertificate) } else { Ok(()) }
    }
}

fn broken(number: usize, error: &pem::Error) -> RootError {
    let why = match error {
        pem::Error::MissingSectionEnd { .. } => "its END line is missing".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "its BEGIN line is malformed".to_owned(),
        pem::Error::Base64Decode(_) => "what stands in it is not Base64".to_owned(),
        other => other.to_string(),
    };
    RootError::BrokenPem { number, why }
}
