//! What the command line changes: failures, pods that never start, and assumptions.

use std::collections::BTreeSet;

use oncue_core::{assumption::Assumption, model::ExistingVariable};
use thiserror::Error;

use crate::order::Order;

/// How a simulation differs from what the files say.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Number of nodes.
    pub nodes: u32,
    /// Pods and workloads whose containers fail.
    pub fail: BTreeSet<String>,
    /// Pods and workloads whose own containers never start, as if their image could not be pulled.
    pub hold: BTreeSet<String>,
    /// What is true although it is not in the files.
    pub assumptions: Vec<Assumption>,
    /// The variables that exist from the beginning, such as those of Signals.
    pub existing: Vec<ExistingVariable>,
    /// The order in which an installer applies the objects; without one, all at once.
    pub order: Option<Order>,
}

/// A name of `--fail` or `--hold` that no workload or pod has.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{name:?} is neither a workload nor a pod of these files")]
pub struct UnknownName {
    pub(crate) name: String,
}
