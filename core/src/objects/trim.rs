//! What is kept of an object, so that a cache of many stays small: what its judgement reads.

use serde_json::{Map, Value};

use super::{claim, condition, daemonset, deployment, job, pod, service, statefulset};

/// Returns what is read of a claim.
pub fn claim(object: &Value) -> Value {
    kept(object, &[&IDENTITY, &condition::READ, &claim::READ])
}

/// Returns what is read of a `DaemonSet`.
pub fn daemonset(object: &Value) -> Value {
    kept(object, &[&IDENTITY, &condition::READ, &daemonset::READ])
}

/// Returns what is read of a Deployment.
pub fn deployment(object: &Value) -> Value {
    kept(object, &[&IDENTITY, &condition::READ, &deployment::READ])
}

/// Returns what is read of a Job.
pub fn job(object: &Value) -> Value {
    kept(object, &[&IDENTITY, &condition::READ, &job::READ])
}

/// Returns what is read of a pod.
pub fn pod(object: &Value) -> Value {
    kept(object, &[&IDENTITY, &condition::READ, &pod::READ])
}

/// Returns what is read of a Service.
pub fn service(object: &Value) -> Value {
    kept(object, &[&IDENTITY, &condition::READ, &service::READ])
}

/// Returns what is read of an `EndpointSlice`.
pub fn slice(object: &Value) -> Value {
    kept(object, &[&IDENTITY, &service::READ_SLICE])
}

/// Returns what is read of a `StatefulSet`.
pub fn statefulset(object: &Value) -> Value {
    kept(object, &[&IDENTITY, &condition::READ, &statefulset::READ])
}

/// Returns what is read of any other object: its identity and its conditions.
pub fn other(object: &Value) -> Value {
    kept(object, &[&IDENTITY, &condition::READ])
}

/// Returns the fields of `object` that one of the patterns names: JSON pointers in which `*` stands
/// for every item of a list.
fn kept(object: &Value, patterns: &[&[&str]]) -> Value {
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

/// What tells objects of a kind apart, and which terms they belong to.
pub(super) const IDENTITY: [&str; 5] = [
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
            super::pod(&pod),
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
        assert_eq!(other(&object), json!({"metadata": {"name": 2}}));
    }
}
