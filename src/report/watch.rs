//! What `watch` tells: one finding after the other.

use serde::Serialize;

use super::Verdict;
use crate::observe::{Cause, NameSource};

/// Something new about a name of a required endpoint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// When, RFC 3339, if the line states an instant or --log-tz and --year make it one.
    pub time: Option<String>,
    /// The time that the line states instead, and what it lacks.
    pub time_local: Option<String>,
    /// The input's path.
    pub input: String,
    /// Number of the line in the file, from 1.
    pub line: u64,
    /// What is new.
    pub change: Change,
    /// The endpoint's id.
    pub endpoint: String,
    /// The name.
    pub name: String,
    /// The verdict on the name by what was read so far, this line included.
    pub verdict: Verdict,
    /// What blocked the attempt; null when it was answered.
    pub cause: Option<Cause>,
    /// Who decided and why, in the words of the log.
    pub decider: Option<String>,
    /// Who tried; null where the line does not say.
    pub client: Option<String>,
    /// Whom the packets went to; null where the line does not say.
    pub server: Option<String>,
    /// What gave the name.
    pub named_by: NameSource,
}

/// What is new in a finding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// An attempt was blocked in a way, by a rule or for a client that was not told before.
    Blocked,
    /// A name that was blocked was answered for the first time.
    Answered,
}

impl Change {
    /// The word used in every output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Answered => "answered",
        }
    }
}
