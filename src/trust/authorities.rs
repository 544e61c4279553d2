//! Who has or had a public root.

use std::collections::BTreeSet;

use rustls_pki_types::TrustAnchor;

use crate::capture::dissect::tls::DistinguishedName;

/// Words in the organisations of authorities that had public roots, or issue under those of
/// others: from the histories of the root programmes of Mozilla and Microsoft. In lower case.
const FORMER: &[&str] = &[
    "a-trust",
    "ac camerfirma",
    "actalis",
    "addtrust",
    "affirmtrust",
    "agencia catalana",
    "aol time warner",
    "apple inc",
    "arge daten",
    "autoridad de certificacion",
    "baltimore",
    "beijing certificate",
    "blue coat public",
    "buypass",
    "camerfirma",
    "certicamara",
    "certigna",
    "certinomis",
    "certplus",
    "certsign",
    "certum",
    "china financial certification",
    "china internet network information center",
    "chunghwa telecom",
    "cloudflare",
    "cnnic",
    "comodo",
    "comsign",
    "consorci administracio",
    "corporation service company",
    "cpanel",
    "cybertrust",
    "d-trust",
    "deutsche telekom",
    "deutscher sparkassen",
    "dfn-verein",
    "dhimyotis",
    "digicert",
    "digital signature trust",
    "diginotar",
    "digital trust",
    "disig",
    "e-commerce monitoring",
    "e-tugra",
    "ebg bilisim",
    "edicom",
    "entrust",
    "equifax",
    "fnmt",
    "fraunhofer",
    "gandi",
    "geant",
    "geotrust",
    "global digital cybersecurity",
    "globalsign",
    "go daddy",
    "godaddy",
    "google",
    "government root certification",
    "gte corporation",
    "guang dong certificate",
    "halcom",
    "hellenic academic",
    "hongkong post",
    "identrust",
    "internet security research group",
    "internet2",
    "intesa sanpaolo",
    "ipsca",
    "izenpe",
    "japan certification services",
    "japanese government",
    "keynectis",
    "kisa",
    "krajowa izba",
    "let's encrypt",
    "logius",
    "microsec",
    "microsoft",
    "msc trustgate",
    "naver",
    "net-lock",
    "netlock",
    "netrust",
    "network solutions",
    "nederlandse",
    "oati",
    "opentrust",
    "pki.belgium",
    "postecom",
    "postsignum",
    "quovadis",
    "rsa data security",
    "rsa security",
    "secom",
    "sectigo",
    "securetrust",
    "serasa",
    "shanghai electronic certification",
    "sia s.p.a",
    "skaitmenin",
    "sonera",
    "ssl corp",
    "ssl.com",
    "staat der nederlanden",
    "starfield",
    "startcom",
    "swiss government",
    "swisscom",
    "swisssign",
    "symantec",
    "sztarfir",
    "t-systems",
    "taiwan-ca",
    "tc trustcenter",
    "telekom security",
    "telia",
    "terena",
    "thawte",
    "trustasia",
    "trust provider",
    "trustcor",
    "trustis",
    "trustwave",
    "tuntrust",
    "turktrust",
    "türktrust",
    "twca",
    "unizeto",
    "usertrust",
    "u.s. government",
    "valicert",
    "venezuela",
    "verein zur foerderung",
    "verisign",
    "verizon",
    "viking cloud",
    "visa",
    "vodafone group",
    "wells fargo",
    "wisekey",
    "wosign",
    "xramp",
    "zerossl",
];

/// The authorities by their distinguished names and organisations.
#[derive(Clone, Debug, Default)]
pub(super) struct Authorities {
    /// Subjects in DER.
    subjects: BTreeSet<Vec<u8>>,
    /// In lower case.
    organizations: BTreeSet<String>,
}

impl Authorities {
    pub(super) fn of(anchors: &[TrustAnchor<'_>]) -> Self {
        let mut authorities = Self::default();
        for anchor in anchors {
            let subject = authorities.add(anchor);
            let name = DistinguishedName::parse(&subject);
            authorities.organizations.extend(name.organizations.iter().map(|o| o.to_lowercase()));
        }
        authorities
    }

    /// Remembers a subject and returns it.
    pub(super) fn add(&mut self, anchor: &TrustAnchor<'_>) -> Vec<u8> {
        let subject = sequence(&anchor.subject);
        self.subjects.insert(subject.clone());
        subject
    }

    /// Whether this name, in DER, is that of an authority with a root, or of an organisation
    /// that has or had one.
    pub(super) fn knows(&self, name: &[u8]) -> bool {
        self.subjects.contains(name)
            || DistinguishedName::parse(name).organizations.iter().any(|organization| {
                let organization = organization.to_lowercase();
                self.organizations.contains(&organization)
                    || FORMER.iter().any(|word| organization.contains(word))
            })
    }
}

/// The DER encoding of a sequence of this content: anchors hold their subject without its header.
fn sequence(content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = length.iter().position(|byte| *byte != 0).unwrap_or(length.len());
    let significant = length.get(significant..).unwrap_or_default();
    let mut der = vec![0x30];
    match (content.len(), u8::try_from(significant.len())) {
        (short @ 0..0x80, _) => der.extend(u8::try_from(short)),
        (_, Ok(bytes)) => {
            der.push(0x80 | bytes);
            der.extend_from_slice(significant);
        }
        (_, Err(_)) => {}
    }
    der.extend_from_slice(content);
    der
}
