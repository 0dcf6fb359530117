//! The shell around a wait: threads, channels, files and the console.

mod preparation;
mod signalling;

use std::{
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use oncue_language::{State, Verdict};
use oncue_wire::{JudgedTerm, WaitAnswer};

use self::{
    preparation::{Preparation, PreparationError},
    signalling::{Attempt, Signalling},
};
use crate::{
    Surroundings,
    api::{Api, ApiError},
    args,
    exit::Exit,
    interrupts::Signal,
    termination,
    wait::{Action, Answer, Check, Ending, EndingKind, Event, Lost, Question, Wait},
};

/// `wait TERM...`
pub(crate) fn wait(arguments: args::Wait, surroundings: &Surroundings) -> Exit {
    let (sender, happenings) = mpsc::channel();
    let on_signal = sender.clone();
    let watched = surroundings.interrupts.watch(move |signal| {
        // The receiver is gone if the wait has just ended.
        let _ = on_signal.send(Happening::Signal(signal));
    });
    let prepared = watched
        .map_err(PreparationError::Interrupts)
        .and_then(|()| Preparation::of(arguments, surroundings));
    let preparation = match prepared {
        Ok(preparation) => preparation,
        Err(error) => {
            surroundings.console.complain(&error);
            termination::write(&error.to_string(), &surroundings.environment);
            return error.exit();
        }
    };
    preparation.present_token(surroundings);
    let mut waiting = Waiting {
        question: None,
        signalling: Signalling::default(),
        sender,
        happenings,
        preparation,
        surroundings,
    };
    let (exit, message) = waiting.run();
    termination::write(&message, &surroundings.environment);
    exit
}

/// A message from another thread.
enum Happening {
    Attempted(Attempt),
    Event(Event),
    Signal(Signal),
}

/// Why the client ends although its wait has no ending, or after it.
enum Interruption {
    /// A signal that cannot be created.
    Rejected(String),
    Stopped(Signal),
}

/// A wait with its threads and channels.
struct Waiting<'a> {
    /// The question that awaits its answer, with its connection.
    question: Option<(u64, Api)>,
    signalling: Signalling,
    sender: Sender<Happening>,
    happenings: Receiver<Happening>,
    preparation: Preparation,
    surroundings: &'a Surroundings,
}

