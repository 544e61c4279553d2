//! What was read of each input, and of all of them together.

use std::collections::BTreeMap;

use super::assemble::server as socket;
use super::read::Clock;
use super::{Options, log_inputs};
use crate::capture::container::ContainerSummary;
use crate::capture::link::link_type_name;
use crate::capture::{CaptureFacts, FlowCounts};
use crate::evidence::{Detail, Pruned, UnnamedFailures};
use crate::input::{self, Compression, Detected, Ending, InputError, InputPath, Opened};
use crate::logs::detect::Detection;
use crate::logs::encoding::Utf16Reader;
use crate::logs::framing::Framing;
use crate::logs::read::LogFacts;
use crate::observe::{Anomalies, AnomalyKind, Duration, Timestamp};
use crate::report::{
    AnomalyReport, CoverageReport, EncryptedDns, EvictionReport, InputKind, InputReport, KindCount,
    LinkTypeReport, ReasonCount, UnnamedReport, UnnamedServer,
};
use crate::verdict::{ClockOffset, Clocks};

/// What opening an input told.
pub(super) struct Found {
    compression: Option<Compression>,
    kind: InputKind,
    error: Option<String>,
    /// What the head of a log tells.
    pub(super) detection: Option<Detection>,
    /// What the units are of a log whose lines lie in the file as they are.
    pub(super) plain_log: Option<Framing>,
    ending: Ending,
}

impl Found {
    /// Puts what opening told into the report of the input.
    pub(super) fn describe(self, report: &mut InputReport) {
        report.kind = self.kind;
        report.error = self.error;
    }

    /// Opens an input; when it is no capture, what it is instead.
    pub(super) fn by_opening(path: &InputPath, options: &Options) -> (Self, Option<Opened>) {
        match input::open_stoppable(path, options.stop.as_ref()) {
            Ok(opened) => Self::of(opened, options),
            Err(error) => {
                let found = Self::new(None, InputKind::Unknown, Ending::default());
                (Self { error: Some(sentence_of(&error)), ..found }, None)
            }
        }
    }

    const fn new(compression: Option<Compression>, kind: InputKind, ending: Ending) -> Self {
        Self { compression, kind, error: None, detection: None, plain_log: None, ending }
    }

    fn of(opened: Opened, options: &Options) -> (Self, Option<Opened>) {
        let ending = opened.ending.clone();
        let found = |compression, kind| Self::new(compression, kind, ending.clone());
        let failed = |compression, error: String| {
            (Self { error: Some(error), ..found(compression, InputKind::Unknown) }, None)
        };
        let compression = opened.compression;
        match input::detect(&opened.head) {
            Detected::Capture(_) => (found(compression, InputKind::Capture), Some(opened)),
            // Nothing is in it, so nothing is lost.
            Detected::Empty => (found(compression, InputKind::Unknown), None),
            Detected::KnownOther { what, advice } => {
                failed(compression, format!("this is {what}; {advice}"))
            }
            Detected::Text { first_line } => {
                let is_plain = compression.is_none() && !Utf16Reader::is_utf16(&opened.head);
                let opened = log_inputs::decoded(opened);
                let detection = Detection::of(&opened.head);
                if detection.is_log() || options.logs.only.is_some() {
                    let found = found(compression, InputKind::Log);
                    let plain_log = is_plain.then_some(detection.framing);
                    let detection = Some(detection);
                    return (Self { detection, plain_log, ..found }, Some(opened));
                }
                failed(compression, log_inputs::unknown(&opened.head, &first_line))
            }
            Detected::Unknown { first_bytes } => {
                failed(compression, format!("unknown format; it begins with {first_bytes}"))
            }
        }
    }
}

/// Says that an input was ended on request: a pipe may have no other end, but of a file the rest
/// was not read.
pub(super) fn note_ending(report: &mut InputReport, path: &InputPath, ending: &Ending) {
    let Some(at) = ending.stopped_at() else { return };
    match path {
        InputPath::Stdin => report.notes.push(format!("was ended on request after {at} bytes")),
        InputPath::File(_) => {
            let sentence =
                || format!("was ended on request after {at} bytes; the rest was not read");
            report.error.get_or_insert_with(sentence);
        }
    }
}

impl InputReport {
    /// An argument that leads to no input.
    pub(super) fn of_error(error: &InputError) -> Self {
        Self { error: Some(sentence_of(error)), ..Self::new(error.path.to_string()) }
    }
}

