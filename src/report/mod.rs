//! The report: owned, sorted, complete; the JSON contract.
