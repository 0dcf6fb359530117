//! What objects may ask of a cluster and a simulation does not play: the list in
//! `docs/rehearse.md`.

use serde_json::Value;

/// Returns what an object asks for and is not played.
pub(super) fn parts(object: &Value) -> impl Iterator<Item = &'static str> {
    let mut found = [false; PARTS.len()];
    let kind = object["kind"].as_str();
    // A schema names fields, and asks for nothing.
    if kind != Some("CustomResourceDefinition") {
        search(object, &mut found);
    }
    // What is suspended is named by itself.
    let kind = kind.filter(|_| object["spec"]["suspend"] != true);
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
                if let Some(part) = part.filter(|_| is_asked_for(key, value)) {
                    found[part] = true;
                }
                search(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| search(item, found)),
        _ => {}
    }
}

fn is_asked_for(key: &str, value: &Value) -> bool {
    match key {
        "containers" => restart_apart(value),
        "restartPolicyRules" => {
            let mut rules = value.as_array().into_iter().flatten();
            rules.any(|rule| rule["action"] == "RestartAllContainers")
        }
        _ => is_set(value),
    }
}

/// Returns whether containers of one pod differ in when they are started again.
fn restart_apart(containers: &Value) -> bool {
    let restarts = |container: &Value| {
        ["restartPolicy", "restartPolicyRules"].map(|key| container[key].clone())
    };
    let mut all = containers.as_array().into_iter().flatten().map(restarts);
    let first = all.next();
    all.any(|it| Some(it) != first)
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
const KINDS: [(&str, &str); 6] = [
    (
        "CronJob",
        "schedules of CronJobs: each has one run, at the beginning",
    ),
    ("HorizontalPodAutoscaler", "autoscaling"),
    ("LimitRange", "limits and quotas of namespaces"),
    ("NetworkPolicy", "NetworkPolicies"),
    ("ResourceQuota", "limits and quotas of namespaces"),
    ("ScaledObject", "autoscaling"),
];

/// Fields, wherever they are, whose effect is not played.
const PARTS: [(&str, &str); 14] = [
    ("affinity", SCHEDULING),
    (
        "containers",
        "containers of one pod that restart apart from each other: all do what the first does",
    ),
    (
        "dependsOn",
        "dependsOn of objects: all of them are created at once",
    ),
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
    (
        "restartPolicyRules",
        "RestartAllContainers of containers: it restarts those that are not init containers",
    ),
    (
        "startupPolicy",
        "startupPolicy of objects: all of their pods are created at once",
    ),
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
        let schema =
            json!({"kind": "CustomResourceDefinition", "spec": {"affinity": {"type": "x"}}});
        assert_eq!(parts(&schema).count(), 0);
    }

    #[test]
    fn restart_rules_are_named_where_they_are_not_played() {
        let rules = |action: &str| json!([{"action": action, "exitCodes": {"operator": "In"}}]);
        let found = |containers: Value| {
            let spec = json!({"containers": containers});
            let object = json!({"kind": "Pod", "spec": spec});
            parts(&object)
                .map(|it| it[..12].to_owned())
                .collect::<Vec<_>>()
        };
        let restarts = json!({"restartPolicy": "Never", "restartPolicyRules": rules("Restart")});
        assert!(found(json!([{}, {}])).is_empty());
        assert!(found(json!([restarts, restarts])).is_empty());
        assert_eq!(found(json!([restarts, {}])), ["containers o"]);
        let all = json!({"restartPolicyRules": rules("RestartAllContainers")});
        assert_eq!(found(json!([all])), ["RestartAllCo"]);
    }

    #[test]
    fn what_orders_objects_or_creates_them_later_is_named() {
        for (object, expected) in [
            (
                json!({"kind": "CronJob", "spec": {"schedule": "0 3 * * *"}}),
                "schedules of CronJobs",
            ),
            (
                json!({"kind": "JobSet", "spec": {"a": [{"dependsOn": [{"name": "x"}]}]}}),
                "dependsOn",
            ),
            (
                json!({"kind": "Kustomization", "spec": {"dependsOn": [{"name": "x"}]}}),
                "dependsOn",
            ),
            (
                json!({"kind": "LeaderWorkerSet", "spec": {"startupPolicy": "LeaderReady"}}),
                "startupPolicy",
            ),
        ] {
            let found: Vec<_> = parts(&object).collect();
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].starts_with(expected), "{found:?}");
        }
    }
}
