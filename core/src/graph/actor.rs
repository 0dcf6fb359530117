//! A workload with what its pods ask for.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::pattern::Pattern;
use crate::{
    language::{
        AnnotationError, Facts, Keys, NameTemplate, Namespace, PodAnnotations, annotation::Inject,
    },
    workload::{Scale, Workload, WorkloadKind},
};

/// A workload with what its pods ask for.
#[derive(Clone, Debug)]
pub struct Actor<'a> {
    /// What makes the pods.
    pub workload: Workload<'a>,
    /// Where they live.
    pub namespace: Namespace,
    /// What they ask for, filled in as far as it is known before one of them is created; nothing
    /// where oncue is switched off for them.
    pub annotations: PodAnnotations,
}

impl<'a> Actor<'a> {
    /// Reads the annotations of the pods of `workload`; `namespace` is theirs where it says none.
    ///
    /// # Errors
    /// Everything that is wrong with the annotations.
    pub fn read(
        workload: Workload<'a>,
        keys: &Keys,
        namespace: &Namespace,
    ) -> Result<Self, Vec<AnnotationError>> {
        let own = workload.namespace().and_then(|own| own.parse().ok());
        let namespace = own.unwrap_or_else(|| namespace.clone());
        let annotations = PodAnnotations::read(keys, workload.annotations()).annotations?;
        let annotations = match annotations.inject {
            Inject::Off => PodAnnotations::default(),
            Inject::Asked | Inject::Client => {
                fill_in(&workload, &namespace, &annotations).map_err(|error| vec![error])?
            }
        };
        Ok(Self {
            workload,
            namespace,
            annotations,
        })
    }

    pub(super) fn pattern(&self, name: &NameTemplate) -> Pattern {
        Pattern::new(name, self.workload.name())
    }

    /// Returns whether a label selector chooses its pods.
    pub(super) fn is_selected_by(&self, selector: &Selector<'_>) -> bool {
        let has = |pair: &(&str, &str)| self.workload.labels().any(|label| label == *pair);
        self.namespace.as_str() == selector.namespace && selector.labels.iter().all(has)
    }

    /// Returns whether it makes a pod of this name.
    pub(super) fn makes_pod(&self, name: &str) -> bool {
        let own = self.workload.name();
        let ordinal = name
            .strip_prefix(own)
            .and_then(|rest| rest.strip_prefix('-')?.parse::<u32>().ok());
        match (self.workload.kind(), self.workload.scale()) {
            (WorkloadKind::Pod, _) => name == own,
            (
                WorkloadKind::StatefulSet,
                Scale::Replicas {
                    count,
                    first_ordinal,
                },
            ) => ordinal.is_some_and(|n| n >= first_ordinal && n - first_ordinal < count),
            _ => false,
        }
    }
}

fn fill_in(
    workload: &Workload<'_>,
    namespace: &Namespace,
    annotations: &PodAnnotations,
) -> Result<PodAnnotations, AnnotationError> {
    // The first pod stands for all, but for the labels that carry its number.
    let first = workload.scale().first_ordinal();
    let (metadata, next) = (
        workload.metadata_at(first),
        workload.metadata_at(first.wrapping_add(1)),
    );
    let (labels, next) = (labels(&metadata), labels(&next));
    let numbered: Vec<_> = labels
        .iter()
        .filter(|(key, value)| next.get(*key) != Some(*value))
        .map(|(key, _)| *key)
        .collect();
    let is_named = workload.kind() == WorkloadKind::Pod
        && workload.object().pointer("/metadata/name").is_some();
    let facts = Facts {
        container: annotations
            .signals_container
            .as_deref()
            .or_else(|| workload.default_container()),
        labels: Some(&labels),
        later_labels: &numbered,
        pod_name: is_named.then(|| workload.name()),
        pod_namespace: Some(namespace.as_str()),
        ..Facts::default()
    };
    annotations.resolve(&facts)
}

fn labels(metadata: &Map<String, Value>) -> BTreeMap<&str, &str> {
    let labels = metadata.get("labels").and_then(Value::as_object);
    labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect()
}

/// What a Service selects its pods by.
#[derive(Clone, Debug)]
pub struct Selector<'a> {
    /// The name of the Service.
    pub service: &'a str,
    /// Where it lives.
    pub namespace: &'a str,
    /// The labels that its pods have.
    pub labels: Vec<(&'a str, &'a str)>,
}

impl<'a> Selector<'a> {
    /// Reads `object` if it is a Service that selects pods; `namespace` is its own where it says
    /// none.
    pub fn read(object: &'a Value, namespace: &'a Namespace) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        if text("/kind") != Some("Service") || text("/apiVersion") != Some("v1") {
            return None;
        }
        let labels = object.pointer("/spec/selector")?.as_object()?;
        let labels = labels
            .iter()
            .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
        Some(Self {
            service: text("/metadata/name")?,
            namespace: text("/metadata/namespace").unwrap_or(namespace.as_str()),
            labels: labels.collect(),
        })
        .filter(|selector| !selector.labels.is_empty())
    }
}
