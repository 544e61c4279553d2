//! What an input is, by its first bytes.

use super::Compression;

/// Bytes of an unknown input that are shown.
const SHOWN_BYTES: usize = 16;
/// Characters of the first line of a text that are shown.
const SHOWN_CHARACTERS: usize = 120;

/// A capture format that is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CaptureKind {
    /// libpcap's format.
    Pcap,
    /// The block format.
    Pcapng,
}

/// What the first bytes of an input say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Detected {
    /// A capture that can be read.
    Capture(CaptureKind),
    /// A known format that is not read.
    KnownOther {
        /// What it is, as the object of "this is …".
        what: &'static str,
        /// What to do about it, a sentence.
        advice: &'static str,
    },
    /// Text, with its first line escaped and cut to a readable length.
    Text {
        /// The first line that is not blank.
        first_line: String,
    },
    /// Not one byte.
    Empty,
    /// None of these.
    Unknown {
        /// The first bytes in hexadecimal, separated by blanks.
        first_bytes: String,
    },
}

const EDITCAP: &str = "Convert it with Wireshark's command: editcap -F pcap INPUT OUTPUT.pcap";
const UNPACK: &str = "Unpack it and give the files in it, or their directory.";
const DECOMPRESS: &str = "Decompress it and give what comes out.";
const NO_TRAFFIC: &str = "Leave it out: it holds no packets and no log lines.";

/// A format that is known by bytes at a fixed place.
struct Signature {
    at: usize,
    bytes: &'static [u8],
    what: &'static str,
    advice: &'static str,
}

const fn signature(
    at: usize,
    bytes: &'static [u8],
    what: &'static str,
    advice: &'static str,
) -> Signature {
    Signature { at, bytes, what, advice }
}

/// Formats that turn up among captures and logs. The first that fits is named.
const SIGNATURES: &[Signature] = &[
    signature(0, b"snoop\0\0\0", "a snoop capture (RFC 1761)", EDITCAP),
    signature(0, b"RTSS", "a Microsoft Network Monitor 1 capture", EDITCAP),
    signature(0, b"GMBU", "a Microsoft Network Monitor 2 capture", EDITCAP),
    signature(0, b"iptrace 1.0", "an AIX iptrace capture", EDITCAP),
    signature(0, b"iptrace 2.0", "an AIX iptrace capture", EDITCAP),
    signature(0, b"TRSNIFF data    \x1a", "a Sniffer capture", EDITCAP),
    signature(0, b"XCP\0", "a NetXray or Sniffer capture", EDITCAP),
    signature(0, b"ObserverPktBuffe", "a Network Instruments Observer capture", EDITCAP),
    signature(0, b"\x7fver\0", "an OmniPeek capture", EDITCAP),
    signature(0, b"\x1c\0\x01\xac", "an Ixia lcap capture", EDITCAP),
    signature(0, b"\x1c\0\x01\xab", "an Ixia lcap capture", EDITCAP),
    signature(
        0,
        b"btsnoop\0",
        "a Bluetooth capture",
        "Leave it out: Bluetooth HCI frames hold no network traffic to audit.",
    ),
    signature(
        0,
        b"ElfFile\0",
        "a Windows event log (.evtx)",
        "Export it as text, for example with: wevtutil qe FILE /lf:true /f:text",
    ),
    signature(0, b"PK\x03\x04", "a zip archive (or .saz, .docx, .xlsx)", UNPACK),
    signature(0, b"PK\x05\x06", "an empty zip archive", NO_TRAFFIC),
    signature(0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    signature(0, b"Rar!\x1a\x07", "a RAR archive", UNPACK),
    signature(0, b"MSCF\0\0\0\0", "a Windows cabinet archive", UNPACK),
    signature(257, b"ustar", "a tar archive", UNPACK),
    signature(0, b"\x1f\x9d", "data compressed by compress (.Z)", DECOMPRESS),
    signature(0, b"\x89LZO\0\r\n\x1a\n", "data compressed by lzop", DECOMPRESS),
    signature(0, b"LZIP\x01", "data compressed by lzip", DECOMPRESS),
    signature(0, b"\xff\x06\0\0sNaPpY", "data compressed by snappy", DECOMPRESS),
    signature(0, b"\x5d\0\0", "data compressed by lzma", DECOMPRESS),
    signature(0, b"%PDF-", "a PDF document", NO_TRAFFIC),
    signature(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document", NO_TRAFFIC),
    signature(0, b"SQLite format 3\0", "an SQLite database", NO_TRAFFIC),
    signature(0, b"\x7fELF", "a program", NO_TRAFFIC),
    signature(0, b"\x89PNG\r\n\x1a\n", "a picture", NO_TRAFFIC),
    signature(0, b"\xff\xd8\xff", "a picture", NO_TRAFFIC),
    signature(0, b"GIF8", "a picture", NO_TRAFFIC),
    signature(
        0,
        b"version https://git-lfs",
        "a Git LFS pointer",
        "The file itself is stored elsewhere: fetch it with: git lfs pull",
    ),
];

/// Says what an input with these first bytes is. `head` holds the decompressed bytes from the
/// first on, [`HEAD_SIZE`](super::HEAD_SIZE) of them or all.
#[must_use]
pub fn detect(head: &[u8]) -> Detected {
    if head.is_empty() {
        return Detected::Empty;
    }
    if let Some(kind) = capture(head) {
        return Detected::Capture(kind);
    }
    if Compression::recognise(head).is_some() {
        return Detected::KnownOther {
            what: "data in three or more layers of compression",
            advice: DECOMPRESS,
        };
    }
    let fits = |known: &&Signature| {
        head.get(known.at..).is_some_and(|bytes| bytes.starts_with(known.bytes))
    };
    if let Some(&Signature { what, advice, .. }) = SIGNATURES.iter().find(fits) {
        return Detected::KnownOther { what, advice };
    }
    if is_event_trace(head) {
        return Detected::KnownOther {
            what: "a Windows event trace (.etl)",
            advice: "Convert it with: pktmon etl2pcap FILE, or with Microsoft's etl2pcapng.exe if it was made by netsh trace",
        };
    }
    match text(head) {
        Some(text) => text_format(&text),
        None => Detected::Unknown { first_bytes: hexadecimal(head) },
    }
}

fn capture(head: &[u8]) -> Option<CaptureKind> {
    match head {
        [0xd4, 0xc3, 0xb2, 0xa1, ..]
        | [0xa1, 0xb2, 0xc3, 0xd4, ..]
        | [0x4d, 0x3c, 0xb2, 0xa1, ..]
        | [0xa1, 0xb2, 0x3c, 0x4d, ..]
        | [0x34, 0xcd, 0xb2, 0xa1, ..]
        | [0xa1, 0xb2, 0xcd, 0x34, ..] => Some(CaptureKind::Pcap),
        [0x0a, 0x0d, 0x0d, 0x0a] => Some(CaptureKind::Pcapng),
        [0x0a, 0x0d, 0x0d, 0x0a, rest @ ..] => {
            let magic = rest.get(4..8);
            let fits = rest.len() < 8
                || magic == Some(&[0x4d, 0x3c, 0x2b, 0x1a])
                || magic == Some(&[0x1a, 0x2b, 0x3c, 0x4d]);
            fits.then_some(CaptureKind::Pcapng)
        }
        _ => None,
    }
}

/// An event trace has no magic number: it starts with the header of a buffer, whose first field
/// is the buffer's size, and at 0x48 with the system's trace header, whose type is that of a
/// 32- or 64-bit system (1, 2) and whose flags say "event trace" (0xc0).
fn is_event_trace(head: &[u8]) -> bool {
    let Some(size) = head.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)) else {
        return false;
    };
    (1 << 10..=16 << 20).contains(&size)
        && size.is_multiple_of(1 << 10)
        && matches!(head.get(0x4a..0x4c), Some([1 | 2, 0xc0]))
}

