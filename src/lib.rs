//! egress-audit

pub mod capture;
pub mod catalog;
pub mod cli;
pub mod input;
pub mod observe;
pub mod render;
pub mod report;
