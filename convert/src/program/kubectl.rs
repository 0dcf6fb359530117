//! `kubectl get`, `kubectl wait` and `kubectl rollout status`.

use super::{
    kind::{Object, condition, kind_of, selector},
    options::{Known, Options},
};
use crate::{
    check::{Check, Fit},
    duration,
    shell::{Machine, Run, Status, refuse},
    text::{Observed, Text},
};

const KUBECTL: Known = Known {
    program: "kubectl",
    flags: &[
        "A",
        "R",
        "all",
        "all-namespaces",
        "ignore-not-found",
        "no-headers",
        "show-labels",
        "w",
        "watch",
        "insecure-skip-tls-verify",
    ],
    values: &[
        "f",
        "field-selector",
        "filename",
        "for",
        "l",
        "label-columns",
        "n",
        "namespace",
        "o",
        "output",
        "request-timeout",
        "selector",
        "sort-by",
        "template",
        "timeout",
        "v",
    ],
};

/// How long `kubectl wait` waits, in milliseconds.
const DEFAULT_TIMEOUT: u64 = 30_000;

/// Runs `kubectl`.
pub(super) fn kubectl(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let options = match KUBECTL.read(arguments) {
        Ok(options) => options,
        Err(reason) => return unknown_call(machine, arguments, reason),
    };
    let words: Result<Vec<_>, _> = options.rest.iter().map(Text::get).collect();
    let words = match words {
        Ok(words) => words,
        Err(reason) => return machine.ask_status(Check::Opaque(reason)),
    };
    let asks = matches!(words.first(), Some(&("get" | "rollout" | "wait")));
    if asks && has_kubeconfig(machine) {
        let reason = "asks the cluster that $KUBECONFIG names";
        machine.write(Text::answer(Observed::Content(reason.to_owned())));
        return machine.ask_status(Check::opaque(reason));
    }
    match words.as_slice() {
        ["get", objects @ ..] => get(machine, &options, objects),
        ["wait", objects @ ..] => wait(machine, &options, objects),
        ["rollout", "status", objects @ ..] => rollout_status(machine, &options, objects),
        [
            "api-resources" | "cluster-info" | "describe" | "logs" | "version",
            ..,
        ] => {
            let reason = "compares the content of what `kubectl` prints";
            machine.write(Text::answer(Observed::Content(reason.to_owned())));
            machine.ask_status(Check::opaque(reason))
        }
        [command, ..] => refuse(format!("runs `kubectl {command}`")),
        [] => refuse("runs `kubectl` without a command"),
    }
}

/// Returns whether the environment names a file with the cluster to ask.
fn has_kubeconfig(machine: &mut Machine<'_>) -> bool {
    let value = machine.value("KUBECONFIG");
    value.is_ok_and(|value| value.as_known().is_none_or(|path| !path.is_empty()))
}

/// A call whose options are not known: only a question may pass for a wait.
fn unknown_call(machine: &mut Machine<'_>, arguments: &[Text], reason: String) -> Run {
    let asks = arguments.iter().filter_map(Text::as_known);
    let asks = asks
        .into_iter()
        .any(|word| matches!(word, "get" | "wait" | "describe" | "status"));
    if asks {
        machine.ask_status(Check::Opaque(reason))
    } else {
        refuse(reason)
    }
}

/// Reads `KIND NAME...` or `KIND/NAME...`; the reason for a failure reads after "it".
fn objects(options: &Options, words: &[&str]) -> Result<Vec<Object>, String> {
    let namespace = match options.value(&["n", "namespace"]) {
        Some(namespace) => Some(namespace.get()?.to_owned()),
        None => None,
    };
    let object = |kind: &str, which: &str| {
        let found = kind_of(kind);
        let found = found.ok_or_else(|| format!("asks for the kind {kind:?} without its group"))?;
        Ok(Object {
            kind: found,
            which: which.to_owned(),
            namespace: namespace.clone(),
        })
    };
    if let Some(labels) = options.value(&["l", "selector"]) {
        let labels = labels.get()?;
        let labels = selector(labels)
            .ok_or_else(|| format!("selects with {labels:?}, which is more than equal labels"))?;
        return match words {
            [kind] => Ok(vec![object(kind, &labels)?]),
            _ => Err("selects objects of several kinds".to_owned()),
        };
    }
    let pairs = words.iter().map(|word| word.split_once('/'));
    if let Some(pairs) = pairs.collect::<Option<Vec<_>>>() {
        return pairs
            .into_iter()
            .map(|(kind, name)| object(kind, name))
            .collect();
    }
    match words {
        [kind, names @ ..] if !names.is_empty() => {
            names.iter().map(|name| object(kind, name)).collect()
        }
        _ => Err("asks for all objects of a kind".to_owned()),
    }
}

