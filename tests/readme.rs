//! What the README shows is what the program prints.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests stop where something is not as they expect"
)]

use std::path::PathBuf;
use std::process::Command;

/// Stands for lines that the README leaves out.
const ELLIPSIS: &str = "…";
/// How many lines of the beginning the README shows at most; it shows whole verdicts.
const BEGINNING: usize = 32;
/// The line from which on the README shows the rest.
const END: &str = "NEVER SEEN";

#[test]
fn the_first_command_prints_what_the_readme_shows() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once("```text\n").expect("a block of output");
    let (shown, after) = rest.split_once("```\n").expect("the end of the block");
    let excerpt = excerpt(&output(&first_command(&readme)));
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(&path, format!("{before}```text\n{excerpt}```\n{after}")).unwrap();
        return;
    }
    assert!(
        shown == excerpt,
        "the README shows what is no longer printed; UPDATE_README=1 cargo test --test readme renews it:\n{excerpt}"
    );
}

#[test]
fn every_subcommand_is_in_the_readme() {
    let readme = include_str!("../README.md");
    for (group, words) in
        [("", ["audit", "explain", "names"]), ("catalog ", ["list", "show", "check"])]
    {
        for word in words {
            assert!(readme.contains(&format!("| `{group}{word}` |")), "{group}{word}");
        }
    }
    let help = output(&["--help".to_owned()]);
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    for line in commands.take_while(|line| !line.is_empty()) {
        let command = line.split_whitespace().next().unwrap();
        assert!(command == "help" || readme.contains(&format!("| `{command}")), "{command}");
    }
}

/// The arguments of the first command in the README.
fn first_command(readme: &str) -> Vec<String> {
    let line = readme.lines().find_map(|line| line.strip_prefix("    cargo run --release -- "));
    line.expect("a first command").split_whitespace().map(str::to_owned).collect()
}

fn output(arguments: &[String]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_egress-audit"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The beginning and the end of an output, without the blanks at the ends of lines.
fn excerpt(output: &str) -> String {
    let lines: Vec<&str> = output.lines().map(str::trim_end).collect();
    let end = lines.iter().position(|line| line.starts_with(END)).expect("what was never seen");
    let starts = |at: &usize| !lines[*at].starts_with(' ');
    let beginning = (0..=BEGINNING.min(end)).rev().find(starts).unwrap_or_default();
    let mut kept: Vec<&str> = lines[..beginning].to_vec();
    kept.push(ELLIPSIS);
    kept.extend(&lines[end..]);
    kept.iter().map(|line| format!("{line}\n")).collect()
}
