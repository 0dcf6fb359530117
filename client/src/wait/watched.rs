//! One term of a wait, and its state.

use std::time::Duration;

use oncue_language::{Term, Verdict};

/// A term and its state.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) term: Term,
    /// The last verdict; `None` before the first one.
    verdict: Option<Verdict<String>>,
    /// Since when the term does not hold, as far as this process knows.
    pub(super) missing_since: Duration,
    /// Whether the term has held, which ends its own timeout.
    held_once: bool,
    /// Whether the term was given up.
    given_up: bool,
}

impl Watched {
    pub(super) fn new(term: Term) -> Self {
        Self {
            term,
            verdict: None,
            missing_since: Duration::ZERO,
            held_once: false,
            given_up: false,
        }
    }

    pub(super) fn learn(&mut self, verdict: Verdict<String>, now: Duration) {
        if self.given_up {
            return;
        }
        let holds = verdict == Verdict::Held;
        if self.holds() && !holds {
            self.missing_since = now;
        }
        self.held_once |= holds;
        self.verdict = Some(verdict);
    }

    /// Handles an unreachable store: a term without a verdict becomes missing.
    pub(super) fn learn_that_nobody_knows(&mut self) {
        self.verdict
            .get_or_insert_with(|| Verdict::Missing(NOT_CHECKED.to_owned()));
    }

    pub(super) fn give_up(&mut self) {
        self.given_up = true;
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.verdict.is_none()
    }

    pub(super) fn has_failed(&self) -> bool {
        !self.given_up && matches!(self.verdict, Some(Verdict::Failed(_)))
    }

    /// Returns whether there is nothing left to wait for.
    pub(super) fn is_settled(&self) -> bool {
        self.given_up || self.holds()
    }

    /// Returns whether its own timeout runs.
    pub(super) fn is_timed(&self) -> bool {
        !self.is_settled() && !self.held_once
    }

    /// Returns why the term does not hold, to be read after the term.
    pub(super) fn why_missing(&self) -> &str {
        match &self.verdict {
            Some(verdict) => verdict.reason().map_or("holds", String::as_str),
            None => NOT_CHECKED,
        }
    }

    fn holds(&self) -> bool {
        self.verdict == Some(Verdict::Held)
    }
}

const NOT_CHECKED: &str = "not checked yet";
