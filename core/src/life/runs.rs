//! All runs, and the variables that they decide about together.

use std::collections::{BTreeMap, BTreeSet};

use oncue_language::{Timestamp, VariableKey, VariableName};

use super::{
    Decisions, ObservedJob, ObservedPod,
    assertion_index::AssertionIndex,
    listing::{ListId, Listing},
    run::Run,
    statements::{OutcomeChanges, Statements},
};
use crate::world::Mutation;

/// All runs that may still have something to say.
#[derive(Debug, Default)]
pub(super) struct Runs {
    pub(super) jobs: Listing,
    /// By the uid of the Job or the pod.
    by_uid: BTreeMap<Box<str>, Run>,
    listed: BTreeMap<Box<str>, ListId>,
    by_variable: BTreeMap<VariableKey, BTreeSet<Box<str>>>,
    /// The variables about which something has changed since the last decision.
    pending: BTreeSet<VariableKey>,
}

impl Runs {
    /// Returns whether nothing is kept of any run.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.by_uid.is_empty() && self.by_variable.is_empty() && self.listed.is_empty()
    }

    /// Takes over what a pod tells about its run.
    pub(super) fn observe_pod(&mut self, pod: &ObservedPod) {
        let Ok(signals) = &pod.signals else {
            return;
        };
        if signals.outcomes.is_empty() {
            return;
        }
        match &pod.job {
            Some(job) => self.change(job, |run| {
                run.recorded.add(&signals.outcomes);
                run.pods.insert(pod.id.uid.clone());
            }),
            None => self.change(&pod.id.uid, |run| {
                run.producer = Some(pod.id.clone());
                run.started = Some(pod.created);
                run.end = run.end.or_else(|| pod.run_end());
                run.recorded.clone_from(&signals.outcomes);
                run.exists = true;
            }),
        }
    }

    /// The pod is gone, or not known any more.
    pub(super) fn forget_pod(&mut self, pod: &ObservedPod) {
        let uid = pod.job.as_ref().unwrap_or(&pod.id.uid);
        if self.by_uid.contains_key(uid) {
            self.change(uid, |run| {
                run.pods.remove(&pod.id.uid);
                run.exists &= pod.job.is_some();
            });
        }
    }

    /// Takes over a Job.
    pub(super) fn observe_job(&mut self, job: ObservedJob) {
        let producer = job.producer();
        self.listed.insert(job.id.uid.clone(), self.jobs.current());
        self.change(&job.id.uid, |run| {
            run.producer = Some(producer);
            run.started = run.started.max(job.started);
            run.end = run.end.or(job.end);
            run.template = job.signals;
            run.exists = true;
        });
    }

    /// The Job is gone.
    pub(super) fn forget_job(&mut self, uid: &str) {
        self.listed.remove(uid);
        if self.by_uid.contains_key(uid) {
            self.change(uid, |run| run.exists = false);
        }
    }

    /// The list of the watch is complete: the Jobs that it does not hold are gone.
    pub(super) fn jobs_listed(&mut self) {
        self.jobs.end();
        let current = self.jobs.current();
        let left = self.listed.iter().filter(|(_, list)| **list != current);
        let left: Vec<_> = left.map(|(uid, _)| uid.clone()).collect();
        for uid in left {
            self.forget_job(&uid);
        }
    }

    /// A durable assertion of the variable has changed: it counts for all variables of its runs.
    pub(super) fn touch(&mut self, key: &VariableKey) {
        let uids = self.by_variable.get(key).into_iter().flatten();
        let keys = uids
            .filter_map(|uid| self.by_uid.get(uid))
            .flat_map(Run::keys);
        self.pending.extend(keys);
    }

    /// Everything has to be looked at again.
    pub(super) fn touch_all(&mut self) {
        self.pending.extend(self.by_variable.keys().cloned());
    }

    /// Changes a run, and what follows from that.
    fn change(&mut self, uid: &str, change: impl FnOnce(&mut Run)) {
        let run = self.by_uid.entry(uid.into()).or_default();
        let before = run.keys();
        change(run);
        let after = run.keys();
        for key in before.difference(&after) {
            self.unlink(key, uid);
        }
        for key in after.difference(&before) {
            self.by_variable
                .entry(key.clone())
                .or_default()
                .insert(uid.into());
        }
        self.pending.extend(before);
        self.pending.extend(after);
        self.forget_if_over(uid);
    }

    fn unlink(&mut self, key: &VariableKey, uid: &str) {
        if let Some(uids) = self.by_variable.get_mut(key) {
            uids.remove(uid);
            if uids.is_empty() {
                self.by_variable.remove(key);
            }
        }
    }

    fn forget_if_over(&mut self, uid: &str) {
        let Some(run) = self.by_uid.get(uid).filter(|run| run.is_over()) else {
            return;
        };
        for key in run.keys() {
            self.unlink(&key, uid);
        }
        self.by_uid.remove(uid);
    }

    /// Adds to `decisions` what has changed since the last time.
    pub(super) fn decide(
        &mut self,
        assertions: &AssertionIndex,
        now: Timestamp,
        decisions: &mut Decisions,
    ) {
        let mut changes = OutcomeChanges::default();
        for key in std::mem::take(&mut self.pending) {
            self.judge(&key, assertions, now, &mut changes);
        }
        for (uid, name) in changes.carry_out_in(decisions) {
            self.settle(&uid, &name);
        }
    }

    /// Returns what is to be done at `now` about one variable.
    pub(super) fn mutations(
        &self,
        key: &VariableKey,
        assertions: &AssertionIndex,
        now: Timestamp,
    ) -> Vec<Mutation> {
        let (mut changes, mut decisions) = (OutcomeChanges::default(), Decisions::default());
        self.judge(key, assertions, now, &mut changes);
        changes.carry_out_in(&mut decisions);
        decisions.mutations
    }

    /// Nothing is left to do about a variable that the run signals.
    pub(super) fn settle(&mut self, uid: &str, name: &VariableName) {
        if let Some(run) = self.by_uid.get_mut(uid) {
            run.settled.insert(name.clone());
            self.forget_if_over(uid);
        }
    }

    fn judge(
        &self,
        key: &VariableKey,
        assertions: &AssertionIndex,
        now: Timestamp,
        changes: &mut OutcomeChanges,
    ) {
        let declaring = self.by_variable.get(key).into_iter().flatten();
        let statements = Statements {
            runs: &self.by_uid,
            assertions,
            key,
            declaring: declaring.filter_map(|uid| self.by_uid.get(uid)).collect(),
        };
        statements.judge(now, changes);
    }
}
