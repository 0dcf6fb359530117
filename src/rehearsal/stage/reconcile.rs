//! The controllers that are played: they create the pods that are due, and end their Jobs.

use std::collections::BTreeSet;

use super::{Action, Actor, Cause, Cue, Phase, PodId, Stage, What, actor::Origin, script::WhatIf};
use crate::{
    life,
    rehearsal::cast::{Attempt, Controller, JobEnd},
};

impl Stage {
    /// Lets every controller do what is due, until nothing is.
    pub(super) fn reconcile(&mut self) {
        loop {
            let before = (self.actors.len(), self.ended_jobs.len());
            for index in 0..self.cast.controllers.len() {
                self.end_job(index);
                self.create_due(index);
            }
            if (self.actors.len(), self.ended_jobs.len()) == before {
                return;
            }
        }
    }

    /// Returns how many pods of a controller are ready (of a Job: have succeeded), out of how many.
    pub(super) fn progress(&self, index: usize) -> (u32, u32) {
        let plan = self.cast.controllers[index].plan;
        plan.progress(&self.attempts(index), self.directions.nodes)
    }

    pub(super) fn job_end(&self, index: usize) -> Option<JobEnd> {
        self.cast.controllers[index]
            .plan
            .job_end(&self.attempts(index))
    }

    /// Returns whether the Job it belongs to has ended, though nobody has noticed yet.
    pub(super) fn has_ended_its_job(&self, id: PodId) -> bool {
        self.job_end(self.pod(id).controller).is_some()
    }

    /// Returns whether the Job that a pod belongs to is complete.
    pub(crate) fn is_made_up_for(&self, id: PodId) -> bool {
        self.job_end(self.pod(id).controller) == Some(JobEnd::Complete)
    }

    /// Returns the pods of a controller.
    pub(super) fn pods_of(&self, index: usize) -> impl Iterator<Item = (PodId, &Actor)> {
        self.pods()
            .filter(move |(_, actor)| actor.controller == index)
    }

    /// Returns the pods that a controller has created.
    pub(crate) fn pods_created_by(&self, index: usize) -> impl Iterator<Item = PodId> {
        self.pods_of(index).map(|(id, _)| id)
    }

    /// Returns the controllers that have yet to create pods, with how many.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = (&Controller, usize)> {
        let controllers = self.cast.controllers.iter().enumerate();
        let missing = controllers.map(|(index, controller)| {
            let is_over = self.ended_jobs.contains(&index);
            (
                controller,
                if is_over {
                    0
                } else {
                    self.unborn(index).count()
                },
            )
        });
        missing.filter(|(_, missing)| *missing > 0)
    }

    fn attempts(&self, index: usize) -> Vec<Attempt> {
        self.pods_of(index)
            .map(|(_, actor)| actor.attempt())
            .collect()
    }

    fn create_due(&mut self, index: usize) {
        let plan = self.cast.controllers[index].plan;
        for slot in plan.due(&self.attempts(index), self.directions.nodes) {
            self.create(index, slot);
        }
    }

    fn create(&mut self, index: usize, slot: u32) {
        let earlier = self
            .pods_of(index)
            .filter(|(_, actor)| actor.slot == slot)
            .count();
        let origin = Origin {
            controller: &self.cast.controllers[index],
            index,
            slot,
            earlier,
        };
        let mut actor = Actor::new(&origin, self.now);
        actor.what_if = self.what_if(index, &actor.name);
        let pod = PodId(self.actors.len());
        let object = actor.object.clone();
        self.actors.push(actor);
        self.actions.push(Action::Admit { pod, object });
    }

    fn what_if(&self, index: usize, pod: &str) -> WhatIf {
        let workload = self.cast.controllers[index].producer.as_str();
        let is_named = |names: &BTreeSet<String>| names.contains(workload) || names.contains(pod);
        if is_named(&self.directions.hold) {
            WhatIf::Hold
        } else if is_named(&self.directions.fail) {
            WhatIf::Fail
        } else {
            WhatIf::AsWritten
        }
    }

    /// Notices that a Job has ended: its other pods are deleted, and its signals follow.
    fn end_job(&mut self, index: usize) {
        let Some(end) = self.job_end(index) else {
            return;
        };
        if !self.ended_jobs.insert(index) {
            return;
        }
        let what = match end {
            JobEnd::Complete => What::JobComplete,
            JobEnd::Failed => What::JobFailed,
        };
        let subject = format!("job/{}", self.cast.controllers[index].name);
        self.actions.push(Action::Tell(Cue { subject, what }));
        let pods: Vec<_> = self.pods_of(index).map(|(id, _)| id).collect();
        if let Some(last) = pods.last() {
            self.job_ends(*last, end);
        }
        for id in pods {
            if self.pod(id).phase == Phase::Playing || self.pod(id).phase == Phase::Held {
                self.delete(id);
            }
        }
    }

    fn delete(&mut self, id: PodId) {
        self.actions.push(Action::Stop(id));
        self.tell(id, What::Deleted);
        let now = self.now;
        let actor = self.actor(id);
        actor.phase = Phase::Failed(Cause::Rehearsed);
        actor.is_ready = false;
        actor.times.ended = Some(now);
        self.live(id, life::Event::Gone);
    }
}
