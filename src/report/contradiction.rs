//! Where a log and a capture tell different stories.

use serde::Serialize;

use super::EvidenceReport;

/// A log and a capture that contradict each other about what one client tried.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ContradictionReport {
    /// How they contradict each other.
    pub kind: ContradictionKind,
    /// The name that was tried.
    pub name: String,
    /// Ids of the required endpoints that it counts for, sorted.
    pub endpoints: Vec<String>,
    /// One sentence for a person.
    pub reason: String,
    /// How many log records are contradicted.
    pub count: u64,
    /// Time of the first of them, RFC 3339.
    pub first: Option<String>,
    /// Time of the last of them, RFC 3339.
    pub last: Option<String>,
    /// What the log says.
    pub log: EvidenceReport,
    /// Index of the capture among the report's inputs.
    pub capture_input: u32,
    /// What the capture shows; none when it shows nothing.
    pub capture: Option<EvidenceReport>,
}

/// How a log and a capture contradict each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ContradictionKind {
    /// The log says that it was let through, and the capture shows a block.
    AllowedButBlocked,
    /// The log says that it was blocked, and the capture shows an answer.
    DeniedButAnswered,
    /// The log says that it was blocked, and a capture that has the same client just before and
    /// just after does not have the attempt.
    DeniedButNotCaptured,
}

impl ContradictionKind {
    /// The word used in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowedButBlocked => "allowed_but_blocked",
            Self::DeniedButAnswered => "denied_but_answered",
            Self::DeniedButNotCaptured => "denied_but_not_captured",
        }
    }
}

impl ContradictionReport {
    /// Total order: by kind, name, and the place of the log record.
    pub(super) fn key(&self) -> (ContradictionKind, &str, u32, u64, u64, &str, u32) {
        let Self { kind, name, log, capture_input, .. } = self;
        let client = log.client.as_deref().unwrap_or_default();
        (*kind, name, log.input, log.record, log.offset, client, *capture_input)
    }
}
