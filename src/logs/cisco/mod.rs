//! Cisco: ASA and its kin, Firepower Threat Defense, IOS access lists and Meraki.

mod asa;
mod asa_text;
mod ftd;
mod ios;
mod meraki;
mod message;
mod ports;

pub(super) use asa::CiscoAsa;
pub(super) use ftd::CiscoFtd;
pub(super) use ios::CiscoIos;
pub(super) use meraki::CiscoMeraki;
