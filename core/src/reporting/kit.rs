//! Pods for tests, and a cluster and a store for a reporter.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use oncue_language::{
    Keys, ObjectKey, ObjectState, Owner, Subject, Timestamp, Value as VariableValue, VariableKey,
    View, evaluate::judge,
};
use serde_json::{Value, json};

use super::*;

/// A pod that waits for some terms and signals some variables, each list with commas in between.
pub(super) fn mk_pod(name: &str, depends_on: &str, signals: &str) -> Value {
    let list = |text: &str| {
        let items = text.split(", ").filter(|item| !item.is_empty());
        items.map(str::to_owned).collect::<Vec<_>>()
    };
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "namespace": "shop", "name": name, "uid": format!("u-{name}"),
            "creationTimestamp": "2026-11-27T10:00:00Z",
            "labels": {"oncue.dev/managed": "true"},
        },
        "spec": {"containers": [{"name": "app"}]},
        "status": {"phase": "Pending"},
    });
    let record = json!({"depends-on": list(depends_on), "signals": list(signals)});
    with_record(pod, &record)
}

pub(super) fn with_record(mut pod: Value, record: &Value) -> Value {
    pod["metadata"]["annotations"]["oncue.dev/injected"] = record.to_string().into();
    pod
}

/// The same pod with other entries in its record.
pub(super) fn with_recorded(pod: Value, entries: &Value) -> Value {
    let record = pod["metadata"]["annotations"]["oncue.dev/injected"].as_str();
    let mut record: Value = serde_json::from_str(record.unwrap()).unwrap();
    record["hash"] = "h".into();
    for (key, value) in entries.as_object().unwrap() {
        record[key] = value.clone();
    }
    with_record(pod, &record)
}

/// The same pod, held by a gate.
pub(super) fn with_gate(mut pod: Value) -> Value {
    pod["spec"]["schedulingGates"] = json!([{"name": "oncue.dev/depends-on"}]);
    with_recorded(pod, &json!({"depends-on-mode": "gate"}))
}

/// The same pod, whose only container has this state.
pub(super) fn with_state(mut pod: Value, state: &Value, is_ready: bool) -> Value {
    let ready = if is_ready { "True" } else { "False" };
    pod["status"] = json!({
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": ready}],
        "containerStatuses": [{"name": "app", "state": state}],
    });
    pod
}

/// The same pod, whose waiting container has this status.
pub(super) fn with_wait(mut pod: Value, status: &Value) -> Value {
    let mut status = status.clone();
    status["name"] = "oncue-wait".into();
    pod["status"]["initContainerStatuses"] = json!([status]);
    pod
}

/// The same pod as a part of a workload.
pub(super) fn with_owner(mut pod: Value, kind: &str, name: &str) -> Value {
    pod["metadata"]["ownerReferences"] = json!([
        {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "o", "controller": true},
    ]);
    pod
}

/// A cluster whose watch, store and clock a reporter sees.
pub(super) struct Kit {
    pub(super) reporter: Reporter,
    pub(super) now: Timestamp,
    pods: BTreeMap<String, Value>,
    store: Truth,
}

/// What is so.
#[derive(Default)]
struct Truth {
    variables: BTreeSet<String>,
    objects: BTreeMap<String, String>,
}

impl Kit {
    /// A cluster without pods, at 10:01.
    pub(super) fn mk() -> Self {
        let mut reporter = Reporter::default();
        reporter.listing();
        reporter.listed();
        Self {
            reporter,
            now: "2026-11-27T10:01:00Z".parse().unwrap(),
            pods: BTreeMap::new(),
            store: Truth::default(),
        }
    }

    /// The controller starts anew.
    pub(super) fn restart(&mut self) {
        self.reporter = Reporter::default();
        self.reporter.listing();
        for pod in self.pods.clone().into_values() {
            self.see(&pod);
        }
        self.reporter.listed();
    }

    /// Creates or changes a pod; its condition stays.
    pub(super) fn put(&mut self, mut pod: Value) {
        let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
        if let Some(before) = self.condition(&name) {
            Self::set_condition(&mut pod, before);
        }
        self.see(&pod);
        self.pods.insert(name, pod);
    }

    pub(super) fn delete(&mut self, name: &str) {
        self.pods.remove(name);
        self.reporter.gone(&id(name));
    }

