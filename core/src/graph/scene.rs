//! All actors of a set of objects, and who produces what a term asks for.

use serde_json::Value;

use super::{
    actor::{Actor, Selector},
    pattern::Pattern,
};
use crate::{
    language::{Namespace, Signal, Target, Term, annotation::Key, term::ObjectKind},
    workload::WorkloadKind,
};

/// All actors of a set of objects, with what else in it says who produces what.
#[derive(Debug, Default)]
pub struct Scene<'a> {
    actors: Vec<Actor<'a>>,
    /// What each actor signals.
    offers: Vec<Vec<Offer>>,
    selectors: Vec<Selector<'a>>,
    /// The kind and name of what an autoscaler scales.
    autoscaled: Vec<(&'a str, &'a str)>,
}

/// One signal of an actor.
#[derive(Debug)]
struct Offer {
    key: Key,
    pattern: Pattern,
    signal: Signal,
}

/// An actor that can make a term hold.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Producer {
    /// Its position among the actors.
    pub actor: usize,
    /// How.
    pub via: Via,
}

/// How an actor makes a term hold.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Via {
    /// It is the object that is asked for, or its pods are behind the Service.
    Object,
    /// It answers a probe through a Service.
    Probe,
    /// It signals the variable.
    Signal(Key),
}

impl<'a> Scene<'a> {
    /// Returns the scene of `actors` with nothing else in it.
    pub fn new(actors: Vec<Actor<'a>>) -> Self {
        Self {
            offers: actors.iter().map(offers).collect(),
            actors,
            ..Self::default()
        }
    }

    /// Adds what an object that is not an actor says: a Service, an autoscaler; `namespace` is
    /// its own where it says none.
    pub fn add(&mut self, object: &'a Value, namespace: &'a Namespace) {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        self.selectors.extend(Selector::read(object, namespace));
        if matches!(
            text("/kind"),
            Some("HorizontalPodAutoscaler" | "ScaledObject")
        ) {
            let target = text("/spec/scaleTargetRef/name");
            let kind = text("/spec/scaleTargetRef/kind").unwrap_or("Deployment");
            self.autoscaled.extend(target.map(|name| (kind, name)));
        }
    }

    /// Returns the actors.
    pub fn actors(&self) -> &[Actor<'a>] {
        &self.actors
    }

    /// Returns whether something changes how many pods `actor` makes.
    pub fn is_autoscaled(&self, actor: &Actor<'_>) -> bool {
        let target = (actor.workload.kind().as_str(), actor.workload.name());
        self.autoscaled.contains(&target)
    }

    /// Returns whether a Service of this name is in the scene.
    pub fn has_service(&self, name: &str, namespace: &Namespace) -> bool {
        self.selectors
            .iter()
            .any(|selector| selector.service == name && selector.namespace == namespace.as_str())
    }

    /// Returns who can make `term` of `consumer` hold.
    pub fn producers(&self, consumer: &Actor<'_>, term: &Term) -> Vec<Producer> {
        self.producers_for(consumer.workload.name(), &consumer.namespace, term)
    }

    /// Returns who can make `term` hold for the pods of a workload of this name in `namespace`.
    pub fn producers_for(
        &self,
        workload: &str,
        namespace: &Namespace,
        term: &Term,
    ) -> Vec<Producer> {
        let own = namespace;
        let or_own = |namespace: &Option<Namespace>| {
            let named = namespace.as_ref();
            named.unwrap_or(own).clone()
        };
        match &term.target {
            Target::Below {
                prefix, namespace, ..
            } => {
                let wanted = Pattern::new(prefix, workload).below();
                self.signallers(&or_own(namespace), &wanted)
            }
            Target::Object {
                kind,
                name,
                namespace,
            } => match name.literal() {
                Some(name) => self.objects(kind, name, &or_own(namespace)),
                None => Vec::new(),
            },
            Target::Probe(probe) => self.behind_host(&probe.host, own),
            Target::Variable {
                name, namespace, ..
            } => self.signallers(&or_own(namespace), &Pattern::new(name, workload)),
        }
    }

