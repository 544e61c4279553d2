//! Tests of the whole program, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    reason = "a test that fails may do so at once"
)]

mod addresses;
mod cases;
mod catalog_tools;
mod certificates;
mod cli;
mod clues;
mod contradictions;
mod corpus;
mod goldens;
mod lab;
mod laws;
mod log_formats;
mod log_rules;
mod metamorphic;
mod names;
mod partitions;
mod readers;
mod rules;
mod scenarios;
mod service_tags;
mod sites;
mod support;
mod tidy;
mod tshark;
mod watch;
