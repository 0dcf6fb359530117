//! The cluster as a state machine: [`Event`]s and the time go in, [`Action`]s come out.
//!
//! Every change to a pod goes through `Cluster::update`, which keeps the indexes in step, so that
//! no event costs a look at all pods.

mod container;
mod controllers;
mod declaration;
mod endpoints;
mod event;
mod future_pods;
mod held_gate;
mod kubelet;
mod objects;
mod oncue;
mod outlook;
mod pod;
mod pod_status;
mod restarts;
mod scheduler;
mod stages;
mod steps;
mod unknown;
mod workload_status;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::Duration,
};

use oncue_core::{
    life::{AssertionId, Life},
    model::{ExistingSource, ExistingVariable},
    world::{self, Existing, Mutation},
};
use oncue_language::{Namespace, Timestamp, VariableKey};

use self::{
    controllers::ControllerState, endpoints::Endpoints, objects::Objects, scheduler::Scheduler,
    stages::Installation,
};
pub(crate) use self::{
    controllers::FuturePod,
    declaration::Declaration,
    outlook::PodOutlook,
    pod::{Cause, Phase, Times},
    unknown::Missing,
    workload_status::GENERATION,
};
pub use self::{
    event::{Action, Admission, Event, Exit, Task},
    outlook::{Outlook, StoreView, Stuck},
    pod::{Pod, PodId},
};
pub use crate::pending::Moment;
use crate::{
    controller::Controller,
    entry::{Entry, What},
    inventory::Inventory,
    options::{Options, UnknownName},
    order::Schedule,
};

/// Everything that is simulated, and how far it has come.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) inventory: Inventory,
    pub(crate) options: Options,
    pods: Vec<Pod>,
    /// The first pod of each name.
    by_name: HashMap<(Namespace, String), PodId>,
    /// One for each controller of the inventory.
    controllers: Vec<ControllerState>,
    /// The controllers that have something to look at.
    to_reconcile: BTreeSet<usize>,
    endpoints: Endpoints,
    objects: Objects,
    scheduler: Scheduler,
    schedule: Schedule,
    installation: Installation,
    /// Controllers that give way to another once that is ready: the new one and the old one.
    retiring: Vec<(usize, usize)>,
    /// When Jobs fail that have not ended by then.
    deadlines: BTreeSet<(Duration, usize)>,
    /// When Jobs create pods again after a failure.
    retries: BTreeSet<(Duration, usize)>,
    /// When Jobs are deleted that have ended.
    expiries: BTreeSet<(Duration, usize)>,
    /// When the steps are due that are a matter of time.
    timers: BTreeSet<(Duration, PodId)>,
    waiting: BTreeSet<PodId>,
    /// How many pods have something under way that does not depend on other pods.
    busy: usize,
    /// The probes that have held once, by pod.
    latched: HashSet<(PodId, String)>,
    /// The texts of admission's warnings.
    warnings: BTreeSet<String>,
    /// What pods and Jobs have signaled, as far as the timeline says.
    asserted: HashSet<(VariableKey, AssertionId)>,
    /// What oncue's controller knows of signals.
    life: Life,
    /// When it decides about them again although nothing happens.
    next_decision: Option<Timestamp>,
    /// The positions of the Jobs among the controllers, by their uids.
    jobs: BTreeMap<Box<str>, usize>,
    now: Duration,
    actions: Vec<Action>,
}

impl Cluster {
    /// Returns the cluster before anything has happened.
    ///
    /// # Errors
    /// [`UnknownName`] if `--fail` or `--hold` names neither a workload nor a pod.
    pub fn new(mut inventory: Inventory, options: Options) -> Result<Self, UnknownName> {
        let schedule = Schedule::new(&mut inventory, options.order);
        let controllers = inventory.controllers.len();
        let mut cluster = Self {
            endpoints: Endpoints::new(&inventory.services, &inventory.backends),
            objects: Objects::new(&inventory, options.nodes),
            scheduler: Scheduler::new(options.nodes),
            options,
            pods: Vec::new(),
            by_name: HashMap::new(),
            controllers: vec![ControllerState::default(); controllers],
            to_reconcile: BTreeSet::new(),
            schedule,
            installation: Installation::At(0),
            retiring: Vec::new(),
            deadlines: BTreeSet::new(),
            retries: BTreeSet::new(),
            expiries: BTreeSet::new(),
            timers: BTreeSet::new(),
            waiting: BTreeSet::new(),
            busy: 0,
            latched: HashSet::new(),
            warnings: BTreeSet::new(),
            asserted: HashSet::new(),
            life: Life::default(),
            next_decision: None,
            jobs: BTreeMap::new(),
            now: Duration::ZERO,
            actions: Vec::new(),
            inventory,
        };
        cluster.check_names()?;
        cluster.assert_existing();
        cluster.begin_watches();
        Ok(cluster)
    }

    /// Creates the variables that exist from the beginning.
    fn assert_existing(&mut self) {
        let existing = self.options.existing.iter();
        let changes = existing.map(|ExistingVariable { key, assertion, .. }| {
            Action::Change(Mutation {
                key: key.clone(),
                action: world::Action::Assert {
                    assertion: assertion.clone(),
                    existing: Existing::Replace,
                },
            })
        });
        self.actions.extend(changes);
    }

