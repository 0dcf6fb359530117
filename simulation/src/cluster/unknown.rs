//! What pods ask for and a simulation does not have: known before anything has happened.

use std::collections::{BTreeMap, BTreeSet};

use oncue_core::{
    assumption::{Assumption, asked_object},
    objects::Sources,
};
use oncue_language::{Keys, Namespace, ObjectKey, ObjectKind, Which};
use serde_json::Value;

use super::{
    Cluster, Declaration, controllers::FuturePod, future_pods::FuturePods,
    held_gate::foreign_gates, objects::fills,
};
use crate::{controller::NewPod, entry::Unknown};

/// What pods ask for, or will ask for, and a simulation does not have.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    hosts: BTreeSet<String>,
    /// The names of scheduling gates of others.
    gates: BTreeSet<String>,
    /// By what is asked on any node.
    objects: BTreeMap<ObjectKey, Unknown>,
}

impl Missing {
    /// Returns everything, once each.
    pub(crate) fn all(&self) -> BTreeSet<Unknown> {
        let hosts = self.hosts.iter().cloned().map(Unknown::Absent);
        let gates = self.gates.iter();
        let gates = gates.map(|gate| Unknown::NotPlayed(format!("the scheduling gate {gate}")));
        let objects = self.objects.values().cloned();
        hosts.chain(gates).chain(objects).collect()
    }

    /// Returns what is missing of the objects of a term.
    pub(crate) fn find(&self, key: &ObjectKey) -> Option<&Unknown> {
        self.objects.get(&on_any_node(key))
    }
}

impl Cluster {
    /// Returns what pods ask for, or will ask for, and what is missing here: a host or object is
    /// neither in the files nor assumed, or an object is not played.
    pub fn unknown(&self) -> BTreeSet<Unknown> {
        self.missing().all()
    }

    /// Returns what pods ask for, or will ask for, and what is missing here.
    pub(crate) fn missing(&self) -> Missing {
        let mut hosts = BTreeSet::new();
        let mut keys = BTreeSet::new();
        let mut gates = BTreeSet::new();
        let mut ask = |declaration: &Declaration, namespace: &Namespace| {
            hosts.extend(self.unknown_hosts(declaration, namespace));
            keys.extend(asked_objects(declaration, namespace));
        };
        for (_, pod) in self.pods() {
            ask(&pod.declaration, &pod.namespace);
            gates.extend(foreign_gates(&pod.object, &Keys::default()));
        }
        for (future, (new, declaration)) in self.future_pods() {
            ask(&declaration, self.namespace_of(future));
            gates.extend(foreign_gates(&new.object, &Keys::default()));
        }
        let mut future = FuturePods::default();
        if keys.iter().any(|key| key.kind == ObjectKind::Pod) {
            for (pod, (new, _)) in self.future_pods() {
                future.insert(self.namespace_of(pod), new.object);
            }
        }
        let objects = keys.into_iter();
        let objects =
            objects.filter_map(|key| Some((key.clone(), self.unknown_object(&key, &future)?)));
        Missing {
            hosts,
            gates,
            objects: objects.collect(),
        }
    }

    fn future_pods(&self) -> impl Iterator<Item = (FuturePod, (NewPod, Declaration))> {
        let controllers = 0..self.inventory.controllers.len();
        let pods = controllers.flat_map(|index| self.future(index));
        pods.filter_map(|pod| Some((pod, self.future_pod(pod)?)))
    }

    /// Returns a pod that is still to be created, and what it will declare.
    pub(crate) fn future_pod(&self, pod: FuturePod) -> Option<(NewPod, Declaration)> {
        let controller = &self.inventory.controllers[pod.controller];
        let mut pod = controller.pod(pod.slot, 0);
        pod.object["metadata"]["name"] = pod.name.as_str().into();
        let declaration = Declaration::of(&pod.object, &controller.namespace).ok()?;
        Some((pod, declaration))
    }

    fn namespace_of(&self, pod: FuturePod) -> &Namespace {
        &self.inventory.controllers[pod.controller].namespace
    }

