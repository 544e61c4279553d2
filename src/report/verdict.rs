//! Verdicts and their sum.

use serde::Serialize;

use super::EndpointReport;

/// What the evidence says of an endpoint or a name, from the gravest to the least telling.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Blocked at least once, never answered.
    Blocked,
    /// Both answered and blocked on the same path; see [`MixedBy`].
    Mixed,
    /// Reached, but one path always fails: QUIC while TCP works, or IPv6 while IPv4 works.
    Degraded,
    /// Tried or resolved, but the evidence cannot tell.
    Inconclusive,
    /// A device says that it let the traffic through; nobody witnessed an answer.
    Allowed,
    /// Answered at least once, nothing blocked.
    Reached,
    /// No attempt at all within the coverage.
    NeverSeen,
}

impl Verdict {
    /// Every verdict, from the gravest to the least telling.
    pub const ALL: &'static [Self] = &[
        Self::Blocked,
        Self::Mixed,
        Self::Degraded,
        Self::Inconclusive,
        Self::Allowed,
        Self::Reached,
        Self::NeverSeen,
    ];

    /// The word used in every machine-readable output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Mixed => "mixed",
            Self::Degraded => "degraded",
            Self::Inconclusive => "inconclusive",
            Self::Allowed => "allowed",
            Self::Reached => "reached",
            Self::NeverSeen => "never_seen",
        }
    }

    /// The words for a person.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NeverSeen => "never seen",
            other => other.as_str(),
        }
    }

    /// Whether the evidence decided anything: neither [`Inconclusive`](Self::Inconclusive) nor
    /// [`NeverSeen`](Self::NeverSeen).
    #[must_use]
    pub const fn is_judged(self) -> bool {
        !matches!(self, Self::Inconclusive | Self::NeverSeen)
    }
}

/// What sets the answered attempts of a mixed verdict apart from the blocked ones.
///
/// Written as an object with the key `by`, and `changed` where that is `time`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum MixedBy {
    /// All of one kind came before all of the other.
    Time {
        /// When the first attempt after the change began, RFC 3339.
        changed: String,
    },
    /// Some clients are always answered and others always blocked.
    Client,
    /// Some names are always answered and others always blocked, or nothing tells them apart.
    Name,
}

/// The verdicts, counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Summary {
    /// Required endpoints in the profile: the sum of all that follow.
    pub required: u64,
    /// Endpoints that were reached.
    pub reached: u64,
    /// Endpoints that were reached while one path fails.
    pub degraded: u64,
    /// Endpoints both answered and blocked.
    pub mixed: u64,
    /// Endpoints that were blocked.
    pub blocked: u64,
    /// Endpoints that a device says it let through.
    pub allowed: u64,
    /// Endpoints of which the evidence cannot tell.
    pub inconclusive: u64,
    /// Endpoints that were not tried within the coverage.
    pub never_seen: u64,
}

impl Summary {
    /// Counts the verdicts of `endpoints`.
    #[must_use]
    pub fn of(endpoints: &[EndpointReport]) -> Self {
        let mut summary = Self::default();
        for endpoint in endpoints {
            summary.required += 1;
            *summary.count_mut(endpoint.verdict) += 1;
        }
        summary
    }

    /// How many endpoints have this verdict.
    #[must_use]
    pub const fn count(&self, verdict: Verdict) -> u64 {
        match verdict {
            Verdict::Blocked => self.blocked,
            Verdict::Mixed => self.mixed,
            Verdict::Degraded => self.degraded,
            Verdict::Inconclusive => self.inconclusive,
            Verdict::Allowed => self.allowed,
            Verdict::Reached => self.reached,
            Verdict::NeverSeen => self.never_seen,
        }
    }

    /// How many endpoints could be judged; see [`Verdict::is_judged`].
    #[must_use]
    pub fn judged(&self) -> u64 {
        Verdict::ALL
            .iter()
            .filter(|verdict| verdict.is_judged())
            .map(|verdict| self.count(*verdict))
            .fold(0, u64::saturating_add)
    }

    fn count_mut(&mut self, verdict: Verdict) -> &mut u64 {
        match verdict {
            Verdict::Blocked => &mut self.blocked,
            Verdict::Mixed => &mut self.mixed,
            Verdict::Degraded => &mut self.degraded,
            Verdict::Inconclusive => &mut self.inconclusive,
            Verdict::Allowed => &mut self.allowed,
            Verdict::Reached => &mut self.reached,
            Verdict::NeverSeen => &mut self.never_seen,
        }
    }
}
