//! Pods that wait for nothing that the store judges: it knows nothing of what they probe themselves,
//! and nothing of those that wait on after a failure.

use oncue_wire::Waiter;
use serde_json::Value;

use crate::{
    commands::object::text,
    injection::Record,
    reporting::{ObservedCondition, wait_status},
};

/// What such pods wait for: namespace, pod, and the message of its condition or its terms.
pub(super) type Row = [String; 3];

/// Returns the pods whose waiting container runs, and that are not among those that miss something
/// by the store.
/// `record` is the annotation with the record.
pub(super) fn alone(pods: &[Value], record: &str, known: &[Waiter]) -> Vec<Row> {
    let waiting = pods.iter().filter(|pod| waits(pod));
    let mut rows: Vec<_> = waiting
        .map(|pod| row(pod, record))
        .filter(|[namespace, pod, _]| {
            let is_this = |waiter: &Waiter| {
                waiter.namespace.as_str() == namespace && waiter.pod.as_ref() == Some(pod)
            };
            !known.iter().any(is_this)
        })
        .collect();
    rows.sort();
    rows
}

fn waits(pod: &Value) -> bool {
    wait_status(pod).is_some_and(|status| status.pointer("/state/running").is_some())
}

fn row(pod: &Value, record: &str) -> Row {
    let record = pod["metadata"]["annotations"][record].as_str();
    let record: Option<Record> = record.and_then(|text| serde_json::from_str(text).ok());
    let terms = || record.map(|record| record.depends_on.join(", "));
    let condition = ObservedCondition::read(pod).filter(|it| !it.message.is_empty());
    let told = condition.map(|it| it.message.into());
    [
        text(pod, "/metadata/namespace").to_owned(),
        text(pod, "/metadata/name").to_owned(),
        told.or_else(terms).unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{injection::CONTAINER, language::Timestamp};

    fn mk_pod(name: &str, state: &str) -> Value {
        json!({
            "metadata": {"namespace": "shop", "name": name, "annotations": {
                "oncue.dev/injected": r#"{"hash":"5f","depends-on":["tcp://redis:6379","a"]}"#,
            }},
            "status": {"initContainerStatuses": [{"name": CONTAINER, "state": {state: {}}}]},
        })
    }

    #[test]
    fn those_that_wait_without_the_store_are_found() {
        let known = Waiter {
            pod: Some("held".to_owned()),
            namespace: "shop".parse().unwrap(),
            since: Timestamp::default(),
            terms: Vec::new(),
        };
        let pods = [
            mk_pod("probes", "running"),
            mk_pod("held", "running"),
            mk_pod("over", "terminated"),
            json!({"metadata": {"namespace": "shop", "name": "unscheduled"}}),
        ];
        let rows = alone(&pods, "oncue.dev/injected", &[known]);
        assert_eq!(rows, [["shop", "probes", "tcp://redis:6379, a"]]);
    }
}