/// What was read of all inputs: adds up in any order.
#[derive(Default)]
pub(super) struct Account {
    captures: Vec<CaptureFacts>,
    logs: Vec<LogFacts>,
    flows: FlowCounts,
    anomalies: Anomalies,
}

impl Account {
    pub(super) const fn new(
        captures: Vec<CaptureFacts>,
        flows: FlowCounts,
        anomalies: Anomalies,
    ) -> Self {
        Self { captures, logs: Vec::new(), flows, anomalies }
    }

    /// Adds what was read of a log.
    pub(super) fn add_log(&mut self, mut facts: LogFacts) {
        self.anomalies.merge(std::mem::take(&mut facts.anomalies));
        self.logs.push(facts);
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.captures.extend(other.captures);
        self.logs.extend(other.logs);
        self.flows.merge(&other.flows);
        self.anomalies.merge(other.anomalies);
    }

    /// The account for the report. `found` has one entry for each input, in its order; `errors`
    /// are arguments that lead to no input and come last.
    pub(super) fn report(
        self,
        found: Vec<(InputPath, u64, Option<Found>)>,
        errors: Vec<InputError>,
    ) -> (Vec<InputReport>, CoverageReport, Clock) {
        let mut clock = Clock::default();
        let by_input: BTreeMap<u32, &CaptureFacts> =
            self.captures.iter().map(|capture| (capture.input, capture)).collect();
        for (input, capture) in &by_input {
            if let Some(container) = &capture.container {
                clock.digits.insert(*input, container.time_digits);
            }
        }
        for log in &self.logs {
            clock.digits.insert(log.input, log_inputs::DIGITS);
            clock.logs.insert(log.input);
        }
        let mut inputs = Vec::with_capacity(found.len() + errors.len());
        for (index, (path, size, found)) in (0_u32..).zip(found) {
            let mut report = InputReport::new(path.to_string());
            report.bytes = size;
            match found {
                Some(found) => {
                    report.kind = found.kind;
                    report.error = found.error;
                    if let Some(log) = self.logs.iter().find(|log| log.input == index) {
                        report.anomalies = AnomalyReport::list(&self.anomalies, index);
                        log_inputs::describe(&mut report, log, found.compression);
                    } else {
                        let facts = by_input.get(&index).copied();
                        self.describe(&mut report, index, facts, found.compression, &clock);
                    }
                    note_ending(&mut report, &path, &found.ending);
                }
                None => report.error = Some("was not read".to_owned()),
            }
            inputs.push(report);
        }
        inputs.extend(errors.iter().map(InputReport::of_error));
        let coverage = self.coverage(&clock);
        (inputs, coverage, clock)
    }

    fn describe(
        &self,
        report: &mut InputReport,
        index: u32,
        facts: Option<&CaptureFacts>,
        compression: Option<Compression>,
        clock: &Clock,
    ) {
        report.anomalies = AnomalyReport::list(&self.anomalies, index);
        let Some(facts) = facts else {
            if report.error.is_none() {
                report.notes.push("it is empty".to_owned());
            }
            return;
        };
        let digits = clock.of(index);
        report.records = facts.packets.total();
        report.decoded = decoded(facts);
        report.first = facts.span.and_then(|(first, _)| first.instant_text(digits));
        report.last = facts.span.and_then(|(_, last)| last.instant_text(digits));
        if let Some(container) = &facts.container {
            let suffix = compression.map_or("", Compression::suffix);
            report.format = Some(format!("{}{suffix}", container.format.as_str()));
            if report.bytes == 0 {
                report.bytes = container.bytes;
            }
            describe_container(report, container);
        }
        if facts.packets.cut > 0 {
            report.notes.push(format!("the snaplen cut {}", packets(facts.packets.cut)));
        }
        if let Some(error) = &facts.error {
            report.error = Some(error.to_string());
        }
    }

