//! What changed from one list to another.

use serde::Serialize;

use super::{Catalog, Clouds, Endpoint, Pattern, Scenarios};

/// The differences between two catalogs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CatalogDiff {
    /// `name@edition` of the first.
    pub from: String,
    /// `name@edition` of the second.
    pub to: String,
    /// How many endpoints the first has.
    pub from_endpoints: usize,
    /// How many the second has.
    pub to_endpoints: usize,
    /// Endpoints that the second alone has.
    pub added: Vec<Listed>,
    /// Endpoints that the first alone has.
    pub removed: Vec<Listed>,
    /// Endpoints of both whose clouds or scenarios differ.
    pub moved: Vec<Moved>,
    /// Endpoints of the first alone that a wider pattern of the second covers.
    pub widened: Vec<Replaced>,
    /// Endpoints of the second alone that a wider pattern of the first, which is gone, covered.
    pub narrowed: Vec<Replaced>,
    /// Endpoints of the first that no pattern of the second covers.
    pub not_covered: Vec<String>,
}

/// An endpoint that one list alone has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// The clouds it is required in.
    pub clouds: Clouds,
    /// The scenarios it is required for.
    pub scenarios: Scenarios,
}

/// An endpoint whose clouds or scenarios differ.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Moved {
    /// Its id.
    pub id: String,
    /// The clouds in the first list.
    pub clouds_from: Clouds,
    /// The clouds in the second.
    pub clouds_to: Clouds,
    /// The scenarios in the first list.
    pub scenarios_from: Scenarios,
    /// The scenarios in the second.
    pub scenarios_to: Scenarios,
}

/// An endpoint that another takes the place of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Replaced {
    /// The endpoint of the first list.
    pub from: String,
    /// The one of the second.
    pub to: String,
}

impl CatalogDiff {
    /// Compares two catalogs, whole.
    #[must_use]
    pub fn of(from: &Catalog, to: &Catalog) -> Self {
        let only = |these: &Catalog, those: &Catalog| -> Vec<Endpoint> {
            let is_alone = |endpoint: &&Endpoint| those.find(&endpoint.id).is_none();
            these.endpoints().iter().filter(is_alone).cloned().collect()
        };
        let (removed, added) = (only(from, to), only(to, from));
        let moved = from.endpoints().iter().filter_map(|endpoint| {
            let other = to.endpoint(to.find(&endpoint.id)?)?;
            Moved::of(endpoint, other)
        });
        let replaced =
            |from: &Endpoint, to: &Endpoint| Replaced { from: from.id.clone(), to: to.id.clone() };
        let widened = removed.iter().filter_map(|gone| {
            let wider = to.endpoints().iter().find(|endpoint| covers(endpoint, gone))?;
            Some(replaced(gone, wider))
        });
        let narrowed = added.iter().filter_map(|new| {
            let wider = removed.iter().find(|endpoint| covers(endpoint, new))?;
            Some(replaced(wider, new))
        });
        let is_covered =
            |endpoint: &Endpoint| to.endpoints().iter().any(|other| covers(other, endpoint));
        Self {
            from: title(from),
            to: title(to),
            from_endpoints: from.endpoints().len(),
            to_endpoints: to.endpoints().len(),
            moved: moved.collect(),
            widened: widened.collect(),
            narrowed: narrowed.collect(),
            not_covered: from
                .endpoints()
                .iter()
                .filter(|endpoint| !is_covered(endpoint))
                .map(|endpoint| endpoint.id.clone())
                .collect(),
            added: added.iter().map(Listed::of).collect(),
            removed: removed.iter().map(Listed::of).collect(),
        }
    }

    /// Whether the two require the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.moved.is_empty()
    }
}

impl Listed {
    fn of(endpoint: &Endpoint) -> Self {
        Self { id: endpoint.id.clone(), clouds: endpoint.clouds(), scenarios: endpoint.scenarios() }
    }
}

