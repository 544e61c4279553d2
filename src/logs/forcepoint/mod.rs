//! Forcepoint: the NGFW engine, and web security (formerly Websense).

mod ngfw;
mod web;

pub(super) use ngfw::ForcepointNgfw;
pub(super) use web::ForcepointWeb;
