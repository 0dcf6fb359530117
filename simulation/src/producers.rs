//! Which pods would bring what a term asks for: the model of producers and consumers, with each pod
//! as a member.

use std::collections::{BTreeMap, HashMap};

use oncue_core::{
    model::{self, Member, MemberId, MemberKind, Model, Via},
    workload::{Scale, WorkloadKind},
};
use oncue_language::{PodAnnotations, Target, Term, term::Demand};
use serde_json::Value;

use crate::{
    cluster::{Cluster, FuturePod, PodId},
    controller::Controller,
};

/// What would bring what a term asks for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Producer {
    /// A variable that exists from the beginning: its position among those.
    Existing(usize),
    /// A pod that is still to be created.
    Future(FuturePod),
    /// A pod that exists.
    Pod(PodId),
}

/// All pods of a cluster at one moment, with those that are still to be created, and the variables
/// that exist from the beginning.
#[derive(Debug)]
pub(crate) struct Producers {
    model: Model,
    members: HashMap<Producer, MemberId>,
    by_member: HashMap<MemberId, Producer>,
}

impl Producers {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        let mut producers = Self {
            model: Model::default(),
            members: HashMap::new(),
            by_member: HashMap::new(),
        };
        for service in &cluster.inventory.services {
            producers.model.insert_service(service.clone());
        }
        for backend in &cluster.inventory.backends {
            producers.model.insert_backend(backend.clone());
        }
        for (index, variable) in cluster.options.existing.iter().enumerate() {
            producers.insert(Producer::Existing(index), variable.into());
        }
        for (id, pod) in cluster.pods() {
            let annotations = pod.declaration.annotations.clone();
            let member = member(
                cluster.controller(id),
                (&pod.name, &pod.object),
                annotations,
            );
            producers.insert(Producer::Pod(id), member);
        }
        for (index, controller) in cluster.inventory.controllers.iter().enumerate() {
            for future in cluster.future(index) {
                if let Some((pod, declaration)) = cluster.future_pod(future) {
                    let pod = (&*pod.name, &pod.object);
                    let member = member(controller, pod, declaration.annotations);
                    producers.insert(Producer::Future(future), member);
                }
            }
        }
        producers
    }

    fn insert(&mut self, producer: Producer, member: Member) {
        let id = self.model.insert(member);
        self.members.insert(producer, id);
        self.by_member.insert(id, producer);
    }

    /// Returns the producers of what a term of a pod asks for, in the order of their creation.
    pub(crate) fn of_term(&self, id: PodId, term: &Term) -> Vec<Producer> {
        let Some(consumer) = self.members.get(&Producer::Pod(id)) else {
            return Vec::new();
        };
        let producers = self.model.producers(self.model.member(*consumer), term);
        let producers = producers
            .iter()
            .filter(|producer| self.has_value(producer, term));
        producers
            .filter_map(|producer| self.by_member.get(&producer.member).copied())
            .collect()
    }

    /// Returns whether a producer signals the value that a term asks for, if it asks for one.
    fn has_value(&self, producer: &model::Producer, term: &Term) -> bool {
        let (
            Target::Variable {
                demand: Demand::Equals(value),
                name,
                ..
            },
            Via::Existing | Via::Signal(_),
        ) = (&term.target, producer.via)
        else {
            return true;
        };
        let mut signals = self.model.member(producer.member).signals();
        signals.any(|(_, signal)| signal.name == *name && signal.value.as_ref() == Some(value))
    }

    /// Returns the name of a producer.
    pub(crate) fn name(&self, producer: Producer) -> &str {
        let member = self.members.get(&producer);
        member.map_or("", |id| &self.model.member(*id).name)
    }
}

fn member(
    controller: &Controller,
    (name, object): (&str, &Value),
    annotations: PodAnnotations,
) -> Member {
    let labels = object["metadata"]["labels"].as_object();
    let labels = labels.into_iter().flatten();
    let labels: BTreeMap<_, _> = labels
        .filter_map(|(key, value)| Some((key.as_str().into(), value.as_str()?.into())))
        .collect();
    Member {
        kind: MemberKind::Workload(WorkloadKind::Pod),
        namespace: controller.namespace.clone(),
        name: name.into(),
        controllers: vec![(controller.kind, controller.name.as_str().into())],
        labels,
        scale: Scale::Replicas {
            count: 1,
            first_ordinal: 0,
        },
        annotations,
    }
}