    fn coverage(&self, clock: &Clock) -> CoverageReport {
        let mut coverage = CoverageReport::default();
        let digits = clock.finest();
        let captures = || self.captures.iter().filter_map(|capture| capture.span);
        let spans = || captures().chain(self.logs.iter().filter_map(|log| log.span));
        let text = |time: Timestamp| time.instant_text(digits);
        coverage.first = spans().map(|(first, _)| first).min().and_then(text);
        coverage.last = spans().map(|(_, last)| last).max().and_then(text);
        log_inputs::cover(&mut coverage, &self.logs, &self.anomalies);
        let mut link_types: BTreeMap<u16, u64> = BTreeMap::new();
        for capture in &self.captures {
            let packets = &capture.packets;
            coverage.packets.read += packets.total();
            coverage.packets.decoded += decoded(capture);
            coverage.packets.not_ip += packets.not_ip;
            coverage.packets.other_transport += packets.other_ip + packets.fragments;
            coverage.cut_packets += packets.cut;
            for (link_type, count) in &capture.link_types {
                *link_types.entry(*link_type).or_default() += count;
            }
            if let Some(dropped) = capture.container.as_ref().and_then(dropped) {
                *coverage.dropped_packets.get_or_insert(0) += dropped;
            }
        }
        let mut not_understood: BTreeMap<AnomalyKind, u64> = BTreeMap::new();
        for (kind, anomaly) in self.anomalies.iter().filter(|(kind, _)| kind.hides_a_packet()) {
            *not_understood.entry(kind).or_default() += anomaly.count;
        }
        coverage.packets.not_understood = not_understood
            .into_iter()
            .map(|(kind, count)| KindCount { kind: kind.as_str(), count })
            .collect();
        coverage.link_types = link_types
            .into_iter()
            .map(|(link_type, packets)| LinkTypeReport {
                link_type: u32::from(link_type),
                name: link_type_name(link_type).unwrap_or("unknown").to_owned(),
                packets,
            })
            .collect();
        self.cover_flows(&mut coverage);
        coverage
    }

    fn cover_flows(&self, coverage: &mut CoverageReport) {
        let flows = &self.flows;
        coverage.flows.tcp = flows.tcp;
        coverage.flows.udp = flows.quic + flows.dtls + flows.dns;
        coverage.flows.total = coverage.flows.tcp + coverage.flows.udp;
        coverage.flows.one_way = flows.one_way;
        coverage.flows.mid_flow = flows.mid_flow;
        let reasons = [
            ("no_sni", flows.hello_unnamed),
            ("hello_cut", flows.hello_cut),
            ("quic_unnamed", flows.quic_unnamed),
            ("quic_version", flows.quic_unknown_version),
            ("not_dissected", flows.opaque),
        ];
        coverage.flows.without_visible_name = reasons
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| ReasonCount { reason: reason.to_owned(), count })
            .collect();
        coverage.encrypted_dns = EncryptedDns {
            dot: flows.dns_over_tls,
            doq: flows.dns_over_quic,
            doh: flows.dns_over_https,
        };
        if flows.evicted > 0 {
            coverage
                .evictions
                .push(EvictionReport { table: "flows".to_owned(), count: flows.evicted });
        }
        if flows.fragments_evicted > 0 {
            coverage.evictions.push(EvictionReport {
                table: "fragments".to_owned(),
                count: flows.fragments_evicted,
            });
        }
        let mut note = |count: u64, sentence: &str| {
            if count > 0 {
                coverage.notes.push(format!("{count} {sentence}"));
            }
        };
        note(
            flows.encrypted_hello,
            "TLS hellos offer Encrypted ClientHello: the name shown may be that of a front. Dummies \
             of it (GREASE) cannot be told from real ones.",
        );
        note(
            flows.dns_over_tls + flows.dns_over_quic + flows.dns_over_https,
            "connections carry encrypted DNS: names asked for there are hidden.",
        );
        note(
            flows.hidden_certificates,
            "connections encrypt their certificates (TLS 1.3 and QUIC do): whether they were \
             intercepted cannot be told.",
        );
        note(flows.one_way, "conversations show one direction only: their silences prove nothing.");
        note(flows.mid_flow, "TCP connections began before the capture and may show no name.");
        note(
            flows.evicted,
            "conversations were given up because too many went on at the same time.",
        );
    }
}

/// Tells what failed at servers that no name leads to; where no endpoint was seen at all, also in a note,
/// for it may be why.
pub(super) fn note_unnamed(
    coverage: &mut CoverageReport,
    failures: &UnnamedFailures,
    is_nothing_seen: bool,
) {
    let Some((server, cause, count)) = failures.servers.first() else { return };
    let servers = failures.servers.iter().map(|(server, cause, count)| UnnamedServer {
        server: socket(*server),
        cause: cause.as_str(),
        count: *count,
    });
    coverage.unnamed_failures = UnnamedReport { count: failures.count, servers: servers.collect() };
    if !is_nothing_seen {
        return;
    }
    let all = match failures.count {
        1 => "1 connection that shows no name failed".to_owned(),
        more => format!("{more} connections that show no name failed"),
    };
    let share = if *count == failures.count { String::new() } else { format!("{count} of them ") };
    coverage.notes.push(format!(
        "{all}, {share}at {} ({}): which endpoints they were meant for cannot be told.",
        socket(*server),
        cause.sentence()
    ));
}

