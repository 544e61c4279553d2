//! What was found out about one required endpoint.

use serde::Serialize;

use super::outcome;
use super::{MixedBy, Verdict};
use crate::observe::{NameSource, Outcome};

/// One required endpoint with its verdict and the names that matched it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct EndpointReport {
    /// `protocol:pattern`, or `inbound:` and a service tag; unique within a catalog.
    pub id: String,
    /// The pattern, or the service tag, as the catalog states it.
    pub pattern: String,
    /// `https` or `http`; `any` for a service tag.
    pub protocol: String,
    /// `outbound` or `inbound`.
    pub direction: String,
    /// The clouds it is required in.
    pub clouds: Vec<String>,
    /// The scenarios it is required for.
    pub scenarios: Vec<String>,
    /// What it is required for, in the catalog's words.
    pub uses: Vec<String>,
    /// What the evidence says.
    pub verdict: Verdict,
    /// What sets answered and blocked attempts apart; only for [`Verdict::Mixed`].
    pub mixed_by: Option<MixedBy>,
    /// Whether TLS inspection shows: a certificate chain that does not lead to a public root.
    pub intercepted: bool,
    /// The reason of the verdict, one sentence for a person.
    pub reason: String,
    /// By which devices and rules attempts were blocked, as logs say, most first.
    pub deciders: Vec<DeciderReport>,
    /// Who tried, those that were blocked most often first; at most [`ClientReport::MOST`].
    pub clients: Vec<ClientReport>,
    /// Every name seen that matches the pattern, or the regions of the service tag from which
    /// something came, sorted by name.
    pub names: Vec<NameReport>,
}

/// Attempts that one rule of one device blocked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DeciderReport {
    /// The product.
    pub device: String,
    /// The rule or access list.
    pub rule: Option<String>,
    /// The policy or profile.
    pub policy: Option<String>,
    /// The category, signature, list or application.
    pub category: Option<String>,
    /// What the log gives as the reason.
    pub reason: Option<String>,
    /// What it means.
    pub cause: &'static str,
    /// How many attempts.
    pub count: u64,
    /// By how many different clients.
    pub clients: u64,
    /// Start of the first, RFC 3339.
    pub first: Option<String>,
    /// Start of the last, RFC 3339.
    pub last: Option<String>,
}

/// What became of one client's attempts at an endpoint.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct ClientReport {
    /// Its address.
    pub client: String,
    /// Attempts that were blocked.
    pub blocked: u64,
    /// Attempts that were answered.
    pub answered: u64,
    /// Attempts that a device let through, or that tell nothing.
    pub other: u64,
}

impl ClientReport {
    /// The most clients that are told of one endpoint; all are counted.
    pub const MOST: usize = 20;
}

/// One name that matched a pattern.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct NameReport {
    /// The name in its normal form; it comes from traffic and may hold any character.
    pub name: String,
    /// What the evidence says of this name alone.
    pub verdict: Verdict,
    /// Whether TLS inspection shows on this name.
    pub intercepted: bool,
    /// How the attempts ended, counted; sorted by outcome and cause.
    pub outcomes: Vec<OutcomeReport>,
    /// Samples of the attempts, sorted by time and place.
    pub evidence: Vec<EvidenceReport>,
}

/// Attempts that ended in the same way.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OutcomeReport {
    /// How they ended; written as the keys `outcome` and `cause`.
    #[serde(flatten, serialize_with = "outcome::serialize")]
    pub outcome: Outcome,
    /// How many.
    pub count: u64,
    /// Start of the first, RFC 3339; none when no record had a time.
    pub first: Option<String>,
    /// Start of the last, RFC 3339; none when no record had a time.
    pub last: Option<String>,
    /// How many different client addresses.
    pub clients: u64,
}

/// One attempt, with all that is needed to find it again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EvidenceReport {
    /// Index into the report's inputs.
    pub input: u32,
    /// Number of the packet (as Wireshark counts) or line, from 1.
    pub record: u64,
    /// Offset in bytes of the record in the decompressed input.
    pub offset: u64,
    /// When the attempt began, RFC 3339; none when the record had no time.
    pub time: Option<String>,
    /// Who tried, by address; none where a log does not say.
    pub client: Option<String>,
    /// Whom the packets went to: the server, the resolver or the proxy, with the port; none where a log does
    /// not say.
    pub server: Option<String>,
    /// The product that decided, where a log says what it did.
    pub device: Option<String>,
    /// Its rule or access list, where it is stated.
    pub rule: Option<String>,
    /// Its policy or profile.
    pub policy: Option<String>,
    /// The category, signature, list or application by which it decided.
    pub category: Option<String>,
    /// `tcp`, `udp` or `dns`; see [`Channel::transport`](crate::observe::Channel::transport).
    pub transport: &'static str,
    /// How the attempt ended; written as the keys `outcome` and `cause`.
    #[serde(flatten, serialize_with = "outcome::serialize")]
    pub outcome: Outcome,
    /// What gave the attempt its name.
    pub named_by: NameSource,
    /// The figures behind the outcome, a clause for a person; may be empty.
    pub detail: String,
    /// A Wireshark display filter that shows the attempt; none for logs.
    pub wireshark: Option<String>,
    /// The raw line of a log, cut to a bounded length; none for captures.
    pub line: Option<String>,
}

/// Traffic to a required name, or nearly one, that does not satisfy the endpoint.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct NearMiss {
    /// The name that was seen.
    pub name: String,
    /// The id of the endpoint that it nearly matches.
    pub endpoint: String,
    /// Why it does not count.
    pub why: NearMissReason,
    /// The protocol that was seen: `https`, `http`, or the transport when neither.
    pub protocol: String,
    /// The port that was tried, 0 where none was stated.
    pub port: u16,
    /// How many attempts.
    pub count: u64,
    /// Start of the first, RFC 3339.
    pub first: Option<String>,
    /// Start of the last, RFC 3339.
    pub last: Option<String>,
}

/// Why traffic does not count for an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NearMissReason {
    /// The pattern is `*.x` and the name is `x` itself.
    Apex,
    /// The name matches and the port is another.
    OtherPort,
    /// The name matches and the protocol is another.
    OtherProtocol,
    /// An attempt without a name at an address of a service tag that must be let in.
    OtherDirection,
}

impl NearMissReason {
    /// The word used in machine-readable output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Apex => "apex",
            Self::OtherPort => "other_port",
            Self::OtherProtocol => "other_protocol",
            Self::OtherDirection => "other_direction",
        }
    }
}

impl NameReport {
    /// The most samples of each way in which attempts at a name ended.
    pub const SAMPLES_PER_OUTCOME: usize = 3;
}

impl EndpointReport {
    /// Puts names, outcomes and evidence into the order that the contract promises.
    pub fn sort(&mut self) {
        self.names.sort_by(|a, b| a.name.cmp(&b.name));
        for name in &mut self.names {
            name.outcomes.sort_by_key(|row| row.outcome);
            name.evidence.sort_by(|a, b| a.key().cmp(&b.key()));
        }
    }
}

impl EvidenceReport {
    /// Total order: by time, then by place; the parties break ties. Without its `Z`, RFC 3339 text
    /// in UTC sorts as time does, whatever the number of fractional digits.
    pub(super) fn key(&self) -> (Option<&str>, u32, u64, u64, Outcome, &str, &str, NameSource) {
        (
            self.time.as_deref().map(|time| time.trim_end_matches('Z')),
            self.input,
            self.record,
            self.offset,
            self.outcome,
            self.client.as_deref().unwrap_or_default(),
            self.server.as_deref().unwrap_or_default(),
            self.named_by,
        )
    }
}
