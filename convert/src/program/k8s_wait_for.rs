//! `k8s-wait-for`, by the meaning that its documentation gives to its arguments.

use serde_json::Value;

use super::kind::{Object, selector};
use crate::{
    check::{Check, Fit},
    objects::text,
    shell::{Machine, Run, Status, refuse},
    surroundings::Surroundings,
    text::Text,
};

/// Runs `wait_for.sh KIND NAME [-n NAMESPACE]`.
pub(super) fn k8s_wait_for(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let words: Result<Vec<_>, _> = arguments.iter().map(Text::get).collect();
    let check = match words {
        Err(reason) => Check::Opaque(reason),
        Ok(words) => match words.as_slice() {
            [kind, name, flags @ ..] => check(machine.surroundings, kind, name, flags),
            // It prints how it is used, and fails.
            _ => return refuse("calls `k8s-wait-for` without a kind and a name"),
        },
    };
    machine.wait(&[check], None, Status::FAILURE)
}

fn check(surroundings: &Surroundings<'_>, kind: &str, name: &str, flags: &[&str]) -> Check {
    let (name, flags) = match (name, flags) {
        ("-l", [labels, flags @ ..]) => (format!("-l{labels}"), flags),
        _ => (name.to_owned(), flags),
    };
    let namespace = match flags {
        [] => None,
        ["-n" | "--namespace", namespace] => Some((*namespace).to_owned()),
        [flag] => match flag
            .strip_prefix("--namespace=")
            .or_else(|| flag.strip_prefix("-n"))
        {
            Some(namespace) => Some(namespace.trim_start_matches('=').to_owned()),
            None => return Check::opaque(format!("passes {flag} on to `kubectl`")),
        },
        _ => return Check::opaque("passes several options on to `kubectl`"),
    };
    let which = match name.strip_prefix("-l") {
        Some(labels) => {
            let Some(selector) = selector(labels.trim_matches('"')) else {
                let reason = format!("selects with {labels:?}, which is more than equal labels");
                return Check::Opaque(reason);
            };
            selector
        }
        None => name,
    };
    let selects = which.starts_with('[');
    let object = |kind: &str| Object {
        kind: kind.to_owned(),
        which: which.clone(),
        namespace: namespace.clone(),
    };
    match kind {
        "job" => object("job").check("", Fit::Exact, surroundings),
        "job-wr" => object("job").check(
            "",
            fit_of_first_success(surroundings, &object("job")),
            surroundings,
        ),
        // Pods are judged as without `-wr`.
        "pod" | "pod-wr" if selects => {
            let fit = "it waits for all pods that match, the term for one";
            object("pod").check("", Fit::Approximate(fit.to_owned()), surroundings)
        }
        "pod" | "pod-wr" => object("pod").check("", Fit::Exact, surroundings),
        "service" if selects => Check::opaque("waits for Services by their labels"),
        "service" => {
            let object = object("service");
            let fit = fit_of_service(surroundings, &object);
            object.check("", fit, surroundings)
        }
        "job-we" | "pod-we" => Check::opaque(format!(
            "accepts a failure too (`{kind}`), which no term does"
        )),
        other => Check::opaque(format!(
            "waits for the kind {other:?}, which the tool does not know"
        )),
    }
}

/// `job-wr` waits for the first pod that succeeds, and does not mind others that fail.
fn fit_of_first_success(surroundings: &Surroundings<'_>, job: &Object) -> Fit {
    let namespace = job.namespace.as_deref().filter(|it| !it.starts_with('$'));
    let namespace = namespace.or(surroundings.namespace.as_deref());
    let found = surroundings.objects.find("Job", namespace, &job.which);
    let completions = found.map(|job| job.pointer("/spec/completions").and_then(Value::as_u64));
    match completions {
        Some(None | Some(1)) => Fit::Exact,
        _ => Fit::Approximate(
            "it waits for one pod of the Job to succeed, the term for the whole Job".to_owned(),
        ),
    }
}

/// The tool waits for all pods behind a Service, the term for one of them.
fn fit_of_service(surroundings: &Surroundings<'_>, object: &Object) -> Fit {
    let namespace = object
        .namespace
        .as_deref()
        .filter(|it| !it.starts_with('$'));
    let namespace = namespace.or(surroundings.namespace.as_deref());
    let objects = surroundings.objects;
    let service = objects
        .find("Service", namespace, &object.which)
        .or_else(|| objects.find("Service", None, &object.which));
    let has_one_pod = service.is_some_and(|service| {
        let pods = objects.all().filter_map(|it| replicas_behind(it, service));
        pods.sum::<u64>() == 1
    });
    if has_one_pod {
        Fit::Exact
    } else {
        Fit::Approximate("it waits for all pods behind the Service, the term for one".to_owned())
    }
}

/// Returns how many pods of a workload are behind a Service, if any are.
fn replicas_behind(workload: &Value, service: &Value) -> Option<u64> {
    let selector = service.pointer("/spec/selector")?.as_object()?;
    let labels = workload
        .pointer("/spec/template/metadata/labels")?
        .as_object()?;
    let is_behind = selector
        .iter()
        .all(|(key, value)| labels.get(key) == Some(value));
    if !is_behind || selector.is_empty() {
        return None;
    }
    Some(match text(workload, "/kind") {
        Some("Deployment" | "StatefulSet" | "ReplicaSet") => {
            let replicas = workload.pointer("/spec/replicas");
            replicas.map_or(1, |replicas| {
                replicas.as_u64().unwrap_or(u64::from(u32::MAX))
            })
        }
        // One for each node, or unknown.
        _ => u64::from(u32::MAX),
    })
}
