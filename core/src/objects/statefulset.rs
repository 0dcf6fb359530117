//! `statefulset:x`: the `StatefulSet` is rolled out, as `kubectl rollout status` has it.

use oncue_language::ObjectState;
use serde_json::Value;

use super::{
    read::{count, number},
    reason::pending,
    rollout::{self, Step},
};
use crate::workload::text;

/// Judges a `StatefulSet`.
pub(super) fn state(set: &Value) -> ObjectState {
    if !rollout::is_observed(set) || count(set, "/status/observedGeneration") == 0 {
        return rollout::unobserved();
    }
    if rollout::replicas(set) == 0 {
        return rollout::scaled_to_zero();
    }
    match rollout::state(steps(set), None) {
        ObjectState::Holds if is_between_revisions(set) => {
            pending("the last pods of its new revision are not ready yet")
        }
        state => state,
    }
}

fn steps(set: &Value) -> impl Iterator<Item = Step> {
    let wanted = rollout::replicas(set);
    let ready = Step {
        have: count(set, "/status/readyReplicas"),
        wanted,
        what: "replicas are ready",
    };
    let updated = partition(set).map(|partition| Step {
        have: count(set, "/status/updatedReplicas"),
        wanted: wanted.saturating_sub(partition),
        what: "replicas are updated",
    });
    [Some(ready), updated].into_iter().flatten()
}

/// Returns the ordinal from which on pods are updated; `None` if the update is not partitioned.
fn partition(set: &Value) -> Option<i64> {
    let partition = number(set, "/spec/updateStrategy/rollingUpdate/partition");
    partition.filter(|_| !rollout::is_on_delete(set))
}

/// Returns whether an update without any settings goes on.
fn is_between_revisions(set: &Value) -> bool {
    let settings = set.pointer("/spec/updateStrategy/rollingUpdate");
    let revision = |which| text(set, which).unwrap_or_default();
    !rollout::is_on_delete(set)
        && !settings.is_some_and(Value::is_object)
        && revision("/status/updateRevision") != revision("/status/currentRevision")
}

/// The fields that this module reads.
pub(super) const READ: [&str; 9] = [
    "/metadata/generation",
    "/spec/replicas",
    "/spec/updateStrategy/rollingUpdate/partition",
    "/spec/updateStrategy/type",
    "/status/currentRevision",
    "/status/observedGeneration",
    "/status/readyReplicas",
    "/status/updateRevision",
    "/status/updatedReplicas",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::judged, *};

    /// A set of 3 replicas at generation 2 with these counts: ready, updated.
    fn mk(strategy: &Value, [ready, updated]: [i64; 2]) -> Value {
        json!({
            "metadata": {"generation": 2},
            "spec": {"replicas": 3, "updateStrategy": strategy},
            "status": {
                "observedGeneration": 2, "replicas": 3, "readyReplicas": ready,
                "currentReplicas": 3 - updated, "updatedReplicas": updated,
                "currentRevision": "db-1", "updateRevision": if updated == 3 { "db-1" } else { "db-2" },
            },
        })
    }

    fn mk_partitioned(partition: i64) -> Value {
        json!({"type": "RollingUpdate", "rollingUpdate": {"partition": partition}})
    }

    fn pending(text: &str) -> Result<(), String> {
        Err(text.to_owned())
    }

    #[test]
    fn a_set_holds_once_it_is_rolled_out() {
        let plain = json!({"type": "RollingUpdate"});
        for (strategy, counts, expected) in [
            (mk_partitioned(0), [3, 3], Ok(())),
            (
                mk_partitioned(0),
                [1, 3],
                pending("1 of 3 replicas are ready"),
            ),
            (
                mk_partitioned(0),
                [3, 2],
                pending("2 of 3 replicas are updated"),
            ),
            (mk_partitioned(2), [3, 1], Ok(())),
            (
                mk_partitioned(2),
                [3, 0],
                pending("0 of 1 replicas are updated"),
            ),
            (
                mk_partitioned(2),
                [2, 1],
                pending("2 of 3 replicas are ready"),
            ),
            (mk_partitioned(9), [3, 0], Ok(())),
            (
                json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}),
                [3, 1],
                Ok(()),
            ),
            (plain.clone(), [3, 3], Ok(())),
            (Value::Null, [3, 3], Ok(())),
            (
                plain,
                [3, 2],
                pending("the last pods of its new revision are not ready yet"),
            ),
            (Value::Null, [2, 3], pending("2 of 3 replicas are ready")),
        ] {
            assert_eq!(
                judged("statefulset", &mk(&strategy, counts)),
                expected,
                "{strategy} {counts:?}"
            );
        }
    }

    #[test]
    fn on_delete_means_that_all_replicas_are_ready() {
        let strategy = json!({"type": "OnDelete", "rollingUpdate": {"partition": 0}});
        assert_eq!(judged("statefulset", &mk(&strategy, [3, 0])), Ok(()));
        assert_eq!(
            judged("statefulset", &mk(&strategy, [2, 0])),
            pending("2 of 3 replicas are ready")
        );
        assert_eq!(
            judged("statefulset", &mk(&json!({"type": "OnDelete"}), [3, 0])),
            Ok(())
        );
    }

    #[test]
    fn a_change_that_was_not_observed_does_not_hold() {
        let unobserved = pending("its last change has not been observed yet");
        let mut set = mk(&mk_partitioned(0), [3, 3]);
        set["metadata"]["generation"] = 3.into();
        assert_eq!(judged("statefulset", &set), unobserved);
        set["metadata"] = json!({});
        assert_eq!(judged("statefulset", &set), Ok(()));
        set["status"]["observedGeneration"] = 0.into();
        assert_eq!(judged("statefulset", &set), unobserved);
    }

    #[test]
    fn the_number_of_replicas_is_one_unless_it_is_written_and_zero_does_not_hold() {
        let mut set = mk(&mk_partitioned(0), [0, 0]);
        set["spec"]["replicas"] = 0.into();
        assert_eq!(
            judged("statefulset", &set),
            pending("is scaled to zero replicas")
        );
        set["spec"]["replicas"] = Value::Null;
        assert_eq!(
            judged("statefulset", &set),
            pending("0 of 1 replicas are ready")
        );
    }
}