    fn unknown_hosts(
        &self,
        declaration: &Declaration,
        namespace: &Namespace,
    ) -> impl Iterator<Item = String> {
        let probes = declaration.terms.iter().filter_map(|term| term.probe());
        let hosts = probes.filter(|probe| !self.is_known_host(namespace, &probe.host));
        hosts.map(|probe| probe.host.to_string())
    }

    /// Returns what is missing of the objects of a term.
    fn unknown_object(&self, key: &ObjectKey, future: &FuturePods) -> Option<Unknown> {
        let assumption = Assumption::of(key);
        if self.options.assumptions.contains(&assumption) {
            return None;
        }
        let what = assumption.to_string();
        if !fills(key, []) {
            return Some(Unknown::NotPlayed(what));
        }
        let selected = self.selected(key, future);
        if selected.is_empty() {
            return Some(Unknown::Absent(what));
        }
        (!fills(key, selected)).then_some(Unknown::NotPlayed(what))
    }

    /// Returns the objects that a term names or selects, also those to come.
    fn selected<'a>(&'a self, key: &ObjectKey, future: &'a FuturePods) -> Vec<&'a Value> {
        if let Which::Named(_) = key.which {
            return self
                .named(key)
                .into_iter()
                .chain(future.find(key))
                .collect();
        }
        let source = Sources::of(key).related;
        let is_selected = |object: &&Value| source.as_ref().is_some_and(|it| it.contains(object));
        let related = self.related(key).into_iter().chain(future.find(key));
        related.filter(is_selected).collect()
    }
}

/// Returns what a pod in a namespace asks of objects, on any node.
fn asked_objects(
    declaration: &Declaration,
    namespace: &Namespace,
) -> impl Iterator<Item = ObjectKey> {
    let terms = declaration.terms.iter();
    terms.filter_map(|term| asked_object(term, namespace))
}

fn on_any_node(key: &ObjectKey) -> ObjectKey {
    ObjectKey {
        node: None,
        ..key.clone()
    }
}

#[cfg(test)]
mod tests {
    use oncue_language::Namespace;
    use serde_json::json;

    use super::*;
    use crate::{
        Inventory,
        kit::{mk_options, pod, workload},
    };

    #[test]
    fn is_known_before_anything_has_happened() {
        let depends_on = "tcp://redis:6379, http://web:80, tcp://cache:1, job:outside, pod:db-1, \
                          daemonset:cni on node, pod:[app=proxy] on node, job:inside, a/b, \
                          ?tcp://localhost:1, certificates.cert-manager.io:web, statefulset:db=Ready, \
                          deployment:front{.status.terminatingReplicas}, pod:first{.status.podIP}, \
                          deployment:front=Available, deployment:front{.spec.replicas}>=2, \
                          pod:first{.status.phase}=Running, pod:[app=db]>=2, configmap:settings{.data.a}=b, \
                          node:node-1, job:[app=inside], configmap:db-1";
        let objects = [
            pod("first", json!({"depends-on": depends_on})),
            workload("StatefulSet", "db", json!({"replicas": 2})),
            workload("Job", "inside", json!({})),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}),
            json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"},
                "data": {"a": "b"},
            }),
            workload("Deployment", "front", json!({"replicas": 2})),
        ];
        let objects = objects.iter().map(|object| ("all.yaml", object));
        let mut options = mk_options();
        options.assumptions.push("cache".parse().unwrap());
        let inventory = Inventory::new(objects, &Namespace::default()).unwrap();
        let cluster = Cluster::new(inventory, options).unwrap();
        let unknown = cluster.unknown().into_iter();
        let unknown: Vec<_> = unknown.map(|it| it.to_string()).collect();
        let absent = "not in these files, and not assumed: ";
        assert_eq!(
            unknown,
            [
                format!("{absent}configmap:db-1"),
                format!("{absent}daemonset:cni"),
                format!("{absent}job:outside"),
                format!("{absent}pod:[app=proxy]"),
                format!("{absent}redis"),
                "not played: certificates.cert-manager.io:web".to_owned(),
                "not played: deployment:front{.status.terminatingReplicas}".to_owned(),
                "not played: pod:first{.status.podIP}".to_owned(),
                "not played: statefulset:db=Ready".to_owned(),
            ]
        );
    }
}
