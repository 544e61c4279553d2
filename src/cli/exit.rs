//! Exit codes, and how a report leads to one.

use std::process::ExitCode;

use clap::ValueEnum;

use crate::report::{InputReport, Report, Verdict};

/// How the program ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Nothing at or above `--fail-on`: 0.
    Success,
    /// Findings at or above `--fail-on`: 1.
    Findings,
    /// Wrong usage, or an input that could not be read; wins over findings: 2.
    Trouble,
    /// Everything was read and nothing could be judged: 3.
    NothingJudged,
}

impl Exit {
    /// The number that the caller of the program sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Findings => 1,
            Self::Trouble => 2,
            Self::NothingJudged => 3,
        }
    }

    /// How an audit ends that gave this report.
    #[must_use]
    pub fn of_report(report: &Report, fail_on: FailOn) -> Self {
        let of_sites = report.sites.iter().flat_map(|site| &site.endpoints);
        let mut verdicts = report.endpoints.iter().chain(of_sites).map(|row| row.verdict);
        let finding = verdicts.any(|verdict| fail_on.includes(verdict));
        let empty = is_empty(&report.inputs);
        if report.has_failed_inputs() || !report.reconciles() {
            Self::Trouble
        } else if finding && !empty {
            Self::Findings
        } else if report.summary.judged() == 0 {
            Self::NothingJudged
        } else {
            Self::Success
        }
    }

    /// How a command ends that judges nothing: `found` says whether it found anything to show.
    #[must_use]
    pub fn of_inputs(inputs: &[InputReport], found: bool) -> Self {
        if inputs.iter().any(|input| input.error.is_some()) {
            Self::Trouble
        } else if found {
            Self::Success
        } else {
            Self::NothingJudged
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The least verdict that makes the program end with 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum FailOn {
    /// An endpoint is blocked, at least at times
    #[default]
    Blocked,
    /// The same
    Mixed,
    /// As `blocked`, or a path to an endpoint always fails
    Degraded,
    /// As `degraded`, or an endpoint is inconclusive or was never seen
    NeverSeen,
    /// No verdict
    None,
}

impl FailOn {
    /// Whether a verdict is at or above this one.
    #[must_use]
    pub const fn includes(self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Blocked | Verdict::Mixed => !matches!(self, Self::None),
            Verdict::Degraded => matches!(self, Self::Degraded | Self::NeverSeen),
            Verdict::Inconclusive | Verdict::NeverSeen => matches!(self, Self::NeverSeen),
            Verdict::Allowed | Verdict::Reached => false,
        }
    }
}

/// Why nothing could be judged, for a person.
pub(super) fn nothing_judged(report: &Report) -> &'static str {
    if is_empty(&report.inputs) {
        "nothing could be judged: the inputs hold no packet and no record"
    } else if report.summary.required == 0 {
        "nothing could be judged: the profile requires no endpoint"
    } else if report.summary.inconclusive > 0 {
        "nothing could be judged: of the endpoints that were tried, the evidence cannot tell"
    } else {
        "nothing could be judged: no required endpoint was tried in these inputs"
    }
}

fn is_empty(inputs: &[InputReport]) -> bool {
    inputs.iter().all(|input| input.records == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    /// The sample without its unreadable input, and with only these verdicts.
    fn with(verdicts: &[Verdict]) -> Report {
        let mut report = sample::report();
        report.inputs.iter_mut().for_each(|input| input.error = None);
        let blank = report.endpoints[0].clone();
        report.endpoints = verdicts
            .iter()
            .map(|verdict| crate::report::EndpointReport { verdict: *verdict, ..blank.clone() })
            .collect();
        report.sites.clear();
        report.finish();
        report
    }

    #[test]
    fn the_verdicts_decide_against_the_threshold() {
        use Verdict::*;
        for (verdict, findings) in [
            (Blocked, [true, true, true, true, false]),
            (Mixed, [true, true, true, true, false]),
            (Degraded, [false, false, true, true, false]),
            (Inconclusive, [false, false, false, true, false]),
            (NeverSeen, [false, false, false, true, false]),
            (Allowed, [false, false, false, false, false]),
            (Reached, [false, false, false, false, false]),
        ] {
            let report = with(&[verdict, Reached]);
            for (fail_on, expected) in FailOn::value_variants().iter().zip(findings) {
                let exit = if expected { Exit::Findings } else { Exit::Success };
                assert_eq!(Exit::of_report(&report, *fail_on), exit, "{verdict:?} {fail_on:?}");
            }
        }
    }

    #[test]
    fn an_unreadable_input_wins_over_findings() {
        let mut report = with(&[Verdict::Blocked]);
        report.inputs[0].error = Some("cut".to_owned());
        assert_eq!(Exit::of_report(&report, FailOn::Blocked), Exit::Trouble);
        assert_eq!(Exit::of_report(&report, FailOn::None), Exit::Trouble);
    }

    #[test]
    fn a_report_that_does_not_add_up_is_trouble() {
        let mut report = with(&[Verdict::Reached]);
        report.coverage.packets.read += 1;
        assert_eq!(Exit::of_report(&report, FailOn::Blocked), Exit::Trouble);
    }

    #[test]
    fn nothing_judged_is_neither_success_nor_finding() {
        for verdicts in
            [&[][..], &[Verdict::NeverSeen], &[Verdict::Inconclusive, Verdict::NeverSeen]]
        {
            assert_eq!(Exit::of_report(&with(verdicts), FailOn::Blocked), Exit::NothingJudged);
        }
        assert_eq!(Exit::of_report(&sample::empty(), FailOn::NeverSeen), Exit::NothingJudged);
        assert_eq!(
            Exit::of_report(&with(&[Verdict::NeverSeen]), FailOn::NeverSeen),
            Exit::Findings
        );
    }
}
