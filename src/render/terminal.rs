//! The audit for a terminal: the gravest first, at a glance, with pointers to the evidence.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use super::table::{Columns, Page, Tone, columns_of, counted, grouped, instant, span};
use super::{Places, TerminalOptions, UNKNOWN, escape, record_noun};
use crate::observe::{Doubt, NameSource, Outcome};
use crate::report::{
    CatalogReport, ContradictionReport, EndpointReport, EvidenceReport, InputReport, MixedBy,
    NameReport, NearMiss, NearMissReason, Report, SiteReport, Summary, Tool, Verdict,
};

/// Pieces of evidence shown for an endpoint unless all are asked for.
const EVIDENCE_SHOWN: usize = 3;

/// Inputs shown one by one unless all are asked for.
const INPUTS_SHOWN: usize = 12;

/// Writes the report for a terminal.
///
/// # Errors
/// Those of `out`.
pub fn render(report: &Report, options: TerminalOptions, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, options);
    let places = Places::new(&report.inputs);
    head(&mut page, &report.tool, &report.catalog)?;
    inputs(&mut page, &report.inputs, options.verbose)?;
    sites(&mut page, report)?;
    verdicts(&mut page, report, &places, options.verbose)?;
    never_seen(&mut page, &report.endpoints)?;
    near_misses(&mut page, &report.near_misses)?;
    contradictions(&mut page, &report.contradictions, &places)?;
    summary(&mut page, report)?;
    coverage(&mut page, report)?;
    complaints(&mut page, &report.inputs, &places)
}

/// What made the report, and what it is about.
pub(super) fn head(page: &mut Page<'_>, tool: &Tool, catalog: &CatalogReport) -> io::Result<()> {
    let name = escape::terminal(&catalog.name);
    let edition = escape::terminal(&catalog.edition);
    let title = format!("{} {}, catalog {name}@{edition}", tool.name, tool.version);
    page.text(Tone::Heading, &title)?;
    let clouds = catalog.clouds.join(", ");
    let scenarios = catalog.scenarios.join(", ");
    let profile = format!("clouds: {clouds}; scenarios: {scenarios}");
    page.text(Tone::Plain, &escape::terminal(&profile))?;
    if let Some(newer) = &catalog.newer_edition {
        let newer = escape::terminal(newer);
        page.text(Tone::Plain, &format!("A newer edition is built in: {name}@{newer}."))?;
    }
    if let Some(tags) = &catalog.service_tags {
        let (cloud, edition) = (&tags.cloud, &tags.change_number);
        let unknown = if edition.is_empty() { "of unknown edition" } else { "edition " };
        let edition = format!("service tags: cloud {cloud}, {unknown}{edition}");
        page.text(Tone::Plain, &escape::terminal(&edition))?;
        if !tags.missing.is_empty() {
            let text = format!(
                "not judged, for they have no addresses there: {}",
                tags.missing.join(", ")
            );
            page.text(Tone::Plain, &escape::terminal(&text))?;
        }
    }
    Ok(())
}

/// One line for each input; of many that are sound, only their sum.
pub(super) fn inputs(page: &mut Page<'_>, inputs: &[InputReport], verbose: bool) -> io::Result<()> {
    page.blank()?;
    if inputs.is_empty() {
        return page.text(Tone::Plain, "No inputs.");
    }
    let all = verbose || inputs.len() <= INPUTS_SHOWN;
    let shown = || inputs.iter().filter(|input| all || input.error.is_some());
    let longest = shown().map(|input| columns_of(&escape::terminal(&input.path))).max();
    let columns = Columns::fitted(0, page.width(), &[(longest.unwrap_or(0), page.width() / 2)]);
    for input in shown() {
        let tone = if input.error.is_some() { Tone::Bad } else { Tone::Plain };
        let cells = [escape::terminal(&input.path), Cow::Owned(describe(input))];
        page.row(&columns, tone, cells)?;
    }
    let sound = || inputs.iter().filter(|input| input.error.is_none());
    if !all && sound().next().is_some() {
        let records = sound().fold(0_u64, |sum, input| sum.saturating_add(input.records));
        let count = u64::try_from(sound().count()).unwrap_or(u64::MAX);
        let text = format!("{}, {} packets or lines", counted(count, "input"), grouped(records));
        page.text(Tone::Plain, &text)?;
    }
    Ok(())
}

