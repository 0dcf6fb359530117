//! End-to-end tests of oncue on a real cluster: real API server, real kubelet, real containerd.
//!
//! - [`up`], [`demo`], [`figures`], [`logs`], [`suite`]: what the program `e2e` does, on a [`cluster`];
//! - [`kit`]: what the tests are written with, see `tests/`;
//! - [`release`], [`previous`]: the chart with its images, as they are and as they were;
//! - [`tools`], [`process`]: what all of them stand on.

pub mod cluster;
pub mod demo;
pub mod figures;
pub mod kit;
pub mod logs;
mod patience;
pub mod previous;
pub mod process;
pub mod release;
mod steps;
pub mod suite;
pub mod tools;
pub mod up;
