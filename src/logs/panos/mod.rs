//! Palo Alto Networks PAN-OS: comma-separated lines, JSON objects, CEF and LEEF events.
//!
//! The log types and the words of their fields are those of [`event`]; each form only finds the
//! fields its own way.

mod cef;
mod csv;
mod event;
mod json;
mod leef;

pub(super) use cef::PanosCef;
pub(super) use csv::PanosCsv;
pub(super) use json::PanosJson;
pub(super) use leef::PanosLeef;
