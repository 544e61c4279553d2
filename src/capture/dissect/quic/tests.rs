use proptest::prelude::*;

use super::*;

/// The client's destination id in the examples of RFC 9001 appendix A and RFC 9369 appendix A.
const CLIENT_ID: &str = "8394c8f03e515708";
/// The CRYPTO frame of those examples (appendix A.2 of both).
const CLIENT_FRAME: &str = concat!(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868",
    "04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578",
    "616d706c652e636f6dff01000100000a00080006001d00170018001000070005",
    "04616c706e000500050100000000003300260024001d00209370b2c9caa47fba",
    "baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400",
    "0d0010000e0403050306030203080408050806002d00020101001c0002400100",
    "3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000",
    "75300901100f088394c8f03e51570806048000ffff",
);

struct Example {
    head: &'static str,
    first: &'static str,
    last: &'static str,
    server: &'static str,
}

/// RFC 9001 appendix A.2 and A.3.
const VERSION1: Example = Example {
    head: "c300000001088394c8f03e5157080000449e00000002",
    first: "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
    last: "e221af44860018ab0856972e194cd934",
    server: concat!(
        "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a",
        "5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3",
        "dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84",
        "022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4",
        "2158407dd074ee",
    ),
};

/// RFC 9369 appendix A.2 and A.3.
const VERSION2: Example = Example {
    head: "d36b3343cf088394c8f03e5157080000449e00000002",
    first: "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
    last: "a18b2faa745b6fe189cf772a9f84cbfc",
    server: concat!(
        "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698",
        "baeea26b91eb761d9b89237bbf87263017915358230035f7fd3945d88965cf17",
        "f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2",
        "c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca8",
        "4bed8521e2e140",
    ),
};

/// RFC 9001 appendix A.4.
const RETRY: &str = "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba";

fn hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn hello() -> Vec<u8> {
    hex(CLIENT_FRAME)[4..].to_vec()
}

fn varint(value: usize) -> [u8; 4] {
    (0x8000_0000 | u32::try_from(value).unwrap()).to_be_bytes()
}

fn crypto_frame(offset: usize, data: &[u8]) -> Vec<u8> {
    [&[6][..], &varint(offset), &varint(data.len()), data].concat()
}

/// An Initial packet under keys from `key_id`.
fn initial(
    version: u32,
    key_id: &[u8],
    to: &[u8],
    side: Side,
    number: u8,
    frames: &[u8],
) -> Vec<u8> {
    let protection = Protection::of_version(version).unwrap();
    let first = if protection == Protection::Version2 { 0xd3 } else { 0xc3 };
    let mut payload = frames.to_vec();
    payload.resize(payload.len().max(40), 0);
    let mut head = vec![first];
    head.extend(version.to_be_bytes());
    head.push(u8::try_from(to.len()).unwrap());
    head.extend(to);
    head.extend([0, 0]);
    head.extend(varint(4 + payload.len() + 16));
    head.extend([0, 0, 0, number]);
    InitialKeys::derive(protection, key_id, side).unwrap().seal(&head, &payload)
}

fn client_initial(number: u8, frames: &[u8]) -> Vec<u8> {
    let id = hex(CLIENT_ID);
    initial(1, &id, &id, Side::Client, number, frames)
}

fn server_initial(frames: &[u8]) -> Vec<u8> {
    initial(1, &hex(CLIENT_ID), b"", Side::Server, 0, frames)
}

/// What a flow says of datagrams: client's as `Ok`, server's as `Err`.
fn play(datagrams: &[Result<Vec<u8>, Vec<u8>>]) -> (Vec<String>, QuicFlow) {
    let mut flow = QuicFlow::new();
    let mut scratch = QuicScratch::new();
    let mut said = Vec::new();
    for datagram in datagrams {
        let event = match datagram {
            Ok(datagram) => flow.client_datagram(datagram, &mut scratch),
            Err(datagram) => flow.server_datagram(datagram, &mut scratch),
        };
        said.push(match event {
            QuicEvent::ServerName(name) => String::from_utf8(name.to_vec()).unwrap(),
            other => format!("{other:?}"),
        });
    }
    (said, flow)
}

