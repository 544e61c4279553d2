//! Reading a catalog from its file, and saying what is wrong with one that is not good.
//!
//! The format is TOML. The least that an endpoint needs is a pattern and a protocol:
//!
//! ```toml
//! [catalog]
//! name = "intranet"            # letters, digits, '-', '_', '.'
//! edition = "2026-11-01"       # the date of the list, as text
//! title = "Our intranet"       # optional
//! source = "https://…"         # optional: the document that the list was taken from
//! notes = ["…"]                # optional: what else the document points to
//!
//! [provenance]                 # optional: what `catalog import` made it of
//! file = "page.md"
//! sha256 = "…"
//! date = "2026-11-01"
//! rows = 76                    # names that were taken
//! ignored = ["line 7: …"]      # what was ignored or changed, and why
//!
//! [[endpoint]]
//! pattern = "*.example.com"    # see Pattern for the shapes
//! protocol = "https"           # or "http"
//! ```
//!
//! An endpoint may say where the document requires it and for whom; without `clouds` or
//! `scenarios` it takes those of its section, and without either it applies to all:
//!
//! ```toml
//! [[section]]
//! id = "branch-offices"
//! title = "Branch offices"
//! clouds = ["public", "gcc"]              # public gcc gcc-high dod china
//! scenarios = ["service", "mobile"]       # service mobile desktop-flows
//!
//! [[endpoint]]
//! pattern = "time.example.com"
//! protocol = "https"
//! section = "branch-offices"
//! use = "Clocking in"
//! scenarios = ["mobile"]
//!
//! [[endpoint]]                            # required in several places
//! pattern = "sso.example.com"
//! protocol = "https"
//! occurrences = [
//!     { section = "branch-offices", use = "Sign-in" },
//!     { use = "Sign-in of machines", scenarios = ["desktop-flows"] },
//! ]
//!
//! [[inbound]]                             # addresses to let in, by Azure service tag
//! service-tag = "LogicApps"
//!
//! [[alternative]]                         # what may be allowed in place of an endpoint
//! endpoint = "https:*.example.com"
//! patterns = ["a.example.com", "b.example.com"]
//! ```
//!
//! Unknown keys are errors, so that a misspelt one is not silently without effect, and so is an
//! endpoint that is listed twice. Texts hold no control or bidirectional formatting characters,
//! so they can be shown as they are. A file that is not good yields no catalog at all, and every
//! problem in it up to [`MAX_PROBLEMS`] is told at once.

mod build;
mod error;
mod raw;

use std::io::Read as _;
use std::path::Path;

use super::Catalog;

pub use error::{CatalogError, MAX_PROBLEMS, Problem};

/// The largest file that is read, in bytes. A list of a hundred endpoints takes some 10 kB; the
/// worst file of this size, random names throughout, some 300 MB and four seconds.
pub const MAX_FILE_SIZE: u64 = 4 * 1024 * 1024;
/// The most endpoints in one catalog.
pub const MAX_ENDPOINTS: usize = 20_000;

impl Catalog {
    /// Reads a catalog from `text`; `path` is what complaints call it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, with lines.
    pub fn parse(path: &str, text: &str) -> Result<Self, CatalogError> {
        if text.len() as u64 > MAX_FILE_SIZE {
            return Err(CatalogError::too_large(path));
        }
        let raw = toml::from_str(text).map_err(|e| CatalogError::from_toml(path, text, &e))?;
        build::build(path, text, raw)
    }

    /// Reads a catalog from bytes, which must be UTF-8.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, with lines.
    pub fn parse_bytes(path: &str, bytes: &[u8]) -> Result<Self, CatalogError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::parse(path, text),
            Err(error) => {
                let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
                Err(CatalogError::not_utf8(path, &String::from_utf8_lossy(good)))
            }
        }
    }

    /// Reads a catalog from a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or everything that is wrong with it, with lines.
    pub fn from_path(path: &Path) -> Result<Self, CatalogError> {
        let label = path.to_string_lossy();
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes))
            .map_err(|error| CatalogError::unreadable(&label, error))?;
        if bytes.len() as u64 > MAX_FILE_SIZE {
            return Err(CatalogError::too_large(&label));
        }
        Self::parse_bytes(&label, &bytes)
    }
}

#[cfg(test)]
mod tests;
