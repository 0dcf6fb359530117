//! The life of a signal: when it is asserted, and when it is withdrawn.
//!
//! Pure: times come in as values, and what is to be done goes out as data. The shell of the
//! controller tells [`Life`] what it observes, in any order, and carries out the [`Decisions`]. So
//! does a rehearsal, with the pods and Jobs of a cluster that is simulated.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `declared_signal`, `signals`, `outcome` | what a pod or a Job signals, and when |
//! | `container_state`, `observed_pod`, `observed_job` | what is read of pods and Jobs, on arrival |
//! | `pod_life` | what one observed pod implies of its live and ready signals |
//! | `tracked_pod`, `pods` | which pods exist, and what follows for their assertions |
//! | `run`, `runs`, `statements` | how Jobs and single pods ended, and what follows for durable assertions |
//! | `assertion_index`, `listing` | the assertions that exist; which objects a watch has listed |
//! | `decisions` | [`Decisions`], what the shell has to do |
//!
//! Every decision is level-triggered: it follows from what was observed last and from the
//! assertions that exist. So an outage of the controller, the store or the API server ends with the
//! next complete list, and a write that had to wait is made if it is still [wanted](Life::wants). Of several replicas, one decides,
//! and the others [stand by](Life::stand_by).

mod assertion_index;
mod container_state;
mod decisions;
mod declared_signal;
mod listing;
mod observed_job;
mod observed_pod;
mod outcome;
mod pod_life;
mod pods;
mod run;
mod runs;
mod signals;
mod statements;
#[cfg(test)]
mod tests;
mod tracked_pod;

pub use self::{
    container_state::ContainerState,
    decisions::Decisions,
    declared_signal::DeclaredSignal,
    observed_job::ObservedJob,
    observed_pod::{Deletion, ObservedPod, PodPhase, PodProblem, Unidentified},
    outcome::{Outcome, OutcomeSignals, RunEnd},
    signals::{PodSignals, SignalProblem},
};
pub use crate::assertion::{Asserter, Assertion, AssertionId};
pub use oncue_language::{Kind, Owner, Timestamp, TimestampError};

use std::sync::Arc;

use oncue_language::VariableKey;

use self::{
    assertion_index::{AssertionIndex, Unit},
    pods::Pods,
    runs::Runs,
};
pub(crate) use self::{
    container_state::{created, moment},
    listing::{ListId, Listing},
    observed_pod::{condition, identity},
};
use crate::world::{Action, Mutation, Update, variables::Variables};

/// The life of all signals: what the observed pods and Jobs imply, against the assertions that
/// exist.
///
/// Nothing is decided before the first list of pods is complete, and nothing about outcomes before
/// that of Jobs is too.
#[derive(Debug, Default)]
pub struct Life {
    assertions: AssertionIndex,
    pods: Pods,
    runs: Runs,
}

impl Life {
    /// Returns the life of signals of which `variables` is all that is known.
    pub fn new(variables: &Variables) -> Self {
        let mut life = Self::default();
        life.reset_assertions(variables);
        life
    }

    /// The assertions are these now: after a loss of the changes in between.
    pub fn reset_assertions(&mut self, variables: &Variables) {
        self.assertions = AssertionIndex::new(variables);
        self.pods.touch_all(&self.assertions);
        self.runs.touch_all();
    }

    /// Takes note that an assertion has changed, by this process or by another client.
    pub fn assertion_changed(&mut self, update: &Update) {
        self.assertions.apply(update);
        self.touch(Unit::of(&update.key, update.id()));
    }

    /// Returns whether a mutation of an earlier decision, which was not carried out yet, would be
    /// decided at `now` too. The shell asks before it makes a change that had to wait.
    pub fn wants(&self, mutation: &Mutation, now: Timestamp) -> bool {
        let id = mutation.assertion();
        let wanted = match id.and_then(|id| Unit::of(&mutation.key, id)) {
            Some(Unit::Pod(owner)) => self.pods.mutations(&owner, &self.assertions, now),
            Some(Unit::Variable(key)) => self.runs.mutations(&key, &self.assertions, now),
            None => Vec::new(),
        };
        wanted.iter().any(|it| it.asks_the_same(mutation))
    }

    /// A mutation of an earlier decision can never be carried out: its namespace is gone. So the
    /// outcome of a run that it was to assert is forgotten.
    pub fn mutation_abandoned(&mut self, mutation: &Mutation) {
        let Mutation { key, action } = mutation;
        if let Action::Assert { assertion, .. } = action
            && let Kind::Durable = assertion.id.kind
            && let Some(owner) = assertion.id.asserter.owner()
        {
            self.runs.settle(&owner.uid, &key.name);
        }
    }