#[test]
fn the_examples_of_both_versions_seal_and_open() {
    for example in [VERSION1, VERSION2] {
        let head = hex(example.head);
        let version = u32::from_be_bytes(head[1..5].try_into().unwrap());
        let protection = Protection::of_version(version).unwrap();
        let mut payload = hex(CLIENT_FRAME);
        payload.resize(1162, 0);
        let keys = InitialKeys::derive(protection, &hex(CLIENT_ID), Side::Client).unwrap();
        let packet = keys.seal(&head, &payload);
        assert_eq!(packet.len(), 1200);
        assert!(packet.starts_with(&hex(example.first)));
        // The tag authenticates every byte between.
        assert!(packet.ends_with(&hex(example.last)));
        let header = parse_long_header(&packet).unwrap();
        let mut buffer = Vec::new();
        let opened = keys.open(&packet, &header, &mut buffer).unwrap();
        assert_eq!(opened, Opened { number: 2, payload: &payload });
        let (said, flow) = play(&[Ok(packet), Err(hex(example.server))]);
        assert_eq!(said, ["example.com", "Answered"]);
        assert!(flow.is_settled() && flow.is_answered());
        assert_eq!(flow.version(), Some(version));
    }
}

#[test]
fn kinds_are_numbered_by_version() {
    let kind = |first: u8, version: u32| {
        let mut packet = vec![first];
        packet.extend(version.to_be_bytes());
        packet.extend([0; 60]);
        parse_long_header(&packet).map(|header| header.kind)
    };
    use PacketKind::{Handshake, Initial, Retry, Unknown, VersionNegotiation, ZeroRtt};
    for (at, kinds) in
        [Initial, ZeroRtt, Handshake, Retry].into_iter().zip(0_u8..).map(|(k, n)| (n, k))
    {
        assert_eq!(kind(0xc0 | at << 4, 1), Some(kinds));
        assert_eq!(kind(0xc0 | at << 4, 0xff00_001d), Some(kinds));
        assert_eq!(kind(0xc0 | ((at + 1) & 3) << 4, 0x6b33_43cf), Some(kinds));
    }
    assert_eq!(kind(0xc0, 0x1a2a_3a4a), Some(Unknown));
    assert_eq!(kind(0x80, 0), Some(VersionNegotiation));
    assert_eq!(kind(0x80, 1), None, "the fixed bit is not set");
    assert_eq!(kind(0x40, 1), None, "the header is short");
}

#[test]
fn a_retry_gives_its_token_and_the_next_id_makes_the_keys() {
    let retry = hex(RETRY);
    let header = parse_long_header(&retry).unwrap();
    assert_eq!((header.kind, header.token), (PacketKind::Retry, &b"token"[..]));
    let again =
        initial(1, header.source_id, header.source_id, Side::Client, 1, &crypto_frame(0, &hello()));
    let answer = initial(1, header.source_id, b"", Side::Server, 0, &crypto_frame(0, b"\x02"));
    let first = client_initial(0, &crypto_frame(0, &hello()[..20]));
    let (said, _) = play(&[Ok(first), Err(retry.clone()), Ok(again), Err(answer)]);
    assert_eq!(said, ["None", "Retry", "example.com", "Answered"]);
}

#[test]
fn version_negotiation_starts_over_with_another_version() {
    let mut unknown = client_initial(0, &crypto_frame(0, &hello()));
    unknown[1..5].copy_from_slice(&0x1a2a_3a4a_u32.to_be_bytes());
    let negotiation = hex("80000000000008f067a5502a4262b500000001");
    let second = client_initial(0, &crypto_frame(0, &hello()));
    let (said, _) = play(&[Ok(unknown), Err(negotiation), Ok(second)]);
    assert_eq!(said, ["UnknownVersion(438975050)", "VersionNegotiation", "example.com"]);
}

#[test]
fn a_compatible_version_keeps_the_original_id() {
    let id = hex(CLIENT_ID);
    let hello = hello();
    let first = client_initial(0, &crypto_frame(0, &hello[..40]));
    let answer = initial(0x6b33_43cf, &id, b"", Side::Server, 0, &crypto_frame(0, b"\x02"));
    let frames = crypto_frame(0, &hello);
    let later = initial(0x6b33_43cf, &id, b"chosen by the server", Side::Client, 1, &frames);
    let (said, flow) = play(&[Ok(first), Err(answer), Ok(later)]);
    assert_eq!(said, ["None", "Answered", "example.com"]);
    assert_eq!(flow.version(), Some(0x6b33_43cf));
}

