//! What was read, what was not, and what that means for "never seen".

use serde::Serialize;

use super::sites::{earliest, latest};

use crate::observe::{Anomalies, Locator};

/// One input: a file, or standard input.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct InputReport {
    /// The path as it was given or found; `-` for standard input.
    pub path: String,
    /// The site that it belongs to; none where inputs were not told apart.
    pub site: Option<String>,
    /// What sort of input it is.
    pub kind: InputKind,
    /// The format, such as `pcapng`, with its compression where there is one (`pcap.gz`); none when
    /// it was not recognised.
    pub format: Option<String>,
    /// Size in bytes as stored, that is before decompression.
    pub bytes: u64,
    /// SHA-256 of the stored bytes in lower-case hexadecimal; none when it was not asked for.
    pub sha256: Option<String>,
    /// Records, for captures packets, that were read.
    pub records: u64,
    /// Records that were understood: for captures, packets decoded to their TCP, UDP or ICMP header.
    pub decoded: u64,
    /// Time of the earliest record, RFC 3339.
    pub first: Option<String>,
    /// Time of the latest record, RFC 3339.
    pub last: Option<String>,
    /// What was not understood, by kind, in the order of the vocabulary.
    pub anomalies: Vec<AnomalyReport>,
    /// Remarks for a person, such as that the file is cut.
    pub notes: Vec<String>,
    /// Why the input could not be read, or not to its end; none when all of it was read.
    pub error: Option<String>,
}

/// What sort of input it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InputKind {
    /// A packet capture.
    Capture,
    /// A log of a firewall, proxy or resolver.
    Log,
    /// Evidence that an earlier run wrote.
    Evidence,
    /// Not recognised, or not readable at all.
    Unknown,
}

/// Records of one input that were not understood for the same reason.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AnomalyReport {
    /// The word of [`AnomalyKind`](crate::observe::AnomalyKind).
    pub kind: &'static str,
    /// How many records.
    pub count: u64,
    /// The first few of them.
    pub samples: Vec<AnomalySample>,
}

/// Where a record that was not understood is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct AnomalySample {
    /// Number of the packet (as Wireshark counts) or line, from 1.
    pub record: u64,
    /// Offset in bytes of the record in the decompressed input.
    pub offset: u64,
}

/// What all inputs together cover.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct CoverageReport {
    /// Time of the earliest record of all inputs, RFC 3339.
    pub first: Option<String>,
    /// Time of the latest record of all inputs, RFC 3339.
    pub last: Option<String>,
    /// Packets of all captures.
    pub packets: PacketCoverage,
    /// Flows of all captures.
    pub flows: FlowCoverage,
    /// Lines of all logs.
    pub lines: LineCoverage,
    /// Flows to resolvers whose questions are hidden.
    pub encrypted_dns: EncryptedDns,
    /// What was dropped from bounded tables before its time, by table.
    pub evictions: Vec<EvictionReport>,
    /// Link types of the captures, sorted by number.
    pub link_types: Vec<LinkTypeReport>,
    /// Packets stored shorter than they were, because of the capture's snap length.
    pub cut_packets: u64,
    /// Packets that the captures themselves report as dropped; none when no capture says.
    pub dropped_packets: Option<u64>,
    /// Connections that failed without showing a name.
    pub unnamed_failures: UnnamedReport,
    /// What all this means for the verdicts, in sentences for a person.
    pub notes: Vec<String>,
}

/// Connections that failed, show no name, and went to servers that no required name leads to. No endpoint
/// is concerned as far as can be seen, and any may be.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct UnnamedReport {
    /// How many there were.
    pub count: u64,
    /// The servers of most of them, most first; at most ten.
    pub servers: Vec<UnnamedServer>,
}

impl UnnamedReport {
    /// The most servers that are told.
    pub const MOST: usize = 10;
}

/// A server at which connections without a name failed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct UnnamedServer {
    /// Address and port.
    pub server: String,
    /// How they failed.
    pub cause: &'static str,
    /// How many did.
    pub count: u64,
}

/// Packets, each counted once: `read` is the sum of all that follow.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct PacketCoverage {
    /// Packets read.
    pub read: u64,
    /// Packets decoded to their TCP, UDP or ICMP header.
    pub decoded: u64,
    /// Packets that carry no IP, such as ARP.
    pub not_ip: u64,
    /// IP packets of other transports, such as ESP or SCTP.
    pub other_transport: u64,
    /// Packets that were not understood, by the words of
    /// [`AnomalyKind`](crate::observe::AnomalyKind), sorted.
    pub not_understood: Vec<KindCount>,
}

