//! One file per subcommand.

pub mod catalog;
