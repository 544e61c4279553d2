//! The DNS server of Windows: its debug log and its analytical events.
//!
//! Both speak of four kinds of packets. Questions come from clients and answers go back to them;
//! questions that the server cannot answer go on to another server and come back from it. So one
//! lookup appears up to four times, and the address of a line is a client's or a server's.

mod debug;
mod etw;

pub(super) use debug::WindowsDnsDebug;
pub(super) use etw::WindowsDnsEtw;
