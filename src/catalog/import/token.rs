//! One name of a list, with what people write around it.

use crate::catalog::{Pattern, Protocol};

/// What a cell or line says of one name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Token {
    /// A pattern in its normal form.
    pub(super) pattern: String,
    /// What a scheme or port says.
    pub(super) protocol: Option<Protocol>,
    /// What was taken off or widened, for a person.
    pub(super) remark: Option<String>,
}

/// The names in a cell: between them stand line breaks, commas, semicolons or blanks.
pub(super) fn tokens(cell: &str) -> impl Iterator<Item = &str> {
    let is_between = |c: char| c.is_whitespace() || matches!(c, ',' | ';');
    cell.split(is_between)
        .map(|token| token.trim_matches(['`', '"', '\'', '<', '>', '(', ')']))
        .filter(|token| !token.is_empty() && !matches!(*token, "or" | "and" | "-" | "N/A"))
}

/// Reads one name. Scheme, port and path are taken off, and a placeholder within it is widened.
pub(super) fn read(raw: &str) -> Result<Token, String> {
    let text = raw.trim().replace('\\', "");
    let mut taken = Vec::new();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
        None => (None, text.as_str()),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if path.len() > 1 {
        taken.push(format!("path {path}"));
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            taken.push(format!("port {port}"));
            (host, port.parse::<u16>().ok())
        }
        _ => (authority, None),
    };
    let protocol = match (scheme.as_deref(), port) {
        (Some("https" | "wss"), _) | (None, Some(443)) => Some(Protocol::Https),
        (Some("http" | "ws"), _) | (None, Some(80)) => Some(Protocol::Http),
        (Some(other), _) => {
            return Err(format!("{raw}: the scheme {other} is neither http nor https"));
        }
        (None, Some(port)) => {
            return Err(format!("{raw}: port {port} is neither that of https nor that of http"));
        }
        (None, None) => None,
    };
    let (host, widened) = widened(host);
    if widened {
        taken.push(format!("a placeholder, so that it is {host} now"));
    }
    let is_qualified = host.trim_end_matches('.').contains('.');
    let pattern = Pattern::parse(&host).map_err(|error| format!("{raw}: {}", error.message))?;
    if !is_qualified {
        return Err(format!("{raw}: a name without a dot is no server's"));
    }
    let remark = (!taken.is_empty()).then(|| format!("{raw}: taken off: {}", taken.join(", ")));
    Ok(Token { pattern: pattern.as_str().to_owned(), protocol, remark })
}

/// A name with placeholders (`crm#`, `{region}`, `<tenant>`, `[id]`) has a wildcard in place of everything up to
/// the last of them.
fn widened(host: &str) -> (String, bool) {
    let labels: Vec<&str> = host.split('.').collect();
    let last =
        labels.iter().rposition(|label| label.contains(['#', '{', '}', '<', '>', '[', ']', '%']));
    match last {
        Some(at) => {
            let rest = labels.get(at + 1..).unwrap_or_default().join(".");
            (format!("*.{rest}"), true)
        }
        None => (host.to_owned(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_a_name_is_taken_off() {
        for (raw, pattern, protocol, has_remark) in [
            ("*.flow.microsoft.com", "*.flow.microsoft.com", None, false),
            (r"\*.flow.microsoft.com", "*.flow.microsoft.com", None, false),
            ("https://login.live.com/", "login.live.com", Some(Protocol::Https), false),
            ("http://crl.example.com/a.crl", "crl.example.com", Some(Protocol::Http), true),
            ("api.example.com:443", "api.example.com", Some(Protocol::Https), true),
            ("https://*.crm#.dynamics.com", "*.dynamics.com", Some(Protocol::Https), true),
            ("{tenant}.example.com", "*.example.com", None, true),
        ] {
            let token = read(raw).unwrap();
            assert_eq!((token.pattern.as_str(), token.protocol), (pattern, protocol), "{raw}");
            assert_eq!(token.remark.is_some(), has_remark, "{raw}");
        }
        for raw in
            ["ftp://a.example.com", "10.1.2.3", "localhost", "a b", "*", "x.example.com:5671", ""]
        {
            assert!(read(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn names_of_a_cell_are_told_apart() {
        let found: Vec<&str> =
            tokens("a.example.com\nb.example.com, `c.example.com` or d.example.com").collect();
        assert_eq!(found, ["a.example.com", "b.example.com", "c.example.com", "d.example.com"]);
    }
}
