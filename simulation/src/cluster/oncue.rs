//! oncue's own controller: what a pod's life asserts and withdraws, and its scheduling gate.

use oncue_core::life::{self, Act, AssertionId, Kind, Owner};
use oncue_language::{Value, VariableKey, VariableName};

use super::{Action, Cluster, Phase, PodId, steps::Step};
use crate::entry::What;

impl Cluster {
    /// Opens a pod's scheduling gate.
    pub(super) fn gate_opened(&mut self, id: PodId) {
        if self.pod(id).step() == Some(&Step::Gate) {
            self.wait_is_over(id);
            self.go_on(id);
        }
    }

    /// Asserts and withdraws what follows from an event of the pod's life.
    pub(super) fn live(&mut self, id: PodId, event: life::Event) {
        for act in self.pod(id).declaration.signals.on(event) {
            self.act(id, act);
        }
    }

    /// A new run of its producer begins: a Job's with its first pod.
    pub(super) fn run_begins(&mut self, id: PodId) {
        let is_first = self.pods_of(self.pod(id).controller).first() == Some(&id);
        if is_first || !self.is_in_job(id) {
            self.live(id, life::Event::RunStarted);
        }
    }

    /// Its run ends with it, unless it is a Job's pod.
    pub(super) fn run_ends(&mut self, id: PodId) {
        if self.is_in_job(id) {
            return;
        }
        match self.pod(id).phase {
            Phase::Failed(_) => self.live(id, life::Event::Failed),
            Phase::Succeeded => self.live(id, life::Event::Succeeded),
            _ => {}
        }
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
                self.log(id, What::Withdrawn { variable });
                let id = AssertionId::of(self.owner(id, kind), kind);
                self.actions.push(Action::Withdraw { key, id });
            }
        }
    }

    /// Logs once that a pod has signaled: the store may report it before the marker ends.
    pub(super) fn signaled(&mut self, id: PodId, name: &VariableName, value: Option<&Value>) {
        if self.signaled.insert((id, name.clone())) {
            let variable = match value {
                Some(value) => format!("{name}={value}"),
                None => name.to_string(),
            };
            self.log(id, What::Signaled { variable });
        }
    }

    fn key(&self, id: PodId, name: VariableName) -> VariableKey {
        VariableKey::new(self.pod(id).namespace.clone(), name)
    }

    /// Returns who owns an assertion: the pod, or the Job if it outlives the Job's pods.
    fn owner(&self, id: PodId, kind: Kind) -> Owner {
        let controller = self.controller(id);
        if kind != Kind::Durable || !self.is_in_job(id) {
            return self.pod(id).owner();
        }
        Owner {
            namespace: controller.namespace.clone(),
            name: controller.producer.as_str().into(),
            uid: controller.uid().into(),
        }
    }
}
