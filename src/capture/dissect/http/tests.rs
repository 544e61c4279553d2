//! Scans of heads written by hand, and the promises that hold for any bytes.

use proptest::prelude::*;

use super::*;

fn request(bytes: &[u8]) -> Request<'_> {
    match scan_request(bytes, false) {
        RequestScan::Request(request) => request,
        other => panic!("{other:?}"),
    }
}

fn cut_request(bytes: &[u8]) -> Request<'_> {
    match scan_request(bytes, true) {
        RequestScan::Request(request) if !request.complete => request,
        other => panic!("{other:?}"),
    }
}

fn response(bytes: &[u8]) -> Response<'_> {
    match scan_response(bytes, false) {
        ResponseScan::Response(response) => response,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_tells_its_host_and_framing() {
    let bytes = b"POST /x HTTP/1.1\r\nUser-Agent: a\r\nhost: Make.Example:8080 \r\n\
        Content-Length: 12\r\nUpgrade: websocket\r\n\r\nhello";
    assert_eq!(
        request(bytes),
        Request {
            complete: true,
            method: b"POST",
            target: b"/x",
            host: Some(b"Make.Example"),
            port: Some(8080),
            target_is_absolute: false,
            host_header: Some(b"Make.Example:8080"),
            several_hosts: false,
            content_length: Some(12),
            chunked: false,
            content_type: None,
            upgrade: Some(b"websocket"),
            length: bytes.len() - 5,
        }
    );
}

#[test]
fn the_host_of_an_absolute_target_counts_more_than_the_field() {
    let scan = request(b"GET http://u@a.example:81/b?c HTTP/1.1\r\nHost: other.example\r\n\r\n");
    assert!(scan.target_is_absolute);
    assert_eq!((scan.host, scan.port), (Some(&b"a.example"[..]), Some(81)));
    assert_eq!(scan.host_header, Some(&b"other.example"[..]));
    let scan = request(b"GET http:///b HTTP/1.1\r\nHost: other.example\r\n\r\n");
    assert_eq!(scan.host, Some(&b"other.example"[..]));
    let scan = request(b"GET /go?to=http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert_eq!((scan.target_is_absolute, scan.host), (false, Some(&b"a.example"[..])));
}

#[test]
fn a_tunnel_is_asked_for_by_authority() {
    let scan = request(b"CONNECT a.example:443 HTTP/1.1\r\nHost: proxy.example\r\n\r\n\x16\x03");
    assert!(scan.is_connect() && !scan.target_is_absolute);
    assert_eq!((scan.host, scan.port), (Some(&b"a.example"[..]), Some(443)));
    let scan = request(b"CONNECT [2001:db8::1]:443 HTTP/1.0\r\n\r\n");
    assert_eq!((scan.host, scan.port), (Some(&b"2001:db8::1"[..]), Some(443)));
    assert_eq!(scan.host_header, None);
}

#[test]
fn a_tunnel_to_no_authority_leads_nowhere() {
    for target in ["/", "/HTTP/1.1"] {
        let head = format!("CONNECT {target} HTTP/1.1\r\nHost: a.example:8080\r\n\r\n");
        let scan = request(head.as_bytes());
        assert_eq!((scan.host, scan.host_of_header()), (None, Some(&b"a.example"[..])));
    }
}

#[test]
fn the_first_of_several_hosts_is_taken_and_flagged() {
    let scan = request(b"GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n");
    assert_eq!((scan.host, scan.several_hosts), (Some(&b"a.example"[..]), true));
}

#[test]
fn bare_line_feeds_and_empty_lines_before_the_head_are_forgiven() {
    for bytes in [
        &b"GET / HTTP/1.1\nHost: a.example\n\n"[..],
        b"\r\n\r\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"\nGET / HTTP/1.1\r\nHost: a.example\n\r\n",
    ] {
        let scan = request(bytes);
        assert_eq!((scan.host, scan.length), (Some(&b"a.example"[..]), bytes.len()));
    }
    let endless = b"\r\n".repeat(40);
    assert_eq!(scan_request(&endless, false), RequestScan::Malformed);
}

#[test]
fn sloppy_fields_hide_no_host() {
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost : a.example\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\n: x\r\nno colon\r\nHost:a.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: \0\r\nHost: a.example\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: a.example\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a.example\r\nX: y\r\n Host: b.example\r\n\r\n",
    ] {
        let scan = request(bytes);
        assert_eq!((scan.host, scan.several_hosts), (Some(&b"a.example"[..]), false), "{bytes:?}");
    }
}

#[test]
fn more_fields_than_there_is_room_for_hide_no_host() {
    let mut bytes = b"GET / HTTP/1.1\r\n".to_vec();
    for number in 0..100 {
        bytes.extend(format!("X-{number}: y\r\n").bytes());
    }
    bytes.extend(b"Host: a.example\r\n\r\n");
    let scan = request(&bytes);
    assert_eq!((scan.complete, scan.host), (true, Some(&b"a.example"[..])));
}

#[test]
fn a_head_that_is_too_long_still_names_its_host() {
    let mut bytes = b"GET / HTTP/1.1\r\nHost: a.example\r\nCookie: ".to_vec();
    bytes.resize(MAX_HEAD - 1, b'x');
    assert_eq!(scan_request(&bytes, false), RequestScan::NeedMore { at_least: MAX_HEAD });
    bytes.resize(MAX_HEAD + 9, b'x');
    let RequestScan::Request(scan) = scan_request(&bytes, false) else { panic!("no request") };
    assert_eq!((scan.complete, scan.length), (false, 0));
    assert_eq!(scan.host, Some(&b"a.example"[..]));
}

#[test]
fn a_cut_head_names_the_host_when_it_is_sure_where_it_ends() {
    let host = |bytes| cut_request(bytes).host;
    assert_eq!(host(b"GET / HTTP/1.1\r\nHost: a.exam"), None);
    assert_eq!(host(b"GET / HTTP/1.1\r\nHost: a.example\r\nX: y"), Some(&b"a.example"[..]));
    assert_eq!(host(b"GET http://a.exam"), None);
    assert_eq!(host(b"GET http://a.example/"), Some(&b"a.example"[..]));
    assert_eq!(host(b"GET http://a.example HTTP/1.1"), Some(&b"a.example"[..]));
    assert_eq!(host(b"CONNECT a.example:44"), None);
    assert_eq!(host(b"CONNECT a.example:443 "), Some(&b"a.example"[..]));
    assert_eq!(host(b"GET /long"), None);
    assert_eq!(scan_request(b"", true), RequestScan::Malformed);
    assert_eq!(scan_request(b"GET", true), RequestScan::Malformed);
}

#[test]
fn other_protocols_are_told_by_the_first_line_before_the_head_ends() {
    for other in [
        &b"OPTIONS sip:a@b SIP/2.0\r\nVia: x"[..],
        b"GET /\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
        b"DESCRIBE rtsp://a/ RTSP/1.0\r\n",
    ] {
        assert_eq!(scan_request(other, false), RequestScan::NotHttp, "{other:?}");
    }
    for other in [&b"G(T / HTTP/1.1\r\n"[..], b"GET\x01/ HTTP/1.1\r\n", b"GET  HTTP/1.1\r\n"] {
        assert_eq!(scan_request(other, false), RequestScan::Malformed, "{other:?}");
    }
}

#[test]
fn framing_counts_only_when_it_is_sure() {
    let framing = |fields: &str| {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let scan = request(head.as_bytes());
        (scan.content_length, scan.chunked)
    };
    assert_eq!(framing("Content-Length: 5\r\nContent-Length: 5\r\n"), (Some(5), false));
    assert_eq!(framing("Content-Length: 5\r\nContent-Length: 6\r\n"), (None, false));
    assert_eq!(framing("Content-Length: -5\r\nContent-Length: 6\r\n"), (None, false));
    assert_eq!(framing("Transfer-Encoding: gzip, Chunked\r\n"), (None, true));
    assert_eq!(framing("Transfer-Encoding: chunked, gzip\r\n"), (None, false));
}

#[test]
fn a_response_tells_its_status_and_who_answers() {
    let bytes = b"HTTP/1.1 403 Forbidden\r\nServer: squid/6.1\r\nVia: 1.1 proxy\r\n\
        X-Squid-Error: ERR_ACCESS_DENIED 0\r\nContent-Length: 3\r\n\r\nno.";
    assert_eq!(
        response(bytes),
        Response {
            complete: true,
            status: 403,
            location: None,
            location_host: None,
            alt_svc: None,
            server: Some(b"squid/6.1"),
            via: Some(b"1.1 proxy"),
            proxy_status: None,
            squid_error: Some(b"ERR_ACCESS_DENIED 0"),
            content_type: None,
            content_encoding: None,
            proxy_authenticate: false,
            content_length: Some(3),
            chunked: false,
            length: bytes.len() - 3,
        }
    );
    let asks = response(b"HTTP/1.0 407 X\r\nProxy-Authenticate: Negotiate\r\n\r\n");
    assert!(asks.proxy_authenticate);
}

#[test]
fn a_redirect_names_the_host_that_it_leads_to() {
    let host = |location: &[u8]| {
        let head = [b"HTTP/1.1 302 Found\r\nLocation: ", location, b"\r\n\r\n"].concat();
        response(&head).location_host.map(<[u8]>::to_vec)
    };
    assert_eq!(host(b"https://block.example:8443/?u=a"), Some(b"block.example".to_vec()));
    assert_eq!(host(b"//block.example"), Some(b"block.example".to_vec()));
    assert_eq!(host(b"/login"), None);
}

#[test]
fn interim_responses_are_told_from_final_ones() {
    let first = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    let scan = response(first);
    assert!(scan.is_interim());
    assert_eq!(scan.length, 25);
    assert!(!response(&first[25..]).is_interim());
    assert!(!response(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").is_interim());
}

#[test]
fn a_status_line_suffices_when_the_rest_never_comes() {
    for bytes in [&b"HTTP/1.1 451"[..], b"HTTP/1.1 451 Un", b"HTTP/1.1 451\r\nServer: half"] {
        let ResponseScan::Response(scan) = scan_response(bytes, true) else { panic!("none") };
        assert_eq!((scan.status, scan.complete, scan.server), (451, false, None));
        assert!(matches!(scan_response(bytes, false), ResponseScan::NeedMore { .. }));
    }
    assert_eq!(scan_response(b"HTTP/1.1 45", true), ResponseScan::NotHttp);
}

#[test]
fn sloppy_responses_are_read_and_other_answers_are_not() {
    let scan = response(b"HTTP/1.1 200\nno colon\nServer : x\nX: \0\n\n");
    assert_eq!((scan.status, scan.server), (200, Some(&b"x"[..])));
    for other in [
        &b"HTTP/2 200\r\n"[..],
        b"HTTP/1.1 2000\r\n",
        b"HTTP/1.1  200\r\n",
        b"ICY 200 OK\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"h",
    ] {
        assert_eq!(scan_response(other, false), ResponseScan::NotHttp, "{other:?}");
    }
    assert!(matches!(scan_response(b"", false), ResponseScan::NeedMore { .. }));
}

#[test]
fn a_head_that_comes_byte_by_byte_gives_the_same_as_at_once() {
    for bytes in [
        &b"\r\nGET / HTTP/1.1\r\nHost: a.example\r\nX: y\r\n\r\n"[..],
        b"GET / HTTP/1.1\nHost: a.example\nX: y\n\r\n",
    ] {
        let mut wanted = 0;
        for there in 0..bytes.len() {
            if there < wanted {
                continue;
            }
            let RequestScan::NeedMore { at_least } =
                scan_request_onward(&bytes[..there], wanted, false)
            else {
                panic!("{there}");
            };
            assert!(at_least > there && at_least <= bytes.len());
            wanted = at_least;
        }
        let once = scan_request(bytes, false);
        assert!(matches!(once, RequestScan::Request(request) if request.complete));
        assert_eq!(scan_request_onward(bytes, wanted, false), once);
    }
}

#[test]
fn a_line_of_another_protocol_is_refused_though_it_is_shorter_than_any_head() {
    for other in [&b"\r\nPOS\nPOST / H"[..], b"A\n\nGET / HTTP/1.1"] {
        let RequestScan::NeedMore { at_least } = scan_request(&other[..1], false) else {
            panic!("an answer out of one byte");
        };
        assert_eq!(scan_request_onward(other, at_least, false), RequestScan::NotHttp);
        assert_eq!(scan_request(other, false), RequestScan::NotHttp);
    }
}

fn host_names() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9]([a-zA-Z0-9-]{0,20}\\.){0,3}[a-z]{1,9}"
}

fn line_ends() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("\r\n"), Just("\n")]
}

