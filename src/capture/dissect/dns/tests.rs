use proptest::prelude::*;

use super::*;

/// A message in the making.
struct Wire(Vec<u8>);

impl Wire {
    fn new(id: u16, flags: u16, counts: [u16; 4]) -> Self {
        let mut wire = Self(Vec::new());
        wire.u16(id).u16(flags);
        for count in counts {
            wire.u16(count);
        }
        wire
    }

    fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn labels(&mut self, labels: &[&[u8]]) -> &mut Self {
        for label in labels {
            self.0.push(u8::try_from(label.len()).unwrap());
            self.bytes(label);
        }
        self
    }

    fn name(&mut self, name: &str) -> &mut Self {
        let labels: Vec<&[u8]> = name.split('.').map(str::as_bytes).collect();
        self.labels(&labels).bytes(&[0])
    }

    fn question(&mut self, name: &str, kind: u16) -> &mut Self {
        self.name(name).u16(kind).u16(1)
    }

    fn pointer(&mut self, target: usize) -> &mut Self {
        self.u16(0xc000 | u16::try_from(target).unwrap())
    }

    fn record(&mut self, kind: u16, class: u16, ttl: u32, data: &[u8]) -> &mut Self {
        self.u16(kind).u16(class).bytes(&ttl.to_be_bytes());
        self.u16(u16::try_from(data.len()).unwrap()).bytes(data)
    }
}

/// A response with an alias and two addresses, compressed as servers do.
fn response() -> Vec<u8> {
    let mut wire = Wire::new(0x1234, 0x8180, [1, 3, 0, 1]);
    wire.question("Make.PowerAutomate.com", TYPE_A);
    wire.pointer(12).u16(TYPE_CNAME).u16(1).bytes(&60_u32.to_be_bytes()).u16(8);
    let target = wire.0.len();
    wire.labels(&[b"cname"]).pointer(12 + 5 + 14);
    wire.pointer(target).record(TYPE_A, 1, 30, &[192, 0, 2, 7]);
    wire.pointer(target).record(TYPE_AAAA, 1, 31, &[0x20; 16]);
    wire.bytes(&[0]).record(TYPE_OPT, 1232, 0x0100_0000, &[0, 15, 0, 2, 0, 17]);
    wire.0
}

fn question_name(wire: &Wire) -> String {
    let mut message = Message::new();
    message.parse(&wire.0).unwrap();
    message.questions().next().unwrap().0.to_owned()
}

fn error(bytes: &[u8]) -> DnsError {
    Message::new().parse(bytes).unwrap_err()
}

#[test]
fn a_query_gives_its_question() {
    let mut wire = Wire::new(7, 0x0100, [1, 0, 0, 0]);
    wire.question("Example.ORG", TYPE_HTTPS);
    let mut message = Message::new();
    message.parse(&wire.0).unwrap();
    assert_eq!(message.id(), 7);
    assert!(!message.is_response() && message.is_complete() && !message.truncated());
    assert_eq!(message.opcode(), OPCODE_QUERY);
    assert_eq!(message.questions().collect::<Vec<_>>(), [("example.org", TYPE_HTTPS, 1)]);
    assert_eq!(message.answers().count(), 0);
}

#[test]
fn a_response_gives_aliases_addresses_and_its_extended_codes() {
    let mut message = Message::new();
    message.parse(&response()).unwrap();
    assert!(message.is_response() && message.is_complete());
    assert_eq!(message.rcode(), 16);
    assert_eq!(message.extended_error(), Some(17));
    let answers: Vec<_> = message.answers().collect();
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0].owner, "make.powerautomate.com");
    assert_eq!(answers[0].time_to_live, 60);
    assert_eq!(answers[0].data, AnswerData::Alias("cname.com"));
    assert_eq!(answers[1].owner, "cname.com");
    assert_eq!(answers[1].data, AnswerData::Address(Address::from_v4([192, 0, 2, 7])));
    assert_eq!(answers[2].data, AnswerData::Address(Address::from_v6([0x20; 16])));
}

#[test]
fn a_cut_message_gives_what_is_whole() {
    let whole = response();
    let mut message = Message::new();
    let question_end = 12 + 5 + 14 + 5 + 4;
    for length in HEADER_LENGTH..whole.len() {
        message.parse(&whole[..length]).unwrap();
        assert!(!message.is_complete(), "{length}");
        assert_eq!(message.questions().count(), usize::from(length >= question_end), "{length}");
        let expected = [question_end + 20, question_end + 36, question_end + 64];
        let whole_answers = expected.iter().filter(|end| length >= **end).count();
        assert_eq!(message.answers().count(), whole_answers, "{length}");
    }
    assert_eq!(error(&whole[..11]), DnsErrorKind::HeaderTooShort.at(11));
}

