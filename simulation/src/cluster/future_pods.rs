//! The pods that are still to be created, as terms ask for pods.

use std::collections::HashMap;

use oncue_core::objects::Sources;
use oncue_language::{Namespace, ObjectKey, ObjectKind};
use serde_json::Value;

use super::objects::{Label, Name, label, labels, name};

/// The pods that are still to be created, by their names and labels.
#[derive(Debug, Default)]
pub(super) struct FuturePods {
    objects: Vec<Value>,
    by_name: HashMap<Name, usize>,
    by_label: HashMap<Label, Vec<usize>>,
}

impl FuturePods {
    pub(super) fn insert(&mut self, namespace: &Namespace, pod: Value) {
        let index = self.objects.len();
        if let Some(name) = pod["metadata"]["name"].as_str() {
            let name = (namespace.clone(), name.to_owned());
            self.by_name.insert(name, index);
        }
        for label in labels(namespace, &pod) {
            self.by_label.entry(label).or_default().push(index);
        }
        self.objects.push(pod);
    }

    /// Returns a pod that a term asks for.
    pub(super) fn find(&self, key: &ObjectKey) -> Option<&Value> {
        if key.kind != ObjectKind::Pod {
            return None;
        }
        if let Some(name) = name(key) {
            return Some(&self.objects[*self.by_name.get(&name)?]);
        }
        let source = Sources::of(key).related?;
        let pods = self.by_label.get(&label(key)?)?.iter();
        let mut pods = pods.map(|index| &self.objects[*index]);
        pods.find(|pod| source.contains(pod))
    }
}
