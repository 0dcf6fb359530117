//! The timeout rules: when time ends a wait, or gives up one of its terms.
//!
//! Everything counts from the pod's first wait. A term's own time ends when the term first holds.

use crate::{
    annotation::TimeoutPolicy,
    term::{Presence, Term},
    timeout::Timeout,
};

/// What the timeouts of one wait depend on, apart from its terms.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct TimeoutRules {
    /// `depends-on-timeout`, for the whole wait.
    pub whole: Option<Timeout>,
    /// `depends-on-timeout-policy`.
    pub policy: TimeoutPolicy,
    /// Whether the wait has failed before.
    pub attempt: Attempt,
}

/// Whether a wait has failed before.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Attempt {
    /// It has not.
    #[default]
    First,
    /// It has: it goes on until everything holds, and does not fail a second time.
    Overdue,
}

/// A time limit, and what follows once it is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Expiry {
    /// The limit, counted from the pod's first wait.
    pub after: Timeout,
    /// What follows.
    pub then: Consequence,
}

/// What follows a timeout.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Consequence {
    /// The wait fails.
    Fail,
    /// The pod goes on without what is missing.
    GiveUp,
}

impl TimeoutRules {
    /// Returns the limit for one term that does not hold and never did.
    pub fn of_term(&self, term: &Term) -> Option<Expiry> {
        let then = match term.presence {
            Presence::Optional => Consequence::GiveUp,
            Presence::Failure | Presence::Required => self.consequence(),
        };
        self.expiry(term.timeout()?, then)
    }

    /// Returns the limit for the whole wait.
    pub fn of_wait(&self) -> Option<Expiry> {
        self.expiry(self.whole?, self.consequence())
    }

    fn consequence(&self) -> Consequence {
        match self.policy {
            TimeoutPolicy::Fail => Consequence::Fail,
            TimeoutPolicy::Proceed => Consequence::GiveUp,
        }
    }

    fn expiry(&self, after: Timeout, then: Consequence) -> Option<Expiry> {
        match (self.attempt, then) {
            (Attempt::Overdue, Consequence::Fail) => None,
            _ => Some(Expiry { after, then }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_rules(policy: TimeoutPolicy, attempt: Attempt) -> TimeoutRules {
        TimeoutRules {
            whole: Some(Timeout::from_secs(60)),
            policy,
            attempt,
        }
    }

    /// Prints the limits of a wait and of a term, as `30s Fail`.
    fn limits(rules: TimeoutRules, term: &str) -> [Option<String>; 2] {
        let term: Term = term.parse().unwrap();
        [rules.of_wait(), rules.of_term(&term)]
            .map(|expiry| expiry.map(|Expiry { after, then }| format!("{after} {then:?}")))
    }

    #[test]
    fn each_limit_fails_the_wait_or_gives_up() {
        use {Attempt::*, TimeoutPolicy::*};
        for (policy, attempt, term, of_wait, of_term) in [
            (Fail, First, "a", Some("1m Fail"), None),
            (Fail, First, "a within 5s", Some("1m Fail"), Some("5s Fail")),
            (Fail, First, "?a", Some("1m Fail"), Some("30s GiveUp")),
            (
                Fail,
                First,
                "?a within 5s",
                Some("1m Fail"),
                Some("5s GiveUp"),
            ),
            (Fail, First, "!a", Some("1m Fail"), None),
            (Fail, Overdue, "a within 5s", None, None),
            (Fail, Overdue, "?a", None, Some("30s GiveUp")),
            (
                Proceed,
                First,
                "a within 5s",
                Some("1m GiveUp"),
                Some("5s GiveUp"),
            ),
            (
                Proceed,
                Overdue,
                "a within 5s",
                Some("1m GiveUp"),
                Some("5s GiveUp"),
            ),
            (Proceed, Overdue, "a", Some("1m GiveUp"), None),
        ] {
            let expected = [of_wait, of_term].map(|limit| limit.map(str::to_owned));
            let rules = mk_rules(policy, attempt);
            assert_eq!(
                limits(rules, term),
                expected,
                "{policy:?} {attempt:?} {term}"
            );
        }
    }

    #[test]
    fn a_wait_without_a_timeout_has_no_limit() {
        assert_eq!(TimeoutRules::default().of_wait(), None);
    }
}
