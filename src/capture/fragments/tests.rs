use proptest::prelude::*;

use super::*;
use crate::capture::container::{Block, PacketRecord};
use crate::capture::link::ETHERNET;
use crate::capture::packet::build::{ethernet, join, udp, v4, v4_with, v6};

/// A DNS question of some length, so that its datagram is worth a task.
fn question() -> Vec<u8> {
    udp(40_000, 53, &(0..200_u16).map(|index| (index % 251) as u8).collect::<Vec<_>>())
}

/// A frame with a part of an IPv4 payload.
fn part(protocol: u8, payload: &[u8], from: usize, to: usize) -> Vec<u8> {
    let more = if to < payload.len() { 0x2000 } else { 0 };
    let field = more | u16::try_from(from / 8).unwrap();
    ethernet(0x0800, &v4_with(protocol, field, &[], &payload[from..to]))
}

/// A block of packets a millisecond apart; `numbers` go on from `first`.
fn block(frames: &[Vec<u8>], first: u64, cut: usize) -> Block {
    let mut block = Block::new();
    for (index, frame) in frames.iter().enumerate() {
        let captured = frame.len().min(cut);
        let start = block.data.len() as u32;
        block.data.extend_from_slice(&frame[..captured]);
        let number = first + index as u64;
        block.packets.push(PacketRecord {
            time: Timestamp::from_nanos(number as i64 * 1_000_000),
            number,
            record_start: start,
            start,
            captured: captured as u32,
            original: frame.len() as u32,
            link_type: ETHERNET,
        });
    }
    block
}

/// Every payload that goes to a shard, with the number of its packet, in the order of its tasks.
fn handed_on(batch: &Batch) -> Vec<(u64, Vec<u8>)> {
    let mut found = Vec::new();
    for task in batch.tasks.iter().flatten() {
        if let Subject::Joined(at) = task.subject {
            let joined = &batch.joined[at as usize];
            let start = joined.payload_start as usize;
            let end = start + joined.segment.payload_captured as usize;
            found.push((joined.locator.record, batch.joined_bytes[start..end].to_vec()));
        }
    }
    found
}

/// Runs blocks of frames one after the other, then the end.
fn run(blocks: &[&[Vec<u8>]], cut: usize) -> Vec<(u64, Vec<u8>)> {
    let mut reassembler = Reassembler::default();
    let mut batch = Batch::default();
    let mut found = Vec::new();
    let mut number = 1;
    for frames in blocks {
        batch.block = block(frames, number, cut);
        number += frames.len() as u64;
        batch.decode();
        reassembler.join(&mut batch);
        found.extend(handed_on(&batch));
    }
    let mut last = Batch::default();
    reassembler.finish(&mut last);
    found.extend(handed_on(&last));
    found
}

#[test]
fn a_datagram_in_parts_counts_once_and_at_its_last_part() {
    let whole = question();
    let frames = [part(17, &whole, 0, 80), part(17, &whole, 80, 160), part(17, &whole, 160, 208)];
    let expected = vec![(3, whole[8..].to_vec())];
    assert_eq!(run(&[&frames], usize::MAX), expected);
    let [a, b, c] = frames;
    assert_eq!(run(&[&[c.clone(), a.clone(), b.clone()]], usize::MAX), expected);
    assert_eq!(run(&[&[c, b.clone(), b, a]], usize::MAX), [(4, whole[8..].to_vec())]);
}

#[test]
fn parts_in_two_blocks_are_put_together() {
    let whole = question();
    let (a, b) = (part(17, &whole, 0, 80), part(17, &whole, 80, 208));
    assert_eq!(run(&[&[a], &[b]], usize::MAX), [(2, whole[8..].to_vec())]);
}

#[test]
fn a_beginning_whose_rest_is_missing_counts_where_it_was() {
    let whole = question();
    let a = part(17, &whole, 0, 80);
    let other = part(6, &[0; 16], 8, 16);
    let blocks: [&[Vec<u8>]; 3] =
        [&[a], std::slice::from_ref(&other), std::slice::from_ref(&other)];
    assert_eq!(run(&blocks, usize::MAX), [(1, whole[8..80].to_vec())]);
}

