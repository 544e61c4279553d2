//! The fuzzer's way through the whole capture path.

use std::io::Cursor;
use std::sync::{Arc, LazyLock};

use super::packet::TcpFlags;
use super::{FlowCounts, Workers, read_sequence};
use crate::catalog::{Catalog, Matcher, Profile};
use crate::evidence::{AttemptKey, Evidence, Limits};
use crate::observe::{Sum, Timestamp};

/// LINKTYPE_RAW: a packet begins with its IP header.
const RAW_IP: u32 = 101;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
/// Conversations that the pieces of one input belong to.
const CONVERSATIONS: usize = 4;
/// The service that each conversation asks for; the last one runs over IPv6.
const SERVICES: [u16; CONVERSATIONS] = [443, 80, 8080, 853];
/// The last byte that this piece may claim for its payload.
const MAX_PAYLOAD: usize = 0x0fff;
/// More pieces than any finding needs.
const MAX_PIECES: usize = 512;
/// 2024-01-01T00:00:00Z in nanoseconds.
const START: u64 = 1_704_067_200_000_000_000;

/// Builds a capture of TCP segments, UDP datagrams and ICMP errors from the bytes, reads it
/// whole and as two files of one sequence, and checks that both give the same.
///
/// The bytes are a list of pieces, each of these fields and its payload:
///
/// | byte | bits | meaning |
/// |---|---|---|
/// | 0 | 0-2 | 0 to 4 TCP, 5 QUIC's port, 6 DNS, 7 an ICMP error about the client's last packet |
/// | 0 | 3 | sent by the server |
/// | 0 | 4-5 | which conversation |
/// | 0 | 6 | bytes 5 and 6 move the sequence number away from the one that is due |
/// | 0 | 7 | the capture holds only the first half of the payload |
/// | 1 | | TCP flags, or ICMP code (bit 4: time exceeded) |
/// | 2 | | how much later than the piece before; see `step` |
/// | 3-4 | | length of the payload, big-endian |
///
/// # Panics
///
/// When a promise of the capture path is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_stream(bytes: &[u8]) {
    let records = records(bytes);
    let half = records.len() / 2;
    let (first, second) = records.split_at_checked(half).unwrap_or_default();
    let whole = Outcome::of(&[&records], false);
    let parts = Outcome::of(&[first, second], true);
    assert_eq!(whole, parts, "flows go on from one file to the next, and evidence adds up");
}

/// What a sequence came to, without the places where it shows.
#[derive(PartialEq, Eq, Debug)]
struct Outcome {
    attempts: Vec<(String, AttemptKey, u64, Timestamp, Timestamp)>,
    resolutions: usize,
    flows: FlowCounts,
}

impl Outcome {
    /// Reads files of these records and adds the parts up, from either end.
    fn of(files: &[&[Vec<u8>]], from_the_end: bool) -> Self {
        let captures: Vec<Vec<u8>> = files
            .iter()
            .map(|records| file_header().into_iter().chain(records.concat()).collect())
            .collect();
        let open = |input: u32| {
            let bytes = captures.get(input as usize)?.clone();
            Some(Box::new(Cursor::new(bytes)) as Box<dyn std::io::Read + Send>)
        };
        let new_sink = || Evidence::new(matcher(), Limits::default());
        let inputs: Vec<u32> = (0..).take(files.len()).collect();
        let mut result = read_sequence(&inputs, Workers::Caller, new_sink, &open, &|| {});
        for (capture, records) in result.captures.iter().zip(files) {
            assert!(capture.error.is_none(), "{:?}", capture.error);
            assert_eq!(capture.packets.total(), records.len() as u64, "no packet is lost");
            assert_eq!(capture.link_types.values().sum::<u64>(), records.len() as u64);
        }
        assert_eq!(result.captures.len(), files.len(), "no file is lost");
        if from_the_end {
            result.sinks.reverse();
        }
        let mut sum = new_sink();
        for sink in result.sinks {
            sum.merge(sink);
        }
        let sum = sum.settle();
        let attempts = sum.attempts().iter().map(|(key, tally)| {
            let mut key = *key;
            assert!(tally.first <= tally.last && tally.count > 0);
            assert!(!tally.samples.is_empty() && tally.samples.is_sorted());
            // Ids depend on the order of arrival; the text stands for them.
            let name = key.name.take();
            let text = name.map(|(id, source)| format!("{source:?} {}", sum.names().text(id)));
            (text.unwrap_or_default(), key, tally.count, tally.first, tally.last)
        });
        let mut attempts: Vec<_> = attempts.collect();
        attempts.sort_unstable();
        Self { attempts, resolutions: sum.resolutions().len(), flows: result.flows }
    }
}

