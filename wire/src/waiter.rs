//! Waiters: the waits that a store holds.

use oncue_language::{Namespace, Timestamp};
use serde::{Deserialize, Serialize};

use crate::wait::JudgedTerm;

/// A page of the waiters, the longest waiting first.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct WaiterList {
    /// The revision at which the page was read.
    pub revision: String,
    /// The waiters.
    pub waiters: Vec<Waiter>,
    /// Gets the next page; none on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#continue: Option<String>,
}

/// A wait that the store holds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Waiter {
    /// The name of the pod that waits, if a pod does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<String>,
    /// The namespace of the pod.
    pub namespace: Namespace,
    /// When its wait began.
    pub since: Timestamp,
    /// The terms that it waits for, with their states at present.
    pub terms: Vec<JudgedTerm>,
}
