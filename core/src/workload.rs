//! Finds the pods in an object: a bare Pod, or the template of a workload.
//!
//! Pure: objects are borrowed as raw JSON, and only the requested fields are read.

mod owner;
mod pod;
mod scale;
mod templates;

pub use self::{
    owner::{Owner, owner, topmost, uid},
    scale::{CompletionMode, Scale},
};

use std::{borrow::Cow, fmt, sync::OnceLock};

use json_patch::jsonptr::Token;
use serde_json::Value;
use strum::{Display, IntoStaticStr};

use crate::language::Namespace;

/// The kinds that create pods.
#[derive(Clone, Copy, Debug, Display, Eq, Hash, IntoStaticStr, Ord, PartialEq, PartialOrd)]
pub enum WorkloadKind {
    /// A kind that is not built in, such as `Rollout`, whose pod templates are recognised by their
    /// shape.
    Custom,
    /// `batch`: creates Jobs from a template.
    CronJob,
    /// `apps`: one pod on each node.
    DaemonSet,
    /// `apps`: pods that are replaced one after the other.
    Deployment,
    /// `batch`: pods that run to their end.
    Job,
    /// A bare Pod.
    Pod,
    /// `apps`: a number of pods.
    ReplicaSet,
    /// The older way to keep a number of pods.
    ReplicationController,
    /// `apps`: pods with ordinals.
    StatefulSet,
}

impl WorkloadKind {
    /// All built-in kinds.
    pub const ALL: &[Self] = &[
        Self::CronJob,
        Self::DaemonSet,
        Self::Deployment,
        Self::Job,
        Self::Pod,
        Self::ReplicaSet,
        Self::ReplicationController,
        Self::StatefulSet,
    ];

    /// Returns a built-in kind as an object names it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the JSON pointer to the pod's `metadata` and `spec` in an object of a built-in kind.
    fn template_pointer(self) -> &'static str {
        match self {
            Self::CronJob => "/spec/jobTemplate/spec/template",
            Self::Pod => "",
            _ => "/spec/template",
        }
    }

    fn groups(self) -> &'static [&'static str] {
        match self {
            Self::CronJob | Self::Job => &["batch"],
            Self::DaemonSet | Self::Deployment | Self::ReplicaSet | Self::StatefulSet => {
                &["apps", "extensions"]
            }
            Self::Custom => &[],
            Self::Pod | Self::ReplicationController => &[""],
        }
    }

    fn of(object: &Value) -> Option<Self> {
        let kind = object.get("kind")?.as_str()?;
        let version = object.get("apiVersion")?.as_str()?;
        let group = version.split_once('/').map_or("", |(group, _)| group);
        Self::named(group, kind)
    }

    /// Returns the kind of this name in an API group, which is empty for the core.
    pub(crate) fn named(group: &str, kind: &str) -> Option<Self> {
        let mut kinds = Self::ALL.iter().copied();
        kinds.find(|known| known.as_str() == kind && known.groups().contains(&group))
    }
}

/// What the kubelet does when a container ends.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RestartPolicy {
    /// It restarts the container.
    #[default]
    Always,
    /// It does not restart the container.
    Never,
    /// It restarts the container unless it succeeded.
    OnFailure,
}

/// A pod template of an object that creates pods; nearly all of these have one.
#[derive(Clone, Debug)]
pub struct Workload<'a> {
    kind: WorkloadKind,
    object: &'a Value,
    pointer: String,
    /// The JSON pointer to the template in the object.
    path: Cow<'static, str>,
    position: Position,
    template: &'a Value,
    /// The hash of the template; found when it is asked for, because a template may be large.
    hash: OnceLock<u32>,
}

/// The position of a template among those of its object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Position {
    /// One of several; the first.
    First,
    /// One of several; not the first.
    Later,
    /// The only one.
    Only,
}

/// Returns every workload in `object`, which may be a `List`, with its JSON pointer.
pub fn find(object: &Value) -> Vec<Workload<'_>> {
    objects(object)
        .flat_map(|(pointer, object)| Workload::all(object, &pointer))
        .collect()
}

/// Returns the JSON pointers to annotations in an object that are neither its own nor those of a pod
/// template that is recognised; none in an object of a built-in kind.
pub(crate) fn other_annotations(object: &Value) -> Vec<String> {
    if WorkloadKind::of(object).is_some() {
        return Vec::new();
    }
    templates::other_annotations(object)
}

/// Returns how people write a JSON pointer: `spec.template`.
pub(crate) fn dotted(pointer: &str) -> String {
    templates::dotted(pointer)
}

