//! The catalogs that come with the program.

use super::import::{self, ImportError};
use super::{Catalog, CatalogError};

/// A catalog that comes with the program, not yet read.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn {
    /// The name to call it by.
    pub name: &'static str,
    /// Its edition: the date of the page it was taken from.
    pub edition: &'static str,
    /// Whether the name without an edition means this one.
    pub is_default: bool,
    /// The file.
    pub text: &'static str,
}

/// Every edition, sorted by name and edition.
static BUILT_IN: [BuiltIn; 2] = [
    BuiltIn {
        name: "power-automate",
        edition: "2023-04-17",
        is_default: true,
        text: include_str!("builtin/power-automate-2023-04-17.toml"),
    },
    BuiltIn {
        name: "power-automate",
        edition: "2026-05-13",
        is_default: false,
        text: include_str!("builtin/power-automate-2026-05-13.toml"),
    },
];

impl BuiltIn {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// None, as long as the tests of this module pass.
    pub fn load(&self) -> Result<Catalog, CatalogError> {
        Catalog::parse(&format!("{}-{}.toml", self.name, self.edition), self.text)
    }
}

impl Catalog {
    /// The name of the catalog that is used when none is asked for.
    pub const DEFAULT: &'static str = "power-automate";

    /// The catalogs that come with the program, sorted by name and edition.
    pub fn builtins() -> impl Iterator<Item = &'static BuiltIn> {
        BUILT_IN.iter()
    }

    /// The built-in catalog that `spec`, `NAME[@EDITION]`, stands for, if there is one.
    #[must_use]
    pub fn find_builtin(spec: &str) -> Option<&'static BuiltIn> {
        let (name, edition) = match spec.split_once('@') {
            Some((name, edition)) => (name, Some(edition)),
            None => (spec, None),
        };
        if edition == Some("latest") {
            let named = Self::builtins().filter(|built_in| built_in.name == name);
            return named.max_by_key(|built_in| built_in.edition);
        }
        Self::builtins().find(|built_in| {
            built_in.name == name
                && edition.map_or(built_in.is_default, |edition| built_in.edition == edition)
        })
    }

    /// Reads the built-in catalog `NAME[@EDITION]`.
    ///
    /// # Errors
    ///
    /// There is none of that name or edition; the message lists those there are.
    pub fn builtin(spec: &str) -> Result<Self, CatalogError> {
        match Self::find_builtin(spec) {
            Some(built_in) => built_in.load(),
            None => Err(CatalogError::unknown(spec)),
        }
    }

    /// Reads what a person names: a built-in catalog `NAME[@EDITION]`, where `latest` is an edition too, else
    /// a file: a catalog's own or a list that can be [imported](import::import).
    ///
    /// A text that is neither a built-in catalog nor looks like a path (no separator, no `.toml`)
    /// and is no file is taken for a mistyped name.
    ///
    /// # Errors
    ///
    /// The file cannot be read or is no good catalog, or nothing has that name.
    pub fn resolve(spec: &str) -> Result<Self, ImportError> {
        if let Some(built_in) = Self::find_builtin(spec) {
            return Ok(built_in.load()?);
        }
        let path = std::path::Path::new(spec);
        let like_a_path = spec.contains(['/', '\\'])
            || path.extension().is_some_and(|extension| extension == "toml");
        if !like_a_path && !path.exists() {
            return Err(CatalogError::unknown(spec).into());
        }
        Self::of_file(spec, &import::read(path)?)
    }

    /// The newest built-in edition of the catalog of this name, if it is newer than this one.
    ///
    /// Editions are dates, so the order of their text is that of time.
    #[must_use]
    pub fn newer_edition(&self) -> Option<&'static str> {
        let newest = Self::builtins().filter(|b| b.name == self.name()).map(|b| b.edition).max()?;
        (newest > self.edition()).then_some(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_catalog_is_good_and_is_what_it_says() {
        for built_in in Catalog::builtins() {
            let catalog = built_in.load().unwrap();
            assert_eq!(catalog.name(), built_in.name);
            assert_eq!(catalog.edition(), built_in.edition);
            assert!(catalog.warnings().is_empty());
            for endpoint in catalog.endpoints() {
                assert_eq!(endpoint.uses().len().min(1), 1, "{} has no use", endpoint.id);
                assert!(endpoint.occurrences.iter().all(|o| o.section.is_some()));
            }
        }
    }

    #[test]
    fn the_editions_have_the_endpoints_of_their_pages() {
        let count = |spec: &str| {
            let catalog = Catalog::builtin(spec).unwrap();
            let rows: usize = catalog.endpoints().iter().map(|e| e.occurrences.len()).sum();
            (catalog.endpoints().len(), rows)
        };
        assert_eq!(count("power-automate"), (55, 65));
        assert_eq!(count("power-automate@2023-04-17"), (55, 65));
        assert_eq!(count("power-automate@2026-05-13"), (76, 102));
    }

    #[test]
    fn each_name_has_one_default_and_the_newer_edition_is_known() {
        for built_in in Catalog::builtins() {
            let defaults = Catalog::builtins().filter(|b| b.name == built_in.name && b.is_default);
            assert_eq!(defaults.count(), 1);
        }
        let default = Catalog::builtin(Catalog::DEFAULT).unwrap();
        assert_eq!(default.edition(), "2023-04-17");
        assert_eq!(default.newer_edition(), Some("2026-05-13"));
        assert_eq!(Catalog::builtin("power-automate@2026-05-13").unwrap().newer_edition(), None);
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_there_are() {
        for spec in ["power-automat", "power-automate@2020", "@", ""] {
            let error = Catalog::resolve(spec).unwrap_err().to_string();
            assert!(error.contains("power-automate@2026-05-13"), "{error}");
        }
        assert!(
            Catalog::resolve("./missing.toml").unwrap_err().to_string().contains("missing.toml")
        );
    }

    #[test]
    fn the_hash_is_that_of_the_file() {
        let catalog = Catalog::parse("x", "").unwrap_err();
        assert!(!catalog.problems().is_empty());
        assert_eq!(
            super::super::model::sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
