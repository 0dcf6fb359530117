//! The pods that are still to be created, as terms ask for pods.

use std::collections::HashMap;

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

    /// Returns the pods that a term asks for, and maybe more.
    pub(super) fn find(&self, key: &ObjectKey) -> Vec<&Value> {
        if key.kind != ObjectKind::Pod {
            return Vec::new();
        }
        let named = name(key).and_then(|name| self.by_name.get(&name));
        let labelled = label(key).and_then(|label| self.by_label.get(&label));
        let pods = named.into_iter().chain(labelled.into_iter().flatten());
        pods.map(|index| &self.objects[*index]).collect()
    }
}
