//! Scans of bytes built by hand, and the promises that hold for any bytes.

use proptest::prelude::*;

use super::*;

const NAME: &[u8] = b"make.powerautomate.com";

fn vector8(content: &[u8]) -> Vec<u8> {
    [&[u8::try_from(content.len()).unwrap()][..], content].concat()
}

fn vector16(content: &[u8]) -> Vec<u8> {
    [&u16::try_from(content.len()).unwrap().to_be_bytes()[..], content].concat()
}

fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &vector16(content)].concat()
}

fn name_entry(kind: u8, name: &[u8]) -> Vec<u8> {
    [&[kind][..], &vector16(name)].concat()
}

fn server_name(name: &[u8]) -> Vec<u8> {
    extension(0, &vector16(&name_entry(0, name)))
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, length[1], length[2], length[3]][..], body].concat()
}

fn client_hello(extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend(vector8(&[9; 32]));
    body.extend(vector16(&[0x13, 1, 0x13, 2, 0xc0, 0x2f]));
    body.extend(vector8(&[0]));
    body.extend(vector16(extensions));
    message(1, &body)
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1][..], &vector16(content)].concat()
}

/// A hello as browsers send it: GREASE, the name in the middle, a key share of the given size.
fn browser_hello(name: &[u8], key_share: usize) -> Vec<u8> {
    client_hello(
        &[
            extension(0x2a2a, &[]),
            extension(23, &[]),
            extension(0xfe0d, &[0; 40]),
            server_name(name),
            extension(51, &vec![5; key_share]),
            extension(43, &vector8(&[0x3a, 0x3a, 3, 4, 3, 3])),
            extension(16, &vector16(&[vector8(b"h2"), vector8(b"http/1.1")].concat())),
        ]
        .concat(),
    )
}

fn server_hello(random: &[u8; 32], extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(random);
    body.extend(vector8(&[9; 32]));
    body.extend([0x13, 1, 0]);
    if !extensions.is_empty() {
        body.extend(vector16(extensions));
    }
    message(2, &body)
}

