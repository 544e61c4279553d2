//! One record of a log, as `records` writes it.

use serde::Serialize;

/// What one record states, one object of the JSON Lines. What the line does not state is null.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RecordRow<'r> {
    /// The input's path.
    pub input: &'r str,
    /// Number of the line, from 1; of a JSON document over several lines, of its first.
    pub line: u64,
    /// Which of several records of the line it is, from 1.
    pub n: u64,
    /// The format's word.
    pub format: &'static str,
    /// When, RFC 3339, if the line states an instant or --log-tz and --year make it one.
    pub time: Option<String>,
    /// What the line states instead of an instant: `2025-11-26T04:15:00`, or `--11-26T04:15:00`.
    pub time_local: Option<String>,
    /// Why that is no instant: `none`, `no year` or `no zone`.
    pub time_why: Option<&'static str>,
    /// `allow`, `deny`, `reset` or `other`.
    pub action: &'static str,
    /// Address of the client, before address translation.
    pub src_ip: Option<String>,
    /// Port of the client.
    pub src_port: Option<u16>,
    /// Address of the destination, before address translation; for DNS of the resolver.
    pub dst_ip: Option<String>,
    /// Port of the destination.
    pub dst_port: Option<u16>,
    /// The transport: a lower-case name, or its number.
    pub proto: Option<String>,
    /// Host names of the destination in their normal form.
    pub names: Vec<String>,
    /// `dns`, `http`, `tls` or `traffic`.
    pub kind: &'static str,
    /// What stopped the attempt, in the words of the report's causes, where the line says so.
    pub cause: Option<&'static str>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The policy or profile that decided.
    pub policy: Option<String>,
    /// The category, signature or application that made the rule apply.
    pub category: Option<String>,
    /// What the log gives as the reason.
    pub reason: Option<String>,
    /// Bytes that came back from the server.
    pub bytes_back: Option<u64>,
    /// Response code of a DNS answer.
    pub response_code: Option<u16>,
    /// Addresses in a DNS answer.
    pub answers: Vec<String>,
}
