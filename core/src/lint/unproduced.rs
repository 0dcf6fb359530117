//! Terms without a producer in the files: often a misspelt name.

use std::collections::{BTreeMap, HashMap};

use super::{
    Code, Severity,
    nearest::Dictionary,
    waits::{Said, Waits},
};
use crate::{
    language::{
        NameTemplate, Namespace, ObjectDemand, ObjectKind, ObjectTerm, Presence, Target, Term,
        object::meant_object,
    },
    model::{Address, Link, MemberId, Model, Service, Want},
    workload::WorkloadKind,
};

/// Every variable that a misspelt term may mean, collected once.
#[derive(Debug, Default)]
pub(super) struct KnownVariables {
    variables: HashMap<Namespace, Dictionary<MemberId>>,
    /// The names that have variables below them.
    parents: HashMap<Namespace, Dictionary<MemberId>>,
    /// The first member of each namespace that signals a variable.
    signalled: HashMap<String, BTreeMap<Namespace, MemberId>>,
}

/// Every workload that a misspelt term may mean, collected once.
#[derive(Debug, Default)]
pub(super) struct KnownWorkloads {
    names: HashMap<(Namespace, WorkloadKind), Dictionary<()>>,
}

impl KnownWorkloads {
    pub(super) fn new(model: &Model) -> Self {
        let mut known = Self::default();
        for (_, member) in model.members() {
            if let Some(kind) = member.workload_kind() {
                let same_kind = known.names.entry((member.namespace.clone(), kind));
                same_kind.or_default().insert(member.name.to_string(), ());
            }
        }
        known
    }

    fn of(&self, kind: WorkloadKind, namespace: &Namespace) -> Option<&Dictionary<()>> {
        self.names.get(&(namespace.clone(), kind))
    }

    /// Returns the namespaces that have a workload of this kind and name, in no order.
    fn namespaces_with(&self, kind: WorkloadKind, name: &str) -> Vec<&Namespace> {
        let same_kind = self.names.iter().filter(|((_, it), _)| *it == kind);
        let found = same_kind.filter(|(_, names)| names.contains(name));
        found.map(|((namespace, _), _)| namespace).collect()
    }
}

