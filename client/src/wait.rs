//! The decisions of a wait. Pure: takes events and the time as values, and returns actions.
//!
//! Time is a duration since the pod's first wait began, so that timeouts count through restarts.

mod conversation;
mod decide;
mod plan;
mod probing;
mod progress;
pub(crate) mod terms;
mod text;
mod watched;

use std::time::Duration;

use oncue_language::{ServiceReadiness, TimeoutRules, Verdict, expiry::Attempt, host::service_of};

use crate::exit::Exit;

pub(crate) use self::text::elapsed;
use self::{
    conversation::{Asked, Conversation, Trouble},
    probing::{Nudge, Probing},
    progress::Progress,
    watched::Watched,
};
pub use self::{
    plan::{Overdue, Plan, PlanError},
    terms::TermError,
};

/// A wait in progress.
#[derive(Debug)]
pub struct Wait {
    watched: Vec<Watched>,
    probings: Vec<Probing>,
    conversation: Conversation,
    progress: Progress,
    rules: TimeoutRules,
    overdue: Option<Overdue>,
    /// When this process began to wait.
    begun: Duration,
    /// When the last event was handled.
    handled_at: Duration,
    random: fastrand::Rng,
    actions: Vec<Action>,
}

/// An event of a wait.
#[derive(Clone, Debug)]
pub enum Event {
    /// The store answered the question with this number, or failed to.
    Answered {
        /// The number of the question.
        number: u64,
        /// The answer, or the reason why none came.
        answer: Result<Answer, Lost>,
    },
    /// This check ended.
    Probed {
        /// The check, as the action says.
        check: Check,
        /// Why the check failed, if it did.
        result: Result<(), String>,
    },
    /// Only time has passed.
    Tick,
}

/// A check of a term.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Check {
    /// The position of the term.
    pub term: usize,
    /// The number of the check among those of the term.
    pub number: u64,
}

/// The states of the terms in a question, in their order, at one revision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The revision, as the store writes it.
    pub revision: String,
    /// The verdict on each term.
    pub verdicts: Vec<Verdict<String>>,
    /// The readiness of the Service in each nudge.
    pub nudges: Vec<ServiceReadiness>,
    /// Why a person let the pod go.
    pub released: Option<String>,
}

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Lost {
    /// The store does not take the pod's token, or does not allow the pod to wait.
    Denied(String),
    /// The store rejects the question itself.
    Refused(String),
    /// The store is unreachable or has failed.
    Unreachable(String),
}

/// An action that the wait requests.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Ask the store. This replaces an earlier question.
    Ask(Question),
    /// The wait is over.
    Finish(Ending),
    /// Forget the addresses of this term's host: others may be behind it now.
    Forget(usize),
    /// Check a term.
    Probe(Check),
    /// Print this line.
    Say(String),
}

/// A question for the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// The number of the question, which the answer repeats.
    pub number: u64,
    /// The positions of the terms. Without any, the store is asked for a release by hand only.
    pub terms: Vec<usize>,
    /// Terms about the Services that are probed: the store answers once one becomes ready.
    pub nudges: Vec<String>,
    /// The store holds the answer until the state differs from the state at this revision.
    pub revision: Option<String>,
}

/// How a wait ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ending {
    /// The kind of ending.
    pub kind: EndingKind,
    /// The message for users, in the log and the termination message.
    pub message: String,
    /// The cause in a few words, for the process that continues to wait after a failure.
    pub cause: String,
}

/// The kinds of endings of a wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EndingKind {
    /// A failure term failed.
    Failed,
    /// Every term holds or was given up, or a person let the pod go.
    Ready,
    /// The store rejects the terms.
    Refused,
    /// A timeout has passed.
    TimedOut,
}

impl EndingKind {
    /// Returns the client's exit code for this ending.
    pub fn exit_code(self) -> u8 {
        Exit::from(self).code()
    }
}

