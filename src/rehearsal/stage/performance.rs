//! A pod's steps, one after the other.

use std::time::Duration;

use oncue_language::annotation::{End, TimeoutPolicy};

use super::{
    Action, Admission, Cause, Exit, Phase, PodId, Stage, Task,
    script::{Start, Step},
};
use crate::{
    life,
    rehearsal::{
        cast::Plan,
        cue::{Seconds, What},
        quiescence::Overdue,
    },
    workload::{RestartPolicy, WorkloadKind},
};

/// What becomes of a step at first.
enum Begun {
    /// It is over.
    Done,
    /// Something has to happen first.
    Waits,
}

impl Stage {
    pub(super) fn admitted(&mut self, id: PodId, admission: Admission) {
        match admission {
            Admission::Allowed { object, warnings } => {
                self.warnings.extend(warnings.iter().cloned());
                self.tell(id, What::Admitted { warnings });
                match self.actor(id).admit(object) {
                    Ok(()) => self.advance(id),
                    Err(error) => self.deny(id, error.to_string()),
                }
            }
            Admission::Denied { message } => self.deny(id, message),
        }
    }

    pub(super) fn gate_opened(&mut self, id: PodId) {
        if self.pod(id).step() == Some(&Step::Gate) {
            self.wait_is_over(id);
            self.go_on(id);
        }
    }

    pub(super) fn exited(&mut self, id: PodId, exit: Exit, why: String) {
        match self.pod(id).step().cloned() {
            Some(Step::Wait { .. }) if exit.is_success() => {
                self.wait_is_over(id);
                self.live(id, life::Event::Initialized);
                self.go_on(id);
            }
            Some(Step::Wait { .. }) => self.wait_failed(id, exit, why),
            Some(Step::Start(start)) => {
                if !exit.is_success() {
                    self.tell(id, What::MarkerFailed { why });
                }
                self.started(id, &start);
                self.go_on(id);
            }
            // It was stopped, and its end comes late.
            _ => {}
        }
    }

    pub(super) fn play_what_is_due(&mut self) {
        for index in 0..self.actors.len() {
            if self.actors[index].due().is_some_and(|due| due <= self.now) {
                self.advance(PodId(index));
            }
        }
    }

    fn deny(&mut self, id: PodId, message: String) {
        self.actor(id).failure = Some(message.clone());
        self.tell(id, What::Denied { message });
        self.actor(id).phase = Phase::Denied;
    }

    fn go_on(&mut self, id: PodId) {
        self.actor(id).position += 1;
        self.advance(id);
    }

