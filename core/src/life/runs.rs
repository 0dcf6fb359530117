//! All runs, and the variables that they decide about together.
//!
//! What is true of a variable follows from the runs that declare it and from the assertions that
//! earlier runs have left: each is a statement with a time, and [`Run::ends`] tells which of them
//! something newer has ended. So the order in which runs are observed makes no difference.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use oncue_language::{Kind, Owner, Timestamp, VariableKey, VariableName};

use super::{
    Assertion, AssertionId, Decisions, ObservedJob, ObservedPod, Outcome,
    assertion_index::AssertionIndex,
    listing::{ListId, Listing},
    run::{Run, Statement},
};
use crate::world::{Action, Existing, Mutation, Withdrawal};

/// The uid of a Job or of a pod.
type Uid = Box<str>;

/// All runs that may still have something to say.
#[derive(Debug, Default)]
pub(super) struct Runs {
    pub(super) jobs: Listing,
    by_uid: BTreeMap<Uid, Run>,
    listed: BTreeMap<Uid, ListId>,
    by_variable: BTreeMap<VariableKey, BTreeSet<Uid>>,
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
        let mut verdict = Verdict::default();
        for key in std::mem::take(&mut self.pending) {
            self.judge(&key, assertions, now, &mut verdict);
        }
        // A failure wins over a success, so it goes first; what is replaced goes last, so that the
        // variable does not vanish in between.
        let Verdict {
            ended,
            asserted,
            replaced,
            settled,
        } = verdict;
        decisions
            .mutations
            .extend([ended, asserted, replaced].into_iter().flatten());
        for (uid, name) in settled {
            if let Some(run) = self.by_uid.get_mut(&uid) {
                run.settled.insert(name);
                self.forget_if_over(&uid);
            }
        }
    }

    fn judge(
        &self,
        key: &VariableKey,
        assertions: &AssertionIndex,
        now: Timestamp,
        verdict: &mut Verdict,
    ) {
        let Some(uids) = self.by_variable.get(key) else {
            return;
        };
        let view = View {
            runs: self,
            assertions,
            key,
            declaring: uids.iter().filter_map(|uid| self.by_uid.get(uid)).collect(),
        };
        let stored: Vec<_> = view.stored(key).collect();
        let made = uids.iter().filter_map(|uid| {
            let run = self
                .by_uid
                .get(uid)
                .filter(|run| !run.settled.contains(&key.name))?;
            Some((uid, run.statement(&key.name)?))
        });
        let mut new = Vec::new();
        for (uid, statement) in made {
            let is_stored = stored.iter().any(|it| it.producer == statement.producer);
            if is_stored || view.is_ended(&statement) {
                verdict.settled.push((uid.clone(), key.name.clone()));
            } else {
                new.push(statement);
            }
        }
        let (ended, left): (Vec<_>, Vec<_>) = stored.into_iter().partition(|it| view.is_ended(it));
        let current: Vec<_> = left.iter().chain(&new).copied().collect();
        let is_replaced =
            |it: &&Statement<'_>| current.iter().any(|newer| it.is_replaced_by(newer));
        verdict
            .ended
            .extend(ended.iter().map(|it| withdraw(key, it)));
        verdict
            .replaced
            .extend(left.iter().filter(is_replaced).map(|it| withdraw(key, it)));
        let asserted = new.iter().filter(|it| !is_replaced(it));
        verdict
            .asserted
            .extend(asserted.map(|it| assert(key, it, now)));
    }
}

/// What is decided, by when to do it.
#[derive(Default)]
struct Verdict {
    ended: Vec<Mutation>,
    asserted: Vec<Mutation>,
    replaced: Vec<Mutation>,
    settled: Vec<(Uid, VariableName)>,
}

/// What one variable is judged by.
struct View<'a> {
    runs: &'a Runs,
    assertions: &'a AssertionIndex,
    key: &'a VariableKey,
    /// The runs that declare the variable.
    declaring: Vec<&'a Run>,
}

impl<'a> View<'a> {
    /// Returns the statements that the durable assertions of a variable make.
    fn stored(&self, key: &VariableKey) -> impl Iterator<Item = Statement<'a>> + use<'a> {
        let runs = self.runs;
        let durable: &'a [Arc<Assertion>] = self.assertions.durable(key);
        durable.iter().filter_map(move |assertion| {
            let owner = assertion.id.asserter.owner()?;
            Statement::of(assertion, runs.by_uid.get(&owner.uid))
        })
    }

    /// Returns whether something newer has ended a statement about the variable: another run, or
    /// the trace that a run has left that is not known any more.
    fn is_ended(&self, statement: &Statement<'_>) -> bool {
        let others = self.declaring.iter();
        let mut others = others.filter(|run| run.producer.as_ref() != Some(statement.producer));
        others.any(|run| run.ends(statement, &self.key.name)) || self.is_contradicted(statement)
    }

    fn is_contradicted(&self, statement: &Statement<'_>) -> bool {
        let Some((run, end)) = statement.run.and_then(|run| Some((run, run.end?))) else {
            return false;
        };
        let signals = run.signals();
        let opposite = end.outcome.opposite();
        let is_newer = |other: &Statement<'_>| match opposite {
            Outcome::Failure => other.at >= statement.at,
            Outcome::Success => other.at > statement.at,
        };
        signals.of(opposite).iter().any(|signal| {
            let key = VariableKey::new(self.key.namespace.clone(), signal.name.clone());
            self.stored(&key)
                .any(|other| other.is(opposite, signals, &signal.name) && is_newer(&other))
        })
    }
}

fn withdraw(key: &VariableKey, statement: &Statement<'_>) -> Mutation {
    let id = id(statement.producer);
    Mutation {
        key: key.clone(),
        action: Action::Withdraw(Withdrawal::Assertion(id)),
    }
}

/// The assertion is as old as the outcome that it tells of.
fn assert(key: &VariableKey, statement: &Statement<'_>, now: Timestamp) -> Mutation {
    Mutation {
        key: key.clone(),
        action: Action::Assert {
            assertion: Assertion {
                id: id(statement.producer),
                value: statement.value.cloned(),
                since: statement.at.min(now),
                expires: None,
            },
            existing: Existing::Replace,
        },
    }
}

fn id(producer: &Owner) -> AssertionId {
    AssertionId::of(producer.clone(), Kind::Durable)
}
