#![expect(
    clippy::needless_pass_by_value,
    reason = "json!(...) reads better without a &"
)]

use super::*;

fn mk_controller(kind: &str, spec: Value) -> Controller {
    let group = if kind.ends_with("Job") {
        "batch/v1"
    } else {
        "apps/v1"
    };
    let object = json!({
        "apiVersion": group, "kind": kind,
        "metadata": {"name": "web", "namespace": "shop"}, "spec": spec,
    });
    mk_from(&object).unwrap()
}

fn mk_from(object: &Value) -> Option<Controller> {
    let workload = Workload::new(object, String::new()).unwrap();
    Controller::new(&workload, "web.yaml", &Namespace::default()).unwrap()
}

fn mk_template() -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}, "annotations": {"signals": "web/up"}},
        "spec": {"containers": [{"name": "web"}]},
    })
}

#[test]
fn a_deployments_pod_is_owned_by_its_replica_set() {
    let deployment = mk_controller(
        "Deployment",
        json!({"replicas": 2, "template": mk_template()}),
    );
    let NewPod { object, name } = deployment.pod(0, 0);
    let hash = object["metadata"]["labels"]["pod-template-hash"]
        .as_str()
        .unwrap();
    assert_eq!(object["metadata"]["name"], Value::Null);
    assert!(name.starts_with(&format!("web-{hash}-")), "{name}");
    let owner = &object["metadata"]["ownerReferences"][0];
    assert_eq!(owner["kind"], "ReplicaSet");
    assert_eq!(owner["name"], format!("web-{hash}"));
    assert_eq!(object["metadata"]["annotations"]["signals"], "web/up");
    assert_ne!(deployment.pod(1, 0).name, name);
}

#[test]
fn a_job_without_labels_has_those_of_its_template() {
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "web"}, "spec": {"template": mk_template()},
    });
    for (labels, expected) in [
        (Value::Null, json!({"app": "web"})),
        (json!({}), json!({"app": "web"})),
        (json!({"team": "a"}), json!({"team": "a"})),
    ] {
        job["metadata"]["labels"] = labels;
        let job = mk_from(&job).unwrap();
        assert_eq!(job.object()["metadata"]["labels"], expected);
    }
}

#[test]
fn a_stateful_pod_has_its_ordinal_name_and_its_service() {
    let spec = json!({"serviceName": "web", "ordinals": {"start": 3}, "template": mk_template()});
    let set = mk_controller("StatefulSet", spec);
    assert_eq!(
        set.plan,
        Plan::OneByOne {
            start: 3,
            replicas: 1
        }
    );
    let NewPod { object, name } = set.pod(3, 0);
    assert_eq!(name, "web-3");
    assert_eq!(object["spec"]["hostname"], "web-3");
    assert_eq!(object["spec"]["subdomain"], "web");
}

#[test]
fn a_parallel_stateful_set_creates_all_pods_at_once() {
    let spec = json!({"replicas": 3, "podManagementPolicy": "Parallel", "template": mk_template()});
    let together = Plan::Together {
        start: 0,
        replicas: 3,
    };
    assert_eq!(mk_controller("StatefulSet", spec).plan, together);
}

#[test]
fn the_pods_of_a_job_have_its_uid_and_a_name_an_attempt() {
    let spec = json!({"completions": 2, "completionMode": "Indexed", "template": mk_template()});
    let job = mk_controller("Job", spec);
    let NewPod { object, name } = job.pod(1, 0);
    assert!(name.starts_with("web-1-"), "{name}");
    assert_eq!(object["metadata"]["labels"]["controller-uid"], job.uid());
    assert_ne!(
        job.pod(1, 1).name,
        name,
        "a second attempt has a name of its own"
    );
}

#[test]
fn a_cron_job_runs_once() {
    let spec = json!({"schedule": "@daily", "jobTemplate": {"spec": {"template": mk_template()}}});
    let job = mk_controller("CronJob", spec);
    assert_eq!(job.kind, WorkloadKind::Job);
    assert_eq!((job.name.as_str(), job.producer.as_str()), ("web-1", "web"));
    let suspended = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "web"},
        "spec": {"suspend": true, "jobTemplate": {"spec": {"template": mk_template()}}},
    });
    assert!(mk_from(&suspended).is_none());
}

#[test]
fn a_bare_pod_stays_as_it_is() {
    let object = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "once-"},
        "spec": {"containers": []}, "status": {"phase": "Running"},
    });
    let NewPod { object, name } = mk_from(&object).unwrap().pod(0, 0);
    assert!(
        name.starts_with("once-") && name.len() == "once-".len() + 5,
        "{name}"
    );
    assert_eq!(object["metadata"], json!({"generateName": "once-"}));
    assert_eq!(object["status"], Value::Null);
}

#[test]
fn names_the_object_that_cannot_be_read_and_the_reason() {
    use std::error::Error;
    let bad = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "A B"},
    });
    let error = crate::Inventory::new([("web.yaml", &bad)], &Namespace::default()).unwrap_err();
    assert_eq!(error.to_string(), "failed to read Pod web");
    let source = error.source().unwrap().to_string();
    assert!(source.contains("\"A B\" is not a namespace"), "{source}");
}

#[test]
fn leaves_fields_of_the_wrong_type_for_admission_to_reject() {
    let set = mk_controller("StatefulSet", json!({"template": {"spec": "x"}}));
    assert_eq!(set.pod(0, 0).object["spec"], "x");
    let template = json!({"metadata": {"labels": "x"}, "spec": {}});
    let job = mk_controller("Job", json!({"template": template}));
    assert_eq!(job.pod(0, 0).object["metadata"]["labels"], "x");
}
