//! Waits against the order in which Helm, Argo CD, kapp and Flux apply objects.

mod argo;
mod flux;
mod helm;
mod kapp;
mod objects;

pub(super) use self::objects::Orders;

use serde_json::Value;

use super::{
    Code, Severity,
    waits::{Said, Waits},
};
use crate::{
    language::{ObjectDemand, ObjectKind, Presence, Target, annotation::Key},
    model::{Link, Via},
    order,
    workload::{Workload, WorkloadKind},
};

impl<'m> Waits<'m> {
    /// Reports a wait for something that is applied only once this wait is over, or that is there
    /// on install or on upgrade alone.
    pub(super) fn order(&self, link: &Link) -> Option<Said> {
        if !self.orders().is_used {
            return None;
        }
        let consumer = self.workload(link.consumer);
        let own = self.awaited_object(link).map(|object| vec![object]);
        let mut needed = [self.ordered(link), own].into_iter().flatten();
        let (severity, why) = needed.find_map(|producers| self.judge(consumer, &producers))?;
        let target = &self.links.term(link).value.target;
        let message = format!("{consumer} waits for {target}, but {why}");
        Some((severity, Code::Hook, message))
    }

    fn judge(
        &self,
        consumer: &Workload<'m>,
        producers: &[Ordered<'m>],
    ) -> Option<(Severity, String)> {
        argo::judge(consumer, producers)
            .or_else(|| helm::judge(consumer, producers))
            .or_else(|| kapp::judge(&self.orders().kapp, consumer, producers))
            .or_else(|| flux::judge(&self.orders().flux, consumer, producers))
    }

    /// Warns about a Job that is deleted once it has succeeded, so that its success is not seen.
    pub(super) fn cleaned_up(&self, link: &Link) -> Option<Said> {
        let Target::Object(object) = &self.links.term(link).value.target else {
            return None;
        };
        let by_rule = object.kind == ObjectKind::Job && object.demand == ObjectDemand::Rule;
        if !by_rule {
            return None;
        }
        let producers = self.ordered(link)?;
        let reasons: Option<Vec<_>> = producers.iter().map(|it| deleted_by(it.object)).collect();
        let reason = reasons?.into_iter().next()?;
        let names = self.producer_names(link);
        let signal = self.links.producers(link).iter().find_map(|producer| {
            let signals = &self.links.model().member(producer.member).annotations;
            let signal = signals.signals_on_success.first()?;
            Some(signal.value.name.to_string())
        });
        let cure = match signal {
            Some(variable) => format!("wait for {variable}, which its pods signal and which stays"),
            None => {
                "let its pods signal a variable with signals-on-success, which stays, and wait \
                     for that"
                    .to_owned()
            }
        };
        let message = format!(
            "{names} is deleted after it has succeeded ({reason}), and {object} does not hold then: \
             {cure}"
        );
        Some((Severity::Warning, Code::NeverHolds, message))
    }

    /// Returns the producers of a term that must hold, if all of them are workloads.
    fn ordered(&self, link: &Link) -> Option<Vec<Ordered<'m>>> {
        let term = &self.links.term(link).value;
        let producers = self.links.producers(link);
        if term.presence != Presence::Required || producers.is_empty() {
            return None;
        }
        let ordered = |producer: &crate::model::Producer| {
            let origin = self.modelled.origins.get(&producer.member)?;
            Some(Ordered {
                object: origin.workload.object(),
                title: origin.workload.to_string(),
                via: producer.via,
            })
        };
        producers.iter().map(ordered).collect()
    }
}

/// A producer in an order: the object of its pods, or one without pods.
struct Ordered<'m> {
    object: &'m Value,
    /// What people call it.
    title: String,
    via: Via,
}

impl Ordered<'_> {
    /// Returns whether what it made hold stays once it is gone, or it is not deleted at all.
    fn stays(&self) -> bool {
        match self.via {
            Via::Signal(Key::SignalsOnFailure | Key::SignalsOnSuccess) => true,
            Via::Object => deleted_by(self.object).is_none(),
            Via::Existing | Via::Probe | Via::Signal(_) => false,
        }
    }
}

/// Returns whether an installer that waits until an object is healthy waits for its pods.
fn is_waited_for(workload: &Workload<'_>) -> bool {
    workload.kind() != WorkloadKind::CronJob
}

/// Returns what deletes an object once it has succeeded.
fn deleted_by(object: &Value) -> Option<&'static str> {
    let ttl = object.pointer("/spec/ttlSecondsAfterFinished");
    order::deletes_on_success(object).or_else(|| ttl.map(|_| "ttlSecondsAfterFinished"))
}
