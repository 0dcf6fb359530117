//! oncue: pods start on cue.
//!
//! The pure parts decide, the shells act. `docs/design.md` describes the contracts between the
//! parts, and their dependencies.

mod admin;
pub mod api;
#[cfg(test)]
mod captured_log;
mod cluster;
pub mod commands;
mod config;
mod controller;
mod fairness;
pub mod identity;
mod instance;
mod leadership;
pub mod memory;
pub mod net;
mod outage;
mod rehearsal;
mod serve;
pub mod store;
pub mod webhook;

pub use oncue_core::{cross_namespace, dependent_pod, injection, life, release, world};
pub use oncue_language as language;

use oncue_core::{
    assumption, gates, graph, lint, managed_pod, model, objects, reporting, workload,
};
use oncue_manifests as manifests;
