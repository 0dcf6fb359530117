//! The kubelet: a pod's steps, one after the other.

use std::time::Duration;

use oncue_core::{injection::CONTAINER, workload::RestartPolicy};
use oncue_language::{
    annotation::{End, TimeoutPolicy},
    expiry,
};

use super::{
    Action, Admission, Cause, Cluster, Exit, Phase, PodId, Task,
    container::{Container, Role},
    steps::{Start, Step},
};
use crate::entry::{Seconds, What};

/// How a step begins.
enum Begun {
    /// It is over at once.
    Done,
    /// Something has to happen first.
    Waits,
}

impl Cluster {
    pub(super) fn admitted(&mut self, id: PodId, admission: Admission) {
        if self.pod(id).phase != Phase::Admission {
            // It was deleted meanwhile.
            return;
        }
        match admission {
            Admission::Allowed { object, warnings } => {
                self.warnings.extend(warnings.iter().cloned());
                self.log(id, What::Admitted { warnings });
                let now = self.now;
                match self.update(id, |pod| pod.admit(object, now)) {
                    Ok(()) => {
                        self.objects.pod_created(id, &self.pods[id.0]);
                        self.ask_for_objects(id);
                        self.advance(id);
                    }
                    Err(error) => self.deny(id, error.to_string()),
                }
            }
            Admission::Denied { message } => self.deny(id, message),
        }
    }

    pub(super) fn exited(&mut self, id: PodId, exit: Exit, why: String) {
        let now = self.now;
        match self.pod(id).step().cloned() {
            Some(Step::Wait { .. }) => {
                if exit.is_success() {
                    self.wait_is_over(id);
                }
                let code = exit.0.unwrap_or(KILLED);
                self.update(id, |pod| {
                    pod.change_container(CONTAINER, |ours| ours.end(code, now));
                });
                if exit.is_success() {
                    self.go_on(id);
                } else {
                    self.wait_failed(id, exit, why);
                }
            }
            Some(Step::Mark { container }) => {
                if !exit.is_success() {
                    self.log(id, What::MarkerFailed { why });
                }
                self.runs(id, container["name"].as_str().unwrap_or_default());
                self.go_on(id);
            }
            // It was stopped, and its end is reported late.
            _ => {}
        }
    }

    pub(super) fn container_started(&mut self, id: PodId) {
        match self.pod(id).step().cloned() {
            Some(Step::Start(start)) => {
                let Start {
                    container,
                    not_run,
                    marks,
                    role: _,
                } = start;
                self.log(
                    id,
                    What::Started {
                        container: container.clone(),
                    },
                );
                if let Some(hook) = not_run {
                    self.log(id, What::NotRun { hook });
                }
                if !marks {
                    self.runs(id, &container);
                }
                self.go_on(id);
            }
            Some(Step::Wait { .. }) => self.runs(id, CONTAINER),
            _ => {}
        }
    }

    /// The kubelet reports that a container runs: it has started, and its hook is done.
    fn runs(&mut self, id: PodId, container: &str) {
        let now = self.now;
        self.update(id, |pod| {
            pod.change_container(container, |it| it.start(now));
        });
    }

    pub(super) fn advance_what_is_due(&mut self) {
        while let Some((at, id)) = self.timers.first().copied()
            && at <= self.now
        {
            self.advance(id);
        }
    }

    fn deny(&mut self, id: PodId, message: String) {
        let failure = Some(message.clone());
        self.log(id, What::Denied { message });
        self.update(id, |pod| {
            pod.failure = failure;
            pod.phase = Phase::Denied;
        });
    }

    pub(super) fn go_on(&mut self, id: PodId) {
        self.update(id, |pod| pod.position += 1);
        self.advance(id);
    }

    fn advance(&mut self, id: PodId) {
        while let Some(step) = self.pod(id).step().cloned() {
            match self.begin(id, step) {
                Begun::Done => self.update(id, |pod| pod.position += 1),
                Begun::Waits => return,
            }
        }
    }