fn scan(bytes: &[u8], check: impl FnOnce(HelloScan<'_>)) {
    check(scan_client_hello(bytes, &mut Vec::new()));
}

fn status(bytes: &[u8]) -> Progress {
    scan_client_hello(bytes, &mut Vec::new()).status
}

fn server(bytes: &[u8]) -> ServerScan {
    scan_server(bytes, &mut Vec::new())
}

/// Cuts `message` into handshake records, whose sizes are taken from `sizes` in turn.
fn records(message: &[u8], sizes: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = message;
    for size in sizes.iter().cycle() {
        let (fragment, behind) = rest.split_at(rest.len().min((*size).max(1)));
        out.extend(record(22, fragment));
        rest = behind;
        if rest.is_empty() {
            break;
        }
    }
    out
}

#[test]
fn a_whole_hello_tells_everything() {
    let hello = record(22, &browser_hello(NAME, 1200));
    let with_more = [&hello[..], b"early data"].concat();
    let mut scratch = Vec::new();
    let scan = scan_client_hello(&with_more, &mut scratch);
    assert_eq!(
        scan,
        HelloScan {
            status: Progress::Complete,
            server_name: Some(NAME),
            alpn: Some(b"h2"),
            offers_tls13: true,
            encrypted_client_hello: true,
            length: hello.len(),
        }
    );
    assert_eq!(scratch.capacity(), 0, "one record is read in place");
}

#[test]
fn a_hello_without_extensions_of_interest_is_complete_and_nameless() {
    scan(&record(22, &client_hello(&extension(23, &[]))), |scan| {
        assert_eq!(scan.status, Progress::Complete);
        assert_eq!((scan.server_name, scan.alpn), (None, None));
        assert!(!scan.offers_tls13 && !scan.encrypted_client_hello);
    });
}

#[test]
fn the_first_host_name_of_several_entries_is_taken_as_it_was_sent() {
    let names = [name_entry(7, b"opaque"), name_entry(0, b"A.example."), name_entry(0, b"b")];
    let hello = client_hello(&extension(0, &vector16(&names.concat())));
    scan(&record(22, &hello), |scan| {
        assert_eq!(scan.status, Progress::Complete);
        assert_eq!(scan.server_name, Some(&b"A.example."[..]));
    });
}

#[test]
fn an_empty_name_is_malformed_and_no_name() {
    scan(&record(22, &client_hello(&server_name(b""))), |scan| {
        assert_eq!((scan.status, scan.server_name), (Progress::Malformed, None));
    });
}

#[test]
fn a_malformed_extension_hides_no_name_whether_before_or_behind_it() {
    let broken_alpn = extension(16, &[0, 200, 9, b'h']);
    for extensions in [
        [broken_alpn.clone(), server_name(NAME)].concat(),
        [server_name(NAME), broken_alpn].concat(),
        [server_name(NAME), vec![0, 16, 0xff, 0xff, 0]].concat(),
    ] {
        scan(&record(22, &client_hello(&extensions)), |scan| {
            assert_eq!((scan.status, scan.server_name), (Progress::Malformed, Some(NAME)));
        });
    }
}

#[test]
fn bytes_behind_the_extensions_are_malformed() {
    let mut hello = client_hello(&server_name(NAME));
    hello.extend([0, 0]);
    hello[3] += 2;
    scan(&record(22, &hello), |scan| {
        assert_eq!((scan.status, scan.server_name), (Progress::Malformed, Some(NAME)));
    });
}

#[test]
fn a_length_beyond_the_message_is_malformed_at_once() {
    let mut hello = client_hello(&server_name(NAME));
    hello[38] = 0xff; // the session id
    assert_eq!(status(&record(22, &hello)[..60]), Progress::Malformed);
    // A message longer than any hello.
    assert_eq!(status(&[22, 3, 1, 2, 0, 1, 2, 0, 0, 3, 3]), Progress::Malformed);
}

#[test]
fn forbidden_records_inside_a_hello_are_malformed() {
    let hello = browser_hello(NAME, 64);
    let (head, tail) = hello.split_at(200);
    for between in [record(20, &[1]), record(22, &[]), b"GET /".to_vec()] {
        let bytes = [record(22, head), between, record(22, tail)].concat();
        scan(&bytes, |scan| {
            assert_eq!((scan.status, scan.server_name), (Progress::Malformed, Some(NAME)));
        });
    }
}

#[test]
fn alerts_and_cipher_changes_before_the_hello_are_passed_over() {
    let hello = record(22, &browser_hello(NAME, 64));
    let bytes = [record(20, &[1]), record(21, &[1, 0]), hello].concat();
    assert_eq!(looks_like_tls(&bytes), Some(true));
    scan(&bytes, |scan| {
        assert_eq!((scan.status, scan.length), (Progress::Complete, bytes.len()));
        assert_eq!(scan.server_name, Some(NAME));
    });
    for cut in 0..17 {
        assert_eq!(looks_like_tls(&bytes[..cut]), None, "{cut}");
    }
    let endless = record(21, &[1, 0]).repeat(9);
    assert_eq!(looks_like_tls(&endless), Some(false));
    assert_eq!(status(&endless), Progress::NotTls);
}

#[test]
fn other_protocols_are_no_tls() {
    for other in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"SSH-2.0-x",
        &[22, 3, 1, 0, 0],
        &[22, 2, 1, 0, 9],
        &[22, 3, 1, 0xff, 0xff],
        &[22, 3, 3, 0, 90, 2, 0],
        &[23, 3, 3, 0, 90, 2, 0],
        &[0x80, 46, 4],
    ] {
        assert_eq!(looks_like_tls(other), Some(false), "{other:?}");
        assert_eq!(status(other), Progress::NotTls, "{other:?}");
    }
    assert_eq!(looks_like_tls(&[]), None);
    assert_eq!(looks_like_tls(&[22, 3, 1, 2, 0]), None);
    assert_eq!(looks_like_tls(&[22, 3, 1, 2, 0, 1]), Some(true));
}