fn describe(input: &InputReport) -> String {
    let mut parts = Vec::new();
    if let Some(format) = &input.format {
        parts.push(escape::terminal(format).into_owned());
    }
    if input.error.is_none() || input.records > 0 {
        parts.push(counted(input.records, record_noun(input)));
        parts.extend(span(input.first.as_deref(), input.last.as_deref()));
    }
    if let Some(error) = &input.error {
        let word = if input.records > 0 { "READ IN PART" } else { "NOT READ" };
        parts.push(format!("{word}: {}", escape::terminal(error)));
    }
    parts.join(", ")
}

/// One line for each site: how many of its endpoints have which verdict.
fn sites(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    if !report.has_sites() {
        return Ok(());
    }
    page.blank()?;
    let title =
        |site: &SiteReport| escape::terminal(site.name.as_deref().unwrap_or_default()).into_owned();
    let longest = report.sites.iter().map(|site| columns_of(&title(site))).max().unwrap_or(0);
    let limit = page.width() / 2;
    let columns = Columns::fitted(0, page.width(), &[(longest.max("SITE".len()), limit)]);
    page.row(&columns, Tone::Heading, ["SITE".into(), "REQUIRED ENDPOINTS".into()])?;
    for site in &report.sites {
        let gravest = site.endpoints.iter().map(|endpoint| endpoint.verdict).min();
        let tone = gravest.map_or(Tone::Plain, Tone::of);
        page.row(&columns, tone, [title(site).into(), verdict_counts(&site.summary).into()])?;
    }
    Ok(())
}

