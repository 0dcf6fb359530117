//! `pod:x`: the pod is Ready.

use oncue_language::ObjectState;
use serde_json::Value;

use super::{
    condition::{self, StatusCondition},
    read::{is_being_deleted, items, number},
    reason::{because, pending},
};
use crate::workload::text;

/// Judges a pod; one that is being deleted is not Ready.
pub(crate) fn state(pod: &Value) -> ObjectState {
    if is_being_deleted(pod) {
        return pending("is being deleted");
    }
    if condition::is_true(pod, "Ready") {
        return ObjectState::Holds;
    }
    pending(because("is not Ready", obstacle(pod)))
}

/// Returns what keeps a pod from being Ready, in Kubernetes' own word; the most telling one.
fn obstacle(pod: &Value) -> Option<&str> {
    ended(pod)
        .or_else(|| unscheduled(pod))
        .or_else(|| containers(pod).find_map(trouble))
        .or_else(|| containers(pod).find_map(waiting))
        .or_else(|| StatusCondition::find(pod, "Ready")?.reason)
}

fn ended(pod: &Value) -> Option<&str> {
    match text(pod, "/status/phase")? {
        phase @ ("Failed" | "Succeeded") => text(pod, "/status/reason").or(Some(phase)),
        _ => None,
    }
}

fn unscheduled(pod: &Value) -> Option<&str> {
    let scheduled = StatusCondition::find(pod, "PodScheduled")?;
    scheduled.reason.filter(|_| !scheduled.is_true())
}

/// Returns the statuses of the containers, in the order in which they start.
fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    items(pod, "/status/initContainerStatuses").chain(items(pod, "/status/containerStatuses"))
}

/// Returns why a container does not run, unless that is a part of every start.
fn trouble(container: &Value) -> Option<&str> {
    let waits = waiting(container).filter(|reason| !STARTING.contains(reason));
    waits.or_else(|| failed(container))
}

fn waiting(container: &Value) -> Option<&str> {
    text(container, "/state/waiting/reason")
}

fn failed(container: &Value) -> Option<&str> {
    let is_failed = number(container, "/state/terminated/exitCode")? != 0;
    text(container, "/state/terminated/reason").filter(|_| is_failed)
}

/// What the kubelet says of containers whose turn has not come.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// The fields that are read of a pod, besides those of conditions.
pub(super) const READ: [&str; 9] = [
    "/spec/nodeName",
    "/status/containerStatuses/*/state/terminated/exitCode",
    "/status/containerStatuses/*/state/terminated/reason",
    "/status/containerStatuses/*/state/waiting/reason",
    "/status/initContainerStatuses/*/state/terminated/exitCode",
    "/status/initContainerStatuses/*/state/terminated/reason",
    "/status/initContainerStatuses/*/state/waiting/reason",
    "/status/phase",
    "/status/reason",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::judged, *};

    /// A pod with this status whose Ready condition is False.
    fn mk_unready(mut status: Value) -> Value {
        let mut conditions = vec![json!({
            "type": "Ready", "status": "False", "reason": "ContainersNotReady",
            "message": "containers with unready status: [main]",
        })];
        conditions.extend(items(&status, "/conditions").cloned());
        status["conditions"] = conditions.into();
        json!({"metadata": {"name": "db-0", "generation": 1}, "status": status})
    }

    fn mk_waiting(reason: &str) -> Value {
        json!({"name": "main", "ready": false, "state": {"waiting": {"reason": reason, "message": "m"}}})
    }

    fn mk_ended(code: i64, reason: &str) -> Value {
        json!({"name": "main", "ready": false, "state": {"terminated": {"exitCode": code, "reason": reason}}})
    }

    #[test]
    fn a_ready_pod_holds() {
        let pod = json!({"status": {
            "phase": "Running",
            "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}],
            "containerStatuses": [{"ready": true, "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}],
        }});
        assert_eq!(judged("pod", &pod), Ok(()));
    }

    #[test]
    fn a_pod_that_is_being_deleted_is_not_ready() {
        let mut pod = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        pod["metadata"]["deletionTimestamp"] = Value::Null;
        assert_eq!(judged("pod", &pod), Ok(()));
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        assert_eq!(judged("pod", &pod), Err("is being deleted".to_owned()));
    }

    #[test]
    fn a_pod_that_is_not_ready_says_the_most_telling_reason() {
        let pod_scheduled =
            |reason: &str| json!([{"type": "PodScheduled", "status": "False", "reason": reason}]);
        let running = json!({"name": "main", "ready": false, "state": {"running": {}}});
        for (status, word) in [
            (
                json!({"phase": "Pending", "conditions": pod_scheduled("Unschedulable")}),
                "Unschedulable",
            ),
            (
                json!({"phase": "Pending", "conditions": pod_scheduled("SchedulingGated")}),
                "SchedulingGated",
            ),
            (
                json!({"containerStatuses": [mk_waiting("ImagePullBackOff")]}),
                "ImagePullBackOff",
            ),
            (
                json!({"containerStatuses": [running, mk_waiting("CrashLoopBackOff")]}),
                "CrashLoopBackOff",
            ),
            (
                json!({"containerStatuses": [mk_waiting("ContainerCreating")]}),
                "ContainerCreating",
            ),
            (
                json!({
                    "initContainerStatuses": [mk_ended(0, "Completed"), {"name": "i", "state": {"running": {}}}],
                    "containerStatuses": [mk_waiting("PodInitializing")],
                }),
                "PodInitializing",
            ),
            (
                json!({
                    "initContainerStatuses": [mk_ended(1, "Error")],
                    "containerStatuses": [mk_waiting("ImagePullBackOff")],
                }),
                "Error",
            ),
            (
                json!({
                    "initContainerStatuses": [mk_waiting("ErrImagePull")],
                    "containerStatuses": [mk_waiting("PodInitializing")],
                }),
                "ErrImagePull",
            ),
            (
                json!({"containerStatuses": [mk_waiting("ContainerCreating"), mk_ended(137, "OOMKilled")]}),
                "OOMKilled",
            ),
            (
                json!({"containerStatuses": [mk_ended(0, "Completed")]}),
                "ContainersNotReady",
            ),
            (
                json!({"containerStatuses": [running]}),
                "ContainersNotReady",
            ),
            (
                json!({"phase": "Failed", "reason": "Evicted", "containerStatuses": [mk_ended(137, "Error")]}),
                "Evicted",
            ),
            (
                json!({"phase": "Failed", "containerStatuses": [mk_ended(1, "Error")]}),
                "Failed",
            ),
            (
                json!({"phase": "Succeeded", "containerStatuses": [mk_ended(0, "Completed")]}),
                "Succeeded",
            ),
        ] {
            let pod = mk_unready(status);
            assert_eq!(
                judged("pod", &pod),
                Err(format!("is not Ready: {word}")),
                "{pod}"
            );
        }
        let new = json!({"status": {"phase": "Pending"}});
        assert_eq!(judged("pod", &new), Err("is not Ready".to_owned()));
    }

    #[test]
    fn a_scheduled_pod_is_not_called_unscheduled() {
        let pod = mk_unready(json!({"conditions": [
            {"type": "PodScheduled", "status": "True", "reason": "Scheduled"},
        ]}));
        let expected = "is not Ready: ContainersNotReady".to_owned();
        assert_eq!(judged("pod", &pod), Err(expected));
    }
}