#[test]
fn a_hello_over_two_packets_of_one_datagram_is_read() {
    let hello = hello();
    let mut datagram = client_initial(0, &crypto_frame(60, &hello[60..]));
    datagram.extend(client_initial(1, &crypto_frame(0, &hello[..60])));
    assert_eq!(packets(&datagram).count(), 2);
    // Padding behind the packets is none.
    datagram.extend([0; 100]);
    assert_eq!(packets(&datagram).count(), 2);
    assert_eq!(play(&[Ok(datagram)]).0, ["example.com"]);
}

#[test]
fn the_name_is_told_once_and_before_the_rest_is_there() {
    let hello = hello();
    let first = client_initial(0, &crypto_frame(0, &hello[..90]));
    let second = client_initial(1, &crypto_frame(90, &hello[90..]));
    let (said, flow) = play(&[Ok(first.clone()), Ok(first), Ok(second)]);
    assert_eq!(said, ["example.com", "None", "None"]);
    assert!(!flow.is_settled());
}

#[test]
fn a_hello_without_name_says_so() {
    let mut hello = hello();
    // The type of the server_name extension becomes one that nobody knows.
    let at = hello.windows(11).position(|window| window == b"example.com").unwrap() - 9;
    hello[at..at + 2].copy_from_slice(&[0x7a, 0x7a]);
    assert_eq!(play(&[Ok(client_initial(0, &crypto_frame(0, &hello)))]).0, ["NoServerName"]);
}

#[test]
fn a_bare_acknowledgement_is_no_answer() {
    let hello = client_initial(0, &crypto_frame(0, &hello()));
    let ack = server_initial(&[2, 0, 0, 0, 0]);
    let (said, flow) = play(&[Ok(hello.clone()), Err(ack)]);
    assert_eq!(said, ["example.com", "None"]);
    assert!(!flow.is_answered());
    let handshake =
        hex("e000000001000040200000000000000000000000000000000000000000000000000000000000000000");
    assert_eq!(play(&[Ok(hello), Err(handshake)]).0[1], "Answered");
}

#[test]
fn a_close_gives_its_code_and_who_did_it() {
    let hello = client_initial(0, &crypto_frame(0, &hello()));
    // CONNECTION_CLOSE, TLS alert 40, caused by a CRYPTO frame, no reason.
    let close = [2, 0, 0, 0, 0, 0x1c, 0x41, 0x28, 6, 0];
    let (said, flow) = play(&[Ok(hello.clone()), Err(server_initial(&close))]);
    assert_eq!(said[1], "Closed { code: 296, by_client: false }");
    assert!(flow.is_settled());
    let (said, _) = play(&[Ok(hello), Ok(client_initial(1, &close))]);
    assert_eq!(said[1], "Closed { code: 296, by_client: true }");
}

#[test]
fn what_a_third_party_forges_is_no_answer() {
    let hello = client_initial(0, &crypto_frame(0, &hello()));
    let mut forged = server_initial(&crypto_frame(0, b"\x02"));
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(play(&[Ok(hello), Err(forged.clone())]).0, ["example.com", "None"]);
    // Without the client's packet nobody can tell.
    assert_eq!(play(&[Err(forged)]).0, ["Answered"]);
}

#[test]
fn a_cut_packet_gives_the_name_if_that_is_there() {
    let hello = hello();
    let whole = client_initial(0, &[&[1, 0, 0][..], &crypto_frame(0, &hello)].concat());
    let name = hello.windows(11).position(|window| window == b"example.com").unwrap();
    let head = 24;
    let frame_head = 3 + 1 + 4 + 4;
    let name_end = head + frame_head + name + 11;
    for length in 0..whole.len() {
        let expected = if length < name_end { "None" } else { "example.com" };
        assert_eq!(play(&[Ok(whole[..length].to_vec())]).0, [expected], "{length}");
    }
    // Under keys of another id the payload is noise.
    let mut other = whole[..200].to_vec();
    other[6] ^= 1;
    assert_eq!(play(&[Ok(other)]).0, ["None"]);
}