fn get(machine: &mut Machine<'_>, options: &Options, words: &[&str]) -> Run {
    if options.has(&["w", "watch"]) {
        return machine.ask_status(Check::opaque("follows what `kubectl get --watch` prints"));
    }
    let found = objects(options, words);
    let output = options.value(&["o", "output"]).and_then(Text::as_known);
    let is_all = options.has(&["A", "all-namespaces", "f", "filename", "field-selector"]);
    let selects = options.has(&["l", "selector"]);
    let is_one = found.as_ref().is_ok_and(|found| found.len() == 1) && !is_all && !selects;
    let observed = match &found {
        Ok(found) if is_one => observed(machine, &found[0], output),
        Ok(found) if found.len() == 1 && selects && !is_all => {
            readiness(machine, &found[0], output)
        }
        _ => None,
    };
    let content = || Observed::Content("compares the content of what `kubectl` prints".to_owned());
    machine.write(Text::answer(observed.unwrap_or_else(content)));
    let checks = match found {
        Err(reason) => vec![Check::Opaque(reason)],
        // Without a match, `kubectl get` succeeds too.
        Ok(_) if is_all || selects || options.has(&["ignore-not-found"]) => {
            return Ok(Status::SUCCESS);
        }
        Ok(found) => found
            .iter()
            .map(|it| it.exists(machine.surroundings))
            .collect(),
    };
    let mut holds = true;
    for check in checks {
        holds &= machine.ask(check)?;
    }
    Ok(Status::of(holds))
}

/// Returns what `kubectl get -o` prints of one object, if a term can ask for it.
fn observed(machine: &Machine<'_>, object: &Object, output: Option<&str>) -> Option<Observed> {
    let target = object.target(machine.surroundings);
    let output = output?;
    if output == "name" {
        let path = "{.metadata.name}".to_owned();
        return Some(Observed::Field {
            object: target,
            path,
        });
    }
    let path = output.strip_prefix("jsonpath=")?.trim_matches(['\'', '"']);
    let inner = path
        .strip_prefix('{')
        .and_then(|path| path.strip_suffix('}'));
    let inner = inner.unwrap_or(path).trim();
    if object.kind == "endpoints.core" {
        let is_address = inner.starts_with(".subsets[") && inner.contains("].addresses");
        return is_address.then(|| Observed::Field {
            object: target.replacen("endpoints.core:", "service:", 1),
            path: String::new(),
        });
    }
    if object.kind == "secret" {
        return None;
    }
    if let Some(name) = condition_filter(inner) {
        return Some(Observed::Condition {
            object: target,
            name,
        });
    }
    let path = format!("{{{inner}}}");
    let check = object.check(&path, Fit::Exact, machine.surroundings);
    matches!(check, Check::Term { .. }).then_some(Observed::Field {
        object: target,
        path,
    })
}

/// Returns what is printed of the readiness of the pods that match: `True` if there is one, and it is
/// Ready.
fn readiness(machine: &Machine<'_>, object: &Object, output: Option<&str>) -> Option<Observed> {
    let path = output?.strip_prefix("jsonpath=")?.trim_matches(['\'', '"']);
    let path = path.strip_prefix('{')?.strip_suffix('}')?.trim();
    let of_items = path
        .strip_prefix(".items[*]")
        .or_else(|| path.strip_prefix(".items[0]"));
    let is_readiness = condition_filter(of_items.unwrap_or(path)).as_deref() == Some("Ready");
    (is_readiness && object.kind == "pod").then(|| Observed::Readiness {
        pods: object.target(machine.surroundings),
    })
}

/// Reads `.status.conditions[?(@.type=="Ready")].status`, also with `..` for any depth.
fn condition_filter(path: &str) -> Option<String> {
    let path = path
        .strip_prefix('.')
        .filter(|path| path.starts_with('.'))
        .unwrap_or(path);
    let rest = path.strip_prefix(".status.conditions[?(@.type")?;
    let rest = rest.trim_start().strip_prefix("==")?.trim_start();
    let (name, rest) = rest.split_once(")]")?;
    let name = name.trim().trim_matches(['\'', '"', '\\']);
    (rest == ".status").then(|| name.to_owned())
}

