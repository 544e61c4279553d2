//! Which endpoints does a name belong to? One automaton over all patterns finds the candidates,
//! the patterns decide.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};

use super::tails::Tails;
use super::{Catalog, CatalogError, EndpointIndex, Pattern, Selection};

/// Matches names against all endpoints of a selection at once.
///
/// Each pattern is known to the automaton by the longest part of it that is written out, so a
/// name is scanned once however many patterns there are, and a pattern is tried only on names
/// that hold that part. The matcher knows names alone: whether the traffic also had the
/// endpoint's protocol and port is the caller's to see.
#[derive(Debug)]
pub struct Matcher {
    automaton: AhoCorasick,
    /// For each needle of the automaton, the end of its run in `candidates`.
    ends: Vec<usize>,
    candidates: Vec<(Pattern, EndpointIndex)>,
    tails: Tails,
}

/// To which endpoints one name belongs. Made once and used again for every name.
#[derive(Clone, Default, Debug)]
pub struct Matches {
    endpoints: Vec<EndpointIndex>,
    near_misses: Vec<EndpointIndex>,
    needles: Vec<usize>,
}

impl Matches {
    /// The endpoints whose pattern matches the name, ascending.
    #[must_use]
    pub fn endpoints(&self) -> &[EndpointIndex] {
        &self.endpoints
    }

    /// The endpoints `*.x` of which the name is x itself, ascending. The name may belong to
    /// other endpoints all the same.
    #[must_use]
    pub fn near_misses(&self) -> &[EndpointIndex] {
        &self.near_misses
    }

    fn clear(&mut self) {
        self.endpoints.clear();
        self.near_misses.clear();
        self.needles.clear();
    }
}

impl Matcher {
    /// Builds the automaton over the endpoints of `selection`, which was made from `catalog`.
    ///
    /// # Errors
    ///
    /// The patterns do not fit one automaton, which the limits of a catalog's size rule out.
    pub fn new(catalog: &Catalog, selection: &Selection) -> Result<Self, CatalogError> {
        let chosen = selection.endpoints().iter().filter_map(|index| {
            catalog.endpoint(*index).map(|endpoint| (endpoint.pattern.clone(), *index))
        });
        Self::from_patterns(chosen).map_err(|error| CatalogError::automaton(catalog, &error))
    }

