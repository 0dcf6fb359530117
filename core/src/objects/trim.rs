//! What is kept of an object, so that a cache of many stays small: what its judgement reads.

use oncue_language::ObjectKind;
use serde_json::{Map, Value};

use super::{
    claim, condition, daemonset, deployment, job, pod, service,
    source::{Part, WatchedKind},
    statefulset,
};

/// Returns what is read of an object of this kind.
pub(super) fn kept(kind: &WatchedKind, part: Part, object: &Value) -> Value {
    match part {
        Part::Judged => fields(object, &[&IDENTITY, &condition::READ, of_kind(kind)]),
        Part::Metadata => fields(object, &[&IDENTITY]),
        Part::Whole => whole(object),
    }
}

/// Returns which fields the rule of a kind reads, besides conditions.
fn of_kind(kind: &WatchedKind) -> &'static [&'static str] {
    match kind {
        WatchedKind::EndpointSlice => &service::READ_SLICE,
        WatchedKind::Object(kind) => match kind {
            ObjectKind::ConfigMap
            | ObjectKind::Node
            | ObjectKind::Other(_)
            | ObjectKind::Secret => &[],
            ObjectKind::DaemonSet => &daemonset::READ,
            ObjectKind::Deployment => &deployment::READ,
            ObjectKind::Job => &job::READ,
            ObjectKind::PersistentVolumeClaim => &claim::READ,
            ObjectKind::Pod => &pod::READ,
            ObjectKind::Service => &service::READ,
            ObjectKind::StatefulSet => &statefulset::READ,
        },
    }
}

/// Returns everything but the record of who wrote which field, often the larger part of an object.
fn whole(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.shift_remove("managedFields");
    }
    object
}

/// Returns the fields of `object` that one of the patterns names: JSON pointers in which `*` stands
/// for every item of a list.
fn fields(object: &Value, patterns: &[&[&str]]) -> Value {
    let patterns: Vec<_> = patterns.concat();
    copy(object, &patterns)
}

fn copy(value: &Value, patterns: &[&str]) -> Value {
    if patterns.contains(&"") {
        return value.clone();
    }
    match value {
        Value::Array(items) => {
            let below = below(patterns, "*");
            let items = items.iter().filter(|_| !below.is_empty());
            items.map(|item| copy(item, &below)).collect()
        }
        Value::Object(fields) => {
            let copied = |(key, value): (&String, &Value)| {
                let below = below(patterns, key);
                (!below.is_empty()).then(|| (key.clone(), copy(value, &below)))
            };
            Value::Object(fields.iter().filter_map(copied).collect::<Map<_, _>>())
        }
        // Nothing is below it, so that nothing of it is read.
        _ => Value::Null,
    }
}

/// Returns what is left of the patterns below a field.
fn below<'p>(patterns: &[&'p str], field: &str) -> Vec<&'p str> {
    let rest = |pattern: &&'p str| {
        let rest = pattern.strip_prefix('/')?.strip_prefix(field)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(rest)
    };
    patterns.iter().filter_map(rest).collect()
}

/// What tells objects of a kind apart, which terms they belong to, and whether they are going.
pub(super) const IDENTITY: [&str; 6] = [
    "/metadata/deletionTimestamp",
    "/metadata/labels",
    "/metadata/name",
    "/metadata/namespace",
    "/metadata/ownerReferences",
    "/metadata/uid",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_read_is_kept() {
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "a", "uid": "u", "annotations": {"a": "b"}, "managedFields": [{}]},
            "spec": {"containers": [{"name": "main", "image": "i"}], "nodeName": "n"},
            "status": {
                "conditions": [
                    {"type": "Ready", "status": "True", "lastProbeTime": null, "message": "m"},
                    "not a condition",
                ],
                "containerStatuses": {"not": "a list"},
                "initContainerStatuses": [{"name": "i", "state": {"waiting": {"reason": "r"}}}],
                "phase": "Running",
                "podIP": "10.0.0.1",
            },
        });
        assert_eq!(
            kept(&WatchedKind::Object(ObjectKind::Pod), Part::Judged, &pod),
            json!({
                "metadata": {"name": "a", "uid": "u"},
                "spec": {"nodeName": "n"},
                "status": {
                    "conditions": [{"type": "Ready", "status": "True"}, null],
                    "containerStatuses": {},
                    "initContainerStatuses": [{"state": {"waiting": {"reason": "r"}}}],
                    "phase": "Running",
                },
            })
        );
    }

    #[test]
    fn a_field_is_not_taken_for_another_that_begins_like_it() {
        let object = json!({"metadata": {"names": 1, "name": 2, "": 3}, "statuses": 4});
        assert_eq!(
            kept(&WatchedKind::EndpointSlice, Part::Metadata, &object),
            json!({"metadata": {"name": 2}})
        );
    }

    #[test]
    fn of_a_whole_object_only_the_managers_are_left_out() {
        let object =
            json!({"metadata": {"name": "a", "managedFields": [{}], "x": 1}, "data": {"y": 2}});
        let kept = kept(
            &WatchedKind::Object(ObjectKind::ConfigMap),
            Part::Whole,
            &object,
        );
        assert_eq!(
            kept,
            json!({"metadata": {"name": "a", "x": 1}, "data": {"y": 2}})
        );
        let odd = json!({"metadata": ["managedFields"]});
        assert_eq!(
            super::kept(&WatchedKind::EndpointSlice, Part::Whole, &odd),
            odd
        );
    }
}