/// Returns the object itself or, if it is a `List`, its items, each with its JSON pointer. A `List`
/// in a `List` is replaced by its items.
pub fn objects(object: &Value) -> impl Iterator<Item = (String, &Value)> {
    let mut rest = vec![(String::new(), object)];
    std::iter::from_fn(move || {
        loop {
            let (pointer, object) = rest.pop()?;
            let Some(items) = items(object) else {
                return Some((pointer, object));
            };
            let items = items.iter().enumerate().rev();
            rest.extend(items.map(|(index, item)| (format!("{pointer}/items/{index}"), item)));
        }
    })
}

fn items(object: &Value) -> Option<&Vec<Value>> {
    let is_list = text(object, "/kind")?.ends_with("List");
    let items = object.get("items").filter(|_| is_list)?;
    items.as_array()
}

/// Returns the object that a JSON pointer leads into: an item of a `List`, or the whole.
pub fn object_at<'v>(object: &'v Value, pointer: &str) -> &'v Value {
    let mut found = object;
    let mut tokens = pointer.split('/').skip(1);
    while let (Some(items), Some("items"), Some(index)) =
        (items(found), tokens.next(), tokens.next())
    {
        let Some(item) = index.parse().ok().and_then(|index: usize| items.get(index)) else {
            break;
        };
        found = item;
    }
    found
}

impl<'a> Workload<'a> {
    /// Returns `object`, which is at `pointer` in its document, as a workload if it is of a
    /// built-in kind that creates pods.
    pub fn new(object: &'a Value, pointer: String) -> Option<Self> {
        let kind = WorkloadKind::of(object)?;
        Some(Self {
            kind,
            object,
            pointer,
            path: kind.template_pointer().into(),
            position: Position::Only,
            template: object.pointer(kind.template_pointer())?,
            hash: OnceLock::new(),
        })
    }

    /// Returns one workload for each pod template in `object`, which is at `pointer` in its
    /// document.
    pub fn all(object: &'a Value, pointer: &str) -> Vec<Self> {
        if WorkloadKind::of(object).is_some() {
            return Self::new(object, pointer.to_owned()).into_iter().collect();
        }
        let paths = templates::find(object);
        let position = |index| match (index, paths.len()) {
            (_, 1) => Position::Only,
            (0, _) => Position::First,
            _ => Position::Later,
        };
        let workload = |(index, path): (usize, &String)| {
            Some(Self {
                kind: WorkloadKind::Custom,
                object,
                pointer: pointer.to_owned(),
                template: object.pointer(path)?,
                path: path.clone().into(),
                position: position(index),
                hash: OnceLock::new(),
            })
        };
        paths.iter().enumerate().filter_map(workload).collect()
    }

