use super::*;

#[test]
fn the_link_types_are_sorted_and_named_once() {
    assert!(LINK_TYPES.is_sorted_by(|a, b| a.number < b.number));
    for known in LINK_TYPES {
        assert!(
            known.name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        );
    }
    assert_eq!(link_type_name(1), Some("ETHERNET"));
    assert_eq!(link_type_name(276), Some("LINUX_SLL2"));
    assert_eq!(link_type_name(147), None);
}

#[test]
fn a_frame_knows_where_it_is_and_how_long_it_was() {
    let frame = Frame::new(&[1, 2, 3, 4, 5, 6], 10);
    let inner = frame.skip(2).unwrap();
    assert_eq!((inner.offset(), inner.bytes(), inner.wire()), (2, &[3, 4, 5, 6][..], 8));
    let shorter = inner.trim(3);
    assert_eq!((shorter.bytes(), shorter.wire()), (&[3, 4, 5][..], 3));
    let longer = inner.trim(100);
    assert_eq!((longer.bytes(), longer.wire()), (&[3, 4, 5, 6][..], 100));
    let limited = inner.limit(3);
    assert_eq!((limited.bytes(), limited.wire()), (&[3, 4, 5][..], 3));
    assert_eq!(limited.trim(4).wire(), 3);
    assert_eq!(limited.skip(1).unwrap().trim(1).trim(9).wire(), 9);
    assert_eq!(frame.skip(7), None);
    assert_eq!(frame.u16(usize::MAX), None);
    assert_eq!(Frame::new(&[1, 2], 0).wire(), 2);
}

#[test]
fn what_carries_no_ip_is_not_an_anomaly() {
    let frames: [(u16, &[u8]); 9] = [
        (1, &[1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 0x08, 0x06, 0, 1]),
        (1, &[1, 0x80, 0xc2, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 3, 0x42, 0x42, 3, 0, 0, 0]),
        (1, &[1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 0x88, 0xcc, 2]),
        (9, &[0xff, 3, 0xc0, 0x21, 1, 1]),
        (104, &[0x8f, 0, 0x80, 0x35, 0, 0]),
        (105, &[0x80, 0, 0, 0]),
        (105, &[0x08, 0x41, 0, 0]),
        (227, &[0; 16]),
        (253, &[0; 16]),
    ];
    for (link_type, bytes) in frames {
        let mut layers = MAX_LAYERS;
        let found = to_ip(Next::LinkType(link_type), Frame::new(bytes, 0), &mut layers);
        assert_eq!(found, Ok(None), "{link_type} {bytes:x?}");
    }
}

#[test]
fn what_is_wrong_with_a_link_layer_is_told() {
    let wrong: [(u16, &[u8], AnomalyKind); 8] = [
        (147, &[0; 64], AnomalyKind::UnknownLinkType),
        (1, &[0; 13], AnomalyKind::LinkHeaderCut),
        (1, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x05, 0xff, 1], AnomalyKind::LinkHeaderInvalid),
        (51, &[0x21, 0, 0, 0, 0, 0], AnomalyKind::LinkHeaderInvalid),
        (107, &[0; 8], AnomalyKind::LinkHeaderInvalid),
        (127, &[1, 0, 8, 0, 0, 0, 0, 0], AnomalyKind::LinkHeaderInvalid),
        (192, &[0, 0, 8, 0, 147, 0, 0, 0], AnomalyKind::UnknownLinkType),
        (239, &[2, 0, 0, 0, 0, 0, 1, 0], AnomalyKind::LinkHeaderInvalid),
    ];
    for (link_type, bytes, kind) in wrong {
        let mut layers = MAX_LAYERS;
        let found = to_ip(Next::LinkType(link_type), Frame::new(bytes, 0), &mut layers);
        assert_eq!(found, Err(kind), "{link_type} {bytes:x?}");
    }
}

#[test]
fn link_types_that_name_each_other_end() {
    let nested: Vec<u8> = [0, 0, 8, 0, 192, 0, 0, 0].repeat(100);
    let mut layers = MAX_LAYERS;
    let found = to_ip(Next::LinkType(192), Frame::new(&nested, 0), &mut layers);
    assert_eq!(found, Err(AnomalyKind::NestedTooDeep));
    let tags: Vec<u8> = [&[0; 12][..], &[0x81, 0, 0, 1].repeat(100)].concat();
    let mut layers = MAX_LAYERS;
    let found = to_ip(Next::LinkType(1), Frame::new(&tags, 0), &mut layers);
    assert_eq!(found, Err(AnomalyKind::NestedTooDeep));
}
