//! Juniper: the security services of Junos on SRX.

mod srx;
mod srx_text;

pub(super) use srx::JuniperSrx;
