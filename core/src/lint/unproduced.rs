//! Terms without a producer in the files: often a misspelt name.

use std::collections::{BTreeMap, HashMap};

use super::{
    Code, Severity,
    nearest::Dictionary,
    waits::{Said, Waits},
};
use crate::{
    language::{
        NameTemplate, Namespace, ObjectDemand, ObjectKind, ObjectTerm, Presence, Target,
        object::meant_object,
    },
    model::{Link, MemberId, Model, Want},
    workload::WorkloadKind,
};

/// Everything that a misspelt term may mean, collected once.
#[derive(Debug, Default)]
pub(super) struct Known {
    variables: HashMap<Namespace, Dictionary<MemberId>>,
    /// The names that have variables below them.
    parents: HashMap<Namespace, Dictionary<MemberId>>,
    /// The first member of each namespace that signals a variable.
    signalled: HashMap<String, BTreeMap<Namespace, MemberId>>,
    workloads: HashMap<(Namespace, WorkloadKind), Dictionary<()>>,
}

impl Known {
    pub(super) fn new(model: &Model) -> Self {
        let mut known = Self::default();
        for (id, member) in model.members() {
            let namespace = &member.namespace;
            if let Some(kind) = member.workload_kind() {
                let same_kind = known.workloads.entry((namespace.clone(), kind));
                same_kind.or_default().insert(member.name.to_string(), ());
            }
            for (_, signal) in member.signals() {
                known.add_variable(signal.name.to_string(), namespace, id);
            }
        }
        known
    }

    fn add_variable(&mut self, name: String, namespace: &Namespace, id: MemberId) {
        let signalled = self.signalled.entry(name.clone()).or_default();
        if signalled.contains_key(namespace) {
            return;
        }
        signalled.insert(namespace.clone(), id);
        if let Some((parent, _)) = name.rsplit_once('/') {
            let parents = self.parents.entry(namespace.clone()).or_default();
            parents.insert(parent.to_owned(), id);
        }
        let variables = self.variables.entry(namespace.clone()).or_default();
        variables.insert(name, id);
    }
}

impl Waits<'_> {
    pub(super) fn unproduced(&self, link: &Link) -> Option<Said> {
        if !self.links.producers(link).is_empty() {
            return None;
        }
        let term = &self.links.term(link).value;
        let own = &self.links.model().member(link.consumer).namespace;
        let or_own = |named: &Option<Namespace>| named.as_ref().unwrap_or(own).clone();
        let hint = match &term.target {
            Target::Below {
                prefix, namespace, ..
            } => self.nearest_prefix(&prefix.to_string(), &or_own(namespace)),
            Target::Object(object) => return self.absent(object, own),
            Target::Probe(_) => return None,
            Target::Variable {
                name, namespace, ..
            } => self.nearest_variable(&name.to_string(), &or_own(namespace)),
        };
        let effect = match term.presence {
            Presence::Failure => ", so it never fails",
            Presence::Optional | Presence::Required => "",
        };
        let target = &term.target;
        let message = format!("nothing in these files signals {target}{effect}{hint}");
        Some((Severity::Warning, Code::Unproduced, message))
    }

    fn nearest_variable(&self, name: &str, namespace: &Namespace) -> String {
        let known = self.known();
        let signalled = known.signalled.get(name).into_iter().flatten();
        if let Some((other, _)) = signalled.into_iter().find(|(other, _)| *other != namespace) {
            return format!(": it is signalled in the namespace {other}, which is {name}@{other}");
        }
        let here = known.variables.get(namespace);
        let found = here.and_then(|names| names.nearest(name));
        match (found, meant_object(name)) {
            (None, Some(object)) => format!(": for the object, write {object}"),
            (found, _) => self.did_you_mean(found.map(|(name, id)| (name.clone(), *id))),
        }
    }

    fn nearest_prefix(&self, prefix: &str, namespace: &Namespace) -> String {
        let here = self.known().parents.get(namespace);
        let found = here.and_then(|names| names.nearest(prefix));
        self.did_you_mean(found.map(|(parent, id)| (format!("{parent}/*"), *id)))
    }

    fn did_you_mean(&self, found: Option<(String, MemberId)>) -> String {
        found.map_or_else(String::new, |(name, id)| {
            let member = self.links.model().name(id);
            format!(": did you mean {name}, which {member} signals?")
        })
    }

    fn absent(&self, object: &ObjectTerm, own: &Namespace) -> Option<Said> {
        if object.demand != ObjectDemand::Rule && self.has_object(object, own) {
            return None;
        }
        let kind = &object.kind;
        let name = object.which.name().and_then(NameTemplate::literal)?;
        let namespace = &object.namespace_in(own)?;
        let is_service = *kind == ObjectKind::Service;
        let message = if is_service && self.links.model().service(name, namespace).is_some() {
            format!("the service {name} selects none of the pods in these files")
        } else {
            let hint = self.nearest_workload(kind, name, namespace)?;
            format!("there is no {kind} {name} in the namespace {namespace} in these files{hint}")
        };
        Some((Severity::Warning, Code::UnknownObject, message))
    }

    /// Returns whether the files have the object, whatever is asked of it.
    fn has_object(&self, object: &ObjectTerm, own: &Namespace) -> bool {
        let object = ObjectTerm {
            namespace: object.namespace_in(own),
            demand: ObjectDemand::Rule,
            ..object.clone()
        };
        let model = self.links.model();
        let is_service = || {
            let name = object.which.name().and_then(NameTemplate::literal);
            let service = name.zip(object.namespace.as_ref());
            service.is_some_and(|(name, namespace)| model.service(name, namespace).is_some())
        };
        object.kind == ObjectKind::Service && is_service()
            || !model
                .producers_of(&Want::Object(Box::new(object)))
                .is_empty()
    }

    /// Returns a hint at a workload with a similar name, or `None` for a kind that does not create
    /// pods.
    fn nearest_workload(&self, kind: &ObjectKind, name: &str, own: &Namespace) -> Option<String> {
        let kind = match kind {
            ObjectKind::ConfigMap
            | ObjectKind::Node
            | ObjectKind::Other(_)
            | ObjectKind::PersistentVolumeClaim
            | ObjectKind::Secret => return None,
            ObjectKind::DaemonSet => WorkloadKind::DaemonSet,
            ObjectKind::Deployment => WorkloadKind::Deployment,
            ObjectKind::Job => WorkloadKind::Job,
            ObjectKind::Pod => WorkloadKind::Pod,
            ObjectKind::Service => return Some(String::new()),
            ObjectKind::StatefulSet => WorkloadKind::StatefulSet,
        };
        let same_kind = self.known().workloads.get(&(own.clone(), kind));
        let found = same_kind.and_then(|names| names.nearest(name));
        Some(found.map_or_else(String::new, |(near, ())| format!(": did you mean {near}?")))
    }
}
