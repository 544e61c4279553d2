//! Protocols that begin in the clear and may change to TLS on the same connection.

/// The first words of clients of SMTP and LMTP (RFC 3207), POP3 and IMAP (RFC 2595), FTP
/// (RFC 4217), NNTP (RFC 4642), XMPP (RFC 6120 section 5) and ManageSieve (RFC 5804), in upper
/// case.
const FIRST_WORDS: &[&[u8]] = &[
    b"EHLO ",
    b"HELO ",
    b"LHLO ",
    b"STARTTLS\r",
    b"CAPA\r",
    b"STLS\r",
    b"AUTH TLS",
    b"AUTH SSL",
    // Without a mechanism, it asks POP3 for those that there are (RFC 5034 section 4).
    b"AUTH\r",
    b"FEAT\r",
    b"CAPABILITIES",
    b"<?XML ",
    b"<STREAM:STREAM",
];

/// Commands that may follow the tag of an IMAP client's first line (RFC 9051 section 6.1).
const IMAP_COMMANDS: &[&[u8]] = &[b"CAPABILITY", b"STARTTLS", b"ID ", b"NOOP"];

/// The request for TLS of a PostgreSQL client (PostgreSQL documentation, "SSL Session
/// Encryption").
const POSTGRESQL: &[u8] = &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// The object identifier by which LDAP asks for TLS (RFC 4511 section 4.14.1).
const LDAP: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// The flag of MySQL clients that ask for TLS, in the second byte of their capabilities, and the
/// length of the packet that says so (MySQL documentation, "SSLRequest").
const MYSQL_LENGTH: &[u8] = &[32, 0, 0, 1];
const MYSQL_TLS: u8 = 0x08;

/// How much of the first words is looked at.
const LOOK: usize = 128;

/// Whether the first words of an originator are those of a protocol that may change to TLS.
pub(super) fn may_change_to_tls(prefix: &[u8]) -> bool {
    let start = prefix.get(..prefix.len().min(LOOK)).unwrap_or_default();
    let starts_with = |text: &[u8], word: &[u8]| {
        text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    FIRST_WORDS.iter().any(|word| starts_with(start, word))
        || start == POSTGRESQL
        || (start.first() == Some(&0x30) && memchr::memmem::find(start, LDAP).is_some())
        || is_mysql(prefix)
        || after_tag(start)
            .is_some_and(|rest| IMAP_COMMANDS.iter().any(|command| starts_with(rest, command)))
}

/// What follows the tag of an IMAP command: letters and digits, then a space.
fn after_tag(line: &[u8]) -> Option<&[u8]> {
    const LONGEST_TAG: usize = 20;
    let space = line.iter().take(LONGEST_TAG).position(|byte| *byte == b' ')?;
    let (tag, rest) = line.split_at_checked(space)?;
    let is_tag = !tag.is_empty()
        && tag
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'$' | b'_'));
    rest.get(1..).filter(|_| is_tag)
}

fn is_mysql(prefix: &[u8]) -> bool {
    prefix.len() == 36
        && prefix.starts_with(MYSQL_LENGTH)
        && prefix.get(5).is_some_and(|flags| flags & MYSQL_TLS != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_that_change_to_tls_are_known_by_their_first_words() {
        let mysql = [&[32, 0, 0, 1, 0x85, 0xae, 0xff, 0x01][..], &[0; 28]].concat();
        let ldap = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
        let known: [&[u8]; 10] = [
            b"AUTH\r\n",
            b"EHLO client\r\n",
            b"ehlo client\r\n",
            b"a001 STARTTLS\r\n",
            b"A1 capability\r\n",
            b"STLS\r\n",
            b"<?xml version='1.0'?><stream:stream to='example.com'>",
            POSTGRESQL,
            ldap,
            &mysql,
        ];
        for words in known {
            assert!(may_change_to_tls(words), "{words:?}");
        }
        let others: [&[u8]; 5] = [b"", b"SSH-2.0-x\r\n", b"hello world", b"\x30\x0c", b"  ID "];
        for words in others {
            assert!(!may_change_to_tls(words), "{words:?}");
        }
    }
}