    pub(super) fn create_variable(&mut self, name: &str) {
        self.store.variables.insert(format!("{name}@shop"));
    }

    pub(super) fn delete_variable(&mut self, name: &str) {
        self.store.variables.remove(&format!("{name}@shop"));
    }

    /// Says why an object does not hold.
    pub(super) fn set_object(&mut self, key: &str, reason: &str) {
        self.store.objects.insert(key.to_owned(), reason.to_owned());
    }

    /// Someone else writes the condition of a pod, or removes it.
    pub(super) fn overwrite(&mut self, name: &str, condition: Option<&Value>) {
        let mut pod = self.pods.remove(name).unwrap();
        let conditions = pod.pointer_mut("/status/conditions");
        if let Some(Value::Array(conditions)) = conditions {
            conditions.retain(|it| it["type"] != CONDITION);
        }
        if let Some(condition) = condition {
            Self::set_condition(&mut pod, condition.clone());
        }
        self.see(&pod);
        self.pods.insert(name.to_owned(), pod);
    }

    fn set_condition(pod: &mut Value, condition: Value) {
        let status = pod["status"].as_object_mut().unwrap();
        let conditions = status.entry("conditions").or_insert_with(|| json!([]));
        let conditions = conditions.as_array_mut().unwrap();
        conditions.retain(|it| it["type"] != CONDITION);
        conditions.push(condition);
    }

    pub(super) fn see(&mut self, pod: &Value) {
        let pod = ReportedPod::read(pod, &Keys::default()).unwrap();
        self.reporter.observe(&pod, self.now);
    }

    /// Lets time pass, judges and decides. Nothing is written.
    pub(super) fn decide(&mut self, after: Duration) -> Reports {
        self.now = self.now + after;
        for unjudged in self.reporter.unjudged(None, usize::MAX) {
            let verdicts = unjudged.conditions.iter().map(|it| judge(it, &self.store));
            let verdicts: Vec<_> = verdicts.collect();
            self.reporter.judged(unjudged.wait, &verdicts, self.now);
        }
        self.reporter.decide(self.now, usize::MAX)
    }

    /// Does the same, and writes the conditions, which the watch then shows.
    pub(super) fn pass(&mut self, after: Duration) -> Reports {
        let reports = self.decide(after);
        for report in &reports.conditions {
            let name = report.pod.name.to_string();
            let condition = report.patch()["status"]["conditions"][0].clone();
            self.overwrite(&name, Some(&condition));
        }
        reports
    }

    /// Lets seconds pass one by one, and returns everything that was decided.
    pub(super) fn pass_seconds(&mut self, seconds: u64) -> Reports {
        let mut all = Reports::default();
        for _ in 0..seconds {
            let reports = self.pass(Duration::from_secs(1));
            all.conditions.extend(reports.conditions);
            all.events.extend(reports.events);
        }
        all
    }

    pub(super) fn condition(&self, name: &str) -> Option<Value> {
        let conditions = self.pods.get(name)?["status"]["conditions"].as_array()?;
        conditions
            .iter()
            .find(|it| it["type"] == CONDITION)
            .cloned()
    }

    /// Returns the condition as `Waiting: message`.
    pub(super) fn shown(&self, name: &str) -> String {
        let condition = self.condition(name).unwrap_or_default();
        let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
        format!("{}: {}", text("reason"), text("message"))
    }
}

pub(super) fn id(name: &str) -> Owner {
    Owner::pod("shop".parse().unwrap(), name, format!("u-{name}"))
}

impl View for Truth {
    fn owners(&self, key: &VariableKey) -> usize {
        usize::from(self.variables.contains(&key.to_string()))
    }

    fn has_value(&self, _: &VariableKey, _: &VariableValue) -> bool {
        false
    }

    fn below(&self, prefix: &VariableKey) -> usize {
        let below = format!("{}/", prefix.name);
        let names = self.variables.iter();
        names.filter(|name| name.starts_with(&below)).count()
    }

    fn object(&self, key: &ObjectKey) -> ObjectState {
        match self.objects.get(&key.to_string()) {
            Some(reason) => ObjectState::Pending(reason.clone()),
            None => ObjectState::Holds,
        }
    }

    fn asserted_since(&self, _: &Subject, _: Timestamp) -> bool {
        true
    }
}
