//! oncue-client
fn main() {}
