//! Terms on objects: oncue's controller judges them and tells the store.

mod played;

use std::collections::{BTreeSet, HashMap};

use oncue_core::{
    assumption::Assumption,
    objects::{self, Found, Sources},
    workload::WorkloadKind,
};
use oncue_language::{
    Namespace, ObjectKey, ObjectKind, ObjectState, Subject, Term, Which, host::service_of,
};
use serde_json::{Value, json};

pub(super) use self::played::fills;
use super::{Action, Cluster, Pod, PodId};
use crate::inventory::Inventory;

/// A namespace, and a name in it.
pub(super) type Name = (Namespace, String);

/// A label in a namespace.
pub(super) type Label = (Namespace, Box<str>, Box<str>);

/// The objects that pods ask for, and what each of them depends on.
#[derive(Debug, Default)]
pub(super) struct Objects {
    controllers: HashMap<(WorkloadKind, Namespace, String), usize>,
    services: HashMap<Name, usize>,
    nodes: HashMap<String, Value>,
    /// What the store was told of each object that a pod asks for.
    told: HashMap<ObjectKey, ObjectState>,
    /// The terms that a change may concern.
    watched: HashMap<Topic, Vec<ObjectKey>>,
    /// The pods that a term asks for together, also those that exist no more.
    pods: HashMap<Topic, Vec<PodId>>,
    /// The Jobs with each label.
    jobs: HashMap<Label, Vec<usize>>,
    /// The labels of each Job.
    labels_of_jobs: HashMap<usize, Vec<Label>>,
    /// The workloads whose status is out of date.
    stale: BTreeSet<usize>,
    /// The terms whose state may have changed.
    changed: BTreeSet<ObjectKey>,
}

/// Something that changes.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Topic {
    /// The Jobs with a label.
    Jobs(Label),
    /// The pods with a label, on one node or on any.
    Labelled(Label, Option<Box<str>>),
    /// The pods of this name.
    Pod(Name),
    /// The pods of a workload on a node.
    PodsOf(usize, Box<str>),
    Service(usize),
    Workload(usize),
}

impl Objects {
    pub(super) fn new(inventory: &Inventory, nodes: u32) -> Self {
        let mut objects = Self::default();
        for (index, controller) in inventory.controllers.iter().enumerate() {
            let key = (
                controller.kind,
                controller.namespace.clone(),
                controller.name.clone(),
            );
            objects.controllers.entry(key).or_insert(index);
            if controller.kind == WorkloadKind::Job {
                let labels: Vec<_> = labels(&controller.namespace, controller.object()).collect();
                for label in labels.iter().cloned() {
                    objects.jobs.entry(label).or_default().push(index);
                }
                objects.labels_of_jobs.insert(index, labels);
            }
        }
        for (index, service) in inventory.services.iter().enumerate() {
            let key = (service.namespace.clone(), service.name.to_string());
            objects.services.insert(key, index);
        }
        objects.nodes = (1..=nodes)
            .map(|number| (super::scheduler::node_name(number), number))
            .map(|(name, _)| (name.clone(), node(&name)))
            .collect();
        objects
    }

    pub(super) fn workload_changed(&mut self, index: usize) {
        self.stale.insert(index);
        self.change(&Topic::Workload(index));
        let labels = self.labels_of_jobs.get(&index).into_iter().flatten();
        let topics: Vec<_> = labels.cloned().map(Topic::Jobs).collect();
        for topic in &topics {
            self.change(topic);
        }
    }

    /// Lets the controller at `index` be the one of this name.
    pub(super) fn replace(&mut self, index: usize, name: (WorkloadKind, Namespace, String)) {
        self.controllers.insert(name, index);
    }

    /// Looks again at everything that was ever asked for.
    pub(super) fn look_again(&mut self) {
        let known = self.told.keys().cloned();
        self.changed.extend(known);
        self.watched.clear();
        for key in self.changed.clone() {
            if let Some(topic) = self.topic(&key) {
                self.watched.entry(topic).or_default().push(key);
            }
        }
    }

    pub(super) fn pod_changed(&mut self, pod: &Pod) {
        for service in &pod.services {
            self.change(&Topic::Service(*service));
        }
        if self.watched.is_empty() {
            return;
        }
        self.change(&Topic::Pod((pod.namespace.clone(), pod.name.clone())));
        for topic in on_any_node(pod).chain(on_its_node(pod)) {
            self.change(&topic);
        }
    }

    fn change(&mut self, topic: &Topic) {
        let keys = self.watched.get(topic).into_iter().flatten();
        self.changed.extend(keys.cloned());
    }

    /// Takes in a pod that is created now.
    pub(super) fn pod_created(&mut self, id: PodId, pod: &Pod) {
        for topic in on_any_node(pod) {
            self.pods.entry(topic).or_default().push(id);
        }
    }

    /// Takes in a pod that is on a node from now on.
    pub(super) fn pod_scheduled(&mut self, id: PodId, pod: &Pod) {
        for topic in on_its_node(pod) {
            self.pods.entry(topic).or_default().push(id);
        }
    }

