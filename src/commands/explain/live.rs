//! The explanation of a live pod: what was injected, and the state of its wait.

use std::fmt::Write;

use oncue_wire::{JudgedTerm, WaiterList};
use serde_json::Value;

use super::progress::Wait;
use crate::{
    commands::{object::text, output, server::Store, vars::age_since, waiters},
    injection::Record,
    language::{Keys, Namespace, State, Term, annotation::Key, escape::Escaped},
    reporting::{CONDITION, ObservedCondition},
    workload::{Workload, WorkloadKind},
};

/// What was injected into a live pod, and how its wait goes.
pub(super) struct Progress<'a> {
    pod: &'a Value,
    /// The annotation with the record.
    key: String,
    record: Option<&'a str>,
}

impl<'a> Progress<'a> {
    /// Reads a live pod. Returns `None` for an object that makes pods.
    pub(super) fn read(keys: &Keys, workload: &Workload<'a>) -> Option<Self> {
        let key = keys.prefixed(Key::Injected);
        let record = workload.annotations().find(|(name, _)| *name == key);
        (workload.kind() == WorkloadKind::Pod).then(|| Self {
            pod: workload.object(),
            record: record.map(|(_, record)| record),
            key,
        })
    }

    /// Returns whether anything was injected.
    pub(super) fn is_injected(&self) -> bool {
        self.record.is_some()
    }

    /// Returns the text. Opens the store only if it is needed.
    pub(super) fn tell(&self, store: impl FnOnce() -> anyhow::Result<Store>) -> String {
        let Some(record) = self.record else {
            return format!(
                "\nThis pod carries nothing of oncue: it has no annotation {}.\n",
                self.key
            );
        };
        let mut text = format!("\nWas injected, as its annotation {} says\n", self.key);
        text.push_str(&recorded(record));
        let wait = Wait::read(self.pod);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n{wait}");
        if let Some(condition) = ObservedCondition::read(self.pod) {
            let _ = writeln!(text, "Its condition {CONDITION} is {}.", Escaped(condition));
        }
        let terms = serde_json::from_str(record).map(|record: Record| record.depends_on);
        let terms = terms.unwrap_or_default();
        if wait.is_open() && !terms.is_empty() {
            match store().and_then(|store| self.ask(&store, &terms)) {
                Ok(answer) => text.push_str(&answer),
                Err(error) => output::note(&format!("{error:#}")),
            }
        }
        text
    }

    /// Asks the store how the terms stand, and whether it holds the pod's wait.
    fn ask(&self, store: &Store, terms: &[String]) -> anyhow::Result<String> {
        let namespace: Namespace = text(self.pod, "/metadata/namespace").parse()?;
        let mut told = "What it waits for, by the store\n".to_owned();
        let states = states(store, &namespace, terms)?;
        for (term, state) in terms.iter().zip(states) {
            let _ = writeln!(told, "  {}\n      {state}", Escaped(term));
        }
        let path = format!("/v1/namespaces/{namespace}/waiters");
        let list: WaiterList = store.pages(&path)?;
        let name = text(self.pod, "/metadata/name");
        let known = list
            .waiters
            .iter()
            .find(|waiter| waiter.pod.as_deref() == Some(name));
        let _ = match known {
            Some(waiter) => writeln!(
                told,
                "The store has held its wait for {}.",
                age_since(waiter.since)
            ),
            None => writeln!(told, "The store does not hold its wait at this moment."),
        };
        Ok(told)
    }
}