/// A matcher of everything that the built-in catalog holds.
pub(crate) fn matcher() -> Arc<Matcher> {
    Arc::clone(&MATCHER)
}

static MATCHER: LazyLock<Arc<Matcher>> = LazyLock::new(|| {
    let catalog = Catalog::find_builtin(Catalog::DEFAULT).map(|built_in| built_in.load());
    let Some(Ok(catalog)) = catalog else { unreachable!("the built-in catalog loads") };
    let Ok(matcher) = Matcher::new(&catalog, &catalog.select(&Profile::everything())) else {
        unreachable!("the built-in catalog fits an automaton")
    };
    Arc::new(matcher)
});

/// What is to be remembered of a conversation.
#[derive(Default)]
struct Conversation {
    /// The sequence number that is due, by side.
    next: [u32; 2],
    /// The start of the client's last packet, as a router would quote it.
    quote: Vec<u8>,
}

/// The records of the capture, in the order of the file.
fn records(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    // The numbers of the client wrap around soon, those of the server late.
    let mut conversations: [Conversation; CONVERSATIONS] =
        std::array::from_fn(|_| Conversation { next: [0xffff_ff00, 1_000], quote: Vec::new() });
    let mut time = START;
    let mut rest = bytes;
    while let Some((&[what, flags, later, high, low], after)) = rest.split_first_chunk()
        && records.len() < MAX_PIECES
    {
        let (jump, after) = match after.split_first_chunk() {
            Some((&jump, after)) if what & 0x40 != 0 => (i16::from_be_bytes(jump), after),
            _ => (0, after),
        };
        let length = usize::from(u16::from_be_bytes([high, low])).min(MAX_PAYLOAD);
        let (payload, after) = after.split_at(length.min(after.len()));
        rest = after;
        time = time.saturating_add_signed(step(later));
        let index = usize::from(what >> 4 & 3);
        let Some(conversation) = conversations.get_mut(index) else { continue };
        let piece = Piece { index, from_server: what & 8 != 0, flags, jump, payload };
        let packet = match what & 7 {
            5 => piece.datagram(443),
            6 => piece.datagram(53),
            7 => piece.icmp_error(&conversation.quote),
            _ => piece.segment(&mut conversation.next),
        };
        if !piece.from_server && what & 7 != 7 {
            conversation.quote = packet.iter().copied().take(48).collect();
        }
        let captured = if what & 0x80 == 0 {
            packet.len()
        } else {
            packet.len().saturating_sub(payload.len() / 2)
        };
        records.push(record(time, &packet, captured));
    }
    records
}

/// Nanoseconds between two pieces: up to five minutes ahead, or up to four seconds back.
fn step(byte: u8) -> i64 {
    match i64::from(byte) {
        ahead @ 0..240 => ahead.pow(3) * 20_000,
        back => (back - 239).pow(3) * -1_000_000,
    }
}

/// One packet in the making.
struct Piece<'b> {
    index: usize,
    from_server: bool,
    flags: u8,
    jump: i16,
    payload: &'b [u8],
}

