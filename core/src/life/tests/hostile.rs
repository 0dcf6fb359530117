use json_patch::jsonptr::Token;
use oncue_language::Keys;
use serde_json::{Value, json};

use super::*;

fn mk_json() -> Value {
    let time = "2026-11-27T10:00:00Z";
    let ended =
        json!({"exitCode": 0, "reason": "Completed", "startedAt": time, "finishedAt": time});
    let record = json!({"signals": ["a"], "signals-container": "app"}).to_string();
    json!({
        "metadata": {
            "namespace": "shop", "name": "x", "uid": "u", "creationTimestamp": time,
            "deletionTimestamp": time, "deletionGracePeriodSeconds": 30,
            "annotations": {"oncue.dev/injected": record, "signals-on-success": "done"},
            "ownerReferences": [{
                "apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "j", "controller": true,
            }],
        },
        "spec": {
            "nodeName": "n", "suspend": false, "containers": [{"name": "app"}],
            "template": {
                "metadata": {"annotations": {"signals-on-success": "d"}, "labels": {"v": "7"}},
                "spec": {"containers": [{"name": "app"}]},
            },
        },
        "status": {
            "phase": "Failed", "startTime": time,
            "conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": time},
                {"type": "Complete", "status": "True", "lastTransitionTime": time},
                {"type": "AllContainersRestarting", "status": "True", "lastTransitionTime": time},
            ],
            "containerStatuses": [{"name": "app", "state": {"terminated": ended}}],
            "initContainerStatuses": [
                {"name": "oncue-wait", "state": {"waiting": {}}, "lastState": {"terminated": ended}},
            ],
        },
    })
}

/// Returns the pointers of everything in a value, itself included.
fn pointers(value: &Value) -> Vec<String> {
    let below = |key: String, value: &Value| {
        let key = Token::new(&key).encoded().to_owned();
        let inner = pointers(value).into_iter();
        inner
            .map(move |pointer| format!("/{key}{pointer}"))
            .collect::<Vec<_>>()
    };
    let mut all = vec![String::new()];
    match value {
        Value::Array(elements) => {
            let elements = elements.iter().enumerate();
            all.extend(elements.flat_map(|(index, it)| below(index.to_string(), it)));
        }
        Value::Object(members) => {
            all.extend(members.iter().flat_map(|(key, it)| below(key.clone(), it)));
        }
        _ => {}
    }
    all
}

#[test]
fn whatever_stands_in_an_object_reading_and_deciding_never_panics() {
    let object = mk_json();
    assert!(ObservedPod::read(&object, &Keys::default()).is_ok());
    for pointer in pointers(&object) {
        for odd in [
            json!(null),
            json!(-1),
            json!(u64::MAX),
            json!("?"),
            json!([[]]),
            json!({"": 0}),
        ] {
            let mut object = object.clone();
            *object.pointer_mut(&pointer).unwrap() = odd;
            let mut kit = Kit::mk();
            if let Ok(pod) = ObservedPod::read(&object, &Keys::default()) {
                kit.observe(&pod);
            }
            if let Ok(job) = ObservedJob::read(&object, &Keys::default()) {
                kit.observe_job(&job);
            }
        }
    }
}
