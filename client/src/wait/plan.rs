//! What a wait is for.

use std::{ffi::OsString, time::Duration};

use oncue_language::{Term, Timeout, annotation::TimeoutPolicy};
use thiserror::Error;

use crate::args::{self, Command};

/// What a wait is for, and what is known of it when it begins.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is waited for.
    pub terms: Vec<Term>,
    /// The time for the whole wait.
    pub timeout: Option<Timeout>,
    /// What happens when a timeout goes by.
    pub policy: TimeoutPolicy,
    /// Set if the wait has failed before: it does not fail a second time.
    pub overdue: Option<Overdue>,
    /// Where the jitter comes from.
    pub random: fastrand::Rng,
}

/// A wait that failed once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Overdue {
    /// When it failed.
    pub at: Duration,
    /// When it failed, for a person.
    pub moment: String,
    /// Why it failed, in a few words.
    pub cause: String,
}

impl Plan {
    /// Returns the plan of the command line `wait ... -- TERM...`, without the program's own name:
    /// the wait has not failed yet.
    ///
    /// # Errors
    /// [`PlanError`] if the arguments do not say what to wait for.
    pub fn of_arguments(
        arguments: impl IntoIterator<Item = OsString>,
        random: fastrand::Rng,
    ) -> Result<Self, PlanError> {
        match Command::parse(arguments) {
            Ok(Command::Wait(wait)) => Ok(Self::new(*wait, None, random)),
            Ok(_) => Err(PlanError("it is not the command \"wait\"".to_owned())),
            Err(error) => Err(PlanError(error.rule)),
        }
    }

    pub(crate) fn new(
        arguments: args::Wait,
        overdue: Option<Overdue>,
        random: fastrand::Rng,
    ) -> Self {
        Self {
            terms: arguments.terms,
            timeout: arguments.timeout,
            policy: arguments.policy,
            overdue,
            random,
        }
    }
}

/// Arguments that do not say what to wait for.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("failed to read the arguments of a wait: {0}")]
pub struct PlanError(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Plan, PlanError> {
        let words = arguments.split(' ').map(OsString::from);
        Plan::of_arguments(words, fastrand::Rng::with_seed(1))
    }

    #[test]
    fn reads_what_is_injected() {
        let plan = parse("wait --dir=/oncue --install --timeout=5m --signal=a/b -- c/d").unwrap();
        assert_eq!(plan.terms[0].to_string(), "c/d");
        assert_eq!(plan.timeout, Some(Timeout::from_secs(300)));
        assert_eq!(plan.policy, TimeoutPolicy::Fail);
        assert_eq!(plan.overdue, None);
    }

    #[test]
    fn rejects_other_commands_and_options() {
        assert!(parse("create a/b").is_err());
        assert!(parse("wait --no-such-option -- a/b").is_err());
    }
}
