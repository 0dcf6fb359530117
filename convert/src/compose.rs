//! `depends_on` of a compose file, for the manifests that another tool made from it.

use std::collections::BTreeMap;

use oncue_core::workload::{self, RestartPolicy, Workload, WorkloadKind};
use oncue_language::Term;
use serde_json::Value;

use crate::{
    objects::{list, text},
    plan::{Annotation, Existing, Outcome},
};

/// What happens to the dependencies of a compose file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ComposePlan {
    /// Every entry of `depends_on`, in the order of the file.
    pub dependencies: Vec<Dependency>,
    /// The pods that get annotations.
    pub pods: Vec<AnnotatedPod>,
}

/// One entry of `depends_on`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dependency {
    /// The service that depends on another.
    pub service: String,
    /// The service that it depends on.
    pub on: String,
    /// What happens to it.
    pub outcome: Outcome,
    /// What a reader should know about the conversion.
    pub notes: Vec<String>,
}

/// A pod template that gets annotations.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AnnotatedPod {
    /// The number of its workload among those of all documents.
    pub workload: usize,
    /// The number of the document.
    pub document: usize,
    /// The JSON pointer to the pod's `metadata` and `spec`.
    pub template: String,
    /// The new values of its annotations.
    pub annotations: Vec<Annotation>,
}

/// Returns the plan for a compose file and the objects that were made from it. `unchangeable` are the
/// numbers of workloads that cannot get annotations, with the reasons.
pub fn plan(
    compose: &Value,
    documents: &[&Value],
    unchangeable: &BTreeMap<usize, String>,
) -> ComposePlan {
    let mut composer = Composer {
        workloads: workloads(documents),
        unchangeable: unchangeable.clone(),
        ..Composer::default()
    };
    let services = compose.get("services").and_then(Value::as_object);
    for (service, definition) in services.into_iter().flatten() {
        for (on, condition) in depends_on(definition) {
            composer.add(service, on, &condition);
        }
    }
    let pods = composer.pods();
    ComposePlan {
        dependencies: composer.dependencies,
        pods,
    }
}

/// When a dependency holds.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Condition<'a> {
    name: &'a str,
    is_required: bool,
}

/// Reads both forms of `depends_on`.
fn depends_on(service: &Value) -> Vec<(&str, Condition<'_>)> {
    match service.get("depends_on") {
        Some(Value::Array(names)) => {
            let started = Condition {
                name: "service_started",
                is_required: true,
            };
            let names = names.iter().filter_map(Value::as_str);
            names.map(|name| (name, started.clone())).collect()
        }
        Some(Value::Object(entries)) => {
            let entries = entries.iter().map(|(name, entry)| {
                let condition = Condition {
                    name: text(entry, "/condition").unwrap_or("service_started"),
                    is_required: entry.get("required") != Some(&Value::Bool(false)),
                };
                (name.as_str(), condition)
            });
            entries.collect()
        }
        _ => Vec::new(),
    }
}

fn workloads<'a>(documents: &[&'a Value]) -> Vec<(usize, Workload<'a>)> {
    let documents = documents.iter().enumerate();
    documents
        .flat_map(|(number, document)| {
            let workloads = workload::find(document).into_iter();
            workloads.map(move |workload| (number, workload))
        })
        .collect()
}

/// What a pod waits for.
#[derive(Debug)]
struct Wait {
    term: String,
    /// The annotation of the other pod, which signals the variable of the term.
    signal: Option<&'static str>,
}

impl Wait {
    fn for_object(term: String) -> Self {
        Self { term, signal: None }
    }

    fn for_signal(variable: String, annotation: &'static str) -> Self {
        Self {
            term: variable,
            signal: Some(annotation),
        }
    }
}