/// The head as text, if it is text: UTF-8 (which may be cut at the end), UTF-16 with a byte
/// order mark, or a single-byte code page; no control characters but white space and escape.
fn text(head: &[u8]) -> Option<String> {
    let units = |bytes: &[u8], decode: fn([u8; 2]) -> u16| {
        let units = bytes.as_chunks().0.iter().map(|unit| decode(*unit));
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    let text: String = match head {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(head).into_owned(),
    };
    let is_control = |character: &char| {
        character.is_control()
            && !matches!(character, '\t' | '\n' | '\x0b' | '\x0c' | '\r' | '\x1b')
    };
    // A log may quote hostile bytes; a binary format consists of them.
    let strange = text
        .chars()
        .filter(|character| is_control(character) || *character == char::REPLACEMENT_CHARACTER)
        .count();
    let length = text.chars().count();
    let has_nul = text.contains('\0');
    (!has_nul && length > 0 && strange.saturating_mul(10) <= length).then_some(text)
}

fn text_format(text: &str) -> Detected {
    let first_line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let lower: String =
        text.chars().take(4_096).map(|character| character.to_ascii_lowercase()).collect();
    let start = lower.trim_start();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return Detected::KnownOther {
            what: "a web page",
            advice: "A download may have failed and left an error page: fetch the file again.",
        };
    }
    let is_archive = |start: &str| start.contains("\"entries\"") || start.contains("\"creator\"");
    if start.starts_with('{') && start.contains("\"log\"") && is_archive(start) {
        return Detected::KnownOther {
            what: "an HTTP archive (.har)",
            advice: "A browser's archive does not show what the network refused: capture packets on the client, or give the log of the proxy or firewall.",
        };
    }
    if is_hex_dump(first_line) {
        return Detected::KnownOther {
            what: "packets as a hexadecimal dump",
            advice: "Convert it with Wireshark's command: text2pcap INPUT OUTPUT.pcap",
        };
    }
    Detected::Text { first_line: shown(first_line) }
}