/// Lines of logs, each counted once: `read` is the sum of `with_records`, `without_record` and
/// `not_understood`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct LineCoverage {
    /// Lines read, blank ones left out; JSON documents count as one.
    pub read: u64,
    /// Lines with one record or more.
    pub with_records: u64,
    /// Lines that were understood and tell of no attempt.
    pub without_record: u64,
    /// Lines that were not understood, by the words of
    /// [`AnomalyKind`](crate::observe::AnomalyKind), sorted.
    pub not_understood: Vec<KindCount>,
    /// Records.
    pub records: u64,
}

/// How many packets or lines were not understood for one reason.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct KindCount {
    /// The word of [`AnomalyKind`](crate::observe::AnomalyKind).
    pub kind: &'static str,
    /// How many packets or lines.
    pub count: u64,
}

/// Transport conversations: `total` is the sum of `tcp` and `udp`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct FlowCoverage {
    /// All flows.
    pub total: u64,
    /// TCP connections.
    pub tcp: u64,
    /// UDP conversations.
    pub udp: u64,
    /// Flows of which only one direction was captured.
    pub one_way: u64,
    /// TCP connections whose beginning was not captured.
    pub mid_flow: u64,
    /// Flows that show no name of their own, by reason: `no_sni`, `ech`, `quic_version`,
    /// `hello_cut`, `no_hello`, `not_dissected`; sorted. Some of them may have been named by their certificate or DNS.
    pub without_visible_name: Vec<ReasonCount>,
}

/// How many flows show no name for one reason.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct ReasonCount {
    /// The reason, in `snake_case`.
    pub reason: String,
    /// How many flows.
    pub count: u64,
}

/// Flows that look like encrypted DNS, so that questions in them are hidden.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct EncryptedDns {
    /// DNS over TLS (RFC 7858): TCP port 853.
    pub dot: u64,
    /// DNS over QUIC (RFC 9250): UDP port 853.
    pub doq: u64,
    /// DNS over HTTPS (RFC 8484): HTTPS flows to names of known resolvers.
    pub doh: u64,
}

/// Entries that a bounded table had to give up.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct EvictionReport {
    /// Which table: `flows`, `reassembly`, `fragments`, `names`, `certificates` or `resolutions`.
    pub table: String,
    /// How many entries.
    pub count: u64,
}

/// Packets of one link type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct LinkTypeReport {
    /// The number in the registry of tcpdump.org.
    pub link_type: u32,
    /// Its name there without `LINKTYPE_`, or `unknown`.
    pub name: String,
    /// How many packets.
    pub packets: u64,
}

impl InputReport {
    /// An input of which nothing is known yet but its path.
    #[must_use]
    pub fn new(path: String) -> Self {
        Self {
            path,
            site: None,
            kind: InputKind::Unknown,
            format: None,
            bytes: 0,
            sha256: None,
            records: 0,
            decoded: 0,
            first: None,
            last: None,
            anomalies: Vec::new(),
            notes: Vec::new(),
            error: None,
        }
    }
}

impl AnomalyReport {
    /// The anomalies of one input, in the order of the vocabulary.
    #[must_use]
    pub fn list(anomalies: &Anomalies, input: u32) -> Vec<Self> {
        let report =
            |(kind, anomaly): (crate::observe::AnomalyKind, &crate::observe::Anomaly)| Self {
                kind: kind.as_str(),
                count: anomaly.count,
                samples: anomaly.samples.iter().copied().map(AnomalySample::from).collect(),
            };
        anomalies.of_input(input).map(report).collect()
    }
}

impl KindCount {
    fn add(rows: &mut Vec<Self>, more: &[Self]) {
        for row in more {
            match rows.iter_mut().find(|known| known.kind == row.kind) {
                Some(known) => known.count += row.count,
                None => rows.push(row.clone()),
            }
        }
    }
}

impl From<Locator> for AnomalySample {
    fn from(place: Locator) -> Self {
        Self { record: place.record, offset: place.offset }
    }
}