#[test]
fn the_truncation_bit_makes_a_message_incomplete() {
    let mut wire = Wire::new(1, 0x8380, [1, 0, 0, 0]);
    wire.question("example.org", TYPE_A);
    let mut message = Message::new();
    message.parse(&wire.0).unwrap();
    assert!(message.truncated() && !message.is_complete());
}

#[test]
fn pointers_lead_backwards_or_nowhere() {
    for target in [0, 11, 12, 16, 18, 200] {
        let mut wire = Wire::new(1, 0, [1, 0, 0, 0]);
        wire.labels(&[b"abc"]).pointer(target).u16(1).u16(1);
        let expected = DnsErrorKind::PointerNotBackwards.at(16);
        assert_eq!(error(&wire.0), expected, "{target}");
    }
    // A chain of pointers, each to the one before, ends at the bound.
    let mut wire = Wire::new(1, 0x8000, [1, 2, 0, 0]);
    wire.question("a", TYPE_A);
    wire.bytes(&[0]).u16(10).u16(1).bytes(&[0; 4]).u16(1 + 2 * 200).bytes(&[0]);
    let mut target = wire.0.len() - 1;
    for _ in 0..200 {
        let here = wire.0.len();
        wire.pointer(target);
        target = here;
    }
    wire.pointer(target).record(TYPE_A, 1, 1, &[1, 2, 3, 4]);
    assert_eq!(error(&wire.0).what, DnsErrorKind::TooManyPointers);
}

#[test]
fn names_have_their_limits() {
    let mut wire = Wire::new(1, 0, [1, 0, 0, 0]);
    let label = [b'a'; 63];
    wire.labels(&[&label, &label, &label, &label[..61]]).bytes(&[0]).u16(1).u16(1);
    assert_eq!(question_name(&wire).len(), 253);
    let mut wire = Wire::new(1, 0, [1, 0, 0, 0]);
    wire.labels(&[&label, &label, &label, &label[..62]]).bytes(&[0]).u16(1).u16(1);
    assert_eq!(error(&wire.0), DnsErrorKind::NameTooLong.at(12));
    let mut wire = Wire::new(1, 0, [1, 0, 0, 0]);
    wire.bytes(&[0x41, 0, 0]).u16(1).u16(1);
    assert_eq!(error(&wire.0), DnsErrorKind::UnknownLabelType.at(12));
}

#[test]
fn unusual_bytes_take_the_normal_form() {
    let named = |labels: &[&[u8]]| {
        let mut wire = Wire::new(1, 0, [1, 0, 0, 0]);
        wire.labels(labels).bytes(&[0]).u16(1).u16(1);
        question_name(&wire)
    };
    assert_eq!(named(&[b"a.B", b"c"]), "a\\.b.c");
    assert_eq!(named(&[b"a\\", b"c"]), "a\\\\.c");
    assert_eq!(named(&[b"a\xff", b"c"]), "a\\255.c");
    assert_eq!(named(&["bücher".as_bytes(), b"example"]), "xn--bcher-kva.example");
    assert_eq!(named(&[b"_ldap", b"_tcp", b"x"]), "_ldap._tcp.x");
    assert_eq!(named(&[b"a b", b"\x01"]), "a b.\x01");
    assert_eq!(named(&[b"4", b"3", b"2", b"in-addr", b"arpa"]), "4.3.2.in-addr.arpa");
    assert_eq!(named(&[b"1", b"2", b"3", b"4x5"]), "1.2.3.4x5");
    for nameless in [&[&b"192"[..], b"0", b"2", b"1"][..], &[b"::1"], &[]] {
        assert_eq!(named(nameless), "");
    }
}

#[test]
fn other_opcodes_answer_nothing_and_an_update_asks_nothing() {
    for opcode in [4_u16, 5] {
        let mut wire = Wire::new(1, opcode << 11, [1, 1, 0, 0]);
        wire.question("zone.example", 6).name("x").record(TYPE_A, 1, 0, &[1, 2, 3, 4]);
        let mut message = Message::new();
        message.parse(&wire.0).unwrap();
        assert_eq!(u16::from(message.opcode()), opcode);
        assert_eq!(message.questions().count(), usize::from(opcode == 4));
        assert_eq!(message.answers().count(), 0);
        assert!(message.is_complete());
    }
}

#[test]
fn what_was_read_before_an_error_stays() {
    let mut wire = Wire::new(1, 0x8000, [1, 2, 0, 0]);
    wire.question("example.org", TYPE_A);
    wire.pointer(12).record(TYPE_A, 1, 9, &[192, 0, 2, 1]);
    let at = wire.0.len() + 12;
    wire.pointer(12).record(TYPE_CNAME, 1, 9, &[1, b'x', 0, 0]);
    let mut message = Message::new();
    assert_eq!(message.parse(&wire.0), Err(DnsErrorKind::RecordDataLength.at(at)));
    assert_eq!(message.questions().count(), 1);
    assert_eq!(message.answers().count(), 1);
    assert!(!message.is_complete());
}

