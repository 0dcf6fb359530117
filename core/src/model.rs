//! Producers and consumers: one model of manifests and of live objects.
//!
//! Pure. A [`Member`] is a workload or a single pod, with what it waits for and what it signals;
//! beside the members stand Services and autoscalers. All of them can be added, replaced and
//! removed one by one; every look-up goes through an index.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `member` | [`Member`], a workload or pod with its annotations |
//! | `existing` | [`ExistingVariable`], which is there whatever the members do |
//! | `want` | [`Want`], what terms ask for: terms that ask for the same share one |
//! | `signals` | the index of signals by name |
//! | `pattern` | names of which a part is known only once a pod runs |
//! | `backends` | [`Backend`], endpoints that someone writes by hand |
//! | `service` | [`Service`], its host names, its ports and its selector |
//! | `services` | the index of Services by host name |
//! | `labels` | the index of members by label |
//! | `links` | [`Links`], every term of the members with its producers |
//! | `supply` | [`Supply`], how much producers can provide |
//! | `names` | lists of names that stay short |
//! | `sorted_set` | sets that take little room |
//! | `pool` | what counts towards a demand, shared by all who ask for it |
//! | `start` | which members can start, one after the other |
//! | `cycles` | [`Cycle`], members that wait for each other |

mod backends;
mod cycles;
mod existing;
mod labels;
mod links;
mod member;
mod names;
mod pattern;
mod pool;
mod service;
mod services;
mod signals;
mod sorted_set;
mod start;
mod supply;
mod want;

pub use self::{
    backends::Backend,
    cycles::{Cycle, Step},
    existing::{ExistingSource, ExistingVariable},
    links::{Link, Links},
    member::{Member, MemberKind},
    names::Names,
    service::{Address, Host, Service, ServicePort, TargetPort},
    supply::Supply,
    want::Want,
};

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;

use self::{
    labels::LabelIndex,
    member::controllers,
    services::ServiceIndex,
    signals::{Offer, SignalIndex},
    sorted_set::SortedSet,
};
use crate::{
    language::{
        NameTemplate, Namespace, ObjectDemand, ObjectKind, ObjectTerm, Signal, Term, Which,
        annotation::Key,
    },
    workload::{WorkloadKind, text},
};

/// The identity of a member; a later one is greater, and none is used twice.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MemberId(u64);

/// Members, Services and autoscalers, indexed by what they produce.
#[derive(Debug, Default)]
pub struct Model {
    members: BTreeMap<MemberId, Arc<Member>>,
    next: u64,
    /// How many members each namespace has.
    namespaces: BTreeMap<Namespace, usize>,
    /// The members whose pods make up an object.
    objects: HashMap<ObjectName, SortedSet<MemberId>>,
    signals: SignalIndex,
    labels: LabelIndex,
    services: ServiceIndex,
    /// Endpoints that someone writes by hand, by namespace and Service.
    backends: HashMap<(Namespace, Box<str>), Vec<Backend>>,
    /// What an autoscaler scales: namespace, kind and name.
    autoscaled: HashSet<(Namespace, Box<str>, Box<str>)>,
}

/// The address of an object that is made up of pods.
type ObjectName = (Namespace, WorkloadKind, Box<str>);

/// A member that can make a term hold.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Producer {
    /// The member.
    pub member: MemberId,
    /// How it makes the term hold.
    pub via: Via,
}

/// How a member makes a term hold.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Via {
    /// It is the variable, which exists already.
    Existing,
    /// It is the object that is asked for, or its pods are behind the Service.
    Object,
    /// It answers a probe through a Service.
    Probe,
    /// It signals the variable, in the annotation with this key.
    Signal(Key),
}

/// A producer with the signal by which it produces: the position among its signals.
#[derive(Clone, Copy, Debug)]
struct Source {
    producer: Producer,
    signal: Option<usize>,
}

