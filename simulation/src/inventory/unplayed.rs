//! What objects may ask of a cluster and a simulation does not play: the list in
//! `docs/rehearse.md`.

use serde_json::Value;

/// Returns what an object asks for and is not played.
pub(super) fn parts(object: &Value) -> impl Iterator<Item = &'static str> {
    let mut found = [false; PARTS.len()];
    search(object, &mut found);
    let kind = object["kind"].as_str();
    let by_kind = KINDS.iter().filter(move |(it, _)| kind == Some(*it));
    let by_kind = by_kind.map(|(_, what)| *what);
    let parts = PARTS.iter().zip(found);
    by_kind.chain(parts.filter_map(|((_, what), found)| found.then_some(*what)))
}

fn search(value: &Value, found: &mut [bool; PARTS.len()]) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let part = PARTS.iter().position(|(it, _)| it == key);
                if let Some(part) = part.filter(|_| is_set(value)) {
                    found[part] = true;
                }
                search(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| search(item, found)),
        _ => {}
    }
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// Objects whose effect on pods is not played.
const KINDS: [(&str, &str); 5] = [
    ("HorizontalPodAutoscaler", "autoscaling"),
    ("LimitRange", "limits and quotas of namespaces"),
    ("NetworkPolicy", "NetworkPolicies"),
    ("ResourceQuota", "limits and quotas of namespaces"),
    ("ScaledObject", "autoscaling"),
];

/// Fields, wherever they are, whose effect is not played.
const PARTS: [(&str, &str); 12] = [
    ("affinity", SCHEDULING),
    ("livenessProbe", "liveness probes"),
    ("managedBy", "managedBy of Jobs: the Job is played as usual"),
    ("nodeSelector", SCHEDULING),
    ("podReplacementPolicy", "podReplacementPolicy of Jobs"),
    (
        "progressDeadlineSeconds",
        "progressDeadlineSeconds of Deployments",
    ),
    (
        "readinessGates",
        "readiness gates of pods: they count as true",
    ),
    ("restartPolicyRules", "restart rules of containers"),
    ("startingDeadlineSeconds", "schedules of CronJobs"),
    ("tolerations", SCHEDULING),
    ("topologySpreadConstraints", SCHEDULING),
    (
        "volumeClaimTemplates",
        "binding of claims: they count as bound",
    ),
];

const SCHEDULING: &str = "node selectors, affinity, taints and spread: every pod fits every node";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_are_found_wherever_they_are_if_they_say_something() {
        let object = json!({
            "kind": "Deployment",
            "spec": {"template": {"spec": {
                "affinity": {}, "nodeSelector": {"disk": "ssd"},
                "containers": [{"name": "main", "livenessProbe": {"httpGet": {"port": 80}}}],
            }}},
        });
        let found: Vec<_> = parts(&object).collect();
        assert_eq!(found, ["liveness probes", SCHEDULING]);
        let found: Vec<_> = parts(&json!({"kind": "ResourceQuota", "spec": {}})).collect();
        assert_eq!(found, ["limits and quotas of namespaces"]);
    }
}
