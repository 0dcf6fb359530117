//! A workload that creates pods; a bare Pod is a controller of one.

use std::time::Duration;

use oncue_core::workload::{CompletionMode, RestartPolicy, Scale, Workload, WorkloadKind};
use oncue_language::Namespace;
use serde_json::{Map, Value, json};

use crate::{
    cluster::GENERATION,
    inventory::{InventoryErrorSource, namespace},
    job::JobPlan,
    names,
    order::rolls,
    plan::Plan,
};

/// What a `CronJob` appends to its name for its one run.
const RUN: u32 = 1;

/// A workload that creates pods.
#[derive(Clone, Debug)]
pub(crate) struct Controller {
    /// The kind; the one run of a `CronJob` is a Job.
    pub(crate) kind: WorkloadKind,
    pub(crate) namespace: Namespace,
    pub(crate) name: String,
    /// The name in the files: for the run of a `CronJob`, the name of that.
    pub(crate) producer: String,
    pub(crate) file: String,
    pub(crate) plan: Plan,
    object: Value,
    /// The name and the annotations of the object in the files, by which an installer orders it.
    pub(crate) source: Value,
    /// How often an installer has applied it before.
    pub(crate) run: u32,
    /// The template among those of an object whose kind is not built in.
    template: Option<Template>,
}

/// One pod template of an object whose kind is not built in.
#[derive(Clone, Debug)]
struct Template {
    /// What people call it.
    title: String,
    /// The position among the templates of its object.
    position: usize,
    /// Whether the object says how many pods there are.
    is_counted: bool,
}

/// A pod to be created.
#[derive(Clone, Debug)]
pub(crate) struct NewPod {
    /// As it is sent for admission: without a name if the API server generates it.
    pub(crate) object: Value,
    /// The name once it is created.
    pub(crate) name: String,
}

impl Controller {
    /// Reads a workload of `file`; without a namespace it lives in `default`. Returns `None` for a
    /// suspended `CronJob`.
    pub(crate) fn new(
        workload: &Workload<'_>,
        file: &str,
        default: &Namespace,
    ) -> Result<Option<Self>, InventoryErrorSource> {
        if workload.kind() == WorkloadKind::Custom {
            return Self::custom(workload, file, default).map(Some);
        }
        let producer = workload.name();
        if producer.is_empty() {
            return Err(InventoryErrorSource::Nameless);
        }
        let mut object = match workload.kind() {
            WorkloadKind::CronJob if workload.object()["spec"]["suspend"] == true => {
                return Ok(None);
            }
            WorkloadKind::CronJob => one_run(workload),
            _ => workload.object().clone(),
        };
        let source = source(workload.object());
        let namespace = namespace(&object, default)?;
        let name = generated(&object["metadata"], producer);
        let kind = match workload.kind() {
            WorkloadKind::CronJob => WorkloadKind::Job,
            kind => kind,
        };
        if kind != WorkloadKind::Pod {
            create(&mut object, kind, (&namespace, &name));
        }
        let Some(workload) = Workload::new(&object, String::new()) else {
            return Ok(None);
        };
        Ok(Some(Self {
            kind,
            namespace,
            name,
            producer: producer.to_owned(),
            file: file.to_owned(),
            plan: plan(&workload),
            object,
            source,
            run: 0,
            template: None,
        }))
    }

    /// Reads one template of an object whose kind is not built in.
    fn custom(
        workload: &Workload<'_>,
        file: &str,
        default: &Namespace,
    ) -> Result<Self, InventoryErrorSource> {
        if workload.name().is_empty() {
            return Err(InventoryErrorSource::Nameless);
        }
        let mut object = workload.object().clone();
        let namespace = namespace(&object, default)?;
        let name = generated(&object["metadata"], workload.name());
        let uid = names::uid(&format!("{}/{namespace}/{name}", workload.kind_name()));
        let metadata = &mut object["metadata"];
        metadata["namespace"] = namespace.as_str().into();
        metadata["name"] = name.into();
        metadata["uid"] = uid.into();
        let all = Workload::all(workload.object(), "");
        let template = Template {
            title: workload.to_string(),
            position: all.iter().position(|it| it.is(workload)).unwrap_or(0),
            is_counted: workload.scale() != Scale::Unknown,
        };
        Ok(Self {
            kind: WorkloadKind::Custom,
            namespace,
            name: workload.stem().into_owned(),
            producer: workload.name().to_owned(),
            file: file.to_owned(),
            plan: plan(workload),
            object,
            source: source(workload.object()),
            run: 0,
            template: Some(template),
        })
    }

    /// Returns what people call it.
    pub(crate) fn title(&self) -> String {
        match &self.template {
            None => format!("{}/{}", self.kind.as_str().to_ascii_lowercase(), self.name),
            Some(template) => template.title.clone(),
        }
    }