    /// Returns the signals by which `producer` makes `term` of `consumer` hold.
    pub fn signals_for<'s>(
        &'s self,
        producer: &Producer,
        consumer: &Actor<'_>,
        term: &Term,
    ) -> Vec<&'s Signal> {
        let Via::Signal(key) = producer.via else {
            return Vec::new();
        };
        let wanted = match &term.target {
            Target::Below { prefix, .. } => consumer.pattern(prefix).below(),
            Target::Variable { name, .. } => consumer.pattern(name),
            Target::Object { .. } | Target::Probe(_) => return Vec::new(),
        };
        self.offers[producer.actor]
            .iter()
            .filter(|offer| offer.key == key && offer.pattern.overlaps(&wanted))
            .map(|offer| &offer.signal)
            .collect()
    }

    fn signallers(&self, namespace: &Namespace, wanted: &Pattern) -> Vec<Producer> {
        let mut producers = Vec::new();
        for (index, (actor, offers)) in self.actors.iter().zip(&self.offers).enumerate() {
            if actor.namespace == *namespace {
                let offers = offers.iter();
                let offers = offers.filter(|offer| offer.pattern.overlaps(wanted));
                producers.extend(offers.map(|offer| Producer {
                    actor: index,
                    via: Via::Signal(offer.key),
                }));
            }
        }
        // Offers of one key stand together.
        producers.dedup();
        producers
    }

    fn objects(&self, kind: &ObjectKind, name: &str, namespace: &Namespace) -> Vec<Producer> {
        let same = |actor: &Actor<'_>, kind| {
            actor.workload.kind() == kind && actor.workload.name() == name
        };
        let is_it = |actor: &Actor<'_>| match kind {
            ObjectKind::Custom { .. } => false,
            ObjectKind::DaemonSet => same(actor, WorkloadKind::DaemonSet),
            ObjectKind::Deployment => same(actor, WorkloadKind::Deployment),
            ObjectKind::Job => same(actor, WorkloadKind::Job),
            ObjectKind::Pod => actor.makes_pod(name),
            ObjectKind::Service => self.is_behind(actor, name),
            ObjectKind::StatefulSet => same(actor, WorkloadKind::StatefulSet),
        };
        self.those(Via::Object, |actor| {
            actor.namespace == *namespace && is_it(actor)
        })
    }

    fn is_behind(&self, actor: &Actor<'_>, service: &str) -> bool {
        self.selectors
            .iter()
            .any(|selector| selector.service == service && actor.is_selected_by(selector))
    }

    /// Returns the actors behind a host: `service`, `service.namespace`, with `.svc` and what
    /// follows it, and `pod.service` and so on for one pod of a headless Service.
    fn behind_host(&self, host: &str, namespace: &Namespace) -> Vec<Producer> {
        let labels: Vec<_> = host.trim_end_matches('.').split('.').collect();
        let named = [(None, &labels[..]), (Some(labels[0]), &labels[1..])];
        for (pod, labels) in named {
            let Some((service, namespace)) = service_of(labels, namespace.as_str()) else {
                continue;
            };
            let found = self.those(Via::Probe, |actor| {
                actor.namespace.as_str() == namespace
                    && self.is_behind(actor, service)
                    && pod.is_none_or(|pod| actor.makes_pod(pod))
            });
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    fn those(&self, via: Via, is_one: impl Fn(&Actor<'_>) -> bool) -> Vec<Producer> {
        let actors = self.actors.iter().enumerate();
        actors
            .filter(|(_, actor)| is_one(actor))
            .map(|(actor, _)| Producer { actor, via })
            .collect()
    }
}

/// Returns the Service and its namespace in a host's labels; `own` is where none is named.
fn service_of<'h>(labels: &[&'h str], own: &'h str) -> Option<(&'h str, &'h str)> {
    match labels {
        [service] => Some((service, own)),
        [service, namespace, rest @ ..] if rest.first().is_none_or(|word| *word == "svc") => {
            Some((service, namespace))
        }
        _ => None,
    }
}

fn offers(actor: &Actor<'_>) -> Vec<Offer> {
    let lists = actor.annotations.all_signals().into_iter();
    let signals = lists.flat_map(|(key, list)| list.iter().map(move |item| (key, &item.value)));
    signals
        .map(|(key, signal)| Offer {
            key,
            pattern: actor.pattern(&signal.name),
            signal: signal.clone(),
        })
        .collect()
}