/// `2 blocked, 30 reached, 4 never seen`.
fn verdict_counts(summary: &Summary) -> String {
    let counts: Vec<String> = Verdict::ALL
        .iter()
        .map(|verdict| (summary.count(*verdict), verdict.words()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    counts.join(", ")
}

fn verdicts(
    page: &mut Page<'_>,
    report: &Report,
    places: &Places<'_>,
    verbose: bool,
) -> io::Result<()> {
    let mut seen: Vec<&EndpointReport> =
        report.endpoints.iter().filter(|endpoint| endpoint.verdict != Verdict::NeverSeen).collect();
    seen.sort_by(|a, b| (a.verdict, &a.id).cmp(&(b.verdict, &b.id)));
    page.blank()?;
    if seen.is_empty() {
        return page.text(Tone::Plain, "No required endpoint was tried.");
    }
    let longest =
        seen.iter().map(|endpoint| columns_of(&escape::terminal(&endpoint.id))).max().unwrap_or(0);
    let limit = page.width() / 20 * 9;
    let columns = Columns::fitted(0, page.width(), &[("inconclusive".len(), 12), (longest, limit)]);
    page.row(&columns, Tone::Heading, ["VERDICT".into(), "ENDPOINT".into(), "WHY".into()])?;
    for endpoint in seen {
        let cells = [
            Cow::Borrowed(endpoint.verdict.words()),
            escape::terminal(&endpoint.id),
            Cow::Owned(why(endpoint)),
        ];
        page.row(&columns, Tone::of(endpoint.verdict), cells)?;
        let calls_for_proof = endpoint.verdict <= Verdict::Inconclusive;
        if verbose || calls_for_proof {
            evidence(page, endpoint, places, columns.second_start(), verbose)?;
        }
    }
    Ok(())
}

fn why(endpoint: &EndpointReport) -> String {
    let mut text = escape::terminal(&endpoint.reason).into_owned();
    // The reason says by itself when it depends on the client or the name.
    if let Some(MixedBy::Time { changed }) = &endpoint.mixed_by {
        text.push_str(&format!(" Changed at {}.", instant(changed)));
    }
    text
}

fn evidence(
    page: &mut Page<'_>,
    endpoint: &EndpointReport,
    places: &Places<'_>,
    indent: u16,
    verbose: bool,
) -> io::Result<()> {
    let mut pieces = by_weight(endpoint);
    if !verbose && pieces.iter().any(|(_, piece)| !is_preliminary(piece)) {
        pieces.retain(|(_, piece)| !is_preliminary(piece));
    }
    let limit = if verbose { usize::MAX } else { EVIDENCE_SHOWN };
    for (name, piece) in pieces.iter().take(limit) {
        page.item(indent, &pointer(places, name, piece, verbose))?;
    }
    let left = u64::try_from(pieces.len().saturating_sub(limit)).unwrap_or(u64::MAX);
    if left > 0 {
        let id = escape::terminal(&endpoint.id);
        page.item(indent, &format!("{} more: egress-audit explain '{id}' INPUT", grouped(left)))?;
    }
    Ok(())
}

/// Whether a piece tells only that a name was asked for or where it lives, which comes before every
/// attempt at it.
fn is_preliminary(piece: &EvidenceReport) -> bool {
    let is_question =
        piece.transport == "dns" && piece.outcome == Outcome::Inconclusive(Doubt::Logged);
    is_question
        || matches!(
            piece.outcome,
            Outcome::Inconclusive(Doubt::Resolved | Doubt::NoData | Doubt::PrivateLink)
        )
}

/// The evidence of all names. For a block what shows it comes first; else the first piece of each
/// kind and name comes before the second of any.
fn by_weight(endpoint: &EndpointReport) -> Vec<(&NameReport, &EvidenceReport)> {
    let weight = |outcome: Outcome| match outcome {
        Outcome::Blocked(_) => 0,
        Outcome::Inconclusive(_) => 1,
        Outcome::Allowed => 2,
        Outcome::Answered => 3,
    };
    let mut pieces = Vec::new();
    for (order, name) in endpoint.names.iter().enumerate() {
        let mut ranks: BTreeMap<u8, usize> = BTreeMap::new();
        for piece in &name.evidence {
            let weight = weight(piece.outcome);
            let rank = ranks.entry(weight).or_default();
            let group = if endpoint.verdict == Verdict::Blocked { weight } else { 0 };
            pieces.push(((group, *rank, weight, order), name, piece));
            *rank += 1;
        }
    }
    pieces.sort_by_key(|(key, ..)| *key);
    pieces.into_iter().map(|(_, name, piece)| (name, piece)).collect()
}

fn pointer(
    places: &Places<'_>,
    name: &NameReport,
    piece: &EvidenceReport,
    verbose: bool,
) -> String {
    let place = places.place(piece.input, piece.record);
    let name = escape::terminal_name(&name.name);
    let outcome = piece.outcome.cause().unwrap_or_else(|| piece.outcome.as_str());
    let mut text = format!("{}: {name}, {outcome}", escape::terminal(&place));
    if !piece.detail.is_empty() {
        text.push_str(&format!(", {}", escape::terminal(&piece.detail)));
    }
    let is_joined = matches!(
        piece.named_by,
        NameSource::DnsSameClient | NameSource::DnsAnyClient | NameSource::ServiceTag
    );
    if is_joined && !verbose {
        text.push_str(&format!(", named by {}", piece.named_by.as_str()));
    }
    if verbose {
        let client = escape::terminal(piece.client.as_deref().unwrap_or(UNKNOWN));
        let server = escape::terminal(piece.server.as_deref().unwrap_or(UNKNOWN));
        let time = piece.time.as_deref().map(escape::terminal).unwrap_or("no time".into());
        let named_by = piece.named_by.as_str();
        text.push_str(&format!("; {time}, {client} to {server}, named by {named_by}"));
        if let Some(filter) = &piece.wireshark {
            text.push_str(&format!("; {}", escape::terminal(filter)));
        }
        if let Some(line) = &piece.line {
            text.push_str(&format!("; {}", escape::terminal(line)));
        }
    }
    text
}

fn never_seen(page: &mut Page<'_>, endpoints: &[EndpointReport]) -> io::Result<()> {
    let mut by_protocol: BTreeMap<&str, Vec<Cow<'_, str>>> = BTreeMap::new();
    for endpoint in endpoints.iter().filter(|e| e.verdict == Verdict::NeverSeen) {
        by_protocol
            .entry(if is_inbound(endpoint) { &endpoint.direction } else { &endpoint.protocol })
            .or_default()
            .push(escape::terminal(&endpoint.pattern));
    }
    if by_protocol.is_empty() {
        return Ok(());
    }
    let count: usize = by_protocol.values().map(Vec::len).sum();
    page.blank()?;
    page.text(Tone::Heading, &format!("NEVER SEEN IN THESE INPUTS ({count})"))?;
    let longest = by_protocol.keys().map(|key| columns_of(key)).max().unwrap_or(0);
    let columns = Columns::fitted(0, page.width(), &[(longest.max("https".len()), 12)]);
    for (protocol, patterns) in by_protocol {
        let cells = [escape::terminal(protocol), Cow::Owned(patterns.join(", "))];
        page.row(&columns, Tone::Plain, cells)?;
    }
    Ok(())
}

fn is_inbound(endpoint: &EndpointReport) -> bool {
    endpoint.direction == "inbound"
}

fn near_misses(page: &mut Page<'_>, misses: &[NearMiss]) -> io::Result<()> {
    if misses.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.text(Tone::Heading, "SEEN, BUT NOT AS REQUIRED")?;
    for miss in misses {
        let name = escape::terminal_name(&miss.name);
        let endpoint = escape::terminal(&miss.endpoint);
        let protocol = escape::terminal(&miss.protocol);
        let port = miss.port;
        let why = match miss.why {
            NearMissReason::Apex => format!("{endpoint} asks for a label in front of it"),
            NearMissReason::OtherPort => {
                format!("tried on port {port}, which {endpoint} does not use")
            }
            NearMissReason::OtherProtocol => {
                format!("tried by {protocol} on port {port}, required is {endpoint}")
            }
            NearMissReason::OtherDirection => {
                format!("tried from inside on port {port} of its addresses, required is {endpoint}")
            }
        };
        page.item(0, &format!("{name}: {why} ({})", counted(miss.count, "attempt")))?;
    }
    Ok(())
}

fn contradictions(
    page: &mut Page<'_>,
    rows: &[ContradictionReport],
    places: &Places<'_>,
) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.text(Tone::Heading, &format!("LOGS AND CAPTURES CONTRADICT EACH OTHER ({})", rows.len()))?;
    for row in rows {
        let log = places.place(row.log.input, row.log.record);
        let capture = match &row.capture {
            Some(piece) => format!(" and {}", places.place(piece.input, piece.record)),
            None => format!(" and {}", places.input(row.capture_input)),
        };
        let name = escape::terminal_name(&row.name);
        let client = escape::terminal(row.log.client.as_deref().unwrap_or(UNKNOWN));
        let place = format!("{log}{capture}");
        let place = escape::terminal(&place);
        let reason = escape::terminal(&row.reason);
        let count = counted(row.count, "log record");
        page.item(0, &format!("{place}: {name} by {client}. {reason} ({count})"))?;
    }
    Ok(())
}

fn summary(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    page.blank()?;
    let endpoints = counted(report.summary.required, "required endpoint");
    page.text(Tone::Heading, &format!("{endpoints}: {}", verdict_counts(&report.summary)))
}

fn coverage(page: &mut Page<'_>, report: &Report) -> io::Result<()> {
    let coverage = &report.coverage;
    page.blank()?;
    page.text(Tone::Heading, "COVERAGE")?;
    let packets = &coverage.packets;
    if packets.read > 0 {
        let mut text = counted(packets.read, "packet");
        text.push_str(&format!(" read: {} decoded", grouped(packets.decoded)));
        push_some(&mut text, packets.not_ip, "not IP");
        push_some(&mut text, packets.other_transport, "of other transports");
        for row in &packets.not_understood {
            push_some(&mut text, row.count, &format!("not understood ({})", row.kind));
        }
        push_some(&mut text, coverage.cut_packets, "cut by the snap length");
        push_some(&mut text, coverage.dropped_packets.unwrap_or(0), "dropped by the capture");
        page.item(0, &text)?;
    }
    let lines = &coverage.lines;
    if lines.read > 0 {
        let mut text = counted(lines.read, "line");
        text.push_str(&format!(" read: {} with records", grouped(lines.with_records)));
        push_some(&mut text, lines.without_record, "without an attempt");
        for row in &lines.not_understood {
            push_some(&mut text, row.count, &format!("not understood ({})", row.kind));
        }
        page.item(0, &text)?;
    }
    let flows = &coverage.flows;
    if flows.total > 0 {
        let mut text = counted(flows.total, "flow");
        text.push_str(&format!(": {} TCP, {} UDP", grouped(flows.tcp), grouped(flows.udp)));
        push_some(&mut text, flows.one_way, "one-way");
        push_some(&mut text, flows.mid_flow, "joined midway");
        for row in &flows.without_visible_name {
            let words = format!("without a visible name ({})", escape::terminal(&row.reason));
            push_some(&mut text, row.count, &words);
        }
        let dns = coverage.encrypted_dns;
        push_some(&mut text, dns.dot, "of DNS over TLS");
        push_some(&mut text, dns.doq, "of DNS over QUIC");
        push_some(&mut text, dns.doh, "of DNS over HTTPS");
        page.item(0, &text)?;
    }
    for row in &coverage.evictions {
        let table = escape::terminal(&row.table);
        let count = grouped(row.count);
        page.item(0, &format!("{count} entries were given up in the full table of {table}"))?;
    }
    for note in &coverage.notes {
        page.item(0, &escape::terminal(note))?;
    }
    let is_empty = packets.read == 0 && lines.read == 0 && flows.total == 0;
    if is_empty && coverage.notes.is_empty() {
        page.item(0, "no packets, no flows, no lines")?;
    }
    Ok(())
}

fn push_some(text: &mut String, count: u64, words: &str) {
    if count > 0 {
        text.push_str(&format!(", {} {words}", grouped(count)));
    }
}

/// What was wrong with the inputs, beyond those that could not be read at all.
pub(super) fn complaints(
    page: &mut Page<'_>,
    inputs: &[InputReport],
    places: &Places<'_>,
) -> io::Result<()> {
    let with_trouble =
        |input: &&InputReport| !input.anomalies.is_empty() || !input.notes.is_empty();
    let mut troubled = inputs.iter().filter(with_trouble).peekable();
    if troubled.peek().is_none() {
        return Ok(());
    }
    page.blank()?;
    page.text(Tone::Heading, "COMPLAINTS")?;
    for input in troubled {
        let name = escape::terminal(places.short(input));
        for note in &input.notes {
            page.item(0, &format!("{name}: {}", escape::terminal(note)))?;
        }
        for anomaly in &input.anomalies {
            let samples: Vec<String> =
                anomaly.samples.iter().map(|sample| sample.record.to_string()).collect();
            let noun = record_noun(input);
            let count = counted(anomaly.count, noun);
            let plural = if samples.len() == 1 { "" } else { "s" };
            let more = if anomaly.count > samples.len() as u64 { ", …" } else { "" };
            page.item(
                0,
                &format!(
                    "{name}: {count} {} ({noun}{plural} {}{more})",
                    anomaly.kind,
                    samples.join(", ")
                ),
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::sample;

    fn text(report: &Report, options: TerminalOptions) -> String {
        let mut out = Vec::new();
        render(report, options, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn plain(width: u16) -> TerminalOptions {
        TerminalOptions { width, color: false, verbose: false }
    }

    #[test]
    fn the_report_reads_as_expected_in_80_columns() {
        let text = text(&sample::report(), plain(80));
        snapbox::assert_data_eq!(text, snapbox::file!["snapshots/audit-80.txt"].raw());
    }

    #[test]
    fn the_report_reads_as_expected_in_120_columns() {
        let text = text(&sample::report(), plain(120));
        snapbox::assert_data_eq!(text, snapbox::file!["snapshots/audit-120.txt"].raw());
    }

    #[test]
    fn the_report_with_all_evidence_reads_as_expected() {
        let text = text(&sample::report(), TerminalOptions { verbose: true, ..plain(120) });
        snapbox::assert_data_eq!(text, snapbox::file!["snapshots/audit-verbose.txt"].raw());
    }

    #[test]
    fn an_empty_report_reads_as_expected() {
        let text = text(&sample::empty(), plain(80));
        snapbox::assert_data_eq!(text, snapbox::file!["snapshots/audit-empty.txt"].raw());
    }

    #[test]
    fn no_line_is_wider_than_asked_and_nothing_acts_on_the_terminal() {
        let mut report = sample::report();
        let long = "x".repeat(300);
        report.inputs[1].path =
            format!("{long}/業務業務業務業務業務業務業務業務業務業務業務業務.pcapng");
        report.inputs[1].notes.push(long.clone());
        report.endpoints[2].id.push_str(&long);
        report.endpoints[1].names[0].name = format!("{long}\u{1b}[2J");
        report.near_misses[0].name = long;
        for width in [80, 81, 100, 120, 200, u16::MAX] {
            for verbose in [false, true] {
                let text = text(&report, TerminalOptions { verbose, ..plain(width) });
                for line in text.lines() {
                    let columns: usize =
                        line.chars().map(|c| if c >= '\u{3000}' { 2 } else { 1 }).sum();
                    assert!(columns <= usize::from(width), "{width}: {line}");
                    assert!(!line.chars().any(escape::is_unsafe), "{line:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn hostile_texts_neither_act_on_the_terminal_nor_break_the_lines(
            texts in prop::collection::vec(any::<String>(), 6),
            width in 80_u16..200,
            color: bool,
        ) {
            let mut report = sample::report();
            report.inputs[0].path = texts[0].clone();
            report.inputs[1].notes = vec![texts[1].clone()];
            report.endpoints[1].id = texts[2].clone();
            report.endpoints[1].reason = texts[3].clone();
            report.endpoints[1].names[0].name = texts[4].clone();
            report.endpoints[1].names[0].evidence[0].detail = texts[5].clone();
            let text = text(&report, TerminalOptions { width, color, verbose: true });
            let text = if color { anstream::adapter::strip_str(&text).to_string() } else { text };
            for line in text.lines() {
                prop_assert!(!line.chars().any(escape::is_unsafe), "{:?}", line);
                prop_assert!(line.is_ascii() <= (line.len() <= usize::from(width)), "{}", line);
            }
        }
    }

    #[test]
    fn wide_characters_fit_into_narrow_columns() {
        let mut report = sample::report();
        report.inputs.truncate(1);
        report.inputs[0].path = "業".to_owned();
        assert!(text(&report, plain(80)).starts_with("egress-audit"));
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let report = sample::report();
        let colored = text(&report, TerminalOptions { color: true, ..plain(100) });
        assert!(colored.contains("\u{1b}["));
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), text(&report, plain(100)));
    }

    #[test]
    fn of_many_inputs_the_unreadable_are_still_named() {
        let mut report = sample::report();
        for index in 0..50 {
            report.inputs.push(InputReport::new(format!("more/{index}.pcap")));
        }
        let text = text(&report, plain(80));
        assert!(text.contains("broken.etl"));
        assert!(!text.contains("more/7.pcap"));
        assert!(text.contains("52 inputs"));
    }
}