    /// Returns how the pods are played of an object whose kind is not built in, or of a `CronJob`.
    pub(crate) fn played_as(&self) -> Option<String> {
        if self.is_run() {
            let cron_job = &self.producer;
            return Some(format!("CronJob/{cron_job} as one run at the beginning"));
        }
        let Template {
            title, is_counted, ..
        } = self.template.as_ref()?;
        let (pods, [one, several]) = match self.plan {
            Plan::Job(job) => (job.slots().len(), ["runs to its end", "run to their end"]),
            plan => (plan.slots(1).len(), ["keeps running", "keep running"]),
        };
        let pods = match pods {
            0 => return Some(format!("{title} as no pods")),
            1 => format!("1 pod that {one}"),
            pods => format!("{pods} pods that {several}"),
        };
        let guess = if *is_counted {
            ""
        } else {
            ", because it does not say how many"
        };
        Some(format!("{title} as {pods}{guess}"))
    }

    /// Returns the workload in the object.
    fn workload(&self) -> Option<Workload<'_>> {
        match &self.template {
            None => Workload::new(&self.object, String::new()),
            Some(template) => Workload::all(&self.object, "")
                .into_iter()
                .nth(template.position),
        }
    }

    /// Returns the object, as the API server has it; of a pod, as it is in the files.
    pub(crate) fn object(&self) -> &Value {
        &self.object
    }

    /// Returns the same workload as it is when it is applied once more.
    pub(crate) fn again(&self) -> Self {
        let mut again = self.clone();
        again.run += 1;
        if again.kind != WorkloadKind::Pod {
            let uid = again.uid_of_run();
            again.object["metadata"]["uid"] = uid.into();
        }
        again
    }

    /// Returns whether an upgrade replaces its pods.
    pub(crate) fn rolls(&self) -> bool {
        rolls(self.kind)
    }

    /// Returns whether it is the run of a `CronJob`.
    pub(crate) fn is_run(&self) -> bool {
        self.object["metadata"]["ownerReferences"][0]["kind"] == "CronJob"
    }

    /// Returns whether it is a Rollout of Argo.
    pub(crate) fn is_rollout(&self) -> bool {
        self.object["kind"] == "Rollout"
    }

    /// Returns how long its pods must be ready until they are available.
    pub(crate) fn min_ready(&self) -> Duration {
        let seconds = self.object["spec"]["minReadySeconds"].as_u64();
        let seconds = seconds.filter(|_| self.kind != WorkloadKind::Pod);
        Duration::from_secs(seconds.unwrap_or(0))
    }

    /// Returns the deadline of a Job that runs.
    pub(crate) fn active_deadline_seconds(&self) -> Option<u64> {
        let spec = &self.object["spec"];
        let runs = self.kind == WorkloadKind::Job && spec["suspend"] != true;
        spec["activeDeadlineSeconds"].as_u64().filter(|_| runs)
    }

    /// Takes over the status of the object.
    pub(crate) fn set_status(&mut self, status: Value) {
        self.object["status"] = status;
    }

    /// Returns the pod for `slot`, after `earlier` other pods of the same slot.
    pub(crate) fn pod(&self, slot: u32, earlier: usize) -> NewPod {
        let workload = self.workload();
        let mut object = workload.map_or(Value::Null, |workload| workload.pod_at(slot));
        let mut seed = format!("{}/{}/{slot}/{earlier}", self.namespace, self.name);
        if self.run > 0 {
            seed = format!("{seed}/{}", self.run);
        }
        let name = match self.kind {
            WorkloadKind::Pod => self.name.clone(),
            _ => generated(&object["metadata"], &seed),
        };
        if self.kind == WorkloadKind::Pod {
            if let Some(object) = object.as_object_mut() {
                object.remove("status");
            }
        } else {
            object["metadata"]["ownerReferences"] = json!([self.owner_reference(&object)]);
        }
        self.fill_in(&mut object, &name);
        NewPod { object, name }
    }

    /// Adds what the controllers of some kinds add. A field of the wrong type stays as it is, for
    /// admission to reject.
    fn fill_in(&self, pod: &mut Value, name: &str) {
        let (pointer, fields) = match self.kind {
            WorkloadKind::Job => (
                "/metadata/labels",
                [
                    ("batch.kubernetes.io/controller-uid", self.uid().into()),
                    ("controller-uid", self.uid().into()),
                ],
            ),
            WorkloadKind::StatefulSet => (
                "/spec",
                [
                    ("hostname", name.into()),
                    ("subdomain", self.object["spec"]["serviceName"].clone()),
                ],
            ),
            _ => return,
        };
        if let Some(map) = pod.pointer_mut(pointer).and_then(Value::as_object_mut) {
            map.extend(fields.map(|(key, value)| (key.to_owned(), value)));
        }
    }

    /// Returns the uid that the object has in a simulation.
    pub(crate) fn uid(&self) -> String {
        match (&self.template, self.object["metadata"]["uid"].as_str()) {
            (Some(_), Some(uid)) => uid.to_owned(),
            _ => self.uid_of_run(),
        }
    }

    fn uid_of_run(&self) -> String {
        match self.run {
            0 => uid(self.kind, (&self.namespace, &self.name)),
            run => names::uid(&format!(
                "{}/{}/{}/{run}",
                self.kind, self.namespace, self.name
            )),
        }
    }

    fn owner_reference(&self, pod: &Value) -> Value {
        let hash = pod["metadata"]["labels"]["pod-template-hash"].as_str();
        let (kind, name, uid) = match (self.kind, hash) {
            (WorkloadKind::Custom, _) => (
                self.object["kind"].clone(),
                self.object["metadata"]["name"].clone(),
                self.uid(),
            ),
            (WorkloadKind::Deployment, Some(hash)) => {
                let name = format!("{}-{hash}", self.name);
                let uid = names::uid(&format!("ReplicaSet/{}/{name}", self.namespace));
                ("ReplicaSet".into(), name.into(), uid)
            }
            (kind, _) => (kind.as_str().into(), self.name.as_str().into(), self.uid()),
        };
        json!({
            "apiVersion": self.object["apiVersion"], "kind": kind, "name": name,
            "uid": uid, "controller": true, "blockOwnerDeletion": true,
        })
    }
}