/// Goes through the dependencies of a compose file.
#[derive(Debug, Default)]
struct Composer<'a> {
    workloads: Vec<(usize, Workload<'a>)>,
    unchangeable: BTreeMap<usize, String>,
    dependencies: Vec<Dependency>,
    /// The number of a workload, the name of an annotation, and what it gets.
    additions: Vec<(usize, &'static str, String)>,
}

impl Composer<'_> {
    fn add(&mut self, service: &str, on: &str, condition: &Condition<'_>) {
        let mut notes = Vec::new();
        let outcome = match self.convert(service, on, condition, &mut notes) {
            Ok(term) => Outcome::Converted { terms: vec![term] },
            Err(reason) => Outcome::Left { reason },
        };
        self.dependencies.push(Dependency {
            service: service.to_owned(),
            on: on.to_owned(),
            outcome,
            notes,
        });
    }

    fn convert(
        &mut self,
        service: &str,
        on: &str,
        condition: &Condition<'_>,
        notes: &mut Vec<String>,
    ) -> Result<String, String> {
        let dependent = self.workload_of(service)?;
        let target = self.workload_of(on)?;
        let Wait { term, signal } = self.wait(target, condition.name, notes)?;
        self.may_change(dependent)?;
        if let Some(key) = signal {
            self.may_change(target)?;
            self.additions.push((target, key, term.clone()));
        }
        let presence = if condition.is_required { "" } else { "?" };
        let text = format!("{presence}{term}");
        let term = text
            .parse::<Term>()
            .map_err(|error| format!("becomes {text:?}: {error}"))?;
        self.additions
            .push((dependent, "depends-on", term.to_string()));
        Ok(term.to_string())
    }

    fn may_change(&self, workload: usize) -> Result<(), String> {
        match self.unchangeable.get(&workload) {
            Some(reason) => {
                let (_, workload) = &self.workloads[workload];
                Err(format!("cannot change the text of {workload}: {reason}"))
            }
            None => Ok(()),
        }
    }

    fn workload_of(&self, service: &str) -> Result<usize, String> {
        let name = service.to_ascii_lowercase().replace('_', "-");
        let is_labelled = |workload: &Workload<'_>| {
            let mut labels = workload.labels();
            labels.any(|(key, value)| key == "io.kompose.service" && value == service)
        };
        let found = self.workloads.iter().position(|(_, workload)| {
            workload.name() == name || workload.name() == service || is_labelled(workload)
        });
        found.ok_or_else(|| {
            format!("names the service {service}, for which there is no workload in the files")
        })
    }

    /// Returns the wait for a workload.
    fn wait(
        &self,
        target: usize,
        condition: &str,
        notes: &mut Vec<String>,
    ) -> Result<Wait, String> {
        let workload = &self.workloads[target].1;
        let name = workload.name();
        let kind = workload.kind().as_str().to_ascii_lowercase();
        match condition {
            "service_started" => Ok(Wait::for_signal(format!("{name}/started"), "signals")),
            "service_healthy" => match workload.kind() {
                WorkloadKind::DaemonSet
                | WorkloadKind::Deployment
                | WorkloadKind::Pod
                | WorkloadKind::StatefulSet => {
                    if !has_readiness_probe(workload) {
                        notes.push(format!(
                            "{workload} has no readiness probe, so it is ready as soon as it runs"
                        ));
                    }
                    Ok(Wait::for_object(format!("{kind}:{name}")))
                }
                _ => Err(format!(
                    "waits for the health of {workload}, which runs to an end"
                )),
            },
            "service_completed_successfully" => {
                match (workload.kind(), workload.restart_policy()) {
                    (WorkloadKind::Job, _) => Ok(Wait::for_object(format!("job:{name}"))),
                    (WorkloadKind::Pod, RestartPolicy::Never | RestartPolicy::OnFailure) => {
                        let variable = format!("{name}/completed");
                        Ok(Wait::for_signal(variable, "signals-on-success"))
                    }
                    _ => Err(format!(
                        "waits for the end of {workload}, which never ends: make it a Job"
                    )),
                }
            }
            other => Err(format!(
                "has the condition {other:?}, which compose does not know"
            )),
        }
    }

    /// Returns the annotations of every pod, each with all that it gets.
    fn pods(&self) -> Vec<AnnotatedPod> {
        let mut pods = Vec::new();
        for (index, (document, workload)) in self.workloads.iter().enumerate() {
            let mut annotations = Vec::new();
            for name in ["depends-on", "signals", "signals-on-success"] {
                let of_pod = self.additions.iter();
                let of_pod = of_pod.filter(|(pod, key, _)| *pod == index && *key == name);
                let texts: Vec<_> = of_pod.map(|(_, _, text)| text.clone()).collect();
                annotations.extend(Existing::add_to(workload, name, &texts));
            }
            if !annotations.is_empty() {
                pods.push(AnnotatedPod {
                    workload: index,
                    document: *document,
                    template: workload.template_pointer(),
                    annotations,
                });
            }
        }
        pods
    }
}

