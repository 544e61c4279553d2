//! The program `egress-audit`: arguments in, exit code out. Everything is in the library.

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use egress_audit::cli::{self, Console, Surroundings};

fn main() -> ExitCode {
    // Standard error is not locked, because the progress bar draws on it from other threads.
    let mut out = BufWriter::new(io::stdout().lock());
    let mut err = io::stderr();
    let mut console =
        Console { out: &mut out, err: &mut err, surroundings: Surroundings::detect() };
    let exit = cli::run(std::env::args_os(), &mut console);
    // What is left in the buffer after a failed write, such as to a closed pipe, is lost on purpose.
    let _ = out.flush();
    exit.into()
}
