//! Which pods would bring what a term asks for, by variable, object and host.

use std::collections::HashMap;

use oncue_language::{
    Namespace, ObjectKey, Subject, Value, VariableKey,
    term::{Demand, ObjectKind},
};

use crate::cluster::{Cluster, Declaration, FuturePod, PodId};

/// A pod that would bring what a term asks for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Producer {
    /// It exists.
    Pod(PodId),
    /// It is still to be created.
    Future(FuturePod),
}

/// All producers of a cluster at one moment, in the order of their creation.
#[derive(Debug)]
pub(crate) struct Producers<'a> {
    cluster: &'a Cluster,
    /// By the name that they signal.
    by_name: HashMap<VariableKey, Vec<Producer>>,
    /// By the name that they signal, and the value.
    by_value: HashMap<(VariableKey, Value), Vec<Producer>>,
    /// By each name above the one that they signal.
    below: HashMap<VariableKey, Vec<Producer>>,
    names: HashMap<FuturePod, String>,
}

impl<'a> Producers<'a> {
    pub(crate) fn of(cluster: &'a Cluster) -> Self {
        let mut producers = Self {
            cluster,
            by_name: HashMap::new(),
            by_value: HashMap::new(),
            below: HashMap::new(),
            names: HashMap::new(),
        };
        for (id, pod) in cluster.pods() {
            producers.add(Producer::Pod(id), &pod.namespace, &pod.declaration);
        }
        for (index, controller) in cluster.inventory.controllers.iter().enumerate() {
            for future in cluster.future(index) {
                if let Some((name, declaration)) = cluster.future_pod(future) {
                    let producer = Producer::Future(future);
                    producers.add(producer, &controller.namespace, &declaration);
                    producers.names.insert(future, name);
                }
            }
        }
        producers
    }

    fn add(&mut self, producer: Producer, namespace: &Namespace, declaration: &Declaration) {
        let lists = declaration.annotations.all_signals();
        for signal in lists.iter().flat_map(|(_, list)| *list) {
            let Some(name) = signal.value.name.variable_name() else {
                continue;
            };
            for above in name.ancestors() {
                let key = VariableKey::new(namespace.clone(), above);
                push(self.below.entry(key).or_default(), producer);
            }
            let key = VariableKey::new(namespace.clone(), name);
            if let Some(value) = &signal.value.value {
                let key = (key.clone(), value.clone());
                push(self.by_value.entry(key).or_default(), producer);
            }
            push(self.by_name.entry(key).or_default(), producer);
        }
    }

    /// Returns the producers of what the term of a pod asks for.
    pub(crate) fn of_term(&self, id: PodId, term: usize) -> Vec<Producer> {
        let pod = self.cluster.pod(id);
        if let Some(probe) = pod.declaration.terms[term].probe() {
            return existing(self.cluster.pods_behind_host(&pod.namespace, &probe.host));
        }
        match &pod.declaration.conditions[term] {
            Some(condition) => self.of_subject(&condition.subject),
            None => Vec::new(),
        }
    }

    fn of_subject(&self, subject: &Subject) -> Vec<Producer> {
        let found = match subject {
            Subject::Below { prefix, .. } => self.below.get(prefix),
            Subject::Object(key) => return self.of_object(key),
            Subject::Variable { key, demand } => match demand {
                Demand::Equals(value) => self.by_value.get(&(key.clone(), value.clone())),
                Demand::Exists | Demand::Owners(_) => self.by_name.get(key),
            },
        };
        found.cloned().unwrap_or_default()
    }

    fn of_object(&self, key: &ObjectKey) -> Vec<Producer> {
        match key.kind {
            ObjectKind::Pod => {
                let pod = self.cluster.find(&key.namespace, &key.name);
                pod.map(Producer::Pod).into_iter().collect()
            }
            ObjectKind::Service => existing(self.cluster.pods_behind(&key.namespace, &key.name)),
            _ => {
                let Some(index) = self.cluster.controller_of(key) else {
                    return Vec::new();
                };
                let mut producers = existing(self.cluster.pods_of(index));
                producers.extend(self.cluster.future(index).map(Producer::Future));
                producers
            }
        }
    }

    /// Returns the name of a producer.
    pub(crate) fn name(&self, producer: Producer) -> &str {
        match producer {
            Producer::Pod(pod) => &self.cluster.pod(pod).name,
            Producer::Future(pod) => self.names.get(&pod).map_or("", String::as_str),
        }
    }
}

fn existing(pods: &[PodId]) -> Vec<Producer> {
    pods.iter().copied().map(Producer::Pod).collect()
}

/// Adds a producer that signals the same thing twice once only.
fn push(producers: &mut Vec<Producer>, producer: Producer) {
    if producers.last() != Some(&producer) {
        producers.push(producer);
    }
}
