//! Alerts in the clear (RFC 8446 section 6).

use super::record::{self, HEADER, HeaderAt, header};

/// Level and description. An encrypted alert is longer.
pub(super) const LENGTH: usize = 2;

/// Level `warning`. In TLS 1.3 it says nothing: every alert but `close_notify` and
/// `user_canceled` ends the connection (RFC 8446 section 6).
pub const WARNING: u8 = 1;
/// Level `fatal`.
pub const FATAL: u8 = 2;
/// Description `close_notify`: an orderly end, whatever the level.
pub const CLOSE_NOTIFY: u8 = 0;

/// The alert that a segment begins with, as level and description, when it is one in the clear:
/// the record is exactly as long as an alert, its level is `warning` or `fatal` and its
/// description is registered.
#[must_use]
pub fn plaintext_alert(segment: &[u8]) -> Option<(u8, u8)> {
    let HeaderAt::Whole { kind: record::ALERT, length: LENGTH } = header(segment) else {
        return None;
    };
    let &[level, description] = segment.get(HEADER..HEADER + LENGTH)? else { return None };
    (is_level(level) && is_registered(description)).then_some((level, description))
}

/// Whether an alert is about the certificate that its sender was shown (RFC 8446 section 6.2):
/// `bad_certificate`, `unsupported_certificate`, `certificate_revoked`, `certificate_expired`,
/// `certificate_unknown`, `unknown_ca`, `bad_certificate_status_response`.
#[must_use]
pub const fn is_about_certificate(description: u8) -> bool {
    matches!(description, 42..=46 | 48 | 113)
}

/// What a record is that is protected with the keys of TLS 1.3, by its length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protected {
    /// Two bytes of an alert, the type and the tag of 8 or 16 bytes (RFC 8446 sections 5.2, 6; RFC 6655).
    /// No handshake message of a client is that short.
    Alert,
    /// Anything else.
    Other,
}

/// The first record of application data in a segment, behind records that change the cipher, which TLS
/// 1.3 sends for the sake of middleboxes (RFC 8446 appendix D.4).
#[must_use]
pub fn first_protected(segment: &[u8]) -> Option<Protected> {
    const CHANGE_CIPHER_SPEC: u8 = 20;
    const APPLICATION_DATA: u8 = 23;
    let mut rest = segment;
    while let HeaderAt::Whole { kind, length } = header(rest) {
        match kind {
            CHANGE_CIPHER_SPEC => rest = rest.get(HEADER + length..)?,
            APPLICATION_DATA if matches!(length, 11 | 19) => return Some(Protected::Alert),
            APPLICATION_DATA => return Some(Protected::Other),
            _ => return None,
        }
    }
    None
}

pub(super) const fn is_level(level: u8) -> bool {
    matches!(level, WARNING | FATAL)
}

/// Whether the TLS Alerts registry of IANA lists the description, reserved values of older versions
/// included.
const fn is_registered(description: u8) -> bool {
    matches!(description,
        CLOSE_NOTIFY | 10 | 20..=22 | 30 | 40..=52 | 60 | 70 | 71 | 80 | 86 | 90 | 100
        | 109..=117 | 120 | 121)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_in_the_clear_is_told_from_anything_else() {
        assert_eq!(plaintext_alert(&[21, 3, 3, 0, 2, 2, 40]), Some((FATAL, 40)));
        assert_eq!(plaintext_alert(&[21, 3, 1, 0, 2, 1, 112, 22, 3]), Some((WARNING, 112)));
        for other in [
            &[][..],
            &[21, 3, 3, 0, 2, 2],
            &[21, 3, 3, 0, 26, 2, 40],
            &[21, 3, 3, 0, 2, 3, 40],
            &[21, 3, 3, 0, 2, 2, 5],
            &[21, 2, 0, 0, 2, 2, 40],
            &[23, 3, 3, 0, 2, 2, 40],
        ] {
            assert_eq!(plaintext_alert(other), None, "{other:?}");
        }
    }
}
