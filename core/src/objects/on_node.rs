//! `daemonset:x on node`: its pod on one node is Ready.

use oncue_language::{ObjectState, object::NodeName};
use serde_json::Value;

use super::{read::is_being_deleted, reason::pending, several::OnNode};
use crate::workload::{owner, text, uid};

/// Judges a `DaemonSet` by the pods on a node: during an update, two of them may be its own.
pub(super) fn daemonset<'a>(
    set: &Value,
    pods: impl IntoIterator<Item = &'a Value>,
    node: &NodeName,
    judge: impl Fn(&Value) -> ObjectState,
) -> ObjectState {
    let mut reasons = Vec::new();
    for pod in pods.into_iter().filter(|pod| is_controlled(pod, set)) {
        match judge(pod).into_reason() {
            None => return ObjectState::Holds,
            Some(reason) => reasons.push((is_being_deleted(pod), reason)),
        }
    }
    let on_node = OnNode(Some(node));
    match reasons.into_iter().min() {
        None => pending(format_args!("has no pod{on_node}")),
        Some((_, reason)) => pending(format_args!("its pod{on_node} {reason}")),
    }
}

/// Judges a pod that must be on a node.
pub(super) fn pod(
    pod: &Value,
    node: &NodeName,
    judge: impl Fn(&Value) -> ObjectState,
) -> ObjectState {
    if text(pod, "/spec/nodeName") == Some(node.as_str()) {
        judge(pod)
    } else {
        pending(format_args!("is not{}", OnNode(Some(node))))
    }
}

fn is_controlled(pod: &Value, set: &Value) -> bool {
    let owner = owner(pod);
    owner.is_some_and(|owner| uid(set) == Some(owner.uid))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{pod, tests::reason},
        *,
    };

    fn mk_pod(ready: &str, owner: &str) -> Value {
        json!({
            "metadata": {"ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "cni", "uid": owner, "controller": true},
            ]},
            "spec": {"nodeName": "n1"},
            "status": {"conditions": [{"type": "Ready", "status": ready, "reason": "R"}]},
        })
    }

    fn mk_node(name: &str) -> NodeName {
        name.parse().unwrap()
    }

    fn judged(set: &Value, pods: &[&Value]) -> Result<(), String> {
        let pods = pods.iter().copied();
        reason(&daemonset(set, pods, &mk_node("n1"), pod::state))
    }

    #[test]
    fn the_pod_of_the_set_must_be_ready() {
        let set = json!({"metadata": {"uid": "u"}});
        let (ready, unready) = (mk_pod("True", "u"), mk_pod("False", "u"));
        let of_another = mk_pod("True", "other");
        let mut deleted = ready.clone();
        deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        let mut bare = ready.clone();
        bare["metadata"]["ownerReferences"] = Value::Null;
        for (pods, expected) in [
            (vec![&ready], Ok(())),
            (vec![&deleted, &unready, &ready], Ok(())),
            (vec![], Err("has no pod on the node n1")),
            (vec![&of_another, &bare], Err("has no pod on the node n1")),
            (
                vec![&deleted, &unready],
                Err("its pod on the node n1 is not Ready: R"),
            ),
            (
                vec![&deleted],
                Err("its pod on the node n1 is being deleted"),
            ),
        ] {
            assert_eq!(
                judged(&set, &pods),
                expected.map_err(str::to_owned),
                "{pods:?}"
            );
        }
    }

    #[test]
    fn a_set_without_a_uid_controls_nothing() {
        let expected = Err("has no pod on the node n1".to_owned());
        assert_eq!(judged(&json!({}), &[&mk_pod("True", "")]), expected);
    }

    #[test]
    fn a_pod_must_be_on_the_node() {
        let pod = mk_pod("True", "u");
        let judged = |node| reason(&super::pod(&pod, &mk_node(node), pod::state));
        assert_eq!(judged("n1"), Ok(()));
        assert_eq!(judged("n2"), Err("is not on the node n2".to_owned()));
    }
}
