//! Containers in few words, and what happens to them.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::plan::{Outcome, PodPlan, Settings, plan};

/// Returns a container that runs a script.
pub(super) fn script(script: &str) -> Value {
    json!({"name": "wait", "image": "busybox:1.36", "command": ["sh", "-c", script]})
}

/// Returns a container that runs a script in bash, on an image that is not busybox.
pub(super) fn bash(script: &str) -> Value {
    json!({"name": "wait", "image": "debian", "command": ["bash", "-c", script]})
}

/// Returns a container that runs the words of a line.
pub(super) fn command(image: &str, line: &str) -> Value {
    let words: Vec<_> = line.split_whitespace().collect();
    json!({"name": "wait", "image": image, "command": words})
}

/// Returns a container that passes the words of a line to the image's entrypoint.
pub(super) fn arguments(image: &str, line: &str) -> Value {
    let words: Vec<_> = line.split_whitespace().collect();
    json!({"name": "wait", "image": image, "args": words})
}

/// Returns the container with environment variables.
pub(super) fn with_env(mut container: Value, variables: &[(&str, &str)]) -> Value {
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    container["env"] = variables.into();
    container
}

/// Returns a Deployment with these init containers.
pub(super) fn deployment(containers: &[Value]) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"template": {"spec": {
            "initContainers": containers, "containers": [{"name": "web", "image": "web"}],
        }}},
    })
}

/// Returns a Job that does not restart, with these init containers.
pub(super) fn job(containers: &[Value]) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job"},
        "spec": {"template": {"spec": {
            "restartPolicy": "Never", "initContainers": containers,
            "containers": [{"name": "job", "image": "job"}],
        }}},
    })
}

/// Returns the plan for one workload among other objects.
pub(super) fn plan_of(workload: &Value, others: &[Value]) -> PodPlan {
    let mut documents = vec![workload];
    documents.extend(others);
    plan(&documents, &Settings::default()).remove(0)
}

/// Returns what happens to the first init container, as one line: `tcp://db:5432`,
/// `~tcp://db:5432` if approximate, or `-` and the reason.
pub(super) fn outcome(workload: &Value, others: &[Value]) -> String {
    let plan = plan_of(workload, others);
    describe(&plan.containers[0].outcome)
}

pub(super) fn describe(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Approximate { terms, .. } => format!("~{}", terms.join(", ")),
        Outcome::Converted { terms } => terms.join(", "),
        Outcome::Left { reason } => format!("- {reason}"),
    }
}

/// Checks a table of containers of a Deployment. A reason needs to begin as expected.
#[track_caller]
pub(super) fn assert_outcomes(rows: impl IntoIterator<Item = (Value, &'static str)>) {
    assert_outcomes_with(rows, &[]);
}

/// Checks a table of containers of a Deployment, among other objects.
#[track_caller]
pub(super) fn assert_outcomes_with(
    rows: impl IntoIterator<Item = (Value, &'static str)>,
    others: &[Value],
) {
    let mut wrong = String::new();
    for (container, expected) in rows {
        let found = outcome(&deployment(std::slice::from_ref(&container)), others);
        let is_right = if expected.starts_with("- ") {
            found.starts_with(expected)
        } else {
            found == expected
        };
        if !is_right {
            let _ = writeln!(
                wrong,
                "\n{container}\n  expected {expected}\n  found    {found}\n"
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
