//! `egress-audit audit`: the verdict on every required endpoint.

use std::io::{self, Write};

use clap::{Args, ValueEnum};

use super::arguments::{Requirement, Sources, Tags, Trust};
use super::exit::{Exit, FailOn, nothing_judged};
use super::output::{Format, Outputs};
use super::{Console, Manner};
use crate::render::{TerminalOptions, csv, json, terminal};
use crate::report::Report;

/// Arguments of `audit`.
#[derive(Args, Clone, Debug)]
pub struct AuditCommand {
    #[command(flatten)]
    sources: Sources,
    #[command(flatten)]
    requirement: Requirement,
    #[command(flatten)]
    tags: Tags,
    #[command(flatten)]
    trust: Trust,
    #[command(flatten)]
    outputs: Outputs<AuditFormat>,
    /// The least verdict that makes the exit code 1
    #[arg(long, value_name = "VERDICT", default_value = "blocked")]
    fail_on: FailOn,
}

/// Formats of the audit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum AuditFormat {
    /// For people
    Terminal,
    /// The whole report; a JSON Schema describes it
    Json,
    /// One row per endpoint and name
    Csv,
}

impl Format for AuditFormat {
    const DEFAULT: Self = Self::Terminal;
    const EXTENSIONS: &'static [(&'static str, Self)] =
        &[("json", Self::Json), ("csv", Self::Csv), ("txt", Self::Terminal)];
}

/// Runs the command.
pub(super) fn run(command: &AuditCommand, manner: &Manner, console: &mut Console<'_>) -> Exit {
    let AuditCommand { sources, requirement, tags, trust, outputs, fail_on } = command;
    let sites = match sources.sites() {
        Ok(sites) => sites,
        Err(error) => return console.trouble(&error),
    };
    if let Err(error) = outputs.check(&Sources::inputs_of(&sites)) {
        return console.trouble(&error);
    }
    let mut requirement = match requirement.load() {
        Ok(requirement) => requirement,
        Err(error) => return console.trouble(&error.to_string()),
    };
    requirement.service_tags = match tags.load() {
        Ok(tags) => tags,
        Err(error) => return console.trouble(&error),
    };
    requirement.trust = match trust.load() {
        Ok(trust) => trust,
        Err(error) => return console.trouble(&error),
    };
    let options = match console.stoppable(sources.options()) {
        Ok(options) => options,
        Err(error) => return console.trouble(&error),
    };
    let report = console.with_progress(manner, |progress| {
        crate::audit_sites(&sites, &requirement, &options, progress)
    });
    match report {
        Ok(report) => finish(&report, outputs, *fail_on, manner, console),
        Err(error) => console.trouble(&error.to_string()),
    }
}

/// Writes a report everywhere, says what is wrong with it and finds the exit code.
fn finish(
    report: &Report,
    outputs: &Outputs<AuditFormat>,
    fail_on: FailOn,
    manner: &Manner,
    console: &mut Console<'_>,
) -> Exit {
    let delivered = outputs
        .deliver(console, manner, |format, options, out| render(report, format, options, out));
    console.complain_of_inputs(&report.inputs);
    for discrepancy in report.discrepancies() {
        console.complain(&format!("the report does not add up: {discrepancy}"));
    }
    if let Err(errors) = delivered {
        return console.all_trouble(&errors);
    }
    let exit = Exit::of_report(report, fail_on);
    if exit == Exit::NothingJudged {
        console.remark(manner, nothing_judged(report));
    }
    exit
}

fn render(
    report: &Report,
    format: AuditFormat,
    options: TerminalOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        AuditFormat::Terminal => terminal::render(report, options, out),
        AuditFormat::Json => json::render(report, out),
        AuditFormat::Csv => csv::render(report, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Surroundings;
    use crate::cli::output::OutputFile;
    use crate::report::sample;

    fn finish_with(
        report: &Report,
        outputs: &Outputs<AuditFormat>,
        surroundings: Surroundings,
    ) -> (Exit, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut console = Console { out: &mut out, err: &mut err, surroundings };
        let exit = finish(report, outputs, FailOn::Blocked, &Manner::default(), &mut console);
        (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    const STANDARD: Outputs<AuditFormat> = Outputs { format: None, files: Vec::new() };

    #[test]
    fn unreadable_inputs_are_named_and_the_report_is_still_written() {
        let (exit, out, err) = finish_with(&sample::report(), &STANDARD, Surroundings::default());
        assert_eq!(exit, Exit::Trouble);
        assert!(out.contains("VERDICT"));
        assert!(err.contains("egress-audit: captures/broken.etl: an event trace"), "{err}");
        assert!(!err.contains('\u{1b}'));
    }

    #[test]
    fn an_empty_input_says_why_nothing_is_judged() {
        let (exit, out, err) = finish_with(&sample::empty(), &STANDARD, Surroundings::default());
        assert_eq!(exit, Exit::NothingJudged);
        assert!(out.contains("never seen"));
        assert!(err.contains("no packet and no record"), "{err}");
    }

    #[test]
    fn colours_go_to_terminals_only() {
        let terminal =
            Surroundings { out_is_terminal: true, colors_welcome: true, ..Default::default() };
        for (surroundings, colored) in [
            (Surroundings::default(), false),
            (terminal, true),
            (Surroundings { colors_welcome: false, ..terminal }, false),
        ] {
            let (_, out, _) = finish_with(&sample::report(), &STANDARD, surroundings);
            assert_eq!(out.contains('\u{1b}'), colored, "{surroundings:?}");
        }
    }

    #[test]
    fn files_take_the_place_of_standard_output_unless_a_format_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, format| OutputFile { path: folder.path().join(name), format };
        let files = vec![file("r.json", AuditFormat::Json), file("r.txt", AuditFormat::Terminal)];
        let mut outputs = Outputs { format: None, files };
        let (_, out, _) = finish_with(&sample::report(), &outputs, Surroundings::default());
        assert_eq!(out, "");
        let text = std::fs::read_to_string(folder.path().join("r.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["schema"], crate::report::SCHEMA_ID);
        let text = std::fs::read_to_string(folder.path().join("r.txt")).unwrap();
        assert!(text.contains("VERDICT"));
        outputs.format = Some(AuditFormat::Csv);
        let (_, out, _) = finish_with(&sample::report(), &outputs, Surroundings::default());
        assert!(out.starts_with("site,endpoint,pattern"));
    }

    #[test]
    fn a_file_that_cannot_be_written_is_trouble() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing/r.json");
        let files = vec![OutputFile { path, format: AuditFormat::Json }];
        let outputs = Outputs { format: None, files };
        let (exit, _, err) = finish_with(&sample::empty(), &outputs, Surroundings::default());
        assert_eq!(exit, Exit::Trouble);
        assert!(err.contains("is not written"), "{err}");
    }

    #[test]
    fn a_closed_pipe_is_no_error_in_any_format() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        let mut report = sample::report();
        report.inputs.iter_mut().for_each(|input| input.error = None);
        for format in AuditFormat::value_variants() {
            let outputs = Outputs { format: Some(*format), files: Vec::new() };
            let mut err = Vec::new();
            let surroundings = Surroundings::default();
            let mut console = Console { out: &mut Closed, err: &mut err, surroundings };
            let manner = Manner::default();
            let exit = finish(&report, &outputs, FailOn::Blocked, &manner, &mut console);
            assert_eq!(exit, Exit::Findings, "{format:?}");
            assert!(err.is_empty(), "{format:?}: {}", String::from_utf8_lossy(&err));
        }
    }
}
