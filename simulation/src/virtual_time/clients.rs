//! The clients of a simulation: how they start, ask, probe and end.

use std::{path::Path, sync::Arc};

use oncue_client::wait::{self, Check, EndingKind, Plan, Question};
use serde_json::Value;

use super::{
    Creation, HOLD, Happening, ROUND_TRIP, Simulation, SimulationError, USAGE,
    client::{Client, Stamps},
    store::Asked,
    timestamp,
};
use crate::{
    cluster::{Admission, Event, Exit, PodId, StoreView},
    command::{Command, Sandbox},
    entry::{Entry, Listener, What},
};

impl<L: Listener, E, A: FnMut(Creation<'_>) -> Result<Admission, E>> Simulation<'_, L, A> {
    pub(super) fn start_client(
        &mut self,
        pod: PodId,
        container: &Value,
    ) -> Result<(), SimulationError<E>> {
        if !self.cluster.is_waiting(pod) {
            // It was deleted meanwhile.
            return Ok(());
        }
        self.handle(Event::Started(pod))?;
        let object = self.cluster.pod(pod).object();
        let sandbox = Sandbox {
            pod: object,
            folder: Path::new("/oncue"),
        };
        let Some(command) = sandbox.entry_point(container) else {
            let pod = self.cluster.pod(pod).name().to_owned();
            return Err(SimulationError::NotTheClient { pod });
        };
        match self.client(pod, command) {
            Ok(client) => {
                self.clients.insert(pod, client);
                self.drive(pod, wait::Event::Tick)
            }
            Err(message) => {
                let (exit, message) = (Exit(Some(USAGE)), Some(message));
                self.handle(Event::Exited { pod, exit, message })
            }
        }
    }

    /// Returns the client that a pod's command starts, or what is wrong with the command.
    fn client(&mut self, pod: PodId, command: Command) -> Result<Client, String> {
        let node = command.variable("NODE_NAME").map(str::to_owned);
        let words = command.args.into_iter().map(Into::into);
        let random = fastrand::Rng::with_seed(pod.seed());
        let plan = Plan::of_arguments(words, random).map_err(|it| it.to_string())?;
        let namespace = self.cluster.pod(pod).namespace();
        let plan = plan.filled_in(node.as_deref(), namespace);
        let plan = plan.map_err(|it| it.to_string())?;
        let stamps = self.stamps.entry(pod).or_insert(Stamps::new(self.now));
        let client = stamps.client(plan, namespace, self.now);
        client.map_err(|it| it.to_string())
    }

    /// Lets a client take an event in, and does what it wants done.
    pub(super) fn drive(
        &mut self,
        pod: PodId,
        event: wait::Event,
    ) -> Result<(), SimulationError<E>> {
        let Some(client) = self.clients.get_mut(&pod) else {
            return Ok(());
        };
        for action in client.handle(event, self.now) {
            match action {
                wait::Action::Ask(question) => self.ask(pod, question),
                wait::Action::Finish(ending) => return self.finish(pod, ending),
                // There are no addresses to forget.
                wait::Action::Forget(_) => {}
                wait::Action::Probe(check) => {
                    self.queue_in(ROUND_TRIP, Happening::Probed { pod, check });
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
        let grace = self.cluster.pod(pod).grace(self.now);
        if client.knows(&conditions, &self.store.judge(&conditions, grace)) {
            let conditions = conditions.into();
            self.store.hold(pod, Asked { conditions, grace });
            // Then, a failure may count that does not yet.
            let young = grace.end().map(|end| end.since(timestamp(self.now)));
            let hold = young.map_or(HOLD, |young| young.min(HOLD));
            self.queue_in(hold, Happening::HoldEnds { pod, number });
        } else {
            self.answer(pod);
        }
    }

    pub(super) fn end_hold(&mut self, pod: PodId, number: u64) {
        let client = self.clients.get(&pod);
        if client.is_some_and(|client| client.is_held(number)) {
            self.store.release(pod);
            self.answer(pod);
        }
    }

    /// Answers the question of a client with the present state.
    pub(super) fn answer(&mut self, pod: PodId) {
        let Some(client) = self.clients.get_mut(&pod) else {
            return;
        };
        let conditions: Arc<[_]> = client.asked_conditions().into();
        let grace = self.cluster.pod(pod).grace(self.now);
        let answer = self.store.answer(Asked { conditions, grace });
        if let Some((number, answer)) = client.answer(answer) {
            let happening = Happening::Answered {
                pod,
                number,
                answer,
            };
            self.queue_in(ROUND_TRIP, happening);
        }
    }

    pub(super) fn probed(&mut self, pod: PodId, check: Check) -> Result<(), SimulationError<E>> {
        let client = self.clients.get(&pod);
        let Some(probe) = client.and_then(|client| client.probe(check.term)).cloned() else {
            return Ok(());
        };
        let result = self.cluster.probe(pod, &probe);
        self.drive(pod, wait::Event::Probed { check, result })
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
