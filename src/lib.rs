#![doc = include_str!("ARCHITECTURE.md")]

pub mod capture;
pub mod catalog;
pub mod cli;
pub mod evidence;
pub mod input;
pub mod logs;
pub mod observe;
mod pipeline;
pub mod render;
pub mod report;
pub mod service_tags;
pub mod trust;
pub mod verdict;

pub use pipeline::{
    Error, Options, Progress, Requirement, Site, Watched, audit, audit_sites, explain,
    explain_detection, explain_sites, formats, names, records, watch,
};