#[test]
fn a_hello_of_ssl_2_is_tls_without_a_name() {
    let mut hello = vec![0x80, 9 + 6 + 16, 1, 3, 1, 0, 6, 0, 0, 0, 16];
    hello.extend([0, 0, 4, 1, 0, 0x80]);
    hello.extend([7; 16]);
    for cut in 0..11 {
        assert_eq!(looks_like_tls(&hello[..cut]), None);
        assert_ne!(status(&hello[..cut]), Progress::Complete);
    }
    assert_eq!(looks_like_tls(&hello[..11]), Some(true));
    assert_eq!(status(&hello[..11]), Progress::NeedMore { at_least: hello.len() });
    scan(&hello, |scan| {
        assert_eq!((scan.status, scan.length), (Progress::Complete, hello.len()));
        assert_eq!(scan.server_name, None);
    });
    hello[10] = 17;
    assert_eq!(looks_like_tls(&hello), Some(false));
}

#[test]
fn a_post_quantum_hello_over_two_segments_needs_exactly_its_length() {
    let hello = record(22, &browser_hello(NAME, 1500));
    let first = &hello[..1400];
    scan(first, |scan| {
        assert_eq!(scan.status, Progress::NeedMore { at_least: hello.len() });
        assert_eq!(scan.server_name, Some(NAME));
    });
    assert_eq!(status(&hello), Progress::Complete);
}

#[test]
fn the_length_ends_inside_a_record_that_goes_on() {
    let hello = browser_hello(NAME, 64);
    let bytes = record(22, &[&hello[..], b"\x0b more messages"].concat());
    scan(&bytes, |scan| assert_eq!(scan.length, 5 + hello.len()));
    let (head, tail) = hello.split_at(100);
    let last = [tail, b"\x0b more"].concat();
    scan(&[record(22, head), record(22, &last)].concat(), |scan| {
        assert_eq!((scan.status, scan.length), (Progress::Complete, 10 + hello.len()));
    });
}

#[test]
fn a_server_hello_tells_its_version() {
    let tls13 = record(22, &server_hello(&[7; 32], &extension(43, &[3, 4])));
    let answer = |hello_retry_request, tls13, length| ServerScan::ServerHello {
        hello_retry_request,
        tls13,
        length,
    };
    assert_eq!(server(&tls13), answer(false, true, tls13.len()));
    // Extension 21 is misread by some parsers; it hides nothing here.
    let odd = [extension(21, &[1, 2, 3]), extension(43, &[3, 4])].concat();
    let odd = record(22, &server_hello(&[7; 32], &odd));
    assert_eq!(server(&odd), answer(false, true, odd.len()));
    let tls12 = record(22, &server_hello(&[7; 32], &extension(65281, &[0])));
    assert_eq!(server(&tls12), answer(false, false, tls12.len()));
    let bare = record(22, &server_hello(&[7; 32], &[]));
    assert_eq!(server(&bare), answer(false, false, bare.len()));
    // A certificate follows in the same record.
    let hello = server_hello(&[7; 32], &[]);
    let bytes = record(22, &[&hello[..], &message(11, &[0; 9])].concat());
    assert_eq!(server(&bytes), answer(false, false, 5 + hello.len()));
    // A draft of TLS 1.3.
    let draft = record(22, &message(2, &[&[0x7f, 0x17][..], &[7; 40]].concat()));
    assert_eq!(server(&draft), answer(false, true, draft.len()));
}

#[test]
fn a_hello_retry_request_is_known_by_its_random() {
    let random = [
        0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8,
        0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8,
        0x33, 0x9C,
    ];
    let bytes = record(22, &server_hello(&random, &extension(43, &[3, 4])));
    let ServerScan::ServerHello { hello_retry_request, tls13, .. } = server(&bytes) else {
        panic!("no ServerHello");
    };
    assert!(hello_retry_request && tls13);
}

