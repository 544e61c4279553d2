//! The shared vocabulary: what a capture or a log can say, in one set of types.
//!
//! Everything left of this module turns bytes into these values; everything right of it adds
//! them up. Nothing here reads, prints or keeps state beyond one value.

mod address;
mod anomaly;
mod attempt;
mod cause;
pub mod decider;
mod fact;
mod locator;
mod name;
mod origin;
mod sign;
mod sink;
mod sinkhole;
mod time;

pub use address::{Address, SocketAddress};
pub use anomaly::{Anomalies, Anomaly, AnomalyKind};
pub use attempt::{Alias, Attempt, ChainId, Channel, NameSource, Offer, Resolution, Sighting};
pub use cause::{Cause, Doubt, Outcome};
pub use fact::{Fact, Hello};
pub use locator::Locator;
pub use name::{MAX_NAME_LENGTH, NameId, TextId, is_plainly_a_name, normalize};
pub use origin::{Origin, Sender, count_hops};
pub use sign::{Product, Sign};
pub use sink::{OWN_HOST, Sink, Sum};
pub use sinkhole::is_block_alias;
pub use time::{Duration, Frame, Timestamp};
