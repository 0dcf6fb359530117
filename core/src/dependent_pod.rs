//! The pods that depend on something, whether their wait has ended or not.

use oncue_language::{Keys, Owner, Timestamp};
use serde_json::Value;

use crate::{
    gates::GatedPod,
    life::{ContainerState, ObservedPod, PodPhase},
    recorded_pod::RecordedPod,
    release::{ReleaseProblem, ReleaseReason},
};

/// A pod that depends on something, and has not ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DependentPod {
    /// Its namespace, name and uid.
    pub id: Owner,
    /// When it was created.
    pub created: Timestamp,
    /// Whether its wait has not ended, in an init container or behind a gate.
    ///
    /// It may begin again: a kubelet runs the init containers of a pod anew after a restart of its
    /// node, and tells of that later.
    pub waits: bool,
    /// Why a person let it go; `None` if nobody did.
    pub release: Result<Option<ReleaseReason>, ReleaseProblem>,
}

impl DependentPod {
    /// Reads a pod's JSON. Returns `None` if the pod depends on nothing, has ended, or does not say
    /// which it is.
    ///
    /// A pod whose waiting container is still to start waits too. One with that container depends on
    /// something although its record is damaged: a person can still let it go.
    pub fn read(pod: &Value, keys: &Keys) -> Option<Self> {
        let pod = RecordedPod::read(pod, keys).ok()?;
        Self::of(&pod, &ObservedPod::of(&pod), &GatedPod::of(&pod))
    }

    pub(crate) fn of(
        pod: &RecordedPod<'_>,
        observed: &ObservedPod,
        gated: &GatedPod,
    ) -> Option<Self> {
        let is_held_by_gate = gated.gate.is_some();
        let depends = || match &pod.record {
            Ok(record) => !record.depends_on.is_empty(),
            Err(_) => pod.has_wait_container(),
        };
        let is_dependent = is_held_by_gate || pod.phase == PodPhase::Active && depends();
        is_dependent.then(|| Self {
            id: pod.id.clone(),
            created: pod.created,
            waits: is_held_by_gate || waits_inside(observed),
            release: pod.release.clone(),
        })
    }
}

/// Returns whether a dependent pod waits in an init container.
fn waits_inside(observed: &ObservedPod) -> bool {
    let is_over = observed.wait == ContainerState::Succeeded;
    observed.deletion.is_none() && !is_over && !observed.is_gated
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kit::mk_injected_pod;

    fn mk_pod(record: &Value) -> Value {
        mk_injected_pod(record, &json!({}))
    }

    fn mk_status(state: &Value) -> Value {
        json!({"phase": "Pending", "initContainerStatuses": [{"name": "oncue-wait", "state": state}]})
    }

    fn read(pod: &Value) -> Option<DependentPod> {
        DependentPod::read(pod, &Keys::default())
    }

    fn waits(pod: &Value) -> bool {
        read(pod).is_some_and(|it| it.waits)
    }

    #[test]
    fn a_pod_waits_until_its_waiting_container_has_succeeded() {
        let mut pod = mk_pod(&json!({"hash": "h", "depends-on": ["a"]}));
        let dependent = read(&pod).unwrap();
        assert_eq!(&*dependent.id.uid, "u-2");
        assert_eq!(dependent.created, "2026-11-27T10:00:00Z".parse().unwrap());
        assert_eq!(dependent.release, Ok(None));
        let ended = |code: i64| json!({"terminated": {"exitCode": code, "reason": "Error"}});
        for (status, expected) in [
            (json!({"phase": "Pending"}), true),
            (mk_status(&json!({"running": {}})), true),
            (mk_status(&ended(124)), true),
            (mk_status(&ended(0)), false),
            (json!({"phase": "Failed"}), false),
        ] {
            pod["status"] = status.clone();
            assert_eq!(waits(&pod), expected, "{}", pod["status"]);
            // Its init containers may run again, unless it has ended.
            let is_dependent = status["phase"] != "Failed";
            assert_eq!(read(&pod).is_some(), is_dependent, "{status}");
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
    fn a_pod_with_a_damaged_record_waits_while_its_waiting_container_has_not_succeeded() {
        let mut pod = mk_pod(&json!("damaged"));
        assert_eq!(read(&pod), None);
        pod["spec"]["initContainers"] = json!([{"name": "other"}, {"name": "oncue-wait"}]);
        pod["metadata"]["annotations"]["oncue.dev/release"] =
            json!(r#"{"uid":"u-2","reason":"why"}"#);
        assert!(waits(&pod));
        assert!(read(&pod).unwrap().release.unwrap().is_some());
        pod["status"] = mk_status(&json!({"terminated": {"exitCode": 0}}));
        assert!(!waits(&pod));
    }

    #[test]
    fn a_pod_that_depends_on_nothing_is_none_of_them() {
        assert_eq!(read(&mk_pod(&json!({"signals": ["a"]}))), None);
        assert_eq!(read(&json!({"metadata": {"name": "a"}})), None);
    }
}