#[test]
fn the_random_of_a_hello_retry_request_is_the_hash_of_its_name() {
    use sha2::Digest;
    let random: [u8; 32] = sha2::Sha256::digest(b"HelloRetryRequest").into();
    let bytes = record(22, &server_hello(&random, &[]));
    assert!(matches!(server(&bytes), ServerScan::ServerHello { hello_retry_request: true, .. }));
}

#[test]
fn alerts_answer_for_a_server_unless_a_warning_is_followed_by_a_hello() {
    let fatal = record(21, &[2, 40]);
    let warning = record(21, &[1, 112]);
    let closing = record(21, &[1, 0]);
    let hello = record(22, &server_hello(&[7; 32], &[]));
    assert_eq!(server(&fatal), ServerScan::Alert { level: 2, description: 40 });
    assert_eq!(server(&warning), ServerScan::Alert { level: 1, description: 112 });
    assert_eq!(
        server(&[closing, hello.clone()].concat()),
        ServerScan::Alert { level: 1, description: 0 }
    );
    let warned = [warning.clone(), hello].concat();
    assert!(
        matches!(server(&warned), ServerScan::ServerHello { length, .. } if length == warned.len())
    );
    assert_eq!(server(&warned[..8]), ServerScan::NeedMore { at_least: 12 });
    assert_eq!(
        server(&[&warning[..], &fatal].concat()),
        ServerScan::Alert { level: 2, description: 40 }
    );
    assert_eq!(server(&warning.repeat(9)), ServerScan::Malformed);
    assert_eq!(server(&fatal[..4]), ServerScan::NeedMore { at_least: 5 });
    assert_eq!(server(&fatal[..6]), ServerScan::NeedMore { at_least: 7 });
}

#[test]
fn what_a_server_may_not_say_first_is_told_from_what_is_no_tls() {
    assert_eq!(server(b"HTTP/1.1 400 Bad Request\r\n"), ServerScan::NotTls);
    assert_eq!(server(b"H"), ServerScan::NotTls);
    assert_eq!(server(&record(23, &[0; 40])), ServerScan::Malformed);
    assert_eq!(server(&record(21, &[0; 40])), ServerScan::Malformed);
    assert_eq!(server(&record(21, &[7, 40])), ServerScan::Malformed);
    assert_eq!(server(&record(22, &message(11, &[0; 40]))), ServerScan::Malformed);
    assert_eq!(server(&record(22, &message(2, &[9; 40]))), ServerScan::Malformed);
}

#[test]
fn one_byte_at_a_time_in_records_of_one_byte_takes_few_calls() {
    let hello = browser_hello(NAME, 16_000);
    let bytes = records(&hello, &[1]);
    let (calls, length) = follow(&bytes, |_| 1);
    assert_eq!(length, bytes.len());
    assert!(calls < 70, "{calls}");
}

/// Feeds `bytes` in reads of the sizes that `size` gives, calls only when enough bytes are there,
/// and returns how many calls that took and the length that the last one reported.
fn follow(bytes: &[u8], mut size: impl FnMut(usize) -> usize) -> (usize, usize) {
    let mut scratch = Vec::new();
    let (mut there, mut wanted, mut calls, mut read) = (0, 0, 0, 0);
    loop {
        if there >= wanted {
            calls += 1;
            let scan = scan_client_hello(&bytes[..there], &mut scratch);
            match scan.status {
                Progress::NeedMore { at_least } => {
                    assert!(at_least > there && at_least <= bytes.len());
                    wanted = at_least;
                }
                Progress::Complete => return (calls, scan.length),
                other => panic!("{other:?}"),
            }
        }
        there = (there + size(read)).min(bytes.len());
        read += 1;
    }
}

fn names() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![b'a'..=b'z', Just(b'.'), any::<u8>()], 1..80)
}

