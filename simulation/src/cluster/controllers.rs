//! The workload controllers: they create the pods that are due, and end their Jobs.

use std::{collections::BTreeSet, time::Duration};

use oncue_core::workload::RestartPolicy;

use super::{Action, Cause, Cluster, Entry, Phase, Pod, PodId, What, pod::Origin, steps::WhatIf};
use crate::{
    controller::Controller,
    job::{
        JobEnd,
        policy::{OnFailure, back_off, succeeds_early},
    },
    plan::Plan,
    tally::Tally,
};

/// How far a controller has come.
#[derive(Clone, Debug, Default)]
pub(super) struct ControllerState {
    pub(super) pods: Vec<PodId>,
    pub(super) tally: Tally,
    /// How and when its Job has ended.
    pub(super) end: Option<(JobEnd, Duration)>,
    /// How its Job ends, if its `podFailurePolicy` has decided.
    policy_end: Option<JobEnd>,
    /// How many of its pods have failed since one succeeded, and when the last one did.
    failures: (u32, Duration),
    /// When its object was created.
    pub(super) applied: Option<Duration>,
    /// Whether it was deleted.
    pub(super) is_removed: bool,
}

/// A pod that a controller has yet to create.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct FuturePod {
    /// The position of the controller.
    pub(crate) controller: usize,
    pub(crate) slot: u32,
}

impl Cluster {
    /// Lets every controller that has changed do what is due.
    pub(super) fn reconcile(&mut self) {
        while let Some(index) = self.to_reconcile.pop_first() {
            self.end_job(index);
            self.create_due(index);
        }
    }

    /// Returns how many pods of a controller are available (of a Job: have succeeded), and how many
    /// there should be.
    pub(super) fn progress(&self, index: usize) -> (u32, u32) {
        let tally = &self.controllers[index].tally;
        self.plan(index).progress(tally, self.options.nodes)
    }

    /// Returns how a Job has ended, even if its controller has not noticed yet.
    pub(super) fn job_end(&self, index: usize) -> Option<JobEnd> {
        let state = &self.controllers[index];
        let (tally, end) = (&state.tally, state.end.map(|(end, _)| end));
        end.or(state.policy_end)
            .or_else(|| self.plan(index).job_end(tally))
            .or_else(|| self.early_success(index))
    }

    /// Returns how a Job ends whose `successPolicy` is met.
    fn early_success(&self, index: usize) -> Option<JobEnd> {
        let spec = &self.inventory.controllers[index].object()["spec"];
        let succeeded = &self.controllers[index].tally.succeeded_slots;
        let is_met = self.is_job(index) && succeeds_early(spec, succeeded);
        is_met.then_some(JobEnd::SucceededEarly)
    }

    /// Decides what a Job does about a pod of it that fails with these exit codes of its containers.
    pub(super) fn judge_failure(&mut self, id: PodId, ended: &[(&str, i32)]) {
        let pod = self.pod(id);
        let index = pod.controller;
        if !self.is_job(index) || pod.restart_policy != RestartPolicy::Never {
            return;
        }
        let spec = &self.inventory.controllers[index].object()["spec"];
        let on_failure = OnFailure::of(spec, ended);
        self.pods[id.0].on_failure = on_failure;
        if on_failure == OnFailure::FailJob {
            self.controllers[index].policy_end = Some(JobEnd::FailedByPolicy);
        }
    }

    /// Remembers when pods of a Job end, for its back-off.
    pub(super) fn note_end(&mut self, id: PodId) {
        let (pod, now) = (self.pod(id), self.now);
        let (phase, index) = (pod.phase, pod.controller);
        let (failures, last) = &mut self.controllers[index].failures;
        match phase {
            Phase::Failed(_) => (*failures, *last) = (*failures + 1, now),
            Phase::Succeeded => *failures = 0,
            _ => {}
        }
    }

    /// Returns until when a Job creates no pods, because some have failed.
    fn backs_off_until(&self, index: usize) -> Option<Duration> {
        let (failures, last) = self.controllers[index].failures;
        if failures == 0 || !self.is_job(index) {
            return None;
        }
        Some(last + back_off(failures)).filter(|until| *until > self.now)
    }

