//! Findings of a watch: one line each, for a terminal and as JSON Lines.

use std::io::{self, Write};

use super::{escape, json};
use crate::report::Finding;

/// Writes a finding as one line for a person.
///
/// # Errors
/// Those of `out`.
pub fn render_terminal(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    let time = finding.time.as_deref().or(finding.time_local.as_deref()).unwrap_or("no time");
    let (endpoint, name) =
        (escape::terminal(&finding.endpoint), escape::terminal_name(&finding.name));
    let what = finding.cause.map_or(finding.change.as_str(), |cause| cause.as_str());
    let verdict = finding.verdict.words();
    write!(out, "{time}  {verdict:<8}  {endpoint}  {name}  {what}")?;
    if let Some(client) = &finding.client {
        write!(out, "  client {client}")?;
    }
    if let Some(server) = &finding.server {
        write!(out, "  server {server}")?;
    }
    if let Some(decider) = &finding.decider {
        write!(out, "  {}", escape::terminal(decider))?;
    }
    let source = finding.named_by.as_str();
    writeln!(
        out,
        "  (named by {source}, {} line {})",
        escape::terminal(&finding.input),
        finding.line
    )
}

/// Writes a finding as one object on a line.
///
/// # Errors
/// Those of `out`.
pub fn render_jsonl(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    json::line(finding, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::{Cause, NameSource};
    use crate::report::{Change, Verdict};

    fn finding() -> Finding {
        Finding {
            time: Some("2025-11-26T04:15:00.000Z".to_owned()),
            time_local: None,
            input: "fw\u{1b}.log".to_owned(),
            line: 7,
            change: Change::Blocked,
            endpoint: "https:*.example".to_owned(),
            name: "a\u{202e}.example".to_owned(),
            verdict: Verdict::Blocked,
            cause: Some(Cause::DeviceDenied),
            decider: Some("Box denied it: rule \"x\ny\"".to_owned()),
            client: Some("10.1.2.3".to_owned()),
            server: None,
            named_by: NameSource::LogName,
        }
    }

    #[test]
    fn a_finding_is_one_line_in_which_nothing_acts_on_a_terminal() {
        let mut out = Vec::new();
        render_terminal(&finding(), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "2025-11-26T04:15:00.000Z  blocked   https:*.example  a\\u{202e}.example  \
             device_denied  client 10.1.2.3  Box denied it: rule \"x\\u{a}y\"  \
             (named by log_name, fw\\u{1b}.log line 7)\n"
        );
    }

    #[test]
    fn a_finding_is_one_object_on_a_line() {
        let mut out = Vec::new();
        render_jsonl(&finding(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.matches('\n').count(), 1);
        let object: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&object["change"], &object["cause"]),
            (&"blocked".into(), &"device_denied".into())
        );
    }
}
