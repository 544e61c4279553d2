//! Where observations go.

use super::{Attempt, NameId, Resolution, Sighting};

/// Takes what the readers observe, one shard at a time.
///
/// A reader holds names as [`NameId`]s of its sink, so a flow that lives for hours keeps four
/// bytes and not a string. Observations arrive in no particular order of time; a sink whose
/// result depends on the order of its calls breaks the promise of equal bytes for any number
/// of threads.
pub trait Sink: Send {
    /// The id of a normalised name; see [`normalize`](super::normalize).
    fn intern(&mut self, name: &str) -> NameId;

    /// An attempt came to its end.
    fn attempt(&mut self, attempt: &Attempt);

    /// A client was told where a name lives.
    fn resolution(&mut self, resolution: &Resolution);

    /// A name was seen.
    fn sighting(&mut self, sighting: &Sighting);
}
