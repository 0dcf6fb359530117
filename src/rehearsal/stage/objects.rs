//! What terms on objects ask: judged from what is played, told to the store.

use std::collections::BTreeSet;

use oncue_language::{ObjectKey, ObjectState, Subject, term::ObjectKind};

use super::{Action, Actor, PodId, Stage};
use crate::{
    rehearsal::{
        cast::{JobEnd, Service},
        directions::Assumption,
    },
    workload::WorkloadKind,
};

impl Stage {
    /// Tells the store of every object that somebody asks for and that stands otherwise than before.
    pub(super) fn tell_of_objects(&mut self) {
        for key in self.asked_objects() {
            let state = self.object_state(&key);
            if self.objects.get(&key) != Some(&state) {
                self.objects.insert(key.clone(), state.clone());
                self.actions.push(Action::SetObject { key, state });
            }
        }
    }

    fn asked_objects(&self) -> BTreeSet<ObjectKey> {
        let conditions = self.actors.iter().flat_map(|actor| &actor.asks.conditions);
        let subjects = conditions.flatten().map(|condition| &condition.subject);
        let objects = subjects.filter_map(|subject| match subject {
            Subject::Object(key) => Some(key.clone()),
            Subject::Below { .. } | Subject::Variable { .. } => None,
        });
        objects.collect()
    }

    /// Returns whether an object is in the files or assumed.
    pub(super) fn is_known_object(&self, key: &ObjectKey) -> bool {
        let is_to_be_created = || match key.kind {
            ObjectKind::Pod => self.is_pod_to_be_created(&key.namespace, &key.name),
            _ => false,
        };
        self.object_state(key).is_some() || is_to_be_created()
    }

    /// Returns how an object stands; `None` where it is neither in the files nor assumed.
    fn object_state(&self, key: &ObjectKey) -> Option<ObjectState> {
        if self.is_assumed(key) {
            return Some(ObjectState::Holds);
        }
        match &key.kind {
            ObjectKind::Custom { .. } => None,
            ObjectKind::DaemonSet => self.rollout(key, WorkloadKind::DaemonSet),
            ObjectKind::Deployment => self.rollout(key, WorkloadKind::Deployment),
            ObjectKind::Job => self.job(key),
            ObjectKind::Pod => {
                let pod = self.find(key.namespace.as_str(), &key.name)?;
                Some(holds_if(self.pod(pod).is_ready, || {
                    "is not ready".to_owned()
                }))
            }
            ObjectKind::Service => self.service(key),
            ObjectKind::StatefulSet => self.rollout(key, WorkloadKind::StatefulSet),
        }
    }

    fn is_assumed(&self, key: &ObjectKey) -> bool {
        self.directions.assumptions.contains(&Assumption::of(key))
    }

    /// Returns the position of the controller that an object is.
    pub(super) fn workload(&self, key: &ObjectKey, kind: WorkloadKind) -> Option<usize> {
        self.cast.controllers.iter().position(|controller| {
            controller.kind == kind
                && controller.namespace == key.namespace
                && *controller.name == *key.name
        })
    }

    fn rollout(&self, key: &ObjectKey, kind: WorkloadKind) -> Option<ObjectState> {
        let (ready, wanted) = self.progress(self.workload(key, kind)?);
        Some(holds_if(ready >= wanted, || {
            format!("{ready} of {wanted} pods are ready")
        }))
    }

    fn job(&self, key: &ObjectKey) -> Option<ObjectState> {
        let index = self.workload(key, WorkloadKind::Job)?;
        let (succeeded, wanted) = self.progress(index);
        Some(match self.job_end(index) {
            Some(JobEnd::Complete) => ObjectState::Holds,
            Some(JobEnd::Failed) => ObjectState::Failed("has failed".to_owned()),
            None => ObjectState::Pending(format!("{succeeded} of {wanted} pods succeeded")),
        })
    }

    fn service(&self, key: &ObjectKey) -> Option<ObjectState> {
        let service = self.service_of(key)?;
        let has_endpoint = self.behind(service).any(|(_, actor)| actor.is_ready);
        Some(holds_if(has_endpoint, || {
            "has no ready endpoint".to_owned()
        }))
    }

    /// Returns the Service that an object is.
    pub(super) fn service_of(&self, key: &ObjectKey) -> Option<&Service> {
        let mut services = self.cast.services.iter();
        services.find(|service| service.namespace == key.namespace && *service.name == *key.name)
    }

    /// Returns the pods behind a Service.
    pub(super) fn behind(&self, service: &Service) -> impl Iterator<Item = (PodId, &Actor)> {
        self.pods().filter(move |(_, actor)| {
            actor.namespace == service.namespace && service.selects(|key| actor.label(key))
        })
    }
}

fn holds_if(holds: bool, reason: impl FnOnce() -> String) -> ObjectState {
    if holds {
        ObjectState::Holds
    } else {
        ObjectState::Pending(reason())
    }
}