    fn from_patterns(
        patterns: impl Iterator<Item = (Pattern, EndpointIndex)>,
    ) -> Result<Self, aho_corasick::BuildError> {
        let mut by_needle: BTreeMap<String, Vec<(Pattern, EndpointIndex)>> = BTreeMap::new();
        for (pattern, index) in patterns {
            by_needle.entry(pattern.needle().to_owned()).or_default().push((pattern, index));
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            // Its search for rare bytes loses to the bare automaton: names and log lines are short,
            // and the letters of one name occur in every other.
            .prefilter(false)
            .build(by_needle.keys())?;
        let mut ends = Vec::with_capacity(by_needle.len());
        let mut candidates = Vec::new();
        for group in by_needle.into_values() {
            candidates.extend(group);
            ends.push(candidates.len());
        }
        let tails = Tails::of(candidates.iter().map(|(pattern, _)| pattern));
        Ok(Self { automaton, ends, candidates, tails })
    }

    /// Writes into `matches`, which is cleared first, to which endpoints `name` belongs.
    ///
    /// The name must be in the form of [`normalize`](crate::observe::normalize). Does not
    /// allocate once `matches` has been used for a while.
    pub fn matches(&self, name: &str, matches: &mut Matches) {
        matches.clear();
        if name.len() > crate::observe::MAX_NAME_LENGTH {
            return;
        }
        // It fails for automata of another match kind only.
        let Ok(found) = self.automaton.try_find_overlapping_iter(name) else { return };
        matches.needles.extend(found.map(|hit| hit.pattern().as_usize()));
        matches.needles.sort_unstable();
        matches.needles.dedup();
        for needle in &matches.needles {
            for (pattern, index) in self.candidates_of(*needle) {
                if pattern.matches(name) {
                    matches.endpoints.push(*index);
                } else if pattern.nearly_matches(name) {
                    matches.near_misses.push(*index);
                }
            }
        }
        matches.endpoints.sort_unstable();
        matches.near_misses.sort_unstable();
    }

    /// Whether a raw line or packet can hold a name of some endpoint, or a near miss: a filter
    /// that never says no wrongly, to be asked before anything is parsed.
    ///
    /// Case does not matter. Bytes that are not ASCII may be a name in its international form,
    /// so a haystack with any is let through. The name must stand in the haystack with its dots
    /// and unescaped; a format that writes names otherwise (length-prefixed labels, as on the
    /// wire or in debug logs of Windows DNS servers) must not be filtered with this.
    #[must_use]
    pub fn could_match(&self, haystack: &[u8]) -> bool {
        self.automaton.is_match(haystack) || !haystack.is_ascii()
    }

    /// Whether a name, in whatever spelling, can belong to some endpoint or be a near miss: a look
    /// at its end that never says no wrongly, before it is normalised and looked up.
    #[inline]
    #[must_use]
    pub fn could_match_name(&self, raw: &[u8]) -> bool {
        self.tails.may_end(raw)
    }

    /// The patterns with this needle.
    fn candidates_of(&self, needle: usize) -> &[(Pattern, EndpointIndex)] {
        let start = match needle.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or_default(),
            None => 0,
        };
        let end = self.ends.get(needle).copied().unwrap_or_default();
        self.candidates.get(start..end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Profile;
    use super::*;

    fn matcher(patterns: &[String]) -> Matcher {
        let parsed = patterns.iter().map(|text| Pattern::parse(text).unwrap());
        Matcher::from_patterns(parsed.zip((0..).map(EndpointIndex))).unwrap()
    }

    fn found(matcher: &Matcher, name: &str) -> (Vec<u32>, Vec<u32>) {
        let mut matches = Matches::default();
        matcher.matches(name, &mut matches);
        let numbers = |list: &[EndpointIndex]| list.iter().map(|i| i.0).collect();
        (numbers(matches.endpoints()), numbers(matches.near_misses()))
    }

    #[test]
    fn a_name_counts_for_every_pattern_that_matches_it() {
        let patterns = ["*.x.com", "a.x.com", "*a.x.com", "*.a.x.com", "a.*.com", "x.com"];
        let matcher = matcher(&patterns.map(str::to_owned));
        assert_eq!(found(&matcher, "a.x.com"), (vec![0, 1, 2, 4], vec![3]));
        assert_eq!(found(&matcher, "x.com"), (vec![5], vec![0]));
        assert_eq!(found(&matcher, "evilx.com"), (vec![], vec![]));
        assert_eq!(found(&matcher, ""), (vec![], vec![]));
    }

    #[test]
    fn the_built_in_catalog_finds_its_endpoints() {
        for built_in in Catalog::builtins() {
            let catalog = built_in.load().unwrap();
            let matcher = Matcher::new(&catalog, &catalog.select(&Profile::everything())).unwrap();
            let mut matches = Matches::default();
            for (index, endpoint) in catalog.indices() {
                let name = endpoint.pattern.as_str().replace('*', "a");
                matcher.matches(&name, &mut matches);
                assert!(matches.endpoints().contains(&index), "{name}");
                assert!(matcher.could_match(format!("x {} y", name.to_uppercase()).as_bytes()));
            }
            matcher.matches("msedgedriver.azureedge.net", &mut matches);
            assert_eq!(matches.endpoints().len(), 2);
            matcher.matches("flow.microsoft.com", &mut matches);
            assert_eq!((matches.endpoints().len(), matches.near_misses().len()), (0, 1));
            assert!(!matcher.could_match(b"www.example.com"));
            assert!(matcher.could_match("bücher".as_bytes()));
        }
    }

    #[test]
    fn only_what_was_selected_is_matched() {
        let catalog = Catalog::builtin("power-automate").unwrap();
        let matcher = Matcher::new(&catalog, &catalog.select(&Profile::default())).unwrap();
        let mut matches = Matches::default();
        matcher.matches("a.api.gov.powerplatform.microsoft.us", &mut matches);
        assert!(matches.endpoints().is_empty());
    }

    #[test]
    fn nothing_selected_matches_nothing() {
        let empty = matcher(&[]);
        assert_eq!(found(&empty, "a.b"), (vec![], vec![]));
        assert!(!empty.could_match(b"a.b"));
    }

    /// The meaning of patterns once more, straight from its definition, by trying everything.
    fn naive(pattern: &[u8], at: usize, name: &[u8]) -> bool {
        let Some(c) = pattern.get(at) else { return name.is_empty() };
        if *c != b'*' {
            return name.first() == Some(c) && naive(pattern, at + 1, &name[1..]);
        }
        let begins_label = at == 0 || pattern[at - 1] == b'.';
        let ends_label = pattern.get(at + 1).is_none_or(|next| *next == b'.');
        (0..=name.len()).any(|taken| {
            let (taken, rest) = name.split_at(taken);
            let allowed = if begins_label && ends_label {
                taken.split(|b| *b == b'.').all(|label| !label.is_empty())
            } else {
                at == 0 || !taken.contains(&b'.')
            };
            allowed && naive(pattern, at + 1, rest)
        })
    }

    /// Few letters, so that patterns overlap and names match often.
    fn label() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["a", "b", "ab", "ba", "aa", "a-b"])
    }

