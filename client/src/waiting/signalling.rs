//! `signals-on-wait` and `signals-on-init`: signals that are created beside the wait, and after it but
//! before the pod's containers start.

use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock, mpsc::Sender},
    thread::{self, Thread},
    time::Duration,
};

use oncue_language::{Namespace, Owner, VariableName};
use oncue_wire::AssertRequest;

use super::{Happening, Interruption, Waiting};
use crate::{
    api::{Api, ApiError},
    backoff::Backoff,
    commands::NamedSignal,
    surroundings::Clock,
    wait::elapsed,
};

/// The news of the next signal.
pub(super) enum Attempt {
    /// The store rejects the signal.
    Rejected(String),
    /// The store did not take the signal. There is a line to print at a falling rate.
    Retried(Option<String>),
    /// The signal was created or given up. There is a line to print, unless it is created later.
    Settled(Option<String>),
}

/// The signals that a thread creates.
#[derive(Default)]
pub(super) struct Signalling {
    /// The names of those that it has neither created nor given up, in their order.
    unsettled: VecDeque<VariableName>,
    thread: Option<Thread>,
    /// When the wait ended, by the clock.
    wait_ended: Arc<OnceLock<Duration>>,
}

/// A signal to create.
struct Task {
    signal: NamedSignal,
    /// How long it is tried after the end of the wait; `None` if until it is created.
    late_for: Option<Duration>,
}

impl Waiting<'_> {
    /// Starts to create the signals beside the wait.
    ///
    /// A signal that is created again after the wait, maybe with another value, is tried no longer
    /// than the wait: it must not overwrite the later value.
    ///
    /// # Errors
    /// [`Interruption::Rejected`] if the operating system cannot start a thread.
    pub(super) fn signal_beside_wait(&mut self) -> Result<(), Interruption> {
        let later = &self.preparation.signals;
        let late_for = |signal: &NamedSignal| {
            let is_repeated = later.iter().any(|it| it.name == signal.name);
            Some(if is_repeated {
                Duration::ZERO
            } else {
                LATE_SIGNALS
            })
        };
        let tasks = self.preparation.early_signals.iter().map(|signal| Task {
            signal: signal.clone(),
            late_for: late_for(signal),
        });
        self.start(tasks.collect())
    }

    /// Creates the signals after the wait, however long the store takes. Signals beside the wait that
    /// did not get through have a moment more.
    ///
    /// # Errors
    /// [`Interruption`] if the store rejects a signal, or the client is stopped.
    pub(super) fn signal_after_wait(&mut self) -> Result<(), Interruption> {
        self.finish_beside_wait()?;
        let signals = self.preparation.signals.iter().cloned();
        let tasks = signals.map(|signal| Task {
            signal,
            late_for: None,
        });
        self.start(tasks.collect())?;
        while !self.signalling.unsettled.is_empty() {
            self.take_next_attempt(None)?;
        }
        Ok(())
    }

    /// Lets the signals beside the wait come to an end, so that they do not mix with those after it.
    fn finish_beside_wait(&mut self) -> Result<(), Interruption> {
        let ended = self.surroundings.clock.now();
        self.signalling.wait_ended.get_or_init(|| ended);
        if let Some(thread) = self.signalling.thread.take() {
            thread.unpark();
        }
        // The thread gives up in time, unless a request hangs. Nothing else may follow that request.
        let is_last = self.preparation.signals.is_empty();
        let until = is_last.then_some(self.now() + LATE_SIGNALS);
        while !self.signalling.unsettled.is_empty() && until.is_none_or(|until| self.now() < until)
        {
            self.take_next_attempt(until)?;
        }
        for name in self.signalling.unsettled.drain(..) {
            self.surroundings.console.say(given_up(&name));
        }
        Ok(())
    }

    /// Starts a thread that creates signals one after the other.
    fn start(&mut self, tasks: Vec<Task>) -> Result<(), Interruption> {
        if tasks.is_empty() {
            return Ok(());
        }
        let names = tasks.iter().map(|task| task.signal.name.clone());
        self.signalling.unsettled = names.collect();
        let api = &self.preparation.api;
        let signaller = Signaller {
            // The wait closes its connection when it has another question.
            api: api.reconnected().unwrap_or_else(|_| api.clone()),
            namespace: self.preparation.namespace.clone(),
            owner: self.preparation.owner.clone(),
            clock: Arc::clone(&self.surroundings.clock),
            wait_ended: Arc::clone(&self.signalling.wait_ended),
            sender: self.sender.clone(),
        };
        let started = thread::Builder::new().spawn(move || signaller.create_all(&tasks));
        let started = started.map_err(|error| {
            Interruption::Rejected(format!(
                "Failed to signal: failed to start a thread: {error}"
            ))
        })?;
        self.signalling.thread = Some(started.thread().clone());
        Ok(())
    }

    /// Handles the news of a signal.
    ///
    /// # Errors
    /// [`Interruption::Rejected`] if the store rejects the signal.
    pub(super) fn take_attempt(&mut self, attempt: Attempt) -> Result<(), Interruption> {
        let line = match attempt {
            Attempt::Rejected(message) => return Err(Interruption::Rejected(message)),
            Attempt::Retried(line) => line,
            Attempt::Settled(line) => {
                self.signalling.unsettled.pop_front();
                line
            }
        };
        if let Some(line) = line {
            self.surroundings.console.say(line);
        }
        Ok(())
    }

    /// Handles the next attempt, if one comes until a time.
    fn take_next_attempt(&mut self, until: Option<Duration>) -> Result<(), Interruption> {
        match self.next(until) {
            Some(Happening::Attempted(attempt)) => self.take_attempt(attempt),
            Some(Happening::Signal(signal)) => Err(Interruption::Stopped(signal)),
            // Late events of the wait do not matter.
            Some(Happening::Event(_)) | None => Ok(()),
        }
    }

    /// Returns the message for users if `signal` ends the client after the wait.
    pub(super) fn stopped_while_signalling(&self, signal: &str) -> String {
        match self.signalling.unsettled.front() {
            Some(name) => format!("Stopped by {signal} before signalling {name}"),
            None => format!("Stopped by {signal}"),
        }
    }
}

