//! Check Point: the Log Exporter's syslog, generic, CEF and JSON forms, and the oldest one.
//!
//! The keys and their meaning are those of [`fields`]; each form only splits them its own way.

mod cef;
mod fields;
mod json;
mod positional;
mod text;

pub(super) use cef::CheckpointCef;
pub(super) use json::CheckpointJson;
pub(super) use text::Checkpoint;
