//! Whether the certificates that a server showed lead to a root that everybody trusts.
//!
//! A device that inspects TLS answers in the server's place with a certificate of its own, issued by
//! a root that only the machines of its network know. Such a chain does not lead to a public root.
//! Not every chain that leads nowhere was made by such a device, though: servers forget to send
//! intermediate certificates, and captures outlive roots. So there are three answers, and the rule is
//! this:
//!
//! 1. The chain leads to a public root (Mozilla's list, as of the build) or to one that the user
//!    trusts, with every signature right: [`Standing::Trusted`]. It does not matter whether it was
//!    expired at that time, since nobody but the root's own people can have issued it.
//! 2. Otherwise it is [`Standing::Unknown`] if anything says that a public authority may have issued
//!    it all the same:
//!    - an issuer along the chain, by its name or its organisation, has or had a public root;
//!    - the certificate holds timestamps of the public logs, which take certificates of public
//!      authorities only (RFC 6962 section 3.1);
//!    - it is older than the Baseline Requirements of the CA/Browser Forum, of 2012-07-01;
//!    - it states both its policies and where to ask its issuer, as those requirements want it, and
//!      is of the time before browsers demanded timestamps (2018-05-01);
//!    - the chain ends before a self-signed certificate, and the certificate states either.
//! 3. What is left is [`Standing::Private`]: no public authority issues such a certificate.
//!
//! A service that shows a certificate of a private authority, or one signed by itself, to everybody
//! looks the same from here. Its root is to be given as one that is trusted.

mod authorities;
mod roots;

use std::time::Duration as Seconds;

use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage};

use self::authorities::Authorities;
pub use self::roots::RootError;
use crate::capture::dissect::tls::{Certificate, DistinguishedName, certificates};
use crate::observe::Timestamp;

/// Certificates of one chain that are looked at.
const MAX_SHOWN: usize = 16;

/// Since when public authorities keep to the Baseline Requirements: 2012-07-01.
const BASELINE_REQUIREMENTS: i64 = 1_341_100_800;
/// Since when browsers demand timestamps of public logs: 2018-05-01.
const TIMESTAMPS_DEMANDED: i64 = 1_525_132_800;

/// The longest issuer that is shown, in characters; longer ones are cut.
const MAX_ISSUER: usize = 80;

/// What a chain of certificates tells of who answered.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Standing {
    /// It leads to a trusted root.
    Trusted,
    /// It leads to a root that is not public, and somebody else than the service answered.
    Private {
        /// Who issued the certificate, by its own word.
        issuer: String,
    },
    /// It cannot be told where it leads.
    Unknown,
}

impl Standing {
    /// Whether somebody else than the service answered.
    #[must_use]
    pub const fn is_private(&self) -> bool {
        matches!(self, Self::Private { .. })
    }

    /// One clause for a person about a private chain; none for the others.
    #[must_use]
    pub fn sentence(&self) -> Option<String> {
        match self {
            Self::Private { issuer } => {
                Some(format!("certificate issued by \"{issuer}\" does not lead to a public root"))
            }
            Self::Trusted | Self::Unknown => None,
        }
    }
}

/// The roots that are trusted: the public ones and those that the user gives.
#[derive(Clone, Debug)]
pub struct TrustStore {
    /// The certificates of the user.
    own: Vec<CertificateDer<'static>>,
    anchors: Vec<TrustAnchor<'static>>,
    authorities: Authorities,
}

impl Default for TrustStore {
    fn default() -> Self {
        Self::public()
    }
}

impl TrustStore {
    /// The public roots.
    #[must_use]
    pub fn public() -> Self {
        let anchors = webpki_roots::TLS_SERVER_ROOTS.to_vec();
        let authorities = Authorities::of(&anchors);
        Self { own: Vec::new(), anchors, authorities }
    }

    /// Judges a certificate list as it was shown at an instant: the body of a Certificate message
    /// (RFC 5246 section 7.4.2).
    #[must_use]
    pub fn judge(&self, list: &[u8], at: Timestamp) -> Standing {
        let shown: Vec<&[u8]> = certificates(list).take(MAX_SHOWN).collect();
        let parsed: Vec<Certificate<'_>> =
            shown.iter().filter_map(|der| Certificate::parse(der)).collect();
        let (Some(leaf), true) = (parsed.first(), parsed.len() == shown.len()) else {
            return Standing::Unknown;
        };
        if self.leads_to_root(&shown, leaf, at) {
            return Standing::Trusted;
        }
        if self.may_be_public(&parsed, leaf) {
            return Standing::Unknown;
        }
        let issuer = DistinguishedName::parse(leaf.issuer());
        let issuer = issuer.short().unwrap_or("an issuer without a name");
        Standing::Private { issuer: shorten(issuer) }
    }