impl Moved {
    fn of(from: &Endpoint, to: &Endpoint) -> Option<Self> {
        let moved = Self {
            id: from.id.clone(),
            clouds_from: from.clouds(),
            clouds_to: to.clouds(),
            scenarios_from: from.scenarios(),
            scenarios_to: to.scenarios(),
        };
        let is_same =
            moved.clouds_from == moved.clouds_to && moved.scenarios_from == moved.scenarios_to;
        (!is_same).then_some(moved)
    }
}

impl Pattern {
    /// Whether every name of `other` is one of this pattern.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        if other.is_exact() {
            return self.matches(other.as_str());
        }
        // What an asterisk may stand for: labels where it is one, anything else where it is a part of one.
        let text = other.as_str();
        let is_label = text.starts_with("*.");
        let mut stars = vec!["x", "x.y", "x.y.z"];
        if !is_label {
            stars.push("");
        }
        stars.iter().all(|star| {
            let name = text.replace('*', star);
            self.matches(name.trim_start_matches('.'))
        })
    }
}

fn covers(wide: &Endpoint, narrow: &Endpoint) -> bool {
    wide.protocol == narrow.protocol && wide.pattern.covers(&narrow.pattern)
}

fn title(catalog: &Catalog) -> String {
    format!("{}@{}", catalog.name(), catalog.edition())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(edition: &str, rows: &[&str]) -> Catalog {
        let mut text = format!("[catalog]\nname = \"t\"\nedition = \"{edition}\"\n");
        for row in rows {
            let (pattern, clouds) = row.split_once(' ').unwrap_or((row, ""));
            text.push_str(&format!(
                "[[endpoint]]\npattern = \"{pattern}\"\nprotocol = \"https\"\n"
            ));
            if !clouds.is_empty() {
                text.push_str(&format!("clouds = [\"{clouds}\"]\n"));
            }
        }
        Catalog::parse("t.toml", &text).unwrap()
    }

    #[test]
    fn changes_are_told_apart() {
        let from = catalog(
            "1",
            &["a.example.com", "*.b.example.com", "c.example.com public", "d.example.com"],
        );
        let to = catalog(
            "2",
            &["*.example.com", "x.b.example.com", "c.example.com gcc", "new.example.net"],
        );
        let diff = CatalogDiff::of(&from, &to);
        let ids = |rows: &[Listed]| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&diff.added).len(), 3);
        assert_eq!(ids(&diff.removed).len(), 3);
        assert_eq!(diff.moved.len(), 1);
        assert_eq!(diff.moved[0].clouds_to.to_string(), "gcc");
        assert_eq!(diff.widened.len(), 3, "{:?}", diff.widened);
        assert!(diff.narrowed.iter().any(|row| row.from == "https:*.b.example.com" && row.to == "https:x.b.example.com"));
        assert_eq!(diff.not_covered, Vec::<String>::new());
        assert!(CatalogDiff::of(&from, &from).is_empty());
    }

    #[test]
    fn a_pattern_covers_what_all_its_names_are_of() {
        let covers =
            |a: &str, b: &str| Pattern::parse(a).unwrap().covers(&Pattern::parse(b).unwrap());
        for (wide, narrow) in [
            ("*.example.com", "a.example.com"),
            ("*.example.com", "*.a.example.com"),
            ("*.example.com", "*.example.com"),
            ("*mobile.example.com", "*.mobile.example.com"),
            ("a.example.com", "a.example.com"),
        ] {
            assert!(covers(wide, narrow), "{wide} {narrow}");
        }
        for (wide, narrow) in [
            ("*.a.example.com", "*.example.com"),
            ("*.example.com", "example.com"),
            ("*.example.com", "*example.com"),
            ("a.example.com", "*.example.com"),
            ("*.mobile.example.com", "*mobile.example.com"),
        ] {
            assert!(!covers(wide, narrow), "{wide} {narrow}");
        }
    }
}
