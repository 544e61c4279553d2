//! The catalog: the endpoints that a service requires, and which names belong to them.
//!
//! A catalog is a named and dated list of endpoints in a TOML file ([`load`] describes the
//! format); two editions for Microsoft Power Automate are built in. A [`Profile`] selects the
//! endpoints that concern the reader's clouds and scenarios, and a [`Matcher`] says of every
//! observed name to which of them it belongs.

mod builtin;
mod diff;
pub mod export;
pub mod import;
pub mod load;
mod matcher;
mod model;
mod pattern;
#[cfg(test)]
mod reference_tests;
mod tails;
mod union;
mod view;
mod words;

pub use builtin::BuiltIn;
pub use diff::{CatalogDiff, Listed, Moved, Replaced};
pub use load::{CatalogError, Problem};
pub use matcher::{Matcher, Matches};
pub(crate) use model::sha256_hex;
pub use model::{
    Alternative, Catalog, Endpoint, EndpointIndex, Inbound, Occurrence, Profile, Provenance,
    Section, Selection,
};
pub use pattern::{Pattern, PatternError};
pub use view::{CatalogView, EditionView, EndpointView};
pub use words::{Cloud, Clouds, Direction, Protocol, Scenario, Scenarios, Set, UnknownWord, Word};

/// Reads `bytes` as a catalog and, if they are one, matches a few names against it.
///
/// The entry point of the fuzzer; it must not panic on any bytes.
#[doc(hidden)]
pub fn fuzz_catalog(bytes: &[u8]) {
    if let Ok(imported) = import::import("fuzz.md", bytes) {
        // What was made of a list is a good catalog, and every device gets something of it.
        let again = Catalog::parse("fuzz.toml", &imported.text);
        assert!(again.is_ok_and(|again| again.endpoints() == imported.catalog.endpoints()));
        let _ = CatalogDiff::of(&imported.catalog, &imported.catalog);
    }
    let Ok(catalog) = Catalog::parse_bytes("fuzz.toml", bytes) else { return };
    let everything = catalog.select(&Profile::everything());
    let Ok(matcher) = Matcher::new(&catalog, &everything) else { return };
    let mut matches = Matches::default();
    for endpoint in catalog.endpoints().iter().take(64) {
        let text = endpoint.pattern.as_str();
        for star in ["", "a", "a.b", ".", "*"] {
            matcher.matches(&text.replace('*', star), &mut matches);
        }
        matcher.matches(text.trim_start_matches("*."), &mut matches);
    }
    matcher.matches("emea.flow.microsoft.com", &mut matches);
    matcher.matches(&String::from_utf8_lossy(bytes), &mut matches);
    let _ = matcher.could_match(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_catalogs_and_their_mutants_pass_the_fuzz_entry() {
        for built_in in Catalog::builtins() {
            let text = built_in.text.as_bytes();
            fuzz_catalog(text);
            let mut state = 0x9e37_79b9_u32;
            for _ in 0..60 {
                let mut mutant = text.to_vec();
                for _ in 0..3 {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let at = (state >> 8) as usize % mutant.len();
                    match state & 3 {
                        0 => mutant[at] = (state >> 24) as u8,
                        1 => mutant.truncate(at.max(1)),
                        2 => drop(mutant.remove(at)),
                        _ => mutant.insert(at, b"*.\"[]=\n\x80"[(state >> 5) as usize % 8]),
                    }
                    if mutant.is_empty() {
                        mutant.push(b'[');
                    }
                }
                fuzz_catalog(&mutant);
            }
        }
    }

    #[test]
    fn deep_nesting_and_odd_bytes_are_refused_quietly() {
        for bytes in [
            &b""[..],
            b"\xff\xfe",
            b"\xef\xbb\xbf",
            "[".repeat(100_000).as_bytes(),
            format!("a={}", "[".repeat(100_000)).as_bytes(),
            format!("a={}1", "{b=".repeat(100_000)).as_bytes(),
            format!("{}a=1", "a.".repeat(100_000)).as_bytes(),
        ] {
            fuzz_catalog(bytes);
            assert!(Catalog::parse_bytes("odd.toml", bytes).is_err());
        }
    }
}
