//! `daemonset:x on node`: its pod on one node is Ready.

use oncue_language::ObjectState;
use serde_json::Value;

use super::{
    pod::{self, Unready},
    read::is_being_deleted,
    reason::pending,
    several::{OnNode, is_on},
};
use crate::workload::{owner, uid};

/// Judges a `DaemonSet` by the pods of its namespace: during an update, it may have two on a node.
pub fn daemonset<'a>(
    set: &Value,
    pods: impl IntoIterator<Item = &'a Value>,
    node: &str,
) -> ObjectState {
    let is_its = |pod: &&Value| is_on(pod, node) && is_controlled(pod, set);
    let pods: Vec<_> = pods.into_iter().filter(is_its).collect();
    if pods.iter().any(|pod| pod::is_ready(pod)) {
        return ObjectState::Holds;
    }
    let on_node = OnNode(Some(node));
    match pods.into_iter().min_by_key(|pod| is_being_deleted(pod)) {
        Some(pod) => pending(format_args!("its pod{on_node} {}", Unready(pod))),
        None => pending(format_args!("has no pod{on_node}")),
    }
}

fn is_controlled(pod: &Value, set: &Value) -> bool {
    let owner = owner(pod);
    owner.is_some_and(|owner| uid(set) == Some(owner.uid))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::reason, *};

    fn mk_pod(node: &str, ready: &str, owner: &str) -> Value {
        json!({
            "metadata": {"ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "cni", "uid": owner, "controller": true},
            ]},
            "spec": {"nodeName": node},
            "status": {"conditions": [{"type": "Ready", "status": ready, "reason": "R"}]},
        })
    }

    fn judged(pods: &[&Value]) -> Result<(), String> {
        let set = json!({"metadata": {"uid": "u"}});
        reason(&daemonset(&set, pods.iter().copied(), "n1"))
    }

    #[test]
    fn the_pod_of_the_set_on_the_node_must_be_ready() {
        let mut deleted = mk_pod("n1", "True", "u");
        deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        let (ready, unready) = (mk_pod("n1", "True", "u"), mk_pod("n1", "False", "u"));
        let (elsewhere, of_another) = (mk_pod("n2", "True", "u"), mk_pod("n1", "True", "other"));
        let bare = json!({"spec": {"nodeName": "n1"}, "status": ready["status"]});
        let none = "has no pod on the node n1";
        for (pods, expected) in [
            (vec![&ready], Ok(())),
            (vec![&deleted, &ready], Ok(())),
            (vec![], Err(none)),
            (vec![&elsewhere, &of_another, &bare], Err(none)),
            (
                vec![&deleted, &unready],
                Err("its pod on the node n1 is not Ready: R"),
            ),
            (
                vec![&deleted],
                Err("its pod on the node n1 is being deleted"),
            ),
        ] {
            assert_eq!(judged(&pods), expected.map_err(str::to_owned), "{pods:?}");
        }
    }

    #[test]
    fn a_set_without_a_uid_controls_nothing() {
        let pod = mk_pod("n1", "True", "");
        assert_eq!(
            daemonset(&json!({}), [&pod], "n1"),
            pending("has no pod on the node n1")
        );
    }
}