/// Notes by how much clocks of inputs were found to be apart, and by what.
pub(super) fn note_clocks(coverage: &mut CoverageReport, inputs: &[InputReport], clocks: &Clocks) {
    let path =
        |unit: u32| inputs.get(unit as usize).map_or("an input", |input| input.path.as_str());
    for known in clocks.iter() {
        let ClockOffset { unit, told_by, offset, agreeing, pairs } = *known;
        let (way, by) = if offset.nanos() < 0 {
            ("ahead of", Duration::from_nanos(offset.nanos().saturating_neg()))
        } else {
            ("behind", offset)
        };
        coverage.notes.push(format!(
            "The clock of {} runs {} {way} that of {}, by {agreeing} of {pairs} pairs of client and \
             address: names are given by that.",
            path(unit),
            by.humanize(),
            path(told_by)
        ));
    }
}

/// Notes by how little attempts were kept apart because there were many.
pub(super) fn note_detail(coverage: &mut CoverageReport, detail: Detail) {
    let lost = match detail {
        Detail::Minutes => return,
        Detail::Hours => "what happened within an hour is not told apart",
        Detail::Days => "what happened within a day is not told apart, nor are public servers",
        Detail::Clients => "neither times nor public servers are told apart",
        Detail::Names => {
            "neither times, public servers nor clients are told apart, and the numbers of clients \
             are lower bounds"
        }
    };
    coverage.notes.push(format!(
        "There were more attempts at required names than are kept apart: their counts are exact, \
         but {lost}."
    ));
}

/// Notes what the limits of the evidence made it give up.
pub(super) fn note_pruned(coverage: &mut CoverageReport, pruned: Pruned) {
    let tables = [
        ("attempts without a name", pruned.unnamed),
        ("certificates", pruned.chains),
        ("names", pruned.names),
        ("texts", pruned.texts),
        ("resolutions", pruned.resolutions),
    ];
    for (table, count) in tables {
        note_omitted(coverage, table, count);
    }
}

/// Notes how much a table was too small for, if it was.
pub(super) fn note_omitted(coverage: &mut CoverageReport, table: &str, count: u64) {
    if count > 0 {
        coverage.evictions.push(EvictionReport { table: table.to_owned(), count });
        coverage.sort();
    }
}

/// Notes how many certificate chains lead to no root and may still be public.
pub(super) fn note_unknown_chains(coverage: &mut CoverageReport, count: usize) {
    if count > 0 {
        let (chains, servers) = match count {
            1 => ("1 certificate chain".to_owned(), "its server was"),
            _ => (format!("{count} certificate chains"), "their servers were"),
        };
        coverage.notes.push(format!(
            "{chains} of required names can neither be traced to a root nor be told to be private: \
             whether {servers} intercepted is not known."
        ));
    }
}

const fn decoded(capture: &CaptureFacts) -> u64 {
    capture.packets.tcp + capture.packets.udp + capture.packets.icmp_errors
}

fn describe_container(report: &mut InputReport, container: &ContainerSummary) {
    report.notes.extend(container.notes.iter().cloned());
    if let Some(dropped) = dropped(container).filter(|dropped| *dropped > 0) {
        report.notes.push(format!("the capture reports {} as dropped", packets(dropped)));
    }
    if let Some(cut) = &container.cut {
        report.error = Some(format!(
            "broken at packet {}, offset {}: {}; everything before was read",
            cut.record, cut.offset, cut.sentence
        ));
    }
}

/// Packets that the capture says it lost; none when it does not say.
fn dropped(container: &ContainerSummary) -> Option<u64> {
    container
        .interfaces
        .iter()
        .flat_map(|interface| [interface.dropped_by_interface, interface.dropped_by_system])
        .flatten()
        .reduce(u64::saturating_add)
}

fn packets(count: u64) -> String {
    if count == 1 { "1 packet".to_owned() } else { format!("{count} packets") }
}

pub(super) fn sentence_of(error: &InputError) -> String {
    match &error.advice {
        Some(advice) => format!("{}; {advice}", error.sentence),
        None => error.sentence.clone(),
    }
}
