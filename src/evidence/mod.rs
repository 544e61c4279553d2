//! Evidence: attempts and resolutions that add up in any grouping and any order.

mod chains;
mod detail;
mod least;
mod names;
mod part;
mod settled;
mod sightings;
mod tally;
mod total;
mod unnamed;

pub use chains::ChainTable;
pub use detail::Detail;
pub use names::NameTable;
pub use settled::{Settled, UnnamedFailures};
pub(crate) use settled::{is_no_such_name, prefixes};
pub use sightings::{Seen, Sightings};
pub use tally::{Sample, Tally};
pub use total::{AttemptKey, Evidence, Limits, Pruned, ResolutionKey, Servers, Span};
