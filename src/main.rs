//! oncue
fn main() {}
