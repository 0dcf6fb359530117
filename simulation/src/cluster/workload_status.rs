//! The status of a workload, as its controller writes it.
//!
//! Every controller has seen the last change of its object. `progressDeadlineSeconds` is not
//! simulated.

use std::{ops::Div, time::Duration};

use oncue_core::workload::WorkloadKind;
use serde_json::{Map, Value, json};

use super::{Cluster, container::time, controllers::ControllerState};
use crate::{job::JobEnd, tally::Tally};

/// The `metadata.generation` of every workload: none is changed after it was created.
pub(crate) const GENERATION: u32 = 1;

impl Cluster {
    /// Writes the status of a workload into its object.
    pub(super) fn write_workload_status(&mut self, index: usize) {
        let (_, wanted) = self.progress(index);
        let ControllerState { tally, .. } = &self.controllers[index];
        let controller = &self.inventory.controllers[index];
        let status = match controller.kind {
            WorkloadKind::DaemonSet => daemonset(tally, wanted),
            WorkloadKind::Deployment => deployment(tally, wanted, &controller.object()["spec"]),
            WorkloadKind::Job => job(&self.controllers[index], &controller.object()["spec"]),
            WorkloadKind::StatefulSet => statefulset(tally),
            WorkloadKind::CronJob
            | WorkloadKind::Custom
            | WorkloadKind::Pod
            | WorkloadKind::ReplicaSet
            | WorkloadKind::ReplicationController => return,
        };
        self.inventory.controllers[index].set_status(status);
    }
}

fn daemonset(tally: &Tally, wanted: u32) -> Value {
    let mut status = counts([
        ("updatedNumberScheduled", tally.existing),
        ("numberAvailable", tally.available),
        ("numberUnavailable", wanted.saturating_sub(tally.available)),
    ]);
    let mut put = |key: &str, value: u32| status.insert(key.to_owned(), value.into());
    put("observedGeneration", GENERATION);
    put("desiredNumberScheduled", wanted);
    put("currentNumberScheduled", tally.existing);
    put("numberMisscheduled", 0);
    put("numberReady", tally.ready);
    status.into()
}

fn deployment(tally: &Tally, wanted: u32, spec: &Value) -> Value {
    let is_available = tally.available >= wanted.saturating_sub(may_be_unavailable(spec, wanted));
    let available = if is_available {
        condition("Available", true, "MinimumReplicasAvailable")
    } else {
        condition("Available", false, "MinimumReplicasUnavailable")
    };
    let is_paused = spec["paused"] == true;
    let progressing = if is_paused {
        json!({"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused"})
    } else if tally.available >= wanted {
        condition("Progressing", true, "NewReplicaSetAvailable")
    } else {
        condition("Progressing", true, "ReplicaSetUpdated")
    };
    let mut conditions = vec![available, progressing];
    if tally.denied > 0 {
        conditions.push(condition("ReplicaFailure", true, "FailedCreate"));
    }
    // A paused Deployment has no ReplicaSet that would ask for pods.
    let asked = if is_paused { 0 } else { wanted };
    let mut status = counts([
        ("replicas", tally.existing),
        ("updatedReplicas", tally.existing),
        ("readyReplicas", tally.ready),
        ("availableReplicas", tally.available),
        ("unavailableReplicas", asked.saturating_sub(tally.available)),
    ]);
    status.insert("observedGeneration".to_owned(), GENERATION.into());
    status.insert("conditions".to_owned(), conditions.into());
    status.into()
}

/// Returns how many pods of a Deployment need not be available: a quarter if it says nothing.
///
/// If the surge rounds to no pod too, one pod may be unavailable: a rollout could not begin otherwise.
fn may_be_unavailable(spec: &Value, wanted: u32) -> u32 {
    let strategy = &spec["strategy"];
    if strategy["type"] == "Recreate" {
        return 0;
    }
    let limits = &strategy["rollingUpdate"];
    let surge = share(&limits["maxSurge"], wanted, u64::div_ceil);
    let unavailable = share(&limits["maxUnavailable"], wanted, Div::div);
    if surge == 0 {
        unavailable.max(1)
    } else {
        unavailable
    }
}

/// Returns a number of pods, or a percentage of those that are wanted: a quarter by default.
fn share(limit: &Value, wanted: u32, divide: fn(u64, u64) -> u64) -> u32 {
    let percent = match limit.as_str() {
        Some(text) => text
            .strip_suffix('%')
            .and_then(|text| text.parse::<u32>().ok()),
        None => limit.is_null().then_some(25),
    };
    let of_wanted = |percent| divide(u64::from(wanted) * u64::from(percent), 100);
    let pods = limit.as_u64().or_else(|| percent.map(of_wanted));
    u32::try_from(pods.unwrap_or(0)).unwrap_or(u32::MAX)
}

