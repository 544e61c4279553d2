//! Reports built by hand, for the tests of the contract, the renderers and the command line.

use super::*;
use crate::observe::{Cause, Doubt, NameSource, Outcome};

/// A name that tries everything: an escape sequence, a bidirectional override, a zero-width space
/// and a comma with a quotation mark.
pub(crate) const HOSTILE_NAME: &str = "=\u{1b}[31mevil\u{202e}moc\u{200b},\".flow.microsoft.com";

fn text(value: &str) -> String {
    value.to_owned()
}

fn list(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| text(value)).collect()
}

fn time(second: u32) -> Option<String> {
    Some(format!("2026-11-23T09:{:02}:{:02}.123456Z", second / 60, second % 60))
}

/// One piece of evidence with every field set.
pub(crate) fn evidence() -> EvidenceReport {
    EvidenceReport {
        input: 1,
        record: 17,
        offset: 1234,
        time: time(12),
        client: Some(text("10.77.0.2")),
        server: Some(text("203.0.113.12:443")),
        device: None,
        rule: None,
        policy: None,
        category: None,
        transport: "tcp",
        outcome: Outcome::Blocked(Cause::TcpNoAnswer),
        named_by: NameSource::DnsSameClient,
        detail: text("3 requests, no answer in 7.0 s"),
        wireshark: Some(text("ip.addr==10.77.0.2 && tcp.port==41834")),
        line: None,
    }
}

fn seen(
    record: u64,
    second: u32,
    outcome: Outcome,
    named_by: NameSource,
    detail: &str,
) -> EvidenceReport {
    EvidenceReport {
        record,
        offset: record * 80,
        time: time(second),
        outcome,
        named_by,
        detail: text(detail),
        ..evidence()
    }
}

fn counted(outcome: Outcome, count: u64, first: u32, last: u32) -> OutcomeReport {
    OutcomeReport { outcome, count, first: time(first), last: time(last), clients: 1 }
}

fn name(
    name: &str,
    verdict: Verdict,
    outcomes: Vec<OutcomeReport>,
    evidence: Vec<EvidenceReport>,
) -> NameReport {
    NameReport { name: text(name), verdict, intercepted: false, outcomes, evidence }
}

fn endpoint(protocol: &str, pattern: &str, verdict: Verdict, reason: &str) -> EndpointReport {
    EndpointReport {
        id: format!("{protocol}:{pattern}"),
        pattern: text(pattern),
        protocol: text(protocol),
        direction: text("outbound"),
        clouds: list(&["public"]),
        scenarios: list(&["service", "desktop-flows"]),
        uses: list(&["portal and run-time service"]),
        verdict,
        mixed_by: None,
        intercepted: false,
        reason: text(reason),
        deciders: Vec::new(),
        clients: Vec::new(),
        names: Vec::new(),
    }
}

fn catalog() -> CatalogReport {
    CatalogReport {
        name: text("power-automate"),
        edition: text("2023-04-17"),
        sha256: "5e".repeat(32),
        clouds: list(&["public"]),
        scenarios: list(&["service", "mobile", "desktop-flows"]),
        newer_edition: Some(text("2026-05-13")),
        service_tags: Some(ServiceTagsReport {
            cloud: text("Public"),
            change_number: text("363"),
            sha256: "7a".repeat(32),
            missing: list(&["PowerPlatformPlex"]),
        }),
    }
}

fn inputs() -> Vec<InputReport> {
    vec![
        InputReport {
            error: Some(text(
                "an event trace of Windows, not a capture: convert it with etl2pcapng first",
            )),
            bytes: 65_536,
            ..InputReport::new(text("captures/broken.etl"))
        },
        InputReport {
            kind: InputKind::Capture,
            format: Some(text("pcapng")),
            bytes: 1_048_576,
            sha256: Some("ab".repeat(32)),
            records: 12_345,
            decoded: 12_000,
            first: time(0),
            last: time(843),
            anomalies: vec![AnomalyReport {
                kind: "ip_header_cut",
                count: 45,
                samples: vec![
                    AnomalySample { record: 7, offset: 560 },
                    AnomalySample { record: 9, offset: 720 },
                ],
            }],
            notes: list(&["the file ends inside packet 12346"]),
            ..InputReport::new(text("captures/office.pcapng"))
        },
        InputReport {
            kind: InputKind::Log,
            format: Some(text("fortigate-kv")),
            bytes: 4096,
            records: 32,
            decoded: 32,
            first: Some(text("2026-11-23T08:59:59Z")),
            last: Some(text("2026-11-24T00:10:00Z")),
            ..InputReport::new(text("logs/fw\u{1b}]0;gate\u{7}.log"))
        },
    ]
}

