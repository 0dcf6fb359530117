//! The pods whose wait has not ended, in an init container or behind a gate.

use oncue_language::{Keys, Owner, Timestamp};
use serde_json::Value;

use crate::{
    gates::GatedPod,
    life::{ContainerState, ObservedPod, PodPhase, record},
    release::{ReleaseProblem, ReleaseReason},
};

/// A pod whose wait has not ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WaitingPod {
    /// Its namespace, name and uid.
    pub id: Owner,
    /// When it was created.
    pub created: Timestamp,
    /// Why a person let it go; `None` if nobody did.
    pub release: Result<Option<ReleaseReason>, ReleaseProblem>,
}

impl WaitingPod {
    /// Reads a pod's JSON. Returns `None` if the pod does not wait, or does not say which it is.
    ///
    /// A pod whose waiting container is still to start waits too.
    pub fn read(pod: &Value, keys: &Keys) -> Option<Self> {
        let observed = ObservedPod::read(pod, keys).ok()?;
        let is_gated = GatedPod::read(pod, keys).ok()?.gate.is_some();
        let waits = is_gated || waits_inside(&observed, pod, keys);
        let ObservedPod { id, created, .. } = observed;
        waits.then(|| Self {
            id,
            created,
            release: ReleaseReason::of_pod(pod, keys),
        })
    }
}

fn waits_inside(observed: &ObservedPod, pod: &Value, keys: &Keys) -> bool {
    let is_active = observed.phase == PodPhase::Active && observed.deletion.is_none();
    let is_over = observed.wait == ContainerState::Succeeded;
    let depends = || record(pod, keys).is_ok_and(|it| !it.depends_on.is_empty());
    is_active && !is_over && !observed.is_gated && depends()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mk_pod(record: &Value) -> Value {
        json!({
            "metadata": {
                "namespace": "shop", "name": "second", "uid": "u-2",
                "creationTimestamp": "2026-11-27T10:00:00Z",
                "annotations": {"oncue.dev/injected": record.to_string()},
            },
            "spec": {}, "status": {"phase": "Pending"},
        })
    }

    fn mk_status(state: &Value) -> Value {
        json!({"phase": "Pending", "initContainerStatuses": [{"name": "oncue-wait", "state": state}]})
    }

    fn waits(pod: &Value) -> bool {
        WaitingPod::read(pod, &Keys::default()).is_some()
    }

    #[test]
    fn a_pod_waits_until_its_waiting_container_has_succeeded() {
        let mut pod = mk_pod(&json!({"hash": "h", "depends-on": ["a"]}));
        let read = WaitingPod::read(&pod, &Keys::default()).unwrap();
        assert_eq!(&*read.id.uid, "u-2");
        assert_eq!(read.created, "2026-11-27T10:00:00Z".parse().unwrap());
        assert_eq!(read.release, Ok(None));
        let ended = |code: i64| json!({"terminated": {"exitCode": code, "reason": "Error"}});
        for (status, expected) in [
            (json!({"phase": "Pending"}), true),
            (mk_status(&json!({"running": {}})), true),
            (mk_status(&ended(124)), true),
            (mk_status(&ended(0)), false),
            (json!({"phase": "Failed"}), false),
        ] {
            pod["status"] = status;
            assert_eq!(waits(&pod), expected, "{}", pod["status"]);
        }
        pod["status"] = json!({"phase": "Pending"});
        pod["metadata"]["deletionTimestamp"] = json!("2026-11-27T10:00:00Z");
        assert!(!waits(&pod));
    }

    #[test]
    fn a_gated_pod_waits_while_our_gate_is_there_whatever_its_record_says() {
        let gates = json!({"schedulingGates": [{"name": "oncue.dev/depends-on"}]});
        for record in [
            json!({"depends-on": ["a"], "depends-on-mode": "gate"}),
            json!("damaged"),
        ] {
            let mut pod = mk_pod(&record);
            pod["spec"] = gates.clone();
            assert!(waits(&pod), "{record}");
            pod["spec"] = json!({});
            assert!(!waits(&pod), "{record}");
        }
    }

    #[test]
    fn a_pod_that_depends_on_nothing_does_not_wait() {
        assert!(!waits(&mk_pod(&json!({"signals": ["a"]}))));
        assert!(!waits(&json!({"metadata": {"name": "a"}})));
    }
}
