//! Where results go: standard output and files whose extension names the format.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Console, Manner};
use crate::render::{TerminalOptions, escape};

/// The formats of one command.
pub trait Format: ValueEnum + Copy + PartialEq + Send + Sync + 'static {
    /// What is written to standard output when nothing is asked for.
    const DEFAULT: Self;
    /// The extensions of files, without the dot, with the format that each stands for.
    const EXTENSIONS: &'static [(&'static str, Self)];
}

/// What to write, and where.
#[derive(Args, Clone, Debug)]
pub struct Outputs<F: Format> {
    /// Format on standard output [default: terminal, or nothing with --output]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<F>,
    /// Write to a file in the format of its extension; repeatable
    #[arg(long = "output", short = 'o', value_name = "FILE", value_parser = parse_file::<F>)]
    pub files: Vec<OutputFile<F>>,
}

/// A file to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OutputFile<F> {
    /// Its path.
    pub path: PathBuf,
    /// The format that its extension stands for.
    pub format: F,
}

impl<F: Format> Outputs<F> {
    /// Refuses to write over an input.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn check(&self, inputs: &[String]) -> Result<(), String> {
        for file in &self.files {
            let Ok(target) = fs::canonicalize(&file.path) else { continue };
            let same = |input: &String| fs::canonicalize(input).is_ok_and(|path| path == target);
            if inputs.iter().any(same) {
                let path = file.path.to_string_lossy();
                return Err(format!(
                    "{} is an input and is not written over",
                    escape::terminal(&path)
                ));
            }
        }
        Ok(())
    }

    /// Writes the result everywhere it is asked for. A closed pipe is no error.
    ///
    /// # Errors
    /// A sentence for each target that could not be written; the others are written.
    pub fn deliver(
        &self,
        console: &mut Console<'_>,
        manner: &Manner,
        render: impl Fn(F, TerminalOptions, &mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Vec<String>> {
        let mut errors = Vec::new();
        for file in &self.files {
            let options = TerminalOptions { verbose: manner.verbose, ..TerminalOptions::default() };
            let written = write_whole(&file.path, |out| render(file.format, options, out));
            if let Err(error) = written {
                let path = file.path.to_string_lossy();
                errors.push(format!("{} is not written: {error}", escape::terminal(&path)));
            }
        }
        if self.files.is_empty() || self.format.is_some() {
            let options = console.terminal_options(manner);
            let format = self.format.unwrap_or(F::DEFAULT);
            let written =
                render(format, options, &mut *console.out).and_then(|()| console.out.flush());
            match written {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    errors.push(format!("standard output is not written: {error}"));
                }
                _ => {}
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// Reads a path whose extension must name a format.
fn parse_file<F: Format>(path: &str) -> Result<OutputFile<F>, String> {
    let path = PathBuf::from(path);
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let known = F::EXTENSIONS.iter().find(|(known, _)| Some(*known) == extension.as_deref());
    match known {
        Some((_, format)) => Ok(OutputFile { path, format: *format }),
        None => {
            let all: Vec<String> =
                F::EXTENSIONS.iter().map(|(extension, _)| format!(".{extension}")).collect();
            Err(format!("the extension must name the format: {}", all.join(", ")))
        }
    }
}

/// Writes a file that appears under its name only when it is complete.
fn write_whole(
    path: &Path,
    render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.partial", std::process::id()));
    let partial = path.with_file_name(name);
    let write = || {
        let mut out = BufWriter::new(File::create(&partial)?);
        render(&mut out)?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?;
        fs::rename(&partial, path)
    };
    write().inspect_err(|_| {
        // The error that is told is that of writing; a partial file that cannot be removed either
        // bears its state in its name.
        let _ = fs::remove_file(&partial);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::audit::AuditFormat;

    #[test]
    fn extensions_name_the_format() {
        let format = |path| parse_file::<AuditFormat>(path).map(|file| file.format);
        assert_eq!(format("a/report.json"), Ok(AuditFormat::Json));
        assert_eq!(format("REPORT.CSV"), Ok(AuditFormat::Csv));
        assert_eq!(format("x.y.txt"), Ok(AuditFormat::Terminal));
        for path in ["report", "report.html", ".json", ""] {
            let error = format(path).unwrap_err();
            assert!(error.contains(".json, .csv, .txt"), "{path}: {error}");
        }
    }

    #[test]
    fn a_file_appears_only_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        fs::write(&path, "old").unwrap();
        let failed = write_whole(&path, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        write_whole(&path, |out| out.write_all(b"whole")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
