//! The decisions of oncue: pure functions from values to values.
//!
//! No I/O, no clock, no randomness, no async: the manifest has no crate that brings them, and time
//! comes in as a value. The shells in `oncue` act on what is decided here.
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`access`] | who may do what in the store |
//! | [`assertion`] | one statement that a variable exists |
//! | [`cross_namespace`] | what may be asked about other namespaces |
//! | [`objects`] | whether an object is ready, complete or rolled out |
//! | [`world`] | what variables and objects say, now and at an earlier revision |
//! | [`injection`] | the JSON Patch of a pod, or why it gets none |
//! | [`workload`] | which pods an object makes |
//! | [`release`] | which pods a person lets go |
//! | [`gates`] | when the scheduling gate of a pod opens |
//! | [`life`] | what pods and Jobs assert, and for how long |
//! | [`dependent_pod`] | which pods depend on something, and wait |
//! | [`managed_pod`] | what a controller reads of a pod, in one go |
//! | [`reporting`] | what pods that wait show of it: a condition, Events and numbers |
//! | [`model`] | producers, consumers and cycles |
//! | [`assumption`] | what is true although no object says so |
//! | [`graph`] | how a model is drawn |
//! | [`order`] | when Helm, Argo CD and kapp apply an object |
//! | [`lint`] | what is wrong with a set of objects |
//! | [`token_bucket`] | how much is let through in a time |

pub mod access;
pub mod assertion;
pub mod assumption;
pub mod cross_namespace;
pub mod dependent_pod;
pub mod gates;
pub mod graph;
pub mod injection;
#[cfg(test)]
mod kit;
pub mod life;
pub mod lint;
pub mod managed_pod;
pub mod model;
pub mod objects;
pub mod order;
mod recorded_pod;
pub mod release;
pub mod reporting;
pub mod token_bucket;
pub mod workload;
pub mod world;

pub use oncue_language as language;
