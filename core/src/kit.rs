//! Objects and models for tests.

use serde_json::{Value, json};

use crate::{
    language::{Keys, Namespace},
    model::{Member, Model},
    workload::Workload,
};

/// A Deployment of one pod with these annotations.
pub(crate) fn mk_deployment(name: &str, annotations: &[(&str, &str)]) -> Value {
    let annotations: serde_json::Map<_, _> = annotations
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
        .collect();
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"template": {
            "metadata": {"annotations": annotations, "labels": {"app": name}},
            "spec": {"containers": [{"name": "main"}]},
        }},
    })
}

/// A pod that admission has injected, with this record and this `spec`.
pub(crate) fn mk_injected_pod(record: &Value, spec: &Value) -> Value {
    json!({
        "metadata": {
            "namespace": "shop", "name": "second", "uid": "u-2",
            "creationTimestamp": "2026-11-27T10:00:00Z",
            "annotations": {"oncue.dev/injected": record.to_string()},
        },
        "spec": spec,
        "status": {"phase": "Pending"},
    })
}

pub(crate) fn mk_job(name: &str, annotations: &[(&str, &str)]) -> Value {
    let mut job = mk_deployment(name, annotations);
    job["apiVersion"] = "batch/v1".into();
    job["kind"] = "Job".into();
    job["spec"]["template"]["spec"]["restartPolicy"] = "Never".into();
    job
}

pub(crate) fn mk_model(objects: &[Value]) -> Model {
    let namespace = Namespace::default();
    let mut model = Model::default();
    for object in objects {
        let workloads = Workload::all(object, "");
        if workloads.is_empty() {
            model.add_object(object, &namespace);
        }
        for workload in workloads {
            model.insert(Member::read(&workload, &Keys::default(), &namespace).unwrap());
        }
    }
    model
}
