//! The scheduling gate of oncue that holds a pod.

use oncue_core::gates::{GateWait, GatedPod, Overdue};
use oncue_language::{AnnotationError, Keys, annotation::Key};
use serde_json::Value;
use thiserror::Error;

/// A scheduling gate that holds a pod.
#[derive(Debug)]
pub(super) struct HeldGate {
    /// Its index among the gates of the pod.
    pub(super) index: usize,
    pub(super) wait: GateWait,
    /// Why the wait has failed, if it has.
    pub(super) overdue: Option<Overdue>,
}

impl HeldGate {
    /// Reads an admitted pod; returns `None` if it has no gate of oncue.
    ///
    /// # Errors
    /// [`Unusable`] if the gate can never open.
    pub(super) fn read(pod: &Value, keys: &Keys) -> Result<Option<Self>, Unusable> {
        let read = GatedPod::read(pod, keys).map_err(|error| Unusable::Gate(error.to_string()))?;
        let Some(gate) = read.gate else {
            return Ok(None);
        };
        Ok(Some(Self {
            index: gate.index,
            wait: gate
                .wait
                .map_err(|problem| Unusable::Gate(problem.to_string()))?,
            overdue: None,
        }))
    }
}

/// Returns the names of the scheduling gates of others.
pub(super) fn foreign_gates(pod: &Value, keys: &Keys) -> Vec<String> {
    let ours = keys.prefixed(Key::DependsOn);
    let gates = pod["spec"]["schedulingGates"].as_array();
    let names = gates.into_iter().flatten();
    let names = names.filter_map(|gate| gate["name"].as_str());
    names
        .filter(|name| *name != ours)
        .map(str::to_owned)
        .collect()
}

/// Why an admitted pod cannot be simulated.
#[derive(Debug, Error)]
pub(super) enum Unusable {
    /// Its annotations are wrong.
    #[error(transparent)]
    Annotations(#[from] AnnotationError),
    /// Its gate never opens.
    #[error("its gate stays closed: {0}")]
    Gate(String),
}