    fn begin(&mut self, id: PodId, step: Step) -> Begun {
        match step {
            Step::End { after, how } => {
                if self.is_due(id, after) {
                    self.end(id, how);
                }
                Begun::Waits
            }
            Step::ForeignGates(gates) => {
                self.log(id, What::GatedByOthers { gates });
                self.update(id, |pod| pod.phase = Phase::Held);
                Begun::Waits
            }
            Step::Gate => {
                self.pods[id.0].times.waiting = Some(self.now);
                let terms = self.terms(id);
                self.log(id, What::Gated { terms });
                self.actions.push(Action::WatchGate(id));
                Begun::Waits
            }
            Step::Hold => {
                self.log(id, What::Held);
                self.update(id, |pod| {
                    pod.change_containers(is_own, |it| it.wait("ImagePullBackOff"));
                    pod.phase = Phase::Held;
                });
                Begun::Waits
            }
            Step::Mark { container } => self.run(id, Task::Marker(container)),
            Step::PassInit { container } => {
                let now = self.now;
                self.update(id, |pod| {
                    pod.change_container(&container, |init| {
                        init.start(now);
                        init.end(0, now);
                    });
                });
                self.log(id, What::InitContainerPassed { container });
                Begun::Done
            }
            Step::Available { after } if self.is_due(id, after) => {
                self.update(id, |pod| pod.is_available = true);
                Begun::Done
            }
            Step::Ready { after } if self.is_due(id, after) => {
                self.is_ready(id);
                Begun::Done
            }
            Step::Available { .. } | Step::Ready { .. } => Begun::Waits,
            Step::Schedule => self.schedule(id),
            Step::Start(_) => self.run(id, Task::Container),
            Step::Started { after } => self.pass_startup_probe(id, after),
            Step::Wait { container } => {
                self.wait(id);
                self.run(id, Task::Wait(container))
            }
        }
    }

    fn run(&mut self, pod: PodId, task: Task) -> Begun {
        self.actions.push(Action::Run { pod, task });
        Begun::Waits
    }

    /// Returns whether `after` has gone by since its own containers started: that is now if no
    /// step has asked before.
    fn is_due(&mut self, id: PodId, after: Duration) -> bool {
        let now = self.now;
        let began = self.update(id, |pod| {
            pod.times.started.get_or_insert(now);
            *pod.run_began.get_or_insert(now)
        });
        began + after <= now
    }

    /// Waits until the startup probe of a sidecar has held.
    fn pass_startup_probe(&mut self, id: PodId, after: Duration) -> Begun {
        let now = self.now;
        let began = self.update(id, |pod| *pod.sidecar_began.get_or_insert(now));
        if began + after > now {
            return Begun::Waits;
        }
        self.update(id, |pod| pod.sidecar_began = None);
        Begun::Done
    }

    fn schedule(&mut self, id: PodId) -> Begun {
        let node = self.node_for(id);
        let now = self.now;
        if let Err(error) = self.update(id, |pod| pod.schedule(&node, now)) {
            self.deny(id, error.to_string());
            return Begun::Waits;
        }
        self.objects.pod_scheduled(id, &self.pods[id.0]);
        self.ask_for_objects(id);
        self.log(id, What::Scheduled { node });
        Begun::Done
    }

    fn wait(&mut self, id: PodId) {
        let terms = self.terms(id);
        let now = self.now;
        let times = &mut self.pods[id.0].times;
        if times.waiting.is_none() && times.waited.is_none() && !terms.is_empty() {
            times.waiting = Some(now);
            self.log(id, What::Waiting { terms });
        }
    }

    pub(super) fn wait_is_over(&mut self, id: PodId) {
        let now = self.now;
        let times = &mut self.pods[id.0].times;
        let Some(since) = times.waiting.filter(|_| times.waited.is_none()) else {
            return;
        };
        times.waited = Some(now);
        let waited = Seconds(now.saturating_sub(since));
        let for_what = self.terms(id);
        self.log(id, What::WaitOver { waited, for_what });
    }

    fn wait_failed(&mut self, id: PodId, exit: Exit, why: String) {
        let pod = self.pod(id);
        let may_restart = pod.restart_policy != RestartPolicy::Never
            && exit.is_failed_wait()
            && (pod.wait_attempt == expiry::Attempt::First
                || pod.declaration.annotations.timeout_policy == TimeoutPolicy::Proceed);
        if may_restart {
            self.log(id, What::WaitRestarted { why });
            // A Job counts the restarts of init containers too.
            let counted = u32::from(self.is_in_job(id));
            self.update(id, |pod| {
                pod.wait_attempt = expiry::Attempt::Overdue;
                pod.restarts += counted;
            });
            if !self.has_ended_its_job(id) {
                self.advance(id);
            }
        } else {
            let failure = Some(why.clone());
            self.log(id, What::Failed { why });
            self.update(id, |pod| pod.failure = failure);
            self.finish(id, Phase::Failed(Cause::Wait), FAILED);
        }
    }

