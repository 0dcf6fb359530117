//! Whether the pods start in the same order before and after.
//!
//! Before the conversion, the simulation plays what the init containers were understood to wait for;
//! after it, what the changed files say.

use anyhow::Context;
use oncue_simulation::{Options, Report};
use serde_json::Value;

use super::conversion::Conversion;
use crate::{
    assumption::Assumption,
    commands::report::counted,
    language::Namespace,
    manifests::{File, Source},
    rehearsal::{Detail, Executor, Rehearsal, RehearsalError, Timeline},
};

/// Rehearses the files before and after, and returns what that shows.
///
/// # Errors
/// If the order differs, or a rehearsal cannot run.
pub(super) fn verify(conversion: &Conversion, namespace: &Namespace) -> anyhow::Result<String> {
    let before = conversion.understood();
    let after = changed(conversion);
    let Some(before) =
        rehearse(before, namespace).context("failed to rehearse the files as they are")?
    else {
        return Ok("verified: the files create no pods".to_owned());
    };
    let after = rehearse(&after, namespace).context("failed to rehearse the changed files")?;
    let after = after.unwrap_or_default();
    if before.pods != after.pods {
        anyhow::bail!(
            "the order differs: {} before, {} after",
            before.names(),
            after.names()
        );
    }
    let end = if before.passed && after.passed {
        ""
    } else {
        "; not all of them start, before and after: see oncue rehearse"
    };
    Ok(format!(
        "verified: the order of {} is the same{end}",
        counted(before.pods.len(), "pod")
    ))
}

/// Returns the objects of the changed files.
fn changed(conversion: &Conversion) -> Vec<(String, Value)> {
    let mut objects = Vec::new();
    for file in &conversion.files {
        let text = file.after.as_ref().unwrap_or(&file.before);
        let (parsed, _) = File::read_rest(&Source::new(&file.name, text.clone()));
        let documents = parsed.documents().iter();
        objects.extend(documents.map(|it| (file.name.clone(), it.object().clone())));
    }
    objects
}

/// The pods of a rehearsal, in the order in which they start.
#[derive(Debug, Default)]
struct Order {
    /// Their positions in the order of creation: a changed template gives pods other names.
    pods: Vec<usize>,
    /// Their names, in the order of creation.
    created: Vec<String>,
    passed: bool,
}

impl Order {
    fn names(&self) -> String {
        let names = self.pods.iter().filter_map(|it| self.created.get(*it));
        names.map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// Rehearses objects; hosts and objects that are not in the files are assumed. Returns `None` if
/// there are no pods.
fn rehearse(
    objects: &[(String, Value)],
    namespace: &Namespace,
) -> Result<Option<Order>, RehearsalError> {
    let mut assumptions = Vec::new();
    // The first round finds out what is missing in the files.
    for _ in 0..2 {
        let report = match run(objects, namespace, assumptions.clone()) {
            Ok(Some(report)) => report,
            Ok(None) | Err(RehearsalError::NoPods) => return Ok(None),
            Err(error) => return Err(error),
        };
        let missing = report.unknown.iter().chain(&report.not_played);
        let missing: Vec<Assumption> = missing.filter_map(|text| text.parse().ok()).collect();
        if missing.is_empty() || !assumptions.is_empty() {
            return Ok(Some(order(&report)));
        }
        assumptions = missing;
    }
    Ok(None)
}

fn run(
    objects: &[(String, Value)],
    namespace: &Namespace,
    assumptions: Vec<Assumption>,
) -> Result<Option<Report>, RehearsalError> {
    let rehearsal = Rehearsal {
        objects: objects
            .iter()
            .map(|(file, object)| (file.as_str(), object))
            .collect(),
        namespace,
        options: Options {
            nodes: 1,
            assumptions,
            ..Options::default()
        },
        executor: Executor::Virtual,
    };
    rehearsal.run(&mut Timeline::new(std::io::sink(), Detail::Nothing))
}

fn order(report: &Report) -> Order {
    let rows = serde_json::to_value(&report.pods).unwrap_or_default();
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    let started = |row: &Value| row.get("startedSeconds").and_then(Value::as_f64);
    let started: Vec<_> = rows
        .iter()
        .map(|row| started(row).unwrap_or(f64::INFINITY))
        .collect();
    let name = |row: &Value| row.get("name").and_then(Value::as_str).map(str::to_owned);
    let mut pods: Vec<_> = (0..rows.len()).collect();
    // A stable sort: pods that start together stay in the order of creation.
    pods.sort_by(|one, other| started[*one].total_cmp(&started[*other]));
    Order {
        pods,
        created: rows.iter().filter_map(name).collect(),
        passed: report.has_passed(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mk_files(web: &Value) -> Vec<(String, Value)> {
        let pod = |spec: &Value| json!({"metadata": {"labels": {"app": "x"}}, "spec": spec});
        let deployment = |name: &str, template: Value| {
            let spec = json!({"selector": {"matchLabels": {"app": "x"}}, "template": template});
            json!({
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name},
                "spec": spec,
            })
        };
        let containers = json!({"containers": [{"name": "c", "image": "i"}]});
        let mut waits = pod(&containers);
        waits["metadata"]["annotations"] = web.clone();
        let mut db = pod(&containers);
        db["metadata"]["annotations"] = json!({"signals": "db/up"});
        [deployment("web", waits), deployment("db", db)]
            .map(|object| ("x.yaml".to_owned(), object))
            .into()
    }

    fn order_of(web: &Value) -> Order {
        let order = rehearse(&mk_files(web), &Namespace::default());
        order.unwrap().unwrap()
    }

    #[test]
    fn a_changed_template_alone_is_the_same_order() {
        let before = order_of(&json!({"depends-on": "db/up"}));
        let after = order_of(&json!({"depends-on": "db/up", "changed": "yes"}));
        assert_ne!(before.names(), after.names());
        assert_eq!(before.pods, after.pods);
        assert_eq!(before.pods, [1, 0]);
    }

    #[test]
    fn a_pod_that_does_not_wait_any_more_is_another_order() {
        let before = order_of(&json!({"depends-on": "db/up"}));
        let after = order_of(&json!({"changed": "yes"}));
        assert_ne!(before.pods, after.pods);
    }
}
