//! Scheduling gates of ksgate, whose conditions stand in annotations of the pod.

use oncue_core::workload::Workload;
use oncue_language::{Namespace, Target, Term};
use serde_json::Value;

use super::{ContainerPlan, Outcome};
use crate::{
    objects::{list, text},
    program::kind::kind_of,
};

/// What the names of its gates, and the keys of its annotations, begin with.
const PREFIX: &str = "k8s.ksgate.org/";

/// Returns what happens to each gate of ksgate; `obstacle` says why none can be converted. As terms
/// of one pod are judged together, all of its gates are converted or none.
pub(super) fn gates(
    workload: &Workload<'_>,
    namespace: Option<&str>,
    obstacle: Option<&str>,
) -> Vec<ContainerPlan> {
    let spec = workload.template().get("spec").unwrap_or(&Value::Null);
    let all = list(spec, "/schedulingGates").iter().enumerate();
    let mut gates = Vec::new();
    for (index, gate) in all {
        let Some(name) = text(gate, "/name").filter(|name| name.starts_with(PREFIX)) else {
            continue;
        };
        let terms = match obstacle {
            Some(obstacle) => Err(obstacle.to_owned()),
            None => terms(workload, name, namespace),
        };
        let outcome = match terms {
            Ok(terms) => Outcome::Converted { terms },
            Err(reason) => Outcome::Left { reason },
        };
        gates.push(ContainerPlan {
            index,
            name: name.to_owned(),
            outcome,
            notes: Vec::new(),
        });
    }
    keep_together(&mut gates);
    gates
}

fn keep_together(gates: &mut [ContainerPlan]) {
    let left = gates
        .iter()
        .find(|it| matches!(it.outcome, Outcome::Left { .. }));
    let Some(left) = left.map(|it| it.name.clone()) else {
        for gate in gates {
            gate.notes.push(format!(
                "the annotation {} is no longer needed: remove it",
                gate.name
            ));
        }
        return;
    };
    for gate in gates {
        if let Outcome::Converted { .. } = gate.outcome {
            let reason = format!("is in a pod whose gate {left} stays");
            gate.outcome = Outcome::Left { reason };
        }
    }
}

/// Returns the terms of one gate; the reason for a failure reads after "it".
fn terms(workload: &Workload<'_>, gate: &str, own: Option<&str>) -> Result<Vec<String>, String> {
    let mut annotations = workload.annotations();
    let condition = annotations.find(|(key, _)| *key == gate).map(|(_, it)| it);
    let condition = condition.ok_or("has no condition in an annotation of the pod")?;
    let condition: Value =
        serde_json::from_str(condition).map_err(|_| "has a condition that is not JSON")?;
    let object = object(&condition, own)?;
    let demands = match text(&condition, "/expression") {
        None | Some("") => vec![existence(&object).to_owned()],
        Some(expression) => demands(expression)
            .ok_or_else(|| format!("asks for {expression:?}, which no term says"))?,
    };
    let own: Option<Namespace> = own.and_then(|own| own.parse().ok());
    let term = |demand: String| {
        let demand = simplified(&object, demand);
        let term: Term = format!("{object}{demand}")
            .parse()
            .map_err(|error| format!("becomes \"{object}{demand}\": {error}"))?;
        let own = own.clone().unwrap_or_default();
        match &term.target {
            Target::Object(object) if object.is_private_to_others(&own) => Err(format!(
                "asks for {term}, which needs the permission of that namespace"
            )),
            _ => Ok(term.to_string()),
        }
    };
    demands.into_iter().map(term).collect()
}