/// Lists what the record says, as it says it.
fn recorded(record: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(record) else {
        return "  unreadable: it is not a JSON object\n".to_owned();
    };
    let lines = fields.iter().filter(|(key, _)| *key != "hash");
    lines
        .map(|(key, value)| match value {
            Value::Array(items) => {
                let items = items.iter().map(plain).collect::<Vec<_>>();
                format!("  {}: {}\n", Escaped(key), Escaped(items.join(", ")))
            }
            value => format!("  {}: {}\n", Escaped(key), Escaped(plain(value))),
        })
        .collect()
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the state of each term: in the store's words, if it is the store that judges it.
fn states(store: &Store, namespace: &Namespace, terms: &[String]) -> anyhow::Result<Vec<String>> {
    let is_probe = |term: &String| {
        let term = term.parse::<Term>();
        term.is_ok_and(|term| term.probe().is_some())
    };
    let asked: Vec<_> = terms
        .iter()
        .filter(|term| !is_probe(term))
        .cloned()
        .collect();
    let mut judged = judge(store, namespace, &asked)?.into_iter();
    let state = |term| {
        let state = if is_probe(term) { None } else { judged.next() };
        state.unwrap_or_else(|| "the client checks it from the pod".to_owned())
    };
    Ok(terms.iter().map(state).collect())
}

/// Asks for all terms at once, and for each by itself if the store refuses one of them.
fn judge(store: &Store, namespace: &Namespace, terms: &[String]) -> anyhow::Result<Vec<String>> {
    match (waiters::judge(store, namespace, terms), terms) {
        (Ok(judged), _) => Ok(judged.iter().map(describe).collect()),
        (Err(error), [_]) if error.is_final() => Ok(vec![error.to_string()]),
        (Err(error), _) if error.is_final() => {
            let alone = terms.iter().map(std::slice::from_ref);
            let states = alone.map(|term| judge(store, namespace, term));
            Ok(states.collect::<Result<Vec<_>, _>>()?.concat())
        }
        (Err(error), _) => store.told(Err(error)),
    }
}

fn describe(judged: &JudgedTerm) -> String {
    let word = match judged.state {
        State::Failed => "failed",
        State::Held => "holds",
        State::Missing => "missing",
    };
    match &judged.reason {
        Some(reason) => format!("{word}: {}", Escaped(reason)),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workload;

    fn mk_pod(annotations: &Value) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "a", "namespace": "shop", "annotations": annotations},
            "status": {"initContainerStatuses": [{"name": "oncue-wait", "state": {"terminated": {
                "exitCode": 0, "finishedAt": "2026-01-01T00:00:00Z", "message": "Ready",
            }}}]},
        })
    }

    fn tell(pod: &Value) -> String {
        let workload = workload::find(pod).remove(0);
        let progress = Progress::read(&Keys::default(), &workload).unwrap();
        progress.tell(|| anyhow::bail!("nothing is to be asked"))
    }

    #[test]
    fn the_record_is_told_without_its_hash() {
        let record = r#"{"hash":"5f","depends-on":["a","b/c>=2"],"depends-on-timeout":"5m"}"#;
        let text = tell(&mk_pod(&json!({"oncue.dev/injected": record})));
        let expected = "  depends-on: a, b/c>=2\n  depends-on-timeout: 5m\n";
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("5f"), "{text}");
        assert!(text.contains("Its wait ended "), "{text}");
    }

    #[test]
    fn the_condition_of_a_pod_is_told_as_it_is() {
        let mut pod = mk_pod(&json!({"oncue.dev/injected": r#"{"depends-on":["a"]}"#}));
        pod["status"]["conditions"] = json!([{
            "type": "oncue.dev/DependenciesHeld", "status": "False", "reason": "Deadlock",
            "message": "Deadlock: Pod/a waits for\n itself",
        }]);
        let text = tell(&pod);
        let expected = "Its condition oncue.dev/DependenciesHeld is False (Deadlock): Deadlock: \
                        Pod/a waits for\\n itself.\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn a_pod_that_was_not_injected_is_told_so() {
        let text = tell(&mk_pod(&json!({"depends-on": "a"})));
        assert!(text.contains("carries nothing of oncue"), "{text}");
    }

    #[test]
    fn only_pods_make_progress() {
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"template": {"spec": {"containers": []}}},
        });
        let workload = workload::find(&deployment).remove(0);
        assert!(Progress::read(&Keys::default(), &workload).is_none());
    }
}
