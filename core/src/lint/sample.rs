//! The pod that stands for all pods of a workload when it is checked by admission.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    language::{
        AnnotationError, Placeholder,
        annotation::Fault,
        template::{EmptySubstitution, ResolveError},
    },
    workload::{Workload, WorkloadKind, text},
};

/// The pod that stands for all pods of a workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sample {
    /// The first pod, with every label that a controller adds.
    FirstPod,
    /// The pod template, without the name and the labels of one pod, so that the decision is valid
    /// for all pods.
    Template,
}

/// The fields of a pod that admission reads, borrowed if possible because a workload may be large.
#[derive(Serialize)]
pub(super) struct Pod<'a> {
    /// Its name, if it is known. Controllers ignore the name in a template.
    #[serde(skip)]
    pub(super) name: Option<String>,
    metadata: Cow<'a, Map<String, Value>>,
    spec: Option<Cow<'a, Value>>,
}

impl<'a> Pod<'a> {
    pub(super) fn new(workload: &Workload<'a>, sample: Sample) -> Self {
        let template = workload.template();
        let metadata = match sample {
            Sample::FirstPod => Cow::Owned(workload.metadata_at(workload.scale().first_ordinal())),
            Sample::Template => {
                let metadata = template.get("metadata").and_then(Value::as_object);
                metadata.map(Cow::Borrowed).unwrap_or_default()
            }
        };
        let is_named = sample == Sample::FirstPod || workload.kind() == WorkloadKind::Pod;
        let name = metadata.get("name").filter(|_| is_named);
        let name = name.and_then(Value::as_str).map(str::to_owned);
        Self {
            spec: template.get("spec").map(|spec| {
                let claims = claims(workload, name.as_deref());
                with_volumes(spec, claims)
            }),
            name,
            metadata,
        }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("it is made of JSON values")
    }
}

/// Returns the volumes of the claims that a `StatefulSet` creates for its pod of this name.
fn claims(workload: &Workload<'_>, pod: Option<&str>) -> Vec<Value> {
    let unnamed = Placeholder::PodName.to_string();
    let pod = pod.unwrap_or(&unnamed);
    let templates = workload.object().pointer("/spec/volumeClaimTemplates");
    let templates = templates.and_then(Value::as_array).into_iter().flatten();
    let names = templates.filter_map(|template| text(template, "/metadata/name"));
    let volume = |name| {
        let claim = format!("{name}-{pod}");
        json!({"name": name, "persistentVolumeClaim": {"claimName": claim}})
    };
    match workload.kind() {
        WorkloadKind::StatefulSet => names.map(volume).collect(),
        _ => Vec::new(),
    }
}

/// Returns the spec of a pod with more volumes.
fn with_volumes(spec: &Value, more: Vec<Value>) -> Cow<'_, Value> {
    if more.is_empty() {
        return Cow::Borrowed(spec);
    }
    let mut spec = spec.clone();
    if let Some(members) = spec.as_object_mut() {
        let volumes = members.entry("volumes").or_insert_with(|| json!([]));
        if let Some(volumes) = volumes.as_array_mut() {
            volumes.extend(more);
        }
    }
    Cow::Owned(spec)
}

/// Reports a label that a controller adds as not known yet, instead of empty.
pub(super) fn tell_of_labels(error: &mut AnnotationError, workload: &Workload<'_>) {
    let Fault::Substitution {
        at,
        term,
        error: ResolveError::Empty(EmptySubstitution { placeholder }),
    } = &error.fault
    else {
        return;
    };
    let metadata = workload.metadata_at(workload.scale().first_ordinal());
    let labels = metadata.get("labels").and_then(Value::as_object);
    let is_added = matches!(placeholder, Placeholder::Label(key)
        if labels.is_some_and(|labels| labels.contains_key(&**key)));
    if is_added {
        let rule = format!(
            "only admission knows {placeholder}, which a controller adds to each pod: \
             leave this {} to the webhook",
            workload.kind_name()
        );
        error.fault = Fault::RefusedTerm {
            at: *at,
            term: term.clone(),
            rule,
        };
    }
}
