//! The hosts and objects that pods ask for and that are neither in the files nor assumed: known
//! before anything has happened.

use std::collections::{BTreeSet, HashSet};

use oncue_language::{
    Condition, Namespace, ObjectKey, ObjectKind, Subject, Target, Term, object::OnNode,
};

use super::{Cluster, Declaration, controllers::FuturePod, objects::known_name};
use crate::{controller::NewPod, options::Assumption};

/// The pods that are still to be created.
type FutureNames = HashSet<(Namespace, String)>;

impl Cluster {
    /// Returns the hosts and objects that pods ask for, or will ask for, and that are neither in
    /// the files nor assumed.
    pub fn unknown(&self) -> BTreeSet<String> {
        let controllers = 0..self.inventory.controllers.len();
        let future: Vec<_> = controllers.flat_map(|index| self.future(index)).collect();
        let names = future.iter().map(|pod| self.future_key(*pod)).collect();
        let mut unknown = BTreeSet::new();
        for (_, pod) in self.pods() {
            unknown.extend(self.unknown_of(&pod.declaration, &pod.namespace, &names));
        }
        for pod in future {
            let namespace = &self.inventory.controllers[pod.controller].namespace;
            if let Some((_, declaration)) = self.future_pod(pod) {
                unknown.extend(self.unknown_of(&declaration, namespace, &names));
            }
        }
        unknown
    }

    /// Returns a pod that is still to be created, and what it will declare.
    pub(crate) fn future_pod(&self, pod: FuturePod) -> Option<(NewPod, Declaration)> {
        let controller = &self.inventory.controllers[pod.controller];
        let mut pod = controller.pod(pod.slot, 0);
        pod.object["metadata"]["name"] = pod.name.as_str().into();
        let declaration = Declaration::of(&pod.object, &controller.namespace).ok()?;
        Some((pod, declaration))
    }

    fn future_key(&self, pod: FuturePod) -> (Namespace, String) {
        let namespace = self.inventory.controllers[pod.controller].namespace.clone();
        (namespace, self.future_name(pod))
    }

    fn unknown_of(
        &self,
        declaration: &Declaration,
        namespace: &Namespace,
        names: &FutureNames,
    ) -> Vec<String> {
        let probes = declaration.terms.iter().filter_map(|term| term.probe());
        let hosts = probes
            .filter(|probe| !self.is_known_host(namespace, &probe.host))
            .map(|probe| probe.host.to_string());
        let terms = declaration.terms.iter();
        let conditions = terms.filter_map(|term| condition_on_a_node(term, namespace));
        let objects = conditions.filter_map(|condition| match &condition.subject {
            Subject::Object(key) if !self.is_known_object(key, names) => {
                Some(Assumption::of(key).to_string())
            }
            _ => None,
        });
        hosts.chain(objects).collect()
    }

    fn is_known_object(&self, key: &ObjectKey, names: &FutureNames) -> bool {
        let is_future_pod = || {
            let pod = known_name(key).filter(|_| key.kind == ObjectKind::Pod);
            pod.is_some_and(|name| names.contains(&name))
        };
        self.object_state(key).is_some() || is_future_pod()
    }
}

/// Returns what the server will judge of `term`, `None` while a name is not known. The node of a pod
/// is not known before it is scheduled, and an assumption holds on any node.
fn condition_on_a_node(term: &Term, namespace: &Namespace) -> Option<Condition> {
    let mut term = term.clone();
    if let Target::Object(object) = &mut term.target
        && object.on_node == Some(OnNode::Own)
    {
        object.on_node = Some(OnNode::Named(ANY_NODE.parse().ok()?));
    }
    term.condition(namespace).ok().flatten()
}

const ANY_NODE: &str = "node";

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
                          daemonset:cni on node, pod:[app=proxy] on node, job:inside, a/b, ?tcp://localhost:1";
        let objects = [
            pod("first", json!({"depends-on": depends_on})),
            workload("StatefulSet", "db", json!({"replicas": 2})),
            workload("Job", "inside", json!({})),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}),
        ];
        let objects = objects.iter().map(|object| ("all.yaml", object));
        let mut options = mk_options();
        options.assumptions.push("cache".parse().unwrap());
        let inventory = Inventory::new(objects, &Namespace::default()).unwrap();
        let cluster = Cluster::new(inventory, options).unwrap();
        let unknown: Vec<_> = cluster.unknown().into_iter().collect();
        assert_eq!(
            unknown,
            ["daemonset:cni", "job:outside", "pod:[app=proxy]", "redis"]
        );
    }
}
