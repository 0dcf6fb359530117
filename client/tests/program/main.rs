//! The client's binary and its public parts against a store, a name server and services on
//! loopback.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod api;
mod client;
mod create;
mod empty_root;
mod hostile;
mod marker;
mod names;
mod nudges;
mod probes;
mod server;
mod tokens;
mod wait;