/// Returns the object of a condition as a term names it: `deployment:db@data`.
fn object(condition: &Value, own: Option<&str>) -> Result<String, String> {
    let kind = text(condition, "/kind").ok_or("names no kind")?;
    let name = text(condition, "/name").ok_or("names no object")?;
    let version = text(condition, "/apiVersion").unwrap_or("v1");
    let resource = match version.split_once('/') {
        None => kind.to_ascii_lowercase(),
        Some((group, _)) => format!("{}.{group}", plural(&kind.to_ascii_lowercase())),
    };
    let resource = kind_of(&resource).ok_or_else(|| format!("asks for the kind {kind:?}"))?;
    Ok(
        match text(condition, "/namespace").filter(|it| Some(*it) != own) {
            Some(namespace) => format!("{resource}:{name}@{namespace}"),
            None => format!("{resource}:{name}"),
        },
    )
}

/// Returns the plural of a kind, as Kubernetes guesses it.
fn plural(kind: &str) -> String {
    if kind.ends_with('s') || kind.ends_with('x') || kind.ends_with("ch") || kind.ends_with("sh") {
        return format!("{kind}es");
    }
    match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{kind}s"),
    }
}

/// Returns what asks whether an object exists.
fn existence(object: &str) -> &'static str {
    let kind = object.split(':').next().unwrap_or_default();
    if kind.contains('.') || matches!(kind, "configmap" | "secret") {
        ""
    } else {
        "{.metadata.name}"
    }
}

/// Leaves out a condition that is the rule of the kind.
fn simplified(object: &str, demand: String) -> String {
    let kind = object.split(':').next().unwrap_or_default();
    match (kind, demand.as_str()) {
        ("job", "=Complete") | ("node" | "pod", "=Ready") => String::new(),
        _ => demand,
    }
}

/// Returns what an expression demands of an object, if terms say the same.
fn demands(expression: &str) -> Option<Vec<String>> {
    let parts = conjunction(expression)?;
    parts.into_iter().map(demand).collect()
}

/// Returns the parts of `a && b` outside of parentheses and quotes.
fn conjunction(expression: &str) -> Option<Vec<&str>> {
    let (mut depth, mut quote, mut start) = (0usize, None, 0);
    let mut parts = Vec::new();
    let bytes = expression.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        if let Some(open) = quote {
            quote = (open != *byte).then_some(open);
            continue;
        }
        match byte {
            b'"' | b'\'' => quote = Some(*byte),
            b'(' => depth += 1,
            b')' => depth = depth.checked_sub(1)?,
            b'&' if depth == 0 && bytes.get(at + 1) == Some(&b'&') => {
                parts.push(expression[start..at].trim());
                start = at + 2;
            }
            _ => {}
        }
    }
    parts.push(expression[start..].trim());
    Some(parts)
}

fn demand(part: &str) -> Option<String> {
    if let Some(field) = part
        .strip_prefix("has(")
        .and_then(|it| it.strip_suffix(')'))
    {
        return Some(format!("{{{}}}", path(field)?));
    }
    if let Some(inner) = part.strip_prefix("resource.status.conditions.exists(") {
        return condition(inner.strip_suffix(')')?);
    }
    for (operator, sign, more) in [("==", "=", 0), (">=", ">=", 0), (">", ">=", 1)] {
        let Some((field, value)) = part.split_once(operator) else {
            continue;
        };
        let field = path(field.trim())?;
        let value = literal(value.trim())?;
        let value = match sign {
            "=" => value,
            _ => (value.parse::<u32>().ok()? + more).to_string(),
        };
        return Some(format!("{{{field}}}{sign}{value}"));
    }
    None
}

/// Reads `c, c.type == "Ready" && c.status == "True"`.
fn condition(inner: &str) -> Option<String> {
    let (variable, rest) = inner.split_once(',')?;
    let variable = variable.trim();
    let mut name = None;
    for part in conjunction(rest.trim())? {
        let (field, value) = part.split_once("==")?;
        let field = field.trim().strip_prefix(variable)?;
        let value = literal(value.trim())?;
        match (field, value.as_str()) {
            (".type", _) => name = Some(value),
            (".status", "True") => {}
            _ => return None,
        }
    }
    rest.contains(".status").then_some(())?;
    Some(format!("={}", name?))
}