fn wait(machine: &mut Machine<'_>, options: &Options, words: &[&str]) -> Run {
    let limit = match options.value(&["timeout"]).map(Text::get) {
        None | Some(Err(_)) => Some(DEFAULT_TIMEOUT),
        Some(Ok(text)) if text.starts_with('-') => None,
        Some(Ok(text)) => match duration::of_go(text) {
            Some(limit) => Some(limit),
            None => return refuse(format!("waits for {text:?}, which is no time")),
        },
    };
    let purpose = options.value(&["for"]).map(Text::get);
    let found = if options.has(&["A", "all-namespaces", "field-selector", "f", "filename"]) {
        Err("selects objects by more than their names and labels".to_owned())
    } else {
        objects(options, words)
    };
    let checks = match (found, purpose) {
        (Err(reason), _) | (_, Some(Err(reason))) => vec![Check::Opaque(reason)],
        (_, None) => vec![Check::opaque("calls `kubectl wait` without --for")],
        (Ok(found), Some(Ok(purpose))) => {
            let checks = found.iter().map(|object| awaited(machine, object, purpose));
            checks.collect()
        }
    };
    machine.wait(&checks, limit, Status::FAILURE)
}

/// Returns what `kubectl wait --for` asks of an object.
fn awaited(machine: &Machine<'_>, object: &Object, purpose: &str) -> Check {
    let surroundings = machine.surroundings;
    let lower = purpose.to_ascii_lowercase();
    if lower == "create" {
        return object.exists(surroundings);
    }
    if lower.starts_with("condition=") {
        let wanted = &purpose["condition=".len()..];
        let (name, status) = wanted.split_once('=').unwrap_or((wanted, "true"));
        if !status.eq_ignore_ascii_case("true") {
            return Check::opaque(format!("waits until the condition {name} is {status}"));
        }
        return of_condition(machine, object, &condition(name));
    }
    if let Some(field) = purpose.strip_prefix("jsonpath=") {
        let field = field.trim_matches(['\'', '"']);
        let (path, value) = match field.split_once("}=") {
            Some((path, value)) => (
                format!("{path}}}"),
                format!("={}", value.trim_matches(['\'', '"'])),
            ),
            None => (field.to_owned(), String::new()),
        };
        if object.which.starts_with('[') {
            return Check::opaque("waits for a field of several objects");
        }
        return object.check(&format!("{path}{value}"), Fit::Exact, surroundings);
    }
    Check::opaque(format!("waits for {purpose:?}, which no term does"))
}

fn of_condition(machine: &Machine<'_>, object: &Object, name: &str) -> Check {
    let selects = object.which.starts_with('[');
    let demand = match (object.kind.as_str(), name) {
        ("job", "Complete") | ("node" | "pod", "Ready") => String::new(),
        _ if selects => return Check::opaque("waits for a condition of several objects"),
        _ => format!("={name}"),
    };
    let fit = if selects && object.kind != "job" {
        Fit::Approximate("it waits for all that match, the term for one".to_owned())
    } else {
        Fit::Exact
    };
    object.check(&demand, fit, machine.surroundings)
}

fn rollout_status(machine: &mut Machine<'_>, options: &Options, words: &[&str]) -> Run {
    let is_once = options.value(&["w", "watch"]).and_then(Text::as_known) == Some("false");
    if is_once {
        let reason = "compares the content of what `kubectl` prints";
        machine.write(Text::answer(Observed::Content(reason.to_owned())));
        return Ok(Status::SUCCESS);
    }
    let timeout = options.value(&["timeout"]).and_then(Text::as_known);
    let limit = timeout.and_then(duration::of_go).filter(|limit| *limit > 0);
    let checks = match objects(options, words) {
        Err(reason) => vec![Check::Opaque(reason)],
        Ok(found) => found
            .iter()
            .map(|object| rolled_out(machine, object))
            .collect(),
    };
    machine.wait(&checks, limit, Status::FAILURE)
}

fn rolled_out(machine: &Machine<'_>, object: &Object) -> Check {
    let is_workload = matches!(
        object.kind.as_str(),
        "daemonset" | "deployment" | "statefulset"
    );
    if is_workload && !object.which.starts_with('[') {
        object.check("", Fit::Exact, machine.surroundings)
    } else {
        Check::opaque(format!(
            "waits for the rollout of {}:{}",
            object.kind, object.which
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_a_condition() {
        for (path, expected) in [
            (
                ".status.conditions[?(@.type==\"Complete\")].status",
                Some("Complete"),
            ),
            (
                ".status.conditions[?(@.type == 'Ready')].status",
                Some("Ready"),
            ),
            (".status.conditions[?(@.type=='Ready')].reason", None),
            (".status.phase", None),
        ] {
            assert_eq!(condition_filter(path).as_deref(), expected, "{path}");
        }
    }
}
