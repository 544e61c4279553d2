//! The command line: one file per subcommand.
//!
//! This is the only module that prints, reads the environment or asks the time. Results go to
//! standard output, progress and complaints to standard error.

mod arguments;
mod audit;
pub mod catalog;
mod catalog_export;
mod exit;
mod explain;
mod formats;
mod listing;
mod names;
mod output;
mod progress;
mod records;
mod signals;
mod watch;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};

use clap::{Parser, Subcommand};

pub use arguments::{Color, Manner, Requirement, Sources};
pub use audit::{AuditCommand, AuditFormat};
pub use exit::{Exit, FailOn};
pub use explain::{ExplainCommand, ExplainFormat};
pub use formats::{FormatsCommand, FormatsFormat};
pub use names::{NamesCommand, NamesFormat};
pub use output::{Format, OutputFile, Outputs};
pub use records::{RecordsCommand, RecordsFormat};
pub use watch::{WatchCommand, WatchFormat};

use crate::render::{TerminalOptions, escape};
use crate::report::InputReport;
use crate::{Options, Progress};
use progress::Bar;

/// Tells which required network endpoints were reached, blocked or never seen
#[derive(Parser, Clone, Debug)]
#[command(name = "egress-audit", version, long_about = ABOUT, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    manner: Manner,
    #[command(subcommand)]
    command: Command,
}

const ABOUT: &str = "\
Tells which required network endpoints were reached, blocked or never seen.

Reads packet captures and logs of firewalls, proxies and DNS servers, and says of every endpoint that a service requires
whether it was reached, blocked (by what, with the packets or lines that prove it) or never seen.";

const EXIT_CODES: &str = "\
Exit codes:
  0  nothing at or above --fail-on
  1  findings at or above --fail-on
  2  wrong usage, or an input could not be read (the report is still written)
  3  everything was read and nothing could be judged";

const AUDIT_HELP: &str = "\
SIGINT (Ctrl-C) or SIGTERM ends the reading, and the report is on what was read so far:
  tail -F deny.log | egress-audit audit -
A second one ends the program at once.

Exit codes:
  0  nothing at or above --fail-on
  1  findings at or above --fail-on
  2  wrong usage, or an input could not be read (the report is still written)
  3  everything was read and nothing could be judged";

const WATCH_HELP: &str = "\
A finding is told when a required name is blocked by a cause, by a rule or for a client that was not told before,
and when a name that was blocked is answered for the first time. The order is that in which lines arrive.
Captures are not watched: `audit` judges them.

SIGINT (Ctrl-C) or SIGTERM ends the watch with a summary on standard error, a second one at once.

Exit codes:
  0  nothing was found
  1  findings were told
  2  wrong usage, or an input could not be read
  3  no line was understood";

#[derive(Subcommand, Clone, Debug)]
enum Command {
    /// Judge every required endpoint
    #[command(after_help = AUDIT_HELP)]
    Audit(AuditCommand),
    /// Tell what is new in logs while they are written
    #[command(after_help = WATCH_HELP)]
    Watch(WatchCommand),
    /// Tell the whole story of one endpoint or name, in time order
    Explain(ExplainCommand),
    /// List every name seen, whether the catalog knows it or not
    Names(NamesCommand),
    /// Write every record of logs as JSON Lines
    Records(RecordsCommand),
    /// List every input format, and how it is recognised
    Formats(FormatsCommand),
    /// Show and check lists of required endpoints
    #[command(subcommand)]
    Catalog(catalog::CatalogCommand),
}

/// Runs the program with these arguments, of which the first is its name.
#[must_use]
pub fn run<A>(arguments: impl IntoIterator<Item = A>, console: &mut Console<'_>) -> Exit
where
    A: Into<OsString> + Clone,
{
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return console.usage(&error),
    };
    let manner = cli.manner;
    match cli.command {
        Command::Audit(command) => audit::run(&command, &manner, console),
        Command::Watch(command) => watch::run(&command, &manner, console),
        Command::Explain(command) => explain::run(&command, &manner, console),
        Command::Names(command) => names::run(&command, &manner, console),
        Command::Records(command) => records::run(&command, &manner, console),
        Command::Formats(command) => formats::run(&command, &manner, console),
        Command::Catalog(command) => match catalog::run(&command, console.out) {
            Err(catalog::CatalogCommandError::Write(error))
                if error.kind() == io::ErrorKind::BrokenPipe =>
            {
                Exit::Success
            }
            Err(error) => console.trouble(&error.to_string()),
            Ok(()) => Exit::Success,
        },
    }
}