proptest! {
    #[test]
    fn the_host_is_there_with_its_line_and_never_wrong_before(
        host in host_names(),
        before in prop::collection::vec("[A-Z][a-z-]{0,12}: [ -~]{0,30}", 0..80),
        behind in prop::collection::vec("[A-Z][a-z-]{0,12}: [ -~]{0,30}", 0..4),
        end in line_ends(),
    ) {
        let mut head = format!("GET /path HTTP/1.1{end}");
        for line in before.iter().filter(|line| !line.starts_with("Host:")) {
            head.push_str(&format!("{line}{end}"));
        }
        head.push_str(&format!("Host: {host}{end}"));
        let place = head.len();
        for line in behind.iter().filter(|line| !line.starts_with("Host:")) {
            head.push_str(&format!("{line}{end}"));
        }
        head.push_str(end);
        let bytes = head.as_bytes();
        for cut in 0..=bytes.len() {
            if let RequestScan::Request(scan) = scan_request(&bytes[..cut], true) {
                prop_assert_eq!(scan.host, (cut >= place).then_some(host.as_bytes()));
                prop_assert_eq!(scan.complete, cut == bytes.len());
            } else {
                prop_assert!(cut < 4);
            }
            let is_waiting = matches!(scan_request(&bytes[..cut], false),
                RequestScan::NeedMore { at_least } if at_least > cut && at_least <= bytes.len());
            prop_assert_eq!(is_waiting, cut < bytes.len());
        }
    }

    #[test]
    fn both_ways_of_reading_a_good_head_agree(
        host in host_names(),
        fields in prop::collection::vec("(X-[a-z]{1,9}|Upgrade|Content-Length): [!-~]{1,20}", 0..50),
        end in line_ends(),
    ) {
        let head = format!("GET /path HTTP/1.1{end}Host: {host}{end}{}", fields.join(end));
        let whole = format!("{head}{end}{end}");
        let RequestScan::Request(by_parser) = scan_request(whole.as_bytes(), false) else {
            panic!("no request");
        };
        let cut = whole.strip_suffix(end).unwrap();
        let RequestScan::Request(by_lines) = scan_request(cut.as_bytes(), true) else {
            panic!("no request");
        };
        let expected = Request { complete: true, length: by_parser.length, ..by_lines };
        prop_assert_eq!(by_parser, expected);
    }

    #[test]
    fn reads_of_any_size_that_keep_to_what_is_asked_lead_to_the_same_head(
        fields in prop::collection::vec("X[a-z]{0,9}: [ -~]{0,90}", 0..30),
        reads in prop::collection::vec(1_usize..200, 1..6),
        end in line_ends(),
    ) {
        let head = format!("HTTP/1.1 302 Found{end}Location: https://b.example/{end}{}{end}{end}",
            fields.join(end));
        let bytes = head.as_bytes();
        let (mut there, mut wanted, mut calls) = (0, 0, 0);
        let found = loop {
            if there >= wanted {
                calls += 1;
                match scan_response_onward(&bytes[..there], wanted, false) {
                    ResponseScan::NeedMore { at_least } => wanted = at_least,
                    ResponseScan::Response(found) => break found,
                    ResponseScan::NotHttp => panic!("not HTTP"),
                }
            }
            there = (there + reads[calls % reads.len()]).min(bytes.len());
        };
        prop_assert_eq!(found.location_host, Some(&b"b.example"[..]));
        prop_assert_eq!(ResponseScan::Response(found), scan_response(bytes, false));
    }

    #[test]
    fn no_bytes_break_a_promise(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz_http(&bytes);
    }

    #[test]
    fn no_damage_to_a_head_breaks_a_promise(
        damage in prop::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(b'\n'), Just(b' ')]), 0..6),
        cut in any::<prop::sample::Index>(),
        which in 0_usize..3,
    ) {
        let head = [
            &b"GET http://[::1]:80/x HTTP/1.1\r\nHost: a.example:1\r\nContent-Length: 7\r\n\r\n"[..],
            b"CONNECT a.example:443 HTTP/1.1\nHost: a.example\nUpgrade: x\n\n",
            b"HTTP/1.1 302 Found\r\nLocation: http://a@b:9/\r\nTransfer-Encoding: x, chunked\r\n\r\n",
        ][which];
        let mut bytes = head.to_vec();
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        let mut known = None;
        for there in 0..=bytes.len() {
            if let RequestScan::Request(scan) = scan_request(&bytes[..there], true)
                && let Some(host) = scan.host_header
            {
                prop_assert_eq!(*known.get_or_insert(host), host);
            }
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        fuzz_http(&bytes);
    }
}
