//! Conversations from bytes: what the sides say, and the attempts that come out.

use super::*;
use crate::capture::dns_transactions::Transactions;
use crate::capture::flow_key::TCP;
use crate::capture::packet::Transport;
use crate::observe::{
    Attempt, Cause, ChainId, Channel, Locator, NameId, NameSource, Offer, Outcome, Resolution,
    Sighting, TextId,
};

#[derive(Default)]
struct Notes {
    names: Vec<String>,
    attempts: Vec<Attempt>,
}

impl Sink for Notes {
    const WANTS_SIGHTINGS: bool = true;

    fn intern(&mut self, name: &str) -> NameId {
        self.names.push(name.to_owned());
        NameId(self.names.len() as u32 - 1)
    }

    fn is_text(&self, id: NameId, name: &str) -> bool {
        self.names.get(id.0 as usize).is_some_and(|kept| kept == name)
    }

    fn keeps(&self, _: NameId) -> bool {
        true
    }

    fn keeps_unnamed(&mut self, _: crate::observe::Address) -> bool {
        true
    }

    fn text(&mut self, _: &str) -> Option<TextId> {
        None
    }

    fn wants_certificates(&self, _: Option<NameId>) -> bool {
        true
    }

    fn chain(&mut self, list: &[u8]) -> Option<ChainId> {
        u32::try_from(list.len()).ok().map(ChainId)
    }

    fn attempt(&mut self, attempt: &Attempt) {
        self.attempts.push(*attempt);
    }

    fn resolution(&mut self, _: &Resolution) {}

    fn sighting(&mut self, _: &Sighting) {}

    fn heard(&mut self, _: u32, _: Address) {}

    fn http3_offered(&mut self, _: NameId, _: Offer) {}
}

/// A ClientHello in one record.
fn client_hello(name: &str) -> Vec<u8> {
    let size = |bytes: &[u8]| (bytes.len() as u16).to_be_bytes();
    let host = [&[0][..], &size(name.as_bytes()), name.as_bytes()].concat();
    let list = [&size(&host)[..], &host].concat();
    let extension = [&[0, 0][..], &size(&list), &list].concat();
    let body = [&[3, 3][..], &[9; 32], &[0, 0, 2, 0xc0, 0x2f, 1, 0], &size(&extension), &extension]
        .concat();
    handshake(1, &body)
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let message = [&[kind, 0][..], &(body.len() as u16).to_be_bytes(), body].concat();
    [&[22, 3, 3][..], &(message.len() as u16).to_be_bytes(), &message].concat()
}

/// What follows a hello until the server has answered: whether the client speaks, and what.
fn rest_of_handshake() -> Vec<(bool, Vec<u8>)> {
    let hello = [&[3, 3][..], &[7; 32], &[0, 0xc0, 0x2f, 0]].concat();
    let change = [20, 3, 3, 0, 1, 1];
    vec![
        (false, handshake(2, &hello)),
        (true, change.to_vec()),
        (false, [&change[..], &[23, 3, 3, 0, 3, 1, 2, 3]].concat()),
    ]
}

/// Runs a connection in which the sides say this, in segments of at most so many bytes, and
/// returns each attempt with its name.
fn talk(words: &[(bool, Vec<u8>)], size: usize) -> Vec<(Option<String>, Attempt)> {
    let client = SocketAddress::new(Address::from_v4([10, 0, 0, 1]), 40_000);
    let server = SocketAddress::new(Address::from_v4([192, 0, 2, 2]), 1080);
    let mut context = Context::new(Notes::default(), 0, Transactions::new(1));
    let mut next = [1_000_u32, 5_000];
    let mut flow: Option<TcpFlow> = None;
    let mut number = 0;
    let opening = [(true, 0x02, Vec::new()), (false, 0x12, Vec::new())];
    let said = words.iter().flat_map(|(from_client, bytes)| {
        bytes.chunks(size).map(|chunk| (*from_client, 0x18, chunk.to_vec()))
    });
    for (from_client, bits, payload) in opening.into_iter().chain(said) {
        number += 1;
        let (source, destination) = if from_client { (client, server) } else { (server, client) };
        let flags = TcpFlags::from_bits(bits);
        let (us, them) = if from_client { (0, 1) } else { (1, 0) };
        let tcp = Tcp { flags, sequence: next[us], acknowledgement: next[them] };
        next[us] = next[us] + payload.len() as u32 + u32::from(flags.syn());
        let segment = Segment {
            source,
            destination,
            transport: Transport::Tcp {
                sequence: tcp.sequence,
                acknowledgement: tcp.acknowledgement,
                flags,
                window: 500,
            },
            hops: 60,
            identification: 1,
            payload_start: 0,
            payload_captured: payload.len() as u32,
            payload_length: payload.len() as u32,
        };
        let (key, way) = FlowKey::new(TCP, source, destination);
        let moment = Moment {
            time: Timestamp::from_nanos(number * 1_000_000),
            locator: Locator { input: 0, record: number as u64, offset: 0 },
        };
        let packet = Packet { key: &key, way, segment: &segment, tcp, payload: &payload, moment };
        flow.get_or_insert_with(|| TcpFlow::new(&segment, flags, way, moment))
            .packet(&packet, &mut context);
    }
    let (key, _) = FlowKey::new(TCP, client, server);
    flow.unwrap().finish(&key, Timestamp::from_nanos(60_000_000_000), &mut context);
    let Notes { names, attempts } = context.sink;
    attempts
        .into_iter()
        .map(|attempt| (attempt.name.map(|(id, _)| names[id.0 as usize].clone()), attempt))
        .collect()
}

