//! The explanation of a live pod: what was injected, and the state of its wait.

use std::fmt::Write;

use oncue_wire::JudgedTerm;
use serde_json::Value;

use super::progress::Wait;
use crate::{
    commands::{
        backend::{Judged, WaitingPod},
        cluster::Cluster,
        installation::Installation,
        output,
        vars::now,
    },
    language::{Condition, Keys, State, Subject, annotation::Key, escape::Escaped},
    reporting::{CONDITION, ObservedCondition, ReportedPod},
    workload::{Workload, WorkloadKind},
};

/// What was injected into a live pod, and how its wait goes.
pub(super) struct Progress<'a> {
    pod: &'a Value,
    keys: &'a Keys,
    /// The annotation with the record.
    key: String,
    record: Option<&'a str>,
}

impl<'a> Progress<'a> {
    /// Reads a live pod. Returns `None` for an object that makes pods.
    pub(super) fn read(keys: &'a Keys, workload: &Workload<'a>) -> Option<Self> {
        let key = keys.prefixed(Key::Injected);
        let record = workload.annotations().find(|(name, _)| *name == key);
        (workload.kind() == WorkloadKind::Pod).then(|| Self {
            pod: workload.object(),
            keys,
            record: record.map(|(_, record)| record),
            key,
        })
    }

    /// Returns whether anything was injected.
    pub(super) fn is_injected(&self) -> bool {
        self.record.is_some()
    }

    /// Returns the text. Opens the installation only if it is needed.
    pub(super) fn tell<'c>(
        &self,
        open: impl FnOnce() -> anyhow::Result<(&'c Cluster, Installation)>,
    ) -> String {
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
        let pod = ReportedPod::read(self.pod, self.keys);
        if let Ok(pod) = pod
            && !pod.open_terms().is_empty()
        {
            match open().and_then(|open| judge(&pod, &open)) {
                Ok(told) => text.push_str(&told),
                Err(error) => output::note(&format!("{error:#}")),
            }
        }
        text
    }
}

/// Says how the terms of a wait stand: objects by what the user may read of them, and variables by
/// the installation.
fn judge(
    pod: &ReportedPod,
    (cluster, installation): &(&Cluster, Installation),
) -> anyhow::Result<String> {
    let waiting = WaitingPod {
        id: &pod.id,
        grace: pod.grace(now()),
    };
    let terms = pod.open_terms();
    let conditions = terms.iter().filter_map(|(_, condition)| condition.cloned());
    let (objects, variables): (Vec<_>, Vec<_>) = conditions.partition(is_about_objects);
    let judged = match &*variables {
        [] => Judged::default(),
        variables => installation.backend.judge(&waiting, variables)?,
    };
    let mut variables = judged.terms.into_iter();
    let objects = cluster.judge_objects(&waiting, &objects);
    let mut objects = objects.iter();
    let mut told = "What it waits for\n".to_owned();
    for (term, condition) in terms {
        let state = match condition {
            None if term.probe().is_some() => Some("the client checks it from the pod".to_owned()),
            None => Some("judged once the pod has a node".to_owned()),
            Some(condition) if is_about_objects(condition) => objects.next().map(describe),
            Some(_) => variables
                .next()
                .map(|judged| judged.map_or_else(|why| why, |term| describe(&term))),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            told,
            "  {}\n      {}",
            Escaped(term),
            state.unwrap_or_default()
        );
    }
    if let Some(remark) = judged.remark {
        let _ = writeln!(told, "{remark}");
    }
    Ok(told)
}

fn is_about_objects(condition: &Condition) -> bool {
    matches!(condition.subject, Subject::Object(_))
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
        let keys = Keys::default();
        let progress = Progress::read(&keys, &workload).unwrap();
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
