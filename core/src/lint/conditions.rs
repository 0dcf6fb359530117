//! Terms that ask for a status condition which Kubernetes never sets.

use super::{
    Code, Severity,
    waits::{Said, Waits},
};
use crate::{
    language::{ObjectDemand, ObjectKind, ObjectTerm, Target},
    model::Link,
};

impl Waits<'_> {
    /// Warns about a condition that only another controller could set.
    pub(super) fn foreign_condition(&self, link: &Link) -> Option<Said> {
        let Target::Object(object) = &self.links.term(link).value.target else {
            return None;
        };
        let ObjectDemand::Condition(condition) = &object.demand else {
            return None;
        };
        let known = conditions_of(&object.kind)?;
        let is_asked = |known: &&str| known.eq_ignore_ascii_case(condition.as_str());
        // A prefix says whose condition it is, such as that of a readiness gate.
        if condition.as_str().contains('/') || known.iter().any(is_asked) {
            return None;
        }
        let known = match known {
            [] => "no conditions".to_owned(),
            known => format!("only {}", known.join(", ")),
        };
        let ObjectTerm { kind, .. } = object.as_ref();
        let by_rule = ObjectTerm {
            demand: ObjectDemand::Rule,
            ..object.as_ref().clone()
        };
        let message = format!(
            "{object} holds only if another controller sets {condition}: Kubernetes sets {known} \
             on a {kind}; {by_rule} waits until it {}",
            kind.holds_when()
        );
        Some((Severity::Warning, Code::NeverHolds, message))
    }
}

/// Returns the types of the conditions that Kubernetes sets on objects of a built-in kind; `None`
/// for a kind whose conditions are not known here.
fn conditions_of(kind: &ObjectKind) -> Option<&'static [&'static str]> {
    match kind {
        ObjectKind::ConfigMap
        | ObjectKind::Other(_)
        | ObjectKind::PersistentVolumeClaim
        | ObjectKind::Secret => None,
        ObjectKind::DaemonSet | ObjectKind::Service | ObjectKind::StatefulSet => Some(&[]),
        ObjectKind::Deployment => Some(&["Available", "Progressing", "ReplicaFailure"]),
        ObjectKind::Job => Some(&[
            "Complete",
            "Failed",
            "Suspended",
            "SuccessCriteriaMet",
            "FailureTarget",
        ]),
        ObjectKind::Node => Some(&[
            "Ready",
            "MemoryPressure",
            "DiskPressure",
            "PIDPressure",
            "NetworkUnavailable",
        ]),
        ObjectKind::Pod => Some(&[
            "PodScheduled",
            "Initialized",
            "ContainersReady",
            "Ready",
            "DisruptionTarget",
            "PodReadyToStartContainers",
            "PodResizePending",
            "PodResizeInProgress",
        ]),
    }
}
