//! Tests that disturb other tests on the cluster of `e2e up`. They run one after another.

mod api_server;
mod authority;
mod certificates;
mod controller;
mod leader;
mod nodes;
mod release;
mod replicas;
mod store;
mod upgrade;
mod webhook;
