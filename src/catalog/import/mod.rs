//! Lists that others publish become catalogs: pages in Markdown, Microsoft 365's JSON, CSV and plain lists.
//!
//! What a file is, its content tells. Nothing is guessed: a row without a protocol, a cell that holds no name
//! and a table of addresses become remarks, with their lines.

mod draft;
mod list;
mod markdown;
mod marks;
mod microsoft365;
mod token;

use std::io::Read as _;
use std::path::Path;

use super::{Catalog, CatalogError, sha256_hex};

use draft::Draft;
pub use draft::Imported;

/// The largest file that is imported, in bytes.
pub const MAX_SIZE: usize = 16 << 20;

/// Why a file cannot become a catalog.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is too large.
    #[error("{0}: larger than {MAX_SIZE} bytes: no list of endpoints is")]
    TooLarge(String),
    /// It is no text.
    #[error("{0}: not UTF-8 from byte {1} on: save it as UTF-8")]
    NotText(String, usize),
    /// It holds no endpoint.
    #[error("{path}: holds no endpoint{}", details(remarks))]
    Nothing {
        /// The file.
        path: String,
        /// What was found instead.
        remarks: Vec<String>,
    },
    /// What it holds makes no good catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
}

/// Makes a catalog of the bytes of a file; `path` is what complaints and the provenance call it.
///
/// # Errors
///
/// It is no text, holds no endpoint, or one that no catalog may hold.
pub fn import(path: &str, bytes: &[u8]) -> Result<Imported, ImportError> {
    if bytes.len() > MAX_SIZE {
        return Err(ImportError::TooLarge(path.to_owned()));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => std::borrow::Cow::Borrowed(text),
        // A page that went through another encoding has odd bytes in its prose alone.
        Err(_) if text_like(bytes) => String::from_utf8_lossy(bytes),
        Err(error) => return Err(ImportError::NotText(path.to_owned(), error.valid_up_to())),
    };
    let mut draft = Draft::new(path, &sha256_hex(bytes));
    match kind_of(&text) {
        Kind::Json => microsoft365::read(&text, &mut draft),
        Kind::Markdown => markdown::read(&text, &mut draft),
        Kind::List => list::read(&text, &mut draft),
    }
    draft.finish()
}

/// Reads a file, but no more of it than shows that it is too large to be imported.
///
/// # Errors
///
/// The file cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, CatalogError> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_SIZE as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| CatalogError::unreadable(&path.to_string_lossy(), error))?;
    Ok(bytes)
}

enum Kind {
    Json,
    Markdown,
    List,
}

fn kind_of(text: &str) -> Kind {
    let start = text.trim_start();
    if start.starts_with(['[', '{']) && serde_json::from_str::<serde_json::Value>(text).is_ok() {
        return Kind::Json;
    }
    let is_table = |line: &str| {
        let line = line.trim();
        line.contains("---") && line.contains('|') && line.chars().all(|c| "|-: ".contains(c))
    };
    if text.starts_with("---\n") || text.starts_with("---\r\n") || text.lines().any(is_table) {
        return Kind::Markdown;
    }
    Kind::List
}

/// Whether bytes are text with a few odd characters.
fn text_like(bytes: &[u8]) -> bool {
    let odd = bytes.iter().filter(|byte| byte.is_ascii_control() && !b"\r\n\t".contains(byte));
    odd.take(1).count() == 0
}

fn details(remarks: &[String]) -> String {
    match remarks.split_first() {
        None => ": no table or line of it names one".to_owned(),
        Some((first, [])) => format!(": {first}"),
        Some((first, rest)) => format!(": {first} (and {} more)", rest.len()),
    }
}

impl Catalog {
    /// Reads a catalog's own file, or a list that [`import`] knows.
    ///
    /// # Errors
    ///
    /// Those of either, by what the file begins with.
    pub fn of_file(path: &str, bytes: &[u8]) -> Result<Self, ImportError> {
        let is_catalog = |line: &[u8]| {
            let line = line.trim_ascii();
            line.starts_with(b"[catalog]") || line.starts_with(b"[[endpoint]]")
        };
        if bytes.split(|byte| *byte == b'\n').any(is_catalog) || path.ends_with(".toml") {
            return Ok(Self::parse_bytes(path, bytes)?);
        }
        Ok(import(path, bytes)?.catalog)
    }
}

#[cfg(test)]
mod tests;
