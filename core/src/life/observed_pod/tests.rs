use serde_json::json;

use super::*;
use crate::life::DeclaredSignal;

fn mk_pod(record: &Value) -> Value {
    json!({
        "metadata": {
            "namespace": "shop", "name": "web-0", "uid": "u-1",
            "creationTimestamp": "2026-11-27T10:00:00Z",
            "annotations": {"oncue.dev/injected": record.to_string()},
        },
        "spec": {"containers": [{"name": "proxy"}, {"name": "app"}], "nodeName": "node-1"},
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {"name": "proxy", "state": {"waiting": {}}},
                {"name": "app", "state": {"running": {}}},
            ],
            "initContainerStatuses": [
                {"name": "oncue-wait", "state": {"terminated": {"exitCode": 0}}},
            ],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    })
}

fn read(pod: &Value) -> ObservedPod {
    ObservedPod::read(pod, &Keys::default()).unwrap()
}

fn problem(pod: &Value) -> String {
    read(pod).signals.unwrap_err().to_string()
}

fn time(text: &str) -> Timestamp {
    format!("2026-11-27T10:00:{text}Z").parse().unwrap()
}

fn push(pod: &mut Value, list: &str, element: Value) {
    pod["status"][list].as_array_mut().unwrap().push(element);
}

fn names(signals: &[DeclaredSignal]) -> Vec<&str> {
    signals.iter().map(|it| it.name.as_str()).collect()
}

#[test]
fn what_a_pod_signals_comes_from_its_record_and_from_what_only_the_pod_knows() {
    let mut pod = mk_pod(&json!({
        "signals": ["a/$(POD_NAME)=v", "$(POD_UID)", "on/$(NODE_NAME)"],
        "signals-on-wait": ["wait=$(NODE_NAME)"], "signals-on-init": ["init"], "signals-on-ready": ["ready"],
        "signals-on-success": ["done"], "signals-on-failure": ["failed"],
    }));
    pod["metadata"]["annotations"]["signals"] = "ignored".into();
    let signals = read(&pod).signals.unwrap();
    assert_eq!(names(&signals.start), ["a/web-0", "u-1", "on/node-1"]);
    assert_eq!(signals.start[0].value, "v".parse().ok());
    assert_eq!(names(&signals.wait), ["wait"]);
    assert_eq!(signals.wait[0].value, "node-1".parse().ok());
    assert_eq!(names(&signals.init), ["init"]);
    assert_eq!(names(&signals.ready), ["ready"]);
    assert_eq!(names(&signals.outcomes.success), ["done"]);
    assert_eq!(names(&signals.outcomes.failure), ["failed"]);
}

#[test]
fn a_name_with_the_node_waits_until_the_pod_has_one() {
    let mut pod = mk_pod(&json!({"signals": ["a", "on/$(NODE_NAME)"]}));
    for nowhere in [json!(null), json!("")] {
        pod["spec"]["nodeName"] = nowhere;
        assert_eq!(names(&read(&pod).signals.unwrap().start), ["a"]);
    }
}

#[test]
fn a_pod_whose_record_cannot_be_read_is_kept_with_its_problem() {
    let key = "oncue.dev/injected";
    let mut pod = mk_pod(&json!({"signals": ["a b"]}));
    assert_eq!(
        problem(&pod),
        format!("its annotation {key} cannot be read")
    );
    for (record, expected) in [
        (json!("{"), "cannot be read: EOF"),
        (json!("{\"signals\": 1}"), "cannot be read: invalid type"),
        (json!(null), "it was not injected"),
    ] {
        pod["metadata"]["annotations"][key] = record;
        assert!(problem(&pod).contains(expected), "{}", problem(&pod));
    }
}

#[test]
fn states_are_those_of_the_recorded_container_and_of_the_wait() {
    let pod = read(&mk_pod(&json!({"signals-container": "app"})));
    assert_eq!(pod.signaller, ContainerState::Running);
    assert_eq!(pod.wait, ContainerState::Succeeded);
    assert!(pod.is_ready && !pod.is_gated && !pod.is_restarting);
    let gated = read(&mk_pod(&json!({"depends-on-mode": "gate"})));
    assert_eq!(gated.signaller, ContainerState::NotStarted);
    assert!(gated.is_gated);
}

#[test]
fn without_a_recorded_container_it_is_the_one_that_kubectl_means() {
    let mut pod = mk_pod(&json!({}));
    let key = "kubectl.kubernetes.io/default-container";
    pod["metadata"]["annotations"][key] = "app".into();
    assert_eq!(read(&pod).signaller, ContainerState::Running);
}

#[test]
fn a_sidecar_may_be_the_signalling_container() {
    let mut pod = mk_pod(&json!({"signals-container": "mesh"}));
    push(
        &mut pod,
        "initContainerStatuses",
        json!({"name": "mesh", "state": {"running": {}}}),
    );
    assert_eq!(read(&pod).signaller, ContainerState::Running);
}

