//! How an outcome is written: two keys, `outcome` and `cause`.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::observe::Outcome;

/// Serialises an outcome as `outcome` (a word) and `cause` (a word of [`Cause`](crate::observe::Cause)
/// for a block, of [`Doubt`](crate::observe::Doubt) for an inconclusive attempt, else null).
#[derive(Serialize)]
struct Words {
    outcome: &'static str,
    cause: Option<&'static str>,
}

/// For `#[serde(flatten, serialize_with)]`.
pub(super) fn serialize<S: Serializer>(
    outcome: &Outcome,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    Words { outcome: outcome.as_str(), cause: outcome.cause() }.serialize(serializer)
}

/// The same for events of which some have no outcome: both keys are then null.
pub(super) fn serialize_option<S: Serializer>(
    outcome: &Option<Outcome>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match outcome {
        Some(outcome) => serialize(outcome, serializer),
        None => {
            let mut keys = serializer.serialize_struct("Words", 2)?;
            keys.serialize_field("outcome", &None::<&str>)?;
            keys.serialize_field("cause", &None::<&str>)?;
            keys.end()
        }
    }
}
