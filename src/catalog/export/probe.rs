//! Scripts that try one host of each endpoint, so that a capture taken beside them can be judged.

use super::devices::port;
use super::{Entry, Shape, Writer};

/// A name that a script can ask for; a wildcard has none.
fn host<'e>(entry: &&'e Entry, out: &mut Writer) -> Option<&'e str> {
    match Shape::of(&entry.pattern) {
        Shape::Name(name) => Some(name),
        _ => {
            out.lint(
                entry.pattern.as_str(),
                "a wildcard names no host",
                "not testable; give a report with names seen by --narrow",
            );
            None
        }
    }
}

pub(super) fn shell(entries: &[&Entry], title: &str, out: &mut Writer) {
    out.line("#!/bin/sh");
    out.line(&format!(
        "# Tries one host of each endpoint of {title}. Capture beside it, then audit the capture."
    ));
    out.line("set -u");
    out.line("try() {");
    out.line("    if said=$(curl --silent --show-error --output /dev/null --max-time 15 --write-out '%{http_code}' \"$1\" 2>&1); then");
    out.line("        echo \"answered $said $1\"");
    out.line("    else");
    out.line("        echo \"failed $1: $said\"");
    out.line("    fi");
    out.line("}");
    for entry in entries {
        if let Some(host) = host(entry, out) {
            let scheme = if port(entry.protocol) == 443 { "https" } else { "http" };
            out.line(&format!("try {scheme}://{host}/"));
        }
    }
    out.comments("# not tried:");
}

pub(super) fn powershell(entries: &[&Entry], title: &str, out: &mut Writer) {
    out.line(&format!(
        "# Tries one host of each endpoint of {title}. Capture beside it, then audit the capture."
    ));
    out.line("function Try-Endpoint([string] $Uri) {");
    out.line("    try {");
    out.line("        $response = Invoke-WebRequest -Uri $Uri -UseBasicParsing -TimeoutSec 15 -Method Get");
    out.line("        Write-Output \"answered $($response.StatusCode) $Uri\"");
    out.line("    } catch {");
    out.line("        $code = $_.Exception.Response.StatusCode.value__");
    out.line("        if ($code) { Write-Output \"answered $code $Uri\" } else { Write-Output \"failed $Uri : $($_.Exception.Message)\" }");
    out.line("    }");
    out.line("}");
    for entry in entries {
        if let Some(host) = host(entry, out) {
            let scheme = if port(entry.protocol) == 443 { "https" } else { "http" };
            out.line(&format!("Try-Endpoint '{scheme}://{host}/'"));
        }
    }
    out.comments("# not tried:");
}