/// Returns what an installer orders an object by.
fn source(object: &Value) -> Value {
    let metadata = &object["metadata"];
    json!({"metadata": {"name": metadata["name"], "annotations": metadata["annotations"]}})
}

/// Adds what the API server adds to an object.
fn create(object: &mut Value, kind: WorkloadKind, (namespace, name): (&Namespace, &str)) {
    let metadata = &mut object["metadata"];
    metadata["namespace"] = namespace.as_str().into();
    metadata["name"] = name.into();
    metadata["uid"] = uid(kind, (namespace, name)).into();
    metadata["generation"] = GENERATION.into();
    if kind == WorkloadKind::Job {
        default_labels(object);
    }
}

/// Gives a Job without labels those of its template.
fn default_labels(job: &mut Value) {
    let labels = job["metadata"]["labels"].as_object();
    if labels.is_none_or(Map::is_empty)
        && let Some(labels) = job.pointer("/spec/template/metadata/labels").cloned()
    {
        job["metadata"]["labels"] = labels;
    }
}

fn uid(kind: WorkloadKind, (namespace, name): (&Namespace, &str)) -> String {
    names::uid(&format!("{kind}/{namespace}/{name}"))
}

/// Returns the name of an object; without one, a name as the API server generates it.
fn generated(metadata: &Value, seed: &str) -> String {
    if let Some(name) = metadata["name"].as_str() {
        return name.to_owned();
    }
    let stem = metadata["generateName"].as_str().unwrap_or_default();
    format!("{stem}{}", names::suffix(seed))
}

/// Returns the Job that a `CronJob` creates for one run.
fn one_run(cron_job: &Workload<'_>) -> Value {
    let object = cron_job.object();
    let mut metadata = json!({
        "name": format!("{}-{RUN}", cron_job.name()),
        "ownerReferences": [{
            "apiVersion": object["apiVersion"], "kind": "CronJob", "name": cron_job.name(),
            "uid": names::uid(&format!("CronJob/{}", cron_job.name())), "controller": true,
        }],
    });
    let template = &object["spec"]["jobTemplate"]["metadata"];
    for (field, value) in [
        ("namespace", &object["metadata"]["namespace"]),
        ("labels", &template["labels"]),
        ("annotations", &template["annotations"]),
    ] {
        if !value.is_null() {
            metadata[field] = value.clone();
        }
    }
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
        "spec": object["spec"]["jobTemplate"]["spec"],
    })
}

fn plan(workload: &Workload<'_>) -> Plan {
    let spec = &workload.object()["spec"];
    let is_custom = workload.kind() == WorkloadKind::Custom;
    match workload.scale() {
        scale if is_custom && spec["suspend"] == true => Plan::Paused {
            replicas: scale.at_once().unwrap_or(1),
        },
        Scale::EachNode => Plan::PerNode,
        Scale::Unknown if workload.restart_policy() == RestartPolicy::Always => Plan::Together {
            start: 0,
            replicas: 1,
        },
        Scale::Unknown => Plan::Job(JobPlan::new(Some(1), 1, CompletionMode::NonIndexed)),
        Scale::Replicas {
            count,
            first_ordinal,
        } => {
            let is_set = workload.kind() == WorkloadKind::StatefulSet;
            if workload.kind() == WorkloadKind::Deployment && spec["paused"] == true {
                Plan::Paused { replicas: count }
            } else if is_set && spec["podManagementPolicy"] != "Parallel" {
                Plan::OneByOne {
                    start: first_ordinal,
                    replicas: count,
                }
            } else {
                Plan::Together {
                    start: first_ordinal,
                    replicas: count,
                }
            }
        }
        Scale::Runs {
            completions,
            parallelism,
            mode,
        } => Plan::Job(JobPlan::new(completions, parallelism, mode).with(spec)),
    }
}

#[cfg(test)]
mod tests;