    /// Returns the same template of a copy of its object, if that has it.
    pub fn in_copy<'b>(&self, object: &'b Value) -> Option<Workload<'b>> {
        Some(Workload {
            kind: self.kind,
            object,
            pointer: String::new(),
            path: self.path.clone(),
            position: self.position,
            template: object.pointer(&self.path)?,
            hash: OnceLock::new(),
        })
    }

    /// Returns its kind.
    pub fn kind(&self) -> WorkloadKind {
        self.kind
    }

    /// Returns its kind as the object names it.
    pub fn kind_name(&self) -> &'a str {
        match self.kind {
            WorkloadKind::Custom => text(self.object, "/kind").unwrap_or("(no kind)"),
            kind => kind.as_str(),
        }
    }

    /// Returns the path of the template as people write it, such as `spec.template`; empty for a
    /// bare Pod.
    pub fn path(&self) -> String {
        templates::dotted(&self.path)
    }

    /// Returns whether it is the same template of the same object.
    pub fn is(&self, other: &Workload<'_>) -> bool {
        std::ptr::eq(self.template, other.template)
    }

    /// Returns whether it is the first or only template of its object.
    pub fn is_first(&self) -> bool {
        self.position != Position::Later
    }

    /// Returns what the names of its pods begin with: the name of the object and, if that has
    /// several templates, the part of it that this one is in.
    pub fn stem(&self) -> Cow<'a, str> {
        match self.position {
            Position::Only => self.name().into(),
            Position::First | Position::Later => format!(
                "{}-{}",
                self.name(),
                templates::role(self.object, &self.path)
            )
            .into(),
        }
    }

    /// Returns its name, or the prefix of a generated one.
    pub fn name(&self) -> &'a str {
        let name = text(self.object, "/metadata/name");
        name.or_else(|| text(self.object, "/metadata/generateName"))
            .unwrap_or_default()
    }

    /// Returns the namespace that the object names.
    pub fn namespace(&self) -> Option<&'a str> {
        text(self.object, "/metadata/namespace").filter(|namespace| !namespace.is_empty())
    }

    /// Returns the namespace that the object names, or `default` if it names none.
    pub fn namespace_or(&self, default: &Namespace) -> Namespace {
        let own = self.namespace().and_then(|own| own.parse().ok());
        own.unwrap_or_else(|| default.clone())
    }

    /// Returns the name of its only pod, if it is known before that is created.
    pub fn pod_name(&self) -> Option<&'a str> {
        let is_pod = self.kind == WorkloadKind::Pod;
        text(self.object, "/metadata/name").filter(|_| is_pod)
    }

    /// Returns the JSON pointer to the object in its document.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Returns the JSON pointer to the pod's `metadata` and `spec` in the document.
    pub fn template_pointer(&self) -> String {
        format!("{}{}", self.pointer, self.path)
    }

    /// Returns the JSON pointer to the annotation `key` of its pods in the document.
    pub fn annotation_pointer(&self, key: &str) -> String {
        format!(
            "{}/metadata/annotations/{}",
            self.template_pointer(),
            Token::new(key).encoded()
        )
    }

    /// Returns the object.
    pub fn object(&self) -> &'a Value {
        self.object
    }

    /// Returns the part with the pods' `metadata` and `spec`: the object itself for a bare Pod.
    pub fn template(&self) -> &'a Value {
        self.template
    }

    /// Returns the annotations of its pods that are strings.
    pub fn annotations(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        texts(self.template, "/metadata/annotations")
    }

    /// Returns the labels in the pod template.
    pub fn labels(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        texts(self.template, "/metadata/labels")
    }

    /// Returns the annotations of the object itself, but none for a bare Pod, which is its own
    /// template.
    pub fn own_annotations(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let is_pod = self.kind == WorkloadKind::Pod;
        self.object_annotations().filter(move |_| !is_pod)
    }

    /// Returns the annotations of the object, also for a bare Pod.
    pub fn object_annotations(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        texts(self.object, "/metadata/annotations")
    }

    /// Returns the names of its regular containers.
    pub fn containers(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        names(self.template, "/spec/containers")
    }

    /// Returns the names of its init containers.
    pub fn init_containers(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        names(self.template, "/spec/initContainers")
    }

    /// Returns the container that `kubectl` uses by default: the annotated one, else the first.
    pub fn default_container(&self) -> Option<&'a str> {
        self.annotations()
            .find(|(key, _)| *key == "kubectl.kubernetes.io/default-container")
            .map(|(_, name)| name)
            .or_else(|| self.containers().next())
    }

    /// Returns what happens when a container ends.
    pub fn restart_policy(&self) -> RestartPolicy {
        match text(self.template, "/spec/restartPolicy") {
            Some("Never") => RestartPolicy::Never,
            Some("OnFailure") => RestartPolicy::OnFailure,
            _ => RestartPolicy::Always,
        }
    }

    /// Returns the names of the Jobs that a `JobSet` makes of the template.
    pub(crate) fn job_names(&self) -> impl Iterator<Item = String> + use<'a> {
        const MAX_JOBS: u64 = 10_000;
        let mut path = self.path.split('/').skip(1);
        let is_of_set = self.kind_name() == "JobSet"
            && (path.next(), path.next()) == (Some("spec"), Some("replicatedJobs"));
        let index = path.next().filter(|_| is_of_set);
        let part = index.and_then(|index| {
            let pointer = format!("/spec/replicatedJobs/{index}");
            self.object.pointer(&pointer)
        });
        let set = self.name();
        part.into_iter().flat_map(move |part| {
            let name = text(part, "/name").unwrap_or_default();
            let replicas = part.get("replicas").and_then(Value::as_u64).unwrap_or(1);
            (0..replicas.min(MAX_JOBS)).map(move |index| format!("{set}-{name}-{index}"))
        })
    }

    /// Returns how many pods it makes.
    pub fn scale(&self) -> Scale {
        match self.kind {
            WorkloadKind::Custom => Scale::of_custom(self),
            kind => Scale::of(kind, self.object),
        }
    }
}

/// Prints as `kubectl` names objects, but with the kind in its own spelling: `Deployment/web`. One
/// of several templates has its path: `JobSet/train (spec.replicatedJobs[0].template.spec.template)`.
impl fmt::Display for Workload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind_name(), self.name())?;
        match self.position {
            Position::Only => Ok(()),
            Position::First | Position::Later => write!(f, " ({})", self.path()),
        }
    }
}

/// Returns the string at a JSON pointer.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer).and_then(Value::as_str)
}

/// Returns the members of the object at a JSON pointer that are strings.
pub(crate) fn texts<'a>(
    object: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
    let fields = object.pointer(pointer).and_then(Value::as_object);
    fields
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

fn names<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let items = object.pointer(pointer).and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(|item| text(item, "/name"))
}

#[cfg(test)]
mod tests;