impl Wait {
    /// Returns the wait for `plan`, as of `now`. The first event yields its first actions.
    pub fn new(plan: Plan, now: Duration) -> Self {
        let Plan {
            terms,
            timeout,
            policy,
            namespace,
            without_store,
            overdue,
            random,
        } = plan;
        let watched: Vec<_> = terms.into_iter().map(Watched::new).collect();
        let probing = |(index, watched): (usize, &Watched)| {
            let probe = watched.term.probe()?;
            let service = service_of(&probe.host, &namespace);
            Some(Probing::new(index, service.map(|it| it.to_string()), now))
        };
        let probings = watched.iter().enumerate().filter_map(probing).collect();
        Self {
            actions: vec![Action::Say(text::checking(&watched))],
            watched,
            probings,
            conversation: Conversation::new(now, without_store),
            progress: Progress::new(now),
            rules: TimeoutRules {
                whole: timeout,
                policy,
                attempt: match overdue {
                    None => Attempt::First,
                    Some(_) => Attempt::Overdue,
                },
            },
            overdue,
            begun: now,
            handled_at: now,
            random,
        }
    }

    /// Handles an event, and returns the actions in their order.
    pub fn handle(&mut self, event: Event, now: Duration) -> Vec<Action> {
        self.handled_at = now;
        let refusal = match event {
            Event::Answered { number, answer } if self.conversation.is_about(number) => {
                self.take_answer(answer, now)
            }
            Event::Probed { check, result } => {
                self.take_probe(check, result, now);
                None
            }
            Event::Answered { .. } | Event::Tick => None,
        };
        self.give_up_what_is_due(now);
        match refusal.or_else(|| self.ending(now)) {
            Some(ending) => self.actions.push(Action::Finish(ending)),
            None => self.go_on(now),
        }
        std::mem::take(&mut self.actions)
    }

    /// Returns when the next [`Event::Tick`] is due. If this time has passed since the last event,
    /// the tick is due at once.
    pub fn wake_at(&self) -> Option<Duration> {
        let probes = self.probings.iter().filter_map(Probing::due_at);
        let terms = self
            .watched
            .iter()
            .filter_map(|watched| self.expires_at(watched));
        probes
            .chain(terms)
            .chain(self.whole_wait_expires_at())
            .chain(self.conversation.due_at())
            .chain(self.progress.due_at(&self.watched))
            .filter(|at| *at > self.handled_at)
            .min()
    }

    /// Returns how long this wait was without the store.
    pub fn without_store(&self, now: Duration) -> Duration {
        self.conversation.without_store(now)
    }

    /// Returns the message for users if `signal` ends the wait.
    pub fn stopped_by(&self, signal: &str, now: Duration) -> String {
        let missing = text::missing(&self.watched, now);
        format!(
            "Stopped by {signal} after {}: still missing {missing}",
            elapsed(now)
        )
    }

    fn take_answer(&mut self, answer: Result<Answer, Lost>, now: Duration) -> Option<Ending> {
        match answer {
            Ok(answer) => {
                let line = self.conversation.answered(answer.revision, now);
                self.say(line);
                if let Some(reason) = answer.released {
                    return Some(Ending {
                        kind: EndingKind::Ready,
                        message: format!("Released by hand after {}: {reason}", elapsed(now)),
                        cause: "released by hand".to_owned(),
                    });
                }
                let Asked { terms, nudges } = self.conversation.asked().clone();
                for (term, verdict) in terms.into_iter().zip(answer.verdicts) {
                    self.watched[term].learn(verdict, now);
                }
                for (index, readiness) in nudges.into_iter().zip(answer.nudges) {
                    self.take_nudge(index, readiness, now);
                }
                self.conversation.turn_to(self.next_topic(), now);
                None
            }
            // The nudges may be at fault, and no wait needs them.
            Err(Lost::Refused(reason)) if !self.conversation.asked().nudges.is_empty() => {
                self.do_without_nudges(&reason, now);
                None
            }
            Err(Lost::Refused(reason)) if self.overdue.is_none() && self.asks_for_terms() => {
                Some(Ending {
                    kind: EndingKind::Refused,
                    message: format!("Refused after {}: {reason}", elapsed(now)),
                    cause: reason,
                })
            }
            Err(Lost::Denied(reason)) => {
                self.lose_store(Trouble::denied(reason), now);
                None
            }
            Err(Lost::Refused(reason) | Lost::Unreachable(reason)) => {
                self.lose_store(Trouble::unanswered(reason), now);
                None
            }
        }
    }