/// How long the client tries signals beside the wait when the wait is over: as long as a marker has.
const LATE_SIGNALS: Duration = Duration::from_secs(2);

fn given_up(name: &VariableName) -> String {
    format!("Warning: gave up signalling {name}; a controller may signal it later")
}

/// Creates signals on a thread of its own, so that neither the wait nor SIGTERM waits for the store.
struct Signaller {
    api: Api,
    namespace: Namespace,
    owner: Option<Owner>,
    clock: Arc<dyn Clock>,
    wait_ended: Arc<OnceLock<Duration>>,
    sender: Sender<Happening>,
}

/// The client has ended: nobody listens.
struct Ended;

impl Signaller {
    fn create_all(&self, tasks: &[Task]) {
        for task in tasks {
            if self.create(task).is_err() {
                break;
            }
        }
    }

    fn create(&self, task: &Task) -> Result<(), Ended> {
        let name = &task.signal.name;
        let mut random = fastrand::Rng::new();
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
        let begun = self.clock.now();
        loop {
            let left = self.time_left(task);
            if left.is_zero() {
                let is_repeated = task.late_for == Some(Duration::ZERO);
                return self.tell(Attempt::Settled((!is_repeated).then(|| given_up(name))));
            }
            let Err(error) = self.try_to_create(&task.signal) else {
                return self.tell(Attempt::Settled(Some(format!("Signalled: {name}"))));
            };
            let after = elapsed(self.clock.now().saturating_sub(begun));
            let attempt = format!("signal {name} after {after}: {error}");
            if error.is_final() && !error.is_denied() {
                return self.tell(Attempt::Rejected(format!("Failed to {attempt}")));
            }
            let delay = backoff.after_failure(&mut random).min(left);
            let is_told = backoff.failures().is_power_of_two();
            let line = is_told.then(|| format!("Trying to {attempt}"));
            self.tell(Attempt::Retried(line))?;
            // The end of the wait unparks the thread.
            thread::park_timeout(self.clock.in_reality(delay));
        }
    }

    /// Returns how long the signal can still be tried.
    fn time_left(&self, task: &Task) -> Duration {
        match (task.late_for, self.wait_ended.get()) {
            (Some(late_for), Some(ended)) => (*ended + late_for).saturating_sub(self.clock.now()),
            _ => Duration::MAX,
        }
    }

    fn try_to_create(&self, signal: &NamedSignal) -> Result<(), ApiError> {
        let assertion = AssertRequest {
            value: signal.value.clone(),
            owner: self.owner.clone(),
            ..AssertRequest::default()
        };
        let created = self.api.create(&self.namespace, &signal.name, &assertion);
        created.map(drop)
    }

    fn tell(&self, attempt: Attempt) -> Result<(), Ended> {
        let sent = self.sender.send(Happening::Attempted(attempt));
        sent.map_err(|_| Ended)
    }
}
