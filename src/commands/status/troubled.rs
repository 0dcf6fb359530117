//! Pods whose condition says more than that something is missing.

use serde_json::Value;

use crate::{
    commands::object::text,
    reporting::{HeldReason, ObservedCondition},
};

/// What such a pod says: namespace, pod, reason and message.
pub(super) type Row = [String; 4];

/// Returns the pods that wait for each other, or whose wait has failed.
pub(super) fn troubled(pods: &[Value]) -> Vec<Row> {
    let mut rows: Vec<_> = pods.iter().filter_map(row).collect();
    rows.sort();
    rows
}

fn row(pod: &Value) -> Option<Row> {
    let condition = ObservedCondition::read(pod)?;
    match condition.reason.parse().ok()? {
        HeldReason::Deadlock | HeldReason::Failed | HeldReason::TimedOut => Some([
            text(pod, "/metadata/namespace").to_owned(),
            text(pod, "/metadata/name").to_owned(),
            condition.reason.into(),
            condition.message.into(),
        ]),
        HeldReason::Held | HeldReason::Released | HeldReason::Waiting => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pods_in_a_deadlock_are_listed_with_what_their_condition_says() {
        let pod = |name: &str, reason: &str| {
            json!({
                "metadata": {"namespace": "shop", "name": name},
                "status": {"conditions": [{
                    "type": "oncue.dev/DependenciesHeld", "status": "False", "reason": reason,
                    "message": format!("{reason}: why"),
                }]},
            })
        };
        let pods = [
            pod("b", "Deadlock"),
            pod("c", "Waiting"),
            pod("a", "TimedOut"),
            pod("d", "Unheard"),
            json!({"metadata": {"namespace": "shop", "name": "e"}}),
        ];
        let expected = [
            ["shop", "a", "TimedOut", "TimedOut: why"],
            ["shop", "b", "Deadlock", "Deadlock: why"],
        ];
        assert_eq!(troubled(&pods), expected);
    }
}
