//! From arguments to a sorted list of files.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use glob::MatchOptions;
use walkdir::{DirEntry, WalkDir};

use super::{InputError, InputPath};

/// Directories below an argument are entered to this depth.
const MAX_DEPTH: usize = 64;

/// What the arguments stand for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Expanded {
    /// The inputs: the standard input first, then files sorted by path, each file once.
    pub inputs: Vec<InputPath>,
    /// Arguments that stand for nothing, sorted by path.
    pub errors: Vec<InputError>,
}

/// Finds the files that `arguments` stand for.
///
/// An argument is a file, a directory, `-` for the standard input, or a pattern with `*`, `?`,
/// `[…]` or `**`. An existing path is never taken for a pattern. In directories, and by
/// wildcards, hidden names (those that start with a dot) are passed over; links are followed,
/// and loops of links are not. A file that several arguments lead to counts once, under the
/// path that sorts first.
pub fn expand<A: AsRef<OsStr>>(arguments: &[A]) -> Expanded {
    let mut stdin = false;
    let mut files = BTreeSet::new();
    let mut errors = Vec::new();
    for argument in arguments {
        let argument = argument.as_ref();
        if argument == "-" {
            stdin = true;
        } else {
            expand_path(Path::new(argument), &mut files, &mut errors);
        }
    }
    errors.sort();
    errors.dedup();

    let mut seen = BTreeSet::new();
    let mut inputs = Vec::with_capacity(files.len().saturating_add(1));
    inputs.extend(stdin.then_some(InputPath::Stdin));
    for path in files {
        // A pipe given by its path has no canonical one.
        let canonical = fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if seen.insert(canonical) {
            inputs.push(InputPath::File(path));
        }
    }
    Expanded { inputs, errors }
}

fn expand_path(path: &Path, files: &mut BTreeSet<PathBuf>, errors: &mut Vec<InputError>) {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => walk(path, files, errors),
        Ok(_) => {
            files.insert(path.to_owned());
        }
        Err(_) if is_pattern(path) => expand_pattern(path, files, errors),
        Err(error) => {
            errors.push(InputError::new(path, format!("cannot be opened: {}", reason(&error))));
        }
    }
}

/// What the system said, without its number.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

fn is_pattern(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.contains(['*', '?', '[']))
}

fn expand_pattern(path: &Path, files: &mut BTreeSet<PathBuf>, errors: &mut Vec<InputError>) {
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let matches = match glob::glob_with(path.to_str().unwrap_or_default(), options) {
        Ok(matches) => matches,
        Err(error) => {
            errors.push(InputError::new(path, format!("is not a pattern: {}", error.msg)));
            return;
        }
    };
    let mut any = false;
    for found in matches {
        any = true;
        match found {
            Ok(found) if found.is_dir() => walk(&found, files, errors),
            Ok(found) => {
                files.insert(found);
            }
            Err(error) => {
                let sentence = format!("cannot be read: {}", reason(error.error()));
                errors.push(InputError::new(error.path(), sentence));
            }
        }
    }
    if !any {
        errors.push(InputError::new(path, "no file matches this pattern"));
    }
}

/// Adds the regular files below `directory`.
fn walk(directory: &Path, files: &mut BTreeSet<PathBuf>, errors: &mut Vec<InputError>) {
    let mut any = false;
    let entries = WalkDir::new(directory).follow_links(true).max_depth(MAX_DEPTH).into_iter();
    for entry in entries.filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry)) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                any = true;
                files.insert(entry.into_path());
            }
            Ok(_) => {}
            // Everything below a loop is reached by the path without it.
            Err(error) if error.loop_ancestor().is_some() => {}
            Err(error) => {
                any = true;
                let path = error.path().unwrap_or(directory).to_owned();
                let why = error.io_error().map_or_else(|| error.to_string(), reason);
                errors.push(InputError::new(path, format!("cannot be read: {why}")));
            }
        }
    }
    if !any {
        errors.push(InputError::new(directory, "the directory holds no files"));
    }
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    fn names(expanded: &Expanded, folder: &tempfile::TempDir) -> Vec<String> {
        let relative = |input: &InputPath| match input.path() {
            Some(path) => path.strip_prefix(folder.path()).unwrap().display().to_string(),
            None => input.to_string(),
        };
        expanded.inputs.iter().map(relative).collect()
    }

    #[test]
    fn directories_are_walked_in_order_without_hidden_names() {
        let folder = folder(&["b.pcap", "a/c", "a/d.pcap", ".git/x", "a/.hidden"]);
        let expanded = expand(&[folder.path()]);
        assert_eq!(names(&expanded, &folder), ["a/c", "a/d.pcap", "b.pcap"]);
        assert!(expanded.errors.is_empty());
    }

    #[test]
    fn the_order_of_arguments_does_not_matter_and_files_count_once() {
        let folder = folder(&["a.pcap", "b.pcap"]);
        let [a, b] = ["a.pcap", "b.pcap"].map(|name| folder.path().join(name).into_os_string());
        let twice = folder.path().join(".").join("a.pcap").into_os_string();
        let forth = expand(&[a.clone(), b.clone(), "-".into(), twice.clone()]);
        let back = expand(&[twice, "-".into(), b, a, "-".into()]);
        assert_eq!(forth, back);
        assert_eq!(names(&forth, &folder), ["-", "a.pcap", "b.pcap"]);
    }

    #[test]
    fn a_missing_path_is_named_and_the_others_go_on() {
        let folder = folder(&["a.pcap"]);
        let missing = folder.path().join("gone.pcap");
        let expanded = expand(&[missing.clone(), folder.path().join("a.pcap")]);
        assert_eq!(names(&expanded, &folder), ["a.pcap"]);
        assert_eq!(expanded.errors.len(), 1);
        assert_eq!(expanded.errors[0].path, InputPath::File(missing));
        assert!(expanded.errors[0].to_string().contains("no such file"));
    }

    #[test]
    fn patterns_match_names_unless_a_file_is_called_so() {
        let folder = folder(&["x1.pcap", "x2.pcap", ".x3.pcap", "sub/x4.pcap", "x[1].pcap"]);
        let one = expand(&[folder.path().join("x?.pcap")]);
        assert_eq!(names(&one, &folder), ["x1.pcap", "x2.pcap"]);
        let deep = expand(&[folder.path().join("**/x[24].pcap")]);
        assert_eq!(names(&deep, &folder), ["sub/x4.pcap", "x2.pcap"]);
        let literal = expand(&[folder.path().join("x[1].pcap")]);
        assert_eq!(names(&literal, &folder), ["x[1].pcap"]);
        let none = expand(&[folder.path().join("y*.pcap")]);
        assert!(none.inputs.is_empty());
        assert_eq!(none.errors.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn loops_of_links_end_and_links_to_files_count_once() {
        let folder = folder(&["sub/a.pcap"]);
        std::os::unix::fs::symlink(folder.path(), folder.path().join("sub/up")).unwrap();
        std::os::unix::fs::symlink("a.pcap", folder.path().join("sub/b.pcap")).unwrap();
        let expanded = expand(&[folder.path()]);
        assert_eq!(names(&expanded, &folder), ["sub/a.pcap"]);
        assert!(expanded.errors.is_empty(), "{:?}", expanded.errors);
    }

    #[test]
    fn an_empty_directory_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(expand(&[folder.path()]).errors.len(), 1);
    }
}
