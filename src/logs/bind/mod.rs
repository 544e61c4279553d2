//! BIND 9, and the appliances built on it: Infoblox NIOS and EfficientIP SOLIDserver.
//!
//! ```text
//! 26-Nov-2025 04:15:00.250 queries: info: client @0x7f0c 10.1.2.3#50123 (www.example.com): query: www.example.com IN A +E(0)K (192.0.2.53)
//! 26-Nov-2025 04:15:00.260 rpz: info: client @0x7f0c 10.1.2.3#50124 (a.example.com): rpz QNAME NXDOMAIN rewrite a.example.com/A/IN via a.example.com.block.rpz
//! ```
//!
//! A question has no verdict. `denied` is the server's refusal by an access list. A response
//! policy zone that rewrote the answer is a denial, unless its policy is `PASSTHRU` or the line
//! begins with `disabled`: then it is logged and not applied. Zone transfers, updates and
//! notifications are no questions of clients.
//!
//! The times are local and state no zone.
//!
//! BIND 9 Administrator Reference Manual, "Logging": categories `queries`, `query-errors`,
//! `rpz`, `security`, `lame-servers`.

mod efficientip;
mod infoblox;
mod message;
mod named;

pub(super) use efficientip::EfficientIp;
pub(super) use infoblox::Infoblox;
pub(super) use named::Bind;