/// Returns `.status.phase` for `resource.status.phase`.
fn path(field: &str) -> Option<&str> {
    let path = field.strip_prefix("resource")?;
    let is_path =
        path.starts_with('.') && path.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    is_path.then_some(path)
}

/// Returns the value of a text in quotes, of a number, or of a truth value.
fn literal(text: &str) -> Option<String> {
    let quoted = ['"', '\''].iter().find_map(|quote| {
        text.strip_prefix(*quote)
            .and_then(|it| it.strip_suffix(*quote))
    });
    let is_value = matches!(text, "false" | "true") || text.parse::<u32>().is_ok();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let value = quoted.or(is_value.then_some(text))?;
    (!value.is_empty() && value.chars().all(plain)).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::{Settings, plan};

    /// Returns what becomes of the gates of a pod with these conditions.
    fn outcomes(conditions: &[(&str, Value)], more: &Value) -> Vec<String> {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "annotations": more},
            "spec": {"containers": [{"name": "web"}], "schedulingGates": []},
        });
        for (name, condition) in conditions {
            let name = format!("{PREFIX}{name}");
            let condition = match condition {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            pod["metadata"]["annotations"][&name] = condition.into();
            let gates = pod["spec"]["schedulingGates"].as_array_mut().unwrap();
            gates.push(json!({"name": name}));
        }
        let plans = plan(&[&pod], &Settings::default());
        let gates = plans.iter().flat_map(|plan| &plan.gates);
        let outcomes = gates.map(|gate| match &gate.outcome {
            Outcome::Converted { terms } => terms.join(", "),
            Outcome::Approximate { .. } => "approximate".to_owned(),
            Outcome::Left { reason } => format!("- {reason}"),
        });
        outcomes.collect()
    }

    fn of(api_version: &str, kind: &str, expression: &str) -> Value {
        json!({"apiVersion": api_version, "kind": kind, "name": "x", "expression": expression})
    }

    #[test]
    fn a_condition_becomes_terms_if_they_say_the_same() {
        for (condition, expected) in [
            (json!({"kind": "Secret", "name": "db"}), "secret:db"),
            (
                json!({"kind": "Pod", "name": "db"}),
                "pod:db{.metadata.name}",
            ),
            (
                of("v1", "Pod", "resource.status.phase == 'Running'"),
                "pod:x{.status.phase}=Running",
            ),
            (
                of(
                    "apps/v1",
                    "Deployment",
                    "resource.status.readyReplicas >= 1",
                ),
                "deployment:x{.status.readyReplicas}>=1",
            ),
            (
                of(
                    "postgresql.cnpg.io/v1",
                    "Cluster",
                    "has(resource.status.readyInstances) && resource.status.readyInstances > 0",
                ),
                "clusters.postgresql.cnpg.io:x{.status.readyInstances}, \
                 clusters.postgresql.cnpg.io:x{.status.readyInstances}>=1",
            ),
            (
                of(
                    "batch/v1",
                    "Job",
                    "resource.status.conditions.exists(c, c.type == \"Complete\" && c.status == \"True\")",
                ),
                "job:x",
            ),
        ] {
            assert_eq!(outcomes(&[("a", condition)], &json!({})), [expected]);
        }
        for condition in [
            of("v1", "Pod", "resource.status.phase != 'Failed'"),
            of("v1", "Pod", "resource.spec == pod.spec"),
            json!("{"),
        ] {
            let found = outcomes(&[("a", condition.clone())], &json!({}));
            assert!(found[0].starts_with("- "), "{condition} {found:?}");
        }
    }

    #[test]
    fn all_gates_of_a_pod_are_converted_or_none() {
        let good = json!({"kind": "ConfigMap", "name": "a"});
        let bad = of("v1", "Pod", "true");
        let found = outcomes(&[("a", good.clone()), ("b", bad)], &json!({}));
        assert!(found.iter().all(|it| it.starts_with("- ")), "{found:?}");
        let found = outcomes(&[("a", good)], &json!({"depends-on": "x/y"}));
        assert!(found[0].starts_with("- is in a pod that"), "{found:?}");
    }
}
