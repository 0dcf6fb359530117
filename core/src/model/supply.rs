//! How much of what a term asks for its producers can provide.

use super::{Model, Producer, Via};
use crate::language::{Demand, Target, Term, annotation::Key};

/// How much there can be of something.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Supply {
    /// No more than this.
    AtMost(u64),
    /// There is no telling.
    Unbounded,
}

impl Supply {
    /// There is nothing.
    pub(super) const NOTHING: Self = Self::AtMost(0);

    pub(super) fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::AtMost(ours), Self::AtMost(theirs)) => Self::AtMost(ours.saturating_add(theirs)),
            _ => Self::Unbounded,
        }
    }
}

/// Returns how many owners, variables or objects a term needs.
pub(super) fn need(term: &Term) -> u64 {
    match &term.target {
        Target::Below { at_least, .. }
        | Target::Variable {
            demand: Demand::Owners(at_least),
            ..
        } => at_least.get().into(),
        Target::Object(object) => object.which.at_least().get().into(),
        Target::Probe(_) | Target::Variable { .. } => 1,
    }
}

impl Model {
    /// Returns how many pods of `producer` can count towards a term.
    pub(super) fn pods(&self, producer: &Producer) -> Supply {
        let member = self.member(producer.member);
        if self.is_autoscaled(member) {
            return Supply::Unbounded;
        }
        let pods = match producer.via {
            // What stays when the pod is gone adds up over time.
            Via::Signal(Key::SignalsOnFailure | Key::SignalsOnSuccess) => member.scale.in_all(),
            _ => member.scale.at_once(),
        };
        pods.map_or(Supply::Unbounded, |pods| Supply::AtMost(pods.into()))
    }
}