    /// Whether every signature from the certificate up to a root is right.
    fn leads_to_root(&self, shown: &[&[u8]], leaf: &Certificate<'_>, at: Timestamp) -> bool {
        let Some((own, intermediates)) = shown.split_first() else { return false };
        if self.own.iter().any(|trusted| trusted.as_ref() == *own) {
            return true;
        }
        let own = CertificateDer::from(*own);
        let Ok(own) = EndEntityCert::try_from(&own) else { return false };
        let intermediates: Vec<CertificateDer<'_>> =
            intermediates.iter().map(|der| CertificateDer::from(*der)).collect();
        let verify = |seconds: i64| {
            let seconds = Seconds::from_secs(u64::try_from(seconds).unwrap_or_default());
            own.verify_for_usage(
                ALL_VERIFICATION_ALGS,
                &self.anchors,
                &intermediates,
                UnixTime::since_unix_epoch(seconds),
                KeyUsage::server_auth(),
                None,
                None,
            )
            .map(|_| ())
        };
        match verify(at.nanos().div_euclid(1_000_000_000)) {
            Ok(()) => true,
            // Who issued it does not depend on the time.
            Err(Error::CertExpired { .. } | Error::CertNotValidYet { .. }) => {
                let (start, end) = leaf.validity();
                [start, end].into_iter().any(|instant| verify(instant).is_ok())
            }
            Err(_) => false,
        }
    }

    /// Whether a public authority may have issued a certificate whose chain leads to no root.
    fn may_be_public(&self, shown: &[Certificate<'_>], leaf: &Certificate<'_>) -> bool {
        let mut path = vec![leaf];
        let is_complete = loop {
            let Some(top) = path.last() else { return true };
            if self.authorities.knows(top.issuer()) {
                return true;
            }
            if top.subject() == top.issuer() {
                break true;
            }
            let issuer = shown.iter().find(|certificate| certificate.subject() == top.issuer());
            match issuer {
                Some(issuer) if path.len() < MAX_SHOWN => path.push(issuer),
                // Names that go round in a circle lead to no root.
                Some(_) => break true,
                None => break false,
            }
        };
        let (issued, _) = leaf.validity();
        let (policies, access) = (leaf.states_policies(), leaf.states_issuer_access());
        leaf.is_logged()
            || issued < BASELINE_REQUIREMENTS
            || (issued < TIMESTAMPS_DEMANDED && policies && access)
            || (!is_complete && (policies || access))
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_ISSUER) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Reads the bytes as a certificate, as a list of them and as what a server sends, and judges the
/// list.
///
/// # Panics
///
/// When a promise about certificates is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_certificate(bytes: &[u8]) {
    use crate::capture::dissect::tls::{CertificateReader, Certificates, MAX_HANDSHAKE};
    static STORE: std::sync::LazyLock<TrustStore> = std::sync::LazyLock::new(TrustStore::public);
    let look = |der: &[u8]| {
        let Some(certificate) = Certificate::parse(der) else { return };
        if let Some(host) = certificate.sole_host() {
            assert!(!certificate.names().is_empty());
            assert!(host.contains('.') && !host.contains('*'));
        }
        let _ = DistinguishedName::parse(certificate.subject()).short();
    };
    look(bytes);
    certificates(bytes).for_each(look);
    if let Standing::Private { issuer } = STORE.judge(bytes, Timestamp::default()) {
        assert!(issuer.chars().count() <= MAX_ISSUER + 1);
    }
    let mut whole = CertificateReader::default();
    let all = whole.read(bytes);
    assert!(whole.list().len() <= MAX_HANDSHAKE);
    certificates(whole.list()).for_each(look);
    let mut pieces = CertificateReader::default();
    let got = bytes.chunks(3).map(|piece| pieces.read(piece));
    let got = got.into_iter().find(|got| *got != Certificates::Awaited);
    assert_eq!(got.unwrap_or(Certificates::Awaited), all, "pieces are read like the whole");
    assert_eq!(pieces.list(), whole.list());
}

#[cfg(test)]
mod tests;
