//! `node:x`: the node is Ready.

use oncue_language::ObjectState;
use serde_json::Value;

use super::{
    condition::StatusCondition,
    reason::{because, pending},
};

/// Judges a node.
pub(super) fn state(node: &Value) -> ObjectState {
    match StatusCondition::find(node, "Ready") {
        Some(ready) if ready.is_true() => ObjectState::Holds,
        ready => pending(because(
            "is not Ready",
            ready.and_then(|ready| ready.reason),
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::judged;

    #[test]
    fn a_node_holds_while_it_is_ready() {
        for (condition, expected) in [
            (
                json!({"type": "Ready", "status": "True", "reason": "KubeletReady"}),
                Ok(()),
            ),
            (
                json!({"type": "Ready", "status": "False", "reason": "KubeletNotReady"}),
                Err("is not Ready: KubeletNotReady"),
            ),
            (
                json!({"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}),
                Err("is not Ready: NodeStatusUnknown"),
            ),
            (
                json!({"type": "DiskPressure", "status": "True"}),
                Err("is not Ready"),
            ),
        ] {
            let node =
                json!({"spec": {"unschedulable": true}, "status": {"conditions": [condition]}});
            assert_eq!(
                judged("node", &node),
                expected.map_err(str::to_owned),
                "{node}"
            );
        }
    }
}
