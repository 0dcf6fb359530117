//! End-to-end tests of oncue on a kind cluster.
//!
//! - [`up`], [`demo`], [`figures`], [`logs`], [`suite`]: the commands of `e2e`, on a [`cluster`]
//! - [`kit`]: the helpers of the tests in `tests/`
//! - [`release`], [`previous`]: the chart with its images, of this tree and of the previous commit
//! - [`backend`]: the backend of the store
//! - [`kubernetes`]: the version of a cluster
//! - [`tools`], [`process`], [`folders`]: the basis of all of them

pub mod backend;
pub mod cluster;
pub mod demo;
pub mod figures;
pub mod folders;
pub mod kit;
pub mod kubernetes;
pub mod logs;
mod patience;
pub mod previous;
pub mod process;
pub mod release;
mod steps;
pub mod suite;
pub mod tools;
pub mod up;