    /// Lets Jobs try again whose back-off is over.
    pub(super) fn try_again(&mut self) {
        while let Some((at, index)) = self.retries.first().copied()
            && at <= self.now
        {
            self.retries.pop_first();
            self.to_reconcile.insert(index);
        }
    }

    /// Deletes the Jobs whose `ttlSecondsAfterFinished` are over.
    pub(super) fn remove_expired(&mut self) {
        while let Some((at, index)) = self.expiries.first().copied()
            && at <= self.now
        {
            self.expiries.pop_first();
            self.remove(index);
        }
    }

    /// Returns whether the Job that a pod belongs to has ended.
    pub(super) fn has_ended_its_job(&self, id: PodId) -> bool {
        self.job_end(self.pod(id).controller).is_some()
    }

    /// Returns whether the Job that a pod belongs to is complete.
    pub(crate) fn is_in_complete_job(&self, id: PodId) -> bool {
        let end = self.job_end(self.pod(id).controller);
        end.is_some_and(JobEnd::is_success)
    }

    pub(super) fn is_in_job(&self, id: PodId) -> bool {
        self.is_job(self.pod(id).controller)
    }

    pub(super) fn is_job(&self, index: usize) -> bool {
        matches!(self.plan(index), Plan::Job(_))
    }

    /// Returns the pods that a controller has created.
    pub(crate) fn pods_of(&self, index: usize) -> &[PodId] {
        &self.controllers[index].pods
    }

