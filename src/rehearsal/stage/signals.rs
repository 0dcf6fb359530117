//! The controller that is played: what a pod's life asserts and withdraws.

use oncue_language::{Value, VariableKey, VariableName};

use super::{Action, Phase, PodId, Stage};
use crate::{
    life::{self, Act, AssertionId, Kind, Owner},
    rehearsal::{
        cast::{JobEnd, Plan},
        cue::What,
    },
};

impl Stage {
    /// Lets an event of the pod's life have its effect on the store.
    pub(super) fn live(&mut self, id: PodId, event: life::Event) {
        for act in self.pod(id).asks.signals.on(event) {
            self.act(id, act);
        }
    }

    /// A new run of its producer begins: a Job's with its first pod.
    pub(super) fn run_begins(&mut self, id: PodId) {
        let controller = self.pod(id).controller;
        let is_first = self.actors[..id.0]
            .iter()
            .all(|actor| actor.controller != controller);
        if is_first || !self.is_of_a_job(id) {
            self.live(id, life::Event::RunStarted);
        }
    }

    /// Its run ends with it, unless it is a Job's pod.
    pub(super) fn run_ends(&mut self, id: PodId) {
        if self.is_of_a_job(id) {
            return;
        }
        match self.pod(id).phase {
            Phase::Failed(_) => self.live(id, life::Event::Failed),
            Phase::Succeeded => self.live(id, life::Event::Succeeded),
            _ => {}
        }
    }

    /// A Job's run ends, which is said by one of its pods.
    pub(super) fn job_ends(&mut self, id: PodId, end: JobEnd) {
        self.live(
            id,
            match end {
                JobEnd::Complete => life::Event::Succeeded,
                JobEnd::Failed => life::Event::Failed,
            },
        );
    }

    fn is_of_a_job(&self, id: PodId) -> bool {
        matches!(self.controller(id).plan, Plan::Job(_))
    }

    fn act(&mut self, id: PodId, act: Act) {
        match act {
            Act::Assert { name, kind, value } => {
                let key = self.key(id, name);
                self.signaled(id, &key.name, value.as_ref());
                let id = AssertionId::of(self.owner(id, kind), kind);
                self.actions.push(Action::Assert { key, id, value });
            }
            Act::Clear { name } => {
                let key = self.key(id, name);
                let producer = self.owner(id, Kind::Durable);
                self.actions.push(Action::Clear { key, producer });
            }
            Act::Withdraw { name, kind } => {
                let key = self.key(id, name);
                self.signaled.remove(&(id, key.name.clone()));
                let variable = key.name.to_string();
                self.tell(id, What::Withdrawn { variable });
                let id = AssertionId::of(self.owner(id, kind), kind);
                self.actions.push(Action::Withdraw { key, id });
            }
        }
    }

    /// Tells once that a pod has signaled: the store knows of it before the marker's end does.
    pub(super) fn signaled(&mut self, id: PodId, name: &VariableName, value: Option<&Value>) {
        if self.signaled.insert((id, name.clone())) {
            let variable = match value {
                Some(value) => format!("{name}={value}"),
                None => name.to_string(),
            };
            self.tell(id, What::Signaled { variable });
        }
    }

    fn key(&self, id: PodId, name: VariableName) -> VariableKey {
        VariableKey::new(self.pod(id).namespace.clone(), name)
    }

    /// Returns who owns an assertion: the pod, or the Job where it outlives its pods.
    fn owner(&self, id: PodId, kind: Kind) -> Owner {
        let controller = self.controller(id);
        if kind != Kind::Durable || !self.is_of_a_job(id) {
            return self.pod(id).owner();
        }
        Owner {
            namespace: controller.namespace.clone(),
            name: controller.producer.as_str().into(),
            uid: controller.uid().into(),
        }
    }
}
