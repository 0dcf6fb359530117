//! How much of what a term asks for its producers can bring.

use std::collections::{BTreeMap, HashSet};

use super::{Actor, Graph, Link, Producer, Scene, Via};
use crate::language::{Demand, Signal, Target, annotation::Key};

/// How much there can be of something.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Supply {
    /// At the most so much.
    AtMost(u64),
    /// Nobody can say.
    Unbounded,
}

impl Supply {
    fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::AtMost(ours), Self::AtMost(theirs)) => Self::AtMost(ours.saturating_add(theirs)),
            _ => Self::Unbounded,
        }
    }
}

impl Graph<'_> {
    /// Returns how many owners, variables or objects the term of `link` needs.
    pub fn need(&self, link: &Link) -> u64 {
        match &self.term(link).value.target {
            Target::Below { at_least, .. }
            | Target::Variable {
                demand: Demand::Owners(at_least),
                ..
            } => at_least.get().into(),
            Target::Object { .. } | Target::Probe(_) | Target::Variable { .. } => 1,
        }
    }

    /// Returns how many of those the producers of `link` for which `counts` can bring.
    pub fn supply(&self, link: &Link, counts: impl Fn(&Producer) -> bool) -> Supply {
        let producers = link.producers.iter().filter(|producer| counts(producer));
        match &self.term(link).value.target {
            Target::Below { .. } => self.variables(link, producers),
            Target::Variable { demand, .. } => {
                let has_value = |producer: &&Producer| match demand {
                    Demand::Equals(value) => self
                        .signals(link, producer)
                        .any(|signal| signal.value.as_ref() == Some(value)),
                    Demand::Exists | Demand::Owners(_) => true,
                };
                self.pods(producers.filter(has_value))
            }
            Target::Object { .. } | Target::Probe(_) => self.pods(producers),
        }
    }

    fn pods<'p>(&self, producers: impl Iterator<Item = &'p Producer>) -> Supply {
        // An actor that signals a variable twice over asserts it once with each pod.
        let mut most = BTreeMap::new();
        for producer in producers {
            let pods = pods(&self.scene, producer);
            let entry = most.entry(producer.actor).or_insert(pods);
            *entry = pods.max(*entry);
        }
        most.into_values().fold(Supply::AtMost(0), Supply::plus)
    }

    /// Counts the names below a name: one for each that is written out, one a pod for others.
    fn variables<'p>(&self, link: &Link, producers: impl Iterator<Item = &'p Producer>) -> Supply {
        let mut names = HashSet::new();
        let mut supply = Supply::AtMost(0);
        for producer in producers {
            let pods = pods(&self.scene, producer);
            for signal in self.signals(link, producer) {
                match signal.name.literal() {
                    Some(_) if pods == Supply::AtMost(0) => {}
                    Some(name) if names.insert(name.to_owned()) => {
                        supply = supply.plus(Supply::AtMost(1));
                    }
                    Some(_) => {}
                    None => supply = supply.plus(pods),
                }
            }
        }
        supply
    }

    fn signals<'s>(
        &'s self,
        link: &'s Link,
        producer: &Producer,
    ) -> impl Iterator<Item = &'s Signal> {
        let term = &self.term(link).value;
        self.scene
            .signals_for(producer, self.consumer(link), term)
            .into_iter()
    }
}

fn pods(scene: &Scene<'_>, producer: &Producer) -> Supply {
    let actor: &Actor<'_> = &scene.actors()[producer.actor];
    if scene.is_autoscaled(actor) {
        return Supply::Unbounded;
    }
    let scale = actor.workload.scale();
    let pods = match producer.via {
        // What stays when the pod is gone adds up over time.
        Via::Signal(Key::SignalsOnFailure | Key::SignalsOnSuccess) => scale.in_all(),
        _ => scale.at_once(),
    };
    pods.map_or(Supply::Unbounded, |pods| Supply::AtMost(pods.into()))
}
