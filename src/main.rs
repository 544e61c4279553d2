//! egress-audit
fn main() {}
