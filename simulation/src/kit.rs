//! Whole simulations for tests: the pods of some objects, with the real injection as admission.

#![expect(
    clippy::needless_pass_by_value,
    reason = "json!(...) reads better without a &"
)]

use std::{collections::BTreeSet, convert::Infallible, time::Duration};

use oncue_core::{
    assumption::Assumption,
    injection::{Controller, Decision, Image, Settings, StoreAddress, Target, inject},
};
use oncue_language::{Keys, Namespace};
use serde_json::{Value, json};

use crate::{
    Admission, Cluster, Creation, Entry, Finish, Inventory, Listener, Options, Report, Stuck,
    Unknown, entry::What, verdict::Outcome,
};

/// A simulation that has ended, with its timeline.
pub(crate) struct Run {
    pub(crate) cluster: Cluster,
    pub(crate) finish: Finish,
    pub(crate) lines: Vec<String>,
}

#[derive(Default)]
struct Lines(Vec<String>);

impl Listener for Lines {
    fn names(&mut self, _names: &mut dyn Iterator<Item = String>) {}

    fn unknown(&mut self, _unknown: &Unknown) {}

    fn entry(&mut self, _time: Duration, Entry { subject, what }: &Entry) {
        if !matches!(what, What::Output { .. }) {
            self.0.push(format!("{subject} {what}"));
        }
    }
}

impl Run {
    pub(crate) fn new(objects: &[Value], options: Options) -> Self {
        let mut cluster = mk_cluster(objects, options);
        let mut lines = Lines::default();
        let finish = crate::simulate(&mut cluster, &mut lines, |creation| {
            Ok::<_, Infallible>(admit(creation))
        })
        .unwrap();
        Self {
            cluster,
            finish,
            lines: lines.0,
        }
    }

    #[track_caller]
    pub(crate) fn assert_passes(&self) {
        let report = self.report();
        assert_eq!(
            report.verdict.result,
            Outcome::Passed,
            "{report}\n{:#?}",
            self.lines
        );
    }

    /// Returns the pods that are stuck, with the terms that are missing.
    pub(crate) fn stuck(&self) -> Vec<String> {
        let stuck = self.finish.stuck.iter();
        stuck.map(|stuck| self.shown(stuck)).collect()
    }

    fn shown(&self, stuck: &Stuck) -> String {
        let pod = self.cluster.pod(stuck.pod);
        let terms = stuck.missing.iter();
        let terms: Vec<_> = terms
            .map(|term| pod.declaration.terms[*term].to_string())
            .collect();
        format!("{}: {}", pod.name, terms.join(", "))
    }

    pub(crate) fn report(&self) -> Report {
        Report::new(&self.cluster, &self.finish.stuck, self.finish.took)
    }

    /// Returns the lines about one pod or Job, without admission and scheduling.
    pub(crate) fn lines_of(&self, subject: &str) -> Vec<&str> {
        let lines = self.lines.iter();
        let lines = lines.filter_map(|line| line.strip_prefix(subject)?.strip_prefix(' '));
        lines
            .filter(|line| !line.starts_with("admitted") && !line.starts_with("scheduled"))
            .collect()
    }

    #[track_caller]
    pub(crate) fn position(&self, line: &str) -> usize {
        let position = self.lines.iter().position(|other| other == line);
        position.unwrap_or_else(|| panic!("{line:?} is not in {:#?}", self.lines))
    }
}

pub(crate) fn simulate(objects: &[Value]) -> Run {
    Run::new(objects, mk_options())
}

pub(crate) fn mk_cluster(objects: &[Value], options: Options) -> Cluster {
    let objects = objects.iter().map(|object| ("all.yaml", object));
    let inventory = Inventory::new(objects, &Namespace::default()).unwrap();
    Cluster::new(inventory, options).unwrap()
}

fn admit(creation: Creation<'_>) -> Admission {
    let settings = Settings {
        controller: Controller::Present,
        ..Settings::new(
            Image::new("client"),
            StoreAddress::new("http://127.0.0.1:9999"),
        )
    };
    let target = Target {
        namespace: creation.namespace,
        name: creation.object["metadata"]["name"].as_str(),
    };
    let injection = match inject(&creation.object.to_string(), &target, &settings) {
        Ok(injection) => injection,
        Err(refused) => {
            let message = refused.refusal.told(&Keys::default());
            return Admission::Denied { message };
        }
    };
    let mut object = creation.object.clone();
    if let Decision::Patch(patch) = injection.decision {
        json_patch::patch(&mut object, &patch.to_json_patch()).unwrap();
    }
    Admission::Allowed {
        object,
        warnings: Vec::new(),
    }
}

pub(crate) fn mk_options() -> Options {
    Options {
        nodes: 1,
        fail: BTreeSet::new(),
        hold: BTreeSet::new(),
        assumptions: Vec::new(),
        existing: Vec::new(),
        order: None,
    }
}

/// Options with variables that are assumed.
pub(crate) fn mk_options_with(assumed: &[&str]) -> Options {
    let assumptions = assumed.iter().map(|text| text.parse().unwrap());
    let existing = assumptions.flat_map(|it: Assumption| it.variables(&Namespace::default()));
    Options {
        existing: existing.collect(),
        ..mk_options()
    }
}

fn mk_spec() -> Value {
    json!({"containers": [{"name": "main"}]})
}

pub(crate) fn pod(name: &str, annotations: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}, "annotations": annotations},
        "spec": mk_spec(),
    })
}

pub(crate) fn workload(kind: &str, name: &str, mut spec: Value) -> Value {
    let group = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    let annotations = spec["annotations"].take();
    let mut pod = mk_spec();
    if kind == "Job" {
        pod["restartPolicy"] = "Never".into();
    }
    let annotations = if annotations.is_null() {
        json!({})
    } else {
        annotations
    };
    spec["template"] = json!({
        "metadata": {"labels": {"app": name}, "annotations": annotations}, "spec": pod,
    });
    json!({"apiVersion": group, "kind": kind, "metadata": {"name": name}, "spec": spec})
}