fn coverage() -> CoverageReport {
    CoverageReport {
        first: Some(text("2026-11-23T08:59:59Z")),
        last: Some(text("2026-11-24T00:10:00Z")),
        packets: PacketCoverage {
            read: 12_345,
            decoded: 12_000,
            not_ip: 200,
            other_transport: 100,
            not_understood: vec![KindCount { kind: "ip_header_cut", count: 45 }],
        },
        flows: FlowCoverage {
            total: 310,
            tcp: 210,
            udp: 100,
            one_way: 4,
            mid_flow: 3,
            without_visible_name: vec![
                ReasonCount { reason: text("ech"), count: 2 },
                ReasonCount { reason: text("no_sni"), count: 5 },
            ],
        },
        lines: LineCoverage {
            read: 32,
            with_records: 27,
            without_record: 2,
            not_understood: vec![KindCount { kind: "line_unknown", count: 3 }],
            records: 8,
        },
        encrypted_dns: EncryptedDns { dot: 1, doq: 0, doh: 2 },
        evictions: vec![EvictionReport { table: text("flows"), count: 3 }],
        link_types: vec![LinkTypeReport { link_type: 1, name: text("ETHERNET"), packets: 12_345 }],
        cut_packets: 12,
        dropped_packets: Some(6),
        unnamed_failures: UnnamedReport {
            count: 4,
            servers: vec![UnnamedServer {
                server: "10.77.0.80:3128".to_owned(),
                cause: Cause::TcpNoAnswer.as_str(),
                count: 4,
            }],
        },
        notes: list(&[
            "The capture itself dropped 6 packets, so an answer may be missing.",
            "3 flows to encrypted resolvers hide the names that were asked for.",
        ]),
    }
}