impl KnownVariables {
    pub(super) fn new(model: &Model) -> Self {
        let mut known = Self::default();
        for (id, member) in model.members() {
            for (_, signal) in member.signals() {
                known.add_variable(signal.name.to_string(), &member.namespace, id);
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
        let named = match &term.target {
            Target::Below { namespace, .. } | Target::Variable { namespace, .. } => namespace,
            Target::Object(_) | Target::Probe(_) => &None,
        };
        let hint = match &term.target {
            _ if let Some(left_out) = self.left_out(named.as_ref()) => left_out,
            Target::Below {
                prefix, namespace, ..
            } => self.nearest_prefix(&prefix.to_string(), &or_own(namespace)),
            Target::Object(object) => return self.absent(object, own),
            Target::Probe(_) => return None,
            Target::Variable {
                name, namespace, ..
            } => self.nearest_variable(&name.to_string(), namespace.as_ref(), own),
        };
        let effect = match term.presence {
            Presence::Failure => ", so it never fails",
            Presence::Optional | Presence::Required => "",
        };
        let target = &term.target;
        let message = format!("nothing in these files signals {target}{effect}{hint}");
        Some((Severity::Warning, Code::Unproduced, message))
    }

    /// Returns a hint that no pod of a namespace is injected.
    fn left_out(&self, namespace: Option<&Namespace>) -> Option<String> {
        let namespace = namespace.filter(|it| self.settings().leaves_out(it))?;
        Some(format!(
            ": no pod of the namespace {namespace} is injected, so only Signals, or variables made \
             by hand, can hold it"
        ))
    }

    /// Returns a hint at what was perhaps meant by a variable in the namespace that is `written`,
    /// or else in its `own`.
    fn nearest_variable(&self, name: &str, written: Option<&Namespace>, own: &Namespace) -> String {
        let known = self.variables();
        let namespace = written.unwrap_or(own);
        let signalled = known.signalled.get(name).into_iter().flatten();
        if let Some((other, _)) = signalled.into_iter().find(|(other, _)| *other != namespace) {
            return format!(": it is signalled in the namespace {other}, which is {name}@{other}");
        }
        let object = meant_object(name).map(|object| match written {
            Some(namespace) => format!("{object}@{namespace}"),
            None => object,
        });
        let here = known.variables.get(namespace);
        let found = here.and_then(|names| names.nearest(name));
        match (found, object) {
            (found, Some(object)) if found.is_none() || self.is_in_files(&object, own) => {
                format!(": for the object, write {object}")
            }
            (found, _) => self.did_you_mean(found.map(|(name, id)| (name.clone(), *id))),
        }
    }

    /// Returns whether the files have the object that a term asks for.
    fn is_in_files(&self, term: &str, own: &Namespace) -> bool {
        match term.parse::<Term>().map(|term| term.target) {
            Ok(Target::Object(object)) => self.has_object(&object, own),
            _ => false,
        }
    }

    fn nearest_prefix(&self, prefix: &str, namespace: &Namespace) -> String {
        let here = self.variables().parents.get(namespace);
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
        let service = match kind {
            ObjectKind::Service => self.links.model().service(name, namespace),
            _ => None,
        };
        if let Some(service) = service {
            return self.without_endpoints(service);
        }
        if *kind == ObjectKind::Job && self.is_known(WorkloadKind::CronJob, name, namespace) {
            let message = format!(
                "{name} is a CronJob, whose Jobs have names of their own, so {object} never holds: \
                 let its pods signal a variable with signals-on-success, and wait for that"
            );
            return Some((Severity::Warning, Code::NeverHolds, message));
        }
        let hint = self.nearest_object(kind, name, namespace)?;
        let message =
            format!("there is no {kind} {name} in the namespace {namespace} in these files{hint}");
        Some((Severity::Warning, Code::UnknownObject, message))
    }

    /// Warns about a Service that has no endpoints in these files.
    fn without_endpoints(&self, service: &Service) -> Option<Said> {
        let Service { name, .. } = service;
        let unknown = |message| Some((Severity::Warning, Code::UnknownObject, message));
        if let Address::External(_) = service.address {
            let message = format!(
                "the service {name} is of type ExternalName, which has no endpoints, so \
                 service:{name} never holds: probe the host instead, such as tcp://{name}:443"
            );
            return Some((Severity::Warning, Code::NeverHolds, message));
        }
        if !self.links.model().backends(service).is_empty() {
            return None;
        }
        if service.selector.is_empty() {
            return unknown(format!(
                "the service {name} has no selector, and these files have no endpoints of it"
            ));
        }
        unknown(format!(
            "the service {name} selects none of the pods in these files"
        ))
    }

    fn is_known(&self, kind: WorkloadKind, name: &str, namespace: &Namespace) -> bool {
        let same_kind = self.workloads().of(kind, namespace);
        same_kind.is_some_and(|names| names.contains(name))
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

    /// Returns a hint at an object with a similar name, or `None` for a kind that has nothing to do
    /// with pods.
    fn nearest_object(&self, kind: &ObjectKind, name: &str, own: &Namespace) -> Option<String> {
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
            ObjectKind::Service => return Some(self.nearest_service(name, own)),
            ObjectKind::StatefulSet => WorkloadKind::StatefulSet,
        };
        let known = self.workloads();
        let same_kind = known.of(kind, own);
        if let Some((near, ())) = same_kind.and_then(|names| names.nearest(name)) {
            return Some(format!(": did you mean {near}?"));
        }
        let mut namespaces = known.namespaces_with(kind, name);
        namespaces.sort();
        let elsewhere = namespaces.first();
        Some(elsewhere.map_or_else(String::new, |namespace| {
            format!(": there is one in the namespace {namespace}, which is {name}@{namespace}")
        }))
    }

    fn nearest_service(&self, name: &str, own: &Namespace) -> String {
        let near = self.near_service(name, own);
        near.map_or_else(String::new, |service| {
            let Service {
                name, namespace, ..
            } = service;
            let at = if namespace == own {
                String::new()
            } else {
                format!("@{namespace}")
            };
            format!(": did you mean service:{name}{at}?")
        })
    }
}