    /// Takes note of what has changed while another replica decides: what that one has done is not
    /// to be done again, and nothing is kept that was only of use to it. Returns when to call this
    /// again without anything new.
    pub fn stand_by(&mut self, now: Timestamp) -> Option<Timestamp> {
        let Decisions { confirm, next, .. } = self.decide(now);
        for id in confirm {
            // Assertions of a pod bring it back.
            if self.assertions.of_pod(&id).is_empty()
                && let Some(pod) = self.pods.forget(&id)
            {
                self.runs.forget_pod(&pod);
            }
        }
        next
    }

    /// Everything is decided anew: another replica has decided until now.
    pub fn take_over(&mut self) {
        self.pods.ask_anew();
        self.pods.touch_all(&self.assertions);
        self.runs.touch_all();
    }

    fn touch(&mut self, unit: Option<Unit>) {
        match unit {
            Some(Unit::Pod(owner)) => self.pods.touch(&owner),
            Some(Unit::Variable(key)) => self.runs.touch(&key),
            None => {}
        }
    }

    /// The watch shows a pod, or a pod that has changed.
    pub fn observe_pod(&mut self, pod: impl Into<Arc<ObservedPod>>) {
        let pod = pod.into();
        if !self.pods.is_gone(&pod.id) {
            self.take_over_run(&pod);
            self.pods.observe(pod);
        }
    }

    /// The watch shows a pod no more: it is gone, or someone removed its label.
    pub fn pod_missing(&mut self, id: &Owner) {
        self.pods.missing(id);
    }

    /// Returns whether a watch or the API server has shown this pod.
    pub fn has_seen(&self, id: &Owner) -> bool {
        self.pods.seen(id).is_some()
    }

    /// Returns the live and ready assertions of a pod, with their variables.
    pub fn signals_of(&self, id: &Owner) -> impl Iterator<Item = (&VariableKey, &AssertionId)> {
        let signals = self.assertions.of_pod(id).iter();
        signals.map(|it| (&it.key, &it.assertion.id))
    }

    /// The API server has answered to [`Decisions::confirm`]: with the pod of that name, or `None`
    /// if no pod has it.
    pub fn pod_confirmed(&mut self, id: &Owner, found: Option<ObservedPod>) {
        match found.filter(|pod| pod.id == *id).map(Arc::new) {
            Some(pod) if self.pods.is_unlisted(id) => {
                self.take_over_run(&pod);
                self.pods.found(pod);
            }
            Some(_) => {}
            None => {
                if let Some(pod) = self.pods.gone(id) {
                    self.runs.forget_pod(&pod);
                }
            }
        }
    }

    /// A pod that was adopted since it was seen last belongs to another run now.
    fn take_over_run(&mut self, pod: &ObservedPod) {
        let before = self.pods.seen(&pod.id).filter(|it| it.job != pod.job);
        if let Some(before) = before {
            self.runs.forget_pod(before);
        }
        self.runs.observe_pod(pod);
    }

    /// The watch of pods begins a new list.
    pub fn pods_listing(&mut self) {
        self.pods.listing.begin();
    }

    /// The list of pods is complete.
    pub fn pods_listed(&mut self) {
        self.pods.listed();
    }

    /// The watch shows a Job, or a Job that has changed.
    pub fn observe_job(&mut self, job: ObservedJob) {
        self.runs.observe_job(job);
    }

    /// The watch shows a Job no more. Its outcome is kept until it is asserted.
    pub fn job_gone(&mut self, id: &Owner) {
        self.runs.forget_job(&id.uid);
    }

    /// The watch of Jobs begins a new list.
    pub fn jobs_listing(&mut self) {
        self.runs.jobs.begin();
    }

    /// The list of Jobs is complete.
    pub fn jobs_listed(&mut self) {
        self.runs.jobs_listed();
    }

    /// Returns what is to be done about everything that has changed since the last time.
    pub fn decide(&mut self, now: Timestamp) -> Decisions {
        let mut decisions = Decisions::default();
        for pod in self.pods.decide(&self.assertions, now, &mut decisions) {
            self.runs.forget_pod(&pod);
        }
        if self.pods.listing.is_known() && self.runs.jobs.is_known() {
            self.runs.decide(&self.assertions, now, &mut decisions);
        }
        decisions
    }
}
