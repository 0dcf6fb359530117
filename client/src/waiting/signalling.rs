//! `signals-on-wait` and `signals-on-init`: signals that are created beside the wait, and after it but
//! before the pod's containers start.

use std::{
    collections::VecDeque,
    sync::{Arc, mpsc::Sender},
    thread,
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

/// The news of one signal.
pub(super) struct Attempt {
    stage: Stage,
    name: VariableName,
    outcome: Outcome,
}

/// When signals are created.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    AfterWait,
    BesideWait,
}

enum Outcome {
    /// The store rejects the signal.
    Rejected(String),
    /// The store did not take the signal. There is a line to print at a falling rate.
    Retried(Option<String>),
    Signalled,
}

/// The names of the signals that are not created yet.
#[derive(Debug, Default)]
pub(super) struct Unsignalled {
    after_wait: VecDeque<VariableName>,
    beside_wait: VecDeque<VariableName>,
}

impl Unsignalled {
    fn of(&mut self, stage: Stage) -> &mut VecDeque<VariableName> {
        match stage {
            Stage::AfterWait => &mut self.after_wait,
            Stage::BesideWait => &mut self.beside_wait,
        }
    }

    /// Returns the next signal that is to be created.
    fn next(&self) -> Option<&VariableName> {
        self.after_wait.iter().chain(&self.beside_wait).next()
    }
}

impl Waiting<'_> {
    /// Starts to create signals one after the other, however long the store takes.
    ///
    /// # Errors
    /// [`Interruption::Rejected`] if the operating system cannot start a thread.
    pub(super) fn begin_to_signal(
        &mut self,
        stage: Stage,
        signals: Vec<NamedSignal>,
    ) -> Result<(), Interruption> {
        if signals.is_empty() {
            return Ok(());
        }
        let names = signals.iter().map(|signal| signal.name.clone());
        *self.unsignalled.of(stage) = names.collect();
        let api = &self.preparation.api;
        let signaller = Signaller {
            stage,
            api: match stage {
                Stage::AfterWait => api.clone(),
                // The wait closes its connection when it has another question.
                Stage::BesideWait => api.reconnected().unwrap_or_else(|_| api.clone()),
            },
            namespace: self.preparation.namespace.clone(),
            owner: self.preparation.owner.clone(),
            clock: Arc::clone(&self.surroundings.clock),
            sender: self.sender.clone(),
        };
        let started = thread::Builder::new().spawn(move || signaller.signal_all(&signals));
        started.map(drop).map_err(|error| {
            Interruption::Rejected(format!(
                "Failed to signal: failed to start a thread: {error}"
            ))
        })
    }

    /// Handles the news of a signal.
    ///
    /// # Errors
    /// [`Interruption::Rejected`] if the store rejects the signal.
    pub(super) fn take_attempt(&mut self, attempt: Attempt) -> Result<(), Interruption> {
        let Attempt {
            stage,
            name,
            outcome,
        } = attempt;
        let line = match outcome {
            Outcome::Rejected(message) => return Err(Interruption::Rejected(message)),
            Outcome::Retried(line) => line,
            Outcome::Signalled => {
                self.unsignalled.of(stage).pop_front();
                Some(format!("Signalled: {name}"))
            }
        };
        if let Some(line) = line {
            self.surroundings.console.say(line);
        }
        Ok(())
    }

    /// Creates the signals after the wait, however long the store takes. Signals beside the wait that
    /// did not get through have a moment more.
    pub(super) fn signal_after_wait(&mut self) -> Result<(), Interruption> {
        let signals = self.preparation.signals.clone();
        self.begin_to_signal(Stage::AfterWait, signals)?;
        let patience = self.now() + GRACE;
        while !self.unsignalled.after_wait.is_empty() {
            self.hear_of_signals(None)?;
        }
        while !self.unsignalled.beside_wait.is_empty() && self.now() < patience {
            self.hear_of_signals(Some(patience))?;
        }
        let late = self.unsignalled.beside_wait.iter();
        let late: Vec<_> = late.map(VariableName::as_str).collect();
        if !late.is_empty() {
            self.surroundings.console.say(format_args!(
                "Warning: gave up signalling {}: the controller signals instead",
                late.join(", ")
            ));
        }
        Ok(())
    }

    /// Waits for the next attempt, until a time if there is one.
    fn hear_of_signals(&mut self, until: Option<Duration>) -> Result<(), Interruption> {
        match self.next(until) {
            Some(Happening::Attempted(attempt)) => self.take_attempt(attempt),
            Some(Happening::Signal(signal)) => Err(Interruption::Stopped(signal)),
            // Late events of the wait do not matter.
            Some(Happening::Event(_)) | None => Ok(()),
        }
    }

    /// Returns the message for users if `signal` ends the client after the wait.
    pub(super) fn stopped_while_signalling(&self, signal: &str) -> String {
        match self.unsignalled.next() {
            Some(name) => format!("Stopped by {signal} before signalling {name}"),
            None => format!("Stopped by {signal}"),
        }
    }
}

/// How long the client waits at its end for signals beside the wait: as long as a marker has.
const GRACE: Duration = Duration::from_secs(2);

/// Creates signals on a thread of its own, so that neither the wait nor SIGTERM waits for the store.
struct Signaller {
    stage: Stage,
    api: Api,
    namespace: Namespace,
    owner: Option<Owner>,
    clock: Arc<dyn Clock>,
    sender: Sender<Happening>,
}

/// The client has ended: nobody listens.
struct Ended;

impl Signaller {
    fn signal_all(&self, signals: &[NamedSignal]) {
        for signal in signals {
            if self.signal(signal).is_err() {
                break;
            }
        }
    }

    fn signal(&self, signal: &NamedSignal) -> Result<(), Ended> {
        let mut random = fastrand::Rng::new();
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
        let begun = self.clock.now();
        while let Err(error) = self.create(signal) {
            let after = elapsed(self.clock.now().saturating_sub(begun));
            let attempt = format!("signal {} after {after}: {error}", signal.name);
            if error.is_final() {
                return self.tell(signal, Outcome::Rejected(format!("Failed to {attempt}")));
            }
            let delay = backoff.after_failure(&mut random);
            let is_told = backoff.failures().is_power_of_two();
            let line = is_told.then(|| format!("Trying to {attempt}"));
            self.tell(signal, Outcome::Retried(line))?;
            thread::sleep(self.clock.in_reality(delay));
        }
        self.tell(signal, Outcome::Signalled)
    }

    fn create(&self, signal: &NamedSignal) -> Result<(), ApiError> {
        let assertion = AssertRequest {
            value: signal.value.clone(),
            owner: self.owner.clone(),
            ..AssertRequest::default()
        };
        let created = self.api.create(&self.namespace, &signal.name, &assertion);
        created.map(drop)
    }

    fn tell(&self, signal: &NamedSignal, outcome: Outcome) -> Result<(), Ended> {
        let attempt = Attempt {
            stage: self.stage,
            name: signal.name.clone(),
            outcome,
        };
        let sent = self.sender.send(Happening::Attempted(attempt));
        sent.map_err(|_| Ended)
    }
}
