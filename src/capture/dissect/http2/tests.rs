//! Frames by the rules, and by none.

use super::*;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A field that is spelled out and not indexed.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let name = [&[0, name.len() as u8], name.as_bytes()].concat();
    [&name[..], &[value.len() as u8], value.as_bytes()].concat()
}

fn events(reader: &mut Reader, bytes: &[u8]) -> (Vec<String>, Progress) {
    let mut found = Vec::new();
    let progress = reader.read(bytes, |event| {
        found.push(match event {
            Event::Reset { stream } => format!("{stream} reset"),
            Event::Head(Head { stream, authority, status, is_connect, location, .. }) => format!(
                "{stream} {} {status:?} {is_connect} {}",
                String::from_utf8_lossy(authority),
                String::from_utf8_lossy(location)
            ),
        });
    });
    (found, progress)
}

fn request(stream: u32, authority: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, &literal(":authority", authority))
}

#[test]
fn the_preface_is_known_by_its_beginning() {
    for end in 0..PREFACE.len() {
        assert_eq!(looks_like_preface(&PREFACE[..end]), None);
    }
    assert_eq!(looks_like_preface(&[PREFACE, b"\0"].concat()), Some(true));
    assert_eq!(looks_like_preface(b"PRI * HTTP/1.0"), Some(false));
    assert_eq!(looks_like_preface(b"POST"), Some(false));
}

#[test]
fn requests_and_responses_are_read() {
    let settings = frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]);
    let client = [PREFACE, &settings, &request(1, "a.example:8080")].concat();
    let (found, end) = events(&mut Reader::client(), &client);
    assert_eq!(found, ["1 a.example:8080 None false "]);
    assert_eq!(end, Progress { used: client.len(), at_least: 0 });
    let redirect = [literal(":status", "302"), literal("location", "https://b.example/")].concat();
    let server = [
        settings,
        frame(HEADERS, END_HEADERS, 1, &redirect),
        frame(0, 0, 1, &[7; 5_000]),
        frame(RST_STREAM, 0, 3, &[0, 0, 0, 8]),
    ]
    .concat();
    let (found, _) = events(&mut Reader::server(), &server);
    assert_eq!(found, ["1  Some(302) false https://b.example/", "3 reset"]);
}

#[test]
fn a_host_field_stands_in_for_a_missing_authority() {
    let connect = [literal(":method", "CONNECT"), literal("host", "a.example")].concat();
    let bytes = frame(HEADERS, END_HEADERS, 5, &connect);
    let (found, _) = events(&mut Reader::server(), &bytes);
    assert_eq!(found, ["5 a.example None true "]);
}

#[test]
fn padding_priority_and_continuation_are_taken_off() {
    let block = [literal(":authority", "a.example"), literal("x", "y")].concat();
    let (front, back) = block.split_at(7);
    let padded = [&[3, 0, 0, 0, 0, 200][..], front, &[0; 3]].concat();
    let bytes = [
        frame(HEADERS, PADDED | PRIORITY, 1, &padded),
        frame(CONTINUATION, 0, 1, &[]),
        frame(CONTINUATION, END_HEADERS, 1, back),
    ]
    .concat();
    let (found, _) = events(&mut Reader::server(), &bytes);
    assert_eq!(found, ["1 a.example None false "]);
}

#[test]
fn promises_change_the_table_and_are_no_requests() {
    let indexed = [&[0x41, 9][..], b"a.example"].concat();
    let promise = [&[0, 0, 0, 2][..], &indexed].concat();
    let bytes =
        [frame(PUSH_PROMISE, END_HEADERS, 1, &promise), frame(HEADERS, END_HEADERS, 2, &[0xbe])]
            .concat();
    let (found, _) = events(&mut Reader::server(), &bytes);
    assert_eq!(found, ["2 a.example None false "]);
}

#[test]
fn a_frame_waits_for_its_end() {
    let bytes = request(1, "a.example");
    for end in 1..bytes.len() {
        let (found, progress) = events(&mut Reader::server(), &bytes[..end]);
        let at_least = if end < FRAME_HEADER { FRAME_HEADER } else { bytes.len() };
        assert_eq!((found.len(), progress), (0, Progress { used: 0, at_least }));
    }
}

#[test]
fn a_cut_block_names_its_host_and_ends_the_reading() {
    let block = [literal(":authority", "a.example"), literal("cookie", "long")].concat();
    let bytes = frame(HEADERS, END_HEADERS, 1, &block);
    let mut reader = Reader::server();
    let mut found = Vec::new();
    reader.read_last(&bytes[..bytes.len() - 2], |event| {
        if let Event::Head(head) = event {
            found.push((head.authority.to_vec(), head.complete));
        }
    });
    assert_eq!(found, [(b"a.example".to_vec(), false)]);
    assert_eq!(events(&mut reader, &request(3, "b.example")).0.len(), 0);
}

#[test]
fn frames_against_the_rules_end_the_reading() {
    let refused = [
        // A part of a block without its beginning, on no stream, inside another, too long.
        frame(CONTINUATION, END_HEADERS, 1, &literal(":authority", "a")),
        request(0, "a"),
        [frame(HEADERS, 0, 1, &[0x82]), request(3, "a")].concat(),
        frame(HEADERS, END_HEADERS, 1, &vec![0x82; MAX_BLOCK + 1]),
        frame(HEADERS, END_HEADERS | PADDED, 1, &[9, 0x82]),
        frame(HEADERS, END_HEADERS | PRIORITY, 1, &[0, 0]),
    ];
    for bytes in refused {
        let bytes = [bytes, request(7, "b.example")].concat();
        assert_eq!(events(&mut Reader::server(), &bytes).0.len(), 0);
    }
    let part = frame(CONTINUATION, 0, 1, &vec![0x82; MAX_BLOCK]);
    let bytes = [frame(HEADERS, 0, 1, &[0x82]), part, request(3, "a")].concat();
    assert_eq!(events(&mut Reader::server(), &bytes).0.len(), 0);
}
