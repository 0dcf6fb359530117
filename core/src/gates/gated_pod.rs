//! What a gate depends on in a pod.

use oncue_language::{Keys, Owner, annotation::Key};
use serde_json::Value;

use super::GateWait;
use crate::{
    life::{PodPhase, PodProblem, Unidentified},
    recorded_pod::RecordedPod,
    workload::text,
};

/// A pod, and whether our gate holds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GatedPod {
    /// Its namespace, name and uid.
    pub id: Owner,
    /// `None` if no gate of ours holds it, or if it is never scheduled any more.
    pub gate: Option<Gate>,
}

/// Our gate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gate {
    /// Its index among the gates of the pod.
    pub index: usize,
    /// What it waits for, as injection recorded it; nothing once a person has let the pod go.
    pub wait: Result<GateWait, Box<PodProblem>>,
}

impl GatedPod {
    /// Reads a pod's JSON.
    ///
    /// # Errors
    /// [`Unidentified`] if it does not say which pod it is.
    pub fn read(pod: &Value, keys: &Keys) -> Result<Self, Unidentified> {
        Ok(Self::of(&RecordedPod::read(pod, keys)?))
    }

    pub(crate) fn of(pod: &RecordedPod<'_>) -> Self {
        let has_ended = pod.is_being_deleted() || pod.phase != PodPhase::Active;
        let index = gate_index(pod.json, pod.keys).filter(|_| !has_ended);
        let gate = index.map(|index| Gate {
            index,
            wait: match &pod.release {
                Ok(Some(_)) => Ok(GateWait::released(pod.created)),
                Ok(None) | Err(_) => wait(pod),
            },
        });
        let id = pod.id.clone();
        Self { id, gate }
    }
}

fn gate_index(pod: &Value, keys: &Keys) -> Option<usize> {
    let ours = keys.prefixed(Key::DependsOn);
    let gates = pod.pointer("/spec/schedulingGates")?.as_array()?;
    gates.iter().position(|it| text(it, "/name") == Some(&ours))
}

fn wait(pod: &RecordedPod<'_>) -> Result<GateWait, Box<PodProblem>> {
    let asked = pod.asked()?;
    let terms = asked.depends_on.iter().map(|term| term.value.clone());
    // A gated pod does not restart: its first wait goes on, overdue or not.
    let begin = (&pod.id.namespace, pod.created);
    let wait = GateWait::new(terms.collect(), asked.timeout_rules(), begin);
    wait.map_err(|reason| Box::new(pod.damaged(reason)))
}

#[cfg(test)]
mod tests {
    use oncue_language::{State, Timestamp};
    use serde_json::json;

    use super::*;
    use crate::{gates::GateDecision, kit::mk_injected_pod};

    fn mk_pod(record: &Value) -> Value {
        let gates = json!([{"name": "other.io/x"}, {"name": "oncue.dev/depends-on"}]);
        mk_injected_pod(record, &json!({"schedulingGates": gates}))
    }

    fn gate(pod: &Value) -> Option<Gate> {
        GatedPod::read(pod, &Keys::default()).unwrap().gate
    }

    #[test]
    fn reads_the_record_and_fills_in_what_only_the_created_pod_knows() {
        let pod = mk_pod(&json!({
            "hash": "h", "depends-on": ["db/$(POD_NAME)", "job:$(POD_UID)@other"],
            "depends-on-mode": "gate", "depends-on-timeout": "5m",
            "depends-on-timeout-policy": "proceed",
        }));
        let gate = gate(&pod).unwrap();
        assert_eq!(gate.index, 1);
        let mut wait = gate.wait.unwrap();
        let conditions = wait.conditions().iter().map(ToString::to_string);
        let conditions: Vec<_> = conditions.collect();
        assert_eq!(conditions, ["db/second@shop", "job:u-2@other"]);
        let states = [State::Missing; 2];
        let end: Timestamp = "2026-11-27T10:05:00Z".parse().unwrap();
        let until = Some(end);
        assert_eq!(
            wait.decide(&states, "2026-11-27T10:04:59Z".parse().unwrap()),
            GateDecision::Wait { until }
        );
        assert_eq!(wait.decide(&states, end), GateDecision::Open);
    }

    #[test]
    fn a_pod_without_our_gate_or_that_has_ended_is_not_held() {
        let pod = mk_pod(&json!({"depends-on": ["a"]}));
        assert!(gate(&pod).is_some());
        for (pointer, value) in [
            ("/spec", json!({})),
            (
                "/spec",
                json!({"schedulingGates": [{"name": "other.io/x"}]}),
            ),
            ("/status", json!({"phase": "Failed"})),
            (
                "/metadata",
                json!({"namespace": "shop", "name": "second", "uid": "u-2",
                    "deletionTimestamp": "2026-11-27T10:00:00Z"}),
            ),
        ] {
            let mut pod = pod.clone();
            *pod.pointer_mut(pointer).unwrap() = value.clone();
            assert_eq!(gate(&pod), None, "{value}");
        }
    }

    #[test]
    fn a_release_of_this_very_pod_opens_its_gate_whatever_its_record_says() {
        for record in [json!({"depends-on": ["a", "!b"]}), json!("damaged")] {
            let mut pod = mk_pod(&record);
            for (release, opens) in [
                (r#"{"uid":"u-2","reason":"the mirror is down"}"#, true),
                (r#"{"uid":"u-1","reason":"the mirror is down"}"#, false),
                ("now", false),
            ] {
                pod["metadata"]["annotations"]["oncue.dev/release"] = json!(release);
                let wait = gate(&pod).unwrap().wait;
                let decision = wait.map(|mut it| {
                    let states = vec![State::Missing; it.conditions().len()];
                    it.decide(&states, Timestamp::default())
                });
                assert_eq!(decision == Ok(GateDecision::Open), opens, "{release}");
            }
        }
    }

    #[test]
    fn a_damaged_record_says_what_is_wrong_with_it() {
        for (record, reason) in [
            (json!({"depends-on": ["a b"]}), "in \"a b\": "),
            (json!({"depends-on": ["tcp://h:1"]}), "tcp://h:1 is a probe"),
            (json!({"depends-on": ["a/$(NODE_NAME)"]}), "$(NODE_NAME)"),
            (
                json!({"depends-on": ["a"], "depends-on-timeout": "5"}),
                "in \"5\": ",
            ),
            (json!({"depends-on-timeout-policy": "x"}), "in \"x\": "),
            (json!("x"), "oncue.dev/injected cannot be read"),
        ] {
            let problem = gate(&mk_pod(&record)).unwrap().wait.unwrap_err();
            assert!(problem.to_string().contains(reason), "{record}: {problem}");
        }
        let mut pod = mk_pod(&json!({}));
        pod["metadata"]["annotations"] = json!({});
        let problem = gate(&pod).unwrap().wait.unwrap_err();
        assert!(
            problem.to_string().contains("was not injected"),
            "{problem}"
        );
    }
}