impl Waiting<'_> {
    /// Returns the exit and the message that explains it.
    fn run(&mut self) -> (Exit, String) {
        let mut wait = Wait::new(self.preparation.plan.clone(), self.now());
        let signalling = self.signal_beside_wait();
        let ending = match signalling.and_then(|()| self.until_it_ends(&mut wait)) {
            Ok(ending) => ending,
            Err(interruption) => {
                self.preparation
                    .stamp_outages(wait.without_store(self.now()));
                return self
                    .interrupted(interruption, |signal| wait.stopped_by(signal, self.now()));
            }
        };
        self.surroundings.console.say(&ending.message);
        match ending.kind {
            EndingKind::Ready => match self.signal_after_wait() {
                Ok(()) => {
                    self.preparation.forget_the_wait();
                    (Exit::Held, ending.message)
                }
                Err(interruption) => {
                    self.interrupted(interruption, |signal| self.stopped_while_signalling(signal))
                }
            },
            kind => {
                self.preparation
                    .stamp_failure(&ending.cause, self.surroundings);
                self.preparation
                    .stamp_outages(wait.without_store(self.now()));
                (kind.into(), ending.message)
            }
        }
    }

    fn interrupted(
        &self,
        interruption: Interruption,
        stopped_by: impl FnOnce(&str) -> String,
    ) -> (Exit, String) {
        let (exit, message) = match interruption {
            Interruption::Rejected(message) => (Exit::Error, message),
            Interruption::Stopped(signal) => (Exit::Signal(signal), stopped_by(signal.name())),
        };
        self.surroundings.console.say(&message);
        (exit, message)
    }

    fn until_it_ends(&mut self, wait: &mut Wait) -> Result<Ending, Interruption> {
        let mut event = Event::Tick;
        loop {
            for action in wait.handle(event, self.now()) {
                match action {
                    Action::Ask(question) => self.ask(&question),
                    Action::Finish(ending) => return Ok(ending),
                    Action::Forget(term) => self.forget(term),
                    Action::Probe(check) => self.probe(check),
                    Action::Say(line) => self.surroundings.console.say(line),
                }
            }
            event = match self.next(wait.wake_at()) {
                Some(Happening::Event(event)) => event,
                Some(Happening::Signal(signal)) => return Err(Interruption::Stopped(signal)),
                Some(Happening::Attempted(attempt)) => {
                    self.take_attempt(attempt)?;
                    Event::Tick
                }
                None => Event::Tick,
            };
            self.forget_the_question_that(&event);
        }
    }

    /// Returns the time on the axis of the wait.
    fn now(&self) -> Duration {
        let here = self.surroundings.clock.now();
        self.preparation.waited_before + here.saturating_sub(self.preparation.begun)
    }

    /// Returns the next message, or `None` if none comes until `wake`.
    fn next(&self, wake: Option<Duration>) -> Option<Happening> {
        let Some(wake) = wake else {
            return self.happenings.recv().ok();
        };
        let patience = wake.saturating_sub(self.now());
        let patience = self.surroundings.clock.in_reality(patience);
        self.happenings.recv_timeout(patience).ok()
    }

    /// Asks on a separate thread. Closes the connection of an earlier question that is still held,
    /// so that the store does not count this pod twice.
    fn ask(&mut self, question: &Question) {
        if let Some((_, api)) = self.question.take() {
            if let Ok(fresh) = api.reconnected() {
                self.preparation.api = fresh;
            }
            api.hang_up();
        }
        let api = self.preparation.api.clone();
        self.question = Some((question.number, api.clone()));
        let namespace = self.preparation.namespace.clone();
        let request = self.preparation.request(question);
        let number = question.number;
        let answered = move |answer| Happening::Event(Event::Answered { number, answer });
        self.in_background(
            move || answered(understood(api.wait(&namespace, &request))),
            |reason| answered(Err(Lost::Unreachable(reason))),
        );
    }

    fn forget_the_question_that(&mut self, event: &Event) {
        let Event::Answered { number, .. } = event else {
            return;
        };
        self.question.take_if(|(asked, _)| asked == number);
    }

    fn forget(&self, term: usize) {
        if let Some(probe) = self.preparation.plan.terms[term].probe() {
            self.surroundings.prober.forget(&probe.host);
        }
    }

    fn probe(&self, check: Check) {
        let Some(probe) = self.preparation.plan.terms[check.term].probe().cloned() else {
            return;
        };
        let prober = Arc::clone(&self.surroundings.prober);
        let happening = move |result| Happening::Event(Event::Probed { check, result });
        self.in_background(
            move || happening(prober.probe(&probe).map_err(|failure| failure.to_string())),
            |reason| happening(Err(reason)),
        );
    }

    /// Does `work` on a separate thread. If the operating system cannot start one, sends the result
    /// of `not_started` with the reason.
    fn in_background(
        &self,
        work: impl FnOnce() -> Happening + Send + 'static,
        not_started: impl FnOnce(String) -> Happening,
    ) {
        let sender = self.sender.clone();
        let started = thread::Builder::new().spawn(move || sender.send(work()));
        if let Err(error) = started {
            let reason = format!("failed to start a thread: {error}");
            // Cannot fail: we hold the receiver.
            let _ = self.sender.send(not_started(reason));
        }
    }
}

fn understood(answer: Result<WaitAnswer, ApiError>) -> Result<Answer, Lost> {
    match answer {
        Ok(answer) => Ok(Answer {
            revision: answer.revision,
            verdicts: answer.terms.into_iter().map(verdict).collect(),
            nudges: answer.nudges,
            released: answer.released,
        }),
        Err(error) if error.is_denied() => Err(Lost::Denied(error.to_string())),
        Err(error) if error.is_final() => Err(Lost::Refused(error.to_string())),
        Err(error) => Err(Lost::Unreachable(error.to_string())),
    }
}

fn verdict(judged: JudgedTerm) -> Verdict<String> {
    let reason = judged
        .reason
        .unwrap_or_else(|| "the store does not say why".to_owned());
    match judged.state {
        State::Failed => Verdict::Failed(reason),
        State::Held => Verdict::Held,
        State::Missing => Verdict::Missing(reason),
    }
}