    /// Returns what changes the state of a term; `None` if nothing does.
    fn topic(&self, key: &ObjectKey) -> Option<Topic> {
        match (&key.which, &key.kind) {
            (Which::Labelled { .. }, ObjectKind::Job) => label(key).map(Topic::Jobs),
            (Which::Labelled { .. }, _) => Some(Topic::Labelled(label(key)?, node_of(key))),
            (Which::Named(_), ObjectKind::Pod) => name(key).map(Topic::Pod),
            (Which::Named(_), ObjectKind::Service) => self.service(key).map(Topic::Service),
            (Which::Named(_), ObjectKind::DaemonSet) if key.node.is_some() => {
                Some(Topic::PodsOf(self.workload(key)?, node_of(key)?))
            }
            (Which::Named(_), _) => self.workload(key).map(Topic::Workload),
        }
    }

    fn service(&self, key: &ObjectKey) -> Option<usize> {
        self.services.get(&name(key)?).copied()
    }

    fn workload(&self, key: &ObjectKey) -> Option<usize> {
        let kind = match key.kind {
            ObjectKind::DaemonSet => WorkloadKind::DaemonSet,
            ObjectKind::Deployment => WorkloadKind::Deployment,
            ObjectKind::Job => WorkloadKind::Job,
            ObjectKind::StatefulSet => WorkloadKind::StatefulSet,
            _ => return None,
        };
        let (namespace, name) = name(key)?;
        self.controllers.get(&(kind, namespace, name)).copied()
    }
}

impl Cluster {
    /// Watches the objects that a pod asks for, and the Services that it probes.
    pub(super) fn ask_for_objects(&mut self, id: PodId) {
        let Pod {
            declaration,
            namespace,
            ..
        } = &self.pods[id.0];
        let conditions = declaration.conditions.iter().flatten();
        let asked = conditions.filter_map(|condition| match &condition.subject {
            Subject::Object(key) => Some((**key).clone()),
            Subject::Below { .. } | Subject::Variable { .. } => None,
        });
        let probes = declaration.terms.iter().filter_map(Term::probe);
        let services = probes.filter_map(|probe| service_of(&probe.host, namespace));
        for key in asked.chain(services).collect::<Vec<_>>() {
            self.watch_objects(key);
        }
    }

    /// Watches the objects of a term from now on.
    fn watch_objects(&mut self, key: ObjectKey) {
        if self.objects.told.contains_key(&key) || !self.objects.changed.insert(key.clone()) {
            return;
        }
        if let Some(topic) = self.objects.topic(&key) {
            self.objects.watched.entry(topic).or_default().push(key);
        }
    }

    /// Tells the store of every object that has changed.
    pub(super) fn report_objects(&mut self) {
        for index in std::mem::take(&mut self.objects.stale) {
            self.write_workload_status(index);
        }
        for key in std::mem::take(&mut self.objects.changed) {
            let state = self.object_state(&key);
            if self.objects.told.get(&key) != Some(&state) {
                self.objects.told.insert(key.clone(), state.clone());
                self.actions.push(Action::SetObject { key, state });
            }
        }
    }

    /// Returns why the objects of a term do not hold, as the store was told.
    pub(crate) fn object_reason(&self, key: &ObjectKey) -> Option<String> {
        self.objects.told.get(key)?.clone().into_reason()
    }

    /// Returns the state of the objects of a term, as the controller judges them.
    fn object_state(&self, key: &ObjectKey) -> ObjectState {
        if self.options.assumptions.contains(&Assumption::of(key)) {
            return ObjectState::Holds;
        }
        let named = self.named(key).filter(|_| self.is_visible(key));
        let slices = self.endpoint_slices(key);
        let found = Found {
            named,
            related: self.visible(key).into_iter().chain(&slices).collect(),
        };
        if fills(key, asked(key, &found)) {
            objects::state(key, &found)
        } else {
            ObjectState::Unknown(NOT_PLAYED.to_owned())
        }
    }

    /// Returns the object that a term names, if the API server has it.
    pub(super) fn named(&self, key: &ObjectKey) -> Option<&Value> {
        match &key.kind {
            ObjectKind::Node => self.objects.nodes.get(&**key.which.name()?),
            ObjectKind::Pod => {
                let (namespace, name) = name(key)?;
                let pod = self.pod(self.find(&namespace, &name)?);
                pod.exists().then_some(&*pod.object)
            }
            ObjectKind::DaemonSet
            | ObjectKind::Deployment
            | ObjectKind::Job
            | ObjectKind::StatefulSet => {
                let index = self.objects.workload(key)?;
                Some(self.inventory.controllers[index].object())
            }
            kind => {
                let (namespace, name) = name(key)?;
                self.inventory.object(kind, &namespace, &name)
            }
        }
    }

