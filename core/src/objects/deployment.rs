//! `deployment:x`: the Deployment is rolled out, as `kubectl rollout status` has it.

use oncue_language::ObjectState;
use serde_json::Value;

use super::{
    condition::{self, StatusCondition},
    read::{count, flag},
    reason::pending,
    rollout::{self, Step},
};

/// Judges a Deployment.
pub(super) fn state(deployment: &Value) -> ObjectState {
    if !rollout::is_observed(deployment) {
        return rollout::unobserved();
    }
    if rollout::replicas(deployment) == 0 {
        return rollout::scaled_to_zero();
    }
    match rollout::state(steps(deployment), obstacle(deployment)) {
        // The Deployment's controller may go on later, and kubectl gives up.
        ObjectState::Holds if is_overdue(deployment) => pending(OVERDUE),
        state => state,
    }
}

fn steps(deployment: &Value) -> [Step; 3] {
    let wanted = rollout::replicas(deployment);
    let updated = count(deployment, "/status/updatedReplicas");
    [
        Step {
            have: updated,
            wanted,
            what: "replicas are updated",
        },
        Step {
            have: updated,
            wanted: count(deployment, "/status/replicas"),
            what: "replicas are new, and the old ones are still ending",
        },
        Step {
            have: count(deployment, "/status/availableReplicas"),
            wanted: updated,
            what: "replicas are available",
        },
    ]
}

fn obstacle(deployment: &Value) -> Option<&str> {
    if is_overdue(deployment) {
        return Some(OVERDUE);
    }
    if flag(deployment, "/spec/paused") {
        return Some("the rollout is paused");
    }
    let failure = StatusCondition::find(deployment, "ReplicaFailure")?;
    failure
        .reason
        .filter(|_| condition::is_true(deployment, "ReplicaFailure"))
}

fn is_overdue(deployment: &Value) -> bool {
    let progressing = StatusCondition::find(deployment, "Progressing");
    progressing.is_some_and(|condition| condition.reason == Some(OVERDUE))
}

const OVERDUE: &str = "ProgressDeadlineExceeded";

/// The fields that this module reads, besides those of conditions.
pub(super) const READ: [&str; 5] = [
    "/spec/paused",
    "/spec/replicas",
    "/status/availableReplicas",
    "/status/replicas",
    "/status/updatedReplicas",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::judged, *};

    /// A Deployment of 3 replicas at generation 2 with these counts: all, updated, available.
    fn mk([all, updated, available]: [i64; 3]) -> Value {
        json!({
            "metadata": {"generation": 2},
            "spec": {"replicas": 3},
            "status": {
                "observedGeneration": 2, "replicas": all, "updatedReplicas": updated,
                "readyReplicas": available, "availableReplicas": available,
                "conditions": [{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}],
            },
        })
    }

    fn pending(text: &str) -> Result<(), String> {
        Err(text.to_owned())
    }

    #[test]
    fn a_deployment_holds_once_it_is_rolled_out() {
        for (counts, expected) in [
            ([3, 3, 3], Ok(())),
            ([3, 0, 3], pending("0 of 3 replicas are updated")),
            ([4, 2, 3], pending("2 of 3 replicas are updated")),
            (
                [4, 3, 3],
                pending("3 of 4 replicas are new, and the old ones are still ending"),
            ),
            ([3, 3, 1], pending("1 of 3 replicas are available")),
            // While it is scaled down, more may be there than are wanted.
            ([5, 5, 5], Ok(())),
            ([5, 5, 4], pending("4 of 5 replicas are available")),
        ] {
            assert_eq!(judged("deployment", &mk(counts)), expected, "{counts:?}");
        }
        let new =
            json!({"metadata": {"generation": 1}, "spec": {}, "status": {"observedGeneration": 1}});
        assert_eq!(
            judged("deployment", &new),
            pending("0 of 1 replicas are updated")
        );
    }

    #[test]
    fn a_change_that_was_not_observed_does_not_hold() {
        let unobserved = pending("its last change has not been observed yet");
        let mut deployment = mk([3, 3, 3]);
        deployment["metadata"]["generation"] = 3.into();
        assert_eq!(judged("deployment", &deployment), unobserved);
        deployment["status"] = json!({});
        assert_eq!(judged("deployment", &deployment), unobserved);
    }

    #[test]
    fn zero_replicas_do_not_hold() {
        let mut deployment = mk([0, 0, 0]);
        deployment["spec"]["replicas"] = 0.into();
        assert_eq!(
            judged("deployment", &deployment),
            pending("is scaled to zero replicas")
        );
    }

    #[test]
    fn an_obstacle_is_named() {
        let condition = |kind: &str, status: &str, reason: &str| json!([{"type": kind, "status": status, "reason": reason}]);
        let overdue = condition("Progressing", "False", "ProgressDeadlineExceeded");
        for (counts, conditions, expected) in [
            (
                [3, 3, 1],
                overdue.clone(),
                "1 of 3 replicas are available: ProgressDeadlineExceeded",
            ),
            ([3, 3, 3], overdue, "ProgressDeadlineExceeded"),
            (
                [0, 0, 0],
                condition("ReplicaFailure", "True", "FailedCreate"),
                "0 of 3 replicas are updated: FailedCreate",
            ),
            (
                [0, 0, 0],
                condition("ReplicaFailure", "False", "x"),
                "0 of 3 replicas are updated",
            ),
        ] {
            let mut deployment = mk(counts);
            deployment["status"]["conditions"] = conditions;
            assert_eq!(judged("deployment", &deployment), pending(expected));
        }
        let mut paused = mk([3, 1, 3]);
        paused["spec"]["paused"] = true.into();
        assert_eq!(
            judged("deployment", &paused),
            pending("1 of 3 replicas are updated: the rollout is paused")
        );
        let mut paused = mk([3, 3, 3]);
        paused["spec"]["paused"] = true.into();
        assert_eq!(judged("deployment", &paused), Ok(()));
    }
}