impl Model {
    /// Adds a member.
    pub fn insert(&mut self, member: impl Into<Arc<Member>>) -> MemberId {
        let id = MemberId(self.next);
        self.next += 1;
        self.put(id, member.into());
        id
    }

    /// Puts `member` in the place of the one with this identity.
    pub fn replace(&mut self, id: MemberId, member: impl Into<Arc<Member>>) -> Option<Arc<Member>> {
        let before = self.remove(id)?;
        self.put(id, member.into());
        Some(before)
    }

    /// Removes a member.
    pub fn remove(&mut self, id: MemberId) -> Option<Arc<Member>> {
        let member = self.members.remove(&id)?;
        self.signals.remove(id, &member);
        self.labels.remove(id, &member);
        if let Some(members) = self.namespaces.get_mut(&member.namespace) {
            *members -= 1;
            if *members == 0 {
                self.namespaces.remove(&member.namespace);
            }
        }
        for name in object_names(&member) {
            if let Some(members) = self.objects.get_mut(&name) {
                members.remove(id);
                if members.is_empty() {
                    self.objects.remove(&name);
                }
            }
        }
        Some(member)
    }

    fn put(&mut self, id: MemberId, member: Arc<Member>) {
        self.signals.insert(id, &member);
        self.labels.insert(id, &member);
        *self.namespaces.entry(member.namespace.clone()).or_default() += 1;
        for name in object_names(&member) {
            self.objects.entry(name).or_default().insert(id);
        }
        self.members.insert(id, member);
    }

    /// Adds a Service, in the place of one with its name.
    pub fn insert_service(&mut self, service: Service) {
        self.services.insert(service);
    }

    /// Adds endpoints that someone writes by hand.
    pub fn insert_backend(&mut self, backend: Backend) {
        let key = (backend.namespace.clone(), backend.service.clone());
        self.backends.entry(key).or_default().push(backend);
    }

    /// Removes a Service.
    pub fn remove_service(&mut self, name: &str, namespace: &Namespace) -> Option<Service> {
        self.services.remove(name, namespace)
    }

    /// Adds what an object other than a workload says: a Service, endpoints, or an autoscaler. `default` is
    /// the namespace of an object that names none.
    pub fn add_object(&mut self, object: &Value, default: &Namespace) {
        if let Some(service) = Service::read(object, default) {
            self.insert_service(service);
        }
        for backend in Backend::read(object, default) {
            self.insert_backend(backend);
        }
        self.autoscaled.extend(autoscaler_target(object, default));
    }

    /// Returns the member with this identity.
    ///
    /// # Panics
    /// If it was removed.
    pub fn member(&self, id: MemberId) -> &Member {
        &self.members[&id]
    }

    /// Returns the members in the order of their insertion.
    pub fn members(&self) -> impl Iterator<Item = (MemberId, &Member)> {
        self.members.iter().map(|(id, member)| (*id, &**member))
    }

    /// Returns the Service of this name.
    pub fn service(&self, name: &str, namespace: &Namespace) -> Option<&Service> {
        self.services.get(name, namespace)
    }