#[test]
fn parts_that_the_snaplen_cut_leave_what_is_before_the_cut() {
    let whole = question();
    let frames = [part(17, &whole, 0, 80), part(17, &whole, 80, 208)];
    let found = run(&[&frames], 14 + 20 + 60);
    assert_eq!(found, [(1, whole[8..60].to_vec())]);
}

#[test]
fn of_two_versions_of_a_byte_the_first_wins() {
    let whole = question();
    let mut other = whole.clone();
    other[88..].fill(0xee);
    let frames = [part(17, &whole, 0, 104), part(17, &other, 88, 208)];
    let found = run(&[&frames], usize::MAX);
    let mut expected = whole[8..104].to_vec();
    expected.extend_from_slice(&other[104..]);
    assert_eq!(found, [(2, expected)]);
}

#[test]
fn the_rest_of_a_segment_that_comes_too_late_is_added() {
    let segment = crate::capture::packet::build::tcp(&[7; 100]);
    let (a, b) = (part(6, &segment, 0, 80), part(6, &segment, 80, 132));
    let filler = vec![ethernet(0x0806, &[0; 28]); 2 * NEAR_THE_END];
    let first = join_frames(a, filler);
    let found = run(&[&first, &[b]], usize::MAX);
    assert_eq!(found[0], (1, vec![7; 48]));
    assert_eq!(found[1].1, vec![7; 52]);
}

fn join_frames(first: Vec<u8>, rest: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    std::iter::once(first).chain(rest).collect()
}

#[test]
fn a_datagram_whose_rest_comes_blocks_later_is_looked_at_once() {
    let whole = question();
    let (a, b) = (part(17, &whole, 0, 80), part(17, &whole, 80, 208));
    let filler = vec![ethernet(0x0806, &[0; 28]); 2 * NEAR_THE_END];
    let first = join_frames(a, filler.clone());
    assert_eq!(
        run(&[&first, &filler, std::slice::from_ref(&b)], usize::MAX),
        [(1 + 4 * NEAR_THE_END as u64 + 1, whole[8..].to_vec())]
    );
    // A second later, at a packet each millisecond, the beginning has been looked at alone.
    let pause = vec![ethernet(0x0806, &[0; 28]); 1_100];
    assert_eq!(run(&[&first, &pause, &[b]], usize::MAX), [(1, whole[8..80].to_vec())]);
}

#[test]
fn a_fragment_that_was_captured_twice_begins_no_other_packet() {
    let segment = crate::capture::packet::build::tcp(&[7; 100]);
    let (a, b) = (part(6, &segment, 0, 80), part(6, &segment, 80, 132));
    let filler = vec![ethernet(0x0806, &[0; 28]); 2 * NEAR_THE_END];
    let frames = [a.clone(), b.clone(), a.clone(), b, a].into_iter().chain(filler);
    let found = run(&[&frames.collect::<Vec<_>>()], usize::MAX);
    assert_eq!(found, [(2, vec![7; 100])]);
}

#[test]
fn packets_in_tunnels_of_fragments_are_found() {
    let inner = v4(17, &question());
    let gre = join(&[&[0, 0, 8, 0], &inner]);
    let frames = [part(47, &gre, 0, 96), part(47, &gre, 96, gre.len())];
    assert_eq!(run(&[&frames], usize::MAX), [(2, question()[8..].to_vec())]);

    let whole = question();
    let halves = [(0_u16, 0_usize, 96_usize), (12, 96, 208)].map(|(offset, from, to)| {
        let flag = if to < whole.len() { 0x2000 } else { 0 };
        let packet = v4_with(17, flag | offset, &[], &whole[from..to]);
        join(&[&[0, 0, 8, 0], &packet])
    });
    let mut frames = Vec::new();
    for (which, half) in halves.iter().enumerate() {
        for (from, to) in [(0, 40), (40, half.len())] {
            let mut frame = part(47, half, from, to);
            frame[14 + 5] = which as u8;
            frames.push(frame);
        }
    }
    assert_eq!(run(&[&frames], usize::MAX), [(4, whole[8..].to_vec())]);
}