/// Where the program speaks to.
pub struct Console<'a> {
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub err: &'a mut dyn Write,
    /// What the two are like.
    pub surroundings: Surroundings,
}

/// What the program runs in. The default is a pipe on both sides.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Surroundings {
    /// Whether standard output is a terminal.
    pub out_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub err_is_terminal: bool,
    /// Columns of the terminal, where there is one.
    pub width: Option<u16>,
    /// Whether the environment allows colours: no NO_COLOR (no-color.org), no dumb terminal.
    pub colors_welcome: bool,
    /// Whether signals may be caught, which changes them for the whole process.
    pub catches_signals: bool,
}

impl Surroundings {
    /// Asks the operating system and the environment.
    #[must_use]
    pub fn detect() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            out_is_terminal: io::stdout().is_terminal(),
            err_is_terminal: io::stderr().is_terminal(),
            width: terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0),
            colors_welcome: !no_color && !dumb,
            catches_signals: true,
        }
    }
}

impl Console<'_> {
    fn terminal_options(&self, manner: &Manner) -> TerminalOptions {
        let color = match manner.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => self.surroundings.out_is_terminal && self.surroundings.colors_welcome,
        };
        let width = self.surroundings.width.unwrap_or(TerminalOptions::default().width);
        TerminalOptions { width, color, verbose: manner.verbose }
    }

    /// Says one line on standard error. A standard error that cannot be written leaves nobody to
    /// tell, so that failure is dropped.
    fn complain(&mut self, text: &str) {
        let _ = writeln!(self.err, "egress-audit: {}", escape::terminal(text));
    }

    /// The same, unless only errors are asked for.
    fn remark(&mut self, manner: &Manner, text: &str) {
        if !manner.quiet {
            self.complain(text);
        }
    }

    fn complain_of_inputs(&mut self, inputs: &[InputReport]) {
        for input in inputs {
            if let Some(error) = &input.error {
                self.complain(&format!("{}: {error}", input.path));
            }
        }
    }

    /// The options of a run that signals bring to an end with a result.
    fn stoppable(&self, options: Options) -> Result<Options, String> {
        if !self.surroundings.catches_signals {
            return Ok(options);
        }
        match signals::stop_on_signals() {
            Ok(stop) => Ok(Options { stop: Some(stop), ..options }),
            Err(error) => Err(format!("signals cannot be caught: {error}")),
        }
    }

    fn trouble(&mut self, text: &str) -> Exit {
        self.complain(text);
        Exit::Trouble
    }

    fn all_trouble(&mut self, errors: &[String]) -> Exit {
        errors.iter().for_each(|error| self.complain(error));
        Exit::Trouble
    }

    /// Runs work with a progress bar, if there is anybody to see it.
    fn with_progress<T>(&self, manner: &Manner, work: impl FnOnce(&dyn Progress) -> T) -> T {
        let bar = Bar::new(self.surroundings.err_is_terminal && !manner.quiet);
        let result = work(&bar);
        bar.finish();
        result
    }

    /// Help and versions are results, everything else that stops the parser is wrong usage.
    fn usage(&mut self, error: &clap::Error) -> Exit {
        let text = error.render();
        let surroundings = self.surroundings;
        let (stream, is_terminal, exit) = if error.use_stderr() {
            (&mut *self.err, surroundings.err_is_terminal, Exit::Trouble)
        } else {
            (&mut *self.out, surroundings.out_is_terminal, Exit::Success)
        };
        let written = if is_terminal && surroundings.colors_welcome {
            write!(stream, "{}", text.ansi())
        } else {
            write!(stream, "{text}")
        };
        // Nothing is lost that a caller could use: the exit code says what the text says.
        let _ = written.and_then(|()| stream.flush());
        exit
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn run_with(arguments: &[&str]) -> (Exit, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let surroundings = Surroundings::default();
        let mut console = Console { out: &mut out, err: &mut err, surroundings };
        let exit = run(["egress-audit"].iter().chain(arguments), &mut console);
        (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn the_arguments_are_declared_without_contradiction() {
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_usage_ends_with_two_and_a_message() {
        for (arguments, message) in [
            (&[][..], "Usage"),
            (&["audit"], "INPUT"),
            (&["explain", "x"], "INPUT"),
            (&["frobnicate"], "frobnicate"),
            (&["audit", "x", "--format", "html"], "html"),
            (&["audit", "x", "-o", "report.html"], ".json, .csv, .txt"),
            (&["audit", "x", "-o", "report"], ".json, .csv, .txt"),
            (&["names", "x", "-o", "names.json"], ".csv, .jsonl, .txt"),
            (&["explain", "n", "x", "-o", "story.csv"], ".json, .txt"),
            (&["audit", "x", "--threads", "0"], "--threads"),
            (&["audit", "x", "--fail-on", "reached"], "reached"),
            (&["audit", "x", "--color", "sometimes"], "sometimes"),
        ] {
            let (exit, out, err) = run_with(arguments);
            assert_eq!(exit, Exit::Trouble, "{arguments:?}");
            assert_eq!(exit.code(), 2);
            assert_eq!(out, "", "{arguments:?}");
            assert!(err.contains(message), "{arguments:?}: {err}");
        }
    }

    #[test]
    fn help_names_every_command_and_exit_code() {
        let (exit, out, err) = run_with(&["--help"]);
        assert_eq!((exit, err.as_str()), (Exit::Success, ""));
        for word in ["audit", "explain", "names", "--color", "--quiet", "--verbose", "Exit codes"] {
            assert!(out.contains(word), "{word}: {out}");
        }
        let (exit, out, _) = run_with(&["--version"]);
        assert_eq!(exit, Exit::Success);
        assert_eq!(out, format!("egress-audit {}\n", env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn help_of_each_command_names_its_options_and_formats() {
        let shared = ["--catalog", "--cloud", "--scenario", "--threads", "--format", "--output"];
        for (command, words) in [
            ("audit", &["--fail-on", "never-seen", "terminal", "json", "csv"][..]),
            ("names", &["terminal", "csv", "jsonl"]),
            ("explain", &["terminal", "json"]),
        ] {
            let (exit, out, _) = run_with(&[command, "--help"]);
            assert_eq!(exit, Exit::Success);
            for word in shared.iter().chain(words) {
                assert!(out.contains(word), "{command} {word}: {out}");
            }
            for absent in ["html", "markdown", "junit"] {
                assert!(!out.contains(absent), "{command} {absent}");
            }
        }
    }

    #[test]
    fn options_arrive_where_they_belong() {
        let cli = Cli::try_parse_from([
            "egress-audit",
            "audit",
            "--cloud",
            "public,gcc",
            "--scenario",
            "mobile",
            "-v",
            "-q",
            "--threads",
            "3",
            "--catalog",
            "power-automate@2026-05-13",
            "-o",
            "a.json",
            "-o",
            "b.csv",
            "--color",
            "never",
            "x.pcap",
            "-",
        ])
        .unwrap();
        assert!(cli.manner.verbose && cli.manner.quiet);
        assert_eq!(cli.manner.color, Color::Never);
        let Command::Audit(command) = cli.command else { panic!("another command") };
        let text = format!("{command:?}");
        for part in [
            "inputs: [\"x.pcap\", \"-\"]",
            "threads: Some(3)",
            "catalog: [\"power-automate@2026-05-13\"]",
            "clouds: [Public, Gcc]",
            "scenarios: [Mobile]",
            "path: \"a.json\", format: Json",
            "path: \"b.csv\", format: Csv",
            "fail_on: Blocked",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn an_input_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deny.csv");
        std::fs::write(&path, "evidence").unwrap();
        let path = path.to_str().unwrap();
        let (exit, _, err) = run_with(&["audit", path, "-o", path]);
        assert_eq!(exit, Exit::Trouble);
        assert!(err.contains("is an input and is not written over"), "{err}");
        assert_eq!(std::fs::read_to_string(path).unwrap(), "evidence");
    }

    #[test]
    fn complaints_act_on_no_terminal() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let surroundings = Surroundings::default();
        let mut console = Console { out: &mut out, err: &mut err, surroundings };
        let input = InputReport {
            error: Some("cut\u{1b}[2J".to_owned()),
            ..InputReport::new("a\u{202e}b.pcap".to_owned())
        };
        console.complain_of_inputs(&[input]);
        let text = String::from_utf8(err).unwrap();
        assert_eq!(text, "egress-audit: a\\u{202e}b.pcap: cut\\u{1b}[2J\n");
    }
}
