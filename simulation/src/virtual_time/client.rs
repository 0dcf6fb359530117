//! A client in memory: the wait machine of the real one, and what that leaves in its pod's folder.

use std::time::Duration;

use oncue_client::wait::{self, Answer, Overdue, Plan, Question, Wait};
use oncue_core::world;
use oncue_language::{
    Condition, Namespace, Presence, Probe, State, Term, Verdict, condition::Unresolved,
};

use super::timestamp;

/// What a pod's clients leave in the shared folder for the next one.
#[derive(Clone, Debug)]
pub(super) struct Stamps {
    /// When the pod's first wait began.
    began: Duration,
    failed: Option<Overdue>,
}

impl Stamps {
    pub(super) fn new(began: Duration) -> Self {
        Self {
            began,
            failed: None,
        }
    }

    /// Notes that a wait failed.
    pub(super) fn fail(&mut self, now: Duration, cause: String) {
        self.failed = Some(Overdue {
            at: now.saturating_sub(self.began),
            moment: timestamp(now).to_string(),
            cause,
        });
    }

    /// Returns a client of a pod in `namespace` that starts at `now`.
    ///
    /// # Errors
    /// [`Unresolved`] if a term of `plan` is not filled in.
    pub(super) fn client(
        &self,
        mut plan: Plan,
        namespace: &Namespace,
        now: Duration,
    ) -> Result<Client, Unresolved> {
        plan.overdue.clone_from(&self.failed);
        let terms = plan.terms.clone();
        let conditions = terms.iter().map(|term| term.condition(namespace));
        Ok(Client {
            conditions: conditions.collect::<Result<_, _>>()?,
            namespace: namespace.clone(),
            terms,
            wait: Wait::new(plan, now.saturating_sub(self.began)),
            began: self.began,
            question: None,
            last: (Vec::new(), Vec::new()),
            wake_at: None,
        })
    }
}

/// A client that waits.
#[derive(Debug)]
pub(super) struct Client {
    wait: Wait,
    terms: Vec<Term>,
    conditions: Vec<Option<Condition>>,
    namespace: Namespace,
    /// When the pod's first wait began.
    began: Duration,
    /// The question that is not answered yet.
    pub(super) question: Option<Question>,
    /// The conditions of the last answer, and their states then.
    last: (Vec<Condition>, Vec<State>),
    /// When it acts on the time.
    pub(super) wake_at: Option<Duration>,
}

impl Client {
    pub(super) fn handle(&mut self, event: wait::Event, now: Duration) -> Vec<wait::Action> {
        self.wait.handle(event, now.saturating_sub(self.began))
    }

    /// Returns when it acts on the time, if that has changed.
    pub(super) fn next_wake(&mut self, now: Duration) -> Option<Duration> {
        let wake = self.wait.wake_at().map(|at| now.max(self.began + at));
        if wake == self.wake_at {
            return None;
        }
        self.wake_at = wake;
        wake
    }

    /// Returns the probe that a term is.
    pub(super) fn probe(&self, term: usize) -> Option<&Probe> {
        self.terms.get(term)?.probe()
    }

    /// Returns what the store judges of its question: the terms, then the nudges.
    pub(super) fn asked_conditions(&self) -> Vec<Condition> {
        let terms = self.question.iter().flat_map(|question| &question.terms);
        let terms = terms.filter_map(|term| self.conditions[*term].clone());
        let nudges = self.question.iter().flat_map(|question| &question.nudges);
        let nudges = nudges.filter_map(|nudge| self.optional(nudge));
        terms.map(Condition::counting).chain(nudges).collect()
    }

    fn optional(&self, nudge: &str) -> Option<Condition> {
        let term: Term = nudge.parse().ok()?;
        let condition = term.condition(&self.namespace).ok()??;
        Some(Condition {
            presence: Presence::Optional,
            ..condition
        })
    }

    /// Returns whether it asks for a change of the last answer, and `states` are those of it.
    pub(super) fn knows(&self, conditions: &[Condition], states: &[State]) -> bool {
        let question = self.question.as_ref();
        let last = (&*self.last.0, &*self.last.1);
        question.is_some_and(|it| it.revision.is_some()) && last == (conditions, states)
    }

    /// Returns whether it still waits for the answer to this question.
    pub(super) fn is_held(&self, number: u64) -> bool {
        let question = self.question.as_ref();
        question.is_some_and(|question| question.number == number)
    }

    /// Answers its question, and returns the answer with the number of the question.
    pub(super) fn answer(&mut self, answer: world::Answer) -> Option<(u64, Answer)> {
        let question = self.question.take()?;
        self.last = (answer.conditions.to_vec(), answer.states().collect());
        let worded = |verdict: Verdict| verdict.map(|reason| reason.to_string());
        let verdicts = answer.terms.into_iter().take(question.terms.len());
        let answer = Answer {
            revision: answer.revision.to_string(),
            verdicts: verdicts.map(worded).collect(),
            nudges: answer.nudges,
            released: None,
        };
        Some((question.number, answer))
    }
}