#[test]
fn addresses_of_wrong_length_or_class_are_other_data() {
    let mut wire = Wire::new(1, 0x8000, [0, 4, 0, 0]);
    wire.name("a").record(TYPE_A, 1, 9, &[192, 0, 2]);
    wire.name("b").record(TYPE_AAAA, 1, 9, &[0; 17]);
    wire.name("c").record(TYPE_A, 3, 9, &[192, 0, 2, 1]);
    wire.name("d").record(TYPE_HTTPS, 1, 9, &[0, 1, 0]);
    let mut message = Message::new();
    message.parse(&wire.0).unwrap();
    assert!(message.answers().all(|answer| answer.data == AnswerData::Other));
    assert_eq!(message.answers().count(), 4);
    assert!(message.has_service_binding() && message.is_complete());
    // The cache-flush bit of multicast DNS is no part of the class.
    let mut wire = Wire::new(0, 0x8400, [0, 1, 0, 0]);
    wire.name("a").record(TYPE_A, 0x8001, 9, &[192, 0, 2, 1]);
    message.parse(&wire.0).unwrap();
    let address = Address::from_v4([192, 0, 2, 1]);
    assert_eq!(message.answers().next().unwrap().data, AnswerData::Address(address));
}

#[test]
fn messages_over_tcp_are_told_apart_at_any_split() {
    let first = response();
    let mut stream = Vec::new();
    for message in [&first[..], &[], &first[..20]] {
        stream.extend_from_slice(&u16::try_from(message.len()).unwrap().to_be_bytes());
        stream.extend_from_slice(message);
    }
    let mut rest = &stream[..];
    let mut lengths = Vec::new();
    while let TcpFrame::Message { range, consumed } = next_tcp_message(rest) {
        lengths.push(rest[range].len());
        rest = &rest[consumed..];
    }
    assert_eq!(lengths, [first.len(), 0, 20]);
    assert_eq!(next_tcp_message(&stream[..1]), TcpFrame::NeedMore { at_least: 2 });
    let at_least = first.len() + 2;
    assert_eq!(next_tcp_message(&stream[..at_least - 1]), TcpFrame::NeedMore { at_least });
}

#[test]
fn dns_is_recognised_on_other_ports() {
    assert!(looks_like_dns(&response()));
    let mut wire = Wire::new(7, 0x0100, [1, 0, 0, 0]);
    wire.question("example.org", TYPE_A);
    assert!(looks_like_dns(&wire.0));
    assert!(!looks_like_dns(&wire.0[..wire.0.len() - 1]));
    wire.bytes(&[0]);
    assert!(!looks_like_dns(&wire.0));
    assert!(!looks_like_dns(&[0; 64]));
    assert!(!looks_like_dns(&[0xff; 64]));
    assert!(!looks_like_dns(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"));
    assert!(!looks_like_dns(b""));
}

#[test]
fn netbios_does_not_look_like_dns() {
    let mut wire = Wire::new(7, 0x0110, [1, 0, 0, 0]);
    wire.question("FHFAEBEECACACACACACACACACACACAAA", 32);
    assert!(!looks_like_dns(&wire.0));
    let mut wire = Wire::new(7, 0x0110, [1, 0, 0, 0]);
    wire.question("fhfaebeecacacacacacacacacacacaaa.example", TYPE_A);
    assert!(looks_like_dns(&wire.0));
}

#[test]
fn compression_does_not_blow_names_up_without_bound() {
    let mut wire = Wire::new(1, 0x8000, [0, u16::MAX, 0, 0]);
    let label = [b'x'; 60];
    wire.labels(&[&label, &label, &label, &label[..60]]).bytes(&[0]);
    wire.record(TYPE_CNAME, 1, 1, &[0]);
    while wire.0.len() < 65_000 {
        // One label in front makes each name a new one.
        wire.labels(&[b"y"]).pointer(12).record(TYPE_A, 1, 1, &[192, 0, 2, 1]);
    }
    let mut message = Message::new();
    message.parse(&wire.0).unwrap();
    assert!(!message.is_complete());
    let text: usize = message.answers().map(|answer| answer.owner.len()).sum();
    assert!((200_000..400_000).contains(&text), "{text}");
}

proptest! {
    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        fuzz_dns(&bytes);
    }

    #[test]
    fn no_change_of_a_message_breaks_the_reader(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = response();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        fuzz_dns(&bytes);
    }

    #[test]
    fn wire_names_normalise_as_text_does(
        labels in proptest::collection::vec("[A-Za-z0-9_-]{1,20}", 1..8),
    ) {
        let text = labels.join(".");
        let mut wire = Wire::new(1, 0, [1, 0, 0, 0]);
        wire.question(&text, TYPE_A);
        let mut expected = String::new();
        if !crate::observe::normalize(text.as_bytes(), &mut expected) {
            expected.clear();
        }
        prop_assert_eq!(question_name(&wire), expected);
    }
}