/// A line such as `0000  45 00 00 3c` or `0x0000:  4500 003c`.
fn is_hex_dump(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let Some(offset) = words.next() else { return false };
    let offset = offset.strip_prefix("0x").unwrap_or(offset);
    let offset = offset.strip_suffix(':').unwrap_or(offset);
    let is_hex = |word: &str| word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_start = (4..=8).contains(&offset.len()) && offset.bytes().all(|byte| byte == b'0');
    let is_group = |word: &&str| matches!(word.len(), 2 | 4) && is_hex(word);
    is_start && words.take(4).filter(is_group).count() == 4
}

/// A line with everything unprintable escaped, cut to a readable length.
fn shown(line: &str) -> String {
    let mut shown = String::new();
    for character in line.chars().take(SHOWN_CHARACTERS) {
        if character.is_ascii_graphic() || character == ' ' {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    if line.chars().nth(SHOWN_CHARACTERS).is_some() {
        shown.push_str("...");
    }
    shown
}

fn hexadecimal(bytes: &[u8]) -> String {
    let bytes: Vec<_> = bytes.iter().take(SHOWN_BYTES).map(|byte| format!("{byte:02x}")).collect();
    bytes.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(head: &[u8]) -> &'static str {
        match detect(head) {
            Detected::KnownOther { what, .. } => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn captures_are_known_by_their_magic_numbers() {
        for magic in [0xa1b2_c3d4_u32, 0xa1b2_3c4d, 0xa1b2_cd34] {
            assert_eq!(detect(&magic.to_le_bytes()), Detected::Capture(CaptureKind::Pcap));
            assert_eq!(detect(&magic.to_be_bytes()), Detected::Capture(CaptureKind::Pcap));
        }
        let section = b"\n\r\r\n\x1c\0\0\0\x4d\x3c\x2b\x1a";
        assert_eq!(detect(section), Detected::Capture(CaptureKind::Pcapng));
        assert_eq!(
            detect(b"\n\r\r\n\0\0\0\x1c\x1a\x2b\x3c\x4d"),
            Detected::Capture(CaptureKind::Pcapng)
        );
        assert!(!matches!(detect(b"\n\r\r\nhello, world"), Detected::Capture(_)));
    }

    #[test]
    fn known_formats_get_advice() {
        assert!(known(b"snoop\0\0\0\0\0\0\x02").contains("snoop"));
        assert!(known(b"PK\x03\x04....").contains("zip"));
        assert!(known(b"%PDF-1.7").contains("PDF"));
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert!(known(&tar).contains("tar"));
        assert!(known(b"  <!DOCTYPE html><html>").contains("web page"));
        assert!(
            known(b"{ \"log\": { \"version\": \"1.2\", \"creator\": {").contains("HTTP archive")
        );
        assert!(known(b"0000  45 00 00 3c 1c 46 40 00\n").contains("hexadecimal"));
        assert!(known(b"\t0x0000:  4500 003c 1c46 4000 4006\n").contains("hexadecimal"));
        assert!(known(b"\x1f\x8b\x08\0").contains("compression"));
    }

    #[test]
    fn an_event_trace_is_told_how_to_become_a_capture() {
        let mut trace = vec![0; 0x200];
        trace[..4].copy_from_slice(&0x10000_u32.to_le_bytes());
        trace[0x48..0x4c].copy_from_slice(&[2, 0, 2, 0xc0]);
        let Detected::KnownOther { advice, .. } = detect(&trace) else { panic!() };
        assert!(advice.contains("etl2pcap"));
    }

    #[test]
    fn text_is_shown_by_its_first_line_escaped() {
        let line = |head: &[u8]| match detect(head) {
            Detected::Text { first_line } => first_line,
            other => panic!("{other:?}"),
        };
        assert_eq!(line(b"\n\n<134>Jan 1 host app: x\nmore"), "<134>Jan 1 host app: x");
        assert_eq!(line("a\u{202e}b\x1b[31m".as_bytes()), "a\\u{202e}b\\u{1b}[31m");
        assert_eq!(line(b"\xff\xfeh\0i\0\n\0"), "hi");
        assert_eq!(line(b"caf\xe9 is latin-1 text"), "caf\\u{fffd} is latin-1 text");
        assert_eq!(line(&[b'x'; 1_000]).len(), SHOWN_CHARACTERS + 3);
    }

    #[test]
    fn other_bytes_are_shown_in_hexadecimal() {
        assert_eq!(detect(b""), Detected::Empty);
        let unknown = Detected::Unknown { first_bytes: "00 01 02 ff".to_owned() };
        assert_eq!(detect(&[0, 1, 2, 0xff]), unknown);
    }
}