proptest! {
    #[test]
    fn the_name_is_there_with_its_last_byte_and_never_before(
        name in names(), key_share in 0_usize..400, sizes in prop::collection::vec(1_usize..300, 1..5)
    ) {
        let hello = browser_hello(&name, key_share);
        let sni = server_name(&name);
        let place = hello.windows(sni.len()).position(|window| window == sni).unwrap() + sni.len();
        for cut in 0..=hello.len() {
            let scan = scan_client_hello_message(&hello[..cut]);
            prop_assert_eq!(scan.server_name, (cut >= place).then_some(&name[..]));
            prop_assert_eq!(scan.status == Progress::Complete, cut == hello.len());
        }
        let bytes = records(&hello, &sizes);
        let mut seen = false;
        for cut in 0..=bytes.len() {
            let mut scratch = Vec::new();
            let scan = scan_client_hello(&bytes[..cut], &mut scratch);
            match scan.server_name {
                Some(found) => prop_assert_eq!(found, &name[..]),
                None => prop_assert!(!seen, "a name does not vanish"),
            }
            seen |= scan.server_name.is_some();
            prop_assert_eq!(scan.status == Progress::Complete, cut == bytes.len());
        }
        prop_assert!(seen);
    }

    #[test]
    fn records_of_any_size_give_the_same_hello(
        name in names(), sizes in prop::collection::vec(1_usize..700, 1..9)
    ) {
        let hello = browser_hello(&name, 300);
        let bytes = records(&hello, &sizes);
        let mut scratch = vec![1, 2, 3];
        let scan = scan_client_hello(&bytes, &mut scratch);
        let whole = scan_client_hello_message(&hello);
        prop_assert_eq!(scan.length, bytes.len());
        prop_assert_eq!(HelloScan { length: whole.length, ..scan }, whole);
        let answer = server_hello(&[7; 32], &extension(43, &[3, 4]));
        let bytes = records(&answer, &sizes);
        let expected =
            ServerScan::ServerHello { hello_retry_request: false, tls13: true, length: bytes.len() };
        prop_assert_eq!(server(&bytes), expected);
        for cut in 0..bytes.len() {
            let is_waiting = matches!(server(&bytes[..cut]),
                ServerScan::NeedMore { at_least } if at_least > cut && at_least <= bytes.len());
            prop_assert!(is_waiting);
        }
    }

    #[test]
    fn reads_of_any_size_lead_to_the_end_in_few_calls(
        key_share in 0_usize..8000,
        sizes in prop::collection::vec(1_usize..2000, 1..6),
        reads in prop::collection::vec(1_usize..1500, 1..6),
    ) {
        let hello = browser_hello(NAME, key_share);
        let bytes = records(&hello, &sizes);
        let (calls, length) = follow(&bytes, |read| reads[read % reads.len()]);
        prop_assert_eq!(length, bytes.len());
        prop_assert!(calls < 70, "{}", calls);
    }

    #[test]
    fn no_bytes_break_a_promise(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz_tls(&bytes);
    }

    #[test]
    fn no_damage_to_a_conversation_breaks_a_promise(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        sizes in prop::collection::vec(1_usize..400, 1..4),
        cut in any::<prop::sample::Index>(),
        is_client in any::<bool>(),
    ) {
        let message = match is_client {
            true => browser_hello(NAME, 50),
            false => server_hello(&[7; 32], &extension(43, &[3, 4])),
        };
        let mut bytes = records(&message, &sizes);
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let mut known: Option<Vec<u8>> = None;
        for there in 0..=bytes.len() {
            let mut scratch = Vec::new();
            let name = scan_client_hello(&bytes[..there], &mut scratch).server_name;
            match (&known, name) {
                (Some(known), name) => prop_assert_eq!(Some(&known[..]), name),
                (None, name) => known = name.map(<[u8]>::to_vec),
            }
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        fuzz_tls(&bytes);
        fuzz_tls(bytes.get(5..).unwrap_or_default());
    }
}