    fn advance(&mut self, id: PodId) {
        while let Some(step) = self.pod(id).step().cloned() {
            match self.begin(id, step) {
                Begun::Done => self.actor(id).position += 1,
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
            Step::Gate => {
                self.actor(id).times.waiting = Some(self.now);
                let terms = self.terms(id);
                self.tell(id, What::Gated { terms });
                Begun::Waits
            }
            Step::Hold => {
                self.tell(id, What::Held);
                self.actor(id).phase = Phase::Held;
                Begun::Waits
            }
            Step::PassInit { container } => {
                self.tell(id, What::InitContainerPassed { container });
                Begun::Done
            }
            Step::Ready { after } if self.is_due(id, after) => {
                self.is_ready(id);
                Begun::Done
            }
            Step::Ready { .. } => Begun::Waits,
            Step::Schedule => self.schedule(id),
            Step::Start(start) => self.start(id, &start),
            Step::Wait { container } => {
                self.wait(id);
                let task = Task::Wait(container);
                self.actions.push(Action::Run { pod: id, task });
                Begun::Waits
            }
        }
    }

    /// Returns whether `after` has gone by since its own containers started, which is now where
    /// nobody has asked before.
    fn is_due(&mut self, id: PodId, after: Duration) -> bool {
        let now = self.now;
        let actor = self.actor(id);
        let began = *actor.run_began.get_or_insert(now);
        actor.times.started.get_or_insert(now);
        began + after <= now
    }

    fn schedule(&mut self, id: PodId) -> Begun {
        let node = self.node_for(id);
        if let Err(error) = self.actor(id).schedule(&node) {
            self.deny(id, error.to_string());
            return Begun::Waits;
        }
        self.tell(id, What::Scheduled { node });
        self.run_begins(id);
        Begun::Done
    }

    /// Finds a node: the pod's own, that of a `DaemonSet`'s pod, else one after the other.
    fn node_for(&mut self, id: PodId) -> String {
        if let Some(node) = self.pod(id).object["spec"]["nodeName"].as_str() {
            return node.to_owned();
        }
        let number = if self.controller(id).kind == WorkloadKind::DaemonSet {
            self.pod(id).slot
        } else {
            self.scheduled += 1;
            (self.scheduled - 1) % self.directions.nodes.max(1)
        };
        format!("node-{}", number + 1)
    }

    fn wait(&mut self, id: PodId) {
        let terms = self.terms(id);
        let now = self.now;
        let actor = self.actor(id);
        if actor.times.waiting.is_none() && actor.times.waited.is_none() && !terms.is_empty() {
            actor.times.waiting = Some(now);
            self.tell(id, What::Waiting { terms });
        }
    }

    fn wait_is_over(&mut self, id: PodId) {
        let now = self.now;
        let actor = self.actor(id);
        let Some(since) = actor.times.waiting.filter(|_| actor.times.waited.is_none()) else {
            return;
        };
        actor.times.waited = Some(now);
        let waited = Seconds(now.saturating_sub(since));
        let for_what = self.terms(id);
        self.tell(id, What::WaitOver { waited, for_what });
    }

    fn wait_failed(&mut self, id: PodId, exit: Exit, why: String) {
        let actor = self.actor(id);
        let may_restart = actor.restart_policy != RestartPolicy::Never
            && exit.is_failed_wait()
            && (actor.overdue == Overdue::No
                || actor.asks.annotations.timeout_policy == TimeoutPolicy::Proceed);
        if may_restart {
            actor.overdue = Overdue::Yes;
            self.tell(id, What::WaitRestarted { why });
            self.advance(id);
        } else {
            actor.failure = Some(why.clone());
            self.tell(id, What::Failed { why });
            self.finish(id, Phase::Failed(Cause::Wait));
        }
    }

    fn start(&mut self, id: PodId, start: &Start) -> Begun {
        let container = start.container.clone();
        self.tell(id, What::Started { container });
        if let Some(hook) = start.not_run.clone() {
            self.tell(id, What::NotRun { hook });
        }
        let Some(container) = start.marker.clone() else {
            self.started(id, start);
            return Begun::Done;
        };
        let task = Task::Marker(container);
        self.actions.push(Action::Run { pod: id, task });
        Begun::Waits
    }

    fn started(&mut self, id: PodId, start: &Start) {
        if start.signals {
            self.live(id, life::Event::Started);
        }
    }

    fn is_ready(&mut self, id: PodId) {
        let now = self.now;
        let actor = self.actor(id);
        actor.is_ready = true;
        actor.times.ready.get_or_insert(now);
        self.tell(id, What::Ready);
        self.live(id, life::Event::Ready);
    }

    fn is_ready_no_more(&mut self, id: PodId) {
        if std::mem::take(&mut self.actor(id).is_ready) {
            self.tell(id, What::NotReady);
            self.live(id, life::Event::NotReady);
        }
    }

    /// Its own containers end: what follows is a matter of the restart policy.
    fn end(&mut self, id: PodId, how: End) {
        let actor = self.pod(id);
        match (actor.restart_policy, how) {
            (RestartPolicy::Never | RestartPolicy::OnFailure, End::Success) => {
                self.tell(id, What::Succeeded);
                self.finish(id, Phase::Succeeded);
            }
            (RestartPolicy::Never, End::Failure) => {
                let why = "as it was told to".to_owned();
                self.tell(id, What::Failed { why });
                self.finish(id, Phase::Failed(Cause::Rehearsed));
            }
            (RestartPolicy::Always, End::Success) => {
                self.restart(id);
                // Once is enough to show it.
                self.actor(id).script.pop();
                self.advance(id);
            }
            (RestartPolicy::Always | RestartPolicy::OnFailure, End::Failure) => {
                let counts = matches!(self.controller(id).plan, Plan::Job(_));
                if actor.restarts == 0 || counts {
                    self.restart(id);
                    if !self.has_ended_its_job(id) {
                        self.advance(id);
                    }
                } else {
                    self.is_ready_no_more(id);
                    self.tell(id, What::CrashLooping);
                    self.actor(id).phase = Phase::CrashLooping;
                }
            }
        }
    }

    fn restart(&mut self, id: PodId) {
        self.is_ready_no_more(id);
        let containers = self.pod(id).object["spec"]["containers"].as_array();
        let container = containers.and_then(|all| all.first()?["name"].as_str());
        let container = container.unwrap_or_default().to_owned();
        self.tell(id, What::ContainerRestarted { container });
        self.actor(id).rewind();
    }

    /// Takes it to a terminal phase.
    pub(super) fn finish(&mut self, id: PodId, phase: Phase) {
        let now = self.now;
        let actor = self.actor(id);
        actor.phase = phase;
        actor.is_ready = false;
        actor.times.ended = Some(now);
        self.run_ends(id);
        self.live(id, life::Event::Terminated);
    }

    fn terms(&self, id: PodId) -> Vec<String> {
        self.pod(id)
            .asks
            .terms
            .iter()
            .map(ToString::to_string)
            .collect()
    }
}