#[test]
fn a_conversation_is_recognised_by_its_first_datagram() {
    let whole = client_initial(0, &crypto_frame(0, &hello()));
    assert!(looks_like_quic(&whole));
    let mut reserved = whole.clone();
    reserved[1..5].copy_from_slice(&[0x1a, 0x2a, 0x3a, 0x4a]);
    assert!(!looks_like_quic(&reserved));
    reserved.resize(1200, 0);
    assert!(looks_like_quic(&reserved));
    assert!(looks_like_quic(b"\x0912345678Q043\x01"));
    assert!(!looks_like_quic(&server_initial(&[1])));
    assert!(!looks_like_quic(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"));
    assert!(!looks_like_quic(&[0xff; 1200]));
}

#[test]
fn every_known_version_shows_its_name() {
    use egress_audit_fixtures::wire::quic::{self, Version};
    let hello = egress_audit_fixtures::scene::Quic::client_hello("a.example", false);
    let drafts = (22..=34).map(Version::draft);
    for version in [Version::ONE, Version::TWO].into_iter().chain(drafts) {
        let packet = quic::Initial {
            version,
            sender: quic::Sender::Client,
            key_id: &[1, 2, 3, 4, 5, 6, 7, 8],
            destination: &[1, 2, 3, 4, 5, 6, 7, 8],
            source: &[9, 9],
            token: &[],
            number: 0,
        };
        let datagram = packet.packet(&quic::crypto(0, &hello), quic::DATAGRAM);
        assert!(looks_like_quic(&datagram), "{version:?}");
        assert_eq!(play(&[Ok(datagram)]).0, ["a.example"], "{version:?}");
    }
}

#[test]
fn unknown_versions_are_recognised_where_they_are_expected() {
    use egress_audit_fixtures::wire::quic::{self, Version};
    let unknown = quic::unknown(Version::UNKNOWN, &[1; 8], &[2; 5], 1);
    assert!(looks_like_unknown_quic(&unknown) && !looks_like_quic(&unknown));
    assert_eq!(play(&[Ok(unknown.clone())]).0, ["UnknownVersion(2133934425)"]);
    // Too short for a client's first, with a short id, of a known version, without the fixed bit.
    assert!(!looks_like_unknown_quic(&unknown[..1199]));
    assert!(!looks_like_unknown_quic(&quic::unknown(Version::UNKNOWN, &[1; 7], &[2; 5], 1)));
    assert!(!looks_like_unknown_quic(&quic::unknown(Version::ONE, &[1; 8], &[2; 5], 1)));
    let mut other = unknown;
    other[0] &= !0x40;
    assert!(!looks_like_unknown_quic(&other));
    assert!(!looks_like_unknown_quic(&[0xff; 1200]));
}

#[test]
fn every_google_version_gives_its_tag() {
    let mut chlo = b"CHLO\x01\0\0\0SNI\0".to_vec();
    chlo.extend(9_u32.to_le_bytes());
    chlo.extend(b"a.example");
    for version in [b"Q039", b"Q043"] {
        let head = [&b"\x0912345678"[..], version, b"\x01............\xa0\x01\0\x04"].concat();
        let clear = [&head[..], &chlo].concat();
        assert!(looks_like_quic(&clear));
        assert_eq!(play(&[Ok(clear)]).0, ["a.example"], "{version:?}");
    }
    // Long headers, and the hello still in the clear.
    for version in [b"Q044", b"Q046", b"Q048"] {
        let head = [&b"\xc3"[..], version, b"\x5012345678\0\0\0\x01............"].concat();
        let clear = [&head[..], &chlo].concat();
        assert!(looks_like_quic(&clear), "{version:?}");
        assert_eq!(play(&[Ok(clear)]).0, ["a.example"], "{version:?}");
    }
}

#[test]
fn google_hellos_give_their_tag() {
    let mut chlo = b"CHLO\x03\0\0\0".to_vec();
    for (tag, end) in [(b"PAD\0", 4_u32), (b"SNI\0", 19), (b"VER\0", 23)] {
        chlo.extend(tag);
        chlo.extend(end.to_le_bytes());
    }
    chlo.extend(b"----dns.example.orgQ043");
    assert_eq!(chlo_server_name(&chlo), Some(&b"dns.example.org"[..]));
    for cut in 0..chlo.len() - 4 {
        assert_eq!(chlo_server_name(&chlo[..cut]), None, "{cut}");
    }
    let clear = [&b"\x0912345678Q043\x01............\xa0\x01\0\x04"[..], &chlo].concat();
    let answer = b"\x0812345678\x01............REJ".to_vec();
    let (said, _) = play(&[Ok(clear.clone()), Err(answer)]);
    assert_eq!(said, ["dns.example.org", "Answered"]);
    let reset = b"\x0a12345678PRST".to_vec();
    assert_eq!(play(&[Ok(clear), Err(reset)]).0[1], "Closed { code: 0, by_client: false }");
    let id = hex(CLIENT_ID);
    let sealed = initial(0x5130_3530, &id, &id, Side::Client, 1, &chlo);
    assert_eq!(play(&[Ok(sealed)]).0, ["dns.example.org"]);
}

#[test]
fn frames_end_at_what_does_not_belong_here() {
    let bytes = hex("00000103050101000203 0a0b0c0600024142 3000".replace(' ', "").as_str());
    let frames: Vec<_> = Frames::new(&bytes).collect();
    let crypto = Frame::Crypto { offset: 0, data: b"AB" };
    assert_eq!(frames, [Frame::Filler, Frame::Filler, Frame::Ack, crypto]);
    // An ACK that claims more ranges than there are bytes.
    assert_eq!(Frames::new(&hex("020000ffffffffffffffff00")).next(), None);
}

#[test]
fn padding_ends_where_a_frame_begins() {
    for length in [0, 1, 31, 32, 33, 63, 64, 100] {
        let bytes = [&vec![0; length + 1][..], &[6, 0, 1, 7]].concat();
        let crypto = Frame::Crypto { offset: 0, data: &[7] };
        assert!(Frames::new(&bytes).eq([Frame::Filler, crypto]), "{length}");
    }
}

#[test]
fn a_stream_keeps_within_its_bounds() {
    let mut stream = CryptoStream::new();
    assert!(!stream.insert(u64::MAX, b"x") && !stream.insert(1 << 16, b"x"));
    assert!(!stream.insert(0, b""));
    for at in (2..60_000).step_by(2) {
        assert!(!stream.insert(at, b"x"));
    }
    assert!(stream.insert(0, &[0; 70_000]));
    assert_eq!(stream.prefix().len(), CryptoStream::CAPACITY);
    stream.release();
    assert!(stream.prefix().is_empty());
}

proptest! {
    #[test]
    fn pieces_in_any_order_give_the_same_stream(
        length in 1_usize..3000,
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..40),
        overlap in 0_usize..30,
        order in any::<u64>(),
        copies in 1_usize..3,
    ) {
        let whole: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(length)).collect();
        ends.push(length);
        ends.sort_unstable();
        let mut pieces = Vec::new();
        let mut start = 0;
        for end in ends {
            for _ in 0..copies {
                pieces.push((start, (end + overlap).min(length)));
            }
            start = end;
        }
        // A permutation that the seed decides.
        pieces.sort_by_key(|piece| (piece.0 as u64 ^ order).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut stream = CryptoStream::new();
        for (start, end) in pieces {
            stream.insert(start as u64, &whole[start..end]);
            prop_assert!(whole.starts_with(stream.prefix()));
        }
        prop_assert_eq!(stream.prefix(), &whole[..]);
    }

    #[test]
    fn scattered_hellos_give_the_same_name(
        cuts in proptest::collection::vec(0_usize..241, 0..12),
        order in any::<u64>(),
        packets in 1_usize..4,
    ) {
        let hello = hello();
        let mut ends = cuts;
        ends.push(hello.len());
        ends.sort_unstable();
        ends.dedup();
        let mut start = 0;
        let mut frames = Vec::new();
        for end in ends {
            frames.push((start, crypto_frame(start, &hello[start..end])));
            start = end;
        }
        frames.sort_by_key(|frame| (frame.0 as u64 ^ order).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let share = frames.len().div_ceil(packets);
        let mut datagrams = Vec::new();
        for (number, part) in (0_u8..).zip(frames.chunks(share)) {
            // A PING between frames, as clients mix them in.
            let payload: Vec<u8> = part.iter().flat_map(|frame| [&[1][..], &frame.1].concat()).collect();
            datagrams.push(Ok(client_initial(number, &payload)));
            datagrams.push(Ok(client_initial(number, &payload)));
        }
        let (said, _) = play(&datagrams);
        prop_assert_eq!(said.iter().filter(|said| *said == "example.com").count(), 1);
        prop_assert_eq!(said.iter().filter(|said| *said != "None").count(), 1);
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzz_quic(&bytes);
    }

    #[test]
    fn no_frames_break_the_flow(frames in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = play(&[Ok(client_initial(0, &frames)), Err(server_initial(&frames))]);
    }
}
