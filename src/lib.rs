//! oncue: pods start on cue.
//!
//! The pure parts decide, the shells act. `docs/design.md` describes the contracts between the
//! parts, and their dependencies.

pub mod admin;
pub mod api;
pub mod cluster;
pub mod commands;
pub mod config;
pub mod memory;
pub mod net;
pub mod rehearsal;
pub mod serve;
pub mod store;
pub mod webhook;

pub use oncue_core::{graph, injection, life, lint, model, workload, world};
pub use oncue_language as language;
pub use oncue_manifests as manifests;