    fn check_names(&self) -> Result<(), UnknownName> {
        let Options { fail, hold, .. } = &self.options;
        let mut wanted: BTreeSet<_> = fail.union(hold).cloned().collect();
        for controller in &self.inventory.controllers {
            wanted.remove(&controller.producer);
        }
        if !wanted.is_empty() {
            for name in self.future_names() {
                wanted.remove(&name);
            }
        }
        match wanted.pop_first() {
            Some(name) => Err(UnknownName { name }),
            None => Ok(()),
        }
    }

    /// Takes in what happened at `now`, and returns what to do, in this order.
    ///
    /// Once everything that happened at that time is taken in, [`settle`](Self::settle) follows.
    pub fn handle(&mut self, now: Duration, event: Event) -> Vec<Action> {
        self.now = self.now.max(now);
        match event {
            Event::Admitted { pod, admission } => self.admitted(pod, admission),
            Event::Exited { pod, exit, message } => {
                let why =
                    message.map_or_else(|| exit.to_string(), |text| format!("{exit}: {text}"));
                self.exited(pod, exit, why);
            }
            Event::GateOpened(pod) => self.gate_opened(pod),
            Event::Started(pod) => self.container_started(pod),
            Event::Tick => self.decide(),
        }
        self.remove_expired();
        self.try_again();
        self.advance_what_is_due();
        self.reconcile();
        self.end_overdue_jobs();
        self.advance_stages();
        std::mem::take(&mut self.actions)
    }

    /// Returns when the next step is due that is a matter of time.
    pub fn next_due(&self) -> Option<Duration> {
        let step = self.timers.first().map(|(at, _)| *at);
        let due = step.into_iter().chain(self.next_decision());
        let retry = self.retries.first().map(|(at, _)| *at);
        let expiry = self.expiries.first().map(|(at, _)| *at);
        due.chain(self.next_deadline())
            .chain(retry)
            .chain(expiry)
            .min()
    }

    /// Returns when the next Job fails unless it ends before.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// Returns one pod.
    pub fn pod(&self, id: PodId) -> &Pod {
        &self.pods[id.0]
    }

    /// Returns the first pod of this name.
    pub fn find(&self, namespace: &Namespace, name: &str) -> Option<PodId> {
        let key = (namespace.clone(), name.to_owned());
        self.by_name.get(&key).copied()
    }

    /// Returns the file that a pod, or what created it, is in.
    pub fn file(&self, id: PodId) -> &str {
        &self.controller(id).file
    }

    /// Returns the pods in the order of their creation.
    pub(crate) fn pods(&self) -> impl Iterator<Item = (PodId, &Pod)> {
        let pods = self.pods.iter().enumerate();
        pods.map(|(index, pod)| (PodId(index), pod))
    }

    /// Returns the texts of admission's warnings, once each.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = &str> {
        self.warnings.iter().map(String::as_str)
    }

    /// Returns what is assumed to hold although it is not in the files.
    pub(crate) fn assumed(&self) -> impl Iterator<Item = String> {
        self.options.assumptions.iter().map(ToString::to_string)
    }

    /// Returns how the pods of objects whose kinds are not built in are played.
    pub(crate) fn played(&self) -> impl Iterator<Item = String> {
        let controllers = self.inventory.controllers.iter();
        controllers.filter_map(Controller::played_as)
    }

    /// Returns the objects that cannot be played.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = String> {
        self.inventory.skipped()
    }

    /// Returns the variables that Signals assert from the beginning, each with its Signal.
    pub(crate) fn existing(&self) -> impl Iterator<Item = String> {
        let existing = self.options.existing.iter();
        let of_signals = existing.filter(|it| it.source != ExistingSource::Assumption);
        of_signals.map(|it| format!("{} by {it}", it.key))
    }

    pub(crate) fn controller(&self, id: PodId) -> &Controller {
        &self.inventory.controllers[self.pod(id).controller]
    }

    /// Changes a pod, and everything that is kept about it.
    fn update<R>(&mut self, id: PodId, change: impl FnOnce(&mut Pod) -> R) -> R {
        let pod = &mut self.pods[id.0];
        let before = pod.summary();
        let result = change(pod);
        let after = pod.summary();
        if before == after {
            return result;
        }
        if before.counted != after.counted {
            let index = pod.controller;
            self.controllers[index]
                .tally
                .replace(before.counted, after.counted);
            self.to_reconcile.insert(index);
            self.objects.workload_changed(index);
        }
        if before.is_ready != after.is_ready {
            for service in &pod.services {
                self.endpoints.set_ready(*service, id, after.is_ready);
            }
        }
        self.move_timer(id, before.due, after.due);
        if after.is_waiting {
            self.waiting.insert(id);
        } else {
            self.waiting.remove(&id);
        }
        self.busy += usize::from(after.is_busy);
        self.busy -= usize::from(before.is_busy);
        if before.shown != after.shown {
            self.show(id);
        }
        result
    }

    /// Shows a pod that has changed to everyone who watches pods.
    fn show(&mut self, id: PodId) {
        let pod = &mut self.pods[id.0];
        if matches!(pod.phase, Phase::Admission | Phase::Denied) {
            return;
        }
        pod.write_status();
        self.objects.pod_changed(pod);
        self.observe_pod(id);
    }

    fn move_timer(&mut self, id: PodId, before: Option<Duration>, after: Option<Duration>) {
        if let Some(at) = before {
            self.timers.remove(&(at, id));
        }
        if let Some(at) = after {
            self.timers.insert((at, id));
        }
    }

    fn log(&mut self, id: PodId, what: What) {
        let subject = self.pod(id).name.clone();
        self.actions.push(Action::Log(Entry { subject, what }));
    }
}
