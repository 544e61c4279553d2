//! Inputs: from arguments to readers of decompressed bytes.
//!
//! [`expand`] turns arguments into files, [`group`] finds captures that were rotated, [`open`]
//! undoes compression, and [`detect`] says what the bytes are. What a file is, its content
//! decides, never its name. Inputs without an end are ended by a [`Stop`]; files that grow are
//! read by a [`FollowReader`].

mod compression;
mod detect;
mod expand;
mod follow;
mod line;
mod open;
mod sequence;
mod stop;

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use compression::Compression;
pub use detect::{CaptureKind, Detected, detect};
pub use expand::{Expanded, expand};
pub use follow::{Follow, FollowReader, Progression};
pub use line::PlainFile;
pub use open::{Ending, HEAD_SIZE, Opened, open, open_live, open_reader, open_stoppable};
pub use sequence::group;
pub use stop::Stop;

/// Where the bytes of one input come from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum InputPath {
    /// The standard input.
    Stdin,
    /// A file, by the path that led to it.
    File(PathBuf),
}

impl InputPath {
    /// The path, if there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdin => None,
            Self::File(path) => Some(path),
        }
    }
}

impl fmt::Display for InputPath {
    /// The path with invalid UTF-8 replaced, or `-`. Not escaped.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => formatter.write_str("-"),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

/// An argument or file that gives no input. The others go on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Error)]
#[error("{path}: {sentence}")]
pub struct InputError {
    /// What it is about: a file, or an argument as it was given.
    pub path: InputPath,
    /// What is wrong.
    pub sentence: String,
    /// What can be done about it.
    pub advice: Option<String>,
}

impl InputError {
    fn new(path: impl Into<PathBuf>, sentence: impl Into<String>) -> Self {
        Self { path: InputPath::File(path.into()), sentence: sentence.into(), advice: None }
    }
}
