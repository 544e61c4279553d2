//! The stages of the capture path one by one, on generated traffic.
//!
//! `cargo bench --bench stages`; a word after `--` chooses benches by name.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot prepare must stop")]

use std::io::Cursor;
use std::sync::{Arc, LazyLock};

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use egress_audit::capture::container::{Block, CaptureReader};
use egress_audit::capture::dissect::{dns, http, quic, tls};
use egress_audit::capture::packet::decode;
use egress_audit::capture::{Workers, read_sequence};
use egress_audit::catalog::{Catalog, Matcher, Matches, Profile};
use egress_audit::evidence::{Evidence, Limits, Settled};
use egress_audit::observe::Sum;
use egress_audit_fixtures::bench::{self, Kind};
use egress_audit_fixtures::scene::Quic;
use egress_audit_fixtures::wire;

/// Enough to leave the caches behind, little enough to be made in a moment.
const CAPTURE_SIZE: u64 = 32 << 20;

static CAPTURES: LazyLock<[Vec<u8>; 4]> = LazyLock::new(|| {
    Kind::ALL.map(|kind| {
        let mut bytes = Vec::new();
        bench::write(kind, CAPTURE_SIZE, &mut bytes).unwrap();
        bytes
    })
});

static MATCHER: LazyLock<Arc<Matcher>> = LazyLock::new(|| {
    let catalog = Catalog::builtin(Catalog::DEFAULT).unwrap();
    Arc::new(Matcher::new(&catalog, &catalog.select(&Profile::default())).unwrap())
});

fn main() {
    divan::main();
}

/// The capture of a kind.
fn capture(kind: &str) -> &'static [u8] {
    let kind = Kind::from_word(kind).unwrap();
    let place = Kind::ALL.iter().position(|known| *known == kind).unwrap();
    CAPTURES.get(place).unwrap()
}

fn reader(capture: &'static [u8]) -> CaptureReader {
    CaptureReader::open(Box::new(Cursor::new(capture))).unwrap()
}

/// Reads a capture to the end; the number of its packets.
fn walk(capture: &'static [u8], mut each: impl FnMut(&Block)) -> usize {
    let (mut reader, mut block, mut packets) = (reader(capture), Block::new(), 0);
    while reader.next_block(&mut block).unwrap() {
        packets += block.packets.len();
        each(&block);
    }
    packets
}

/// Records of the capture file, without a look into the packets.
#[divan::bench(args = ["bulk", "mixed", "handshakes", "quic"], sample_count = 20)]
fn container(bencher: Bencher<'_, '_>, kind: &str) {
    let bytes = capture(kind);
    let packets = walk(bytes, |_| {});
    bencher
        .counter(BytesCount::new(bytes.len()))
        .counter(ItemsCount::new(packets))
        .bench(|| walk(bytes, |_| {}));
}

/// Link, IP and transport headers of packets that are in memory.
#[divan::bench(args = ["bulk", "mixed", "handshakes", "quic"], sample_count = 20)]
fn packet(bencher: Bencher<'_, '_>, kind: &str) {
    let mut packets: Vec<(u16, Vec<u8>, u32)> = Vec::new();
    walk(capture(kind), |block| {
        packets.extend(
            block
                .packets
                .iter()
                .map(|packet| (packet.link_type, block.bytes(packet).to_vec(), packet.original)),
        );
    });
    bencher.counter(ItemsCount::new(packets.len())).bench(|| {
        packets
            .iter()
            .filter(|(link_type, bytes, original)| {
                black_box(decode(*link_type, bytes, *original)).is_ok()
            })
            .count()
    });
}

/// The server name of a ClientHello: of the usual size, and with a post-quantum key share.
#[divan::bench(args = [false, true])]
fn tls_hello(bencher: Bencher<'_, '_>, post_quantum: bool) {
    let hello = wire::tls::ClientHello::new("make.powerautomate.com");
    let record = wire::tls::ClientHello { post_quantum, ..hello }.record();
    let mut scratch = Vec::new();
    bencher.counter(BytesCount::new(record.len())).counter(ItemsCount::new(1_usize)).bench_local(
        || tls::scan_client_hello(black_box(&record), &mut scratch).server_name.map(<[u8]>::len),
    );
}

/// An answer with an alias and two addresses.
#[divan::bench]
fn dns_answer(bencher: Bencher<'_, '_>) {
    let mut answer = wire::dns::Message::query(1, "emea.flow.microsoft.com", 1).reply(0);
    let alias = "flow-prod.westeurope.cloudapp.example";
    let record =
        |owner: &str, data| wire::dns::Record { owner: owner.to_owned(), time_to_live: 60, data };
    let address = |last: u8| wire::dns::Data::Address([203, 0, 113, last].into());
    answer.answers = vec![
        record("emea.flow.microsoft.com", wire::dns::Data::Alias(alias.to_owned())),
        record(alias, address(1)),
        record(alias, address(2)),
    ];
    let bytes = answer.bytes();
    let mut message = dns::Message::new();
    bencher.counter(BytesCount::new(bytes.len())).counter(ItemsCount::new(1_usize)).bench_local(
        || {
            message.parse(black_box(&bytes)).unwrap();
            message.answers().count()
        },
    );
}

