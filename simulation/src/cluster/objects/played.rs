//! What the simulation plays of the objects that terms ask for.
//!
//! Whatever else a cluster would write into an object is not known here. A term that asks for it
//! never holds by accident, and is reported.

use oncue_language::{
    ObjectDemand, ObjectKey, ObjectKind,
    object::{FieldPath, FieldStep},
};
use serde_json::Value;

/// Returns whether the simulation tells what a term asks of each of these objects; for none, whether
/// it may tell that.
///
/// Fields outside of the status are those of the files: one that is not there may be set in a
/// cluster, by a default or by a controller.
pub(in crate::cluster) fn fills<'a>(
    key: &ObjectKey,
    objects: impl IntoIterator<Item = &'a Value>,
) -> bool {
    match (&key.kind, &key.demand) {
        (ObjectKind::Other(_), _) | (ObjectKind::PersistentVolumeClaim, ObjectDemand::Rule) => {
            false
        }
        (_, ObjectDemand::Rule) => true,
        (kind, ObjectDemand::Condition(condition)) => {
            let mut written = conditions(kind).iter();
            written.any(|it| it.eq_ignore_ascii_case(condition.as_str()))
        }
        (kind, ObjectDemand::Field { path, .. }) => {
            let mut written = fields(kind).iter();
            written.any(|field| is_part(path, field))
                || !is_of_status(path) && objects.into_iter().all(|object| is_set(object, path))
        }
    }
}

/// Returns the types of the conditions that the simulation writes.
fn conditions(kind: &ObjectKind) -> &'static [&'static str] {
    match kind {
        ObjectKind::Deployment => &["Available", "Progressing", "ReplicaFailure"],
        ObjectKind::Job => &[
            "Complete",
            "Failed",
            "FailureTarget",
            "SuccessCriteriaMet",
            "Suspended",
        ],
        ObjectKind::Node => &["Ready"],
        ObjectKind::Pod => &["ContainersReady", "Initialized", "PodScheduled", "Ready"],
        ObjectKind::ConfigMap
        | ObjectKind::DaemonSet
        | ObjectKind::Other(_)
        | ObjectKind::PersistentVolumeClaim
        | ObjectKind::Secret
        | ObjectKind::Service
        | ObjectKind::StatefulSet => &[],
    }
}

/// Returns the fields that the simulation writes: names, and `*` for every item of a list.
///
/// Lists of conditions are not among them: their order is not that of a cluster.
fn fields(kind: &ObjectKind) -> &'static [&'static str] {
    match kind {
        ObjectKind::DaemonSet => &[
            "status.currentNumberScheduled",
            "status.desiredNumberScheduled",
            "status.numberAvailable",
            "status.numberMisscheduled",
            "status.numberReady",
            "status.numberUnavailable",
            "status.observedGeneration",
            "status.updatedNumberScheduled",
        ],
        ObjectKind::Deployment => &[
            "status.availableReplicas",
            "status.observedGeneration",
            "status.readyReplicas",
            "status.replicas",
            "status.unavailableReplicas",
            "status.updatedReplicas",
        ],
        ObjectKind::Job => &[
            "status.active",
            "status.completionTime",
            "status.failed",
            "status.ready",
            "status.startTime",
            "status.succeeded",
        ],
        ObjectKind::Pod => &[
            "metadata.creationTimestamp",
            "metadata.uid",
            "spec.nodeName",
            "status.containerStatuses.*.lastState",
            "status.containerStatuses.*.name",
            "status.containerStatuses.*.ready",
            "status.containerStatuses.*.restartCount",
            "status.containerStatuses.*.started",
            "status.containerStatuses.*.state",
            "status.initContainerStatuses.*.lastState",
            "status.initContainerStatuses.*.name",
            "status.initContainerStatuses.*.ready",
            "status.initContainerStatuses.*.restartCount",
            "status.initContainerStatuses.*.started",
            "status.initContainerStatuses.*.state",
            "status.phase",
            "status.startTime",
        ],
        ObjectKind::StatefulSet => &[
            "status.availableReplicas",
            "status.currentReplicas",
            "status.observedGeneration",
            "status.readyReplicas",
            "status.replicas",
            "status.updatedReplicas",
        ],
        ObjectKind::ConfigMap
        | ObjectKind::Node
        | ObjectKind::Other(_)
        | ObjectKind::PersistentVolumeClaim
        | ObjectKind::Secret
        | ObjectKind::Service => &[],
    }
}

/// Returns whether a path leads to a field, to a part of it, or to what it is a part of.
fn is_part(path: &FieldPath, field: &str) -> bool {
    let mut pairs = path.steps().iter().zip(field.split('.'));
    pairs.all(|(step, name)| match step {
        FieldStep::Index(_) => name == "*",
        FieldStep::Member(member) => **member == *name,
    })
}

fn is_of_status(path: &FieldPath) -> bool {
    matches!(path.steps().first(), Some(FieldStep::Member(member)) if &**member == "status")
}

fn is_set(object: &Value, path: &FieldPath) -> bool {
    let value = path.steps().iter().try_fold(object, step_into);
    // The API server drops a null.
    value.is_some_and(|value| !value.is_null())
}

fn step_into<'a>(value: &'a Value, step: &FieldStep) -> Option<&'a Value> {
    match step {
        FieldStep::Index(index) => value.get(usize::try_from(*index).ok()?),
        FieldStep::Member(member) => value.get(&**member),
    }
}
