//! `records`: what the lines of logs state, one by one.

use std::borrow::Cow;
use std::io;

use super::Options;
use super::inputs::Found;
use super::log_inputs;
use crate::input;
use crate::logs::read::each_record;
use crate::logs::record::Record;
use crate::logs::registry::FORMATS;
use crate::observe::normalize;
use crate::report::{InputKind, InputReport, RecordRow};

/// Hands on every record of the inputs that are logs, in the order of inputs and lines, and
/// returns what was read of each input.
///
/// # Errors
///
/// The first error of `on_record`, with which it ends.
pub fn records(
    arguments: &[String],
    options: &Options,
    on_record: &mut dyn FnMut(&RecordRow<'_>) -> io::Result<()>,
) -> io::Result<Vec<InputReport>> {
    let expanded = input::expand(arguments);
    let mut reports = Vec::new();
    for path in expanded.inputs {
        let name = path.to_string();
        let mut report = InputReport::new(name.clone());
        let (mut found, opened) = Found::by_opening(&path, options);
        report.bytes = opened.as_ref().and_then(|opened| opened.size).unwrap_or(0);
        let detection = found.detection.take();
        found.describe(&mut report);
        if let (Some(detection), Some(opened)) = (detection, opened) {
            let mut result = Ok(());
            let mut last = (0, 0);
            let facts = each_record(
                0,
                opened.reader,
                &detection,
                &options.logs,
                &mut |line, format, record| {
                    last = if last.0 == line { (line, last.1 + 1) } else { (line, 1) };
                    if result.is_ok() {
                        let row = row(&name, last, format, record, options);
                        result = on_record(&row);
                    }
                    result.is_ok()
                },
            );
            result?;
            log_inputs::describe(&mut report, &facts, opened.compression);
        } else if report.kind == InputKind::Capture {
            report.notes.push("a capture has no records of a log".to_owned());
        }
        reports.push(report);
    }
    reports.extend(expanded.errors.iter().map(InputReport::of_error));
    Ok(reports)
}

fn row<'r>(
    input: &'r str,
    (line, n): (u64, u64),
    format: usize,
    record: &Record<'_>,
    options: &Options,
) -> RecordRow<'r> {
    let instant = record.stamp.instant(&options.logs.times);
    let text = |value: &Option<Cow<'_, [u8]>>| {
        value.as_ref().map(|value| String::from_utf8_lossy(value).into_owned())
    };
    let mut name = String::new();
    let mut names: Vec<String> = Vec::new();
    for raw in &record.names {
        if normalize(raw, &mut name) {
            names.push(name.clone());
        }
    }
    names.sort();
    RecordRow {
        input,
        line,
        n,
        format: FORMATS.get(format).map_or("", |format| format.about().id),
        time: instant.map(|time| time.to_rfc3339(log_inputs::DIGITS)),
        time_local: record.stamp.local().filter(|_| instant.is_none()),
        time_why: record.stamp.why_not().filter(|_| instant.is_none()),
        action: record.action.as_str(),
        src_ip: record.client.address.map(|address| address.to_string()),
        src_port: record.client.port,
        dst_ip: record.server.address.map(|address| address.to_string()),
        dst_port: record.server.port,
        proto: record.protocol.map(|protocol| protocol.text().into_owned()),
        names,
        kind: record.kind.as_str(),
        cause: record.cause.map(crate::observe::Cause::as_str),
        rule: text(&record.decider.rule),
        policy: text(&record.decider.policy),
        category: text(&record.decider.category),
        reason: text(&record.decider.reason),
        bytes_back: record.bytes_back,
        response_code: record.dns.as_ref().and_then(|dns| dns.response_code),
        answers: record
            .dns
            .iter()
            .flat_map(|dns| dns.answers.iter().map(ToString::to_string))
            .collect(),
    }
}
