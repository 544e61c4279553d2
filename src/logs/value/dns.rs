//! Types of questions and response codes of DNS, as logs write them.

use super::{number, stated};

/// Names of the types that logs spell out (IANA "Resource Record (RR) TYPEs").
const TYPES: &[(u16, &str)] = &[
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (10, "NULL"),
    (12, "PTR"),
    (13, "HINFO"),
    (15, "MX"),
    (16, "TXT"),
    (17, "RP"),
    (24, "SIG"),
    (25, "KEY"),
    (28, "AAAA"),
    (29, "LOC"),
    (33, "SRV"),
    (35, "NAPTR"),
    (37, "CERT"),
    (38, "A6"),
    (39, "DNAME"),
    (41, "OPT"),
    (43, "DS"),
    (44, "SSHFP"),
    (45, "IPSECKEY"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (50, "NSEC3"),
    (51, "NSEC3PARAM"),
    (52, "TLSA"),
    (59, "CDS"),
    (60, "CDNSKEY"),
    (61, "OPENPGPKEY"),
    (63, "ZONEMD"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (99, "SPF"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (255, "ANY"),
    (256, "URI"),
    (257, "CAA"),
];

/// Names of the response codes (IANA "DNS RCODEs"), and other spellings of them.
const CODES: &[(u16, &str)] = &[
    (0, "NOERROR"),
    (0, "NoError"),
    (1, "FORMERR"),
    (2, "SERVFAIL"),
    (2, "ServerFailure"),
    (3, "NXDOMAIN"),
    (3, "NameError"),
    (4, "NOTIMP"),
    (4, "NotImplemented"),
    (4, "NOTIMPL"),
    (5, "REFUSED"),
    (6, "YXDOMAIN"),
    (7, "YXRRSET"),
    (8, "NXRRSET"),
    (9, "NOTAUTH"),
    (10, "NOTZONE"),
    (16, "BADVERS"),
    (23, "BADCOOKIE"),
];

/// The type of a question by its name in any case or its number, also as `TYPE65`, `1 (A)` and
/// `A record`.
#[must_use]
pub fn dns_type(raw: &[u8]) -> Option<u16> {
    let word = raw.trim_ascii().split(|byte| matches!(byte, b' ' | b'(' | b'/')).next()?;
    let is_word = |name: &str| name.as_bytes().eq_ignore_ascii_case(word);
    if let Some((number, _)) = TYPES.iter().find(|(_, name)| is_word(name)) {
        return Some(*number);
    }
    let digits = match word.get(..4) {
        Some(start) if start.eq_ignore_ascii_case(b"TYPE") => {
            word.get(4..)?.strip_prefix(b"=").unwrap_or(word.get(4..)?)
        }
        _ => word,
    };
    number(digits)
}

/// A response code by its name in any case or its number.
#[must_use]
pub fn dns_code(raw: &[u8]) -> Option<u16> {
    let word = stated(raw)?;
    CODES
        .iter()
        .find(|(_, name)| name.as_bytes().eq_ignore_ascii_case(word))
        .map(|(number, _)| *number)
        .or_else(|| number(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_codes_are_read_by_name_and_number() {
        for raw in ["AAAA", "aaaa", "28", "TYPE28", "type=28", "28 (AAAA)", "AAAA record"] {
            assert_eq!(dns_type(raw.as_bytes()), Some(28), "{raw}");
        }
        assert_eq!(dns_type(b"HTTPS"), Some(65));
        assert_eq!(dns_type(b"Other"), None);
        for raw in ["NXDOMAIN", "NXDomain", "3"] {
            assert_eq!(dns_code(raw.as_bytes()), Some(3), "{raw}");
        }
        assert_eq!(dns_code(b"-"), None);
    }
}