/// A report with every variant of every type.
pub(crate) fn report() -> Report {
    use NameSource::{DnsQuery, LogName, Sni};
    let blocked_by_dns = Outcome::Blocked(Cause::DnsNxdomain);
    let refused = Outcome::Blocked(Cause::TcpRefused);

    let mut blocked = endpoint(
        "https",
        "*.flow.microsoft.com",
        Verdict::Blocked,
        "Connection requests get no answer, and the resolver says that one name does not exist.",
    );
    blocked.names = vec![
        name(
            HOSTILE_NAME,
            Verdict::Blocked,
            vec![counted(blocked_by_dns, 2, 5, 6)],
            vec![EvidenceReport {
                transport: "dns",
                ..seen(11, 5, blocked_by_dns, DnsQuery, "NXDOMAIN")
            }],
        ),
        name(
            "emea.flow.microsoft.com",
            Verdict::Blocked,
            vec![counted(Outcome::Blocked(Cause::TcpNoAnswer), 1, 12, 12)],
            vec![evidence()],
        ),
    ];

    let mut mixed = endpoint(
        "https",
        "make.powerautomate.com",
        Verdict::Mixed,
        "Answered until 09:05:00, refused with a reset since.",
    );
    mixed.mixed_by = Some(MixedBy::Time { changed: text("2026-11-23T09:05:00.123456Z") });
    mixed.intercepted = true;
    mixed.reason.push_str(
        " TLS inspection shows: the certificate issued by \"Contoso Inspection CA\" does not lead to \
         a public root.",
    );
    mixed.names = vec![name(
        "make.powerautomate.com",
        Verdict::Mixed,
        vec![counted(Outcome::Answered, 7, 60, 290), counted(refused, 2, 300, 301)],
        vec![
            seen(300, 60, Outcome::Answered, Sni, "517 bytes sent, 4210 bytes received"),
            seen(
                9001,
                300,
                refused,
                NameSource::DnsSameClient,
                "reset 12.0 ms later, hop limit 64",
            ),
        ],
    )];

    let mut by_client = endpoint(
        "https",
        "login.microsoftonline.com",
        Verdict::Mixed,
        "Some clients are answered and others are denied.",
    );
    by_client.mixed_by = Some(MixedBy::Client);
    let mut by_name = endpoint(
        "https",
        "*.azure-apim.net",
        Verdict::Mixed,
        "Some names are answered and others are reset.",
    );
    by_name.mixed_by = Some(MixedBy::Name);

    let degraded = endpoint(
        "https",
        "*.api.powerplatform.com",
        Verdict::Degraded,
        "QUIC never gets an answer while TCP works.",
    );

    let mut inconclusive = endpoint(
        "http",
        "ocsp.digicert.com",
        Verdict::Inconclusive,
        "The name was resolved and no connection to it was seen.",
    );
    let doubt = Outcome::Inconclusive(Doubt::Resolved);
    inconclusive.names = vec![name(
        "ocsp.digicert.com",
        Verdict::Inconclusive,
        vec![counted(doubt, 1, 33, 33)],
        vec![EvidenceReport { transport: "dns", ..seen(77, 33, doubt, DnsQuery, "NOERROR") }],
    )];

    let mut allowed = endpoint(
        "https",
        "*.servicebus.windows.net",
        Verdict::Allowed,
        "A firewall logs that it let the traffic through.",
    );
    allowed.names = vec![name(
        "eu.servicebus.windows.net",
        Verdict::Allowed,
        vec![OutcomeReport {
            outcome: Outcome::Allowed,
            count: 3,
            first: None,
            last: None,
            clients: 2,
        }],
        vec![EvidenceReport {
            input: 2,
            record: 4,
            offset: 512,
            time: None,
            outcome: Outcome::Allowed,
            named_by: LogName,
            detail: String::new(),
            wireshark: None,
            line: Some(text("action=accept hostname=eu.servicebus.windows.net\u{9b}31m")),
            ..evidence()
        }],
    )];

    let mut reached = endpoint(
        "https",
        "api.flow.microsoft.com",
        Verdict::Reached,
        "Answered by TLS in 7 of 7 connections.",
    );
    reached.names = vec![name(
        "api.flow.microsoft.com",
        Verdict::Reached,
        vec![counted(Outcome::Answered, 7, 60, 290)],
        vec![seen(400, 61, Outcome::Answered, Sni, "517 bytes sent, 90210 bytes received")],
    )];

    let mut endpoints =
        vec![blocked, mixed, by_client, by_name, degraded, inconclusive, allowed, reached];
    let reason = "No attempt was seen.";
    for pattern in
        ["*.crm.dynamics.com", "*.dynamics.com", "go.microsoft.com", "download.microsoft.com"]
    {
        endpoints.push(endpoint("https", pattern, Verdict::NeverSeen, reason));
    }
    endpoints.push(endpoint("http", "crl.microsoft.com", Verdict::NeverSeen, reason));

    let miss = |name: &str, endpoint: &str, why, protocol: &str, port| NearMiss {
        name: text(name),
        endpoint: text(endpoint),
        why,
        protocol: text(protocol),
        port,
        count: 2,
        first: time(70),
        last: time(71),
    };
    let mut report = Report {
        schema: SCHEMA_ID,
        tool: Tool { name: "egress-audit", version: "0.1.0" },
        catalog: catalog(),
        inputs: inputs(),
        coverage: coverage(),
        summary: Summary::default(),
        endpoints,
        near_misses: vec![
            miss("dynamics.com", "https:*.dynamics.com", NearMissReason::Apex, "https", 443),
            miss(
                "emea.flow.microsoft.com",
                "https:*.flow.microsoft.com",
                NearMissReason::OtherPort,
                "https",
                8443,
            ),
            miss(
                "go.microsoft.com",
                "https:go.microsoft.com",
                NearMissReason::OtherProtocol,
                "http",
                80,
            ),
        ],
        contradictions: contradictions(),
        sites: Vec::new(),
    };
    report.finish();
    if let Some(blocked) = report.endpoints.iter_mut().find(|row| row.verdict == Verdict::Blocked) {
        blocked.deciders = vec![DeciderReport {
            device: text("Fortinet FortiGate"),
            rule: Some(text("deny-out\u{1b}[2J")),
            policy: None,
            category: Some(text("Streaming")),
            reason: None,
            cause: Cause::DeviceDenied.as_str(),
            count: 7,
            clients: 2,
            first: time(12),
            last: time(14),
        }];
        blocked.clients =
            vec![ClientReport { client: text("10.77.0.2"), blocked: 7, answered: 0, other: 1 }];
    }
    report.sites = vec![only_site(&report)];
    report
}

/// The same report as that of its only site.
fn only_site(report: &Report) -> SiteReport {
    SiteReport {
        name: None,
        summary: report.summary,
        coverage: report.coverage.clone(),
        endpoints: report.endpoints.clone(),
        near_misses: report.near_misses.clone(),
        contradictions: report.contradictions.clone(),
    }
}

