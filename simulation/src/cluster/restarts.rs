//! What the kubelet does when the containers of a pod end.

use oncue_core::workload::RestartPolicy;
use serde_json::Value;

/// Whether the own containers of a pod are started again in place. They do so together, as the
/// first one says: the rules of a container, its policy, or that of the pod.
#[derive(Clone, Debug)]
pub(super) struct Restarts {
    policy: RestartPolicy,
    rules: Vec<Rule>,
}

/// A rule that starts a container again after some exit codes.
#[derive(Clone, Debug)]
struct Rule {
    is_negated: bool,
    codes: Vec<i64>,
}

impl Restarts {
    /// Reads the `spec` of a pod with this policy.
    pub(super) fn new(spec: &Value, policy: RestartPolicy) -> Self {
        let container = &spec["containers"][0];
        let rules = container["restartPolicyRules"].as_array();
        Self {
            policy: match container["restartPolicy"].as_str() {
                Some("Always") => RestartPolicy::Always,
                Some("Never") => RestartPolicy::Never,
                Some("OnFailure") => RestartPolicy::OnFailure,
                _ => policy,
            },
            rules: rules.into_iter().flatten().map(Rule::read).collect(),
        }
    }

    /// Returns whether containers that end with this exit code are started again.
    pub(super) fn follow(&self, code: i32) -> bool {
        let by_policy = match self.policy {
            RestartPolicy::Always => true,
            RestartPolicy::Never => false,
            RestartPolicy::OnFailure => code != 0,
        };
        by_policy || self.rules.iter().any(|rule| rule.sees(code))
    }
}

impl Rule {
    /// Every action starts the container again.
    fn read(rule: &Value) -> Self {
        let on = &rule["exitCodes"];
        let codes = on["values"].as_array().into_iter().flatten();
        Self {
            is_negated: on["operator"] == "NotIn",
            codes: codes.filter_map(Value::as_i64).collect(),
        }
    }

    fn sees(&self, code: i32) -> bool {
        self.codes.contains(&i64::from(code)) != self.is_negated
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_count_before_the_policy_of_the_container_and_that_before_the_pods() {
        let rule = |operator: &str, values: &[i32]| {
            json!({"restartPolicy": "Never", "restartPolicyRules": [
                {"action": "Restart", "exitCodes": {"operator": operator, "values": values}},
            ]})
        };
        for (container, pod, expected) in [
            (json!({}), RestartPolicy::Always, [true, true]),
            (json!({}), RestartPolicy::OnFailure, [false, true]),
            (json!({}), RestartPolicy::Never, [false, false]),
            (
                json!({"restartPolicy": "Never"}),
                RestartPolicy::Always,
                [false, false],
            ),
            (
                json!({"restartPolicy": "OnFailure"}),
                RestartPolicy::Always,
                [false, true],
            ),
            (
                json!({"restartPolicy": "Always"}),
                RestartPolicy::Never,
                [true, true],
            ),
            (rule("In", &[1, 42]), RestartPolicy::Always, [false, true]),
            (rule("In", &[42]), RestartPolicy::Always, [false, false]),
            (rule("NotIn", &[1]), RestartPolicy::Never, [true, false]),
        ] {
            let restarts = Restarts::new(&json!({"containers": [container]}), pod);
            assert_eq!(
                [0, 1].map(|code| restarts.follow(code)),
                expected,
                "{container}"
            );
        }
    }
}
