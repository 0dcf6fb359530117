//! The executor in memory: an event queue on a virtual clock, a store without a socket, and the
//! wait machine of the real client.
//!
//! Everything is deterministic: the same files give the same output. What takes time in a cluster
//! takes these fixed times:
//!
//! | what | time |
//! | --- | --- |
//! | admission of a pod | [`ADMISSION`] |
//! | start of a container whose image is on the node | [`CONTAINER_START`] |
//! | run of a marker | [`MARKER`] |
//! | an answer of the store, a probe | [`ROUND_TRIP`] |
//!
//! Controllers and the scheduler act at once.

mod client;
mod clients;
mod queue;
mod store;

use std::{collections::HashMap, sync::Arc, time::Duration};

use oncue_client::wait;
use oncue_core::{gates::GateDecision, life::Timestamp, world::Mutation};
use oncue_language::Namespace;
use serde_json::Value;
use thiserror::Error;

use self::{
    client::{Client, Stamps},
    queue::{Happening, Queue},
    store::{Asked, VirtualStore},
};
use crate::{
    cluster::{Action, Admission, Cluster, Event, Exit, Moment, PodId, PodOutlook, Stuck, Task},
    entry::Listener,
};

/// Time until admission has answered.
pub const ADMISSION: Duration = Duration::from_millis(10);
/// Time until a container has started.
pub const CONTAINER_START: Duration = Duration::from_millis(100);
/// Time that a marker runs.
pub const MARKER: Duration = Duration::from_millis(20);
/// Time until a question is answered or a probe ends.
pub const ROUND_TRIP: Duration = Duration::from_millis(1);

/// How long the store holds an answer.
const HOLD: Duration = Duration::from_secs(50);

/// A client starts after its pod's wait began, and looks for two seconds before it gives up.
const PATIENCE: Duration = Duration::from_millis(2500);

/// The client's exit code if its arguments are wrong.
const USAGE: i32 = 2;

/// A pod that is sent for admission.
#[derive(Clone, Copy, Debug)]
pub struct Creation<'a> {
    /// The namespace.
    pub namespace: &'a Namespace,
    /// The name that the pod will have.
    pub pod: &'a str,
    /// The file that the pod, or what created it, is in.
    pub file: &'a str,
    /// The object, without a name if the API server generates it.
    pub object: &'a Value,
}

/// How a simulation has ended.
#[derive(Clone, Debug)]
pub struct Finish {
    /// The pods that wait for something that will never happen.
    pub stuck: Vec<Stuck>,
    /// The time on the virtual clock.
    pub took: Duration,
}

/// Why a simulation cannot go on.
#[derive(Debug, Error)]
pub enum SimulationError<E> {
    /// A pod could not be sent for admission.
    #[error(transparent)]
    Admission(E),
    /// An injected container does not run the client.
    #[error("the injected container of {pod} does not run the client")]
    NotTheClient {
        /// The pod.
        pod: String,
    },
}

/// Simulates the cluster until nothing can happen any more. `admit` answers for the webhook.
///
/// # Errors
/// [`SimulationError`] if `admit` fails, or injects something other than the client.
pub fn simulate<E>(
    cluster: &mut Cluster,
    listener: &mut impl Listener,
    admit: impl FnMut(Creation<'_>) -> Result<Admission, E>,
) -> Result<Finish, SimulationError<E>> {
    announce(cluster, listener);
    let simulation = Simulation {
        cluster,
        listener,
        admit,
        store: VirtualStore::default(),
        clients: HashMap::new(),
        stamps: HashMap::new(),
        queue: Queue::default(),
        now: Duration::ZERO,
        pending: None,
    };
    simulation.run()
}

/// Tells the listener what is known before anything has happened.
pub fn announce(cluster: &Cluster, listener: &mut impl Listener) {
    listener.names(&mut cluster.future_names());
    for unknown in cluster.unknown() {
        listener.unknown(&unknown);
    }
}

struct Simulation<'a, L, A> {
    cluster: &'a mut Cluster,
    listener: &'a mut L,
    admit: A,
    store: VirtualStore,
    clients: HashMap<PodId, Client>,
    /// What clients leave in their pods' shared folders.
    stamps: HashMap<PodId, Stamps>,
    queue: Queue,
    now: Duration,
    /// A pod that was pending when all pods were last looked at.
    pending: Option<PodId>,
}