    /// Returns all Services, in no order.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.iter()
    }

    /// Returns the endpoints that someone writes by hand for a Service.
    pub fn backends(&self, service: &Service) -> &[Backend] {
        let key = (service.namespace.clone(), service.name.clone());
        self.backends.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Returns the Service that a pod in the namespace `from` reaches as `host`, by the rules of
    /// cluster DNS.
    pub fn resolve<'h>(&self, host: &'h str, from: &'h Namespace) -> Option<(&Service, Host<'h>)> {
        self.services.resolve(host, from)
    }

    /// Returns the members whose pods are behind a Service.
    pub fn behind(&self, service: &Service) -> Vec<MemberId> {
        self.select(&service.selector, &service.namespace)
    }

    fn select(&self, labels: &[(Box<str>, Box<str>)], namespace: &Namespace) -> Vec<MemberId> {
        self.labels.select(labels, namespace, |id| self.member(id))
    }

    /// Returns the member that a live pod is a part of: the pod itself, its controller, or the
    /// Deployment above that.
    pub fn member_of_pod(&self, pod: &Value) -> Option<MemberId> {
        let namespace: Namespace = text(pod, "/metadata/namespace")?.parse().ok()?;
        let own = (WorkloadKind::Pod, text(pod, "/metadata/name")?.into());
        let mut names = std::iter::once(own).chain(controllers(pod));
        names.find_map(|(kind, name)| self.of_object(&namespace, kind, &name).first().copied())
    }

    /// Returns whether an autoscaler changes how many pods `member` makes.
    pub fn is_autoscaled(&self, member: &Member) -> bool {
        let Member {
            namespace,
            kind,
            name,
            ..
        } = member;
        let kind = match kind {
            MemberKind::Custom { kind, .. } => kind.clone(),
            MemberKind::Existing(_) => return false,
            MemberKind::Workload(kind) => kind.as_str().into(),
        };
        !self.autoscaled.is_empty()
            && self
                .autoscaled
                .contains(&(namespace.clone(), kind, name.clone()))
    }

    /// Returns the members that can make a term of `consumer` hold, in their order.
    pub fn producers(&self, consumer: &Member, term: &Term) -> Vec<Producer> {
        self.producers_of(&Want::of(consumer, term))
    }

    /// Returns the members that can provide `want`, in their order. A signal counts whatever its
    /// value is.
    pub fn producers_of(&self, want: &Want) -> Vec<Producer> {
        distinct(&self.sources(want))
    }

    fn sources(&self, want: &Want) -> Vec<Source> {
        let (members, via) = match want {
            Want::Below { namespace, names } | Want::Variable { namespace, names } => {
                let offers = self.signals.matching(namespace, names).into_iter();
                return offers.filter_map(|offer| self.source(offer)).collect();
            }
            Want::Host { from, host } => (self.behind_host(host, from), Via::Probe),
            Want::Object(object) => (self.parts_of(object), Via::Object),
        };
        let source = |member| Source {
            producer: Producer { member, via },
            signal: None,
        };
        members.into_iter().map(source).collect()
    }

    fn source(&self, (member, index): Offer) -> Option<Source> {
        let (key, _) = self.member(member).signal(index)?;
        let via = match self.member(member).kind {
            MemberKind::Existing(_) => Via::Existing,
            MemberKind::Custom { .. } | MemberKind::Workload(_) => Via::Signal(key),
        };
        Some(Source {
            producer: Producer { member, via },
            signal: Some(index),
        })
    }

    /// Returns the signal of a source, if it is one.
    fn signal(&self, source: &Source) -> Option<&Signal> {
        let (_, signal) = self.member(source.producer.member).signal(source.signal?)?;
        Some(signal)
    }

    /// Returns what people call a member: with its namespace if the model has several.
    pub fn name(&self, id: MemberId) -> String {
        let member = self.member(id);
        if self.namespaces.len() > 1 {
            format!("{member} ({})", member.namespace)
        } else {
            member.to_string()
        }
    }

    /// Returns the members whose pods make `object` hold. A condition or a field may hold before
    /// or after that, and one with a placeholder left in its name or labels is unknown.
    fn parts_of(&self, object: &ObjectTerm) -> Vec<MemberId> {
        let (Some(namespace), ObjectDemand::Rule) = (&object.namespace, &object.demand) else {
            return Vec::new();
        };
        match &object.which {
            Which::Labelled { labels, .. } if object.kind == ObjectKind::Pod => {
                let literal = |(key, value): (&str, &NameTemplate)| {
                    Some((key.into(), value.literal()?.into()))
                };
                let labels: Option<Vec<_>> = labels.iter().map(literal).collect();
                self.select(&labels.unwrap_or_default(), namespace)
            }
            // A Job's labels need not be those of its pods.
            Which::Labelled { .. } => Vec::new(),
            Which::Named(name) => name.literal().map_or_else(Vec::new, |name| {
                self.parts_of_named(&object.kind, name, namespace)
            }),
        }
    }

    fn parts_of_named(
        &self,
        kind: &ObjectKind,
        name: &str,
        namespace: &Namespace,
    ) -> Vec<MemberId> {
        match kind {
            ObjectKind::DaemonSet => self.of_object(namespace, WorkloadKind::DaemonSet, name),
            ObjectKind::Deployment => self.of_object(namespace, WorkloadKind::Deployment, name),
            ObjectKind::Job => self.of_object(namespace, WorkloadKind::Job, name),
            ObjectKind::Pod => self.of_pod(namespace, name),
            ObjectKind::Service => self
                .service(name, namespace)
                .map_or_else(Vec::new, |service| self.behind(service)),
            ObjectKind::StatefulSet => self.of_object(namespace, WorkloadKind::StatefulSet, name),
            ObjectKind::ConfigMap
            | ObjectKind::Node
            | ObjectKind::Other(_)
            | ObjectKind::PersistentVolumeClaim
            | ObjectKind::Secret => Vec::new(),
        }
    }

    fn of_object(&self, namespace: &Namespace, kind: WorkloadKind, name: &str) -> Vec<MemberId> {
        let members = self.objects.get(&(namespace.clone(), kind, name.into()));
        members.into_iter().flat_map(SortedSet::iter).collect()
    }

    /// Returns the pod of this name, or the `StatefulSet` that makes one.
    fn of_pod(&self, namespace: &Namespace, name: &str) -> Vec<MemberId> {
        let mut members = self.of_object(namespace, WorkloadKind::Pod, name);
        if let Some((set, _)) = name.rsplit_once('-') {
            let sets = self.of_object(namespace, WorkloadKind::StatefulSet, set);
            members.extend(
                sets.into_iter()
                    .filter(|id| self.member(*id).makes_pod(name)),
            );
        }
        members
    }

    fn behind_host(&self, host: &str, from: &Namespace) -> Vec<MemberId> {
        let Some((service, host)) = self.resolve(host, from) else {
            return Vec::new();
        };
        let mut members = self.behind(service);
        if let Host::Pod(pod) = &host {
            members.retain(|id| self.member(*id).makes_pod(pod));
        }
        members
    }
}

