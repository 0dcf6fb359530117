//! What an installer applies when, and what it deletes.

use std::time::Duration;

use oncue_core::{
    life::ObservedJob,
    order::Installer,
    workload::{RestartPolicy, WorkloadKind},
};

use oncue_language::Keys;

use super::{Action, Cluster, Entry, Phase, PodId, What};
use crate::{order::Until, plan::Plan};

/// How far the installer has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Installation {
    /// The stage at this position is under way.
    At(usize),
    /// Everything is applied.
    Over,
    /// A hook of the stage at this position has failed.
    Failed(usize),
}

/// How a controller stands with its stage.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
    Done,
    Failed,
    Pending,
}

impl Cluster {
    /// Begins with the first stage.
    pub(super) fn begin_stages(&mut self) {
        self.begin_stage(0);
    }

    fn begin_stage(&mut self, index: usize) {
        let Some(stage) = self.schedule.stages.get(index) else {
            self.installation = Installation::Over;
            return;
        };
        self.installation = Installation::At(index);
        let (title, applied) = (stage.title.clone(), stage.applied.clone());
        if stage.until != Until::Settled {
            self.log_of_installer(What::Applies { what: title });
        }
        for it in applied {
            if let Some(old) = it.replaces {
                self.replace(it.controller, old);
            }
            self.apply(it.controller);
        }
        if index > 0 {
            self.objects.look_again();
        }
    }

    fn log_of_installer(&mut self, what: What) {
        if let Some(installer) = self.schedule.installer {
            let subject = match installer {
                Installer::Argo => "argo",
                Installer::Helm => "helm",
            };
            let subject = subject.to_owned();
            self.actions.push(Action::Log(Entry { subject, what }));
        }
    }

    /// The API server has a controller's object from now on.
    fn apply(&mut self, index: usize) {
        let now = self.now;
        self.controllers[index].applied = Some(now);
        let controller = &self.inventory.controllers[index];
        if let Some(seconds) = controller.active_deadline_seconds() {
            self.deadlines
                .insert((now + Duration::from_secs(seconds), index));
        }
        if self.is_job(index) {
            let uid = self.inventory.controllers[index].uid();
            self.jobs.insert(uid.into(), index);
        }
        self.write_workload_status(index);
        self.observe_job(index);
        self.to_reconcile.insert(index);
    }

    /// Lets one controller take the place of another. A rolling update keeps the old pods until the
    /// new ones are ready.
    fn replace(&mut self, new: usize, old: usize) {
        let controller = &self.inventory.controllers[new];
        let is_rolling = match controller.kind {
            WorkloadKind::Deployment => {
                controller.object()["spec"]["strategy"]["type"] != "Recreate"
            }
            WorkloadKind::Custom => true,
            _ => false,
        };
        let name = (
            controller.kind,
            controller.namespace.clone(),
            controller.name.clone(),
        );
        self.objects.replace(new, name);
        if is_rolling {
            self.retiring.push((new, old));
        } else {
            self.remove(old);
        }
    }

    /// Goes on with the next stages as far as that is possible now.
    pub(super) fn advance_stages(&mut self) {
        self.retire();
        while let Installation::At(index) = self.installation {
            match self.standing_of_stage(index) {
                Standing::Pending => return,
                Standing::Failed => {
                    self.installation = Installation::Failed(index);
                    let what = self.schedule.stages[index].title.clone();
                    self.log_of_installer(What::GivesUp { what });
                    return;
                }
                Standing::Done => {
                    for deleted in self.schedule.stages[index].deleted.clone() {
                        self.remove(deleted);
                    }
                    self.begin_stage(index + 1);
                    self.reconcile();
                    self.retire();
                }
            }
        }
    }

    /// Removes what was replaced, once the new pods are ready.
    fn retire(&mut self) {
        for (new, old) in self.retiring.clone() {
            let (ready, wanted) = self.progress(new);
            if ready >= wanted {
                self.retiring.retain(|it| *it != (new, old));
                self.remove(old);
            }
        }
    }

    fn standing_of_stage(&self, index: usize) -> Standing {
        let stage = &self.schedule.stages[index];
        let until = stage.until;
        let mut all = Vec::new();
        if until == Until::Settled {
            let is_there = |it: &usize| self.is_there(*it);
            all.extend((0..self.controllers.len()).filter(is_there));
        } else {
            all.extend(stage.applied.iter().map(|it| it.controller));
        }
        let mut standings = all.into_iter().map(|it| self.standing(it, until));
        standings
            .find(|it| *it != Standing::Done)
            .unwrap_or(Standing::Done)
    }