fn statefulset(tally: &Tally) -> Value {
    let mut status = counts([
        ("readyReplicas", tally.ready),
        ("currentReplicas", tally.existing),
        ("updatedReplicas", tally.existing),
    ]);
    let mut put = |key: &str, value: u32| status.insert(key.to_owned(), value.into());
    put("observedGeneration", GENERATION);
    put("replicas", tally.existing);
    put("availableReplicas", tally.available);
    status.into()
}

fn job(state: &ControllerState, spec: &Value) -> Value {
    let ControllerState { tally, .. } = state;
    let mut status = counts([
        ("active", tally.existing),
        ("succeeded", tally.succeeded),
        ("failed", tally.failed),
    ]);
    let mut put = |key: &str, value: Value| status.insert(key.to_owned(), value);
    put("ready", tally.ready.into());
    if spec["suspend"] == true {
        let suspended = condition("Suspended", true, "JobSuspended");
        put("conditions", json!([suspended]));
        return status.into();
    }
    put("startTime", time(state.applied.unwrap_or_default()).into());
    if let Some((end, at)) = state.end {
        put("conditions", job_end(end, at));
        if end.is_success() {
            put("completionTime", time(at).into());
        }
    }
    status.into()
}

/// Returns the conditions of a Job that has ended at `at`.
fn job_end(end: JobEnd, at: Duration) -> Value {
    let (kinds, reason) = match end {
        JobEnd::Complete => (SUCCEEDED, "CompletionsReached"),
        JobEnd::SucceededEarly => (SUCCEEDED, "SuccessPolicy"),
        JobEnd::DeadlineExceeded => (FAILED, "DeadlineExceeded"),
        JobEnd::Failed => (FAILED, "BackoffLimitExceeded"),
        JobEnd::FailedByPolicy => (FAILED, "PodFailurePolicy"),
        JobEnd::FailedIndexes => (FAILED, "FailedIndexes"),
    };
    let condition = |kind| {
        let mut condition = condition(kind, true, reason);
        condition["lastTransitionTime"] = time(at).into();
        condition
    };
    kinds.into_iter().map(condition).collect()
}

const SUCCEEDED: [&str; 2] = ["SuccessCriteriaMet", "Complete"];
const FAILED: [&str; 2] = ["FailureTarget", "Failed"];

fn condition(kind: &str, is_true: bool, reason: &str) -> Value {
    json!({"type": kind, "status": if is_true { "True" } else { "False" }, "reason": reason})
}

/// Returns the counts that are not zero: of these, Kubernetes leaves out zeros.
fn counts<const N: usize>(counts: [(&str, u32); N]) -> Map<String, Value> {
    let counts = counts.into_iter().filter(|(_, count)| *count > 0);
    counts
        .map(|(key, count)| (key.to_owned(), count.into()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_left_out_as_kubernetes_does() {
        let none = Tally::default();
        for (status, expected) in [
            (
                daemonset(&none, 0),
                json!({
                    "observedGeneration": 1, "desiredNumberScheduled": 0,
                    "currentNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0,
                }),
            ),
            (
                statefulset(&none),
                json!({"observedGeneration": 1, "replicas": 0, "availableReplicas": 0}),
            ),
        ] {
            assert_eq!(status, expected);
        }
    }
    #[test]
    fn a_rollout_rounds_as_kubernetes_does() {
        for (wanted, surge, unavailable, expected) in [
            (3, json!(null), json!(null), 0),
            (4, json!(null), json!(null), 1),
            (3, json!(0), json!(null), 1),
            (3, json!("0%"), json!("10%"), 1),
            (8, json!(0), json!("25%"), 2),
            (3, json!(1), json!(0), 0),
            (3, json!("1%"), json!("1%"), 0),
        ] {
            let limits = json!({"maxSurge": surge, "maxUnavailable": unavailable});
            let spec = json!({"strategy": {"rollingUpdate": limits}});
            assert_eq!(
                may_be_unavailable(&spec, wanted),
                expected,
                "{wanted} {spec}"
            );
        }
        let spec = json!({"strategy": {"type": "Recreate"}});
        assert_eq!(may_be_unavailable(&spec, 3), 0);
    }
}