/// Returns the producers among sources, which stand in their order, each once.
fn distinct(sources: &[Source]) -> Vec<Producer> {
    let mut producers: Vec<_> = sources.iter().map(|source| source.producer).collect();
    producers.dedup();
    producers
}

/// Returns the addresses of all objects that the pods of `member` make up.
fn object_names(member: &Member) -> impl Iterator<Item = ObjectName> {
    let kind = member.workload_kind();
    let own = kind.map(|kind| (kind, member.name.clone()));
    let above = member.controllers.iter().cloned();
    own.into_iter()
        .chain(above)
        .map(|(kind, name)| (member.namespace.clone(), kind, name))
}

/// Returns the workload whose number of pods another object decides: an autoscaler, or a Rollout of
/// Argo that takes its pods from a Deployment.
fn autoscaler_target(
    object: &Value,
    default: &Namespace,
) -> Option<(Namespace, Box<str>, Box<str>)> {
    let target = match text(object, "/kind")? {
        "HorizontalPodAutoscaler" | "ScaledObject" => "/spec/scaleTargetRef",
        "Rollout" => "/spec/workloadRef",
        _ => return None,
    };
    let target = object.pointer(target)?;
    let namespace = text(object, "/metadata/namespace").and_then(|own| own.parse().ok());
    Some((
        namespace.unwrap_or_else(|| default.clone()),
        text(target, "/kind").unwrap_or("Deployment").into(),
        text(target, "/name")?.into(),
    ))
}

#[cfg(test)]
mod tests;
