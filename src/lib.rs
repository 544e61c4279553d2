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
    Error, Options, Progress, Requirement, Watched, audit, explain, explain_detection, formats,
    names, records, watch,
};