/// One contradiction with a capture that shows something, one with a capture that does not.
fn contradictions() -> Vec<ContradictionReport> {
    let log = EvidenceReport {
        input: 2,
        record: 4,
        outcome: Outcome::Allowed,
        detail: text("Fortinet FortiGate: rule \"web\""),
        wireshark: None,
        line: Some(text("action=accept \u{9b}31m")),
        ..evidence()
    };
    let allowed = ContradictionReport {
        kind: ContradictionKind::AllowedButBlocked,
        name: text(HOSTILE_NAME),
        endpoints: list(&["https:*.flow.microsoft.com"]),
        reason: text("The log says that it was let through, but in the capture nothing answers."),
        count: 3,
        first: time(12),
        last: time(14),
        log: log.clone(),
        capture_input: 1,
        capture: Some(evidence()),
    };
    let missed = ContradictionReport {
        kind: ContradictionKind::DeniedButNotCaptured,
        name: text("emea.flow.microsoft.com"),
        reason: text("The log says that it was blocked, but the capture does not have it."),
        count: 1,
        log: EvidenceReport { outcome: Outcome::Blocked(Cause::DeviceDenied), ..log },
        capture: None,
        ..allowed.clone()
    };
    vec![allowed, missed]
}

/// A report over an empty capture.
pub(crate) fn empty() -> Report {
    let mut report = Report {
        inputs: vec![InputReport {
            kind: InputKind::Capture,
            format: Some(text("pcap")),
            bytes: 24,
            ..InputReport::new(text("empty.pcap"))
        }],
        coverage: CoverageReport::default(),
        endpoints: vec![endpoint(
            "https",
            "*.flow.microsoft.com",
            Verdict::NeverSeen,
            "No attempt was seen.",
        )],
        near_misses: Vec::new(),
        contradictions: Vec::new(),
        sites: Vec::new(),
        ..report()
    };
    report.catalog.newer_edition = None;
    report.finish();
    report.sites = vec![only_site(&report)];
    report
}

/// Names of every sort.
pub(crate) fn names() -> NamesReport {
    let row = |source, name: &str, count, endpoints: &[&str]| NameRow {
        source,
        name: text(name),
        count,
        first: time(1),
        last: time(500),
        endpoints: list(endpoints),
    };
    let mut report = NamesReport {
        tool: Tool { name: "egress-audit", version: "0.1.0" },
        inputs: inputs(),
        rows: vec![
            row(NameSource::Sni, "emea.flow.microsoft.com", 12, &["https:*.flow.microsoft.com"]),
            row(NameSource::Sni, HOSTILE_NAME, 1, &["https:*.flow.microsoft.com"]),
            row(NameSource::DnsQuery, "www.example.com", 3, &[]),
            NameRow {
                first: None,
                last: None,
                ..row(
                    NameSource::LogName,
                    "eu.servicebus.windows.net",
                    3,
                    &["https:*.servicebus.windows.net", "https:eu.servicebus.windows.net"],
                )
            },
        ],
        given_up: 0,
    };
    report.finish();
    report
}

/// The story of one endpoint.
pub(crate) fn explain() -> ExplainReport {
    let event = |record, second, channel: &str, outcome, detail: &str| ExplainEvent {
        time: time(second),
        input: 1,
        record,
        offset: record * 80,
        client: Some(text("10.77.0.2:41834")),
        server: Some(text("203.0.113.12:443")),
        channel: text(channel),
        name: text("emea.flow.microsoft.com"),
        named_by: NameSource::DnsSameClient,
        outcome,
        detail: text(detail),
        wireshark: Some(text("ip.addr==10.77.0.2 && tcp.port==41834")),
    };
    let blocked = Outcome::Blocked(Cause::TcpNoAnswer);
    ExplainReport {
        schema: ExplainReport::SCHEMA_ID,
        tool: Tool { name: "egress-audit", version: "0.1.0" },
        catalog: catalog(),
        asked: text("*.flow.microsoft.com"),
        endpoints: list(&["https:*.flow.microsoft.com"]),
        verdict: Some(Verdict::Blocked),
        reason: Some(text("Connection requests get no answer.")),
        inputs: inputs(),
        events: vec![
            ExplainEvent {
                named_by: NameSource::DnsAnswer,
                ..event(15, 11, "dns A", None, "NOERROR, address 203.0.113.12")
            },
            event(17, 12, "tcp", Some(blocked), "3 requests, no answer in 7.0 s"),
            ExplainEvent {
                name: text(HOSTILE_NAME),
                named_by: NameSource::Sni,
                ..event(
                    901,
                    86,
                    "tls",
                    Some(Outcome::Inconclusive(Doubt::CaptureEnded)),
                    "no answer in 850 µs",
                )
            },
            ExplainEvent {
                time: None,
                input: 2,
                record: 4,
                wireshark: None,
                ..event(4, 0, "tcp", Some(Outcome::Answered), "")
            },
        ],
        omitted: 7,
    }
}
