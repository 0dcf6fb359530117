//! What the objects of a cluster say: pure, from their JSON to the state of a term.
//!
//! Workloads are judged as `kubectl rollout status` judges them and conditions as `kubectl wait`
//! does, with two differences: zero wanted replicas do not hold, and `OnDelete` means that all
//! replicas are ready. A part of an object that has an unexpected type counts as absent.
//!
//! [`Sources::of`] says what has to be watched to judge a term, [`Source::trim`] what is to be kept
//! of each object, and [`state`] judges what was found.

mod claim;
mod condition;
mod daemonset;
mod deployment;
mod field;
mod job;
mod node;
mod on_node;
mod pod;
mod read;
mod reason;
mod rollout;
mod service;
mod several;
mod source;
mod statefulset;
mod trim;

use oncue_language::{ObjectDemand, ObjectKey, ObjectKind, ObjectState, Which};
use serde_json::Value;

pub(crate) use self::pod::state as pod_state;
use self::several::Together;
pub use self::source::{Part, Selection, Source, Sources, WatchedKind};

/// What was found of the [`Sources`] of a term.
#[derive(Clone, Debug, Default)]
pub struct Found<'a> {
    /// The object that the term names, if it exists.
    pub named: Option<&'a Value>,
    /// The other objects. There may be more than the source contains: those are passed over.
    pub related: Vec<&'a Value>,
}

/// Judges the objects that a term asks for.
pub fn state(key: &ObjectKey, found: &Found<'_>) -> ObjectState {
    let related = Sources::of(key).related;
    let is_related = |object: &&&Value| related.as_ref().is_some_and(|it| it.contains(object));
    let related = found.related.iter().filter(is_related).copied();
    match (&key.which, found.named) {
        (Which::Labelled { .. }, _) => together(key, related),
        (Which::Named(_), None) => ObjectState::Absent,
        (Which::Named(_), Some(object)) => named(key, object, related),
    }
}

/// Judges the objects with some labels: so many pods, or all Jobs.
fn together<'a>(key: &ObjectKey, objects: impl Iterator<Item = &'a Value>) -> ObjectState {
    let (what, holds) = match (&key.kind, &key.demand) {
        (ObjectKind::Job, ObjectDemand::Rule) => ("Jobs", "are complete"),
        (ObjectKind::Job, _) => ("Jobs", "hold"),
        (ObjectKind::Pod, ObjectDemand::Rule) => ("pods", "are Ready"),
        (ObjectKind::Pod, _) => ("pods", "hold"),
        _ => ("objects", "hold"),
    };
    let node = key.node.as_ref();
    let together = Together { what, holds, node };
    let judge = |object: &Value| asked(key, &key.kind, object);
    if key.kind == ObjectKind::Job {
        return together.all(objects, judge);
    }
    let wanted = usize::try_from(key.which.at_least().get()).unwrap_or(usize::MAX);
    together.at_least(wanted, objects, judge)
}

fn named<'a>(
    key: &ObjectKey,
    object: &Value,
    related: impl Iterator<Item = &'a Value>,
) -> ObjectState {
    match (&key.kind, &key.node, &key.demand) {
        (ObjectKind::DaemonSet, Some(node), _) => {
            let judge = |pod: &Value| asked(key, &ObjectKind::Pod, pod);
            on_node::daemonset(object, related, node, judge)
        }
        (kind, Some(node), _) => on_node::pod(object, node, |pod| asked(key, kind, pod)),
        (ObjectKind::Service, None, ObjectDemand::Rule) => service::state(object, related),
        (kind, None, _) => asked(key, kind, object),
    }
}

/// Judges one object of a kind by what a term asks of it.
fn asked(key: &ObjectKey, kind: &ObjectKind, object: &Value) -> ObjectState {
    match &key.demand {
        ObjectDemand::Condition(condition) => condition::state(object, condition.as_str()),
        ObjectDemand::Field { path, demand } => field::state(object, path, demand),
        ObjectDemand::Rule => rule(kind, object),
    }
}

/// Judges one object by the rule of its kind.
fn rule(kind: &ObjectKind, object: &Value) -> ObjectState {
    match kind {
        ObjectKind::ConfigMap | ObjectKind::Other(_) | ObjectKind::Secret => ObjectState::Holds,
        ObjectKind::DaemonSet => daemonset::state(object),
        ObjectKind::Deployment => deployment::state(object),
        ObjectKind::Job => job::state(object),
        ObjectKind::Node => node::state(object),
        ObjectKind::PersistentVolumeClaim => claim::state(object),
        ObjectKind::Pod => pod::state(object),
        ObjectKind::Service => service::state(object, []),
        ObjectKind::StatefulSet => statefulset::state(object),
    }
}

#[cfg(test)]
mod tests;
