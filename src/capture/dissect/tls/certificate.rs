//! X.509 certificates (RFC 5280): the names that they are for, and who issued them.

use std::collections::BTreeSet;

use x509_parser::certificate::X509CertificateParser;
use x509_parser::extensions::{GeneralName, SubjectAlternativeName};
use x509_parser::nom::Parser;
use x509_parser::oid_registry::{
    OID_CT_LIST_SCT, OID_PKIX_AUTHORITY_INFO_ACCESS, OID_X509_EXT_CERTIFICATE_POLICIES,
    OID_X509_EXT_SUBJECT_ALT_NAME, Oid,
};
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use crate::observe::normalize;

/// A certificate.
#[derive(Clone, Debug)]
pub struct Certificate<'a>(X509Certificate<'a>);

impl<'a> Certificate<'a> {
    /// The certificate that these bytes are; none when they are none. What follows it is ignored.
    #[must_use]
    pub fn parse(der: &'a [u8]) -> Option<Self> {
        let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
        parser.parse(der).ok().map(|(_, certificate)| Self(certificate))
    }

    /// The names that it is for, as they stand there: the DNS names of the subject alternative
    /// name. A certificate without that extension is for its common name, if that can be a host's
    /// (RFC 6125 section 6.4.4).
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        if let Some(value) = self.extension(&OID_X509_EXT_SUBJECT_ALT_NAME) {
            let Ok((_, names)) = SubjectAlternativeName::from_der(value) else {
                return Vec::new();
            };
            let name = |name: &GeneralName<'a>| match name {
                GeneralName::DNSName(name) => Some(*name),
                _ => None,
            };
            return names.general_names.iter().filter_map(name).collect();
        }
        let common_name = self.0.subject().iter_common_name().last();
        let common_name = common_name.and_then(|attribute| attribute.as_str().ok());
        common_name.filter(|name| is_host_name(name)).into_iter().collect()
    }

    /// The one host that it is for, in the normal form; none when it is for several or when one
    /// of its names is a wildcard, since nothing tells then which host showed it.
    #[must_use]
    pub fn sole_host(&self) -> Option<String> {
        let mut hosts = BTreeSet::new();
        let mut host = String::new();
        for name in self.names() {
            if !normalize(name.as_bytes(), &mut host) || !is_host_name(&host) {
                continue;
            }
            hosts.insert(host.clone());
        }
        let host = hosts.pop_first()?;
        (hosts.is_empty() && !host.contains('*')).then_some(host)
    }

    /// The subject in DER.
    #[must_use]
    pub fn subject(&self) -> &'a [u8] {
        self.0.tbs_certificate.subject.as_raw()
    }

    /// The issuer in DER.
    #[must_use]
    pub fn issuer(&self) -> &'a [u8] {
        self.0.tbs_certificate.issuer.as_raw()
    }

    /// Start and end of its validity, in seconds since 1970.
    #[must_use]
    pub fn validity(&self) -> (i64, i64) {
        let validity = self.0.validity();
        (validity.not_before.timestamp(), validity.not_after.timestamp())
    }

    /// Whether it holds Signed Certificate Timestamps, proofs that it is in public logs (RFC 6962
    /// section 3.3).
    #[must_use]
    pub fn is_logged(&self) -> bool {
        self.extension(&OID_CT_LIST_SCT).is_some()
    }

    /// Whether it states the policies that it was issued under (RFC 5280 section 4.2.1.4).
    #[must_use]
    pub fn states_policies(&self) -> bool {
        self.extension(&OID_X509_EXT_CERTIFICATE_POLICIES).is_some()
    }

    /// Whether it says where its issuer can be asked (RFC 5280 section 4.2.2.1).
    #[must_use]
    pub fn states_issuer_access(&self) -> bool {
        self.extension(&OID_PKIX_AUTHORITY_INFO_ACCESS).is_some()
    }

    fn extension(&self, oid: &Oid<'_>) -> Option<&'a [u8]> {
        let mut extensions = self.0.tbs_certificate.extensions().iter();
        extensions.find(|extension| extension.oid == *oid).map(|extension| extension.value)
    }
}

/// What a distinguished name in DER calls its bearer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DistinguishedName {
    /// The common name.
    pub common_name: Option<String>,
    /// The organisations.
    pub organizations: Vec<String>,
}

impl DistinguishedName {
    /// Reads a name; empty when it cannot be read.
    #[must_use]
    pub fn parse(der: &[u8]) -> Self {
        let Ok((_, name)) = X509Name::from_der(der) else { return Self::default() };
        let text = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| {
            attribute.as_str().ok().map(str::to_owned)
        };
        Self {
            common_name: name.iter_common_name().filter_map(text).last(),
            organizations: name.iter_organization().filter_map(text).collect(),
        }
    }

    /// The common name, else an organisation.
    #[must_use]
    pub fn short(&self) -> Option<&str> {
        self.common_name.as_deref().or(self.organizations.first().map(String::as_str))
    }
}

/// Whether a name has the form of a host's, or of a wildcard for hosts: labels of letters, digits,
/// hyphens and underscores, and at least two of them.
fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || byte == b'*'
            })
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    name.contains('.') && name.split('.').all(is_label)
}
