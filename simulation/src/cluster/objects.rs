//! Terms on objects: oncue's controller judges them and tells the store.

use std::collections::{BTreeSet, HashMap};

use oncue_core::workload::WorkloadKind;
use oncue_language::{
    Namespace, ObjectDemand, ObjectKey, ObjectKind, ObjectState, Subject, Term, Which,
    host::service_of,
};

use super::{Action, Cluster, Pod, PodId};
use crate::{inventory::Inventory, job::JobEnd, options::Assumption};

type Name = (Namespace, String);

/// The objects that pods ask for, and what each of them depends on.
#[derive(Debug, Default)]
pub(super) struct Objects {
    controllers: HashMap<(WorkloadKind, Namespace, String), usize>,
    services: HashMap<Name, usize>,
    /// What the store was told of each object that a pod asks for.
    told: HashMap<ObjectKey, Option<ObjectState>>,
    by_controller: HashMap<usize, Vec<ObjectKey>>,
    by_pod: HashMap<Name, ObjectKey>,
    by_service: HashMap<usize, ObjectKey>,
    /// The objects that may have changed.
    changed: BTreeSet<ObjectKey>,
}

impl Objects {
    pub(super) fn new(inventory: &Inventory) -> Self {
        let mut objects = Self::default();
        for (index, controller) in inventory.controllers.iter().enumerate() {
            let key = (
                controller.kind,
                controller.namespace.clone(),
                controller.name.clone(),
            );
            objects.controllers.entry(key).or_insert(index);
        }
        for (index, service) in inventory.services.iter().enumerate() {
            let key = (service.namespace.clone(), service.name.to_string());
            objects.services.insert(key, index);
        }
        objects
    }

    pub(super) fn controller_changed(&mut self, index: usize) {
        let keys = self.by_controller.get(&index).into_iter().flatten();
        self.changed.extend(keys.cloned());
    }

    pub(super) fn pod_changed(&mut self, name: &Name) {
        self.changed.extend(self.by_pod.get(name).cloned());
    }

    pub(super) fn service_changed(&mut self, index: usize) {
        self.changed.extend(self.by_service.get(&index).cloned());
    }

    /// Watches an object from now on.
    fn ask(&mut self, key: &ObjectKey) {
        if self.told.contains_key(key) || !self.changed.insert(key.clone()) {
            return;
        }
        let Some(name) = known_name(key) else {
            return;
        };
        match key.kind {
            ObjectKind::Pod => {
                self.by_pod.insert(name, key.clone());
            }
            ObjectKind::Service => {
                let index = self.services.get(&name);
                self.by_service
                    .extend(index.map(|index| (*index, key.clone())));
            }
            ObjectKind::DaemonSet
            | ObjectKind::Deployment
            | ObjectKind::Job
            | ObjectKind::StatefulSet => {
                if let Some(index) = self.controller(key) {
                    self.by_controller
                        .entry(index)
                        .or_default()
                        .push(key.clone());
                }
            }
            ObjectKind::ConfigMap
            | ObjectKind::Node
            | ObjectKind::Other(_)
            | ObjectKind::PersistentVolumeClaim
            | ObjectKind::Secret => {}
        }
    }

    fn controller(&self, key: &ObjectKey) -> Option<usize> {
        let kind = match key.kind {
            ObjectKind::DaemonSet => WorkloadKind::DaemonSet,
            ObjectKind::Deployment => WorkloadKind::Deployment,
            ObjectKind::Job => WorkloadKind::Job,
            ObjectKind::StatefulSet => WorkloadKind::StatefulSet,
            _ => return None,
        };
        let (namespace, name) = known_name(key)?;
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
        for condition in declaration.conditions.iter().flatten() {
            if let Subject::Object(key) = &condition.subject {
                self.objects.ask(key);
            }
        }
        let probes = declaration.terms.iter().filter_map(Term::probe);
        for service in probes.filter_map(|probe| service_of(&probe.host, namespace)) {
            self.objects.ask(&service);
        }
    }

    /// Tells the store of every object that has changed.
    pub(super) fn report_objects(&mut self) {
        for key in std::mem::take(&mut self.objects.changed) {
            let state = self.object_state(&key);
            if self.objects.told.get(&key) != Some(&state) {
                self.objects.told.insert(key.clone(), state.clone());
                self.actions.push(Action::SetObject { key, state });
            }
        }
    }

    /// Returns the state of an object; `None` if it is neither in the files nor assumed.
    pub(super) fn object_state(&self, key: &ObjectKey) -> Option<ObjectState> {
        if self.options.assumptions.contains(&Assumption::of(key)) {
            return Some(ObjectState::Holds);
        }
        let name = known_name(key)?;
        match &key.kind {
            ObjectKind::Job => self.job_state(key),
            ObjectKind::Pod => {
                let pod = self.pod(self.find(&name.0, &name.1)?);
                Some(holds_if(pod.is_ready, || "is not ready".to_owned()))
            }
            ObjectKind::Service => {
                let service = *self.objects.services.get(&name)?;
                let has_endpoint = self.endpoints.has_ready(service);
                Some(holds_if(has_endpoint, || {
                    "has no ready endpoint".to_owned()
                }))
            }
            ObjectKind::DaemonSet | ObjectKind::Deployment | ObjectKind::StatefulSet => {
                let (ready, wanted) = self.progress(self.objects.controller(key)?);
                Some(holds_if(ready >= wanted, || {
                    format!("{ready} of {wanted} pods are ready")
                }))
            }
            ObjectKind::ConfigMap
            | ObjectKind::Node
            | ObjectKind::Other(_)
            | ObjectKind::PersistentVolumeClaim
            | ObjectKind::Secret => None,
        }
    }

    fn job_state(&self, key: &ObjectKey) -> Option<ObjectState> {
        let index = self.objects.controller(key)?;
        let (succeeded, wanted) = self.progress(index);
        Some(match self.job_end(index) {
            Some(JobEnd::Complete) => ObjectState::Holds,
            Some(JobEnd::Failed) => ObjectState::Failed {
                reason: "has failed".to_owned(),
                since: None,
            },
            None => ObjectState::Pending(format!("{succeeded} of {wanted} pods succeeded")),
        })
    }
}

/// Returns the namespace and the name of the object that a key asks for, if the simulation can tell
/// whether it holds: it knows when a kind's own rule does, and nothing of conditions and fields.
pub(super) fn known_name(key: &ObjectKey) -> Option<Name> {
    match key {
        ObjectKey {
            namespace: Some(namespace),
            which: Which::Named(name),
            demand: ObjectDemand::Rule,
            node: None,
            ..
        } => Some((namespace.clone(), name.to_string())),
        _ => None,
    }
}

fn holds_if(holds: bool, reason: impl FnOnce() -> String) -> ObjectState {
    if holds {
        ObjectState::Holds
    } else {
        ObjectState::Pending(reason())
    }
}
