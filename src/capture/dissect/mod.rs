//! Dissectors: names and outcomes out of payload bytes. Pure functions over slices; buffering and
//! order belong to the stream that calls them.

pub mod dns;
pub mod dtls;
pub mod http;
pub mod http2;
pub mod proxy_protocol;
pub mod quic;
pub mod socks;
pub mod tls;