fn has_readiness_probe(workload: &Workload<'_>) -> bool {
    let containers = list(workload.template(), "/spec/containers");
    containers
        .iter()
        .any(|container| container.get("readinessProbe").is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn three_conditions_become_terms_and_signals() {
        let workload = |kind: &str, version: &str, name: &str| {
            json!({
                "apiVersion": version, "kind": kind, "metadata": {"name": name},
                "spec": {"template": {"spec": {"containers": [{"name": "c"}]}}},
            })
        };
        let objects = [
            workload("Deployment", "apps/v1", "web"),
            workload("StatefulSet", "apps/v1", "db"),
            workload("Deployment", "apps/v1", "my-cache"),
            workload("Job", "batch/v1", "migrate"),
        ];
        let compose = json!({"services": {"web": {"depends_on": {
            "db": {"condition": "service_healthy"},
            "my_cache": {"condition": "service_started", "required": false},
            "migrate": {"condition": "service_completed_successfully"},
            "gone": {},
        }}, "my_cache": {"depends_on": ["db"]}, "migrate": {"depends_on": {
            "my_cache": {"condition": "service_completed_successfully"},
        }}}});
        let documents: Vec<_> = objects.iter().collect();
        let plan = plan(&compose, &documents, &BTreeMap::new());
        let outcomes: Vec<_> = plan
            .dependencies
            .iter()
            .map(|it| match &it.outcome {
                Outcome::Converted { terms } => terms.join(", "),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(
            outcomes[..3],
            ["statefulset:db", "?my-cache/started", "job:migrate"]
        );
        assert!(outcomes[3].contains("there is no workload in the files"));
        assert_eq!(outcomes[4], "db/started");
        assert!(outcomes[5].contains("make it a Job"));
        let annotations: Vec<_> = plan
            .pods
            .iter()
            .flat_map(|pod| {
                pod.annotations
                    .iter()
                    .map(|it| (pod.document, &*it.key, &*it.value))
            })
            .collect();
        assert_eq!(
            annotations,
            [
                (
                    0,
                    "depends-on",
                    "statefulset:db, ?my-cache/started, job:migrate"
                ),
                (1, "signals", "db/started"),
                (2, "depends-on", "db/started"),
                (2, "signals", "my-cache/started"),
            ]
        );
    }

    #[test]
    fn a_dependency_stays_if_a_workload_that_it_needs_cannot_be_changed() {
        let pod = |name: &str| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {}});
        let objects = [pod("web"), pod("db"), pod("cache")];
        let compose = json!({"services": {"web": {"depends_on": {
            "db": {"condition": "service_started"}, "cache": {"condition": "service_healthy"},
        }}, "cache": {"depends_on": ["db"]}}});
        let documents: Vec<_> = objects.iter().collect();
        let unchangeable = BTreeMap::from([(1, "it is shared".to_owned())]);
        let plan = plan(&compose, &documents, &unchangeable);
        let reason = "cannot change the text of Pod/db: it is shared".to_owned();
        let left = Outcome::Left { reason };
        assert_eq!(plan.dependencies[0].outcome, left);
        assert_eq!(plan.dependencies[2].outcome, left);
        let [web] = &*plan.pods else {
            panic!("{:?}", plan.pods);
        };
        assert_eq!(web.annotations[0].value, "pod:cache");
    }
}