impl<L: Listener, E, A: FnMut(Creation<'_>) -> Result<Admission, E>> Simulation<'_, L, A> {
    fn run(mut self) -> Result<Finish, SimulationError<E>> {
        self.handle(Event::Tick)?;
        loop {
            if self.is_moment_over() {
                self.settle()?;
                if !self.queue.is_busy()
                    && !self.cluster.is_busy()
                    && let Some(stuck) = self.stuck()
                {
                    // A Job that fails at its deadline may change something.
                    let Some(deadline) = self.cluster.next_deadline() else {
                        return Ok(Finish {
                            stuck,
                            took: self.now,
                        });
                    };
                    self.now = deadline;
                }
            }
            match self.next() {
                Some(happening) => self.take_in(happening)?,
                // The timeout of a client is over, which acts on it within this time.
                None => self.now += PATIENCE,
            }
        }
    }

    /// Returns whether nothing else happens at the present time.
    fn is_moment_over(&self) -> bool {
        let next = self
            .cluster
            .next_due()
            .into_iter()
            .chain(self.queue.next_at());
        next.min().is_none_or(|next| next > self.now)
    }

    /// Lets oncue's controller see everything that has happened at this time.
    fn settle(&mut self) -> Result<(), SimulationError<E>> {
        loop {
            let actions = self.cluster.settle(self.now);
            if actions.is_empty() {
                return Ok(());
            }
            self.perform_all(actions)?;
        }
    }

    /// Returns what happens next, and sets the clock to that.
    fn next(&mut self) -> Option<Happening> {
        let due = self.cluster.next_due();
        let queued = self.queue.next_at();
        if due.is_some_and(|due| queued.is_none_or(|queued| due <= queued)) {
            self.now = self.now.max(due?);
            return Some(Happening::Cluster(Event::Tick));
        }
        let (at, happening) = self.queue.pop()?;
        self.now = self.now.max(at);
        Some(happening)
    }

    /// Returns the pods that are stuck, `None` if one that waits can still go on.
    fn stuck(&mut self) -> Option<Vec<Stuck>> {
        if let Some(pod) = self.pending.take()
            && self.cluster.is_waiting(pod)
            && self.missing(pod).is_none()
        {
            self.pending = Some(pod);
            return None;
        }
        let mut stuck = Vec::new();
        for pod in self.cluster.waiting().collect::<Vec<_>>() {
            let Some(missing) = self.missing(pod) else {
                self.pending = Some(pod);
                return None;
            };
            stuck.push(Stuck { pod, missing });
        }
        Some(stuck)
    }

    /// Returns what a pod that is stuck misses; `None` if it can still go on.
    fn missing(&mut self, pod: PodId) -> Option<Vec<usize>> {
        let moment = self.moment(PATIENCE);
        match self.cluster.outlook_of(pod, moment, &self.store) {
            PodOutlook::Stuck(missing) => Some(missing),
            PodOutlook::GateOpens | PodOutlook::Going => None,
        }
    }

    fn moment(&self, patience: Duration) -> Moment {
        Moment {
            now: self.now,
            patience,
        }
    }

    fn take_in(&mut self, happening: Happening) -> Result<(), SimulationError<E>> {
        match happening {
            Happening::Answered {
                pod,
                number,
                answer,
            } => {
                let answer = Ok(answer);
                self.drive(pod, wait::Event::Answered { number, answer })
            }
            Happening::Cluster(event) => self.handle(event),
            Happening::Gate(pod) => {
                self.check_gate(pod);
                Ok(())
            }
            Happening::HoldEnds { pod, number } => {
                self.end_hold(pod, number);
                Ok(())
            }
            Happening::Probed { pod, check } => self.probed(pod, check),
            Happening::StartClient { pod, container } => self.start_client(pod, &container),
            Happening::Wake { pod, at } => {
                let client = self.clients.get_mut(&pod);
                if client.is_some_and(|client| client.wake_at.take_if(|wake| *wake == at).is_some())
                {
                    return self.drive(pod, wait::Event::Tick);
                }
                Ok(())
            }
        }
    }

    fn handle(&mut self, event: Event) -> Result<(), SimulationError<E>> {
        let actions = self.cluster.handle(self.now, event);
        self.perform_all(actions)
    }

    fn perform_all(&mut self, actions: Vec<Action>) -> Result<(), SimulationError<E>> {
        for action in actions {
            self.perform(action)?;
        }
        for pod in self.store.take_released() {
            if self.clients.contains_key(&pod) {
                self.answer(pod);
            } else {
                self.check_gate(pod);
            }
        }
        Ok(())
    }

    fn perform(&mut self, action: Action) -> Result<(), SimulationError<E>> {
        match action {
            Action::Admit { pod, object } => return self.admit(pod, &object),
            Action::Change(mutation) => self.change(&mutation),
            Action::Log(entry) => self.listener.entry(self.now, &entry),
            Action::Run { pod, task } => self.start(pod, task),
            Action::SetObject { key, state } => self.store.set_object(&key, state),
            Action::Stop(pod) => {
                self.clients.remove(&pod);
                self.store.release(pod);
            }
            Action::WatchGate(pod) => self.check_gate(pod),
        }
        Ok(())
    }

    /// Changes a variable. The controller sees at once what has changed.
    fn change(&mut self, mutation: &Mutation) {
        for update in self.store.change(mutation) {
            if let Some(entry) = self.cluster.assertion_changed(&update) {
                self.listener.entry(self.now, &entry);
            }
        }
    }

    fn admit(&mut self, pod: PodId, object: &Value) -> Result<(), SimulationError<E>> {
        let creation = Creation {
            namespace: self.cluster.pod(pod).namespace(),
            pod: self.cluster.pod(pod).name(),
            file: self.cluster.file(pod),
            object,
        };
        let admission = (self.admit)(creation).map_err(SimulationError::Admission)?;
        let event = Event::Admitted { pod, admission };
        self.queue_in(ADMISSION, Happening::Cluster(event));
        Ok(())
    }

    /// Starts a container. A marker's signals follow from its exit.
    fn start(&mut self, pod: PodId, task: Task) {
        match task {
            Task::Container => {
                let event = Event::Started(pod);
                self.queue_in(CONTAINER_START, Happening::Cluster(event));
            }
            Task::Marker(_) => {
                let (exit, message) = (Exit(Some(0)), None);
                let event = Event::Exited { pod, exit, message };
                self.queue_in(MARKER, Happening::Cluster(event));
            }
            Task::Wait(container) => {
                let happening = Happening::StartClient { pod, container };
                self.queue_in(CONTAINER_START, happening);
            }
        }
    }

    fn queue_in(&mut self, after: Duration, happening: Happening) {
        self.queue.push(self.now + after, happening);
    }

    /// Opens the gate of a pod if the controller decides so, else looks again once a term or the
    /// time may have changed that.
    fn check_gate(&mut self, pod: PodId) {
        let Some(decision) = self.cluster.gate(pod, self.now, &self.store) else {
            return;
        };
        self.store.release(pod);
        let until = match decision {
            GateDecision::Open => {
                self.queue_in(Duration::ZERO, Happening::Cluster(Event::GateOpened(pod)));
                return;
            }
            GateDecision::Overdue { until, .. } | GateDecision::Wait { until } => until,
        };
        let conditions: Arc<[_]> = self.cluster.pod(pod).conditions().cloned().collect();
        let grace = self.cluster.pod(pod).grace(self.now);
        if let Some(at) = until.into_iter().chain(grace.end()).min() {
            let at = at.since(Timestamp::default());
            self.queue.push(at, Happening::Gate(pod));
        }
        self.store.hold(pod, Asked { conditions, grace });
    }
}

/// Returns a moment of a simulation, which begins with the Unix epoch.
pub(crate) fn timestamp(time: Duration) -> Timestamp {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Timestamp::from_millis(millis)
}
