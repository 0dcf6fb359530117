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
mod queue;
mod store;

use std::{collections::HashMap, path::Path, time::Duration};

use oncue_client::wait::{self, EndingKind, Plan, Question};
use oncue_language::Namespace;
use serde_json::Value;
use thiserror::Error;

use self::{
    client::{Client, Stamps},
    queue::{Happening, Queue},
    store::VirtualStore,
};
use crate::{
    cluster::{
        Action, Admission, Cluster, Event, Exit, Moment, PodId, PodOutlook, StoreView, Stuck, Task,
    },
    command::Sandbox,
    entry::{Entry, Listener, Unknown, What},
    pending::Prospect,
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
        listener.unknown(Unknown(&unknown));
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
            if !self.queue.is_busy()
                && !self.cluster.is_busy()
                && let Some(stuck) = self.stuck()
            {
                return Ok(Finish {
                    stuck,
                    took: self.now,
                });
            }
            match self.next() {
                Some(happening) => self.take_in(happening)?,
                // A gate is pending, and its timeouts are over soon.
                None => self.now += PATIENCE,
            }
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
        let moment = self.moment(PATIENCE);
        let is_pending = |pod: &PodId| {
            if !self.cluster.is_waiting(*pod) {
                return false;
            }
            let outlook = self.cluster.outlook_of(*pod, moment, &self.store);
            !matches!(outlook, PodOutlook::Stuck(_))
        };
        if self.pending.as_ref().is_some_and(is_pending) {
            return None;
        }
        let mut stuck = Vec::new();
        for pod in self.cluster.waiting() {
            match self.cluster.outlook_of(pod, moment, &self.store) {
                PodOutlook::Stuck(missing) => stuck.push(Stuck { pod, missing }),
                PodOutlook::GateOpens | PodOutlook::Going => {
                    self.pending = Some(pod);
                    return None;
                }
            }
        }
        Some(stuck)
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
            Happening::Probed { pod, term } => self.probed(pod, term),
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
        for action in self.cluster.handle(self.now, event) {
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
            Action::Assert { key, id, value } => self.store.assert(key, (id, value), self.now),
            Action::Clear { key, producer } => self.store.clear(key, producer),
            Action::Log(entry) => self.listener.entry(self.now, &entry),
            Action::Run { pod, task } => self.start(pod, task),
            Action::SetObject { key, state } => self.store.set_object(&key, state),
            Action::Stop(pod) => {
                self.clients.remove(&pod);
                self.store.release(pod);
            }
            Action::WatchGate(pod) => self.check_gate(pod),
            Action::Withdraw { key, id } => self.store.withdraw(key, id),
        }
        Ok(())
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

    /// Opens a pod's gate if everything that it depends on holds, else looks again once that may
    /// have changed.
    fn check_gate(&mut self, pod: PodId) {
        let moment = self.moment(Duration::ZERO);
        match self.cluster.gate(pod, moment, &self.store) {
            Some(Prospect::Over) => {
                self.queue_in(Duration::ZERO, Happening::Cluster(Event::GateOpened(pod)));
                return;
            }
            Some(Prospect::Timed(at)) => self.queue.push(at, Happening::Gate(pod)),
            Some(Prospect::Failing | Prospect::Stuck(_)) => {}
            None => return,
        }
        let conditions = self.cluster.pod(pod).conditions();
        self.store.hold(pod, conditions.cloned().collect());
    }

    fn start_client(&mut self, pod: PodId, container: &Value) -> Result<(), SimulationError<E>> {
        let object = self.cluster.pod(pod).object();
        let sandbox = Sandbox {
            pod: object,
            folder: Path::new("/oncue"),
        };
        let Some(command) = sandbox.entry_point(container) else {
            let pod = self.cluster.pod(pod).name().to_owned();
            return Err(SimulationError::NotTheClient { pod });
        };
        let words = command.args.into_iter().map(Into::into);
        let random = fastrand::Rng::with_seed(pod.seed());
        let plan = match Plan::of_arguments(words, random) {
            Ok(plan) => plan,
            Err(error) => {
                let (exit, message) = (Exit(Some(USAGE)), Some(error.to_string()));
                return self.handle(Event::Exited { pod, exit, message });
            }
        };
        let stamps = self.stamps.entry(pod).or_insert(Stamps::new(self.now));
        let namespace = self.cluster.pod(pod).namespace();
        let client = Client::new(plan, stamps, (namespace, self.now));
        self.clients.insert(pod, client);
        self.drive(pod, wait::Event::Tick)
    }

    /// Lets a client take an event in, and does what it wants done.
    fn drive(&mut self, pod: PodId, event: wait::Event) -> Result<(), SimulationError<E>> {
        let Some(client) = self.clients.get_mut(&pod) else {
            return Ok(());
        };
        for action in client.handle(event, self.now) {
            match action {
                wait::Action::Ask(question) => self.ask(pod, question),
                wait::Action::Finish(ending) => return self.finish(pod, ending),
                wait::Action::Probe(term) => {
                    self.queue_in(ROUND_TRIP, Happening::Probed { pod, term });
                }
                wait::Action::Say(line) => self.output(pod, line),
            }
        }
        if let Some(client) = self.clients.get_mut(&pod)
            && let Some(at) = client.next_wake(self.now)
        {
            self.queue.push(at, Happening::Wake { pod, at });
        }
        Ok(())
    }

    fn output(&mut self, pod: PodId, line: String) {
        let entry = Entry {
            subject: self.cluster.pod(pod).name().to_owned(),
            what: What::Output { line },
        };
        self.listener.entry(self.now, &entry);
    }

    /// Answers at once, unless the client knows the present state: then the answer is held.
    fn ask(&mut self, pod: PodId, question: Question) {
        self.store.release(pod);
        let Some(client) = self.clients.get_mut(&pod) else {
            return;
        };
        let number = question.number;
        client.question = Some(question);
        let conditions = client.asked_conditions();
        if client.knows(&self.store.judge(&conditions)) {
            self.store.hold(pod, conditions);
            self.queue_in(HOLD, Happening::HoldEnds { pod, number });
        } else {
            self.answer(pod);
        }
    }

    fn end_hold(&mut self, pod: PodId, number: u64) {
        let client = self.clients.get(&pod);
        if client.is_some_and(|client| client.is_held(number)) {
            self.store.release(pod);
            self.answer(pod);
        }
    }

    /// Answers the question of a client with the present state.
    fn answer(&mut self, pod: PodId) {
        let Some(client) = self.clients.get_mut(&pod) else {
            return;
        };
        let verdicts = self.store.verdicts(&client.asked_conditions());
        if let Some((number, answer)) = client.answer(verdicts, self.store.revision()) {
            let happening = Happening::Answered {
                pod,
                number,
                answer,
            };
            self.queue_in(ROUND_TRIP, happening);
        }
    }

    fn probed(&mut self, pod: PodId, term: usize) -> Result<(), SimulationError<E>> {
        let client = self.clients.get(&pod);
        let Some(probe) = client.and_then(|client| client.probe(term)).cloned() else {
            return Ok(());
        };
        let result = self.cluster.probe(pod, &probe);
        self.drive(pod, wait::Event::Probed { term, result })
    }

    fn finish(&mut self, pod: PodId, ending: wait::Ending) -> Result<(), SimulationError<E>> {
        self.clients.remove(&pod);
        self.store.release(pod);
        self.output(pod, ending.message.clone());
        let wait::Ending {
            kind,
            message,
            cause,
        } = ending;
        if kind == EndingKind::Ready {
            self.stamps.remove(&pod);
        } else if let Some(stamps) = self.stamps.get_mut(&pod) {
            stamps.fail(self.now, cause);
        }
        self.handle(Event::Exited {
            pod,
            exit: Exit(Some(kind.exit_code().into())),
            message: Some(message),
        })
    }
}
