//! Scenarios that disturb whatever else runs on the cluster of `e2e up`: one after another.

mod authority;
mod nodes;
mod release;
mod store;
mod upgrade;
mod webhook;