    fn standing(&self, index: usize, until: Until) -> Standing {
        let controller = &self.inventory.controllers[index];
        let kind = controller.kind;
        let must_end = match (until, kind) {
            (Until::Applied, _) => return Standing::Done,
            (_, WorkloadKind::Job) if controller.is_run() => return Standing::Done,
            (Until::Ended, _) => true,
            (Until::Healthy | Until::Settled, WorkloadKind::Pod) => self
                .restart_policy(index)
                .is_some_and(|policy| policy != RestartPolicy::Always),
            (Until::Healthy | Until::Settled, _) => false,
        };
        match kind {
            // helm --wait does not wait for Jobs.
            WorkloadKind::Job
                if until == Until::Healthy && self.schedule.installer == Some(Installer::Helm) =>
            {
                Standing::Done
            }
            WorkloadKind::Job => match self.job_end(index) {
                None => Standing::Pending,
                Some(end) if end.is_success() => Standing::Done,
                Some(_) => Standing::Failed,
            },
            WorkloadKind::Pod => self.standing_of_pod(index, must_end),
            _ if until == Until::Ended => Standing::Done,
            // Only Argo CD knows when a custom kind is healthy, and only of some.
            WorkloadKind::Custom if !controller.is_rollout() => Standing::Done,
            _ if matches!(self.plan(index), Plan::Job(_) | Plan::Paused { .. }) => Standing::Done,
            _ => {
                let (ready, wanted) = self.progress(index);
                if ready >= wanted {
                    Standing::Done
                } else {
                    Standing::Pending
                }
            }
        }
    }

    fn standing_of_pod(&self, index: usize, must_end: bool) -> Standing {
        let Some(pod) = self.pods_of(index).last().map(|id| self.pod(*id)) else {
            return Standing::Pending;
        };
        match pod.phase {
            Phase::Succeeded => Standing::Done,
            Phase::Deleted | Phase::Denied | Phase::Failed(_) => Standing::Failed,
            _ if pod.is_ready && !must_end => Standing::Done,
            _ => Standing::Pending,
        }
    }

    fn restart_policy(&self, index: usize) -> Option<RestartPolicy> {
        let pod = self.pods_of(index).last()?;
        Some(self.pod(*pod).restart_policy)
    }

    /// Deletes an object and its pods.
    pub(super) fn remove(&mut self, index: usize) {
        if !self.is_there(index) {
            return;
        }
        self.controllers[index].is_removed = true;
        self.deadlines.retain(|(_, job)| *job != index);
        let controller = &self.inventory.controllers[index];
        let what = What::Removed;
        let subject = controller.title();
        let job = ObservedJob::read(controller.object(), &Keys::default());
        let job = job.ok().filter(|_| controller.kind == WorkloadKind::Job);
        self.actions.push(Action::Log(Entry { subject, what }));
        for pod in self.controllers[index].pods.clone() {
            self.remove_pod(pod);
        }
        if let Some(job) = job {
            self.life.job_gone(&job.id);
        }
        self.objects.workload_changed(index);
        self.decide();
    }

    fn remove_pod(&mut self, id: PodId) {
        if !self.pod(id).exists() && self.pod(id).phase != Phase::Admission {
            return;
        }
        if matches!(self.pod(id).phase, Phase::Failed(_) | Phase::Succeeded) {
            let now = self.now;
            self.update(id, |pod| pod.remove(now));
        } else {
            self.delete(id);
        }
    }

    /// Returns whether the API server has a controller's object.
    pub(super) fn is_there(&self, index: usize) -> bool {
        let state = &self.controllers[index];
        state.applied.is_some() && !state.is_removed
    }

    /// Returns whether what a stage applies is there.
    pub(super) fn has_begun(&self, stage: usize) -> bool {
        match self.installation {
            Installation::At(now) | Installation::Failed(now) => stage <= now,
            Installation::Over => stage != usize::MAX,
        }
    }

    /// Returns what the installer waits for although nothing happens any more.
    pub(crate) fn held_up(&self) -> Option<String> {
        let Installation::At(index) = self.installation else {
            return None;
        };
        let installer = self.schedule.installer?;
        let stage = &self.schedule.stages[index];
        let title = &stage.title;
        let until = match stage.until {
            Until::Applied => return None,
            Until::Ended => "has ended",
            Until::Healthy => "is healthy",
            Until::Settled => "is ready and complete",
        };
        Some(format!("{installer} goes on once {title} {until}"))
    }

    /// Returns why the installer has given up, if it has.
    pub(crate) fn given_up(&self) -> Option<String> {
        let Installation::Failed(index) = self.installation else {
            return None;
        };
        let installer = self.schedule.installer?;
        let title = &self.schedule.stages[index].title;
        Some(format!("{installer} gave up, because {title} failed"))
    }

    /// Returns with what the installer applies a controller, if that is still to come.
    pub(crate) fn applied_later(&self, index: usize) -> Option<String> {
        let installer = self.schedule.installer?;
        let stage = self.schedule.stage_of(index)?;
        let later = !self.has_begun(stage);
        later.then(|| {
            let title = &self.schedule.stages[stage].title;
            format!("which {installer} applies later, with {title}")
        })
    }
}