impl CoverageReport {
    /// Puts every list into the order that the contract promises.
    pub fn sort(&mut self) {
        self.packets.not_understood.sort();
        self.lines.not_understood.sort();
        self.flows.without_visible_name.sort();
        self.evictions.sort();
        self.link_types.sort();
    }

    /// The coverage of several sites together. A note that not all of them have is told with its site.
    pub(super) fn sum<'c>(parts: impl Iterator<Item = (Option<&'c str>, &'c Self)>) -> Self {
        let mut sum = Self::default();
        let mut notes: Vec<(&str, Vec<&str>)> = Vec::new();
        let mut count = 0;
        for (site, part) in parts {
            count += 1;
            sum.add(part);
            for note in &part.notes {
                let site = site.unwrap_or_default();
                match notes.iter_mut().find(|(known, _)| *known == note.as_str()) {
                    Some((_, sites)) => sites.push(site),
                    None => notes.push((note, vec![site])),
                }
            }
        }
        let tell = |(note, sites): (&str, Vec<&str>)| match sites.len() {
            all if all == count => note.to_owned(),
            _ => format!("{}: {note}", sites.join(", ")),
        };
        sum.notes = notes.into_iter().map(tell).collect();
        sum.sort();
        sum
    }

    /// Adds all that is counted.
    fn add(&mut self, other: &Self) {
        self.first = earliest(self.first.take(), other.first.clone());
        self.last = latest(self.last.take(), other.last.clone());
        let (packets, more) = (&mut self.packets, &other.packets);
        packets.read += more.read;
        packets.decoded += more.decoded;
        packets.not_ip += more.not_ip;
        packets.other_transport += more.other_transport;
        KindCount::add(&mut packets.not_understood, &more.not_understood);
        let (flows, more) = (&mut self.flows, &other.flows);
        flows.total += more.total;
        flows.tcp += more.tcp;
        flows.udp += more.udp;
        flows.one_way += more.one_way;
        flows.mid_flow += more.mid_flow;
        for row in &more.without_visible_name {
            let known = flows.without_visible_name.iter_mut().find(|one| one.reason == row.reason);
            match known {
                Some(known) => known.count += row.count,
                None => flows.without_visible_name.push(row.clone()),
            }
        }
        let (lines, more) = (&mut self.lines, &other.lines);
        lines.read += more.read;
        lines.with_records += more.with_records;
        lines.without_record += more.without_record;
        lines.records += more.records;
        KindCount::add(&mut lines.not_understood, &more.not_understood);
        self.encrypted_dns.dot += other.encrypted_dns.dot;
        self.encrypted_dns.doq += other.encrypted_dns.doq;
        self.encrypted_dns.doh += other.encrypted_dns.doh;
        for row in &other.evictions {
            match self.evictions.iter_mut().find(|known| known.table == row.table) {
                Some(known) => known.count += row.count,
                None => self.evictions.push(row.clone()),
            }
        }
        for row in &other.link_types {
            match self.link_types.iter_mut().find(|known| known.link_type == row.link_type) {
                Some(known) => known.packets += row.packets,
                None => self.link_types.push(row.clone()),
            }
        }
        self.cut_packets += other.cut_packets;
        if let Some(dropped) = other.dropped_packets {
            *self.dropped_packets.get_or_insert(0) += dropped;
        }
        self.unnamed_failures.count += other.unnamed_failures.count;
        // The same address is another server at another site, if it is a private one.
        let servers = &mut self.unnamed_failures.servers;
        servers.extend(other.unnamed_failures.servers.iter().cloned());
        servers.sort_by(|a, b| (b.count, &a.server, a.cause).cmp(&(a.count, &b.server, b.cause)));
        servers.truncate(UnnamedReport::MOST);
    }

    /// Every sum that does not come out, as sentences; empty when all do.
    #[must_use]
    pub fn discrepancies(&self) -> Vec<String> {
        let mut found = Vec::new();
        let PacketCoverage { read, decoded, not_ip, other_transport, not_understood } =
            &self.packets;
        let not_understood = total(not_understood.iter().map(|row| row.count));
        let accounted = total([*decoded, *not_ip, *other_transport, not_understood]);
        if accounted != *read {
            found.push(format!("{read} packets were read and {accounted} are accounted for"));
        }
        let by_link_type = total(self.link_types.iter().map(|row| row.packets));
        at_most(&mut found, "packets by link type", by_link_type, "packets read", *read);
        at_most(&mut found, "cut packets", self.cut_packets, "packets read", *read);

        let lines = &self.lines;
        let not_understood = total(lines.not_understood.iter().map(|row| row.count));
        let accounted = total([lines.with_records, lines.without_record, not_understood]);
        if accounted != lines.read {
            found.push(format!("{} lines were read and {accounted} are accounted for", lines.read));
        }
        let flows = &self.flows;
        let by_transport = total([flows.tcp, flows.udp]);
        if by_transport != flows.total {
            found.push(format!(
                "{} flows were seen and {by_transport} are accounted for",
                flows.total
            ));
        }
        let nameless = total(flows.without_visible_name.iter().map(|row| row.count));
        at_most(&mut found, "flows without a visible name", nameless, "flows", flows.total);
        at_most(&mut found, "one-way flows", flows.one_way, "flows", flows.total);
        at_most(&mut found, "flows joined midway", flows.mid_flow, "TCP flows", flows.tcp);
        let EncryptedDns { dot, doq, doh } = self.encrypted_dns;
        at_most(&mut found, "flows of encrypted DNS", total([dot, doq, doh]), "flows", flows.total);
        found
    }

    /// Whether every sum comes out; see [`discrepancies`](Self::discrepancies).
    #[must_use]
    pub fn reconciles(&self) -> bool {
        self.discrepancies().is_empty()
    }
}

