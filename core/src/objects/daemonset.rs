//! `daemonset:x`: the `DaemonSet` is rolled out, as `kubectl rollout status` has it.

use oncue_language::ObjectState;
use serde_json::Value;

use super::{
    read::count,
    reason::pending,
    rollout::{self, Step},
};

/// Judges a `DaemonSet`.
pub(super) fn state(set: &Value) -> ObjectState {
    if !rollout::is_observed(set) {
        return rollout::unobserved();
    }
    if wanted(set) == 0 {
        return pending("is wanted on no node");
    }
    if rollout::is_on_delete(set) {
        return rollout::state([step(set, "numberReady", "pods are ready")], None);
    }
    let steps = [
        step(set, "updatedNumberScheduled", "pods are updated"),
        step(set, "numberAvailable", "pods are available"),
    ];
    rollout::state(steps, None)
}

fn step(set: &Value, counted: &str, what: &'static str) -> Step {
    Step {
        have: count(set, &format!("/status/{counted}")),
        wanted: wanted(set),
        what,
    }
}

/// Returns how many nodes are to run its pod.
fn wanted(set: &Value) -> i64 {
    count(set, "/status/desiredNumberScheduled")
}

/// The fields that this module reads.
pub(super) const READ: [&str; 7] = [
    "/metadata/generation",
    "/spec/updateStrategy/type",
    "/status/desiredNumberScheduled",
    "/status/numberAvailable",
    "/status/numberReady",
    "/status/observedGeneration",
    "/status/updatedNumberScheduled",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::judged, *};

    /// A set that three nodes are to run, at generation 2, with these counts: updated, ready,
    /// available.
    fn mk(strategy: &str, [updated, ready, available]: [i64; 3]) -> Value {
        json!({
            "metadata": {"generation": 2},
            "spec": {"updateStrategy": {"type": strategy}},
            "status": {
                "observedGeneration": 2, "desiredNumberScheduled": 3, "currentNumberScheduled": 3,
                "updatedNumberScheduled": updated, "numberReady": ready, "numberAvailable": available,
            },
        })
    }

    fn pending(text: &str) -> Result<(), String> {
        Err(text.to_owned())
    }

    #[test]
    fn a_set_holds_once_it_is_rolled_out() {
        for (strategy, counts, expected) in [
            ("RollingUpdate", [3, 3, 3], Ok(())),
            (
                "RollingUpdate",
                [2, 3, 3],
                pending("2 of 3 pods are updated"),
            ),
            (
                "RollingUpdate",
                [3, 3, 2],
                pending("2 of 3 pods are available"),
            ),
            ("", [3, 3, 3], Ok(())),
            ("OnDelete", [0, 3, 0], Ok(())),
            ("OnDelete", [3, 2, 3], pending("2 of 3 pods are ready")),
        ] {
            assert_eq!(
                judged("daemonset", &mk(strategy, counts)),
                expected,
                "{strategy} {counts:?}"
            );
        }
    }

    #[test]
    fn a_change_that_was_not_observed_does_not_hold() {
        let mut set = mk("RollingUpdate", [3, 3, 3]);
        set["metadata"]["generation"] = 3.into();
        assert_eq!(
            judged("daemonset", &set),
            pending("its last change has not been observed yet")
        );
    }

    #[test]
    fn a_set_that_no_node_is_to_run_does_not_hold() {
        for strategy in ["RollingUpdate", "OnDelete"] {
            let mut set = mk(strategy, [0, 0, 0]);
            set["status"]["desiredNumberScheduled"] = 0.into();
            assert_eq!(judged("daemonset", &set), pending("is wanted on no node"));
        }
    }
}