fn socks_5(code: u8) -> Vec<(bool, Vec<u8>)> {
    vec![
        (true, vec![5, 2, 0, 2]),
        (false, vec![5, 2]),
        (true, b"\x01\x02me\x06secret".to_vec()),
        (false, vec![1, 0]),
        (true, b"\x05\x01\x00\x03\x0bexample.com\x01\xbb".to_vec()),
        (false, vec![5, code, 0, 1, 0, 0, 0, 0, 0, 0]),
    ]
}

#[test]
fn the_tunnel_of_a_socks_proxy_is_read_in_segments_of_any_size() {
    let mut words = socks_5(0);
    words.push((true, client_hello("inner.example")));
    words.extend(rest_of_handshake());
    for size in [1, 2, 3, 7, 50, 2_000] {
        let found = talk(&words, size);
        let inner = found.iter().find(|(name, _)| name.as_deref() == Some("inner.example"));
        let (_, attempt) = inner.unwrap_or_else(|| panic!("{size}: {found:?}"));
        assert_eq!((attempt.outcome, attempt.target_port), (Outcome::Answered, 443), "{size}");
        assert_eq!(attempt.channel, Channel::Tls);
        let asked = found.iter().find(|(name, _)| name.as_deref() == Some("example.com"));
        let (_, attempt) = asked.unwrap_or_else(|| panic!("{size}: {found:?}"));
        assert_eq!(attempt.name.unwrap().1, NameSource::Socks);
        assert_eq!(attempt.channel, Channel::Connect);
    }
}

#[test]
fn a_refusal_by_a_socks_proxy_blocks_the_name() {
    for (code, cause) in [(2, Cause::ProxyDenied), (5, Cause::ProxyFailed)] {
        let found = talk(&socks_5(code), 100);
        let [(name, attempt)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(name.as_deref(), Some("example.com"));
        assert_eq!(attempt.outcome, Outcome::Blocked(cause));
        assert_eq!(attempt.target_port, 443);
    }
    let four = b"\x04\x01\x00\x50\0\0\0\x01me\0example.com\0".to_vec();
    let found = talk(&[(true, four), (false, b"\0\x5b\0\0\0\0\0\0".to_vec())], 100);
    let [(name, attempt)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(name.as_deref(), Some("example.com"));
    let expected = (Outcome::Blocked(Cause::ProxyFailed), 80);
    assert_eq!((attempt.outcome, attempt.target_port), expected);
}

#[test]
fn a_socks_request_without_a_reply_is_no_answer() {
    let mut words = socks_5(0);
    words.pop();
    let found = talk(&words, 100);
    let [(_, attempt)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(attempt.outcome, Outcome::Blocked(Cause::NoAnswerAfterHello));
}

#[test]
fn the_hello_after_starttls_is_read() {
    let dialogues: [Vec<(bool, Vec<u8>)>; 2] = [
        vec![
            (false, b"220 mail.example ESMTP\r\n".to_vec()),
            (true, b"EHLO client\r\n".to_vec()),
            (false, b"250-mail.example\r\n250 STARTTLS\r\n".to_vec()),
            (true, b"STARTTLS\r\n".to_vec()),
            (false, b"220 go ahead\r\n".to_vec()),
        ],
        vec![(true, vec![0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]), (false, b"S".to_vec())],
    ];
    for mut words in dialogues {
        words.push((true, client_hello("mail.example")));
        words.extend(rest_of_handshake());
        for size in [40, 2_000] {
            let found = talk(&words, size);
            let [(name, attempt)] = found.as_slice() else { panic!("{size}: {found:?}") };
            assert_eq!(name.as_deref(), Some("mail.example"));
            assert_eq!((attempt.outcome, attempt.channel), (Outcome::Answered, Channel::Tls));
        }
    }
}