    /// Without terms for the store, its absence is not worth a message.
    fn lose_store(&mut self, trouble: Trouble, now: Duration) {
        for watched in self.watched.iter_mut().filter(|w| w.term.probe().is_none()) {
            watched.learn_that_nobody_knows();
        }
        self.expect_no_nudges(now);
        if self.server_terms().is_empty() {
            self.conversation.rest(now, &mut self.random);
        } else {
            let line = self.conversation.lost(trouble, now, &mut self.random);
            self.say(line);
        }
    }

    fn do_without_nudges(&mut self, reason: &str, now: Duration) {
        self.expect_no_nudges(now);
        self.conversation.do_without_nudges(reason, now);
    }

    /// Sets the pace of the probes to that of Services that the store does not know.
    fn expect_no_nudges(&mut self, now: Duration) {
        for probing in &mut self.probings {
            probing.learn(ServiceReadiness::Unknown, now);
        }
    }

    /// Handles the readiness of the Service that is probed.
    fn take_nudge(&mut self, probing: usize, readiness: ServiceReadiness, now: Duration) {
        let probing = &mut self.probings[probing];
        let nudge = probing.learn(readiness, now);
        if nudge != Nudge::None {
            self.actions.push(Action::Forget(probing.term));
        }
        if let (Nudge::First, Some(service)) = (nudge, &probing.service) {
            let line = text::nudged(&self.watched[probing.term], service);
            self.actions.push(Action::Say(line));
        }
    }

    fn take_probe(&mut self, check: Check, result: Result<(), String>, now: Duration) {
        let term = check.term;
        let mut probings = self.probings.iter_mut();
        let Some(probing) = probings.find(|probing| probing.term == term) else {
            return;
        };
        if !probing.ended(check, result.is_ok()) {
            return;
        }
        match result {
            Ok(()) => {
                probing.latch();
                self.watched[term].learn(Verdict::Held, now);
            }
            Err(reason) => {
                probing.failed(now, &mut self.random);
                self.watched[term].learn(Verdict::Missing(reason), now);
            }
        }
    }

    /// Asks, checks and reports what is due.
    fn go_on(&mut self, now: Duration) {
        if self.probes_are_over() && self.server_terms_hold() {
            self.conversation.confirm(now);
        }
        for probing in self
            .probings
            .iter_mut()
            .filter(|probing| probing.is_due(now))
        {
            self.actions.push(Action::Probe(probing.begin()));
        }
        if self.has_question() && self.conversation.is_due(now) {
            let question = self.question(now);
            self.actions.push(Action::Ask(question));
        }
        if self.progress.is_due(&self.watched, now) {
            let line = self.progress_line(now);
            self.actions.push(Action::Say(line));
            self.progress.said(&self.watched, now);
        }
    }

    /// Returns whether there is something to ask the store: terms, or else, once a check has failed,
    /// nudges and a release by hand.
    fn has_question(&self) -> bool {
        !self.terms_to_ask().is_empty() || self.probings.iter().any(Probing::is_failing)
    }

    fn terms_to_ask(&self) -> Vec<usize> {
        if self.conversation.listens() {
            Vec::new()
        } else {
            self.server_terms()
        }
    }

    /// Returns whether the last question is about terms, and not about nudges or a release only.
    fn asks_for_terms(&self) -> bool {
        !self.conversation.asked().terms.is_empty()
    }

    fn question(&mut self, now: Duration) -> Question {
        let asked = Asked {
            terms: self.terms_to_ask(),
            nudges: self.nudges(),
        };
        let services = asked.nudges.iter();
        let services = services.filter_map(|index| self.probings[*index].service.clone());
        let (nudges, terms) = (services.collect(), asked.terms.clone());
        let (number, revision) = self.conversation.ask(asked, now);
        self.conversation.counts = self.probes_are_over();
        Question {
            number,
            terms,
            nudges,
            revision,
        }
    }

    fn progress_line(&self, now: Duration) -> String {
        let mut line = match &self.overdue {
            Some(overdue) => text::overdue(overdue, &self.watched, now),
            None => text::waiting(&self.watched, now),
        };
        if let Some(outage) = self.conversation.outage() {
            line += &outage.clause(now);
        }
        line
    }

    fn say(&mut self, line: Option<String>) {
        self.actions.extend(line.map(Action::Say));
    }
}

#[cfg(test)]
mod tests;
