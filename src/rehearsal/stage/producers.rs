//! Who would bring what a term asks for.

use oncue_language::{
    Namespace, ObjectKey, Signal, Subject, VariableKey,
    term::{Demand, ObjectKind},
};

use super::{Actor, Asks, PodId, Stage};
use crate::workload::WorkloadKind;

/// A pod that would bring what a term asks for.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Producer {
    /// It is on the stage.
    Pod(PodId),
    /// It is not created yet.
    Unborn {
        /// The position of its controller.
        controller: usize,
        /// The name it will have.
        name: String,
    },
}

impl Stage {
    /// Returns who would bring what the term of a pod asks for, in the order of their creation.
    pub(crate) fn producers(&self, id: PodId, term: usize) -> Vec<Producer> {
        let asks = &self.pod(id).asks;
        if let Some(probe) = asks.terms[term].probe() {
            let service = self.asked_service(&self.pod(id).namespace, probe);
            return service.map_or_else(Vec::new, |(service, _)| born(self.behind(service)));
        }
        match asks.conditions[term]
            .as_ref()
            .map(|condition| &condition.subject)
        {
            Some(Subject::Object(key)) => self.pods_of_object(key),
            Some(subject) => self.signallers(subject),
            None => Vec::new(),
        }
    }

    fn signallers(&self, subject: &Subject) -> Vec<Producer> {
        let is_born = |(_, actor): &(PodId, &Actor)| signal(&actor.asks, &actor.namespace, subject);
        let mut producers = born(self.pods().filter(is_born));
        for index in 0..self.cast.controllers.len() {
            let namespace = &self.cast.controllers[index].namespace;
            let unborn = self
                .unborn(index)
                .filter(|(_, asks)| signal(asks, namespace, subject));
            producers.extend(unborn.map(|(producer, _)| producer));
        }
        producers
    }

    fn pods_of_object(&self, key: &ObjectKey) -> Vec<Producer> {
        let kind = match key.kind {
            ObjectKind::Custom { .. } => return Vec::new(),
            ObjectKind::DaemonSet => WorkloadKind::DaemonSet,
            ObjectKind::Deployment => WorkloadKind::Deployment,
            ObjectKind::Job => WorkloadKind::Job,
            ObjectKind::Pod => {
                let pod = self.find(key.namespace.as_str(), &key.name);
                return pod.map(Producer::Pod).into_iter().collect();
            }
            ObjectKind::Service => {
                let service = self.service_of(key);
                return service.map_or_else(Vec::new, |service| born(self.behind(service)));
            }
            ObjectKind::StatefulSet => WorkloadKind::StatefulSet,
        };
        let Some(index) = self.workload(key, kind) else {
            return Vec::new();
        };
        let unborn = self.unborn(index).map(|(producer, _)| producer);
        born(self.pods_of(index))
            .into_iter()
            .chain(unborn)
            .collect()
    }

    /// Returns the names of all pods that are still to be created, as far as they are known.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        let controllers = 0..self.cast.controllers.len();
        controllers.flat_map(|index| self.names_of(index))
    }

    pub(super) fn is_pod_to_be_created(&self, namespace: &Namespace, name: &str) -> bool {
        let controllers = self.cast.controllers.iter().enumerate();
        let mut there = controllers.filter(|(_, controller)| controller.namespace == *namespace);
        there.any(|(index, _)| self.names_of(index).any(|pod| pod == name))
    }

    fn names_of(&self, index: usize) -> impl Iterator<Item = String> {
        let unborn = self.unborn(index);
        unborn.filter_map(|(producer, _)| match producer {
            Producer::Pod(_) => None,
            Producer::Unborn { name, .. } => Some(name),
        })
    }

    /// Returns the pods that a controller has yet to create, with what they will ask for.
    pub(super) fn unborn(&self, index: usize) -> impl Iterator<Item = (Producer, Asks)> {
        let controller = &self.cast.controllers[index];
        let slots = controller.plan.slots(self.directions.nodes);
        let vacant = slots.filter(move |slot| self.pods_of(index).all(|(_, a)| a.slot != *slot));
        vacant.filter_map(move |slot| {
            let mut pod = controller.pod(slot, 0);
            pod.object["metadata"]["name"] = pod.name.as_str().into();
            let asks = Asks::of(&pod.object, &controller.namespace).ok()?;
            let producer = Producer::Unborn {
                controller: index,
                name: pod.name,
            };
            Some((producer, asks))
        })
    }
}

fn born<'a>(pods: impl Iterator<Item = (PodId, &'a Actor)>) -> Vec<Producer> {
    pods.map(|(id, _)| Producer::Pod(id)).collect()
}

/// Returns whether a pod in `namespace` signals what `subject` asks for.
fn signal(asks: &Asks, namespace: &Namespace, subject: &Subject) -> bool {
    let lists = asks.annotations.all_signals();
    let mut signals = lists.iter().flat_map(|(_, list)| *list);
    signals.any(|signal| brings(&signal.value, namespace, subject))
}

fn brings(signal: &Signal, namespace: &Namespace, subject: &Subject) -> bool {
    let Some(name) = signal.name.variable_name() else {
        return false;
    };
    match subject {
        Subject::Below { prefix, .. } => {
            *namespace == prefix.namespace && name.is_below(&prefix.name)
        }
        Subject::Object(_) => false,
        Subject::Variable { key, demand } => {
            let has_value = match demand {
                Demand::Equals(value) => signal.value.as_ref() == Some(value),
                Demand::Exists | Demand::Owners(_) => true,
            };
            has_value && VariableKey::new(namespace.clone(), name) == *key
        }
    }
}