    /// Returns the controllers that have yet to create pods, with the number of these.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = (&Controller, usize)> {
        let controllers = self.inventory.controllers.iter().enumerate();
        let missing = controllers.map(|(index, controller)| {
            let is_over = self.controllers[index].end.is_some();
            let missing = if is_over {
                0
            } else {
                self.future(index).count()
            };
            (controller, missing)
        });
        missing.filter(|(_, missing)| *missing > 0)
    }

    /// Returns the Jobs that had not ended by their deadline.
    pub(crate) fn overdue_jobs(&self) -> impl Iterator<Item = &Controller> {
        let controllers = self.inventory.controllers.iter().zip(&self.controllers);
        let is_overdue =
            |state: &ControllerState| matches!(state.end, Some((JobEnd::DeadlineExceeded, _)));
        let overdue = controllers.filter(move |(_, state)| is_overdue(state));
        overdue.map(|(controller, _)| controller)
    }

    /// Returns the Jobs that their `podFailurePolicy` has failed because of a wait.
    pub(crate) fn jobs_failed_by_policy(&self) -> impl Iterator<Item = &Controller> {
        let controllers = self.inventory.controllers.iter().zip(&self.controllers);
        let of_wait = |id: &PodId| self.pod(*id).phase == Phase::Failed(Cause::Wait);
        let failed = controllers.filter(move |(_, state)| {
            matches!(state.end, Some((JobEnd::FailedByPolicy, _))) && state.pods.iter().any(of_wait)
        });
        failed.map(|(controller, _)| controller)
    }

    /// Returns the pods that a controller has yet to create.
    pub(crate) fn future(&self, index: usize) -> impl Iterator<Item = FuturePod> + use<> {
        let tally = &self.controllers[index].tally;
        let slots = if self.schedule.applies(index) && !self.controllers[index].is_removed {
            self.plan(index).vacant(tally, self.options.nodes)
        } else {
            0..0
        };
        slots.map(move |slot| FuturePod {
            controller: index,
            slot,
        })
    }

    /// Returns the names of all pods that are still to be created.
    pub fn future_names(&self) -> impl Iterator<Item = String> {
        let controllers = 0..self.inventory.controllers.len();
        let pods = controllers.flat_map(|index| self.future(index));
        pods.map(|pod| self.future_name(pod))
    }

    pub(crate) fn future_name(&self, pod: FuturePod) -> String {
        self.inventory.controllers[pod.controller]
            .pod(pod.slot, 0)
            .name
    }

    pub(super) fn plan(&self, index: usize) -> Plan {
        self.inventory.controllers[index].plan
    }

    fn create_due(&mut self, index: usize) {
        let ControllerState { tally, end, .. } = &self.controllers[index];
        if end.is_some() || !self.is_there(index) {
            return;
        }
        let due = self.plan(index).due(tally, self.options.nodes);
        if let Some(until) = self.backs_off_until(index).filter(|_| !due.is_empty()) {
            self.retries.insert((until, index));
            return;
        }
        for slot in due {
            self.create(index, slot);
        }
    }

    fn create(&mut self, index: usize, slot: u32) {
        let origin = Origin {
            controller: &self.inventory.controllers[index],
            index,
            slot,
            earlier: self.controllers[index].tally.attempts(slot),
        };
        let mut pod = Pod::new(&origin, self.now);
        pod.what_if = self.what_if(index, &pod.name);
        let id = PodId(self.pods.len());
        pod.services = self.endpoints.selecting(&pod);
        self.endpoints.insert(id, &pod.services);
        let state = &mut self.controllers[index];
        state.tally.add(pod.summary().counted);
        state.pods.push(id);
        self.objects.workload_changed(index);
        let key = (pod.namespace.clone(), pod.name.clone());
        if self.inventory.controllers[index].run > 0 {
            self.by_name.insert(key, id);
        } else {
            self.by_name.entry(key).or_insert(id);
        }
        self.busy += usize::from(pod.summary().is_busy);
        let object = pod.object.clone();
        self.pods.push(pod);
        self.actions.push(Action::Admit { pod: id, object });
    }

    fn what_if(&self, index: usize, pod: &str) -> WhatIf {
        let workload = self.inventory.controllers[index].producer.as_str();
        let is_named = |names: &BTreeSet<String>| names.contains(workload) || names.contains(pod);
        if is_named(&self.options.hold) {
            WhatIf::Hold
        } else if is_named(&self.options.fail) {
            WhatIf::Fail
        } else {
            WhatIf::AsWritten
        }
    }

    /// Lets the Jobs fail whose deadline is over.
    pub(super) fn end_overdue_jobs(&mut self) {
        while let Some((at, index)) = self.deadlines.first().copied()
            && at <= self.now
        {
            self.end_job_as(index, JobEnd::DeadlineExceeded);
        }
    }

    /// Notices that a Job has ended.
    fn end_job(&mut self, index: usize) {
        if self.controllers[index].end.is_none()
            && self.is_there(index)
            && let Some(end) = self.job_end(index)
        {
            self.end_job_as(index, end);
        }
    }

    /// Ends a Job: its signals follow, and its other pods are deleted.
    fn end_job_as(&mut self, index: usize, end: JobEnd) {
        self.deadlines.retain(|(_, job)| *job != index);
        self.controllers[index].end = Some((end, self.now));
        let what = match end {
            JobEnd::Complete | JobEnd::SucceededEarly => What::JobComplete,
            JobEnd::DeadlineExceeded => What::JobOverdue,
            JobEnd::Failed | JobEnd::FailedIndexes => What::JobFailed,
            JobEnd::FailedByPolicy => What::JobFailedByPolicy,
        };
        self.retries.retain(|(_, job)| *job != index);
        let ttl = &self.inventory.controllers[index].object()["spec"]["ttlSecondsAfterFinished"];
        if let Some(ttl) = ttl.as_u64() {
            let at = self.now.saturating_add(Duration::from_secs(ttl));
            self.expiries.insert((at, index));
        }
        let subject = self.inventory.controllers[index].title();
        self.actions.push(Action::Log(Entry { subject, what }));
        self.show_job(index);
        for id in self.controllers[index].pods.clone() {
            if matches!(
                self.pod(id).phase,
                Phase::Admission | Phase::Running | Phase::Held
            ) {
                self.log(id, What::Deleted);
                self.delete(id);
            }
        }
    }

    pub(super) fn delete(&mut self, id: PodId) {
        self.actions.push(Action::Stop(id));
        let now = self.now;
        self.update(id, |pod| {
            pod.phase = Phase::Deleted;
            pod.is_ready = false;
            pod.is_available = false;
            pod.times.ended = Some(now);
        });
    }
}
