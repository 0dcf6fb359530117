//! One term of a wait and how it stands.

use std::time::Duration;

use oncue_language::{Presence, Term};

/// A term and how it stands.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) term: Term,
    pub(super) standing: Standing,
    /// Since when it does not hold, as far as this process knows.
    pub(super) missing_since: Duration,
    /// A term's own timeout ends when it first holds.
    held_once: bool,
}

/// How a term stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Standing {
    /// What must not be is so; why.
    Failed(String),
    /// It is not waited for any more; what was missing then.
    GivenUp(String),
    /// It holds.
    Held,
    /// It does not hold yet; why.
    Missing(String),
    /// No result yet.
    Unknown,
}

impl Watched {
    pub(super) fn new(term: Term) -> Self {
        Self {
            term,
            standing: Standing::Unknown,
            missing_since: Duration::ZERO,
            held_once: false,
        }
    }

    /// Takes in how it stands now; what was given up stays so.
    pub(super) fn learn(&mut self, standing: Standing, now: Duration) {
        if self.is_given_up() {
            return;
        }
        let held = self.standing == Standing::Held;
        let holds = standing == Standing::Held;
        if held && !holds {
            self.missing_since = now;
        }
        self.held_once |= holds;
        self.standing = standing;
    }

    /// Takes in that the store could not be asked: better than nothing.
    pub(super) fn learn_that_nobody_knows(&mut self) {
        if self.standing == Standing::Unknown {
            self.standing = Standing::Missing("not checked yet".to_owned());
        }
    }

    pub(super) fn give_up(&mut self) {
        self.standing = Standing::GivenUp(self.why_missing().to_owned());
    }

    pub(super) fn is_given_up(&self) -> bool {
        matches!(self.standing, Standing::GivenUp(_))
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.standing == Standing::Unknown
    }

    /// Returns whether there is nothing left to wait for.
    pub(super) fn is_settled(&self) -> bool {
        matches!(self.standing, Standing::GivenUp(_) | Standing::Held)
    }

    /// Returns the moment of its own timeout, unless that has ended.
    pub(super) fn timeout(&self) -> Option<Duration> {
        if self.is_settled() || self.held_once {
            return None;
        }
        self.term.timeout().map(oncue_language::Timeout::duration)
    }

    pub(super) fn is_optional(&self) -> bool {
        self.term.presence == Presence::Optional
    }

    /// Returns why it does not hold, to be read after the term.
    pub(super) fn why_missing(&self) -> &str {
        match &self.standing {
            Standing::Failed(reason) | Standing::GivenUp(reason) | Standing::Missing(reason) => {
                reason
            }
            Standing::Held => "holds",
            Standing::Unknown => "not checked yet",
        }
    }
}
