//! What happens to every init container of a set of objects.

mod annotate;
mod ksgate;
mod pod;
#[cfg(test)]
mod tests;

use oncue_core::workload::{self, Workload};
use oncue_language::Namespace;
use serde_json::Value;

pub use self::annotate::Annotation;
pub(crate) use self::annotate::Existing;
use crate::objects::Objects;

/// What the caller wants.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether terms are used that say slightly more or less than the container.
    pub approximate: bool,
    /// Where objects without a namespace live, if that is known.
    pub namespace: Option<Namespace>,
}

/// The plan for one pod template.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PodPlan {
    /// The number of the document.
    pub document: usize,
    /// The JSON pointer to the pod's `metadata` and `spec`.
    pub template: String,
    /// The object, such as `Deployment/web`.
    pub object: String,
    /// Its init containers, in their order, without sidecars.
    pub containers: Vec<ContainerPlan>,
    /// Its scheduling gates of ksgate, in their order.
    pub gates: Vec<ContainerPlan>,
    /// The annotations that take the place of the converted containers.
    pub annotations: Vec<Annotation>,
}

/// The plan for one init container or scheduling gate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ContainerPlan {
    /// Its number in the list.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// What happens to it.
    pub outcome: Outcome,
    /// What a reader should know about the conversion.
    pub notes: Vec<String>,
}

/// What happens to a container.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Terms say nearly the same, but the settings ask for exact ones only.
    Approximate {
        /// The terms.
        terms: Vec<String>,
        /// What differs.
        difference: String,
    },
    /// Terms take its place.
    Converted {
        /// The terms.
        terms: Vec<String>,
    },
    /// It stays.
    Left {
        /// Why, to be read after "it".
        reason: String,
    },
}

impl PodPlan {
    /// Returns the numbers of the containers that terms replace.
    pub fn removed(&self) -> impl Iterator<Item = usize> {
        converted(&self.containers)
    }

    /// Returns the numbers of the scheduling gates that terms replace.
    pub fn opened(&self) -> impl Iterator<Item = usize> {
        converted(&self.gates)
    }
}

fn converted(plans: &[ContainerPlan]) -> impl Iterator<Item = usize> {
    let plans = plans.iter();
    let converted = plans.filter(|it| matches!(it.outcome, Outcome::Converted { .. }));
    converted.map(|plan| plan.index)
}

/// Returns the plan for every pod template with init containers or scheduling gates in `documents`.
pub fn plan(documents: &[&Value], settings: &Settings) -> Vec<PodPlan> {
    let objects = documents
        .iter()
        .flat_map(|document| workload::objects(document));
    let objects = Objects::new(objects.map(|(_, object)| object).collect());
    let mut plans = Vec::new();
    for (document, object) in documents.iter().enumerate() {
        for workload in workload::find(object) {
            if has(&workload, "/spec/initContainers") || has(&workload, "/spec/schedulingGates") {
                plans.push(pod::plan(document, &workload, (&objects, settings)));
            }
        }
    }
    plans
}

fn has(workload: &Workload<'_>, pointer: &str) -> bool {
    let list = workload.template().pointer(pointer);
    list.and_then(Value::as_array)
        .is_some_and(|list| !list.is_empty())
}
