//! Captures: container records in, observations out.

pub mod container;
pub mod dissect;
pub mod link;
pub mod packet;
