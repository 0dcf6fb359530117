//! A workload or pod with what it waits for and what it signals.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    assertion::Asserter,
    language::{
        AnnotationError, Facts, Keys, Namespace, PodAnnotations, Signal, Term,
        annotation::{Inject, Key},
    },
    recorded_pod::RecordedPod,
    workload::{self, Scale, Workload, WorkloadKind, text, texts},
};

/// A workload with all of its pods, a single pod, or a variable that exists already.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// Its kind.
    pub kind: MemberKind,
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name, or what a generated one begins with.
    pub name: Box<str>,
    /// The objects that its pods are parts of: the Job, `StatefulSet`, or Deployment above a single
    /// pod, and the Jobs of a `JobSet`.
    pub controllers: Vec<(WorkloadKind, Box<str>)>,
    /// The labels of its pods.
    pub labels: BTreeMap<Box<str>, Box<str>>,
    /// How many pods it makes.
    pub scale: Scale,
    /// What its pods ask for, filled in as far as it is known; nothing if oncue is switched off
    /// for them.
    pub annotations: PodAnnotations,
}

/// What a member is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MemberKind {
    /// A pod template in an object of a kind that is not built in.
    Custom {
        /// The kind.
        kind: Box<str>,
        /// What people call it: with its path if the object has several templates.
        title: Box<str>,
    },
    /// A variable that exists already, and who asserts it.
    Existing(Box<Asserter>),
    /// A workload with all of its pods; `Pod` for a single pod.
    Workload(WorkloadKind),
}

impl Member {
    /// Returns the kind of a workload or pod; `None` for a variable that exists already.
    pub fn workload_kind(&self) -> Option<WorkloadKind> {
        match self.kind {
            MemberKind::Custom { .. } => Some(WorkloadKind::Custom),
            MemberKind::Existing(_) => None,
            MemberKind::Workload(kind) => Some(kind),
        }
    }

    /// Reads a workload with the annotations of its pods. `default` is the namespace of a workload
    /// that names none.
    ///
    /// # Errors
    /// Everything that is wrong with the annotations.
    pub fn read(
        workload: &Workload<'_>,
        keys: &Keys,
        default: &Namespace,
    ) -> Result<Self, Vec<AnnotationError>> {
        let namespace = workload.namespace_or(default);
        let annotations = PodAnnotations::read(keys, workload.annotations()).annotations?;
        let annotations = match annotations.inject {
            Inject::Off => PodAnnotations::default(),
            Inject::Asked | Inject::Client => {
                fill_in(workload, &namespace, &annotations).map_err(|error| vec![error])?
            }
        };
        let labels = workload.labels();
        Ok(Self {
            kind: match workload.kind() {
                WorkloadKind::Custom => MemberKind::Custom {
                    kind: workload.kind_name().into(),
                    title: workload.to_string().into(),
                },
                kind => MemberKind::Workload(kind),
            },
            namespace,
            name: workload.stem().into(),
            controllers: workload
                .job_names()
                .map(|name| (WorkloadKind::Job, name.into()))
                .collect(),
            labels: labels
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
            scale: workload.scale(),
            annotations,
        })
    }

    /// Returns a live pod, with what it asks for by its record.
    pub(crate) fn recorded(pod: &RecordedPod<'_>, annotations: PodAnnotations) -> Self {
        Self {
            kind: MemberKind::Workload(WorkloadKind::Pod),
            namespace: pod.id.namespace.clone(),
            name: pod.id.name.clone(),
            controllers: controllers(pod.json),
            labels: texts(pod.json, "/metadata/labels")
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
            scale: Scale::ONE,
            annotations,
        }
    }

    /// Returns every signal with the annotation that lists it.
    pub fn signals(&self) -> impl Iterator<Item = (Key, &Signal)> {
        let lists = self.annotations.all_signals().into_iter();
        lists.flat_map(|(key, list)| list.iter().map(move |signal| (key, &signal.value)))
    }

    /// Returns the signal at a position of [`signals`](Self::signals).
    pub fn signal(&self, mut index: usize) -> Option<(Key, &Signal)> {
        for (key, list) in self.annotations.all_signals() {
            match list.get(index) {
                Some(signal) => return Some((key, &signal.value)),
                None => index -= list.len(),
            }
        }
        None
    }

    /// Returns the terms that it waits for.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.annotations.depends_on.iter().map(|term| &term.value)
    }

    /// Returns whether it makes a pod of this name.
    pub fn makes_pod(&self, name: &str) -> bool {
        let ordinal = || {
            let rest = name.strip_prefix(&*self.name)?;
            rest.strip_prefix('-')?.parse::<u32>().ok()
        };
        match (self.workload_kind(), self.scale) {
            (Some(WorkloadKind::Pod), _) => *self.name == *name,
            (
                Some(WorkloadKind::StatefulSet),
                Scale::Replicas {
                    count,
                    first_ordinal,
                },
            ) => ordinal().is_some_and(|n| n >= first_ordinal && n - first_ordinal < count),
            _ => false,
        }
    }
}

/// Prints as `kubectl` names objects, but with the kind in its own spelling: `Deployment/web`. An
/// existing variable is its name alone.
impl std::fmt::Display for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            MemberKind::Custom { title, .. } => f.write_str(title),
            MemberKind::Existing(_) => f.write_str(&self.name),
            MemberKind::Workload(kind) => write!(f, "{kind}/{}", self.name),
        }
    }
}

/// Returns the controller of a live pod; the Deployment in place of a `ReplicaSet` that is named
/// after one and the hash of its pod template.
pub(super) fn controllers(pod: &Value) -> Vec<(WorkloadKind, Box<str>)> {
    let Some(owner) = workload::owner(pod) else {
        return Vec::new();
    };
    let Some(kind) = WorkloadKind::named(owner.group, owner.kind) else {
        return Vec::new();
    };
    let hash = text(pod, "/metadata/labels/pod-template-hash").filter(|hash| !hash.is_empty());
    let of_deployment = || owner.name.strip_suffix(hash?)?.strip_suffix('-');
    let controller = match (kind, of_deployment()) {
        (WorkloadKind::ReplicaSet, Some(deployment)) => (WorkloadKind::Deployment, deployment),
        _ => (kind, owner.name),
    };
    vec![(controller.0, controller.1.into())]
}

fn fill_in(
    workload: &Workload<'_>,
    namespace: &Namespace,
    annotations: &PodAnnotations,
) -> Result<PodAnnotations, AnnotationError> {
    // The first pod stands for all, but for the labels that carry its number.
    let first = workload.scale().first_ordinal();
    let metadata = workload.metadata_at(first);
    let next = workload.metadata_at(first.wrapping_add(1));
    let (labels, next) = (labels(&metadata), labels(&next));
    let numbered: Vec<_> = labels
        .iter()
        .filter(|(key, value)| next.get(*key) != Some(*value))
        .map(|(key, _)| *key)
        .collect();
    let container = annotations.signals_container.as_deref();
    annotations.resolve(&Facts {
        container: container.or_else(|| workload.default_container()),
        labels: Some(&labels),
        later_labels: &numbered,
        pod_name: workload.pod_name(),
        pod_namespace: Some(namespace.as_str()),
        ..Facts::default()
    })
}

fn labels(metadata: &Map<String, Value>) -> BTreeMap<&str, &str> {
    let labels = metadata.get("labels").and_then(Value::as_object);
    labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect()
}