    /// Returns whether the API server has the object that a term names.
    fn is_visible(&self, key: &ObjectKey) -> bool {
        if let Some(workload) = self.objects.workload(key) {
            return self.is_there(workload);
        }
        let name = name(key).map(|(namespace, name)| (key.kind.clone(), namespace, name));
        let name = name.filter(|name| self.inventory.has_object(name));
        name.is_none_or(|name| self.has_begun(self.schedule.stage_of_object(&name)))
    }

    /// Returns the other objects that a term asks for and that the API server has, and maybe more.
    fn visible(&self, key: &ObjectKey) -> Vec<&Value> {
        self.related_where(key, |job| self.is_there(job))
    }

    /// Returns the other objects that a term asks for, and maybe more.
    pub(super) fn related(&self, key: &ObjectKey) -> Vec<&Value> {
        self.related_where(key, |_| true)
    }

    fn related_where(&self, key: &ObjectKey, is_there: impl Fn(usize) -> bool) -> Vec<&Value> {
        let Some(topic) = self.objects.topic(key) else {
            return Vec::new();
        };
        if let Topic::Jobs(label) = &topic {
            let jobs = self.objects.jobs.get(label).into_iter().flatten();
            let jobs = jobs.filter(|job| is_there(**job));
            let objects = jobs.map(|job| self.inventory.controllers[*job].object());
            return objects.collect();
        }
        let pods = self.objects.pods.get(&topic).into_iter().flatten();
        let pods = pods.map(|id| self.pod(*id)).filter(|pod| pod.exists());
        pods.map(|pod| &*pod.object).collect()
    }

    /// Returns the slices of the endpoints of a Service, if a term asks for its rule.
    fn endpoint_slices(&self, key: &ObjectKey) -> Option<Value> {
        if key.kind != ObjectKind::Service {
            return None;
        }
        let service = self.objects.service(key)?;
        let ignores_readiness = self.named(key)?["spec"]["publishNotReadyAddresses"] == true;
        let pods = self.endpoints.selected(service).iter();
        let pods = pods.map(|id| self.pod(*id)).filter(|pod| pod.has_address());
        let endpoints =
            pods.map(|pod| json!({"conditions": {"ready": ignores_readiness || pod.is_ready}}));
        let by_hand = self.endpoints.has_backend(service);
        let by_hand = by_hand.then(|| json!({"conditions": {"ready": true}}));
        let endpoints = endpoints.chain(by_hand);
        let name = key.which.name()?;
        Some(json!({
            "metadata": {
                "namespace": key.namespace,
                "labels": {"kubernetes.io/service-name": name},
            },
            "endpoints": endpoints.collect::<Vec<_>>(),
        }))
    }
}

/// Returns the objects of which a term asks something.
fn asked<'a>(key: &ObjectKey, found: &Found<'a>) -> Vec<&'a Value> {
    if let Some(object) = found.named {
        return vec![object];
    }
    let Some(source) = Sources::of(key).related else {
        return Vec::new();
    };
    let related = found.related.iter().copied();
    related.filter(|object| source.contains(object)).collect()
}

/// Returns the namespace and the name that a term asks for.
pub(super) fn name(key: &ObjectKey) -> Option<Name> {
    Some((key.namespace.clone()?, key.which.name()?.to_string()))
}

/// Returns the first label that a term selects by.
pub(super) fn label(key: &ObjectKey) -> Option<Label> {
    let Which::Labelled { labels, .. } = &key.which else {
        return None;
    };
    let (label, value) = labels.iter().next()?;
    Some((key.namespace.clone()?, label.into(), value.clone()))
}

/// Returns the node that a term asks for.
fn node_of(key: &ObjectKey) -> Option<Box<str>> {
    key.node.as_ref().map(|node| node.as_str().into())
}

/// Returns what a pod is a part of, whichever node it is on.
fn on_any_node(pod: &Pod) -> impl Iterator<Item = Topic> {
    let labels = labels(&pod.namespace, &pod.object);
    labels.map(|label| Topic::Labelled(label, None))
}

/// Returns what a pod is a part of on its node; nothing before it is scheduled.
fn on_its_node(pod: &Pod) -> impl Iterator<Item = Topic> {
    let node = pod.object["spec"]["nodeName"].as_str();
    node.into_iter().flat_map(|node| {
        let labels = labels(&pod.namespace, &pod.object);
        let labelled = labels.map(|label| Topic::Labelled(label, Some(node.into())));
        labelled.chain([Topic::PodsOf(pod.controller, node.into())])
    })
}

/// Returns the labels of an object in a namespace.
pub(super) fn labels(namespace: &Namespace, object: &Value) -> impl Iterator<Item = Label> {
    let labels = object["metadata"]["labels"].as_object();
    labels.into_iter().flatten().filter_map(|(label, value)| {
        let value = value.as_str()?;
        Some((namespace.clone(), label.as_str().into(), value.into()))
    })
}

fn node(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"conditions": [
            {"type": "Ready", "status": "True", "reason": "KubeletReady"},
        ]},
    })
}

const NOT_PLAYED: &str = "is not played";

#[cfg(test)]
mod tests;