    fn pattern() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => label().prop_map(str::to_owned),
            3 => Just("*".to_owned()),
            1 => label().prop_map(|l| format!("*{l}")),
            1 => label().prop_map(|l| format!("{l}*")),
            1 => (label(), label()).prop_map(|(l, r)| format!("{l}*{r}")),
        ];
        (prop::collection::vec(piece, 0..4), label()).prop_filter_map(
            "too many stars",
            |(mut pieces, last)| {
                pieces.push(last.to_owned());
                let text = pieces.join(".");
                Pattern::parse(&text).is_ok().then_some(text)
            },
        )
    }

    /// A way to make a name of a pattern: what the stars become, and what is then broken.
    fn recipe() -> impl Strategy<Value = (Vec<&'static str>, u8, prop::sample::Index)> {
        let filling =
            prop::sample::select(vec!["", "a", "b", "ab", "a.b", "b.a.a", ".", "a.", ".a"]);
        (prop::collection::vec(filling, 4), 0_u8..16, any::<prop::sample::Index>())
    }

    fn cook(
        pattern: &str,
        (fillings, change, at): &(Vec<&str>, u8, prop::sample::Index),
    ) -> String {
        let mut fillings = fillings.iter();
        let mut name = String::new();
        for c in pattern.chars() {
            if c == '*' { name.push_str(fillings.next().unwrap_or(&"a")) } else { name.push(c) }
        }
        let at = at.index(name.len() + 1);
        match change {
            0 => name.insert(0, 'a'),
            1 => name.push('b'),
            2 => name.push_str(".a"),
            3 => name.insert(at, '.'),
            4 => name.insert(at, 'a'),
            5 => drop((at < name.len()).then(|| name.remove(at))),
            6 | 12..16 => name = pattern.trim_start_matches("*.").replace('*', "a"),
            7 => name.insert_str(0, "b."),
            _ => {}
        }
        name
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn the_matcher_agrees_with_the_definition(
            patterns in prop::collection::vec(pattern(), 1..12),
            recipe in recipe(),
            which in any::<prop::sample::Index>(),
        ) {
            let name = cook(&patterns[which.index(patterns.len())], &recipe);
            let matcher = matcher(&patterns);
            let mut expected = (Vec::new(), Vec::new());
            for (index, text) in (0..).zip(&patterns) {
                if naive(text.as_bytes(), 0, name.as_bytes()) {
                    expected.0.push(index);
                } else if let Some(below) = text.strip_prefix("*.") {
                    // A star that comes to the front only here keeps its meaning as an inner one.
                    let inner = format!("-.{below}");
                    if naive(inner.as_bytes(), 0, format!("-.{name}").as_bytes()) {
                        expected.1.push(index);
                    }
                }
            }
            let any = !expected.0.is_empty() || !expected.1.is_empty();
            prop_assert_eq!(found(&matcher, &name), expected, "{} in {:?}", name, patterns);
            if any {
                let line = format!("query: {} A", name.to_uppercase());
                prop_assert!(matcher.could_match(line.as_bytes()));
            }
        }
    }

    #[test]
    fn names_cooked_from_patterns_match_often_enough_to_test_something() {
        use proptest::strategy::ValueTree as _;
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let (mut hits, mut near) = (0, 0);
        for _ in 0..1000 {
            let text = pattern().new_tree(&mut runner).unwrap().current();
            let name = cook(&text, &recipe().new_tree(&mut runner).unwrap().current());
            let (matched, missed) = found(&matcher(&[text]), &name);
            hits += matched.len();
            near += missed.len();
        }
        assert!((200..900).contains(&hits) && near > 30, "{hits} hits, {near} near misses");
    }
}