#[test]
fn ipv6_fragments_are_put_together() {
    let whole = question();
    let frame = |field: u16, bytes: &[u8]| {
        ethernet(0x86dd, &v6(44, &join(&[&[17, 0], &field.to_be_bytes(), &[0, 0, 0, 9], bytes])))
    };
    let frames = [frame(1, &whole[..80]), frame(80, &whole[80..])];
    assert_eq!(run(&[&frames], usize::MAX), [(2, whole[8..].to_vec())]);
}

#[test]
fn memory_stays_bounded_and_what_is_given_up_is_counted() {
    let mut reassembler = Reassembler::default();
    let mut batch = Batch::default();
    for index in 0..20_000_u32 {
        let fragment = Fragment {
            source: Address::from_v4([10, 0, 0, 1]),
            destination: Address::from_v4([192, 0, 2, 2]),
            protocol: 17,
            hops: 64,
            identification: index,
            offset: 65_000,
            more: true,
            payload_start: 0,
            payload_captured: 8,
            payload_length: 8,
            first: None,
        };
        let place = Place {
            time: Timestamp::from_nanos(i64::from(index)),
            lived: Timestamp::from_nanos(i64::from(index)),
            locator: Locator { input: 0, record: u64::from(index) + 1, offset: 0 },
            block: 0,
            index: 0,
            record_start: 0,
        };
        reassembler.take(fragment, &[0; 8], place, &mut batch);
        assert!(reassembler.held <= MAX_BYTES && reassembler.partial.len() <= MAX_PACKETS);
        assert!(reassembler.queue.len() <= 2 * MAX_PACKETS + 1);
    }
    assert_eq!(reassembler.evicted() as usize + reassembler.partial.len(), 20_000);
}

proptest! {
    /// A datagram cut anywhere, in any order, with repeated and overlapping parts, in blocks of
    /// any size, is the datagram.
    #[test]
    fn any_split_in_any_order_gives_the_datagram(
        cuts in prop::collection::btree_set(1_usize..26, 0..6),
        extra in prop::collection::vec((0_usize..26, 1_usize..26), 0..4),
        seed in any::<u64>(),
        at in 0_usize..20,
    ) {
        let whole = question();
        let mut bounds: Vec<usize> = cuts.into_iter().map(|cut| cut * 8).collect();
        bounds.insert(0, 0);
        bounds.push(whole.len());
        let mut parts: Vec<(usize, usize)> = bounds.windows(2).map(|pair| (pair[0], pair[1])).collect();
        prop_assume!(parts.len() > 1);
        let needed = parts.len();
        parts.extend(extra.into_iter().map(|(from, length)| {
            (from * 8, (from * 8 + length * 8).min(whole.len()))
        }).filter(|&(from, to)| from > 0 || to < whole.len()));
        let mut state = seed;
        for index in (1..needed).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            parts.swap(index, (state >> 33) as usize % (index + 1));
        }
        // What repeats comes before the last part that is needed, else it begins a new packet.
        let last = parts.remove(needed - 1);
        parts.push(last);
        let frames: Vec<_> = parts.iter().map(|&(from, to)| part(17, &whole, from, to)).collect();
        let (one, two) = frames.split_at(at.min(frames.len()));
        let found = run(&[one, two], usize::MAX);
        let payload = whole[8..].to_vec();
        prop_assert!(found.iter().any(|(_, bytes)| *bytes == payload), "{parts:?} {found:?}");
    }

    #[test]
    fn nothing_breaks_the_reassembly(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        fuzz_fragments(&bytes);
    }
}
