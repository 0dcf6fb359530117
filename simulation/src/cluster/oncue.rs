//! oncue's own controller: what it sees of the cluster, and what it decides.
//!
//! The decisions are those of the controller in a cluster: [`Life`](oncue_core::life::Life),
//! [`objects::state`](oncue_core::objects::state) and [`GateWait`](oncue_core::gates::GateWait).
//! It watches the pods with the label of injection, and all Jobs; nothing is ever lost on the way.

use std::time::Duration;

use oncue_core::{
    gates::{GateDecision, Overdue},
    life::{Decisions, ObservedJob, ObservedPod, Owner},
    workload::WorkloadKind,
    world::{Update, variables::Variables},
};
use oncue_language::{Keys, State, Timestamp};
use serde_json::Value;

use super::{Action, Cluster, Entry, Phase, PodId, held_gate::HeldGate, steps::Step};
use crate::{entry::What, virtual_time::timestamp};

impl Cluster {
    /// Lets the controller see everything that has happened at `now`, and returns what it decides.
    ///
    /// An executor calls this again until nothing is decided any more.
    pub fn settle(&mut self, now: Duration) -> Vec<Action> {
        self.now = self.now.max(now);
        self.decide();
        self.report_objects();
        std::mem::take(&mut self.actions)
    }

    /// The store has changed an assertion: returns the line of the timeline about it.
    pub fn assertion_changed(&mut self, update: &Update) -> Option<Entry> {
        self.life.assertion_changed(update);
        let assertion = update.after.as_ref().or(update.before.as_ref())?;
        let subject = self.subject(assertion.id.asserter.owner()?)?;
        let key = (update.key.clone(), assertion.id.clone());
        let name = &update.key.name;
        let what = if update.after.is_none() {
            self.asserted.remove(&key).then(|| What::Withdrawn {
                variable: name.to_string(),
            })
        } else {
            self.asserted.insert(key).then(|| What::Signaled {
                variable: match &assertion.value {
                    Some(value) => format!("{name}={value}"),
                    None => name.to_string(),
                },
            })
        };
        what.map(|what| Entry { subject, what })
    }

    /// The store has these assertions, after some changes of them were missed.
    pub fn reset_assertions(&mut self, variables: &Variables) {
        self.life.reset_assertions(variables);
    }

    /// Returns the pod or Job that owns an assertion, as the timeline calls it.
    fn subject(&self, owner: &Owner) -> Option<String> {
        let pod = self.find(&owner.namespace, &owner.name);
        if pod.is_some_and(|pod| *self.pod(pod).uid == *owner.uid) {
            return Some(owner.name.to_string());
        }
        let job = &self.inventory.controllers[*self.jobs.get(&owner.uid)?];
        Some(format!("job/{}", job.name))
    }

    /// The watches show everything that is there at the beginning: Jobs, and no pods.
    pub(super) fn begin_watches(&mut self) {
        self.life.pods_listed();
        self.begin_stages();
        self.life.jobs_listed();
    }

    /// The watch of pods shows one that has changed.
    pub(super) fn observe_pod(&mut self, id: PodId) {
        if !self.pod(id).is_managed {
            return;
        }
        if self.pod(id).phase == Phase::Deleted || self.pod(id).is_removed() {
            let owner = self.pod(id).owner();
            self.life.pod_missing(&owner);
        } else if let Some(pod) = read(&self.pod(id).object) {
            self.life.observe_pod(pod);
        }
        self.decide();
    }

    /// The watch of Jobs shows one that has begun or ended.
    pub(super) fn show_job(&mut self, index: usize) {
        self.observe_job(index);
        self.decide();
    }

    pub(super) fn observe_job(&mut self, index: usize) {
        self.write_workload_status(index);
        if self.inventory.controllers[index].kind != WorkloadKind::Job {
            return;
        }
        let job = self.inventory.controllers[index].object();
        if let Ok(job) = ObservedJob::read(job, &Keys::default()) {
            self.life.observe_job(job);
        }
    }

    /// Decides about everything that was observed. The API server answers at once.
    pub(super) fn decide(&mut self) {
        let now = timestamp(self.now);
        loop {
            let Decisions {
                mutations,
                confirm,
                next,
            } = self.life.decide(now);
            self.actions
                .extend(mutations.into_iter().map(Action::Change));
            self.next_decision = next;
            if confirm.is_empty() {
                return;
            }
            for id in confirm {
                let found = self.found(&id);
                self.life.pod_confirmed(&id, found);
            }
        }
    }

    /// Returns the pod of this name, if the API server has one.
    fn found(&self, id: &Owner) -> Option<ObservedPod> {
        let pod = self.pod(self.find(&id.namespace, &id.name)?);
        read(&pod.object).filter(|_| pod.exists())
    }

    /// Returns when the controller decides again although nothing happens.
    pub(super) fn next_decision(&self) -> Option<Duration> {
        let next = self.next_decision?;
        Some(next.since(Timestamp::default()))
    }

    /// Opens a pod's scheduling gate.
    pub(super) fn gate_opened(&mut self, id: PodId) {
        if self.pod(id).step() == Some(&Step::Gate) {
            self.wait_is_over(id);
            self.update(id, super::Pod::open_gate);
            self.go_on(id);
        }
    }

    /// Decides about the gate of a pod, given the states of its terms.
    pub(super) fn decide_gate(&mut self, id: PodId, states: &[State]) -> Option<GateDecision> {
        let now = timestamp(self.now);
        let HeldGate { wait, overdue, .. } = self.pods[id.0].gate.as_mut()?;
        let decision = wait.decide(states, now);
        let reason = match &decision {
            GateDecision::Overdue { reason, .. } => Some(reason.clone()),
            GateDecision::Open | GateDecision::Wait { .. } => None,
        };
        if *overdue != reason {
            overdue.clone_from(&reason);
            if let Some(reason) = reason {
                self.log(id, What::GateOverdue { why: told(&reason) });
            }
        }
        Some(decision)
    }
}

fn read(pod: &Value) -> Option<ObservedPod> {
    ObservedPod::read(pod, &Keys::default()).ok()
}

fn told(reason: &Overdue) -> String {
    match reason {
        Overdue::Failed(terms) => format!("failed: {}", terms.join(", ")),
        Overdue::TimedOut(terms) => format!("timed out: {}", terms.join(", ")),
    }
}
