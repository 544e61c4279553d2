//! How the names end that a catalog is concerned with: one look settles most other names.

use super::Pattern;

/// The last bytes of every name that one of some patterns matches or nearly matches.
#[derive(Debug)]
pub(super) struct Tails {
    /// How many bytes are compared; 0 when there is nothing that all names have.
    length: usize,
    /// Those bytes in lower case, as the low bytes of a number, sorted.
    tails: Box<[u64]>,
}

impl Tails {
    pub(super) fn of<'p>(patterns: impl Iterator<Item = &'p Pattern>) -> Self {
        let ends: Vec<&str> = patterns.map(Pattern::tail).collect();
        let length = ends.iter().map(|end| end.len()).min().unwrap_or(0).min(size_of::<u64>());
        let mut tails: Vec<u64> =
            ends.iter().filter_map(|end| last(end.as_bytes(), length)).collect();
        tails.sort_unstable();
        tails.dedup();
        Self { length, tails: tails.into() }
    }

    /// Whether a name ends as one of those does. Never says no wrongly, whatever the case of the
    /// name and whether it is written with a dot at its end or in international form.
    #[inline]
    pub(super) fn may_end(&self, name: &[u8]) -> bool {
        let name = name.strip_suffix(b".").unwrap_or(name);
        if self.length == 0 || !name.is_ascii() {
            return true;
        }
        last(name, self.length).is_some_and(|tail| self.tails.binary_search(&tail).is_ok())
    }
}

/// The last bytes of a name in lower case as a number; `None` for a shorter one.
#[inline]
fn last(name: &[u8], length: usize) -> Option<u64> {
    let tail = name.get(name.len().checked_sub(length)?..)?;
    Some(tail.iter().fold(0, |word, byte| word << 8 | u64::from(byte.to_ascii_lowercase())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tails(patterns: &[&str]) -> Tails {
        let patterns: Vec<Pattern> =
            patterns.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        Tails::of(patterns.iter())
    }

    #[test]
    fn names_that_end_otherwise_are_told_apart() {
        let tails = tails(&["*.flow.example.com", "login.example.net", "a*b.example.org"]);
        for name in [
            "x.flow.example.com",
            "FLOW.Example.COM.",
            "login.example.net",
            "axb.example.org",
            "b\u{fc}cher.example",
            "other.example.com",
        ] {
            assert!(tails.may_end(name.as_bytes()), "{name}");
        }
        for name in ["www.example.se", "com", "", "xample.co"] {
            assert!(!tails.may_end(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn short_patterns_compare_less_and_none_compare_nothing() {
        let short = tails(&["aka.ms", "*.example.com"]);
        assert!(short.may_end(b"aka.ms") && short.may_end(b"x.zaka.ms"));
        assert!(short.may_end(b"example.com") && !short.may_end(b"a.ms"));
        let nothing = Tails::of(std::iter::empty());
        assert!(nothing.may_end(b"anything"));
    }
}
