//! The cluster that is played: controllers, scheduler and kubelets as one state machine, pure.
//!
//! [`Event`]s and the time go in as values, [`Action`]s come out.

mod actor;
mod asks;
mod event;
mod hosts;
mod objects;
mod performance;
mod producers;
mod reconcile;
mod script;
mod settle;
mod signals;
mod unknown;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use oncue_language::{ObjectKey, ObjectState, VariableName};
use thiserror::Error;

pub(crate) use self::{
    actor::{Actor, Cause, Phase, PodId, Times},
    asks::Asks,
    event::{Action, Admission, Event, Exit, Task},
    producers::Producer,
    settle::{Observer, Outlook, Stuck},
};
use super::{
    cast::{Cast, Controller},
    cue::{Cue, What},
    directions::Directions,
};

/// Everything that is played, and how far it has come.
#[derive(Debug)]
pub(crate) struct Stage {
    cast: Cast,
    directions: Directions,
    actors: Vec<Actor>,
    /// The controllers whose Jobs have ended.
    ended_jobs: BTreeSet<usize>,
    /// What the store was told of objects.
    objects: BTreeMap<ObjectKey, Option<ObjectState>>,
    /// The probes that have held once, by pod.
    latched: BTreeSet<(PodId, String)>,
    /// What admission warned of.
    warnings: BTreeSet<String>,
    scheduled: u32,
    /// What pods have signaled, as far as people were told.
    signaled: BTreeSet<(PodId, VariableName)>,
    now: Duration,
    actions: Vec<Action>,
}

impl Stage {
    /// Returns the stage before anything has happened.
    ///
    /// # Errors
    /// [`DirectionsError`] where `--fail` or `--hold` names nobody.
    pub(crate) fn new(cast: Cast, directions: Directions) -> Result<Self, DirectionsError> {
        let stage = Self {
            cast,
            directions,
            actors: Vec::new(),
            ended_jobs: BTreeSet::new(),
            objects: BTreeMap::new(),
            latched: BTreeSet::new(),
            warnings: BTreeSet::new(),
            signaled: BTreeSet::new(),
            scheduled: 0,
            now: Duration::ZERO,
            actions: Vec::new(),
        };
        stage.check_names()?;
        Ok(stage)
    }

    fn check_names(&self) -> Result<(), DirectionsError> {
        let workloads = self
            .cast
            .controllers
            .iter()
            .map(|workload| workload.producer.clone());
        let known: BTreeSet<_> = workloads.chain(self.names()).collect();
        let Directions { fail, hold, .. } = &self.directions;
        match fail.union(hold).find(|name| !known.contains(*name)) {
            Some(name) => Err(DirectionsError { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// Takes in what happened at `now`, and returns what is to be done, in this order.
    pub(crate) fn handle(&mut self, now: Duration, event: Event) -> Vec<Action> {
        self.now = self.now.max(now);
        match event {
            Event::Admitted { pod, admission } => self.admitted(pod, admission),
            Event::Exited { pod, exit, message } => {
                let why =
                    message.map_or_else(|| exit.to_string(), |text| format!("{exit}: {text}"));
                self.exited(pod, exit, why);
            }
            Event::Asserted { pod, name, value } => self.signaled(pod, &name, value.as_ref()),
            Event::GateOpened(pod) => self.gate_opened(pod),
            Event::Tick => {}
        }
        self.play_what_is_due();
        self.reconcile();
        self.tell_of_objects();
        std::mem::take(&mut self.actions)
    }

    /// Returns when the next step is due that is a matter of time.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.actors.iter().filter_map(Actor::due).min()
    }

    /// Returns the pods in the order of their creation.
    pub(crate) fn pods(&self) -> impl Iterator<Item = (PodId, &Actor)> {
        let actors = self.actors.iter().enumerate();
        actors.map(|(index, actor)| (PodId(index), actor))
    }

    /// Returns one pod.
    pub(crate) fn pod(&self, id: PodId) -> &Actor {
        &self.actors[id.0]
    }

    /// Returns the pod of this name.
    pub(crate) fn find(&self, namespace: &str, name: &str) -> Option<PodId> {
        let is_it = |actor: &Actor| actor.namespace.as_str() == namespace && actor.name == name;
        self.actors.iter().position(is_it).map(PodId)
    }

    /// Returns what admission warned of, once each.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = &str> {
        self.warnings.iter().map(String::as_str)
    }

    /// Returns what is taken to hold though it is not in the files.
    pub(crate) fn assumed(&self) -> impl Iterator<Item = String> {
        self.directions.assumptions.iter().map(ToString::to_string)
    }

    fn actor(&mut self, id: PodId) -> &mut Actor {
        &mut self.actors[id.0]
    }

    /// Returns what created a pod.
    pub(crate) fn controller(&self, id: PodId) -> &Controller {
        &self.cast.controllers[self.pod(id).controller]
    }

    fn tell(&mut self, id: PodId, what: What) {
        let subject = self.pod(id).name.clone();
        self.actions.push(Action::Tell(Cue { subject, what }));
    }
}

/// A name that nobody has.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{name:?} is neither a workload nor a pod of these files")]
pub(crate) struct DirectionsError {
    name: String,
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod theatre;
