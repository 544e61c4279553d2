//! The whole story of one endpoint or name, in time order.

use serde::Serialize;

use super::outcome;
use super::{CatalogReport, InputReport, Tool, Verdict};
use crate::observe::{NameSource, Outcome};

/// What `explain` reports.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ExplainReport {
    /// The version of the contract: [`ExplainReport::SCHEMA_ID`].
    pub schema: &'static str,
    /// What made the report.
    pub tool: Tool,
    /// What was required.
    pub catalog: CatalogReport,
    /// The endpoint or name that was asked for, as it was given.
    pub asked: String,
    /// The ids of the required endpoints that it stands for, sorted; empty when it is none.
    pub endpoints: Vec<String>,
    /// The verdict on the endpoint or name; none when it is not in the catalog.
    pub verdict: Option<Verdict>,
    /// The reason of the verdict, one sentence for a person.
    pub reason: Option<String>,
    /// What was read, sorted by path. Events point into this list by index.
    pub inputs: Vec<InputReport>,
    /// Everything that concerns it, in time order.
    pub events: Vec<ExplainEvent>,
    /// How many further events are left out, because only so many are kept.
    pub omitted: u64,
}

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ExplainEvent {
    /// When it began, RFC 3339; none when the record had no time.
    pub time: Option<String>,
    /// Index into the report's inputs.
    pub input: u32,
    /// Number of the packet (as Wireshark counts) or line, from 1.
    pub record: u64,
    /// Offset in bytes of the record in the decompressed input.
    pub offset: u64,
    /// Who tried: address, or address and port.
    pub client: Option<String>,
    /// Whom the packets went to: the server, the resolver or the proxy, with the port.
    pub server: Option<String>,
    /// By what means: `dns A`, `tcp`, `tls`, `http`, `connect`, `quic`, `udp`.
    pub channel: String,
    /// The name.
    pub name: String,
    /// What gave the event its name.
    pub named_by: NameSource,
    /// How it ended; written as the keys `outcome` and `cause`, both null for an event that is no
    /// attempt, such as a name that was merely resolved.
    #[serde(flatten, serialize_with = "outcome::serialize_option")]
    pub outcome: Option<Outcome>,
    /// The figures behind the outcome, a clause for a person; may be empty.
    pub detail: String,
    /// A Wireshark display filter that shows the event; none for logs.
    pub wireshark: Option<String>,
}

impl ExplainReport {
    /// The version of the contract, the value of the key `schema`.
    pub const SCHEMA_ID: &str = "egress-audit/explain/1";
}