#[test]
fn states_from_before_all_containers_were_restarted_do_not_count() {
    let mut pod = mk_pod(&json!({"signals-container": "app"}));
    let restarting = json!({
        "type": "AllContainersRestarting", "status": "True",
        "lastTransitionTime": "2026-11-27T10:00:09Z",
    });
    push(&mut pod, "conditions", restarting);
    let ended = json!({"exitCode": 0, "startedAt": "2026-11-27T10:00:01Z"});
    pod["status"]["initContainerStatuses"][0]["state"]["terminated"] = ended;
    let pod = read(&pod);
    assert!(pod.is_restarting);
    assert_eq!(pod.wait, ContainerState::NotStarted);
}

#[test]
fn a_pod_past_its_deletion_timestamp_or_in_a_terminal_phase_has_ended() {
    let mut pod = mk_pod(&json!({}));
    assert!(!read(&pod).has_ended(Timestamp::MAX));
    pod["metadata"]["deletionTimestamp"] = "2026-11-27T10:00:40Z".into();
    pod["metadata"]["deletionGracePeriodSeconds"] = 30.into();
    let deletion = read(&pod).deletion.unwrap();
    assert_eq!(deletion.requested, time("10"));
    assert!(!read(&pod).has_ended(time("39")));
    assert!(read(&pod).has_ended(time("40")));
    for phase in ["Failed", "Succeeded"] {
        pod["status"]["phase"] = phase.into();
        assert!(read(&pod).has_ended(time("00")));
    }
}

#[test]
fn a_run_ends_with_its_last_container() {
    let mut pod = mk_pod(&json!({}));
    assert_eq!(read(&pod).run_end(), None);
    pod["status"]["phase"] = "Succeeded".into();
    for (index, end) in [(0, "20"), (1, "30")] {
        let ended = json!({"terminated": {"exitCode": 0, "finishedAt": time(end).to_string()}});
        pod["status"]["containerStatuses"][index]["state"] = ended;
    }
    let (outcome, at) = (Outcome::Success, time("30"));
    assert_eq!(read(&pod).run_end(), Some(RunEnd { outcome, at }));
}

#[test]
fn an_evicted_pod_has_failed_when_its_conditions_changed() {
    let mut pod = mk_pod(&json!({}));
    pod["status"] = json!({
        "phase": "Failed", "reason": "Evicted",
        "conditions": [{"type": "DisruptionTarget", "lastTransitionTime": "2026-11-27T10:00:07Z"}],
    });
    let (outcome, at) = (Outcome::Failure, time("07"));
    assert_eq!(read(&pod).run_end(), Some(RunEnd { outcome, at }));
}

#[test]
fn a_pod_that_fails_because_it_is_deleted_has_not_failed() {
    let mut pod = mk_pod(&json!({}));
    pod["status"]["phase"] = "Failed".into();
    pod["metadata"]["deletionTimestamp"] = "2026-11-27T10:00:40Z".into();
    pod["metadata"]["deletionGracePeriodSeconds"] = 30.into();
    for (end, has_failed) in [("09", true), ("10", false), ("15", false)] {
        let ended = json!({"terminated": {"exitCode": 143, "finishedAt": time(end).to_string()}});
        pod["status"]["containerStatuses"][0]["state"] = ended;
        assert_eq!(read(&pod).run_end().is_some(), has_failed, "{end}");
    }
}

#[test]
fn the_end_of_a_jobs_pod_is_not_the_end_of_the_run() {
    let mut pod = mk_pod(&json!({}));
    pod["status"]["phase"] = "Failed".into();
    let owner = |kind: &str, version: &str| {
        json!([{
            "apiVersion": version, "kind": kind, "name": "j", "uid": "j-1", "controller": true,
        }])
    };
    pod["metadata"]["ownerReferences"] = owner("Job", "batch/v1");
    assert_eq!(read(&pod).job.as_deref(), Some("j-1"));
    assert_eq!(read(&pod).run_end(), None);
    pod["metadata"]["ownerReferences"] = owner("Job", "batch.volcano.sh/v1alpha1");
    assert!(read(&pod).run_end().is_some());
}

#[test]
fn an_object_that_does_not_say_which_pod_it_is_is_refused() {
    for (field, bad) in [
        ("namespace", json!("A B")),
        ("name", json!(null)),
        ("uid", json!("")),
    ] {
        let mut pod = mk_pod(&json!({}));
        pod["metadata"][field] = bad;
        let error = ObservedPod::read(&pod, &Keys::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the object has no usable metadata.{field}")
        );
    }
    assert!(ObservedPod::read(&Value::Null, &Keys::default()).is_err());
}
