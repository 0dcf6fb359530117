//! What is known of one pod, and what follows from it.

use std::{sync::Arc, time::Duration};

use oncue_language::{Owner, Timestamp, VariableKey};

use super::{
    Assertion, AssertionId, ObservedPod, assertion_index::PodAssertion, listing::ListId,
    pod_life::Implied,
};
use crate::world::{Action, Existing, Mutation};

/// What is known of one pod.
#[derive(Debug)]
pub(super) struct TrackedPod {
    /// As it was seen last; `None` if it never was.
    pub(super) seen: Option<Arc<ObservedPod>>,
    pub(super) presence: Presence,
}

/// Whether a pod exists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Presence {
    /// The API server said that it does not: what a late marker or a stale list says is ignored.
    Gone {
        /// When that can be forgotten.
        until: Option<Timestamp>,
    },
    /// The watch shows it.
    Listed(ListId),
    /// The watch does not show it, and the API server was not asked.
    Missing {
        /// When to ask.
        ask: Option<Timestamp>,
    },
    /// The API server has it, and the watch does not show it: someone removed its label.
    Unlabelled {
        /// When to ask again.
        ask: Option<Timestamp>,
    },
}

/// What follows from what is known of a pod.
#[derive(Debug, Default)]
pub(super) struct PodDecision {
    pub(super) mutations: Vec<Mutation>,
    /// Whether to ask the API server for it.
    pub(super) confirm: bool,
    /// When to decide again.
    pub(super) next: Option<Timestamp>,
    /// Whether nothing has to be kept of it.
    pub(super) forget: bool,
}

impl TrackedPod {
    /// Decides what follows at `now`, given the live and ready assertions that the pod has.
    pub(super) fn decide(&mut self, owned: &[PodAssertion], now: Timestamp) -> PodDecision {
        let is_over = owned.is_empty() && !self.can_signal(now);
        let patience = if self.seen.is_some() {
            Duration::ZERO
        } else {
            PATIENCE
        };
        match &mut self.presence {
            Presence::Gone { until } => {
                let until = *until.get_or_insert(now + REMEMBERED);
                PodDecision {
                    mutations: self.mutations(owned, now),
                    next: Some(until),
                    forget: owned.is_empty() && until <= now,
                    ..PodDecision::default()
                }
            }
            Presence::Listed(_) => PodDecision {
                mutations: self.mutations(owned, now),
                next: self.deadline(),
                ..PodDecision::default()
            },
            Presence::Missing { ask } => PodDecision {
                confirm: !is_over && is_due(ask, patience, now),
                next: *ask,
                forget: is_over,
                ..PodDecision::default()
            },
            Presence::Unlabelled { ask } => {
                let confirm = !is_over && is_due(ask, RECHECK, now);
                let ask = *ask;
                PodDecision {
                    mutations: self.mutations(owned, now),
                    confirm,
                    next: self.deadline().into_iter().chain(ask).min(),
                    forget: is_over,
                }
            }
        }
    }

    /// Returns whether a pod without assertions can still make one.
    fn can_signal(&self, now: Timestamp) -> bool {
        let seen = self.seen.as_ref().filter(|seen| !seen.has_ended(now));
        seen.and_then(|seen| seen.signals.as_ref().ok())
            .is_some_and(|signals| signals.has_live() || !signals.outcomes.is_empty())
    }

    /// Returns what is to be done at `now`, given the live and ready assertions that the pod has.
    pub(super) fn mutations(&self, owned: &[PodAssertion], now: Timestamp) -> Vec<Mutation> {
        match self.presence {
            Presence::Gone { .. } => owned.iter().map(withdraw).collect(),
            Presence::Listed(_) | Presence::Unlabelled { .. } => self.follow(owned, now),
            Presence::Missing { .. } => Vec::new(),
        }
    }

    /// Returns when the time of the pod to end is over, if it is being deleted.
    fn deadline(&self) -> Option<Timestamp> {
        self.seen.as_ref()?.deletion.map(|it| it.deadline)
    }

    /// Makes the assertions what the pod implies.
    fn follow(&self, owned: &[PodAssertion], now: Timestamp) -> Vec<Mutation> {
        let Some(pod) = &self.seen else {
            return Vec::new();
        };
        let untrue = owned
            .iter()
            .filter(|it| !pod.keeps(it.assertion.id.kind, now));
        let missing = pod.implied(now).into_iter();
        let missing = missing.filter(|implied| !owned.iter().any(|it| is_it(it, &pod.id, implied)));
        untrue
            .map(withdraw)
            .chain(missing.map(|implied| assert(&pod.id, implied, now)))
            .collect()
    }
}

/// Returns whether to ask for a pod now, and plans the next time; the first is after `patience`.
fn is_due(ask: &mut Option<Timestamp>, patience: Duration, now: Timestamp) -> bool {
    let is_due = *ask.get_or_insert(now + patience) <= now;
    if is_due {
        *ask = Some(now + RECHECK);
    }
    is_due
}

/// Returns whether the assertion is the one that the pod implies. A signal without a value accepts any: a pod may
/// set one later.
fn is_it(
    PodAssertion { key, assertion }: &PodAssertion,
    pod: &Owner,
    implied: &Implied<'_>,
) -> bool {
    let has_value = implied.value.is_none() || implied.value == assertion.value.as_ref();
    let is_named = (&key.namespace, &key.name) == (&pod.namespace, implied.name);
    is_named && assertion.id.kind == implied.kind && has_value
}

fn withdraw(PodAssertion { key, assertion }: &PodAssertion) -> Mutation {
    Mutation {
        key: key.clone(),
        action: Action::Withdraw(assertion.id.clone()),
    }
}

fn assert(pod: &Owner, Implied { name, kind, value }: Implied<'_>, now: Timestamp) -> Mutation {
    Mutation {
        key: VariableKey::new(pod.namespace.clone(), name.clone()),
        action: Action::Assert {
            assertion: Assertion {
                id: AssertionId::of(pod.clone(), kind),
                value: value.cloned(),
                since: now,
                expires: None,
            },
            existing: Existing::Replace,
        },
    }
}

/// How long the watch may lag behind the marker of a pod that it has never shown.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the API server is asked for a pod that the watch does not show.
const RECHECK: Duration = Duration::from_secs(15);
/// How long a late marker or a stale list may speak of a pod that is gone.
const REMEMBERED: Duration = Duration::from_mins(10);
