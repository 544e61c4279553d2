//! Datagrams built by hand.

use super::*;

const NAME: &[u8] = b"vpn.example.com";

fn vector(width: usize, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[4 - width..], content].concat()
}

/// The body of a hello with a name.
fn hello(cookie: &[u8]) -> Vec<u8> {
    let mut body = vec![0xfe, 0xfd];
    body.extend([7; 32]);
    body.push(0);
    body.extend(vector(1, cookie));
    body.extend(vector(2, &[0xc0, 0x2f]));
    body.extend([1, 0]);
    let name = vector(2, &[&[0][..], &vector(2, NAME)].concat());
    body.extend(vector(2, &[&[0, 0][..], &vector(2, &name)].concat()));
    body
}

fn fragment(kind: u8, number: u8, body: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
    let part = &body[range.clone()];
    let mut bytes = vec![kind];
    for (width, value) in [(3, body.len()), (2, number.into()), (3, range.start), (3, part.len())] {
        bytes.extend(&u32::try_from(value).unwrap().to_be_bytes()[4 - width..]);
    }
    bytes.extend(part);
    bytes
}

fn record(kind: u8, epoch: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 1];
    bytes.extend(vector(2, content));
    bytes
}

/// What a series of datagrams says, and the name that they show.
fn read(datagrams: &[Vec<u8>]) -> (Said, Option<Vec<u8>>) {
    let mut assembly = HelloAssembly::default();
    let mut name = None;
    let mut said = Said::default();
    for datagram in datagrams {
        said = assembly.datagram(datagram, |scan| {
            name = name.take().or(scan.server_name.map(<[u8]>::to_vec));
        });
    }
    (said, name)
}

#[test]
fn a_hello_with_and_without_a_cookie_shows_its_name() {
    for cookie in [&[][..], &[9; 20]] {
        let body = hello(cookie);
        let datagram = record(22, 0, &fragment(1, 0, &body, 0..body.len()));
        assert!(looks_like_dtls(&datagram) && opens_dtls(&datagram) && !answers_dtls(&datagram));
        let (said, name) = read(&[datagram]);
        assert!(said.hello && !said.served);
        assert_eq!(name.as_deref(), Some(NAME));
    }
}

#[test]
fn fragments_in_any_order_make_the_hello() {
    let body = hello(&[]);
    let middle = body.len() / 2;
    let first = record(22, 0, &fragment(1, 0, &body, 0..middle));
    let second = record(22, 0, &fragment(1, 0, &body, middle..body.len()));
    for order in [[&first, &second], [&second, &first]] {
        let together = vec![order.map(Vec::clone).concat()];
        for datagrams in [order.map(Vec::clone).to_vec(), together] {
            assert_eq!(read(&datagrams).1.as_deref(), Some(NAME));
        }
    }
    // Fragments of two hellos do not mix.
    let other = record(22, 0, &fragment(1, 1, &hello(&[1; 9]), middle..body.len()));
    assert_eq!(read(&[first, other]).1, None);
}

#[test]
fn answers_are_told_apart() {
    let server_hello = [&[0xfe, 0xfd][..], &[7; 32], &[0, 0xc0, 0x2f, 0]].concat();
    let retry = [&[0xfe, 0xfd][..], &tls::HELLO_RETRY_REQUEST, &[0, 0x13, 1, 0]].concat();
    let message = |kind, body: &[u8]| record(22, 0, &fragment(kind, 0, body, 0..body.len()));
    let said = |datagram: Vec<u8>| read(&[datagram]).0;
    assert!(answers_dtls(&message(3, &[0xfe, 0xff, 1, 9])));
    assert_eq!(said(message(3, &[0xfe, 0xff, 1, 9])), Said { asks_again: true, ..Said::default() });
    assert_eq!(said(message(2, &retry)), Said { asks_again: true, ..Said::default() });
    assert_eq!(said(message(2, &server_hello)), Said { served: true, ..Said::default() });
    let flight = [message(2, &server_hello), record(22, 1, &[9; 40])].concat();
    assert_eq!(said(flight), Said { served: true, encrypted: true, ..Said::default() });
    // DTLS 1.3 gives encrypted records a header of their own.
    let flight = [message(2, &server_hello), vec![0x2e, 1, 2, 0, 9]].concat();
    assert_eq!(said(flight), Said { served: true, encrypted: true, ..Said::default() });
    let alert = record(21, 0, &[2, 40]);
    assert_eq!(said(alert), Said { fatal_alert: Some(40), ..Said::default() });
    assert_eq!(said(record(21, 0, &[1, 0])), Said::default());
    assert_eq!(said(record(23, 1, &[9; 40])), Said::default());
}

#[test]
fn other_datagrams_are_no_dtls() {
    let others: [&[u8]; 7] = [
        b"",
        b"\x16\xfe",
        b"\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\0",
        // RTP, a STUN request, TLS over TCP, application data.
        b"\x80\x60\x12\x34\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\0\x01\0\0\x21\x12\xa4\x42\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\x16\x03\x03\x00\x40\x01\0\0\x3c\x03\x03\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\x17\xfe\xfd\0\x01\0\0\0\0\0\x01\0\x03abc",
    ];
    for other in others {
        assert!(!looks_like_dtls(other), "{other:?}");
    }
}

#[test]
fn the_version_before_1_0_is_known_by_a_hello_only() {
    let body = hello(&[]);
    let mut datagram = record(22, 0, &fragment(1, 0, &body, 0..body.len()));
    datagram[1..3].copy_from_slice(&[1, 0]);
    assert!(opens_dtls(&datagram));
    assert_eq!(read(&[datagram]).1.as_deref(), Some(NAME));
    assert!(!looks_like_dtls(b"\x14\x01\0\0\0\0\0\0\0\0\0\0\x01\x01"));
}
