//! Netskope: events of its REST interface, and the lines of its transaction log.

mod events;
mod transactions;

pub(super) use events::NetskopeEvents;
pub(super) use transactions::NetskopeTransaction;

use super::record::Action;
use super::value;

/// What a policy's word means; `None` for none of them.
fn action(word: &[u8]) -> Option<Action> {
    const PASSED: &[&str] =
        &["allow", "allow_default", "alert", "useralert", "bypass", "isolate", "detection"];
    const BLOCKED: &[&str] = &["block", "blocked", "deny", "drop", "block_default"];
    const OTHER: &[&str] = &["auth-redirect", "redirect", "proceed", "cancel"];
    if value::is_one_of(word, PASSED) {
        Some(Action::Allow)
    } else if value::is_one_of(word, BLOCKED) {
        Some(Action::Deny)
    } else {
        value::is_one_of(word, OTHER).then_some(Action::Other)
    }
}
