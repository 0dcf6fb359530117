//! Tests that disturb other tests on the cluster of `e2e up`. They run one after another.

mod authority;
mod controller;
mod nodes;
mod release;
mod store;
mod upgrade;
mod webhook;