/// The head of a request.
#[divan::bench]
fn http_request(bencher: Bencher<'_, '_>) {
    let bytes = wire::http::request("GET", "/pki/crl/products/root.crl", "mscrl.microsoft.com");
    bencher.counter(BytesCount::new(bytes.len())).counter(ItemsCount::new(1_usize)).bench(|| {
        let http::RequestScan::Request(request) = http::scan_request(black_box(&bytes), false)
        else {
            panic!("a request")
        };
        request.length
    });
}

/// Keys for one Initial packet, and its decryption. The packet is the server's of RFC 9001
/// appendix A.3.
#[divan::bench]
fn quic_initial(bencher: Bencher<'_, '_>) {
    let connection = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
    let packet = hex(concat!(
        "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a",
        "5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3",
        "dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84",
        "022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4",
        "2158407dd074ee",
    ));
    let mut buffer = Vec::new();
    bencher.counter(BytesCount::new(packet.len())).counter(ItemsCount::new(1_usize)).bench_local(
        || {
            let header = quic::parse_long_header(black_box(&packet)).unwrap();
            let side = quic::Side::Server;
            let keys =
                quic::InitialKeys::derive(quic::Protection::Version1, &connection, side).unwrap();
            keys.open(&packet, &header, &mut buffer).unwrap().payload.len()
        },
    );
}

/// The name out of a client's first datagram, of the usual size, on a connection of its own.
#[divan::bench]
fn quic_hello(bencher: Bencher<'_, '_>) {
    let id = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
    let initial = wire::quic::Initial {
        version: wire::quic::Version::ONE,
        sender: wire::quic::Sender::Client,
        key_id: &id,
        destination: &id,
        source: &[],
        token: &[],
        number: 0,
    };
    let hello = Quic::client_hello("make.powerautomate.com", false);
    let datagram = initial.packet(&wire::quic::crypto(0, &hello), wire::quic::DATAGRAM);
    let mut scratch = quic::QuicScratch::new();
    bencher.counter(BytesCount::new(datagram.len())).counter(ItemsCount::new(1_usize)).bench_local(
        || {
            let mut flow = quic::QuicFlow::new();
            let event = flow.client_datagram(black_box(&datagram), &mut scratch);
            assert!(matches!(event, quic::QuicEvent::ServerName(_)));
        },
    );
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap()).collect();
    digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect()
}

/// Which endpoints a name belongs to.
#[divan::bench(args = ["emea.flow.microsoft.com", "login.microsoftonline.com", "www.example.org"])]
fn matcher(bencher: Bencher<'_, '_>, name: &str) {
    let mut matches = Matches::default();
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        MATCHER.matches(black_box(name), &mut matches);
        matches.endpoints().len()
    });
}

/// The sum of parts, in its final form.
fn settle(parts: Vec<Evidence>) -> Settled {
    let sum = parts.into_iter().reduce(|mut sum, part| {
        sum.merge(part);
        sum
    });
    sum.unwrap().settle()
}

/// The sum of what the sixteen parts of the flow table leave.
#[divan::bench(args = ["mixed", "handshakes", "quic"], sample_count = 10)]
fn evidence_merge(bencher: Bencher<'_, '_>, kind: &str) {
    let parts = evidence_of(capture(kind));
    let attempts = settle(parts.clone()).attempts().len();
    bencher
        .counter(ItemsCount::new(attempts))
        .with_inputs(|| parts.clone())
        .bench_values(|parts| settle(parts).attempts().len());
}

/// The whole capture path on one thread, from bytes in memory to evidence.
#[divan::bench(args = ["bulk", "mixed", "handshakes", "quic"], sample_count = 10)]
fn sequence(bencher: Bencher<'_, '_>, kind: &str) {
    let bytes = capture(kind);
    let packets = walk(bytes, |_| {});
    bencher
        .counter(BytesCount::new(bytes.len()))
        .counter(ItemsCount::new(packets))
        .bench(|| evidence_of(bytes).len());
}

fn evidence_of(capture: &'static [u8]) -> Vec<Evidence> {
    let new_sink = || Evidence::new(Arc::clone(&MATCHER), Limits::default());
    let open = |_| Some(Box::new(Cursor::new(capture)) as Box<dyn std::io::Read + Send>);
    read_sequence(&[0], Workers::Caller, new_sink, &open, &|| {}).sinks
}