impl Piece<'_> {
    fn segment(&self, next: &mut [u32; 2]) -> Vec<u8> {
        let port = SERVICES.get(self.index).copied().unwrap_or_default();
        let [client, server] = next;
        let (ours, theirs) = if self.from_server { (*server, *client) } else { (*client, *server) };
        let flags = TcpFlags::from_bits(self.flags);
        let sequence = ours.wrapping_add_signed(self.jump.into());
        let acknowledgement = if flags.ack() { theirs } else { 0 };
        let mut header = self.ports(port);
        header.extend(sequence.to_be_bytes());
        header.extend(acknowledgement.to_be_bytes());
        header.extend([5 << 4, self.flags]);
        header.extend([0xff, 0xff, 0, 0, 0, 0]);
        if self.jump == 0 {
            let length = self.payload.len() as u32;
            let due = ours
                .wrapping_add(length)
                .wrapping_add(u32::from(flags.syn()) + u32::from(flags.fin()));
            *(if self.from_server { server } else { client }) = due;
        }
        self.packet(TCP, &header, self.payload)
    }

    fn datagram(&self, port: u16) -> Vec<u8> {
        let mut header = self.ports(port);
        header.extend((self.payload.len() as u16 + 8).to_be_bytes());
        header.extend([0, 0]);
        self.packet(UDP, &header, self.payload)
    }

    fn icmp_error(&self, quote: &[u8]) -> Vec<u8> {
        let (unreachable, exceeded) = if self.is_v6() { (1, 3) } else { (3, 11) };
        let kind = if self.flags & 0x10 == 0 { unreachable } else { exceeded };
        let header = [kind, self.flags & 0x0f, 0, 0, 0, 0, 0, 0];
        let protocol = if self.is_v6() { ICMPV6 } else { ICMP };
        Piece { from_server: true, ..*self }.packet(protocol, &header, quote)
    }

    fn ports(&self, service: u16) -> Vec<u8> {
        let client = 40_000 + self.index as u16;
        let (source, destination) =
            if self.from_server { (service, client) } else { (client, service) };
        [source.to_be_bytes(), destination.to_be_bytes()].concat()
    }

    const fn is_v6(&self) -> bool {
        self.index + 1 == CONVERSATIONS
    }

    fn packet(&self, protocol: u8, header: &[u8], payload: &[u8]) -> Vec<u8> {
        let length = (header.len() + payload.len()) as u16;
        let client = 1 + self.index as u8 / 2;
        let server = 100 + self.index as u8 % 2;
        let hosts = if self.from_server { [server, client] } else { [client, server] };
        let mut packet = Vec::with_capacity(40 + usize::from(length));
        if self.is_v6() {
            packet.extend([0x60, 0, 0, 0]);
            packet.extend(length.to_be_bytes());
            packet.extend([protocol, 64]);
            for host in hosts {
                packet.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
            }
        } else {
            packet.extend([0x45, 0]);
            packet.extend((length + 20).to_be_bytes());
            packet.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
            for host in hosts {
                packet.extend([192, 0, 2, host]);
            }
        }
        packet.extend(header);
        packet.extend(payload);
        packet
    }
}

/// The file header of a pcap with nanoseconds.
fn file_header() -> Vec<u8> {
    let mut header = 0xa1b2_3c4d_u32.to_le_bytes().to_vec();
    header.extend([2, 0, 4, 0]);
    header.extend([0; 8]);
    header.extend(0x0004_0000_u32.to_le_bytes());
    header.extend(RAW_IP.to_le_bytes());
    header
}

fn record(time: u64, packet: &[u8], captured: usize) -> Vec<u8> {
    let seconds = u32::try_from(time / 1_000_000_000).unwrap_or(u32::MAX);
    let nanos = (time % 1_000_000_000) as u32;
    let mut record = Vec::with_capacity(16 + captured);
    for field in [seconds, nanos, captured as u32, packet.len() as u32] {
        record.extend(field.to_le_bytes());
    }
    record.extend(packet.iter().take(captured));
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pieces of a connection to the first service that asks for `name`.
    fn connection(name: &str) -> Vec<u8> {
        let hello = egress_audit_fixtures::wire::tls::ClientHello::new(name).record();
        let answer = egress_audit_fixtures::wire::tls::server_hello_13(1);
        let data = egress_audit_fixtures::wire::tls::encrypted(23, 40, 1);
        let mut bytes = Vec::new();
        for (what, flags, payload) in [
            (0, 0x02, &[][..]),
            (8, 0x12, &[]),
            (0, 0x10, &[]),
            (0, 0x18, &hello),
            (8, 0x18, &answer),
            (8, 0x18, &data),
        ] {
            bytes.extend([what, flags, 10]);
            bytes.extend((payload.len() as u16).to_be_bytes());
            bytes.extend(payload);
        }
        bytes
    }

    #[test]
    fn pieces_make_a_connection_that_is_followed() {
        let bytes = connection("emea.flow.microsoft.com");
        fuzz_stream(&bytes);
        let outcome = Outcome::of(&[&records(&bytes)], false);
        assert_eq!(outcome.flows.tcp, 1);
        let [(name, ..)] = &outcome.attempts[..] else { panic!("{outcome:?}") };
        assert_eq!(name, "Sni emea.flow.microsoft.com");
    }

    #[test]
    fn any_bytes_pass_the_fuzz_entry() {
        let connection = connection("emea.flow.microsoft.com");
        let mut noise = egress_audit_fixtures::wire::noise::Noise::new(1);
        for length in 0..200 {
            fuzz_stream(&noise.bytes(length));
            let mut mutant = connection.clone();
            for _ in 0..4 {
                let at = noise.below(mutant.len() as u64) as usize;
                mutant[at] = noise.draw() as u8;
            }
            fuzz_stream(&mutant);
        }
    }
}
