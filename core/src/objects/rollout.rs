//! What the rollouts of all kinds have in common.

use std::fmt;

use oncue_language::ObjectState;
use serde_json::Value;

use super::{
    read::{count, number},
    reason::{because, pending},
};
use crate::workload::text;

/// How far a rollout has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) have: i64,
    pub(super) wanted: i64,
    /// What is counted, as in `2 of 3 pods are ready`.
    pub(super) what: &'static str,
}

impl Step {
    pub(super) fn is_done(self) -> bool {
        self.have >= self.wanted
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { have, wanted, what } = self;
        write!(f, "{have} of {wanted} {what}")
    }
}

/// Returns the state of a rollout that takes these steps; `obstacle` says what keeps it from the
/// next one.
pub(super) fn state(steps: impl IntoIterator<Item = Step>, obstacle: Option<&str>) -> ObjectState {
    match steps.into_iter().find(|step| !step.is_done()) {
        Some(step) => pending(because(step, obstacle)),
        None => ObjectState::Holds,
    }
}

/// Returns whether the controller has seen the last change of the object.
pub(super) fn is_observed(object: &Value) -> bool {
    count(object, "/metadata/generation") <= count(object, "/status/observedGeneration")
}

/// Returns the state of an object whose last change its controller has not seen.
pub(super) fn unobserved() -> ObjectState {
    pending("its last change has not been observed yet")
}

/// Returns the state of an object that wants no pods: nothing is there to depend on.
pub(super) fn scaled_to_zero() -> ObjectState {
    pending("is scaled to zero replicas")
}

/// Returns how many replicas are wanted.
pub(super) fn replicas(object: &Value) -> i64 {
    number(object, "/spec/replicas").unwrap_or(1)
}

/// Returns whether pods are only replaced once someone has deleted them, so that a rollout need
/// never end.
pub(super) fn is_on_delete(object: &Value) -> bool {
    text(object, "/spec/updateStrategy/type") == Some("OnDelete")
}
