//! Captures: container records in, observations out.
//!
//! One thread walks the records of a file and hands whole blocks on. Blocks are decoded in
//! parallel into tasks for the shards of the flow table; then the shards take their tasks in
//! parallel, each in the order of the packets.

mod conn_state;
pub mod container;
mod context;
mod coverage;
mod decode;
pub mod dissect;
mod dns_transactions;
mod dtls_flow;
mod encrypted_dns;
mod flow_key;
mod flow_table;
mod fragments;
pub(crate) mod fuzz;
mod heard;
pub mod link;
pub mod packet;
mod quic_flow;
mod sequence;
mod shard;
mod stream;
mod tcp;
mod udp_flow;

pub use conn_state::{ConnectionState, Side};
pub use coverage::{FlowCounts, PacketCounts};
pub use fragments::fuzz_fragments;
#[doc(hidden)]
pub use fuzz::fuzz_stream;
pub use sequence::{CaptureFacts, Open, SequenceResult, Workers, read_sequence};
