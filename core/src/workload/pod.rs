//! The pod that a controller creates from a template.

use serde_json::{Map, Value, json};

use super::{CompletionMode, Scale, Workload, WorkloadKind};

impl Workload<'_> {
    /// Returns the pod that a controller creates from the template, with what all its pods have in
    /// common: the labels that the controller adds, and a generated name.
    ///
    /// A bare Pod is returned as it is. `spec` and unknown fields are those of the template.
    pub fn pod(&self) -> Value {
        if self.kind == WorkloadKind::Pod {
            return self.object.clone();
        }
        let mut pod = Map::new();
        pod.insert("apiVersion".to_owned(), "v1".into());
        pod.insert("kind".to_owned(), "Pod".into());
        pod.insert("metadata".to_owned(), self.pod_metadata().into());
        let rest = self.template.as_object().into_iter().flatten();
        for (key, value) in rest.filter(|(key, _)| *key != "metadata") {
            pod.insert(key.clone(), value.clone());
        }
        pod.into()
    }

    /// Returns the pod with the number `ordinal`: like [`pod`](Self::pod), and for a `StatefulSet`
    /// or an indexed Job with the number in its name and labels.
    ///
    /// The first number of a `StatefulSet` is its `spec.ordinals.start`.
    pub fn pod_at(&self, ordinal: u32) -> Value {
        let mut pod = self.pod();
        if let Some(metadata) = pod.get_mut("metadata").and_then(Value::as_object_mut) {
            self.number(metadata, ordinal);
        }
        pod
    }

    /// Returns the metadata of [`pod_at`](Self::pod_at) alone, without a copy of the rest.
    pub fn metadata_at(&self, ordinal: u32) -> Map<String, Value> {
        if self.kind == WorkloadKind::Pod {
            return self.template_metadata();
        }
        let mut metadata = self.pod_metadata();
        self.number(&mut metadata, ordinal);
        metadata
    }

    fn template_metadata(&self) -> Map<String, Value> {
        let metadata = self.template.get("metadata").and_then(Value::as_object);
        metadata.cloned().unwrap_or_default()
    }

    fn pod_metadata(&self) -> Map<String, Value> {
        let mut metadata = self.template_metadata();
        metadata.remove("name");
        metadata.insert("generateName".to_owned(), self.generate_name().into());
        if let Some(namespace) = self.namespace() {
            metadata.insert("namespace".to_owned(), namespace.into());
        }
        let labels = self.controller_labels();
        extend(&mut metadata, "labels", labels);
        metadata
    }

    fn generate_name(&self) -> String {
        match self.kind {
            WorkloadKind::Deployment => format!("{}-{}-", self.name(), self.template_hash()),
            _ => format!("{}-", self.stem()),
        }
    }

    /// Returns the labels that the controller adds, without uids, which only a cluster knows.
    fn controller_labels(&self) -> Vec<(&'static str, String)> {
        match self.kind {
            WorkloadKind::CronJob | WorkloadKind::Job => vec![
                ("batch.kubernetes.io/job-name", self.name().to_owned()),
                ("job-name", self.name().to_owned()),
            ],
            WorkloadKind::DaemonSet => vec![
                ("controller-revision-hash", self.template_hash()),
                ("pod-template-generation", "1".to_owned()),
            ],
            WorkloadKind::Deployment => vec![("pod-template-hash", self.template_hash())],
            WorkloadKind::StatefulSet => {
                let revision = format!("{}-{}", self.name(), self.template_hash());
                vec![("controller-revision-hash", revision)]
            }
            WorkloadKind::Custom
            | WorkloadKind::Pod
            | WorkloadKind::ReplicaSet
            | WorkloadKind::ReplicationController => Vec::new(),
        }
    }

    fn number(&self, metadata: &mut Map<String, Value>, ordinal: u32) {
        let number = ordinal.to_string();
        match (self.kind, self.scale()) {
            (WorkloadKind::StatefulSet, _) => {
                let name = format!("{}-{ordinal}", self.name());
                metadata.insert("name".to_owned(), name.clone().into());
                let labels = [
                    ("apps.kubernetes.io/pod-index", number),
                    ("statefulset.kubernetes.io/pod-name", name),
                ];
                extend(metadata, "labels", labels);
            }
            (
                _,
                Scale::Runs {
                    mode: CompletionMode::Indexed,
                    ..
                },
            ) => {
                let index = ("batch.kubernetes.io/job-completion-index", number);
                extend(metadata, "labels", [index.clone()]);
                extend(metadata, "annotations", [index]);
                let name = format!("{}-{ordinal}-", self.name());
                metadata.insert("generateName".to_owned(), name.into());
            }
            _ => {}
        }
    }

    /// Returns a substitute for the hash of the template: equal for equal templates, and in the
    /// alphabet of Kubernetes.
    fn template_hash(&self) -> String {
        const ALPHABET: &[u8; 16] = b"bcdfghjklmnpqrst";
        let hash = *self.hash.get_or_init(|| fnv1a(&self.template.to_string()));
        hash.to_be_bytes()
            .into_iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(|digit| char::from(ALPHABET[usize::from(digit)]))
            .collect()
    }
}

/// FNV-1a: short, and the same on every machine and in every release.
fn fnv1a(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

fn extend(
    metadata: &mut Map<String, Value>,
    field: &str,
    entries: impl IntoIterator<Item = (&'static str, String)>,
) {
    let map = metadata.entry(field).or_insert_with(|| json!({}));
    if let Some(map) = map.as_object_mut() {
        map.extend(
            entries
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value.into())),
        );
    }
}