    fn is_ready(&mut self, id: PodId) {
        let now = self.now;
        self.log(id, What::Ready);
        self.update(id, |pod| {
            pod.is_ready = true;
            pod.is_available = pod.min_ready.is_zero();
            pod.times.ready.get_or_insert(now);
        });
    }

    /// Its own containers end with this exit code, and it is no longer ready.
    fn containers_end(&mut self, id: PodId, code: i32) {
        if self.pod(id).is_ready {
            self.log(id, What::NotReady);
        }
        let now = self.now;
        self.update(id, |pod| {
            pod.change_containers(is_own, |it| it.end(code, now));
            pod.is_ready = false;
            pod.is_available = false;
        });
    }

    /// Its own containers end: what follows depends on the restart policies and rules.
    fn end(&mut self, id: PodId, how: End) {
        let code = match how {
            End::Failure => FAILED,
            End::Success => 0,
        };
        match (self.pod(id).own_restarts.follow(code), how) {
            (false, End::Success) => {
                self.log(id, What::Succeeded);
                self.finish(id, Phase::Succeeded, 0);
            }
            (false, End::Failure) => {
                let why = "as it was told to".to_owned();
                self.log(id, What::Failed { why });
                self.finish(id, Phase::Failed(Cause::Told), FAILED);
            }
            (true, End::Success) => {
                self.restart(id, 0);
                // Once is enough to show it.
                self.update(id, |pod| pod.steps.pop());
                self.advance(id);
            }
            (true, End::Failure) => self.fail_again(id),
        }
    }

    /// A Job counts restarts until it fails; any other pod is restarted once, to show it.
    fn fail_again(&mut self, id: PodId) {
        let is_counted = self.is_in_job(id) && self.pod(id).restart_policy != RestartPolicy::Never;
        if self.pod(id).restarts == 0 || is_counted {
            self.restart(id, FAILED);
            if !self.has_ended_its_job(id) {
                self.advance(id);
            }
        } else {
            self.containers_end(id, FAILED);
            self.log(id, What::CrashLooping);
            self.update(id, |pod| {
                pod.change_containers(is_own, |it| it.wait("CrashLoopBackOff"));
                pod.phase = Phase::CrashLooping;
            });
        }
    }

    fn restart(&mut self, id: PodId, code: i32) {
        self.containers_end(id, code);
        let containers = self.pod(id).object["spec"]["containers"].as_array();
        let container = containers.and_then(|all| all.first()?["name"].as_str());
        let container = container.unwrap_or_default().to_owned();
        self.log(id, What::ContainerRestarted { container });
        self.update(id, super::pod::Pod::rewind);
    }

    /// Takes it to a terminal phase: all its containers have ended, its own with this exit code.
    fn finish(&mut self, id: PodId, phase: Phase, code: i32) {
        let now = self.now;
        if matches!(phase, Phase::Failed(_)) {
            let containers = self.pod(id).containers.clone();
            let ended = containers.iter().filter_map(|it| it.code_at_end(code));
            self.judge_failure(id, &ended.collect::<Vec<_>>());
        }
        self.update(id, |pod| {
            pod.change_containers(is_own, |it| it.end(code, now));
            pod.change_containers(|_| true, |it| it.end(0, now));
            pod.phase = phase;
            pod.is_ready = false;
            pod.is_available = false;
            pod.times.ended = Some(now);
        });
        self.note_end(id);
    }

    fn terms(&self, id: PodId) -> Vec<String> {
        let terms = self.pod(id).declaration.terms.iter();
        terms.map(ToString::to_string).collect()
    }
}

fn is_own(container: &Container) -> bool {
    container.role == Role::Main
}

/// The exit code of containers that fail as they were told to.
const FAILED: i32 = 1;
/// The exit code of a container that SIGKILL ended.
const KILLED: i32 = 137;
