//! What the objects of a cluster say: pure, from their JSON to the state of a term.
//!
//! Workloads are judged as `kubectl rollout status` judges them and conditions as `kubectl wait`
//! does, with two differences: zero wanted replicas do not hold, and `OnDelete` means that all
//! replicas are ready. A part of an object that has an unexpected type counts as absent.

pub mod claim;
pub mod condition;
pub mod daemonset;
pub mod deployment;
pub mod job;
pub mod node;
pub mod on_node;
pub mod pod;
mod read;
mod reason;
mod rollout;
pub mod service;
pub mod several;
pub mod statefulset;
pub mod trim;

#[cfg(test)]
mod tests;