/// Compares the packets of the captures with those of the coverage, and records of every input with
/// what was understood of them.
pub(super) fn compare_inputs(
    inputs: &[InputReport],
    coverage: &CoverageReport,
    found: &mut Vec<String>,
) {
    for input in inputs {
        at_most(found, "records understood", input.decoded, "records", input.records);
    }
    let logs = || inputs.iter().filter(|input| input.kind == InputKind::Log);
    let lines = total(logs().map(|input| input.records));
    if lines != coverage.lines.read {
        found.push(format!(
            "the logs hold {lines} lines and the coverage states {}",
            coverage.lines.read
        ));
    }
    let captures = || inputs.iter().filter(|input| input.kind == InputKind::Capture);
    let read = total(captures().map(|input| input.records));
    let decoded = total(captures().map(|input| input.decoded));
    if read != coverage.packets.read {
        found.push(format!(
            "the captures hold {read} packets and the coverage states {}",
            coverage.packets.read
        ));
    }
    if decoded != coverage.packets.decoded {
        found.push(format!(
            "of the captures {decoded} packets were decoded and the coverage states {}",
            coverage.packets.decoded
        ));
    }
}

fn total(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

fn at_most(found: &mut Vec<String>, part: &str, count: u64, whole: &str, limit: u64) {
    if count > limit {
        found.push(format!("there are {count} {part}, more than {limit} {whole}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::AnomalyKind;

    #[test]
    fn packets_that_are_not_accounted_for_are_found() {
        let mut coverage = CoverageReport::default();
        assert!(coverage.reconciles());
        coverage.packets.read = 10;
        coverage.packets.decoded = 6;
        coverage.packets.not_ip = 1;
        coverage.packets.other_transport = 1;
        assert_eq!(
            coverage.discrepancies(),
            ["10 packets were read and 8 are accounted for".to_owned()]
        );
        coverage
            .packets
            .not_understood
            .push(KindCount { kind: AnomalyKind::Fragment.as_str(), count: 2 });
        assert!(coverage.reconciles());
        coverage.flows.one_way = 1;
        assert!(!coverage.reconciles());
    }

    #[test]
    fn counts_at_the_end_of_their_range_do_not_overflow() {
        let mut coverage = CoverageReport::default();
        coverage.packets.read = u64::MAX;
        coverage.packets.decoded = u64::MAX;
        coverage.packets.not_ip = u64::MAX;
        assert!(coverage.reconciles());
    }

    #[test]
    fn anomalies_keep_the_order_of_the_vocabulary() {
        let mut anomalies = Anomalies::default();
        anomalies.add(AnomalyKind::Fragment, Locator { input: 0, record: 9, offset: 900 });
        anomalies.add(AnomalyKind::IpHeaderCut, Locator { input: 0, record: 3, offset: 300 });
        let list = AnomalyReport::list(&anomalies, 0);
        assert_eq!(list[0].kind, "ip_header_cut");
        assert_eq!(list[1].samples, [AnomalySample { record: 9, offset: 900 }]);
    }
}
